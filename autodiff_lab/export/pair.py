"""Two graphs in one picture: what both have stands there once, what only one of them has carries a sign."""

from __future__ import annotations

import json

from ..record.compare import Change
from ..record.merge import Merged
from ..record.text import one_line
from . import html
from .svg import INK, SOFT, _lines, _n, _text, _wrap, draw_badge, draw_graph, text_width
from .words import counted, title_of

__all__ = ["change_sentence", "pair_facts", "pair_html", "pair_payload", "pair_svg", "sign_of"]

SAYS = {"−": "only in a", "+": "only in b", "≠": "differs"}


def sign_of(change: Change) -> str:
    """One character for a kind of change."""
    return {"added": "+", "removed": "−", "turns": "↻", "changed": "≠", "shape": "≠"}[change.kind]


def change_sentence(change: Change) -> str:
    """One difference in words."""
    where = f"line {change.line}: " if change.line else ""
    text = change.text or "?"
    if change.kind == "added":
        return f"{where}{text} ran only in b{_times(change.b)}."
    if change.kind == "removed":
        return f"{where}{text} ran only in a{_times(change.a)}."
    if change.kind == "turns":
        return f"{where}{text} ran {change.was} {'time' if change.was == '1' else 'times'} in a, {change.now} in b."
    if change.kind == "shape":
        return f"{where}{text} has shape {change.was} in a, {change.now} in b."
    return f"{where}{text} is {change.was} in a, {change.now} in b."


def _times(nodes) -> str:
    return "" if len(nodes) == 1 else f", {len(nodes)} times"


def pair_facts(diff) -> str:
    """The line of facts beside the title."""
    found = "no difference" if diff.same else counted(len(diff.changes), "difference")
    return " · ".join([found, *(f"{name}: {title_of(side)}, {counted(side.operators(), 'operator')}" for name, side in (("a", diff.a), ("b", diff.b)))])


def pair_payload(diff) -> str:
    """What the browser half needs, as JSON: the graph of both, who stands where, and the differences."""
    merged = diff.merged
    data = json.loads(html.payload(merged.snapshot))
    data["diff"] = {"facts": pair_facts(diff), "signs": merged.signs, "edges": merged.edge_signs,
                    "changes": [{"sign": sign_of(c), "text": one_line(change_sentence(c), 300), "nodes": _nodes(merged, c)} for c in diff.changes]}
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _nodes(merged: Merged, change: Change) -> list[int]:
    """The nodes of a change in the graph of both; of a loop, the turns that only one side ran."""
    found = dict.fromkeys([*(merged.from_a[n] for n in change.a if n in merged.from_a), *(merged.from_b[n] for n in change.b if n in merged.from_b)])
    more = [n for n in found if merged.signs.get(n) in ("+", "−")]
    return more if change.kind == "turns" and more else list(found)


def pair_html(diff) -> str:
    """One self-contained page that shows a `Diff` offline."""
    return html.page("diff", _title(diff), pair_svg(diff), pair_payload(diff))


def _title(diff) -> str:
    return f"Diff of {title_of(diff.a)} and {title_of(diff.b)}: {pair_facts(diff)}"


def pair_svg(diff) -> str:
    """The still picture of a `Diff`."""
    merged = diff.merged
    picture, body = draw_graph(merged.snapshot, grads=False, signs={f"n{node}": sign for node, sign in merged.signs.items()}, edge_signs=merged.edge_signs)
    width = max(520.0, picture.width + 56)
    facts = pair_facts(diff)
    parts = [_text(12, 24, "Diff", 13, INK, bold=True), _text(12 + text_width("Diff", 13, bold=True) + 10, 24, facts, 12.5, SOFT),
             f'<g transform="translate({_n((width - picture.width) / 2)},52)">', *body, "</g>"]
    y = picture.height + 74
    x = 12.0
    for sign in dict.fromkeys(merged.signs.values()):
        parts += [*draw_badge(sign, x + 8, y), _text(x + 22, y + 4, SAYS[sign], 12, SOFT)]
        x += 40 + text_width(SAYS[sign], 12)
    y += 14 if merged.signs else -10
    said = [line for change in diff.changes[:12] for line in _lines(f"{sign_of(change)} {change_sentence(change)}", width - 24)]
    if len(diff.changes) > 12:
        said.append(f"… and {len(diff.changes) - 12} more.")
    for line in said or ["The two graphs are the same: same operators, same lines, same shapes."]:
        y += 18
        parts.append(_text(12, y, line, 12.5, INK))
    return _wrap(parts, width, y + 14, 0, 0, merged.snapshot, title=_title(diff), desc=" ".join(change_sentence(c) for c in diff.changes) or "The two graphs are the same.")
