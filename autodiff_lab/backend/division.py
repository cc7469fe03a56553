"""Whole quotients of float32 and what they leave, in float64: NumPy's loops for them call C's fmod for every number, at 10 times the time."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["rest", "whole_quotient"]

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
MANY = 128  # below, the checks cost more than they save


def _floors(input, other):
    """`input` and `other` in float64 and the floor of their quotient; None where that might not be exact.

    Two float32 whose quotient is below 2**22 and no whole number are further from the next one than float64 rounds by,
    and the product of a whole number below 2**22 with a float32 has at most 46 digits. So floor and rest are exact.
    """
    if input.__class__ is not np.ndarray or input.dtype != FLOAT32 or input.size < MANY:
        return None
    if other.__class__ is float or other.__class__ is int:
        if not math.isfinite(other):
            return None
        other = float(np.float32(other))
    elif other.__class__ is np.ndarray and other.dtype == FLOAT32 and np.isfinite(other).all():
        other = other.astype(FLOAT64)
    else:
        return None
    wide = input.astype(FLOAT64)
    floors = wide / other
    np.floor(floors, out=floors)
    # NaN and infinities fail these comparisons.
    if floors.size and not (np.maximum.reduce(floors, None) < 2 ** 22 and np.minimum.reduce(floors, None) > -2 ** 22):
        return None
    return wide, other, floors


def whole_quotient(input, other):
    """floor(input / other) of large float32 arrays of ordinary numbers; None for others."""
    found = _floors(input, other)
    return None if found is None else found[2].astype(FLOAT32)


def rest(input, other):
    """input - other * floor(input / other) of large float32 arrays of ordinary numbers; None for others."""
    found = _floors(input, other)
    if found is None:
        return None
    wide, other, floors = found
    np.multiply(floors, other, out=floors)
    np.subtract(wide, floors, out=floors)
    return floors.astype(FLOAT32)
