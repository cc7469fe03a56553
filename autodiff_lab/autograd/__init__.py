"""Differentiation: `backward`, `grad` and what builds on them."""

from __future__ import annotations

from . import engine  # noqa: F401
from .engine import backward, grad

__all__ = ["backward", "grad"]
