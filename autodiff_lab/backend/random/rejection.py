"""Draws that reject: Poisson and binomial numbers. How many words a number takes is known only afterwards.

One by one, therefore, but for what depends on the parameters alone. Where these are the same for all numbers and
every try takes two words, it does not matter which number a try is for, and all tries are made at once.
"""

from __future__ import annotations

import math

import numpy as np

from .. import to_host
from .arithmetic import libm
from .fills import BLOCK, doubles
from .generator import Generator

__all__ = ["binomial", "poisson"]

_FEW = 16


def _uniforms(gen: Generator, finished: list, wanted: int):
    """Numbers in [0, 1), one by one. They are drawn ahead, as many as numbers are not finished: each takes at least one."""
    while True:
        yield from doubles(gen, wanted - len(finished)).tolist()


def _rows(*columns):
    return zip(*(column.tolist() for column in columns), strict=True)


def _all_at_once(gen: Generator, n: int, tries) -> np.ndarray:
    """The first `n` numbers that `tries(u, v)`, given as numbers and whether each is accepted, makes of pairs in [0, 1)."""
    found, missing = [], n
    with np.errstate(all="ignore"):
        while missing:
            pairs = doubles(gen, 2 * min(missing, BLOCK)).reshape(-1, 2)
            k, accepted = tries(pairs[:, 0], pairs[:, 1])
            found.append(k[accepted])
            missing -= len(found[-1])
    return np.concatenate(found)


def _are_same(numbers) -> bool:
    return len(numbers) > _FEW and bool((numbers == numbers[0]).all())


def poisson(gen: Generator, rates) -> np.ndarray:
    """A Poisson number for each of `rates`, in their type."""
    rates = to_host(rates)
    flat = rates.reshape(-1).astype(np.float64)
    result = np.zeros(len(flat))
    positive = np.flatnonzero(flat)  # a rate of 0 draws nothing
    flat = flat[positive]
    with gen.lock:
        if _are_same(flat) and flat[0] >= 10.0:
            result[positive] = _all_at_once(gen, len(flat), _PoissonTries(float(flat[0])).all)
        else:
            result[positive] = _poisson_one_by_one(gen, flat)
    return result.astype(rates.dtype).reshape(rates.shape)


def _poisson_one_by_one(gen, rates):
    drawn = []
    uniform = _uniforms(gen, drawn, len(rates)).__next__
    for rate, floor in zip(rates.tolist(), libm("exp")(-rates).tolist(), strict=True):
        if rate >= 10.0:
            drawn.append(_PoissonTries(rate).next(uniform))
            continue
        product, count = uniform(), 0
        while product > floor:
            product *= uniform()
            count += 1
        drawn.append(count)
    return drawn


class _PoissonTries:
    """PTRS of Hörmann (1993), The transformed rejection method for generating Poisson random variables."""

    __slots__ = ("a", "b", "rate", "squeeze")

    def __init__(self, rate):
        self.rate = rate
        self.b = 0.931 + 2.53 * math.sqrt(rate)
        self.a = -0.059 + 0.02483 * self.b
        self.squeeze = 0.9277 - 3.6224 / (self.b - 2.0)

    def next(self, uniform):
        a, b, rate, squeeze = self.a, self.b, self.rate, self.squeeze
        while True:
            u, v = uniform() - 0.5, uniform()
            us = 0.5 - abs(u)
            k = math.floor((2.0 * a / us + b) * u + rate + 0.43) if us else -1
            if us >= 0.07 and v <= squeeze:
                return k
            if k >= 0 and (us >= 0.013 or v <= us) and self.accepts(k, us, v, math.log, math.lgamma):
                return k

    def all(self, u, v):
        from scipy.special import gammaln

        u = u - 0.5
        us = 0.5 - np.abs(u)
        k = np.floor((2.0 * self.a / us + self.b) * u + self.rate + 0.43)
        accepted = (us >= 0.07) & (v <= self.squeeze)
        open_ = np.flatnonzero(~accepted & (k >= 0) & ((us >= 0.013) | (v <= us)))
        accepted[open_] = self.accepts(k[open_], us[open_], v[open_], np.log, gammaln)
        return k, accepted

    def accepts(self, k, us, v, log, lgamma):
        height = log(v) + math.log(1.1239 + 1.1328 / (self.b - 3.4)) - log(self.a / (us * us) + self.b)
        return height <= -self.rate + k * math.log(self.rate) - lgamma(k + 1.0)


def binomial(gen: Generator, counts, chances) -> np.ndarray:
    """How many of `counts` trials succeed, each with the probability in `chances`; in the type of `counts`."""
    counts, chances = np.broadcast_arrays(to_host(counts), to_host(chances))
    kept = np.float64 if counts.dtype == np.float64 else np.float32
    count, chance = counts.reshape(-1).astype(kept), chances.reshape(-1).astype(kept)
    result = np.where((count <= 0) | (chance <= 0), 0, np.where(chance >= 1, count, np.nan)).astype(kept)
    open_ = np.flatnonzero((count > 0) & (chance > 0) & (chance < 1))  # the others draw nothing
    count, chance = count[open_], chance[open_]
    rarer = np.where(chance <= 0.5, chance, 1 - chance)
    with gen.lock:
        if _are_same(count) and _are_same(rarer) and count[0] * rarer[0] >= 10:
            tries, = _binomial_tries(count[:1], rarer[:1])
            successes = _all_at_once(gen, len(count), tries.all)
        else:
            successes = np.array(_binomial_one_by_one(gen, count, rarer), np.float64)
    result[open_] = np.where(chance <= 0.5, successes, count - successes)
    return result.astype(counts.dtype).reshape(counts.shape)


def _binomial_one_by_one(gen, counts, chances):
    drawn, large = [], counts * chances >= 10
    tries = _binomial_tries(counts[large], chances[large])
    uniform = _uniforms(gen, drawn, len(counts)).__next__
    for is_large, count, bottom in _rows(large, counts, np.log1p(-chances)):
        drawn.append(next(tries).next(uniform) if is_large else _small_binomial(uniform, count, bottom))
    return drawn


def _small_binomial(uniform, count, bottom):
    """Count the gaps between successes, which are geometric numbers, until the trials are used up."""
    successes, trials = 0, 0
    while True:
        u = uniform()
        trials += math.ceil(math.log(u) / bottom) if u else math.inf
        if trials > count:
            return successes
        successes += 1


def _binomial_tries(count, chance):
    # These are in the type of the parameters, as in PyTorch; the rest is in float64.
    mean, odds, mode = count * chance, chance / (1 - chance), np.floor((count + 1) * chance)
    deviation = np.sqrt(mean * (1 - chance))
    count, chance, mean, odds, mode, deviation = (
        x.astype(np.float64) for x in (count, chance, mean, odds, mode, deviation))
    height = ((mode + 0.5) * np.log((mode + 1) / (odds * (count - mode + 1)))
              + _stirling_rests(mode) + _stirling_rests(count - mode))
    return (_BinomialTries(*row) for row in _rows(count, chance, mean, deviation, odds, mode, height))


class _BinomialTries:
    """BTRS of Hörmann (1993), The generation of binomial random variates."""

    __slots__ = ("a", "alpha", "b", "center", "count", "height", "mode", "odds", "squeeze")

    def __init__(self, count, chance, mean, deviation, odds, mode, height):
        self.count, self.odds, self.mode, self.height, self.center = count, odds, mode, height, mean + 0.5
        self.b = 1.15 + 2.53 * deviation
        self.a = -0.0873 + 0.0248 * self.b + 0.01 * chance
        self.squeeze = 0.92 - 4.2 / self.b
        self.alpha = (2.83 + 5.1 / self.b) * deviation

    def next(self, uniform):
        a, b, center, squeeze = self.a, self.b, self.center, self.squeeze
        while True:
            u, v = uniform() - 0.5, uniform()
            us = 0.5 - abs(u)
            k = math.floor((2.0 * a / us + b) * u + center) if us else -1
            if not 0 <= k <= self.count:
                continue
            if (us >= 0.07 and v <= squeeze) or self.accepts(k, us, v, math.log, _stirling_rest):
                return k

    def all(self, u, v):
        u = u - 0.5
        us = 0.5 - np.abs(u)
        k = np.floor((2.0 * self.a / us + self.b) * u + self.center)
        possible = (k >= 0) & (k <= self.count)
        accepted = possible & (us >= 0.07) & (v <= self.squeeze)
        open_ = np.flatnonzero(possible & ~accepted)
        accepted[open_] = self.accepts(k[open_], us[open_], v[open_], np.log, _stirling_rests)
        return k, accepted

    def accepts(self, k, us, v, log, stirling_rest):
        count, mode, odds = self.count, self.mode, self.odds
        height = log(v * self.alpha / (self.a / (us * us) + self.b))
        return height <= (self.height + (count + 1) * log((count - mode + 1) / (count - k + 1))
                          + (k + 0.5) * log(odds * (count - k + 1) / (k + 1))
                          - stirling_rest(k) - stirling_rest(count - k))


# log(k!) less Stirling's formula, for k = 0 … 9.
_STIRLING_REST = (0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
                  0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287)


def _stirling_rest(k):
    if k <= 9:
        return _STIRLING_REST[int(k)]
    square = (k + 1) ** 2
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1)


def _stirling_rests(k):
    square = (k + 1) ** 2
    return np.where(k <= 9, np.array(_STIRLING_REST)[np.minimum(k, 9).astype(int)],
                    (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1))
