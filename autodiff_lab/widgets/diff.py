"""Python half of the Diff widget: two graphs in one, and their differences, as one text."""

from __future__ import annotations

import anywidget
import traitlets

from ..export.pair import pair_payload
from .live import bundle

__all__ = ["DiffWidget"]


class DiffWidget(anywidget.AnyWidget):
    """One panel that tells the differences and walks through them."""

    _esm = bundle("diff")
    _css = bundle("diff", ".css")
    payload = traitlets.Unicode(help="The graph of both, its layout and the differences, as JSON").tag(sync=True)
    memory = traitlets.Dict(help="What the reader did: camera, difference, side. Written by the browser").tag(sync=True)

    def __init__(self, diff):
        super().__init__(payload=pair_payload(diff))

    def __repr__(self) -> str:
        return "DiffWidget()"
