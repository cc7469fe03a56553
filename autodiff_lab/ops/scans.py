"""Scans: running sums, products, largest and smallest so far; differences; areas under samples."""

from __future__ import annotations

import math

import numpy as np

from ..backend import in_c_order, namespace
from ..backend.order import pick_rows, positions_of, ranked
from ..core.dtypes import FLOATING, default_dtype, dtype_of
from ..core.op import op, ops, public
from ..core.outs import stored
from ..core.precision import in_float32, widened
from ..core.samples import also, calls
from ..core.tensor import Tensor
from .reductions import axes, ordered

along = calls(lambda r: ((r.normal(size=(3, 4)), 1), {}), lambda r: ((r.normal(size=(2, 3, 4)), -3), {}), lambda r: ((r.normal(size=(5,)), 0), {}), lambda r: ((r.normal(size=()), 0), {}),
              lambda r: ((r.normal(size=(2, 0)), -1), {}))
with_zeros = calls(lambda r: ((r.normal(size=(3, 4)), 1), {}), lambda r: ((r.normal(size=(3, 4)) * (r.uniform(size=(3, 4)) > 0.3), 0), {}), lambda r: ((r.normal(size=()), 0), {}),
                   lambda r: ((r.normal(size=(2, 0)), 1), {}))


def prepared(name: str, input, dim, dtype):
    """The array as it is scanned (in C order, integers as int64) and the axis; axis None for a number."""
    axis = axes(dim, input.ndim)
    if dtype is not None:
        input = input.astype(dtype_of(dtype).numpy)
    elif input.dtype.kind in "iub":
        input = input.astype("int64")
    return in_c_order(input), axis[0] if axis else None


@op(category="reduction", latex=r"\sum_{j \le i} x_j", samples=along, changes_dtype=True, inplace=True)
def cumsum(input: Tensor, dim: int, *, dtype=None) -> Tensor:
    """Running sum along `dim`. Integers are summed as int64.

    >>> import autodiff_lab as lab
    >>> lab.cumsum(lab.tensor([1, 2, 3]), dim=0)
    tensor([1, 3, 6])
    """
    input, axis = prepared("cumsum", input, dim, dtype)
    return input.copy() if axis is None else running("add", widened(input), axis).astype(input.dtype, copy=False)


LONG = 256  # numbers in a slice from which on a call for each slice is quicker


def running(name: str, x, axis: int):
    """`accumulate` of a ufunc. NumPy takes the numbers one by one, each waiting for the one before; long slices are combined whole."""
    ufunc = getattr(namespace(x), name)
    n = x.shape[axis]
    if x.__class__ is not np.ndarray or axis == x.ndim - 1 or not x.size or x.size < LONG * n:
        return ufunc.accumulate(x, axis=axis, dtype=x.dtype)
    out = np.empty(x.shape, x.dtype)
    given, found = (np.moveaxis(each, axis, 0) for each in (x, out))
    found[0] = given[0]
    for i in range(1, n):
        ufunc(found[i - 1], given[i], out=found[i])
    return out


def backward_sum(value, dim: int):
    """The sum from each position to the end along `dim`."""
    return ops.flip(ops.cumsum(ops.flip(value, (dim,)), dim), (dim,)) if value.ndim else value


@cumsum.vjp("input", latex="1")
def _(grad, dim):
    return backward_sum(grad, dim)


@op(category="reduction", latex=r"\prod_{j \le i} x_j", samples=with_zeros, changes_dtype=True, inplace=True)
def cumprod(input: Tensor, dim: int, *, dtype=None) -> Tensor:
    """Running product along `dim`. Integers are multiplied as int64.

    >>> import autodiff_lab as lab
    >>> lab.tensor([1, 2, 3, 4]).cumprod(0)
    tensor([ 1,  2,  6, 24])
    """
    input, axis = prepared("cumprod", input, dim, dtype)
    return input.copy() if axis is None else running("multiply", widened(input), axis).astype(input.dtype, copy=False)


@cumprod.vjp("input")
def _(grad, input, out, dim):
    if not input.ndim or not math.prod(input.shape):
        return grad
    if not (input == 0).any():
        return backward_sum(grad * ops.conj(out), dim) / ops.conj(input)
    # With a zero nothing may be divided by it: what arrives at i is g_i + x_{i+1} (g_{i+1} + ...), times the product before i.
    dim = dim % input.ndim
    parts, later, n = [], None, input.shape[dim]
    for i in range(n - 1, -1, -1):
        here = at(grad, dim, i)
        later = here if later is None else here + ops.conj(at(input, dim, i + 1)) * later
        parts.append(later if i == 0 else later * ops.conj(at(out, dim, i - 1)))
    return ops.cat(parts[::-1], dim)


def at(value, dim: int, i: int):
    """One slice along `dim`, which stays with size 1."""
    return value[(slice(None),) * dim + (slice(i, i + 1),)]


@op(category="reduction", latex=r"\max_{j \le i} x_j", outputs=("values", "indices"), differentiable=1, samples=along)
def cummax(input: Tensor, dim: int):
    """The largest element so far along `dim`, and the last position where it stands.

    >>> import autodiff_lab as lab
    >>> lab.cummax(lab.tensor([1, 3, 2]), dim=0).values
    tensor([1, 3, 3])
    """
    return _running("cummax", "maximum", input, dim)


@op(category="reduction", latex=r"\min_{j \le i} x_j", outputs=("values", "indices"), differentiable=1, samples=along)
def cummin(input: Tensor, dim: int):
    """The smallest element so far along `dim`, and the last position where it stands.

    >>> import autodiff_lab as lab
    >>> lab.cummin(lab.tensor([3, 1, 2]), dim=0).values
    tensor([3, 1, 1])
    """
    return _running("cummin", "minimum", input, dim)


def _running(name: str, ufunc: str, input, dim):
    ordered(name, input)
    input = in_c_order(input)
    xp = namespace(input)
    axis = axes(dim, input.ndim)
    if not axis:
        return input.copy(), xp.int64(0)
    # Packed with its position, a number that is equal and later is larger: one pass finds both. NaN is the largest, which is wrong for cummin.
    packed = ranked(input, axis[0], name == "cummin") if name == "cummax" or dtype_of(input).category < 2 or not xp.isnan(input).any() else None
    if packed is not None:
        positions = positions_of(xp.maximum.accumulate(packed, axis=-1, out=packed), axis[0], input.ndim)
        return pick_rows(input, positions, axis[0]), positions
    values = getattr(xp, ufunc).accumulate(input, axis=axis[0])
    n = input.shape[axis[0]]
    positions = xp.arange(n).reshape((-1,) + (1,) * (input.ndim - axis[0] - 1))
    reached = input == values
    if dtype_of(input).category == 2:
        reached = reached | xp.isnan(input)
    return values, xp.maximum.accumulate(xp.where(reached, positions, 0), axis=axis[0]) if input.size else xp.zeros(input.shape, "int64")


@cummax.vjp("input")
def _(grad, input_shape, indices, dim):
    return ops.gather_backward(grad, input_shape, dim, indices) if len(input_shape) else grad


@cummin.vjp("input")
def _(grad, input_shape, indices, dim):
    return ops.gather_backward(grad, input_shape, dim, indices) if len(input_shape) else grad


@op(category="reduction", latex=r"\ln \sum_{j \le i} e^{x_j}", samples=also(along, calls(
    lambda r: ((r.normal(size=(2, 3)) + 1j * r.normal(size=(2, 3)), 1), {}))))
@in_float32
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """The logarithm of the running sum of exponentials, without overflow.

    Raises:
        RuntimeError: for integers.

    >>> import autodiff_lab as lab
    >>> lab.logcumsumexp(lab.zeros(3), dim=0)
    tensor([0.0000, 0.6931, 1.0986])
    """
    if input.dtype not in FLOATING:
        raise NotImplementedError(f'"logcumsumexp_out_cpu" not implemented for \'{dtype_of(input).title}\'. Convert to a floating-point type, e.g. with .float().')
    axis = axes(dim, input.ndim)
    xp = namespace(input)
    if not axis or not input.size:
        return input.copy()
    if input.dtype.kind == "c":
        from .special_functions import complex_logaddexp

        rows = xp.moveaxis(input, axis[0], 0)
        found = rows.copy()
        for i in range(1, len(rows)):
            found[i] = complex_logaddexp(xp, found[i - 1], rows[i])
        return xp.moveaxis(found, 0, axis[0])
    return xp.logaddexp.accumulate(input, axis=axis[0])


@logcumsumexp.vjp("input")
def _(grad, input, out, dim):
    if not input.ndim or not math.prod(input.shape):
        return grad
    if dtype_of(input).category == 3:
        logs = ops.flip(ops.log(grad) - ops.conj(out), (dim,))
        return ops.exp(ops.flip(ops.logcumsumexp(logs, dim), (dim,)) + ops.conj(input))
    # In logarithms, positive and negative gradients apart, so that nothing overflows.
    out = ops.where(out == -math.inf, out * 0, out) if (out == -math.inf).any() else out
    total = None
    for mask, size in ((grad > 0, grad), (grad < 0, -grad)):
        logs = ops.where(mask, ops.log(ops.where(mask, size, size * 0 + 1)) - out, -math.inf)
        if not mask.any():
            continue
        part = ops.exp(ops.flip(ops.logcumsumexp(ops.flip(logs, (dim,)), dim), (dim,)) + input)
        total = part if total is None and size is grad else -part if total is None else total - part
    return ops.zeroed(grad) if total is None else total


# ---- made of other operators ----

def diff(input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None, *, out=None) -> Tensor:
    """Differences of neighbours along `dim`, `n` times.

    >>> import autodiff_lab as lab
    >>> lab.diff(lab.tensor([1, 4, 9]))
    tensor([3, 5])
    """
    if not input.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    (d,) = axes(dim, input.ndim)
    extra = [t for t in (prepend, append) if t is not None]
    for t in extra:
        if t.ndim != input.ndim:
            raise RuntimeError("diff expects prepend or append to be the same dimension as input")
    if n == 0:
        return stored(input.clone(), out)
    made = public[""]["cat"]([t for t in (prepend, input, append) if t is not None], d) if extra else input
    for _ in range(min(n, made.shape[d])):
        size = made.shape[d]
        later, sooner = made.narrow(d, 1, size - 1), made.narrow(d, 0, size - 1)
        made = later.logical_xor(sooner) if made.dtype.name == "bool" else later - sooner
    return stored(made, out)


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1) -> Tensor:
    """The area under samples `y` at positions `x` (or `dx` apart), by the trapezoid rule.

    >>> import autodiff_lab as lab
    >>> lab.trapezoid(lab.tensor([1.0, 2.0, 3.0]))
    tensor(4.)
    """
    (d,) = axes(dim, y.ndim) or (0,)
    if x is None and y.ndim and y.shape[d] and y.dtype.name != "bool":
        return (y.sum(d) - (y.select(d, 0) + y.select(d, -1)) * 0.5) * (1.0 if dx is None else dx)
    return _trapezoids(y, x, dx, dim, "trapezoid").sum(dim)


def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1) -> Tensor:
    """The running area under samples, by the trapezoid rule.

    >>> import autodiff_lab as lab
    >>> lab.cumulative_trapezoid(lab.tensor([1.0, 2.0, 3.0]))
    tensor([1.5000, 4.0000])
    """
    return _trapezoids(y, x, dx, dim, "cumulative_trapezoid").cumsum(dim)


def _trapezoids(y, x, dx, dim: int, name: str):
    (d,) = axes(dim, y.ndim) or (0,)
    if y.dtype.name == "bool":
        raise RuntimeError(f"{name}: received a bool input for `y`, but bool is not supported")
    n = y.shape[d]
    width = 1.0 if dx is None else dx
    if x is not None:
        if x.ndim == 1:
            if x.shape[0] != n:
                raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
            width = (x[1:] - x[:-1]).reshape((-1,) + (1,) * (y.ndim - d - 1))
        else:
            m = x.shape[d - y.ndim]
            width = x.narrow(d - y.ndim, 1, m - 1) - x.narrow(d - y.ndim, 0, m - 1)
    if not n:
        return y.narrow(d, 0, 0) * 0.5
    return (y.narrow(d, 1, n - 1) + y.narrow(d, 0, n - 1)) * width / 2


Tensor.diff = diff
def gradient(input: Tensor, *, spacing=1, dim=None, edge_order: int = 1) -> tuple:
    """Slopes of sampled values along each dimension: central differences inside, one-sided at the edges.

    Args:
        spacing: distance of the samples: a number, one per dimension, or the positions as 1-dim tensors.
        dim: the dimensions; all by default.
        edge_order: 1 or 2, the accuracy at the edges.

    >>> import autodiff_lab as lab
    >>> lab.gradient(lab.tensor([1.0, 4.0, 9.0]))
    (tensor([3., 4., 5.]),)
    """
    dims = range(input.ndim) if dim is None else axes(dim, input.ndim)
    spacing = 1 if spacing is None else spacing
    spacings = list(spacing) if isinstance(spacing, (tuple, list)) else [spacing] * len(dims)
    if len(spacings) != len(dims):
        raise RuntimeError(f"torch.gradient expected spacing to be unspecified, a scalar, or a list of length {len(dims)}, got a list of length {len(spacings)}.")
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    return tuple(_slopes(input, d, step, edge_order) for d, step in zip(dims, spacings, strict=True))


def _slopes(input, d: int, step, edge_order: int):
    """The slopes along one dimension."""
    n = input.shape[d]
    if n < edge_order + 1:
        raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
    if input.dtype.category < 2:
        input = input.to(default_dtype[0])
    if isinstance(step, Tensor) and step.ndim:
        gaps = (step[1:] - step[:-1]).reshape((-1,) + (1,) * (input.ndim - d - 1))
    else:
        gaps = public[""]["ones"](n - 1, dtype=input.dtype).reshape((-1,) + (1,) * (input.ndim - d - 1)) * step
    left, right = gaps[:-1], gaps[1:]
    x = [input.narrow(d, i, n - 2) for i in range(3)] if n > 2 else []
    parts = []
    first, last = input.narrow(d, 0, 1), input.narrow(d, n - 1, 1)
    if edge_order == 1:
        head = (input.narrow(d, 1, 1) - first) / gaps[0]
        tail = (last - input.narrow(d, n - 2, 1)) / gaps[-1]
    else:
        a, b = gaps[0], gaps[1]
        head = first * (-(2 * a + b) / (a * (a + b))) + input.narrow(d, 1, 1) * ((a + b) / (a * b)) - input.narrow(d, 2, 1) * (a / (b * (a + b)))
        a, b = gaps[-2], gaps[-1]
        tail = input.narrow(d, n - 3, 1) * (b / (a * (a + b))) - input.narrow(d, n - 2, 1) * ((a + b) / (a * b)) + last * ((2 * b + a) / (b * (a + b)))
    parts = [head]
    if x:
        parts.append(x[0] * (-right / (left * (left + right))) + x[1] * ((right - left) / (left * right)) + x[2] * (left / (right * (left + right))))
    return public[""]["cat"]([*parts, tail], d)


public[""].update(diff=diff, gradient=gradient, trapezoid=trapezoid, trapz=trapezoid, cumulative_trapezoid=cumulative_trapezoid)
