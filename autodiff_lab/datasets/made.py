"""Data sets that are generated: each from a seed of its own, so that the default random stream is left alone."""

from __future__ import annotations

import math

import numpy as np

from ..backend import random
from ..core.op import public
from ..core.tensor import Tensor

__all__ = ["make_moons", "make_sine", "make_spirals", "make_xor", "sine_mixtures", "two_digit_sums"]


class _Draws:
    """Numbers from a generator seeded for one data set."""

    def __init__(self, seed: int):
        self.generator = random.Generator().manual_seed(seed)

    def normal(self, *shape: int) -> np.ndarray:
        return random.normal(self.generator, np.empty(shape, np.float64))

    def uniform(self, low: float, high: float, *shape: int) -> np.ndarray:
        return random.uniform(self.generator, np.empty(shape, np.float64), low, high)

    def order(self, n: int) -> np.ndarray:
        return random.randperm(self.generator, n)


def _tensors(x: np.ndarray, y: np.ndarray) -> tuple[Tensor, Tensor]:
    from_numpy = public[""]["from_numpy"]
    return from_numpy(np.ascontiguousarray(x, np.float32)), from_numpy(np.ascontiguousarray(y))


def make_moons(n: int = 200, *, noise: float = 0.1, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Two half circles that reach into each other: points of shape [n, 2], and 0 or 1 for each.

    >>> import autodiff_lab as lab
    >>> x, y = lab.datasets.make_moons(100)
    >>> x.shape, y.bincount()
    (torch.Size([100, 2]), tensor([50, 50]))
    """
    draws = _Draws(seed)
    label = np.arange(n) % 2
    angle = draws.uniform(0.0, math.pi, n)
    x = np.stack([np.where(label, 1 - np.cos(angle), np.cos(angle)), np.where(label, 0.5 - np.sin(angle), np.sin(angle))], 1)
    return _tensors(x + noise * draws.normal(n, 2), label.astype(np.int64))


def make_spirals(n: int = 300, *, classes: int = 3, turns: float = 0.75, noise: float = 0.05, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Arms of a spiral around the origin: points of shape [n, 2], and the arm of each, 0 to classes - 1.

    >>> import autodiff_lab as lab
    >>> X, y = lab.datasets.make_spirals()
    >>> X.shape, y.shape
    (torch.Size([300, 2]), torch.Size([300]))
    """
    draws = _Draws(seed)
    label = np.arange(n) % classes
    radius = draws.uniform(0.05, 1.0, n)
    angle = 2 * math.pi * (turns * radius + label / classes)
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    return _tensors(x + noise * draws.normal(n, 2), label.astype(np.int64))


def make_xor(n: int = 200, *, noise: float = 0.0, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Points in the square from -1 to 1; the label says whether exactly one coordinate is positive.

    With n=4 these are the four corners.

    >>> import autodiff_lab as lab
    >>> X, y = lab.datasets.make_xor()
    >>> X.shape, y.shape
    (torch.Size([200, 2]), torch.Size([200]))
    """
    draws = _Draws(seed)
    x = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]) if n == 4 else draws.uniform(-1.0, 1.0, n, 2)
    label = (x[:, 0] > 0) ^ (x[:, 1] > 0)
    return _tensors(x + noise * draws.normal(n, 2), label.astype(np.int64))


def make_sine(n: int = 40, *, noise: float = 0.2, seed: int = 0) -> tuple[Tensor, Tensor]:
    """A noisy sine for regression: x in [-π, π] and sin x + noise, both of shape [n, 1].

    >>> import autodiff_lab as lab
    >>> x, y = lab.datasets.make_sine()
    >>> x.shape, y.shape
    (torch.Size([40, 1]), torch.Size([40, 1]))
    """
    draws = _Draws(seed)
    x = draws.uniform(-math.pi, math.pi, n, 1)
    return _tensors(x, (np.sin(x) + noise * draws.normal(n, 1)).astype(np.float32))


def sine_mixtures(n: int = 64, length: int = 50, *, waves: int = 2, noise: float = 0.0, seed: int = 0) -> Tensor:
    """Sequences that are sums of `waves` sines of random frequency, phase and weight; shape [n, length, 1].

    To predict the next value, use `sequences[:, :-1]` and `sequences[:, 1:]`.
    """
    draws = _Draws(seed)
    period, phase, weight = (draws.uniform(*limits, n, 1, waves) for limits in ((8.0, 25.0), (0.0, 2 * math.pi), (0.3, 1.0)))
    steps = np.arange(length).reshape(1, length, 1)
    sequences = (weight * np.sin(2 * math.pi * steps / period + phase)).sum(-1, keepdims=True) / waves
    return public[""]["from_numpy"]((sequences + noise * draws.normal(n, length, 1)).astype(np.float32))


def two_digit_sums(n: int | None = None, *, seed: int = 0) -> list[tuple[str, str]]:
    """Questions such as "12+34" and their answers, always of three digits, "046".

    Args:
        n: how many, in random order; default: all 10 000 from "00+00" to "99+99".

    >>> import autodiff_lab as lab
    >>> lab.datasets.two_digit_sums()[1234]
    ('12+34', '046')
    """
    chosen = range(10000) if n is None else _Draws(seed).order(10000)[:n].tolist()
    return [(f"{i // 100:02d}+{i % 100:02d}", f"{i // 100 + i % 100:03d}") for i in chosen]
