"""How long operators take, as a table: `profile` as a context, `record_function` names a part; `profiler` shows the same under its newer name.

While a profile runs, each public function is timed as it is called, and each node of a backward pass. What the library does
inside one function is not told apart, and what is neither, such as an optimizer's step, is in no row.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import types
from dataclasses import dataclass, field

from ..core import observe
from ..core.overriding import TorchFunctionMode
from ..core.tensor import Tensor

__all__ = ["EventList", "FunctionEvent", "FunctionEventAvg", "profile", "record_function"]

# Questions about a tensor, which PyTorch does not count as operators.
QUESTIONS = frozenset("size dim stride numel element_size is_floating_point is_complex is_contiguous storage_offset data_ptr requires_grad_ backward grad __len__ __repr__ "
                      "__format__ __hash__ tolist numpy register_hook retain_grad untyped_storage type nelement ndimension __bool__ __float__ __int__ __index__ __iter__".split())


class _Running(threading.local):
    stack: list | None = None  # (name, began, shapes, time of what ran inside), while a profile listens
    events: list | None = None


_running = _Running()


def _enter(name: str, shapes: list) -> None:
    _running.stack.append([name, time.perf_counter(), shapes, 0.0])


def _leave() -> None:
    ended = time.perf_counter()
    name, began, shapes, inside = _running.stack.pop()
    taken = ended - began
    if _running.stack:
        _running.stack[-1][3] += taken
    _running.events.append(FunctionEvent(name, began * 1e6, ended * 1e6, (taken - inside) * 1e6, shapes))


class record_function(contextlib.ContextDecorator):
    """Give a part of a program a row of its own in the profile.

    >>> import autodiff_lab as lab
    >>> with lab.profiler.profile() as profile, lab.profiler.record_function("both"):
    ...     _ = lab.ones(2).exp().exp()
    >>> sorted((row.key, row.count) for row in profile.key_averages())
    [('aten::exp', 2), ('aten::ones', 1), ('both', 1)]
    """

    def __init__(self, name: str, args=None):
        self.name = name

    def __enter__(self):
        self._counts = _running.stack is not None
        if self._counts:
            _enter(self.name, [])
        return self

    def __exit__(self, *exception) -> None:
        if self._counts and _running.stack:
            _leave()


@dataclass
class FunctionEvent:
    """One call. Times are in microseconds."""

    key: str
    start_us: float
    end_us: float
    self_cpu_time_total: float
    input_shapes: list = field(default_factory=list)
    count = 1

    @property
    def name(self) -> str:
        """What was called."""
        return self.key

    @property
    def cpu_time_total(self) -> float:
        """How long it took, with what ran inside."""
        return self.end_us - self.start_us

    cpu_time = cpu_time_total


@dataclass
class FunctionEventAvg:
    """All calls of one function. Times are in microseconds."""

    key: str
    count: int = 0
    cpu_time_total: float = 0.0
    self_cpu_time_total: float = 0.0
    input_shapes: list | str = ""
    cpu_memory_usage: int = 0
    self_cpu_memory_usage: int = 0
    device_time_total: float = 0.0
    self_device_time_total: float = 0.0
    cuda_time_total: float = 0.0
    self_cuda_time_total: float = 0.0

    @property
    def cpu_time(self) -> float:
        """How long one call took, on average."""
        return self.cpu_time_total / self.count if self.count else 0.0

    def add(self, other) -> FunctionEventAvg:
        """Count another call."""
        self.count += other.count
        self.cpu_time_total += other.cpu_time_total
        self.self_cpu_time_total += other.self_cpu_time_total
        return self

    __iadd__ = add

    @property
    def cpu_time_str(self) -> str:
        """The average in a unit that reads well."""
        return time_text(self.cpu_time)

    @property
    def cpu_time_total_str(self) -> str:
        """All calls together in a unit that reads well."""
        return time_text(self.cpu_time_total)

    @property
    def self_cpu_time_total_str(self) -> str:
        """All calls together without what ran inside, in a unit that reads well."""
        return time_text(self.self_cpu_time_total)

    def __repr__(self) -> str:
        return (f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total_str} cpu_time={self.cpu_time_str}  self_cuda_time=0.000us cuda_time=0.000us "
                f"input_shapes={self.input_shapes} cpu_memory_usage={self.cpu_memory_usage} cuda_memory_usage=0>")


def time_text(microseconds: float) -> str:
    """Microseconds in the largest unit that fits.

    >>> time_text(1500.0)
    '1.500ms'
    """
    for limit, unit in ((1e6, "s"), (1e3, "ms")):
        if microseconds >= limit:
            return f"{microseconds / limit:.3f}{unit}"
    return f"{microseconds:.3f}us"


class EventList(list):
    """Calls, or averages of calls."""

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds of all of them."""
        return sum(event.self_cpu_time_total for event in self)

    def total_average(self) -> FunctionEventAvg:
        """All of them as one."""
        total = FunctionEventAvg("Total")
        for event in self:
            total.add(event)
        return total

    def key_averages(self, group_by_input_shapes: bool = False, group_by_stack_n: int = 0) -> EventList:
        """One row for each function, or for each function and shapes of its inputs."""
        found: dict = {}
        for event in self:
            key = (event.key, str(event.input_shapes) if group_by_input_shapes else "")
            if key not in found:
                found[key] = FunctionEventAvg(event.key, input_shapes=event.input_shapes if group_by_input_shapes else "")
            found[key].add(event)
        return EventList(found.values())

    def table(self, sort_by: str | None = None, row_limit: int = 100, max_src_column_width: int = 75, max_name_column_width: int = 55, max_shapes_column_width: int = 80,
              header: str | None = None, top_level_events_only: bool = False, time_unit: str | None = None) -> str:
        """The rows as text.

        Args:
            sort_by: e.g. "cpu_time_total", "self_cpu_time_total", "count": the largest first.
            row_limit: how many rows to show; -1 for all.

        Raises:
            AttributeError: if rows have no such number.
        """
        if not self:
            return ""
        rows = sorted(self, key=lambda event: getattr(event, sort_by), reverse=True) if sort_by is not None else list(self)
        name_width = min(max(len(event.key) for event in rows) + 4, max_name_column_width)
        shapes = [str(event.input_shapes or "") for event in rows] if any(event.input_shapes for event in rows) and isinstance(rows[0], FunctionEventAvg) else None
        heads, widths = ["Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg", "# of Calls"], [name_width] + [12] * 6
        if shapes is not None:
            heads.append("Input Shapes")
            widths.append(min(max(len(text) for text in shapes) + 4, max_shapes_column_width))
        total = self.self_cpu_time_total

        def line(cells) -> str:
            return "  ".join([f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)]) + "  "
        ruler = line(["-" * width for width in widths])
        lines = ([] if header is None else ["=" * len(ruler), header]) + [ruler, line(heads), ruler]
        for i, event in enumerate(rows if row_limit < 0 else rows[:row_limit]):
            cells = [event.key if len(event.key) < name_width - 3 else event.key[:name_width - 3] + "...", _share(event.self_cpu_time_total, total), time_text(event.self_cpu_time_total),
                     _share(event.cpu_time_total, total), time_text(event.cpu_time_total), time_text(event.cpu_time), event.count]
            lines.append(line(cells if shapes is None else [*cells, shapes[i][:widths[-1]]]))
        return "\n".join([*lines, ruler, f"Self CPU time total: {time_text(total)}", ""])

    def export_chrome_trace(self, path: str) -> None:
        """Write the calls as a trace that chrome://tracing and Perfetto show."""
        events = [{"name": e.key, "ph": "X", "ts": e.start_us, "dur": e.cpu_time_total, "tid": 0, "pid": "CPU functions", "args": {}} for e in self]
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"traceEvents": events}, file)

    def __str__(self) -> str:
        return self.table()


def _share(part: float, whole: float) -> str:
    return f"{part / whole * 100:.2f}%" if whole else "NaN"


class _Calls(TorchFunctionMode):
    """Times every public function."""

    def __init__(self, shapes: bool):
        self._shapes = shapes

    def __torch_function__(self, func, types_, args=(), kwargs=None):
        name = func.__name__
        if isinstance(func, types.MethodWrapperType) or name in QUESTIONS:
            return func(*args, **(kwargs or {}))
        _enter(f"aten::{name.strip('_') if name.startswith('__') else name}", _shapes(args) if self._shapes else [])
        try:
            return func(*args, **(kwargs or {}))
        finally:
            _leave()


def _shapes(args) -> list:
    return [list(a.shape) if isinstance(a, Tensor) else [list(t.shape) for t in a if isinstance(t, Tensor)] if isinstance(a, (tuple, list)) else [] for a in args]


class _Nodes(observe.Observer):
    """Times the nodes of backward passes, each from the end of the one before."""

    careful = True

    def backward_began(self, roots, create_graph):
        self._last = time.perf_counter()

    def grad_flowed(self, node, grad, contributions):
        if _running.events is None:
            return
        now = time.perf_counter()
        _running.events.append(FunctionEvent(node.name(), self._last * 1e6, now * 1e6, (now - self._last) * 1e6))
        if _running.stack:
            _running.stack[-1][3] += now - self._last
        self._last = time.perf_counter()


class profile:
    """Times the operators that run inside.

    Args:
        schedule: what to do in each step, see `profiler.schedule`; without one everything is recorded.
        on_trace_ready: called with the profile whenever a cycle of the schedule, or all, is over.
        record_shapes: note the shapes of the inputs, for `key_averages(group_by_input_shape=True)`.

    >>> import autodiff_lab as lab
    >>> with lab.profiler.profile() as profile:
    ...     _ = lab.ones(2).exp().exp()
    >>> print(profile.key_averages().table(sort_by="cpu_time_total", row_limit=1).splitlines()[1].split()[:3])
    ['Name', 'Self', 'CPU']
    """

    def __init__(self, *args, schedule=None, on_trace_ready=None, record_shapes: bool = False, **kwargs):
        self.on_trace_ready, self._schedule, self._record_shapes = on_trace_ready, schedule, record_shapes
        self.step_num = 0
        self._events = EventList()
        self._mode = self._nodes = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exception) -> None:
        self.stop()

    def _action(self) -> str:
        return "RECORD" if self._schedule is None else self._schedule(self.step_num).name

    def start(self) -> None:
        """Begin."""
        if self._action().startswith("RECORD"):
            self._listen()

    def stop(self) -> None:
        """Stop, and call `on_trace_ready` with what was recorded."""
        if self._mode is not None:
            self._hush()
            if self.on_trace_ready is not None:
                self.on_trace_ready(self)

    def step(self) -> None:
        """The next step of the schedule begins."""
        before = self._action()
        self.step_num += 1
        if before == "RECORD_AND_SAVE":
            self.stop()
        now = self._action()
        if now.startswith("RECORD") and self._mode is None:
            self._listen()
        elif not now.startswith("RECORD") and self._mode is not None:
            self._hush()

    def _listen(self) -> None:
        self._events = EventList()
        self._outer = _running.stack, _running.events
        _running.stack, _running.events = [], self._events
        self._mode, self._nodes = _Calls(self._record_shapes), observe.attach(_Nodes())
        self._mode.__enter__()

    def _hush(self) -> None:
        while _running.stack:
            _leave()
        self._mode.__exit__()
        observe.detach(self._nodes)
        _running.stack, _running.events = self._outer
        self._mode = self._nodes = None
        self._events.sort(key=lambda event: (event.start_us, -event.end_us))

    def events(self) -> EventList:
        """Every call, in the order in which they began."""
        return self._events

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0, **kwargs) -> EventList:
        """One row for each function."""
        return self._events.key_averages(group_by_input_shape or kwargs.get("group_by_input_shapes", False))

    def total_average(self) -> FunctionEventAvg:
        """All calls as one."""
        return self._events.total_average()

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds of all calls."""
        return self._events.self_cpu_time_total

    def table(self, *args, **kwargs) -> str:
        """Every call as a table."""
        return self._events.table(*args, **kwargs)

    def export_chrome_trace(self, path: str) -> None:
        """Write the calls as a trace that chrome://tracing and Perfetto show."""
        self._events.export_chrome_trace(path)

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Refused: who called an operator is not noted."""
        raise RuntimeError("export_stacks is not here: who called an operator is not noted. See lab.show(result) for the line behind each node.")

    def add_metadata(self, key: str, value: str) -> None:
        """Accepted."""

    add_metadata_json = add_metadata

    def __str__(self) -> str:
        return str(self._events)


@contextlib.contextmanager
def emit_nvtx(*args, **kwargs):
    """Accepted; nothing is emitted."""
    yield
