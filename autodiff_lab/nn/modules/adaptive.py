"""A softmax over very many classes, of which a few are frequent: the rare ones stand in clusters of less and less effort."""

from __future__ import annotations

from typing import NamedTuple

from ...core.op import public
from ...core.tensor import Tensor
from .. import functional as F
from .container import ModuleList, Sequential
from .linear import Linear
from .module import Module

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class _ASMoutput(NamedTuple):
    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    r"""The log-probability of the right class, and its mean negative, by a tree of two levels.

    The classes are sorted by how often they occur. The first `cutoffs[0]` of them and one place for each cluster of rarer
    classes share a softmax, the head; a cluster has a softmax of its own behind a projection that is `div_value` times
    narrower from cluster to cluster. $\log p(y) = \log p(\text{cluster of } y) + \log p(y \mid \text{cluster})$.

    Args:
        in_features: size of an input.
        n_classes: number of classes.
        cutoffs: where the clusters begin, increasing, between 1 and `n_classes` - 1.
        div_value: how much narrower each projection is than the one before.
        head_bias: whether the head has a bias.

    Shape: input (N, in_features) or (in_features), target (N) or (); output as the target, loss ().

    Raises:
        ValueError: if `cutoffs` is empty, not increasing, or out of range.
        RuntimeError: if a target is no class, or input and target do not fit together.

    Source: Grave and others, Efficient softmax approximation for GPUs, 2017.

    >>> import autodiff_lab as lab
    >>> layer = lab.nn.AdaptiveLogSoftmaxWithLoss(16, 20, cutoffs=[5, 10])
    >>> layer.log_prob(lab.randn(4, 16)).exp().sum(1).allclose(lab.ones(4))
    True
    """

    def __init__(self, in_features: int, n_classes: int, cutoffs, div_value: float = 4.0, head_bias: bool = False, device=None, dtype=None):
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        if cutoffs != sorted(set(cutoffs)) or cutoffs[0] <= 0 or cutoffs[-1] > n_classes - 1 or any(int(c) != c for c in cutoffs):
            raise ValueError("cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each value is between 1 and n_classes-1")
        made = {"device": device, "dtype": dtype}
        self.in_features, self.n_classes, self.cutoffs = in_features, n_classes, [*cutoffs, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, bias=head_bias, **made)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            narrow = int(in_features // div_value ** (i + 1))
            self.tail.append(Sequential(Linear(in_features, narrow, bias=False, **made), Linear(narrow, self.cutoffs[i + 1] - self.cutoffs[i], bias=False, **made)))

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        self.head.reset_parameters()
        for projection, out in self.tail:
            projection.reset_parameters()
            out.reset_parameters()

    def forward(self, input: Tensor, target: Tensor) -> _ASMoutput:
        """The log-probability of each target, and the loss."""
        single = target.dim() == 0
        if target.dim() > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        if (input.dim() != 1) if single else (input.shape[0] != target.shape[0] or input.dim() != 2):
            raise RuntimeError(f"0D target tensor expects 1D input tensors, but found inputs with size {input.size()}" if single else "Input and target should have the same size in the batch dimension.")
        x, y = (input.unsqueeze(0), target.unsqueeze(0)) if single else (input, target)
        if y.numel() and not (0 <= int(y.min()) and int(y.max()) < self.n_classes):
            raise RuntimeError(f"Target values should be in [0, {self.n_classes - 1}], but values in range [{int(y.min())}, {int(y.max())}] were found. ")
        head = F.log_softmax(self.head(x), 1)
        # The place in the head: the class itself, or that of its cluster.
        place, inside = y.clone(), []
        for i, tail in enumerate(self.tail):
            low, high = self.cutoffs[i], self.cutoffs[i + 1]
            rows = ((y >= low) & (y < high)).nonzero().squeeze(1)
            if rows.numel():
                place[rows] = self.shortlist_size + i
                inside.append((rows, F.log_softmax(tail(x[rows]), 1).gather(1, (y[rows] - low).unsqueeze(1)).squeeze(1)))
        output = head.gather(1, place.unsqueeze(1)).squeeze(1)
        for rows, found in inside:
            output = output.index_add(0, rows, found)
        loss = (-output).mean()
        return _ASMoutput(output.squeeze(0) if single else output, loss)

    def log_prob(self, input: Tensor) -> Tensor:
        """Log-probabilities of all classes, of shape (N, n_classes)."""
        head = F.log_softmax(self.head(input), 1)
        parts = [head[:, : self.shortlist_size]]
        for i, tail in enumerate(self.tail):
            parts.append(F.log_softmax(tail(input), 1) + head[:, self.shortlist_size + i].unsqueeze(1))
        return public[""]["cat"](parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of each input, of shape (N); a cluster is looked into only where the head points to it."""
        output = self.head(input).argmax(1)
        rows = (output >= self.shortlist_size).nonzero().squeeze(1)
        if rows.numel():
            output[rows] = self.log_prob(input[rows]).argmax(1)
        return output
