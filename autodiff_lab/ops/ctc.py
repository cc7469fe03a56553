"""Connectionist temporal classification (Graves et al. 2006): the chance of a label sequence over all its alignments."""

from __future__ import annotations

import numpy as np

from ..backend import namespace, to_host
from ..core.dtypes import dtype_of
from ..core.op import op, public
from ..core.tensor import Tensor

F = "nn.functional"


# No samples: the gradient is that of log_softmax and ctc_loss together (as in PyTorch), so finite differences of
# ctc_loss alone do not agree with it. tests/ops/test_op_db.py compares it with PyTorch.
@op(category="loss", latex=r"-\ln \sum_{\pi} \prod_t p_t(\pi_t)", namespace=F, out=False, function=False, name="ctc_loss", extras=("slope",), node_name="CtcLoss", variants=(("reduction == 'mean'", "MeanBackward0"), ("reduction == 'sum'", "SumBackward0")))
def ctc_loss_op(log_probs: Tensor, targets: Tensor, input_lengths, target_lengths, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> Tensor:
    """Negative log-likelihood of label sequences; see ctc_loss.

    >>> import autodiff_lab as lab
    >>> log_probs = lab.zeros(4, 1, 3).log_softmax(2)
    >>> lab.nn.functional.ctc_loss(log_probs, lab.tensor([[1, 2]]), lab.tensor([4]), lab.tensor([2]))
    tensor(0.8432)
    """
    xp = namespace(log_probs)
    logp = np.asarray(to_host(log_probs), np.float64)
    batched = logp.ndim == 3
    logp = logp if batched else logp[:, None]
    times, batch, classes = logp.shape
    lengths, counts = _lengths(input_lengths, batch), _lengths(target_lengths, batch)
    labels = _labels(to_host(targets), counts, batched)
    _check(lengths, counts, times, batch, blank, classes)
    losses, slope = np.zeros(batch), np.zeros_like(logp)
    for i in range(batch):
        losses[i], slope[:lengths[i], i] = _one(logp[:lengths[i], i], labels[i], blank)
    bad = np.isinf(losses)
    if zero_infinity:
        losses[bad] = 0
        slope[:, bad] = 0
    if reduction == "mean":
        share = 1 / np.maximum(counts, 1) / batch
        slope *= share[:, None]
        out = (losses * share).sum()
    else:
        out = losses.sum() if reduction == "sum" else losses
    kind = log_probs.dtype
    if not batched:
        out = out if reduction != "none" else out[0]
        slope = slope[:, 0]
    return xp.asarray(out).astype(kind)[()] if not np.ndim(out) else xp.asarray(out.astype(kind)), xp.asarray(slope.astype(kind))


@ctc_loss_op.vjp("log_probs")
def _(grad, slope):
    # slope is (T, N, C) or (T, C); grad one number, or one per sequence.
    return slope * (grad if not grad.ndim else grad.reshape((1, -1, 1)))


def _one(logp, labels, blank: int):
    """Loss and gradient of one sequence: forward and backward over the labels with blanks between."""
    times = len(logp)
    path = np.full(2 * len(labels) + 1, blank, dtype=np.int64)
    path[1::2] = labels
    n = len(path)
    skips = np.zeros(n, bool)  # where the blank before may be left out
    skips[3::2] = path[3::2] != path[1:-2:2]
    emit = logp[:, path]
    alpha, beta = np.full((times, n), -np.inf), np.full((times, n), -np.inf)
    if not times:
        return (0.0 if not len(labels) else np.inf), np.zeros_like(logp)
    alpha[0, :2] = emit[0, :2]
    beta[-1, -2:] = 0
    with np.errstate(all="ignore"):
        for t in range(1, times):
            total = alpha[t - 1].copy()
            total[1:] = np.logaddexp(total[1:], alpha[t - 1, :-1])
            total[2:] = np.where(skips[2:], np.logaddexp(total[2:], alpha[t - 1, :-2]), total[2:])
            alpha[t] = total + emit[t]
        for t in range(times - 2, -1, -1):
            ahead = beta[t + 1] + emit[t + 1]
            total = ahead.copy()
            total[:-1] = np.logaddexp(total[:-1], ahead[1:])
            total[:-2] = np.where(skips[2:], np.logaddexp(total[:-2], ahead[2:]), total[:-2])
            beta[t] = total
        loss = -np.logaddexp.reduce(alpha[-1, -2:])
        share = np.exp(alpha + beta + loss)
    slope = np.zeros_like(logp)
    np.add.at(slope.T, path, share.T)
    # As PyTorch, for log-probabilities that come from log_softmax: softmax minus the share of each class.
    return loss, np.exp(logp) - slope


def _lengths(lengths, batch: int) -> np.ndarray:
    if isinstance(lengths, Tensor):
        lengths = lengths._a
    return np.atleast_1d(np.asarray(to_host(lengths) if hasattr(lengths, "dtype") else lengths, np.int64))


def _labels(targets, counts, batched: bool) -> list:
    """The labels of each sequence, from rows that are padded or from one row that holds all."""
    if targets.ndim == 1 and batched:
        ends = np.cumsum(counts)
        return [targets[e - c:e] for e, c in zip(ends, counts, strict=True)]
    rows = targets if targets.ndim == 2 else targets[None]
    return [row[:c] for row, c in zip(rows, counts, strict=True)]


def _check(lengths, counts, times: int, batch: int, blank: int, classes: int) -> None:
    if len(lengths) != batch:
        raise RuntimeError(f"input_lengths must be of size batch_size: there are {batch} sequences but {len(lengths)} lengths.")
    if len(counts) != batch:
        raise RuntimeError(f"target_lengths must be of size batch_size: there are {batch} sequences but {len(counts)} lengths.")
    if not 0 <= blank < classes:
        raise RuntimeError(f"blank must be in label range: 0 to {classes - 1}, got {blank}.")
    if len(lengths) and lengths.max() > times:
        raise RuntimeError(f"Expected input_lengths to have value at most {times}, but got value {lengths.max()}")
    if len(lengths) and (lengths.min() < 0 or counts.min() < 0):
        raise RuntimeError("input_lengths and target_lengths must not be negative.")


def ctc_loss(log_probs: Tensor, targets: Tensor, input_lengths, target_lengths, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> Tensor:
    """Negative log-likelihood of label sequences, summed over every way to align them with the inputs.

    Args:
        log_probs: log-probabilities (T, N, C) or (T, C), from log_softmax.
        targets: labels (N, S), padded; or all in one row (sum of lengths,).
        input_lengths, target_lengths: of each sequence.
        blank: the class that stands for no label.
        reduction: "mean" divides each loss by its number of labels first.
        zero_infinity: count sequences that cannot be aligned as 0.

    As in PyTorch, the gradient is right only for log-probabilities that come from log_softmax.
    """
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if dtype_of(log_probs).category != 2:
        raise NotImplementedError(f'"ctc_loss_cpu" not implemented for \'{dtype_of(log_probs).title}\'')
    return ctc_loss_op(log_probs, targets, input_lengths, target_lengths, blank, reduction, zero_infinity)


ctc_loss.op = ctc_loss_op.op
public[F]["ctc_loss"] = public[""]["ctc_loss"] = ctc_loss
