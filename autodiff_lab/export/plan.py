"""Who stands where, before sizes are known: layers and order within every module scope.

A folded module is one box, so each scope is laid out by itself: opening one re-lays only it and what
is around it. The plan is computed once, here; `place.py` and the browser turn it into coordinates.

Items are named by strings: "n4" a node, "s2" a module's scope, "k1" a stack of equal modules, "r" the
whole graph. "n4>" is a bend: the place that long edges from n4 keep free in a column they pass.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field

from ..record.model import GraphSnapshot

__all__ = ["Plan", "make_plan"]

STACK_FROM = 3  # so many equal neighbours become one box x n
BENDS_AT_MOST = 6000
SHARED_FROM = 300  # edges over the border of a box, from which on those of one source are drawn as one
SWEEPS = 6


@dataclass
class Plan:
    """Columns of items per scope, the parent of every item, and what to open at first."""

    columns: dict[str, list[list[str]]] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    stacks: dict[str, list[str]] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)

    def chain(self, item: str) -> list[str]:
        """`item` and the boxes around it, outermost first (without "r")."""
        path = []
        while item != "r":
            path.append(item)
            item = self.parents[item]
        return path[::-1]


def make_plan(snapshot: GraphSnapshot) -> Plan:
    """Lay out every scope of `snapshot`."""
    plan = Plan()
    for scope in snapshot.scopes:
        plan.parents[f"s{scope.id}"] = "r" if scope.parent is None else f"s{scope.parent}"
    for node in snapshot.nodes:
        plan.parents[f"n{node.id}"] = "r" if node.scope is None else f"s{node.scope}"
    children = defaultdict(list)
    first: dict[str, int] = {}
    for node in snapshot.nodes:
        item = f"n{node.id}"
        while item not in first:
            first[item] = node.id
            parent = plan.parents.get(item)
            if parent is None:
                break
            children[parent].append(item)
            item = parent
    used = set(first)
    for scope in snapshot.scopes:  # a module that ran no operator is not drawn
        if f"s{scope.id}" not in used:
            del plan.parents[f"s{scope.id}"]
    wires, _ = _project(snapshot, plan)
    _find_stacks(snapshot, plan, children, wires)
    wires, passing = _project(snapshot, plan)
    for scope in ["r", *(item for item in plan.parents if item[0] in "sk")]:
        plan.columns[scope] = _columns(children.get(scope, []), wires.get(scope, {}), passing.get(scope, {}))
    plan.open = _first_view(snapshot, plan, children)
    return plan


def _project(snapshot: GraphSnapshot, plan: Plan):
    """For every scope: the edges between its own children, with how many each stands for; and the edges that pass its border.

    The latter as (source node, child, whether it comes in).
    """
    chains: dict[str, list[str]] = {}

    def chain(item):
        if item not in chains:
            chains[item] = plan.chain(item)
        return chains[item]

    wires: dict[str, dict[tuple[str, str], int]] = defaultdict(dict)
    passing: dict[str, dict[tuple[str, str, bool], None]] = defaultdict(dict)
    for edge in snapshot.edges:
        source = f"n{edge.source}"
        a, b = chain(source), chain(f"n{edge.target}")
        at, scope = 0, "r"
        while at < min(len(a), len(b)) and a[at] == b[at]:
            scope = a[at]
            at += 1
        if at >= min(len(a), len(b)):
            continue
        pair = (a[at], b[at])
        wires[scope][pair] = wires[scope].get(pair, 0) + 1
        for i in range(at, len(a) - 1):
            passing[a[i]][source, a[i + 1], False] = None
        for i in range(at, len(b) - 1):
            passing[b[i]][source, b[i + 1], True] = None
    return wires, passing


def _find_stacks(snapshot: GraphSnapshot, plan: Plan, children, wires) -> None:
    """Turn runs of equal neighbouring modules into one item each."""
    looks = _looks(snapshot)
    for scope in ["r", *(f"s{s.id}" for s in snapshot.scopes)]:
        inner = [item for item in children.get(scope, []) if item[0] == "s"]
        runs, run = [], []
        for item in sorted(inner, key=lambda item: int(item[1:])):
            if run and looks[item] == looks[run[0]]:
                run.append(item)
            else:
                runs.append(run)
                run = [item]
        runs.append(run)
        for run in runs:
            if len(run) < STACK_FROM or not _closed(run, wires.get(scope, {})):
                continue
            stack = f"k{len(plan.stacks)}"
            plan.stacks[stack], plan.parents[stack] = run, scope
            children[stack] = run
            spot = children[scope].index(run[0])
            children[scope] = [item for item in children[scope] if item not in run]
            children[scope].insert(spot, stack)
            for item in run:
                plan.parents[item] = stack


def _closed(run: list[str], wires) -> bool:
    """True if no path leaves the run and comes back, so that it can be one box."""
    members = set(run)
    outside = defaultdict(set)
    for a, b in wires:
        if b not in members:
            outside["run" if a in members else a].add(b)
    back = {a for a, b in wires if b in members and a not in members}
    stack, seen = list(outside["run"]), set()
    while stack:
        item = stack.pop()
        if item in back:
            return False
        if item not in seen:
            seen.add(item)
            stack.extend(outside[item])
    return True


def _looks(snapshot: GraphSnapshot) -> dict[str, str]:
    """A fingerprint of what each scope contains: equal for equal blocks."""
    content = defaultdict(list)
    for node in snapshot.nodes:
        if node.scope is not None and node.kind != "data":
            content[node.scope].append((node.op or node.kind, node.shape))
    looks = {}
    for scope in reversed(snapshot.scopes):  # inner ones have larger ids
        text = repr((scope.cls, scope.shape, content[scope.id]))
        looks[f"s{scope.id}"] = digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        if scope.parent is not None:
            content[scope.parent].append(digest)
    return looks


def _columns(items: list[str], wires, passing) -> list[list[str]]:
    """Layers by longest path, then order within each by sweeps of barycenters."""
    if not items:
        return []
    place = {item: i for i, item in enumerate(items)}
    into, out = defaultdict(list), defaultdict(list)
    for a, b in wires:
        if a in place and b in place:
            into[b].append(a)
            out[a].append(b)
    rank = _ranks(items, into, out)
    depth = max(rank.values()) + 1
    columns = [[] for _ in range(depth)]
    for item in items:
        columns[rank[item]].append(item)
    left, right = defaultdict(list), defaultdict(list)
    bends = 0
    for a in items:
        reach = max((rank[b] for b in out[a]), default=0)
        previous = a
        for column in range(rank[a] + 1, reach):
            if bends >= BENDS_AT_MOST:
                break
            bends += 1
            columns[column].append(a + ">")
            bend = (a, column)
            right[previous].append(bend)
            left[bend].append(previous)
            previous = bend
        for b in out[a]:
            via = a if rank[b] <= rank[a] + 1 else (a, rank[b] - 1)
            right[via].append(b)
            left[b].append(via)
    kept: dict[str, int] = {}  # how far the way in of a source is free already, where hundreds share it
    for source, child, comes_in in passing:  # an edge over the border keeps its way free, too
        if child not in place:
            continue
        begin = min(kept.get(source, 0), rank[child]) if comes_in and len(passing) > SHARED_FROM else 0
        kept[source] = max(kept.get(source, 0), rank[child] if comes_in else 0)
        previous = (source, begin - 1) if begin else None if comes_in else child
        for column in range(begin, rank[child]) if comes_in else range(rank[child] + 1, depth):
            bend = (source, column)
            if bend not in left and bend not in right and source + ">" not in columns[column]:
                if bends >= BENDS_AT_MOST:
                    break
                bends += 1
                columns[column].append(source + ">")
            if previous is not None:
                right[previous].append(bend)
                left[bend].append(previous)
            previous = bend
        if comes_in and previous is not None:
            right[previous].append(child)
            left[child].append(previous)
    _order(columns, left, right)
    return columns


def _ranks(items, into, out) -> dict[str, int]:
    waiting = {item: len(into[item]) for item in items}
    ready = [item for item in items if not waiting[item]]
    rank = dict.fromkeys(items, 0)
    order, done = [], set()
    while len(order) < len(items):
        if not ready:  # a cycle between boxes: break it at the oldest
            ready = [next(item for item in items if item not in done)]
        item = ready.pop()
        if item in done:
            continue
        done.add(item)
        order.append(item)
        for after in out[item]:
            if after not in done:
                rank[after] = max(rank[after], rank[item] + 1)
                waiting[after] -= 1
                if not waiting[after]:
                    ready.append(after)
    for item in reversed(order):  # what has no input stands just before its first use
        if not into[item] and out[item]:
            rank[item] = max(0, min(rank[after] for after in out[item]) - 1)
    lowest = min(rank.values())
    return {item: r - lowest for item, r in rank.items()}


def _order(columns, left, right) -> None:
    """Sort each column by the mean place of its neighbours, alternately from both sides."""
    def key(item, column):
        return (item[:-1], column) if item.endswith(">") else item

    spot = {key(item, c): i for c, column in enumerate(columns) for i, item in enumerate(column)}
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        near = left if forward else right
        for c in range(1, len(columns)) if forward else range(len(columns) - 2, -1, -1):
            column = columns[c]
            if len(column) < 2:
                continue
            weights = {}
            for i, item in enumerate(column):
                around = near[key(item, c)]
                weights[item] = sum(spot[n] for n in around) / len(around) if around else float(i)
            column.sort(key=weights.__getitem__)
            for i, item in enumerate(column):
                spot[key(item, c)] = i


def _first_view(snapshot: GraphSnapshot, plan: Plan, children, most: int = 24) -> list[str]:
    """Which boxes to open at first: from outside in, as long as the picture stays small."""
    opened, shown = [], len(children.get("r", []))
    queue = [item for item in children.get("r", []) if item[0] in "sk"]
    alone = len(queue) == 1
    while queue:
        item = queue.pop(0)
        more = len(children.get(item, ())) - 1
        if shown + more > most and not (alone and not opened):
            continue
        if item[0] == "s" and opened and more < 4 and len(snapshot.nodes) > most:
            continue  # a single layer says more as one box
        if item[0] == "k":
            continue
        opened.append(item)
        shown += more
        queue.extend(child for child in children.get(item, ()) if child[0] in "sk")
    return opened
