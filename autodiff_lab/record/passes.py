"""The backward pass over a graph, from what the recorder kept of it: steps, what went into the leaves, what hooks changed."""

from __future__ import annotations

import weakref
from dataclasses import replace

import numpy as np

from ..core.broadcast import sum_to_shape
from .entries import Entry, Flow, flows_of
from .model import Accumulation, BackwardStep, Contribution, EdgeInfo, Value
from .values import value_of

__all__ = ["Pass"]


class Pass:
    """The backward pass that came over the graph of `builder` last, if it is remembered."""

    def __init__(self, builder):
        self.builder = builder
        self.flows = self._latest()
        self.by_key = {flow.key: flow for flow in self.flows if flow.key in builder.reached}
        self.returned = self.flows[-1].returned if self.flows else None  # by autograd.grad

    def _latest(self) -> list[Flow]:
        """The backward pass that came over this graph last, if it is remembered."""
        for flows in (self.builder.recorder.flows, *reversed(self.builder.recorder.history.values())):
            if any(flow[0] > 0 and flow[0] in self.builder.reached for flow in flows):
                return flows_of(flows)
        return []

    @property
    def after(self) -> dict[int, Value]:
        """What each leaf's .grad was after the pass, for leaves that are gone."""
        if not hasattr(self, "_after"):
            self._after = {}
            for flow in self.flows:
                for key, added, before in flow.leaves:
                    value = value_of(_plus(before, added))
                    if value is not None:
                        self._after[key] = value
        return self._after

    def numbers(self, nodes, edges):
        """The edges with the numbers of their local derivatives, and the steps of the pass."""
        by_target: dict[int, list[tuple[int, int]]] = {}
        for index, (_, item, number_of_edge) in enumerate(edges):
            if number_of_edge is not None:
                by_target.setdefault(item.key, []).append((index, number_of_edge))
        infos = [edge for edge, _, _ in edges]
        steps, arrived, kept = [], {}, bool(self.flows) and self.flows[0].key in self.builder.recorder.kept
        for flow in self.flows:
            if flow.key not in self.builder.reached or flow.key in self.builder.stands_for:
                continue
            if flow.key not in self.builder.ids:
                continue
            node = nodes[self.builder.ids[flow.key]]
            sent = []
            for index, number_of_edge in by_target.get(flow.key, ()):
                held = flow.contributions[number_of_edge] if number_of_edge < len(flow.contributions) else None
                held = _fitted(held, nodes[infos[index].source].shape)
                value = value_of(held, brief=True)
                if value is None or self._dropped(infos[index].source):
                    continue
                sent.append(Contribution(index, value))
                if self.builder.recorder.hooks:
                    arrived.setdefault(infos[index].source, []).append(held)
                if flow.key not in self.builder.recorder.resent:
                    infos[index] = _with_local(infos[index], flow.grad, held)
            into = []
            for key, added, before in flow.leaves:
                if key in self.builder.ids:
                    was, change = value_of(before, brief=True), value_of(added, brief=True)
                    now = _same(value_of(_plus(before, added), brief=True), nodes[self.builder.ids[key]].grad)
                    if now is not None:
                        into.append(Accumulation(self.builder.ids[key], change or now, was, now, *self._hooked(key, arrived, change)))
            steps.append(BackwardStep(node.id, node.grad or Value(), tuple(sent), tuple(into), 0 if kept else sum(s.bytes for s in node.saved), *self._hooked(flow.key, arrived, node.grad)))
        return tuple(infos), tuple(self._with_returned(steps, infos))

    def _dropped(self, node: int) -> bool:
        """True where the engine threw away what was sent, because autograd.grad did not ask for it."""
        if self.returned is None:
            return False
        item = self.builder.order[node]
        key = item.key if not isinstance(item, Entry) else self.builder.chosen.get(item.key, item).key
        return key not in self.returned and key not in self.by_key and not (isinstance(item, Entry) and item.key in self.by_key)

    def _with_returned(self, steps: list[BackwardStep], infos) -> list[BackwardStep]:
        """What was returned, told with the last step that sent something there."""
        for key, held in (self.returned or {}).items():
            node, value = self.builder.ids.get(self.builder._drawn(key)), value_of(held, brief=True)
            last = max((k for k, step in enumerate(steps) if any(infos[c.edge].source == node for c in step.contributions)), default=None)
            if value is not None and last is not None:
                steps[last] = replace(steps[last], accumulations=(*steps[last].accumulations, Accumulation(node, value, None, value, returned=True)))
        return steps

    def _hooked(self, key: int, arrived: dict, left: Value | None) -> tuple[int, Value | None]:
        """How many hooks ran on the gradient of a node or leaf, and what they got, if that is not what they left."""
        hooks = self.builder.recorder.hooks.get(key, 0)
        parts = [part() if isinstance(part, weakref.ref) else part for part in arrived.get(self.builder.ids[key], ())] if hooks else ()
        if not parts or len(parts) > 1 and not all(isinstance(part, (np.ndarray, np.generic)) for part in parts):
            return hooks, None
        got = value_of(sum(parts[1:], parts[0]), brief=True)  # pyright: ignore[reportCallIssue] - arrays add up too
        return hooks, None if left is not None and (got.number, got.norm) == (left.number, left.norm) else got


def _fitted(sent, shape):
    """What was sent, as it arrives: summed over what broadcasting had stretched."""
    array = sent() if isinstance(sent, weakref.ref) else sent
    if isinstance(array, np.ndarray) and shape is not None and array.shape != shape and array.ndim >= len(shape):
        return sum_to_shape(array, shape)
    return sent


def _same(brief: Value | None, full: Value | None) -> Value | None:
    """`full` if it is of the same numbers as `brief`."""
    return full if brief is None or full is not None and (brief.number, brief.norm) == (full.number, full.norm) else brief


def _plus(before, added):
    if isinstance(added, weakref.ref):
        added = added()
    if before is None or added is None:
        return added if before is None else None
    try:
        return before + added
    except (TypeError, ValueError):
        return added


def _with_local(edge: EdgeInfo, grad, sent) -> EdgeInfo:
    """The number of the local derivative, where both sides are scalars."""
    if getattr(grad, "ndim", 1) != 0 or getattr(sent, "ndim", 1) != 0 or not isinstance(sent, (np.generic, np.ndarray)) or np.iscomplexobj(sent):
        return edge
    g, c = float(grad), float(sent)
    if g == 0 or not np.isfinite(g) or not np.isfinite(c):
        return edge
    local = c / g
    rounded = float(f"{local:.6g}")
    return EdgeInfo(edge.source, edge.target, edge.slot, edge.latex, edge.plain, rounded, edge.grad)
