"""Tools around training: data loading, checkpointing, TensorBoard."""

from __future__ import annotations

from . import data


def __getattr__(name: str):
    """Parts that few programs ask for are imported when they do."""
    import importlib

    if name in ("_pytree", "benchmark", "checkpoint", "dlpack", "flop_counter", "hooks", "tensorboard"):
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
