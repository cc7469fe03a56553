"""Devices: "cpu" is NumPy, "cuda" is CuPy. A tensor's device is where its array lives."""

from __future__ import annotations

import threading

import numpy as np

from ..backend.meta import MetaArray, blank

__all__ = ["array_on", "cuda_available", "device", "device_of", "get_default_device", "set_default_device"]

_KNOWN = ("cpu", "cuda", "meta", "mps", "xpu")


class device:
    """Where a tensor's numbers live, e.g. `lab.device("cuda:0")`.

    Also a context manager: tensors made inside it go to that device unless told otherwise.

    >>> import autodiff_lab as lab
    >>> lab.device("cuda:1").index
    1
    """

    __slots__ = ("_previous", "index", "type")

    def __init__(self, type, index: int | None = None):
        if isinstance(type, device):
            type, index = type.type, type.index if index is None else index
        elif isinstance(type, int) and not isinstance(type, bool):
            if type < 0:
                raise RuntimeError(f"Device index must not be negative, got {type}")
            if not cuda_available():
                raise RuntimeError(f"Cannot access accelerator device when none is available: device({type}) means 'cuda:{type}', and there is no GPU that CuPy sees. Use 'cpu'.")
            type, index = "cuda", type
        elif not isinstance(type, str):
            raise TypeError(f"device(): argument 'type' (position 1) must be str, not {type.__class__.__name__}.")
        elif ":" in type:
            if index is not None:
                raise RuntimeError(f"type (string) must not include an index because index was passed explicitly: {type}")
            type, text = type.split(":", 1)
            if not text.isdigit():
                raise RuntimeError(f"Invalid device string: '{type}:{text}'. Write a name and a number, such as 'cuda:0'.")
            index = int(text)
        if index is not None and (not isinstance(index, int) or isinstance(index, bool)):
            raise TypeError(f"device(): argument 'index' (position 2) must be int, not {index.__class__.__name__}")
        if type not in _KNOWN:
            raise RuntimeError(f"Expected one of cpu, cuda, mps, xpu, meta device type at start of device string: {type}. "
                               "This library computes on 'cpu' and, where CuPy is installed, on 'cuda'.")
        self.type, self.index = type, index

    def __repr__(self) -> str:
        return f"device(type='{self.type}')" if self.index is None else f"device(type='{self.type}', index={self.index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self):
        return device, (self.type, self.index)

    def __enter__(self) -> device:
        self._previous, _local.default = _local.default, self
        return self

    def __exit__(self, *exception) -> None:
        _local.default = self._previous


class _Local(threading.local):
    default = None


_local = _Local()
CPU, META = device("cpu"), device("meta")


def get_default_device() -> device:
    """The device of tensors made without `device=`; the processor unless changed.

    >>> import autodiff_lab as lab
    >>> lab.get_default_device()
    device(type='cpu')
    """
    return _local.default or CPU


def set_default_device(device_) -> None:
    """Make `device_` the device of tensors made without `device=`. None sets it back to the processor.

    >>> import autodiff_lab as lab
    >>> lab.set_default_device("cpu")
    >>> lab.zeros(1).device
    device(type='cpu')
    >>> lab.set_default_device(None)
    """
    _local.default = None if device_ is None else device(device_)


def cuda_available() -> bool:
    """True if CuPy is installed and sees a CUDA device.

    >>> import autodiff_lab as lab
    >>> device = "cuda" if lab.cuda.is_available() else "cpu"
    >>> lab.zeros(2).to(device).shape
    torch.Size([2])
    """
    try:
        import cupy
        return cupy.cuda.runtime.getDeviceCount() > 0
    except Exception:  # CuPy missing, or no driver: either way there is no device
        return False


def device_of(array) -> device:
    """The device that holds `array`."""
    if isinstance(array, (np.ndarray, np.generic)):
        return CPU
    where = getattr(array, "device", None)
    if where == "meta":
        return META
    return device("cuda", getattr(where, "id", 0))


def array_on(array, where: device):
    """`array` on the device `where`: itself if it is there already, else a copy.

    Raises:
        RuntimeError: if the device is not to be had on this machine.
    """
    if where.type == "cpu":
        return array if isinstance(array, (np.ndarray, np.generic)) else array.get()
    if where.type == "meta":
        return array if isinstance(array, MetaArray) else blank(array.shape, array.dtype)
    if where.type != "cuda":
        raise RuntimeError(f"This library has no device '{where}': it computes on 'cpu' and, where CuPy is installed, on 'cuda'; 'meta' has shapes only.")
    try:
        import cupy
    except ImportError:
        raise AssertionError("Torch not compiled with CUDA enabled: device 'cuda' needs CuPy, which is not installed here. "
                             "Install the extra `cuda12` or `cuda13`, or use device 'cpu'.") from None
    if not cuda_available():
        raise RuntimeError("Found no NVIDIA driver on your system: device 'cuda' needs a CUDA GPU. Use device 'cpu'.")
    with cupy.cuda.Device(where.index or 0):
        return cupy.asarray(array)
