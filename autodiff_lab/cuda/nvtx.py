"""Marks for NVIDIA's profilers: accepted, and not made."""

from __future__ import annotations

import contextlib

__all__ = ["mark", "range", "range_pop", "range_push"]


def range_push(msg: str) -> int:
    """Accepted."""
    return 0


def range_pop() -> int:
    """Accepted."""
    return 0


def mark(msg: str) -> None:
    """Accepted."""


@contextlib.contextmanager
def range(msg: str, *args, **kwargs):
    """Accepted; nothing is marked."""
    yield
