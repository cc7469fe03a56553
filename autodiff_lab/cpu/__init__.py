"""The processor as a device, with the names that every device module has."""

from __future__ import annotations

import contextlib

from . import amp

__all__ = ["Stream", "StreamContext", "amp", "current_device", "current_stream", "device_count", "is_available", "is_initialized", "set_device", "stream", "synchronize"]


class Stream:
    """The one order in which the processor works."""

    def __init__(self, priority: int = -1):
        pass

    def wait_stream(self, stream) -> None:
        """Nothing to wait for."""

    def record_event(self) -> None:
        """Nothing to record."""

    def wait_event(self, event) -> None:
        """Nothing to wait for."""


_only = Stream()


def is_available() -> bool:
    """True."""
    return True


def is_initialized() -> bool:
    """True."""
    return True


def device_count() -> int:
    """1."""
    return 1


def current_device() -> str:
    """The word "cpu"."""
    return "cpu"


def set_device(device) -> None:
    """Nothing to do: there is one processor."""


def synchronize(device=None) -> None:
    """Nothing to do: work is finished when an operator returns."""


def current_stream(device=None) -> Stream:
    """The one there is."""
    return _only


class StreamContext(contextlib.nullcontext):
    """A `with` block that changes nothing."""

    def __init__(self, stream=None):
        super().__init__(stream)


stream = StreamContext
