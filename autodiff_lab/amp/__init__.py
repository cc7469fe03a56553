"""Mixed precision: switched off it does nothing; switched on it would change results, and is refused with the reason.

NumPy has no fast arithmetic in 16 bits, so there is nothing to gain from it on a processor.
"""

from __future__ import annotations

import functools

from ..core.devices import cuda_available
from ..core.dtypes import of_name
from ..core.errors import caution

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "get_autocast_cpu_dtype", "get_autocast_dtype", "get_autocast_gpu_dtype", "is_autocast_available",
           "is_autocast_cache_enabled", "is_autocast_cpu_enabled", "is_autocast_enabled"]


def is_autocast_available(device_type: str) -> bool:
    """False: no device computes in mixed precision here."""
    return False


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """False: nothing is computed in mixed precision here."""
    return False


is_autocast_cpu_enabled = is_autocast_enabled


def is_autocast_cache_enabled() -> bool:
    """True, as in PyTorch unless a program switches it off."""
    return True


def get_autocast_dtype(device_type: str):
    """The type that PyTorch's autocast computes in by default: bfloat16 on a processor, float16 on a GPU."""
    return of_name("bfloat16" if device_type == "cpu" else "float16")


def get_autocast_cpu_dtype():
    """`get_autocast_dtype("cpu")`."""
    return get_autocast_dtype("cpu")


def get_autocast_gpu_dtype():
    """`get_autocast_dtype("cuda")`."""
    return get_autocast_dtype("cuda")


class autocast:
    """A context manager and decorator that does nothing when it is off, or meant for a CUDA device that is not there.

    Raises:
        RuntimeError: if it is on, because it would round matmuls and convolutions to 16 bits, which this library does not.

    >>> import autodiff_lab as lab
    >>> with lab.amp.autocast("cpu", enabled=False):
    ...     (lab.ones(2, 2) @ lab.ones(2, 2)).dtype
    torch.float32
    """

    def __init__(self, device_type: str, dtype=None, enabled: bool = True, cache_enabled: bool | None = None):
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if enabled and device_type == "cuda" and not cuda_available():
            caution("CUDA is not available or torch_xla is imported. Disabling autocast.")
            enabled = False
        if enabled and str(dtype) != "torch.float32":
            raise RuntimeError(f"autocast for '{device_type}' would compute matmuls and convolutions in 16 bits, which changes results, and which this "
                               "library does not do. Pass enabled=False, or take it out: everything then runs in float32.")
        self.device, self.fast_dtype, self._enabled = device_type, dtype, False

    def __enter__(self):
        return self

    def __exit__(self, *exception) -> None:
        return None

    def __call__(self, function):
        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            return function(*args, **kwargs)
        return wrapped


def custom_fwd(fwd=None, *, device_type: str = "cuda", cast_inputs=None):
    """Accepted: without autocast there is nothing to cast."""
    return (lambda function: function) if fwd is None else fwd


def custom_bwd(bwd=None, *, device_type: str = "cuda"):
    """Accepted: without autocast there is nothing to cast."""
    return (lambda function: function) if bwd is None else bwd


class GradScaler:
    """Scales nothing: losses in float32 need no scaling. Every method works as PyTorch's does with `enabled=False`.

    On a machine without CUDA PyTorch's does the same, and warns.

    >>> import autodiff_lab as lab
    >>> scaler = lab.amp.GradScaler("cpu", enabled=False)
    >>> scaler.scale(lab.tensor(2.0))
    tensor(2.)
    """

    def __init__(self, device: str = "cuda", init_scale: float = 2.0**16, growth_factor: float = 2.0, backoff_factor: float = 0.5,
                 growth_interval: int = 2000, enabled: bool = True):
        if enabled and not (device == "cuda" and not cuda_available()):
            raise RuntimeError("GradScaler belongs to float16 training, which this library does not do: gradients in float32 need no scaling. "
                               "Pass enabled=False.")
        if enabled:
            caution("torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.")
        self._enabled, self._device = False, device

    def scale(self, outputs):
        """`outputs`, as they are."""
        return outputs

    def unscale_(self, optimizer) -> None:
        """Nothing to undo."""

    def step(self, optimizer, *args, **kwargs):
        """`optimizer.step()`."""
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale=None) -> None:
        """Nothing to update."""

    def get_scale(self) -> float:
        """1."""
        return 1.0

    def is_enabled(self) -> bool:
        """False."""
        return False

    def state_dict(self) -> dict:
        """Empty."""
        return {}

    def load_state_dict(self, state_dict: dict) -> None:
        """Accepted."""
