"""The small data sets that ship with the library, and generators of others. Nothing is downloaded.

Where the files come from, and under which licence, stands beside them in `data/README.md`.
"""

from __future__ import annotations

from .files import load_digits, load_names, load_verse
from .made import make_moons, make_sine, make_spirals, make_xor, sine_mixtures, two_digit_sums

__all__ = [
    "load_digits", "load_names", "load_verse", "make_moons", "make_sine", "make_spirals", "make_xor", "sine_mixtures", "two_digit_sums",
]
