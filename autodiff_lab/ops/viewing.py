"""Views by composition of those in shape.py: a part of a dimension, several dimensions as one, dimensions moved about."""

from __future__ import annotations

import math

from ..core.arguments import Sizes
from ..core.errors import caution
from ..core.op import public
from ..core.outs import stored
from ..core.tensor import Tensor
from .indexing import BASIC
from .picking import one_dim
from .shape import infer, permute, reshape, transpose


def narrow(input: Tensor, dim: int, start, length: int):
    """The view of `length` slices along `dim`, from `start` on.

    >>> import autodiff_lab as lab
    >>> lab.arange(5).narrow(0, 1, 3)
    tensor([1, 2, 3])
    """
    if not input.ndim:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    dim = one_dim(dim, input.ndim)
    if isinstance(start, Tensor) and (start.ndim or start._a.dtype.kind not in "iu"):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    start, size = int(start), input.shape[dim]
    if not -size <= start <= size:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-size}, {size}], but got {start})")
    start += size if start < 0 else 0
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return BASIC["slice"](input, (slice(None),) * dim + (slice(start, start + length),))


def narrow_copy(input: Tensor, dim: int, start: int, length: int, *, out=None):
    """A copy of `length` slices along `dim`, from `start` on.

    >>> import autodiff_lab as lab
    >>> lab.arange(5).narrow_copy(0, 1, 3)
    tensor([1, 2, 3])
    """
    if dim >= max(input.ndim, 1):
        raise RuntimeError(f"narrow_copy(): expected dim < {input.ndim}, the number of dimensions, but got {dim}.")
    return stored(narrow(input, dim, start, length).clone(), out)


def select(input: Tensor, dim: int, index: int):
    """The view of the slice numbered `index` along `dim`, without that dimension.

    >>> import autodiff_lab as lab
    >>> lab.arange(6).view(2, 3).select(0, 1)
    tensor([3, 4, 5])
    """
    if not input.ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim, index = one_dim(dim, input.ndim), int(index)
    size = input.shape[dim]
    if not -size <= index < size:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(input.shape)} at dimension {dim}")
    return BASIC["select"](input, (slice(None),) * dim + (index, ...))


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1):
    """The dimensions from `start_dim` to `end_dim` made one; a view where possible.

    >>> import autodiff_lab as lab
    >>> lab.zeros(2, 3, 4).flatten(1).shape
    torch.Size([2, 12])
    """
    shape = input._a.shape
    n = len(shape)
    start, end = one_dim(start_dim, n), one_dim(end_dim, n)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if not n:
        return reshape(input, 1)
    if start == end:
        return input
    if not start and end == n - 1:
        return reshape(input, input._a.size)
    return reshape(input, (*shape[:start], math.prod(shape[start:end + 1]), *shape[end + 1:]))


def unflatten(input: Tensor, dim: int, sizes: Sizes):
    """One dimension made several, of the given sizes; one may be -1.

    >>> import autodiff_lab as lab
    >>> lab.arange(6).unflatten(0, (2, 3))
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    dim = one_dim(dim, input.ndim)
    sizes = [int(n) for n in sizes]
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    shape = input._a.shape
    try:
        inner = infer(sizes, shape[dim])
    except RuntimeError:
        raise RuntimeError(f"unflatten: Provided sizes {sizes} don't multiply up to the size of dim {dim} ({shape[dim]}) in the input tensor") from None
    return input.view((*shape[:dim], *inner, *shape[dim + 1:]))


def ravel(input: Tensor):
    """All elements as one dimension; a view where possible.

    >>> import autodiff_lab as lab
    >>> lab.zeros(2, 3).ravel().shape
    torch.Size([6])
    """
    return input.reshape(-1)


def view_as(self, other: Tensor):
    """`view` with the shape of `other`.

    >>> import autodiff_lab as lab
    >>> lab.arange(4).view_as(lab.zeros(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return self.view(other.shape)


def reshape_as(self, other: Tensor):
    """`reshape` with the shape of `other`.

    >>> import autodiff_lab as lab
    >>> lab.arange(4).reshape_as(lab.zeros(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return self.reshape(other.shape)


def expand_as(self, other: Tensor):
    """`expand` to the shape of `other`.

    >>> import autodiff_lab as lab
    >>> lab.tensor([[1], [2]]).expand_as(lab.zeros(2, 3))
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    return self.expand(other.shape)


def broadcast_to(input: Tensor, size: Sizes):
    """The view stretched to the shape `size`.

    >>> import autodiff_lab as lab
    >>> lab.broadcast_to(lab.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return input.expand(size)


def expand_whole(self, *sizes, size=None):
    """The view stretched to the shape `size`, whose numbers may come one by one.

    >>> import autodiff_lab as lab
    >>> lab.tensor([1, 2]).broadcast_to(2, 2)
    tensor([[1, 2],
            [1, 2]])
    """
    return self.expand(*sizes) if size is None else self.expand(size)


expand_whole.__name__ = "broadcast_to"


def swapaxes(input: Tensor, axis0: int, axis1: int):
    """The view with two dimensions exchanged; the same as transpose.

    >>> import autodiff_lab as lab
    >>> lab.zeros(2, 3, 5).swapaxes(0, 2).shape
    torch.Size([5, 3, 2])
    """
    return transpose(input, axis0, axis1)


def swapdims(input: Tensor, dim0: int, dim1: int):
    """The view with two dimensions exchanged; the same as transpose.

    >>> import autodiff_lab as lab
    >>> lab.zeros(2, 3).swapdims(0, 1).shape
    torch.Size([3, 2])
    """
    return transpose(input, dim0, dim1)


def movedim(input: Tensor, source, destination):
    """The view with dimensions moved from `source` to `destination`; the others keep their order.

    >>> import autodiff_lab as lab
    >>> lab.zeros(2, 3, 5).movedim(0, -1).shape
    torch.Size([3, 5, 2])
    """
    n = input.ndim
    same = source == destination or not n
    source = [one_dim(d, n) for d in ((source,) if isinstance(source, int) else source)]
    destination = [one_dim(d, n) for d in ((destination,) if isinstance(destination, int) else destination)]
    if len(source) != len(destination):
        raise RuntimeError(f"movedim: Invalid source or destination dims: source ({source} dims) should contain the same number of dims as destination ({destination} dims)")
    for name, dims in (("source", source), ("destination", destination)):
        if len(set(dims)) < len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({dims})")
    if same:
        return BASIC["alias"](input, ...)
    rest = iter([d for d in range(n) if d not in source])
    into = dict(zip(destination, source, strict=True))
    return permute(input, [into[d] if d in into else next(rest) for d in range(n)])


moveaxis = movedim


def adjoint(input: Tensor):
    """The matrices transposed and conjugated.

    >>> import autodiff_lab as lab
    >>> lab.adjoint(lab.tensor([[1j, 2.0]])).shape
    torch.Size([2, 1])
    """
    if not input.ndim:
        caution("adjoint() is deprecated on 0-D tensors. Consider using x.conj().")
        return input.conj() if input.is_complex() else input
    return input.mH


for _made in (narrow, narrow_copy, select, flatten, unflatten, ravel, swapaxes, swapdims, movedim, adjoint):
    public[""][_made.__name__] = _made
    setattr(Tensor, _made.__name__, _made)
for _made in (view_as, reshape_as, expand_as):
    setattr(Tensor, _made.__name__, _made)
Tensor.broadcast_to = expand_whole
public[""].update(broadcast_to=broadcast_to, moveaxis=moveaxis)
Tensor.moveaxis = moveaxis
