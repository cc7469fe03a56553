"""From a plan to coordinates: sizes of cards and boxes, x by columns, y by the places of the neighbours.

The browser does the same with the same numbers (widgets/src/graph/place.ts); a test compares them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from .plan import Plan

__all__ = ["Box", "Picture", "Wire", "place"]

GAP_Y, GAP_X, PAD, HEAD, BEND = 16, 44, 14, 32, 12
SWEEPS = 8


@dataclass
class Box:
    """A card or an opened module on the picture."""

    item: str
    x: float
    y: float
    w: float
    h: float
    open: bool = False


@dataclass
class Wire:
    """A drawn edge: between two visible items, standing for `edges`, through `points`."""

    source: str
    target: str
    edges: list[int]
    points: list[tuple[float, float]]


@dataclass
class Picture:
    """All boxes, outer ones first, and all wires, with the size of the whole."""

    boxes: dict[str, Box] = field(default_factory=dict)
    wires: list[Wire] = field(default_factory=list)
    width: float = 0
    height: float = 0


def place(plan: Plan, edges, opened, size, label_width=lambda edge: 0) -> Picture:
    """Coordinates of everything visible.

    Args:
        plan: see `make_plan`.
        edges: the snapshot's edges.
        opened: names of the boxes that are open.
        size: from an item's name to its (width, height) as a card.
        label_width: from an edge's index to the width of the text on it.
    """
    opened = set(opened)
    visible = _Visible(plan, opened)
    groups: dict[tuple[str, str], list[int]] = {}
    for index, edge in enumerate(edges):
        a, b = visible.of(f"n{edge.source}"), visible.of(f"n{edge.target}")
        if a != b:
            groups.setdefault((a, b), []).append(index)
    routes = defaultdict(list)  # scope -> (child, child, label width)
    passing = defaultdict(list)  # scope -> (source node, child, whether it comes in)
    for (a, b), indices in groups.items():
        scope, from_child, to_child = _meet(plan, a, b)
        routes[scope].append((from_child, to_child, label_width(indices[0]) if len(indices) == 1 and a[0] == b[0] == "n" else 0))
        source = f"n{edges[indices[0]].source}"
        for box, child in _below(plan, scope, a):
            passing[box].append((source, child, False))
        for box, child in _below(plan, scope, b):
            passing[box].append((source, child, True))
    picture = Picture()
    bends: dict[str, dict[tuple[str, int], tuple[float, float]]] = {}
    layout = _lay("r", plan, opened, size, routes, passing)
    _spread(layout, 0, 0, picture, bends, plan)
    picture.width, picture.height = layout.w, layout.h
    _wire(plan, edges, groups, picture, bends)
    return picture


class _Visible:
    """Which visible item stands for an item: itself, or the outermost closed box around it."""

    def __init__(self, plan: Plan, opened: set):
        self.plan, self.opened, self.known = plan, opened, {}

    def of(self, item: str) -> str:
        if item not in self.known:
            parent = self.plan.parents[item]
            if parent == "r":
                self.known[item] = item
            else:
                outer = self.of(parent)
                self.known[item] = item if outer == parent and parent in self.opened else outer
        return self.known[item]


def _meet(plan: Plan, a: str, b: str) -> tuple[str, str, str]:
    """The innermost scope around both, and its children that contain them."""
    up, down = plan.chain(a), plan.chain(b)
    at, scope = 0, "r"
    while at < min(len(up), len(down)) - 1 and up[at] == down[at]:
        scope = up[at]
        at += 1
    return scope, up[at], down[at]


def _below(plan: Plan, scope: str, item: str) -> list[tuple[str, str]]:
    """The boxes between `scope` and a visible item, each with its child on the way, outermost first."""
    chain = plan.chain(item)
    start = chain.index(scope) + 1 if scope != "r" else 0
    return [(chain[i], chain[i + 1]) for i in range(start, len(chain) - 1)]


@dataclass
class _Layout:
    w: float
    h: float
    items: list  # (item, x, y, w, h, inner layout or None)
    bends: dict  # (source item, column) -> (x, y)


def _lay(scope: str, plan: Plan, opened: set, size, routes, passing) -> _Layout:
    columns = plan.columns[scope]
    inner, sizes = {}, {}
    for column in columns:
        for item in column:
            if item[-1] == ">":
                sizes[item] = (0, BEND)
            elif item[0] != "n" and item in opened:
                inner[item] = lay = _lay(item, plan, opened, size, routes, passing)
                sizes[item] = (lay.w, lay.h)
            else:
                sizes[item] = size(item)
    column_of = {item: c for c, column in enumerate(columns) for item in column if item[-1] != ">"}
    members = [set(column) for column in columns]
    gaps = [GAP_X] * len(columns)
    near = [defaultdict(list) for _ in columns], [defaultdict(list) for _ in columns]  # from the left, from the right
    for a, b, label in routes[scope]:
        ca, cb = column_of[a], column_of[b]
        if label:
            gaps[cb - 1] = max(gaps[cb - 1], label + 46)
        previous = a
        for c in range(ca + 1, cb + 1):
            here = b if c == cb else a + ">" if a + ">" in members[c] else None
            if here is None:
                continue
            near[0][c][here].append(previous)
            near[1][c - 1][previous].append(here)
            previous = here
    for source, child, comes_in in passing[scope]:
        end = column_of[child]
        previous = None if comes_in else child
        for c in range(0, end + 1) if comes_in else range(end + 1, len(columns)):
            here = child if comes_in and c == end else source + ">"
            if here not in members[c]:
                continue
            if previous is not None:
                near[0][c][here].append(previous)
                near[1][c - 1][previous].append(here)
            previous = here
    x, xs = 0.0, []
    for c, column in enumerate(columns):
        width = max((sizes[item][0] for item in column), default=0)
        xs.append((x, width))
        x += width + (gaps[c] if c + 1 < len(columns) else 0)
    fresh = {a for a, _, _ in routes[scope]} - {b for _, b, _ in routes[scope]}
    centers = _heights(columns, sizes, near)
    low = min((centers[c][i] - sizes[item][1] / 2 for c, column in enumerate(columns) for i, item in enumerate(column)), default=0)
    high = max((centers[c][i] + sizes[item][1] / 2 for c, column in enumerate(columns) for i, item in enumerate(column)), default=0)
    pad, head = (PAD, HEAD) if scope != "r" else (0, 0)
    items, bends = [], {}
    for c, column in enumerate(columns):
        for i, item in enumerate(column):
            w, h = sizes[item]
            spare = xs[c][1] - w
            left = xs[c][0] + pad + (spare if item in fresh else spare / 2)  # what has no input stands close to its use
            y = centers[c][i] - low + head
            if item[-1] == ">":
                bends[item[:-1], c] = (left, y)
            else:
                items.append((item, left, y - h / 2, w, h, inner.get(item)))
    return _Layout(x + 2 * pad, high - low + head + (pad if head else 0), items, bends)


def _heights(columns, sizes, near) -> list[list[float]]:
    """Centers of the items of each column: close to their neighbours, in order, without overlap."""
    centers = []
    for column in columns:
        y, row = 0.0, []
        for item in column:
            h = sizes[item][1]
            row.append(y + h / 2)
            y += h + GAP_Y
        centers.append([c - (y - GAP_Y) / 2 for c in row])
    spots = [{item: i for i, item in enumerate(column)} for column in columns]
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        side, step = near[0 if forward else 1], -1 if forward else 1
        for c in range(len(columns)) if forward else range(len(columns) - 1, -1, -1):
            if not 0 <= c + step < len(columns) or not side[c]:
                continue
            wanted, weights = list(centers[c]), [0.05] * len(columns[c])
            for item, others in side[c].items():
                if item not in spots[c]:
                    continue
                found = [centers[c + step][spots[c + step][o]] for o in others if o in spots[c + step]]
                if found:
                    i = spots[c][item]
                    wanted[i] = sum(found) / len(found)
                    weights[i] = 4.0 if item[-1] == ">" else 1.0
            centers[c] = _settle(wanted, weights, [sizes[item][1] for item in columns[c]])
    return centers


def _settle(wanted, weights, heights) -> list[float]:
    """Places nearest to `wanted` (least squares) that keep the order and leave GAP_Y between neighbours."""
    offset, offsets = 0.0, []
    for i, h in enumerate(heights):
        if i:
            offset += heights[i - 1] / 2 + GAP_Y + h / 2
        offsets.append(offset)
    blocks: list[list[float]] = []  # [mean, weight, count]
    for want, weight, shift in zip(wanted, weights, offsets):
        blocks.append([want - shift, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, w, n = blocks.pop()
            last = blocks[-1]
            last[0] = (last[0] * last[1] + mean * w) / (last[1] + w)
            last[1] += w
            last[2] += n
    flat = [mean for mean, _, n in blocks for _ in range(int(n))]
    return [mean + shift for mean, shift in zip(flat, offsets)]


def _spread(layout: _Layout, x: float, y: float, picture: Picture, bends, plan: Plan, scope: str = "r") -> None:
    bends[scope] = {key: (x + bx, y + by) for key, (bx, by) in layout.bends.items()}
    for item, left, top, w, h, inner in layout.items:
        picture.boxes[item] = Box(item, x + left, y + top, w, h, inner is not None)
        if inner is not None:
            _spread(inner, x + left, y + top, picture, bends, plan, item)


def _wire(plan: Plan, edges, groups, picture: Picture, bends) -> None:
    """Points of every wire: out of the right side, through its bends, into the left side at its own height."""
    arriving = defaultdict(list)
    for a, b in groups:
        arriving[b].append(a)
    port = {}
    for b, sources in arriving.items():
        box = picture.boxes[b]
        sources.sort(key=lambda a: (picture.boxes[a].y + picture.boxes[a].h / 2, picture.boxes[a].x))
        step = min(12.0, (box.h - 16) / max(1, len(sources) - 1))
        for i, a in enumerate(sources):
            port[a, b] = box.y + box.h / 2 + (i - (len(sources) - 1) / 2) * step
    columns_of: dict[str, dict[str, int]] = {}

    def column(scope, item):
        if scope not in columns_of:
            columns_of[scope] = {item: c for c, items in enumerate(plan.columns[scope]) for item in items if item[-1] != ">"}
        return columns_of[scope][item]

    for (a, b), indices in groups.items():
        from_box, to_box = picture.boxes[a], picture.boxes[b]
        scope, from_child, to_child = _meet(plan, a, b)
        source = f"n{edges[indices[0]].source}"
        way = []
        for box, child in reversed(_below(plan, scope, a)):
            way += [(box, source, c) for c in range(column(box, child) + 1, len(plan.columns[box]))]
        way += [(scope, from_child, c) for c in range(column(scope, from_child) + 1, column(scope, to_child))]
        for box, child in _below(plan, scope, b):
            way += [(box, source, c) for c in range(column(box, child))]
        points = [(from_box.x + from_box.w, from_box.y + from_box.h / 2)]
        points += [bends[box][key, c] for box, key, c in way if (key, c) in bends[box]]
        points.append((to_box.x, port[a, b]))
        picture.wires.append(Wire(a, b, indices, points))
