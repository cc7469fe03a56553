"""`autocast` and what goes with it: the lists of functions are in `core/autocasting.py`."""

from __future__ import annotations

import collections.abc
import functools

import numpy as np

from ..core import autocasting
from ..core.autocasting import state
from ..core.devices import cuda_available, device
from ..core.dtypes import bfloat16, dtype, float16
from ..core.errors import caution
from ..core.tensor import Tensor

__all__ = ["autocast", "autocast_decorator", "autocast_decrement_nesting", "autocast_increment_nesting", "clear_autocast_cache", "custom_bwd", "custom_fwd",
           "get_autocast_cpu_dtype", "get_autocast_dtype", "get_autocast_gpu_dtype", "is_autocast_available", "is_autocast_cache_enabled", "is_autocast_cpu_enabled",
           "is_autocast_enabled", "set_autocast_cache_enabled", "set_autocast_cpu_dtype", "set_autocast_cpu_enabled", "set_autocast_dtype", "set_autocast_enabled"]

_KNOWN = ("cpu", "cuda", "xpu", "ipu", "hpu", "xla", "mps", "mtia", "maia", "privateuseone")


def is_autocast_available(device_type: str) -> bool:
    """True for every kind of device that PyTorch has autocast for; only "cpu" can be switched on here.

    Raises:
        RuntimeError: if there is no such kind of device.
    """
    return device_type in _KNOWN or device(device_type) is None


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """True inside `autocast(device_type)`; without a word, inside `autocast("cuda")`.

    >>> import autodiff_lab as lab
    >>> with lab.autocast("cpu"):
    ...     lab.is_autocast_enabled("cpu"), lab.is_autocast_enabled()
    (True, False)
    """
    return device_type == "cpu" and state.enabled


def is_autocast_cpu_enabled() -> bool:
    """`is_autocast_enabled("cpu")`."""
    return state.enabled


def set_autocast_enabled(device_type: str | bool, enabled: bool = False) -> None:
    """What `autocast` does when it begins.

    Raises:
        RuntimeError: if it is to be switched on for a device on which this library cannot do it.
    """
    if isinstance(device_type, bool):
        device_type, enabled = "cuda", device_type
    if device_type == "cpu":
        if enabled:
            autocasting.begin()
        state.enabled = enabled
    elif enabled:
        raise RuntimeError(f"autocast for '{device_type}' would compute products in 16 bits, which this library does on the processor only. Pass enabled=False, or take it out: "
                           "everything then runs in float32.")


def set_autocast_cpu_enabled(enabled: bool) -> None:
    """`set_autocast_enabled("cpu", enabled)`."""
    set_autocast_enabled("cpu", enabled)


def get_autocast_dtype(device_type: str):
    """The type that autocast computes in: on a processor bfloat16, on a GPU float16, unless another was set.

    >>> import autodiff_lab as lab
    >>> lab.get_autocast_dtype("cpu")
    torch.bfloat16
    """
    return autocasting.lower() if device_type == "cpu" else bfloat16 if device_type == "xpu" else float16


def set_autocast_dtype(device_type: str, dtype) -> None:
    """Let autocast compute in `dtype`."""
    if device_type == "cpu":
        state.dtype = dtype


def get_autocast_cpu_dtype():
    """`get_autocast_dtype("cpu")`."""
    return get_autocast_dtype("cpu")


def set_autocast_cpu_dtype(dtype) -> None:
    """`set_autocast_dtype("cpu", dtype)`."""
    set_autocast_dtype("cpu", dtype)


def get_autocast_gpu_dtype():
    """`get_autocast_dtype("cuda")`."""
    return get_autocast_dtype("cuda")


def is_autocast_cache_enabled() -> bool:
    """True unless a program switches it off: a parameter is cast once for all its uses."""
    return state.cache_enabled


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Whether a parameter is cast once for all its uses."""
    state.cache_enabled = bool(enabled)


def clear_autocast_cache() -> None:
    """Forget which parameters were cast."""
    state.cache.clear()


def autocast_increment_nesting() -> int:
    """Note that one more `autocast` began."""
    state.nesting += 1
    return state.nesting


def autocast_decrement_nesting() -> int:
    """Note that one ended."""
    state.nesting -= 1
    return state.nesting


class autocast:
    """Inside, products (`matmul`, `linear`, convolutions, attention) run in sixteen bits, losses, `fft` and `linalg` in float32, everything else as it comes.

    A context manager and a decorator. Only the forward pass belongs inside.

    Args:
        device_type: "cpu". "cuda" is off without a GPU, with a warning, as in PyTorch; with one it is refused.
        dtype: bfloat16 (the default) or float16.
        enabled: False switches an enclosing one off.
        cache_enabled: cast a parameter once for all its uses.

    >>> import autodiff_lab as lab
    >>> x = lab.ones(2, 2)
    >>> with lab.autocast("cpu"):
    ...     y = x @ x
    ...     y.dtype, (y + x).dtype
    (torch.bfloat16, torch.float32)
    """

    def __init__(self, device_type: str, dtype: dtype | None = None, enabled: bool = True, cache_enabled: bool | None = None):
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if not is_autocast_available(device_type):
            raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
        self.device, self.fast_dtype = device_type, get_autocast_dtype(device_type) if dtype is None else dtype
        self._cache_enabled = state.cache_enabled if cache_enabled is None else cache_enabled
        if enabled and device_type == "cuda" and not cuda_available():
            caution("CUDA is not available or torch_xla is imported. Disabling autocast.")
            enabled = False
        elif enabled and self.fast_dtype not in (bfloat16, float16):
            caution(f"In {device_type.upper()} autocast, but the target dtype is not supported. Disabling autocast.\n"
                    f"{device_type.upper()} Autocast only supports dtypes of torch.bfloat16, torch.float16 currently.")
            enabled = False
        self._enabled = enabled

    def __enter__(self):
        self.prev_cache_enabled, self.prev, self.prev_fastdtype = state.cache_enabled, is_autocast_enabled(self.device), get_autocast_dtype(self.device)
        set_autocast_enabled(self.device, self._enabled)
        set_autocast_dtype(self.device, self.fast_dtype)
        autocast_increment_nesting()
        state.cache_enabled = self._cache_enabled
        return self

    def __exit__(self, *exception) -> bool:
        if autocast_decrement_nesting() == 0:
            clear_autocast_cache()
        set_autocast_enabled(self.device, self.prev)
        set_autocast_dtype(self.device, self.prev_fastdtype)
        state.cache_enabled = self.prev_cache_enabled
        return False

    def __call__(self, func):
        if not callable(func):
            raise TypeError(f"autocast()(func) requires a callable, but got {type(func).__name__}. Did you mean to use autocast as a context manager? For example:\n"
                            "    with torch.autocast(device_type=...):\n        output = model(input)")
        return autocast_decorator(self, func)


def autocast_decorator(autocast_instance, func):
    """`func`, run inside `autocast_instance`."""
    @functools.wraps(func)
    def decorate_autocast(*args, **kwargs):
        with autocast_instance:
            return func(*args, **kwargs)
    return decorate_autocast


def custom_fwd(fwd=None, *, device_type: str, cast_inputs: dtype | None = None):
    """Decorate the `forward` of a custom Function: inside autocast its inputs come as `cast_inputs`, if given, and it runs without autocast.

    >>> import autodiff_lab as lab
    >>> class Square(lab.autograd.Function):
    ...     @staticmethod
    ...     @lab.amp.custom_fwd(device_type="cpu", cast_inputs=lab.float32)
    ...     def forward(ctx, x):
    ...         return x * x
    >>> with lab.autocast("cpu"):
    ...     Square.apply(lab.ones(1, dtype=lab.bfloat16)).dtype
    torch.float32
    """
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def decorate_fwd(*args, **kwargs):
        args[0]._dtype = get_autocast_dtype(device_type)
        inside = is_autocast_enabled(device_type)
        args[0]._fwd_used_autocast = inside and cast_inputs is None
        if not inside or cast_inputs is None:
            return fwd(*args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(*_cast(args, device_type, cast_inputs), **_cast(kwargs, device_type, cast_inputs))
    return decorate_fwd


def custom_bwd(bwd=None, *, device_type: str):
    """Decorate the `backward` that goes with `custom_fwd`: it runs under the autocast that forward ran under."""
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def decorate_bwd(*args, **kwargs):
        with autocast(device_type, enabled=args[0]._fwd_used_autocast, dtype=args[0]._dtype):
            return bwd(*args, **kwargs)
    return decorate_bwd


def _cast(value, device_type: str, dtype):
    """Tensors of floating-point numbers other than float64 as `dtype`, in any nesting."""
    if isinstance(value, Tensor):
        eligible = value.is_floating_point() and value.device.type == device_type and value.dtype.itemsize < 8
        return value.to(dtype) if eligible else value
    if isinstance(value, (str, bytes, np.ndarray)):
        return value
    if isinstance(value, collections.abc.Mapping):
        return {_cast(k, device_type, dtype): _cast(v, device_type, dtype) for k, v in value.items()}
    if isinstance(value, collections.abc.Iterable):
        parts = (_cast(v, device_type, dtype) for v in value)
        return type(value)(parts) if isinstance(value, (list, tuple)) else parts
    return value
