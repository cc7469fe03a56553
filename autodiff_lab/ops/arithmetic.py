"""Arithmetic: add, sub, mul, div, powers. Operators of Python (`+ - * / // % **`) are these functions."""

from __future__ import annotations

import math

import numpy as np

from ..backend import namespace
from ..backend.division import whole_quotient
from ..core.dtypes import FLOATING, default_dtype, dtype_of, of_name
from ..core.op import op, ops, public
from ..core.precision import FLOAT32, SHORT, in_float32
from ..core.samples import also, calls, pairs, positive, reals
from ..core.support import NUMBERS
from ..core.tensor import Tensor

Number = int | float | complex | bool


def no_masks(operands) -> None:
    """Refuse to subtract truth values, as PyTorch does."""
    masks = [getattr(getattr(value, "dtype", None), "kind", "") == "b" for value in operands]
    if all(masks):
        raise RuntimeError("Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead.")
    if any(masks):
        raise RuntimeError("Subtraction, the `-` operator, with a bool tensor is not supported. "
                           "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.")


def scaled(value, alpha):
    """`alpha * value`; the usual alpha of 1 costs nothing."""
    if alpha == 1:
        return value
    if value.__class__ is bool or getattr(getattr(value, "dtype", None), "kind", "") == "b":
        return value & bool(alpha)
    found = value * alpha
    return found.astype(value.dtype) if getattr(getattr(value, "dtype", None), "char", "") == "E" else found  # bfloat16, which became float32


def with_factor(input, other, alpha, minus: bool = False):
    """`input + alpha * other`, or minus that; of sixteen bits the factor is rounded first, and then the sum once."""
    if input.dtype in SHORT:
        product = float(input.dtype.type(alpha)) * other.astype(np.float64)
        return (input.astype(np.float64) + (-product if minus else product)).astype(FLOAT32).astype(input.dtype)
    return input - scaled(other, alpha) if minus else input + scaled(other, alpha)


def check_alpha(input, alpha) -> None:
    """Refuse a factor that the common type can't hold, as PyTorch does."""
    kind = input.dtype.kind
    if alpha.__class__ is bool and kind != "b":
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if alpha.__class__ in (float, complex) and kind in "iub":
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if alpha.__class__ is complex and kind != "c":
        raise RuntimeError("For non-complex input tensors, argument alpha must not be a complex number.")


@op(category="pointwise", latex=r"x + y", samples=pairs(), promote="numeric", inplace=True, ufunc=np.add, dunder=("__add__", "__radd__", "__iadd__"), sign="+", older="alpha")
def add(input: Tensor | Number, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """Sum of two tensors, element by element: `input + alpha * other`.

    >>> import autodiff_lab as lab
    >>> lab.add(lab.tensor([1.0, 2.0]), 3)
    tensor([4., 5.])
    """
    if alpha.__class__ is not int:
        check_alpha(input, alpha)
    return input + other if alpha == 1 else with_factor(input, other, alpha)


@add.vjp("input", latex="1")
def _(grad):
    return grad


@add.vjp("other", latex="1")
def _(grad, alpha):
    return scaled(grad, alpha)


@op(category="pointwise", latex=r"x - y", samples=pairs(), promote="numeric", check=no_masks, inplace=True, ufunc=np.subtract, dunder=("__sub__", "__isub__"), sign="-", alias=("subtract",), older="alpha")
def sub(input: Tensor | Number, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """Difference of two tensors: `input - alpha * other`.

    >>> import autodiff_lab as lab
    >>> lab.sub(lab.tensor([1.0, 2.0]), lab.tensor([0.5, 0.5]))
    tensor([0.5000, 1.5000])
    """
    if alpha.__class__ is not int:
        check_alpha(input, alpha)
    if alpha == 1:
        return input - other
    no_masks((input, other))
    return with_factor(input, other, alpha, minus=True)


@sub.vjp("input", latex="1")
def _(grad):
    return grad


@sub.vjp("other", latex="-1")
def _(grad, alpha):
    return -scaled(grad, alpha)


@op(category="pointwise", latex=r"y - x", samples=pairs(), promote="numeric", out=False, check=no_masks, dunder=("__rsub__",), variants=(("other.__class__ in NUMBERS", "RsubBackward1"),))
def rsub(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """Difference with the sides exchanged: `other - alpha * input`."""
    if alpha.__class__ is not int:
        check_alpha(input, alpha)
    return other - scaled(input, alpha)


@rsub.vjp("input", latex="-1")
def _(grad, alpha):
    return -scaled(grad, alpha)


@rsub.vjp("other", latex="1")
def _(grad):
    return grad


@op(category="pointwise", latex=r"x \cdot y", samples=pairs(), promote="numeric", inplace=True, ufunc=np.multiply,
    dunder=("__mul__", "__rmul__", "__imul__"), sign="*", alias=("multiply",))
def mul(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """Product of two tensors, element by element.

    >>> import autodiff_lab as lab
    >>> lab.mul(lab.tensor([1.0, 2.0]), lab.tensor([3.0, 4.0]))
    tensor([3., 8.])
    """
    return input * other


@mul.vjp("input", latex="y")
def _(grad, other):
    # conj changes complex numbers only: their gradient points where a real result grows fastest, which is the conjugate's way.
    return grad * ops.conj(other)


@mul.vjp("other", latex="x")
def _(grad, input):
    return grad * ops.conj(input)


REAL = frozenset((bool, int, float, *(dtype.type for dtype in FLOATING if dtype.kind != "c")))


@op(category="pointwise", view="maybe", latex=r"\bar{x}", samples=also(reals(), calls(lambda r: ((r.normal(size=(3, 4)) + 1j * r.normal(size=(3, 4)),), {}))), node_name="Conj")
def conj(input: Tensor | Number) -> Tensor:
    """Complex conjugate; a real tensor is returned as it is.

    >>> import autodiff_lab as lab
    >>> lab.tensor([1 + 2j]).conj().resolve_conj()
    tensor([1.-2.j])
    """
    if input.__class__ is np.ndarray:  # the usual case, asked first
        return input.conjugate() if input.dtype.kind == "c" else input
    if input.__class__ in REAL or input.__class__ is not complex and input.dtype.kind != "c":
        return input
    return input.conjugate()


@conj.vjp("input")
def _(grad):
    return ops.conj(grad)


@op(category="pointwise", function=False, method=False, out=False)
def zeroed(input: Tensor) -> Tensor:
    """Zeros in the place of `input`: the gradient of what has no slope. A product with 0 would make NaN of an infinite one."""
    return input.dtype.type(0) if isinstance(input, np.generic) else namespace(input).zeros_like(input)


@zeroed.vjp("input")
def _(grad):
    return ops.zeroed(grad)


@op(category="pointwise", latex=r"x / y", samples=also(pairs(positive_other=True), calls(
    lambda r: ((r.uniform(1, 4, (3,)), r.uniform(1.1, 1.9, (3,))), {"rounding_mode": "floor"}))), promote="numeric", inplace=True, ufunc=np.true_divide,
    dunder=("__truediv__", "__itruediv__", "__div__"), alias=("divide",), variants=(("rounding_mode is not None", "DivBackward2"),))
def div(input: Tensor | Number, other: Tensor | Number, *, rounding_mode: str | None = None) -> Tensor:
    """Quotient of two tensors. Integers give floats, unless rounding_mode is "floor" or "trunc".

    Division by zero gives inf or nan, as IEEE has it; with rounding, integers raise.

    >>> import autodiff_lab as lab
    >>> lab.div(lab.tensor([1, 2]), 2)
    tensor([0.5000, 1.0000])
    """
    if rounding_mode is None:
        if input.dtype not in FLOATING:
            wanted = default_dtype[0].numpy
            return input.astype(wanted) / (other.astype(wanted) if hasattr(other, "dtype") else other)
        return input / other
    xp = namespace(input)
    if rounding_mode == "floor":
        return floored(xp, input, other)
    if rounding_mode == "trunc":
        if input.dtype in FLOATING:
            return xp.trunc(input / other)
        whole = floored(xp, input, other)
        return whole + (((input < 0) != (other < 0)) & (whole * other != input)).astype(whole.dtype)
    raise RuntimeError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'.")


def refuse_zero(input, other) -> None:
    """Integers have no infinity to divide by zero with.

    Raises:
        RuntimeError: if `input` is of an integer type and `other` has a zero.
    """
    if input.dtype not in FLOATING and not (other.all() if hasattr(other, "dtype") else other):
        raise RuntimeError("ZeroDivisionError: an integer was divided by zero. Convert to a floating-point type for inf and nan.")


def floored(xp, input, other):
    refuse_zero(input, other)
    if input.dtype.kind == "c":
        raise RuntimeError("floor division of complex numbers is not supported: they have no order.")
    if input.dtype in FLOATING:
        found = whole_quotient(input, other)
        if found is not None:
            return found
        out = xp.floor_divide(input, other)
        # NumPy gives nan where the quotient of finite numbers is infinite; PyTorch gives the quotient.
        quotient = input / other
        return xp.where(xp.isinf(quotient) & xp.isfinite(input) | (input == 0) | (other == 0), xp.floor(quotient), out).astype(input.dtype)
    if input.dtype.kind == "b":
        raise NotImplementedError("\"div_floor_cpu\" not implemented for 'Bool'")
    return xp.floor_divide(input, other)


@div.vjp("input", latex=r"\frac{1}{y}")
def _(grad, other, rounding_mode):
    return grad / ops.conj(other) if rounding_mode is None else ops.zeroed(grad)


@div.vjp("other", latex=r"-\frac{x}{y^2}")
def _(grad, input, other, rounding_mode):
    return -grad * ops.conj((input / other) / other) if rounding_mode is None else ops.zeroed(grad)


@op(category="pointwise", latex=r"y / x", samples=calls(lambda r: ((r.uniform(0.3, 2, (3, 4)), 2.0), {}), lambda r: ((r.uniform(0.3, 2, (3,)), r.normal(size=(2, 1))), {})), promote="float", dunder=("__rtruediv__", "__rdiv__"), function=False, method=False, node_name="Mul")
def rdiv(input: Tensor, other: Tensor | Number) -> Tensor:
    """Quotient with the sides exchanged: `other / input`, which PyTorch computes as `input.reciprocal() * other`: rounded twice."""
    if input.dtype in SHORT:
        found = (1 / input.astype(FLOAT32)).astype(input.dtype).astype(FLOAT32) * other
        return found.astype(input.dtype) if hasattr(other, "dtype") and other.dtype == input.dtype else found
    reciprocal = 1 / input
    return reciprocal if other.__class__ in NUMBERS and other == 1 else reciprocal * other


@rdiv.vjp("input", latex=r"-\frac{y}{x^2}")
def _(grad, input, other):
    return -grad * ops.conj((other / input) / input)


@rdiv.vjp("other", latex=r"\frac{1}{x}")
def _(grad, input):
    return grad / ops.conj(input)


@op(category="pointwise", latex="-x", samples=reals(), inplace=True, ufunc=np.negative, dunder=("__neg__",), alias=("negative",))
def neg(input: Tensor) -> Tensor:
    """The negative of every element.

    >>> import autodiff_lab as lab
    >>> -lab.tensor([1, -2])
    tensor([-1,  2])
    """
    if input.dtype.kind == "b":
        raise RuntimeError("Negation, the `-` operator, on a bool tensor is not supported. "
                           "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.")
    return -input


@neg.vjp("input", latex="-1")
def _(grad):
    return -grad


BFLOAT16 = None if of_name("bfloat16") is None else of_name("bfloat16").numpy.type


@op(category="pointwise", latex=r"x^y", samples=calls(
        lambda r: ((r.uniform(0.3, 2, (3, 4)), 2), {}), lambda r: ((r.uniform(0.3, 2, (3, 4)), 0.5), {}),
        lambda r: ((r.uniform(0.3, 2, (3, 1)), r.uniform(-1, 2, (4,))), {}), lambda r: ((r.uniform(0.3, 2, ()), 3), {})),
    promote="numeric", inplace=True, dunder=("__pow__", "__ipow__"), variants=(("not isinstance(input, Tensor)", "PowBackward2"), ("isinstance(exponent, Tensor)", "PowBackward1")))
def pow(input: Tensor | Number, exponent: Tensor | Number) -> Tensor:
    """`input` raised to the power `exponent`, element by element.

    Raises:
        RuntimeError: for integers raised to a negative integer power.

    >>> import autodiff_lab as lab
    >>> lab.tensor([1.0, 2.0, 3.0]) ** 2
    tensor([1., 4., 9.])
    """
    if exponent.__class__ is BFLOAT16:
        exponent = float(exponent)
    if exponent.__class__ is int or exponent.__class__ is float:
        if exponent == 2:
            return input * input
        if exponent == 3:
            return input * input * input
        if exponent == -1 and input.dtype in FLOATING:
            return 1 / input
        if exponent == 0.5 and input.dtype.kind == "f":
            return namespace(input).sqrt(input)
        if exponent < 0 and input.dtype.kind in "iu":
            raise RuntimeError("Integers to negative integer powers are not allowed. Convert the base first, e.g. with .float().")
    elif getattr(exponent, "dtype", None) is not None and exponent.dtype.kind == "i" and input.dtype.kind in "iu" and (exponent < 0).any():
        xp = namespace(input)
        # One over a whole number is whole only for 1 and -1; PyTorch gives 0 for the rest.
        below = xp.where(input == 1, 1, xp.where(input == -1, 1 - 2 * (exponent % 2), 0)).astype(input.dtype)
        return xp.where(exponent < 0, below, input ** abs(exponent))
    return input ** exponent


def through_base(grad, base, exponent):
    """The gradient of a power for its base."""
    if exponent.__class__ is int or exponent.__class__ is float:
        if exponent == 0:
            return ops.zeroed(grad)
        if exponent == 2:
            return grad * ops.conj(base + base)
        return grad * ops.conj(exponent * ops.pow(base, exponent - 1))
    # At exponent 0 the power is 1 whatever the base, so the gradient is 0 and not 0 * inf.
    return grad * ops.where(exponent == 0, exponent * 0, ops.conj(exponent * ops.pow(base, exponent - 1)))


def through_exponent(grad, base, exponent, out):
    """The gradient of a power for its exponent. 0 to a non-negative power is flat in it; 0 * log 0 would be NaN."""
    if base.__class__ is int or base.__class__ is float:
        return grad * ops.conj(out) * math.log(base) if base > 0 else ops.zeroed(grad) if base == 0 else grad * math.nan
    rising = (ops.real(exponent) if hasattr(exponent, "dtype") else exponent) >= 0
    flat = (base == 0) & rising
    return grad * ops.where(flat, out * 0, ops.conj(out * ops.log(ops.where(flat, base * 0 + 1, base))))


@pow.vjp("input", latex=r"y\,x^{y-1}")
def _(grad, input, exponent):
    return through_base(grad, input, exponent)


@pow.vjp("exponent", latex=r"x^y \ln x")
def _(grad, input, exponent):
    # The power once more, and not `out`: kept for this rule, it could not be written to even where the exponent is a number.
    return through_exponent(grad, input, exponent, ops.pow(input, exponent))


@op(category="pointwise", latex=r"y^x", samples=calls(lambda r: ((r.uniform(0.3, 2, (3, 4)), 2.5), {}), lambda r: ((r.uniform(0.3, 2, (3,)), r.uniform(0.3, 2, (3,))), {})), promote="numeric", dunder=("__rpow__",), function=False, method=False, variants=(("isinstance(other, Tensor)", "PowBackward1"), ("True", "PowBackward2")))
def rpow(input: Tensor, other: Tensor | Number) -> Tensor:
    """`other` raised to the power `input`."""
    return pow.op.kernel(other if hasattr(other, "dtype") else input.dtype.type(other), input)


@rpow.vjp("input", latex=r"y^x \ln y")
def _(grad, input, other, out):
    return through_exponent(grad, other, input, out)


@rpow.vjp("other", latex=r"x\,y^{x-1}")
def _(grad, input, other):
    return through_base(grad, other, input)


@op(category="pointwise", latex=r"x^2", samples=reals(), inplace=True, node_name="Pow")
def square(input: Tensor) -> Tensor:
    """The square of every element.

    >>> import autodiff_lab as lab
    >>> lab.square(lab.tensor([-2.0, 3.0]))
    tensor([4., 9.])
    """
    return input * input if input.dtype.kind != "b" else input.astype("int64")


@square.vjp("input", latex="2x")
def _(grad, input):
    return grad * ops.conj(input * 2)


@op(category="pointwise", latex=r"\sqrt{x}", samples=positive(), promote="float", inplace=True, ufunc=np.sqrt)
def sqrt(input: Tensor) -> Tensor:
    """The square root of every element; nan below 0.

    >>> import autodiff_lab as lab
    >>> lab.sqrt(lab.tensor([4.0, 2.0]))
    tensor([2.0000, 1.4142])
    """
    return namespace(input).sqrt(input)


@sqrt.vjp("input", latex=r"\frac{1}{2\sqrt{x}}")
def _(grad, out):
    return grad / ops.conj(out * 2)


@op(category="pointwise", latex=r"a + w(b - a)", inplace=True, samples=calls(
    lambda r: ((r.normal(size=(3, 4)), r.normal(size=(4,)), 0.3), {}), lambda r: ((r.normal(size=(3, 4)), r.normal(size=(3, 1)), r.uniform(0, 1, (3, 4))), {}),
    lambda r: ((r.normal(size=()), r.normal(size=(2,)), 0.8), {})), variants=(("isinstance(weight, Tensor)", "LerpBackward1"),))
@in_float32
def lerp(input: Tensor, end: Tensor, weight: Tensor | Number) -> Tensor:
    """The point a fraction `weight` of the way from `input` to `end`.

    Raises:
        RuntimeError: if the types differ.

    >>> import autodiff_lab as lab
    >>> lab.lerp(lab.tensor([0.0]), lab.tensor([10.0]), 0.3)
    tensor([3.])
    """
    for name, value in (("end", end), ("weight", weight)):
        if hasattr(value, "dtype") and value.dtype != input.dtype and (name == "end" or value.ndim):
            raise RuntimeError(f"expected dtype {dtype_of(input).name} for `{name}` but got dtype {dtype_of(value).name}".replace("float32", "float").replace("float64", "double"))
    if input.dtype not in FLOATING:
        raise NotImplementedError(f'"lerp_kernel" not implemented for \'{dtype_of(input).title}\'')
    if hasattr(weight, "dtype") and weight.dtype != input.dtype:
        weight = weight.astype(input.dtype)
    xp = namespace(input)
    apart = end - input
    if weight.__class__ in NUMBERS:
        return input + weight * apart if abs(weight) < 0.5 else end - apart * (1 - weight)
    # Two formulas, so that weight 0 and 1 give the ends exactly.
    return xp.where(xp.absolute(weight) < 0.5, input + weight * apart, end - apart * (1 - weight))


@lerp.vjp("input", latex="1 - w")
def _(grad, weight):
    return grad * ops.conj(1 - weight)


@lerp.vjp("end", latex="w")
def _(grad, weight):
    return grad * ops.conj(weight)


@lerp.vjp("weight", latex="b - a")
def _(grad, input, end):
    return grad * ops.conj(end - input)


three = calls(lambda r: ((r.normal(size=(3, 4)), r.normal(size=(4,)), r.uniform(0.5, 2, (3, 1))), {}), lambda r: ((r.normal(size=(2,)), r.normal(size=()), r.uniform(0.5, 2, (2,))), {"value": 0.3}))


@op(category="pointwise", refuses="b", latex=r"x + v\,a\,b", samples=three, promote="numeric", inplace=True, older="value")
@in_float32
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """`input + value * tensor1 * tensor2`.

    >>> import autodiff_lab as lab
    >>> lab.addcmul(lab.tensor([1.0]), lab.tensor([2.0]), lab.tensor([3.0]), value=0.5)
    tensor([4.])
    """
    return input + scaled(tensor1, int(value) if input.dtype.kind in "iu" else value) * tensor2


@addcmul.vjp("input", latex="1")
def _(grad):
    return grad


@addcmul.vjp("tensor1", latex="v b")
def _(grad, tensor2, value):
    return grad * ops.conj(scaled(tensor2, value))


@addcmul.vjp("tensor2", latex="v a")
def _(grad, tensor1, value):
    return grad * ops.conj(scaled(tensor1, value))


def _not_whole(operands) -> None:
    """Refuse to divide whole numbers by whole numbers."""
    if all(getattr(operand, "dtype", None) is not None and operand.dtype not in FLOATING for operand in operands[1:]):
        raise RuntimeError("Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true division of tensor1 and tensor2. "
                           "Convert to floating-point tensors first, e.g. with .float().")


@op(category="pointwise", latex=r"x + v\,a / b", samples=three, promote="numeric", inplace=True, older="value", check=_not_whole)
@in_float32
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """`input + value * tensor1 / tensor2`.

    Raises:
        RuntimeError: for integers.

    >>> import autodiff_lab as lab
    >>> lab.addcdiv(lab.tensor([1.0]), lab.tensor([2.0]), lab.tensor([4.0]), value=0.5)
    tensor([1.2500])
    """
    if tensor1.dtype not in FLOATING:
        raise RuntimeError("Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true division of tensor1 and tensor2. "
                           "Convert to floating-point tensors first, e.g. with .float().")
    return input + scaled(tensor1, value) / tensor2


@addcdiv.vjp("input", latex="1")
def _(grad):
    return grad


@addcdiv.vjp("tensor1", latex=r"\frac{v}{b}")
def _(grad, tensor2, value):
    return grad * ops.conj(value / tensor2)


@addcdiv.vjp("tensor2", latex=r"-\frac{v a}{b^2}")
def _(grad, tensor1, tensor2, value):
    return -grad * ops.conj(scaled(tensor1, value) / (tensor2 * tensor2))


def true_divide(input: Tensor, other, *, out=None) -> Tensor:
    """Quotient of two tensors; integers give floats. The same as `div` without rounding."""
    return div(input, other) if out is None else div(input, other, out=out)


def true_divide_(input: Tensor, other) -> Tensor:
    """In-place version of `true_divide`."""
    return input.div_(other)


def float_power(input, exponent, *, out=None) -> Tensor:
    """`input ** exponent`, computed in float64 (or complex128).

    >>> import autodiff_lab as lab
    >>> lab.float_power(lab.tensor([2, 3]), 2)
    tensor([4., 9.], dtype=torch.float64)
    """
    from ..core.dtypes import of_name
    if not (isinstance(input, Tensor) or isinstance(exponent, Tensor)):
        raise TypeError(f"float_power() received an invalid combination of arguments - got ({type(input).__name__}, {type(exponent).__name__}), but one of them must be a Tensor.")
    complex_ = any(isinstance(v, complex) or isinstance(v, Tensor) and v.dtype.is_complex for v in (input, exponent))
    wanted = of_name("complex128" if complex_ else "float64")
    input, exponent = (v.to(wanted) if isinstance(v, Tensor) else v for v in (input, exponent))
    if not isinstance(input, Tensor):
        input = public[""]["tensor"](input, dtype=wanted)
    return pow(input, exponent) if out is None else pow(input, exponent, out=out)


def float_power_(input: Tensor, exponent) -> Tensor:
    """In-place version of `float_power`, for float64 tensors."""
    if input.dtype.name not in ("float64", "complex128"):
        raise RuntimeError(f"the base given to float_power_ has dtype {input.dtype.title} but the operation's result requires dtype Double")
    return input.pow_(exponent)


for _function in (true_divide, true_divide_, float_power, float_power_):
    public[""][_function.__name__] = _function
    setattr(Tensor, _function.__name__, _function)
true_divide.op = div.op
