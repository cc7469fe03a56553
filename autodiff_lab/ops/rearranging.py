"""The same numbers in another order, more than once, or only some of them: flip, roll, repeat, triangles, diagonals."""

from __future__ import annotations

import numpy as np

from ..backend import channels_like, in_c_order, namespace, order_like
from ..backend.fast import BITS, concatenate
from ..core.arguments import Dims, Sizes, integer, one_by_one, sizes_of
from ..core.op import op, ops, public
from ..core.outs import stored
from ..core.samples import calls
from ..core.tensor import Tensor, wrap
from .picking import one_dim
from .shape import diagonal, same_shape

Ints = tuple


@op(category="shape", out=False, samples=calls(lambda r: ((r.normal(size=(3, 4)), (0,)), {}), lambda r: ((r.normal(size=(2, 3, 2)), (0, -1)), {})))
def flip(input: Tensor, dims: Ints) -> Tensor:
    """A copy with the order reversed along `dims`.

    >>> import autodiff_lab as lab
    >>> lab.tensor([1, 2, 3]).flip(0)
    tensor([3, 2, 1])
    """
    axes = tuple(one_dim(d, input.ndim) for d in dims)
    if len(set(axes)) < len(axes):
        raise RuntimeError(f"dim {next(d for d in axes if axes.count(d) > 1)} appears multiple times in the list of dims")
    if not input.ndim:
        return input.copy()
    xp = namespace(input)
    out = xp.empty_like(input, order=order_like(input))
    out[...] = xp.flip(input, axes)
    return out


@flip.vjp("input")
def _(grad, dims):
    return ops.flip(grad, tuple(dims))


def fliplr(input: Tensor):
    """A copy with the columns in reverse order.

    >>> import autodiff_lab as lab
    >>> lab.fliplr(lab.tensor([[1, 2], [3, 4]]))
    tensor([[2, 1],
            [4, 3]])
    """
    if input.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, (1,))


def flipud(input: Tensor):
    """A copy with the rows in reverse order.

    >>> import autodiff_lab as lab
    >>> lab.flipud(lab.tensor([[1, 2], [3, 4]]))
    tensor([[3, 4],
            [1, 2]])
    """
    if input.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, (0,))


@op(category="shape", out=False, samples=calls(
    lambda r: ((r.normal(size=(3, 4)), 1), {}), lambda r: ((r.normal(size=(3, 4)), (1, -2), (0, 1)), {}), lambda r: ((r.normal(size=(5,)), -2, 0), {})))
def roll(input: Tensor, shifts: Dims, dims: Dims | None = None) -> Tensor:
    """A copy with the elements moved along `dims`; what leaves at one end comes in at the other.

    >>> import autodiff_lab as lab
    >>> lab.roll(lab.tensor([1, 2, 3, 4]), 1)
    tensor([4, 1, 2, 3])
    """
    dims = () if dims is None else (dims,) if isinstance(dims, int) else tuple(dims)
    shifts = (shifts,) if isinstance(shifts, int) else tuple(int(s) for s in shifts)
    if not shifts:
        raise RuntimeError("`shifts` required")
    if not dims and len(shifts) == 1:
        return namespace(input).roll(in_c_order(input), shifts[0])
    if len(shifts) == len(dims) == 1 and input.__class__ is np.ndarray and input.size:
        dim, whole = one_dim(dims[0], input.ndim), in_c_order(input)
        cut = -shifts[0] % input.shape[dim]
        before = (slice(None),) * dim
        return channels_like(concatenate((whole[(*before, slice(cut, None))], whole[(*before, slice(0, cut))]), dim), input)
    if len(shifts) != len(dims):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    return channels_like(namespace(input).roll(in_c_order(input), shifts, tuple(one_dim(d, input.ndim) for d in dims)), input)


@roll.vjp("input")
def _(grad, shifts, dims):
    return ops.roll(grad, -shifts if isinstance(shifts, int) else tuple(-s for s in shifts), dims)


@op(category="shape", out=False, samples=calls(lambda r: ((r.normal(size=(3, 4)),), {}), lambda r: ((r.normal(size=(2, 3, 4)), -1, (1, 2)), {}), lambda r: ((r.normal(size=(3, 4)), 2), {})))
def rot90(input: Tensor, k: int = 1, dims: Sizes = (0, 1)) -> Tensor:
    """A copy turned by 90 degrees `k` times, from the first towards the second of `dims`.

    >>> import autodiff_lab as lab
    >>> lab.rot90(lab.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if input.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input.ndim}")
    a, b = (one_dim(d, input.ndim) for d in dims)
    if a == b:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    return namespace(input).array(namespace(input).rot90(input, k, (a, b)))


@rot90.vjp("input")
def _(grad, k, dims):
    return ops.rot90(grad, -k, tuple(dims))


@op(category="shape", function=False, out=False, samples=calls(
    lambda r: ((r.normal(size=(3, 4)), (2, 1)), {}), lambda r: ((r.normal(size=(3,)), (2, 3)), {}), lambda r: ((r.normal(size=()), (2,)), {}), lambda r: ((r.normal(size=(2, 2)), (0, 2)), {})))
def repeat(input: Tensor, repeats: Ints) -> Tensor:
    """A copy that holds `input` several times along each dimension.

    >>> import autodiff_lab as lab
    >>> lab.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    if len(repeats) < input.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    if any(n < 0 for n in repeats):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(repeats)}: {list(repeats)}")
    return namespace(input).tile(input, repeats)


@repeat.vjp("input")
def _(grad, input_shape, repeats):
    extra = len(repeats) - len(input_shape)
    shape = (1,) * extra + tuple(input_shape)
    split = []
    for times, n in zip(repeats, shape, strict=True):
        split += [times, n]
    return ops.sum(grad.reshape(tuple(split)), tuple(range(0, 2 * len(repeats), 2))).reshape(tuple(input_shape)) if len(repeats) else grad


def tile(input: Tensor, dims: Sizes):
    """A copy that holds `input` several times; missing leading dimensions count once. The method also takes `dims` one by one.

    >>> import autodiff_lab as lab
    >>> lab.tile(lab.tensor([1, 2]), (2,))
    tensor([1, 2, 1, 2])
    """
    dims = sizes_of("tile", "dims", dims)
    return repeat(input, (1,) * max(input.ndim - len(dims), 0) + tuple(dims))


def repeat_interleave(input: Tensor, repeats=None, dim: int | None = None, *, output_size: int | None = None):
    """Each element (or slice along `dim`) `repeats` times in a row. Without `dim`, of all elements as a vector.

    >>> import autodiff_lab as lab
    >>> lab.repeat_interleave(lab.tensor([1, 2]), 2)
    tensor([1, 1, 2, 2])
    """
    if repeats is None:
        repeats, numbers = input, np.arange(len(input))
        return wrap(np.repeat(numbers, repeats.detach().cpu().numpy()))
    if dim is None:
        input, dim = input.reshape(-1), 0
    dim = one_dim(dim, input.ndim)
    if isinstance(repeats, (Tensor, list, tuple)):
        times = repeats.detach().cpu().numpy() if isinstance(repeats, Tensor) else np.asarray(repeats)
        if times.dtype.kind not in "iu":
            raise RuntimeError("repeats has to be Long or Int tensor")
        if times.ndim > 1:
            raise RuntimeError("repeat_interleave only accept 1D vector as repeat")
        if times.size != 1 and times.size != input.shape[dim]:
            raise RuntimeError(f"repeats must have the same size as input along dim, but got repeats.size(0) = {times.size} and input.size({dim}) = {input.shape[dim]}")
        if (times < 0).any():
            raise RuntimeError("repeats can not be negative")
        _check_output_size(output_size, int(times.sum()) if times.size != 1 else int(times.reshape(-1)[0]) * input.shape[dim])
        positions = np.repeat(np.arange(input.shape[dim]), times.reshape(-1) if times.size != 1 else int(times.reshape(-1)[0]))
        return public[""]["index_select"](input, dim, wrap(positions).to(input.device))
    repeats = integer("repeat_interleave", "repeats", repeats)
    if repeats < 0:
        raise RuntimeError("Repeats must be non-negative")
    _check_output_size(output_size, repeats * input.shape[dim])
    shape = input.shape
    return unshared(input.unsqueeze(dim + 1).expand(*shape[:dim + 1], repeats, *shape[dim + 1:]).reshape(*shape[:dim], shape[dim] * repeats, *shape[dim + 1:]))


def _check_output_size(given: int | None, found: int) -> None:
    if given is not None and given != found:
        raise RuntimeError(f"allocated size does not match required size: the repeats make {found}, output_size is {given}")


def unshared(tensor):
    """The tensor, as a copy if it is a view: the result of a function that promises a new one."""
    return tensor if tensor._view is None else tensor.clone()


# ---- triangles and diagonals ----

def _triangle(name: str):
    def kernel(input: Tensor, diagonal: int = 0) -> Tensor:
        if input.ndim < 2:
            raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")
        input = in_c_order(input)
        bits = BITS.get(input.dtype) if input.__class__ is np.ndarray else None
        if bits is None:
            return getattr(namespace(input), name)(input, diagonal)
        # How far each place is outside, less 1: its sign, spread over all bits, keeps what is inside.
        row, column = np.arange(diagonal, input.shape[-2] + diagonal, dtype=bits)[:, None], np.arange(input.shape[-1], dtype=bits)
        kept = column - (row + 1) if lower else row - (column + 1)
        kept >>= 8 * bits.itemsize - 1
        return np.bitwise_and(input.view(bits), kept, order="C").view(input.dtype)
    lower = name == "tril"
    side = "below" if name == "tril" else "above"
    kernel.__name__, kernel.__annotations__ = name, {"input": "Tensor", "diagonal": "int", "return": "Tensor"}
    kernel.__doc__ = (f"The elements on the diagonal and {side} it, zeros elsewhere.\n\n    Args:\n        diagonal: 0 for the main one, positive above it, negative below.\n\n"
                      f"    >>> import autodiff_lab as lab\n    >>> lab.{name}(lab.ones(2, 2))\n    tensor([[1., {0 if side == 'below' else 1}.],\n            [{1 if side == 'below' else 0}., 1.]])\n    ")
    made = op(category="shape", inplace=True, samples=calls(lambda r: ((r.normal(size=(3, 4)),), {}), lambda r: ((r.normal(size=(2, 3, 3)), 1), {}), lambda r: ((r.normal(size=(3, 2)), -1), {})))(kernel)

    @made.vjp("input")
    def _(grad, diagonal):
        return ops.tril(grad, diagonal) if lower else ops.triu(grad, diagonal)

    return made


tril, triu = _triangle("tril"), _triangle("triu")


@op(category="shape", out=False, samples=calls(lambda r: ((r.normal(size=(3,)),), {}), lambda r: ((r.normal(size=(2, 3)), -1), {}), lambda r: ((r.normal(size=(2, 3)), 1, 0, 2), {})))
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The last dimension on the diagonal of new matrices, zeros elsewhere.

    >>> import autodiff_lab as lab
    >>> lab.diag_embed(lab.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    a, b = one_dim(dim1, input.ndim + 1), one_dim(dim2, input.ndim + 1)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    n = input.shape[-1] + (offset if offset >= 0 else -offset)
    shape = list(input.shape[:-1])
    for d in sorted((a, b)):
        shape.insert(d, n)
    whole = namespace(input).zeros(shape, input.dtype)
    diagonal.op.kernel(whole, offset, a, b)[...] = input
    return whole


@diag_embed.vjp("input")
def _(grad, offset, dim1, dim2):
    return ops.diagonal(grad, offset, dim1, dim2)


def diag(input: Tensor, diagonal: int = 0, *, out=None):
    """A vector on the diagonal of a square matrix, or the diagonal of a matrix as a vector (a copy).

    >>> import autodiff_lab as lab
    >>> lab.diag(lab.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    if input.ndim == 1:
        made = diag_embed(input, diagonal)
    elif input.ndim == 2:
        made = input.diagonal(diagonal).clone()
    else:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    return stored(made, out)


def diagflat(input: Tensor, offset: int = 0):
    """All elements on the diagonal of a square matrix.

    >>> import autodiff_lab as lab
    >>> lab.diagflat(lab.tensor([[1, 2]]))
    tensor([[1, 0],
            [0, 2]])
    """
    return diag_embed(input.reshape(-1), offset)


def fill_diagonal_(self, fill_value, wrap: bool = False):
    """Write `fill_value` on the main diagonal, in place.

    >>> import autodiff_lab as lab
    >>> lab.zeros(2, 2).fill_diagonal_(5)
    tensor([[5., 0.],
            [0., 5.]])
    """
    if self.ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    if self.ndim > 2 and len(set(self.shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    n = min(self.shape)
    strides = sum(self.stride())
    count = n
    if wrap and self.ndim == 2 and self.shape[0] > self.shape[1]:
        count = -(-self.numel() // (self.shape[1] + 1))
    self.as_strided((count,), (strides,), self.storage_offset()).fill_(fill_value)
    return self


# ---- a copy with one part replaced ----

@op(category="shape", out=False, name="slice_scatter", samples=calls(
    lambda r: ((r.normal(size=(5, 2)), r.normal(size=(2, 2)), 0, 1, 3), {}), lambda r: ((r.normal(size=(2, 5)), r.normal(size=(2, 3)), 1, 0, 5, 2), {})))
def slice_scatter(input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Tensor:
    """A copy of `input` with `src` written to the slice `start:end:step` along `dim`.

    >>> import autodiff_lab as lab
    >>> lab.zeros(4).slice_scatter(lab.ones(2), start=1, end=3)
    tensor([0., 1., 1., 0.])
    """
    whole = namespace(input).array(input, order="C")
    part = whole[_span(input.ndim, dim, start, end, step)]
    same_shape("slice", part, src)
    part[...] = src
    return whole


def _span(ndim: int, dim: int, start, end, step: int) -> tuple:
    return (slice(None),) * one_dim(dim, ndim) + (slice(start, end, step),)


@slice_scatter.vjp("input")
def _(grad, src_shape, dim, start, end, step):
    return ops.slice_scatter(grad, grad[_span(grad.ndim, dim, start, end, step)] * 0, dim, start, end, step)


@slice_scatter.vjp("src")
def _(grad, dim, start, end, step):
    return grad[_span(grad.ndim, dim, start, end, step)]


@op(category="shape", out=False, samples=calls(lambda r: ((r.normal(size=(3, 4)), r.normal(size=(3,)), 1, 2), {}), lambda r: ((r.normal(size=(3, 4)), r.normal(size=(4,)), 0, -1), {})))
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of `input` with `src` written to the slice numbered `index` along `dim`.

    >>> import autodiff_lab as lab
    >>> lab.zeros(2, 2).select_scatter(lab.ones(2), 0, 1)
    tensor([[0., 0.],
            [1., 1.]])
    """
    whole = namespace(input).array(input, order="C")
    part = whole[(slice(None),) * one_dim(dim, input.ndim) + (index, ...)]
    same_shape("slice", part, src)
    part[...] = src
    return whole


@select_scatter.vjp("input")
def _(grad, dim, index):
    before = (slice(None),) * (dim % grad.ndim)
    return ops.select_scatter(grad, grad[(*before, index)] * 0, dim, index)


@select_scatter.vjp("src")
def _(grad, dim, index):
    return grad[(slice(None),) * (dim % grad.ndim) + (index,)]


def vander(x, N: int | None = None, *, increasing: bool = False):
    """The Vandermonde matrix: powers of each element of a vector, one row each.

    >>> import autodiff_lab as lab
    >>> lab.vander(lab.tensor([1, 2, 3]))
    tensor([[1, 1, 1],
            [4, 2, 1],
            [9, 3, 1]])
    """
    if x.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    n = x.shape[0] if N is None else N
    if n < 0:
        raise RuntimeError(f"N must be non-negative, got {n}")
    powers = wrap(np.arange(n)).to(x.device)
    return x.unsqueeze(1) ** (powers if increasing else powers.flip(0))


for _made in (fliplr, flipud, tile, repeat_interleave, diag, diagflat):
    public[""][_made.__name__] = _made
    setattr(Tensor, _made.__name__, _made)
Tensor.tile = one_by_one(tile, "dims")
public[""]["vander"] = vander
Tensor.fill_diagonal_ = fill_diagonal_
public[""]["fill_diagonal_"] = fill_diagonal_
