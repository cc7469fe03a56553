"""The record of a training run: curves, epochs, gradient flow, settings and touches, as plain numbers.

Everything that shows a run (dashboard, SVG, text, TensorBoard, matplotlib) reads this class and nothing else. It holds
no tensor, its memory is bounded, and it can be saved and loaded.
"""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np

from .flow import Flow
from .series import Series
from .text import clean
from .touches import Touch

__all__ = ["RunRecord", "Setting"]

FORMAT = 1
IMAGES = 24  # kept of each logged image, the first and the newest among them


@dataclass(slots=True)
class Setting:
    """One numeric setting of an optimizer: what a slider shows."""

    path: str  # "lr", "betas[0]"; "1.0.lr" for the first group of the second optimizer
    label: str
    value: float
    optimizer: str = ""
    group: str = ""


@dataclass
class RunRecord:
    """What is known of one run.

    >>> record = RunRecord()
    >>> record.scalar("loss", 1, 0.5)
    >>> record["loss"]
    (array([1.]), array([0.5]))
    """

    name: str = "Training"
    step: int = 0  # on the time axis: a batch
    updates: int = 0  # optimizer steps of all optimizers, never wound back
    epoch: int | None = None  # counts from 1
    epochs: int | None = None  # how many there will be, where that is known
    batch: tuple[int, int] | None = None  # batch of the epoch, batches in it
    series: dict[str, Series] = field(default_factory=dict)
    epoch_marks: list[tuple[int, int]] = field(default_factory=list)  # (step before which it began, epoch)
    flow: Flow = field(default_factory=Flow)
    settings: list[Setting] = field(default_factory=list)
    touches: list[Touch] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)  # sentences that are worth saying, by topic, most urgent first
    why: list[dict] = field(default_factory=list)  # what the doctor found when it was asked: words, where, cure
    verdicts: dict[str, str] = field(default_factory=dict)  # parameter -> vanishing, exploding, dead, saturated
    images: dict[str, list] = field(default_factory=dict)  # name -> [(step, array)]
    ghosts: list = field(default_factory=list)  # (name, steps, values) that a rewind cut off
    ended: str = ""  # "", "stopped", "interrupted", "failed"

    # -- writing

    def scalar(self, name: str, step: float, value: float, kind: str = "step") -> None:
        """One point of a curve. `kind`: step, log (given by hand), epoch (a mean over an epoch) or setting."""
        curve = self.series.get(name)
        if curve is None:
            curve = self.series[name] = Series(clean(name), kind)
        curve.add(step, value)

    def image(self, name: str, step: int, array) -> None:
        """One picture (or any array) at a step; of many, the first, the newest and evenly spaced ones stay."""
        kept = self.images.setdefault(clean(name), [])
        kept.append((step, np.array(array)))
        if len(kept) > IMAGES:
            del kept[1:-1:2]

    def rewound(self, step: int) -> None:
        """Cut everything after `step` off; what was cut stays as a ghost."""
        for curve in self.series.values():
            steps, values = curve.points()
            gone = steps > step
            if gone.sum() > 1 and curve.kind == "step":
                few = np.unique(np.linspace(0, gone.sum() - 1, 200).astype(int))
                self.ghosts = [*self.ghosts[-5:], (curve.name, steps[gone][few], values[gone][few])]
            curve.cut(step)
        self.flow.cut(step)
        self.epoch_marks = [mark for mark in self.epoch_marks if mark[0] < step]
        self.step = step

    # -- reading

    def __getitem__(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """The points of a curve: steps and values."""
        if name not in self.series:
            raise KeyError(f"This run has no curve {name!r}. It has: {', '.join(self.series) or 'none yet'}.")
        return self.series[name].points()

    def curves(self) -> list[Series]:
        """The curves that are shown: losses and what was logged, then per-epoch means, then settings."""
        order = {"step": 0, "log": 1, "epoch": 2, "setting": 3}
        return sorted(self.series.values(), key=lambda curve: order.get(curve.kind, 1))

    def columns(self) -> dict[str, np.ndarray]:
        """All curves over one axis: "step", then a column per curve, NaN where it has no point."""
        points = {name: curve.points() for name, curve in self.series.items()}
        axis = np.unique(np.concatenate([steps for steps, _ in points.values()])) if points else np.empty(0)
        table = {"step": axis}
        for name, (steps, values) in points.items():
            column = np.full(axis.size, np.nan)
            column[np.searchsorted(axis, steps)] = values
            table[name] = column
        return table

    def to_frame(self):
        """The curves as a pandas DataFrame indexed by step, or, without pandas, as a dict of NumPy arrays."""
        table = self.columns()
        try:
            import pandas
        except ImportError:
            return table
        return pandas.DataFrame(table).set_index("step")

    @property
    def thinned(self) -> str:
        """What was thinned to bound the memory, in one sentence, or nothing."""
        worst = max((curve.stretch for curve in self.series.values()), default=1)
        return f"Long curves are thinned: of every {2 * worst} points the lowest and the highest are kept." if worst > 1 else ""

    # -- files

    def save(self, file) -> None:
        """Write the record to a file: a zip of JSON and arrays. A crash leaves the old file."""
        arrays, tables = {}, []
        for curve in self.series.values():
            steps, values = curve.points()
            arrays[f"s{len(tables)}"], arrays[f"v{len(tables)}"] = steps, values
            tables.append({"name": curve.name, "kind": curve.kind, "count": curve.count, "stretch": curve.stretch,
                           "first": curve.first, "last": curve.last, "best": curve.best})
        arrays["flow"] = self.flow.matrix()
        for k, (step, look) in enumerate(self.flow.close.items()):
            arrays |= {f"close{k}_{part}": array for part, array in look.items()}
            arrays[f"close{k}_step"] = np.array(step)
        for k, kept in enumerate(self.images.values()):
            arrays |= {f"image{k}_{n}": array for n, (_, array) in enumerate(kept)}
        head = {"format": FORMAT, "name": self.name, "step": self.step, "updates": self.updates, "epoch": self.epoch,
                "epochs": self.epochs, "batch": self.batch, "series": tables, "epoch_marks": self.epoch_marks,
                "flow": {"names": self.flow.names, "shapes": self.flow.shapes, "stride": self.flow.stride, "steps": self.flow.steps},
                "settings": [asdict(setting) for setting in self.settings],
                "touches": [asdict(touch) for touch in self.touches], "notes": self.notes, "verdicts": self.verdicts, "ended": self.ended,
                "images": {name: [step for step, _ in kept] for name, kept in self.images.items()}}
        buffer = BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("run.json", json.dumps(head))
            numbers = BytesIO()
            np.savez(numbers, **arrays)
            archive.writestr("numbers.npz", numbers.getvalue())
        path = Path(file)
        beside = path.with_name(path.name + ".part")
        beside.write_bytes(buffer.getvalue())
        os.replace(beside, path)

    @classmethod
    def load(cls, file) -> RunRecord:
        """Read what `save` wrote. No code in the file is run."""
        with zipfile.ZipFile(file) as archive:
            head = json.loads(archive.read("run.json"))
            arrays = np.load(BytesIO(archive.read("numbers.npz")), allow_pickle=False)
        if head["format"] > FORMAT:
            raise ValueError(f"{Path(file).name} was saved by a newer version of this library (format {head['format']}, "
                             f"this one reads up to {FORMAT}). Update autodiff_lab to read it.")
        record = cls(head["name"], head["step"], head["updates"], head["epoch"], head["epochs"],
                     tuple(head["batch"]) if head["batch"] else None, ended=head["ended"], notes=head["notes"], verdicts=head["verdicts"])
        for k, table in enumerate(head["series"]):
            curve = record.series[table["name"]] = Series(table["name"], table["kind"])
            for step, value in zip(arrays[f"s{k}"], arrays[f"v{k}"], strict=True):
                curve.add(float(step), float(value))
            curve.count, curve.stretch = table["count"], table["stretch"]
            curve.first, curve.last, curve.best = (tuple(table[key]) if table[key] else None for key in ("first", "last", "best"))
        flow = record.flow
        flow.set_parameters(list(zip(head["flow"]["names"], head["flow"]["shapes"], strict=True)))
        flow.stride, flow.steps = head["flow"]["stride"], head["flow"]["steps"]
        flow.columns = list(arrays["flow"].T.astype(float))
        for k in range(sum(name.endswith("_step") for name in arrays.files)):
            flow.close[int(arrays[f"close{k}_step"])] = {part: arrays[f"close{k}_{part}"] for part in ("ratio", "zeros", "bins")}
        record.epoch_marks = [tuple(mark) for mark in head["epoch_marks"]]
        record.settings = [Setting(**setting) for setting in head["settings"]]
        record.touches = [Touch(**touch) for touch in head["touches"]]
        for k, (name, steps) in enumerate(head["images"].items()):
            record.images[name] = [(step, arrays[f"image{k}_{n}"]) for n, step in enumerate(steps)]
        return record
