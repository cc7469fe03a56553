"""Snapshots written by hand: what the exports and the widgets are tried on before and beside real recordings."""

from __future__ import annotations

from dataclasses import replace

from autodiff_lab.record.families import family_of, glyph_of
from autodiff_lab.record.model import (
    Accumulation,
    BackwardStep,
    Code,
    Contribution,
    EdgeInfo,
    GraphSnapshot,
    NodeInfo,
    ScopeInfo,
    Source,
    Value,
)


def scalar(number):
    return Value(number=float(number))


def board() -> GraphSnapshot:
    """The look board's y = (w * x + b) ** 2 after its backward pass."""
    def source(a, b):
        text = "y = (w * x + b) ** 2"[a:b]
        return Source(0, 1, a, 1, b, text)

    nodes = (
        NodeInfo(0, "parameter", family="param", glyph="◆", name="w", shape=(), dtype="float32", value=scalar(2), grad=scalar(30), grad_state="known"),
        NodeInfo(1, "data", family="data", glyph="▪", name="x", shape=(), dtype="float32", value=scalar(3), grad_state="not asked"),
        NodeInfo(2, "op", "mul", "mul", "point", "×", "", shape=(), dtype="float32", source=source(5, 10), value=scalar(6), grad=scalar(10), grad_state="known"),
        NodeInfo(3, "parameter", family="param", glyph="◆", name="b", shape=(), dtype="float32", value=scalar(-1), grad=scalar(10), grad_state="known"),
        NodeInfo(4, "op", "add", "add", "point", "+", "", shape=(), dtype="float32", source=source(5, 14), value=scalar(5), grad=scalar(10), grad_state="known"),
        NodeInfo(5, "op", "pow", "pow 2", "point", "xⁿ", "y", shape=(), dtype="float32", source=source(4, 20), value=scalar(25), grad=scalar(1), grad_state="known"),
    )
    edges = (
        EdgeInfo(0, 2, "input", "y", "x", 3.0), EdgeInfo(1, 2, "other", "x", "w", None, grad=False),
        EdgeInfo(2, 4, "input", "1", "1", 1.0), EdgeInfo(3, 4, "other", "1", "1", 1.0),
        EdgeInfo(4, 5, "input", r"n x^{n-1}", "2 · (w * x + b)", 10.0),
    )
    steps = (
        BackwardStep(5, scalar(1), (Contribution(4, scalar(10)),), freed=4),
        BackwardStep(4, scalar(10), (Contribution(2, scalar(10)), Contribution(3, scalar(10))), (Accumulation(3, scalar(10), None, scalar(10)),)),
        BackwardStep(2, scalar(10), (Contribution(0, scalar(30)),), (Accumulation(0, scalar(30), None, scalar(30)),), freed=8),
    )
    return GraphSnapshot("y", nodes, edges, (), (Code("cell 4", "y = (w * x + b) ** 2\ny.backward()"),), (5,), steps, "ran", 1, cell=0)


def hooked() -> GraphSnapshot:
    """The board's graph where hooks halved the gradient of w * x and looked at that of w, and grad() was asked for b."""
    plain = board()
    nodes = list(plain.nodes)
    nodes[0] = replace(nodes[0], grad=scalar(15), hooks=1)
    nodes[2] = replace(nodes[2], grad=scalar(5), hooks=2)
    nodes[3] = replace(nodes[3], grad_state="returned")
    first, second, third = plain.steps
    second = replace(second, accumulations=(Accumulation(3, scalar(10), None, scalar(10), returned=True),))
    third = replace(third, grad=scalar(5), hooks=2, arrived=scalar(10), contributions=(Contribution(0, scalar(15)),),
                    accumulations=(Accumulation(0, scalar(15), None, scalar(15), hooks=1),))
    return replace(plain, nodes=tuple(nodes), steps=(first, second, third))


def vectors() -> GraphSnapshot:
    """s = (v * u).sum() of two short vectors and a long one, with numbers that fit on a card and numbers that do not."""
    def vector(*numbers):
        return Value(norm=sum(n * n for n in numbers) ** 0.5, items=tuple(map(float, numbers)))

    nodes = (
        NodeInfo(0, "parameter", family="param", glyph="◆", name="v", shape=(3,), dtype="float32", value=vector(1, -2, 3), grad=vector(0.5, 0.25, 1 / 3), grad_state="known"),
        NodeInfo(1, "parameter", family="param", glyph="◆", name="u", shape=(3,), dtype="float32", value=vector(0.12345, -0.12345, 1.2345e-9), grad=Value(norm=2.0), grad_state="known"),
        NodeInfo(2, "op", "mul", "mul", "point", "×", "p", shape=(3,), dtype="float32", value=vector(0, 1, float("nan")), grad=vector(1, 1, 1), grad_state="known"),
        NodeInfo(3, "data", family="data", glyph="▪", name="one", shape=(1,), dtype="bool", value=vector(1), grad_state="not asked"),
        NodeInfo(4, "op", "sum", "sum", "reduce", "Σ", "s", shape=(), dtype="float32", value=scalar(1), grad=scalar(1), grad_state="known"))
    edges = (EdgeInfo(0, 2, "input", "y", "u"), EdgeInfo(1, 2, "other", "x", "v"), EdgeInfo(3, 2, "mask", grad=False), EdgeInfo(2, 4, "input", "1", "1"))
    return GraphSnapshot("s", nodes, edges, roots=(4,), backward="ran", passes=1)


def transformer(blocks: int = 12, ops: int = 80) -> GraphSnapshot:
    """A stack of equal blocks with residual connections, about blocks x ops nodes."""
    nodes, edges, scopes = [], [], []

    def scope(path, cls, parent=None, name=""):
        scopes.append(ScopeInfo(len(scopes), path, cls, parent, name, parameters=100, shape=(12, 64, 64)))
        return len(scopes) - 1

    def node(kind, op, category, inputs=(), where=None, name="", shape=(12, 64, 64)):
        family = "param" if kind == "parameter" else "data" if kind == "data" else family_of(category)
        i = len(nodes)
        nodes.append(NodeInfo(i, kind, op, op, family, glyph_of(op, family), name, shape=shape, dtype="float32", scope=where,
                              grad=Value(norm=1e-4 * (i % 7 + 1)) if kind != "data" else None, grad_state="known" if kind != "data" else "not asked"))
        edges.extend(EdgeInfo(s, i, f"input{k}") for k, s in enumerate(inputs))
        return i

    model = scope("", "GPT", name="model")
    idx = node("data", "", "leaf", name="idx", shape=(12, 64))
    wte = scope("wte", "Embedding", model)
    h = node("op", "embedding", "index", (node("parameter", "", "leaf", (), wte, "wte.weight", (65, 64)), idx), wte)
    for b in range(blocks):
        block = scope(f"h.{b}", "Block", model)

        def layer(path, cls, x, count, block=block, b=b):
            where = scope(f"h.{b}.{path}", cls, block)
            weight = node("parameter", "", "leaf", (), where, f"h.{b}.{path}.weight", (64, 64))
            x = node("op", "matmul" if cls != "LayerNorm" else "layer_norm", "linear" if cls != "LayerNorm" else "norm", (x, weight), where)
            for k in range(count - 2):
                name, category = [("mul", "pointwise"), ("transpose", "shape"), ("softmax", "activation"), ("add", "pointwise")][k % 4]
                x = node("op", name, category, (x,), where)
            return x

        per = max(3, (ops - 2) // 4)
        a = layer("attn", "Attention", layer("ln_1", "LayerNorm", h, per), per)
        h = node("op", "add", "pointwise", (h, a), block, "x")
        m = layer("mlp", "MLP", layer("ln_2", "LayerNorm", h, per), per)
        h = node("op", "add", "pointwise", (h, m), block, "x")
    head = scope("lm_head", "Linear", model)
    h = node("op", "linear", "linear", (h, node("parameter", "", "leaf", (), head, "lm_head.weight", (65, 64))), head, shape=(12, 64, 65))
    loss = node("op", "cross_entropy", "loss", (h,), None, "loss", ())
    nodes[loss] = NodeInfo(loss, "op", "cross_entropy", "cross_entropy", "reduce", "Σ", "loss", shape=(), dtype="float32",
                           value=scalar(3.02), grad=scalar(1), grad_state="known")
    return GraphSnapshot("loss", tuple(nodes), tuple(edges), tuple(scopes), roots=(loss,), backward="ran", passes=1)


def hostile() -> GraphSnapshot:
    """Names that try to be markup, and characters that no document may hold."""
    evil = "</script><img onerror=alert(1)>\x00\ufffe\ud800]]>&\"'"
    return GraphSnapshot(evil, (NodeInfo(0, "data", family="data", glyph="▪", name=evil, shape=(), value=scalar(1), grad_state="not asked"),
                                NodeInfo(1, "op", "exp", "exp", "point", "eˣ", evil, shape=(), value=scalar(2.718), source=Source(0, 1, 0, 1, 5, evil))),
                         (EdgeInfo(0, 1, "input", "e^x", evil),), (), (Code(evil, evil),), (1,), cell=0)
