"""Statistics of order: median, mode, quantiles."""

from __future__ import annotations

import math

from ..backend import namespace
from ..backend.order import pick_rows
from ..core.dtypes import dtype_of
from ..core.op import op, ops, public
from ..core.outs import stored
from ..core.samples import calls
from ..core.tensor import Tensor
from .reductions import axes, picked, to_equals
from .sorting import at_rank, order


@op(category="reduction", refuses="bc", latex=r"\operatorname{med}_i x_i", outputs=("values", "indices"), differentiable=1, function=False, method=False, name="median_dim", node_name="Median", samples=calls(
    lambda r: ((r.normal(size=(3, 4)), 1), {}), lambda r: ((r.normal(size=(3, 5)), 0, True), {}), lambda r: ((r.normal(size=()), 0), {})), variants=(("True", "MedianBackward1"),))
def median_dim(input: Tensor, dim: int, keepdim: bool = False):
    """The middle element along `dim` (the lower of two) and its position."""
    return _middle("median", input, dim, keepdim, False)


@op(category="reduction", refuses="bc", outputs=("values", "indices"), differentiable=1, function=False, method=False, name="nanmedian_dim", node_name="Nanmedian", samples=calls(
    lambda r: ((r.normal(size=(3, 4)), 1), {}), lambda r: ((r.normal(size=()), 0), {})), variants=(("True", "NanmedianBackward1"),))
def nanmedian_dim(input: Tensor, dim: int, keepdim: bool = False):
    """The middle element along `dim`, leaving out NaN."""
    return _middle("nanmedian", input, dim, keepdim, True)


def _middle(name: str, input, dim, keepdim: bool, skip_nan: bool):
    xp = namespace(input)
    axis = axes(dim, input.ndim)
    if not axis:
        return input.copy(), xp.int64(0)
    (d,) = axis
    n = input.shape[d]
    if not n:
        raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size.")
    if n == 1 and keepdim:
        return input.copy(), xp.zeros(input.shape, "int64")
    nan = xp.isnan(input) if dtype_of(input).category == 2 else None
    if nan is None or not nan.any():
        found = at_rank(input, (n - 1) // 2, d)
    elif skip_nan:
        counted = n - nan.sum(axis=d, keepdims=True)
        found = xp.take_along_axis(order(input, d), xp.maximum(counted - 1, 0) // 2, d)
    else:
        found = xp.where(nan.any(axis=d, keepdims=True), nan.argmax(axis=d, keepdims=True), at_rank(input, (n - 1) // 2, d))
    values = pick_rows(input, found, d)
    return (values, found) if keepdim else (values.squeeze(d), found.squeeze(d))


@median_dim.vjp("input")
def _(grad, input_shape, indices, dim, keepdim):
    return picked(grad, input_shape, indices, dim, keepdim)


@nanmedian_dim.vjp("input")
def _(grad, input_shape, indices, dim, keepdim):
    return picked(grad, input_shape, indices, dim, keepdim)


@op(category="reduction", refuses="bc", latex=r"\operatorname{med}_i x_i", function=False, method=False, name="median_all", node_name="Median", samples=calls(lambda r: ((r.normal(size=(3, 4)),), {}), lambda r: ((r.normal(size=()),), {})))
def median_all(input: Tensor) -> Tensor:
    """The middle of all elements; the lower of two. Its gradient is shared by all that equal it."""
    return _middle_of_all(input, False)


@op(category="reduction", refuses="bc", function=False, method=False, name="nanmedian_all", node_name="Nanmedian", samples=calls(lambda r: ((r.normal(size=(3, 4)),), {})))
def nanmedian_all(input: Tensor) -> Tensor:
    """The middle of all elements but NaN."""
    return _middle_of_all(input, True)


def _middle_of_all(input, skip_nan: bool):
    xp = namespace(input)
    flat = input.reshape(-1)
    if dtype_of(input).category == 2:
        nan = xp.isnan(flat)
        if nan.any():
            if not skip_nan:
                return flat.dtype.type(math.nan)
            flat = flat[~nan]
    if not flat.size:
        if dtype_of(input).category < 2:
            return input.dtype.type(-2 ** 63 if input.dtype == "int64" else 0)
        return input.dtype.type(math.nan)
    return xp.partition(flat, (flat.size - 1) // 2)[(flat.size - 1) // 2]


@median_all.vjp("input")
def _(grad, input, out):
    return _to_middle(grad, input, out)


@nanmedian_all.vjp("input")
def _(grad, input, out):
    return _to_middle(grad, input, out)


def _to_middle(grad, input, out):
    """The gradient of a middle element: in equal parts to all that equal it (or are NaN with it)."""
    return to_equals(grad, ops.isnan(input) if ops.isnan(out).any() else input == out)


def _either(name: str, of_all, along, sentence: str):
    def middle(input, dim=None, keepdim=False, *, axis=None, out=None):
        dim = axis if axis is not None else dim
        if dim is None:
            if keepdim or out is not None:
                raise TypeError(f'{name}() missing 1 required positional arguments: "dim"')
            return of_all(input)
        return along(input, dim, keepdim) if out is None else along(input, dim, keepdim, out=out)

    middle.__name__ = middle.__qualname__ = name
    middle.__doc__ = f"""{sentence}

    >>> import autodiff_lab as lab
    >>> lab.{name}(lab.tensor([5.0, 1.0, 3.0, 2.0]))
    tensor(2.)
    """
    middle.op = of_all.op
    public[""][name] = middle
    setattr(Tensor, name, middle)


_either("median", median_all, median_dim, "The middle element, of all or along `dim` with its position; the lower of two middles, NaN if one is there.")
_either("nanmedian", nanmedian_all, nanmedian_dim, "The middle element, leaving out NaN.")


@op(category="reduction", refuses="c", latex=r"\operatorname{mode}_i x_i", outputs=("values", "indices"), differentiable=1, samples=calls(
    lambda r: ((r.normal(size=(3, 4)), 1), {}), lambda r: ((r.normal(size=()),), {})))
def mode(input: Tensor, dim: int = -1, keepdim: bool = False):
    """The value that occurs most often along `dim` (the smallest of several) and its last position.

    >>> import autodiff_lab as lab
    >>> lab.mode(lab.tensor([1, 2, 2, 3])).values
    tensor(2)
    """
    xp = namespace(input)
    axis = axes(dim, input.ndim)
    if not axis:
        return input.copy(), xp.int64(0)
    (d,) = axis
    n = input.shape[d]
    if not n:
        raise IndexError(f"mode(): Expected reduction dim {d} to have non-zero size.")
    rows = xp.moveaxis(input, d, -1)
    places = order(rows, -1)
    ordered_rows = pick_rows(rows, places, -1)
    new = xp.concatenate([xp.ones((*rows.shape[:-1], 1), bool), ordered_rows[..., 1:] != ordered_rows[..., :-1]], -1)
    start = xp.maximum.accumulate(xp.where(new, xp.arange(n), 0), axis=-1)
    length = xp.arange(n) - start  # how often the value stood before
    last = length.argmax(-1)[..., None]
    found = xp.moveaxis(xp.take_along_axis(places, last, -1), -1, d)
    values = xp.take_along_axis(input, found, d)
    return (values, found) if keepdim else (values.squeeze(d), found.squeeze(d))


@mode.vjp("input")
def _(grad, input_shape, indices, dim, keepdim):
    return picked(grad, input_shape, indices, dim, keepdim)


def quantile(input: Tensor, q, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear", out=None) -> Tensor:
    """The value below which a fraction `q` of the elements lies.

    Args:
        q: a number or a 1-dim tensor of numbers in [0, 1].
        interpolation: between neighbours: "linear", "lower", "higher", "midpoint" or "nearest".

    >>> import autodiff_lab as lab
    >>> lab.quantile(lab.tensor([1.0, 2.0, 3.0, 4.0]), 0.5)
    tensor(2.5000)
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, False, out)


def nanquantile(input: Tensor, q, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear", out=None) -> Tensor:
    """`quantile`, leaving out NaN.

    >>> import autodiff_lab as lab
    >>> lab.nanquantile(lab.tensor([1.0, float("nan"), 3.0]), 0.5)
    tensor(2.)
    """
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, True, out)


def _quantile(name: str, input, q, dim, keepdim: bool, interpolation: str, skip_nan: bool, out):
    _check_quantile(name, input, q, interpolation)
    ops_ = public[""]
    if not isinstance(q, Tensor):
        q = ops_["tensor"](q, dtype=input.dtype)
    (d,) = axes(dim, input.ndim) or (0,) if dim is not None else (None,)
    rows = input.reshape(-1) if dim is None else (input if input.ndim else input.reshape(1)).movedim(d, -1)
    rows = rows.sort(-1)[0]
    n = rows.shape[-1]
    ranks = q.reshape(-1)
    nan = rows.isnan()
    last = (n - 1 if not skip_nan else (nan.logical_not().sum(-1, True) - 1).clamp(0))
    ranks = (ranks * last if isinstance(last, int) else ranks * last.to(input.dtype)).expand(*rows.shape[:-1], q.numel())
    if not skip_nan:
        ranks = ops_["where"](nan.any(-1, True), float(n - 1), ranks)
    if interpolation in ("lower", "higher", "nearest"):
        ranks = {"lower": ranks.floor, "higher": ranks.ceil, "nearest": ranks.round}[interpolation]()
    below = ranks.detach().floor().long()
    made = rows.gather(-1, below)
    if interpolation in ("linear", "midpoint"):
        above = rows.gather(-1, ranks.detach().ceil().long())
        made = made.lerp(above, ranks.new_full(ranks.shape, 0.5) if interpolation == "midpoint" else ranks - below)
    made = made.movedim(-1, 0)  # (q, rest)
    if keepdim:
        made = made.unsqueeze(1 + d) if dim is not None and input.ndim else made.reshape((-1,) + (1,) * input.ndim)
    elif dim is not None and not input.ndim:
        made = made.reshape(-1)
    made = made.squeeze(0) if not q.ndim else made
    return stored(made, out, name)


def _check_quantile(name: str, input, q, interpolation: str) -> None:
    if not input.numel():
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if input.dtype.name not in ("float32", "float64"):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if interpolation not in ("linear", "lower", "higher", "midpoint", "nearest"):
        raise RuntimeError(f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}")
    if isinstance(q, Tensor):
        if q.ndim > 1:
            raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
        if q.dtype != input.dtype:
            raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
        if q.numel() and not bool(((q >= 0) & (q <= 1)).all()):
            raise RuntimeError(f"{name}() q values must be in the range [0, 1]")
    elif not 0 <= q <= 1:
        raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q}")


for _function in (quantile, nanquantile):
    public[""][_function.__name__] = _function
    setattr(Tensor, _function.__name__, _function)
