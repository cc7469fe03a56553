"""Choosing elements: indexing with brackets, where, gather, scatter."""

from __future__ import annotations

import numpy as np

from ..backend import namespace
from ..core.op import op, ops
from ..core.samples import calls
from ..core.tensor import Tensor

Number = int | float | complex | bool


def plain_index(index):
    """A PyTorch index as NumPy takes it: tensors as arrays, lists as arrays, the rest as it is."""
    if isinstance(index, tuple):
        return tuple(plain_index(i) for i in index)
    if isinstance(index, Tensor):
        array = index._a
        if array.dtype.kind not in "iub":
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors, "
                             f"got {index.dtype}. Convert with .long(), or compare to make a mask.")
        if array.dtype == np.uint8:
            return array.astype(bool)
        return array
    if isinstance(index, list):
        return np.asarray([plain_index(i) for i in index]) if not any(isinstance(i, (slice, type(None), type(...))) for i in index) else tuple(map(plain_index, index))
    if isinstance(index, slice):
        return slice(*(None if v is None else int(v) for v in (index.start, index.stop, index.step)))
    if isinstance(index, float):
        raise IndexError("only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got float)")
    return index


def is_basic(index) -> bool:
    """True if NumPy answers with a view: no arrays, lists or masks."""
    if isinstance(index, tuple):
        return all(is_basic(i) for i in index)
    return index is None or index is Ellipsis or isinstance(index, (slice, int, np.integer)) and not isinstance(index, (bool, np.bool_))


@op(category="index", latex=r"x_{i}", view="maybe", dunder=("__getitem__",), function=False, method=False, node_name="Select", samples=calls(
    lambda r: ((r.normal(size=(3, 4)), 1), {}), lambda r: ((r.normal(size=(3, 4)), (slice(None), slice(1, 3))), {}),
    lambda r: ((r.normal(size=(3, 4)), (Ellipsis, None, 2)), {})))
def getitem(input: Tensor, index) -> Tensor:
    """`input[index]`: a view for integers, slices, None and ...; a copy for masks and lists of positions.

    Raises:
        IndexError: for a position outside the tensor, a wrong mask shape or an index of a wrong type.
    """
    index = plain_index(index)
    if isinstance(index, tuple) and any(isinstance(i, slice) and i.step is not None and i.step < 0 for i in index) or isinstance(index, slice) and (index.step or 1) < 0:
        raise ValueError("step must be greater than zero. Use flip() to reverse a dimension.")
    found = input[index]
    return namespace(input).asarray(found) if isinstance(found, np.generic) and is_basic(index) and input.ndim else found


@getitem.vjp("input")
def _(grad, input_shape, index):
    return ops.embed(grad, input_shape, index)


@op(category="index", function=False, method=False, out=False)
def embed(input: Tensor, shape, index) -> Tensor:
    """Zeros of `shape` with `input` added at `index`: the gradient of indexing."""
    whole = namespace(input).zeros(tuple(shape), input.dtype)
    index = plain_index(index)
    if is_basic(index):
        whole[index] = input
    else:
        namespace(input).add.at(whole, index, input)
    return whole


@embed.vjp("input")
def _(grad, index):
    return ops.getitem(grad, index)


@op(category="index", latex=r"\begin{cases} x & c \\ y & \text{else} \end{cases}", promote=None, method=False, samples=calls(
    lambda r: ((r.normal(size=(3, 4)) > 0, r.normal(size=(3, 4)), r.normal(size=(4,))), {})), node_name="Where")
def where(condition: Tensor, input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """`input` where `condition` is true, else `other`."""
    return namespace(condition).where(condition, input, other)


@where.vjp("input")
def _(grad, condition):
    return ops.where(condition, grad, grad * 0)


@where.vjp("other")
def _(grad, condition):
    return ops.where(condition, grad * 0, grad)




@op(category="index", samples=calls(lambda r: ((r.normal(size=(3, 4)), 1, r.integers(0, 4, (3, 2))), {})))
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """Pick along `dim`: `out[i][j] = input[i][index[i][j]]` for dim 1. Repeated picks add their gradients.

    Raises:
        RuntimeError: for an index out of bounds, of a wrong type or with another number of dimensions.
    """
    xp = namespace(input)
    if index.dtype.kind not in "iu":
        raise RuntimeError(f"gather(): Expected dtype int32/int64 for index, but got {index.dtype}. Convert it with .long().")
    if index.ndim != input.ndim and input.ndim and index.ndim:
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
    if not input.ndim:
        return input if not index.ndim else xp.broadcast_to(input, index.shape).copy()
    dim = dim % input.ndim
    for d, (have, want) in enumerate(zip(input.shape, index.shape, strict=True)):
        if d != dim and want > have:
            raise RuntimeError(f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger than self {list(input.shape)} apart from dimension {dim}")
    if index.size and (int(index.min()) < 0 or int(index.max()) >= input.shape[dim]):
        bad = int(index.min()) if int(index.min()) < 0 else int(index.max())
        raise RuntimeError(f"index {bad} is out of bounds for dimension {dim} with size {input.shape[dim]}")
    part = input[tuple(slice(None) if d == dim else slice(0, n) for d, n in enumerate(index.shape))]
    return xp.take_along_axis(part, index, dim)


@gather.vjp("input")
def _(grad, input_shape, dim, index):
    return ops.gather_backward(grad, input_shape, dim, index)


@op(category="index", function=False, method=False, out=False)
def gather_backward(input: Tensor, shape, dim: int, index: Tensor) -> Tensor:
    """Zeros of `shape` with `input` added where `gather` picked."""
    xp = namespace(input)
    whole = xp.zeros(tuple(shape), input.dtype)
    if not whole.ndim:
        return whole + input.sum()
    places = list(xp.indices(index.shape, sparse=True))
    places[dim % len(places)] = index
    xp.add.at(whole, tuple(places), input)
    return whole


@gather_backward.vjp("input")
def _(grad, dim, index):
    return ops.gather(grad, dim, index)
