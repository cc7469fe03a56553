"""A snapshot as PNG, drawn by matplotlib from the same layout as the SVG: for places where SVG can't go."""

from __future__ import annotations

import io
from xml.etree import ElementTree

from ..record.model import GraphSnapshot
from .svg import svg

__all__ = ["png"]

SPACE = "{http://www.w3.org/2000/svg}"


def png(snapshot: GraphSnapshot, scale: float = 2.0) -> bytes:
    """The still picture of `snapshot`, `scale` pixels for each of the SVG's. The same snapshot gives the same bytes.

    Raises:
        RuntimeError: if matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise RuntimeError("A PNG is drawn by matplotlib: pip install matplotlib. lab.show(...).to_svg() needs nothing.") from None
    root = ElementTree.fromstring(svg(snapshot))
    _, _, width, height = map(float, root.get("viewBox").split())
    figure = Figure((width / 72, height / 72), dpi=72 * scale)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.axis("off")
    _draw(root, axes, 0.0, 0.0, [0])
    FigureCanvasAgg(figure)
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _draw(element, axes, dx: float, dy: float, order: list) -> None:
    from matplotlib.patches import FancyBboxPatch, PathPatch

    for child in element:
        tag, get = child.tag.removeprefix(SPACE), child.get
        order[0] += 1
        if tag == "g":
            x, y = map(float, (get("transform") or "translate(0,0)")[10:-1].split(","))
            _draw(child, axes, dx + x, dy + y, order)
        elif tag == "rect":
            w, h, r = float(get("width")), float(get("height")), float(get("rx") or 0)
            color = _color(get("fill"), get("fill-opacity"))
            axes.add_patch(FancyBboxPatch((dx + float(get("x") or 0) + r, dy + float(get("y") or 0) + r), max(0.1, w - 2 * r), max(0.1, h - 2 * r), boxstyle=f"round,pad={r}" if r else "square,pad=0",
                                          facecolor=color, edgecolor=_color(get("stroke"), get("stroke-opacity")), linewidth=float(get("stroke-width") or 1), zorder=order[0]))
        elif tag == "path":
            axes.add_patch(PathPatch(_path(get("d"), dx, dy), facecolor=_color(get("fill")), edgecolor=_color(get("stroke")), linewidth=float(get("stroke-width") or 0),
                                     linestyle=(0, (3, 3)) if get("stroke-dasharray") else "solid", zorder=order[0]))
        elif tag == "text":
            mono = "Mono" in (get("font-family") or "")
            axes.text(dx + float(get("x")), dy + float(get("y")), _plain(child.text or ""), fontsize=float(get("font-size")) * 0.97, color=get("fill"), ha="right" if get("text-anchor") == "end" else "center" if get("text-anchor") == "middle" else "left",
                      va="baseline", family="DejaVu Sans Mono" if mono else "DejaVu Sans", weight="bold" if get("font-weight") else "normal", zorder=order[0], parse_math=False)


def _plain(text: str) -> str:
    return text


def _color(fill, opacity=None):
    if fill in (None, "none"):
        return (0, 0, 0, 0)
    from matplotlib.colors import to_rgba
    return to_rgba(fill, float(opacity) if opacity else 1.0)


def _path(d: str, dx: float, dy: float):
    import re

    from matplotlib.path import Path

    points, codes, x, y = [], [], 0.0, 0.0
    for letter, numbers in re.findall(r"([MCLHVlvhz])([^MCLHVlvhz]*)", d):
        n = [float(v) for v in re.findall(r"-?\d+(?:\.\d+)?", numbers)]
        if letter == "z":
            points.append((x + dx, y + dy))
            codes.append(Path.CLOSEPOLY)
        elif letter == "C":
            for i in range(0, 6, 2):
                points.append((n[i] + dx, n[i + 1] + dy))
                codes.append(Path.CURVE4)
            x, y = n[4:]
        else:
            if letter in "ML":
                x, y = n[:2]
            elif letter == "l":
                x, y = x + n[0], y + n[1]
            elif letter in "Hh":
                x = n[0] if letter == "H" else x + n[0]
            elif letter in "Vv":
                y = n[0] if letter == "V" else y + n[0]
            points.append((x + dx, y + dy))
            codes.append(Path.MOVETO if letter == "M" else Path.LINETO)
    return Path(points, codes)
