"""Sizes that PyTorch's compiler keeps open. Here every size is known, so there are none: programs may ask, and compute with plain numbers."""

from __future__ import annotations

import math

__all__ = ["SymBool", "SymFloat", "SymInt", "sym_float", "sym_int", "sym_ite", "sym_max", "sym_min", "sym_not", "sym_sqrt", "sym_sum"]


class _Open:
    """A number that is not known yet. Nothing makes one here."""

    def __init__(self, node):
        raise NotImplementedError(f"{type(self).__name__} belongs to PyTorch's compiler: sizes are plain numbers here.")


class SymInt(_Open):
    """A whole number that is not known yet; `isinstance(size, SymInt)` is False for every size here."""


class SymFloat(_Open):
    """A number that is not known yet.

    >>> isinstance(1.5, SymFloat)
    False
    """


class SymBool(_Open):
    """A truth value that is not known yet."""


def sym_int(a) -> int:
    """`int(a)`."""
    return int(a)


def sym_float(a) -> float:
    """`float(a)`."""
    return float(a)


def sym_not(a) -> bool:
    """`not a`."""
    return not a


def sym_max(a, b):
    """The larger of two numbers; a float if one is, as in PyTorch.

    >>> sym_max(2, 1.5)
    2.0
    """
    return _either(max, a, b)


def sym_min(a, b):
    """The smaller of two numbers; a float if one is."""
    return _either(min, a, b)


def _either(choose, a, b):
    found = choose(a, b)
    return float(found) if isinstance(a, float) or isinstance(b, float) else found


def sym_sqrt(a) -> float:
    """`math.sqrt(a)`."""
    return math.sqrt(a)


def sym_ite(b, t, f):
    """`t if b else f`.

    Raises:
        AssertionError: unless `b` is a bool and the others are of one type.
    """
    assert isinstance(b, bool) and type(t) is type(f), "sym_ite needs a bool and two values of one type."
    return t if b else f


def sym_sum(args):
    """`sum(args)`."""
    return sum(args)
