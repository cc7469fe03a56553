"""Numbers of an array for a picture: a scalar as it is, a small array in full, a large one in summary."""

from __future__ import annotations

import math
import weakref

import numpy as np

from .model import Value

__all__ = ["value_of"]

ITEMS, BINS, SAMPLE = 64, 16, 1 << 18


def value_of(held) -> Value | None:
    """What is known of `held`: an array, a NumPy scalar, a Norm, a weak reference to an array, or None."""
    if isinstance(held, weakref.ref):
        held = held()
    if held is None:
        return None
    if isinstance(held, float) and not isinstance(held, np.generic):
        return None if math.isnan(held) else Value(norm=float(held))
    array = getattr(held, "_a", held)
    if not isinstance(array, np.generic):
        if not isinstance(array, np.ndarray):  # on a device
            array = array.get() if hasattr(array, "get") else np.asarray(array)
    if array.dtype.kind not in "fciub" and array.dtype.kind != "V":
        return None
    if array.ndim == 0:
        return _scalar(array)
    return _summary(np.asarray(array))


def _scalar(array) -> Value:
    if array.dtype.kind == "c":
        number = complex(array)
        return Value(number=number.real, imag=number.imag)
    if array.dtype.kind == "b":
        return Value(number=float(array), text="True" if array else "False")
    number = float(array)
    return Value(number=number, nans=int(math.isnan(number)), infs=int(math.isinf(number)))


def _summary(array) -> Value:
    if array.size == 0:
        return Value(text="empty")
    flat = array.reshape(-1)
    if flat.dtype.kind == "c":
        return Value(norm=float(np.linalg.norm(flat)), nans=int(np.isnan(flat).sum()), zeros=int((flat == 0).sum()))
    numbers = flat.astype(np.float64)
    finite = np.isfinite(numbers)
    nans, infs = int(np.isnan(numbers).sum()), int(np.isinf(numbers).sum())
    good = numbers if not nans and not infs else numbers[finite]
    items = tuple(float(v) for v in numbers) if array.size <= ITEMS else ()
    if good.size == 0:
        return Value(nans=nans, infs=infs, norm=math.nan, items=items)
    low, high = float(good.min()), float(good.max())
    bins: tuple[int, ...] = ()
    if array.size >= 8 and high > low and np.isfinite(high - low):
        sample = good if good.size <= SAMPLE else good[:: good.size // SAMPLE]
        bins = tuple(int(n) for n in np.histogram(sample, BINS, (low, high))[0])
    with np.errstate(over="ignore"):
        norm = float(np.sqrt(np.dot(numbers, numbers)))
    return Value(low=low, high=high, mean=float(good.mean()), norm=norm, zeros=int((good == 0).sum()), nans=nans, infs=infs, items=items, bins=bins)
