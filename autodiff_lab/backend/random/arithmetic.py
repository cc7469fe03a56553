"""Arithmetic that PyTorch's compiled kernels have and NumPy has not: fused multiply-add, and the C library's functions.

Both decide last bits. A fused multiply-add rounds once, where NumPy's product and sum round twice; and on
processors with AVX-512 NumPy's own logarithm differs from the C library's in some last bits.
"""

from __future__ import annotations

import functools
import math

import numpy as np

__all__ = ["fma", "fma_number", "libm"]


def fma_number(a: float, b: float, c: float) -> float:
    """a * b + c of three finite floats, rounded once."""
    if c == 0.0:
        return a * b + c
    (an, ad), (bn, bd), (cn, cd) = a.as_integer_ratio(), b.as_integer_ratio(), c.as_integer_ratio()
    return (an * bn * cd + cn * ad * bd) / (ad * bd * cd)  # Python divides integers with one correct rounding


def fma(a, b: float, c: float):
    """a * b + c for an array `a` of float64, rounded once (Boldo and Melquiond, 2008, Emulation of FMA)."""
    if c == 0.0:
        return a * b + c
    high, low = _product(a, b)
    first, first_rest = _sum(c, low)
    top, top_rest = _sum(high, first)
    # Rounding the small part to odd keeps the last addition from rounding a second time the wrong way.
    small, error = _sum(first_rest, top_rest)
    bits = small.view(np.int64)
    inexact_and_even = (error != 0) & ((bits & 1) == 0)
    outwards = (error > 0) == (small > 0)
    bits += np.where(inexact_and_even, np.where(outwards, 1, -1), 0)
    return top + small


def _sum(a, b):
    """The rounded sum and what rounding lost, together exactly a + b (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _product(a, b):
    """The rounded product and what rounding lost, together exactly a * b (Dekker)."""
    product = a * b
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _halves(x):
    big = x * 134217729.0  # 2**27 + 1
    high = big - (big - x)
    return high, x - high


@functools.cache
def libm(name: str):
    """The function `name` of the C library for arrays of float64, bit for bit.

    It is NumPy's, or else SciPy's, where those give the same numbers on this machine; else the math module's one by
    one, which takes from five to fifty times as long.
    """
    vector, scalar = getattr(np, name), getattr(math, name)
    probes = np.random.RandomState(1).random_sample(8192) * (-1.0 if name == "log1p" else 1.0)
    wanted = [scalar(x) for x in probes.tolist()]
    if vector(probes).tolist() == wanted:
        return vector
    scipys = _scipys(name)
    if scipys and scipys(probes).tolist() == wanted:
        return scipys

    def one_by_one(x):
        with_edges = vector(x)  # keeps NumPy's infinities where math raises
        inside = np.isfinite(with_edges)
        with_edges[inside] = [scalar(value) for value in x[inside].tolist()]
        return with_edges

    return one_by_one


def _scipys(name):
    """A function of SciPy in which the C library's `name` is all that is left, for those that have one."""
    from scipy import special

    return {"log": functools.partial(special.xlogy, 1.0), "log1p": lambda x: special.boxcox1p(x, 0.0),
            "exp": lambda x: special.inv_boxcox(x, 0.0)}.get(name)
