"""Text from a learner's program, made safe to show: names and sources are cleaned once, where they enter a snapshot."""

from __future__ import annotations

import math
import re

__all__ = ["clean", "number", "one_line", "shape_text"]

# Not allowed in XML, or invisible: control characters but tab and newline, surrogates, U+FFFE and U+FFFF, direction marks.
_BAD = re.compile("[\x00-\x08\x0b\x0c\x0d\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """`text` with every character that breaks a document replaced by U+FFFD."""
    return _BAD.sub("�", text)


def one_line(text: str, most: int = 60) -> str:
    """`text` on one line, shortened in the middle to `most` characters."""
    text = " ".join(clean(text).split())
    if len(text) <= most:
        return text
    tail = most // 3
    return text[: most - tail - 1] + "…" + text[-tail:]


def number(value: float | None) -> str:
    """Four significant digits, as short as possible: 0.25, 1.333, 2.1e-4, 12400.

    >>> number(0.00021), number(10.0), number(1 / 3)
    ('2.1e-4', '10', '0.3333')
    """
    if value is None:
        return ""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    size = abs(value)
    if size >= 1e6 or size < 1e-3:
        digits, exponent = f"{value:.3e}".split("e")
        return f"{digits.rstrip('0').rstrip('.')}e{int(exponent)}"
    places = 6 if size >= 1e4 else 4
    text = f"{float(f'{value:.{places - 1}e}'):.10f}"
    return text.rstrip("0").rstrip(".")


def shape_text(shape: tuple[int, ...] | None) -> str:
    """12×64×64; a scalar is "scalar", several outputs are "several"."""
    if shape is None:
        return "several"
    return "×".join(map(str, shape)) if shape else "scalar"
