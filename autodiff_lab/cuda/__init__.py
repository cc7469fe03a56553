"""What programs ask about CUDA: answered by CuPy where it is installed, and with "there is none" elsewhere.

Random numbers come from one stream for all devices, so the seeds here change nothing: `manual_seed` is the one that counts.
"""

from __future__ import annotations

import contextlib
import time

from ..core import devices
from ..core.op import public
from . import amp, nvtx

__all__ = [
    "CUDAGraph", "Event", "Stream", "StreamContext", "current_device", "current_stream", "device", "device_count", "empty_cache", "get_device_capability", "get_device_name",
    "get_device_properties", "graph", "init", "is_available", "is_bf16_supported", "is_current_stream_capturing", "is_initialized", "manual_seed", "manual_seed_all", "max_memory_allocated",
    "mem_get_info", "memory_allocated", "memory_reserved", "reset_peak_memory_stats", "set_device", "stream", "synchronize",
]

is_available = devices.cuda_available


def _cupy():
    if not devices.cuda_available():
        raise AssertionError("Torch not compiled with CUDA enabled: there is no CUDA device, or CuPy is not installed. Ask cuda.is_available() first.")
    import cupy

    return cupy


def device_count() -> int:
    """How many CUDA devices there are.

    >>> import autodiff_lab as lab
    >>> lab.cuda.device_count() >= 0
    True
    """
    return _cupy().cuda.runtime.getDeviceCount() if is_available() else 0


def current_device() -> int:
    """The number of the device in use."""
    return _cupy().cuda.Device().id


def set_device(device) -> None:
    """Use this device from here on."""
    _cupy().cuda.Device(devices.device(device).index or 0).use()


def get_device_name(device=None) -> str:
    """What the device is called."""
    return get_device_properties(device).name


def get_device_capability(device=None) -> tuple[int, int]:
    """The compute capability, e.g. (9, 0)."""
    found = get_device_properties(device)
    return found.major, found.minor


class _Properties:
    def __init__(self, raw: dict):
        name = raw["name"]
        self.name = name.decode() if isinstance(name, bytes) else name
        self.major, self.minor, self.total_memory = raw["major"], raw["minor"], raw["totalGlobalMem"]
        self.multi_processor_count = raw["multiProcessorCount"]


def get_device_properties(device=None) -> _Properties:
    """Name, capability, memory and number of multiprocessors."""
    cupy = _cupy()
    number = cupy.cuda.Device().id if device is None else devices.device(device).index or 0
    return _Properties(cupy.cuda.runtime.getDeviceProperties(number))


class device:
    """A context manager: use this CUDA device inside."""

    def __init__(self, device):
        self.idx = devices.device(device).index if device is not None else None
        self._inner = None

    def __enter__(self):
        if self.idx is not None and is_available():
            self._inner = _cupy().cuda.Device(self.idx)
            self._inner.__enter__()

    def __exit__(self, *exception) -> None:
        if self._inner is not None:
            self._inner.__exit__(*exception)


def manual_seed(seed: int) -> None:
    """Accepted; see above."""


def manual_seed_all(seed: int) -> None:
    """Accepted; see above."""


def seed() -> None:
    """Accepted; see above."""


def seed_all() -> None:
    """Accepted; see above."""


_initialized = False  # PyTorch says so until a program touches a device


def init() -> None:
    """Nothing is left to do."""


def is_initialized() -> bool:
    """True where there is a device."""
    return is_available()


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False: CuPy computes nothing in bfloat16."""
    return False


def synchronize(device=None) -> None:
    """Wait until the device has done all work."""
    if is_available():
        _cupy().cuda.Device().synchronize()


def empty_cache() -> None:
    """Give unused memory back to the device."""
    if is_available():
        _cupy().get_default_memory_pool().free_all_blocks()


def memory_allocated(device=None) -> int:
    """Bytes in use on the device; 0 without one."""
    return _cupy().get_default_memory_pool().used_bytes() if is_available() else 0


def memory_reserved(device=None) -> int:
    """Bytes held on the device, used or not; 0 without one."""
    return _cupy().get_default_memory_pool().total_bytes() if is_available() else 0


def max_memory_allocated(device=None) -> int:
    """CuPy keeps no peak: the bytes held now."""
    return memory_reserved(device)


def reset_peak_memory_stats(device=None) -> None:
    """Accepted: there is no peak to reset."""


def mem_get_info(device=None) -> tuple[int, int]:
    """Free and total bytes of the device."""
    return _cupy().cuda.Device().mem_info


class Stream:
    """Accepted; all work goes to one stream, in order."""

    def __init__(self, *args, **kwargs):
        pass

    def synchronize(self) -> None:
        """Wait for the device."""
        synchronize()

    def wait_stream(self, stream) -> None:
        """Nothing to wait for."""

    def wait_event(self, event) -> None:
        """Nothing to wait for."""

    def record_event(self, event=None):
        """An event that is recorded now."""
        event = event or Event()
        event.record()
        return event


class Event:
    """A moment, to measure the time between two."""

    def __init__(self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False):
        self._at = None

    def record(self, stream=None) -> None:
        """Note the time, after all work so far."""
        synchronize()
        self._at = time.perf_counter()

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds from this event to `end_event`."""
        return (end_event._at - self._at) * 1000

    def query(self) -> bool:
        """True: what was recorded is done."""
        return True

    def wait(self, stream=None) -> None:
        """Nothing to wait for."""

    def synchronize(self) -> None:
        """Wait for the device."""
        synchronize()


def current_stream(device=None) -> Stream:
    """The one stream."""
    return Stream()


default_stream = current_stream


def get_rng_state(device="cuda"):
    """The state of the one stream of random numbers."""
    return public[""]["get_rng_state"]()


def set_rng_state(new_state, device="cuda") -> None:
    """Go on from a state of the one stream of random numbers."""
    public[""]["set_rng_state"](new_state)


def get_rng_state_all() -> list:
    """One state per device: there is one stream, so they are the same."""
    return [get_rng_state() for _ in range(device_count())]


def set_rng_state_all(new_states) -> None:
    """Go on from the first of these states."""
    for state in list(new_states)[:1]:
        set_rng_state(state)


def initial_seed() -> int:
    """The seed of the one stream of random numbers."""
    return public[""]["initial_seed"]()


def memory_stats(device=None) -> dict:
    """What CuPy's memory pool says."""
    return {"allocated_bytes.all.current": memory_allocated(), "reserved_bytes.all.current": memory_reserved()}


def memory_summary(device=None, abbreviated: bool = False) -> str:
    """The same as text."""
    return f"{memory_allocated()} bytes in use, {memory_reserved()} bytes held"


max_memory_reserved = memory_reserved
reset_max_memory_allocated = reset_max_memory_cached = reset_accumulated_memory_stats = reset_peak_memory_stats
ipc_collect = empty_cache


def __getattr__(name: str):
    """`cuda.FloatTensor` and its kin, which make tensors on the device."""
    if not name.endswith("Tensor"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}. If PyTorch has it, Autodiff Lab does not yet.")

    def make(*args):
        if not is_available():
            raise TypeError(f"type torch.cuda.{name} not available. Torch not compiled with CUDA enabled: ask cuda.is_available() first.")
        return public[""][name](*args).cuda()
    return make


class StreamContext(contextlib.nullcontext):
    """Accepted; inside, work goes to the one stream as always."""


def stream(stream) -> StreamContext:
    """A context that is accepted; inside, work goes to the one stream as always."""
    return StreamContext(stream)


class CUDAGraph:
    """Refused: CuPy's calls are not recorded here."""

    def __init__(self, *args, **kwargs):
        raise RuntimeError("Tried to instantiate dummy base class CUDAGraph: calls are not recorded and replayed here. Run them as they are.")


class graph:
    """Refused like `CUDAGraph`."""

    __init__ = CUDAGraph.__init__


def is_current_stream_capturing() -> bool:
    """False: nothing is recorded."""
    return False


default_generators: tuple = ()  # one stream of random numbers serves all devices


assert amp and nvtx
