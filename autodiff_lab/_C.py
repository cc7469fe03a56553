"""The few names of PyTorch's compiled part that packages touch in passing."""

from __future__ import annotations

from .core.overriding import DisableTorchFunction, DisableTorchFunctionSubclass
from .core.overriding import disabled as _disabled_torch_function_impl
from .core.tensor import Tensor

__all__ = ["DisableTorchFunction", "DisableTorchFunctionSubclass", "_disabled_torch_function_impl"]

_TensorMeta = type(Tensor)


def _get_tracing_state() -> None:
    """None: nothing is traced."""


def _log_api_usage_once(*args) -> None:
    """Nothing is counted."""


def _get_privateuse1_backend_name() -> str:
    """The name that PyTorch gives a device of somebody's own."""
    return "privateuseone"
