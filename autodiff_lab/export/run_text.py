"""A run in words: what an untrusted notebook, a grading tool, a terminal and a screen reader get."""

from __future__ import annotations

from ..record.run import RunRecord
from ..record.text import number

__all__ = ["facts", "sentences", "words"]


def facts(record: RunRecord) -> str:
    """One line: where the run is. Without times, so that the same run gives the same line."""
    if not record.step:
        return "waiting for the first step"
    parts = [f"{record.step:,} step{'s' if record.step != 1 else ''}"]
    if record.epoch:
        parts.insert(0, f"epoch {record.epoch}" + (f" of {record.epochs}" if record.epochs else ""))
    if record.ended:
        parts.append({"stopped": "stopped by you", "interrupted": "interrupted", "failed": "ended by an error"}[record.ended])
    return " · ".join(parts)


def sentences(record: RunRecord) -> list[str]:
    """What is worth saying about the run, most urgent first."""
    said = [note for note in record.notes.values() if note]
    if not said:
        said = [summary(curve) for curve in record.curves() if curve.kind == "step"][:1]
    return said or ["Nothing has been trained yet. The curves begin with the first optimizer step."]


def summary(curve) -> str:
    """One curve in a sentence: what a listener gets instead of the picture."""
    if curve.last is None:
        return f"{curve.name} has no value yet."
    if curve.count == 1:
        return f"{curve.name} is {number(curve.last[1])} at step {curve.last[0]:.0f}."
    first, last = number(curve.first[1]), number(curve.last[1])
    way = "fell" if curve.last[1] < curve.first[1] else "rose" if curve.last[1] > curve.first[1] else ""
    text = f"{curve.name} {way} from {first} to {last}" if way else f"{curve.name} began with {first} and ended with {last}"
    return text + (f", lowest {number(curve.best[1])} at step {curve.best[0]:.0f}." if curve.best else ".")


def words(record: RunRecord, title: str = "Training") -> str:
    """The whole run as plain text."""
    lines = [f"{title}: {facts(record)}"]
    for curve in record.curves():
        if curve.kind == "setting":
            values = curve.points()[1]
            text = f"{number(values[0])}" + (f" → {number(values[-1])}" if len(values) > 1 else "")
            lines.append(f"  {curve.name:<12} {text}")
        elif curve.kind in ("step", "log"):
            lines.append("  " + summary(curve))
    lines += [f"  {note}" for note in record.notes.values() if note]
    if record.touches:
        lines.append("  touched: " + "; ".join(" ".join(touch.said().split()) for touch in record.touches[-8:]))
    if record.thinned:
        lines.append("  " + record.thinned)
    return "\n".join(lines)
