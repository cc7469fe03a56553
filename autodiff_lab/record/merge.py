"""Two recordings in one graph: what both have stands there once, what only one of them has is marked."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, replace

from .model import EdgeInfo, GraphSnapshot, NodeInfo, Value
from .text import number

__all__ = ["Merged", "merge"]


@dataclass(frozen=True, slots=True)
class Merged:
    """Signs say what is not the same on both sides: "−" only in a, "+" only in b, "≠" in both, but different."""

    snapshot: GraphSnapshot
    signs: dict[int, str]  # by node
    edge_signs: dict[int, str]  # by index of the edge
    from_a: dict[int, int]  # node of a -> node here
    from_b: dict[int, int]


def merge(a: GraphSnapshot, b: GraphSnapshot, pairs: list[tuple[int, int]]) -> Merged:
    """One graph of both, in an order that suits both.

    Args:
        pairs: operators of a and b that correspond, as `compare` found them.
    """
    return _Merger(a, b, pairs).merged()


class _Merger:
    def __init__(self, a: GraphSnapshot, b: GraphSnapshot, pairs):
        self.sides = (a, b)
        self.partner = dict(_in_order(pairs))  # of a's nodes
        self.nodes: list[NodeInfo] = []
        self.ids: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.signs: dict[int, str] = {}
        self.inputs = tuple(_inputs(side) for side in self.sides)

    def merged(self) -> Merged:
        self._pair_leaves()
        self.back = {j: i for i, j in self.partner.items()}
        self.codes, self.code_ids = self._tables(lambda side: side.code, lambda code, _ids: (code.label, code.text, code.first_line))
        self.scopes, self.scope_ids = self._tables(lambda side: side.scopes, lambda s, ids: (s.path, s.cls, s.call, ids.get(s.parent)))
        waiting = [iter(_operators(side)) for side in self.sides]
        for i, j in sorted((i, j) for i, j in self.partner.items() if self.sides[0].nodes[i].kind == "op"):
            self._until(0, waiting[0], i)
            self._until(1, waiting[1], j)
            self._place(i, j)
        for side in (0, 1):
            self._until(side, waiting[side], None)
        edges, edge_signs = self._edges()
        scopes = tuple(replace(s, id=n, parent=None if s.parent is None else self.scope_ids[side][s.parent]) for n, (side, s) in enumerate(self.scopes))
        roots = tuple(dict.fromkeys(ids[root] for side, ids in zip(self.sides, self.ids) for root in side.roots if root in ids))
        a, b = self.sides
        cell = self.code_ids[0].get(a.cell) if a.cell is not None and self.code_ids[0].get(a.cell) == self.code_ids[1].get(b.cell) else None
        title = a.title if a.title == b.title else " and ".join(side.title for side in self.sides if side.title)
        snapshot = GraphSnapshot(title, tuple(self.nodes), edges, scopes, tuple(code for _, code in self.codes), roots, cell=cell, created=b.created,
                                 backward="ran" if "ran" in (a.backward, b.backward) else "none", passes=max(a.passes, b.passes))
        return Merged(snapshot, self.signs, edge_signs, *self.ids)

    def _tables(self, items, name):
        """The codes or scopes of both sides, equal ones once, and the new numbers on each side."""
        table, known, ids = [], {}, ({}, {})
        for side in (0, 1):
            for old, item in enumerate(items(self.sides[side])):
                key = name(item, ids[side])
                if key not in known:
                    known[key] = len(table)
                    table.append((side, item))
                ids[side][old] = known[key]
        return table, ids

    def _pair_leaves(self) -> None:
        """Leaves correspond that go into corresponding operators at the same place; else those of one name."""
        a, b = (side.nodes for side in self.sides)
        taken = set()
        for i, j in list(self.partner.items()):
            for place, leaf in self.inputs[0].get(i, {}).items():
                other = self.inputs[1].get(j, {}).get(place)
                if other is not None and a[leaf].kind != "op" and b[other].kind != "op" and leaf not in self.partner and other not in taken:
                    self.partner[leaf] = other
                    taken.add(other)
        named = {n.name: n.id for n in b if n.kind != "op" and n.name and n.id not in taken}
        for node in a:
            if node.kind != "op" and node.id not in self.partner and node.name in named:
                self.partner[node.id] = named.pop(node.name)

    def _until(self, side: int, waiting, end: int | None) -> None:
        for node in waiting:
            if node.id == end:
                return
            self._place(*((node.id, None) if side == 0 else (None, node.id)))

    def _place(self, i: int | None, j: int | None) -> None:
        """Place a node of a, of b, or one of each, after the leaves that it is made from."""
        for side, old in ((0, i), (1, j)):
            for leaf in self.inputs[side].get(old, {}).values() if old is not None else ():
                if leaf not in self.ids[side] and self.sides[side].nodes[leaf].kind != "op":
                    self._place(*((leaf, self.partner.get(leaf)) if side == 0 else (self.back.get(leaf), leaf)))
        new = len(self.nodes)
        here = [(side, old) for side, old in ((0, i), (1, j)) if old is not None]
        one, two = self.sides[here[0][0]].nodes[here[0][1]], self.sides[here[-1][0]].nodes[here[-1][1]]
        side = here[-1][0]
        for side_of, old in here:
            self.ids[side_of][old] = new
        source = two.source and replace(two.source, code=self.code_ids[side][two.source.code])
        calls = tuple(replace(s, code=self.code_ids[side][s.code]) for s in two.calls)
        label = two.label if one.label == two.label else f"{one.label} → {two.label}"
        self.nodes.append(replace(two, id=new, label=label, scope=None if two.scope is None else self.scope_ids[side][two.scope], source=source, calls=calls, saved=(),
                                  value=_both(one.value, two.value), grad=_both(one.grad, two.grad)))
        if len(here) == 1:
            self.signs[new] = "−" if side == 0 else "+"
        elif one.label != two.label or one.shape != two.shape:
            self.signs[new] = "≠"

    def _edges(self) -> tuple[tuple[EdgeInfo, ...], dict[int, str]]:
        found: dict[tuple, EdgeInfo] = {}
        owners: dict[tuple, int] = {}
        for side in (0, 1):
            ids = self.ids[side]
            for place, edge in _numbered(self.sides[side].edges):
                if edge.source in ids and edge.target in ids:
                    key = (ids[edge.source], ids[edge.target], *place)
                    found[key] = replace(edge, source=key[0], target=key[1], local=None)
                    owners[key] = owners.get(key, 0) | 1 << side
        order = sorted(found, key=lambda key: (key[1], key[0], str(key[2:])))
        return tuple(found[key] for key in order), {n: "−" if owners[key] == 1 else "+" for n, key in enumerate(order) if owners[key] != 3}


def _operators(side: GraphSnapshot) -> list[NodeInfo]:
    return [node for node in side.nodes if node.kind == "op" and not node.layer]


def _numbered(edges):
    """Edges with their place at the target: the slot, and the how manieth of that slot."""
    seen: Counter = Counter()
    for edge in edges:
        yield (edge.slot, seen[edge.target, edge.slot]), edge
        seen[edge.target, edge.slot] += 1


def _inputs(side: GraphSnapshot) -> dict[int, dict[tuple, int]]:
    """What goes into each node, by place."""
    inputs: dict[int, dict[tuple, int]] = {}
    for place, edge in _numbered(side.edges):
        inputs.setdefault(edge.target, {})[place] = edge.source
    return inputs


def _in_order(pairs) -> list[tuple[int, int]]:
    """The longest choice of pairs that both sides ran in the same order: only these can share a place in one graph."""
    pairs = sorted(pairs)
    ends: list[int] = []  # b's number at the end of the best run of each length
    best: list[int] = []  # which pair that is
    before: list[int | None] = []
    for n, (_, j) in enumerate(pairs):
        length = bisect_left(ends, j)
        before.append(best[length - 1] if length else None)
        if length == len(ends):
            ends.append(j)
            best.append(n)
        else:
            ends[length], best[length] = j, n
    chosen, at = [], best[-1] if best else None
    while at is not None:
        chosen.append(pairs[at])
        at = before[at]
    return chosen[::-1]


def _both(one: Value | None, two: Value | None) -> Value | None:
    """A number of each side, where they differ."""
    if one is None or two is None or one == two:
        return two or one
    for part in ("number", "norm"):
        was, now = getattr(one, part), getattr(two, part)
        if was is not None and now is not None:
            return Value(number=two.number, norm=two.norm, text=number(was) if number(was) == number(now) else f"{number(was)} → {number(now)}")
    return two
