"""Shape: the same numbers seen otherwise. Almost all of these are views that share memory."""

from __future__ import annotations

import numpy as np

from ..backend import namespace, shares, strided
from ..core.arguments import Dims
from ..core.broadcast import sum_to_shape
from ..core.dtypes import dtype, dtype_of
from ..core.errors import caution
from ..core.op import op, ops
from ..core.samples import calls
from ..core.tensor import Tensor
from .picking import dims_one_by_one, one_dim
from .strided import strided as memory_view

Ints = tuple


def infer(shape, size: int) -> tuple:
    """`shape` with a -1 replaced by what the number of elements asks for.

    Raises:
        RuntimeError: if no such shape has `size` elements.
    """
    known, unknown = 1, None
    for i, n in enumerate(shape):
        if n >= 0:
            known *= n
        elif n == -1 and unknown is None:
            unknown = i
        elif n == -1:
            raise RuntimeError(f"only one dimension can be inferred: one size may be -1, got {list(shape)}")
        else:
            raise RuntimeError(f"invalid shape dimension {n} at index {i} of shape {list(shape)}")
    if unknown is None:
        if known == size:
            return tuple(shape)
    elif known == 0 and size == 0:
        raise RuntimeError(f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension size -1 can be any value and is ambiguous")
    elif known and size % known == 0:
        return (*shape[:unknown], size // known, *shape[unknown + 1:])
    raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {size}")


def _reshaped(input, shape: tuple):
    """`input` in another shape. NumPy infers the -1 too, and faster; `infer` is asked where NumPy refuses, or would take another number for -1."""
    for n in shape:
        if n < -1:
            break
    else:
        try:
            return input.reshape(shape)
        except (TypeError, ValueError):
            pass
    return input.reshape(infer(shape, input.size))


@op(category="shape", view="maybe", out=False, node_name="View", variants=(
    ("input_a.flags.c_contiguous", "ViewBackward0"), ("result._view is None", "UnsafeViewBackward0"), ("True", "ReshapeAliasBackward0")), samples=calls(
    lambda r: ((r.normal(size=(3, 4)), (2, 6)), {}), lambda r: ((r.normal(size=(3, 4)), (-1,)), {}), lambda r: ((r.normal(size=(0, 4)), (2, 0)), {}), lambda r: ((r.normal(size=()), (1,)), {})))
def reshape(input: Tensor, shape: Ints) -> Tensor:
    """The same elements in another shape; a view where possible, else a copy. One size may be -1.

    Raises:
        RuntimeError: if the sizes do not multiply to the number of elements.

    >>> import autodiff_lab as lab
    >>> lab.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    return input[...] if input.shape == shape else _reshaped(input, shape)


@reshape.vjp("input")
def _(grad, input_shape):
    return grad.reshape(tuple(input_shape))


@op(category="shape", view=True, function=False, samples=calls(lambda r: ((r.normal(size=(3, 4)), (2, 6)), {})), name="view", changes_dtype=True)
def view(input: Tensor, shape: Ints) -> Tensor:
    """The same memory in another shape, never a copy. One size may be -1. `view(dtype)` reads the same bits as another type.

    Raises:
        RuntimeError: if the strides do not allow it (use reshape), or the number of elements differs.

    >>> import autodiff_lab as lab
    >>> lab.arange(6).view(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    if len(shape) == 1 and shape[0].__class__ is not int and isinstance(shape[0], dtype):
        return _bits(input, shape[0].numpy)
    out = _reshaped(input, shape)
    if out.base is not input and not shares(out, input) and input.size:
        raise RuntimeError("view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous subspaces). "
                           "Use .reshape(...) instead.")
    return out if out is not input else input[...]


@view.vjp("input")
def _(grad, input_shape):
    return grad.reshape(tuple(input_shape))


def _bits(input, wanted):
    have = input.dtype.itemsize
    if have != wanted.itemsize:
        if not input.ndim:
            raise RuntimeError(f"self.dim() cannot be 0 to view {dtype_of(input)} as {dtype_of(wanted)} (different element sizes)")
        if input.size and input.strides[-1] != have:
            raise RuntimeError(f"self.stride(-1) must be 1 to view {dtype_of(input)} as {dtype_of(wanted)} (different element sizes), but got {input.strides[-1] // have}")
        if input.shape[-1] * have % wanted.itemsize:
            raise RuntimeError(f"self.size(-1) must be divisible by {wanted.itemsize // have} to view {dtype_of(input)} as {dtype_of(wanted)} (different element sizes), but got {input.shape[-1]}")
    return input.view(wanted)


@op(category="shape", view=True, samples=calls(lambda r: ((r.normal(size=(3, 4)), 0, 1), {}), lambda r: ((r.normal(size=(2, 3, 4)), -1, 0), {}), lambda r: ((r.normal(size=()), 0, -1), {})))
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """The view with two dimensions exchanged.

    Raises:
        IndexError: if there is no such dimension.

    >>> import autodiff_lab as lab
    >>> lab.zeros(2, 3, 4).transpose(0, 2).shape
    torch.Size([4, 3, 2])
    """
    try:
        return input.swapaxes(dim0, dim1)
    except ValueError:
        one_dim(dim0, input.ndim), one_dim(dim1, input.ndim)
        return input[...]  # only a number without dimensions gets here: it may be asked for 0 and -1


@transpose.vjp("input")
def _(grad, dim0, dim1):
    return ops.transpose(grad, dim0, dim1)


@op(category="shape", view=True, samples=calls(lambda r: ((r.normal(size=(3, 4)),), {})))
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix, as a view; a vector or a number is returned as it is.

    >>> import autodiff_lab as lab
    >>> lab.tensor([[1, 2], [3, 4]]).t()
    tensor([[1, 3],
            [2, 4]])
    """
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D. Use transpose(dim0, dim1), mT or permute.")
    return input.T if input.ndim == 2 else input[...]


@t.vjp("input")
def _(grad):
    return ops.t(grad)


@op(category="shape", view=True, samples=calls(lambda r: ((r.normal(size=(2, 3, 4)), (2, 0, 1)), {})))
def permute(input: Tensor, dims: Ints) -> Tensor:
    """The view with the dimensions in the order `dims`.

    Raises:
        RuntimeError: unless `dims` names every dimension once.

    >>> import autodiff_lab as lab
    >>> lab.zeros(2, 3, 5).permute(2, 0, 1).shape
    torch.Size([5, 2, 3])
    """
    if len(dims) != input.ndim:
        raise RuntimeError(f"permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of dimensions "
                           f"i.e. input.dim() = {input.ndim} is not equal to len(dims) = {len(dims)}")
    try:
        return input.transpose(dims)
    except ValueError:
        for d in dims:
            one_dim(d, input.ndim)
        raise RuntimeError("permute(): duplicate dims are not allowed.") from None


@permute.vjp("input")
def _(grad, dims):
    n = len(dims)
    back = [0] * n
    for i, d in enumerate(dims):
        back[d % n] = i
    return ops.permute(grad, back)


@op(category="shape", view=True, samples=calls(lambda r: ((r.normal(size=(3, 4)), 1), {})), inplace=False)
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """The view with a dimension of size 1 put in at `dim`.

    Raises:
        IndexError: for a `dim` outside [-ndim - 1, ndim].

    >>> import autodiff_lab as lab
    >>> lab.tensor([1, 2]).unsqueeze(1)
    tensor([[1],
            [2]])
    """
    dim = one_dim(dim, input.ndim + 1)
    return input[(slice(None),) * dim + (None,)] if dim else input[None]


@unsqueeze.vjp("input")
def _(grad, dim):
    return ops.squeeze(grad, dim)


@op(category="shape", view=True, samples=calls(lambda r: ((r.normal(size=(3, 1, 4)), 1), {}), lambda r: ((r.normal(size=(1, 3, 1)),), {})), out=False, variants=(("dim.__class__ is int", "SqueezeBackward1"), ("dim is not None", "SqueezeBackward2")))
def squeeze(input: Tensor, dim: Dims | None = None) -> Tensor:
    """The view without dimensions of size 1: all, or those in `dim`.

    >>> import autodiff_lab as lab
    >>> lab.zeros(1, 3, 1).squeeze().shape, lab.zeros(1, 3, 1).squeeze(0).shape
    (torch.Size([3]), torch.Size([3, 1]))
    """
    if dim is None:
        return input.squeeze()[...]
    if dim.__class__ is int and -input.ndim <= dim < input.ndim:  # the usual case
        return input.squeeze(dim) if input.shape[dim] == 1 else input[...]
    many = tuple(dim) if hasattr(dim, "__iter__") else (dim,)
    many = tuple([one_dim(d, input.ndim) for d in many])
    if len(set(many)) < len(many):
        raise RuntimeError(f"dim {next(d for d in many if many.count(d) > 1)} appears multiple times in the list of dims")
    many = tuple([d for d in many if input.ndim and input.shape[d] == 1])
    return input.squeeze(many)[...]


@squeeze.vjp("input")
def _(grad, input_shape):
    return grad.reshape(tuple(input_shape))


Tensor.squeeze = dims_one_by_one(squeeze)


@op(category="shape", view=True, function=False, samples=calls(lambda r: ((r.normal(size=(3, 1)), (2, 3, 4)), {}), lambda r: ((r.normal(size=(3, 1)), (-1, 2)), {}), lambda r: ((r.normal(size=()), (2,)), {})))
def expand(input: Tensor, size: Ints) -> Tensor:
    """The view with dimensions of size 1 stretched, without copying. -1 keeps a size.

    Raises:
        RuntimeError: for a size other than 1 that would have to change.

    >>> import autodiff_lab as lab
    >>> lab.tensor([[1], [2]]).expand(2, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    sizes, steps = input.shape, input.strides
    if sizes == size:
        return input[...]
    if not sizes and -1 not in size:
        return strided(input, size, (0,) * len(size))
    extra = len(size) - len(sizes)
    if extra < 0:
        raise RuntimeError(f"expand(torch.{dtype_of(input).title}Tensor{{{list(input.shape)}}}, size={list(size)}): the number of sizes provided ({len(size)}) must be greater or equal to "
                           f"the number of dimensions in the tensor ({input.ndim})")
    shape, strides = [], []
    for i, n in enumerate(size):
        if i < extra:
            if n == -1:
                raise RuntimeError(f"The expanded size of the tensor ({n}) isn't allowed in a leading, non-existing dimension {i}")
            shape.append(n)
            strides.append(0)
            continue
        have = sizes[i - extra]
        if n == have or n == -1:
            shape.append(have)
            strides.append(steps[i - extra])
        elif have == 1:
            shape.append(n)
            strides.append(0)
        else:
            raise RuntimeError(f"The expanded size of the tensor ({n}) must match the existing size ({have}) at non-singleton dimension {i}.  "
                               f"Target sizes: {list(size)}.  Tensor sizes: {list(input.shape)}")
    return strided(input, tuple(shape), tuple(strides))


@expand.vjp("input")
def _(grad, input_shape):
    return sum_to_shape(grad, input_shape)


@op(category="shape", view="maybe", function=False, out=False, node_name="Clone", samples=calls(lambda r: ((r.normal(size=(3, 4)),), {}), lambda r: ((r.normal(size=(3, 4)).T,), {})))
def contiguous(input: Tensor, memory_format=None) -> Tensor:
    """The tensor itself if its memory is in C order (or channels last, if asked), else a copy that is.

    >>> import autodiff_lab as lab
    >>> x = lab.zeros(2, 3).T
    >>> x.is_contiguous(), x.contiguous().is_contiguous()
    (False, True)
    """
    if memory_format is not None and str(memory_format).startswith("torch.channels_last"):
        return channels_last(input)
    if isinstance(input, np.generic) or input.flags.c_contiguous:
        return input
    return namespace(input).ascontiguousarray(input)


@contiguous.vjp("input")
def _(grad):
    return grad


def _contiguous_method(self, memory_format=None):
    """The tensor itself if its memory is in C order (or channels last, if asked), else a copy that is.

    >>> import autodiff_lab as lab
    >>> x = lab.zeros(2, 3).T
    >>> x.is_contiguous(), x.contiguous().is_contiguous()
    (False, True)
    """
    array = self._a
    if isinstance(array, np.generic) or array.flags.c_contiguous and (memory_format is None or not str(memory_format).startswith("torch.channels_last")):
        return self
    return contiguous(self, memory_format)


_contiguous_method.__name__, _contiguous_method.op = "contiguous", contiguous.op
Tensor.contiguous = _contiguous_method


def channels_last(array):
    """The same numbers with the channels next to each other in memory."""
    if array.ndim not in (4, 5):
        raise RuntimeError(f"required rank {4} tensor to use channels_last format, got {array.ndim} dimensions.")
    moved = namespace(array).moveaxis(array, 1, -1)
    if moved.flags.c_contiguous:
        return array
    return namespace(array).moveaxis(namespace(array).ascontiguousarray(moved), -1, 1)


@op(category="shape", view=True, samples=calls(
    lambda r: ((r.normal(size=(3, 4)),), {}), lambda r: ((r.normal(size=(3, 4)), 1), {}), lambda r: ((r.normal(size=(2, 3, 4)), -1, 2, 0), {}), lambda r: ((r.normal(size=(3, 4)), 5), {})))
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The view of the diagonal of two dimensions, put last.

    >>> import autodiff_lab as lab
    >>> lab.tensor([[1, 2], [3, 4]]).diagonal()
    tensor([1, 4])
    """
    a, b = one_dim(dim1, input.ndim), one_dim(dim2, input.ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    rows, columns = input.shape[a], input.shape[b]
    n = max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
    kept = [d for d in range(input.ndim) if d not in (a, b)]
    start = [slice(None)] * input.ndim
    if n:
        start[a if offset < 0 else b] = slice(abs_(offset), None)
    corner = input[tuple(start)]
    steps = [s // input.dtype.itemsize for s in input.strides]
    return memory_view(corner, (*(input.shape[d] for d in kept), n), (*(steps[d] for d in kept), steps[a] + steps[b]))


abs_ = abs


@diagonal.vjp("input")
def _(grad, input_shape, offset, dim1, dim2):
    return ops.diagonal_scatter(ops.expand(ops.zeroed(grad.sum()), tuple(input_shape)), grad, offset, dim1, dim2)


@op(category="shape", out=False, samples=calls(lambda r: ((r.normal(size=(3, 4)), r.normal(size=(3,)), 1), {}), lambda r: ((r.normal(size=(3, 4)), r.normal(size=(2,)), -1), {})))
def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy of `input` with `src` on its diagonal.

    >>> import autodiff_lab as lab
    >>> lab.zeros(2, 2).diagonal_scatter(lab.ones(2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    whole = namespace(input).array(input, order="C")
    part = diagonal.op.kernel(whole, offset, dim1, dim2)
    same_shape("diagonal", part, src)
    part[...] = src
    return whole


def same_shape(name: str, part, src) -> None:
    """Raise if `src` has not the shape of the part that it replaces."""
    if part.shape != src.shape:
        raise RuntimeError(f"expected src to have a size equal to the {name} of self. src size = {list(src.shape)}, {name} size = {list(part.shape)}")


@diagonal_scatter.vjp("input")
def _(grad, src_shape, offset, dim1, dim2):
    return ops.diagonal_scatter(grad, ops.diagonal(grad, offset, dim1, dim2) * 0, offset, dim1, dim2)


@diagonal_scatter.vjp("src")
def _(grad, offset, dim1, dim2):
    return ops.diagonal(grad, offset, dim1, dim2)


@op(category="shape", view=True, function=False, samples=calls(lambda r: ((r.normal(size=(7,)), 0, 3, 2), {}), lambda r: ((r.normal(size=(3, 5)), -1, 2, 1), {}), lambda r: ((r.normal(size=()), 0, 1, 1), {})))
def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """The view of all windows of `size` elements along `dimension`, `step` apart; the windows are the last dimension.

    >>> import autodiff_lab as lab
    >>> lab.arange(5).unfold(0, 3, 2)
    tensor([[0, 1, 2],
            [2, 3, 4]])
    """
    d = one_dim(dimension, input.ndim)
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    have = input.shape[d] if input.ndim else 1
    if size > have:
        raise RuntimeError(f"maximum size for tensor at dimension {d} is {have} but size is {size}")
    if not input.ndim:
        return namespace(input).asarray(input).reshape(1)[:size]
    shape, strides = list(input.shape), [s // input.dtype.itemsize for s in input.strides]
    shape[d] = (have - size) // step + 1
    each = strides[d]
    strides[d] *= step
    return memory_view(input, (*shape, size), (*strides, each))


@unfold.vjp("input")
def _(grad, input_shape, dimension, size, step):
    return ops.unfold_backward(grad, tuple(input_shape), dimension, size, step)


@op(category="shape", function=False, method=False, out=False)
def unfold_backward(input: Tensor, shape, dimension: int, size: int, step: int) -> Tensor:
    """Windows added back together: the gradient of unfold."""
    xp = namespace(input)
    whole = xp.zeros(shape or (1,), input.dtype)
    d = one_dim(dimension, len(shape))
    before = (slice(None),) * d
    windows = input.shape[d] if shape else 1
    for i in range(size):
        whole[(*before, slice(i, i + (windows - 1) * step + 1, step))] += input[..., i]
    return whole if shape else whole.reshape(())


@unfold_backward.vjp("input")
def _(grad, dimension, size, step):
    return ops.unfold(grad, dimension, size, step)


# ---- properties ----

@op(category="shape", view=True, function=False, method=False, out=False, node_name="Permute", samples=calls(lambda r: ((r.normal(size=(3, 4)),), {})))
def reverse_dims(input: Tensor) -> Tensor:
    """The view with the dimensions in reverse order."""
    return input.T


@reverse_dims.vjp("input")
def _(grad):
    return ops.reverse_dims(grad)


def _matrix_only(self, name: str, at_least: bool = False) -> None:
    if at_least and self.ndim == 1 or not at_least and self.ndim not in (0, 2):
        raise RuntimeError(f"tensor.{name} is only supported on {'matrices or batches of matrices' if at_least else 'matrices (2-D tensors)'}. Got {self.ndim}-D tensor.")


def _warn_of_a_number(self, name: str) -> None:
    if not self.ndim:
        caution(f"{name} is deprecated on 0-D tensors. Consider using x.conj().")


def _T(self):
    """The view with the dimensions in reverse order (meant for matrices)."""
    if not self.ndim:
        caution("Tensor.T is deprecated on 0-D tensors. This function is the identity in these cases.")
    elif self.ndim != 2:
        caution("The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will throw an error in a future release. "
                "Consider `x.mT` to transpose batches of matrices or `x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions of a tensor.")
    return reverse_dims(self)


def _mT(self):
    """The view of the matrices in the last two dimensions, transposed."""
    _matrix_only(self, "mT", True)
    return transpose(self, -2, -1) if self.ndim else self


def _conjugated(tensor):
    return tensor.conj() if tensor.dtype.is_complex else tensor


def _H(self):
    """The matrix transposed and conjugated."""
    _matrix_only(self, "H")
    _warn_of_a_number(self, "Tensor.H")
    return _conjugated(transpose(self, 0, 1) if self.ndim else self)


def _mH(self):
    """The matrices in the last two dimensions, transposed and conjugated."""
    _matrix_only(self, "mH", True)
    _warn_of_a_number(self, "Tensor.mH")
    return _conjugated(transpose(self, -2, -1) if self.ndim else self)


Tensor.T, Tensor.mT, Tensor.H, Tensor.mH = property(_T), property(_mT), property(_H), property(_mH)
