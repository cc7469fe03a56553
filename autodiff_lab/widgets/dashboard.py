"""The dashboard of a run: sends what is new, keeps what a fresh page needs, and hands wishes to the run's controls."""

from __future__ import annotations

from ..export import run_svg, run_text
from ..export.run_pack import RunPacker
from ..record.shell import learner_cells
from .live import LiveWidget, bundle, cells, interactive

__all__ = ["Dashboard"]


class Dashboard(LiveWidget):
    """The live view of a `record.watch.Watcher`. Made when the run takes its first step in a notebook."""

    _esm = bundle("dashboard")
    _css = bundle("dashboard", ".css")

    def __init__(self, watcher, title: str = "Training"):
        self.watcher = watcher
        self.run: object = None
        self.title = title
        self.stage = "running"
        self.packer = RunPacker(watcher.record)
        self._complete = True  # whether the next message carries everything
        self._seen_cell: object = None
        super().__init__()
        watcher.sources = lambda: learner_cells(None)
        watcher.controls.heard = lambda: self.hears
        watcher.controls.while_paused = self._stands

    # -- the learner's thread

    def touch(self) -> None:
        if cells._cell is not self._seen_cell or self._seen_cell is None:
            self._seen_cell = cells.current()
            self.stage = "running"
            self.watcher.record.ended = ""
            self.appear()
        if self.packer.field is not None:
            self.look_at_field()
        super().touch()

    def look_at_field(self, last: bool = False) -> None:
        """One more frame of the decision surface, if it is time; only where somebody may see it, or at the end."""
        record = self.watcher.record
        if last or (self._shown is not None and interactive()):
            self.packer.field.frame(record.step, last)
        if self.packer.field.trouble:
            record.notes["field"] = self.packer.field.trouble

    def _stands(self) -> None:
        self.stage = "paused" if self.watcher.controls.paused else "running"
        if self.stage == "paused" and self.packer.field is not None:
            self.look_at_field(last=True)
        self.flush()
        if self.stage == "paused":
            self.keep()

    def settle(self, cell) -> None:
        self.watcher.close()
        self.watcher.controls.paused = False
        self.stage = self.watcher.record.ended or "idle"
        if self.packer.field is not None:
            self.look_at_field(last=True)
        super().settle(cell)

    # -- messages

    def greeted(self) -> None:
        self._complete = True  # what was sent before the page listened is lost
        if cells.quiet():
            self.flush()

    def receive(self, message: dict) -> None:
        kind = message.get("t")
        if kind == "full":
            self.greeted()
        elif kind == "wish":
            self.watcher.controls.wish(message["kind"], **{key: message[key] for key in ("setting", "value", "step") if key in message})
            if cells.quiet():  # no loop runs: a slider can be moved at once, the rest waits for the loop
                self._apply_now()
        elif kind == "why":
            if cells.quiet():
                self.watcher.explain()
                self.flush()
            else:
                self.watcher.controls.wish("why")

    def _apply_now(self) -> None:
        """Between cells there is no step to wait for: settings take effect now."""
        controls = self.watcher.controls
        if all(kind in ("set", "rewind") for kind, _ in controls._wishes):
            controls.obey()
            self.flush()

    def changes(self) -> tuple[dict, list] | None:
        complete, self._complete = self._complete, False
        return {"t": "d"}, [self.packer.news(complete, **self._moment())]

    def state(self) -> bytes:
        return self.packer.everything(**self._moment())

    def _moment(self) -> dict:
        """What the record does not know."""
        watcher = self.watcher
        watcher.settle()
        watcher.read_settings()
        return {"title": self.title, "stage": self.stage, "ms": round(1e3 * watcher.seconds_per_step, 3), "epochal": watcher._loader is not None,
                "rewind": watcher.snapshots.steps() if watcher.snapshots else []}

    # -- what the notebook stores

    def picture(self) -> str:
        return run_svg.picture(self.watcher.record, self.title, others=self.packer.others)

    def words(self) -> str:
        return run_text.words(self.watcher.record, self.title)
