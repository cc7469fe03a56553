"""Pause, one batch, one epoch, stop, rewind, sliders: wishes arrive on any thread, and the loop obeys between two steps.

`Controls.wish` only puts a message in a queue and rings a bell. `Controls.obey` runs on the learner's thread, right
after `optimizer.step()`, where every tensor is consistent.
"""

from __future__ import annotations

import random
import re
import threading
from collections import deque

import numpy as np

from ..core.observe import StopTraining
from .touches import Touch

__all__ = ["Controls", "Snapshots", "settings_of"]

KINDS = ("pause", "resume", "batch", "epoch", "stop", "rewind", "set", "why")


class Controls:
    """What the learner wants of a run, and what the loop has done about it."""

    def __init__(self, run, touches=()):
        self.run = run  # a watch.Watcher
        self.waiting = bool(touches)  # whether `obey` has anything to do: one attribute to test on the hot path
        self.paused = False
        self.heard = lambda: False  # whether a "resume" could arrive while the loop stands
        self.while_paused = lambda: None  # called when the loop comes to a stand, and after every wish
        self._wishes: deque = deque()
        self._bell = threading.Event()
        self._planned = deque(sorted(map(Touch.of, touches), key=lambda touch: touch.update))
        self._until: tuple[str, int] | None = None

    # -- any thread

    def wish(self, kind: str, **details) -> None:
        """Ask for something; the loop reads it after its next step."""
        if kind not in KINDS:
            raise ValueError(f"A run can be asked for {', '.join(KINDS)}, not {kind!r}.")
        self._wishes.append((kind, details))
        self.waiting = True
        self._bell.set()

    # -- the learner's thread

    def obey(self, place: str = "step") -> None:
        """Carry out what was asked for; stand still while paused. Raises StopTraining on stop."""
        record = self.run.record
        self.waiting = False  # first: a wish that arrives meanwhile sets it again
        while self._planned and self._planned[0].update <= record.updates:
            touch = self._planned[0]
            if touch.update == record.updates and touch.place != place and place == "step":
                break  # it belongs to the start of the next epoch
            self._planned.popleft()
            self._do(touch.kind, {"setting": touch.setting, "value": touch.value, "step": touch.value}, place)
        if self._until is not None and self._reached(place):
            self._until, self.paused = None, True
        stood = False
        while True:
            self._bell.clear()
            changed = bool(self._wishes)
            while self._wishes:
                kind, details = self._wishes.popleft()
                self._do(kind, details, place)
            if not self.paused:
                break
            if not self.heard():  # nobody could ever say "go on"
                self.paused = False
                break
            if changed or not stood:
                stood = True
                self.while_paused()
            self._bell.wait(0.5)  # wakes at once on a wish; the limit lets Ctrl-C through on every platform
        if self._planned or self._until:
            self.waiting = True
        if stood:
            self.while_paused()

    def _reached(self, place: str) -> bool:
        assert self._until is not None
        kind, goal = self._until
        if kind == "batch":
            return place == "step" and self.run.record.step >= goal
        return place == "epoch"

    def _do(self, kind: str, details: dict, place: str) -> None:
        run, record = self.run, self.run.record
        if kind == "set":
            before = run.change(details["setting"], details["value"])
            if before is not None and before != details["value"]:
                self._note(kind, place, setting=details["setting"], value=details["value"], before=before)
        elif kind == "why":  # a question, no touch
            run.ask_why()
            if self.paused:
                run.explain()
        elif kind == "rewind":
            came_from = record.step
            step = run.rewind(details["step"])
            if step is not None:
                self._note(kind, place, value=step, step=came_from)
        elif kind == "stop":
            self._note(kind, place)
            record.ended = "stopped"
            self.paused, self._until = False, None
            raise StopTraining("Training was stopped after this step; model and optimizer are as it left them.")
        else:
            wanted = kind == "pause"
            if kind in ("batch", "epoch"):
                self._until = (kind, record.step + 1)
            elif self._until is None and self.paused == wanted:
                return
            else:
                self._until = None
            self.paused = wanted
            self._note(kind, place)

    def _note(self, kind: str, place: str, **what) -> None:
        record = self.run.record
        last = record.touches[-1] if record.touches else None
        if kind == "set" and last and (last.kind, last.setting, last.update, last.place) == ("set", what["setting"], record.updates, place):
            record.touches.pop()  # a slider that was dragged between two steps: one touch
            what["before"] = last.before
            if what["before"] == what["value"]:
                return
        if len(record.touches) < 10_000:
            record.touches.append(Touch(record.updates, kind, place=place, **{"step": record.step, **what}))


# ------------------------------------------------------------------------------------------------ settings


def settings_of(optimizers) -> list[tuple[str, str, float, str, str]]:
    """Every numeric setting of every group: (path, label, value, optimizer's name, group's name)."""
    found = []
    for k, optimizer in enumerate(optimizers):
        groups = optimizer.param_groups
        for g, group in enumerate(groups):
            where = "" if k == g == 0 else f"{k}.{g}."
            kind = type(optimizer).__name__
            for name, value in group.items():
                if name in ("params", "initial_lr", "param_names") or isinstance(value, (bool, str)):
                    continue
                label = name.replace("_", " ")
                said = (kind, f"group {g + 1}" if len(groups) > 1 else "")
                if is_number(value):
                    found.append((where + name, label, float(value), *said))
                elif isinstance(value, (tuple, list)) and value and all(map(is_number, value)):
                    found += [(f"{where}{name}[{i}]", f"{label.removesuffix('s')} {i + 1}", float(v), *said) for i, v in enumerate(value)]
    return found


def change_setting(optimizers, path: str, value: float) -> float | None:
    """Set one numeric setting; returns what it was, or None where there is no such setting.

    Raises:
        ValueError: if the optimizer itself refuses such a value; nothing is changed then.
    """
    match = re.fullmatch(r"(?:(\d+)\.(\d+)\.)?(\w+)(?:\[(\d+)\])?", path)
    if not match:
        return None
    k, g, name = int(match[1] or 0), int(match[2] or 0), match[3]
    try:
        optimizer = optimizers[k]
        group = optimizer.param_groups[g]
        old = group[name]
    except (IndexError, KeyError):
        return None
    if match[4] is not None:
        values, at = list(old), int(match[4])
        if at >= len(values):
            return None
        before, values[at] = values[at], float(value)
        new = type(old)(values)
    elif is_number(old):
        before, new = old, int(value) if isinstance(old, int) and float(value).is_integer() and name != "lr" else float(value)
    else:
        return None
    check_setting(optimizer, group, name, new)
    group[name] = new
    return float(before)


def check_setting(optimizer, group: dict, name: str, value) -> None:
    """Ask an optimizer of the same kind, made for this question, whether it takes a setting. Raises its ValueError if not."""
    from ..core.tensor import Tensor

    options = {key: group[key] for key in optimizer.defaults if key in group} | {name: value}
    try:
        type(optimizer)([Tensor._wrap(np.zeros(1, np.float32))], **options)
    except TypeError:
        return  # one with arguments of its own: it can't be asked
    if hasattr(optimizer, "arrays") and optimizer.state:
        for kept in set(optimizer.arrays(group | {name: value})) - set(optimizer.arrays(group)):
            if optimizer.first_array(kept, np.zeros(1), group) is not None:
                raise ValueError(f"{type(optimizer).__name__} would have had to keep {kept} from its first step on; make a new optimizer for that")


def is_number(value) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


# ------------------------------------------------------------------------------------------------ rewinding


class Snapshots:
    """Copies of parameters, optimizer and generator state to return to: few, evenly spread over the run, in bounded memory."""

    def __init__(self, every: int = 16, most: int = 12, memory: int = 256 << 20):
        self.every, self.most, self.memory = every, most, memory
        self.kept: list[dict] = []
        self.size = 0

    def due(self, step: int) -> bool:
        """Whether the state after this step is to be kept."""
        return step % self.every == 0

    def take(self, step: int, updates: int, parts: dict, extra: dict) -> None:
        """Keep a copy of `parts` (name -> object with state_dict, or array holder)."""
        generators = random.getstate(), np.random.get_state()  # noqa: NPY002 - the learner's own program may use it
        made = {"step": step, "updates": updates, "extra": extra, "random": generators,
                "parts": {name: copied(part) for name, part in parts.items()}}
        if not self.size:
            self.size = max(1, nbytes(made["parts"]))
        self.kept = [old for old in self.kept if old["step"] != step] + [made]
        while len(self.kept) > max(2, min(self.most, self.memory // self.size)):
            self.every *= 2
            start = self.kept[0]
            self.kept = [start] + [old for old in self.kept[1:] if old["step"] % self.every == 0]
            if self.every > 1 << 40:
                break

    def steps(self) -> list[int]:
        """The steps that can be returned to."""
        return [made["step"] for made in self.kept]

    def nearest(self, step: float) -> dict | None:
        """The newest copy that is not after `step`."""
        fitting = [made for made in self.kept if made["step"] <= step]
        return fitting[-1] if fitting else None

    def drop_after(self, step: int) -> None:
        """Forget the copies of a future that will not be."""
        self.kept = [made for made in self.kept if made["step"] <= step]


class Kept:
    """The numbers of a tensor."""

    __slots__ = ("array",)

    def __init__(self, array):
        self.array = array

    @property
    def nbytes(self) -> int:
        return int(self.array.nbytes)


def copied(state):
    """A deep copy of nested dicts, lists and tensors, which shares nothing with the original; tensors become `Kept`."""
    if hasattr(state, "_a") and hasattr(state, "detach"):
        return Kept(state._a.copy())
    if isinstance(state, dict):
        return {key: copied(value) for key, value in state.items()}
    if isinstance(state, (list, tuple)):
        if state and isinstance(state[0], (int, float)):
            return type(state)(state)
        items = [copied(value) for value in state]
        return items if isinstance(state, list) else tuple(items)
    return state.copy() if isinstance(state, np.ndarray) else state


def given_back(state):
    """What `copied` copied, once more as tensors of its own."""
    if isinstance(state, Kept):
        from ..core.tensor import Tensor

        return Tensor._wrap(state.array.copy())
    if isinstance(state, dict):
        return {key: given_back(value) for key, value in state.items()}
    if isinstance(state, (list, tuple)):
        items = [given_back(value) for value in state]
        return items if isinstance(state, list) else tuple(items)
    return state.copy() if isinstance(state, np.ndarray) else state


def nbytes(state) -> int:
    """Bytes of all arrays in nested containers."""
    if isinstance(state, dict):
        return sum(map(nbytes, state.values()))
    if isinstance(state, (list, tuple)):
        return sum(map(nbytes, state))
    return int(getattr(state, "nbytes", 0))
