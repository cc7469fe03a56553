"""`torch.utils.benchmark`: the same times are shown in the same words."""

from __future__ import annotations

import contextlib
import importlib
import io
import re

import pytest

pytest.importorskip("torch")


def story(name: str) -> list:
    benchmark = importlib.import_module(f"{name}.utils.benchmark")

    def measured(times, number=10, setup="pass", **spec):
        return benchmark.Measurement(number_per_run=number, raw_times=times, task_spec=benchmark.TaskSpec(setup=setup, **spec))

    out = [measured([1e-4], stmt="x + 1"), measured([0.01, 0.011, 0.015, 0.012], stmt="f(x)", setup="from __main__ import f", label="Dot", sub_label="[1, 1]", description="mul", num_threads=4),
           measured([2.0, 2.5, 3.0], 1, stmt="several\nlines", setup="a = 1\nb = 2"), measured([1e-9] * 20, 1, stmt="y", label="L"),
           measured([1.0, 1.0, 2.0, 9.0], 1, stmt="y")]
    second = out[1]
    told = [re.sub("0x[0-9a-f]+", "", repr(each)) for each in out]
    told += [second.median, round(second.mean, 9), round(second.iqr, 9), second.times, second.significant_figures, second.has_warnings, second.title, second.meets_confidence(), second.label]
    results = [measured([time * size * 10 * (1.01 if threads == 4 else 1)] * 5, stmt="s", label="Batched dot", sub_label=f"[{size}, 10]", description=what, num_threads=threads)
               for size in (1, 1024) for threads in (1, 4) for what, time in (("mul/sum", 1e-5), ("bmm", 2.34e-5))]
    table = benchmark.Compare(results)
    for _ in range(2):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            table.print()
        told.append(printed.getvalue())
        table.trim_significant_figures()
    return [*told, len(benchmark.Measurement.merge([*results[:2], results[0]]))]


def test_measurements_and_tables_read_as_in_pytorch():
    assert story("autodiff_lab") == story("torch")


def test_a_timer_runs_the_code_as_often_as_it_says():
    from autodiff_lab.utils.benchmark import Timer

    ran: list = []
    timer = Timer("ran.append(torch.zeros(1))", globals={"ran": ran})
    assert timer.timeit(50).number_per_run == 50
    assert len(ran) == 52  # two to warm up
    found = timer.blocked_autorange(min_run_time=0.01)
    assert sum(found.raw_times) >= 0.01
    assert timer.adaptive_autorange(max_run_time=0.05).raw_times


def test_what_is_not_timed_here_is_refused():
    from autodiff_lab.utils.benchmark import Compare, Timer

    with pytest.raises(RuntimeError, match="callgrind"):
        Timer("1").collect_callgrind()
    with pytest.raises(ValueError, match="Python"):
        Timer("1", language="c++")
    with pytest.raises(ValueError, match="Measurement"):
        Compare([1.0])
