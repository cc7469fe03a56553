"""Rounding, signs, and the parts of a floating-point number."""

from __future__ import annotations

import numpy as np

from ..backend import namespace, order_like
from ..core.dtypes import dtype_of, finfo
from ..core.op import op, ops, public
from ..core.outs import stored
from ..core.precision import in_float32
from ..core.samples import also, away_from, calls, pairs, reals
from ..core.tensor import Tensor
from .reductions import ordered

Number = int | float | complex | bool

halves = away_from(-1.5, -0.5, 0.5, 1.5)
whole = away_from(-1.0, 0.0, 1.0)


def _is_whole(input) -> bool:
    return dtype_of(input).category < 2


def _real(name: str, input) -> None:
    if input.dtype.kind in "bc":
        raise NotImplementedError(f'"{name}_vml_cpu" not implemented for \'{dtype_of(input).title}\'')


@op(category="pointwise", latex=r"\lceil x \rceil", samples=whole, inplace=True)
def ceil(input: Tensor) -> Tensor:
    """The smallest whole number not below.

    >>> import autodiff_lab as lab
    >>> lab.ceil(lab.tensor([-1.5, 1.5]))
    tensor([-1.,  2.])
    """
    _real("ceil", input)
    return input.copy(order_like(input)) if _is_whole(input) else namespace(input).ceil(input)


@op(category="pointwise", latex=r"\lfloor x \rfloor", samples=whole, inplace=True)
def floor(input: Tensor) -> Tensor:
    """The largest whole number not above.

    >>> import autodiff_lab as lab
    >>> lab.floor(lab.tensor([-1.5, 1.5]))
    tensor([-2.,  1.])
    """
    _real("floor", input)
    return input.copy(order_like(input)) if _is_whole(input) else namespace(input).floor(input)


@op(category="pointwise", latex=r"\operatorname{trunc} x", samples=whole, inplace=True, alias=("fix",))
def trunc(input: Tensor) -> Tensor:
    """The whole part: rounded towards 0.

    >>> import autodiff_lab as lab
    >>> lab.trunc(lab.tensor([-1.5, 1.5]))
    tensor([-1.,  1.])
    """
    _real("trunc", input)
    return input.copy(order_like(input)) if _is_whole(input) else namespace(input).trunc(input)


@op(category="pointwise", latex=r"\operatorname{round} x", samples=halves, inplace=True, variants=(("decimals", "RoundBackward1"),))
@in_float32
def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest number with so many decimals; halves go to the even neighbour.

    >>> import autodiff_lab as lab
    >>> lab.round(lab.tensor([0.5, 1.5, 2.5]))
    tensor([0., 2., 2.])
    """
    _real("round", input)
    xp = namespace(input)
    if _is_whole(input):
        if decimals:
            raise NotImplementedError(f'"round_cpu" not implemented for \'{dtype_of(input).title}\'')
        return input.copy(order_like(input))
    if not decimals:
        return xp.rint(input)
    scale = 10.0 ** (decimals if decimals > 0 else -decimals)
    return xp.rint(input * scale) / scale if decimals > 0 else xp.rint(input / scale) * scale


@ceil.vjp("input", latex="0")
def _(grad):
    return ops.zeroed(grad)


@floor.vjp("input", latex="0")
def _(grad):
    return ops.zeroed(grad)


@trunc.vjp("input", latex="0")
def _(grad):
    return ops.zeroed(grad)


@round.vjp("input", latex="0")
def _(grad):
    return ops.zeroed(grad)


@op(category="pointwise", latex=r"x - \operatorname{trunc} x", samples=whole, inplace=True)
def frac(input: Tensor) -> Tensor:
    """What is left of a number without its whole part; it keeps the sign.

    >>> import autodiff_lab as lab
    >>> lab.frac(lab.tensor([1.25, -1.25]))
    tensor([ 0.2500, -0.2500])
    """
    if _is_whole(input):
        raise NotImplementedError(f'"frac_cpu" not implemented for \'{dtype_of(input).title}\'')
    return input - namespace(input).trunc(input)


@frac.vjp("input", latex="1")
def _(grad):
    return grad


@op(category="comparison", latex=r"[x < 0]", samples=away_from(0.0), no_grad="a sign is a step")
def signbit(input: Tensor) -> Tensor:
    """True where the sign bit is set, as for -0.0.

    >>> import autodiff_lab as lab
    >>> lab.signbit(lab.tensor([-0.0, 0.0]))
    tensor([ True, False])
    """
    ordered("signbit", input)
    xp = namespace(input)
    return xp.signbit(input) if not _is_whole(input) else input < 0 if input.dtype.kind == "i" else xp.zeros(input.shape, bool)


@op(category="pointwise", latex=r"|x| \operatorname{sgn} y", samples=also(pairs(positive_other=True), calls(lambda r: ((np.array([1.5, -2.0]), -1.0), {}))), promote="float", inplace=True, variants=(("not isinstance(other, Tensor)", "CopysignBackward1"),))
def copysign(input: Tensor, other: Tensor | Number) -> Tensor:
    """The size of `input` with the sign of `other`.

    >>> import autodiff_lab as lab
    >>> lab.copysign(lab.tensor([1.0, 2.0]), -1.0)
    tensor([-1., -2.])
    """
    return namespace(input).copysign(input, other)


@copysign.vjp("input")
def _(grad, input, other):
    return ops.where(input == 0, ops.zeroed(grad), grad * ops.copysign(input * 0 + 1, other) * ops.sgn(input))


@copysign.vjp("other", latex="0")
def _(grad, out):
    return ops.zeroed(grad)


@op(category="pointwise", samples=also(reals(), calls(lambda r: ((np.array([1.5, np.nan, np.inf, -np.inf]),), {"posinf": 2.0, "neginf": -3.0}))), inplace=True)
def nan_to_num(input: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """NaN replaced by `nan` (0), infinities by the largest and smallest numbers or by what is given.

    >>> import autodiff_lab as lab
    >>> lab.nan_to_num(lab.tensor([float("nan"), 1.0]))
    tensor([0., 1.])
    """
    if _is_whole(input):
        return input.copy(order_like(input))
    xp = namespace(input)
    if xp.isfinite(input).all():
        return input.copy(order_like(input))
    if input.dtype.kind not in "fc":  # bfloat16, which NumPy takes for something that has no NaN
        most = finfo(dtype_of(input)).max
        return nan_to_num.op.kernel(input.astype(np.float32), nan, most if posinf is None else posinf, -most if neginf is None else neginf).astype(input.dtype)
    return xp.nan_to_num(input, nan=nan or 0.0, posinf=posinf, neginf=neginf)


@nan_to_num.vjp("input")
def _(grad, input):
    return ops.where(ops.isfinite(input), grad, ops.zeroed(grad))


@op(category="pointwise", latex=r"[x > 0] + y\,[x = 0]", inplace=True, no_grad="a step", samples=calls(
    lambda r: ((r.integers(-2, 3, (3, 4)), r.integers(-2, 3, (4,))), {})))
def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """0 below 0, 1 above, and `values` at 0.

    Raises:
        RuntimeError: if the types differ or are complex.

    >>> import autodiff_lab as lab
    >>> lab.heaviside(lab.tensor([-1.0, 0.0, 2.0]), lab.tensor([0.5]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    if input.dtype.kind == "c" or values.dtype.kind == "c":
        raise RuntimeError("heaviside is not yet implemented for complex tensors.")
    if input.dtype != values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    xp = namespace(input)
    return xp.where(input == 0, values, (input > 0).astype(input.dtype)).astype(input.dtype)


@heaviside.vjp("input", "values")
def _(grad):
    raise RuntimeError("derivative for aten::heaviside is not implemented. Use torch.where(x == 0, values, ...) where a gradient is wanted.")


@op(category="pointwise", promote="numeric", inplace=True, no_grad="a step between neighbouring numbers")
def nextafter(input: Tensor, other: Tensor) -> Tensor:
    """The next floating-point number after `input` towards `other`.

    >>> import autodiff_lab as lab
    >>> lab.nextafter(lab.tensor([1.0]), lab.tensor([2.0])) - 1
    tensor([1.1921e-07])
    """
    if dtype_of(input).category != 2:
        raise NotImplementedError(f'"nextafter_cpu" not implemented for \'{dtype_of(input).title}\'')
    return namespace(input).nextafter(input, other)


@nextafter.vjp("input", latex=r"[x \ne y]")
def _(grad, input, other):
    return ops.where(input == other, ops.zeroed(grad), grad)


@nextafter.vjp("other", latex="0")
def _(grad):
    return ops.zeroed(grad)


@op(category="pointwise", latex=r"m \cdot 2^{e}", outputs=("mantissa", "exponent"), differentiable=1, samples=away_from(0.0))
def frexp(input: Tensor):
    """Mantissas in [0.5, 1) and exponents of 2 (int32), so that `input = mantissa * 2**exponent`.

    >>> import autodiff_lab as lab
    >>> lab.frexp(lab.tensor([8.0]))
    torch.return_types.frexp(
    mantissa=tensor([0.5000]),
    exponent=tensor([4], dtype=torch.int32))
    """
    if dtype_of(input).category != 2:
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    xp = namespace(input)
    if dtype_of(input).name == "bfloat16":
        mantissa, exponent = xp.frexp(input.astype("float32"))
        return mantissa.astype(input.dtype), exponent.astype("int32")
    mantissa, exponent = xp.frexp(input)
    return mantissa, exponent.astype("int32")


@frexp.vjp("input")
def _(grad, exponent):
    return grad / ops.exp2(exponent * 1.0)


def need_tensors(name: str, **arguments) -> None:
    """
    Raises:
        TypeError: if an argument is no Tensor.
    """
    for i, (argument, value) in enumerate(arguments.items()):
        if not isinstance(value, Tensor):
            raise TypeError(f"{name}(): argument '{argument}' (position {i + 1}) must be Tensor, not {type(value).__name__}")


@op(category="pointwise", latex=r"x \, 2^y", function=False, method=False, out=False, node_name="Ldexp", samples=calls(
    lambda r: ((r.normal(size=(3, 4)), r.integers(-3, 4, (4,))), {})))
def shift_exponent(input: Tensor, other: Tensor) -> Tensor:
    """`input * 2**other` for whole `other`, in the type of `input`; the power itself may be too large for it."""
    xp = namespace(input)
    wide = input.astype(np.float32) if input.dtype.itemsize == 2 else input
    return xp.ldexp(wide, xp.clip(other, -5000, 5000).astype(np.int32)).astype(input.dtype)


@shift_exponent.vjp("input", latex="2^y")
def _(grad, other):
    return ops.shift_exponent(grad, other)


def ldexp(input: Tensor, other: Tensor, *, out=None) -> Tensor:
    """`input * 2**other`.

    >>> import autodiff_lab as lab
    >>> lab.ldexp(lab.tensor([1.5]), lab.tensor([2]))
    tensor([6.])
    """
    need_tensors("ldexp", input=input, other=other)
    if input.is_floating_point() and not other.is_floating_point() and not other.is_complex():
        if dtype_of(other._a).name == "bool":
            raise NotImplementedError("\"ldexp_cpu_exp\" not implemented for 'Bool'")
        return stored(ops.shift_exponent(input, other), out)
    power = public[""]["pow"](2.0, other)
    return public[""]["mul"](input, power) if out is None else public[""]["mul"](input, power, out=out)


def ldexp_(input: Tensor, other: Tensor) -> Tensor:
    """In-place version of `ldexp`."""
    return input.mul_(public[""]["pow"](2.0, other))


public[""].update(ldexp=ldexp, ldexp_=ldexp_)
Tensor.ldexp, Tensor.ldexp_ = ldexp, ldexp_


@op(category="other", latex=r"\gcd(x, y)", promote="numeric", inplace=True, no_grad="whole numbers", samples=calls(lambda r: ((r.integers(-30, 30, (3, 4)), r.integers(1, 30, (4,))), {})))
def gcd(input: Tensor, other: Tensor) -> Tensor:
    """Greatest common divisor of integers.

    >>> import autodiff_lab as lab
    >>> lab.gcd(lab.tensor([12]), lab.tensor([18]))
    tensor([6])
    """
    _whole("gcd", input)
    return namespace(input).gcd(input, other)


@op(category="other", latex=r"\operatorname{lcm}(x, y)", promote="numeric", inplace=True, no_grad="whole numbers", samples=calls(lambda r: ((r.integers(-30, 30, (3, 4)), r.integers(1, 30, (4,))), {})))
def lcm(input: Tensor, other: Tensor) -> Tensor:
    """Least common multiple of integers.

    >>> import autodiff_lab as lab
    >>> lab.lcm(lab.tensor([4]), lab.tensor([6]))
    tensor([12])
    """
    _whole("lcm", input)
    return namespace(input).lcm(input, other)


def _whole(name: str, input) -> None:
    if dtype_of(input).category != 1:
        raise NotImplementedError(f'"{name}_cpu" not implemented for \'{dtype_of(input).title}\': it takes integers.')
