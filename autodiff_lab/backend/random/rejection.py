"""Draws that reject: Poisson and binomial numbers. How many words a number takes is known only afterwards."""

from __future__ import annotations

import math

import numpy as np

from .. import to_host
from .fills import bits53
from .generator import Generator

__all__ = ["binomial", "poisson"]


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


def binomial(gen: Generator, counts, chances) -> np.ndarray:
    """How many of `counts` trials succeed, each with the probability in `chances`; in the type of `counts`."""
    counts, chances = np.broadcast_arrays(to_host(counts), to_host(chances))
    trials = zip(counts.reshape(-1).tolist(), chances.reshape(-1).tolist(), strict=True)
    with _Uniforms(gen, 2 * counts.size + 8) as uniform:
        drawn = [_binomial(count, chance, uniform) for count, chance in trials]
    return np.array(drawn, np.float64).astype(counts.dtype).reshape(counts.shape)


def _binomial(count, chance, uniform):
    if count <= 0 or chance <= 0:
        return 0
    if chance >= 1:
        return count
    if math.isnan(chance):
        return chance
    rarer = chance if chance <= 0.5 else 1.0 - chance
    successes = (_large_binomial if count * rarer >= 10 else _small_binomial)(count, rarer, uniform)
    return successes if chance <= 0.5 else count - successes


def _small_binomial(count, chance, uniform):
    """Count the gaps between successes, which are geometric numbers, until the trials are used up."""
    bottom, successes, trials = math.log1p(-chance), 0, 0
    while True:
        u = uniform()
        trials += math.ceil(math.log(u) / bottom) if u else math.inf
        if trials > count:
            return successes
        successes += 1


def _large_binomial(count, chance, uniform):
    """BTRS of Hörmann (1993), The generation of binomial random variates."""
    deviation = math.sqrt(count * chance * (1.0 - chance))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * chance
    center = count * chance + 0.5
    squeeze = 0.92 - 4.2 / b
    odds = chance / (1.0 - chance)
    alpha = (2.83 + 5.1 / b) * deviation
    mode = math.floor((count + 1) * chance)
    while True:
        u, v = uniform() - 0.5, uniform()
        us = 0.5 - abs(u)
        k = math.floor((2.0 * a / us + b) * u + center) if us else -1
        if us >= 0.07 and v <= squeeze:
            return k
        if k < 0 or k > count:
            continue
        height = math.log(v * alpha / (a / (us * us) + b))
        bound = ((mode + 0.5) * math.log((mode + 1) / (odds * (count - mode + 1)))
                 + (count + 1) * math.log((count - mode + 1) / (count - k + 1))
                 + (k + 0.5) * math.log(odds * (count - k + 1) / (k + 1))
                 + _stirling_rest(mode) + _stirling_rest(count - mode) - _stirling_rest(k) - _stirling_rest(count - k))
        if height <= bound:
            return k


# log(k!) less Stirling's formula, for k = 0 … 9.
_STIRLING_REST = (0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
                  0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287)


def _stirling_rest(k):
    if k <= 9:
        return _STIRLING_REST[int(k)]
    square = (k + 1) ** 2
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1)
