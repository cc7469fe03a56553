"""`lab.summary(model, x)`: what a module is made of, in the order in which it ran, every parameter counted once."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from ..core import observe
from ..record.recorder import Recorder
from ..record.text import shape_text
from .showing import untouched

__all__ = ["Summary", "summary"]


@dataclass(frozen=True)
class Row:
    """One module: its path, class, output and what belongs to it alone."""

    path: str
    cls: str
    depth: int
    shape: tuple[int, ...] | None
    parameters: int
    memory: int
    note: str = ""
    milliseconds: float | None = None


@dataclass(frozen=True)
class Summary:
    """A table that prints itself; `total` counts every parameter once."""

    name: str
    rows: tuple[Row, ...]
    total: int
    trainable: int
    output: tuple[int, ...] | None
    error: str = ""
    timed: bool = False

    def __repr__(self) -> str:
        head = ["layer", "output", "parameters", "memory", *(["time"] if self.timed else []), ""]
        body = [["  " * r.depth + (f"{r.path}  {r.cls}" if r.path else r.cls), "" if r.shape is None else shape_text(r.shape),
                 f"{r.parameters:,}" if r.parameters else "–", _bytes(r.memory) if r.memory else "–",
                 *([f"{r.milliseconds:.2f} ms" if r.milliseconds is not None else ""] if self.timed else []), r.note] for r in self.rows]
        widths = [max(len(row[i]) for row in [head, *body]) for i in range(len(head))]
        lines = ["  ".join(cell.ljust(w) if i in (0, len(head) - 1) else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))).rstrip() for row in [head, *body]]
        lines.insert(1, "─" * len(max(lines, key=len)))
        lines.append(lines[1])
        frozen = "" if self.trainable == self.total else f", {self.total - self.trainable:,} of them frozen"
        lines.append(f"{self.total:,} parameters ({_bytes(4 * self.total)} as float32){frozen}.")
        if self.error:
            lines.append(f"Stopped: {self.error}")
        return "\n".join(lines)


def summary(model, *inputs, time: bool = False, **options) -> Summary:
    """Layers, shapes, parameters and memory of `model` on an input, in the order of calls.

    Args:
        model: a module. It runs once; random streams and buffers are put back.
        inputs: what to call it with.
        time: also measure milliseconds (then two runs differ).

    A parameter that several modules share is counted where it is met first and named as tied elsewhere. What
    was never called is listed last.

    >>> import autodiff_lab as lab
    >>> lab.summary(lab.nn.Sequential(lab.nn.Linear(2, 3), lab.nn.ReLU()), lab.zeros(1, 2))
    layer        output  parameters  memory
    ───────────────────────────────────────
    Sequential      1×3           –       –
      0  Linear     1×3           9    12 B
      1  ReLU       1×3           –    12 B
    ───────────────────────────────────────
    9 parameters (36 B as float32).
    """
    if not hasattr(model, "named_modules"):
        raise TypeError(f"lab.summary(model, x) describes a module, not {type(model).__name__}.")
    shape = options.get("input_size", inputs[0] if len(inputs) == 1 else None)
    if isinstance(shape, (tuple, list)) and shape and all(isinstance(n, int) for n in shape):
        raise TypeError(f"lab.summary(model, x) takes the input itself and was given its size {tuple(shape)}: "
                        f"write lab.summary(model, lab.zeros{tuple(shape)}), with the batch as first dimension.")
    watcher = _Watcher()
    error, output = "", None
    try:
        with untouched(model):
            observe.attach(watcher)
            output = model(*inputs, **options) if inputs or options else None
    except Exception as caught:
        error = f"{type(caught).__name__}: {caught}"
    finally:
        observe.detach(watcher)
    paths = {}
    for path, module in model.named_modules():
        paths.setdefault(id(module), path)
    rows, met = [], {}
    order = watcher.order if inputs or options else [module for _, module in model.named_modules()]
    never = [module for _, module in model.named_modules() if not any(module is m for m in order)]
    listed: list[str] = []
    for module in [*order, *never]:
        if module in never and not any(p is not None for p in module._parameters.values()) and any(True for _ in module.children()):
            continue  # a list or dict of modules: its members have rows of their own
        path, calls = paths.get(id(module), "?"), watcher.calls.get(id(module), [])
        own, notes = 0, []
        for name, parameter in module._parameters.items():
            if parameter is None:
                continue
            if id(parameter) in met:
                notes.append(f"{name} tied with {met[id(parameter)]}")
                continue
            met[id(parameter)] = f"{path}.{name}".lstrip(".")
            own += int(np.prod(parameter.shape))
        if len(calls) > 1:
            notes.append(f"called {len(calls)} times")
        if (inputs or options) and not calls:
            notes.append("not called")
        failed = next((c.error for c in calls if c.error), "")
        if failed:
            notes.append("failed here" if not any(s.error and s.parent in calls for s in watcher.scopes.values()) else "")
        shape = calls[-1].shape if calls else None
        inner = any(True for _ in module.children())
        memory = 0 if inner or shape is None else sum(int(np.prod(c.shape)) * 4 for c in calls if c.shape is not None)
        spent = sum(watcher.times.get(c.number, 0) for c in calls) if time and calls else None
        around = [p for p in listed if path.startswith(f"{p}.") or (not p and path)]
        listed.append(path)
        inner_path = path[len(max(around, key=len)):].lstrip(".") if around else path
        rows.append(Row(inner_path, type(module).__name__, len(around), shape, own, memory, ", ".join(n for n in notes if n), spent))
    parameters = list(model.parameters())
    return Summary(type(model).__name__, tuple(rows), sum(int(np.prod(p.shape)) for p in parameters),
                   sum(int(np.prod(p.shape)) for p in parameters if p.requires_grad), getattr(output, "shape", None), error, time)


class _Watcher(Recorder):
    """Notes modules only: their order, output and time."""

    def __init__(self):
        super().__init__()
        self.order, self.calls, self.times, self._began = [], {}, {}, {}

    def op_ran(self, op, inputs, output): ...

    def module_entered(self, module, args):
        super().module_entered(module, args)
        if not any(module is m for m in self.order):
            self.order.append(module)
        self.calls.setdefault(id(module), []).append(self.open[-1])
        self._began[self.open[-1].number] = time.perf_counter()

    def module_left(self, module, output, error):
        scope = self.open[-1] if self.open else None
        super().module_left(module, output, error)
        if scope is not None:
            self.times[scope.number] = 1000 * (time.perf_counter() - self._began[scope.number])


def _bytes(n: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if n < 1000 or unit == "GB":
            return f"{n:.0f} {unit}" if unit == "B" or n >= 100 else f"{n:.1f} {unit}"
        n /= 1000
    return ""
