"""`%load_ext autodiff_lab`: the panel follows every cell that builds a graph, under that cell, by itself."""

from __future__ import annotations

import hashlib

from ..core import observe
from ..record.build import build, inputs_of
from ..record.recorder import Recorder
from ..record.replay import what_if_for
from . import showing
from .graph import Graph
from .names import cell_label, variables

__all__ = ["Follower", "follower"]

SINKS_AT_MOST = 3
PANELS_AT_MOST = 100
KEPT_AT_MOST = 8 << 20  # bytes of gradients kept after the cell, for lab.show and lab.explain

follower: Follower | None = None


class Follower:
    """Watches cells begin and end; owns the recorder of the notebook and one panel per cell."""

    def __init__(self, shell):
        self.shell = shell
        self.recorder = Recorder()
        self.on = True
        self.asked = False  # %%graph: show, even if following is off
        self.shown_by_hand = False
        self.panels: dict[str, object] = {}  # id of a cell -> its widget
        self.cell_id = ""
        self.newest = 0
        self.passes = 0

    def start(self) -> None:
        """Begin to watch."""
        showing.active = self.recorder
        observe.attach(self.recorder)
        self.shell.events.register("pre_run_cell", self.before)
        self.shell.events.register("post_run_cell", self.after)

    def stop(self) -> None:
        """Stop watching; what was recorded is forgotten."""
        showing.active = None
        observe.detach(self.recorder)
        for event, handler in (("pre_run_cell", self.before), ("post_run_cell", self.after)):
            try:
                self.shell.events.unregister(event, handler)
            except ValueError:
                pass

    def switch(self, on: bool) -> None:
        """Follow cells, or not."""
        self.on = on
        (observe.attach if on else observe.detach)(self.recorder)

    def before(self, info) -> None:
        """A cell begins."""
        self.shown_by_hand = False
        self.recorder.cell_began()
        self.newest = len(self.recorder.entries)
        self.first_key = next(reversed(self.recorder.entries), 0)
        self.passes = self.recorder.passes
        self.cell_id = getattr(info, "cell_id", None) or hashlib.md5(str(getattr(info, "raw_cell", "")).encode("utf8", "replace"), usedforsecurity=False).hexdigest()

    def after(self, result) -> None:
        """A cell has ended: show the graph it built, if it built one."""
        if not (self.on or self.asked) or self.shown_by_hand:
            return
        self.asked = False
        roots, error = self._roots(result)
        if not roots or self._watched():
            return
        recorder = self.recorder
        number = getattr(result, "execution_count", None)
        files = getattr(getattr(self.shell, "compile", None), "_filename_map", {})
        cell = next((file for file, n in reversed(list(files.items())) if n == number), None)
        names = variables(self.shell.user_ns)
        title = next((names[id(t)] for t in self._tensors(roots) if id(t) in names), "")
        snapshot = build(recorder, roots, label=cell_label, names=names, title=title, cell=cell, error=error,
                         passes=recorder.passes - self.passes)
        what_if = what_if_for(recorder, roots, snapshot)
        if recorder.held > KEPT_AT_MOST:
            recorder.release()
        self.publish(snapshot, what_if)

    def publish(self, snapshot, what_if=None) -> None:
        """Show a snapshot under the cell, in the panel that the cell had before."""
        from IPython.display import publish_display_data

        widget = self.panels.get(self.cell_id)
        graph = Graph(snapshot, what_if, widget=widget)
        if widget is not None:
            widget.show(snapshot, what_if)
        publish_display_data(graph.bundle(), metadata=graph.metadata())
        if graph._widget is not None:
            self.panels[self.cell_id] = graph._widget
            while len(self.panels) > PANELS_AT_MOST:
                del self.panels[next(iter(self.panels))]

    def _roots(self, result) -> tuple[list[int], str]:
        recorder = self.recorder
        failed = recorder.failed
        error = getattr(result, "error_in_exec", None)
        if error is not None and failed is not None and failed.error and failed.error in str(error):
            return [failed.key], f"{type(error).__name__}: {error}"
        if recorder.passes > self.passes and recorder.roots:
            return list(recorder.roots), ""
        fresh = []
        for key in reversed(recorder.entries):
            if key == self.first_key and self.newest:
                break
            fresh.append(key)
        used = set()
        for key in fresh:
            used.update(inputs_of(recorder.look(key)))
        sinks = [key for key in fresh if key not in used and not recorder.look(key).error]
        return sorted(sinks[:SINKS_AT_MOST]), ""

    def _tensors(self, roots):
        wanted = set(map(int, roots))
        for value in list(self.shell.user_ns.values()):
            node = getattr(value, "_node", None)
            if node is not None and getattr(node, "seq", None) in wanted:
                yield value

    def _watched(self) -> bool:
        """True if a live dashboard already stands under this cell."""
        import sys
        live = sys.modules.get("autodiff_lab.widgets.live")
        cell = live.cells.current() if live is not None else None
        return bool(cell is not None and cell.widgets)
