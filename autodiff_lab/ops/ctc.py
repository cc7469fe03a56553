"""Connectionist temporal classification (Graves et al. 2006): the chance of a label sequence over all its alignments."""

from __future__ import annotations

import numpy as np

from ..backend import namespace, to_host
from ..backend.cells import add_cells
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
    losses, slope = _all(logp, labels, lengths, blank)
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


def _all(logp, labels, lengths, blank: int):
    """Losses and gradients of all sequences: forward and backward over the labels with blanks between.

    The backward pass is the forward pass of the sequences read from their ends, so both run as one batch of 2 N rows.
    """
    times, batch, classes = logp.shape
    ends = np.array([2 * len(row) + 1 for row in labels], np.int64)  # how many places each path has
    places = int(ends.max()) if batch else 1
    path = np.full((batch, places), blank, np.int64)
    for row, given in zip(path, labels, strict=True):
        row[1:2 * len(given):2] = given
    skips = np.zeros((batch, places), bool)  # where the blank before may be left out
    skips[:, 3::2] = path[:, 3::2] != path[:, 1:-2:2]
    skips &= np.arange(places) < ends[:, None]
    if not times or not batch:
        return np.where(ends == 1, 0.0, np.inf), np.zeros_like(logp)
    number = np.arange(batch)
    emit = logp[:, number[:, None], path]
    emit[:, np.arange(places) >= ends[:, None]] = -np.inf
    # Read from the end: time and place counted from each sequence's own last one.
    turned_times = np.maximum(lengths - 1 - np.arange(times)[:, None], 0)[:, :, None]
    turned_places = ends[:, None] - 1 - np.arange(places)
    beyond = turned_places < 0
    turned_emit = emit[turned_times, number[:, None], np.maximum(turned_places, 0)]
    turned_emit[:, beyond] = -np.inf
    turned_skips = np.zeros_like(skips)  # from place s to s + 2 one way is from s + 2 to s the other way
    turned_skips[:, 2:] = np.take_along_axis(skips, np.maximum(turned_places[:, :-2], 0), 1) & ~beyond[:, 2:]
    with np.errstate(all="ignore"):
        found = _forward(np.concatenate([emit, turned_emit], 1), np.concatenate([skips, turned_skips]))
        alpha, turned = found[:, :batch], found[:, batch:]
        last = np.maximum(lengths - 1, 0)
        losses = -alpha[last, number, ends - 1]
        losses = np.where(ends > 1, -np.logaddexp(-losses, alpha[last, number, np.maximum(ends - 2, 0)]), losses)
        beta = turned[turned_times, number[:, None], np.maximum(turned_places, 0)]
        share = np.exp(np.where(alpha == -np.inf, -np.inf, alpha + (beta - emit)) + losses[:, None])
    live = (np.arange(times)[:, None] < lengths)[:, :, None]
    taken = np.zeros(logp.shape)  # in C order: logp is mostly a transposed result, whose order zeros_like would take
    add_cells(taken, (np.arange(times * batch) * classes).reshape(times, batch, 1) + path, np.where(live & ~(np.arange(places) >= ends[:, None]), share, 0))
    losses[lengths == 0] = np.where(ends[lengths == 0] == 1, 0.0, np.inf)
    # As PyTorch, for log-probabilities that come from log_softmax: softmax minus the share of each class.
    taken[:, np.isinf(losses)] = np.nan
    return losses, np.where(live, np.exp(logp) - taken, 0)


def _forward(emit, skips):
    """Logarithms of the chance to be at each place at each time, having begun at the first or second place."""
    times, rows, places = emit.shape
    # Two places before the first that are never reached, so that a step back needs no special case.
    reached = np.full((times, rows, places + 2), -np.inf)
    reached[0, :, 2:4] = emit[0, :, :2]
    jump = np.where(skips, 0.0, -np.inf)
    ways = np.empty((3, rows, places))
    for t in range(1, times):
        before = reached[t - 1]
        ways[0], ways[1] = before[:, 2:], before[:, 1:-1]
        np.add(before[:, :-2], jump, out=ways[2])
        most = np.maximum.reduce(ways, 0)
        most[most == -np.inf] = 0  # no way leads there: exp(-inf) is the right 0
        ways -= most
        np.exp(ways, out=ways)
        total = np.add.reduce(ways, 0)
        np.log(total, out=total)
        total += most
        np.add(total, emit[t], out=reached[t, :, 2:])
    return reached[:, :, 2:]


def _lengths(lengths, batch: int) -> np.ndarray:
    if isinstance(lengths, Tensor):
        if lengths._a.dtype.kind not in "iu":
            raise RuntimeError(f"input_lengths must be integral, and target_lengths too: got {lengths.dtype}. Convert them with .long().")
        lengths = lengths._a
    return np.atleast_1d(np.asarray(to_host(lengths) if hasattr(lengths, "dtype") else lengths, np.int64))


def _labels(targets, counts, batched: bool) -> list:
    """The labels of each sequence, from rows that are padded or from one row that holds all."""
    if targets.ndim == 1 and batched:
        ends = np.cumsum(counts)
        return [targets[e - c:e] for e, c in zip(ends, counts, strict=True)]
    rows = targets if targets.ndim == 2 else targets[None]
    if len(counts) and counts.max() > rows.shape[1]:
        raise RuntimeError(f"Expected tensor to have size at least {counts.max()} at dimension 1, but got size {rows.shape[1]} for argument #2 'targets': a target length is larger than its row.")
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
