"""Reductions: sum, mean, max over all elements or along dimensions."""

from __future__ import annotations

import math

import numpy as np

from ..backend import in_c_order, namespace
from ..backend.fast import row_largest, sums, total
from ..core.arguments import Dims
from ..core.dtypes import FLOATING, dtype_of
from ..core.errors import dim_message
from ..core.op import op, ops, public
from ..core.precision import widened
from ..core.samples import calls, pairs
from ..core.tensor import Tensor

Number = int | float | complex | bool

READY = frozenset(map(np.dtype, "fd"))  # types whose sums are of the same type, and added up in it

over_dims = calls(
    lambda r: ((r.normal(size=(3, 4)),), {}), lambda r: ((r.normal(size=(3, 4)), 1), {}), lambda r: ((r.normal(size=(3, 4)), 0, True), {}),
    lambda r: ((r.normal(size=(2, 3, 4)), (0, -1)), {}), lambda r: ((r.normal(size=()),), {}))

over_dims_one = calls(lambda r: ((r.normal(size=(3, 4)),), {}), lambda r: ((r.normal(size=(3, 4)), 1), {}), lambda r: ((r.normal(size=(3, 4)), -2, True), {}),
                      lambda r: ((r.normal(size=()),), {}))


def ordered(name: str, input) -> None:
    """Complex numbers have no order.

    Raises:
        RuntimeError: if `input` is complex.
    """
    if input.dtype.kind == "c":
        raise NotImplementedError(f'"{name}" not implemented for \'{dtype_of(input).title}\': complex numbers have no order. Compare .abs() or .real.')


def axes(dim, ndim: int):
    """PyTorch's `dim` as NumPy's `axis`: None for all, negative numbers made positive.

    Raises:
        IndexError: for a dimension that is not there.
        RuntimeError: for one named twice.
    """
    if dim is None:
        return None
    if dim.__class__ is int and -ndim <= dim < ndim:  # the usual case
        return (dim % ndim,)
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
    if dim is None:
        return ops.expand(grad, shape)
    if not keepdim and len(shape) and not (hasattr(dim, "__iter__") and not len(dim)):
        for d in sorted(axes(dim, len(shape))):
            grad = ops.unsqueeze(grad, d)
    return ops.expand(grad, tuple(shape))


@op(category="reduction", latex=r"\sum_i x_i", samples=over_dims, changes_dtype=True, variants=(("dim is not None", "SumBackward1"),))
def sum(input: Tensor, dim: Dims | None = None, keepdim: bool = False, *, dtype=None) -> Tensor:
    """Sum over all elements, or over the dimensions `dim`. Integers are summed as int64.

    Raises:
        IndexError: if there is no dimension `dim`.

    >>> import autodiff_lab as lab
    >>> lab.sum(lab.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
    tensor([3., 7.])
    """
    if dtype is not None:
        input = input.astype(dtype_of(dtype).numpy)
    if input.dtype not in READY:
        if dtype is None and input.dtype.kind in "iub":
            input = input.astype("int64")
        if input.dtype.itemsize == 2:  # added up in sixteen bits, 1 + 1 + … stops at 256
            return sum.op.kernel(widened(input), dim, keepdim).astype(input.dtype)
    if dim is None and not keepdim and input.dtype.kind == "f":
        return total(input)
    if dim.__class__ is int and input.__class__ is np.ndarray and -input.ndim <= dim < input.ndim:
        found = sums(input, dim, keepdim)
        return found if input.ndim < 3 else in_c_order(found)
    axis = axes(dim, input.ndim)
    if axis and len(axis) == input.ndim and not keepdim and input.dtype.kind == "f":
        return total(input)
    if axis and len(axis) < input.ndim and input.__class__ is np.ndarray and input.flags.c_contiguous:
        found = input
        for first, stop in neighbours(axis):
            shape = found.shape
            found = sums(found.reshape(*shape[:first], math.prod(shape[first:stop]), *shape[stop:]), first)
        return found.reshape([1 if d in axis else n for d, n in enumerate(input.shape)]) if keepdim else found
    return in_c_order(namespace(input).add.reduce(input, axis=axis if axis != () else None, dtype=input.dtype, keepdims=keepdim))


def neighbours(axis) -> list:
    """Dimensions that follow one another, such as those of an image, as (first, stop); the last ones first."""
    runs: list = []
    for d in sorted(axis, reverse=True):
        if runs and runs[-1][0] == d + 1:
            runs[-1] = d, runs[-1][1]
        else:
            runs.append((d, d + 1))
    return runs


@sum.vjp("input", latex="1")
def _(grad, input_shape, dim, keepdim):
    return spread(grad, input_shape, dim, keepdim)


def count(shape, dim) -> int:
    """How many elements go into one result of a reduction."""
    if dim is None:
        return math.prod(shape)
    chosen = axes(dim, len(shape))
    return math.prod([shape[d] for d in chosen] if chosen else shape)


@op(category="reduction", latex=r"\frac{1}{n}\sum_i x_i", samples=over_dims, variants=(("dim is not None", "MeanBackward1"),))
def mean(input: Tensor, dim: Dims | None = None, keepdim: bool = False, *, dtype=None) -> Tensor:
    """Average over all elements, or over the dimensions `dim`; nan if there are none.

    Raises:
        RuntimeError: for integers, whose mean is no integer: convert with .float() first.

    >>> import autodiff_lab as lab
    >>> x = lab.tensor([[1.0, 2.0], [3.0, 6.0]])
    >>> x.mean(), x.mean(dim=0)
    (tensor(3.), tensor([2., 4.]))
    """
    if dtype is not None:
        input = input.astype(dtype_of(dtype).numpy)
    elif dim is None and not keepdim and input.dtype in READY and input.size:  # the usual case
        return total(input) / input.size
    if input.dtype not in FLOATING:
        raise RuntimeError(f"mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: {dtype_of(input).title}. "
                           "Convert it first, e.g. with .float().")
    n = count(input.shape, dim)
    found = sum.op.kernel(input, dim, keepdim)
    return found / n if n else found * found.dtype.type("nan")


@mean.vjp("input", latex=r"\frac{1}{n}")
def _(grad, input_shape, dim, keepdim):
    n = count(input_shape, dim)
    return spread(grad / n if n else grad, input_shape, dim, keepdim)


@op(category="reduction", refuses="c", latex=r"\max_i x_i", samples=over_dims, alias=())
def amax(input: Tensor, dim: Dims | None = (), keepdim: bool = False) -> Tensor:
    """Largest element; the gradient is shared equally between elements that are equally large.

    >>> import autodiff_lab as lab
    >>> lab.tensor([[1.0, 5.0], [4.0, 2.0]]).amax(dim=1)
    tensor([5., 4.])
    """
    _need_elements("amax", input, dim)
    if input.__class__ is np.ndarray and input.flags.c_contiguous and (dim == -1 or dim == input.ndim - 1):
        found = row_largest(input)
        return found if keepdim else found.reshape(input.shape[:-1])
    return in_c_order(namespace(input).maximum.reduce(input, axis=axes(dim, input.ndim) or None, keepdims=keepdim))


@amax.vjp("input")
def _(grad, input, out, dim, keepdim):
    return shared(grad, input, out, dim, keepdim)


extreme_dims = calls(lambda r: ((r.normal(size=(3, 4)), 1), {}), lambda r: ((r.normal(size=(3, 4)), 0, True), {}), lambda r: ((r.normal(size=(2, 3, 4)), -2), {}),
                     lambda r: ((r.normal(size=()), 0), {}))
whole = calls(lambda r: ((r.normal(size=(3, 4)),), {}), lambda r: ((r.normal(size=(5,)),), {}), lambda r: ((r.normal(size=()),), {}))


@op(category="reduction", refuses="c", latex=r"\min_i x_i", samples=over_dims)
def amin(input: Tensor, dim: Dims | None = (), keepdim: bool = False) -> Tensor:
    """Smallest element; the gradient is shared equally between elements that are equally small.

    >>> import autodiff_lab as lab
    >>> lab.tensor([[1.0, 5.0], [4.0, 2.0]]).amin(dim=1)
    tensor([1., 2.])
    """
    _need_elements("amin", input, dim)
    return in_c_order(namespace(input).minimum.reduce(input, axis=axes(dim, input.ndim) or None, keepdims=keepdim))


@amin.vjp("input")
def _(grad, input, out, dim, keepdim):
    return shared(grad, input, out, dim, keepdim)


def shared(grad, input, out, dim, keepdim: bool):
    """The gradient of an extreme value, in equal parts to every element that has it."""
    if not input.ndim:
        return grad
    chosen = axes(dim, input.ndim) or tuple(range(input.ndim))
    if not keepdim:
        for d in sorted(chosen):
            grad, out = ops.unsqueeze(grad, d), ops.unsqueeze(out, d)
    mask = input == out
    return mask * grad / mask.sum(chosen, keepdims=True)


def to_equals(grad, mask):
    """The gradient of one number of all: in equal parts to those that `mask` marks, nothing to the rest."""
    return ops.where(mask, grad / mask.sum(), 0)


def _need_elements(name: str, input, dim) -> None:
    if input.size:
        return
    chosen = axes(dim, input.ndim)
    if not chosen:
        raise RuntimeError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.")
    for d in chosen:
        if not input.shape[d]:
            raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size.")


@op(category="reduction", refuses="c", latex=r"\max_i x_i", function=False, method=False, name="max_all", node_name="Max", samples=whole, variants=(("True", "MaxBackward1"),))
def max_all(input: Tensor) -> Tensor:
    """Largest of all elements; the gradient is shared equally between elements that are equally large."""
    if not input.size:
        raise RuntimeError("max(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.")
    return namespace(input).maximum.reduce(input, axis=None)


@max_all.vjp("input")
def _(grad, input, out):
    return to_equals(grad, input == out)


@op(category="reduction", refuses="c", latex=r"\min_i x_i", function=False, method=False, name="min_all", node_name="Min", samples=whole, variants=(("True", "MinBackward1"),))
def min_all(input: Tensor) -> Tensor:
    """Smallest of all elements; the gradient is shared equally between elements that are equally small.

    >>> import autodiff_lab as lab
    >>> lab.min(lab.tensor([3.0, 1.0, 2.0]))
    tensor(1.)
    """
    if not input.size:
        raise RuntimeError("min(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.")
    return namespace(input).minimum.reduce(input, axis=None)


@min_all.vjp("input")
def _(grad, input, out):
    return to_equals(grad, input == out)


@op(category="reduction", refuses="c", latex=r"\max_i x_i", outputs=("values", "indices"), differentiable=1, function=False, method=False, name="max_dim", node_name="Max", samples=extreme_dims)
def max_dim(input: Tensor, dim: int, keepdim: bool = False):
    """Largest element along `dim` and the first position where it stands; only that one gets the gradient."""
    return _extreme("max", input, dim, keepdim)


@op(category="reduction", refuses="c", latex=r"\min_i x_i", outputs=("values", "indices"), differentiable=1, function=False, method=False, name="min_dim", node_name="Min", samples=extreme_dims)
def min_dim(input: Tensor, dim: int, keepdim: bool = False):
    """Smallest element along `dim` and the first position where it stands; only that one gets the gradient."""
    return _extreme("min", input, dim, keepdim)


def _extreme(name: str, input, dim, keepdim: bool):
    xp = namespace(input)
    (axis,) = axes(dim, input.ndim) or (0,)
    if not input.ndim:
        return input.copy(), xp.int64(0)
    if not input.shape[axis]:
        raise IndexError(f"{name}(): Expected reduction dim {axis} to have non-zero size.")
    values = (xp.maximum if name == "max" else xp.minimum).reduce(input, axis=axis, keepdims=keepdim)
    return in_c_order(values), in_c_order(getattr(xp, "arg" + name)(input, axis=axis, keepdims=keepdim))


@max_dim.vjp("input")
def _(grad, input_shape, indices, dim, keepdim):
    return picked(grad, input_shape, indices, dim, keepdim)


@min_dim.vjp("input")
def _(grad, input_shape, indices, dim, keepdim):
    return picked(grad, input_shape, indices, dim, keepdim)


def picked(grad, shape, indices, dim, keepdim: bool):
    """The gradient of picking one element along a dimension: it goes to that one."""
    if not len(shape):
        return grad
    if not keepdim:
        grad, indices = ops.unsqueeze(grad, dim), ops.unsqueeze(indices, dim)
    return ops.put_along(grad, shape, indices, dim)


def _overloaded(name: str, all_of, along, pairwise):
    """`max` and `min`: one name for three operators, told apart by their arguments."""
    def extreme(input, dim=None, keepdim=False, *, other=None, axis=None, keepdims=None, out=None):
        if axis is not None:
            dim = axis
        if other is None and isinstance(dim, Tensor) and not isinstance(dim, (int, bool)):
            other = dim
        if other is not None and keepdim is False:
            return pairwise(input, other, out=out)
        if dim is None:
            if keepdim or keepdims:
                raise TypeError(f"{name}() received an invalid combination of arguments - got (keepdim=bool), but it takes keepdim only with dim. Give dim, or use {'amax' if name == 'max' else 'amin'}(keepdim=True).")
            if out is not None:
                return all_of(input, out=out)
            return all_of(input)
        keepdim = keepdim if keepdims is None else keepdims
        return along(input, dim, keepdim) if out is None else along(input, dim, keepdim, out=out)

    extreme.__name__ = extreme.__qualname__ = name
    extreme.__doc__ = (f"The {'largest' if name == 'max' else 'smallest'} element: of all (`x.{name}()`), along a dimension with its position "
                       f"(`x.{name}(dim)` gives values and indices), or of two tensors element by element (`{name}(x, y)`).\n\n    >>> import autodiff_lab as lab\n"
                       f"    >>> lab.{name}(lab.tensor([3.0, 1.0, 2.0]))\n    tensor({3 if name == 'max' else 1}.)\n    ")
    extreme.op = all_of.op
    public[""][name] = extreme
    setattr(Tensor, name, extreme)
    return extreme


@op(category="comparison", latex=r"\arg\max_i x_i", samples=over_dims_one, no_grad="a position moves in jumps")
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Position of the largest element: in the flattened tensor, or along `dim`. The first of equals.

    Raises:
        IndexError: if there is no dimension `dim`, or nothing to choose from.

    >>> import autodiff_lab as lab
    >>> x = lab.tensor([[1.0, 5.0], [4.0, 2.0]])
    >>> x.argmax(), x.argmax(dim=1)
    (tensor(1), tensor([1, 0]))
    """
    return _position("argmax", input, dim, keepdim)


@op(category="comparison", latex=r"\arg\min_i x_i", samples=over_dims_one, no_grad="a position moves in jumps")
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Position of the smallest element: in the flattened tensor, or along `dim`. The first of equals.

    >>> import autodiff_lab as lab
    >>> x = lab.tensor([[1.0, 5.0], [4.0, 2.0]])
    >>> x.argmin(), x.argmin(dim=1)
    (tensor(0), tensor([0, 1]))
    """
    return _position("argmin", input, dim, keepdim)


def _position(name: str, input, dim, keepdim: bool):
    if input.dtype.kind == "b":
        raise RuntimeError(f"{name}(): does not support bool input. Convert it first, e.g. with .int().")
    if input.dtype.kind == "c":
        raise NotImplementedError(f'"{name}_cpu" not implemented for \'{dtype_of(input).title}\'')
    axis = axes(dim, input.ndim)
    if dim is None and not input.size or axis and not input.shape[axis[0]]:
        raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument."
                         if dim is None else f"{name}(): Expected reduction dim {axis[0]} to have non-zero size.")
    return getattr(namespace(input), name)(input, axis=axis[0] if axis else None, keepdims=keepdim)


def _unless(lost, equal, grad):
    """The gradient of the larger (or smaller) of two, for one of them: none where it lost, half where they are equal."""
    return ops.where(lost, 0, ops.where(equal, grad / 2, grad))


@op(category="pointwise", latex=r"\max(x, y)", samples=pairs(gap=0.2), promote="numeric")
def maximum(input: Tensor, other: Tensor) -> Tensor:
    """The larger of two elements; NaN if one of them is. Equal elements get half the gradient each.

    >>> import autodiff_lab as lab
    >>> lab.maximum(lab.tensor([1, 5]), lab.tensor([3, 2]))
    tensor([3, 5])
    """
    ordered("maximum", input)
    return namespace(input).maximum(input, other)


@maximum.vjp("input", latex="[x > y]")
def _(grad, input, other):
    return _unless(input < other, input == other, grad)


@maximum.vjp("other", latex="[y > x]")
def _(grad, input, other):
    return _unless(other < input, input == other, grad)


@op(category="pointwise", latex=r"\min(x, y)", samples=pairs(gap=0.2), promote="numeric")
def minimum(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of two elements; NaN if one of them is. Equal elements get half the gradient each.

    >>> import autodiff_lab as lab
    >>> lab.minimum(lab.tensor([1, 5]), lab.tensor([3, 2]))
    tensor([1, 2])
    """
    ordered("minimum", input)
    return namespace(input).minimum(input, other)


@minimum.vjp("input", latex="[x < y]")
def _(grad, input, other):
    return _unless(input > other, input == other, grad)


@minimum.vjp("other", latex="[y < x]")
def _(grad, input, other):
    return _unless(other > input, input == other, grad)


@op(category="pointwise", latex=r"\max(x, y)", samples=pairs(gap=0.2), promote="numeric")
def fmax(input: Tensor, other: Tensor) -> Tensor:
    """The larger of two elements; where one is NaN, the other.

    >>> import autodiff_lab as lab
    >>> lab.fmax(lab.tensor([1.0, float("nan")]), lab.tensor([3.0, 2.0]))
    tensor([3., 2.])
    """
    ordered("fmax", input)
    return namespace(input).fmax(input, other)


@fmax.vjp("input", latex=r"[x \ge y]")
def _(grad, input, other):
    return ops.where((input >= other) | ops.isnan(other), grad, ops.zeroed(grad))


@fmax.vjp("other", latex="[y > x]")
def _(grad, input, other):
    return ops.where((input >= other) | ops.isnan(other), ops.zeroed(grad), grad)


@op(category="pointwise", latex=r"\min(x, y)", samples=pairs(gap=0.2), promote="numeric")
def fmin(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of two elements; where one is NaN, the other.

    >>> import autodiff_lab as lab
    >>> lab.fmin(lab.tensor([1.0, float("nan")]), lab.tensor([3.0, 2.0]))
    tensor([1., 2.])
    """
    ordered("fmin", input)
    return namespace(input).fmin(input, other)


@fmin.vjp("input", latex=r"[x \le y]")
def _(grad, input, other):
    return ops.where((input <= other) | ops.isnan(other), grad, ops.zeroed(grad))


@fmin.vjp("other", latex="[y < x]")
def _(grad, input, other):
    return ops.where((input <= other) | ops.isnan(other), ops.zeroed(grad), grad)


_overloaded("max", max_all, max_dim, maximum)
_overloaded("min", min_all, min_dim, minimum)


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
