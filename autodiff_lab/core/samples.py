"""Sample inputs for operators: what the generated tests and the documentation run on.

Each maker returns a function without arguments that yields `(args, kwargs)`. Values are seeded, and
kept away from kinks where a derivative does not exist.
"""

from __future__ import annotations

import numpy as np

__all__ = ["also", "away_from", "calls", "pairs", "positive", "reals", "unit"]

SHAPES = ((3, 4), (), (5,), (2, 0, 3), (1, 3))


def _tensor(array, dtype=np.float64):
    from .tensor import wrap

    return wrap(np.asarray(array, dtype))


def _rng(seed: int = 0):
    return np.random.default_rng(seed)


def reals(low: float = -2.0, high: float = 2.0, shapes=SHAPES):
    """One tensor of each shape, uniform in [low, high)."""
    def make():
        rng = _rng()
        for shape in shapes:
            yield (_tensor(rng.uniform(low, high, shape)),), {}
    return make


def positive(low: float = 0.2, high: float = 3.0):
    """One tensor of positive numbers of each shape."""
    return reals(low, high)


def unit(margin: float = 0.1):
    """One tensor inside (-1, 1)."""
    return reals(-1 + margin, 1 - margin)


def away_from(*points: float, low: float = -2.0, high: float = 2.0, margin: float = 0.15):
    """Numbers at least `margin` from each of `points`, where an operator has a kink or a pole."""
    def make():
        rng = _rng()
        for shape in SHAPES:
            x = rng.uniform(low, high, shape)
            for point in points:
                x = np.where(np.abs(x - point) < margin, point + np.where(x >= point, margin, -margin) * 1.5, x)
            yield (_tensor(x),), {}
    return make


PAIRS = (((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 1), (1, 4)), ((), (3,)), ((2, 0), (1,)), ((), ()))


def pairs(low: float = -2.0, high: float = 2.0, positive_other: bool = False, gap: float = 0.0):
    """Two tensors that broadcast. `gap` keeps them apart, for operators with a kink where they are equal."""
    def make():
        rng = _rng()
        for a, b in PAIRS:
            x, y = rng.uniform(low, high, a), rng.uniform(low, high, b)
            if positive_other:
                y = np.abs(y) + 0.3
            if gap and y.size and np.broadcast(x, y).size:
                y = y + np.where(np.min(np.abs(np.subtract.outer(x, y)), initial=9) < gap, gap * 1.7, 0)
            yield (_tensor(x), _tensor(y)), {}
    return make


def also(*makers):
    """The samples of several makers, one after the other."""
    def make():
        for maker in makers:
            yield from maker()
    return make


def calls(*makers):
    """Sample calls written by hand: functions of a NumPy generator that return `(args, kwargs)`; arrays become tensors."""
    def make():
        for maker in makers:
            args, kwargs = maker(_rng())
            def convert(value):
                if isinstance(value, (np.ndarray, np.generic)):
                    return _tensor(value, value.dtype)
                return [convert(v) for v in value] if isinstance(value, list) else value
            yield tuple(convert(a) for a in args), {k: convert(v) for k, v in kwargs.items()}
    return make
