"""Numbers of an array for a picture: a scalar as it is, a small array in full, a large one in summary."""

from __future__ import annotations

import math
import weakref

import numpy as np

from .model import Value

__all__ = ["value_of"]

ITEMS, FEW, BINS, SAMPLE = 64, 4, 16, 1 << 18


def value_of(held, brief: bool = False) -> Value | None:
    """What is known of `held`: an array, a NumPy scalar, a Norm, a weak reference to an array, or None.

    Args:
        brief: of an array only the norm, how much of it is not finite, and its numbers if they are very few.
    """
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
    return _brief(np.asarray(array)) if brief else _summary(np.asarray(array))


def _scalar(array) -> Value:
    if array.dtype.kind == "c":
        number = complex(array)
        return Value(number=number.real, imag=number.imag)
    if array.dtype.kind == "b":
        return Value(number=float(array), text="True" if array else "False")
    number = float(array)
    return Value(number=number, nans=int(math.isnan(number)), infs=int(math.isinf(number)))


def _brief(array) -> Value:
    if array.size == 0:
        return Value(text="empty")
    flat = array.reshape(-1).astype(np.complex128 if array.dtype.kind == "c" else np.float64, copy=False)
    norm = _norm(flat)
    items = tuple(float(f"{v:.9g}") for v in flat.tolist()) if array.ndim == 1 and flat.size <= FEW and flat.dtype.kind == "f" else ()
    if math.isfinite(norm):
        return Value(norm=norm, items=items)
    return Value(norm=norm, nans=int(np.isnan(flat).sum()), infs=int(np.isinf(flat).sum()), items=items)


def _norm(numbers) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return _short(math.sqrt(abs(np.vdot(numbers, numbers))))


def _short(number: float) -> float:
    """Seven digits: what is only ever read needs no more, and large graphs travel faster."""
    return float(f"{number:.7g}")


def _summary(array) -> Value:
    if array.size == 0:
        return Value(text="empty")
    flat = array.reshape(-1)
    if flat.dtype.kind == "c":
        return Value(norm=_norm(flat), nans=int(np.isnan(flat).sum()), zeros=int((flat == 0).sum()))
    numbers = flat.astype(np.float64)
    finite = np.isfinite(numbers)
    nans, infs = int(np.isnan(numbers).sum()), int(np.isinf(numbers).sum())
    good = numbers if not nans and not infs else numbers[finite]
    items = tuple(numbers.tolist() if array.dtype.itemsize > 4 else (float(f"{v:.9g}") for v in numbers.tolist())) if array.size <= ITEMS else ()
    if good.size == 0:
        return Value(nans=nans, infs=infs, norm=math.nan, items=items)
    low, high = float(good.min()), float(good.max())
    bins: tuple[int, ...] = ()
    if array.size >= 8 and high > low and np.isfinite(high - low):
        sample = good if good.size <= SAMPLE else good[:: good.size // SAMPLE]
        bins = tuple(np.bincount(np.minimum((sample - low) * (BINS / (high - low)), BINS - 1).astype(np.intp), minlength=BINS).tolist())
    return Value(low=_short(low), high=_short(high), mean=_short(float(good.mean())), norm=_norm(numbers), zeros=int((good == 0).sum()), nans=nans, infs=infs, items=items, bins=bins)
