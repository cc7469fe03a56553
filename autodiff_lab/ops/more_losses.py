"""The rest of the losses: divergences, likelihoods, margins, embeddings, triplets. Composed of recorded operators."""

from __future__ import annotations

import math

from ..backend import namespace
from ..core.arguments import Number
from ..core.dtypes import dtype_of
from ..core.errors import caution
from ..core.op import op, ops, public
from ..core.samples import calls
from ..core.tensor import Tensor
from .losses import quiet_reduction, reduction_of
from .norms import pairwise_distance

F = "nn.functional"
top = public[""]


def reduced(losses: Tensor, reduction: str) -> Tensor:
    """Element losses put together."""
    return losses if reduction == "none" else losses.mean() if reduction == "mean" else losses.sum()


def kl_div(input: Tensor, target: Tensor, size_average=None, reduce=None, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """The Kullback-Leibler divergence of `target` from exp(input): how much is lost by taking one for the other.

    Args:
        input: log-probabilities.
        target: probabilities, or their logarithms with log_target.
        reduction: "batchmean" is what mathematics means: the sum over the number of rows. "mean" divides by the number of elements.

    >>> import autodiff_lab as lab
    >>> p, q = lab.tensor([[0.5, 0.5]]), lab.tensor([[0.9, 0.1]])
    >>> lab.nn.functional.kl_div(q.log(), p, reduction="batchmean")
    tensor(0.5108)
    """
    if not input.is_floating_point():
        raise RuntimeError(f"kl_div: {'Complex' if input.is_complex() else 'Integral'} inputs not supported.")
    if reduction == "batchmean" and size_average is None and reduce is None:
        kind = "sum"
    else:
        if reduction == "mean" and size_average is None and reduce is None:
            caution("reduction: 'mean' divides the total loss by both the batch size and the support size."
                    "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
                    "'mean' will be changed to behave the same as 'batchmean' in the next major release.")
        kind = reduction_of(size_average, reduce, reduction)
    losses = target.exp() * (target - input) if log_target else top["xlogy"](target, target) - target * input
    total = reduced(losses, kind)
    return total / input.shape[0] if reduction == "batchmean" and input.ndim else total


def poisson_nll_loss(input: Tensor, target: Tensor, log_input: bool = True, full: bool = False, size_average=None, eps: float = 1e-8, reduce=None, reduction: str = "mean") -> Tensor:
    """Negative log-likelihood of counts under a Poisson distribution with mean exp(input) (or `input`).

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.poisson_nll_loss(lab.tensor([0.0, 1.0]), lab.tensor([1.0, 3.0]))
    tensor(0.3591)
    """
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    losses = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        losses = losses + top["where"](target > 1, stirling, 0.0)
    return reduced(losses, reduction_of(size_average, reduce, reduction))


def gaussian_nll_loss(input: Tensor, target: Tensor, var, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> Tensor:
    """Negative log-likelihood of `target` under normal distributions of mean `input` and variance `var` (at least eps).

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.gaussian_nll_loss(lab.tensor([0.0, 1.0]), lab.tensor([0.0, 3.0]), lab.tensor([1.0, 4.0]))
    tensor(0.5966)
    """
    if isinstance(var, (int, float)):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = var * top["ones_like"](input)
    elif bool((var < 0).any()):
        raise ValueError("var has negative entry/entries")
    if var.shape != input.shape:
        if input.shape[:-1] == var.shape:
            var = var.unsqueeze(-1)
        elif not (var.ndim == input.ndim and input.shape[:-1] == var.shape[:-1] and var.shape[-1:] == (1,) or _broadcasts(var.shape, input.shape)):
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    # The floor is no part of the graph: the gradient of var passes unchanged.
    var = var + (var.detach().clamp(min=eps) - var.detach())
    losses = 0.5 * (var.log() + (input - target) ** 2 / var)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduced(losses, reduction)


def _broadcasts(small, large) -> bool:
    return len(small) == len(large) and all(a in (1, b) for a, b in zip(small, large, strict=True))


# ---- margins ----

def margin_ranking_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average=None, reduce=None, reduction: str = "mean") -> Tensor:
    """max(0, -target * (input1 - input2) + margin): input1 should rank above input2 where target is 1, below where -1.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.margin_ranking_loss(lab.tensor([1.0, 2.0]), lab.tensor([0.0, 3.0]), lab.tensor([1, 1]), margin=0.5)
    tensor(0.7500)
    """
    kind = reduction_of(size_average, reduce, reduction)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(f"margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: {input1.shape}, input2: {input2.shape}, target: {target.shape} ")
    return reduced((-target * (input1 - input2) + margin).clamp_min(0), kind)


def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0, size_average=None, reduce=None, reduction: str = "mean") -> Tensor:
    """A distance where target is 1, and max(0, margin - distance) where it is -1.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.hinge_embedding_loss(lab.tensor([0.3, 0.3, 2.0]), lab.tensor([1, -1, -1]), reduction="none")
    tensor([0.3000, 0.7000, 0.0000])
    """
    kind = reduction_of(size_average, reduce, reduction)
    zero = input.new_zeros(())
    far = top["where"](target == 1, zero, (margin - input).clamp_min(0))
    near = top["where"](target == -1, zero, input)
    return reduced(far + near, kind)


def cosine_embedding_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average=None, reduce=None, reduction: str = "mean") -> Tensor:
    """1 - cos where target is 1, and max(0, cos - margin) where it is -1.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.cosine_embedding_loss(lab.tensor([[1.0, 0.0]]), lab.tensor([[1.0, 1.0]]), lab.tensor([1]))
    tensor(0.2929)
    """
    kind = reduction_of(size_average, reduce, reduction)
    if target.ndim not in (0, 1):
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if target.ndim == 1 and (input1.ndim != 2 or input2.ndim != 2):
        raise RuntimeError("1D target tensor expects 2D input tensors, but found inputs with sizes "
                           f"{list(input1.shape)} and {list(input2.shape)}.")
    if target.ndim == 0 and (input1.ndim != 1 or input2.ndim != 1):
        raise RuntimeError("0D target tensor expects 1D input tensors, but found inputs with sizes "
                           f"{list(input1.shape)} and {list(input2.shape)}.")
    tiny = 1e-12
    dot, first, second = (input1 * input2).sum(-1), (input1 * input1).sum(-1) + tiny, (input2 * input2).sum(-1) + tiny
    cosine = dot / (first * second).sqrt()
    zero = cosine.new_zeros(())
    losses = top["where"](target == 1, 1 - cosine, zero) + top["where"](target == -1, (cosine - margin).clamp_min(0), zero)
    return reduced(losses, kind)


def soft_margin_loss(input: Tensor, target: Tensor, size_average=None, reduce=None, reduction: str = "mean") -> Tensor:
    """ln(1 + exp(-target * input)) for targets 1 and -1.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.soft_margin_loss(lab.tensor([2.0, -1.0]), lab.tensor([1.0, 1.0]))
    tensor(0.7201)
    """
    kind = reduction_of(size_average, reduce, reduction)
    return reduced(top["log1p"]((-target * input).exp()), kind)


def multilabel_soft_margin_loss(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average=None, reduce=None, reduction: str = "mean") -> Tensor:
    """Binary cross-entropy with logits of several labels, averaged over the classes.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.multilabel_soft_margin_loss(lab.tensor([[2.0, -1.0]]), lab.tensor([[1.0, 0.0]]))
    tensor(0.2201)
    """
    kind = reduction_of(size_average, reduce, reduction)
    logsigmoid = public[F]["logsigmoid"]
    losses = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        losses = losses * weight
    return reduced(losses.sum(-1) / input.shape[-1], kind)


@op(category="loss", latex=r"\frac{1}{C}\sum_{j \ne y} w_y \max(0, m - x_y + x_j)^p", namespace=F, out=False, samples=calls(
    lambda r: ((r.normal(size=(4, 3)), r.integers(0, 3, (4,))), {}), lambda r: ((r.normal(size=(4, 3)), r.integers(0, 3, (4,)), 1, 0.5, r.uniform(0.5, 2, (3,))), {"reduction": "sum"}),
    lambda r: ((r.normal(size=(4, 3)), r.integers(0, 3, (4,))), {"reduction": "none"}), lambda r: ((r.normal(size=(3,)), r.integers(0, 3, ())), {})))
def multi_margin_loss(input: Tensor, target: Tensor, p: Number = 1, margin: Number = 1.0, weight: Tensor | None = None, size_average=None, reduce=None, reduction: str = "mean") -> Tensor:
    """Hinge loss of many classes: how far the right class fails to beat each other one by `margin`.

    Raises:
        ValueError: if p is neither 1 nor 2.
        RuntimeError: for shapes that do not fit.
        IndexError: for a class that is not there.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.multi_margin_loss(lab.tensor([[0.1, 0.2, 0.4, 0.8]]), lab.tensor([3]))
    tensor(0.3250)
    """
    kind = reduction_of(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    if dtype_of(input).category != 2:
        raise NotImplementedError(f'"MultiMarginCriterion_updateOutput" not implemented for \'{dtype_of(input).title}\'')
    if input.ndim > 2 or input.ndim and not input.size:
        raise RuntimeError(f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(input.shape)}")
    rows = input.shape[0] if input.ndim == 2 else 1
    if target.ndim > 1 or target.size != rows:
        raise RuntimeError("multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch size). "
                           f"Expected target size [{rows}], but got {list(target.shape)}. Input has shape {list(input.shape)}.")
    if target.dtype != "int64":
        raise RuntimeError(f"expected scalar type Long but found {dtype_of(target).title}. Classes are integers: convert the target with .long().")
    if weight is not None and weight.shape[0] != (input.shape[-1] if input.ndim else 1):
        raise RuntimeError(f"inconsistent weight size, expected {input.shape[-1] if input.ndim else 1} but got {list(weight.shape)}")
    if target.size and (target.min() < 0 or target.max() >= (input.shape[-1] if input.ndim else 1)):
        raise RuntimeError(f"target out of range: classes are 0 to {(input.shape[-1] if input.ndim else 1) - 1}, got {int(target.min())} to {int(target.max())}")
    xp = namespace(input)
    size, _ = _hinges(xp, input, target, margin, weight, p)
    losses = xp.add.reduce(size if p == 1 else size * size, axis=-1)
    if weight is not None:
        losses = losses * weight[target.reshape(-1)]
    losses = losses / (input.shape[-1] if input.ndim else 1)
    losses = losses if input.ndim == 2 else losses[0]
    return losses if kind == "none" else xp.mean(losses) if kind == "mean" else xp.add.reduce(losses, axis=None)


def _hinges(xp, input, target, margin: float, weight, p: int):
    """max(0, margin - right + other) of every class, 0 for the right one; and the rows of classes."""
    rows = xp.asarray(input).reshape(-1, input.shape[-1] if input.ndim else 1)
    classes = xp.asarray(target).reshape(-1, 1)
    right = xp.take_along_axis(rows, classes, 1)
    size = xp.maximum(margin - right + rows, 0)
    xp.put_along_axis(size, classes, xp.zeros((), size.dtype), 1)
    return size, classes


@multi_margin_loss.vjp("input")
def _(grad, input, target, p, margin, weight, size_average, reduce, reduction):
    return multi_margin_backward(grad, input, target, p, margin, weight, quiet_reduction(size_average, reduce, reduction))


@op(category="loss", function=False, method=False, out=False)
def multi_margin_backward(input: Tensor, x: Tensor, target: Tensor, p: int, margin: float, weight: Tensor | None, reduction: str) -> Tensor:
    """The gradient of multi_margin_loss at `x`."""
    xp = namespace(x)
    size, classes = _hinges(xp, x, target, margin, weight, p)
    slope = (size > 0).astype(x.dtype) if p == 1 else size * 2
    if weight is not None:
        slope = slope * weight[classes]
    xp.put_along_axis(slope, classes, -xp.add.reduce(slope, axis=1, keepdims=True), 1)
    slope = slope / (slope.shape[1] * (slope.shape[0] if reduction == "mean" else 1))
    each = xp.asarray(input).reshape(-1, 1)
    return (slope * each).reshape(x.shape)


@multi_margin_backward.vjp("input")
def _(grad, input_shape, x, target, p, margin, weight, reduction):
    slope = multi_margin_backward(ops.sum(grad) * 0 + 1, x, target, p, margin, weight, reduction)
    return (grad * slope).sum(-1) if len(input_shape) else (grad * slope).sum()


@multi_margin_backward.vjp("x")
def _(grad, input, x, target, p, margin, weight, reduction):
    if p == 1:
        return ops.zeroed(grad)
    raise NotImplementedError("the second derivative of multi_margin_loss with p=2 is not implemented; PyTorch has none either.")


def multilabel_margin_loss(input: Tensor, target: Tensor, size_average=None, reduce=None, reduction: str = "mean") -> Tensor:
    """Hinge loss of several right classes per row: each should beat every wrong one by 1.

    Args:
        target: the right classes, ended by -1; of the shape of `input`.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.multilabel_margin_loss(lab.tensor([[0.1, 0.2, 0.4, 0.8]]), lab.tensor([[3, 0, -1, 1]]))
    tensor(0.8500)
    """
    kind = reduction_of(size_average, reduce, reduction)
    if input.ndim > 2 or input.ndim == 1 and not input.numel() or input.ndim == 2 and not input.shape[1]:
        raise RuntimeError(f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(input.shape)}")
    if target.shape != input.shape:
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}")
    if target.dtype.name != "int64":
        raise RuntimeError(f"expected scalar type Long but found {target.dtype.title}. Classes are integers: convert the target with .long().")
    rows, wanted = input.reshape(-1, input.shape[-1] if input.ndim else 1), target.reshape(-1, target.shape[-1] if target.ndim else 1)
    if wanted.numel() and (int(wanted.min()) < -1 or int(wanted.max()) >= rows.shape[1]):
        raise RuntimeError("argument #2 'target' out of range: classes are 0 to C - 1, ended by -1.")
    xp = namespace(wanted._a)
    listed = xp.logical_and.accumulate(wanted._a >= 0, axis=1)  # only what stands before the first -1
    right = xp.zeros(wanted.shape, bool)
    row, column = xp.nonzero(listed)
    right[row, wanted._a[row, column]] = True
    is_right = Tensor._wrap(right)
    apart = 1 - rows.gather(1, Tensor._wrap(xp.where(listed, wanted._a, 0))).unsqueeze(2) + rows.unsqueeze(1)
    counted = Tensor._wrap(listed).unsqueeze(2).logical_and(is_right.logical_not().unsqueeze(1))
    losses = (apart.clamp_min(0) * counted).sum((1, 2)) / rows.shape[1]
    return reduced(losses if input.ndim == 2 else losses.reshape(()), kind)


# ---- triplets ----

def triplet_margin_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2, eps: float = 1e-6, swap: bool = False,
                        size_average=None, reduce=None, reduction: str = "mean") -> Tensor:
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), with the p-norm distance along the last dimension.

    Args:
        swap: take d(positive, negative) where it is smaller.

    >>> import autodiff_lab as lab
    >>> anchor, near, far = lab.tensor([[0.0, 0.0]]), lab.tensor([[0.0, 1.0]]), lab.tensor([[1.5, 0.0]])
    >>> lab.nn.functional.triplet_margin_loss(anchor, near, far)
    tensor(0.5000)
    """
    kind = reduction_of(size_average, reduce, reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(f"The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: anchor {anchor.ndim}D, "
                           f"positive {positive.ndim}D, and negative {negative.ndim}D inputs")
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = top["minimum"](far, pairwise_distance(positive, negative, p, eps))
    return reduced((margin + near - far).clamp_min(0), kind)


def triplet_margin_with_distance_loss(anchor: Tensor, positive: Tensor, negative: Tensor, *, distance_function=None, margin: float = 1.0, swap: bool = False, reduction: str = "mean") -> Tensor:
    """`triplet_margin_loss` with a distance function of your own.

    >>> import autodiff_lab as lab
    >>> anchor, near, far = lab.tensor([[0.0, 0.0]]), lab.tensor([[0.0, 1.0]]), lab.tensor([[1.5, 0.0]])
    >>> lab.nn.functional.triplet_margin_with_distance_loss(anchor, near, far, distance_function=lambda x, y: (x - y).abs().sum(-1))
    tensor(0.5000)
    """
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(f"The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: anchor {anchor.ndim}D, "
                           f"positive {positive.ndim}D, and negative {negative.ndim}D inputs")
    distance = distance_function or pairwise_distance
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = top["minimum"](far, distance(positive, negative))
    return reduced((margin + near - far).clamp_min(0), reduction)


for _function in (kl_div, poisson_nll_loss, gaussian_nll_loss, margin_ranking_loss, hinge_embedding_loss, cosine_embedding_loss, soft_margin_loss, multilabel_soft_margin_loss,
                  multilabel_margin_loss, triplet_margin_loss, triplet_margin_with_distance_loss):
    public[F][_function.__name__] = _function
for _name in ("kl_div", "poisson_nll_loss", "margin_ranking_loss", "hinge_embedding_loss", "cosine_embedding_loss", "triplet_margin_loss"):
    top[_name] = public[F][_name]

