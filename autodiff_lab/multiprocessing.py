"""Python's own multiprocessing under PyTorch's name. Tensors are copied from process to process, not shared."""

from __future__ import annotations

from multiprocessing import *  # noqa: F403  # pyright: ignore[reportWildcardImportFromLibrary] - the same names

__all__ = ["get_all_sharing_strategies", "get_sharing_strategy", "set_sharing_strategy", "spawn"]


def set_sharing_strategy(new_strategy: str) -> None:
    """Accepted: tensors are copied."""


def get_sharing_strategy() -> str:
    """How tensors travel."""
    return "copy"


def get_all_sharing_strategies() -> set[str]:
    """How tensors can travel."""
    return {"copy"}


def spawn(*args, **kwargs):
    """Refused: it belongs to training in several processes."""
    raise RuntimeError("torch.multiprocessing.spawn is not here: this library trains in one process. Call the function itself, with rank 0.")


start_processes = spawn
