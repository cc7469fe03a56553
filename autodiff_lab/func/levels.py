"""Which vmaps are running in this thread, and the way from their tensors to plain ones and back.

Apart from batched.py, whose class lets every function look at its arguments once it is there.
"""

from __future__ import annotations

import threading

from ..utils._pytree import tree_map

__all__ = ["AllSamples", "bottom", "bring_back", "deep", "entered", "running", "state", "through"]


class _State(threading.local):
    sizes: tuple = ()  # the number of samples of each vmap, the outermost first


state = _State()


class AllSamples:
    """What stands for all samples in vmap number `level`: they lie along the first dimension of `whole`."""

    whole = level = None


def running() -> tuple:
    """The numbers of the vmaps that are running, each with how many samples it has."""
    return tuple(enumerate(state.sizes, 1))


class entered:
    """While it lasts, one more vmap over `size` samples is running; gives its number."""

    def __init__(self, size: int):
        self._size = size

    def __enter__(self) -> int:
        self._before = state.sizes
        state.sizes = (*self._before, self._size)
        return len(state.sizes)

    def __exit__(self, *exception) -> None:
        state.sizes = self._before


def bottom(value, within: tuple):
    """The plain tensor behind `value`, with one dimension in front for each vmap of `within`, the outermost first."""
    for level, size in reversed(within):
        value = value.whole if isinstance(value, AllSamples) and value.level == level else value.expand((size, *value.shape))
    return value


def bring_back(value, within: tuple):
    """The opposite of `bottom`."""
    if within:
        from .batched import Batched

        for level, _ in within:
            value = Batched.of(value, level)
    return value


def through(function, value):
    """`function` of the plain tensor behind `value`, which comes back as `value` was."""
    if not isinstance(value, AllSamples):
        return function(value)
    from .batched import Batched

    return Batched.of(through(function, value.whole), value.level)


def deep(tree):
    """A nesting with plain tensors, none of them expanded."""
    def plain(value):
        while isinstance(value, AllSamples):
            value = value.whole
        return value
    return tree_map(plain, tree)
