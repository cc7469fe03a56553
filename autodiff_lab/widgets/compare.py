"""Several finished runs in one picture: runs that share a name become one line, the mean, in a band from lowest to highest."""

from __future__ import annotations

import numpy as np

from ..export import run_svg, run_text
from ..record.run import RunRecord

__all__ = ["Comparison", "comparison"]


class Comparison:
    """What `lab.compare(...)` shows: a still picture, and the numbers as text."""

    def __init__(self, groups: dict[str, dict], title: str):
        self.groups, self.title = groups, title

    def __repr__(self) -> str:
        lines = [self.title]
        for name, curves in self.groups.items():
            for curve, (_, mean, low, high, count) in curves.items():
                spread = f" (from {run_text.number(low[-1])} to {run_text.number(high[-1])} over {count} runs)" if count > 1 else ""
                lines.append(f"  {name}, {curve}: {run_text.number(mean[-1])} at the end{spread}")
        return "\n".join(lines)

    def _repr_mimebundle_(self, **_):
        return {"text/plain": repr(self), "image/svg+xml": run_svg.comparison(self.groups, self.title)}, {}


def comparison(records: list[RunRecord], title: str) -> Comparison:
    """Group runs by name, and put the runs of a group on common steps."""
    if not records:
        raise ValueError("compare() needs runs: lab.compare(run_a, run_b). Give runs that differ only by their seed the same title.")
    groups: dict[str, list[RunRecord]] = {}
    for record in records:
        groups.setdefault(record.name, []).append(record)
    made: dict[str, dict] = {}
    for name, members in groups.items():
        shared = [curve.name for curve in members[0].curves() if curve.kind in ("step", "log")]
        made[name] = {}
        for curve in shared:
            points = [member[curve] for member in members if curve in member.series]
            steps = points[0][0]
            values = np.array([np.interp(steps, x, y) for x, y in points])
            made[name][curve] = (steps, values.mean(0), values.min(0), values.max(0), len(points))
    return Comparison(made, title)
