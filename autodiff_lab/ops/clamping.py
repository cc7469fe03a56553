"""Holding numbers between bounds: clamp and its kin."""

from __future__ import annotations

from ..backend import namespace
from ..backend.fast import at_least, at_most, between
from ..core.op import op, ops
from ..core.samples import calls
from ..core.support import narrowed
from ..core.tensor import Tensor
from .reductions import ordered

Number = int | float | complex | bool


@op(category="pointwise", latex=r"\min(\max(x, a), b)", promote="numeric", inplace=True, alias=("clip",), samples=calls(
    lambda r: ((r.uniform(-2, 2, (3, 4)), -0.51, 0.73), {}), lambda r: ((r.uniform(-2, 2, (3, 4)), 0.1), {}), lambda r: ((r.uniform(-2, 2, (3, 4)),), {"max": 0.1}),
    lambda r: ((r.uniform(-2, 2, (3, 4)), r.uniform(-1, 0, (4,)), r.uniform(0, 1, (3, 1))), {}), lambda r: ((r.uniform(-2, 2, ()), 0.0, 1.0), {})), variants=(("not isinstance(min, Tensor) and not isinstance(max, Tensor)", "ClampBackward1"),))
def clamp(input: Tensor, min: Tensor | Number | None = None, max: Tensor | Number | None = None) -> Tensor:
    """Every element, held between `min` and `max` (numbers or tensors). The gradient at a bound is 1.

    If `min` is above `max`, the result is `max`.

    Raises:
        RuntimeError: if neither bound is given.

    >>> import autodiff_lab as lab
    >>> lab.clamp(lab.tensor([-2.0, 0.5, 3.0]), 0, 1)
    tensor([0.0000, 0.5000, 1.0000])
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if input.dtype.kind == "c" or input.dtype.kind == "b" and min is not None and max is not None:
        raise NotImplementedError("clamp is not supported for complex types: they have no order. Clamp .real and .imag, or .abs()." if input.dtype.kind == "c"
                                  else "\"clamp_cpu\" not implemented for 'Bool'. Convert to numbers first, e.g. with .int().")
    xp = namespace(input)
    if not hasattr(min, "dtype") and not hasattr(max, "dtype"):
        return narrowed(at_least(input, min) if max is None else at_most(input, max) if min is None else between(input, min, max), input)
    if min is not None and max is not None and (min if hasattr(min, "dtype") else max).ndim and hasattr(min, "dtype") != hasattr(max, "dtype"):
        raise TypeError("clamp() received an invalid combination of arguments: min and max are both numbers or both tensors. Clamp twice, or wrap the number with torch.tensor(...).")
    out = input
    if min is not None:
        out = xp.maximum(out, min)
    if max is not None:
        out = xp.minimum(out, max)
    return out


def within(input, min, max):
    """True where the bounds leave an element as it is."""
    if min is None:
        return input <= max
    return input >= min if max is None else (input >= min) & (input <= max)


@clamp.vjp("input", latex=r"[a \le x \le b]")
def _(grad, input, min, max):
    return ops.where(within(input, min, max), grad, 0.0)


@clamp.vjp("min", latex=r"[x < a]")
def _(grad, input, min, max):
    return ops.where(input < min if max is None else (input < min) & (min < max), grad, 0.0)


@clamp.vjp("max", latex=r"[x > b]")
def _(grad, input, min, max):
    return ops.where(input > max if min is None else (input > max) | (min > max), grad, 0.0)


@op(category="pointwise", latex=r"\max(x, a)", promote="numeric", inplace=True, samples=calls(
    lambda r: ((r.uniform(-2, 2, (3, 4)), 0.1), {}), lambda r: ((r.uniform(-2, 2, (3, 4)), r.uniform(-1, 0, (4,))), {})), variants=(("isinstance(min, Tensor)", "ClampMinBackward1"),))
def clamp_min(input: Tensor, min: Tensor | Number) -> Tensor:
    """Every element, at least `min`.

    >>> import autodiff_lab as lab
    >>> lab.clamp_min(lab.tensor([-1.0, 2.0]), 0)
    tensor([0., 2.])
    """
    ordered("clamp_min", input)
    return namespace(input).maximum(input, min)


@clamp_min.vjp("input", latex=r"[x \ge a]")
def _(grad, input, min):
    return ops.where(input >= min, grad, 0.0)


@clamp_min.vjp("min", latex=r"[x < a]")
def _(grad, input, min):
    return ops.where(input < min, grad, 0.0)


@op(category="pointwise", latex=r"\min(x, b)", promote="numeric", inplace=True, samples=calls(
    lambda r: ((r.uniform(-2, 2, (3, 4)), 0.1), {}), lambda r: ((r.uniform(-2, 2, (3, 4)), r.uniform(-1, 0, (4,))), {})), variants=(("isinstance(max, Tensor)", "ClampMaxBackward1"),))
def clamp_max(input: Tensor, max: Tensor | Number) -> Tensor:
    """Every element, at most `max`.

    >>> import autodiff_lab as lab
    >>> lab.clamp_max(lab.tensor([-1.0, 2.0]), 0)
    tensor([-1.,  0.])
    """
    ordered("clamp_max", input)
    return namespace(input).minimum(input, max)


@clamp_max.vjp("input", latex=r"[x \le b]")
def _(grad, input, max):
    return ops.where(input <= max, grad, 0.0)


@clamp_max.vjp("max", latex=r"[x > b]")
def _(grad, input, max):
    return ops.where(input > max, grad, 0.0)


