"""Choosing elements by functions: where, gather and scatter, masks, rows by number.

Operators that write have one kernel that works in place; the out-of-place form is a copy and that kernel.
"""

from __future__ import annotations

import numpy as np

from ..backend import namespace
from ..core.dtypes import dtype_of, promoted
from ..core.errors import dim_message
from ..core.op import op, ops, public, registry
from ..core.samples import calls
from ..core.tensor import Tensor, wrap

Number = int | float | complex | bool


def one_dim(dim: int, ndim: int) -> int:
    """A dimension as a non-negative number.

    Raises:
        IndexError: if there is no such dimension.
    """
    if not -max(ndim, 1) <= dim < max(ndim, 1):
        raise IndexError(dim_message(dim, ndim))
    return dim % max(ndim, 1)


def copied(writer):
    """The out-of-place kernel of an in-place one: a copy of the first argument, written to."""
    def kernel(input, *args, **kwargs):
        whole = namespace(input).array(input)
        writer(whole, *args, **kwargs)
        return whole
    return kernel


# ---- where ----

@op(category="index", latex=r"\begin{cases} x & c \\ y & \text{else} \end{cases}", function=False, method=False, samples=calls(
    lambda r: ((r.normal(size=(3, 4)) > 0, r.normal(size=(3, 4)), r.normal(size=(4,))), {}),
    lambda r: ((r.normal(size=(3, 4)) > 0, r.normal(size=(3, 4)), 2.5), {}), lambda r: ((r.normal(size=()) > 0, 1, r.normal(size=(2, 1))), {})))
def where(condition: Tensor, input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """`input` where `condition` is true, else `other`; of their common type.

    >>> import autodiff_lab as lab
    >>> lab.where(lab.tensor([True, False]), lab.tensor([1.0, 2.0]), 0.0)
    tensor([1., 0.])
    """
    if condition.dtype.kind != "b":
        if condition.dtype != np.uint8:
            raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype {dtype_of(condition).title}. Compare it with something, e.g. x > 0.")
        condition = condition.astype(bool)
    a, b = getattr(input, "dtype", None), getattr(other, "dtype", None)
    if a is not b or a is None:
        common = promoted((input, other)).numpy
        if a is not common:
            input = input.astype(common) if a is not None else common.type(input)
        if b is not common:
            other = other.astype(common) if b is not None else common.type(other)
    return namespace(condition).where(condition, input, other)


@where.vjp("input", latex="[c]")
def _(grad, condition):
    return ops.where(condition, grad, 0)


@where.vjp("other", latex="[\\lnot c]")
def _(grad, condition):
    return ops.where(condition, 0, grad)


_where = where


def where(condition, input=None, other=None, *, out=None):  # noqa: F811 - the public form also takes one argument
    """`input` where `condition` is true, else `other`; with the condition alone, the positions where it is true."""
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    if isinstance(condition, (bool, np.bool_)):
        raise TypeError(f"where(): argument 'condition' (position 1) must be Tensor, not {type(condition).__name__}")
    return _where(condition, input, other, out=out)


where.op = _where.op
public[""]["where"] = where


def _where_method(self, condition, other):
    return _where(condition, self, other)


_where_method.__doc__ = "`self` where `condition` is true, else `other`."
Tensor.where = _where_method


# ---- gather and scatter ----

def check_places(name: str, input, dim: int, index, src=None) -> int:
    """The dimension as a non-negative number, if `index` fits `input` (and `src`).

    Raises:
        RuntimeError: for an index of a wrong type or number of dimensions, too large, or out of bounds.
    """
    dim = one_dim(dim, input.ndim)
    if index.dtype.kind not in "iu" or index.dtype.itemsize < 4:
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index, but got {dtype_of(index)}. Convert it with .long().")
    if not index.size:
        return dim
    if max(index.ndim, 1) != max(input.ndim, 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as " + ("input" if name == "gather" else "self") + " tensor")
    have, want = input.shape or (1,), index.shape or (1,)
    for d in range(len(have)):
        if d != dim and want[d] > have[d]:
            raise RuntimeError(f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger than self {list(input.shape)} apart from dimension {dim}"
                               + (f" and to be no larger size than src {list(src.shape)}" if src is not None and getattr(src, "shape", None) is not None else ""))
    if src is not None and getattr(src, "dtype", None) is not None:
        if max(src.ndim, 1) != max(input.ndim, 1):
            raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
        for d, (n, m) in enumerate(zip(want, src.shape or (1,), strict=True)):
            if n > m:
                raise RuntimeError(f"Expected index {list(index.shape)} to be no larger than self {list(input.shape)} apart from dimension {dim} "
                                   f"and to be no larger size than src {list(src.shape)}")
    low, high = int(index.min()), int(index.max())
    if low < 0 or high >= have[dim]:
        raise RuntimeError(f"index {low if low < 0 else high} is out of bounds for dimension {dim} with size {have[dim]}")
    return dim


def places(index, dim: int) -> tuple:
    """NumPy's index for the cells that `index` names along `dim`."""
    xp = namespace(index)
    index = xp.atleast_1d(index)
    found = [xp.arange(n).reshape((-1,) + (1,) * (index.ndim - 1 - d)) for d, n in enumerate(index.shape)]
    found[dim] = index
    return tuple(found)


def _at_least_1d(array):
    return array.reshape(1) if not array.ndim else array


def _cut(src, index):
    """The part of `src` that `index` covers."""
    if getattr(src, "dtype", None) is None:
        return src
    src, shape = _at_least_1d(src), index.shape or (1,)
    return src if src.shape == shape else src[tuple(slice(0, n) for n in shape)]


@op(category="index", samples=calls(
    lambda r: ((r.normal(size=(3, 4)), 1, r.integers(0, 4, (3, 2))), {}), lambda r: ((r.normal(size=(3, 4)), 0, r.integers(0, 3, (2, 4))), {}),
    lambda r: ((r.normal(size=(3, 4)), -1, r.integers(0, 4, (2, 5))), {}), lambda r: ((r.normal(size=()), 0, r.integers(0, 1, ())), {})))
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """Pick along `dim`: `out[i][j] = input[i][index[i][j]]` for dim 1. Repeated picks add their gradients.

    Raises:
        RuntimeError: for an index out of bounds, of a wrong type or with another number of dimensions.
    """
    dim = check_places("gather", input, dim, index)
    if not index.size:
        return namespace(input).zeros(index.shape, input.dtype)
    found = _at_least_1d(input)[places(index, dim)]
    return found.reshape(index.shape) if not index.ndim else found


@gather.vjp("input")
def _(grad, input_shape, dim, index):
    return ops.gather_backward(grad, tuple(input_shape), dim, index)


@op(category="index", function=False, method=False, out=False)
def gather_backward(input: Tensor, shape, dim: int, index: Tensor) -> Tensor:
    """Zeros of `shape` with `input` added where `gather` picked."""
    whole = namespace(input).zeros(shape, input.dtype)
    _scatter_add(whole, dim, index, input)
    return whole


@gather_backward.vjp("input")
def _(grad, dim, index):
    return ops.gather(grad, dim, index)


def _scatter(input, dim, index, src=None, *, value=None, reduce=None):
    src = value if src is None else src
    if reduce is not None and reduce not in ("add", "multiply"):
        raise RuntimeError(f"reduce argument must be either add or multiply. Got {reduce!r}.")
    _same_type("scatter", input, src)
    dim = check_places("scatter", input, dim, index, src)
    if not index.size:
        return
    target, spots, values = _at_least_1d(input), places(index, dim), _cut(src, index)
    if reduce is None:
        target[spots] = values
    else:
        ufunc = namespace(input).add if reduce == "add" else namespace(input).multiply
        ufunc.at(target, spots, values if getattr(values, "dtype", None) is not None else input.dtype.type(values))


def _same_type(name, input, src) -> None:
    if getattr(src, "dtype", None) is not None and src.dtype != input.dtype:
        raise RuntimeError(f"{name}(): Expected self.dtype to be equal to src.dtype, got {dtype_of(input)} and {dtype_of(src)}. Convert one with .to().")


@op(category="index", inplace=True, samples=calls(
    lambda r: ((r.normal(size=(3, 4)), 1, np.array([[0, 2], [1, 3], [3, 0]]), r.normal(size=(3, 2))), {}),
    lambda r: ((r.normal(size=(3, 4)), 0, np.array([[0, 1, 2, 0]]), 1.5), {}),
    lambda r: ((r.normal(size=(3, 4)), 0, np.array([[0, 1, 2, 0]]), r.normal(size=(2, 4))), {})))
def scatter(input: Tensor, dim: int, index: Tensor, src: Tensor | Number | None = None, *, value=None, reduce: str | None = None) -> Tensor:
    """A copy of `input` with `src` (or a number) written along `dim` at `index`; the reverse of gather.

    Args:
        reduce: "add" or "multiply" instead of writing (no gradient).
    """
    return copied(_scatter)(input, dim, index, src, value=value, reduce=reduce)


scatter.op.writes(_scatter)


@scatter.vjp("input")
def _(grad, dim, index, reduce):
    if reduce is not None:
        if reduce == "add":
            return grad
        raise RuntimeError("scatter with reduce='multiply' has no derivative: use scatter_reduce with reduce='prod'.")
    return ops.scatter(grad, dim, index, 0)


@scatter.vjp("src")
def _(grad, dim, index, src_shape, reduce):
    if reduce == "multiply":
        raise RuntimeError("scatter with reduce='multiply' has no derivative: use scatter_reduce with reduce='prod'.")
    return padded(ops.gather(grad, dim, index), src_shape)


def padded(grad, shape):
    """A gradient for the covered corner of a larger tensor, zeros for the rest of it."""
    if tuple(grad.shape) == tuple(shape):
        return grad
    from .indexing import read
    return ops.embed(grad, tuple(shape), read(tuple(slice(0, n) for n in grad.shape), tuple(shape)))


def _scatter_add(input, dim, index, src):
    _same_type("scatter", input, src)
    dim = check_places("scatter_add", input, dim, index, src)
    if index.size:
        namespace(input).add.at(_at_least_1d(input), places(index, dim), _cut(src, index))


@op(category="index", inplace=True, samples=calls(
    lambda r: ((r.normal(size=(3, 4)), 1, r.integers(0, 4, (3, 2)), r.normal(size=(3, 2))), {}),
    lambda r: ((r.normal(size=(3, 4)), 0, r.integers(0, 3, (2, 3)), r.normal(size=(5, 4))), {})))
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy of `input` with `src` added along `dim` at `index`; repeated positions add up."""
    return copied(_scatter_add)(input, dim, index, src)


scatter_add.op.writes(_scatter_add)


@scatter_add.vjp("input", latex="1")
def _(grad):
    return grad


@scatter_add.vjp("src")
def _(grad, dim, index, src_shape):
    return padded(ops.gather(grad, dim, index), src_shape)


REDUCTIONS = {"sum": ("add", 0), "mean": ("add", 0), "prod": ("multiply", 1), "amax": ("maximum", None), "amin": ("minimum", None)}


def start_of(reduce: str, dtype):
    """The number from which a reduction of values alone begins."""
    start = REDUCTIONS[reduce][1]
    if start is None:
        low, high = (-np.inf, np.inf) if dtype.kind == "f" else (False, True) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        start = low if reduce == "amax" else high
    return start


def _scatter_reduce(input, dim, index, src, reduce, *, include_self=True):
    _reduce_at("scatter_reduce", input, dim, index, src, reduce, include_self)


def _reduce_at(name, input, dim, index, src, reduce, include_self):
    if reduce not in REDUCTIONS:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}.")
    _same_type(name, input, src)
    dim = check_places(name, input, dim, index, src)
    if not index.size:
        return
    xp = namespace(input)
    target, spots, values = _at_least_1d(input), places(index, dim), _cut(src, index)
    reduce_into(xp, target, spots, values, reduce, include_self)


def reduce_into(xp, target, spots, values, reduce, include_self) -> None:
    """Combine `values` into `target[spots]`."""
    if not include_self:
        target[spots] = start_of(reduce, target.dtype)
    getattr(xp, REDUCTIONS[reduce][0]).at(target, spots, values)
    if reduce == "mean":
        number = xp.full(target.shape, int(include_self), np.int64)
        xp.add.at(number, spots, 1)
        xp.maximum(number, 1, out=number)
        target[...] = (xp.floor_divide(target, number) if target.dtype.kind in "iu" else target / number).astype(target.dtype)


@op(category="index", inplace=True, samples=calls(*(
    lambda r, how=how, own=own: ((r.normal(size=(3, 4)), 1, np.array([[0, 2, 2], [1, 1, 1], [3, 0, 2]]), r.normal(size=(3, 3)), how), {"include_self": own})
    for how in REDUCTIONS for own in (True, False))))
def scatter_reduce(input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True) -> Tensor:
    """Values of `src` that go to the same place along `dim` are reduced there by "sum", "prod", "mean", "amax" or "amin".

    Args:
        include_self: whether what `input` holds there takes part.
    """
    return copied(_scatter_reduce)(input, dim, index, src, reduce, include_self=include_self)


scatter_reduce.op.writes(_scatter_reduce)


@scatter_reduce.vjp("input", "src")
def _(grad, input, dim, index, src, reduce, include_self, out):
    if reduce == "sum":
        to_self, to_src = grad, ops.gather(grad, dim, index)
    elif reduce == "mean":
        ones = ops.gather(grad, dim, index) * 0 + 1
        number = ops.scatter_add(grad * 0 + (1 if include_self else 0), dim, index, ones)
        number = ops.where(number == 0, 1, number)
        to_self = grad / number
        to_src = ops.gather(to_self, dim, index)
    elif reduce == "prod":
        to_self, to_src = _prod_backward(grad, input, dim, index, src, include_self, out)
    else:
        covered = corner(src, index)
        src_is = (covered == ops.gather(out, dim, index)) + ops.gather(grad, dim, index) * 0
        self_is = (input == out) + grad * 0
        if not include_self:
            self_is = ops.scatter(self_is, dim, index, 0)
        number = ops.scatter_add(self_is, dim, index, src_is)
        share = grad / ops.where(number == 0, 1, number)
        to_self = self_is * share if include_self else ops.scatter(grad, dim, index, 0)
        to_src = src_is * ops.gather(share, dim, index)
    if not include_self:
        to_self = ops.scatter(to_self, dim, index, 0)
    return to_self, padded(to_src, tuple(src.shape))


def corner(src, index):
    """The part of `src` that `index` covers, for rules."""
    return src[tuple(slice(0, n) for n in index.shape)] if tuple(src.shape) != tuple(index.shape) else src


def _prod_backward(grad, input, dim, index, src, include_self, out):
    covered = corner(src, index)
    filled = ops.where(input == 0, 1, input)
    to_self = grad * ops.scatter_reduce(filled, dim, index, covered, "prod", include_self=include_self) / filled
    zero = covered == 0
    number = ops.gather(ops.scatter_add(grad * 0, dim, index, zero + covered * 0), dim, index)
    single = zero & (number == 1)
    without = ops.scatter_reduce(input, dim, index, ops.where(single, 1, covered), "prod", include_self=include_self)
    to_src = ops.where(single, ops.gather(grad * without, dim, index), ops.gather(grad * out, dim, index) / ops.where(zero, 1, covered))
    return to_self, to_src


# ---- whole slices by number ----

def _numbers(name, index, size: int):
    if index.dtype.kind not in "iu" or index.dtype.itemsize < 4:
        raise RuntimeError(f"{name}(): Expected dtype int32 or int64 for index, but got {dtype_of(index)}. Convert it with .long().")
    if index.ndim > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector, but got dim: {index.ndim} with type: {dtype_of(index).title}.")
    index = index.reshape(-1)
    if index.size and (int(index.min()) < 0 or int(index.max()) >= size):
        raise IndexError(f"index out of range in self: {name} got {int(index.max()) if int(index.min()) >= 0 else int(index.min())}, the size is {size}.")
    return index


@op(category="index", samples=calls(lambda r: ((r.normal(size=(3, 4)), 1, np.array([3, 0, 3])), {}), lambda r: ((r.normal(size=(3, 4)), -2, np.array([1])), {})))
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices of `input` along `dim` with the numbers in `index`, as a copy.

    >>> import autodiff_lab as lab
    >>> lab.index_select(lab.tensor([[1, 2], [3, 4]]), 1, lab.tensor([1, 1]))
    tensor([[2, 2],
            [4, 4]])
    """
    dim = one_dim(dim, input.ndim)
    index = _numbers("index_select", index, input.shape[dim] if input.ndim else 1)
    return namespace(input).take(input, index, axis=dim) if input.ndim else namespace(input).asarray(input).reshape(1)[index].reshape(())


@index_select.vjp("input")
def _(grad, input_shape, dim, index):
    return ops.index_add(ops.expand(grad.sum() * 0, tuple(input_shape)), dim, index, grad)


def _along(dim: int, index) -> tuple:
    return (slice(None),) * dim + (index,)


def _index_add(input, dim, index, source, *, alpha=1):
    dim = one_dim(dim, input.ndim)
    index = _numbers("index_add", index, input.shape[dim] if input.ndim else 1)
    if source.dtype != input.dtype:
        raise RuntimeError(f"index_add_(): self ({dtype_of(input).title}) and source ({dtype_of(source).title}) must have the same scalar type. Convert one with .to().")
    if source.ndim and source.shape[dim] != index.size:
        raise RuntimeError(f"index_add_(): Number of indices ({index.size}) should be equal to source.size(dim): ({source.shape[dim]}), for dim: {dim}")
    if source.ndim != input.ndim and input.ndim or any(n != m for d, (n, m) in enumerate(zip(source.shape, input.shape, strict=False)) if d != dim):
        raise RuntimeError(f"source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = {list(input.shape)} source.shape = {list(source.shape)}")
    target = _at_least_1d(input)
    values = _at_least_1d(source) if alpha == 1 else _at_least_1d(source) * alpha
    if dim == 0 and target.ndim > 1 and target.flags.c_contiguous and target.dtype.char in "fd" and target.size:
        from .indexing import add_rows
        add_rows(target, index, values)
    else:
        namespace(input).add.at(target, _along(dim, index), values)


@op(category="index", inplace=True, samples=calls(
    lambda r: ((r.normal(size=(3, 4)), 0, np.array([2, 0, 2]), r.normal(size=(3, 4))), {}),
    lambda r: ((r.normal(size=(3, 4)), 1, np.array([1, 1]), r.normal(size=(3, 2))), {"alpha": 2.5})))
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1) -> Tensor:
    """A copy of `input` with `alpha` times the slices of `source` added to the slices numbered `index`."""
    return copied(_index_add)(input, dim, index, source, alpha=alpha)


index_add.op.writes(_index_add)


@index_add.vjp("input", latex="1")
def _(grad):
    return grad


@index_add.vjp("source")
def _(grad, dim, index, source_shape, alpha):
    picked = ops.index_select(grad, dim, index)
    return (picked if alpha == 1 else picked * alpha).reshape(tuple(source_shape))


def _index_copy(input, dim, index, source):
    dim = one_dim(dim, input.ndim)
    index = _numbers("index_copy", index, input.shape[dim] if input.ndim else 1)
    if source.dtype != input.dtype:
        raise RuntimeError(f"index_copy_(): self and source expected to have the same dtype, but got (self) {dtype_of(input).title} and (source) {dtype_of(source).title}")
    if source.ndim and index.size != source.shape[dim]:
        raise IndexError(f"index_copy_(): Number of indices ({index.size}) should be equal to source.size(dim) ({source.shape[dim]})")
    _at_least_1d(input)[_along(dim, index)] = _at_least_1d(source)


@op(category="index", inplace=True, samples=calls(lambda r: ((r.normal(size=(3, 4)), 1, np.array([3, 0]), r.normal(size=(3, 2))), {})))
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """A copy of `input` with the slices numbered `index` replaced by those of `source`."""
    return copied(_index_copy)(input, dim, index, source)


index_copy.op.writes(_index_copy)


@index_copy.vjp("input")
def _(grad, dim, index):
    return ops.index_fill(grad, dim, index, 0)


@index_copy.vjp("source")
def _(grad, dim, index, source_shape):
    return ops.index_select(grad, dim, index).reshape(tuple(source_shape))


def _index_fill(input, dim, index, value):
    if getattr(value, "ndim", 0):
        raise RuntimeError(f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s).")
    dim = one_dim(dim, input.ndim)
    size = input.shape[dim] if input.ndim else 1
    index = namespace(index).where(index < 0, index + size, index)
    _at_least_1d(input)[_along(dim, _numbers("index_fill", index, size))] = value


@op(category="index", inplace=True, samples=calls(lambda r: ((r.normal(size=(3, 4)), 1, np.array([3, 0]), -1.0), {}),
                                                  lambda r: ((r.normal(size=(3, 4)), 0, np.array([2]), r.normal(size=())), {})))
def index_fill(input: Tensor, dim: int, index: Tensor, value: Tensor | Number) -> Tensor:
    """A copy of `input` with the slices numbered `index` filled with `value`."""
    return copied(_index_fill)(input, dim, index, value)


index_fill.op.writes(_index_fill)


@index_fill.vjp("input")
def _(grad, dim, index):
    return ops.index_fill(grad, dim, index, 0)


@index_fill.vjp("value")
def _(grad, dim, index):
    return ops.index_select(grad, dim, index).sum()


def _index_reduce(input, dim, index, source, reduce, *, include_self=True):
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    dim = one_dim(dim, input.ndim)
    index = _numbers("index_reduce", index, input.shape[dim] if input.ndim else 1)
    reduce_into(namespace(input), _at_least_1d(input), _along(dim, index), _at_least_1d(source), reduce, include_self)


@op(category="index", inplace=True, samples=calls(*(
    lambda r, how=how, own=own: ((r.normal(size=(3, 4)), 0, np.array([2, 0, 2]), r.normal(size=(3, 4)), how), {"include_self": own})
    for how in ("prod", "mean", "amax", "amin") for own in (True, False))))
def index_reduce(input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True) -> Tensor:
    """Slices of `source` that go to the same number along `dim` are reduced there by "prod", "mean", "amax" or "amin"."""
    return copied(_index_reduce)(input, dim, index, source, reduce, include_self=include_self)


index_reduce.op.writes(_index_reduce)


@index_reduce.vjp("input", "source")
def _(grad, input, dim, index, source, reduce, include_self, out):
    # The same as scatter_reduce, with the numbers spread over whole slices.
    shape = [1] * max(source.ndim, 1)
    shape[dim] = -1
    spread = ops.contiguous(ops.expand(index.reshape(tuple(shape)), tuple(source.shape)))
    node = ops.scatter_reduce.op.rules["input"].function
    return node(grad, input, dim, spread, source, reduce, include_self, out)


@op(category="index", samples=calls(lambda r: ((r.normal(size=(3, 4)), np.array([[0, 11], [5, -1]])), {})))
def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements at `index` of `input` seen as one long vector; the result has the shape of `index`."""
    return _flat(input)[_flat_places("take", index, input.size)]


def _flat(array):
    return namespace(array).asarray(array).reshape(-1)


def _flat_places(name, index, size: int):
    if index.dtype != np.int64:
        raise RuntimeError(f"{name}(): Expected a long tensor for index, but got {dtype_of(index).title}. Convert it with .long().")
    if index.size and (int(index.min()) < -size or int(index.max()) >= size):
        raise IndexError(f"out of range: tried to access index {int(index.max())} on a tensor of {size} elements.")
    return index


@take.vjp("input")
def _(grad, input_shape, index):
    return ops.put(ops.expand(grad.sum() * 0, tuple(input_shape)), index, grad, True)


def _put(input, index, source, accumulate=False):
    index = _flat_places("put_", index, input.size)
    if source.dtype != input.dtype:
        raise RuntimeError(f"put_(): self and source expected to have the same dtype, but got self.dtype = {dtype_of(input)} and source.dtype = {dtype_of(source)}.")
    if source.size != index.size:
        raise RuntimeError(f"put_(): Expected source and index to have the same number of elements, but got source.numel() = {source.size}, index.numel() = {index.size}")
    xp = namespace(input)
    spots = xp.unravel_index(xp.where(index < 0, index + input.size, index).reshape(-1), input.shape or (1,))
    target = _at_least_1d(input)
    if accumulate:
        xp.add.at(target, spots, source.reshape(-1))
    else:
        target[spots] = source.reshape(-1)


@op(category="index", inplace=True, samples=calls(lambda r: ((r.normal(size=(3, 4)), np.array([[0, 11], [5, -2]]), r.normal(size=(2, 2))), {}),
                                                  lambda r: ((r.normal(size=(3, 4)), np.array([5, 5]), r.normal(size=(2,)), True), {})))
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of `input` with `source` written (or added) at `index` of `input` seen as one long vector."""
    return copied(_put)(input, index, source, accumulate)


put.op.writes(_put)


@put.vjp("input")
def _(grad, index, accumulate):
    return grad if accumulate else ops.put(grad, index, ops.take(grad, index) * 0)


@put.vjp("source")
def _(grad, index, source_shape):
    return ops.take(grad, index).reshape(tuple(source_shape))


def take_along_dim(input, indices, dim=None, *, out=None):
    """Pick along `dim` as `argsort` and `argmax(keepdim=True)` number it; `indices` and `input` broadcast elsewhere."""
    if indices.dtype is not dtype_of(np.dtype("int64")):
        raise RuntimeError(f"torch.take_along_dim(): dtype of indices should be Long but got {indices.dtype}")
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1), out=out)
    if input.ndim != indices.ndim:
        raise RuntimeError(f"torch.take_along_dim(): input and indices should have the same number of dimensions, but got {input.ndim} dimensions for input, and {indices.ndim} dimensions for indices")
    dim = one_dim(dim, input.ndim)
    common = np.broadcast_shapes(tuple(n for d, n in enumerate(input.shape) if d != dim), tuple(n for d, n in enumerate(indices.shape) if d != dim))
    def widened(t):
        return t.expand(*common[:dim], t.shape[dim], *common[dim:])
    return gather(widened(input), dim, widened(indices), out=out)


public[""]["take_along_dim"] = take_along_dim
Tensor.take_along_dim = take_along_dim


# ---- masks ----

def _mask(name, mask):
    if mask.dtype.kind != "b":
        if mask.dtype == np.uint8:
            return mask.astype(bool)
        raise RuntimeError(f"{name} only supports boolean masks, but got mask with dtype {dtype_of(mask)}. Compare it with something, e.g. mask > 0.")
    return mask


@op(category="index", inplace=True, latex=r"\begin{cases} v & m \\ x & \text{else} \end{cases}", samples=calls(
    lambda r: ((r.normal(size=(3, 4)), r.normal(size=(3, 4)) > 0, -1.0), {}), lambda r: ((r.normal(size=(3, 4)), r.normal(size=(4,)) > 0, r.normal(size=())), {})))
def masked_fill(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """`value` where `mask` is true, `input` elsewhere. The mask broadcasts.

    >>> import autodiff_lab as lab
    >>> lab.tensor([1.0, 2.0]).masked_fill(lab.tensor([True, False]), float("-inf"))
    tensor([-inf, 2.])
    """
    if getattr(value, "ndim", 0):
        raise RuntimeError(f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s).")
    if value.__class__ is float and input.dtype.kind in "iu" or value.__class__ is complex and input.dtype.kind != "c":
        raise RuntimeError(f"value cannot be converted to type {dtype_of(input).name} without overflow: {value}.")
    return namespace(input).where(_mask("masked_fill", mask), input.dtype.type(value) if getattr(value, "dtype", None) is None else value.astype(input.dtype), input)


@masked_fill.vjp("input", latex=r"[\lnot m]")
def _(grad, mask):
    return ops.masked_fill(grad, mask, 0)


@masked_fill.vjp("value")
def _(grad, mask):
    return ops.where(mask, grad, 0).sum()


@op(category="index", samples=calls(lambda r: ((r.normal(size=(3, 4)), r.normal(size=(3, 4)) > 0), {}), lambda r: ((r.normal(size=(3, 4)), r.normal(size=(4,)) > 0), {})))
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where `mask` is true, in one vector."""
    mask = _mask("masked_select", mask) if mask.dtype.kind == "b" or mask.dtype == np.uint8 else _refuse_mask(mask)
    xp = namespace(input)
    if input.shape != mask.shape:
        input, mask = xp.broadcast_arrays(input, mask)
    return xp.asarray(input)[xp.asarray(mask)].reshape(-1)


def _refuse_mask(mask):
    raise RuntimeError(f"masked_select: expected BoolTensor for mask, but got {dtype_of(mask)}.")


@masked_select.vjp("input")
def _(grad, input_shape, mask):
    common = np.broadcast_shapes(tuple(input_shape), tuple(mask.shape))
    mask = ops.expand(mask, common) if tuple(mask.shape) != common else mask
    return ops.masked_scatter(ops.expand(grad.sum() * 0, common), mask, grad)


def _masked_scatter(input, mask, source):
    mask = namespace(input).broadcast_to(_mask("masked_scatter_", mask), input.shape)
    if source.dtype != input.dtype:
        raise RuntimeError(f"masked_scatter: expected self and source to have same dtypes but got {dtype_of(input).title} and {dtype_of(source).title}")
    n = int(mask.sum())
    if source.size < n:
        raise RuntimeError(f"Number of elements of source < number of ones in mask: {source.size} < {n}.")
    if input.ndim:
        input[mask] = source.reshape(-1)[:n]
    elif n:
        input[...] = source.reshape(-1)[0]


@op(category="index", inplace=True, samples=calls(lambda r: ((r.normal(size=(3, 4)), r.normal(size=(3, 4)) > 0, r.normal(size=(12,))), {}),
                                                  lambda r: ((r.normal(size=(3, 4)), r.normal(size=(4,)) > 0, r.normal(size=(3, 4))), {})))
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy of `input` with the elements of `source`, in order, where `mask` is true."""
    xp = namespace(input)
    whole = xp.array(xp.broadcast_to(input, np.broadcast_shapes(input.shape, mask.shape)))
    _masked_scatter(whole, mask, source)
    return whole


masked_scatter.op.writes(_masked_scatter)


@masked_scatter.vjp("input")
def _(grad, mask):
    return ops.masked_fill(grad, mask, 0)


@masked_scatter.vjp("source")
def _(grad, mask, source_shape):
    return ops.first_elements(ops.masked_select(grad, mask), tuple(source_shape))


@op(category="index", function=False, method=False, out=False)
def first_elements(input: Tensor, shape) -> Tensor:
    """A vector's elements at the beginning of `shape`, zeros after them."""
    whole = namespace(input).zeros(shape, input.dtype)
    whole.reshape(-1)[:input.size] = input
    return whole


@first_elements.vjp("input")
def _(grad, input_shape):
    return grad.reshape(-1)[:input_shape[0]]


# ---- positions ----

@op(category="index", no_grad="positions are whole numbers", name="nonzero", function=False, method=False, samples=calls(lambda r: ((r.integers(0, 2, (3, 4)),), {})))
def _nonzero(input: Tensor) -> Tensor:
    """The positions of elements that are not zero, one row each."""
    xp = namespace(input)
    if not input.ndim:
        return xp.zeros((int(bool(input)), 0), np.int64)
    return xp.stack(xp.nonzero(input), axis=1) if input.size else xp.zeros((0, input.ndim), np.int64)


def nonzero(input, *, out=None, as_tuple: bool = False):
    """The positions of elements that are not zero: one row each, or one tensor per dimension.

    >>> import autodiff_lab as lab
    >>> lab.nonzero(lab.tensor([0, 5, 7]), as_tuple=True)
    (tensor([1, 2]),)
    """
    if as_tuple:
        found = _nonzero(input.reshape(1) if not input.ndim else input)
        return tuple(wrap(found._a[:, d].copy()) for d in range(found.shape[1]))
    return _nonzero(input, out=out)


def argwhere(input):
    """The positions of elements that are not zero, one row each."""
    return _nonzero(input)


def nonzero_static(input, *, size: int, fill_value: int = -1, out=None):
    """`nonzero` with exactly `size` rows: cut, or filled up with `fill_value`."""
    found = _nonzero(input)._a[:size]
    whole = np.full((size, found.shape[1]), fill_value, np.int64)
    whole[:len(found)] = found
    return wrap(whole)


for _made in (nonzero, argwhere, nonzero_static):
    public[""][_made.__name__] = _made
    setattr(Tensor, _made.__name__, _made)


def index_put(input, indices, values, accumulate: bool = False):
    """A copy of `input` with `values` written (or added) at `indices`, a tuple of tensors of positions."""
    return public_index_put(input, indices, values, accumulate)


def index_put_(self, indices, values, accumulate: bool = False):
    """Write (or add) `values` into the tensor at `indices`, a tuple of tensors of positions."""
    from ..core.views import write_in_place
    from .indexing import read

    return write_in_place(registry["index_put_at"], self, (self, read(tuple(indices), self._a.shape), _typed(self, values), accumulate))


def public_index_put(input, indices, values, accumulate):
    from .indexing import read

    return registry["index_put_at"].function(input, read(tuple(indices), input._a.shape), _typed(input, values), accumulate)


def _typed(self, values):
    if isinstance(values, Tensor) and values.dtype is not self.dtype:
        raise RuntimeError(f"Index put requires the source and destination dtypes match, got {self.dtype.title} for the destination and {values.dtype.title} for the source.")
    return values


public[""].update(index_put=index_put, index_put_=index_put_)
Tensor.index_put, Tensor.index_put_ = index_put, index_put_
