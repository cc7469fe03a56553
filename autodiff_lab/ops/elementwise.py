"""Functions of one element at a time: exponentials, logarithms, trigonometry, rounding, sign."""

from __future__ import annotations

from ..backend import namespace
from ..core.op import op, ops
from ..core.samples import away_from, positive, reals
from ..core.tensor import Tensor


@op(category="pointwise", latex=r"e^x", samples=reals(), promote="float", inplace=True)
def exp(input: Tensor) -> Tensor:
    """e to the power of every element."""
    return namespace(input).exp(input)


@exp.vjp("input", latex=r"e^x")
def _(grad, out):
    return grad * ops.conj(out)


@op(category="pointwise", latex=r"\ln x", samples=positive(), promote="float", inplace=True)
def log(input: Tensor) -> Tensor:
    """The natural logarithm; -inf at 0, nan below."""
    return namespace(input).log(input)


@log.vjp("input", latex=r"\frac{1}{x}")
def _(grad, input):
    return grad / ops.conj(input)


@op(category="pointwise", latex=r"\sin x", samples=reals(), promote="float", inplace=True)
def sin(input: Tensor) -> Tensor:
    """The sine of every element, in radians."""
    return namespace(input).sin(input)


@sin.vjp("input", latex=r"\cos x")
def _(grad, input):
    return grad * ops.conj(ops.cos(input))


@op(category="pointwise", latex=r"\cos x", samples=reals(), promote="float", inplace=True)
def cos(input: Tensor) -> Tensor:
    """The cosine of every element, in radians."""
    return namespace(input).cos(input)


@cos.vjp("input", latex=r"-\sin x")
def _(grad, input):
    return grad * ops.conj(-ops.sin(input))


@op(category="activation", latex=r"\tanh x", samples=reals(), promote="float", inplace=True)
def tanh(input: Tensor) -> Tensor:
    """Hyperbolic tangent of every element; squashes the real line into (-1, 1).

    >>> import autodiff_lab as lab
    >>> lab.tanh(lab.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """
    return namespace(input).tanh(input)


@tanh.vjp("input", latex=r"1 - \tanh^2 x")
def _(grad, out):
    # Written with the output, so the tape keeps `out` and lets `input` go.
    return grad * ops.conj(1 - out * out)


@op(category="pointwise", latex=r"|x|", samples=away_from(0.0), inplace=True, dunder=("__abs__",), alias=("absolute",))
def abs(input: Tensor) -> Tensor:
    """The absolute value of every element; its gradient at 0 is 0."""
    return namespace(input).absolute(input)


@abs.vjp("input", latex=r"\operatorname{sgn} x")
def _(grad, input):
    return grad * ops.sgn(input)


@op(category="pointwise", latex=r"\operatorname{sgn} x", samples=away_from(0.0), inplace=True)
def sgn(input: Tensor) -> Tensor:
    """-1, 0 or 1 by the sign of every element; x / |x| for complex numbers."""
    return namespace(input).sign(input)


@sgn.vjp("input", latex="0")
def _(grad):
    return grad * 0


@op(category="pointwise", latex=r"\ln(1 + x)", samples=positive(), promote="float", inplace=True)
def log1p(input: Tensor) -> Tensor:
    """The logarithm of 1 + x, exact for small x."""
    return namespace(input).log1p(input)


@log1p.vjp("input", latex=r"\frac{1}{1 + x}")
def _(grad, input):
    return grad / ops.conj(input + 1)
