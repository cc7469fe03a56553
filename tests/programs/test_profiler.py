"""The profiler: tables of the same shape as PyTorch's, schedules of the same steps, times that add up."""

from __future__ import annotations

import importlib
import json
import re
import time

import pytest

import autodiff_lab as lab
from autodiff_lab.autograd.profiler import EventList, FunctionEventAvg

torch = pytest.importorskip("torch")


def test_a_table_reads_as_pytorch_s_with_the_same_numbers():
    from torch.autograd.profiler_util import EventList as Theirs
    from torch.autograd.profiler_util import FunctionEventAvg as TheirAverage

    rows = [("aten::linear", 2, 1500.0, 20.5), ("model", 1, 2e6, 1.5e6), ("aten::exp", 3, 40.25, 40.25)]
    ours = EventList(FunctionEventAvg(key, count, total, own) for key, count, total, own in rows)
    theirs = Theirs([], use_device=None)
    for key, count, total, own in rows:
        made = TheirAverage()
        made.key, made.count, made.cpu_time_total, made.self_cpu_time_total, made.is_remote, made.device_type = key, count, total, own, False, torch.autograd.DeviceType.CPU
        made.input_shapes, made.stack, made.flops, made.overload_name, made.is_legacy, made.node_id, made.is_async = "", [], 0, "", False, -1, False
        theirs.append(made)
    # PyTorch adds up what it measured, which a list made by hand has not.
    split = [re.sub(r"\d+\.\d+%|Self CPU time total.*", "%", text.table(sort_by="self_cpu_time_total")) for text in (ours, theirs)]
    assert split[0].splitlines()[:3] == split[1].splitlines()[:3]
    assert [line.split() for line in split[0].splitlines()[3:6]] == [line.split() for line in split[1].splitlines()[3:6]]


@pytest.mark.parametrize("options", [{"wait": 1, "warmup": 1, "active": 2, "repeat": 2, "skip_first": 1}, {"wait": 0, "warmup": 1, "active": 3}, {"wait": 2, "warmup": 0, "active": 1}])
def test_schedules_plan_the_same_steps(options):
    plans = [[importlib.import_module(f"{name}.profiler").schedule(**options)(step).name for step in range(15)] for name in ("autodiff_lab", "torch")]
    assert plans[0] == plans[1]


def test_a_scheduled_profile_reports_at_the_same_steps():
    told = []
    for library in (lab, torch):
        profiler, steps = importlib.import_module(f"{library.__name__}.profiler"), []
        with profiler.profile(schedule=profiler.schedule(wait=1, warmup=1, active=1, repeat=2), on_trace_ready=lambda p, steps=steps: steps.append(p.step_num)) as running:
            for _ in range(8):
                library.ones(2).exp()
                running.step()
        told.append(steps)
    assert told[0] == told[1]


def test_times_of_parts_add_up():
    model = lab.nn.Linear(3, 3)
    with lab.profiler.profile(record_shapes=True) as profile:
        with lab.profiler.record_function("forward"):
            loss = model(lab.ones(2, 3)).relu().sum()
            time.sleep(0.01)
        loss.backward()
    rows = {row.key: row for row in profile.key_averages()}
    assert {"forward", "aten::linear", "aten::relu", "aten::sum", "SumBackward0", "ReluBackward0", "AddmmBackward0"} <= set(rows)
    assert rows["forward"].self_cpu_time_total >= 9_000
    inside = sum(rows[key].cpu_time_total for key in ("aten::ones", "aten::linear", "aten::relu", "aten::sum"))
    assert rows["forward"].cpu_time_total == pytest.approx(rows["forward"].self_cpu_time_total + inside)
    assert profile.self_cpu_time_total == pytest.approx(sum(row.self_cpu_time_total for row in rows.values()))
    by_shape = {row.key: row.input_shapes for row in profile.key_averages(group_by_input_shape=True)}
    assert by_shape["aten::linear"] == [[2, 3], [3, 3], [3]]
    assert [event.key for event in profile.events()][:2] == ["forward", "aten::ones"]


def test_a_trace_can_be_read(tmp_path):
    with lab.profiler.profile() as profile:
        lab.ones(2).exp()
    profile.export_chrome_trace(str(tmp_path / "trace.json"))
    assert [event["name"] for event in json.loads((tmp_path / "trace.json").read_text())["traceEvents"]] == ["aten::ones", "aten::exp"]


def test_nothing_is_noted_after_a_profile():
    with lab.profiler.profile() as profile:
        lab.ones(2)
    lab.ones(2).exp()
    assert [event.key for event in profile.events()] == ["aten::ones"]
    with pytest.raises(AttributeError, match="no_such_number"):
        profile.key_averages().table(sort_by="no_such_number")
