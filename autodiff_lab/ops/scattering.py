"""Picking and placing along a dimension: gather, scatter, and reductions into places.

Operators that write have one kernel that works in place; the out-of-place form is a copy and that kernel.
"""

from __future__ import annotations

import numpy as np

from ..backend import namespace
from ..backend.cells import add_cells, add_places, cells, outside
from ..core.dtypes import dtype_of
from ..core.errors import TooFewDimensions, caution
from ..core.op import op, ops, public
from ..core.precision import in_float32
from ..core.samples import calls
from ..core.tensor import Tensor
from .picking import along, at_least_1d, check_slices, copied, numbers, one_dim

Number = int | float | complex | bool


def check_places(name: str, input, dim: int, index, src=None) -> int:
    """The dimension as a non-negative number, if `index` fits `input` (and `src`).

    Raises:
        RuntimeError: for an index of a wrong type or number of dimensions, too large, or out of bounds.
    """
    dim = one_dim(dim, input.ndim)
    if not index.size:
        return dim
    if index.dtype.kind not in "iu" or index.dtype.itemsize < 4:
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index, but got {dtype_of(index)}. Convert it with .long().")
    if max(index.ndim, 1) != max(input.ndim, 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as " + ("input" if name == "gather" else "self")
                           + f" tensor: {name} got an index of shape {list(index.shape)} for {list(input.shape)}. Stretch it with expand, or use index_select.")
    have, want = input.shape or (1,), index.shape or (1,)
    for d in range(len(have)):
        if d != dim and want[d] > have[d]:
            raise RuntimeError(f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger than self {list(input.shape)} apart from dimension {dim}"
                               + (f" and to be no larger size than src {list(src.shape)}" if src is not None and getattr(src, "shape", None) is not None else ""))
    if src is not None and getattr(src, "dtype", None) is not None:
        if max(src.ndim, 1) != max(input.ndim, 1):
            raise TooFewDimensions(f"Index tensor must have the same number of dimensions as src tensor: {name} got an index of shape {list(index.shape)} and src of shape {list(src.shape)}")
        for n, m in zip(want, src.shape or (1,), strict=True):
            if n > m:
                raise RuntimeError(f"Expected index {list(index.shape)} to be no larger than self {list(input.shape)} apart from dimension {dim} "
                                   f"and to be no larger size than src {list(src.shape)}")
    if outside(index, have[dim]):
        low, high = int(index.min()), int(index.max())
        raise RuntimeError(f"index {low if low < 0 else high} is out of bounds for dimension {dim} with size {have[dim]}")
    return dim


def places(index, dim: int) -> tuple:
    """NumPy's index for the cells that `index` names along `dim`."""
    xp = namespace(index)
    index = xp.atleast_1d(index)
    found = [xp.arange(n).reshape((-1,) + (1,) * (index.ndim - 1 - d)) for d, n in enumerate(index.shape)]
    found[dim] = index
    return tuple(found)


def _cut(src, index):
    """The part of `src` that `index` covers."""
    if getattr(src, "dtype", None) is None:
        return src
    src, shape = at_least_1d(src), index.shape or (1,)
    return src if src.shape == shape else src[tuple(slice(0, n) for n in shape)]


@op(category="index", samples=calls(
    lambda r: ((r.normal(size=(3, 4)), 1, r.integers(0, 4, (3, 2))), {}), lambda r: ((r.normal(size=(3, 4)), 0, r.integers(0, 3, (2, 4))), {}),
    lambda r: ((r.normal(size=(3, 4)), -1, r.integers(0, 4, (2, 5))), {}), lambda r: ((r.normal(size=()), 0, r.integers(0, 1, ())), {})))
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """Pick along `dim`: `out[i][j] = input[i][index[i][j]]` for dim 1. Repeated picks add their gradients.

    Raises:
        RuntimeError: for an index out of bounds, of a wrong type or with another number of dimensions.

    >>> import autodiff_lab as lab
    >>> x = lab.tensor([[1, 2], [3, 4]])
    >>> x.gather(1, lab.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]])
    """
    dim = check_places("gather", input, dim, index)
    if not index.size:
        return namespace(input).zeros(index.shape, input.dtype)
    if input.__class__ is np.ndarray and input.ndim and input.flags.c_contiguous:
        return input.reshape(-1).take(cells(index, dim, input.shape))
    found = at_least_1d(input)[places(index, dim)]
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
    if src is None:
        if value is None:
            raise TypeError("scatter() received an invalid combination of arguments: it needs src, a tensor or a number, after dim and index")
        src = value.item() if hasattr(value, "item") else value
    if reduce is not None and reduce not in ("add", "multiply"):
        raise RuntimeError(f"reduce argument must be either add or multiply. Got {reduce!r}.")
    _same_type("scatter", input, src)
    dim = check_places("scatter", input, dim, index, src)
    if not index.size:
        return
    values = _cut(src, index)
    index = at_least_1d(index)
    if reduce is None and input.__class__ is np.ndarray and input.ndim and input.flags.c_contiguous:
        input.reshape(-1)[cells(index, dim, input.shape)] = values
        return
    target, spots = at_least_1d(input), places(index, dim)
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
    lambda r: ((r.normal(size=(3, 4)), 0, np.array([[0, 1, 2, 0]]), r.normal(size=(2, 4))), {}),
    lambda r: ((r.normal(size=(3, 4)), 0, np.array([[0, 1, 2, 0]]), r.normal(size=(2, 4))), {"reduce": "add"})))
def scatter(input: Tensor, dim: int, index: Tensor, src: Tensor | Number | None = None, *, value: Number | None = None, reduce: str | None = None) -> Tensor:
    """A copy of `input` with `src` (or a number) written along `dim` at `index`; the reverse of gather.

    Args:
        reduce: "add" or "multiply" instead of writing (no gradient).

    Raises:
        RuntimeError: for an index outside the dimension.

    >>> import autodiff_lab as lab
    >>> lab.zeros(2, 3).scatter(1, lab.tensor([[0], [2]]), 1.0)
    tensor([[1., 0., 0.],
            [0., 0., 1.]])
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
    from .places import read
    return ops.embed(grad, tuple(shape), read(tuple(slice(0, n) for n in grad.shape), tuple(shape)))


def _scatter_add(input, dim, index, src):
    _same_type("scatter", input, src)
    dim = check_places("scatter_add", input, dim, index, src)
    if not index.size:
        return
    if input.__class__ is np.ndarray and input.ndim and input.flags.c_contiguous:
        add_cells(input, cells(index, dim, input.shape), _cut(src, index))
    else:
        add_places(at_least_1d(input), places(index, dim), _cut(src, index))


@op(category="index", inplace=True, samples=calls(
    lambda r: ((r.normal(size=(3, 4)), 1, r.integers(0, 4, (3, 2)), r.normal(size=(3, 2))), {}),
    lambda r: ((r.normal(size=(3, 4)), 0, r.integers(0, 3, (2, 3)), r.normal(size=(5, 4))), {})))
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy of `input` with `src` added along `dim` at `index`; repeated positions add up.

    >>> import autodiff_lab as lab
    >>> lab.zeros(3).scatter_add(0, lab.tensor([0, 0, 2]), lab.tensor([1.0, 2.0, 5.0]))
    tensor([3., 0., 5.])
    """
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
    if input.dtype.kind == "c" and reduce in ("amax", "amin") or input.dtype.kind == "b" and reduce == "mean":
        raise NotImplementedError(f"\"scatter_gather_tensor_cpu_reduce_{reduce}\" not implemented for '{dtype_of(input).title}'. Convert first, e.g. with .float() or .abs().")
    xp = namespace(input)
    target, spots, values = at_least_1d(input), places(index, dim), _cut(src, index)
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
@in_float32
def scatter_reduce(input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True) -> Tensor:
    """Values of `src` that go to the same place along `dim` are reduced there by "sum", "prod", "mean", "amax" or "amin".

    Args:
        include_self: whether what `input` holds there takes part.

    >>> import autodiff_lab as lab
    >>> lab.zeros(3).scatter_reduce(0, lab.tensor([0, 0, 2]), lab.tensor([1.0, 2.0, 5.0]), "amax")
    tensor([2., 0., 5.])
    """
    return copied(_scatter_reduce)(input, dim, index, src, reduce, include_self=include_self)


scatter_reduce.op.writes(_scatter_reduce)


@scatter_reduce.vjp("input", "src")
def _(grad, input, dim, index, src, reduce, include_self, out):
    return reduce_backward(grad, input, dim, index, src, reduce, include_self, out)


def reduce_backward(grad, input, dim, index, src, reduce, include_self, out):
    """The gradients of scatter_reduce, for its target and its source."""
    if reduce == "sum":
        to_self, to_src = grad, ops.gather(grad, dim, index)
    elif reduce == "mean":
        ones = ops.gather(grad, dim, index) * 0 + 1
        number = ops.scatter_add(ops.zeroed(grad) + (1 if include_self else 0), dim, index, ones)
        number = ops.where(number == 0, 1, number)
        to_self = grad / number
        to_src = ops.gather(to_self, dim, index)
    elif reduce == "prod":
        to_self, to_src = _prod_backward(grad, input, dim, index, src, include_self, out)
    else:
        covered = corner(src, index)
        src_is = (covered == ops.gather(out, dim, index)) + ops.gather(grad, dim, index) * 0
        self_is = (input == out) + ops.zeroed(grad)
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
    number = ops.gather(ops.scatter_add(ops.zeroed(grad), dim, index, zero + covered * 0), dim, index)
    single = zero & (number == 1)
    without = ops.scatter_reduce(input, dim, index, ops.where(single, 1, covered), "prod", include_self=include_self)
    to_src = ops.where(single, ops.gather(grad * without, dim, index), ops.gather(grad * out, dim, index) / ops.where(zero, 1, covered))
    return to_self, to_src


def _index_reduce(input, dim, index, source, reduce, *, include_self=True):
    caution("index_reduce() is in beta and the API may change at any time.")
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    dim = one_dim(dim, input.ndim)
    index = numbers("index_reduce", index, input.shape[dim] if input.ndim else 1)
    if source.dtype != input.dtype:
        raise RuntimeError(f"index_reduce_(): self ({dtype_of(input).title}) and source ({dtype_of(source).title}) must have the same scalar type. Convert one with .to().")
    if input.dtype.kind in "bc" and (input.ndim < 2 or input.dtype.kind == "b" and reduce == "mean"):  # PyTorch has another way for matrices
        raise NotImplementedError(f"\"index_func_\" not implemented for '{dtype_of(input).title}': convert the vector with .float() or .real.")
    check_slices(input, source, dim)
    reduce_into(namespace(input), at_least_1d(input), along(dim, index), at_least_1d(source), reduce, include_self)


@op(category="index", inplace=True, samples=calls(*(
    lambda r, how=how, own=own: ((r.normal(size=(3, 4)), 0, np.array([2, 0, 2]), r.normal(size=(3, 4)), how), {"include_self": own})
    for how in ("prod", "mean", "amax", "amin") for own in (True, False))))
@in_float32
def index_reduce(input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True) -> Tensor:
    """Slices of `source` that go to the same number along `dim` are reduced there by "prod", "mean", "amax" or "amin".

    >>> import autodiff_lab as lab
    >>> lab.zeros(2).index_reduce(0, lab.tensor([0, 0, 1]), lab.tensor([1.0, 5.0, 2.0]), "amax")
    tensor([5., 2.])
    """
    return copied(_index_reduce)(input, dim, index, source, reduce, include_self=include_self)


index_reduce.op.writes(_index_reduce)


@index_reduce.vjp("input", "source")
def _(grad, input, dim, index, source, reduce, include_self, out):
    # The same as scatter_reduce, with the numbers spread over whole slices.
    shape = [1] * source.ndim
    if source.ndim:
        shape[dim] = -1
    spread = ops.contiguous(ops.expand(index.reshape(tuple(shape)), tuple(source.shape)))
    return reduce_backward(grad, input, dim, spread, source, reduce, include_self, out)


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None, *, out=None):
    """Pick along `dim` as `argsort` and `argmax(keepdim=True)` number it; `indices` and `input` broadcast elsewhere.

    >>> import autodiff_lab as lab
    >>> x = lab.tensor([[3, 1, 2]])
    >>> x.take_along_dim(x.argsort(1), 1)
    tensor([[1, 2, 3]])
    """
    if indices.dtype is not dtype_of(np.dtype("int64")):
        raise RuntimeError(f"torch.take_along_dim(): dtype of indices should be Long but got {indices.dtype}")
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1), out=out)
    if input.ndim != indices.ndim:
        raise RuntimeError(f"torch.take_along_dim(): input and indices should have the same number of dimensions, but got {input.ndim} dimensions for input, and {indices.ndim} dimensions for indices")
    dim = one_dim(dim, input.ndim)
    indices = indices.where(indices >= 0, indices + input.shape[dim]) if input.ndim else indices
    common = np.broadcast_shapes(tuple(n for d, n in enumerate(input.shape) if d != dim), tuple(n for d, n in enumerate(indices.shape) if d != dim))
    def widened(t):
        return t.expand(*common[:dim], t.shape[dim], *common[dim:])
    return gather(widened(input), dim, widened(indices), out=out)


public[""]["take_along_dim"] = take_along_dim
Tensor.take_along_dim = take_along_dim
