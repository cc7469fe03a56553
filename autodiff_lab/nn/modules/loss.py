"""Losses as modules; each hands its settings to the function of the same name in `nn.functional`."""

from __future__ import annotations

import math

from ...core.errors import caution
from ...core.tensor import Tensor
from .. import functional as F
from .linear import Linear
from .module import Module

__all__ = ["BCELoss", "BCEWithLogitsLoss", "CTCLoss", "CosineEmbeddingLoss", "CrossEntropyLoss", "GaussianNLLLoss", "HingeEmbeddingLoss", "HuberLoss",
           "KLDivLoss", "L1Loss", "LinearCrossEntropyLoss", "MSELoss", "MarginRankingLoss", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss", "MultiMarginLoss",
           "NLLLoss", "NLLLoss2d", "PoissonNLLLoss", "SmoothL1Loss", "SoftMarginLoss", "TripletMarginLoss", "TripletMarginWithDistanceLoss"]


def reduction_of(size_average, reduce, reduction: str) -> str:
    """The reduction that the old arguments `size_average` and `reduce` mean."""
    if size_average is None and reduce is None:
        return reduction

    average = True if size_average is None else size_average
    chosen = "none" if reduce is False else "mean" if average else "sum"
    caution(f"size_average and reduce args will be deprecated, please use reduction='{chosen}' instead.")
    return chosen


class _Loss(Module):
    """A loss with a reduction: "mean", "sum" or "none"."""

    def __init__(self, size_average=None, reduce=None, reduction: str = "mean"):
        super().__init__()
        self.reduction = reduction_of(size_average, reduce, reduction)


class _WeightedLoss(_Loss):
    """A loss with a weight per class, kept as a buffer."""

    def __init__(self, weight: Tensor | None = None, size_average=None, reduce=None, reduction: str = "mean"):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class L1Loss(_Loss):
    """|input - target|.

    Args:
        reduction: "mean", "sum", or "none" for one loss per element.

    Shape: any input, and a target of the same shape; a number, or the input's shape for "none".

    >>> import autodiff_lab as lab
    >>> lab.nn.L1Loss()(lab.tensor([1.0, 2.0]), lab.tensor([1.0, 4.0]))
    tensor(1.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(input, target, reduction=self.reduction)


class MSELoss(_Loss):
    """(input - target)².

    >>> import autodiff_lab as lab
    >>> lab.nn.MSELoss()(lab.tensor([1.0, 2.0]), lab.tensor([1.0, 4.0]))
    tensor(2.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class NLLLoss(_WeightedLoss):
    """Minus the log-probability of the right class; the input is log-probabilities.

    Args:
        weight: one number per class.
        ignore_index: a target that does not count.
        reduction: "mean" (weighted, where there are weights), "sum" or "none".

    Shape: input (N, C), (C) or (N, C, d₁, …); target (N), () or (N, d₁, …), int64 (or uint8) in [0, C).

    Raises:
        IndexError: for a target that is no class.

    >>> import autodiff_lab as lab
    >>> log_probs = lab.tensor([[0.2, 0.8], [0.5, 0.5]]).log()
    >>> lab.nn.NLLLoss(reduction="none")(log_probs, lab.tensor([1, 0]))
    tensor([0.2231, 0.6931])
    """

    def __init__(self, weight: Tensor | None = None, size_average=None, ignore_index: int = -100, reduce=None, reduction: str = "mean"):
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class CrossEntropyLoss(_WeightedLoss):
    """Minus the log-probability of the right class; the input is scores (logits) of any size.

    Args:
        weight: one number per class.
        ignore_index: a target that does not count.
        label_smoothing: the share of the target that is spread over all classes.

    Shape: (N, C) scores with (N,) class numbers or (N, C) probabilities; or (C,) with a number; or (N, C, d1, …) with (N, d1, …).

    >>> import autodiff_lab as lab
    >>> lab.nn.CrossEntropyLoss()(lab.zeros(1, 2), lab.tensor([0]))
    tensor(0.6931)
    """

    def __init__(self, weight: Tensor | None = None, size_average=None, ignore_index: int = -100, reduce=None, reduction: str = "mean", label_smoothing: float = 0.0):
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction, label_smoothing=self.label_smoothing)


class LinearCrossEntropyLoss(_WeightedLoss):
    """A last linear layer and the cross-entropy of its scores in one module.

    Args:
        out_features: sizes of more dimensions of the scores, each position of which is a loss of its own.
        bias: give the layer one.
        weight: one number per class.
        ignore_index: a target that does not count, -100 unless told otherwise.
        label_smoothing: the share of the target that is spread over all classes.

    Shape: (N, in_features) or (in_features,) with class numbers (N, *out_features) or probabilities (N, num_classes, *out_features).

    Raises:
        RuntimeError: for a weight of another shape, or a smoothing outside [0, 1].

    >>> import autodiff_lab as lab
    >>> loss = lab.nn.LinearCrossEntropyLoss(5, 10)
    >>> loss(lab.zeros(2, 5), lab.tensor([3, 7])).detach()
    tensor(2.3026)
    """

    def __init__(self, in_features: int, num_classes: int, *, out_features: tuple = (), bias: bool = False, device=None, dtype=None, reduction: str = "mean",
                 weight: Tensor | None = None, ignore_index: int | None = None, label_smoothing: float = 0.0, options=None):
        if weight is not None and weight.shape != (num_classes,):
            raise RuntimeError(f"expected weight shape to be {(num_classes,)}, got {tuple(weight.shape)}")
        if not 0 <= label_smoothing <= 1:
            raise RuntimeError(f"expected label_smoothing to be in range [0, 1], got {label_smoothing}")
        super().__init__(weight, None, None, reduction)
        self.num_classes, self.out_features = num_classes, out_features
        self.ignore_index, self.label_smoothing, self.options = ignore_index, label_smoothing, options
        self.linear = Linear(in_features, math.prod(out_features, start=num_classes), bias=bias, device=device, dtype=dtype)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        shape = (self.num_classes, *self.out_features)
        return F.linear_cross_entropy(input, self.linear.weight.reshape(*shape, self.linear.in_features), target,
                                      linear_bias=None if self.linear.bias is None else self.linear.bias.reshape(shape), weight=self.weight, reduction=self.reduction,
                                      ignore_index=self.ignore_index, label_smoothing=self.label_smoothing, options=self.options)

    def extra_repr(self) -> str:
        return (f"in_features={self.linear.in_features}, num_classes={self.num_classes}, out_features={self.out_features}, bias={self.linear.bias is not None}, "
                f"reduction={self.reduction}, ignore_index={self.ignore_index}, label_smoothing={self.label_smoothing}, options={self.options}")


class NLLLoss2d(NLLLoss):
    """The older name of NLLLoss, which warns.

    >>> import autodiff_lab as lab
    >>> lab.nn.NLLLoss()(lab.tensor([[-0.5, -1.0]]), lab.tensor([1]))
    tensor(1.)
    """

    def __init__(self, *args, **kwargs):
        caution("`NLLLoss2d` has been deprecated. Please use `NLLLoss` instead as a drop-in replacement and see "
                "https://pytorch.org/docs/main/nn.html#torch.nn.NLLLoss for more details.", FutureWarning)
        super().__init__(*args, **kwargs)


class PoissonNLLLoss(_Loss):
    """Minus the log-likelihood of counts; the input is the rate, or its logarithm with log_input.

    Shape: any input, and a target of the same shape; a number, or the input's shape for "none".

    >>> import autodiff_lab as lab
    >>> lab.nn.PoissonNLLLoss()(lab.tensor([0.0, 1.0]), lab.tensor([1.0, 3.0]))
    tensor(0.3591)
    """

    def __init__(self, log_input: bool = True, full: bool = False, size_average=None, eps: float = 1e-8, reduce=None, reduction: str = "mean"):
        super().__init__(size_average, reduce, reduction)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        return F.poisson_nll_loss(log_input, target, log_input=self.log_input, full=self.full, eps=self.eps, reduction=self.reduction)


class GaussianNLLLoss(_Loss):
    """Minus the log-likelihood of a normal distribution with the given mean and variance.

    Shape: input, target and var (N, ...); var may have a 1 for the last dimension, or lack it.

    Raises:
        ValueError: for a negative entry of var.

    Source: Nix and Weigend (1994), Estimating the mean and variance of the target probability distribution.

    >>> import autodiff_lab as lab
    >>> lab.nn.GaussianNLLLoss()(lab.tensor([0.0, 1.0]), lab.tensor([0.0, 3.0]), lab.tensor([1.0, 4.0]))
    tensor(0.5966)
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean"):
        super().__init__(None, None, reduction)
        self.full, self.eps = full, eps

    def forward(self, input: Tensor, target: Tensor, var) -> Tensor:
        return F.gaussian_nll_loss(input, target, var, full=self.full, eps=self.eps, reduction=self.reduction)


class KLDivLoss(_Loss):
    """target·(log target - input); the input is log-probabilities, and so is the target with log_target.

    Shape: any input, and a target of the same shape; a number, or the input's shape for "none".

    >>> import autodiff_lab as lab
    >>> p, q = lab.tensor([[0.5, 0.5]]), lab.tensor([[0.9, 0.1]])
    >>> lab.nn.KLDivLoss(reduction="batchmean")(q.log(), p)
    tensor(0.5108)
    """

    def __init__(self, size_average=None, reduce=None, reduction: str = "mean", log_target: bool = False):
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class BCELoss(_WeightedLoss):
    """Binary cross-entropy of probabilities.

    Shape: any input with values in [0, 1], and a target of the same shape; a number, or the input's shape for "none".

    Raises:
        RuntimeError: for an input outside [0, 1].
        ValueError: for a target of another shape.

    >>> import autodiff_lab as lab
    >>> lab.nn.BCELoss()(lab.tensor([0.9, 0.2]), lab.tensor([1.0, 0.0]))
    tensor(0.1643)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_Loss):
    """Binary cross-entropy of scores; steadier than a sigmoid followed by BCELoss.

    Shape: any input, and a target of the same shape; a number, or the input's shape for "none".

    Raises:
        ValueError: for a target of another shape.

    >>> import autodiff_lab as lab
    >>> lab.nn.BCEWithLogitsLoss()(lab.tensor([2.0, -1.0]), lab.tensor([1.0, 0.0]))
    tensor(0.2201)
    """

    def __init__(self, weight: Tensor | None = None, size_average=None, reduce=None, reduction: str = "mean", pos_weight: Tensor | None = None):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction)


class HingeEmbeddingLoss(_Loss):
    """The distance for similar pairs (target 1), how much it falls short of the margin for dissimilar ones (-1).

    Shape: any input, and a target of 1 and -1 of the same shape.

    >>> import autodiff_lab as lab
    >>> lab.nn.HingeEmbeddingLoss(reduction="none")(lab.tensor([0.3, 0.3, 2.0]), lab.tensor([1, -1, -1]))
    tensor([0.3000, 0.7000, 0.0000])
    """

    def __init__(self, margin: float = 1.0, size_average=None, reduce=None, reduction: str = "mean"):
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class MultiLabelMarginLoss(_Loss):
    """Hinge loss over several right classes, listed in the target and ended by -1.

    Shape: input (N, C) or (C); target of the same shape, int64.

    >>> import autodiff_lab as lab
    >>> lab.nn.MultiLabelMarginLoss()(lab.tensor([[0.1, 0.2, 0.4, 0.8]]), lab.tensor([[3, 0, -1, 1]]))
    tensor(0.8500)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """Squared below beta, absolute above.

    Shape: any input, and a target of the same shape; a number, or the input's shape for "none".

    Raises:
        RuntimeError: for a negative beta.

    Source: Girshick (2015), Fast R-CNN.

    >>> import autodiff_lab as lab
    >>> lab.nn.SmoothL1Loss(reduction="none")(lab.tensor([0.5, 3.0]), lab.zeros(2))
    tensor([0.1250, 2.5000])
    """

    def __init__(self, size_average=None, reduce=None, reduction: str = "mean", beta: float = 1.0):
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """Half the square below delta, delta·(|x| - delta/2) above.

    Shape: any input, and a target of the same shape; a number, or the input's shape for "none".

    Source: Huber (1964), Robust estimation of a location parameter.

    >>> import autodiff_lab as lab
    >>> lab.nn.HuberLoss(reduction="none", delta=2.0)(lab.tensor([1.0, 3.0]), lab.zeros(2))
    tensor([0.5000, 4.0000])
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0):
        super().__init__(reduction=reduction)
        if not isinstance(delta, (int, float)):
            raise TypeError(f"delta must be a float or int, got: {type(delta)}")
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class SoftMarginLoss(_Loss):
    """log(1 + e^(-target·input)) for targets ±1.

    Shape: any input, and a target of 1 and -1 of the same shape.

    >>> import autodiff_lab as lab
    >>> lab.nn.SoftMarginLoss()(lab.tensor([2.0, -1.0]), lab.tensor([1.0, 1.0]))
    tensor(0.7201)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """Binary cross-entropy of scores, averaged over the classes.

    Shape: input and target (N, C); a number, or (N) for "none".

    >>> import autodiff_lab as lab
    >>> lab.nn.MultiLabelSoftMarginLoss()(lab.tensor([[2.0, -1.0]]), lab.tensor([[1.0, 0.0]]))
    tensor(0.2201)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multilabel_soft_margin_loss(input, target, weight=self.weight, reduction=self.reduction)


class CosineEmbeddingLoss(_Loss):
    """1 - cosine for similar pairs (target 1), how much the cosine exceeds the margin for dissimilar ones (-1).

    Shape: two inputs (N, D) and a target (N) of 1 and -1, or (D) and ().

    >>> import autodiff_lab as lab
    >>> a, b = lab.tensor([[1.0, 0.0]]), lab.tensor([[1.0, 1.0]])
    >>> lab.nn.CosineEmbeddingLoss()(a, b, lab.tensor([1]))
    tensor(0.2929)
    """

    def __init__(self, margin: float = 0.0, size_average=None, reduce=None, reduction: str = "mean"):
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.cosine_embedding_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class MarginRankingLoss(_Loss):
    """How much the first input falls short of exceeding the second by the margin (target 1; the other way round for -1).

    Shape: three tensors of one shape, the target of 1 and -1.

    >>> import autodiff_lab as lab
    >>> lab.nn.MarginRankingLoss(margin=0.5)(lab.tensor([1.0, 2.0]), lab.tensor([0.0, 3.0]), lab.tensor([1, 1]))
    tensor(0.7500)
    """

    def __init__(self, margin: float = 0.0, size_average=None, reduce=None, reduction: str = "mean"):
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.margin_ranking_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class MultiMarginLoss(_WeightedLoss):
    """Hinge loss between the right class and every other.

    Shape: input (N, C) or (C), target (N) or (), int64.

    >>> import autodiff_lab as lab
    >>> lab.nn.MultiMarginLoss()(lab.tensor([[0.1, 0.2, 0.4, 0.8]]), lab.tensor([3]))
    tensor(0.3250)
    """

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Tensor | None = None, size_average=None, reduce=None, reduction: str = "mean"):
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise ValueError("only p == 1 and p == 2 supported")
        if weight is not None and weight.dim() != 1:
            raise ValueError(f"MultiMarginLoss: expected weight to be None or 1D tensor, got {weight.dim()}D instead")
        self.p, self.margin = p, margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multi_margin_loss(input, target, p=self.p, margin=self.margin, weight=self.weight, reduction=self.reduction)


class TripletMarginLoss(_Loss):
    """How much the distance to a negative falls short of that to a positive plus the margin.

    Shape: three tensors (N, D) or (D); a number, or (N) for "none".

    Raises:
        ValueError: unless the margin is positive.

    Source: Balntas et al. (2016), Learning local feature descriptors with triplets and shallow convolutional neural networks.

    >>> import autodiff_lab as lab
    >>> anchor, near, far = lab.tensor([[0.0, 0.0]]), lab.tensor([[0.0, 1.0]]), lab.tensor([[1.5, 0.0]])
    >>> lab.nn.TripletMarginLoss()(anchor, near, far)
    tensor(0.5000)
    """

    def __init__(self, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False, size_average=None, reduce=None, reduction: str = "mean"):
        super().__init__(size_average, reduce, reduction)
        if margin <= 0:
            raise ValueError(f"TripletMarginLoss: expected margin to be greater than 0, got {margin} instead")
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_loss(anchor, positive, negative, margin=self.margin, p=self.p, eps=self.eps, swap=self.swap, reduction=self.reduction)


class TripletMarginWithDistanceLoss(_Loss):
    """TripletMarginLoss with a distance of your own.

    >>> import autodiff_lab as lab
    >>> anchor, near, far = lab.tensor([[0.0, 0.0]]), lab.tensor([[0.0, 1.0]]), lab.tensor([[1.5, 0.0]])
    >>> loss = lab.nn.TripletMarginWithDistanceLoss(distance_function=lambda x, y: (x - y).abs().sum(-1))
    >>> loss(anchor, near, far)
    tensor(0.5000)
    """

    def __init__(self, *, distance_function=None, margin: float = 1.0, swap: bool = False, reduction: str = "mean"):
        super().__init__(reduction=reduction)
        if margin <= 0:
            raise ValueError(f"TripletMarginWithDistanceLoss: expected margin to be greater than 0, got {margin} instead")
        from .distance import PairwiseDistance
        self.distance_function = distance_function if distance_function is not None else PairwiseDistance()
        self.margin, self.swap = margin, swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_with_distance_loss(anchor, positive, negative, distance_function=self.distance_function, margin=self.margin, swap=self.swap,
                                                   reduction=self.reduction)


class CTCLoss(_Loss):
    """Minus the log-probability of a sequence, summed over all its alignments with the input (Graves et al., 2006).

    Args:
        blank: the class that stands for "nothing".
        zero_infinity: count impossible alignments as 0.

    >>> import autodiff_lab as lab
    >>> log_probs = lab.zeros(4, 1, 3).log_softmax(2)  # 4 steps, 1 sequence, 3 symbols
    >>> lab.nn.CTCLoss()(log_probs, lab.tensor([[1, 2]]), lab.tensor([4]), lab.tensor([2]))
    tensor(0.8432)
    """

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False):
        super().__init__(reduction=reduction)
        self.blank, self.zero_infinity = blank, zero_infinity

    def forward(self, log_probs: Tensor, targets: Tensor, input_lengths, target_lengths) -> Tensor:
        return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity)
