"""Functions of one element at a time: exponentials, logarithms, roots, absolute value, sign."""

from __future__ import annotations

import math

import numpy as np

from ..backend import namespace
from ..core.dtypes import dtype_of
from ..core.op import op, ops
from ..core.samples import also, away_from, calls, positive, reals
from ..core.tensor import Tensor


@op(category="pointwise", latex=r"e^x", samples=reals(), promote="float", inplace=True, ufunc=np.exp)
def exp(input: Tensor) -> Tensor:
    """e to the power of every element.

    >>> import autodiff_lab as lab
    >>> lab.exp(lab.tensor([0.0, 1.0]))
    tensor([1.0000, 2.7183])
    """
    return namespace(input).exp(input)


@exp.vjp("input", latex=r"e^x")
def _(grad, out):
    return grad * ops.conj(out)

@op(category="pointwise", latex=r"2^x", samples=reals(), promote="float", inplace=True, ufunc=np.exp2)
def exp2(input: Tensor) -> Tensor:
    """2 to the power of every element.

    >>> import autodiff_lab as lab
    >>> lab.exp2(lab.tensor([3.0, -1.0]))
    tensor([8.0000, 0.5000])
    """
    return namespace(input).exp2(input)


@exp2.vjp("input", latex=r"2^x \ln 2")
def _(grad, out):
    return grad * ops.conj(out) * math.log(2)

@op(category="pointwise", latex=r"e^x - 1", samples=reals(), promote="float", inplace=True, ufunc=np.expm1)
def expm1(input: Tensor) -> Tensor:
    """e to the power of every element, minus 1: exact near 0.

    >>> import autodiff_lab as lab
    >>> lab.expm1(lab.tensor([0.0, 1.0]))
    tensor([0.0000, 1.7183])
    """
    return namespace(input).expm1(input)


@expm1.vjp("input", latex=r"e^x")
def _(grad, out):
    return grad * ops.conj(out + 1)

@op(category="pointwise", latex=r"\ln x", samples=positive(), promote="float", inplace=True, ufunc=np.log)
def log(input: Tensor) -> Tensor:
    """The natural logarithm; -inf at 0, nan below.

    >>> import autodiff_lab as lab
    >>> lab.log(lab.tensor([1.0, 10.0, 0.0]))
    tensor([0.0000, 2.3026,   -inf])
    """
    return namespace(input).log(input)


@log.vjp("input", latex=r"\frac{1}{x}")
def _(grad, input):
    return grad / ops.conj(input)

@op(node_name="Log1P", category="pointwise", latex=r"\ln(1 + x)", samples=positive(), promote="float", inplace=True, ufunc=np.log1p)
def log1p(input: Tensor) -> Tensor:
    """The logarithm of 1 + x, exact for small x.

    >>> import autodiff_lab as lab
    >>> lab.log1p(lab.tensor([0.0, 1.0]))
    tensor([0.0000, 0.6931])
    """
    return namespace(input).log1p(input)


@log1p.vjp("input", latex=r"\frac{1}{1 + x}")
def _(grad, input):
    return grad / ops.conj(input + 1)

@op(category="pointwise", latex=r"\log_2 x", samples=positive(), promote="float", inplace=True, ufunc=np.log2)
def log2(input: Tensor) -> Tensor:
    """The logarithm to base 2.

    >>> import autodiff_lab as lab
    >>> lab.log2(lab.tensor([8.0, 0.5]))
    tensor([ 3., -1.])
    """
    return namespace(input).log2(input)


@log2.vjp("input", latex=r"\frac{1}{x \ln 2}")
def _(grad, input):
    return grad / (ops.conj(input) * math.log(2))

@op(category="pointwise", latex=r"\log_{10} x", samples=positive(), promote="float", inplace=True, ufunc=np.log10)
def log10(input: Tensor) -> Tensor:
    """The logarithm to base 10.

    >>> import autodiff_lab as lab
    >>> lab.log10(lab.tensor([100.0, 0.5]))
    tensor([ 2.0000, -0.3010])
    """
    xp = namespace(input)
    if input.dtype == xp.float32:  # NumPy's own in float32 misses powers of ten: log10(1000) is 3.0000002
        return xp.log10(input, dtype=xp.float64).astype(xp.float32)
    return xp.log10(input)


@log10.vjp("input", latex=r"\frac{1}{x \ln 10}")
def _(grad, input):
    return grad / (ops.conj(input) * math.log(10))

@op(category="pointwise", latex=r"\frac{1}{\sqrt x}", samples=positive(), promote="float", inplace=True)
def rsqrt(input: Tensor) -> Tensor:
    """One over the square root.

    >>> import autodiff_lab as lab
    >>> lab.rsqrt(lab.tensor([4.0, 0.25]))
    tensor([0.5000, 2.0000])
    """
    return 1 / namespace(input).sqrt(input)


@rsqrt.vjp("input", latex=r"-\tfrac12 x^{-3/2}")
def _(grad, out):
    return grad * ops.conj(out * out * out) * -0.5

@op(category="pointwise", latex=r"\frac{1}{x}", samples=away_from(0.0), promote="float", inplace=True)
def reciprocal(input: Tensor) -> Tensor:
    """One over every element.

    >>> import autodiff_lab as lab
    >>> lab.reciprocal(lab.tensor([4.0, 0.5]))
    tensor([0.2500, 2.0000])
    """
    return 1 / input


@reciprocal.vjp("input", latex=r"-\frac{1}{x^2}")
def _(grad, out):
    return -grad * ops.conj(out * out)

@op(category="activation", latex=r"\tanh x", samples=reals(), promote="float", inplace=True, ufunc=np.tanh)
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

@op(category="pointwise", latex=r"|x|", samples=also(away_from(0.0), calls(lambda r: ((r.normal(size=(3, 4)) + 1j * r.normal(size=(3, 4)),), {}))), inplace=True, dunder=("__abs__",), alias=("absolute",))
def abs(input: Tensor) -> Tensor:
    """The absolute value of every element; its gradient at 0 is 0.

    >>> import autodiff_lab as lab
    >>> lab.abs(lab.tensor([-1.5, 2.0]))
    tensor([1.5000, 2.0000])
    """
    refuse_bool("abs", input)
    return namespace(input).absolute(input)


@abs.vjp("input", latex=r"\operatorname{sgn} x")
def _(grad, input):
    return grad * ops.sgn(input)


def refuse_bool(name: str, input) -> None:
    """
    Raises:
        RuntimeError: if `input` holds truth values.
    """
    if input.dtype.kind == "b":
        raise NotImplementedError(f'"{name}_cpu" not implemented for \'Bool\'. Convert to numbers first, e.g. with .int().')


@op(category="pointwise", latex=r"\operatorname{sgn} x", samples=also(away_from(0.0), calls(lambda r: ((r.normal(size=(3, 4)) + 1j * r.normal(size=(3, 4)),), {}))), inplace=True)
def sgn(input: Tensor) -> Tensor:
    """-1, 0 or 1 by the sign of every element; x / |x| for complex numbers.

    >>> import autodiff_lab as lab
    >>> lab.sgn(lab.tensor([-3.0, 0.0]))
    tensor([-1.,  0.])
    """
    return _sign(input)


@sgn.vjp("input", latex="0")
def _(grad, input, out):
    if dtype_of(input).category < 3:
        return ops.zeroed(grad)
    size = ops.abs(input)
    turn = (grad / size - out * ops.real(grad * ops.conj(out)) / size) * 1
    return ops.where(size == 0, ops.zeroed(grad), turn)


@op(category="pointwise", latex=r"\operatorname{sgn} x", samples=away_from(0.0), inplace=True)
def sign(input: Tensor) -> Tensor:
    """-1, 0 or 1 by the sign of every element.

    >>> import autodiff_lab as lab
    >>> lab.sign(lab.tensor([-3.0, 0.0, 2.0]))
    tensor([-1.,  0.,  1.])
    """
    if input.dtype.kind == "c":
        raise RuntimeError("Unlike NumPy, torch.sign doesn't support complex numbers. Please use torch.sgn instead.")
    return _sign(input)


def _sign(input):
    xp = namespace(input)
    if input.dtype.kind in "bu":
        return (input != 0).astype(input.dtype)
    if input.dtype.kind == "c":
        size = xp.absolute(input)
        return xp.where(size == 0, 0, input / xp.where(size == 0, 1, size)).astype(input.dtype)
    if input.dtype.kind == "i":
        return xp.sign(input)
    # NumPy's own asks each number in turn, and gives NaN for NaN, which PyTorch does not.
    return ((input > 0).view("int8") - (input < 0).view("int8")).astype(input.dtype)


@sign.vjp("input", latex="0")
def _(grad):
    return ops.zeroed(grad)
