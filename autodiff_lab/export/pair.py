"""Two graphs in one still picture, one under the other, with what differs marked."""

from __future__ import annotations

import re
from dataclasses import replace

from .svg import INK, LINE, PANEL, _lines, _n, _text, _wrap, svg

__all__ = ["pair_svg"]


def pair_svg(diff) -> str:
    """The picture of a `Diff`."""
    marks: list[dict[int, str]] = [{}, {}]
    for change in diff.changes:
        sign = {"added": "+", "removed": "−", "turns": "↻", "changed": "≠", "shape": "≠"}[change.kind]
        own = (change.a, change.b)
        for side in (0, 1):
            keep = min(len(change.a), len(change.b)) if change.kind == "turns" else 0
            for node in own[side][keep:]:
                marks[side].setdefault(node, sign)
    parts, y, width = [], 0.0, 520.0
    for snapshot, side, title in ((diff.a, marks[0], "a"), (diff.b, marks[1], "b")):
        nodes = tuple(replace(n, family="mark", glyph=side[n.id], error="") if n.id in side else n for n in snapshot.nodes)
        picture = svg(replace(snapshot, nodes=nodes), frame=False)
        w, h = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', picture).groups())
        body = picture[picture.index("</desc>") + 7: picture.rindex("</svg>")].strip()
        body = body[body.index("\n") + 1:]
        parts += [_text(12, y + 22, title, 13, INK, bold=True), f'<g transform="translate(0,{_n(y + 26)})">', body, "</g>", f'<path d="M0,{_n(y + h + 30)}H9999" stroke="{LINE}"/>']
        y += h + 32
        width = max(width, w)
    said = []
    for change in diff.changes[:12]:
        said += _lines(diff.sentence(change), width - 24)
    if not diff.changes:
        said = ["The two graphs are the same."]
    for line in said:
        parts.append(_text(12, y + 18, line, 12.5, INK))
        y += 18
    return _wrap(parts, width, y + 14, 0, 0, diff.b) if PANEL else ""
