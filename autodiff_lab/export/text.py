"""A snapshot as plain text: what the graph is, what each line made, and the backward pass step by step."""

from __future__ import annotations

from ..record.model import GraphSnapshot
from ..record.text import clean
from . import words
from .plan import make_plan
from .svg import inside, scope_name, span

__all__ = ["explain", "outline"]

STEPS_AT_MOST, NODES_AT_MOST = 40, 60


def outline(snapshot: GraphSnapshot) -> str:
    """The panel in a few lines: title, facts, the sentence, and one line per node of a small graph or per module of a large one."""
    lines = [f"{words.title_of(snapshot)}: {words.facts(snapshot)}", words.summary_sentence(snapshot)]
    if len(snapshot.nodes) <= 24:
        lines += table([(n.glyph, words.label_of(n), n.label or n.kind, words.value_text(n), words.grad_text(n, snapshot.backward)) for n in snapshot.nodes])
    else:
        plan = make_plan(snapshot)
        rows = []
        for box in (item for item in plan.parents if item[0] in "sk" and plan.parents[item] in ("r", *plan.open)):
            if box in plan.open:
                continue
            members = plan.stacks.get(box)
            scope = snapshot.scopes[int((members or [box])[0][1:])]
            name = span(scope, snapshot.scopes[int(members[-1][1:])]) if members else scope_name(scope)
            count = sum(n.kind == "op" for n in inside(snapshot, plan, box))
            rows.append(("▸", name, f"{scope.cls}{f' × {len(members)}' if members else ''}", words.counted(count, "operator"), words.shape_text(scope.shape) if scope.shape is not None else ""))
        lines += table(rows)
    return clean("\n".join(line.rstrip() for line in lines))


def explain(snapshot: GraphSnapshot) -> str:
    """The whole computation in sentences: forward as it ran, then backward as it ran."""
    lines = [f"{words.title_of(snapshot)}: {words.facts(snapshot)}", words.summary_sentence(snapshot), "", "Forward"]
    shown = snapshot.nodes if len(snapshot.nodes) <= NODES_AT_MOST else (*snapshot.nodes[:20], *snapshot.nodes[-(NODES_AT_MOST - 20):])
    for i, node in enumerate(shown):
        if i and node.id != shown[i - 1].id + 1:
            lines.append(f"    … {words.counted(node.id - shown[i - 1].id - 1, 'node')} more …")
        lines.append(f"  {node.glyph} {words.node_sentence(snapshot, node)}")
    if snapshot.steps:
        lines += ["", "Backward"]
        total = len(snapshot.steps)
        for k in range(1, total + 1):
            if total > STEPS_AT_MOST and STEPS_AT_MOST // 2 < k <= total - STEPS_AT_MOST // 2:
                if k == STEPS_AT_MOST // 2 + 1:
                    lines.append(f"    … {words.counted(total - STEPS_AT_MOST, 'step')} more …")
                continue
            lines.append("  " + words.step_sentence(snapshot, k))
    elif snapshot.backward == "none":
        lines += ["", "No backward pass has run yet: call .backward() and ask again."]
    elif snapshot.backward == "gone":
        lines += ["", "A backward pass ran over this graph earlier; its steps are no longer kept."]
    return clean("\n".join(lines))


def table(rows) -> list[str]:
    """Rows in aligned columns."""
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
