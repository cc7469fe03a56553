"""`torch.fx` against PyTorch: graphs, the code written from them, and what is done to them, line by line."""

from __future__ import annotations

import copy
import math
import operator
import subprocess
import sys

import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch")


def programs(t) -> dict:
    nn, F = t.nn, t.nn.functional

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.param, self.linear = nn.Parameter(t.ones(3, 4)), nn.Linear(4, 5)

        def forward(self, x):
            return self.linear(x + self.param).clamp(min=0.0, max=1.0)

    class Many(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Sequential(nn.Linear(4, 2)))
            self.register_buffer("scale", t.ones(2))

        def forward(self, input, flag=True, *, k=2):
            h = self.layers(input)
            h = F.relu(h) * self.scale + t.tanh(h)
            a, b = h[0], h[:, 1:]
            n = h.shape[0]
            return {"a": t.cat([a, a], dim=0), "b": (b.view(n, -1) - 1 / 2) ** k, "c": [h @ h.T, -h, abs(h), h > 0, 2 - h, h.size(), h.sum(0, keepdim=True)]}

    class Inner(nn.Module):
        def forward(self, x):
            return x.sin() + 1

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.again, self.drop, self.fc = Inner(), Inner(), nn.Dropout(0.5), nn.Linear(2, 2)

        def forward(self, x, y):
            z = self.drop(self.inner(x) + self.again(y))
            w = t.ones(2)
            return self.fc(z), t.add(z, y), z + w, t.zeros(2)

    class Conv(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.bn, self.fc1 = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Linear(16, 10)

        def forward(self, x):
            x = F.max_pool2d(F.relu(self.bn(self.conv1(x))), 2)
            return F.log_softmax(self.fc1(t.flatten(x, 1)), dim=1)

    class Listed(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("b", t.ones(2))
            self.w, self.parts = nn.Parameter(t.ones(2)), nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])

        def forward(self, x):
            for part in self.parts:
                x = part(x)
            return x * self.b + self.w + self.w

    class Annotated(nn.Module):
        def forward(self, x, n=3):
            return x * n
    Annotated.forward.__annotations__ = {"x": t.Tensor, "n": int, "return": t.Tensor}

    def function(x, y=3):
        for _ in range(3):
            x = x * y
        return x.relu().max(dim=1)[0], x.dtype, x.T, F.softmax(x, dim=-1), F.dropout(x, 0.1, training=False)

    def in_place(x):
        x += 1
        x *= 2
        x.add_(3)
        a, b = x.split(1)
        return a, b, x.float(), t.float32, x.to(t.float64), x.device, math.sqrt(x), float("inf") * x

    def stars(*a, **k):
        return a[0] + k["b"]

    return {"net": Net(), "many": Many(), "outer": Outer(), "conv": Conv(), "listed": Listed(), "annotated": Annotated(), "function": function, "in place": in_place,
            "stars": stars, "keyword": lambda x, *, y=2: t.cat([x, x], y), "sizes": lambda x: t.arange(x.size(0)), "attributes": lambda x: x.y.z(1),
            "sums": lambda x: t.sum(x, dim=[0, 1]) + t.einsum("ij,jk", x, x)}


@pytest.mark.parametrize("name", programs(lab))
def test_graph_and_code_are_those_of_pytorch(name):
    ours, theirs = lab.fx.symbolic_trace(programs(lab)[name]), torch.fx.symbolic_trace(programs(torch)[name])
    assert str(ours.graph) == str(theirs.graph)
    assert ours.code == theirs.code
    assert str(ours) == str(theirs)
    assert [(n.op, n.name, str(n.args), str(n.kwargs)) for n in ours.graph.nodes] == [(n.op, n.name, str(n.args), str(n.kwargs)) for n in theirs.graph.nodes]


@pytest.mark.parametrize(("name", "shapes"), [("net", [(3, 4)]), ("many", [(5, 4)]), ("conv", [(2, 1, 6, 6)]), ("listed", [(4, 2)])])
def test_traced_module_computes_what_the_module_does(name, shapes):
    model = programs(lab)[name].eval()
    traced = lab.fx.symbolic_trace(model)
    inputs = [lab.randn(shape) for shape in shapes]
    before, after = model(*inputs), traced(*inputs)
    for a, b in zip(before.values() if isinstance(before, dict) else [before], after.values() if isinstance(after, dict) else [after], strict=True):
        for x, y in zip(a if isinstance(a, list) else [a], b if isinstance(b, list) else [b], strict=True):
            assert x == y if not isinstance(x, lab.Tensor) else lab.equal(x, y)
    assert traced.state_dict().keys() == model.state_dict().keys()


def surgery(t) -> list:
    """What programs do to graphs, as text."""
    fx, out = t.fx, []
    g = fx.symbolic_trace(programs(t)["net"])
    nodes = list(g.graph.nodes)
    out += [nodes[0].users, nodes[2].all_input_nodes, nodes[2].format_node(), nodes[0].next, nodes[2].prev, len(g.graph.nodes)]
    with g.graph.inserting_after(nodes[2]):
        new = g.graph.call_function(t.relu, (nodes[2],))
    nodes[2].replace_all_uses_with(new)
    new.args = (nodes[2],)
    g.graph.lint()
    g.recompile()
    out += [g.code, tuple(g(t.zeros(3, 4)).shape), g.graph.find_nodes(op="call_function", target=t.relu)]
    g = fx.symbolic_trace(lambda x: (x + 1) * (x + 2))
    for node in g.graph.nodes:
        if node.op == "call_function" and node.target is operator.mul:
            with g.graph.inserting_before(node):
                made = g.graph.call_function(t.add, node.args)
            node.replace_all_uses_with(made)
            g.graph.erase_node(node)
    g.recompile()
    out += [g.code, g(t.tensor([1.0])).tolist()]
    g = fx.symbolic_trace(lambda x: (x + 1, x * 3)[0])
    out += [str(g.graph), g.graph.eliminate_dead_code(), str(g.graph)]
    graph = fx.Graph()
    x = graph.placeholder("x")
    graph.output(graph.call_module("lin", (graph.call_function(t.relu, (x,)),)))
    made = fx.GraphModule({"lin": t.nn.Linear(2, 2)}, graph)
    out += [made.code, sorted(made.state_dict()), copy.deepcopy(made).code]

    class Everything(fx.Tracer):
        def is_leaf_module(self, m, qualified_name):
            return isinstance(m, t.nn.Linear)
    graph = Everything().trace(t.nn.Sequential(t.nn.Linear(2, 3), t.nn.ReLU(), t.nn.Linear(3, 1)))
    out += [[n.op for n in graph.nodes], [n.name for n in graph.nodes]]

    class Minus(fx.Transformer):
        def call_function(self, target, args, kwargs):
            return super().call_function(t.sub if target is t.add else target, args, kwargs)
    out.append(Minus(fx.symbolic_trace(lambda x, y: t.add(x, y))).transform().code)

    class Sigmoid(fx.Interpreter):
        def call_function(self, target, args, kwargs):
            return super().call_function(t.sigmoid if target is t.relu else target, args, kwargs)
    out.append(Sigmoid(fx.symbolic_trace(lambda x: t.relu(x))).run(t.zeros(2)).tolist())
    out.append(fx.symbolic_trace(lambda x, n: x * n if n > 2 else x, concrete_args={"n": 3}).code)
    return [str(each) for each in out]


def test_graphs_are_changed_and_run_as_in_pytorch():
    assert surgery(lab) == surgery(torch)


REFUSED = {
    "branch": lambda t: t.fx.symbolic_trace(lambda x: x if x.sum() > 0 else -x),
    "loop": lambda t: t.fx.symbolic_trace(lambda x: [y + 1 for y in x]),
    "length": lambda t: t.fx.symbolic_trace(lambda x: len(x)),
    "float": lambda t: t.fx.symbolic_trace(lambda x: float(x)),
    "erase": lambda t: (lambda g: g.erase_node(next(iter(g.nodes))))(t.fx.symbolic_trace(lambda x: x + 1).graph),
    "wrap inside": lambda t: t.fx.wrap("len"),
    "missing module": lambda t: t.fx.GraphModule({}, (lambda g: (g.call_module("a", (g.placeholder("x"),)), g)[1])(t.fx.Graph())),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_traced_is_refused_as_in_pytorch(name):
    told = []
    for library in (lab, torch):
        with pytest.raises(Exception) as caught:
            REFUSED[name](library)
        told.append((type(caught.value).__name__, str(caught.value)))
    assert told[0] == told[1]


WRAPPED = """
import autodiff_lab as torch, autodiff_lab.fx
def helper(x, y):
    return x + y if x.sum() > 0 else y
torch.fx.wrap("helper")
torch.fx.wrap("len")
traced = torch.fx.symbolic_trace(lambda x, y: helper(x, y) * len(x))
print(traced.code, traced(torch.ones(2), torch.ones(2)).tolist())
"""


def test_wrapped_functions_stay_one_step():
    told = [subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout for text in (WRAPPED, WRAPPED.replace("autodiff_lab", "torch"))]
    assert told[0] == told[1]


def test_shapes_are_noted_on_every_step():
    from autodiff_lab.fx.passes.shape_prop import ShapeProp

    traced = lab.fx.symbolic_trace(programs(lab)["net"])
    ShapeProp(traced).propagate(lab.zeros(3, 4))
    assert [tuple(n.meta["tensor_meta"].shape) for n in traced.graph.nodes] == [(3, 4), (3, 4), (3, 4), (3, 5), (3, 5), (3, 5)]


def test_a_trace_leaves_modules_and_functions_as_they_were():
    before = lab.nn.Module.__call__, lab.nn.Module.__getattr__, math.sqrt
    with pytest.raises(lab.fx.proxy.TraceError):
        lab.fx.symbolic_trace(lambda x: x if x else -x)
    assert before == (lab.nn.Module.__call__, lab.nn.Module.__getattr__, math.sqrt)


def test_new_steps_stand_where_pytorch_puts_them():
    g = lab.fx.symbolic_trace(lab.nn.Sequential(lab.nn.ReLU(), lab.nn.Tanh()))
    node = list(g.graph.nodes)[1]
    with g.graph.inserting_after(node):
        g.graph.call_function(lab.sin, (node,))
        g.graph.call_function(lab.cos, (node,))
    with g.graph.inserting_before(node):
        g.graph.call_function(lab.exp, (node,))
        g.graph.call_function(lab.abs, (node,))
    g.graph.inserting_before(node)  # no `with`: from here on
    g.graph.call_function(lab.tan, (node,))
    assert [each.name for each in g.graph.nodes] == ["input_1", "exp", "abs_1", "tan", "_0", "cos", "sin", "_1", "output"]
