"""The processor."""

from __future__ import annotations

__all__ = ["get_cpu_capability"]


def get_cpu_capability() -> str:
    """"DEFAULT": NumPy chooses by itself."""
    return "DEFAULT"
