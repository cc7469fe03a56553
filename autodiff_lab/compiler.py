"""What programs ask of PyTorch's compiler. There is none here, so everything runs as it is written."""

from __future__ import annotations

from .settings import compile

__all__ = ["compile", "cudagraph_mark_step_begin", "disable", "is_compiling", "is_dynamo_compiling", "reset"]


def is_compiling() -> bool:
    """False."""
    return False


is_dynamo_compiling = is_compiling


def disable(fn=None, recursive: bool = True, *, reason=None):
    """The function as it is."""
    return (lambda function: function) if fn is None else fn


def reset() -> None:
    """Nothing to reset."""


def cudagraph_mark_step_begin() -> None:
    """Nothing to mark."""


def allow_in_graph(fn):
    """The function as it is."""
    return fn
