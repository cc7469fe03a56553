"""Gradient flow: how large the gradient of each parameter was, step by step, and in words what is wrong with it.

The measuring follows a fixed plan, so that the same run gives the same picture however fast it went: every step at
first, every second once 256 columns are full, then every fourth, and so on. Every sixteenth column is looked at closely
(update against weight, zeros, histogram).
"""

from __future__ import annotations

import math

import numpy as np

__all__ = ["Flow", "BINS", "folded", "histogram"]

COLUMNS = 256
CLOSE = 16  # every which column is looked at closely
SAMPLE = 1 << 11  # of a large array, close looks take this many elements, evenly spaced
LOW, HIGH = -40, 24  # exponents of two at the ends of the histogram
BINS = HIGH - LOW  # bins on each side of zero


class Flow:
    """Columns of measurements over parameters, in forward order."""

    def __init__(self):
        self.names: list[str] = []
        self.sizes: list[int] = []
        self.shapes: list[tuple] = []
        self.stride = 1
        self.version = 0
        self.steps: list[int] = []
        self.columns: list = []  # one array each: the root mean square of every parameter's gradient; NaN: none
        self.close: dict[int, dict] = {}  # step -> {"ratio": array, "zeros": array, "bins": uint16 array}
        self._before: list = []

    def due(self, step: int) -> bool:
        """Whether this step is measured."""
        return step % self.stride == 0

    def due_closely(self, step: int) -> bool:
        """Whether this step is looked at closely."""
        return step % (self.stride * CLOSE) == 0

    def set_parameters(self, named) -> None:
        """Name the rows: (name, shape) in forward order."""
        self.names, self.shapes = [name for name, _ in named], [tuple(shape) for _, shape in named]
        self.sizes = [math.prod(shape) for shape in self.shapes]

    def hold(self, weights) -> None:
        """Before a step that is looked at closely: keep the weights, to know how far they will move."""
        self._before = [thin(array).copy() for array in weights]

    def measure(self, step: int, grads) -> None:
        """Measure after a step: arrays of gradients, None where there is none. At first this runs at every step."""
        squares, vdot = np.full(len(grads), np.nan), np.vdot
        for k, grad in enumerate(grads):
            if grad is not None:
                if grad.itemsize < 4:  # the square of a half would overflow
                    grad = grad.astype(np.float32)
                squares[k] = vdot(grad, grad).real / (grad.size or 1)
        if len(self.steps) >= COLUMNS:
            self._thin()
            if step % self.stride:
                return
        self.steps.append(step)
        self.columns.append(np.sqrt(squares))

    def look(self, step: int, grads, weights) -> None:
        """Look closely at a step that was measured: how far it moved each parameter, the share of zeros, a histogram."""
        rows = len(grads)
        ratio, zeros, bins = np.full(rows, np.nan), np.full(rows, np.nan), np.zeros((rows, 512), np.uint16)
        held = self._before if len(self._before) == rows else None
        for k, (grad, weight) in enumerate(zip(grads, weights, strict=True)):
            if held is not None and held[k].size == thin(weight).size:
                moved = thin(weight) - held[k]
                base = length(held[k])
                ratio[k] = length(moved) / base if base else math.nan
            if grad is not None and grad.size:
                sample = thin(grad)
                zeros[k] = 1 - np.count_nonzero(sample) / sample.size
                bins[k] = histogram(sample)
        self._before = []
        self.close[step] = {"ratio": ratio, "zeros": zeros, "bins": bins}

    def cut(self, step: int) -> None:
        """Forget what came after `step`."""
        keep = [k for k, s in enumerate(self.steps) if s <= step]
        if len(keep) < len(self.steps):
            self.steps, self.columns = [self.steps[k] for k in keep], [self.columns[k] for k in keep]
            self.close = {s: look for s, look in self.close.items() if s <= step}
            self.version += 1

    def _thin(self) -> None:
        self.stride *= 2
        keep = [k for k, step in enumerate(self.steps) if step % self.stride == 0]
        self.steps, self.columns = [self.steps[k] for k in keep], [self.columns[k] for k in keep]
        self.close = {step: look for step, look in self.close.items() if self.due_closely(step)}
        self.version += 1

    def matrix(self) -> np.ndarray:
        """All measurements, parameters × columns, as float32."""
        if not self.columns:
            return np.empty((len(self.names), 0), np.float32)
        rows = len(self.names)
        return np.array([np.resize(column, rows) if column.size != rows else column for column in self.columns], np.float32).T


def length(vector) -> float:
    """Euclidean length; several times quicker than `numpy.linalg.norm` on a short vector."""
    return math.sqrt(abs(np.vdot(vector, vector)))


def thin(array) -> np.ndarray:
    """At most SAMPLE elements of an array, evenly spaced."""
    flat = array.reshape(-1)
    return flat if flat.size <= SAMPLE else flat[:: -(-flat.size // SAMPLE)]


def histogram(values) -> np.ndarray:
    """Counts by sign and exponent: the top nine bits of a float32, counted. A few microseconds instead of fifty."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32) >> 23
    return np.bincount(bits, minlength=512).astype(np.uint16)


def folded(counts) -> np.ndarray:
    """Counts as `histogram` makes them, ordered for a picture: negative large … small, zero, positive small … large."""
    low, high = 127 + LOW, 127 + HIGH
    result = np.zeros((*counts.shape[:-1], 2 * BINS + 1), np.uint16)
    for half, side in ((counts[..., :256], result[..., BINS + 1:]), (counts[..., 256:], result[..., BINS - 1::-1])):
        side[...] = half[..., low:high]
        side[..., 0] += half[..., 1:low].sum(-1, dtype=np.uint16)
        side[..., -1] += half[..., high:].sum(-1, dtype=np.uint16)
    result[..., BINS] = counts[..., 0] + counts[..., 256]
    return result
