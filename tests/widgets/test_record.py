"""The record of a run: bounded curves that keep extremes, files, frames, figures, events, and a picture that is always the same."""

from __future__ import annotations

import math
import struct
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff_lab as lab
from autodiff_lab.export import run_svg, run_text
from autodiff_lab.record.flow import BINS, Flow, folded, histogram
from autodiff_lab.record.run import RunRecord, Setting
from autodiff_lab.record.series import Series
from autodiff_lab.record.smooth import columns
from autodiff_lab.record.touches import Touch


def sample(steps=120) -> RunRecord:
    record = RunRecord("Sample")
    record.flow.set_parameters([("first.weight", (3, 4)), ("last.weight", (2, 3))])
    for step in range(1, steps + 1):
        record.step = record.updates = step
        record.scalar("loss", step, 2.0 / step)
        if step % 20 == 0:
            record.scalar("val_loss", step, 2.5 / step, "log")
        if record.flow.due(step):
            grads = [np.full((3, 4), 1e-6 / step), np.full((2, 3), 1e-2 / step)]
            record.flow.measure(step, grads)
        if record.flow.due_closely(step):
            record.flow.look(step, grads, grads)
    record.settings = [Setting("lr", "lr", 0.1, "SGD")]
    record.touches = [Touch(50, "set", 50, "lr", 0.1, 0.2), Touch(60, "stop", 60)]
    record.verdicts, record.notes = {"first.weight": "vanishing"}, {"flow": "first.weight: its gradients are small."}
    record.image("digit", 3, np.eye(8))
    return record


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), min_size=1, max_size=400))
@settings(max_examples=60, deadline=None)
def test_a_thinned_curve_keeps_extremes_order_and_the_newest_point(values):
    curve = Series("x", capacity=32)
    for step, value in enumerate(values):
        curve.add(step, value)
    steps, kept = curve.points()
    assert len(steps) <= 36
    assert (np.diff(steps) > 0).all()
    assert steps[-1] == len(values) - 1 and curve.count == len(values)
    whole = np.array([value for value in values if not math.isnan(value)])
    if whole.size == len(values):
        assert kept.min() == whole.min() and kept.max() == whole.max()


def test_memory_stays_bounded_over_many_steps():
    curve = Series("x")
    for step in range(200_000):
        curve.add(step, float(step % 7))
    assert len(curve) <= curve.capacity + 3 and curve.thinned
    assert curve.count == 200_000 and curve.last == (199_999, float(199_999 % 7))


def test_the_picture_of_a_spike_shows_the_spike():
    steps = np.arange(10_000.0)
    values = np.ones(10_000)
    values[4321] = 50
    assert columns(steps, values, 100)[1].max() == 50


def test_cutting_forgets_what_came_after():
    curve = Series("x")
    for step in range(10):
        curve.add(step, 10.0 - step)
    curve.cut(4)
    assert curve.points()[0].tolist() == [0, 1, 2, 3, 4] and curve.best == (4.0, 6.0) and curve.last == (4.0, 6.0)


def test_flow_follows_a_fixed_plan():
    flow = Flow()
    flow.set_parameters([("w", (4,))])
    for step in range(1, 2001):
        if flow.due(step):
            flow.measure(step, [np.ones(4)])
        if flow.due_closely(step):
            flow.look(step, [np.ones(4)], [np.ones(4)])
    assert flow.stride == 8 and flow.steps == list(range(8, 2001, 8))
    assert all(step % (8 * 16) == 0 for step in flow.close)


def test_the_histogram_counts_signs_and_powers_of_two():
    counts = folded(histogram(np.array([0.0, 1.0, 1.5, -4.0, 1e-30, -1e30], np.float32)))
    assert counts.sum() == 6 and counts[BINS] == 1
    assert counts[BINS + 1 + 40] == 2 and counts[BINS - 1 - 42] == 1
    assert counts[BINS + 1] == 1 and counts[0] == 1


def test_a_saved_run_is_the_same_run(tmp_path):
    record = sample()
    record.save(tmp_path / "a.run")
    loaded = RunRecord.load(tmp_path / "a.run")
    assert run_text.words(loaded) == run_text.words(record)
    assert run_svg.picture(loaded) == run_svg.picture(record)
    assert loaded.touches == record.touches and loaded.settings == record.settings
    assert np.array_equal(loaded.images["digit"][0][1], np.eye(8))


def test_a_crash_while_saving_leaves_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "a.run"
    sample().save(file)
    before = file.read_bytes()
    monkeypatch.setattr("os.replace", lambda *paths: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError):
        sample(10).save(file)
    assert file.read_bytes() == before


def test_a_newer_file_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("autodiff_lab.record.run.FORMAT", 99)
    sample().save(tmp_path / "a.run")
    monkeypatch.setattr("autodiff_lab.record.run.FORMAT", 1)
    with pytest.raises(ValueError, match="newer version"):
        RunRecord.load(tmp_path / "a.run")


def test_columns_have_one_axis():
    table = sample(40).columns()
    assert table["step"].tolist() == list(range(1, 41))
    assert np.isnan(table["val_loss"][0]) and table["val_loss"][19] == 0.125


def test_an_unknown_curve_is_named():
    with pytest.raises(KeyError, match=r"no curve 'acc'. It has: loss, val_loss"):
        sample()["acc"]


def test_the_picture_is_plain_svg_and_always_the_same():
    first, again = run_svg.picture(sample()), run_svg.picture(sample())
    assert first == again
    root = ElementTree.fromstring(first)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "rect", "line", "text", "path"}
    assert "vanishing" in first and " id=" not in first and "style=" not in first
    assert root.get("aria-label").startswith("Training: 120 steps")


def test_names_from_a_program_are_text_in_the_picture():
    record = sample()
    record.scalar("<script>alert(1)</script>\x00\ufffe", 5, 1.0, "log")
    ElementTree.fromstring(run_svg.picture(record))
    assert "<script>" not in run_svg.picture(record)


def test_an_empty_run_has_a_picture_and_words():
    ElementTree.fromstring(run_svg.picture(RunRecord()))
    assert run_text.words(RunRecord()) == "Training: waiting for the first step"


@pytest.mark.parametrize("values", [[math.nan] * 5, [0.0] * 5, [math.inf, 1.0], [-1.0, -1.0], [1e-300, 1e300]])
def test_odd_values_have_a_picture(values):
    record = RunRecord()
    for step, value in enumerate(values):
        record.scalar("loss", step, value)
        record.step = step
    ElementTree.fromstring(run_svg.picture(record))


def test_a_figure_has_the_same_curves():
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    from autodiff_lab.export.run_figure import figure

    axes = figure(sample()).axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["loss", "val_loss"]
    assert axes.get_yscale() == "log"


def test_tensorboard_events_are_well_formed(tmp_path):
    from autodiff_lab.export.tensorboard import masked, write_events

    assert masked(b"123456789") == ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) & 0xFFFFFFFF  # CRC-32C's own check value
    data = open(write_events(sample(30), tmp_path), "rb").read()
    count = position = 0
    while position < len(data):
        (length,) = struct.unpack_from("<Q", data, position)
        message = data[position + 12:position + 12 + length]
        assert struct.unpack_from("<I", data, position + 12 + length)[0] == masked(message)
        position += 16 + length
        count += 1
    assert count == 1 + 30 + 1


def test_runs_of_one_name_become_a_band():
    from autodiff_lab.widgets.compare import comparison

    runs = [sample(), sample()]
    runs[1].series["loss"].last = (120, 1.0)
    shown = comparison(runs, "Seeds")
    ElementTree.fromstring(shown._repr_mimebundle_()[0]["image/svg+xml"])
    assert "over 2 runs" in repr(shown)


@pytest.mark.parametrize("shape, drawn", [((8, 8), (8, 8, 1)), ((1, 28, 28), (28, 28, 1)), ((3, 16, 20), (16, 20, 3)), ((200, 300), (50, 60, 1)),
                                          ((5,), (1, 5, 1)), ((2, 4, 6), (8, 6, 1)), ((0, 3), None)])
def test_a_logged_array_is_drawn_as_an_image_or_as_its_numbers(shape, drawn):
    pytest.importorskip("anywidget", reason="anywidget is not installed (pip install 'autodiff-lab[lab]')")
    from autodiff_lab.export.run_pack import thumbnail

    picture = thumbnail(np.linspace(-1, 1, max(1, math.prod(shape))).reshape(shape) if math.prod(shape) else np.zeros(shape))
    assert (None if picture is None else picture.shape) == drawn


def test_the_field_is_not_held_up_by_its_first_look(monkeypatch):
    from autodiff_lab.record import field

    clock = [0.0]
    monkeypatch.setattr(field.time, "perf_counter", lambda: clock[0])
    seen = field.Field(lab.nn.Linear(2, 2), lab.rand(8, 2), lab.arange(8) % 2)
    costs = iter([2.0, 0.001, 0.5, 0.001])  # the first look loads what it needs; the third met a busy machine
    ask = seen._ask

    def slow():
        clock[0] += next(costs)
        return ask()

    monkeypatch.setattr(seen, "_ask", slow)
    for step in range(1, 5):
        seen.frame(step)
        clock[0] += 0.2
    assert seen.steps == [1, 2, 3, 4]
