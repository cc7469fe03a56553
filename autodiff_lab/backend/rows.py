"""Work on the rows of matrices that NumPy does slowly: sums of products, and combining long rows with a column."""

from __future__ import annotations

import numpy as np

from . import namespace

__all__ = ["LONG", "ones", "row_dots", "whole_rows"]

LONG = 512  # numbers in a row from which on it is worth a loop of its own


KEPT = {kind: np.ones(1024, kind) for kind in map(np.dtype, "fd")}


def ones(n: int, like):
    """A row of `n` ones of the type of `like`, to add rows and columns up with by BLAS. Not to be written to: short ones are kept."""
    kept = KEPT.get(like.dtype) if n <= 1024 and like.__class__ is np.ndarray else None
    return namespace(like).ones(n, like.dtype) if kept is None else kept[:n]


class whole_rows:
    """Within it, NumPy goes through each row of `n` numbers by itself where it combines rows with a column or with one row.

    NumPy 2.3 and later copies rows that are shorter than its buffer, 8192 numbers, together first. For short rows that is
    good; for long ones it takes as long as the arithmetic, and with a smaller buffer it doesn't happen.
    """

    __slots__ = ("before", "n")

    def __init__(self, n: int):
        self.n = n

    def __enter__(self):
        self.before = np.setbufsize(LONG) if self.n >= LONG else None

    def __exit__(self, *_):
        if self.before is not None:
            np.setbufsize(self.before)


def row_dots(a, b, out=None):
    """For each row of two matrices the sum of their products, by BLAS."""
    xp = namespace(a)
    if xp is np and hasattr(np, "vecdot"):  # since NumPy 2
        return np.vecdot(a, b, out=out)
    return xp.matmul(a[:, None], b[:, :, None], out=None if out is None else out[:, None, None]).reshape(-1)
