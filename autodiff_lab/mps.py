"""Apple's GPUs: not used here; see `backends.mps`."""

from __future__ import annotations

from .backends.mps import is_available

__all__ = ["device_count", "empty_cache", "is_available", "manual_seed", "synchronize"]


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """Accepted."""


def synchronize() -> None:
    """Nothing to wait for."""


def empty_cache() -> None:
    """Nothing to give back."""
