"""A curve in bounded memory: every point while there are few, later the extremes of equal stretches.

When the store is full, four neighbours become two, their lowest and their highest, in the order in which they came;
from then on every new pair stands for twice as many points. So a spike is never lost, the first and the last value
are always there, and a run of a million steps takes no more memory than one of thirty thousand.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = ["Series"]

CAPACITY = 1 << 15


class Series:
    """Values over steps.

    >>> curve = Series("loss")
    >>> curve.add(1, 0.5)
    >>> curve.add(2, 0.25)
    >>> curve.points()
    (array([1., 2.]), array([0.5 , 0.25]))
    """

    __slots__ = ("best", "capacity", "count", "first", "kind", "last", "name", "stretch", "version", "_bucket", "_size", "_steps", "_values")

    def __init__(self, name: str, kind: str = "step", capacity: int = CAPACITY):
        self.name, self.kind, self.capacity = name, kind, capacity
        self.count = 0  # points ever added
        self.stretch = 1  # points that one kept pair stands for, halved: 1 means every point is kept
        self.version = 0  # grows when old points were thinned, so that a copy elsewhere starts anew
        self.first = self.last = self.best = None  # (step, value); best: the lowest finite value
        self._steps, self._values, self._size = np.empty(256), np.empty(256), 0
        self._bucket: list[tuple[float, float]] = []

    def add(self, step: float, value: float) -> None:
        """Append one point; steps grow."""
        value = float(value)
        self.count += 1
        self.last = (step, value)
        if self.first is None:
            self.first = self.last
        if self.best is None or value < self.best[1]:
            if math.isfinite(value):
                self.best = self.last
        if self.stretch == 1:
            self._append(step, value)
            return
        self._bucket.append((step, value))
        if len(self._bucket) == 2 * self.stretch:
            for point in extremes(self._bucket):
                self._append(*point)
            self._bucket.clear()

    def cut(self, step: float) -> None:
        """Forget what came after `step` (the run was wound back)."""
        self._flush()
        keep = int(np.searchsorted(self._steps[:self._size], step, side="right"))
        if keep == self._size:
            return
        self._size, self.version = keep, self.version + 1
        self.last = (float(self._steps[keep - 1]), float(self._values[keep - 1])) if keep else None
        steps, values = self.points()
        finite = np.flatnonzero(np.isfinite(values))
        low = finite[np.argmin(values[finite])] if finite.size else None
        self.best = None if low is None else (float(steps[low]), float(values[low]))
        self.first = self.first if keep else None

    def points(self, start: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """The kept points from number `start` on, steps and values, the newest always among them."""
        steps, values = self._steps[start:self._size], self._values[start:self._size]
        if not self._bucket:
            return steps.copy(), values.copy()
        tail = extremes(self._bucket)
        if tail[-1] != self._bucket[-1]:
            tail.append(self._bucket[-1])
        return (np.concatenate([steps, [s for s, _ in tail]]), np.concatenate([values, [v for _, v in tail]]))

    def settled(self) -> int:
        """How many of the kept points will not change any more, unless `version` does."""
        return self._size

    @property
    def thinned(self) -> bool:
        """Whether points were left out (never an extreme)."""
        return self.stretch > 1

    def __len__(self) -> int:
        return self._size + min(3, len(self._bucket))

    # -- keeping

    def _append(self, step: float, value: float) -> None:
        if self._size == self.capacity:
            self._thin()
        if self._size == self._steps.size:
            room = min(self.capacity, 2 * self._size)
            self._steps = np.concatenate([self._steps, np.empty(room - self._size)])
            self._values = np.concatenate([self._values, np.empty(room - self._size)])
        self._steps[self._size], self._values[self._size] = step, value
        self._size += 1

    def _thin(self) -> None:
        """Of every four neighbours keep the lowest and the highest."""
        steps, values = self._steps[:self._size].reshape(-1, 4), self._values[:self._size].reshape(-1, 4)
        low, high = np.argmin(ranked(values, np.inf), 1), np.argmax(ranked(values, np.inf), 1)
        same = low == high
        low, high = np.where(same, 0, low), np.where(same, 3, high)
        pair = np.sort(np.stack([low, high], 1), 1)
        rows = np.arange(steps.shape[0])[:, None]
        self._steps, self._values = steps[rows, pair].ravel(), values[rows, pair].ravel()
        self._size = self._steps.size
        self.stretch, self.version = 2 * self.stretch, self.version + 1

    def _flush(self) -> None:
        for point in extremes(self._bucket) if self._bucket else ():
            self._append(*point)
        self._bucket.clear()


def ranked(values: np.ndarray, nan: float) -> np.ndarray:
    """Values with NaN counted as `nan`: the most extreme of all, so that it is kept."""
    return np.where(np.isnan(values), nan, values)


def extremes(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The lowest and the highest point, in the order in which they came; one point stays one."""
    if len(points) < 3:
        return list(points)
    values = ranked(np.array([value for _, value in points]), np.inf)
    low, high = int(np.argmin(values)), int(np.argmax(values))
    if low == high:
        low, high = 0, len(points) - 1
    return [points[k] for k in sorted((low, high))]
