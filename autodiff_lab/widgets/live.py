"""The base of every live widget: what the browser needs to see a cell that runs, and to be heard by it.

Three things are solved here, once. *Clicks reach a running cell*: messages arrive on a subshell thread, and `receive`
only sets flags there. *The browser is never flooded*: messages are coalesced, at most 15 a second for a widget and
30 for the kernel, and the last one always goes out. *The saved notebook shows the last state*: a display is replaced,
when its cell has ended, by itself with the picture and the words of that moment; where nobody watches (nbval,
nbconvert, papermill) it is published only then, once, so both leave the same output.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import threading
import time
import weakref
from pathlib import Path

import anywidget
import traitlets

from ..export.run_pack import pack
from ..record.shell import kernel_shell
from .busy import answer_while_busy

__all__ = ["Cells", "LiveWidget", "bundle", "cells", "interactive", "view_of"]

VIEW = "application/vnd.jupyter.widget-view+json"
PER_WIDGET = 1 / 15  # seconds between two messages of one widget
PER_KERNEL = 1 / 30  # seconds between two messages of all widgets together
STATIC = Path(__file__).with_name("static")


def bundle(name: str, suffix: str = ".js") -> str | Path:
    """The built front end of a widget; where it is missing, a script that says how to build it."""
    file = STATIC / f"{name}{suffix}"
    if file.is_file():
        return file
    if suffix != ".js":
        return ""
    text = json.dumps(f"The front end of this widget is not built. Run `npm ci && npm run build` in widgets/ "
                      f"(or install the package again), restart the kernel and run the cell again. [{name}]")
    return f"export default {{ render({{ el }}) {{ el.textContent = {text}; }} }};"


def view_of(widget) -> dict:
    """What a front end needs to show a widget, and the process that holds it: when that has gone, so has the widget (notebook/server.py)."""
    return {"version_major": 2, "version_minor": 1, "model_id": widget.model_id, "process": os.getpid()}


class LiveWidget(anywidget.AnyWidget):
    """A widget that follows a running cell. Subclasses fill in `changes`, `state`, `picture`, `words` and `receive`.

    On the learner's thread: `touch()` after every change (cheap), `appear()` when there is something to see, `flush()`
    when a change must be seen now. From the browser: `receive(message)`, on another thread.
    """

    key = traitlets.Unicode(help="Names this widget in the browser, where views of one model share what they know").tag(sync=True)
    snapshot = traitlets.Bytes(help="Everything a page needs that is opened anew: `pack(header, arrays)`").tag(sync=True)

    def __init__(self, **traits):
        self.due = 0.0  # when `touch` has something to do: the hot path asks for this number, and calls only then
        self._shown: weakref.ref | None = None
        self._hears: bool | None = None
        super().__init__(key=secrets.token_hex(8), **traits)
        cells.living.add(self)

    # -- what a subclass fills in

    def changes(self) -> tuple[dict, list] | None:
        """What happened since the last call: a small JSON object and binary arrays. None: nothing to send."""
        return None

    def state(self) -> bytes:
        """All that a fresh page needs, as `pack` makes it."""
        return pack({}, [])

    def picture(self) -> str:
        """The last state as SVG: the same for the same run, without times, ids and addresses."""
        return ""

    def words(self) -> str:
        """The last state as text; what an untrusted notebook, a grader and a screen reader get."""
        return type(self).__name__

    def greeted(self) -> None:
        """A page has opened the widget (on another thread): make sure that it gets everything."""

    def receive(self, message: dict) -> None:
        """A message from the browser, on another thread: set flags, touch no tensor."""

    # -- on the learner's thread

    def touch(self) -> None:
        """Something changed; send it if it is time."""
        if time.perf_counter() >= self.due:
            self.flush(urgent=False)

    def flush(self, urgent: bool = True) -> None:
        """Send what happened since the last message, now."""
        now = time.perf_counter()
        if not urgent and now < cells.next_message:
            self.due = cells.next_message
            return
        self.due, cells.next_message = now + PER_WIDGET, now + PER_KERNEL
        changed = self.changes()
        if changed is not None:
            header, buffers = changed
            self.send(header, buffers)

    def appear(self) -> None:
        """Show the widget under the cell that runs now, unless it is there already."""
        cell = cells.current()
        if cell is None or (self._shown is not None and self._shown() is cell):
            return
        self._shown = weakref.ref(cell)
        cell.widgets.append(self)
        if interactive():
            cell.displays[id(self)] = display_id = secrets.token_hex(8)
            self.keep()
            publish(self.mimebundle(), display_id)

    def keep(self) -> None:
        """Put the present state where a page that is loaded anew finds it."""
        self.snapshot = self.state()

    def settle(self, cell) -> None:
        """The cell has ended: the last message, the last state, and the picture that the saved file keeps."""
        self.flush()
        self.keep()
        display_id = cell.displays.get(id(self))
        publish(self.mimebundle(), display_id, update=display_id is not None)

    @property
    def hears(self) -> bool:
        """Whether a click reaches a cell that runs: known once the browser has said hello on a thread of its own."""
        return self._hears is True

    # -- what the notebook stores

    def mimebundle(self) -> dict:
        """The live view, the picture and the words, side by side."""
        picture = self.picture()
        return {"text/plain": self.words(), **({"image/svg+xml": picture} if picture else {}), VIEW: view_of(self)}

    def _repr_mimebundle_(self, **_):
        self.keep()
        return self.mimebundle(), {}

    def __repr__(self) -> str:
        return self.words()

    # -- from the browser

    def open(self):
        """Open the channel to the browser, and make it one that is heard while a cell runs."""
        super().open()
        comm = self.comm
        # ipykernel 7.4 sends answers to the shell that published last, which is the busy one. Ask for the sender's own; a
        # front end that has none (or none yet) gets one of ours.
        if hasattr(comm, "_reply_subshell_for"):
            comm._reply_subshell_for = lambda data, default: default or own_subshell()
            answer_while_busy(kernel_shell().kernel, lambda: not cells.quiet(), own_subshell)
        # The stock handler fires IPython's post_execute hooks, on this thread, in the middle of the learner's cell:
        # matplotlib would flush a half-drawn figure. Call the message callback only.
        if hasattr(comm, "handle_msg") and hasattr(comm, "_msg_callback"):
            comm.handle_msg = lambda message: comm._msg_callback and comm._msg_callback(message)

    def _handle_custom_msg(self, content, buffers):
        aside = threading.current_thread() is not threading.main_thread()
        try:
            if content.get("t") == "hello":
                self._hears = self._hears or aside
                self.greeted()
            else:
                self._hears = self._hears or aside
                self.receive(content)
            self.send({"t": "ack", "id": content.get("id"), "live": aside})
        except Exception as error:
            self.send({"t": "error", "text": f"{type(error).__name__}: {error}"})


# ------------------------------------------------------------------------------------------------ cells


class Cell:
    """One run of one cell: the widgets that appeared under it."""

    def __init__(self):
        self.widgets: list[LiveWidget] = []
        self.displays: dict[int, str] = {}


class Cells:
    """Follows the start and the end of cells, from IPython's own events."""

    def __init__(self):
        self.next_message = 0.0
        self.living: weakref.WeakSet[LiveWidget] = weakref.WeakSet()
        self._cell: Cell | None = None
        self._shell = None
        self._busy = False
        self._at_end: list = []

    def current(self) -> Cell | None:
        """The cell that runs now; None outside IPython."""
        shell = kernel_shell()
        if shell is None:
            return None
        if shell is not self._shell:  # first use: the cell has begun already
            self._shell, self._cell, self._busy = shell, Cell(), True
            shell.events.register("pre_run_cell", self._began)
            shell.events.register("post_run_cell", self._ended)
        return self._cell

    def quiet(self) -> bool:
        """Whether no cell runs."""
        return not self._busy

    def at_end(self, action) -> None:
        """Call `action(result)` when each cell has ended, before its pictures are made."""
        self.current()
        if action not in self._at_end:
            self._at_end.append(action)

    def _began(self, info) -> None:
        self._cell, self._busy = Cell(), True
        for widget in self.living:
            widget.due = 0.0  # it may have to appear under this cell

    def _ended(self, result) -> None:
        self._busy = False
        for action in self._at_end:
            action(result)
        for widget in self._cell.widgets if self._cell else ():
            try:
                widget.settle(self._cell)
            except Exception as error:
                print(f"{type(widget).__name__} could not draw its last state: {type(error).__name__}: {error}", file=sys.stderr)


cells = Cells()


def interactive() -> bool:
    """Whether a person's front end asked for this cell: those name the cell, and programs that run notebooks don't."""
    shell = kernel_shell()
    if shell is None:
        return False
    if "google.colab" in sys.modules:
        return True
    try:
        parent = shell.parent_header if hasattr(shell, "parent_header") else shell.kernel.get_parent()
        return "cellId" in (parent.get("metadata") or {})
    except Exception:
        return True


_subshell: str | None = None


def own_subshell() -> str | None:
    """A subshell of the kernel for messages to widgets, one for all; None where there can be none.

    Called by ipykernel on the thread that deals out messages, which is the one that may make subshells.
    """
    global _subshell
    try:
        manager = kernel_shell().kernel.shell_channel_thread.manager
        if _subshell is None or _subshell not in manager.list_subshell():
            _subshell = manager._create_subshell()
        return _subshell
    except Exception:
        return None


def publish(data: dict, display_id: str | None, update: bool = False) -> None:
    """A display_data message, or the replacement of an earlier one."""
    transient = {"display_id": display_id} if display_id else {}
    kernel_shell().display_pub.publish(data, {}, transient=transient, update=update)
