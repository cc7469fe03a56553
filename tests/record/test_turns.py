"""What repeats in a long graph is put into boxes, turn by turn; a short graph is left as it is."""

import autodiff_lab as lab
from autodiff_lab import nn
from autodiff_lab.core import observe
from autodiff_lab.export.plan import make_plan
from autodiff_lab.export.svg import svg
from autodiff_lab.export.words import facts
from autodiff_lab.record.build import build
from autodiff_lab.record.recorder import Recorder


def recorded(program):
    recorder = observe.attach(Recorder())
    try:
        root = program()
    finally:
        observe.detach(recorder)
    return build(recorder, [root._node.seq])


def rnn(turns):
    W, U, xs = lab.ones(3, 3, requires_grad=True), lab.ones(2, 3, requires_grad=True), lab.ones(turns, 1, 2)

    def program():
        h = lab.zeros(1, 3)
        for t in range(turns):
            h = lab.tanh(h @ W + xs[t] @ U)
        return h.sum()

    return program


def check_tree(snapshot):
    assert [scope.id for scope in snapshot.scopes] == list(range(len(snapshot.scopes)))
    assert all(scope.parent is None or scope.parent < scope.id for scope in snapshot.scopes)
    assert all(node.scope is None or node.scope < len(snapshot.scopes) for node in snapshot.nodes)


def test_turns_of_a_long_loop_are_boxes_with_what_only_they_use():
    snapshot = recorded(rnn(50))
    check_tree(snapshot)
    assert [scope.path for scope in snapshot.scopes] == [f"turn {t}" for t in range(1, 51)] and all(scope.repeat for scope in snapshot.scopes)
    inside = [[node.label or node.kind for node in snapshot.nodes if node.scope == t] for t in range(50)]
    assert inside[1:] == [["matmul", "data", "matmul", "add", "tanh"]] * 49 and inside[0] == ["data", *inside[1]]
    assert [node.label or node.kind for node in snapshot.nodes if node.scope is None] == ["parameter", "parameter", "sum"]
    plan = make_plan(snapshot)
    assert [len(members) for members in plan.stacks.values()] == [50]
    assert "turn 1 … 50" in svg(snapshot) and "4 parts × 50" in svg(snapshot)


def test_a_short_loop_is_left_as_it_is():
    assert recorded(rnn(5)).scopes == ()


def test_pairs_of_layers_are_boxes():
    model = nn.Sequential(*(layer for _ in range(30) for layer in (nn.Linear(2, 2), nn.Tanh())))
    snapshot = recorded(lambda: model(lab.ones(1, 2)).sum())
    check_tree(snapshot)
    blocks = [scope for scope in snapshot.scopes if scope.repeat]
    assert [(block.path, block.cls, block.parent) for block in blocks] == [(f"block {k}", "2 parts", 0) for k in range(1, 31)]
    assert sum(scope.cls == "Linear" and scope.parent in {block.id for block in blocks} for scope in snapshot.scopes) == 30
    assert len(make_plan(snapshot).stacks) == 1


def test_two_loops_are_told_apart_and_what_differs_stays_outside():
    w = lab.ones(3, requires_grad=True)

    def program():
        a = w
        for _ in range(30):
            a = lab.sin(a) * w
        b = lab.exp(a)
        for _ in range(30):
            b = lab.cos(b) + w
        return b.sum()

    snapshot = recorded(program)
    check_tree(snapshot)
    assert len({scope.path for scope in snapshot.scopes}) == 60
    assert [node.op for node in snapshot.nodes if node.scope is None and node.kind == "op"] == ["exp", "sum"]


def test_turns_of_modules_in_a_loop_are_turns():
    cell, head, xs = nn.RNNCell(2, 4), nn.Linear(4, 1), lab.ones(30, 1, 2)

    def program():
        h, outs = lab.zeros(1, 4), []
        for t in range(30):
            h = cell(xs[t], h)
            outs.append(head(h))
        return lab.cat(outs).sum()

    snapshot = recorded(program)
    assert [scope.path for scope in snapshot.scopes if scope.repeat] == [f"turn {t}" for t in range(1, 31)]
    assert "2 modules" in facts(snapshot)


def test_equal_modules_beside_each_other_get_no_further_box():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(2, 2)

        def forward(self, x):
            return x + self.inner(x)

    model = nn.Sequential(*(Block() for _ in range(45)))
    snapshot = recorded(lambda: model(lab.ones(1, 2)).sum())
    assert not any(scope.repeat for scope in snapshot.scopes)
    assert [len(members) for members in make_plan(snapshot).stacks.values()] == [45]
