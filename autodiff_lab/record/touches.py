"""What a learner touched while a run went on, written so that the run can be repeated exactly without touching anything.

A touch happens after an update (one optimizer's step), counted from the start of the run and never wound back: that
number, and not the clock, is where a replay applies it again.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Touch", "as_code"]

NEUTRAL = ("pause", "resume", "batch", "epoch")  # they cost time and change no number


@dataclass(frozen=True, slots=True)
class Touch:
    """One touch: after which update, what, and, for a setting, which and from what to what."""

    update: int
    kind: str  # set, pause, resume, batch, epoch, rewind, stop
    step: int = 0  # what the time axis showed
    setting: str = ""  # "lr"; "betas[0]"; "1.0.lr" is the first group of the second optimizer
    value: float | None = None  # the new value; for rewind, the step that was returned to
    before: float | None = None
    place: str = "step"  # or "epoch": before the first batch of an epoch

    @classmethod
    def of(cls, item) -> Touch:
        """A touch from a tuple as `as_code` writes it: (310, "set", "lr", 0.003), (412, "rewind", 300), (500, "stop")."""
        if isinstance(item, Touch):
            return item
        update, kind, *rest = item
        place = "step"
        if rest and rest[-1] == "epoch":
            place, rest = "epoch", rest[:-1]
        expected = {"set": 2, "rewind": 1}.get(kind, 0)
        if kind not in ("set", "rewind", "stop", *NEUTRAL) or len(rest) != expected:
            raise ValueError(f"A touch is (update, 'set', setting, value), (update, 'rewind', step), (update, 'stop') or "
                             f"(update, 'pause'), got {item!r}. Copy the list that run.as_code() gives.")
        if kind == "set":
            return cls(update, kind, update, rest[0], rest[1], place=place)
        return cls(update, kind, update, value=rest[0] if rest else None, place=place)

    def as_tuple(self) -> tuple:
        """The shortest tuple that `of` reads back."""
        value = () if self.value is None else (self.value,)
        rest = (self.setting, *value) if self.kind == "set" else value
        return (self.update, self.kind, *rest, *(("epoch",) if self.place == "epoch" else ()))

    def said(self) -> str:
        """In words, on one line: "step 310  lr 0.01 → 0.003"."""
        words = {"set": f"{self.setting} {short(self.before)} → {short(self.value)}", "pause": "paused", "resume": "went on",
                 "batch": "one batch", "epoch": "one epoch", "stop": "stopped",
                 "rewind": f"back to step {short(self.value)}"}
        return f"step {self.step}  {words[self.kind]}"


def as_code(touches, call: str = "model, optimizer") -> str:
    """Python that repeats the run: put it in place of the call of `lab.watch`."""
    touches = list(touches)
    if not touches:
        return f"run = lab.watch({call})  # nothing was touched"
    lines = ["# What was touched. In place of lab.watch(...) it repeats the run exactly, without a click.",
             f"run = lab.watch({call}, touches=["]
    for touch in touches:
        text = f"    {touch.as_tuple()!r},"
        lines.append(f"{text:<44}# {touch.said()}" if touch.kind not in NEUTRAL else f"    # {touch.said()}")
    return "\n".join([*lines, "])"])


def short(value) -> str:
    """A number for reading; `as_tuple` keeps all its digits."""
    if value is None:
        return "?"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
