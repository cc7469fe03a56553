"""Two recordings of a dynamic program, aligned: which branch ran, how many turns, what was added, removed or changed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from difflib import SequenceMatcher

from .model import GraphSnapshot, NodeInfo
from .text import shape_text

__all__ = ["Change", "compare"]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `kind`: "added", "removed", "turns", "changed" or "shape"."""

    kind: str
    line: int | None
    text: str
    a: tuple[int, ...]  # nodes in the first recording
    b: tuple[int, ...]
    was: str = ""
    now: str = ""


def compare(a: GraphSnapshot, b: GraphSnapshot) -> tuple[list[Change], list[tuple[int, int]]]:
    """The differences, in the order of the code, and the pairs of operators that correspond."""
    if _same_code(a, b):
        return _by_place(a, b)
    return _by_sequence(a, b)


def _operators(snapshot: GraphSnapshot) -> list[NodeInfo]:
    return [node for node in snapshot.nodes if node.kind == "op" and not node.layer]


def _same_code(a: GraphSnapshot, b: GraphSnapshot) -> bool:
    texts = {(code.text, code.first_line) for code in a.code}
    return bool(texts & {(code.text, code.first_line) for code in b.code}) and all(node.source for node in _operators(a) + _operators(b))


def _place(snapshot: GraphSnapshot, node: NodeInfo):
    """Where an operator was written: the innermost line, and the lines in shared code that led there."""
    source = node.source
    return (snapshot.code[source.code].text, source.line, source.column, source.end_line, source.end_column)


def _by_place(a, b):
    found: list[defaultdict] = [defaultdict(list), defaultdict(list)]
    for side, snapshot in zip(found, (a, b)):
        for node in _operators(snapshot):
            side[_place(snapshot, node)].append(node)
    shared = {code.text for code in a.code} & {code.text for code in b.code}
    changes, pairs, rest = [], [], ([], [])
    for place in sorted({*found[0], *found[1]}, key=lambda p: p[1:]):
        left, right = found[0].get(place, []), found[1].get(place, [])
        if place[0] not in shared:  # written outside of what both have: the calls themselves
            rest[0].extend(left)
            rest[1].extend(right)
            continue
        line = place[1]
        text = (left or right)[0].source.text
        if not left or not right:
            changes.append(Change("added" if right else "removed", line, text, tuple(n.id for n in left), tuple(n.id for n in right)))
            continue
        if len(left) != len(right):
            changes.append(Change("turns", line, text, tuple(n.id for n in left), tuple(n.id for n in right), str(len(left)), str(len(right))))
        _match(left, right, changes, pairs)
    _align(rest[0], rest[1], changes, pairs)
    return changes, pairs


def _match(left, right, changes, pairs) -> None:
    said = set()
    for one, two in zip(left, right):
        pairs.append((one.id, two.id))
        if one.label != two.label and "label" not in said:
            said.add("label")
            changes.append(Change("changed", two.source.line if two.source else None, two.source.text if two.source else two.label, (one.id,), (two.id,), one.label, two.label))
        elif one.shape != two.shape and "shape" not in said:
            said.add("shape")
            changes.append(Change("shape", two.source.line if two.source else None, two.source.text if two.source else two.label, (one.id,), (two.id,), shape_text(one.shape), shape_text(two.shape)))


def _by_sequence(a, b):
    changes: list[Change] = []
    pairs: list[tuple[int, int]] = []
    _align(_operators(a), _operators(b), changes, pairs)
    return changes, pairs


def _align(left, right, changes, pairs) -> None:
    """Longest common runs of equal operators; what is between is added, removed or changed."""
    matcher = SequenceMatcher(None, [n.label for n in left], [n.label for n in right], autojunk=False)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            _match(left[i1:i2], right[j1:j2], changes, pairs)
        elif kind == "replace" and i2 - i1 == j2 - j1:
            _match(left[i1:i2], right[j1:j2], changes, pairs)
        else:
            for node in left[i1:i2]:
                changes.append(Change("removed", node.source.line if node.source else None, node.source.text if node.source else node.label, (node.id,), ()))
            for node in right[j1:j2]:
                changes.append(Change("added", node.source.line if node.source else None, node.source.text if node.source else node.label, (), (node.id,)))
