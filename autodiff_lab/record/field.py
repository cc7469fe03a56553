"""The decision surface of a classifier over the plane, evaluated now and then while it trains, without leaving a trace."""

from __future__ import annotations

import math
import random
import time

import numpy as np

from ..core import observe

__all__ = ["Field"]

SIDE = 48
FRAMES = 64
SHARE = 0.03  # of the time of training that drawing may take


class Field:
    """Frames of what a model says about every point of a grid around its data."""

    def __init__(self, model, X, y, names=None):
        if model is None:
            raise TypeError("field needs the model: run.field(model, X, y).")
        points, labels = plain(X), plain(y).reshape(-1)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) != len(labels):
            raise ValueError(f"field draws classifiers over the plane: X of shape (N, 2) and N labels, "
                             f"got {list(points.shape)} and {list(plain(y).shape)}.")
        self.model, self.names = model, names or ("x₁", "x₂")
        some = np.linspace(0, len(points) - 1, min(len(points), 400)).astype(int)
        self.points, self.labels = points[some].astype(np.float32), labels[some].astype(np.float32)
        low, high = points.min(0), points.max(0)
        pad = 0.12 * (high - low) + 1e-6
        self.extent = [float(v) for v in (low[0] - pad[0], high[0] + pad[0], low[1] - pad[1], high[1] + pad[1])]
        x, y_ = np.linspace(*self.extent[:2], num=SIDE), np.linspace(*self.extent[2:], num=SIDE)[::-1]
        self.grid = np.stack(np.meshgrid(x, y_), -1).reshape(-1, 2)
        self.steps: list[int] = []
        self.frames: list[np.ndarray] = []
        self.classes = 2
        self.trouble = ""  # why it can't be drawn, in a sentence
        self._next, self._sent = 0.0, 0
        self._cost = math.inf  # seconds that a look takes

    def frame(self, step: int, last: bool = False) -> None:
        """Look at the model now, if it is time."""
        now = time.perf_counter()
        if (not last and now < self._next) or self.trouble or (self.steps and self.steps[-1] == step):
            return
        try:
            said = self._ask()
        except Exception as error:
            self.trouble = f"The field could not be drawn: {type(error).__name__}: {error}"
            return
        self.steps.append(step)
        self.frames.append(said)
        if len(self.frames) > FRAMES:  # keep the first, the last and evenly spaced ones
            self.steps[1:-1], self.frames[1:-1] = self.steps[2:-1:2], self.frames[2:-1:2]
            self._sent = 0
        if len(self.steps) > 1:  # the first look takes longer than any other: what it needs is loaded
            self._cost = min(self._cost, time.perf_counter() - now)  # not that of a moment in which the machine was busy
        self._next = now + max(0.1, (self._cost if self._cost < math.inf else 0) / SHARE)

    def _ask(self) -> np.ndarray:
        """Class and certainty of every point of the grid, in one byte each."""
        from ..backend.random import default_generator
        from ..core.modes import modes
        from ..core.tensor import Tensor

        model = self.model
        parameter = next(iter(model.parameters()), None) if hasattr(model, "parameters") else None
        grid = self.grid.astype(parameter._a.dtype if parameter is not None else np.float32)
        training = [(module, module.training) for module in model.modules()] if hasattr(model, "modules") else []
        kept = default_generator.get_state(), random.getstate(), np.random.get_state()  # noqa: NPY002 - the learner's own program may use it
        watching = observe.observers, observe.followers
        grad, modes.grad = modes.grad, False
        observe.observers = observe.followers = ()
        try:
            for module, _ in training:
                module.training = False
            out = plain(model(Tensor._wrap(grid) if parameter is None or parameter.device.type == "cpu" else Tensor._wrap(grid).to(parameter.device)))
        finally:
            observe.observers, observe.followers = watching
            modes.grad = grad
            for module, was in training:
                module.training = was
            default_generator.set_state(kept[0])
            random.setstate(kept[1])
            np.random.set_state(kept[2])  # noqa: NPY002
        out = out.reshape(len(self.grid), -1).astype(np.float64)
        if out.shape[1] == 1:
            value = out[:, 0]
            chance = value if 0 <= value.min() and value.max() <= 1 else 1 / (1 + np.exp(-np.clip(value, -60, 60)))
            winner, sure = chance > 0.5, np.abs(2 * chance - 1)
        else:
            self.classes = out.shape[1]
            if out.min() < 0 or not np.allclose(out.sum(1), 1, atol=1e-3):
                out = np.exp(out - out.max(1, keepdims=True))
                out /= out.sum(1, keepdims=True)
            winner, top = out.argmax(1), np.sort(out, 1)
            sure = top[:, -1] - top[:, -2]
        return (winner.astype(np.uint8) % 8 << 5 | np.clip(np.nan_to_num(sure) * 31, 0, 31).astype(np.uint8)).astype(np.uint8)

    def pack(self, header: dict, put, complete: bool) -> None:
        """Put what is new into a message."""
        start = 0 if complete else self._sent
        if not self.frames or (start >= len(self.frames) and not complete):
            return
        part = {"at": start, "size": [SIDE, SIDE], "classes": self.classes, "steps": put(self.steps[start:], np.int32),
                "frames": put(self.frames[start:], np.uint8)}
        if start == 0:
            part |= {"extent": self.extent, "points": put(self.points, np.float32), "labels": put(self.labels, np.float32),
                     "names": list(self.names)}
        header["field"] = part
        self._sent = len(self.frames)


def plain(value) -> np.ndarray:
    """A tensor or array-like as a NumPy array."""
    array = value._a if hasattr(value, "_a") else np.asarray(value)
    return np.asarray(array.get() if hasattr(array, "get") else array)
