"""Dropout: numbers left out at random while training, from PyTorch's own random stream."""

from __future__ import annotations

import math

from ..backend import namespace, order_like, random
from ..core.dtypes import dtype_of
from ..core.errors import caution
from ..core.op import op, public
from ..core.tensor import Tensor, wrap

__all__ = ["keep_mask"]


def keep_mask(like, p: float, shape=None):
    """0 with probability `p`, else 1 / (1 - p), in the type of the array `like`; drawn in the memory order of `like`."""
    import numpy as np

    if like.dtype.kind in "biu":
        raise RuntimeError(f"result type Float can't be cast to the desired output type {dtype_of(like).title}. Convert the input first, e.g. with .float().")
    if like.dtype.kind == "c":
        raise NotImplementedError(f"\"bernoulli_scalar_cpu_\" not implemented for '{dtype_of(like).title}'. Drop its real and imaginary part.")
    mask = np.empty_like(like, order=order_like(like)) if shape is None and isinstance(like, np.ndarray) else np.empty(like.shape if shape is None else shape, like.dtype)
    random.bernoulli_scalar(random.default_generator, mask, 1 - p)
    if p < 1:
        mask /= mask.dtype.type(1 - p)
    return mask if isinstance(like, (np.ndarray, np.generic)) else namespace(like).asarray(mask)


@op(category="random", latex=r"x \cdot \frac{m}{1-p},\ m \sim \text{Bernoulli}(1-p)", function=False, method=False, out=False, node_name="Mul", extras=("mask",))
def drop(input: Tensor, p: float) -> Tensor:
    """Each number times 0 (with probability p) or 1/(1 - p)."""
    mask = keep_mask(input, p)
    return input * mask, mask


@drop.vjp("input", latex=r"\frac{m}{1-p}")
def _(grad, mask):
    return grad * mask


def check_probability(p) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False):
    """Set each number to 0 with probability p and scale the others up, so that the mean stays (Srivastava et al., 2014).

    Outside training nothing is changed and nothing is drawn.

    Raises:
        ValueError: for a p outside [0, 1].

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.dropout(lab.ones(3), p=0.5, training=False)
    tensor([1., 1., 1.])
    """
    check_probability(p)
    if not training or p == 0 or not input.numel():
        return input
    if p == 1:
        return input.mul_(0) if inplace else input * input.new_zeros(())
    if inplace:
        return input.mul_(wrap(keep_mask(input._array(), p)))
    return drop(input, p)


def whole_channels(input, p: float, training: bool, inplace: bool):
    if not training or p == 0 or not input.numel():
        return input
    if input.ndim < 2:
        raise RuntimeError(f"Feature dropout requires at least 2 dimensions in the input, got shape {list(input.shape)}")
    shape = (*input.shape[:2], *(1,) * (input.ndim - 2))
    if p == 1:
        return input.mul_(0) if inplace else input * input.new_zeros(())
    mask = wrap(keep_mask(input._array(), p, shape))
    return input.mul_(mask) if inplace else input * mask


def dropout1d(input, p: float = 0.5, training: bool = True, inplace: bool = False):
    """Leave out whole channels of (N, C, L) or (C, L)."""
    check_probability(p)
    if input.ndim not in (2, 3):
        raise RuntimeError(f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input. Note that dropout1d exists to provide channel-wise dropout on inputs "
                           "with 1 spatial dimension, a channel dimension, and an optional batch dimension (i.e. 2D or 3D inputs).")
    return _unbatched(input, input.ndim == 2, p, training, inplace)


def dropout2d(input, p: float = 0.5, training: bool = True, inplace: bool = False):
    """Leave out whole channels of (N, C, H, W)."""
    check_probability(p)
    if input.ndim not in (3, 4):
        caution(f"dropout2d: Received a {input.ndim}-D input to dropout2d, which is deprecated and will result in an error in a future release. To retain the behavior and silence this "
                "warning, please use dropout instead. Note that dropout2d exists to provide channel-wise dropout on inputs with 2 spatial dimensions, a channel dimension, "
                "and an optional batch dimension (i.e. 3D or 4D inputs).")
    if input.ndim == 3:
        caution("dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired - input is interpreted as shape (N, C, L), "
                "where C is the channel dim. This behavior will change in a future release to interpret the input as one without a batch dimension, i.e. shape (C, H, W). "
                "To maintain the 1D channel-wise dropout behavior, please switch to using dropout1d instead.")
    return whole_channels(input, p, training, inplace)


def dropout3d(input, p: float = 0.5, training: bool = True, inplace: bool = False):
    """Leave out whole channels of (N, C, D, H, W) or (C, D, H, W)."""
    check_probability(p)
    if input.ndim not in (4, 5):
        caution(f"dropout3d: Received a {input.ndim}-D input to dropout3d, which is deprecated and will result in an error in a future release. To retain the behavior and silence this "
                "warning, please use dropout instead. Note that dropout3d exists to provide channel-wise dropout on inputs with 3 spatial dimensions, a channel dimension, "
                "and an optional batch dimension (i.e. 4D or 5D inputs).")
    return _unbatched(input, input.ndim == 4, p, training, inplace)


def _unbatched(input, lone: bool, p, training, inplace):
    if not lone:
        return whole_channels(input, p, training, inplace)
    if inplace:
        whole_channels(input.unsqueeze(0), p, training, True)
        return input
    return whole_channels(input.unsqueeze(0), p, training, False).squeeze(0)


ALPHA = 1.7580993408473766  # SELU's alpha times its scale: where it saturates


def _alpha(input, p, training, inplace, shape):
    check_probability(p)
    if not training or p == 0 or not input.numel():
        return input
    if p == 1:
        return input.mul_(0) if inplace else input * input.new_zeros(())
    scale = 1.0 / math.sqrt((ALPHA * ALPHA * p + 1) * (1 - p))
    keep = random_keep(input, p, shape)
    shift = wrap((keep - 1) * keep.dtype.type(ALPHA * scale) + keep.dtype.type(ALPHA * scale * p))
    factor = wrap(keep * keep.dtype.type(scale))
    return input.mul_(factor).add_(shift) if inplace else input * factor + shift


def random_keep(input, p, shape):
    import numpy as np

    like = input._a
    keep = np.empty_like(like, order=order_like(like)) if isinstance(like, np.ndarray) and like.shape == shape else np.empty(shape, like.dtype)
    random.bernoulli_scalar(random.default_generator, keep, 1 - p)
    return namespace(input._a).asarray(keep)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False):
    """Dropout that keeps mean 0 and variance 1 behind SELU: numbers left out get its saturation value (Klambauer et al., 2017)."""
    return _alpha(input, p, training, inplace, tuple(input.shape))


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False):
    """`alpha_dropout` of whole channels."""
    return _alpha(input, p, training, inplace, (*input.shape[:2], *(1,) * (input.ndim - 2)))


public["nn.functional"].update(dropout=dropout, dropout1d=dropout1d, dropout2d=dropout2d, dropout3d=dropout3d, alpha_dropout=alpha_dropout,
                               feature_alpha_dropout=feature_alpha_dropout)


def _renamed(function, names: tuple):
    def of_train(input: Tensor, p: float, train: bool):
        return function(input, p, train)
    of_train.__doc__ = function.__doc__
    return {names[0]: of_train, names[1]: lambda input, p, train: function(input, p, train, True)}


for _function, _name in ((dropout, "dropout"), (alpha_dropout, "alpha_dropout"), (feature_alpha_dropout, "feature_alpha_dropout"),
                         (lambda input, p, train, inplace=False: whole_channels(input, p, train, inplace), "feature_dropout")):
    public[""].update(_renamed(_function, (_name, f"{_name}_")))
