"""A tensor as a still picture: a heat map with its numbers where they fit, images as images, many slices as a grid."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..record.text import number
from .svg import GRAD, INK, LINE, PANEL, SOFT, _n, _text, text_width

__all__ = ["heat_svg", "is_image", "slices_of"]

ROWS, COLUMNS, TILES = 40, 64, 12
LEVELS = 24
NEG, ZERO, POS = (33, 102, 172), (247, 247, 247), (178, 24, 43)
DARK = (28, 35, 48)


@dataclass(frozen=True)
class Tile:
    """One matrix to draw; `step` is which every how many rows and columns are shown."""

    values: np.ndarray  # (rows, columns), or (rows, columns, 3) of 0..1
    title: str = ""
    step: tuple[int, int] = (1, 1)


def slices_of(array: np.ndarray) -> list[Tile]:
    """How an array of any rank is spread on paper: rows, a matrix, an image, or a grid of matrices."""
    if array.dtype.kind == "c":
        array = np.abs(array)
    elif array.dtype.kind == "V" or str(array.dtype) == "bfloat16":
        array = array.astype(np.float32)
    if array.ndim == 0:
        return [Tile(array.reshape(1, 1))]
    if array.ndim == 1:
        return [_thinned(array.reshape(1, -1))]
    if array.ndim == 2:
        return [_thinned(array)]
    if is_image(array):
        return [_thinned(np.moveaxis(_unit(array), 0, -1))]
    if array.ndim == 4 and array.shape[1] == 3 and is_image(array[0] if len(array) else array):
        return [_thinned(np.moveaxis(_unit(one), 0, -1), f"[{i}]") for i, one in enumerate(array[:TILES])]
    flat = array.reshape(-1, *array.shape[-2:])
    lead = array.shape[:-2]
    return [_thinned(one, "[" + ", ".join(map(str, np.unravel_index(i, lead))) + "]") for i, one in enumerate(flat[:TILES])]


def is_image(array) -> bool:
    """Three channels first, at least 8 x 8, in 0..1 or bytes."""
    if array.ndim != 3 or array.shape[0] != 3 or min(array.shape[1:]) < 8:
        return False
    return array.dtype == np.uint8 or (array.dtype.kind == "f" and bool(np.isfinite(array).all()) and float(array.min()) >= 0 and float(array.max()) <= 1)


def _unit(array):
    return array / 255 if array.dtype == np.uint8 else array


def _thinned(matrix, title="") -> Tile:
    rows, columns = max(1, math.ceil(matrix.shape[0] / ROWS)), max(1, math.ceil(matrix.shape[1] / COLUMNS))
    return Tile(np.asarray(matrix[::rows, ::columns]), title, (rows, columns))


def heat_svg(array: np.ndarray, title: str, facts: str) -> str:
    """The picture of `array` with its title, facts and statistics; the same array gives the same bytes."""
    if array.size == 0:
        return _page([_text(12, 58, "Empty: there is no number in it.", 12.5, SOFT)], title, facts, 300, 76, "empty tensor")
    tiles = slices_of(array)
    plain = np.abs(array) if array.dtype.kind == "c" else array
    low, high, stats = _statistics(plain)
    bound = max(abs(low), abs(high)) or 1.0
    signed = low < 0
    parts: list[str] = []
    x = y = 12.0
    y += 34
    right, bottom = 0.0, 0.0
    for tile in tiles:
        body, w, h = _tile(tile, low, high, bound, signed, len(tiles) <= 3)
        top = 16 if tile.title else 0
        if tile.title:
            w = max(w, text_width(tile.title, 11, mono=True))
        if x + w > 860 and x > 12:
            x, y = 12.0, bottom + 14
        if tile.title:
            parts.append(_text(x, y + 11, tile.title, 11, SOFT, mono=True))
        parts.append(f'<g transform="translate({_n(x)},{_n(y + top)})">{body}</g>')
        right, bottom = max(right, x + w), max(bottom, y + top + h)
        x += w + 14
    count = int(np.prod(array.shape[:-2])) if array.ndim > 2 and not is_image(array) else len(tiles)
    notes = []
    if count > len(tiles):
        notes.append(f"{len(tiles)} of {count} slices")
    if max(tiles[0].step) > 1:
        notes.append(f"every {_nth(tiles[0].step[0])} row, every {_nth(tiles[0].step[1])} column" if min(tiles[0].step) > 1 else
                     f"every {_nth(max(tiles[0].step))} {'row' if tiles[0].step[0] > 1 else 'column'}")
    if array.dtype.kind == "c":
        notes.append("magnitudes")
    bottom += 8
    line = " · ".join([*stats, *notes])
    parts.append(_text(12, bottom + 14, line, 12, INK, mono=True))
    width = max(right + 12, 24 + text_width(title, 13, bold=True) + text_width(facts, 12.5) + 12, 24 + text_width(line, 12, mono=True))
    return _page(parts, title, facts, width, bottom + 26, line)


def _nth(n: int) -> str:
    return f"{n}th" if n > 3 else ("", "", "second", "third")[n]


def _statistics(array):
    numbers = array.astype(np.float64).ravel()
    finite = numbers[np.isfinite(numbers)]
    if array.dtype.kind == "b":
        return 0.0, 1.0, [f"{int(array.sum())} True of {array.size}"]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    stats = [f"{number(low)} … {number(high)}", f"mean {number(float(finite.mean()))}"] if finite.size else []
    zeros, nans, infs = int((numbers == 0).sum()), int(np.isnan(numbers).sum()), int(np.isinf(numbers).sum())
    if zeros:
        stats.append(f"zeros {100 * zeros / numbers.size:.0f} %")
    if nans:
        stats.append(f"NaN {nans}")
    if infs:
        stats.append(f"infinite {infs}")
    return low, high, stats


def _tile(tile: Tile, low, high, bound, signed, with_numbers) -> tuple[str, float, float]:
    values = tile.values
    rows, columns = values.shape[:2]
    texts = with_numbers and values.ndim == 2 and rows <= 12 and columns <= 10 and tile.step == (1, 1)
    labels = [[_cell_text(v) for v in row] for row in values] if texts else []
    if texts:
        w = max(40, 14 + max(7.3 * len(t) for row in labels for t in row))
        h = 24
    else:
        w = h = max(4.0, min(22.0, 380 / columns, 240 / rows)) if with_numbers else max(3.0, min(16.0, 150 / columns, 120 / rows))
    groups: dict[str, list[str]] = {}
    bad, written = [], []
    for i in range(rows):
        for j in range(columns):
            value = values[i, j]
            square = f"M{_n(j * w)},{_n(i * h)}h{_n(w - (1 if w > 8 else 0))}v{_n(h - (1 if h > 8 else 0))}H{_n(j * w)}z"
            if values.ndim == 3:
                color = _hex([round(255 * round(float(c) * 31) / 31) for c in value])
            elif isinstance(value, (np.bool_, bool)):
                color = _hex(DARK if value else (233, 236, 240))
            elif not np.isfinite(float(value)):
                if not texts:
                    bad.append(square + f"M{_n(j * w)},{_n(i * h)}l{_n(w)},{_n(h)}M{_n(j * w + w)},{_n(i * h)}l{_n(-w)},{_n(h)}")
                color = "#f3b7b2"
            else:
                color = _color(float(value), low, high, bound, signed)
            groups.setdefault(color, []).append(square)
            if texts:
                light = _is_dark(color)
                written.append(_text(j * w + (w - 1) / 2, i * h + 16, labels[i][j], 12, "#ffffff" if light else INK, mono=True, anchor="middle"))
    body = [f'<path fill="{color}" d="{"".join(squares)}"/>' for color, squares in groups.items()]
    if bad:
        body.append(f'<path fill="none" stroke="{GRAD}" stroke-width="1" d="{"".join(bad)}"/>')
    return "".join(body + written), columns * w, rows * h


def _cell_text(value) -> str:
    if isinstance(value, (np.bool_, bool)):
        return "True" if value else "False"
    return number(float(value)) if value.dtype.kind == "f" or value.dtype.kind == "V" else str(value)


def _color(value, low, high, bound, signed) -> str:
    if signed:
        t = round(min(1.0, abs(value) / bound) * LEVELS / 2) / (LEVELS / 2)
        end = POS if value > 0 else NEG
    else:
        t = round((value - low) / (high - low) * LEVELS) / LEVELS if high > low else 0.5
        t, end = 0.03 + 0.9 * t, DARK
    return _hex([round(z + (e - z) * t) for z, e in zip(ZERO, end)])


def _hex(rgb) -> str:
    return "#" + "".join(f"{int(min(255, max(0, c))):02x}" for c in rgb)


def _is_dark(color: str) -> bool:
    r, g, b = (int(color[i:i + 2], 16) for i in (1, 3, 5))
    return 0.299 * r + 0.587 * g + 0.114 * b < 140


def _page(parts, title, facts, width, height, line) -> str:
    from xml.sax.saxutils import escape, quoteattr

    from ..record.text import clean
    from .svg import SANS

    width, height = math.ceil(max(width, 240)), math.ceil(height)
    head = [f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8" fill="{PANEL}" stroke="{LINE}"/>',
            _text(12, 24, title, 13, INK, bold=True), _text(12 + text_width(title, 13, bold=True) + (10 if title else 0), 24, facts, 12.5, SOFT)]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" font-family={quoteattr(SANS)}>\n'
            f"<title>{escape(clean(f'{title} {facts}'.strip()))}</title>\n<desc>{escape(clean(line))}</desc>\n" + "\n".join(head + parts) + "\n</svg>\n")
