"""The few functions that update rules need besides arithmetic, for arrays and for tensors alike."""

from __future__ import annotations

from ..backend import namespace
from ..core.tensor import Tensor

__all__ = ["absolute", "clip", "maximum", "sign", "sqrt", "where"]


def sqrt(x):
    """Square root of every element."""
    return x.sqrt() if isinstance(x, Tensor) else namespace(x).sqrt(x)


def absolute(x):
    """Absolute value of every element."""
    return abs(x)


def sign(x):
    """-1, 0 or 1."""
    return x.sign() if isinstance(x, Tensor) else namespace(x).sign(x)


def maximum(x, y):
    """The larger of each pair."""
    return x.maximum(y) if isinstance(x, Tensor) else namespace(x).maximum(x, y)


def clip(x, low, high):
    """Every element brought into [low, high]."""
    return x.clamp(low, high) if isinstance(x, Tensor) else namespace(x).clip(x, low, high)


def where(condition, x, y):
    """x where the condition holds, else y."""
    if isinstance(condition, Tensor):
        from ..core.op import public

        return public[""]["where"](condition, x, y)
    if isinstance(x, (int, float)):  # of the other's type: NumPy would make it float64
        x = y.dtype.type(x)
    return namespace(condition).where(condition, x, y)
