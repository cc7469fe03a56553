"""Apple's GPUs: not used here."""

from __future__ import annotations

__all__ = ["is_available", "is_built"]


def is_built() -> bool:
    """False."""
    return False


def is_available() -> bool:
    """False: this library computes on the processor and, with CuPy, on CUDA.

    >>> import autodiff_lab as lab
    >>> lab.backends.mps.is_available()
    False
    """
    return False
