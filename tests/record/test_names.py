"""The recorder finds line and name of what a learner wrote, in every way of writing it."""

import linecache

import pytest

import autodiff_lab as lab
from autodiff_lab.core import observe
from autodiff_lab.record.build import build
from autodiff_lab.record.entries import inputs_of
from autodiff_lab.record.recorder import Recorder

from .corpus import CELLS, SETUP


def run_cell(text: str, namespace: dict, name: str = "<cell>"):
    """Run text as a notebook would: compiled under a file name that linecache knows."""
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec"), namespace)


def recorded(text: str, root: str = ""):
    """What a cell records; with `root`, only what leads to this variable."""
    namespace = {"lab": lab}
    run_cell(SETUP, namespace, "<setup>")
    recorder = observe.attach(Recorder())
    try:
        run_cell(text, namespace)
    finally:
        observe.detach(recorder)
    used = {k for key in list(recorder.entries) for k in inputs_of(recorder.look(key))}
    sinks = [namespace[root]._node.seq] if root else [key for key in recorder.entries if key not in used]
    return build(recorder, sinks, label=lambda f: f.strip("<>"))


@pytest.mark.parametrize("title", CELLS)
def test_line_and_name_of_every_operator(title):
    text, expected = CELLS[title]
    snapshot = recorded(text)
    found = [(n.op, n.source.line, n.name, n.turn) for n in snapshot.nodes if n.kind == "op"]
    assert found == expected


def test_column_points_at_the_expression():
    node = next(n for n in recorded("größe = lab.exp(w  *  x)").nodes if n.op == "mul")
    assert (node.source.column, node.source.end_column, node.source.text) == (16, 23, "w * x")


def test_leaves_are_named_after_what_was_written():
    names = {n.name: n.kind for n in recorded("y = (w * x + b) ** 2").nodes if n.kind != "op"}
    assert names == {"w": "parameter", "x": "data", "b": "parameter"}


def test_a_leaf_without_a_variable_is_called_after_its_expression():
    names = {n.name for n in recorded("y = (w * 2).detach() * w + lab.ones(())").nodes if n.kind == "data"}
    assert names == {"(w * 2).detach()", "lab.ones(())"}


def test_a_write_into_a_part_has_the_line_the_name_and_the_numbers_of_the_whole():
    text = "h = v * 2\nh[0] = 7.0\np = h[1:]\np.mul_(w)\ns = h.sum()"
    found = [(n.op, n.source.line, n.name, n.value.items) for n in recorded(text, "s").nodes if n.kind == "op"]
    assert found == [("mul", 1, "h", (2.0, 2.0, 2.0)), ("write", 2, "h", (7.0, 2.0, 2.0)), ("write", 4, "p", (7.0, 4.0, 4.0)), ("sum", 5, "s", ())]


def test_cell_that_ran_again_is_recorded_anew():
    namespace = {"lab": lab}
    run_cell(SETUP, namespace, "<setup>")
    recorder = observe.attach(Recorder())
    try:
        run_cell("z = w * x", namespace, "<a>")
        run_cell("z = w + x", namespace, "<b>")
        run_cell("z = w * x", namespace, "<a>")
    finally:
        observe.detach(recorder)
    snapshot = build(recorder, [list(recorder.entries)[-1]], label=lambda f: f)
    (node,) = [n for n in snapshot.nodes if n.kind == "op"]
    assert (node.op, node.name, snapshot.code[node.source.code].text) == ("mul", "z", "z = w * x")


def test_code_from_a_file_has_its_name_and_line(tmp_path):
    file = tmp_path / "helper.py"
    file.write_text("\n\n\ndef double(a):\n    twice = a * 2\n    return twice\n")
    namespace = {"lab": lab}
    exec(compile(file.read_text(), str(file), "exec"), namespace)
    namespace["w"] = lab.tensor(1.0, requires_grad=True)
    recorder = observe.attach(Recorder())
    try:
        run_cell("z = double(w) + 1", namespace)
    finally:
        observe.detach(recorder)
    snapshot = build(recorder, [list(recorder.entries)[-1]], label=lambda f: "cell 1" if f == "<cell>" else None)
    mul = next(n for n in snapshot.nodes if n.op == "mul")
    code = snapshot.code[mul.source.code]
    assert (code.label, code.kind, mul.source.line, mul.name) == ("helper.py", "file", 5, "twice")
    assert code.text.splitlines()[mul.source.line - code.first_line] == "    twice = a * 2"
    assert [snapshot.code[c.code].label for c in mul.calls] == ["cell 1"]


def test_async_cell():
    import ast
    import asyncio

    text = "z = await f(w)\ny = z + 1"
    namespace = {"lab": lab, "w": lab.tensor(1.0, requires_grad=True)}
    run_cell("async def f(a):\n    return a * 2", namespace, "<def>")
    linecache.cache["<async>"] = (len(text), None, text.splitlines(keepends=True), "<async>")
    code = compile(text, "<async>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    recorder = observe.attach(Recorder())
    try:
        asyncio.run(eval(code, namespace))
    finally:
        observe.detach(recorder)
    snapshot = build(recorder, [list(recorder.entries)[-1]])
    assert [(n.op, n.source.line, n.name) for n in snapshot.nodes if n.kind == "op"] == [("mul", 2, "z"), ("add", 2, "y")]


def test_given_name_wins():
    recorder = observe.attach(Recorder())
    try:
        h = lab.tensor(1.0, requires_grad=True) * 2
        recorder.names[h._node.seq] = "mine"
    finally:
        observe.detach(recorder)
    assert build(recorder, [h._node.seq]).nodes[-1].name == "mine"


def test_the_part_that_an_assignment_makes_and_drops_is_not_drawn():
    namespace = {"lab": lab}
    run_cell(SETUP, namespace, "<setup>")
    recorder = observe.attach(Recorder())
    try:
        run_cell("h = v * 2\nh[1:] = 0\nh = lab.relu_(h)", namespace)
    finally:
        observe.detach(recorder)
    assert [recorder.look(key).op.name for key in recorder.entries] == ["mul", "torch::autograd::CopySlices", "fill", "relu"]


def test_a_graph_that_nobody_watched_has_the_names_of_variables_and_parameters():
    from autodiff_lab import nn
    from autodiff_lab.notebook.showing import show

    model, w = nn.Linear(2, 1), lab.tensor([3.0, 4.0], requires_grad=True)
    h = w ** 2
    out = model(h)
    snapshot = show(out).snapshot
    assert [n.name for n in snapshot.nodes] == ["w", "h", "model.weight", "model.bias", "out"]
    assert snapshot.edges[0].plain == ""  # the exponent is not known


def test_outputs_of_one_operator_are_no_turns_of_a_loop():
    found = [(n.label, n.name, n.turn) for n in recorded("a, b, c = v.unbind()\ns = lab.stack([c, a, b])").nodes if n.kind == "op"]
    assert found == [("unbind", "", None), ("output 0", "a", None), ("output 1", "b", None), ("output 2", "c", None), ("stack", "s", None)]


def test_what_is_made_on_the_spot_for_a_module_is_called_after_its_expression():
    text = "layer = lab.nn.Sequential(lab.nn.Linear(2, 3), lab.nn.ReLU())\ny = layer(lab.ones(4, 2))\nc = lab.nn.RNNCell(2, 3)\nh = c(lab.ones(1, 2), lab.zeros(1, 3))"
    names = [n.name for n in recorded(text).nodes if n.kind == "data"]
    assert names == ["lab.ones(4, 2)", "lab.ones(1, 2)", "lab.zeros(1, 3)"]


def test_a_complex_gradient_is_multiplied_by_the_conjugate():
    snapshot = recorded("c = lab.tensor([1 + 2j], requires_grad=True)\nd = lab.tensor([2 - 1j])\ny = c * d")
    assert [edge.plain for edge in snapshot.edges] == ["conj(d)", ""]
