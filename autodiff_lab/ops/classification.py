"""Losses of many classes: cross_entropy, nll_loss and what their gradients need, fused."""

from __future__ import annotations

import math

from ..backend import namespace
from ..backend.cells import outside
from ..core.dtypes import dtype_of
from ..core.errors import TooFewDimensions
from ..core.op import op, ops, public
from ..core.precision import in_float32
from ..core.samples import calls
from ..core.tensor import Tensor
from .losses import reduction_of
from .softmaxes import log_softmax

F = "nn.functional"


def _classes(shape=(4, 3), weighted=False, ignore=None, **keywords):
    def make(r):
        target = r.integers(0, shape[1] if len(shape) > 1 else shape[0], (*shape[:1], *shape[2:]) if len(shape) > 1 else ())
        if ignore is not None:
            target.reshape(-1)[0] = ignore
        more = {"weight": r.uniform(0.5, 2, shape[1])} if weighted else {}
        return (r.normal(size=shape), target), {**keywords, **more}
    return make


def check_classes(name: str, input, target, weight, ignore_index: int) -> int:
    """The number of classes, after everything that can be wrong with class indices was refused.

    Raises:
        RuntimeError: for shapes or types that do not fit.
        ValueError: for batch sizes that differ.
        IndexError: for a class that is not there.
    """
    if not input.ndim:
        if name == "nll_loss":
            raise ValueError("Expected 1 or more dimensions (got 0)")
        raise TooFewDimensions("cross_entropy: Expected input with at least 1 dimension, got a 0-dim tensor.")
    classes = input.shape[1] if input.ndim > 1 else input.shape[0]
    if dtype_of(input).category != 2:
        raise NotImplementedError(f'"{"nll_loss_out_frame" if name == "nll_loss" else "log_softmax_lastdim_kernel_impl"}" not implemented for \'{dtype_of(input).title}\'. '
                           "Convert the input to a floating-point type, e.g. with .float().")
    expected = (*input.shape[:1], *input.shape[2:]) if input.ndim > 1 else ()
    if target.shape != expected:
        if input.ndim > 1 and target.ndim and input.shape[0] != target.shape[0]:
            raise ValueError(f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({target.shape[0]}).")
        if name == "cross_entropy" and target.shape == input.shape:
            raise RuntimeError(f"Expected floating point type for target with class probabilities, got {dtype_of(target).title}. "
                               "Give class indices of shape [N], or probabilities as floats, e.g. target.float().")
        if input.ndim == 2 and target.ndim > 1:
            raise RuntimeError(f"0D or 1D target tensor expected, multi-target not supported. {name} got an input of shape {list(input.shape)} "
                               f"and a target of shape {list(target.shape)}: give one class per row, e.g. target.squeeze(1) or target.argmax(1).")
        if input.ndim == 1 and target.ndim == 1:
            raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {target.shape[0]}")
        if input.ndim < 3:
            raise RuntimeError(f"size mismatch (got input: {list(input.shape)}, target: {list(target.shape)}): a target holds one class for each row of input.")
        raise RuntimeError(f"Expected target size {list(expected)}, got {list(target.shape)}")
    if target.dtype not in ("int64", "uint8"):
        found = dtype_of(target).title
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {found}. Classes are integers: convert the target with .long().")
    if weight is not None and weight.dtype != input.dtype:
        raise RuntimeError(f"expected scalar type {dtype_of(input).title} but found {dtype_of(weight).title}. Give the weight the type of the input.")
    if weight is not None and (weight.ndim != 1 or weight.shape[0] != classes):
        raise RuntimeError(f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of shape: {list(weight.shape)}")
    if target.size:
        low, high = int(target.min()), int(target.max())
        if low < 0 or high >= classes:
            counted = target[target != ignore_index] if target.ndim else (target if target != ignore_index else target[None][:0])
            if counted.size and (counted.min() < 0 or counted.max() >= classes):
                bad = int(counted.min()) if counted.min() < 0 else int(counted.max())
                raise IndexError(f"Target {bad} is out of bounds. There are {classes} classes, numbered 0 to {classes - 1}.")
    return classes


def coefficients(xp, input, target, weight, ignore_index: int, classes: int):
    """For each target its class (0 where ignored) and how much it counts."""
    counted = target != ignore_index
    ignoring = not counted.all()
    safe = xp.where(counted, target, 0) if ignoring else target
    if weight is None:
        amount = counted.astype(input.dtype) if ignoring else xp.ones(target.shape, input.dtype)
    else:
        amount = weight[safe]
        if ignoring:
            amount = amount * counted
    return safe, amount


def spots(xp, target, shape):
    """Where in an array (N, C, ...) in C order the class of each target lies: flat positions, (N, ...)."""
    N, C, *size = shape
    L = math.prod(size)
    target = target.astype("int64", copy=False)  # classes may be bytes
    if not target.size:
        return target
    if L == 1:
        return target + xp.arange(0, N * C, C).reshape(target.shape)
    return (target.reshape(N, L) * L + xp.arange(0, N * C * L, C * L)[:, None] + xp.arange(L)).reshape(target.shape)


def pick(xp, input, safe):
    """For each target the number at its class: along dimension 1, or the only one."""
    return input[safe] if input.ndim == 1 else input.reshape(-1)[spots(xp, safe, input.shape)]


def place(xp, values, safe, shape):
    """Zeros of `shape` with `values` at the class of each target."""
    whole = xp.zeros(shape, values.dtype)
    if whole.ndim == 1:
        whole[safe] = values
    else:
        whole.reshape(-1)[spots(xp, safe, shape)] = values
    return whole


def total(xp, values, amount, reduction: str):
    """Losses put together; the mean is over what counts."""
    if reduction == "none":
        return values
    found = xp.add.reduce(values, axis=None)
    return found / xp.add.reduce(amount, axis=None) if reduction == "mean" else found


def averaged(xp, values, amount, target, ignore_index: int, reduction: str):
    """`values` divided, for a mean, by all that counts. Where nothing counts that is 0 / 0, but 0 for what is ignored."""
    if reduction != "mean":
        return values
    whole = xp.add.reduce(amount, axis=None)
    found = values / whole
    return found if whole else xp.where(target == ignore_index, found.dtype.type(0), found)


@op(category="loss", latex=r"-\frac{1}{n}\sum_i x_{i, y_i}", namespace=F, out=False, name="nll_loss", function=False, node_name="NllLoss", variants=(("input_a.ndim > 2", "NllLoss2DBackward0"),), samples=calls(
    _classes(), _classes(weighted=True), _classes(weighted=True, ignore=-100, reduction="sum"), _classes((2, 3, 4), reduction="none", weighted=True),
    _classes((2, 3, 4), ignore=1, ignore_index=1), _classes((3,))))
@in_float32
def nll_loss_op(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average=None, ignore_index: int = -100, reduce=None, reduction: str = "mean") -> Tensor:
    """Negative log-likelihood: minus the log-probability of the right class.

    Args:
        input: log-probabilities (N, C), (C,) or (N, C, ...).
        target: classes (N,), () or (N, ...).
        weight: of each class; the mean divides by the weights that count.
        ignore_index: a target that does not count.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.nll_loss(lab.tensor([[0.2, 0.8]]).log(), lab.tensor([1]))
    tensor(0.2231)
    """
    reduction = reduction_of(size_average, reduce, reduction)
    classes = check_classes("nll_loss", input, target, weight, ignore_index)
    xp = namespace(input)
    safe, amount = coefficients(xp, input, target, weight, ignore_index, classes)
    return total(xp, -pick(xp, input, safe) * amount, amount, reduction)


@nll_loss_op.vjp("input")
def _(grad, input_shape, target, weight, size_average, ignore_index, reduce, reduction):
    return nll_loss_backward(grad, input_shape, target, weight, ignore_index, reduction if size_average is None and reduce is None else reduction_of(size_average, reduce, reduction))


@op(category="loss", function=False, method=False, out=False)
@in_float32
def nll_loss_backward(input: Tensor, shape, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str) -> Tensor:
    """The gradient of nll_loss: minus what each target counts, at its class."""
    xp = namespace(input)
    classes = shape[1] if len(shape) > 1 else shape[0]
    safe, amount = coefficients(xp, input, target, weight, ignore_index, classes)
    share = averaged(xp, amount, amount, target, ignore_index, reduction)
    return place(xp, -(share * input), safe, tuple(shape))


@nll_loss_backward.vjp("input")
def _(grad, target, weight, ignore_index, reduction):
    return nll_loss_op(grad, target, weight, None, ignore_index, None, reduction)


def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    return nll_loss_op(input, target, weight, size_average, ignore_index, reduce, reduction)


@op(category="loss", latex=r"-\frac{1}{n}\sum_i \ln \mathrm{softmax}(x_i)_{y_i}", namespace=F, out=False, name="cross_entropy", function=False, extras=("logp", "usual"), node_name="NllLoss", variants=(("label_smoothing > 0", "AddBackward0"), ("input_a.ndim > 2", "NllLoss2DBackward0")),
    samples=calls(_classes(), _classes(weighted=True), _classes(weighted=True, ignore=-100, reduction="sum"), _classes((2, 3, 4), reduction="none", weighted=True),
                  _classes((2, 3, 4), ignore=1, ignore_index=1), _classes((3,)), _classes(label_smoothing=0.1, weighted=True, ignore=2, ignore_index=2),
                  _classes((2, 3, 4), label_smoothing=0.3), _classes(label_smoothing=0.2, reduction="none"), _classes(label_smoothing=0.2, reduction="sum", weighted=True)))
@in_float32
def cross_entropy_op(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average=None, ignore_index: int = -100, reduce=None, reduction: str = "mean",
                     label_smoothing: float = 0.0) -> Tensor:
    """Cross-entropy of class indices from logits, fused; see cross_entropy."""
    if weight is None and not label_smoothing and size_average is None and reduce is None and _plain(input, target) and (ignore_index < 0 or not (target == ignore_index).any()):
        xp = namespace(input)
        logp = log_softmax.op.kernel(input, 1)
        values = logp.reshape(-1)[spots(xp, target, logp.shape)]
        if reduction == "mean":
            return xp.add.reduce(values, axis=None) / -target.size, logp, True
        if reduction == "sum":
            return -xp.add.reduce(values, axis=None), logp, True
    reduction = reduction_of(size_average, reduce, reduction)
    classes = check_classes("cross_entropy", input, target, weight, ignore_index)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
    xp = namespace(input)
    logp = log_softmax.op.kernel(input, 1 if input.ndim > 1 else 0)
    safe, amount = coefficients(xp, input, target, weight, ignore_index, classes)
    values = -pick(xp, logp, safe) * amount
    if label_smoothing:
        values = values * (1 - label_smoothing) - _smoothed(xp, logp, weight, target != ignore_index) * (label_smoothing / classes)
    return total(xp, values, amount, reduction), logp, False


def _plain(input, target) -> bool:
    """True for the usual case, which needs no masks: logits of rows or pixels, a class that counts for each."""
    return (input.ndim > 1 and target.size and target.shape == input.shape[:1] + input.shape[2:] and target.dtype == "int64"
            and dtype_of(input).category == 2 and not outside(target, input.shape[1]))


def _smoothed(xp, logp, weight, counted):
    """The sum over classes that label smoothing adds."""
    axis = 1 if logp.ndim > 1 else 0
    each = logp if weight is None else logp * _along_classes(weight, logp.ndim)
    return xp.add.reduce(each, axis=axis) * counted


def _along_classes(weight, ndim: int):
    return weight if ndim < 3 else weight.reshape((-1,) + (1,) * (ndim - 2))


@cross_entropy_op.vjp("input", latex=r"\frac{1}{n}(\mathrm{softmax}(x) - \mathrm{onehot}(y))")
def _(grad, input, target, weight, ignore_index, size_average, reduce, reduction, label_smoothing, logp, usual):
    if size_average is not None or reduce is not None:
        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
    return cross_entropy_backward(grad, input, target, weight, ignore_index, reduction, label_smoothing, logp, usual)


def _smooth_target(xp, shape, dtype, safe, amount, weight, counted, smoothing: float):
    """What each log-probability is multiplied by, with minus taken out: the smoothed target times the weights."""
    classes = shape[1] if len(shape) > 1 else shape[0]
    spot = place(xp, amount * (1 - smoothing), safe, shape)
    even = xp.asarray(counted, dtype) * dtype.type(smoothing / classes)
    even = xp.expand_dims(even, 1) if len(shape) > 1 else even
    return spot + (even if weight is None else even * _along_classes(weight, len(shape)))


@op(category="loss", function=False, method=False, out=False)
@in_float32
def cross_entropy_backward(input: Tensor, x: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str, smoothing: float, logp, usual: bool) -> Tensor:
    """The gradient of cross_entropy at the logits `x`: what each row counts times (softmax - target)."""
    xp = namespace(x)
    logp = logp._a if isinstance(logp, Tensor) else logp
    if usual:
        out = xp.exp(logp)
        scale = input / target.size if reduction == "mean" else input
        out *= scale
        out.reshape(-1)[spots(xp, target, out.shape)] -= scale
        return out
    classes = x.shape[1] if x.ndim > 1 else x.shape[0]
    axis = 1 if x.ndim > 1 else 0
    safe, amount = coefficients(xp, x, target, weight, ignore_index, classes)
    share, unit = (averaged(xp, v, amount, target, ignore_index, reduction) for v in (amount, input))
    scale = share * input
    out = xp.exp(logp)
    if not smoothing:
        out *= xp.expand_dims(scale, axis)
        if x.ndim == 1:
            out[safe] -= scale
        else:
            out.reshape(-1)[spots(xp, safe, x.shape)] -= scale
        return out
    wanted = _smooth_target(xp, x.shape, x.dtype, safe, amount, weight, target != ignore_index, smoothing)
    return (out * xp.add.reduce(wanted, axis=axis, keepdims=True) - wanted) * (xp.expand_dims(unit, axis) if unit.ndim else unit)


@cross_entropy_backward.vjp("input")
def _(grad, x, target, weight, ignore_index, reduction, smoothing):
    slope = cross_entropy_rows(x, target, weight, ignore_index, reduction, smoothing)
    each = grad * (ops.softmax(x, 1 if x.ndim > 1 else 0) * slope[0] - slope[1])
    return each.sum(1 if x.ndim > 1 else 0) if reduction == "none" else each.sum()


@cross_entropy_backward.vjp("x")
def _(grad, input, x, target, weight, ignore_index, reduction, smoothing):
    slope = cross_entropy_rows(x, target, weight, ignore_index, reduction, smoothing)
    d = 1 if x.ndim > 1 else 0
    p = ops.softmax(x, d)
    scale = slope[0] * (ops.unsqueeze(input, d) if reduction == "none" else input)
    inner = grad * p
    return (inner - p * ops.sum(inner, d, True)) * scale


def cross_entropy_rows(x, target, weight, ignore_index: int, reduction: str, smoothing: float):
    """The smoothed, weighed target over what the mean divides by, and its sum over classes: constants of the loss."""
    from ..core.tensor import wrap
    recorded = isinstance(x, Tensor)
    x, target, weight = (v._a if isinstance(v, Tensor) else v for v in (x, target, weight))
    xp = namespace(x)
    classes = x.shape[1] if x.ndim > 1 else x.shape[0]
    safe, amount = coefficients(xp, x, target, weight, ignore_index, classes)
    wanted = _smooth_target(xp, x.shape, x.dtype, safe, amount, weight, target != ignore_index, smoothing)
    if reduction == "mean":
        wanted = wanted / xp.add.reduce(amount, axis=None)
    rows = xp.add.reduce(wanted, axis=1 if x.ndim > 1 else 0, keepdims=True)
    return (wrap(rows), wrap(wanted)) if recorded else (rows, wanted)


def cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average=None, ignore_index: int = -100, reduce=None, reduction: str = "mean",
                  label_smoothing: float = 0.0) -> Tensor:
    """Cross-entropy between logits and classes: how surprised softmax(input) is by the target.

    Args:
        input: logits (N, C), (C,) or (N, C, ...); no softmax before.
        target: class indices (N,), () or (N, ...); or probabilities of the shape of `input`.
        weight: of each class. With indices, the mean divides by the weights that count.
        ignore_index: a class index that does not count.
        reduction: "mean", "sum" or "none".
        label_smoothing: in [0, 1]; this much of the target is spread evenly over all classes.

    Raises:
        RuntimeError, ValueError: for shapes or types that do not fit.
        IndexError: for a class that is not there.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.cross_entropy(lab.zeros(1, 4), lab.tensor([2]))
    tensor(1.3863)
    """
    if isinstance(target, Tensor) and target._a.dtype.kind not in "iub" and isinstance(input, Tensor) and input.shape == target.shape and input.ndim:
        return _soft_cross_entropy(input, target, weight, reduction_of(size_average, reduce, reduction), label_smoothing, ignore_index)
    return cross_entropy_op(input, target, weight, size_average, ignore_index, reduce, reduction, label_smoothing)


def linear_cross_entropy(input: Tensor, linear_weight: Tensor, target: Tensor, *, linear_bias: Tensor | None = None, weight: Tensor | None = None,
                         reduction: str = "mean", ignore_index: int | None = None, label_smoothing: float = 0.0, options=None) -> Tensor:
    """The cross-entropy of `input @ linear_weight.T + linear_bias`: a last layer and its loss in one.

    Args:
        input: (N, in_features) or (in_features,).
        linear_weight: (C, in_features), or (C, d1, ..., in_features) for d1 · … losses per row.
        target: class indices (N, d1, ...) or probabilities (N, C, d1, ...).
        linear_bias: (C, d1, ...).
        ignore_index: a class index that does not count, -100 unless told otherwise.
        options: PyTorch computes in pieces if they are given, which saves memory and changes no number; here they change nothing.

    Raises:
        RuntimeError: for shapes that do not fit, or an `ignore_index` beside probabilities.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.linear_cross_entropy(lab.ones(1, 3), lab.zeros(4, 3), lab.tensor([2]))
    tensor(1.3863)
    """
    if input.ndim not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.ndim}")
    if linear_weight.ndim < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {linear_weight.ndim}")
    *shape, features = linear_weight.shape
    if input.shape[-1] != features:
        raise RuntimeError(f"expected equal input and linear_weight last dimensions (in_features), got {input.shape[-1]} and {features}, respectively")
    if linear_bias is not None and list(linear_bias.shape) != shape:
        raise RuntimeError(f"expected linear_bias shape {tuple(shape)}, got {tuple(linear_bias.shape)}")
    if len(shape) > 1 and input.ndim == 1:
        raise RuntimeError(f"K-dimensional loss defined by linear_weight shape {tuple(linear_weight.shape)} requires batched input, (N, {features}), got unbatched "
                           f"input with shape {tuple(input.shape)}")
    shape = (*input.shape[:-1], *shape)
    if target.shape == shape and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    logits = public[F]["linear"](input, linear_weight.reshape(-1, features), None if linear_bias is None else linear_bias.reshape(-1))
    return cross_entropy(logits.reshape(shape), target, weight, ignore_index=-100 if ignore_index is None else ignore_index, reduction=reduction,
                         label_smoothing=label_smoothing)


public[F]["linear_cross_entropy"] = linear_cross_entropy


def _soft_cross_entropy(input, target, weight, reduction: str, smoothing: float, ignore_index: int):
    """Cross-entropy with a probability for every class."""
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    if not 0 <= smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {smoothing:g}")
    d = 1 if input.ndim > 1 else 0
    classes = input.shape[d]
    if smoothing:
        target = target * (1 - smoothing) + smoothing / classes
    logp = public[""]["log_softmax"](input, d)
    if weight is not None:
        if weight.ndim != 1 or weight.shape[0] != classes:
            raise RuntimeError(f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of shape: {list(weight.shape)}")
        logp = logp * weight.reshape((-1,) + (1,) * (input.ndim - d - 1))
    losses = -(logp * target).sum(d)
    if reduction == "none":
        return losses
    rows = math.prod(input.shape) // classes if classes else 0
    return losses.sum() / rows if reduction == "mean" else losses.sum()


nll_loss.__doc__, nll_loss.op, cross_entropy.op = nll_loss_op.__doc__, nll_loss_op.op, cross_entropy_op.op
public[F].update(cross_entropy=cross_entropy, nll_loss=nll_loss)
