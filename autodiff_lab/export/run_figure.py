"""A run as a matplotlib figure, for papers and PDFs: the same curves as in the dashboard."""

from __future__ import annotations

from ..record.smooth import smooth, wants_log
from .run_svg import CHECK, HUES, is_check

__all__ = ["figure"]


def figure(record, *, names=None, log: bool | None = None, smoothing: float = 0.6, size=(6.0, 3.4)):
    """Draw the curves of a run.

    Args:
        record: a `RunRecord`.
        names: which curves; default: losses and what was logged.
        log: logarithmic axis; default: where it shows the values better.
        smoothing: 0 for raw lines only.
        size: width and height in inches.

    Returns:
        matplotlib.figure.Figure: belongs to no window; `figure.savefig("curves.pdf")`.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError("figure() draws with matplotlib, which is not installed: pip install matplotlib.") from None

    import numpy as np

    shown = [record.series[name] for name in names] if names else [c for c in record.curves() if c.kind in ("step", "log")]
    if log is None:
        log = wants_log(np.concatenate([curve.points()[1] for curve in shown]) if shown else np.empty(0))
    drawing = Figure(figsize=size, layout="constrained")
    axes = drawing.add_subplot()
    hue = 0
    for curve in shown:
        steps, values = curve.points()
        check = is_check(curve.name)
        colour = CHECK if check else HUES[hue % len(HUES)]
        style = "--" if check else ("-", (0, (5, 2)), ":", "-.")[hue % 4]
        hue += not check
        if curve.kind == "step" and smoothing and steps.size > 20:
            axes.plot(steps, values, color=colour, alpha=0.3, linewidth=0.8)
            values = smooth(values, smoothing, log)
        axes.plot(steps, values, color=colour, linestyle=style, linewidth=1.6, label=curve.name,
                  marker="s" if check and steps.size <= 60 else None, markersize=4)
    if log:
        axes.set_yscale("log")
    axes.set_xlabel("step")
    axes.grid(True, axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if shown:
        axes.legend(frameon=False)
    return drawing
