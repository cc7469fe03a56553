"""`%load_ext autodiff_lab`: the panel follows every cell that builds a graph, under that cell, by itself.

A cell that runs long is followed while it runs: its backward passes update the panel in place, a few times a second
at most. Where nobody looks (nbval, nbconvert) the panel is shown once, when the cell has ended.
"""

from __future__ import annotations

import hashlib
import math
import secrets
import sys
import threading
import time

from ..core import observe
from ..core.views import COPY_SLICES
from ..record.build import build
from ..record.entries import inputs_of
from ..record.recorder import Recorder
from ..record.replay import what_if_for
from . import showing
from .graph import Graph, in_kernel
from .names import cell_label, variables

__all__ = ["Follower", "follower"]

SINKS_AT_MOST = 3
PANELS_AT_MOST = 100
FOLLOW_AFTER, FOLLOW_EVERY, SHARE = 0.4, 0.25, 0.05  # seconds; and the part of a running cell that following it may take
KEPT_AT_MOST = 8 << 20  # bytes of gradients kept after the cell, for lab.show and lab.explain

follower: Follower | None = None


class _Passes(observe.Observer):
    """Tells the follower of backward passes that have ended; costs nothing where operators run."""

    def __init__(self, follower: Follower):
        self.follower = follower

    def backward_ended(self, error):
        if time.perf_counter() >= self.follower.due:
            self.follower.glance()


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
        self.due = math.inf  # when to show how far the running cell is
        self.display_id = ""  # of what was shown while it ran
        self.watch = _Passes(self)

    def start(self) -> None:
        """Begin to watch."""
        showing.active = self.recorder
        self.switch(True)
        self.shell.events.register("pre_run_cell", self.before)
        self.shell.events.register("post_run_cell", self.after)

    def stop(self) -> None:
        """Stop watching; what was recorded is forgotten."""
        showing.active = None
        self.switch(False)
        for event, handler in (("pre_run_cell", self.before), ("post_run_cell", self.after)):
            try:
                self.shell.events.unregister(event, handler)
            except ValueError:
                pass

    def switch(self, on: bool) -> None:
        """Follow cells, or not."""
        self.on = on
        for observer in (self.recorder, self.watch):
            (observe.attach if on else observe.detach)(observer)

    def before(self, info) -> None:
        """A cell begins."""
        self.shown_by_hand = False
        self.recorder.cell_began()
        self.newest = len(self.recorder.entries)
        self.first_key = next(reversed(self.recorder.entries), 0)
        self.passes = self.recorder.passes
        self.due, self.display_id = time.perf_counter() + FOLLOW_AFTER, ""
        self.cell_id = getattr(info, "cell_id", None) or hashlib.md5(str(getattr(info, "raw_cell", "")).encode("utf8", "replace"), usedforsecurity=False).hexdigest()

    def after(self, result) -> None:
        """A cell has ended: show the graph it built, if it built one."""
        self.due = math.inf
        if not (self.on or self.asked) or self.shown_by_hand:
            return
        self.asked = False
        roots, error = self._roots(result)
        if not roots or self._watched():
            return
        snapshot = self._snapshot(roots, getattr(result, "execution_count", None), error)
        what_if = what_if_for(self.recorder, roots, snapshot)
        if self.recorder.held > KEPT_AT_MOST:
            self.recorder.release()
        self.publish(snapshot, what_if, update=bool(self.display_id))

    def glance(self) -> None:
        """A backward pass of a cell that runs long has ended: show it, in the panel that the cell will have."""
        began, worked, self.due = time.perf_counter(), time.thread_time(), math.inf
        if threading.current_thread() is not threading.main_thread() or self.recorder.running or not self.recorder.roots:
            self.due = began + FOLLOW_EVERY
            return
        if not self.on or self.shown_by_hand or not in_kernel() or self._watched():
            return
        from ..widgets.live import interactive

        if not interactive():
            return
        snapshot = self._snapshot(list(self.recorder.roots), None)
        widget = self.panels.get(self.cell_id)
        if widget is not None and self.display_id:
            widget.show(snapshot)
            self.due = time.perf_counter() + max(FOLLOW_EVERY, (time.thread_time() - worked) / SHARE)
        else:
            self.display_id = secrets.token_hex(8)
            self.publish(snapshot)
            self.due = time.perf_counter() + FOLLOW_EVERY

    def _snapshot(self, roots: list[int], number: int | None, error: str = ""):
        """The graph of these roots, with the names of the notebook; `number` is the cell's, None the one that runs."""
        files = getattr(getattr(self.shell, "compile", None), "_filename_map", {})
        cell = next((file for file, n in reversed(list(files.items())) if number is None or n == number), None)
        names = variables(self.shell.user_ns)
        title = next((names[id(t)] for t in self._tensors(roots) if id(t) in names), "")
        return build(self.recorder, roots, label=cell_label, names=names, title=title, cell=cell, error=error, passes=self.recorder.passes - self.passes)

    def publish(self, snapshot, what_if=None, update: bool = False) -> None:
        """Show a snapshot under the cell, in the panel that the cell had before; `update`: where it stands already."""
        from IPython.display import publish_display_data

        widget = self.panels.get(self.cell_id)
        graph = Graph(snapshot, what_if, widget=widget)
        if widget is not None:
            widget.show(snapshot, what_if)
        extra = {"transient": {"display_id": self.display_id}, "update": update} if self.display_id else {}
        publish_display_data(graph.bundle(), metadata=graph.metadata(), **extra)
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
        used = {source for key in fresh for source in inputs_of(recorder.look(key))}
        parts = {key for key in fresh if key not in used and self._is_part(key)}
        used = {source for key in fresh if key not in parts for source in inputs_of(recorder.look(key))}
        sinks = [key for key in fresh if key not in used and key not in parts and not recorder.look(key).error]
        return sorted(sinks[:SINKS_AT_MOST]), ""

    def _is_part(self, key: int) -> bool:
        """True for the part that `h[0] = 7` writes to: what the cell made is the whole, `h`."""
        entry = self.recorder.look(key)
        before = self.recorder.look(inputs_of(entry)[0]) if entry.inplace else None
        return before is not None and before.op is COPY_SLICES and before.frames == entry.frames

    def _tensors(self, roots):
        wanted = set(map(int, roots))
        for value in list(self.shell.user_ns.values()):
            node = getattr(value, "_node", None)
            if node is not None and getattr(node, "seq", None) in wanted:
                yield value

    def _watched(self) -> bool:
        """True if a live dashboard stands under this cell, or will as soon as the loop has taken its first step."""
        live, watch = (sys.modules.get(f"autodiff_lab.widgets.{name}") for name in ("live", "watch"))
        cell = live.cells.current() if live is not None else None
        return cell is not None and bool(cell.widgets) or watch is not None and watch.awaited()
