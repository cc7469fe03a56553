"""Timing small pieces of code under PyTorch's names: `Timer`, `Measurement`, `Compare`.

    timer = Timer("x @ y", globals={"x": x, "y": y}, label="matmul", description="here")
    print(timer.blocked_autorange())
"""

from __future__ import annotations

import contextlib
import math
import sys
import textwrap
import timeit
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..core.op import public

__all__ = ["Compare", "Measurement", "TaskSpec", "Timer", "select_unit"]

UNITS = {"ns": (1e-9, "nanosecond"), "us": (1e-6, "microsecond"), "ms": (1e-3, "millisecond"), "s": (1.0, "second")}
STEADY, UNSTEADY = 0.1, 0.25  # interquartile range over median, from which on a warning is due


def select_unit(t: float) -> tuple[str, float]:
    """The unit in which a time of `t` seconds reads well, and how many seconds it is.

    >>> select_unit(0.0002)
    ('us', 1e-06)
    """
    unit = {-3: "ns", -2: "us", -1: "ms"}.get(int(math.log10(t) // 3), "s") if t > 0 else "ns"
    return unit, UNITS[unit][0]


def trim_sigfig(x: float, n: int) -> float:
    """`x` rounded to `n` significant figures.

    >>> trim_sigfig(23961.6, 4)
    23960.0
    """
    scale = 10.0 ** (math.ceil(math.log10(abs(x))) - n) if x else 1.0
    return float(round(x / scale) * scale)


@dataclass(frozen=True)
class TaskSpec:
    """What was timed."""

    stmt: str
    setup: str
    global_setup: str = ""
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self) -> str:
        """The label, or the code where there is none."""
        more = f": {self.sub_label}" if self.sub_label else ""
        if self.label is not None:
            return self.label + more
        if "\n" not in self.stmt:
            return self.stmt + more
        return f"stmt:{more}\n{textwrap.indent(self.stmt, '  ')}"

    def summarize(self) -> str:
        """Title, description and what was set up, line by line."""
        setup = "" if self.setup in ("", "pass") else f"setup:\n{textwrap.indent(self.setup, '  ')}" if "\n" in self.setup else f"setup: {self.setup}"
        return "\n".join(f"{part}\n" if "\n" in part else part for part in (self.title, self.description or "", setup) if part)


@dataclass
class Measurement:
    """How long a piece of code took, once or several times.

    Attributes:
        number_per_run: how often the code ran for each of the times.
        raw_times: the times in seconds.
        task_spec: what was timed.
    """

    number_per_run: int
    raw_times: list
    task_spec: TaskSpec
    metadata: dict | None = None

    @property
    def times(self) -> list:
        """Seconds for running the code once, one number for each measurement."""
        return [t / self.number_per_run for t in self.raw_times]

    @cached_property
    def _quartiles(self) -> tuple:
        return tuple(float(q) for q in np.quantile(self.times, (0.25, 0.5, 0.75)))

    @property
    def median(self) -> float:
        """Seconds for running the code once: the middle one of the measurements."""
        return self._quartiles[1]

    @property
    def mean(self) -> float:
        """Their mean."""
        return float(np.mean(self.times))

    @property
    def iqr(self) -> float:
        """How far the middle half of the measurements reaches."""
        return self._quartiles[2] - self._quartiles[0]

    @property
    def significant_figures(self) -> int:
        """How many figures of the median can be believed: from one to four."""
        ordered = sorted(self.times)
        middle = ordered[len(ordered) // 4: math.ceil(3 * len(ordered) / 4)]
        interval = max(1.645 * float(np.std(middle)) / math.sqrt(len(middle)), 25e-9)
        return min(max(math.floor(-math.log10(interval / self.median)), 1), 4)

    @property
    def has_warnings(self) -> bool:
        """True if the measurements scatter much."""
        return not self.meets_confidence()

    def meets_confidence(self, threshold: float = STEADY) -> bool:
        """True if the middle half of the measurements lies close together, measured by the median."""
        return self.iqr / self.median < threshold

    def __getattr__(self, name: str):
        if name != "task_spec" and not name.startswith("_") and hasattr(self.task_spec, name):
            return getattr(self.task_spec, name)
        raise AttributeError(name)

    @property
    def as_row_name(self) -> str:
        """What `Compare` calls the row."""
        return self.sub_label or self.stmt or "[Unknown]"

    def __repr__(self) -> str:
        count, (low, middle, high) = len(self.raw_times), self._quartiles
        unit, scale = select_unit(middle)
        lines = [f"<torch.utils.benchmark.utils.common.Measurement object at {id(self):#x}>", self.task_spec.summarize(),
                 f"  {'Median: ' if count > 1 else ''}{middle / scale:.2f} {unit}"]
        if count >= 4:
            lines.append(f"  IQR:    {self.iqr / scale:.2f} {unit} ({low / scale:.2f} to {high / scale:.2f})")
        threads = self.task_spec.num_threads
        lines.append(f"  {count} measurement{'s' if count > 1 else ''}, {self.number_per_run} runs {'per measurement,' if count > 1 else ','} {threads} thread{'s' if threads > 1 else ''}")
        if self.has_warnings:
            strong = not self.meets_confidence(UNSTEADY)
            lines += [f"  WARNING: Interquartile range is {self.iqr / middle * 100:.1f}% of the median measurement.",
                      f"           {'This suggests significant environmental influence.' if strong else 'This could indicate system fluctuation.'}"]
        return "\n".join(lines)

    @staticmethod
    def merge(measurements) -> list:
        """Measurements of the same task put together."""
        by_task: dict = {}
        for each in measurements:
            by_task.setdefault(each.task_spec, []).append(each)
        return [Measurement(group[0].number_per_run, [t / m.number_per_run * group[0].number_per_run for m in group for t in m.raw_times], task)
                for task, group in by_task.items()]


class Timer:
    """Times `stmt`.

    Args:
        stmt: the code, as text.
        setup: code that runs once before.
        globals: names that the code may use; `torch` is there already.
        label, sub_label, description, env: what `Compare` makes tables of.
        num_threads: how many threads operators may use meanwhile.

    >>> from autodiff_lab.utils.benchmark import Timer
    >>> Timer("sum(numbers)", globals={"numbers": [1, 2, 3]}).timeit(100).number_per_run
    100
    """

    def __init__(self, stmt: str = "pass", setup: str = "pass", global_setup: str = "", timer=timeit.default_timer, globals: dict | None = None, label: str | None = None,
                 sub_label: str | None = None, description: str | None = None, env: str | None = None, num_threads: int = 1, language="python"):
        if not isinstance(stmt, str):
            raise ValueError("Currently only a `str` stmt is supported.")
        if str(getattr(language, "value", language)).lower() not in ("python", "py", "0"):
            raise ValueError("Only Python is timed here: there is no compiler for C++.")
        stmt, setup = textwrap.dedent(stmt).strip("\n"), textwrap.dedent(setup).strip("\n")
        scope = {"torch": sys.modules[__name__.partition(".")[0]], **(globals or {})}
        self._timer = timeit.Timer(stmt, setup, timer, scope)
        self._task_spec = TaskSpec(stmt, setup, global_setup, label, sub_label, description, env, num_threads)

    @contextlib.contextmanager
    def _threads(self):
        before = public[""]["get_num_threads"]()
        public[""]["set_num_threads"](self._task_spec.num_threads)
        try:
            yield
        finally:
            public[""]["set_num_threads"](before)

    def _measured(self, number: int, times: list) -> Measurement:
        return Measurement(number, times, self._task_spec)

    def timeit(self, number: int = 1_000_000) -> Measurement:
        """Run the code `number` times and measure all of them at once."""
        with self._threads():
            self._timer.timeit(max(number // 100, 2))  # to warm up
            return self._measured(number, [self._timer.timeit(number)])

    def _block(self, min_run_time: float) -> int:
        """How often to run at once so that looking at the clock costs little."""
        overhead = float(np.median([self._timer.timeit(0) for _ in range(5)]))
        number = 1
        while True:
            taken = self._timer.timeit(number)
            if taken > 0 and overhead / taken <= 1e-4 and taken >= min_run_time / 1000 or taken > min_run_time:
                return number
            number *= 10

    def blocked_autorange(self, callback=None, min_run_time: float = 0.2) -> Measurement:
        """Measure blocks of runs, each large enough for the clock, until `min_run_time` seconds are over."""
        with self._threads():
            number, times = self._block(min_run_time), []
            while sum(times) < min_run_time:
                times.append(self._timer.timeit(number))
                if callback is not None:
                    callback(number, times[-1])
        return self._measured(number, times)

    def adaptive_autorange(self, threshold: float = 0.1, *, min_run_time: float = 0.01, max_run_time: float = 10.0, callback=None) -> Measurement:
        """Measure blocks of runs until they agree to `threshold`, or `max_run_time` seconds are over."""
        with self._threads():
            number, times = self._block(0.05), []
            while sum(times) < max_run_time:
                times.append(self._timer.timeit(number))
                if callback is not None:
                    callback(number, times[-1])
                if len(times) > 3 and sum(times) >= min_run_time and self._measured(number, times).meets_confidence(threshold):
                    break
        return self._measured(number, times)

    def collect_callgrind(self, *args, **kwargs):
        """Refused: instructions are not counted here."""
        raise RuntimeError("collect_callgrind is not here: it counts the instructions of compiled code. Use blocked_autorange().")


class Compare:
    """A table of measurements: one for each label, a row for each sub-label, a column for each description.

    >>> from autodiff_lab.utils.benchmark import Compare, Measurement, TaskSpec
    >>> made = [Measurement(1, [t], TaskSpec("x", "pass", label="Dot", sub_label="[10]", description=d)) for d, t in (("mul", 1e-5), ("bmm", 2e-5))]
    >>> Compare(made).print()  # doctest: +NORMALIZE_WHITESPACE
    [---------- Dot -----------]
                |  mul   |  bmm
    1 threads: -----------------
          [10]  |  10.0  |  20.0
    <BLANKLINE>
    Times are in microseconds (us).
    <BLANKLINE>
    """

    def __init__(self, results):
        self._results: list = []
        self._trim = False
        self.extend_results(results)

    def extend_results(self, results) -> None:
        """Add measurements.

        Raises:
            ValueError: for something else.
        """
        for result in results:
            if not isinstance(result, Measurement):
                raise ValueError(f"Expected an instance of `Measurement`, got {type(result)} instead.")
        self._results.extend(results)

    def trim_significant_figures(self) -> None:
        """Show only the figures that can be believed."""
        self._trim = True

    def colorize(self, rowwise: bool = False) -> None:
        """Accepted: tables are plain text here."""

    def highlight_warnings(self) -> None:
        """Accepted: look at `has_warnings` of a measurement."""

    def print(self) -> None:
        """Print the tables."""
        print(str(self))

    def __str__(self) -> str:
        merged = Measurement.merge(self._results)
        labels = dict.fromkeys(m.label for m in merged)
        return "\n".join(self._table(label, [m for m in merged if m.label == label]) for label in labels)

    def _table(self, label, group: list) -> str:
        columns, threads = list(dict.fromkeys(m.description for m in group)), sorted({m.num_threads for m in group})
        rows = list(dict.fromkeys(m.as_row_name for m in group))
        unit, scale = select_unit(min(m.median for m in group))
        cells = [self._column([m for m in group if m.description == c], scale) for c in columns]
        heads = [c or "" for c in columns]
        widths = [max([len(h), *map(len, found.values())]) for h, found in zip(heads, cells, strict=True)]
        first = max(len(f"      {name}") for name in rows)

        def line(name, values):
            return "  |  ".join([name.ljust(first), *(v.center(w) for v, w in zip(values, widths, strict=True))])
        width = first + sum(w + 5 for w in widths)
        lines = [f"[{f' {label or chr(32)} '.center(width - 2, '-')}]", line("", heads)]
        for count in threads:
            lines.append(f"{count} threads: ".ljust(width, "-"))
            lines += [line(f"      {name}", [found.get((count, name), "") for found in cells]) for name in rows if any((count, name) in found for found in cells)]
        return "\n".join([*lines, "", f"Times are in {UNITS[unit][1]}s ({unit}).", ""])

    def _column(self, group: list, scale: float) -> dict:
        """The numbers of a column as text of one width, by threads and row."""
        if self._trim:
            values = {m: trim_sigfig(m.median / scale, m.significant_figures) for m in group}
            digits = max(0, max(m.significant_figures - math.floor(math.log10(v)) - 1 for m, v in values.items() if v) if any(values.values()) else 0)
            digits = min(digits, 1)
        else:
            values, digits = {m: m.median / scale for m in group}, 1
        texts = {(m.num_threads, m.as_row_name): f"{v:.{digits}f}" for m, v in values.items()}
        width = max(map(len, texts.values()))
        return {key: text.rjust(width) for key, text in texts.items()}

    __hash__ = object.__hash__


Measurement.__hash__ = object.__hash__
