"""What a picture says, in words: the texts on cards and the sentences that a screen reader hears.

The browser writes the same ones (widgets/src/common/words.ts); a test compares them.
"""

from __future__ import annotations

from ..record.model import BackwardStep, GraphSnapshot, NodeInfo, Source, Value
from ..record.text import number, one_line, shape_text

__all__ = ["facts", "grad_text", "label_of", "node_sentence", "place_text", "step_sentence", "summary_sentence", "title_of", "value_text"]


FEW = 4  # numbers of a vector that are written out on its card


def label_of(node: NodeInfo) -> str:
    """What to call a node: its name, else its expression if that is short, else its operator."""
    if node.name:
        return node.name
    text = node.source.text if node.source else ""
    return text if 0 < len(text) <= 18 and node.kind == "op" else node.label or node.op or node.kind


def value_text(node: NodeInfo) -> str:
    """The row of a card under the name: the number of a scalar, the few numbers of a short vector, the shape of a tensor."""
    if node.error:
        return "failed"
    if node.shape == () and node.value is not None:
        return scalar_text(node.value)
    return few_text(node, node.value) or size_text(node.shape)


def size_text(shape: tuple[int, ...] | None) -> str:
    """The shape as it stands on a card, where a bare "3" would be read as a value."""
    return f"{shape[0]} number{'' if shape[0] == 1 else 's'}" if shape is not None and len(shape) == 1 else shape_text(shape)


def few_text(node: NodeInfo, value: Value | None) -> str:
    """The numbers of a vector, if they are so few that a card has room for them: "[1, -2, 3]"."""
    if value is None or node.shape is None or len(node.shape) != 1 or not 0 < len(value.items) <= FEW or node.dtype == "bool":
        return ""
    text = f"[{', '.join(number(item) for item in value.items)}]"
    return text if len(text) <= 22 else ""


def scalar_text(value: Value) -> str:
    """A scalar or, for an array, its norm."""
    if value.text:
        return value.text
    if value.imag is not None:
        return f"{number(value.number)}{'+' if value.imag >= 0 else '−'}{number(abs(value.imag))}j"
    return number(value.number if value.number is not None else value.norm)


def grad_text(node: NodeInfo, backward: str) -> str:
    """The row behind ∂. Never 0 where there is no gradient."""
    if node.grad is not None:
        return f"∂ {few_text(node, node.grad) or scalar_text(node.grad)}"
    if node.grad_state == "not asked":
        return "∂ not asked"
    if node.grad_state == "gone":
        return "∂ not kept"
    return "∂ None" if node.grad_state == "none" and backward == "ran" else "∂ not yet"


def place_text(snapshot: GraphSnapshot, source: Source | None) -> str:
    """"line 1", of the cell that the picture stands under; else of which text.

    Cells have no number here: a kernel counts them differently under nbval, and saved pictures must be equal.
    The browser gives the number.
    """
    if source is None:
        return ""
    code = snapshot.code[source.code]
    if source.code == snapshot.cell:
        return f"line {source.line}"
    return f"{code.label} line {source.line}" if code.kind == "file" else f"line {source.line} of another cell"


def node_sentence(snapshot: GraphSnapshot, node: NodeInfo) -> str:
    """One node as a sentence: "z = u + b, line 1, value 5, gradient 10." """
    what = label_of(node)
    parts = []
    if node.kind == "op":
        text = node.source.text if node.source else ""
        parts.append(f"{what} = {text}" if text and text != what else what if what == node.op else f"{what}, {node.op}")
        if node.turn is not None:
            parts.append(f"turn {node.turn}")
    else:
        parts.append(f"{what}, a parameter" if node.kind == "parameter" else f"{what}, data")
    if node.source:
        parts.append(place_text(snapshot, node.source))
    if node.error:
        parts.append(f"failed: {node.error.removesuffix('.')}")
        return ", ".join(parts) + "."
    few, few_grad = few_text(node, node.value), few_text(node, node.grad)
    parts.append(f"value {value_text(node)}" if node.shape == () and node.value or few else f"shape {shape_text(node.shape)}" if node.shape != () else "scalar")
    if node.grad is not None:
        parts.append(f"gradient {'' if node.shape == () or few_grad else 'of norm '}{few_grad or scalar_text(node.grad)}{' (returned, not put into .grad)' if node.grad_state == 'returned' else ''}")
    else:
        parts.append({"∂ not asked": "no gradient asked", "∂ None": "gradient None: the backward pass did not reach it",
                      "∂ not yet": "no backward yet", "∂ not kept": "its gradient is no longer kept"}[grad_text(node, snapshot.backward)])
    if node.hooks:
        parts.append(counted(node.hooks, "hook"))
    return ", ".join(parts) + "."


def title_of(snapshot: GraphSnapshot) -> str:
    """The name of what was drawn."""
    return snapshot.title or (label_of(snapshot.nodes[snapshot.roots[0]]) if snapshot.roots else "graph")


def counted(n: int, word: str) -> str:
    return f"{n:,} {word}{'' if n == 1 else 's'}"


def facts(snapshot: GraphSnapshot) -> str:
    """The line of facts beside the title."""
    parts = [counted(snapshot.operators(), "operator")]
    modules = [s for s in snapshot.scopes if not s.repeat]
    outer = [s for s in modules if s.parent is None]
    if len(outer) == 1:
        parts.insert(0, outer[0].cls)
    elif modules:
        parts.append(counted(sum(s.call == 1 for s in modules), "module"))
    parts.append({"ran": "backward ran" if snapshot.passes < 2 else f"backward ran {snapshot.passes:,} times",
                  "failed": "backward failed", "gone": "backward ran earlier"}.get(snapshot.backward, "no backward yet"))
    if snapshot.error:
        parts.append("forward failed")
    return " · ".join(parts)


def step_sentence(snapshot: GraphSnapshot, k: int) -> str:
    """Step `k` (from 1) of the backward pass, in words."""
    step = snapshot.steps[k - 1]
    node = snapshot.nodes[step.node]
    scalar = node.shape == ()
    arrived = f"{'' if scalar else 'a gradient of norm '}{scalar_text(step.arrived or step.grad)}"
    if step.hooks:
        arrived += f", which {_its(step.hooks)} turned into {scalar_text(step.grad)}," if step.arrived else f", seen by {_its(step.hooks)},"
    begin = f"Step {k} of {len(snapshot.steps)}. {node.op or node.kind} ({label_of(node)}) receives {arrived}"
    sent = step.contributions
    if not sent:
        return begin + " and sends nothing on." + _into_leaves(snapshot, step)
    edges = [snapshot.edges[c.edge] for c in sent]
    because = [f"∂{_wrapped(node, snapshot)}/∂{_wrapped(snapshot.nodes[e.source], snapshot)} = {e.plain or number(e.local)}"
               for e in edges if (e.plain or e.local is not None) and not e.plain.startswith("conj(")]
    if scalar and all(e.local == 1 for e in edges):
        count = {1: "its input", 2: "both inputs"}.get(len(sent), "all inputs")
        middle = f" and passes it on unchanged to {count}"
    elif scalar and all(e.local is not None for e in edges):
        middle = " and sends " + " and ".join(
            f"{number(e.local)} · {scalar_text(step.grad)} = {scalar_text(c.value)} to {_called(snapshot, e)}" for c, e in zip(sent, edges))
    else:
        middle = " and sends " + " and ".join(
            f"{'' if snapshot.nodes[e.source].shape == () else 'norm '}{scalar_text(c.value)} to {_called(snapshot, e)}" for c, e in zip(sent, edges))
    reason = f", because {' and '.join(dict.fromkeys(because))}" if because else ""
    return begin + middle + reason + "." + _into_leaves(snapshot, step)


def _wrapped(node: NodeInfo, snapshot: GraphSnapshot) -> str:
    """The name as a part of a formula: an expression goes in brackets."""
    text = label_of(node)
    return text if text.isidentifier() else f"({text})"


def _called(snapshot: GraphSnapshot, edge) -> str:
    return label_of(snapshot.nodes[edge.source])


def _into_leaves(snapshot: GraphSnapshot, step: BackwardStep) -> str:
    said = []
    for a in step.accumulations:
        name = label_of(snapshot.nodes[a.node])
        before = "None" if a.before is None else scalar_text(a.before)
        norm = "" if snapshot.nodes[a.node].shape == () else " (norm)"
        if a.returned:
            said.append(f"{name} was asked for: {scalar_text(a.after)}{norm} is returned, and {name}.grad is left alone.")
            continue
        hooked = f"{_its(a.hooks)} {f'turned {scalar_text(a.arrived)} into {scalar_text(a.added)}' if a.arrived else 'ran'}; " if a.hooks else ""
        said.append(f"{name} is a leaf: {hooked}{name}.grad{norm} was {before}, now {scalar_text(a.after)}.")
    return (" " + " ".join(said)) if said else ""


def _its(hooks: int) -> str:
    return "its hook" if hooks == 1 else f"its {hooks} hooks"


def summary_sentence(snapshot: GraphSnapshot) -> str:
    """The whole picture in one or two sentences."""
    if snapshot.error:
        return one_line(f"The graph up to the operator that failed. {snapshot.error}", 400)
    if not snapshot.roots:
        return "Nothing was recorded."
    roots = [snapshot.nodes[place] for place in snapshot.roots]
    leaves = [n for n in snapshot.nodes if n.kind == "parameter" and not n.layer]
    data = [n for n in snapshot.nodes if n.kind == "data" and not n.layer]
    made = []
    for group, word in ((leaves, "parameter"), (data, "data leaf")):
        if group:
            names = ", ".join(label_of(n) for n in group[:4])
            more = "" if len(group) <= 4 else f" and {len(group) - 4} more"
            made.append(f"{len(group)} {word if len(group) == 1 else {'parameter': 'parameters', 'data leaf': 'data leaves'}[word]} ({names}{more})")
    told = [label_of(n) + (f" = {scalar_text(n.value)}" if n.shape == () and n.value else " (a scalar)" if n.shape == () else f" of shape {shape_text(n.shape)}") for n in roots[:3]]
    text = ", ".join(told) + f" and {len(roots) - 3} more" if len(roots) > 3 else " and ".join(told)
    text += " is" if len(roots) == 1 else " are"
    text += f" made from {' and '.join(made)}" if made else " made from nothing else"
    text += f" by {counted(snapshot.operators(), 'operator')}."
    known = [n for n in leaves if n.grad is not None]
    if snapshot.backward == "ran" and known:
        if all(n.shape == () for n in known[:4]):
            told = ", ".join(f"{label_of(n)} {scalar_text(n.grad)}" for n in known[:4])
            text += f" Gradients: {told}{'' if len(known) <= 4 else ', …'}."
        else:
            big = max(known, key=lambda n: n.grad.norm or 0)
            small = min(known, key=lambda n: n.grad.norm or 0)
            text += f" Gradient norms reach from {scalar_text(small.grad)} ({label_of(small)}) to {scalar_text(big.grad)} ({label_of(big)})." if len(known) > 1 \
                else f" {label_of(big)} has a gradient of norm {scalar_text(big.grad)}."
        missing = [n for n in leaves if n.grad is None]
        if missing:
            text += f" {label_of(missing[0])}{'' if len(missing) == 1 else f' and {len(missing) - 1} more'} got None."
    elif snapshot.backward == "none":
        text += " No backward pass has run yet, so no gradient is known."
    return text
