"""Reading and adding at numbered places: NumPy is fast for flat arrays, and slow where an index has several dimensions."""

from __future__ import annotations

import numpy as np

from . import namespace

__all__ = ["add_cells", "add_places", "add_rows", "cells", "outside"]


def outside(index, size: int) -> bool:
    """True if a number of `index` is below 0 or not below `size`: seen without signs, both are too large, so one pass finds them."""
    if index.dtype == np.int64 and index.__class__ is np.ndarray:
        return bool(index.size and np.maximum.reduce(index.view(np.uint64), None) >= size)
    return bool(index.size and (index.min() < 0 or index.max() >= size))


def cells(index, dim: int, shape):
    """Where in an array of `shape` in C order the elements lie that `index` names along `dim`; `index` has as many dimensions."""
    if index.ndim == 1:
        return index
    steps = [1]
    for n in reversed(shape[1:]):
        steps.insert(0, steps[0] * n)
    found = index * np.int64(steps[dim])
    for d, n in enumerate(index.shape):
        if d != dim and n > 1:
            found += np.arange(0, n * steps[d], steps[d]).reshape(n, *(1,) * (index.ndim - 1 - d))
    return found


def add_places(whole, positions, values) -> None:
    """`whole[positions] += values` where positions that repeat add up; floating-point numbers of sixteen bits add up in float32 and are rounded once."""
    if whole.dtype.itemsize == 2 and whole.dtype.kind not in "iu":
        wide = whole.astype("float32")
        namespace(whole).add.at(wide, positions, values.astype("float32"))
        whole[...] = wide
    else:
        namespace(whole).add.at(whole, positions, values)


def add_cells(whole, positions, values) -> None:
    """Add `values` to an array in C order at flat positions, by NumPy's quick loop for one dimension and one type."""
    if not whole.flags.c_contiguous:
        raise ValueError("add_cells writes into the array itself, which must lie in C order.")  # of another, reshape would make a copy
    values = np.ascontiguousarray(values, whole.dtype).reshape(-1)
    add_places(whole.reshape(-1), np.ascontiguousarray(positions, np.int64).reshape(-1), values)


def add_rows(whole, positions, values) -> None:
    """`whole[positions[i]] += values[i]`, in that order; positions that repeat add up.

    It is a product with a sparse matrix of ones. SciPy's C function adds it to `whole` 30 times faster than ufunc.at;
    its classes take ten times as long to check the matrix.
    """
    if whole.__class__ is not np.ndarray or not whole.flags.c_contiguous or whole.dtype.char not in "fdil" or whole.ndim < 2 or not whole.size or not positions.size:
        add_places(whole, positions, values)
        return
    from scipy.sparse import _sparsetools

    rows, n = whole.shape[0], positions.size
    positions = np.ascontiguousarray(positions, np.int64)
    if outside(positions, rows):
        positions = np.where(positions < 0, positions + rows, positions)
        if outside(positions, rows):
            raise IndexError(f"a row to add to is out of bounds: there are {rows}.")
    values = np.ascontiguousarray(values, whole.dtype).reshape(-1)
    _sparsetools.csc_matvecs(rows, n, whole.size // rows, np.arange(n + 1), positions, np.ones(n, whole.dtype), values, whole.reshape(-1))
