"""Statistics: product, variance, standard deviation, log-sum-exp, sums without NaN; those of order are in order_statistics.py."""

from __future__ import annotations

import math

from ..backend import in_c_order, namespace
from ..backend.fast import product, squares, sums
from ..core.arguments import Dims, Number
from ..core.dtypes import FLOATING, dtype_of
from ..core.errors import caution
from ..core.op import op, ops, public
from ..core.outs import stored
from ..core.precision import in_float32
from ..core.samples import calls
from ..core.tensor import Tensor
from .reductions import axes, count, ordered, shared, spread
from .scans import at

with_zeros = calls(
    lambda r: ((r.normal(size=(3, 4)),), {}), lambda r: ((r.normal(size=(3, 4)), 1), {}), lambda r: ((r.normal(size=(3, 4)) * (r.uniform(size=(3, 4)) > 0.3), 0, True), {}),
    lambda r: ((r.normal(size=(3, 4)) * (r.uniform(size=(3, 4)) > 0.9),), {}), lambda r: ((r.normal(size=()),), {}), lambda r: ((r.normal(size=(2, 0)), 1), {}))


@op(category="reduction", latex=r"\prod_i x_i", samples=with_zeros, changes_dtype=True, variants=(("dim is not None", "ProdBackward1"),))
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype=None) -> Tensor:
    """Product over all elements, or along `dim`. Integers are multiplied as int64.

    >>> import autodiff_lab as lab
    >>> lab.tensor([1, 2, 3, 4]).prod()
    tensor(24)
    """
    if keepdim and dim is None:
        raise TypeError("prod(): argument 'dim' must be int, not NoneType: keepdim needs it.")
    if dtype is not None:
        input = input.astype(dtype_of(dtype).numpy)
    elif input.dtype.kind in "iub":
        input = input.astype("int64")
    axis = axes(dim, input.ndim)
    found = None if keepdim or axis and len(axis) > 1 else product(input, axis and axis[0])
    return in_c_order(namespace(input).multiply.reduce(input, axis=axis, dtype=input.dtype, keepdims=keepdim)) if found is None else found


@prod.vjp("input", latex=r"\prod_{j \ne i} x_j")
def _(grad, input, out, dim, keepdim):
    if not input.ndim:
        return grad
    zeros = input == 0
    if not zeros.any():
        if dim is not None and not keepdim:
            grad, out = ops.unsqueeze(grad, dim), ops.unsqueeze(out, dim)
        return grad * ops.conj(out / input)
    # Nothing may be divided by a zero: multiply all the others instead.
    if dim is None:
        return (grad * ops.conj(product_of_others(input.reshape((-1,)), 0))).reshape(tuple(input.shape))
    return (grad if keepdim else ops.unsqueeze(grad, dim)) * ops.conj(product_of_others(input, dim % input.ndim))


def product_of_others(value, dim: int):
    """For each element the product of all others along `dim`: those before times those after."""
    n = value.shape[dim]
    if n == 1:
        return value * 0 + 1
    before = ops.cumprod(value[(slice(None),) * dim + (slice(0, n - 1),)], dim)
    after = ops.flip(ops.cumprod(ops.flip(value[(slice(None),) * dim + (slice(1, None),)], (dim,)), dim), (dim,))
    one = at(value, dim, 0) * 0 + 1
    return ops.cat([one, before], dim) * ops.cat([after, one], dim)


# ---- spread ----

def degrees(shape, dim, correction) -> float:
    """What the sum of squares is divided by, at least 0."""
    n = count(shape, dim) - (1 if correction is None else correction)
    return n if n > 0 else 0


def _squares(name: str, input, dim, correction, keepdim: bool):
    """The mean and the sum of squared distances from it over the degrees of freedom."""
    if input.dtype not in FLOATING:
        raise RuntimeError(f"{name} only support floating point and complex dtypes. Convert the tensor first, e.g. with .float().")
    xp = namespace(input)
    axis = axes(dim, input.ndim) or None
    free = degrees(input.shape, dim, correction)
    if not free:
        caution(f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor (input numel divided by output numel).")
    wide = input.astype("float32") if input.dtype.itemsize == 2 else input
    n = count(input.shape, dim)
    single = axis[0] if axis and len(axis) == 1 else None
    total = xp.add.reduce(wide, axis=axis, keepdims=True) if single is None else sums(wide, single, True)
    mean = total / n if n else total * math.nan
    apart = wide - mean
    total = squares(apart, single, keepdim) if axis is None or single == input.ndim - 1 else None
    if total is None:
        each = (apart * apart.conj()).real if input.dtype.kind == "c" else xp.square(apart, out=apart) if apart.ndim else apart * apart
        total = in_c_order(xp.add.reduce(each, axis=axis, keepdims=keepdim) if single is None else sums(each, single, keepdim))
    variance = total / free if free else total / xp.zeros((), total.dtype)
    mean = in_c_order(mean) if keepdim else in_c_order(mean.reshape(variance.shape)) if variance.ndim else mean.reshape(())[()]
    real = input.real.dtype
    return mean.astype(input.dtype, copy=False), variance.astype(real, copy=False)


def _var_slope(grad, input, dim, correction, keepdim: bool):
    """The gradient of a variance: 2 / (n - c) times the distance from the mean."""
    free = degrees(input.shape, dim, correction)
    if dim is not None and not keepdim and input.ndim and len(axes(dim, input.ndim)):
        for d in sorted(axes(dim, input.ndim)):
            grad = ops.unsqueeze(grad, d)
    middle = ops.mean(input, dim if dim is not None and (not hasattr(dim, "__iter__") or len(dim)) else None, True)
    return (input - middle) * grad * (2 / free if free else math.inf)


moments = calls(lambda r: ((r.normal(size=(3, 4)),), {}), lambda r: ((r.normal(size=(3, 4)), 1), {}), lambda r: ((r.normal(size=(3, 4)), 0, 0, True), {}),
                lambda r: ((r.normal(size=(2, 3, 4)), (0, -1)), {}), lambda r: ((r.normal(size=(5,)), None, 2), {}))


@op(category="reduction", latex=r"\frac{1}{n - c}\sum_i (x_i - \bar x)^2", function=False, method=False, name="var", samples=None, out=True)
def var_op(input: Tensor, dim: Dims | None = None, correction: Number | None = 1, keepdim: bool = False) -> Tensor:
    """Variance; see var.

    >>> import autodiff_lab as lab
    >>> x = lab.tensor([1.0, 2.0, 3.0, 4.0])
    >>> x.var(), x.var(correction=0)
    (tensor(1.6667), tensor(1.2500))
    """
    return _squares("var", input, dim, correction, keepdim)[1]


@var_op.vjp("input", latex=r"\frac{2}{n - c}(x_i - \bar x)")
def _(grad, input, dim, correction, keepdim):
    return _var_slope(grad, input, dim, correction, keepdim)


@op(category="reduction", latex=r"\sqrt{\frac{1}{n - c}\sum_i (x_i - \bar x)^2}", function=False, method=False, name="std", samples=None, out=True)
def std_op(input: Tensor, dim: Dims | None = None, correction: Number | None = 1, keepdim: bool = False) -> Tensor:
    """Standard deviation; see std.

    >>> import autodiff_lab as lab
    >>> x = lab.tensor([1.0, 2.0, 3.0, 4.0])
    >>> x.std(), x.std(correction=0)
    (tensor(1.2910), tensor(1.1180))
    """
    variance = _squares("std", input, dim, correction, keepdim)[1]
    return namespace(input).sqrt(variance)


@std_op.vjp("input", latex=r"\frac{x_i - \bar x}{(n - c)\,\sigma}")
def _(grad, input, out, dim, correction, keepdim):
    flat = out == 0
    each = grad / (ops.where(flat, out + 1, out) * 2)
    return _var_slope(ops.where(flat, ops.zeroed(grad), each), input, dim, correction, keepdim)


@op(category="reduction", outputs=("var", "mean"), function=False, method=False, name="var_mean", samples=None, out=False)
def var_mean_op(input: Tensor, dim: Dims | None = None, correction: Number | None = 1, keepdim: bool = False):
    """Variance and mean in one pass; see var_mean."""
    mean, variance = _squares("var_mean", input, dim, correction, keepdim)
    return variance, mean


@var_mean_op.vjp("input")
def _(grads, input, dim, correction, keepdim):
    return _var_slope(grads[0], input, dim, correction, keepdim) + _mean_slope(grads[1], input.shape, dim, keepdim)


def _mean_slope(grad, shape, dim, keepdim: bool):
    n = count(shape, dim)
    return spread(grad / n if n else grad, shape, dim, keepdim)


@op(category="reduction", outputs=("std", "mean"), function=False, method=False, name="std_mean", samples=None, out=False)
def std_mean_op(input: Tensor, dim: Dims | None = None, correction: Number | None = 1, keepdim: bool = False):
    """Standard deviation and mean in one pass; see std_mean."""
    mean, variance = _squares("std_mean", input, dim, correction, keepdim)
    return namespace(input).sqrt(variance), mean


@std_mean_op.vjp("input")
def _(grads, input, std, dim, correction, keepdim):
    flat = std == 0
    each = ops.where(flat, grads[0] * 0, grads[0] / (ops.where(flat, std + 1, std) * 2))
    return _var_slope(each, input, dim, correction, keepdim) + _mean_slope(grads[1], input.shape, dim, keepdim)


def _moment(name: str, operator, sentence: str, example: str):
    """`var` and its kin with PyTorch's ways to say how: `unbiased` or `correction`, or only `unbiased`."""
    def moment(input, dim=None, unbiased=None, keepdim=False, *, correction=None, axis=None, keepdims=None, out=None):
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        if axis is not None:
            dim = axis
        if keepdims is not None:
            keepdim = keepdims
        if unbiased is not None and not isinstance(unbiased, bool):
            raise TypeError(f"{name}(): argument 'unbiased' must be bool, not {type(unbiased).__name__}. Give several dimensions as a tuple, e.g. dim=(0, 1).")
        if unbiased is not None and correction is not None:
            raise TypeError(f"{name}() received an invalid combination of arguments: give unbiased or correction, not both.")
        free = correction if correction is not None else 1 if unbiased is None else int(unbiased)
        if out is not None and (several or dim is None and unbiased is not None):
            raise TypeError(f"{name}() received an invalid combination of arguments: {'it takes no out=' if several else 'with unbiased, out= needs dim'}.")
        if several:
            return tuple(operator(input, dim, free, keepdim))
        return operator(input, dim, free, keepdim) if out is None else operator(input, dim, free, keepdim, out=out)

    several = operator.op.outputs is not None

    moment.__name__ = moment.__qualname__ = name
    moment.__doc__ = f"""{sentence} over all elements or the dimensions `dim`.

    Args:
        correction: what is taken from the number of elements that the sum of squares is divided by; 1 by default.
        unbiased: the older way: True for correction 1, False for 0. Also alone: `x.{name}(False)`.

    Of one element with correction 1 it is nan, with a warning.

    >>> import autodiff_lab as lab
    >>> x = lab.tensor([1.0, 2.0, 3.0, 4.0])
    >>> lab.{name}(x, correction=0)
    {example}
    """
    moment.op = operator.op
    public[""][name] = moment
    return moment


Tensor.var = _moment("var", var_op, "Variance", "tensor(1.2500)")
Tensor.std = _moment("std", std_op, "Standard deviation", "tensor(1.1180)")
_moment("var_mean", var_mean_op, "Variance and mean", "(tensor(1.2500), tensor(2.5000))")
_moment("std_mean", std_mean_op, "Standard deviation and mean", "(tensor(1.1180), tensor(2.5000))")
for _op in (var_op, std_op, var_mean_op, std_mean_op):
    _op.op.make_samples = moments


# ---- log-sum-exp ----

@op(category="reduction", latex=r"\ln \sum_i e^{x_i}", promote="float", samples=calls(
    lambda r: ((r.normal(size=(3, 4)), 1), {}), lambda r: ((r.normal(size=(2, 3, 4)), (0, -1), True), {}), lambda r: ((r.normal(size=()), 0), {}),
    lambda r: ((r.normal(size=(2, 3)) + 1j * r.normal(size=(2, 3)), 1), {})))
@in_float32
def logsumexp(input: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    """The logarithm of the sum of exponentials over `dim`, without overflow.

    >>> import autodiff_lab as lab
    >>> lab.logsumexp(lab.tensor([1000.0, 1000.0]), dim=0)
    tensor(1000.6932)
    """
    xp = namespace(input)
    axis = axes(dim, input.ndim) or None
    if not input.size:
        return xp.log(xp.add.reduce(xp.exp(input), axis=axis, keepdims=keepdim))
    top = (input.real if input.dtype.kind == "c" else input).max(axis=axis, keepdims=True)
    top = xp.where(xp.isinf(top), 0, top).astype(top.dtype)
    total = in_c_order(xp.log(xp.add.reduce(xp.exp(input - top), axis=axis, keepdims=True)) + top)
    return total if keepdim else total.reshape(tuple(n for d, n in enumerate(input.shape) if axis is not None and d not in axis)) if input.ndim else total


@logsumexp.vjp("input", latex=r"\mathrm{softmax}(x)_i")
def _(grad, input, out, dim, keepdim):
    if input.ndim and not keepdim:
        for d in sorted(axes(dim, input.ndim) or range(input.ndim)):
            grad, out = ops.unsqueeze(grad, d), ops.unsqueeze(out, d)
    if dtype_of(input).category == 2:
        out = ops.where(ops.isinf(out), out * 0, out) if ops.isinf(out).any() else out
    return grad * ops.conj(ops.exp(input - out))


# ---- both ends ----

@op(category="reduction", outputs=("min", "max"), samples=calls(
    lambda r: ((r.normal(size=(3, 4)),), {}), lambda r: ((r.normal(size=(3, 4)),), {"dim": 1}), lambda r: ((r.normal(size=(3, 4)),), {"dim": -2, "keepdim": True}), lambda r: ((r.normal(size=()),), {})))
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False):
    """Smallest and largest element, of all or along `dim`.

    >>> import autodiff_lab as lab
    >>> lab.aminmax(lab.tensor([3.0, 1.0, 2.0]))
    torch.return_types.aminmax(
    min=tensor(1.),
    max=tensor(3.))
    """
    ordered("aminmax", input)
    axis = axes(dim, input.ndim)
    if not (input.size if axis is None else input.shape[axis[0]]):
        if axis is None:
            raise RuntimeError("aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.")
        raise IndexError(f"aminmax: Expected reduction dim {axis[0]} to have non-zero size.")
    xp = namespace(input)
    return tuple(in_c_order(extreme.reduce(input, axis=axis, keepdims=keepdim)) for extreme in (xp.minimum, xp.maximum))


@aminmax.vjp("input")
def _(grads, input, min, max, dim, keepdim):
    return shared(grads[0], input, min, dim, keepdim) + shared(grads[1], input, max, dim, keepdim)


# ---- without NaN ----

def nansum(input: Tensor, dim: Dims | None = None, keepdim: bool = False, *, dtype=None, out=None) -> Tensor:
    """Sum, with NaN counted as 0.

    >>> import autodiff_lab as lab
    >>> lab.nansum(lab.tensor([1.0, float("nan"), 2.0]))
    tensor(3.)
    """
    if input.dtype.is_complex:
        raise RuntimeError(f"nansum does not support complex inputs: got {input.dtype}.")
    kept = public[""]["where"](input.isnan(), 0, input) if input.dtype.is_floating_point else input
    return kept.sum(dim, keepdim, dtype=dtype) if out is None else public[""]["sum"](kept, dim, keepdim, dtype=dtype, out=out)


def nanmean(input: Tensor, dim: Dims | None = None, keepdim: bool = False, *, dtype=None, out=None) -> Tensor:
    """Average, leaving out NaN.

    >>> import autodiff_lab as lab
    >>> lab.nanmean(lab.tensor([1.0, float("nan"), 2.0]))
    tensor(1.5000)
    """
    if not (input.dtype.is_floating_point or input.dtype.is_complex):
        raise RuntimeError(f"nanmean(): expected input to have floating point or complex dtype but got {input.dtype.title}")
    counted = input.isnan().logical_not().sum(dim, keepdim)
    made = nansum(input, dim, keepdim, dtype=dtype) / counted
    return stored(made, out)


for _function in (nansum, nanmean):
    public[""][_function.__name__] = _function
    setattr(Tensor, _function.__name__, _function)
