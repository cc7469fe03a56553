"""Shape: the same numbers seen otherwise. Almost all of these are views that share memory."""

from __future__ import annotations

import math

import numpy as np

from ..backend import namespace, strided
from ..core.broadcast import sum_to_shape
from ..core.errors import dim_message
from ..core.op import op, ops
from ..core.samples import calls
from ..core.tensor import Tensor

Ints = tuple


def one_dim(dim: int, ndim: int) -> int:
    """A dimension as a non-negative number.

    Raises:
        IndexError: if there is no such dimension.
    """
    if not -max(ndim, 1) <= dim < max(ndim, 1):
        raise IndexError(dim_message(dim, ndim))
    return dim % max(ndim, 1)


def infer(shape, size: int) -> tuple:
    """`shape` with a -1 replaced by what the number of elements asks for.

    Raises:
        RuntimeError: if no such shape has `size` elements.
    """
    shape = tuple(int(n) for n in shape)
    unknown = [i for i, n in enumerate(shape) if n == -1]
    if len(unknown) > 1:
        raise RuntimeError("only one dimension can be inferred")
    if any(n < -1 for n in shape):
        raise RuntimeError(f"invalid shape dimension {next(n for n in shape if n < -1)}")
    known = math.prod(n for n in shape if n != -1)
    if unknown:
        if known == 0:
            raise RuntimeError(f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension size -1 can be any value and is ambiguous")
        if size % known == 0:
            return (*shape[:unknown[0]], size // known, *shape[unknown[0] + 1:])
    if known != size:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {size}")
    return shape


@op(category="shape", view="maybe", samples=calls(lambda r: ((r.normal(size=(3, 4)), (2, 6)), {}), lambda r: ((r.normal(size=(3, 4)), (-1,)), {})))
def reshape(input: Tensor, shape: Ints) -> Tensor:
    """The same elements in another shape; a view where possible, else a copy. One size may be -1.

    >>> import autodiff_lab as lab
    >>> lab.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    shape = infer(shape, input.size)
    return input[...] if input.shape == shape else input.reshape(shape)


@reshape.vjp("input")
def _(grad, input_shape):
    return grad.reshape(tuple(input_shape))


@op(category="shape", view=True, function=False, samples=calls(lambda r: ((r.normal(size=(3, 4)), (2, 6)), {})), name="view")
def view(input: Tensor, shape: Ints) -> Tensor:
    """The same memory in another shape, never a copy. One size may be -1.

    Raises:
        RuntimeError: if the strides do not allow it (use reshape), or the number of elements differs.
    """
    shape = infer(shape, input.size)
    out = input.reshape(shape)
    if input.size and not np.may_share_memory(out, input):
        raise RuntimeError("view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous subspaces). "
                           "Use .reshape(...) instead.")
    return out if out is not input else input[...]


@view.vjp("input")
def _(grad, input_shape):
    return grad.reshape(tuple(input_shape))


@op(category="shape", view=True, samples=calls(lambda r: ((r.normal(size=(3, 4)), 0, 1), {})), alias=("swapaxes", "swapdims"))
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """The view with two dimensions exchanged."""
    return input.swapaxes(one_dim(dim0, input.ndim), one_dim(dim1, input.ndim)) if input.ndim else input[...]


@transpose.vjp("input")
def _(grad, dim0, dim1):
    return ops.transpose(grad, dim0, dim1)


@op(category="shape", view=True, samples=calls(lambda r: ((r.normal(size=(3, 4)),), {})))
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix, as a view; a vector or a number is returned as it is."""
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D. Use transpose(dim0, dim1), mT or permute.")
    return input.T[...]


@t.vjp("input")
def _(grad):
    return ops.t(grad)


@op(category="shape", view=True, samples=calls(lambda r: ((r.normal(size=(2, 3, 4)), (2, 0, 1)), {})))
def permute(input: Tensor, dims: Ints) -> Tensor:
    """The view with the dimensions in the order `dims`."""
    if len(dims) != input.ndim:
        raise RuntimeError(f"permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of dimensions "
                           f"i.e. input.dim() = {input.ndim} is not equal to len(dims) = {len(dims)}")
    order = tuple(one_dim(d, input.ndim) for d in dims)
    if len(set(order)) < len(order):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return input.transpose(order)


@permute.vjp("input")
def _(grad, dims):
    n = len(dims)
    back = [0] * n
    for i, d in enumerate(dims):
        back[d % n] = i
    return ops.permute(grad, back)


@op(category="shape", view=True, samples=calls(lambda r: ((r.normal(size=(3, 4)), 1), {})), inplace=False)
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """The view with a dimension of size 1 put in at `dim`."""
    dim = one_dim(dim, input.ndim + 1)
    return input[(slice(None),) * dim + (None,)]


@unsqueeze.vjp("input")
def _(grad, dim):
    return ops.squeeze(grad, dim)


@op(category="shape", view=True, samples=calls(lambda r: ((r.normal(size=(3, 1, 4)), 1), {}), lambda r: ((r.normal(size=(1, 3, 1)),), {})))
def squeeze(input: Tensor, dim=None) -> Tensor:
    """The view without dimensions of size 1: all, or those in `dim`."""
    if dim is None:
        return input.squeeze()[...]
    many = tuple(dim) if hasattr(dim, "__iter__") else (dim,)
    many = tuple(d for d in (one_dim(d, input.ndim) for d in many) if input.ndim and input.shape[d] == 1)
    return input.squeeze(many)[...]


@squeeze.vjp("input")
def _(grad, input_shape):
    return grad.reshape(tuple(input_shape))


@op(category="shape", view=True, function=False, samples=calls(lambda r: ((r.normal(size=(3, 1)), (2, 3, 4)), {})))
def expand(input: Tensor, size: Ints) -> Tensor:
    """The view with dimensions of size 1 stretched, without copying. -1 keeps a size."""
    extra = len(size) - input.ndim
    if extra < 0:
        raise RuntimeError(f"expand({list(input.shape)}, size={list(size)}): the number of sizes provided ({len(size)}) must be greater or equal to "
                           f"the number of dimensions in the tensor ({input.ndim})")
    shape = []
    for i, n in enumerate(size):
        have = input.shape[i - extra] if i >= extra else None
        if n == -1 and have is None:
            raise RuntimeError(f"The expanded size of the tensor ({n}) isn't allowed in a leading, non-existing dimension {i}")
        if n != -1 and have not in (None, 1, n):
            raise RuntimeError(f"The expanded size of the tensor ({n}) must match the existing size ({have}) at non-singleton dimension {i}.  "
                               f"Target sizes: {list(size)}.  Tensor sizes: {list(input.shape)}")
        shape.append(have if n == -1 else n)
    xp = namespace(input)
    strides = (0,) * extra + tuple(0 if n == 1 and shape[i + extra] != 1 else s for i, (n, s) in enumerate(zip(input.shape, input.strides, strict=True)))
    return strided(input, tuple(shape), strides)


@expand.vjp("input")
def _(grad, input_shape):
    return sum_to_shape(grad, input_shape)


@op(category="shape", view=True, out=False, samples=calls(lambda r: ((r.normal(size=(3, 4)), (2, 2), (4, 1), 1), {})))
def as_strided(input: Tensor, size, stride, storage_offset=None) -> Tensor:
    """A view of the memory with any sizes and strides, counted in elements from the start of the base."""
    step = input.dtype.itemsize
    xp = namespace(input)
    array = xp.asarray(input)
    reach = (storage_offset or 0) + sum_((n - 1) * s for n, s in zip(size, stride, strict=True) if n)
    if math.prod(size) and (reach >= _room(array) or min(stride, default=0) < 0):
        raise RuntimeError(f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {storage_offset or 0}, and itemsize {step} "
                           f"requiring a storage size of {(reach + 1) * step} are out of bounds for storage of size {_room(array) * step}")
    if xp is np:
        whole = np.lib.stride_tricks.as_strided(array, (_room(array),), (step,))
        return np.lib.stride_tricks.as_strided(whole[storage_offset or 0:], tuple(size), tuple(s * step for s in stride))
    return xp.lib.stride_tricks.as_strided(array.ravel()[storage_offset or 0:], tuple(size), tuple(s * step for s in stride))


sum_ = sum


def _room(array) -> int:
    """How many elements of memory follow the start of `array`."""
    if not array.size:
        return 0
    return 1 + sum_((n - 1) * (s // array.dtype.itemsize) for n, s in zip(array.shape, array.strides, strict=True))


@as_strided.vjp("input")
def _(grad, input_shape, size, stride, storage_offset):
    return ops.as_strided_add(grad, input_shape, size, stride, storage_offset)


@op(category="shape", function=False, method=False, out=False)
def as_strided_add(input: Tensor, shape, size, stride, storage_offset) -> Tensor:
    """Zeros of `shape` with `input` added through a strided view: the gradient of as_strided."""
    xp = namespace(input)
    whole = xp.zeros(tuple(shape), input.dtype)
    positions = as_strided.op.kernel(xp.arange(whole.size), size, stride, storage_offset)
    xp.add.at(whole.reshape(-1), positions, input)
    return whole


@as_strided_add.vjp("input")
def _(grad, size, stride, storage_offset):
    return ops.as_strided(grad.contiguous(), size, stride, storage_offset)


@op(category="shape", out=False, samples=calls(lambda r: ((r.normal(size=(3, 4)), r.normal(size=(2, 2)), (2, 2), (4, 1), 1), {})))
def as_strided_scatter(input: Tensor, src: Tensor, size, stride, storage_offset=None) -> Tensor:
    """A copy of `input` with `src` written through a strided view."""
    whole = namespace(input).array(input, order="C")
    as_strided.op.kernel(whole, size, stride, storage_offset)[...] = src
    return whole


@as_strided_scatter.vjp("input")
def _(grad, src_shape, size, stride, storage_offset):
    return ops.as_strided_scatter(grad, ops.as_strided(grad, size, stride, storage_offset) * 0, size, stride, storage_offset)


@as_strided_scatter.vjp("src")
def _(grad, size, stride, storage_offset):
    return ops.as_strided(grad, size, stride, storage_offset)


@op(category="shape", view="maybe", function=False, out=False, node_name="Clone", samples=calls(lambda r: ((r.normal(size=(3, 4)),), {})))
def contiguous(input: Tensor, memory_format=None) -> Tensor:
    """The tensor itself if its memory is in C order, else a copy that is."""
    if isinstance(input, np.generic) or input.flags.c_contiguous:
        return input
    return namespace(input).ascontiguousarray(input)


@contiguous.vjp("input")
def _(grad):
    return grad
