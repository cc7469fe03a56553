"""Draws that choose: permutations and categories."""

from __future__ import annotations

import numpy as np

from .. import to_host
from .fills import doubles, exponential
from .generator import Generator

__all__ = ["multinomial", "randperm"]

_FEW = 32  # up to here no array operation pays
_LOOP_UP_TO = 200  # a Python loop is faster than the vectorised permutation up to here
_COUNTED = 2048  # up to so many comparisons a row, counting the steps below is faster than a search row by row
_HUGE = (2**32 - 1) // 20  # permutations of this length on draw two words per step


def randperm(gen: Generator, n: int) -> np.ndarray:
    """A random order of 0 … n - 1, as int64. n - 1 words."""
    if n >= _HUGE:
        return _huge_randperm(gen, n)
    with gen.lock:
        words = gen.words(max(n - 1, 0))
    if n <= _FEW:
        targets = [i + word % (n - i) for i, word in enumerate(words.tolist())]
    else:
        steps = np.arange(n - 1)
        targets = words.view(np.int64) % (n - steps)
        targets += steps
        if n > _LOOP_UP_TO:
            return _swapped(targets, steps, n)
        targets = targets.tolist()
    order = list(range(n))
    for i, k in enumerate(targets):
        order[i], order[k] = order[k], order[i]
    return np.array(order, np.int64)


def _swapped(targets, steps, n):
    """The order after step i = 0, 1, … has swapped the elements i and `targets[i]`, without a loop over the steps.

    Slot i is final after step i, and holds what lay in slot targets[i] just before. That is the slot's own
    number, unless an earlier step targeted it too; then it is what that step moved there, which is what lay
    in the earlier step's own slot just before it. Chasing such moves back is the doubling loop below.
    """
    came_from = np.arange(n + 1)
    came_from[np.where(targets == steps, n, targets)] = steps  # the last step that wrote into each slot from another
    came_from = came_from[:n]
    while True:
        further = came_from.take(came_from)
        if (further == came_from).all():
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
        wide = weights if weights.dtype.itemsize >= 4 else weights.astype(np.float32)
        steps = np.cumsum(wide.reshape(-1, wide.shape[-1]), axis=-1)
        steps /= steps[:, -1:].copy()
        steps[:, -1] = 1.0
        steps = steps.astype(np.float64)
        unit = doubles(gen, len(steps) * k).reshape(len(steps), k)
    if k * steps.shape[-1] <= _COUNTED and len(steps) > 1:
        chosen = (steps[:, None] < unit[:, :, None]).sum(-1)
    else:
        chosen = np.stack([row.searchsorted(u) for row, u in zip(steps, unit, strict=True)])
    return chosen.reshape(*weights.shape[:-1], k)
