"""Comparisons and truth: eq, lt, logical_and, isnan, isclose, all, any. Their results carry no gradient."""

from __future__ import annotations

import numpy as np

from ..backend import in_c_order, namespace
from ..core.arguments import Dims
from ..core.dtypes import dtype_of
from ..core.errors import needs_numbers
from ..core.op import op, public
from ..core.samples import calls, pairs, reals
from ..core.tensor import Tensor
from .picking import dims_one_by_one
from .reductions import axes, ordered

Number = int | float | complex | bool

STEP = "a comparison is a step: flat where it is smooth"


@op(category="comparison", latex=r"x = y", samples=pairs(), promote="numeric", inplace=True, dunder=("__eq__",), no_grad=STEP)
def eq(input: Tensor, other: Tensor | Number) -> Tensor:
    """True where the elements are equal. NaN equals nothing, not even itself.

    >>> import autodiff_lab as lab
    >>> lab.eq(lab.tensor([1, 2, 3]), 2)
    tensor([False,  True, False])
    """
    return input == other


@op(category="comparison", latex=r"x \ne y", samples=pairs(), promote="numeric", inplace=True, dunder=("__ne__",), alias=("not_equal",), no_grad=STEP)
def ne(input: Tensor, other: Tensor | Number) -> Tensor:
    """True where the elements differ.

    >>> import autodiff_lab as lab
    >>> lab.tensor([1, 2, 3]) != 2
    tensor([ True, False,  True])
    """
    return input != other


@op(category="comparison", latex=r"x < y", samples=pairs(), promote="numeric", inplace=True, dunder=("__lt__",), alias=("less",), no_grad=STEP)
def lt(input: Tensor, other: Tensor | Number) -> Tensor:
    """True where `input` is less than `other`.

    >>> import autodiff_lab as lab
    >>> lab.tensor([1, 2, 3]) < 2
    tensor([ True, False, False])
    """
    ordered("lt", input)
    return input < other


@op(category="comparison", latex=r"x \le y", samples=pairs(), promote="numeric", inplace=True, dunder=("__le__",), alias=("less_equal",), no_grad=STEP)
def le(input: Tensor, other: Tensor | Number) -> Tensor:
    """True where `input` is at most `other`.

    >>> import autodiff_lab as lab
    >>> lab.tensor([1, 2, 3]) <= 2
    tensor([ True,  True, False])
    """
    ordered("le", input)
    return input <= other


@op(category="comparison", latex=r"x > y", samples=pairs(), promote="numeric", inplace=True, dunder=("__gt__",), alias=("greater",), no_grad=STEP)
def gt(input: Tensor, other: Tensor | Number) -> Tensor:
    """True where `input` is greater than `other`.

    >>> import autodiff_lab as lab
    >>> lab.tensor([1, 2, 3]) > 2
    tensor([False, False,  True])
    """
    ordered("gt", input)
    return input > other


@op(category="comparison", latex=r"x \ge y", samples=pairs(), promote="numeric", inplace=True, dunder=("__ge__",), alias=("greater_equal",), no_grad=STEP)
def ge(input: Tensor, other: Tensor | Number) -> Tensor:
    """True where `input` is at least `other`.

    >>> import autodiff_lab as lab
    >>> lab.tensor([1, 2, 3]) >= 2
    tensor([False,  True,  True])
    """
    ordered("ge", input)
    return input >= other


@op(category="comparison", latex=r"x \land y", samples=pairs(), inplace=True, no_grad=STEP)
def logical_and(input: Tensor, other: Tensor) -> Tensor:
    """True where both are nonzero.

    >>> import autodiff_lab as lab
    >>> lab.logical_and(lab.tensor([True, True]), lab.tensor([True, False]))
    tensor([ True, False])
    """
    return namespace(input).logical_and(input, other)


@op(category="comparison", latex=r"x \lor y", samples=pairs(), inplace=True, no_grad=STEP)
def logical_or(input: Tensor, other: Tensor) -> Tensor:
    """True where one of them is nonzero.

    >>> import autodiff_lab as lab
    >>> lab.logical_or(lab.tensor([False, True]), lab.tensor([False, False]))
    tensor([False,  True])
    """
    return namespace(input).logical_or(input, other)


@op(category="comparison", latex=r"x \oplus y", samples=pairs(), inplace=True, no_grad=STEP)
def logical_xor(input: Tensor, other: Tensor) -> Tensor:
    """True where exactly one of them is nonzero.

    >>> import autodiff_lab as lab
    >>> lab.logical_xor(lab.tensor([True, True]), lab.tensor([True, False]))
    tensor([False,  True])
    """
    return namespace(input).logical_xor(input, other)


@op(category="comparison", latex=r"\lnot x", samples=reals(), inplace=True, no_grad=STEP)
def logical_not(input: Tensor) -> Tensor:
    """True where the element is zero.

    >>> import autodiff_lab as lab
    >>> lab.logical_not(lab.tensor([True, False]))
    tensor([False,  True])
    """
    return namespace(input).logical_not(input)


def _may_hold_nan(input) -> bool:
    return dtype_of(input).category >= 2


def _never(input):
    return namespace(input).zeros(input.shape, bool)


@op(category="comparison", latex=r"x \ne x", samples=reals(), out=False, no_grad=STEP)
def isnan(input: Tensor) -> Tensor:
    """True where the element is not a number.

    >>> import autodiff_lab as lab
    >>> lab.isnan(lab.tensor([1.0, float("nan")]))
    tensor([False,  True])
    """
    return namespace(input).isnan(input) if _may_hold_nan(input) else _never(input)


@op(category="comparison", samples=reals(), out=False, no_grad=STEP)
def isinf(input: Tensor) -> Tensor:
    """True where the element is infinite.

    >>> import autodiff_lab as lab
    >>> lab.isinf(lab.tensor([1.0, -float("inf")]))
    tensor([False,  True])
    """
    return namespace(input).isinf(input) if _may_hold_nan(input) else _never(input)


@op(category="comparison", samples=reals(), out=False, no_grad=STEP)
def isfinite(input: Tensor) -> Tensor:
    """True where the element is neither infinite nor NaN.

    >>> import autodiff_lab as lab
    >>> lab.isfinite(lab.tensor([1.0, float("inf"), float("nan")]))
    tensor([ True, False, False])
    """
    return namespace(input).isfinite(input) if _may_hold_nan(input) else ~_never(input)


@op(category="comparison", samples=reals(), no_grad=STEP)
def isposinf(input: Tensor) -> Tensor:
    """True where the element is +inf.

    >>> import autodiff_lab as lab
    >>> lab.isposinf(lab.tensor([float("inf"), -float("inf")]))
    tensor([ True, False])
    """
    ordered("isposinf", input)
    return input == float("inf") if _may_hold_nan(input) else _never(input)


@op(category="comparison", samples=reals(), no_grad=STEP)
def isneginf(input: Tensor) -> Tensor:
    """True where the element is -inf.

    >>> import autodiff_lab as lab
    >>> lab.isneginf(lab.tensor([float("inf"), -float("inf")]))
    tensor([False,  True])
    """
    ordered("isneginf", input)
    return input == -float("inf") if _may_hold_nan(input) else _never(input)


@op(category="comparison", samples=reals(), no_grad=STEP, out=False)
def isreal(input: Tensor) -> Tensor:
    """True where the imaginary part is zero.

    >>> import autodiff_lab as lab
    >>> lab.isreal(lab.tensor([1 + 0j, 1j]))
    tensor([ True, False])
    """
    return input.imag == 0 if input.dtype.kind == "c" else ~_never(input)


@op(category="comparison", latex=r"|x - y| \le a + r |y|", samples=pairs(), no_grad=STEP, out=False)
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """True where the elements differ by at most `atol + rtol * |other|`.

    Raises:
        RuntimeError: if the types differ or a tolerance is negative.

    >>> import autodiff_lab as lab
    >>> lab.isclose(lab.tensor([1.0, 2.0]), lab.tensor([1.000001, 2.1]))
    tensor([ True, False])
    """
    same_type("isclose", input, other)
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"{'rtol' if rtol < 0 else 'atol'} must be greater than or equal to zero, but got {rtol if rtol < 0 else atol}")
    xp = namespace(input)
    close = input == other
    if equal_nan and _may_hold_nan(input):
        close = close | (xp.isnan(input) & xp.isnan(other))
    if rtol == 0 and atol == 0:
        return close
    if not _may_hold_nan(input):
        input, other = xp.asarray(input, "float64"), xp.asarray(other, "float64")
    allowed = atol + xp.absolute(rtol * other)
    return close | (xp.isfinite(input - other) & (xp.absolute(input - other) <= allowed))


def same_type(name: str, input, other) -> None:
    """
    Raises:
        RuntimeError: if the two arrays are of different types.
    """
    if input.dtype != other.dtype:
        a, b = dtype_of(input), dtype_of(other)
        raise RuntimeError(f"{a.title} did not match {b.title}: {name} compares tensors of one type. Convert one, e.g. with .to({a}).")


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """True if all elements differ by at most `atol + rtol * |other|`.

    >>> import autodiff_lab as lab
    >>> lab.allclose(lab.tensor([1.0]), lab.tensor([1.0 + 1e-7]))
    True
    """
    return bool(isclose(input, other, rtol, atol, equal_nan)._a.all())


def equal(input: Tensor, other: Tensor) -> bool:
    """True if both tensors have the same shape and the same elements.

    >>> import autodiff_lab as lab
    >>> lab.equal(lab.tensor([1, 2]), lab.tensor([1, 2]))
    True
    """
    if not isinstance(other, Tensor):
        raise TypeError(f"equal(): argument 'other' (position 2) must be Tensor, not {type(other).__name__}")
    if input.is_meta or other.is_meta:
        raise needs_numbers("equal")
    if input.shape != other.shape:
        return False
    return bool((input == other).all())


def is_nonzero(input: Tensor) -> bool:
    """The truth of a tensor with one element.

    >>> import autodiff_lab as lab
    >>> lab.tensor([0.0]).is_nonzero()
    False
    """
    if input.numel() != 1:
        raise RuntimeError("Boolean value of Tensor with no values is ambiguous" if not input.numel() else
                           "Boolean value of Tensor with more than one value is ambiguous")
    return bool(input)


some_dims = calls(lambda r: ((r.normal(size=(3, 4)) > 0,), {}), lambda r: ((r.normal(size=(3, 4)) > 0, 1), {}), lambda r: ((r.normal(size=(2, 3, 4)) > 0, (0, 2), True), {}),
                  lambda r: ((r.normal(size=()) > 0,), {}), lambda r: ((r.normal(size=(0, 3)) > 0, 0), {}))


REDUCE = {"all": np.logical_and.reduce, "any": np.logical_or.reduce}  # what NumPy's functions of those names call in the end


def _truth(name: str, input, dim, keepdim):
    reduce = REDUCE[name] if isinstance(input, (np.ndarray, np.generic)) else getattr(namespace(input), name)
    found = reduce(input, axis=axes(dim, input.ndim) if dim is not None else None, keepdims=keepdim) if dim is None or not hasattr(dim, "__iter__") or len(dim) else input != 0
    return in_c_order(found.astype("uint8") if input.dtype == "uint8" else found)


@op(category="comparison", latex=r"\bigwedge_i x_i", samples=some_dims, no_grad=STEP)
def all(input: Tensor, dim: Dims | None = None, keepdim: bool = False) -> Tensor:
    """True if every element is nonzero, over everything or along `dim`. True of nothing.

    >>> import autodiff_lab as lab
    >>> lab.all(lab.tensor([[True, False], [True, True]]), dim=1)
    tensor([False,  True])
    """
    return _truth("all", input, dim, keepdim)


@op(category="comparison", latex=r"\bigvee_i x_i", samples=some_dims, no_grad=STEP)
def any(input: Tensor, dim: Dims | None = None, keepdim: bool = False) -> Tensor:
    """True if an element is nonzero, over everything or along `dim`. False of nothing.

    >>> import autodiff_lab as lab
    >>> lab.any(lab.tensor([[True, False], [False, False]]), dim=1)
    tensor([ True, False])
    """
    return _truth("any", input, dim, keepdim)


@op(category="comparison", samples=reals(), no_grad=STEP, out=False)
def count_nonzero(input: Tensor, dim: Dims | None = None) -> Tensor:
    """How many elements are nonzero.

    >>> import autodiff_lab as lab
    >>> lab.count_nonzero(lab.tensor([0, 1, 2]))
    tensor(2)
    """
    return namespace(input).add.reduce(input != 0, axis=axes(dim, input.ndim) if dim is not None else None, dtype="int64")


Tensor.count_nonzero = dims_one_by_one(count_nonzero)


public[""].update(allclose=allclose, equal=equal, is_nonzero=is_nonzero)
Tensor.allclose, Tensor.equal, Tensor.is_nonzero = allclose, equal, is_nonzero
