"""Reductions: sum, mean, max over all elements or along dimensions."""

from __future__ import annotations

from ..backend import namespace
from ..core.dtypes import INT, dtype_of
from ..core.errors import dim_message
from ..core.op import op, ops
from ..core.samples import calls
from ..core.tensor import Tensor

Number = int | float | complex | bool

over_dims = calls(
    lambda r: ((r.normal(size=(3, 4)),), {}), lambda r: ((r.normal(size=(3, 4)), 1), {}), lambda r: ((r.normal(size=(3, 4)), 0, True), {}),
    lambda r: ((r.normal(size=(2, 3, 4)), (0, -1)), {}), lambda r: ((r.normal(size=()),), {}))


def axes(dim, ndim: int):
    """PyTorch's `dim` as NumPy's `axis`: None for all, negative numbers made positive.

    Raises:
        IndexError: for a dimension that is not there.
        RuntimeError: for one named twice.
    """
    if dim is None:
        return None
    many = tuple(dim) if hasattr(dim, "__iter__") else (dim,)
    found = []
    for d in many:
        d = int(d)
        if not -max(ndim, 1) <= d < max(ndim, 1):
            raise IndexError(dim_message(d, ndim))
        found.append(d % ndim if ndim else 0)
    if len(set(found)) < len(found):
        raise RuntimeError(f"dim {next(d for d in found if found.count(d) > 1)} appears multiple times in the list of dims")
    return tuple(found) if ndim else None


def spread(grad, shape, dim, keepdim: bool):
    """The gradient of a sum: the same number for every element that was summed."""
    if dim is not None and not keepdim and len(shape) and not (hasattr(dim, "__iter__") and not len(dim)):
        for d in sorted(axes(dim, len(shape))):
            grad = ops.unsqueeze(grad, d)
    return ops.expand(grad, tuple(shape))


@op(category="reduction", latex=r"\sum_i x_i", samples=over_dims, changes_dtype=True)
def sum(input: Tensor, dim=None, keepdim: bool = False, *, dtype=None) -> Tensor:
    """Sum over all elements, or over the dimensions `dim`. Integers are summed as int64.

    >>> import autodiff_lab as lab
    >>> lab.sum(lab.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
    tensor([3., 7.])
    """
    if dtype is not None:
        input = input.astype(dtype_of(dtype).numpy)
    elif input.dtype.kind in "iub":
        input = input.astype("int64")
    if dim is None:
        return namespace(input).add.reduce(input, axis=None, keepdims=keepdim)
    axis = axes(dim, input.ndim)
    return namespace(input).add.reduce(input, axis=axis if axis != () else None, keepdims=keepdim)


@sum.vjp("input", latex="1")
def _(grad, input_shape, dim, keepdim):
    return spread(grad, input_shape, dim, keepdim)


def count(shape, dim) -> int:
    """How many elements go into one result of a reduction."""
    total = 1
    chosen = axes(dim, len(shape))
    for d in range(len(shape)) if not chosen else chosen:
        total *= shape[d]
    return total


@op(category="reduction", latex=r"\frac{1}{n}\sum_i x_i", samples=over_dims)
def mean(input: Tensor, dim=None, keepdim: bool = False, *, dtype=None) -> Tensor:
    """Average over all elements, or over the dimensions `dim`; nan if there are none.

    Raises:
        RuntimeError: for integers, whose mean is no integer: convert with .float() first.
    """
    if dtype is not None:
        input = input.astype(dtype_of(dtype).numpy)
    if dtype_of(input).category <= INT:
        raise RuntimeError(f"mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: {dtype_of(input).title}. "
                           "Convert it first, e.g. with .float().")
    n = count(input.shape, dim)
    total = sum.op.kernel(input, dim, keepdim)
    return total / n if n else total * float("nan")


@mean.vjp("input", latex=r"\frac{1}{n}")
def _(grad, input_shape, dim, keepdim):
    return spread(grad / count(input_shape, dim) if count(input_shape, dim) else grad, input_shape, dim, keepdim)


@op(category="reduction", latex=r"\max_i x_i", samples=over_dims, alias=())
def amax(input: Tensor, dim=(), keepdim: bool = False) -> Tensor:
    """Largest element; the gradient is shared equally between elements that are equally large."""
    return namespace(input).max(input, axis=axes(dim, input.ndim) or None, keepdims=keepdim)


@amax.vjp("input")
def _(grad, input, out, dim, keepdim):
    if not keepdim and input.ndim and len(axes(dim, input.ndim) or ()):
        for d in sorted(axes(dim, input.ndim)):
            grad, out = ops.unsqueeze(grad, d), ops.unsqueeze(out, d)
    mask = input == out
    share = mask * grad
    total = mask.sum(axes(dim, input.ndim) or tuple(range(input.ndim)))
    return share / (total if keepdim or not input.ndim else total.reshape(out.shape))


@op(category="reduction", latex=r"\max_i x_i", outputs=("values", "indices"), differentiable=1, function=False, method=False, name="max_dim", node_name="Max", samples=calls(
    lambda r: ((r.normal(size=(3, 4)), 1), {}), lambda r: ((r.normal(size=(3, 4)), 0, True), {})))
def max_dim(input: Tensor, dim: int, keepdim: bool = False):
    """Largest element along `dim` and the first position where it stands."""
    return _extreme(input, dim, keepdim, "argmax")


def _extreme(input, dim, keepdim, which):
    (axis,) = axes(dim, input.ndim) or (0,)
    xp = namespace(input)
    input = xp.atleast_1d(input) if not input.ndim else input
    if not input.shape[axis]:
        raise IndexError(f"max(): Expected reduction dim {axis} to have non-zero size.")
    where_ = getattr(xp, which)(input, axis=axis, keepdims=True)
    values = xp.take_along_axis(input, where_, axis)
    return (values, where_) if keepdim else (values.squeeze(axis), where_.squeeze(axis))


@max_dim.vjp("input")
def _(grad, input_shape, indices, dim, keepdim):
    if not len(input_shape):
        return grad
    if not keepdim:
        grad, indices = ops.unsqueeze(grad, dim), ops.unsqueeze(indices, dim)
    return ops.put_along(grad, input_shape, indices, dim)


@op(category="index", function=False, method=False, out=False)
def put_along(input: Tensor, shape, indices: Tensor, dim: int) -> Tensor:
    """Zeros of `shape` with `input` added at `indices` along `dim`: the gradient of picking along a dimension."""
    xp = namespace(input)
    whole = xp.zeros(tuple(shape), input.dtype)
    xp.put_along_axis(whole, indices, input, axis=dim)
    return whole


@put_along.vjp("input")
def _(grad, indices, dim):
    return ops.gather(grad, dim, indices)
