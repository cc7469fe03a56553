"""A snapshot as a still SVG picture in the look of the widgets: attributes only, no script, style or ids.

Text is dark on light whatever the page's colours; the same snapshot gives the same bytes.
"""

from __future__ import annotations

import math
from xml.sax.saxutils import escape, quoteattr

from ..record.model import GraphSnapshot, Value
from ..record.text import clean, number
from . import words
from .place import Picture, place
from .plan import Plan, make_plan

__all__ = ["card_of", "svg", "text_width"]

INK, SOFT, LINE, PANEL, GRAD, ACCENT = "#1c2330", "#5a6473", "#dfe2e8", "#ffffff", "#b3261e", "#1f5fbf"
COLORS = {"param": ("#8a5300", "#fff0d6"), "data": ("#5a6473", "#eef0f3"), "linear": ("#1f5fbf", "#e6effc"),
          "point": ("#00705a", "#def4ee"), "reduce": ("#7a3aa8", "#f3e8fb"), "shape": ("#5a6473", "#ffffff"),
          "random": ("#9c2a6b", "#fbe7f2")}
SANS = "Inter, 'DejaVu Sans', system-ui, sans-serif"
MONO = "'JetBrains Mono', 'DejaVu Sans Mono', ui-monospace, monospace"
WIDEST, WIDEST_CARD = 1480, 230
NARROW, WIDE = set("iljtfrI.,:;'|()[]{}! ·/"), set("mwMWGOQ@%&∂…")


def text_width(text: str, size: float, mono: bool = False, bold: bool = False) -> float:
    """About how wide `text` is; the same everywhere, with any font."""
    if mono:
        return len(text) * size * 0.605
    units = sum(0.38 if c in NARROW else 0.92 if c in WIDE else 0.7 if c.isupper() else 0.62 for c in text)
    return units * size * (1.2 if bold else 1.07)


class Card:
    """What stands on a card, and how large it is."""

    def __init__(self, family, glyph, name, op, rows, bold=True, sheet=0, square=False, failed=False, dashed=False):
        self.family, self.glyph, self.name, self.op, self.rows = family, glyph, name, op, rows
        self.bold, self.sheet, self.square, self.failed, self.dashed = bold, sheet, square, failed, dashed
        while len(self.op) > 4 and WIDEST_CARD < 10 + max(17, text_width(glyph, 13) + 6) + text_width(name, 12.5, bold=bold) + 20 + text_width(self.op, 11):
            self.op = op = _short(self.op, len(self.op) - 1)
        self.name_x = 10 + max(17, text_width(glyph, 13) + 6)
        head = self.name_x + text_width(name, 12.5, bold=bold) + (10 + text_width(op, 11) if op else 0) + 10
        self.w = math.ceil(min(WIDEST_CARD, max(92, head, *(20 + text_width(row, 12, mono=True) for row, _ in rows), 0)))
        self.h = 27 + 17 * len(rows) + (3 if rows else 0)


def card_of(snapshot: GraphSnapshot, plan: Plan, item: str, values: bool = True, grads: bool = True) -> Card:
    """The card of a node, or of a folded module or stack."""
    if item[0] == "n":
        node = snapshot.nodes[int(item[1:])]
        name = words.label_of(node)
        op = node.label if node.kind == "op" and name != node.label else "" if node.kind == "op" else "leaf" if node.dtype in ("", "float32") else node.dtype
        if node.turn is not None:
            op = f"{op} ↻{node.turn}".strip()
        if node.hooks:
            op = f"{op} +{node.hooks if node.hooks > 1 else ''}hook{'s' if node.hooks > 1 else ''}".strip()
        rows = [(words.value_text(node), SOFT if node.error else INK)]
        if grads:
            text = words.grad_text(node, snapshot.backward)
            rows.append((text, GRAD if node.grad is not None else SOFT))
        path = f"{snapshot.scopes[node.scope].path}." if node.scope is not None else ""
        if node.kind == "parameter" and path and name.startswith(path):
            name = name[len(path):]  # its module's box says the rest
        return Card(node.family, node.glyph, _short(name, 20), _short(op, 16), rows, bold=bool(node.name),
                    square=node.kind == "data", failed=bool(node.error), dashed=bool(node.layer))
    members = plan.stacks.get(item)
    scope = snapshot.scopes[int((members[0] if members else item)[1:])]
    last = snapshot.scopes[int(members[-1][1:])] if members else None
    name = span(scope, last) if last else scope_name(scope)
    op = f"{scope.cls} × {len(members)}" if members else f"{scope.cls if scope.cls != name else ''}{f' call {scope.call}' if scope.call > 1 else ''}".strip()
    shape = (last or scope).shape
    rows = [(words.size_text(shape) if shape is not None else "", INK)]
    if grads:
        rows.append((_scope_grad(snapshot, plan, item), GRAD))
    family = _scope_family(snapshot, plan, item)
    return Card(family, "▸", _short(name, 24), _short(op, 22), [r for r in rows if r[0]], sheet=2 if members else 0,
                failed=bool(scope.error))


def scope_name(scope) -> str:
    """What a module is called: the last parts of its path, or the variable of the outermost one."""
    return tail(scope.path) or scope.name or scope.cls


def span(first, last) -> str:
    """What a stack is called: "h.0 … h.11", "turn 1 … 50"."""
    end = tail(last.path)
    return f"{tail(first.path)} … {end.removeprefix('turn ').removeprefix('block ') if first.repeat else end}"


def tail(path: str) -> str:
    """The last name of a path, with the number that follows it: "h.0" of "transformer.h.0"."""
    parts = path.split(".")
    return ".".join(parts[-2:]) if len(parts) > 1 and parts[-1].isdigit() else parts[-1]


def inside(snapshot: GraphSnapshot, plan: Plan, item: str) -> list:
    """The nodes in a module or stack, at any depth."""
    scopes = {int(s[1:]) for s in plan.stacks.get(item, [item])}
    for scope in snapshot.scopes:
        if scope.parent in scopes:
            scopes.add(scope.id)
    return [node for node in snapshot.nodes if node.scope in scopes]


def _scope_grad(snapshot, plan, item) -> str:
    inner = inside(snapshot, plan, item)
    norms = [n.grad.norm if n.grad.norm is not None else abs(n.grad.number or 0) for n in inner if n.kind == "parameter" and n.grad is not None]
    if norms:
        return f"∂ {number(math.sqrt(sum(v * v for v in norms)))}"
    if any(n.kind == "parameter" for n in inner):
        return "∂ not yet" if snapshot.backward == "none" else ""
    ends = [n for n in inner if n.kind == "op" and n.grad is not None]
    return f"∂ {words.scalar_text(ends[-1].grad)}" if ends else ""  # no parameter: what arrived at its result


def _scope_family(snapshot, plan, item) -> str:
    families = [n.family for n in inside(snapshot, plan, item) if n.kind == "op"]
    for family in ("linear", "reduce", "random", "point", "shape"):
        if family in families:
            return family
    return "shape"


def edge_label(snapshot: GraphSnapshot, index: int) -> str:
    """local derivative · incoming gradient = contribution, as far as known."""
    edge = snapshot.edges[index]
    if not edge.grad:
        return ""
    target = snapshot.nodes[edge.target]
    local = number(edge.local) if edge.local is not None else edge.plain
    if target.shape == () and target.grad is not None and target.grad.number is not None and edge.local is not None:
        grad = number(target.grad.number)
        if target.grad.number == 1 or edge.local == 1:
            return f"{local} · {grad}"
        return f"{local} · {grad} = {number(edge.local * target.grad.number)}"
    return f"× {edge.plain}" if edge.plain and len(edge.plain) <= 14 else ""


def edge_flows(snapshot: GraphSnapshot) -> dict[int, Value]:
    """What the backward pass sent over each edge; where its steps are not known, what arrived at the edge's source in all."""
    if snapshot.steps:
        return {c.edge: c.value for step in snapshot.steps for c in step.contributions}
    return {i: value for i, edge in enumerate(snapshot.edges) if (value := snapshot.nodes[edge.source].grad) is not None}


def edge_strength(snapshot: GraphSnapshot, edges: list[int], sent: dict[int, Value]) -> float | None:
    """The gradient that flows over these edges, as a norm."""
    found = [sent.get(i) for i in edges if snapshot.edges[i].grad]
    sizes = [abs(g.number) if g.number is not None else g.norm for g in found if g is not None]
    sizes = [s for s in sizes if s is not None and math.isfinite(s)]
    return max(sizes) if sizes else None


def stroke_width(strength: float | None) -> float:
    """Thickness by the logarithm: 1e-6 and less is thin, 100 and more is thick."""
    if strength is None or strength <= 0:
        return 1.2
    return round(1.2 + 2.0 * min(1.0, max(0.0, (math.log10(strength) + 6) / 8)), 2)


def svg(snapshot: GraphSnapshot, opened=None, values: bool = True, grads: bool | None = None, frame: bool = True) -> str:
    """The picture of `snapshot` as SVG text.

    Args:
        opened: names of the modules to draw open; None chooses.
        grads: whether to write gradients; None: if a backward pass ran.
        frame: with title, sentence and border.
    """
    picture, body = draw_graph(snapshot, opened, values, snapshot.backward != "none" if grads is None else grads)
    return _framed(snapshot, picture, body) if frame else _wrap(body, picture.width + 28, picture.height + 28, 14, 14, snapshot)


def draw_graph(snapshot: GraphSnapshot, opened=None, values: bool = True, grads: bool = True, signs=None, edge_signs=None) -> tuple[Picture, list[str]]:
    """The places of everything, and the pieces of SVG. `signs` ("+", "−", "≠", by item and by edge) mark differences."""
    plan = make_plan(snapshot)
    cards: dict[str, Card] = {}

    def card(item):
        if item not in cards:
            cards[item] = card_of(snapshot, plan, item, values, grads)
        return cards[item]

    small = len(snapshot.nodes) <= 60
    labels = {i: edge_label(snapshot, i) if small else "" for i in range(len(snapshot.edges))}
    picture = place(plan, snapshot.edges, plan.open if opened is None else opened,
                    lambda item: (card(item).w, card(item).h), lambda i: text_width(labels[i], 11, mono=True) if labels[i] else 0)
    return picture, _body(snapshot, plan, picture, card, labels, grads, signs or {}, edge_signs or {})


def _body(snapshot, plan, picture: Picture, card, labels, grads, signs, edge_signs) -> list[str]:
    parts = []
    failed = {f"n{n.id}" for n in snapshot.nodes if n.error}
    sent = edge_flows(snapshot) if grads else {}
    for box in picture.boxes.values():
        if box.open:
            parts += _open_box(snapshot, plan, box)
    for wire in picture.wires:
        flows = any(snapshot.edges[i].grad for i in wire.edges)
        strength = edge_strength(snapshot, wire.edges, sent) if flows else None
        hot = strength is not None
        color = GRAD if hot else SOFT
        dash = "" if flows else ' stroke-dasharray="3 3"'
        own = {edge_signs.get(i) for i in wire.edges}
        if own == {"+"}:
            color, strength = ACCENT, 1.0
        elif own == {"−"}:
            dash = ' stroke-dasharray="7 4"'
        *_, (x2, y2) = wire.points
        parts.append(f'<path d="{curve(wire.points)}" fill="none" stroke="{color}" stroke-width="{stroke_width(strength)}"{dash}/>')
        parts.append(f'<path d="M{_n(x2)},{_n(y2)}l-8,-4l0,8z" fill="{color}"/>')
    for wire in picture.wires:
        between_nodes = wire.source[0] == wire.target[0] == "n"
        label = (labels[wire.edges[0]] if between_nodes else "") if len(wire.edges) == 1 else f"{len(wire.edges)} edges" if len(wire.edges) > 3 and plan.open else ""
        if label and (grads or len(snapshot.nodes) <= 60):
            x, y = label_spot(wire.points)
            hot = edge_strength(snapshot, wire.edges, sent) is not None
            w = text_width(label, 11, mono=True) + 4
            parts.append(f'<rect x="{_n(x - w / 2)}" y="{_n(y - 8)}" width="{_n(w)}" height="14" fill="{PANEL}"/>')
            parts.append(_text(x, y + 3, label, 11, GRAD if hot else SOFT, mono=True, anchor="middle"))
    for item, box in picture.boxes.items():
        if not box.open:
            one = card(item)
            one.dashed = one.dashed or signs.get(item) == "−"
            parts += draw_card(one, box, failed=item in failed)
            sign = signs.get(item) or _sign_within(snapshot, plan, item, signs)
            if sign:
                parts += draw_badge(sign, box.x, box.y)
    return parts


def _sign_within(snapshot, plan, item: str, signs) -> str:
    """What to write on a folded module: the sign that all marked nodes in it have, or that something differs."""
    found = set() if item[0] == "n" or not signs else {signs.get(f"n{node.id}") for node in inside(snapshot, plan, item)}
    return "" if found <= {None} else found.pop() if len(found) == 1 else "≠"


def draw_badge(sign: str, x: float, y: float) -> list[str]:
    """A sign in a circle, at the corner of a card; filled where something was added."""
    fill, ink = (ACCENT, PANEL) if sign == "+" else (PANEL, INK)
    return [f'<circle cx="{_n(x)}" cy="{_n(y)}" r="8.5" fill="{fill}" stroke="{ACCENT if sign == "+" else INK}" stroke-width="1.3"/>',
            _text(x, y + 4.5, sign, 12.5, ink, bold=True, anchor="middle")]


def curve(points) -> str:
    """A smooth path through points, leaving and arriving horizontally; it ends where the arrow head begins."""
    (x, y), path = points[0], []
    path.append(f"M{_n(x)},{_n(y)}")
    for i, (x2, y2) in enumerate(points[1:], 2):
        end = x2 - 6 if i == len(points) else x2
        middle = (x + x2) / 2
        path.append(f"C{_n(middle)},{_n(y)} {_n(middle)},{_n(y2)} {_n(end)},{_n(y2)}")
        x, y = x2, y2
    return "".join(path)


def label_spot(points) -> tuple[float, float]:
    """The middle of the last stretch: where an edge is alone with its target."""
    (x1, y1), (x2, y2) = points[-2:]
    return (x1 + x2) / 2 - 2, (y1 + y2) / 2


def _open_box(snapshot, plan, box) -> list[str]:
    members = plan.stacks.get(box.item)
    scope = snapshot.scopes[int((members[0] if members else box.item)[1:])]
    color = COLORS[_scope_family(snapshot, plan, box.item)][0]
    name = span(scope, snapshot.scopes[int(members[-1][1:])]) if members else scope_name(scope)
    extra = f"{scope.cls}{f' × {len(members)}' if members else ''}{f' call {scope.call}' if scope.call > 1 else ''}"
    name = _short(name, 30)
    return [f'<rect x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.w)}" height="{_n(box.h)}" rx="10" fill="{color}" fill-opacity="0.035" stroke="{color}" stroke-opacity="0.75"/>',
            _text(box.x + 12, box.y + 20, f"▾ {name}", 12.5, INK, bold=True),
            _text(box.x + 12 + text_width(f"▾ {name}", 12.5, bold=True) + 8, box.y + 20, _short(extra, 30), 11, SOFT)]


def draw_card(card: Card, box, failed=False) -> list[str]:
    """One card: sheets behind, border and tint, glyph, name, operator, rows."""
    edge, tint = COLORS[card.family]
    if failed or card.failed:
        edge, tint = GRAD, "#fdecea"
    radius = 2 if card.square else 6
    dash = ' stroke-dasharray="4 3"' if card.dashed else ""
    x, y = box.x, box.y
    parts = []
    for k in range(card.sheet, 0, -1):
        parts.append(f'<rect x="{_n(x + 4 * k)}" y="{_n(y + 4 * k)}" width="{_n(box.w)}" height="{_n(box.h)}" rx="{radius}" fill="{tint}" stroke="{edge}" stroke-opacity="0.45"/>')
    parts.append(f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(box.w)}" height="{_n(box.h)}" rx="{radius}" fill="{tint}" stroke="{edge}" stroke-width="{2 if failed or card.failed else 1}"{dash}/>')
    parts.append(_text(x + 10, y + 19, card.glyph, 13, edge, bold=True))
    parts.append(_text(x + card.name_x, y + 19, card.name, 12.5, INK, bold=card.bold, mono=False))
    if card.op:
        parts.append(_text(x + box.w - 9, y + 19, card.op, 11, SOFT if edge != GRAD else GRAD, anchor="end"))
    for i, (row, color) in enumerate(card.rows):
        parts.append(_text(x + 10, y + 38 + 17 * i, row, 12, color, mono=True))
    return parts


def _framed(snapshot: GraphSnapshot, picture: Picture, body: list[str]) -> str:
    title, fact = words.title_of(snapshot), words.facts(snapshot)
    width = max(520.0, picture.width + 48)
    wrapped = _lines(words.summary_sentence(snapshot), width - 24)
    scale = min(1.0, WIDEST / width)
    top = 38
    height = top + picture.height * 1 + 32
    foot = height + 18 * len(wrapped) + 14
    out = [f'<rect x="0.5" y="0.5" width="{_n(width - 1)}" height="{_n(foot - 1)}" rx="8" fill="{PANEL}" stroke="{LINE}"/>',
           _text(12, 24, _short(title, 40), 13, INK, bold=True),
           _text(12 + text_width(_short(title, 40), 13, bold=True) + 10, 24, fact, 12.5, SOFT),
           f'<path d="M0.5,{top - 0.5}H{_n(width - 0.5)}M0.5,{_n(height + 0.5)}H{_n(width - 0.5)}" stroke="{LINE}"/>',
           f'<g transform="translate({_n((width - picture.width) / 2)},{top + 16})">', *body, "</g>"]
    out += [_text(12, height + 20 + 18 * i, line, 12.5, INK) for i, line in enumerate(wrapped)]
    return _wrap(out, width, foot, 0, 0, snapshot, scale)


def _wrap(body, width, height, x, y, snapshot, scale: float = 1.0, title: str = "", desc: str = "") -> str:
    title = escape(clean(title or f"{words.title_of(snapshot)}: {words.facts(snapshot)}"))
    desc = escape(clean(desc or words.summary_sentence(snapshot)))
    inner = "\n".join(body)
    moved = f'<g transform="translate({_n(x)},{_n(y)})">\n{inner}\n</g>' if x or y else inner
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(width * scale)}" height="{_n(height * scale)}" viewBox="0 0 {_n(width)} {_n(height)}" '
            f'role="img" font-family={quoteattr(SANS)}>\n<title>{title}</title>\n<desc>{desc}</desc>\n'
            f'<rect width="{_n(width)}" height="{_n(height)}" fill="#ffffff" rx="8"/>\n{moved}\n</svg>\n')


def _text(x, y, text, size, color, mono=False, bold=False, anchor="") -> str:
    extra = (f' font-family={quoteattr(MONO)}' if mono else "") + (' font-weight="650"' if bold else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text x="{_n(x)}" y="{_n(y)}" font-size="{size}" fill="{color}"{extra}>{escape(clean(text))}</text>'


def _lines(text: str, width: float, size: float = 12.5) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if line and text_width(f"{line} {word}", size) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line][:4]


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _n(value: float) -> str:
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text
