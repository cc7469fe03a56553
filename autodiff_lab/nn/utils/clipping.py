"""Gradient clipping: no gradient, or all gradients together, larger than a bound."""

from __future__ import annotations

import math
from types import GeneratorType

from ...backend import namespace
from ...core.errors import caution
from ...core.tape import Version
from ...core.tensor import Tensor, wrap

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]


def _gradients(parameters) -> list[Tensor]:
    parameters = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [p._grad for p in parameters if p._grad is not None]


def _times(grads, factor) -> None:
    for grad in grads:
        array = grad._array()
        array *= array.dtype.type(factor)
        if grad._ver is None:
            grad._ver = Version()
        grad._ver.bump()


def get_total_norm(tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None) -> Tensor:
    """The norm of all numbers in several tensors together.

    >>> import autodiff_lab as lab
    >>> lab.nn.utils.get_total_norm([lab.tensor([3.0]), lab.tensor([4.0])])
    tensor(5.)
    """
    tensors = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    norm_type = float(norm_type)
    arrays = [t._array().reshape(-1) for t in tensors]
    if not arrays:
        from ...core.op import public
        return public[""]["tensor"](0.0)
    xp, dtype = namespace(arrays[0]), arrays[0].dtype
    if norm_type == 2.0:
        # One dot product each; squares of float32 overflow only beyond 1e19, where the plain norm is taken.
        squares = [xp.dot(a, a) if a.dtype.itemsize > 2 else xp.dot(a.astype("float32"), a.astype("float32")) for a in arrays]
        total = xp.sqrt(xp.asarray(squares).sum())
        if not xp.isfinite(total):
            total = xp.linalg.norm(xp.asarray([xp.linalg.norm(a.astype("float64")) for a in arrays]))
    elif math.isinf(norm_type):
        pick = xp.max if norm_type > 0 else xp.min
        total = pick(xp.asarray([pick(xp.abs(a)) for a in arrays if a.size]))
    else:
        total = xp.asarray([(xp.abs(a) ** norm_type).sum() for a in arrays]).sum() ** (1.0 / norm_type)
    total = xp.asarray(total).astype(dtype)[()]
    if error_if_nonfinite and not bool(xp.isfinite(total)):
        raise RuntimeError(f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be clipped. To disable this error and scale "
                           "the gradients by the non-finite norm anyway, set `error_if_nonfinite=False`")
    return wrap(total)


def clip_grads_with_norm_(parameters, max_norm: float, total_norm: Tensor, foreach: bool | None = None) -> None:
    """Scale gradients by max_norm / total_norm if that is below 1.

    >>> import autodiff_lab as lab
    >>> w = lab.zeros(2, requires_grad=True)
    >>> w.grad = lab.tensor([3.0, 4.0])
    >>> lab.nn.utils.clip_grads_with_norm_([w], max_norm=1.0, total_norm=lab.tensor(5.0))
    >>> w.grad
    tensor([0.6000, 0.8000])
    """
    factor = float(max_norm) / (total_norm._a + total_norm._a.dtype.type(1e-6))
    if not factor >= 1.0:
        _times(_gradients(parameters), factor)


def clip_grad_norm_(parameters, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None) -> Tensor:
    """Scale all gradients together, in place, so that their common norm is at most `max_norm`. Returns the norm before.

    >>> import autodiff_lab as lab
    >>> p = lab.nn.Parameter(lab.zeros(2))
    >>> p.grad = lab.tensor([3.0, 4.0])
    >>> lab.nn.utils.clip_grad_norm_([p], 1.0)
    tensor(5.)
    """
    given = parameters
    parameters = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if not parameters and isinstance(given, GeneratorType):
        caution("`parameters` is an empty generator, no gradient clipping will occur.")
    total = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


def clip_grad_norm(parameters, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None) -> Tensor:
    """Old name of `clip_grad_norm_`."""
    caution("`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.", FutureWarning)
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite)


def clip_grad_value_(parameters, clip_value: float, foreach: bool | None = None) -> None:
    """Cut every number of every gradient off at ±clip_value, in place.

    >>> import autodiff_lab as lab
    >>> w = lab.tensor([1.0, -3.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> lab.nn.utils.clip_grad_value_([w], 2.5)
    >>> w.grad
    tensor([ 2.0000, -2.5000])
    """
    for grad in _gradients(parameters):
        array = grad._array()
        namespace(array).clip(array, -float(clip_value), float(clip_value), out=array)
        if grad._ver is None:
            grad._ver = Version()
        grad._ver.bump()
