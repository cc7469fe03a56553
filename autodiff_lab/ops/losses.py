"""Losses: one number for how wrong a prediction is. Reductions are "mean", "sum" and "none"."""

from __future__ import annotations

import math

from ..backend import namespace
from ..backend.fast import at_least, at_most, log1p_exp, total
from ..core.dtypes import cast_error, dtype_of
from ..core.errors import caution
from ..core.op import op, ops, public
from ..core.precision import in_float32
from ..core.samples import calls
from ..core.tensor import Tensor
from .reductions import READY

F = "nn.functional"


def reduction_of(size_average, reduce, reduction: str) -> str:
    """The reduction, from its name or from the two flags that came before it.

    Raises:
        ValueError: for a name that is none of "mean", "sum", "none".
    """
    if size_average is not None or reduce is not None:
        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
        caution(f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.")
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def quiet_reduction(size_average, reduce, reduction: str) -> str:
    """The same in a rule, where the warning was already given."""
    if size_average is not None or reduce is not None:
        return "none" if reduce is False else "sum" if size_average is False else "mean"
    return reduction


def reduce_array(xp, values, reduction: str):
    """Element losses put together: arrays, without a Python step too many."""
    if reduction == "none":
        return values
    found = total(values) if values.dtype.kind == "f" else xp.add.reduce(values, axis=None)
    if reduction == "mean":
        found = found / values.size if values.size else found * math.nan
    return found


def spread_out(grad, shape, reduction: str):
    """The gradient of each element loss, before broadcasting: divided for a mean."""
    return grad / max(math.prod(shape), 1) if reduction == "mean" else grad


def same_size(name: str, input, target) -> None:
    """Warn where shapes differ: broadcasting gives a loss over every pair, hardly ever what is meant."""
    if input.shape != target.shape:
        caution(f"Using a target size ({_size(target)}) that is different to the input size ({_size(input)}). This will likely lead to incorrect results "
                f"due to broadcasting. Please ensure they have the same size. ({name} computed every pair that broadcasting makes.)")


def _size(array) -> str:
    return f"torch.Size({list(array.shape)})"


def two(shape=(3, 4), other=(3, 4), gap=0.15, **keywords):
    """A prediction and a target, apart from each other by `gap` where a loss has a kink."""
    def make(r):
        x = r.normal(size=shape)
        y = r.normal(size=other)
        return (x, y + (abs(x - y) < gap) * 2 * gap if shape == other else y), keywords
    return make


regressions = calls(two(), two(reduction="sum"), two(reduction="none"), two((), ()), two((2, 0), (2, 0), reduction="sum"))


def weighed(xp, values, weight, reduction: str):
    """Element losses times `weight`; their mean divides by the weights."""
    if weight is None:
        return reduce_array(xp, values, reduction)
    if weight.shape != values.shape:
        raise ValueError("Weights and input must have the same size.")
    values = values * weight
    if reduction == "mean":
        return xp.add.reduce(values, axis=None) / xp.add.reduce(weight, axis=None)
    return reduce_array(xp, values, reduction)


def weighed_spread(grad, shape, weight, reduction: str):
    if weight is None:
        return spread_out(grad, shape, reduction)
    return grad * weight / weight.sum() if reduction == "mean" else grad * weight


@op(category="loss", refuses="bic", latex=r"\frac{1}{n}\sum_i (x_i - y_i)^2", samples=regressions, promote="alike", namespace=F, out=False)
@in_float32
def mse_loss(input: Tensor, target: Tensor, size_average=None, reduce=None, reduction: str = "mean", weight: Tensor | None = None) -> Tensor:
    """Mean squared error.

    Args:
        reduction: "mean", "sum" or "none".
        weight: of each element.

    A target of another shape is broadcast with a warning.

    Shape: any input, and a target of the same shape; a number, or the input's shape for "none".

    Raises:
        RuntimeError: for shapes that do not broadcast.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.mse_loss(lab.tensor([1.0, 2.0]), lab.tensor([0.0, 0.0]))
    tensor(2.5000)
    """
    same_size("mse_loss", input, target)
    xp = namespace(input)
    reduction = reduction_of(size_average, reduce, reduction)
    apart = input - target
    if reduction == "mean" and weight is None and apart.ndim and apart.size and apart.dtype in READY and apart.flags.c_contiguous:
        flat = apart.reshape(-1)
        return xp.dot(flat, flat) / flat.size
    return weighed(xp, apart * apart, weight, reduction)


@mse_loss.vjp("input", latex=r"\frac{2}{n}(x - y)")
def _(grad, input, target, size_average, reduce, reduction, weight):
    apart = input - target
    return apart * (weighed_spread(grad, apart.shape, weight, quiet_reduction(size_average, reduce, reduction)) * 2)


@mse_loss.vjp("target", latex=r"-\frac{2}{n}(x - y)")
def _(grad, input, target, size_average, reduce, reduction, weight):
    apart = target - input
    return apart * (weighed_spread(grad, apart.shape, weight, quiet_reduction(size_average, reduce, reduction)) * 2)


@op(category="loss", latex=r"\frac{1}{n}\sum_i |x_i - y_i|", samples=regressions, promote="alike", namespace=F, out=False,
    variants=(("reduction == 'mean'", "MeanBackward0"), ("reduction == 'sum'", "SumBackward0"), ("True", "AbsBackward0")))
@in_float32
def l1_loss(input: Tensor, target: Tensor, size_average=None, reduce=None, reduction: str = "mean", weight: Tensor | None = None) -> Tensor:
    """Mean absolute error. Its gradient where both are equal is 0.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.l1_loss(lab.tensor([0.5, 3.0]), lab.zeros(2))
    tensor(1.7500)
    """
    same_size("l1_loss", input, target)
    xp, how = namespace(input), reduction_of(size_average, reduce, reduction)
    if how == "mean" and input.dtype.kind in "iu":
        raise RuntimeError(f"mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: {dtype_of(input).title}. "
                           "Convert it first, e.g. with .float().")
    return weighed(xp, xp.absolute(input - target), weight, how)


@l1_loss.vjp("input", latex=r"\frac{1}{n}\operatorname{sgn}(x - y)")
def _(grad, input, target, size_average, reduce, reduction, weight):
    apart = input - target
    return ops.sgn(apart) * weighed_spread(grad, apart.shape, weight, quiet_reduction(size_average, reduce, reduction))


@l1_loss.vjp("target", latex=r"-\frac{1}{n}\operatorname{sgn}(x - y)")
def _(grad, input, target, size_average, reduce, reduction, weight):
    apart = target - input
    return ops.sgn(apart) * weighed_spread(grad, apart.shape, weight, quiet_reduction(size_average, reduce, reduction))


# ---- quadratic near zero, straight far out ----

@op(category="loss", refuses="bic", latex=r"\frac{1}{n}\sum_i \begin{cases} d_i^2 / 2\beta & |d_i| < \beta \\ |d_i| - \beta/2 & \text{else} \end{cases}", promote="alike", namespace=F, out=False,
    samples=calls(two(gap=0.0), two(reduction="sum", beta=0.5), two(reduction="none", beta=2.0), two(beta=0.0)))
@in_float32
def smooth_l1_loss(input: Tensor, target: Tensor, size_average=None, reduce=None, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """Absolute error, rounded to a parabola where it is below `beta`.

    Raises:
        RuntimeError: if beta is negative.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.smooth_l1_loss(lab.tensor([0.5, 3.0]), lab.zeros(2), reduction="none")
    tensor([0.1250, 2.5000])
    """
    same_size("smooth_l1_loss", input, target)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    xp = namespace(input)
    values = xp.absolute(input - target)
    if beta != 0:
        values = _rounded_off(values, beta)
        if beta != 1:
            values = values / beta
    return reduce_array(xp, values, reduction_of(size_average, reduce, reduction))


def _rounded_off(far, size: float):
    """far²/2 up to `size`, and beyond it the straight line of slope `size` that goes on from there: both are
    m (far - m/2), where m is far but at most `size`.
    """
    short = at_most(far, size)
    far = far - short * 0.5
    far *= short
    return far


def _bend(apart, beta: float):
    """The slope of smooth_l1 at a difference."""
    return ops.sgn(apart) if beta == 0 else ops.clamp(apart / beta, -1.0, 1.0)


@smooth_l1_loss.vjp("input")
def _(grad, input, target, size_average, reduce, reduction, beta):
    apart = input - target
    return _bend(apart, beta) * spread_out(grad, apart.shape, quiet_reduction(size_average, reduce, reduction))


@smooth_l1_loss.vjp("target")
def _(grad, input, target, size_average, reduce, reduction, beta):
    apart = target - input
    return _bend(apart, beta) * spread_out(grad, apart.shape, quiet_reduction(size_average, reduce, reduction))


@op(category="loss", refuses="bic", latex=r"\frac{1}{n}\sum_i \begin{cases} d_i^2 / 2 & |d_i| \le \delta \\ \delta(|d_i| - \delta/2) & \text{else} \end{cases}", promote="alike", namespace=F, out=False,
    samples=calls(two(gap=0.0), two(reduction="sum", delta=0.5), two(reduction="none", delta=2.0)))
@in_float32
def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None) -> Tensor:
    """Squared error up to `delta`, absolute error times `delta` beyond (Huber 1964).

    Raises:
        RuntimeError: if delta is not positive.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.huber_loss(lab.tensor([0.5, 3.0]), lab.zeros(2), reduction="none", delta=2.0)
    tensor([0.1250, 4.0000])
    """
    same_size("huber_loss", input, target)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    xp = namespace(input)
    values = _rounded_off(xp.absolute(input - target), delta)
    return weighed(xp, values, weight, reduction_of(None, None, reduction))


@huber_loss.vjp("input")
def _(grad, input, target, reduction, delta, weight):
    apart = input - target
    return _bend(apart, delta) * (weighed_spread(grad, apart.shape, weight, reduction) * delta)


@huber_loss.vjp("target")
def _(grad, input, target, reduction, delta, weight):
    apart = target - input
    return _bend(apart, delta) * (weighed_spread(grad, apart.shape, weight, reduction) * delta)


# ---- two classes ----

def _chances(shape=(3, 4), weighted=False, **keywords):
    def make(r):
        more = {"weight": r.uniform(0.5, 2, shape)} if weighted else {}
        return (r.uniform(0.1, 0.9, shape), r.uniform(0, 1, shape)), {**keywords, **more}
    return make


@op(category="loss", latex=r"-\frac{1}{n}\sum_i y_i \ln x_i + (1 - y_i)\ln(1 - x_i)", namespace=F, out=False,
    samples=calls(_chances(), _chances(reduction="sum"), _chances(reduction="none", weighted=True), _chances(()), _chances(weighted=True)))
@in_float32
def binary_cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average=None, reduce=None, reduction: str = "mean") -> Tensor:
    """Cross-entropy of two classes from a chance; logarithms are held above -100.

    Prefer binary_cross_entropy_with_logits, which keeps the digits that a sigmoid loses.

    Raises:
        ValueError: if the shapes differ.
        RuntimeError: if an input is outside [0, 1].

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.binary_cross_entropy(lab.tensor([0.9, 0.2]), lab.tensor([1.0, 0.0]))
    tensor(0.1643)
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if input.shape != target.shape:
        raise ValueError(f"Using a target size ({_size(target)}) that is different to the input size ({_size(input)}) is deprecated. Please ensure they have the same size.")
    if input.dtype != target.dtype:
        raise RuntimeError(f"Found dtype {dtype_of(target).title} but expected {dtype_of(input).title}. Convert the target, e.g. with .float().")
    if dtype_of(input).category != 2:
        raise NotImplementedError(f'"binary_cross_entropy" not implemented for \'{dtype_of(input).title}\'. Convert to a floating-point type, e.g. with .float().')
    xp = namespace(input)
    if input.size and not xp.all((input >= 0) & (input <= 1)):
        raise RuntimeError("all elements of input should be between 0 and 1. These are probabilities: apply a sigmoid first, or use binary_cross_entropy_with_logits.")
    if target.size and xp.any((target < 0) | (target > 1)):
        raise RuntimeError("all elements of target should be between 0 and 1. They are chances of the class 1, such as 0.0 and 1.0.")
    values = (target - 1) * xp.maximum(xp.log1p(-input), -100) - target * xp.maximum(xp.log(input), -100)
    return reduce_array(xp, values if weight is None else values * weight, reduction)


@binary_cross_entropy.vjp("input")
def _(grad, input, target, weight, size_average, reduce, reduction):
    each = spread_out(grad, input.shape, quiet_reduction(size_average, reduce, reduction))
    each = each if weight is None else each * weight
    return each * (input - target) / ops.clamp((1 - input) * input, 1e-12)


@binary_cross_entropy.vjp("target")
def _(grad, input, target, weight, size_average, reduce, reduction):
    each = spread_out(grad, input.shape, quiet_reduction(size_average, reduce, reduction))
    each = each if weight is None else each * weight
    return each * (ops.clamp(ops.log1p(-input), -100.0) - ops.clamp(ops.log(input), -100.0))


def _logits(shape=(3, 4), weight=None, pos_weight=None, **keywords):
    def make(r):
        more = {k: r.uniform(0.5, 2, s) for k, s in (("weight", weight), ("pos_weight", pos_weight)) if s is not None}
        return (r.normal(size=shape), r.uniform(0, 1, shape)), {**keywords, **more}
    return make


def _not_whole(operands) -> None:
    """Refuse a target of whole numbers or truth values: 1 - target could not be computed in its type."""
    kind = dtype_of(operands[1])
    if kind.name == "bool":
        raise RuntimeError("Subtraction, the `-` operator, with two bool tensors is not supported. Convert the target, e.g. with .float().")
    if kind.category < 2:
        raise cast_error(dtype_of(operands[0]), kind)


@op(category="loss", refuses="bic", check=_not_whole, latex=r"-\frac{1}{n}\sum_i y_i \ln \sigma(x_i) + (1 - y_i)\ln \sigma(-x_i)", promote="numeric", namespace=F, out=False, node_name="BinaryCrossEntropyWithLogits",
    samples=calls(_logits(), _logits(reduction="sum", pos_weight=(4,)), _logits(reduction="none", weight=(3, 4)), _logits(()), _logits(weight=(3, 1), pos_weight=(4,))))
@in_float32
def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average=None, reduce=None, reduction: str = "mean",
                                     pos_weight: Tensor | None = None) -> Tensor:
    """Cross-entropy of two classes from a logit: sigmoid and logarithm in one, exact far out.

    Args:
        weight: of each element.
        pos_weight: how much the positive class counts; broadcast to the target.

    Raises:
        ValueError: if input and target differ in shape.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.binary_cross_entropy_with_logits(lab.tensor([2.0, -1.0]), lab.tensor([1.0, 0.0]))
    tensor(0.2201)
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if input.shape != target.shape:
        raise ValueError(f"Target size ({_size(target)}) must be the same as input size ({_size(input)})")
    xp = namespace(input)
    # softplus(-x) = max(-x, 0) + log1p(exp(-|x|))
    soft = log1p_exp(input) + at_least(-input, 0)
    values = (1 - target) * input + (soft if pos_weight is None else (1 + (pos_weight - 1) * target) * soft)
    return reduce_array(xp, values if weight is None else values * weight, reduction)


@binary_cross_entropy_with_logits.vjp("input", latex=r"\frac{1}{n}(\sigma(x) - y)")
def _(grad, input, target, weight, size_average, reduce, reduction, pos_weight):
    each = spread_out(grad, input.shape, quiet_reduction(size_average, reduce, reduction))
    each = each if weight is None else each * weight
    if pos_weight is None:
        return each * (ops.sigmoid(input) - target)
    return each * ((1 - target) - (1 + (pos_weight - 1) * target) * ops.sigmoid(-input))


@binary_cross_entropy_with_logits.vjp("target")
def _(grad, input, weight, size_average, reduce, reduction, pos_weight):
    each = spread_out(grad, input.shape, quiet_reduction(size_average, reduce, reduction))
    each = each if weight is None else each * weight
    if pos_weight is None:
        return -each * input
    return each * ((pos_weight - 1) * softplus_of_minus(input) - input)


@binary_cross_entropy_with_logits.vjp("weight")
def _(grad, input, target, size_average, reduce, reduction, pos_weight):
    each = spread_out(grad, input.shape, quiet_reduction(size_average, reduce, reduction))
    soft = softplus_of_minus(input)
    return each * ((1 - target) * input + (soft if pos_weight is None else (1 + (pos_weight - 1) * target) * soft))


@binary_cross_entropy_with_logits.vjp("pos_weight")
def _(grad, input, target, weight, size_average, reduce, reduction):
    each = spread_out(grad, input.shape, quiet_reduction(size_average, reduce, reduction))
    each = each if weight is None else each * weight
    return each * target * softplus_of_minus(input)


def softplus_of_minus(x):
    """ln(1 + e^-x), exact far out; arrays or Tensors."""
    return ops.log1p(ops.exp(-ops.abs(x))) + ops.clamp(-x, 0)


public[""]["binary_cross_entropy_with_logits"] = binary_cross_entropy_with_logits
