"""Counts operators and measures the whole; `profiler` shows the same under its newer name."""

from __future__ import annotations

import contextlib
import time
from collections import Counter

from ..core import observe

__all__ = ["profile", "record_function"]


class record_function(contextlib.ContextDecorator):
    """Accepted: names a part of a program, and does nothing else."""

    def __init__(self, name: str, args=None):
        self.name = name

    def __enter__(self):
        return self

    def __exit__(self, *exception) -> None:
        return None


class profile:
    """Counts the operators that run inside, and measures how long all of it takes.

    >>> import autodiff_lab as lab
    >>> with lab.profiler.profile() as profile:
    ...     _ = lab.ones(2).exp().exp()
    >>> profile.key_averages()
    [('exp', 2)]
    """

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


class _Counter(observe.Observer):
    def __init__(self):
        self.calls = Counter()

    def op_ran(self, op, inputs, output):
        self.calls[op.name] += 1


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


@contextlib.contextmanager
def emit_nvtx(*args, **kwargs):
    """Accepted; nothing is emitted."""
    yield
