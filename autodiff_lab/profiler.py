"""PyTorch's profiler as a context: it counts operators and measures the whole. For more, see the pictures of a recorded step."""

from __future__ import annotations

import enum

from .autograd.profiler import profile, record_function

__all__ = ["ProfilerAction", "ProfilerActivity", "profile", "record_function", "schedule", "tensorboard_trace_handler"]


class ProfilerActivity(enum.Enum):
    """What PyTorch's profiler can watch."""

    CPU = 0
    CUDA = 1
    XPU = 2


class ProfilerAction(enum.Enum):
    """What it does in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def schedule(*, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0):
    """A function from a step to what is done in it. Accepted: here every step is counted."""
    return lambda step: ProfilerAction.RECORD


def tensorboard_trace_handler(dir_name: str, worker_name=None, use_gzip: bool = False):
    """Accepted: there is no trace to write."""
    return lambda profiler: None
