"""Python half of the Graph widget: a snapshot and its layout as one text, and what-if questions answered by the engine."""

from __future__ import annotations

import anywidget
import traitlets

from ..export.html import payload
from ..record.model import GraphSnapshot
from .live import bundle

__all__ = ["GraphWidget"]


class GraphWidget(anywidget.AnyWidget):
    """One panel. `show(snapshot)` replaces what it shows, in place, and keeps folds, zoom and selection."""

    _esm = bundle("graph")
    _css = bundle("graph", ".css")
    payload = traitlets.Unicode(help="The snapshot and its layout, as JSON").tag(sync=True)
    memory = traitlets.Dict(help="What the reader did: folds, camera, selection. Written by the browser").tag(sync=True)

    def __init__(self, snapshot: GraphSnapshot, what_if=None):
        """`what_if(node, value)` answers with the snapshot that another leaf value would give."""
        super().__init__(payload=payload(snapshot))
        self._what_if = what_if
        self.on_msg(self._asked)

    def show(self, snapshot: GraphSnapshot, what_if=None) -> None:
        """Show another snapshot in the same panel."""
        self._what_if = what_if
        self.payload = payload(snapshot)

    def _asked(self, _widget, message: dict, _buffers) -> None:
        if message.get("do") != "what_if" or self._what_if is None:
            return
        try:
            self.send({"payload": payload(self._what_if(int(message["node"]), float(message["value"])))})
        except Exception as error:  # in the widget's own box; the kernel goes on
            self.send({"error": f"{type(error).__name__}: {error}"})

    def __repr__(self) -> str:
        return "GraphWidget()"
