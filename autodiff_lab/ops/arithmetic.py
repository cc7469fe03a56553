"""Arithmetic: add, sub, mul, div, powers. Operators of Python (`+ - * / // % **`) are these functions."""

from __future__ import annotations

import math

import numpy as np

from ..backend import namespace
from ..core.op import op, ops
from ..core.samples import away_from, calls, pairs, positive, reals
from ..core.tensor import Tensor

Number = int | float | complex | bool


def scaled(value, alpha):
    """`alpha * value`; the usual alpha of 1 costs nothing."""
    return value if alpha == 1 else value * alpha


@op(category="pointwise", latex=r"x + y", samples=pairs(), promote="numeric", inplace=True, ufunc=np.add, dunder=("__add__", "__radd__", "__iadd__"))
def add(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """Sum of two tensors, element by element: `input + alpha * other`.

    >>> import autodiff_lab as lab
    >>> lab.add(lab.tensor([1.0, 2.0]), 3)
    tensor([4., 5.])
    """
    return input + other if alpha == 1 else input + other * alpha


@add.vjp("input", latex="1")
def _(grad):
    return grad


@add.vjp("other", latex="1")
def _(grad, alpha):
    return scaled(grad, alpha)


@op(category="pointwise", latex=r"x - y", samples=pairs(), promote="numeric", inplace=True, dunder=("__sub__", "__isub__"), alias=("subtract",))
def sub(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """Difference of two tensors: `input - alpha * other`.

    >>> import autodiff_lab as lab
    >>> lab.sub(lab.tensor([1.0, 2.0]), lab.tensor([0.5, 0.5]))
    tensor([0.5000, 1.5000])
    """
    if input.dtype.kind == "b":
        raise RuntimeError("Subtraction, the `-` operator, with a bool tensor is not supported. "
                           "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.")
    return input - other if alpha == 1 else input - other * alpha


@sub.vjp("input", latex="1")
def _(grad):
    return grad


@sub.vjp("other", latex="-1")
def _(grad, alpha):
    return -scaled(grad, alpha)


@op(category="pointwise", latex=r"y - x", samples=pairs(), promote="numeric", dunder=("__rsub__",))
def rsub(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """Difference with the sides exchanged: `other - alpha * input`."""
    if input.dtype.kind == "b":
        raise RuntimeError("Subtraction, the `-` operator, with a bool tensor is not supported. "
                           "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.")
    return other - scaled(input, alpha)


@rsub.vjp("input", latex="-1")
def _(grad, alpha):
    return -scaled(grad, alpha)


@rsub.vjp("other", latex="1")
def _(grad):
    return grad


@op(category="pointwise", latex=r"x \cdot y", samples=pairs(), promote="numeric", inplace=True, ufunc=np.multiply,
    dunder=("__mul__", "__rmul__", "__imul__"), alias=("multiply",))
def mul(input: Tensor, other: Tensor | Number) -> Tensor:
    """Product of two tensors, element by element.

    >>> import autodiff_lab as lab
    >>> lab.mul(lab.tensor([1.0, 2.0]), lab.tensor([3.0, 4.0]))
    tensor([3., 8.])
    """
    return input * other


@mul.vjp("input", latex="y")
def _(grad, other):
    return grad * ops.conj(other)


@mul.vjp("other", latex="x")
def _(grad, input):
    return grad * ops.conj(input)


@op(category="pointwise", latex=r"\bar{x}", samples=reals(), node_name="Conj")
def conj(input: Tensor | Number) -> Tensor:
    """Complex conjugate; a real tensor is returned as it is."""
    if input.__class__ is float or input.__class__ is int or input.dtype.kind != "c":
        return input
    return namespace(input).conj(input)


@conj.vjp("input")
def _(grad):
    return ops.conj(grad)


@op(category="pointwise", latex=r"x / y", samples=pairs(positive_other=True), promote="float", inplace=True,
    dunder=("__truediv__", "__itruediv__", "__div__"), alias=("divide",))
def div(input: Tensor, other: Tensor | Number, *, rounding_mode: str | None = None) -> Tensor:
    """Quotient of two tensors. Integers give floats, unless rounding_mode is "floor" or "trunc".

    Division by zero gives inf or nan, as IEEE has it.

    >>> import autodiff_lab as lab
    >>> lab.div(lab.tensor([1, 2]), 2)
    tensor([0.5000, 1.0000])
    """
    quotient = input / other
    if rounding_mode is None:
        return quotient
    if rounding_mode == "floor":
        return namespace(input).floor(quotient)
    if rounding_mode == "trunc":
        return namespace(input).trunc(quotient)
    raise RuntimeError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'.")


@div.vjp("input", latex=r"\frac{1}{y}")
def _(grad, other, rounding_mode):
    return grad / ops.conj(other) if rounding_mode is None else grad * 0


@div.vjp("other", latex=r"-\frac{x}{y^2}")
def _(grad, input, other, rounding_mode):
    return -grad * ops.conj((input / other) / other) if rounding_mode is None else grad * 0


@op(category="pointwise", latex=r"y / x", samples=away_from(0.0), promote="float", dunder=("__rtruediv__", "__rdiv__"), function=False, method=False)
def rdiv(input: Tensor, other: Tensor | Number) -> Tensor:
    """Quotient with the sides exchanged: `other / input`."""
    return other / input


@rdiv.vjp("input", latex=r"-\frac{y}{x^2}")
def _(grad, input, other):
    return -grad * ops.conj((other / input) / input)


@rdiv.vjp("other", latex=r"\frac{1}{x}")
def _(grad, input):
    return grad / ops.conj(input)


@op(category="pointwise", latex="-x", samples=reals(), inplace=True, dunder=("__neg__",), alias=("negative",))
def neg(input: Tensor) -> Tensor:
    """The negative of every element."""
    if input.dtype.kind == "b":
        raise RuntimeError("Negation, the `-` operator, on a bool tensor is not supported. "
                           "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.")
    return -input


@neg.vjp("input", latex="-1")
def _(grad):
    return -grad


@op(category="pointwise", latex=r"x^y", samples=calls(
        lambda r: ((r.uniform(0.3, 2, (3, 4)), 2), {}), lambda r: ((r.uniform(0.3, 2, (3, 4)), 0.5), {}),
        lambda r: ((r.uniform(0.3, 2, (3, 1)), r.uniform(-1, 2, (4,))), {}), lambda r: ((r.uniform(0.3, 2, ()), 3), {})),
    promote="numeric", inplace=True, dunder=("__pow__", "__ipow__"))
def pow(input: Tensor | Number, exponent: Tensor | Number) -> Tensor:
    """`input` raised to the power `exponent`, element by element.

    Raises:
        RuntimeError: for integers raised to a negative integer power.
    """
    if exponent.__class__ is int or exponent.__class__ is float:
        if exponent == 2:
            return input * input
        if exponent == 0.5 and input.dtype.kind == "f":
            return namespace(input).sqrt(input)
        if exponent < 0 and input.dtype.kind in "iu":
            raise RuntimeError("Integers to negative integer powers are not allowed. Convert the base first, e.g. with .float().")
    elif getattr(exponent, "dtype", None) is not None and exponent.dtype.kind == "i" and input.dtype.kind in "iu" and (exponent < 0).any():
        return namespace(input).where(exponent < 0, (input == 1).astype(input.dtype), input ** abs(exponent))
    return input ** exponent


@pow.vjp("input", latex=r"y\,x^{y-1}")
def _(grad, input, exponent):
    if exponent.__class__ is int or exponent.__class__ is float:
        if exponent == 0:
            return grad * 0
        if exponent == 2:
            return grad * ops.conj(input * 2)
        return grad * ops.conj(exponent * ops.pow(input, exponent - 1))
    # At exponent 0 the power is 1 whatever the base, so the gradient is 0 and not 0 * inf.
    return grad * ops.where(exponent == 0, exponent * 0, ops.conj(exponent * ops.pow(input, exponent - 1)))


@pow.vjp("exponent", latex=r"x^y \ln x")
def _(grad, input, exponent, out):
    # 0 to a non-negative power is flat in the exponent; 0 * log 0 would be NaN.
    if input.__class__ is int or input.__class__ is float:
        return grad * out * math.log(input) if input > 0 else grad * 0
    flat = (input == 0) & (exponent >= 0)
    return grad * ops.where(flat, out * 0, ops.conj(out * ops.log(ops.where(flat, input * 0 + 1, input))))


@op(category="pointwise", latex=r"y^x", samples=calls(lambda r: ((r.uniform(0.3, 2, (3, 4)), 2.5), {})), promote="numeric", dunder=("__rpow__",), function=False, method=False)
def rpow(input: Tensor, other: Tensor | Number) -> Tensor:
    """`other` raised to the power `input`."""
    return other ** input


@rpow.vjp("input", latex=r"y^x \ln y")
def _(grad, other, out):
    if other.__class__ is int or other.__class__ is float:
        return grad * out * math.log(other) if other > 0 else grad * 0
    return grad * out * ops.log(other)


@op(category="pointwise", latex=r"x^2", samples=reals(), inplace=True, node_name="Pow")
def square(input: Tensor) -> Tensor:
    """The square of every element."""
    return input * input


@square.vjp("input", latex="2x")
def _(grad, input):
    return grad * ops.conj(input * 2)


@op(category="pointwise", latex=r"\sqrt{x}", samples=positive(), promote="float", inplace=True)
def sqrt(input: Tensor) -> Tensor:
    """The square root of every element; nan below 0."""
    return namespace(input).sqrt(input)


@sqrt.vjp("input", latex=r"\frac{1}{2\sqrt{x}}")
def _(grad, out):
    return grad / ops.conj(out * 2)
