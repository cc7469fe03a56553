"""Repeats in a long graph, each turn in a box of its own: the turns of a loop, the pairs of layers of a deep Sequential.

A box is a scope like that of a module, so that everything that draws, folds and stacks modules does the same with turns.
Short graphs are left as they are.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from .model import EdgeInfo, NodeInfo, ScopeInfo

__all__ = ["boxed"]

READABLE = 40  # operators and modules beside each other that can be taken in
REPEATS, LONGEST = 3, 32  # how often something must come again, and of how many parts it may be


def boxed(nodes: tuple[NodeInfo, ...], edges: tuple[EdgeInfo, ...], scopes: list[ScopeInfo]) -> tuple[tuple[NodeInfo, ...], list[ScopeInfo]]:
    """Nodes and scopes, with a scope around each turn of what repeats.

    A part is named by a pair: ("n", 4) an operator, ("s", 2) a module.
    """
    parents = {scope.id: scope.parent for scope in scopes}
    parts: dict[int | None, list[tuple[str, int]]] = defaultdict(list)  # of each scope, in the order in which they ran
    seen: set[int] = set()
    for node in nodes:
        if node.kind != "op" or node.layer:
            continue
        part, scope = ("n", node.id), node.scope
        while part[0] == "n" or part[1] not in seen:
            if part[0] == "s":
                seen.add(part[1])
            parts[scope].append(part)
            if scope is None:
                break
            part, scope = ("s", scope), parents[scope]
    if all(len(inner) <= READABLE for inner in parts.values()):
        return nodes, scopes
    looks, looped = _looks(nodes, scopes, parts), _looped(nodes, parents)
    made: list[ScopeInfo] = []
    taken: set[str] = set()  # paths
    moved: dict[tuple[str, int], int] = {}  # part -> the box it is put in
    for scope, inner in parts.items():
        if len(inner) <= READABLE:
            continue
        numbers: dict[tuple, int] = {}
        for start, length, times in _repeats([numbers.setdefault(looks[part], len(numbers)) for part in inner]):
            if length == 1 and inner[start][0] == "s":
                continue  # modules of one kind beside each other stack by themselves
            for turn in range(times):
                members = inner[start + turn * length:start + (turn + 1) * length]
                box = len(scopes) + len(made)
                made.append(_box(box, scope, turn + 1, members, looped.intersection(members), nodes, scopes, taken))
                moved.update(dict.fromkeys(members, box))
    return _moved(nodes, edges, [*scopes, *made], moved)


def _looks(nodes, scopes, parts) -> dict[tuple[str, int], tuple]:
    """What a part looks like: equal for equal operators, and for modules of equal content."""
    looks: dict[tuple[str, int], tuple] = {("n", node.id): (node.label, node.shape) for node in nodes}
    for scope in reversed(scopes):  # inner ones have larger numbers
        looks["s", scope.id] = (scope.cls, scope.shape, *(hash(looks[part]) for part in parts.get(scope.id, ())))
    return looks


def _looped(nodes, parents) -> set[tuple[str, int]]:
    """The parts that a loop ran again and again."""
    found: set[tuple[str, int]] = set()
    for node in nodes:
        if node.turn is not None:
            found.add(("n", node.id))
            scope = node.scope
            while scope is not None and ("s", scope) not in found:
                found.add(("s", scope))
                scope = parents[scope]
    return found


def _repeats(looks: list[int]) -> list[tuple[int, int, int]]:
    """Where something repeats: (start, length, how often), one behind the other. The shortest length that covers most wins."""
    found, at = [], 0
    while at < len(looks):
        best = (0, 0, 0)
        for length in range(1, min(LONGEST, (len(looks) - at) // REPEATS) + 1):
            end = at + length
            while end < len(looks) and looks[end] == looks[end - length]:
                end += 1
            times = (end - at) // length
            if times >= REPEATS and times * length > best[1] * best[2]:
                best = (at, length, times)
        if best[2]:
            found.append(best)
        at += best[1] * best[2] or 1
    return found


def _box(number: int, parent: int | None, turn: int, members, looped, nodes, scopes, taken: set[str]) -> ScopeInfo:
    """The scope around one turn."""
    operators = [nodes[place] for kind, place in members if kind == "n"]
    word = "turn" if looped else "block"
    path = f"{word} {turn}"
    if path in taken:  # of a second loop
        line = next((node.source.line for node in operators if node.source), number)
        path = f"{word} {turn}, line {line}"
    taken.add(path)
    kind, last = members[-1]
    shape = nodes[last].shape if kind == "n" else scopes[last].shape
    return ScopeInfo(number, path, f"{len(members)} part{'' if len(members) == 1 else 's'}", parent, shape=shape, repeat=True)


def _moved(nodes, edges, scopes: list[ScopeInfo], moved) -> tuple[tuple[NodeInfo, ...], list[ScopeInfo]]:
    """The parts in their boxes, and with them the leaves that nobody else uses; scopes are numbered from outside in again."""
    parents = {scope.id: moved.get(("s", scope.id), scope.parent) for scope in scopes}
    around = {node.id: moved.get(("n", node.id), node.scope) for node in nodes}
    users = defaultdict(list)
    for edge in edges:
        users[edge.source].append(edge.target)
    boxes = set(moved.values())
    for node in nodes:
        if node.kind == "op" or not users[node.id]:
            continue
        chains = []
        for user in users[node.id]:
            chain, scope = [], around[user]
            while scope != node.scope and scope is not None:
                chain.append(scope)
                scope = parents[scope]
            chains.append(chain[-1] if chain else None)
        if chains[0] in boxes and len(set(chains)) == 1:
            around[node.id] = chains[0]
    first: dict[int, int] = {}
    for node in nodes:
        scope = around[node.id]
        while scope is not None and scope not in first:
            first[scope] = node.id
            scope = parents[scope]
    inner = defaultdict(list)
    for scope in scopes:
        inner[parents[scope.id]].append(scope)
    ordered: list[ScopeInfo] = []
    waiting = sorted(inner[None], key=lambda scope: first.get(scope.id, len(nodes)), reverse=True)
    while waiting:
        scope = waiting.pop()
        ordered.append(scope)
        waiting += sorted(inner[scope.id], key=lambda scope: first.get(scope.id, len(nodes)), reverse=True)
    ids = {scope.id: i for i, scope in enumerate(ordered)}
    ids[None] = None
    return (tuple(replace(node, scope=ids[around[node.id]]) for node in nodes),
            [replace(scope, id=ids[scope.id], parent=ids[parents[scope.id]]) for scope in ordered])
