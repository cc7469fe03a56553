"""Bits of integers and truth values: and, or, xor, not, shifts. Python's `& | ^ ~ << >>` are these functions."""

from __future__ import annotations

from ..backend import namespace
from ..core.dtypes import dtype_of
from ..core.op import op, public
from ..core.samples import calls
from ..core.tensor import Tensor

Number = int | float | complex | bool

BITS = "bits of integers have no derivative"
integers = calls(lambda r: ((r.integers(-9, 9, (3, 4)), r.integers(-9, 9, (4,))), {}), lambda r: ((r.integers(0, 2, (3, 4)) > 0, r.integers(0, 2, (3, 4)) > 0), {}),
                 lambda r: ((r.integers(-9, 9, (3,)), 5), {}), lambda r: ((r.integers(-9, 9, ()), r.integers(-9, 9, ())), {}))
shifts = calls(lambda r: ((r.integers(-9, 9, (3, 4)), r.integers(0, 9, (4,))), {}), lambda r: ((r.integers(-9, 9, (3,)), 3), {}))


def check_bits(name: str, *operands) -> None:
    """
    Raises:
        NotImplementedError: if one of the operands is floating or complex.
    """
    for value in operands:
        kind = dtype_of(value if hasattr(value, "dtype") else type(value))
        if kind.category >= 2:
            raise NotImplementedError(f'"{name}_cpu" not implemented for \'{kind.title}\'. Bits need integers or truth values: convert with .long() or compare first.')


@op(category="other", latex=r"x \mathbin{\&} y", samples=integers, promote="numeric", inplace=True, dunder=("__and__", "__rand__", "__iand__"), no_grad=BITS)
def bitwise_and(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """Bits that are set in both; `&` of truth values.

    >>> import autodiff_lab as lab
    >>> lab.tensor([6, 5]) & 3
    tensor([2, 1])
    """
    check_bits("bitwise_and", input, other)
    return input & other


@op(category="other", latex=r"x \mathbin{|} y", samples=integers, promote="numeric", inplace=True, dunder=("__or__", "__ror__", "__ior__"), no_grad=BITS)
def bitwise_or(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """Bits that are set in one of them; `|` of truth values.

    >>> import autodiff_lab as lab
    >>> lab.tensor([6, 5]) | 3
    tensor([7, 7])
    """
    check_bits("bitwise_or", input, other)
    return input | other


@op(category="other", latex=r"x \oplus y", samples=integers, promote="numeric", inplace=True, dunder=("__xor__", "__rxor__", "__ixor__"), no_grad=BITS)
def bitwise_xor(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """Bits that are set in exactly one of them.

    >>> import autodiff_lab as lab
    >>> lab.tensor([6, 5]) ^ 3
    tensor([5, 6])
    """
    check_bits("bitwise_xor", input, other)
    return input ^ other


@op(category="other", latex=r"\sim x", inplace=True, dunder=("__invert__",), no_grad=BITS, samples=calls(
    lambda r: ((r.integers(-9, 9, (3, 4)),), {}), lambda r: ((r.integers(0, 2, (3, 4)) > 0,), {})))
def bitwise_not(input: Tensor) -> Tensor:
    """Every bit turned; `~` of truth values.

    >>> import autodiff_lab as lab
    >>> ~lab.tensor([True, False])
    tensor([False,  True])
    """
    check_bits("bitwise_not", input)
    return ~input


def _shift_amount(xp, input, other):
    """Shifts that are in range, and where the rest were: those give 0 (or the sign), as in PyTorch."""
    width = input.dtype.itemsize * 8
    wild = (other < 0) | (other >= width)
    return xp.where(wild, 0, other), wild


@op(category="other", latex=r"x \ll y", samples=shifts, promote="numeric", inplace=True, dunder=("__lshift__", "__ilshift__"), no_grad=BITS)
def bitwise_left_shift(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """Every element shifted left by `other` bits: times 2 to that power.

    >>> import autodiff_lab as lab
    >>> lab.tensor([1, 2]) << 2
    tensor([4, 8])
    """
    return _shifted("lshift", input, other)


@op(category="other", latex=r"x \gg y", samples=shifts, promote="numeric", inplace=True, dunder=("__rshift__", "__irshift__"), no_grad=BITS)
def bitwise_right_shift(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """Every element shifted right by `other` bits, keeping its sign.

    >>> import autodiff_lab as lab
    >>> lab.tensor([8, 9]) >> 1
    tensor([4, 4])
    """
    return _shifted("rshift", input, other)


def _shifted(name: str, input, other):
    kind = dtype_of(input)
    if kind.category >= 2 or kind.category == 0:
        raise NotImplementedError(f'"{name}_cpu" not implemented for \'{kind.title}\'. Shifts need integers: convert with .long() first.')
    if other.__class__ is int and 0 <= other < input.dtype.itemsize * 8:
        return input << other if name == "lshift" else input >> other
    xp = namespace(input)
    amount, wild = _shift_amount(xp, input, other)
    if name == "lshift":
        return xp.where(wild, 0, input << amount).astype(input.dtype)
    return xp.where(wild, xp.where(input < 0, -1, 0) if kind.is_signed else 0, input >> amount).astype(input.dtype)


@op(category="other", dunder=("__rlshift__",), function=False, method=False, promote="numeric", no_grad=BITS)
def rlshift(input: Tensor, other: Number) -> Tensor:
    """`other << input`."""
    return _shifted("lshift", other if hasattr(other, "dtype") else input.dtype.type(other), input)


@op(category="other", dunder=("__rrshift__",), function=False, method=False, promote="numeric", no_grad=BITS)
def rrshift(input: Tensor, other: Number) -> Tensor:
    """`other >> input`."""
    return _shifted("rshift", other if hasattr(other, "dtype") else input.dtype.type(other), input)


public[""].update({"__and__": bitwise_and, "__or__": bitwise_or, "__xor__": bitwise_xor, "__lshift__": bitwise_left_shift, "__rshift__": bitwise_right_shift})
