"""Putting tensors together and taking them apart: cat, stack, split, chunk, unbind and their relatives."""

from __future__ import annotations

import itertools

import numpy as np

from ..backend import channels_like, in_c_order, namespace
from ..backend.fast import concatenate
from ..core.arguments import Sizes, type_name
from ..core.dtypes import promoted
from ..core.errors import caution
from ..core.op import op, ops, public
from ..core.overriding import Foreign, takes_over
from ..core.samples import calls
from ..core.tensor import Tensor
from .indexing import BASIC
from .picking import one_dim


@op(category="shape", samples=calls(
    lambda r: (([r.normal(size=(3, 4)), r.normal(size=(2, 4))],), {}), lambda r: (([r.normal(size=(3, 4)), r.normal(size=(3, 1))], 1), {}),
    lambda r: (([r.normal(size=(0,)), r.normal(size=(3, 1))], -2), {})), promote="numeric", alias=("concat", "concatenate"))
def cat(tensors: list[Tensor], dim: int = 0) -> Tensor:
    """Tensors joined along an existing dimension.

    Raises:
        RuntimeError: if the other sizes differ, or there is no tensor.

    >>> import autodiff_lab as lab
    >>> lab.cat([lab.tensor([1, 2]), lab.tensor([3])])
    tensor([1, 2, 3])
    """
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    first = tensors[0].shape
    if first and first != (0,) and all(a.shape == first for a in tensors):
        return _ordered(_joined(tensors, one_dim(dim, len(first))))
    for i, a in enumerate(tensors):
        if not a.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated. Use torch.stack.")
    kept = [a for a in tensors if a.shape != (0,)] or tensors[:1]
    first = kept[0].shape
    dim = one_dim(dim, len(first))
    for i, a in enumerate(kept):
        if a.ndim != len(first):
            raise RuntimeError(f"Tensors must have same number of dimensions: got {len(first)} and {a.ndim}")
        for d, (n, m) in enumerate(zip(first, a.shape, strict=True)):
            if d != dim and n != m:
                raise RuntimeError(f"Sizes of tensors must match except in dimension {dim}. Expected size {n} but got size {m} for tensor number {i} in the list.")
    return _ordered(_joined(kept, dim))


def _joined(arrays, axis: int):
    return (concatenate if arrays[0].__class__ is np.ndarray else namespace(arrays[0]).concatenate)(arrays, axis)


def _ordered(joined):
    """In C order, or with the channels innermost if all parts had them so; NumPy keeps any order that all parts have."""
    return channels_like(joined, joined)


@cat.vjp("tensors", latex="1")
def _(grad, tensors_shape, dim, needs):
    parts, start = [], 0
    dim = dim % grad.ndim
    for shape, needed in zip(tensors_shape, needs, strict=True):
        if shape == (0,) and grad.ndim != 1:
            parts.append(grad.reshape(-1)[0:0] if needed else None)
            continue
        parts.append(grad[(slice(None),) * dim + (slice(start, start + shape[dim]),)] if needed else None)
        start += shape[dim]
    return parts


@op(category="shape", samples=calls(
    lambda r: (([r.normal(size=(3, 4)), r.normal(size=(3, 4))],), {}), lambda r: (([r.normal(size=(3,)), r.normal(size=(3,))], -1), {}),
    lambda r: (([r.normal(size=()), r.normal(size=())],), {})), promote="numeric")
def stack(tensors: list[Tensor], dim: int = 0) -> Tensor:
    """Tensors of one shape joined along a new dimension.

    Raises:
        RuntimeError: if the shapes differ, or there is no tensor.

    >>> import autodiff_lab as lab
    >>> lab.stack([lab.tensor([1, 2]), lab.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    shape = tensors[0].shape
    for i, a in enumerate(tensors):
        if a.shape != shape:
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and {list(a.shape)} at entry {i}")
    dim = one_dim(dim, len(shape) + 1)
    if not dim and shape:
        return in_c_order(_joined(tensors, 0)).reshape((len(tensors), *shape))
    return in_c_order(namespace(tensors[0]).stack(tensors, axis=dim))


@stack.vjp("tensors", latex="1")
def _(grad, tensors_shape, dim, needs):
    where = (slice(None),) * (dim % grad.ndim)
    return [grad[(*where, i)] if needed else None for i, needed in enumerate(needs)]


# ---- apart: every part is a view ----

def _cut_points(input, sizes, dim: int) -> list:
    """`input` cut along `dim` into parts of `sizes`."""
    before = (slice(None),) * dim
    parts, start = [], 0
    for n in sizes:
        parts.append(input[(*before, slice(start, start + n))])
        start += n
    return parts


@op(category="shape", view=True, outputs="list", function=False, method=False, node_name="Split", samples=calls(
    lambda r: ((r.normal(size=(5, 2)), (2, 3), 0), {}), lambda r: ((r.normal(size=(2, 3)), (1, 0, 2), 1), {})), variants=(("listed", "SplitWithSizesBackward0"),))
def split_sizes(input: Tensor, sizes, dim: int, listed: bool = False):
    """Views of consecutive parts along `dim`."""
    return _cut_points(input, sizes, dim)


@split_sizes.vjp("input", latex="1")
def _(grads, dim):
    return ops.cat(grads, dim)


def split(tensor, split_size_or_sections, dim: int = 0):
    """Parts of `split_size` along `dim` (the last may be smaller), or of the sizes in a list. Views.

    Raises:
        RuntimeError: if the sizes in a list do not add up.

    >>> import autodiff_lab as lab
    >>> lab.arange(5).split(2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    return split_like(tensor, split_size_or_sections, dim)


def _split_method(self, split_size, dim: int = 0):
    """Parts of `split_size` along `dim` (the last may be smaller), or of the sizes in a list. Views.

    >>> import autodiff_lab as lab
    >>> lab.arange(5).split(2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    return split_like(self, split_size, dim)


def split_like(tensor, wanted, dim: int):
    """The work of split."""
    if not tensor.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = one_dim(dim, tensor.ndim)
    size = tensor.shape[dim]
    if isinstance(wanted, Tensor) and not wanted.ndim:
        wanted = int(wanted)
    if isinstance(wanted, (int, np.integer)):
        if wanted < 0:
            raise RuntimeError(f"split expects split_size be non-negative, but got split_size={wanted}")
        if wanted == 0 and size:
            raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {size}")
        sizes = [min(wanted, size - start) for start in range(0, size, wanted or 1)] or [0]
    else:
        sizes = [int(n) for n in wanted]
        if any(n < 0 for n in sizes):
            raise RuntimeError(f"split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={sizes}")
        if sum(sizes) != size:
            raise RuntimeError(f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's size at dimension {dim}), but got split_sizes={sizes}")
    return split_sizes(tensor, tuple(sizes), dim, not isinstance(wanted, (int, np.integer)))


def split_with_sizes(input: Tensor, split_sizes: Sizes, dim: int = 0):
    """Parts of the given sizes along `dim`.

    >>> import autodiff_lab as lab
    >>> lab.arange(5).split_with_sizes([2, 3])
    (tensor([0, 1]), tensor([2, 3, 4]))
    """
    return split_like(input, tuple(split_sizes), dim)


def unsafe_split(input: Tensor, split_size: int, dim: int = 0):
    """`split`; the parts may be written to in place."""
    return let_go(split_like(input, split_size, dim), "UnsafeSplitBackward0")


def let_go(parts: tuple, name: str) -> tuple:
    """Views as tensors of their own, with a version each: the memory is still the same, but nobody keeps track of it."""
    for part in parts:
        part._view = part._ver = None
        if part._node is not None:
            part._node.edges[0].op = part._node.edges[0].op.named(name)
    return parts


def chunk(input: Tensor, chunks: int, dim: int = 0):
    """About equal parts along `dim`, at most `chunks` of them. Views.

    >>> import autodiff_lab as lab
    >>> lab.arange(5).chunk(2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    if not input.ndim:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    size = input.shape[one_dim(dim, input.ndim)]
    each = -(-size // chunks)
    return split_like(input, each if each else (0,) * chunks, dim)


def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0):
    """`chunk`; the parts may be written to in place."""
    return let_go(chunk(input, chunks, dim), "UnsafeSplitBackward0")


def tensor_split(input: Tensor, indices_or_sections=None, dim: int = 0, *, sections=None, indices=None, tensor_indices_or_sections=None):
    """Parts along `dim`: a number of them (the first ones larger), or cut before the given positions. Views.

    >>> import autodiff_lab as lab
    >>> lab.tensor_split(lab.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    indices_or_sections = _one_of("tensor_split", indices_or_sections, sections, indices, tensor_indices_or_sections)
    if not input.ndim:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    return _tensor_split(input, indices_or_sections, one_dim(dim, input.ndim))


def _one_of(name: str, *given):
    """PyTorch has a name for each kind of argument: the one that was used."""
    found = [value for value in given if value is not None]
    if len(found) != 1:
        raise TypeError(f"{name}() takes one of indices_or_sections, sections and indices, got {len(found)} of them")
    return found[0]


def _tensor_split(input, wanted, dim: int):
    size = input.shape[dim]
    if isinstance(wanted, Tensor):
        if wanted.dtype.name != "int64":
            raise RuntimeError(f"tensor_split expected tensor_indices_or_sections to have dtype of long, but got {wanted.dtype.title}. Convert it with .long().")
        wanted = wanted.tolist()
    if hasattr(wanted, "__index__"):
        wanted = int(wanted)
        if wanted <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {wanted}")
        sizes = [size // wanted + (i < size % wanted) for i in range(wanted)]
        wanted = list(itertools.accumulate(sizes))[:-1]
    # Slices, not outputs of one operator: unlike split's, these may be written to in place.
    before = (slice(None),) * dim
    edges = [None, *wanted, None]
    return tuple(BASIC["slice"](input, (*before, slice(a, b))) for a, b in itertools.pairwise(edges))


def _axis_split(name: str, least: int, dim: int):
    def cut(input: Tensor, indices_or_sections=None, *, sections=None, indices=None):
        indices_or_sections = _one_of(name, indices_or_sections, sections, indices)
        if input.ndim < least:
            raise RuntimeError(f"torch.{name} requires a tensor with at least {least} dimension{'s' if least > 1 else ''}, but got a tensor with {input.ndim} dimensions!")
        d = dim if input.ndim > 1 or name != "hsplit" else 0
        if isinstance(indices_or_sections, int) and (indices_or_sections <= 0 or input.shape[d] % indices_or_sections):
            raise RuntimeError(f"torch.{name} attempted to split along dimension {d}, but the size of the dimension {input.shape[d]} is not divisible by the split_size {indices_or_sections}!")
        return _tensor_split(input, indices_or_sections, d)
    cut.__name__, cut.__doc__ = name, f"Parts along dimension {dim}, in equal numbers or cut before the given positions. Views."
    return cut


hsplit, vsplit, dsplit = _axis_split("hsplit", 1, 1), _axis_split("vsplit", 2, 0), _axis_split("dsplit", 3, 2)


@op(category="shape", view=True, outputs="list", samples=calls(lambda r: ((r.normal(size=(3, 4)),), {}), lambda r: ((r.normal(size=(3, 4)), -1), {})))
def unbind(input: Tensor, dim: int = 0):
    """The slices along `dim`, without that dimension. Views.

    >>> import autodiff_lab as lab
    >>> lab.tensor([[1, 2], [3, 4]]).unbind()
    (tensor([1, 2]), tensor([3, 4]))
    """
    if not input.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    before = (slice(None),) * one_dim(dim, input.ndim)
    return [input[(*before, i, ...)] for i in range(input.shape[one_dim(dim, input.ndim)])]


@unbind.vjp("input", latex="1")
def _(grads, dim):
    return ops.stack(grads, dim)


# ---- joining by another name ----

def all_tensors(tensors) -> tuple:
    """`tensors` as a tuple.

    Raises:
        TypeError: for one that is none.
    """
    if isinstance(tensors, Tensor) or not hasattr(tensors, "__iter__"):
        raise TypeError(f"expected a tuple or list of Tensors, but got {type_name(tensors)}")
    tensors = tuple(tensors)
    for i, each in enumerate(tensors):
        if not isinstance(each, Tensor):
            kind = Foreign if takes_over(each) else TypeError
            raise kind(f"expected Tensor as element {i} in argument 0, but got {type_name(each)}")
    return tensors


def _tensors(name, tensors):
    found = all_tensors(tensors)
    if not found:
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    return found


def atleast_1d(*tensors):
    """Tensors with at least one dimension.

    >>> import autodiff_lab as lab
    >>> lab.atleast_1d(lab.tensor(3))
    tensor([3])
    """
    return _each(tensors, lambda t: t if t.ndim else t.reshape(1))


def atleast_2d(*tensors):
    """Tensors with at least two dimensions; a vector becomes a row.

    >>> import autodiff_lab as lab
    >>> lab.atleast_2d(lab.tensor([1, 2]))
    tensor([[1, 2]])
    """
    return _each(tensors, lambda t: t if t.ndim > 1 else t.reshape(1, 1) if not t.ndim else t.unsqueeze(0))


def atleast_3d(*tensors):
    """Tensors with at least three dimensions.

    >>> import autodiff_lab as lab
    >>> lab.atleast_3d(lab.tensor([1, 2])).shape
    torch.Size([1, 2, 1])
    """
    return _each(tensors, lambda t: t if t.ndim > 2 else t.reshape(1, 1, 1) if not t.ndim else t.unsqueeze(0).unsqueeze(-1) if t.ndim == 1 else t.unsqueeze(-1))


def _each(tensors, change):
    if len(tensors) == 1:
        return change(tensors[0]) if isinstance(tensors[0], Tensor) else tuple([change(t) for t in all_tensors(tensors[0])])
    return tuple([change(t) for t in all_tensors(tensors)])


def hstack(tensors, *, out=None):
    """Joined side by side: along dimension 1, vectors along 0.

    >>> import autodiff_lab as lab
    >>> lab.hstack([lab.tensor([1, 2]), lab.tensor([3])])
    tensor([1, 2, 3])
    """
    found = [atleast_1d(t) for t in _tensors("hstack", tensors)]
    return cat(found, 0 if found[0].ndim == 1 else 1, out=out)


def vstack(tensors, *, out=None):
    """Joined one below the other, vectors as rows.

    >>> import autodiff_lab as lab
    >>> lab.vstack([lab.tensor([1, 2]), lab.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    return cat([atleast_2d(t) for t in _tensors("vstack", tensors)], 0, out=out)


def dstack(tensors, *, out=None):
    """Joined along dimension 2.

    >>> import autodiff_lab as lab
    >>> lab.dstack([lab.tensor([1, 2]), lab.tensor([3, 4])])
    tensor([[[1, 3],
             [2, 4]]])
    """
    return cat([atleast_3d(t) for t in _tensors("dstack", tensors)], 2, out=out)


def column_stack(tensors, *, out=None):
    """Joined side by side, vectors as columns.

    >>> import autodiff_lab as lab
    >>> lab.column_stack([lab.tensor([1, 2]), lab.tensor([3, 4])])
    tensor([[1, 3],
            [2, 4]])
    """
    return cat([t.reshape(-1, 1) if t.ndim <= 1 else t for t in _tensors("column_stack", tensors)], 1, out=out)


row_stack = vstack


def block_diag(*tensors):
    """Matrices along the diagonal of a larger one, zeros elsewhere.

    >>> import autodiff_lab as lab
    >>> lab.block_diag(lab.ones(1, 2), lab.tensor([[2.0]]))
    tensor([[1., 1., 0.],
            [0., 0., 2.]])
    """
    if not tensors:
        return public[""]["empty"](1, 0)
    tensors = all_tensors(tensors)
    common = promoted([t._a for t in tensors])  # before numbers become matrices, which count more
    tensors = [atleast_2d(t).to(common) for t in tensors]
    for i, t in enumerate(tensors):
        if t.ndim > 2:
            raise RuntimeError(f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {t.ndim} dimensions")
    wide = sum(t.shape[1] for t in tensors)
    rows, start = [], 0
    for t in tensors:
        rows.append(cat([t.new_zeros(t.shape[0], start), t, t.new_zeros(t.shape[0], wide - start - t.shape[1])], 1))
        start += t.shape[1]
    return cat(rows, 0)


def cartesian_prod(*tensors):
    """Every combination of one element from each vector, one a row.

    >>> import autodiff_lab as lab
    >>> lab.cartesian_prod(lab.tensor([1, 2]), lab.tensor([3, 4]))
    tensor([[1, 3],
            [1, 4],
            [2, 3],
            [2, 4]])
    """
    for t in all_tensors(tensors):
        if t.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(t.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    return stack([g.reshape(-1) for g in meshgrid(*tensors, indexing="ij")], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False):
    """All combinations of `r` elements of a vector, one a row.

    >>> import autodiff_lab as lab
    >>> lab.combinations(lab.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    """
    from ..core.tensor import wrap

    if input.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return input.new_empty(0)
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    positions = np.array(list(choose(range(input.shape[0]), r)), np.int64).reshape(-1, r)
    return input[wrap(positions)]


def meshgrid(*tensors, indexing: str | None = None):
    """Vectors stretched to a grid: tensor i varies along dimension i ("ij"), or the first two exchanged ("xy"). Views.

    >>> import autodiff_lab as lab
    >>> rows, columns = lab.meshgrid(lab.arange(2), lab.arange(3), indexing="ij")
    >>> columns
    tensor([[0, 1, 2],
            [0, 1, 2]])
    """
    tensors = all_tensors(tensors[0] if len(tensors) == 1 and not isinstance(tensors[0], Tensor) else tensors)
    if indexing is None:
        caution("torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.")
        indexing = "ij"
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    if any(t.ndim > 1 for t in tensors):
        raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {list(next(t for t in tensors if t.ndim > 1).shape)}")
    if len({t.dtype for t in tensors}) > 1:
        raise RuntimeError("torch.meshgrid expects all tensors to have the same dtype")
    swap = indexing == "xy" and len(tensors) > 1
    if swap:
        tensors = (tensors[1], tensors[0], *tensors[2:])
    shape = tuple(t.numel() for t in tensors)
    grids = [t.reshape((1,) * i + (-1,) + (1,) * (len(tensors) - 1 - i)).expand(shape) for i, t in enumerate(tensors)]
    if swap:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


def broadcast_shapes(*shapes):
    """The shape that tensors of these shapes have after broadcasting.

    Raises:
        RuntimeError: if they do not broadcast.

    >>> import autodiff_lab as lab
    >>> lab.broadcast_shapes((3, 1), (4,))
    torch.Size([3, 4])
    """
    from ..core.tensor import Size

    shapes = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    common: list = []
    for at, shape in enumerate(shapes):
        if any(n < 0 for n in shape):
            raise ValueError(f"Attempting to broadcast a dimension with negative length! Argument {at} is {shape}.")
        common = [1] * (len(shape) - len(common)) + common
        for i in range(-1, -1 - len(shape), -1):
            if common[i] == 1 and shape[i] >= 0:
                common[i] = shape[i]
            elif shape[i] not in (1, common[i]):
                raise RuntimeError(f"Attempting to broadcast a dimension of length {shape[i]} at {i}! Mismatching argument at index {at} had {shape}; "
                                   f"but expected shape should be broadcastable to {common}. Read from the right, sizes must be equal or 1.")
    return Size(common)


def broadcast_tensors(*tensors):
    """Tensors stretched to their common shape. Views.

    >>> import autodiff_lab as lab
    >>> a, b = lab.broadcast_tensors(lab.zeros(3, 1), lab.zeros(4))
    >>> a.shape, b.shape
    (torch.Size([3, 4]), torch.Size([3, 4]))
    """
    tensors = all_tensors(tensors[0] if len(tensors) == 1 and not isinstance(tensors[0], Tensor) else tensors)
    try:
        shape = broadcast_shapes(*(t.shape for t in tensors))
    except RuntimeError:
        for a, b in itertools.pairwise(tensors):
            a + b  # says which two sizes differ
        raise
    return tuple(t if t.shape == shape else t.expand(shape) for t in tensors)


for _made in (split, split_with_sizes, unsafe_split, chunk, unsafe_chunk, tensor_split, hsplit, vsplit, dsplit, atleast_1d, atleast_2d, atleast_3d,
              hstack, vstack, dstack, column_stack, block_diag, cartesian_prod, combinations, meshgrid, broadcast_shapes, broadcast_tensors):
    public[""][_made.__name__] = _made
public[""]["row_stack"] = row_stack
for _made in (split_with_sizes, unsafe_split, chunk, unsafe_chunk, tensor_split, hsplit, vsplit, dsplit):
    setattr(Tensor, _made.__name__, _made)
Tensor.split = _split_method
