"""What packages ask about objects that take over PyTorch's functions. Functions here are not taken over."""

from __future__ import annotations

from .core.tensor import Tensor

__all__ = ["TorchFunctionMode", "handle_torch_function", "has_torch_function", "has_torch_function_unary", "has_torch_function_variadic", "is_tensor_like", "is_tensor_method_or_property"]


def has_torch_function(relevant_args) -> bool:
    """False: `__torch_function__` is not called here."""
    return False


def has_torch_function_unary(arg) -> bool:
    """False."""
    return False


def has_torch_function_variadic(*args) -> bool:
    """False."""
    return False


def handle_torch_function(public_api, relevant_args, *args, **kwargs):
    """`public_api(*args, **kwargs)`: nothing takes it over."""
    return public_api(*args, **kwargs)


def is_tensor_like(inp) -> bool:
    """True for a tensor, and for an object that says it behaves like one."""
    return isinstance(inp, Tensor) or hasattr(inp, "__torch_function__")


def is_tensor_method_or_property(func) -> bool:
    """True for what is found on Tensor under its name."""
    return getattr(Tensor, getattr(func, "__name__", ""), None) is func


class TorchFunctionMode:
    """Takes over every function inside a `with` block in PyTorch.

    Raises:
        RuntimeError: on entering, because functions are not taken over here.
    """

    def __enter__(self):
        raise RuntimeError("TorchFunctionMode is not here: functions are not taken over, neither by modes nor by __torch_function__.")

    def __exit__(self, *exception) -> None:
        return None
