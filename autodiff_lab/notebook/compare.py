"""`lab.diff(a, b)`: two recordings of a dynamic graph, aligned and told apart."""

from __future__ import annotations

import sys
from pathlib import Path

from ..core.tensor import Tensor
from ..export.pair import change_sentence, pair_html, pair_svg, sign_of
from ..export.words import counted
from ..record.compare import Change, compare
from ..record.merge import merge
from ..record.model import GraphSnapshot
from .graph import VIEW, Graph, in_kernel, write
from .showing import learner, note_shown, snapshot_of

__all__ = ["Diff", "diff"]

class Diff:
    """The differences between two graphs. `print` tells them; in a notebook it also draws both, aligned.

    Attributes:
        changes: list of `Change`, in the order of the code.
        same: True if there is none.
        merged: both graphs in one, as a `Merged`.
    """

    def __init__(self, a: GraphSnapshot, b: GraphSnapshot):
        self.a, self.b = a, b
        self.changes, self.pairs = compare(a, b)
        self.merged = merge(a, b, self.pairs)
        self._widget = None

    @property
    def same(self) -> bool:
        return not self.changes

    def sentence(self, change: Change) -> str:
        """One difference in words."""
        return change_sentence(change)

    def __repr__(self) -> str:
        counts = f"a: {counted(self.a.operators(), 'operator')}, b: {counted(self.b.operators(), 'operator')}."
        if self.same:
            return f"The two graphs are the same: same operators, same lines, same shapes. {counts}"
        return "\n".join([f"{len(self.changes)} {'difference' if len(self.changes) == 1 else 'differences'}. {counts}",
                          *(f"  {sign_of(c)} {self.sentence(c)}" for c in self.changes)])

    def to_svg(self, path: str | Path | None = None) -> str:
        """Both graphs in one picture, with what differs marked; also written to `path` if one is given."""
        return write(path, pair_svg(self))

    def to_html(self, path: str | Path | None = None) -> str:
        """One self-contained page that tells the differences and walks through them offline; also written to `path` if one is given."""
        return write(path, pair_html(self))

    def widget(self):
        """The interactive panel; the same object every time."""
        if self._widget is None:
            from ..widgets.diff import DiffWidget
            self._widget = DiffWidget(self)
        return self._widget

    def _repr_mimebundle_(self, include=None, exclude=None):
        data = {"text/plain": repr(self), "image/svg+xml": self.to_svg()}
        if in_kernel():
            from ..widgets.live import view_of
            data[VIEW] = view_of(self.widget())
        return data, {"image/svg+xml": {"alt": repr(self)}}


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
