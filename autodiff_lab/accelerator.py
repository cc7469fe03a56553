"""The device that is faster than the processor, if there is one."""

from __future__ import annotations

from . import cuda
from .core import devices

__all__ = ["current_accelerator", "current_device_index", "device_count", "is_available", "synchronize"]

is_available = devices.cuda_available
device_count = cuda.device_count
synchronize = cuda.synchronize
current_device_index = cuda.current_device


def current_accelerator(check_available: bool = False):
    """device("cuda") where there is one, else None."""
    return devices.device("cuda") if is_available() else None
