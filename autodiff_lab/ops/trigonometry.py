"""Angles: trigonometric and hyperbolic functions, their inverses, atan2, hypot, sinc."""

from __future__ import annotations

import math

import numpy as np

from ..backend import namespace
from ..core.dtypes import dtype_of
from ..core.op import op, ops
from ..core.precision import in_float32
from ..core.samples import also, away_from, calls, pairs, reals, unit
from ..core.tensor import Tensor


@op(category="pointwise", latex=r"\sin x", samples=reals(), promote="float", inplace=True, ufunc=np.sin)
def sin(input: Tensor) -> Tensor:
    """The sine of every element, in radians.

    >>> import autodiff_lab as lab
    >>> lab.sin(lab.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8415])
    """
    return namespace(input).sin(input)


@sin.vjp("input", latex=r"\cos x")
def _(grad, input):
    return grad * ops.conj(ops.cos(input))

@op(category="pointwise", latex=r"\cos x", samples=reals(), promote="float", inplace=True, ufunc=np.cos)
def cos(input: Tensor) -> Tensor:
    """The cosine of every element, in radians.

    >>> import autodiff_lab as lab
    >>> lab.cos(lab.tensor([0.0, 1.0]))
    tensor([1.0000, 0.5403])
    """
    return namespace(input).cos(input)


@cos.vjp("input", latex=r"-\sin x")
def _(grad, input):
    return grad * ops.conj(-ops.sin(input))

@op(category="pointwise", latex=r"\tan x", samples=reals(-1, 1), promote="float", inplace=True, ufunc=np.tan)
def tan(input: Tensor) -> Tensor:
    """The tangent of every element, in radians.

    >>> import autodiff_lab as lab
    >>> lab.tan(lab.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5574])
    """
    return namespace(input).tan(input)


@tan.vjp("input", latex=r"1 + \tan^2 x")
def _(grad, out):
    return grad * ops.conj(1 + out * out)

@op(category="pointwise", latex=r"\arcsin x", samples=unit(), promote="float", inplace=True, ufunc=np.arcsin, alias=("arcsin",))
def asin(input: Tensor) -> Tensor:
    """The angle whose sine is the element; nan outside [-1, 1].

    >>> import autodiff_lab as lab
    >>> lab.asin(lab.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5708])
    """
    return namespace(input).arcsin(input)


@asin.vjp("input", latex=r"\frac{1}{\sqrt{1 - x^2}}")
def _(grad, input):
    return grad * ops.conj(ops.rsqrt(1 - input * input))

@op(category="pointwise", latex=r"\arccos x", samples=unit(), promote="float", inplace=True, ufunc=np.arccos, alias=("arccos",))
def acos(input: Tensor) -> Tensor:
    """The angle whose cosine is the element; nan outside [-1, 1].

    >>> import autodiff_lab as lab
    >>> lab.acos(lab.tensor([1.0, 0.0]))
    tensor([0.0000, 1.5708])
    """
    return namespace(input).arccos(input)


@acos.vjp("input", latex=r"-\frac{1}{\sqrt{1 - x^2}}")
def _(grad, input):
    return -grad * ops.conj(ops.rsqrt(1 - input * input))

@op(category="pointwise", latex=r"\arctan x", samples=reals(), promote="float", inplace=True, ufunc=np.arctan, alias=("arctan",))
def atan(input: Tensor) -> Tensor:
    """The angle whose tangent is the element.

    >>> import autodiff_lab as lab
    >>> lab.atan(lab.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7854])
    """
    return namespace(input).arctan(input)


@atan.vjp("input", latex=r"\frac{1}{1 + x^2}")
def _(grad, input):
    return grad / ops.conj(input * input + 1)

@op(category="pointwise", latex=r"\sinh x", samples=reals(), promote="float", inplace=True, ufunc=np.sinh)
def sinh(input: Tensor) -> Tensor:
    """The hyperbolic sine of every element.

    >>> import autodiff_lab as lab
    >>> lab.sinh(lab.tensor([0.0, 1.0]))
    tensor([0.0000, 1.1752])
    """
    return namespace(input).sinh(input)


@sinh.vjp("input", latex=r"\cosh x")
def _(grad, input):
    return grad * ops.conj(ops.cosh(input))

@op(category="pointwise", latex=r"\cosh x", samples=reals(), promote="float", inplace=True, ufunc=np.cosh)
def cosh(input: Tensor) -> Tensor:
    """The hyperbolic cosine of every element.

    >>> import autodiff_lab as lab
    >>> lab.cosh(lab.tensor([0.0, 1.0]))
    tensor([1.0000, 1.5431])
    """
    return namespace(input).cosh(input)


@cosh.vjp("input", latex=r"\sinh x")
def _(grad, input):
    return grad * ops.conj(ops.sinh(input))

@op(category="pointwise", latex=r"\operatorname{arsinh} x", samples=reals(), promote="float", inplace=True, ufunc=np.arcsinh, alias=("arcsinh",))
def asinh(input: Tensor) -> Tensor:
    """The inverse of sinh.

    >>> import autodiff_lab as lab
    >>> lab.asinh(lab.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8814])
    """
    return namespace(input).arcsinh(input)


@asinh.vjp("input", latex=r"\frac{1}{\sqrt{x^2 + 1}}")
def _(grad, input):
    return grad * ops.conj(ops.rsqrt(input * input + 1))

@op(category="pointwise", latex=r"\operatorname{arcosh} x", samples=reals(1.2, 3), promote="float", inplace=True, ufunc=np.arccosh, alias=("arccosh",))
def acosh(input: Tensor) -> Tensor:
    """The inverse of cosh; nan below 1.

    >>> import autodiff_lab as lab
    >>> lab.acosh(lab.tensor([1.0, 2.0]))
    tensor([0.0000, 1.3170])
    """
    return namespace(input).arccosh(input)


@acosh.vjp("input", latex=r"\frac{1}{\sqrt{x^2 - 1}}")
def _(grad, input):
    return grad * ops.conj(ops.rsqrt(input - 1) * ops.rsqrt(input + 1))

@op(category="pointwise", latex=r"\operatorname{artanh} x", samples=unit(), promote="float", inplace=True, ufunc=np.arctanh, alias=("arctanh",))
def atanh(input: Tensor) -> Tensor:
    """The inverse of tanh; inf at 1, nan beyond.

    >>> import autodiff_lab as lab
    >>> lab.atanh(lab.tensor([0.0, 0.5]))
    tensor([0.0000, 0.5493])
    """
    return namespace(input).arctanh(input)


@atanh.vjp("input", latex=r"\frac{1}{1 - x^2}")
def _(grad, input):
    return grad / ops.conj(1 - input * input)

@op(node_name="Deg2Rad", category="pointwise", latex=r"\frac{\pi}{180} x", samples=reals(-90, 90), promote="float", inplace=True)
@in_float32
def deg2rad(input: Tensor) -> Tensor:
    """Degrees as radians.

    >>> import autodiff_lab as lab
    >>> lab.deg2rad(lab.tensor([180.0]))
    tensor([3.1416])
    """
    _no_complex("deg2rad", input)
    return input * (math.pi / 180)


@deg2rad.vjp("input", latex=r"\frac{\pi}{180}")
def _(grad):
    return grad * (math.pi / 180)

@op(node_name="Rad2Deg", category="pointwise", latex=r"\frac{180}{\pi} x", samples=reals(), promote="float", inplace=True)
@in_float32
def rad2deg(input: Tensor) -> Tensor:
    """Radians as degrees.

    >>> import autodiff_lab as lab
    >>> lab.rad2deg(lab.tensor([3.1416])).round()
    tensor([180.])
    """
    _no_complex("rad2deg", input)
    return input * (180 / math.pi)


@rad2deg.vjp("input", latex=r"\frac{180}{\pi}")
def _(grad):
    return grad * (180 / math.pi)


def _no_complex(name: str, input) -> None:
    if input.dtype.kind == "c":
        raise RuntimeError(f"{name} is not supported for complex tensors.")


@op(category="pointwise", latex=r"\operatorname{atan2}(y, x)", samples=pairs(positive_other=True), promote="float", inplace=True, alias=("arctan2",))
def atan2(input: Tensor, other: Tensor) -> Tensor:
    """The angle of the point (x = other, y = input), in (-pi, pi]. At the origin value and gradients are 0.

    >>> import autodiff_lab as lab
    >>> lab.atan2(lab.tensor([1.0, -1.0]), lab.tensor([1.0, -1.0]))
    tensor([ 0.7854, -2.3562])
    """
    return namespace(input).arctan2(input, other)


def _over_square(grad, input, other):
    """`grad` over the squared distance from the origin; 0 at the origin."""
    square = input * input + other * other
    return ops.where(square == 0, square * 0, grad / ops.where(square == 0, square + 1, square))


@atan2.vjp("input", latex=r"\frac{x}{x^2 + y^2}")
def _(grad, input, other):
    return other * _over_square(grad, input, other)


@atan2.vjp("other", latex=r"-\frac{y}{x^2 + y^2}")
def _(grad, input, other):
    return -input * _over_square(grad, input, other)


@op(category="pointwise", latex=r"\sqrt{x^2 + y^2}", samples=pairs(positive_other=True), promote="numeric", inplace=True)
def hypot(input: Tensor, other: Tensor) -> Tensor:
    """The length of the hypotenuse, without overflow on the way.

    Raises:
        RuntimeError: for integers.

    >>> import autodiff_lab as lab
    >>> lab.hypot(lab.tensor([3.0]), lab.tensor([4.0]))
    tensor([5.])
    """
    if dtype_of(input).category != 2:
        raise NotImplementedError(f'"hypot_cpu" not implemented for \'{dtype_of(input).title}\'. Convert to a floating-point type, e.g. with .float().')
    return namespace(input).hypot(input, other)


@hypot.vjp("input", latex=r"\frac{x}{r}")
def _(grad, input, out):
    return grad * (input / out)


@hypot.vjp("other", latex=r"\frac{y}{r}")
def _(grad, other, out):
    return grad * (other / out)


@op(category="pointwise", latex=r"\frac{\sin \pi x}{\pi x}", samples=also(away_from(0.0), calls(lambda r: ((np.array([0.0, 0.4]),), {}))), promote="float", inplace=True)
@in_float32
def sinc(input: Tensor) -> Tensor:
    """sin(pi x) / (pi x), and 1 at 0.

    >>> import autodiff_lab as lab
    >>> lab.sinc(lab.tensor([0.0, 0.5]))
    tensor([1.0000, 0.6366])
    """
    xp = namespace(input)
    scaled = input * math.pi
    return xp.where(input == 0, 1, xp.sin(scaled) / xp.where(input == 0, 1, scaled)).astype(input.dtype)


@sinc.vjp("input")
def _(grad, input):
    at_zero = input == 0
    x = ops.where(at_zero, input + 1, input)
    scaled = x * math.pi
    slope = (scaled * ops.cos(scaled) - ops.sin(scaled)) / (scaled * x)
    # The slope at 0 is 0 and changes by -pi^2 / 3: input keeps that visible to the second derivative.
    return grad * ops.conj(ops.where(at_zero, input * (-math.pi ** 2 / 3), slope))
