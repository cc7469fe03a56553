"""Which kernel attention should use: there is one here, so every choice gives the same. `flex_attention` is one file below."""

from __future__ import annotations

import contextlib
import enum

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(enum.IntEnum):
    """PyTorch's kernels for attention, which differ in speed and memory, not in what they compute."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4

    def __repr__(self) -> str:
        return f"<SDPBackend.{self.name}: {self.value}>"

    __str__ = enum.Enum.__str__


@contextlib.contextmanager
def sdpa_kernel(backends, set_priority: bool = False):
    """Accepted as a `with` block or decorator: there is one kernel.

    Raises:
        AssertionError: if `backends` is neither a backend nor a list of them.
    """
    chosen = [backends] if isinstance(backends, SDPBackend) else backends
    assert isinstance(chosen, list) and all(isinstance(b, SDPBackend) for b in chosen), f"Backend must be an instance of SDPBackend or a list of SDPBackend, got {type(backends)}"
    yield {}
