"""A run as the browser takes it in: one piece that holds everything, or what is new since the last one."""

from __future__ import annotations

import json

import numpy as np

from ..record.flow import BINS, folded
from ..record.run import RunRecord
from ..record.touches import as_code

__all__ = ["RunPacker", "pack"]


class RunPacker:
    """Makes the pieces for one audience and remembers what it has been told.

    Attributes:
        record: the run.
        others: records of other runs, drawn behind it.
        field: a `record.field.Field`, or None.
    """

    def __init__(self, record: RunRecord, others=(), field=None):
        self.record, self.others, self.field = record, list(others), field
        self._sent: dict[str, tuple[int, int]] = {}  # curve -> (version, points that will not change)
        self._sent_flow = (-1, 0)
        self._sent_images: list = []
        self._said: dict[str, object] = {}  # of what rarely changes, what was said last

    def everything(self, **state) -> bytes:
        """All that a fresh page needs; what others were told stays as it is."""
        fresh = RunPacker(self.record, self.others, self.field)
        sent = self.field._sent if self.field is not None else 0
        piece = fresh.news(complete=True, **state)
        if self.field is not None:
            self.field._sent = sent
        return piece

    def news(self, complete: bool = False, **state) -> bytes:
        """What is new since the last call; `complete`: everything. `state`: facts of the moment, such as stage and title."""
        record = self.record
        arrays: list[np.ndarray] = []

        def put(array, dtype) -> int:
            arrays.append(np.ascontiguousarray(array, dtype))
            return len(arrays) - 1

        header = {"v": 1, "complete": complete, "step": record.step, "epoch": record.epoch, "batch": record.batch, "series": self._curves(complete, put)}
        facts = {**state, "epochs": record.epochs, "marks": record.epoch_marks[-512:], "thinned": record.thinned,
                 "notes": [note for note in record.notes.values() if note], "verdicts": record.verdicts, "why": record.why,
                 "settings": [[s.path, s.label, s.value, s.optimizer, s.group] for s in record.settings], "touched": len(record.touches)}
        news = {name: fact for name, fact in facts.items() if complete or self._said.get(name) != fact}
        self._said |= news
        if news.pop("touched", None) is not None:
            news["touches"] = [[touch.step, touch.kind, touch.said()] for touch in record.touches[-200:]]
            news["code"] = as_code(record.touches)
            news["ghosts"] = [{"name": name, "x": put(steps, np.float64), "y": put(values, np.float64)} for name, steps, values in record.ghosts]
        header |= news
        self._flow(header, put, complete)
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

    def _curves(self, complete: bool, put) -> list[dict]:
        series = []
        for curve in self.record.curves():
            version, start = self._sent.get(curve.name, (-1, 0))
            if complete or version != curve.version:
                start = 0
            steps, values = curve.points(start)
            if not steps.size and not complete:
                continue
            self._sent[curve.name] = (curve.version, curve.settled())
            series.append({"name": curve.name, "kind": curve.kind, "at": start, "stretch": curve.stretch, "count": curve.count,
                           "best": finite(curve.best), "x": put(steps, np.float64), "y": put(values, np.float64)})
        return series

    def _flow(self, header: dict, put, complete: bool) -> None:
        flow = self.record.flow
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


def other_run(record: RunRecord, put) -> dict:
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


def pack(header: dict, arrays: list) -> bytes:
    """JSON and arrays in one piece: length of the JSON (4 bytes), JSON, then the arrays, each from a multiple of 8.

    The header's "arrays" says of each: dtype letter ("d", "f", "i", "H", "B"), offset and number of values.
    """
    offsets, position = [], 0
    for array in arrays:
        offsets.append([array.dtype.char, position, int(array.size)])
        position += -(-array.nbytes // 8) * 8
    text = json.dumps({**header, "arrays": offsets}, separators=(",", ":"), ensure_ascii=True).encode()
    text += b" " * (-(len(text) + 4) % 8)
    parts = [len(text).to_bytes(4, "little"), text]
    for array in arrays:
        raw = array.tobytes()
        parts += [raw, b"\0" * (-len(raw) % 8)]
    return b"".join(parts)
