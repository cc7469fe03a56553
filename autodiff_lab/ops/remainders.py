"""Whole quotients and what they leave: Python's `//` and `%`, and C's fmod."""

from __future__ import annotations

from ..backend import namespace
from ..backend.division import rest
from ..core.dtypes import dtype_of
from ..core.op import op, ops
from ..core.samples import calls
from ..core.tensor import Tensor
from .arithmetic import Number, floored, refuse_zero


@op(category="pointwise", latex=r"\lfloor x / y \rfloor", promote="numeric", inplace=True, dunder=("__floordiv__", "__ifloordiv__"), samples=calls(
    lambda r: ((r.integers(-9, 9, (3, 4)), 4), {}), lambda r: ((r.integers(-9, 9, (3, 4)), r.integers(1, 5, (4,))), {})))
def floor_divide(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """The quotient, rounded down; Python's `//`.

    >>> import autodiff_lab as lab
    >>> lab.tensor([7, -7]) // 2
    tensor([ 3, -4])
    """
    return floored(namespace(input), input, other)


@floor_divide.vjp("input", "other")
def _(grad):
    raise RuntimeError("derivative for aten::floor_divide is not implemented. It is 0 wherever it exists: use div(..., rounding_mode='floor') for that.")


@op(category="pointwise", latex=r"\lfloor y / x \rfloor", promote="numeric", dunder=("__rfloordiv__",), function=False, method=False)
def rfloor_divide(input: Tensor, other: Tensor | Number) -> Tensor:
    """`other // input`."""
    return floored(namespace(input), other if hasattr(other, "dtype") else input.dtype.type(other), input)


@rfloor_divide.vjp("input", "other")
def _(grad):
    raise RuntimeError("derivative for aten::floor_divide is not implemented. It is 0 wherever it exists: use div(..., rounding_mode='floor') for that.")


apart = calls(lambda r: ((r.uniform(-5, 5, (3, 4)), r.uniform(1.1, 2, (4,))), {}), lambda r: ((r.uniform(-5, 5, (3, 4)), 1.7), {}), lambda r: ((r.integers(-9, 9, (3, 4)), 4), {}),
              lambda r: ((r.uniform(-5, 5, ()), r.uniform(-2, -1.1, (3,))), {}))


@op(category="pointwise", latex=r"x \bmod y", samples=apart, promote="numeric", inplace=True, dunder=("__mod__", "__imod__"), variants=(("isinstance(other, Tensor)", "RemainderBackward1"),))
def remainder(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """What division leaves, with the sign of `other`; Python's `%`.

    >>> import autodiff_lab as lab
    >>> lab.remainder(lab.tensor([7, -7]), 2)
    tensor([1, 1])
    """
    _can_divide("remainder", input, other)
    found = rest(input, other)
    xp = namespace(input)
    return _signed(xp, xp.remainder(input, other) if found is None else found, input)


def _signed(xp, found, divided):
    """Zeros with the sign of what was divided, as C's fmod leaves them; NumPy's have that of the divisor."""
    if found.dtype.kind != "f":
        return found
    zero = found == 0
    return xp.where(zero, xp.copysign(found, divided), found).astype(found.dtype, copy=False) if zero.any() else found


@remainder.vjp("input", latex="1")
def _(grad):
    return grad


@remainder.vjp("other", latex=r"-\lfloor x / y \rfloor")
def _(grad, input, other):
    return -grad * ops.div(input * (other * 0 + 1), other, rounding_mode="floor")


@op(category="pointwise", latex=r"y \bmod x", samples=calls(lambda r: ((r.uniform(1.1, 2, (3, 4)), 4.3), {}), lambda r: ((r.uniform(1.1, 2, (3,)), r.uniform(4.1, 4.3, (3,))), {})), promote="numeric", dunder=("__rmod__",), function=False, method=False, node_name="Remainder")
def rremainder(input: Tensor, other: Tensor | Number) -> Tensor:
    """`other % input`."""
    _can_divide("remainder", input, input)
    xp = namespace(input)
    return _signed(xp, xp.remainder(other, input), other)


@rremainder.vjp("input", latex=r"-\lfloor y / x \rfloor")
def _(grad, input, other):
    return -grad * ops.div(input * 0 + other, input, rounding_mode="floor")


@rremainder.vjp("other", latex="1")
def _(grad):
    return grad


@op(category="pointwise", latex=r"x - y \operatorname{trunc}(x / y)", samples=apart, promote="numeric", inplace=True, variants=(("isinstance(other, Tensor)", "FmodBackward1"),))
def fmod(input: Tensor, other: Tensor | Number) -> Tensor:
    """What division leaves, with the sign of `input`; C's fmod.

    >>> import autodiff_lab as lab
    >>> lab.fmod(lab.tensor([7, -7]), 2)
    tensor([ 1, -1])
    """
    _can_divide("fmod", input, other)
    return namespace(input).fmod(input, other)


@fmod.vjp("input", latex="1")
def _(grad):
    return grad


@fmod.vjp("other", latex=r"-\operatorname{trunc}(x / y)")
def _(grad, input, other):
    return -grad * ops.div(input, other, rounding_mode="trunc")


def _can_divide(name: str, input, other) -> None:
    if input.dtype.kind in "bc":
        raise NotImplementedError(f'"{name}_cpu" not implemented for \'{dtype_of(input).title}\'')
    refuse_zero(input, other)
