"""The dashboard of a run: sends what is new, keeps what a fresh page needs, and hands wishes to the run's controls."""

from __future__ import annotations

import numpy as np

from ..export import run_svg, run_text
from ..record.flow import BINS, folded
from .live import LiveWidget, bundle, cells, interactive, pack

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
        self.others: list = []  # records of other runs, drawn behind this one
        self.field = None
        self._sent: dict[str, tuple[int, int]] = {}
        self._sent_flow = (-1, 0)
        self._sent_touches = 0
        self._sent_images: list = []
        self._said: dict[str, object] = {}  # of what rarely changes, what was sent last
        self._complete = True  # whether the next message carries everything
        self._seen_cell: object = None
        super().__init__()
        watcher.controls.heard = lambda: self.hears
        watcher.controls.while_paused = self._stands

    # -- the learner's thread

    def touch(self) -> None:
        if cells._cell is not self._seen_cell or self._seen_cell is None:
            self._seen_cell = cells.current()
            self.stage = "running"
            self.watcher.record.ended = ""
            self.appear()
        if self.field is not None:
            self.look_at_field()
        super().touch()

    def look_at_field(self, last: bool = False) -> None:
        """One more frame of the decision surface, if it is time; only where somebody may see it, or at the end."""
        record = self.watcher.record
        if last or (self._shown is not None and interactive()):
            self.field.frame(record.step, last)
        if self.field.trouble:
            record.notes["field"] = self.field.trouble

    def _stands(self) -> None:
        self.stage = "paused" if self.watcher.controls.paused else "running"
        self.flush()
        if self.stage == "paused":
            self.keep()

    def settle(self, cell) -> None:
        self.watcher.close()
        self.watcher.controls.paused = False
        self.stage = self.watcher.record.ended or "idle"
        if self.field is not None:
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

    def _apply_now(self) -> None:
        """Between cells there is no step to wait for: settings take effect now."""
        controls = self.watcher.controls
        if all(kind in ("set", "rewind") for kind, _ in controls._wishes):
            controls.obey()
            self.flush()

    def changes(self) -> tuple[dict, list] | None:
        complete, self._complete = self._complete, False
        return {"t": "d"}, [self._pack(complete)]

    def state(self) -> bytes:
        sent = dict(self._sent), self._sent_flow, self._sent_touches, self._sent_images, dict(self._said)
        try:
            return self._pack(True)
        finally:
            self._sent, self._sent_flow, self._sent_touches, self._sent_images, self._said = sent

    def _pack(self, complete: bool) -> bytes:
        watcher, record = self.watcher, self.watcher.record
        watcher.settle()
        arrays: list[np.ndarray] = []

        def put(array, dtype) -> int:
            arrays.append(np.ascontiguousarray(array, dtype))
            return len(arrays) - 1

        series = []
        for curve in record.curves():
            version, start = self._sent.get(curve.name, (-1, 0))
            if complete or version != curve.version:
                start = 0
            steps, values = curve.points(start)
            if not steps.size and not complete:
                continue
            self._sent[curve.name] = (curve.version, curve.settled())
            series.append({"name": curve.name, "kind": curve.kind, "at": start, "stretch": curve.stretch, "count": curve.count,
                           "best": finite(curve.best), "x": put(steps, np.float64), "y": put(values, np.float64)})
        header = {
            "v": 1, "complete": complete, "stage": self.stage, "step": record.step, "epoch": record.epoch, "batch": record.batch,
            "ms": round(1e3 * watcher.seconds_per_step, 3), "series": series,
            **self._news(complete, title=self.title, epochs=record.epochs, epochal=watcher._loader is not None, marks=record.epoch_marks[-512:],
                         thinned=record.thinned, notes=[note for note in record.notes.values() if note], verdicts=record.verdicts,
                         settings=[[s.path, s.label, s.value, s.optimizer, s.group] for s in watcher.read_settings()],
                         rewind=watcher.snapshots.steps() if watcher.snapshots else []),
        }
        if complete or len(record.touches) != self._sent_touches:
            self._sent_touches = len(record.touches)
            from ..record.touches import as_code
            header["touches"] = [[touch.step, touch.kind, touch.said()] for touch in record.touches[-200:]]
            header["code"] = as_code(record.touches)
            header["ghosts"] = [{"name": name, "x": put(steps, np.float64), "y": put(values, np.float64)}
                                for name, steps, values in record.ghosts]
        self._pack_flow(header, put, complete)
        newest = [kept[-1][0] for kept in record.images.values()]
        if newest and (complete or newest != self._sent_images):
            self._sent_images = newest
            header["images"] = [{"name": name, "frames": [[step, *picture.shape, put(picture, np.uint8)] for step, array in kept
                                                          if (picture := thumbnail(array)) is not None]}
                                for name, kept in list(record.images.items())[:6]]
        if complete and self.others:
            header["others"] = [other_run(record, put) for record in self.others]
        if self.field is not None:
            self.field.pack(header, put, complete)
        return pack(header, arrays)

    def _news(self, complete: bool, **facts) -> dict:
        """Those of `facts` that are not as they were said last."""
        news = {name: fact for name, fact in facts.items() if complete or self._said.get(name) != fact}
        self._said |= news
        return news

    def _pack_flow(self, header: dict, put, complete: bool) -> None:
        flow = self.watcher.record.flow
        version, start = self._sent_flow
        if complete or version != flow.version:
            start = 0
        if len(flow.steps) > start or complete:
            columns = flow.columns[start:]
            self._sent_flow = (flow.version, len(flow.steps))
            matrix = np.array(columns, np.float32) if columns else np.empty(0, np.float32)
            header["flow"] = {"at": start, "steps": put(flow.steps[start:], np.int32), "rms": put(matrix, np.float32), "stride": flow.stride}
            if start == 0:
                header["flow"] |= {"names": flow.names, "shapes": flow.shapes}
            close = [step for step in flow.close if start == 0 or step >= flow.steps[start]]
            if close:
                looks = [flow.close[step] for step in close]
                header["flow"] |= {"close": put(close, np.int32), "bins": BINS,
                                   "ratio": put([look["ratio"] for look in looks], np.float32),
                                   "zeros": put([look["zeros"] for look in looks], np.float32),
                                   "counts": put([folded(look["bins"]) for look in looks], np.uint16)}

    # -- what the notebook stores

    def picture(self) -> str:
        return run_svg.picture(self.watcher.record, self.title, others=self.others)

    def words(self) -> str:
        return run_text.words(self.watcher.record, self.title)


def other_run(record, put) -> dict:
    """The curves of another run, to be drawn behind."""
    curves = []
    for curve in record.curves():
        if curve.kind in ("step", "log"):
            steps, values = curve.points()
            curves.append({"name": curve.name, "kind": curve.kind, "x": put(steps, np.float64), "y": put(values, np.float64)})
    return {"name": record.name, "series": curves}


def thumbnail(array, most: int = 64):
    """A logged array as bytes, height × width × 1 or 3: an image as it is, anything else as a picture of its numbers."""
    picture = np.asarray(array, np.float64)
    if picture.ndim == 3 and picture.shape[0] in (1, 3):
        picture = picture.transpose(1, 2, 0)
    if picture.ndim != 3 or picture.shape[2] not in (1, 3):
        if not picture.size:
            return None
        picture = picture.reshape(-1, picture.shape[-1] if picture.ndim else 1)[:, :, None]
    picture = picture[:: -(-picture.shape[0] // most), :: -(-picture.shape[1] // most)]
    finite_part = picture[np.isfinite(picture)]
    low, high = (finite_part.min(), finite_part.max()) if finite_part.size else (0.0, 1.0)
    return np.nan_to_num((picture - low) / ((high - low) or 1) * 255, nan=0, posinf=255, neginf=0).clip(0, 255).astype(np.uint8)


def finite(point):
    """A point as JSON can say it, or None."""
    return None if point is None or not np.isfinite(point[1]) else list(point)
