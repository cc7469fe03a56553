"""The order in memory of what is computed element by element, where the operands lie in different orders.

NumPy takes C order as soon as one operand lies in it; PyTorch asks the operands one after the other. A program sees it in
`stride()`, in whether `view` works, and in the random numbers of a dropout, which are drawn in the order of memory.
"""

from __future__ import annotations

import numpy as np

__all__ = ["laid_out"]


def laid_out(out: np.ndarray, operands: tuple) -> np.ndarray:
    """`out` with its elements in the order that PyTorch's TensorIterator gives the result of `operands`."""
    shape, n = out.shape, out.ndim
    strides = [_stretched(each, shape) for each in operands if each.__class__ is np.ndarray]
    order = list(range(n - 1, -1, -1))  # dimensions, the innermost in memory first
    for i in range(1, n):
        at = i
        for k in range(i - 1, -1, -1):
            which = _inner(order[k], order[at], strides, shape)
            if which > 0:
                order[k], order[at] = order[at], order[k]
                at = k
            elif which < 0:
                break
    inwards = order[::-1]
    if out.transpose(inwards).flags.c_contiguous:
        return out
    made = np.empty([shape[d] for d in inwards], out.dtype).transpose(np.argsort(inwards))
    made[...] = out
    return made


def _stretched(array: np.ndarray, shape: tuple) -> tuple:
    """The strides of `array` broadcast to `shape`: 0 where it is repeated."""
    missing = len(shape) - array.ndim
    return (*[0] * missing, *(0 if own == 1 != n else stride for own, n, stride in zip(array.shape, shape[missing:], array.strides)))


def _inner(first: int, second: int, strides: list[tuple], shape: tuple) -> int:
    """Below 0 if dimension `first` lies inside `second`, above 0 if outside, by the first operand that tells; 0 if none does."""
    for each in strides:
        a, b = each[first], each[second]
        if a and b and (a != b or shape[first] > shape[second]):
            return 1 if a > b or a == b else -1
    return 0
