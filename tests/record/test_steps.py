"""Step replays what the engine did: states equal those of an engine stopped after k nodes, on random graphs."""

import math
import random

import pytest

import autodiff_lab as lab
from autodiff_lab.core import observe
from autodiff_lab.core.tape import Node
from autodiff_lab.export import words
from autodiff_lab.record.build import build
from autodiff_lab.record.model import from_json, to_json
from autodiff_lab.record.recorder import Recorder

GRAPHS = 200


def program(seed: int):
    """A random program of scalars as a function of nothing: called twice it builds the same graph twice."""
    rng = random.Random(seed)
    plan = []
    for k in range(rng.randint(2, 14)):
        plan.append((rng.choice(["add", "mul", "sub", "tanh", "sin", "neg", "square"]), rng.randrange(3 + k), rng.randrange(3 + k)))
    values = [rng.uniform(-2, 2) for _ in range(3)]

    def build_it():
        leaves = [lab.tensor(v, dtype=lab.float64, requires_grad=True) for v in values]
        pool = list(leaves)
        for op, i, j in plan:
            a, b = pool[i], pool[j]
            pool.append(a + b if op == "add" else a * b if op == "mul" else a - b if op == "sub" else lab.tanh(a) if op == "tanh" else lab.sin(a) if op == "sin" else -a if op == "neg" else a * a)
        return leaves, pool[-1]
    return build_it


def by_hand(root, k):
    """The gradients after k nodes of a backward pass, from the rules alone: newest node first."""
    nodes, stack = {root._node.seq: root._node}, [root._node]
    while stack:
        for edge in stack.pop().edges:
            if isinstance(edge, Node) and edge.seq not in nodes:
                nodes[edge.seq] = edge
                stack.append(edge)
    pending, leaves, done = {root._node.seq: 1.0}, {}, []
    for seq in sorted(nodes, reverse=True):
        if len(done) == k:
            break
        if seq not in pending:
            continue
        node = nodes[seq]
        grad = pending.pop(seq)
        done.append((seq, grad))
        for edge, part in zip(node.edges, node.op.backward(node, type(root._a)(grad))):
            if part is None:
                continue
            if isinstance(edge, Node):
                pending[edge.seq] = pending[edge.seq] + float(part) if edge.seq in pending else float(part)
            else:
                leaves[id(edge)] = leaves[id(edge)] + float(part) if id(edge) in leaves else float(part)
    return done, pending


@pytest.mark.parametrize("seed", range(GRAPHS))
def test_states_equal_the_engine_stopped_after_k_nodes(seed):
    make = program(seed)
    recorder = observe.attach(Recorder())
    try:
        leaves, root = make()
        if root._node is None:
            return
        expected = [by_hand(root, k) for k in range(40)]  # before backward frees what the rules need
        root.backward()
    finally:
        observe.detach(recorder)
    snapshot = from_json(to_json(build(recorder, recorder.roots)))
    steps = snapshot.steps
    for k in range(len(steps) + 1):
        done, pending = expected[k]
        assert [s.grad.number for s in steps[:k]] == [g for _, g in done]
        on_the_way = {}
        for step in steps[:k]:
            for part in step.contributions:
                node = snapshot.edges[part.edge].source
                if snapshot.nodes[node].kind == "op":
                    on_the_way[node] = on_the_way[node] + part.value.number if node in on_the_way else part.value.number
        for step in steps[:k]:
            on_the_way.pop(step.node, None)
        assert sorted(on_the_way.values()) == sorted(v for s, v in pending.items() if k)
    final = {}
    for step in steps:
        for a in step.accumulations:
            final[a.node] = a.after.number
    recorded = sorted(final.values())
    engine = sorted(float(leaf.grad) for leaf in leaves if leaf.grad is not None)
    assert recorded == engine  # bitwise: both are float64
    for node in snapshot.nodes:
        if node.kind == "parameter" and node.grad is not None:
            assert node.grad.number == final[node.id]


def test_second_pass_accumulates_onto_the_first():
    w = lab.tensor(2.0, requires_grad=True)
    recorder = observe.attach(Recorder())
    try:
        (w * 3).backward()
        (w * 3).backward()
    finally:
        observe.detach(recorder)
    (step,) = build(recorder, recorder.roots).steps
    (into,) = step.accumulations
    assert (into.before.number, into.added.number, into.after.number) == (3.0, 3.0, 6.0)


def test_nan_is_kept_as_such():
    w = lab.tensor(-1.0, requires_grad=True)
    recorder = observe.attach(Recorder())
    try:
        (w * float("nan")).backward()
    finally:
        observe.detach(recorder)
    snapshot = from_json(to_json(build(recorder, recorder.roots)))
    assert math.isnan(snapshot.steps[0].contributions[0].value.number)


def test_recording_changes_no_number():
    def train():
        lab.manual_seed(0)
        model = lab.nn.Sequential(lab.nn.Linear(6, 8), lab.nn.Tanh(), lab.nn.Linear(8, 2))
        x, y = lab.randn(16, 6), lab.randn(16, 2)
        for _ in range(5):
            loss = ((model(x) - y) ** 2).mean()
            model.zero_grad()
            loss.backward()
            with lab.no_grad():
                for p in model.parameters():
                    p -= 0.1 * p.grad
        return [p.detach().numpy().tobytes() for p in model.parameters()]

    plain = train()
    recorder = observe.attach(Recorder())
    try:
        watched = train()
    finally:
        observe.detach(recorder)
    assert plain == watched


def test_recorder_holds_no_tensor():
    import gc
    import weakref

    recorder = observe.attach(Recorder())
    try:
        w = lab.ones(200, 200, requires_grad=True)
        h = w * 2
        loss = (h * h).sum()
        gone = weakref.ref(h)
        loss.backward()
        del h, loss
        gc.collect()
        assert gone() is None
    finally:
        observe.detach(recorder)


def hooked(hook_on_h, hook_on_w):
    """h = w * 3; y = h * h, with hooks on h and w, after its backward pass."""
    recorder = observe.attach(Recorder())
    try:
        w = lab.tensor(2.0, requires_grad=True)
        h = w * 3
        if hook_on_h:
            h.register_hook(hook_on_h)
        if hook_on_w:
            w.register_hook(hook_on_w)
        y = h * h
        before = build(recorder, [y._node.seq])
        y.backward()
    finally:
        observe.detach(recorder)
    return before, from_json(to_json(build(recorder, recorder.roots)))


def test_hooks_are_counted_before_and_after_the_pass():
    before, after = hooked(lambda g: g / 2, lambda g: None)
    for snapshot in (before, after):
        assert [(n.op or n.kind, n.hooks) for n in snapshot.nodes] == [("parameter", 1), ("mul", 1), ("mul", 0)]


def test_a_hook_that_changes_a_gradient_is_told_with_what_it_got_and_left():
    _, snapshot = hooked(lambda g: g / 2, lambda g: g + 1)
    first, second = snapshot.steps
    assert (first.hooks, second.hooks, second.arrived.number, second.grad.number) == (0, 1, 12.0, 6.0)
    into = second.accumulations[0]
    assert (into.hooks, into.arrived.number, into.added.number, into.after.number) == (1, 18.0, 19.0, 19.0)
    said = words.step_sentence(snapshot, 2)
    assert "receives 12, which its hook turned into 6, and sends 3 · 6 = 18" in said
    assert "is a leaf: its hook turned 18 into 19; " in said


def test_a_hook_that_only_looks_is_told_as_such():
    _, snapshot = hooked(lambda g: None, None)
    assert snapshot.steps[1].arrived is None
    assert "receives 12, seen by its hook, and sends" in words.step_sentence(snapshot, 2)


def test_a_hook_on_what_a_node_sends_hides_no_wrong_derivative():
    recorder = observe.attach(Recorder())
    try:
        w = lab.tensor(2.0, requires_grad=True)
        y = w * 3
        y._node.register_hook(lambda inputs, outputs: (inputs[0] * 100, None))
        y.backward()
    finally:
        observe.detach(recorder)
    snapshot = build(recorder, recorder.roots)
    assert w.grad.item() == 300 and all(edge.local is None for edge in snapshot.edges)


def asked(*wanted):
    """y = w * h, h = w * x, after autograd.grad for the named ones."""
    recorder = observe.attach(Recorder())
    try:
        w, x = lab.tensor(2.0, requires_grad=True), lab.tensor(3.0, requires_grad=True)
        h = w * x
        y = w * h
        there = {"w": w, "x": x, "h": h}
        given = lab.autograd.grad(y, [there[name] for name in wanted])
    finally:
        observe.detach(recorder)
    assert w.grad is None and x.grad is None
    names = {id(tensor): name for name, tensor in there.items()}
    return [g.item() for g in given], from_json(to_json(build(recorder, recorder.roots, names=names)))


@pytest.mark.parametrize("wanted", [("x",), ("w",), ("w", "x")])
def test_what_autograd_grad_returned_is_shown_and_said_to_be_returned(wanted):
    given, snapshot = asked(*wanted)
    leaves = {n.name: n for n in snapshot.nodes if n.kind == "parameter"}
    for name, number in zip(wanted, given):
        assert (leaves[name].grad_state, leaves[name].grad.number) == ("returned", number)
        assert f"gradient {number:g} (returned, not put into .grad)" in words.node_sentence(snapshot, leaves[name])
    for name in set(leaves) - set(wanted):
        assert leaves[name].grad_state == "none"
    told = [a for step in snapshot.steps for a in step.accumulations]
    assert sorted(snapshot.nodes[a.node].name for a in told if a.returned) == sorted(wanted)
    for c in (c for step in snapshot.steps for c in step.contributions):  # what nobody asked for was not sent
        assert snapshot.nodes[snapshot.edges[c.edge].source].name not in set(leaves) - set(wanted)
    assert f"{wanted[-1]} was asked for: {given[-1]:g} is returned, and {wanted[-1]}.grad is left alone." in words.step_sentence(snapshot, len(snapshot.steps))


def test_an_intermediate_that_was_asked_for_has_its_gradient():
    given, snapshot = asked("h")
    h = next(n for n in snapshot.nodes if n.op == "mul" and n.id != snapshot.roots[0])
    assert (h.grad_state, h.grad.number) == ("returned", given[0])


def test_nothing_is_freed_while_the_graph_is_retained():
    recorder = observe.attach(Recorder())
    try:
        w = lab.tensor(2.0, requires_grad=True)
        y = w * w
        freed = []
        for retain in (True, False):
            y.backward(retain_graph=retain)
            freed.append(sum(step.freed for step in build(recorder, recorder.roots).steps))
    finally:
        observe.detach(recorder)
    assert freed[0] == 0 < freed[1]


def test_a_loop_keeps_its_latest_turns_and_what_was_made_before_it():
    """Of a long training loop only the latest turns stay; what an outer graph or a carried state needs is never dropped."""
    recorder = observe.attach(Recorder())
    try:
        w = lab.tensor(0.5, requires_grad=True)
        early = w * 3
        state = w * 1
        for _ in range(900):
            loss = ((w * 2) ** 2).tanh()
            loss.backward()
        assert len(recorder.entries) < 2200
        assert build(recorder, [early._node.seq]).nodes[-1].source is not None
        assert [n.op for n in build(recorder, recorder.roots).nodes if n.kind == "op"] == ["mul", "pow", "tanh"]
        for _ in range(700):  # each turn goes on from the last: nothing of it may go
            state = state * 1.0 + w
            state.backward(retain_graph=True)
        assert build(recorder, [state._node.seq]).operators() == 1401
    finally:
        observe.detach(recorder)


def test_what_is_sent_to_a_broadcast_input_is_what_arrives_there():
    w, b, X = lab.tensor(2.0, requires_grad=True), lab.ones(1, 3, requires_grad=True), lab.arange(6.0).reshape(2, 3)
    recorder = observe.attach(Recorder())
    try:
        loss = (w * X + b).sum()
        loss.backward()
    finally:
        observe.detach(recorder)
    snapshot = build(recorder, [loss._node.seq])
    sent = {snapshot.nodes[snapshot.edges[c.edge].source].shape: c.value for step in snapshot.steps for c in step.contributions}
    assert sent[()].number == w.grad.item() == 15 and sent[1, 3].norm == pytest.approx(12 ** 0.5)
