"""Choosing elements by functions: where, rows by number, positions; masks are in masks.py.

Operators that write have one kernel that works in place; the out-of-place form is a copy and that kernel.
"""

from __future__ import annotations

import numpy as np

from ..backend import namespace
from ..backend.cells import add_cells, add_places, add_rows, outside
from ..backend.fast import select
from ..core.dtypes import dtype_of, promoted
from ..core.errors import caution, dim_message
from ..core.op import op, ops, public, registry
from ..core.samples import calls
from ..core.tensor import Tensor
from .places import read

Number = int | float | complex | bool


def one_dim(dim: int, ndim: int) -> int:
    """A dimension as a non-negative number.

    Raises:
        IndexError: if there is no such dimension.
    """
    if -ndim <= dim < ndim:
        return dim if dim >= 0 else dim + ndim
    if ndim or not -1 <= dim < 1:
        raise IndexError(dim_message(dim, ndim))
    return 0


def dims_one_by_one(function):
    """The method of `function(input, dim)` that also takes the dimensions one by one, as only the method does in PyTorch."""
    def method(self, dim=None, *more, axis=None):
        return function(self, (dim, *more) if more else dim if axis is None else axis)

    method.__name__, method.__doc__, method.op = function.__name__, function.__doc__, function.op
    return method


def copied(writer):
    """The out-of-place kernel of an in-place one: a copy of the first argument, written to."""
    def kernel(input, *args, **kwargs):
        whole = namespace(input).array(input, order="C")
        writer(whole, *args, **kwargs)
        return whole
    return kernel


def at_least_1d(array):
    return array.reshape(1) if not array.ndim else array


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
        caution("where received a uint8 condition tensor. This behavior is deprecated and will be removed in a future version of PyTorch. Use a boolean condition instead.")
        condition = condition.astype(bool)
    a, b = getattr(input, "dtype", None), getattr(other, "dtype", None)
    if a is not b or a is None:
        common = promoted((input, other)).numpy
        if a is not common:
            input = input.astype(common) if a is not None else common.type(input)
        if b is not common:
            other = other.astype(common) if b is not None else common.type(other)
    return select(condition, input, other)


@where.vjp("input", latex="[c]")
def _(grad, condition):
    return ops.where(condition, grad, 0)


@where.vjp("other", latex="[\\lnot c]")
def _(grad, condition):
    return ops.where(condition, 0, grad)


_where = where


def where(condition, input=None, other=None, *, out=None):
    """`input` where `condition` is true, else `other`; with the condition alone, the positions where it is true.

    >>> import autodiff_lab as lab
    >>> x = lab.tensor([-1.0, 2.0])
    >>> lab.where(x > 0, x, 0), lab.where(x > 0)
    (tensor([0., 2.]), (tensor([1]),))
    """
    if input is None and other is None:
        return public[""]["nonzero"](condition, as_tuple=True)
    if isinstance(condition, (bool, np.bool_)):
        raise TypeError(f"where(): argument 'condition' (position 1) must be Tensor, not {type(condition).__name__}")
    return _where(condition, input, other, out=out)


where.op = _where.op
public[""]["where"] = where


def _where_method(self, condition, other):
    """`self` where `condition` is true, else `other`.

    >>> import autodiff_lab as lab
    >>> x = lab.tensor([-1.0, 2.0])
    >>> x.where(x > 0, 0.0)
    tensor([0., 2.])
    """
    return _where(condition, self, other)


Tensor.where = _where_method


# ---- whole slices by number ----

def numbers(name, index, size: int):
    if index.dtype.kind not in "iu" or index.dtype.itemsize < 4:
        raise RuntimeError(f"{name}(): Expected dtype int32 or int64 for index, but got {dtype_of(index)}. Convert it with .long().")
    if index.ndim > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector, but got dim: {index.ndim} with type: {dtype_of(index).title}.")
    index = index.reshape(-1)
    if outside(index, size):
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
    index = numbers("index_select", index, input.shape[dim] if input.ndim else 1)
    return namespace(input).take(input, index, axis=dim) if input.ndim else namespace(input).asarray(input).reshape(1)[index].reshape(())


@index_select.vjp("input")
def _(grad, input_shape, dim, index):
    return ops.index_select_backward(grad, tuple(input_shape), dim, index)


@op(category="index", function=False, method=False, out=False)
def index_select_backward(input: Tensor, shape, dim: int, index: Tensor) -> Tensor:
    """Zeros of `shape` with the slices of `input` added where `index_select` found them."""
    whole = namespace(input).zeros(shape, input.dtype)
    _index_add(whole, dim, index, input)
    return whole


@index_select_backward.vjp("input")
def _(grad, dim, index):
    return ops.index_select(grad, dim, index)


def along(dim: int, index) -> tuple:
    return (slice(None),) * dim + (index,)


def check_slices(input, source, dim: int) -> None:
    """Refuse a `source` whose slices along `dim` are not shaped as those of `input`."""
    if source.ndim != input.ndim or any(n != m for d, (n, m) in enumerate(zip(source.shape, input.shape, strict=True)) if d != dim):
        raise RuntimeError(f"source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = {list(input.shape)} source.shape = {list(source.shape)}")


def _index_add(input, dim, index, source, *, alpha=1):
    dim = one_dim(dim, input.ndim)
    index = numbers("index_add", index, input.shape[dim] if input.ndim else 1)
    if source.dtype != input.dtype:
        raise RuntimeError(f"index_add_(): self ({dtype_of(input).title}) and source ({dtype_of(source).title}) must have the same scalar type. Convert one with .to().")
    if source.ndim and source.shape[dim] != index.size:
        raise RuntimeError(f"index_add_(): Number of indices ({index.size}) should be equal to source.size(dim): ({source.shape[dim]}), for dim: {dim}")
    check_slices(input, source, dim)
    target = at_least_1d(input)
    values = at_least_1d(source) if alpha == 1 else at_least_1d(source) * alpha
    if dim == 0:
        add_rows(target, index, values)
    else:
        add_places(target, along(dim, index), values)


@op(category="index", inplace=True, samples=calls(
    lambda r: ((r.normal(size=(3, 4)), 0, np.array([2, 0, 2]), r.normal(size=(3, 4))), {}),
    lambda r: ((r.normal(size=(3, 4)), 1, np.array([1, 1]), r.normal(size=(3, 2))), {"alpha": 2.5})))
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1) -> Tensor:
    """A copy of `input` with `alpha` times the slices of `source` added to the slices numbered `index`.

    >>> import autodiff_lab as lab
    >>> lab.zeros(3).index_add(0, lab.tensor([0, 2, 0]), lab.tensor([1.0, 2.0, 3.0]))
    tensor([4., 0., 2.])
    """
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
    index = numbers("index_copy", index, input.shape[dim] if input.ndim else 1)
    if source.dtype != input.dtype:
        raise RuntimeError(f"index_copy_(): self and source expected to have the same dtype, but got (self) {dtype_of(input).title} and (source) {dtype_of(source).title}")
    if not source.ndim and index.size != 1:
        raise IndexError(f"index_copy_(): When source is scalar, index should have one element (got {index.size})")
    if source.ndim and input.ndim and source.ndim != input.ndim:
        raise IndexError(f"index_copy_(): When source and destination are not scalars, their dimensionality must match. Source dimensionality ({source.ndim}), "
                         f"destination dimensionality ({input.ndim})")
    if source.ndim and index.size != source.shape[dim]:
        raise IndexError(f"index_copy_(): Number of indices ({index.size}) should be equal to source.size(dim) ({source.shape[dim]})")
    at_least_1d(input)[along(dim, index)] = at_least_1d(source)


@op(category="index", inplace=True, samples=calls(lambda r: ((r.normal(size=(3, 4)), 1, np.array([3, 0]), r.normal(size=(3, 2))), {})))
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """A copy of `input` with the slices numbered `index` replaced by those of `source`.

    >>> import autodiff_lab as lab
    >>> lab.zeros(3).index_copy(0, lab.tensor([0, 2]), lab.tensor([1.0, 2.0]))
    tensor([1., 0., 2.])
    """
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
    if index.dtype != np.int64:
        raise IndexError(f"index_fill_(): Expected dtype int64 for index, but got {dtype_of(index)}. Convert it with .long().")
    dim = one_dim(dim, input.ndim)
    size = input.shape[dim] if input.ndim else 1
    index = namespace(index).where(index < 0, index + size, index)
    at_least_1d(input)[along(dim, numbers("index_fill", index, size))] = value


@op(category="index", inplace=True, out=False, samples=calls(lambda r: ((r.normal(size=(3, 4)), 1, np.array([3, 0]), -1.0), {}),
                                                  lambda r: ((r.normal(size=(3, 4)), 0, np.array([2]), r.normal(size=())), {})))
def index_fill(input: Tensor, dim: int, index: Tensor, value: Tensor | Number) -> Tensor:
    """A copy of `input` with the slices numbered `index` filled with `value`.

    >>> import autodiff_lab as lab
    >>> lab.zeros(3).index_fill(0, lab.tensor([0, 2]), 7.0)
    tensor([7., 0., 7.])
    """
    return copied(_index_fill)(input, dim, index, value)


index_fill.op.writes(_index_fill)


@index_fill.vjp("input")
def _(grad, dim, index):
    return ops.index_fill(grad, dim, index, 0)


@index_fill.vjp("value")
def _(grad, dim, index):
    return ops.index_select(grad, dim, ops.distinct_numbers(index)).sum()


@op(category="index", function=False, method=False, out=False, no_grad="positions are whole numbers")
def distinct_numbers(input: Tensor) -> Tensor:
    """Each position once."""
    return namespace(input).unique(input)


@op(category="index", samples=calls(lambda r: ((r.normal(size=(3, 4)), np.array([[0, 11], [5, -1]])), {})))
def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements at `index` of `input` seen as one long vector; the result has the shape of `index`.

    >>> import autodiff_lab as lab
    >>> lab.take(lab.tensor([[1, 2], [3, 4]]), lab.tensor([0, 3]))
    tensor([1, 4])
    """
    return _flat(input).take(_flat_places("take", index, input.size))


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
    return ops.take_backward(grad, tuple(input_shape), index)


@op(category="index", function=False, method=False, out=False)
def take_backward(input: Tensor, shape, index: Tensor) -> Tensor:
    """Zeros of `shape` with `input` added where `take` picked."""
    whole = namespace(input).zeros(shape, input.dtype)
    _put(whole, index, input, True)
    return whole


@take_backward.vjp("input")
def _(grad, index):
    return ops.take(grad, index)


def _put(input, index, source, accumulate=False):
    index = _flat_places("put_", index, input.size)
    if source.dtype != input.dtype:
        raise RuntimeError(f"put_(): self and source expected to have the same dtype, but got self.dtype = {dtype_of(input)} and source.dtype = {dtype_of(source)}.")
    if source.size != index.size:
        raise IndexError(f"put_(): Expected source and index to have the same number of elements, but got source.numel() = {source.size}, index.numel() = {index.size}")
    xp = namespace(input)
    if accumulate and xp is np and input.flags.c_contiguous:
        add_cells(input, np.where(index < 0, index + input.size, index), source)
        return
    spots = xp.unravel_index(xp.where(index < 0, index + input.size, index).reshape(-1), input.shape or (1,))
    target = at_least_1d(input)
    if accumulate:
        add_places(target, spots, source.reshape(-1))
    else:
        target[spots] = source.reshape(-1)


@op(category="index", inplace=True, out=False, samples=calls(lambda r: ((r.normal(size=(3, 4)), np.array([[0, 11], [5, -2]]), r.normal(size=(2, 2))), {}),
                                                  lambda r: ((r.normal(size=(3, 4)), np.array([5, 5]), r.normal(size=(2,)), True), {})))
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of `input` with `source` written (or added) at `index` of `input` seen as one long vector.

    >>> import autodiff_lab as lab
    >>> lab.zeros(3).put(lab.tensor([0, 2]), lab.tensor([1.0, 2.0]))
    tensor([1., 0., 2.])
    """
    return copied(_put)(input, index, source, accumulate)


put.op.writes(_put)


@put.vjp("input")
def _(grad, index, accumulate):
    return grad if accumulate else ops.put(grad, index, ops.take(grad, index) * 0)


@put.vjp("source")
def _(grad, index, source_shape):
    return ops.take(grad, index).reshape(tuple(source_shape))


# ---- several positions at once ----

def index_put(input: Tensor, indices, values: Tensor, accumulate: bool = False):
    """A copy of `input` with `values` written (or added) at `indices`, a tuple of tensors of positions.

    >>> import autodiff_lab as lab
    >>> x = lab.zeros(2, 2)
    >>> x.index_put((lab.tensor([0, 1]), lab.tensor([1, 0])), lab.tensor([5.0, 6.0]))
    tensor([[0., 5.],
            [6., 0.]])
    """
    return public_index_put(input, indices, values, accumulate)


def index_put_(self, indices, values: Tensor, accumulate: bool = False):
    """Write (or add) `values` into the tensor at `indices`, a tuple of tensors of positions.

    >>> import autodiff_lab as lab
    >>> x = lab.zeros(3)
    >>> x.index_put_((lab.tensor([0, 0]),), lab.tensor([1.0, 2.0]), accumulate=True)
    tensor([3., 0., 0.])
    """
    from ..core.views import write_in_place
    return write_in_place(registry["index_put_at"], self, (self, read(_positions(indices), self._a.shape), _typed(self, values), accumulate))


def public_index_put(input, indices, values, accumulate):
    return registry["index_put_at"].function(input, read(_positions(indices), input._a.shape), _typed(input, values), accumulate)


def _positions(indices) -> tuple:
    if not isinstance(indices, (tuple, list)):
        raise TypeError(f"index_put_(): argument 'indices' (position 1) must be tuple of Tensors, not {type(indices).__name__}. Give (index,) for one dimension.")
    for i, each in enumerate(indices):
        if each is not None and not isinstance(each, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 'indices' of index_put_(), but got {type(each).__name__}")
    return tuple(indices)


def _typed(self, values):
    if isinstance(values, Tensor) and values.dtype is not self.dtype:
        raise RuntimeError(f"Index put requires the source and destination dtypes match, got {self.dtype.title} for the destination and {values.dtype.title} for the source.")
    return values


public[""].update(index_put=index_put, index_put_=index_put_)
Tensor.index_put, Tensor.index_put_ = index_put, index_put_
