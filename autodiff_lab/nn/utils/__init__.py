"""Utilities: gradient clipping, parameters as vectors, normalised and pruned weights, padded sequences."""

from __future__ import annotations

__all__: list[str] = []
