"""The few names of PyTorch's compiled part that packages touch in passing."""

from __future__ import annotations

__all__: list[str] = []


def _get_tracing_state() -> None:
    """None: nothing is traced."""


def _log_api_usage_once(*args) -> None:
    """Nothing is counted."""


def _get_privateuse1_backend_name() -> str:
    """The name that PyTorch gives a device of somebody's own."""
    return "privateuseone"


def _disabled_torch_function_impl(func, types, args=(), kwargs=None):
    """`func(*args, **kwargs)`: what a subclass of Tensor names that takes over no function."""
    return func(*args, **(kwargs or {}))
