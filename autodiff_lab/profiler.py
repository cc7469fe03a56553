"""PyTorch's profiler as a context: it counts operators and measures the whole. For more, see the pictures of a recorded step."""

from __future__ import annotations

import enum
import functools
import time
from collections import Counter

from .autograd.profiler import record_function
from .core import observe

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


class _Counter(observe.Observer):
    def __init__(self):
        self.calls = Counter()

    def op_ran(self, op, inputs, output):
        self.calls[op.name] += 1


class profile:
    """Counts the operators that run inside, and measures how long all of it takes."""

    def __init__(self, *args, on_trace_ready=None, **kwargs):
        self.on_trace_ready = on_trace_ready
        self._counter = _Counter()
        self.step_num = 0
        self.seconds = 0.0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exception) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to count."""
        self._began = time.perf_counter()
        observe.attach(self._counter)

    def stop(self) -> None:
        """Stop counting."""
        observe.detach(self._counter)
        self.seconds += time.perf_counter() - self._began
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def step(self) -> None:
        """The next step begins."""
        self.step_num += 1

    def key_averages(self, *args, **kwargs) -> _Averages:
        """How often each operator ran."""
        return _Averages(self._counter.calls, self.seconds)

    events = key_averages

    def export_chrome_trace(self, path: str) -> None:
        """Refused: single operators are not timed."""
        raise RuntimeError("There is no trace to export: this profiler counts operators and does not time each one.")


class _Averages(list):
    def __init__(self, calls: Counter, seconds: float):
        super().__init__(calls.most_common())
        self.seconds = seconds

    def table(self, sort_by=None, row_limit: int = 100, **kwargs) -> str:
        """The counts as text."""
        rows = [f"{name:<30} {count:>10}" for name, count in self[:row_limit if row_limit > 0 else None]]
        return "\n".join([f"{'Name':<30} {'# of Calls':>10}", *rows, f"Total time: {self.seconds:.3f} s (operators are counted, not timed one by one)"])

    def total_average(self):
        """All of it."""
        return self


assert functools
