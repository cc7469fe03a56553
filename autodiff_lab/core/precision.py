"""Numbers of sixteen bits: computed as float32 and rounded once at the end, as PyTorch does.

NumPy rounds float16 after every step, and does not know bfloat16: beside a Python number it becomes float32.
"""

from __future__ import annotations

import functools

import numpy as np

from .dtypes import dtype, of_name

__all__ = ["in_float32", "widened"]

FLOAT32 = np.dtype("float32")
SHORT = frozenset(of_name(name).numpy for name in ("float16", "bfloat16") if of_name(name) is not None)


def in_float32(kernel):
    """Decorate a kernel: if its first array is of sixteen-bit numbers, all come as float32, and its result goes back, if no dtype is asked for.

    Of several results only the first is rounded: the others are kept for rules, or are no such numbers.
    """
    @functools.wraps(kernel)
    def rounded_once(*args, **kwargs):
        found = args[0].dtype
        if found.itemsize != 2 or found not in SHORT or any(differs(value, found) for value in (*args, *kwargs.values())):
            return kernel(*args, **kwargs)
        result = kernel(*map(widened, args), **{name: widened(value) for name, value in kwargs.items()})
        if any(value.__class__ is dtype for value in (*args, *kwargs.values())):
            return result
        return (narrow(result[0], found), *result[1:]) if result.__class__ is tuple else narrow(result, found)
    return rounded_once


def differs(value, short) -> bool:
    """True for an array of other floating-point numbers: what to do with both is for the kernel to say."""
    kind = getattr(value, "dtype", None)
    return isinstance(kind, np.dtype) and kind != short and kind.kind in "fcV"


def widened(value):
    return value.astype(FLOAT32) if getattr(value, "dtype", None) in SHORT else value


def narrow(result, short):
    """A float32 result as sixteen-bit numbers; a wider one was asked for by a wider argument, and stays."""
    return result.astype(short) if result.dtype == FLOAT32 else result
