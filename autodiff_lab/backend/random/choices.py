"""Draws that choose or reject: permutations, categories, Poisson and gamma numbers."""

from __future__ import annotations

import math

import numpy as np

from .. import to_host
from .fills import bits53, exponential
from .generator import Generator
from .normals import standard_normal

__all__ = ["gamma", "multinomial", "poisson", "randperm"]

_LOOP_UP_TO = 400  # a Python loop is faster than the vectorised permutation up to here
_THIRD = float(np.float32(1.0 / 3.0))  # PyTorch rounds this one constant to single precision
_HUGE = (2**32 - 1) // 20  # permutations of this length on draw two words per step


def randperm(gen: Generator, n: int) -> np.ndarray:
    """A random order of 0 … n - 1, as int64. n - 1 words."""
    if n >= _HUGE:
        return _huge_randperm(gen, n)
    with gen.lock:
        words = gen.words(max(n - 1, 0))
    if n > _LOOP_UP_TO:
        steps = np.arange(n - 1)
        return _swapped(words.astype(np.int64) % (n - steps) + steps, n)
    order = list(range(n))
    for i, word in enumerate(words.tolist()):
        k = i + word % (n - i)
        order[i], order[k] = order[k], order[i]
    return np.array(order, np.int64)


def _swapped(targets, n):
    """The order after step i = 0, 1, … has swapped the elements i and `targets[i]`, without a loop over the steps.

    Slot i is final after step i, and holds what lay in slot targets[i] just before. That is the slot's own
    number, unless an earlier step targeted it too; then it is what that step moved there, which is what lay
    in the earlier step's own slot just before it. Chasing such moves back is the doubling loop below.
    """
    steps = np.arange(n - 1)
    came_from = np.arange(n)
    moved = targets != steps
    came_from[targets[moved]] = steps[moved]  # the last step that wrote into each slot
    while True:
        further = came_from[came_from]
        if np.array_equal(further, came_from):
            break
        came_from = further
    keys = targets << np.int64(32)
    keys |= steps
    keys.sort()  # by target, then by step: much faster than a stable argsort
    by_target, sorted_targets = keys & 0xFFFFFFFF, keys >> 32
    again = np.flatnonzero(sorted_targets[1:] == sorted_targets[:-1])
    result = np.empty(n, np.int64)
    result[:-1] = targets
    result[by_target[again + 1]] = came_from[by_target[again]]
    result[-1] = came_from[-1]
    return result


def _huge_randperm(gen, n):
    order = np.arange(n)
    with gen.lock:
        for i in range(n):
            high, low = gen.words(2).tolist()
            k = (high << 32 | low) % (i + 1)
            order[i] = order[k]
            order[k] = i
    return order


def multinomial(gen: Generator, weights, k: int, replacement: bool = False) -> np.ndarray:
    """`k` categories for every row of `weights`, as int64: how likely each is stands in the row.

    Without replacement, or for one number, every category runs a race (two words each); else two words a number.
    """
    weights = to_host(weights)
    with gen.lock:
        if not replacement or k == 1:
            race = np.empty_like(weights)
            exponential(gen, race)
            with np.errstate(divide="ignore", invalid="ignore"):
                race = weights / race
            if k == 1:
                return race.argmax(-1, keepdims=True)
            return np.argsort(-race, axis=-1, kind="stable")[..., :k].copy()
        rows = weights.reshape(-1, weights.shape[-1])
        chosen = np.empty((len(rows), k), np.int64)
        for row, out in zip(rows, chosen, strict=True):
            wide = row if row.dtype.itemsize >= 4 else row.astype(np.float32)
            steps = np.cumsum(wide)
            steps /= steps[-1]
            steps[-1] = 1.0
            out[...] = steps.astype(np.float64).searchsorted(bits53(gen, k) * 2.0**-53)
    return chosen.reshape(*weights.shape[:-1], k)


class _Uniforms:
    """Numbers in [0, 1) for a rejection loop: drawn ahead in bulk, and in the end exactly those used are spent."""

    def __init__(self, gen: Generator, expected: int):
        self.gen, self.expected, self.used = gen, expected, 0

    def __enter__(self):
        self.gen.lock.acquire()
        self.start = self.gen.state_array()
        self.numbers = iter(())
        return self

    def __call__(self) -> float:
        self.used += 1
        for number in self.numbers:
            return number
        self.numbers = iter((bits53(self.gen, self.expected) * 2.0**-53).tolist())
        return next(self.numbers)

    def __exit__(self, *exception):
        self.gen.load_state_array(self.start)
        if self.used:
            self.gen.words(2 * self.used)
        self.gen.lock.release()


def poisson(gen: Generator, rates) -> np.ndarray:
    """A Poisson number for each of `rates`, in their type."""
    rates = to_host(rates)
    flat = rates.reshape(-1).astype(np.float64).tolist()
    with _Uniforms(gen, 2 * len(flat) + 8) as uniform:
        drawn = [_poisson(rate, uniform) for rate in flat]
    return np.array(drawn, np.float64).astype(rates.dtype).reshape(rates.shape)


def _poisson(rate, uniform):
    if rate >= 10.0:
        return _large_poisson(rate, uniform)
    if rate == 0.0:
        return 0
    floor, product, count = math.exp(-rate), uniform(), 0
    while product > floor:
        product *= uniform()
        count += 1
    return count


def _large_poisson(rate, uniform):
    """PTRS of Hörmann (1993), The transformed rejection method for generating Poisson random variables."""
    root, log_rate = math.sqrt(rate), math.log(rate)
    b = 0.931 + 2.53 * root
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    squeeze = 0.9277 - 3.6224 / (b - 2.0)
    while True:
        u, v = uniform() - 0.5, uniform()
        us = 0.5 - abs(u)
        k = math.floor((2.0 * a / us + b) * u + rate + 0.43) if us else -1
        if us >= 0.07 and v <= squeeze:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        height = math.log(v) + math.log(inverse_alpha) - math.log(a / (us * us) + b)
        if height <= -rate + k * log_rate - math.lgamma(k + 1.0):
            return k


def gamma(gen: Generator, shapes) -> np.ndarray:
    """A gamma number of scale 1 for each of `shapes`, in their type (Marsaglia and Tsang, 2000)."""
    shapes = to_host(shapes)
    tiny = float(np.finfo(shapes.dtype).tiny) if shapes.dtype.itemsize >= 4 else 0.0
    kept = float if shapes.dtype == np.float64 else lambda x: float(np.float32(x))
    with gen.lock:
        drawn = [max(tiny, _gamma(shape, gen, kept)) for shape in shapes.reshape(-1).astype(np.float64).tolist()]
    return np.array(drawn, np.float64).astype(shapes.dtype).reshape(shapes.shape)


def _gamma(shape, gen, kept):
    """One number in float64, except that what comes from `shape` is `kept` in the type of the shapes, as in PyTorch."""
    def uniform():
        return 1.0 - int(bits53(gen, 1)[0]) * 2.0**-53

    scale = 1.0
    if shape < 1.0:  # a gamma number of shape + 1, shrunk
        if shape == 0.0:
            return 0.0
        scale = uniform() ** kept(1.0 / shape)
        shape = kept(shape + 1.0)
    d = kept(shape - _THIRD)
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x, y = 0.0, 0.0
        while y <= 0.0:
            x = standard_normal(gen)
            y = 1.0 + c * x
        v = y * y * y
        u = uniform()
        xx = x * x
        if u < 1.0 - 0.0331 * xx * xx or math.log(u) < 0.5 * xx + d * (1.0 - v + math.log(v)):
            return scale * d * v
