"""Smoothing and scales of curves, the same in the browser, in the static picture and in a figure."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["columns", "smooth", "wants_log"]

SMOOTHING = 0.6


def smooth(values: np.ndarray, amount: float = SMOOTHING, log: bool = False) -> np.ndarray:
    """An exponential moving average without the bias towards the start. What is not finite is passed over, and has no average itself.

    Args:
        amount: meant for a picture of some 400 points: over more of them it reaches wider, so that a long run stays readable.
        log: an average of logarithms, so that on a logarithmic axis the line lies in the middle of what it smooths.
    """
    stepped = 1.25 ** math.floor(math.log(len(values), 1.25)) if len(values) >= 100 else 0
    amount **= 1 / (1 + stepped / 400)
    if log:
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.log(values)
    out, total, weight = np.full(len(values), np.nan), 0.0, 0.0
    for k, value in enumerate(values.tolist()):
        if math.isfinite(value):
            total, weight = amount * total + (1 - amount) * value, amount * weight + (1 - amount)
            out[k] = total / weight
    return np.exp(out) if log else out


def wants_log(values: np.ndarray) -> bool:
    """Whether a logarithmic axis shows these values better: all positive, and over more than one and a half decades."""
    finite = values[np.isfinite(values)]
    return bool(finite.size and finite.min() > 0 and finite.max() / finite.min() > 30)


def columns(steps: np.ndarray, values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """At most two points per column of a picture, the lowest and the highest; the last point always."""
    if steps.size <= 2 * count:
        return steps, values
    place = ((steps - steps[0]) / (steps[-1] - steps[0]) * (count - 1)).astype(int)
    edges = np.flatnonzero(np.diff(place, prepend=-1))
    keep = {int(steps.size - 1)}
    for a, b in zip(edges, [*edges[1:], steps.size], strict=True):
        part = np.where(np.isnan(values[a:b]), np.inf, values[a:b])
        keep |= {int(a + np.argmin(part)), int(a + np.argmax(part))}
    chosen = np.array(sorted(keep))
    return steps[chosen], values[chosen]
