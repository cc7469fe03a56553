"""Reductions over the elements that a mask names, as in `torch.masked`: True in `mask` says that an element counts.

What does not count is replaced by what changes nothing, 0 in a sum, and the ordinary function does the rest, and its gradients.
"""

from __future__ import annotations

import math

from ..core.dtypes import bool_, complex64, float32, iinfo, int64
from ..core.op import public
from ..core.tensor import Tensor

__all__ = ["amax", "amin", "argmax", "argmin", "as_masked_tensor", "cumprod", "cumsum", "is_masked_tensor", "log_softmax", "logaddexp", "logsumexp", "masked_tensor", "mean", "median",
           "norm", "normalize", "prod", "softmax", "softmin", "std", "sum", "var"]

_all = public[""]
_SMALL = ("uint8", "bool", "int8", "int16", "int32")  # summed as int64


def sum(input: Tensor, dim=None, *, keepdim: bool | None = False, dtype=None, mask: Tensor | None = None) -> Tensor:
    """The sum over `dim` of what `mask` names; 0 where that is nothing.

    >>> import autodiff_lab as lab
    >>> lab.masked.sum(lab.tensor([[1.0, 2.0], [3.0, 4.0]]), 1, mask=lab.tensor([[True, False], [False, False]]))
    tensor([1., 0.])
    """
    dims = _dims(dim, input.ndim)
    return _filled(input, mask, 0).sum(dims, bool(keepdim), dtype=_counted(input, dtype)) if dims else _filled(input, mask, 0).to(_counted(input, dtype))


def prod(input: Tensor, dim=None, *, keepdim: bool | None = False, dtype=None, mask: Tensor | None = None) -> Tensor:
    """The product over `dim` of what `mask` names; 1 where that is nothing."""
    found = _filled(input, mask, 1).to(_counted(input, dtype))
    for d in sorted(_dims(dim, input.ndim), reverse=True):
        found = found.prod(d, bool(keepdim))
    return found


def mean(input: Tensor, dim=None, *, keepdim: bool | None = False, dtype=None, mask: Tensor | None = None) -> Tensor:
    """The average over `dim` of what `mask` names; nan where that is nothing.

    Raises:
        ValueError: for whole numbers, unless `dtype` is floating point.
    """
    wanted = dtype or input.dtype
    if not (wanted.is_floating_point or wanted.is_complex):
        raise ValueError(f"mean(): Could not infer output dtype. {'Optional' if dtype else 'Input'} dtype must be either a floating point or complex dtype. Got: {wanted}")
    return sum(input, dim, keepdim=keepdim, dtype=wanted, mask=mask) / _count(input, dim, keepdim, mask)


def var(input: Tensor, dim=None, unbiased: bool | None = None, *, correction=None, keepdim: bool | None = False, dtype=None, mask: Tensor | None = None) -> Tensor:
    """The variance over `dim` of what `mask` names; the divisor is their number minus `correction` (1)."""
    if unbiased is not None and correction is not None:
        raise AssertionError("Only one of unbiased and correction may be given")
    less = float(correction) if correction is not None else 0.0 if unbiased is False else 1.0
    wanted = dtype or (input.dtype if input.dtype.is_floating_point or input.dtype.is_complex else float32)
    middle = sum(input, dim, keepdim=True, dtype=wanted, mask=mask) / _count(input, dim, True, mask)
    apart = input - middle
    total = sum(apart * apart.conj(), dim, keepdim=keepdim, dtype=wanted, mask=mask)
    count = _count(input, dim, keepdim, mask)
    if less:
        count = (count.to(float32 if wanted is complex64 else wanted.to_real()) - less).clamp_min(0)
    return (total / count).to(wanted)


def std(input: Tensor, dim=None, unbiased: bool | None = None, *, correction=None, keepdim: bool | None = False, dtype=None, mask: Tensor | None = None) -> Tensor:
    """The square root of `var`."""
    return var(input, dim, unbiased, correction=correction, keepdim=keepdim, dtype=dtype, mask=mask).sqrt()


def amax(input: Tensor, dim=None, *, keepdim: bool | None = False, dtype=None, mask: Tensor | None = None) -> Tensor:
    """The largest over `dim` of what `mask` names; the smallest number of the type where that is nothing."""
    return _filled(input, mask, _lowest(input)).amax(_dims(dim, input.ndim), bool(keepdim)).to(dtype or input.dtype)


def amin(input: Tensor, dim=None, *, keepdim: bool | None = False, dtype=None, mask: Tensor | None = None) -> Tensor:
    """The smallest over `dim` of what `mask` names; the largest number of the type where that is nothing."""
    return _filled(input, mask, _highest(input)).amin(_dims(dim, input.ndim), bool(keepdim)).to(dtype or input.dtype)


def argmax(input: Tensor, dim: int | None = None, *, keepdim: bool | None = False, dtype=None, mask: Tensor | None = None) -> Tensor:
    """Where the largest of what `mask` names stands."""
    return _filled(input, mask, _lowest(input)).argmax(dim, bool(keepdim)).to(dtype or input.dtype)


def argmin(input: Tensor, dim: int | None = None, *, keepdim: bool | None = False, dtype=None, mask: Tensor | None = None) -> Tensor:
    """Where the smallest of what `mask` names stands."""
    return _filled(input, mask, _highest(input)).argmin(dim, bool(keepdim)).to(dtype or input.dtype)


def median(input: Tensor, dim: int = -1, *, keepdim: bool = False, dtype=None, mask: Tensor | None = None) -> Tensor:
    """The middle one along `dim` of what `mask` names; nan where that is nothing.

    Raises:
        ValueError: for whole numbers where that is nothing.
    """
    floating = input.is_floating_point()
    found = _filled(input if floating else input.to(float32), mask, math.nan).nanmedian(_dims(dim, input.ndim)[0], keepdim).values
    if not floating and bool(found.isnan().any()):
        raise ValueError("masked median expects no fully masked out rows if dtype is not floating point")
    return found if floating else found.to(dtype or input.dtype)


def norm(input: Tensor, ord: float | None = 2.0, dim=None, *, keepdim: bool | None = False, dtype=None, mask: Tensor | None = None) -> Tensor:
    """The vector norm over `dim` of what `mask` names."""
    return public["linalg"]["vector_norm"](_filled(input, mask, math.inf if ord == -math.inf else 0), ord, _dims(dim, input.ndim), bool(keepdim), dtype=dtype or input.dtype)


def normalize(input: Tensor, ord: float, dim: int, *, eps: float = 1e-12, dtype=None, mask: Tensor | None = None) -> Tensor:
    """What `mask` names, divided by its norm along `dim`; 0 elsewhere."""
    length = norm(input, ord, dim, keepdim=True, dtype=dtype, mask=mask)
    return _filled(input, mask, 0) / length.maximum(length.new_full([], eps))


def logsumexp(input: Tensor, dim=None, *, keepdim: bool = False, dtype=None, mask: Tensor | None = None) -> Tensor:
    """The logarithm of the sum of exponentials over `dim` of what `mask` names."""
    return _filled(input, mask, _lowest(input)).logsumexp(_dims(dim, input.ndim), keepdim).to(dtype or input.dtype)


def logaddexp(input: Tensor, other: Tensor, *, dtype=None, input_mask: Tensor | None = None, other_mask: Tensor | None = None) -> Tensor:
    """The logarithm of the sum of both exponentials, each only where its mask names it."""
    return _filled(input, input_mask, _lowest(input)).logaddexp(_filled(other, other_mask, _lowest(other))).to(dtype or input.dtype)


def cumsum(input: Tensor, dim: int, *, dtype=None, mask: Tensor | None = None) -> Tensor:
    """The running sum along `dim` of what `mask` names."""
    return _filled(input, mask, 0).cumsum(_dims(dim, input.ndim)[0], dtype=dtype or input.dtype)


def cumprod(input: Tensor, dim: int, *, dtype=None, mask: Tensor | None = None) -> Tensor:
    """The running product along `dim` of what `mask` names."""
    return _filled(input, mask, 1).cumprod(_dims(dim, input.ndim)[0], dtype=dtype or input.dtype)


def softmax(input: Tensor, dim: int, *, dtype=None, mask: Tensor | None = None) -> Tensor:
    """Softmax along `dim` of what `mask` names; 0 elsewhere.

    >>> import autodiff_lab as lab
    >>> lab.masked.softmax(lab.zeros(3), 0, mask=lab.tensor([True, False, True]))
    tensor([0.5000, 0.0000, 0.5000])
    """
    return _filled(input, mask, _lowest(input)).softmax(_dims(dim, input.ndim)[0], dtype=dtype or input.dtype)


def log_softmax(input: Tensor, dim: int, *, dtype=None, mask: Tensor | None = None) -> Tensor:
    """The logarithm of `softmax`; -inf elsewhere."""
    return _filled(input, mask, _lowest(input)).log_softmax(_dims(dim, input.ndim)[0], dtype=dtype or input.dtype)


def softmin(input: Tensor, dim: int, *, dtype=None, mask: Tensor | None = None) -> Tensor:
    """Softmax of the negative of what `mask` names; 0 elsewhere."""
    return public["nn.functional"]["softmin"](_filled(input, mask, _highest(input)), _dims(dim, input.ndim)[0], dtype=dtype or input.dtype)


def masked_tensor(data: Tensor, mask: Tensor, requires_grad: bool = False):
    """Refused: tensors that carry their mask are a prototype in PyTorch and not here. The functions of this module take `mask`."""
    raise NotImplementedError("masked_tensor: tensors that carry their mask are not here. Give the mask to the functions of torch.masked: torch.masked.sum(data, mask=mask).")


as_masked_tensor = masked_tensor


def is_masked_tensor(obj) -> bool:
    """False: there are none here."""
    return False


# ---- helpers, in order of use ----

def _filled(input: Tensor, mask: Tensor | None, value) -> Tensor:
    """`input` with `value` where the mask is False.

    Raises:
        IndexError: if the mask has more dimensions.
    """
    if mask is None:
        return input
    return _all["where"](_mask(input, mask), input, _all["tensor"](value, dtype=input.dtype, device=input.device))


def _mask(input: Tensor, mask: Tensor) -> Tensor:
    if mask.ndim > input.ndim:
        raise IndexError("_input_mask expected broadcastable mask (got mask dimensionality higher than of the input)")
    return (mask if mask.shape == input.shape else mask.broadcast_to(input.shape)).to(bool_)


def _dims(dim, ndim: int) -> tuple:
    """The dimensions, not negative; all of them for None and ().

    Raises:
        RuntimeError: if one stands there twice.
        IndexError: if there is no such dimension.
    """
    if dim is None or dim == () or dim == []:
        return tuple(range(ndim))
    found: list = []
    for d in (dim,) if isinstance(dim, int) else dim:
        size = max(ndim, 1)
        if not -size <= d < size:
            raise IndexError(f"Dimension out of range (expected to be in range of [{-size}, {size - 1}], but got {d})")
        if d % size in found:
            raise RuntimeError(f"dim={d % size} appears multiple times in the list of dims")
        found.append(d % size)
    return tuple(found)


def _counted(input: Tensor, dtype):
    """The type of a sum or product."""
    return dtype or (int64 if input.dtype.name in _SMALL else input.dtype)


def _count(input: Tensor, dim, keepdim, mask: Tensor | None) -> Tensor:
    """How many elements count."""
    every = _all["ones"](input.shape, dtype=int64, device=input.device) if mask is None else _mask(input, mask).to(int64)
    dims = _dims(dim, input.ndim)
    return every.sum(dims, bool(keepdim)) if dims else every


def _lowest(input: Tensor):
    return -math.inf if input.is_floating_point() or input.is_complex() else iinfo(input.dtype).min


def _highest(input: Tensor):
    return math.inf if input.is_floating_point() else iinfo(input.dtype).max
