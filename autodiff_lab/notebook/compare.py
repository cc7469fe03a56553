"""`lab.diff(a, b)`: two recordings of a dynamic graph, aligned and told apart."""

from __future__ import annotations

import sys

from ..core.tensor import Tensor
from ..export.pair import pair_svg
from ..export.words import counted
from ..record.compare import Change, compare
from ..record.model import GraphSnapshot
from .graph import Graph
from .showing import learner, note_shown, snapshot_of

__all__ = ["Diff", "diff"]

_SAYS = {"added": "only in b", "removed": "only in a", "turns": "turns", "changed": "changed", "shape": "other shape"}


class Diff:
    """The differences between two graphs. `print` tells them; in a notebook it also draws both, aligned.

    Attributes:
        changes: list of `Change`, in the order of the code.
        same: True if there is none.
    """

    def __init__(self, a: GraphSnapshot, b: GraphSnapshot):
        self.a, self.b = a, b
        self.changes, self.pairs = compare(a, b)

    @property
    def same(self) -> bool:
        return not self.changes

    def sentence(self, change: Change) -> str:
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

    def __repr__(self) -> str:
        counts = f"a: {counted(self.a.operators(), 'operator')}, b: {counted(self.b.operators(), 'operator')}."
        if self.same:
            return f"The two graphs are the same: same operators, same lines, same shapes. {counts}"
        return "\n".join([f"{len(self.changes)} {'difference' if len(self.changes) == 1 else 'differences'}. {counts}",
                          *(f"  {_mark(c.kind)} {self.sentence(c)}" for c in self.changes)])

    def to_svg(self) -> str:
        """Both graphs, one under the other; what differs is marked."""
        return pair_svg(self)

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": repr(self), "image/svg+xml": self.to_svg()}


def _mark(kind: str) -> str:
    return {"added": "+", "removed": "−", "turns": "↻", "changed": "≠", "shape": "⤨"}[kind]


def _times(nodes) -> str:
    return "" if len(nodes) == 1 else f", {len(nodes)} times"


def diff(a, b) -> Diff:
    """What differs between two graphs: which branch ran, how many turns a loop made, what came or went.

    Args:
        a, b: tensors, or what `lab.show` returned.
    """
    frame = learner(sys._getframe(1))
    note_shown()
    return Diff(_snapshot(a, frame), _snapshot(b, frame))


def _snapshot(thing, frame) -> GraphSnapshot:
    if isinstance(thing, Tensor):
        return snapshot_of([thing], frame)[0]
    if isinstance(thing, Graph):
        return thing.snapshot
    if isinstance(thing, GraphSnapshot):
        return thing
    raise TypeError(f"lab.diff compares two tensors or two graphs from lab.show, not {type(thing).__name__}.")
