"""Tools around training: data loading, checkpointing, TensorBoard."""

from __future__ import annotations

from . import data
