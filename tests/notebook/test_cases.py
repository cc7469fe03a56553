"""What people hit with graph drawings and summaries elsewhere, tried as they reported it (cases of the notebook side)."""

import pytest

import autodiff_lab as lab
from autodiff_lab import nn
from autodiff_lab.notebook import summary


def names(graph, kind="op"):
    return [n.name for n in graph.snapshot.nodes if n.kind == kind]


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.last = nn.Linear(4, 4)
        self.last.weight = self.first.weight

    def forward(self, x):
        return self.last(lab.tanh(self.first(x)))


def test_shared_weights_are_counted_once_and_named():
    model = Tied()
    made = summary(model, lab.ones(2, 4))
    assert made.total == sum(p.numel() for p in model.parameters()) == sum(r.parameters for r in made.rows)
    assert "weight tied with first.weight" in repr(made)


def test_module_dict_lists_every_module_once_in_the_order_of_calls():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleDict({name: nn.Linear(3, 3) for name in "abcd"})

        def forward(self, x):
            for name in "cadb":
                x = self.blocks[name](x)
            return x

    model = Net()
    made = summary(model, lab.ones(1, 3))
    assert [r.path for r in made.rows] == ["", "blocks.c", "blocks.a", "blocks.d", "blocks.b"]
    assert made.total == 4 * 12
    graph = lab.show(model, lab.ones(1, 3))
    assert [s.path for s in graph.snapshot.scopes] == ["", "blocks.c", "blocks.a", "blocks.d", "blocks.b"]


def test_an_output_that_is_returned_twice_is_one_node():
    class Net(nn.Module):
        def forward(self, x):
            h = x * 2
            return h, h, [h, h.sum()]

    graph = lab.show(Net(), lab.ones(3))
    assert names(graph) == ["h", ""]
    assert len(graph.snapshot.roots) == 2


def test_forward_that_raises_is_drawn_up_to_there_with_the_line_and_the_shapes():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(8, 4), nn.Linear(5, 2)

        def forward(self, x):
            h = lab.tanh(self.a(x))
            return self.b(h)

    graph = lab.show(Net(), lab.ones(3, 8))
    failed = graph.snapshot.nodes[graph.snapshot.roots[0]]
    assert failed.op == "linear" and "Linear expects 5 features" in failed.error and "[3, 4]" in failed.error
    assert [n.op for n in graph.snapshot.nodes if n.kind == "op"] == ["linear", "tanh", "linear"]
    assert failed.source.text == "self.b(h)"
    assert "failed" in graph.to_svg() and "Linear expects" in repr(graph)
    with pytest.raises(RuntimeError, match="Linear expects 5 features"):
        raise graph.exception


def test_second_order_graph_is_a_second_layer():
    from autodiff_lab.core import observe
    from autodiff_lab.notebook import showing
    from autodiff_lab.record.recorder import Recorder

    showing.active = observe.attach(Recorder())
    try:
        x = lab.tensor(2.0, requires_grad=True)
        y = x ** 3
        g, = lab.autograd.grad(y, x, create_graph=True)
        graph = lab.show(g)
    finally:
        observe.detach(showing.active)
        showing.active = None
    layers = {n.name or n.label: n.layer for n in graph.snapshot.nodes if n.kind == "op"}
    assert layers["y"] == 0 and layers["g"] == 1 and layers["pow 2"] == 1
    assert graph.snapshot.nodes[graph.snapshot.roots[0]].value.number == 12.0
    assert "stroke-dasharray" in graph.to_svg()


def test_output_without_a_name_says_what_it_is():
    x = lab.ones(3, requires_grad=True)
    graph = lab.show((x ** 2).sum())
    text = graph.explain() + graph.to_svg()
    assert not any(row.strip() == "()" for row in text.splitlines()) and ">()<" not in text
    assert "sum" in text and "3" in text


def test_module_without_input_says_what_to_give():
    with pytest.raises(TypeError, match=r"lab.show\(model, x\)"):
        lab.show(nn.Linear(2, 2))
    with pytest.raises(TypeError, match="not int"):
        lab.show(3)


def test_showing_a_module_changes_no_number():
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))
    lab.manual_seed(1)
    expected = lab.rand(3)
    lab.manual_seed(1)
    lab.show(model, lab.ones(2, 3))
    summary(model, lab.ones(2, 3))
    assert (lab.rand(3) == expected).all()
    assert all(p.grad is None for p in model.parameters())


def test_every_export_is_there(tmp_path):
    w = lab.tensor(2.0, requires_grad=True)
    graph = lab.show(w * w)
    assert graph.to_svg(tmp_path / "g.svg") == (tmp_path / "g.svg").read_text()
    assert graph.to_dot().startswith("digraph")
    assert '"nodes"' in graph.to_json()


def test_diff_of_two_calls():
    w = lab.tensor(2.0, requires_grad=True)

    def f(flag):
        h = w * 3
        if flag:
            h = lab.tanh(h)
        return h + 1

    from autodiff_lab.core import observe
    from autodiff_lab.notebook import showing
    from autodiff_lab.record.recorder import Recorder

    showing.active = observe.attach(Recorder())
    try:
        found = lab.diff(f(True), f(False))
        assert [c.kind for c in found.changes] == ["removed"] and "lab.tanh(h) ran only in a" in repr(found)
        assert lab.diff(f(True), f(True)).same
        assert found.to_svg().startswith("<svg")
    finally:
        observe.detach(showing.active)
        showing.active = None


def test_what_if_runs_the_recorded_graph_again_and_touches_nothing():
    from autodiff_lab.core import observe
    from autodiff_lab.record.build import build
    from autodiff_lab.record.recorder import Recorder
    from autodiff_lab.record.replay import what_if_for

    recorder = observe.attach(Recorder())
    try:
        w, x, b = lab.tensor(2.0, requires_grad=True), lab.tensor(3.0), lab.tensor(-1.0, requires_grad=True)
        y = (w * x + b) ** 2
        y.backward()
        snapshot = build(recorder, recorder.roots)
        passes, entries = recorder.passes, len(recorder.entries)
        answer = what_if_for(recorder, recorder.roots, snapshot)(0, 4.0)
    finally:
        observe.detach(recorder)
    assert [n.value.number for n in answer.nodes] == [4.0, 3.0, 12.0, -1.0, 11.0, 121.0]
    assert answer.nodes[0].grad.number == 66.0 and len(answer.steps) == 3
    assert answer.key == snapshot.key
    assert (float(w), float(w.grad), recorder.passes, len(recorder.entries)) == (2.0, 30.0, passes, entries)


@pytest.mark.parametrize("call", [lambda m: summary(m, (2, 4)), lambda m: summary(m, input_size=(2, 4))], ids=["tuple", "input_size"])
def test_a_size_in_place_of_an_input_is_explained(call):
    with pytest.raises(TypeError, match=r"takes the input itself and was given its size \(2, 4\): write lab\.summary\(model, lab\.zeros\(2, 4\)\)"):
        call(Tied())


def test_embedding_and_output_that_share_a_weight_count_it_once_and_name_the_tie():
    class Language(nn.Module):
        def __init__(self):
            super().__init__()
            self.wte, self.head = nn.Embedding(10, 4), nn.Linear(4, 10, bias=False)
            self.head.weight = self.wte.weight

        def forward(self, tokens):
            return self.head(self.wte(tokens))

    model = Language()
    made = summary(model, lab.tensor([[1, 2]]))
    assert made.total == sum(p.numel() for p in model.parameters()) == 40
    assert "weight tied with wte.weight" in next(line for line in repr(made).splitlines() if "head" in line)


def test_a_cnn_whose_linear_layer_has_the_wrong_size_is_drawn_up_to_it(tmp_path):
    text = """
from autodiff_lab import nn
import autodiff_lab as lab
class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.pool, self.fc = nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), nn.Linear(100, 10)
    def forward(self, x):
        h = self.pool(lab.relu(self.conv(x)))
        h = h.flatten(1)
        return self.fc(h)
graph = lab.show(CNN(), lab.randn(2, 1, 12, 14))
"""
    (tmp_path / "cnn.py").write_text(text)
    space: dict = {}
    exec(compile(text, str(tmp_path / "cnn.py"), "exec"), space)
    graph = space["graph"]
    ops = [n for n in graph.snapshot.nodes if n.kind == "op"]
    assert [n.op for n in ops] == ["conv2d", "relu", "max_pool2d", "reshape", "linear"] and [bool(n.error) for n in ops] == [False] * 4 + [True]
    assert "Linear expects 100 features in the last dimension, got an input of shape [2, 120]." in repr(graph)
    failed = next(line for line in graph.explain().splitlines() if line.startswith("  ▦ ") and "failed" in line)
    assert "self.fc(h)" in failed and "cnn.py line 11" in failed and not failed.endswith("..")
    with pytest.raises(RuntimeError, match=r"2x120 and 100x10"):
        raise graph.exception


def test_an_output_that_is_returned_twice_has_several_uses_and_is_drawn():
    class Net(nn.Module):
        def forward(self, x):
            h = x * 2
            return h, h, [h, h.sum()]

    graph = lab.show(Net(), lab.ones(3))
    h = next(n.id for n in graph.snapshot.nodes if n.name == "h")
    assert len([e for e in graph.snapshot.edges if e.source == h]) == 1 and h in graph.snapshot.roots
    assert graph.to_svg().count(">h</text>") == 1


def test_a_pass_that_ran_before_anybody_watched_is_not_denied():
    x = lab.tensor(3.0, requires_grad=True)
    y = (x * 2 + 1) ** 2
    y.backward()
    text = lab.explain(y)
    assert "gradient 28" in text and "backward ran earlier" in text and "No backward pass has run" not in text
