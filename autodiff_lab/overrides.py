"""What programs ask about `__torch_function__`, by which objects and modes take functions over; `core.overriding` does it.

    class Scalar:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None): ...   # sees every function that a Scalar is given to
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable
from typing import Any

from .core import overriding
from .core.op import public
from .core.overriding import TorchFunctionMode, hand_over, name_of, nowrap, overloaded, state, takes_over
from .core.tensor import Tensor

__all__ = [
    "BaseTorchFunctionMode", "TorchFunctionMode", "get_default_nowrap_functions", "get_ignored_functions", "get_overridable_functions", "get_testing_overrides",
    "handle_torch_function",
    "has_torch_function", "has_torch_function_unary", "has_torch_function_variadic", "is_tensor_like", "is_tensor_method_or_property", "resolve_name",
    "wrap_torch_function",
]


def has_torch_function(relevant_args) -> bool:
    """True if one of `relevant_args`, or a mode, takes functions over.

    >>> import autodiff_lab as lab
    >>> class Mine(lab.Tensor): pass
    >>> lab.overrides.has_torch_function((lab.ones(1),)), lab.overrides.has_torch_function((Mine([1.0]),))
    (False, True)
    """
    if state.modes and state.off < 2:
        return True
    return not state.off and any(type(value) is not Tensor and takes_over(value) for value in relevant_args)


def has_torch_function_unary(arg) -> bool:
    """The same for one argument."""
    return has_torch_function((arg,))


def has_torch_function_variadic(*args) -> bool:
    """The same for arguments one by one."""
    return has_torch_function(args)


def handle_torch_function(public_api, relevant_args, *args, **kwargs) -> Any:
    """What the objects in `relevant_args` that take over make of `public_api(*args, **kwargs)`.

    Raises:
        TypeError: if none of them knows the function.
    """
    overriding.begin()
    return hand_over(public_api, [] if state.off else overloaded(tuple(relevant_args), {}), args, kwargs)


def wrap_torch_function(dispatcher: Callable):
    """Decorate a function of your own, so that the arguments that `dispatcher` names may take it over."""
    def decorate(function):
        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            relevant = dispatcher(*args, **kwargs)
            if has_torch_function(relevant):
                return handle_torch_function(wrapped, relevant, *args, **kwargs)
            return function(*args, **kwargs)
        return wrapped
    return decorate


def is_tensor_like(inp) -> bool:
    """True for a tensor, and for an object that takes functions over."""
    return isinstance(inp, Tensor) or hasattr(inp, "__torch_function__")


def _of_tensor() -> list:
    """The methods and the accessors of properties of Tensor that can be taken over."""
    found = []
    for name, value in vars(Tensor).items():
        if isinstance(value, property):
            found.append(value.__get__)
        elif isinstance(value, types.FunctionType) and name not in overriding.UNSEEN_METHODS and (not name.startswith("_") or name.startswith("__")):
            found.append(value)
    return found


def is_tensor_method_or_property(func) -> bool:
    """True for a method of Tensor, and for `Tensor.<property>.__get__`. A function that is a method too, as `torch.add` is here, counts as one."""
    return func in _of_tensor()


def _modules() -> dict:
    import importlib

    package = __name__.partition(".")[0]
    return {namespace: importlib.import_module(f"{package}.{namespace}" if namespace else package) for namespace in ("", "nn.functional", "linalg", "fft", "special")}


def get_overridable_functions() -> dict:
    """The functions that can be taken over, by the module or class they are found in."""
    hidden = overriding.UNSEEN | overriding.CREATION
    found = {module: [f for name, f in public[namespace].items() if isinstance(f, types.FunctionType) and name not in hidden] for namespace, module in _modules().items()}
    found[Tensor] = _of_tensor()
    return found


def get_ignored_functions() -> set:
    """The functions that no argument can take over: what makes tensors from numbers, questions and settings."""
    return {f for name, f in public[""].items() if name in overriding.UNSEEN | overriding.CREATION and isinstance(f, types.FunctionType)}


@functools.cache
def get_testing_overrides() -> dict:
    """For every function that can be taken over, one with the same arguments that returns -1.

    >>> import autodiff_lab as lab
    >>> lab.overrides.get_testing_overrides()[lab.add](lab.ones(1), 2)
    -1
    """
    return {function: _returns_minus_one(function) for functions in get_overridable_functions().values() for function in functions}


def _returns_minus_one(function) -> Callable:
    def dummy(*args, **kwargs):
        return -1

    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # an attribute
        return lambda self: -1
    dummy.__signature__ = signature.replace(return_annotation=signature.empty)
    return dummy


def get_default_nowrap_functions() -> set:
    """The functions whose result the default `__torch_function__` leaves a plain tensor."""
    return nowrap()


def resolve_name(f) -> str | None:
    """The name by which a program reaches the function, e.g. "torch.Tensor.add_"; None if it can't be taken over.

    >>> import autodiff_lab as lab
    >>> lab.overrides.resolve_name(lab.nn.functional.relu), lab.overrides.resolve_name(lab.Tensor.shape.__get__)
    ('torch.nn.functional.relu', 'torch.Tensor.shape.__get__')
    """
    return name_of(f) if f in overriding.looking or f in _of_tensor() or any(f in functions for functions in get_overridable_functions().values()) else None


BaseTorchFunctionMode = type("BaseTorchFunctionMode", (TorchFunctionMode,), {
    "__doc__": "A mode that changes nothing.", "__torch_function__": lambda self, func, types, args=(), kwargs=None: func(*args, **(kwargs or {}))})
