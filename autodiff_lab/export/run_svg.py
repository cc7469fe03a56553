"""A run as a still picture: curves above, gradient flow below. The same for the same run: no time, id or address in it.

It uses plain attributes only (no style sheet, script or id), dark on white, so that a strict sanitiser, GitHub and a
dark page all show it as it is.
"""

from __future__ import annotations

import math
from html import escape
from itertools import pairwise

import numpy as np

from ..record.run import RunRecord
from ..record.smooth import columns, smooth, wants_log
from ..record.text import clean, number
from .run_text import facts, sentences

__all__ = ["picture"]

INK, SOFT, LINE, GRAD, WHITE = "#1c2330", "#5a6473", "#dfe2e8", "#b3261e", "#ffffff"
HUES = ("#1f5fbf", "#7a3aa8", "#00705a", "#9c2a6b")
CHECK = "#8a5300"  # validation
LOW, MIDDLE, HIGH = (33, 102, 172), (214, 205, 214), (178, 24, 43)
SANS, MONO = "DejaVu Sans, Inter, system-ui, sans-serif", "DejaVu Sans Mono, monospace"
WIDTH, LEFT, RIGHT, CURVES = 720, 56, 596, 190
ROW, MOST_ROWS = 18, 12


class Paper:
    """Collects elements of an SVG."""

    def __init__(self):
        self.parts: list[str] = []

    def add(self, tag: str, text: str | None = None, **attributes) -> None:
        said = "".join(f' {key.replace("_", "-")}="{escape(form(value))}"' for key, value in attributes.items() if value is not None)
        self.parts.append(f"<{tag}{said}/>" if text is None else f"<{tag}{said}>{escape(clean(text), quote=False)}</{tag}>")

    def text(self, x: float, y: float, text: str, size: float = 11, fill: str = INK, mono: bool = False, **more) -> None:
        self.add("text", text, x=x, y=y, font_size=size, font_family=MONO if mono else SANS, fill=fill, **more)


def form(value) -> str:
    """A coordinate with one decimal; the last digits of a sum may differ between machines."""
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


def picture(record: RunRecord, title: str = "Training", others=()) -> str:
    """The run as an SVG document."""
    paper = Paper()
    paper.text(14, 22, title, 13, font_weight="bold")
    paper.text(24 + 8.5 * len(title), 22, facts(record), 12, SOFT)
    paper.add("line", x1=0, x2=WIDTH, y1=34, y2=34, stroke=LINE)
    y = draw_curves(paper, record, 46, others)
    if record.flow.steps:
        y = draw_flow(paper, record, y + 10)
    paper.add("line", x1=0, x2=WIDTH, y1=float(y + 8), y2=float(y + 8), stroke=LINE)
    y += 12
    for sentence in sentences(record)[:3]:
        for line in wrapped(sentence, 108):
            y += 16
            paper.text(14, y, line, 12)
    height = int(y + 14)
    said = escape(clean(f"{title}: {facts(record)}. {' '.join(sentences(record)[:2])}"))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img" '
            f'aria-label="{said}"><rect width="{WIDTH}" height="{height}" fill="{WHITE}"/>{"".join(paper.parts)}</svg>')


def wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines[:3]


# ------------------------------------------------------------------------------------------------ curves


def draw_curves(paper: Paper, record: RunRecord, top: int, others=()) -> float:
    shown = [curve for curve in record.curves() if curve.kind in ("step", "log") and curve.last is not None][:6]
    if not shown:
        paper.text(WIDTH / 2, top + 60, "The curves begin with the first optimizer step.", 12, SOFT, text_anchor="middle")
        return top + 90.0
    points = {curve.name: curve.points() for curve in shown}
    lines = [values for _, values in points.values()]
    finite = np.concatenate(lines)
    finite = finite[np.isfinite(finite)]
    log = wants_log(finite)
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    if log:
        low, high = math.log10(low), math.log10(high)
    pad = 0.06 * (high - low) or 0.5 * abs(high) or 1
    low, high, last = low - pad, high + pad, max(record.step, 1)
    bottom = top + CURVES

    def at(steps, values):
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = np.log10(values) if log else values
        return (LEFT + (RIGHT - LEFT) * steps / last, bottom - (bottom - top) * (scaled - low) / (high - low))

    for tick in ticks(low, high, log):
        y = float(at(0.0, np.float64(tick))[1])
        paper.add("line", x1=LEFT, x2=RIGHT, y1=y, y2=y, stroke=LINE)
        paper.text(LEFT - 6, y + 4, number(tick), 11, SOFT, text_anchor="end")
    for step in step_ticks(last):
        x = float(LEFT + (RIGHT - LEFT) * step / last)
        paper.text(x, bottom + 15, f"{step:,}" + (" steps" if step == last else ""), 11, SOFT, text_anchor="middle")
    for touch in record.touches[-40:]:
        x = float(LEFT + (RIGHT - LEFT) * min(touch.step, last) / last)
        paper.add("path", d=f"M{x:.1f},{bottom}l-4,7h8z", fill=INK)
    ends = []
    hue = 0
    for curve in shown:
        steps, values = points[curve.name]
        check = is_check(curve.name)
        colour = CHECK if check else HUES[hue % len(HUES)]
        dash = "6 3" if check else (None, "8 3", "2 3", "10 3 2 3")[hue % 4]
        hue += not check
        if curve.kind == "step" and steps.size > 20:
            stroke(paper, *at(*columns(steps, values, 300)), colour, opacity="0.3")
            steps, values = columns(steps, smooth(values, log=log), 200)
        stroke(paper, *at(steps, values), colour, stroke_width="2", stroke_dasharray=dash)
        if check and steps.size <= 60:
            for x, y in zip(*at(steps, values), strict=True):
                if math.isfinite(y):
                    paper.add("rect", x=float(x - 3), y=float(y - 3), width=6, height=6, fill=colour)
        x, y = _end(*at(steps, values), top)
        ends.append([y, f"{curve.name} {number(curve.last[1])}", colour, x])
    apart(ends, bottom)
    for y, text, colour, x in ends:
        paper.text(min(x, RIGHT) + 8, y + 4, text, 11, colour)
    return bottom + 20.0


def stroke(paper: Paper, x, y, colour: str, **more) -> None:
    """A line with gaps where a value is not finite."""
    d, pen = [], False
    for a, b in zip(np.atleast_1d(x), np.atleast_1d(y), strict=True):
        if math.isfinite(b):
            d.append(f"{'L' if pen else 'M'}{a:.1f},{b:.1f}")
        pen = math.isfinite(b)
    if d:
        paper.add("path", d="".join(d), fill="none", stroke=colour, stroke_linejoin="round", **more)


def _end(x, y, top: float) -> tuple[float, float]:
    """The last point of a line that can be drawn; where there is none, the upper right corner."""
    drawn = np.flatnonzero(np.isfinite(y))
    return (float(x[drawn[-1]]), float(y[drawn[-1]])) if drawn.size else (float(RIGHT), float(top))


def is_check(name: str) -> bool:
    """Whether a curve is measured on data that is not trained on."""
    return name.lower().startswith(("val", "test", "held", "eval"))


def apart(ends: list, bottom: float, gap: float = 14) -> None:
    """Move labels at the ends of curves so far that none covers another, and back above `bottom`."""
    ends.sort()
    for _ in range(20):
        for a, b in pairwise(ends):
            if b[0] - a[0] < gap:
                push = (gap - (b[0] - a[0])) / 2
                a[0], b[0] = a[0] - push, b[0] + push
    for k, end in enumerate(reversed(ends)):
        end[0] = min(end[0], bottom - k * gap)


def ticks(low: float, high: float, log: bool) -> list[float]:
    """Round values between two ends; on a logarithmic axis `low` and `high` are exponents."""
    if log:
        every = max(1, math.ceil((high - low) / 5))
        powers = [k for k in range(max(-307, math.floor(low)), min(307, math.ceil(high)) + 1) if high - low < 2 or k % every == 0]
        found = [float(f"{m}e{k}") for k in powers for m in ((1, 2, 5) if high - low < 2 else (1,))]
        return [tick for tick in found if low <= math.log10(tick) <= high]
    rough = (high - low) / 4
    unit = 10.0 ** math.floor(math.log10(rough))
    unit *= next(m for m in (1, 2, 5, 10) if m * unit >= rough)
    return [k * unit for k in range(math.ceil(low / unit), math.floor(high / unit) + 1)]


def step_ticks(last: int) -> list[int]:
    rough = max(1, last / 4)
    unit = 10 ** math.floor(math.log10(rough))
    unit = next(m * unit for m in (1, 2, 5, 10) if m * unit >= rough)
    inner = [k * unit for k in range(int(last // unit) + 1)]
    return [step for step in inner if last - step > 0.12 * last] + [last]


# ------------------------------------------------------------------------------------------------ flow


def draw_flow(paper: Paper, record: RunRecord, top: float) -> float:
    flow = record.flow
    rows = shown_rows(flow)
    matrix = flow.matrix()[rows]
    paper.text(LEFT, top + 10, "Gradient size of each parameter, step by step (blue: small, red: large)", 11.5, SOFT)
    with np.errstate(divide="ignore"):
        logs = np.log10(matrix)
    finite = logs[np.isfinite(logs)]
    low, high = (float(np.quantile(finite, 0.02)), float(finite.max())) if finite.size else (-1.0, 0.0)
    low = min(low, high - 1)
    picked = np.unique(np.linspace(0, len(flow.steps) - 1, 60).round().astype(int))
    left, right = 190.0, 520.0
    width = (right - left) / len(picked)
    for k, row in enumerate(rows[::-1]):  # forward order from bottom to top
        y = top + 18 + k * ROW
        line = len(rows) - 1 - k
        paper.text(left - 8, y + 12, flow.names[row] if len(flow.names[row]) < 28 else "…" + flow.names[row][-26:], 11, INK, True, text_anchor="end")
        shades = [shade(float(logs[line, column]), low, high) for column in picked]
        begin = 0
        for n in range(1, len(shades) + 1):  # neighbours of one colour are one rectangle
            if n == len(shades) or shades[n] != shades[begin]:
                paper.add("rect", x=left + begin * width, y=y, width=(n - begin) * width + 0.3, height=ROW - 3, fill=shades[begin])
                begin = n
        paper.text(right + 8, y + 12, number(float(f"{matrix[line, -1]:.2g}")), 11, INK, True)
        word = record.verdicts.get(flow.names[row], "")
        if word:
            paper.text(right + 66, y + 12, word, 11, GRAD, font_weight="bold")
    left_out = len(flow.names) - len(rows)
    y = top + 18 + len(rows) * ROW
    if left_out:
        paper.text(left, y + 10, f"{left_out} more not drawn", 11, SOFT)
        y += 14
    return y


def shown_rows(flow) -> list[int]:
    """The parameters that are drawn: all of a small model, the weights of a larger one, evenly chosen ones of a large one."""
    rows = list(range(len(flow.names)))
    if len(rows) > MOST_ROWS:
        rows = [k for k in rows if len(flow.shapes[k]) > 1] or rows
    if len(rows) > MOST_ROWS:
        rows = sorted({rows[int(k)] for k in np.linspace(0, len(rows) - 1, MOST_ROWS)})
    return rows


def shade(value: float, low: float, high: float) -> str:
    """Blue over grey to red; white for no gradient."""
    if not math.isfinite(value):
        return "#eef0f3" if math.isnan(value) else ("#0b2f57" if value < 0 else "#6d0010")
    t = min(1.0, max(0.0, (value - low) / (high - low)))
    t = round(t * 24) / 24  # a last digit that differs must not change the colour
    a, b, u = (LOW, MIDDLE, 2 * t) if t < 0.5 else (MIDDLE, HIGH, 2 * t - 1)
    return "#" + "".join(f"{round(p + (q - p) * u):02x}" for p, q in zip(a, b, strict=True))


# ------------------------------------------------------------------------------------------------ several runs


def comparison(groups: dict[str, dict], title: str) -> str:
    """Lines and bands of several groups of runs: {group: {curve: (steps, mean, low, high, count)}}."""
    paper = Paper()
    paper.text(14, 22, title, 13, font_weight="bold")
    paper.add("line", x1=0, x2=WIDTH, y1=34, y2=34, stroke=LINE)
    lines = [(f"{group} {curve}" if len(groups) > 1 else curve, curve, data) for group, curves in groups.items() for curve, data in curves.items()][:8]
    finite = np.concatenate([np.concatenate(data[1:4]) for _, _, data in lines]) if lines else np.empty(0)
    finite = finite[np.isfinite(finite)]
    log = wants_log(finite)
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    if log:
        low, high = math.log10(low), math.log10(high)
    pad = 0.06 * (high - low) or 0.5 * abs(high) or 1
    low, high = low - pad, high + pad
    last = max((float(data[0][-1]) for _, _, data in lines), default=1.0) or 1.0
    top, bottom = 46, 46 + CURVES + 40

    def at(steps, values):
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = np.log10(values) if log else values
        return LEFT + (RIGHT - LEFT) * steps / last, bottom - (bottom - top) * (scaled - low) / (high - low)

    for tick in ticks(low, high, log):
        y = float(at(0.0, np.float64(tick))[1])
        paper.add("line", x1=LEFT, x2=RIGHT, y1=y, y2=y, stroke=LINE)
        paper.text(LEFT - 6, y + 4, number(tick), 11, SOFT, text_anchor="end")
    for step in step_ticks(int(last)):
        paper.text(float(LEFT + (RIGHT - LEFT) * step / last), bottom + 15, f"{step:,}" + (" steps" if step == int(last) else ""), 11, SOFT, text_anchor="middle")
    ends, hue = [], 0
    for label, curve, (steps, mean, lowest, highest, count) in lines:
        check = is_check(curve)
        colour = (*HUES, CHECK)[hue % 5] if len(groups) > 1 else CHECK if check else HUES[hue % len(HUES)]
        hue += len(groups) > 1 or not check
        if count > 1:
            few = np.unique(np.linspace(0, steps.size - 1, 200).astype(int))
            x, up = at(steps[few], smooth(highest, log=log)[few])
            _, down = at(steps[few], smooth(lowest, log=log)[few])
            corners = [*zip(x, up, strict=True), *zip(x[::-1], down[::-1], strict=True)]
            paper.add("path", d="M" + "L".join(f"{a:.1f},{b:.1f}" for a, b in corners if math.isfinite(b)) + "z", fill=colour, fill_opacity="0.16")
        values = smooth(mean, log=log) if steps.size > 20 else mean
        stroke(paper, *at(*columns(steps, values, 200)), colour, stroke_width="2", stroke_dasharray="6 3" if check else None)
        x, y = _end(*at(steps, values), top)
        ends.append([y, f"{label} {number(float(f'{mean[-1]:.4g}'))}", colour, x])
    apart(ends, bottom)
    for y, text, colour, x in ends:
        paper.text(min(x, RIGHT) + 8, y + 4, text if len(text) < 24 else "…" + text[-22:], 11, colour)
    height = bottom + 30
    said = escape(clean(f"{title}: " + "; ".join(f"{label} ends at {number(float(f'{data[1][-1]:.4g}'))}" for label, _, data in lines)))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img" '
            f'aria-label="{said}"><rect width="{WIDTH}" height="{height}" fill="{WHITE}"/>{"".join(paper.parts)}</svg>')
