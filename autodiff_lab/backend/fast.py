"""What NumPy does slowly, done by other NumPy functions: choosing, clamping, and functions that have no vector code.

Where a CPU has no AVX-512, NumPy computes `where`, `maximum` with a number, erf, log1p and expm1 one element
at a time: 5 to 30 times slower than adding two arrays. Each function here gives the same numbers (float32 to a
few units in the last place) by steps that do have vector code, over blocks that stay in the cache. Small arrays,
other types and CuPy take the plain way.
"""

from __future__ import annotations

import math
import threading

import numpy as np

from . import namespace, special

__all__ = ["at_least", "at_most", "between", "erf", "expm1", "log1p_exp", "normal_share", "row_largest", "row_sums", "select", "total"]

LARGE = 4096  # below, calls cost more than elements
BLOCK = 32768

BITS = {np.dtype(np.float32): np.dtype(np.int32), np.dtype(np.float64): np.dtype(np.int64), np.dtype(np.int64): np.dtype(np.int64), np.dtype(np.int32): np.dtype(np.int32)}
FLOAT32 = np.dtype(np.float32)

clip = np._core.umath.clip if hasattr(np, "_core") and hasattr(np._core.umath, "clip") else np.clip


def is_large(array) -> bool:
    """True for NumPy arrays for which the detour pays."""
    return isinstance(array, np.ndarray) and array.size >= LARGE


# ---- choosing and clamping ----

def select(condition, a, b):
    """`where` of one type: a mask of all bits where the condition holds, instead of a jump per element."""
    if not is_large(condition):
        return np.where(condition, a, b) if isinstance(condition, (np.ndarray, np.generic)) else namespace(condition).where(condition, a, b)
    bits = BITS.get(getattr(a, "dtype", None) or getattr(b, "dtype", None))
    if bits is None or condition.dtype != bool:
        return np.where(condition, a, b)
    kind = a.dtype if hasattr(a, "dtype") else b.dtype
    if hasattr(b, "dtype") and b.dtype != kind or not all(_same_shape(v, condition) for v in (a, b)):
        return np.where(condition, a, b)
    mask = condition.view(np.int8).astype(bits)
    np.negative(mask, out=mask)
    a_bits, b_bits = (np.ascontiguousarray(v, kind).view(bits) if getattr(v, "ndim", 0) else kind.type(v).view(bits) for v in (a, b))
    if not getattr(b, "ndim", 0) and not b_bits:
        mask &= a_bits
        return mask.view(kind).reshape(condition.shape)
    mask &= a_bits ^ b_bits
    mask ^= b_bits
    return mask.view(kind)


def _same_shape(value, condition) -> bool:
    return not getattr(value, "ndim", 0) or value.shape == condition.shape and isinstance(value, np.ndarray)


def at_least(array, low):
    """`maximum` with a number."""
    return clip(array, low, np.inf) if is_large(array) and array.dtype.kind == "f" else namespace(array).maximum(array, low)


def at_most(array, high):
    """`minimum` with a number."""
    return clip(array, -np.inf, high) if is_large(array) and array.dtype.kind == "f" else namespace(array).minimum(array, high)


def between(array, low, high):
    """At least `low` and at most `high`, both numbers; `high` wins if they cross."""
    if is_large(array) and array.dtype.kind == "f":
        return clip(array, low, high)
    xp = namespace(array)
    return xp.minimum(xp.maximum(array, low), high)


# ---- reductions ----

def _has_rows(x) -> bool:
    """True if a reduction of the last axis is over many rows that lie in memory one after the other."""
    return x.__class__ is np.ndarray and x.size >= 1024 and x.dtype.kind == "f" and x.dtype.itemsize >= 4 and x.ndim > 1 and x.shape[-1] > 1 and x.flags.c_contiguous


def row_largest(x):
    """The largest number of each row (the last axis), which stays as an axis of size 1. NumPy finds its place much faster than it."""
    if not _has_rows(x):
        return namespace(x).maximum.reduce(x, axis=-1, keepdims=True)
    rows = x.reshape(-1, x.shape[-1])
    places = rows.argmax(1)
    places += np.arange(0, x.size, x.shape[-1])
    return x.reshape(-1).take(places).reshape(*x.shape[:-1], 1)


def row_sums(x):
    """The sum of each row (the last axis), which stays as an axis of size 1: a product with ones, which BLAS does in one pass."""
    if not _has_rows(x):
        return namespace(x).add.reduce(x, axis=-1, keepdims=True)
    return np.matmul(x.reshape(-1, x.shape[-1]), np.ones((x.shape[-1], 1), x.dtype)).reshape(*x.shape[:-1], 1)


def total(x):
    """The sum of all numbers of a large contiguous array: sums of short rows by BLAS, added pairwise."""
    if not is_large(x) or x.dtype.kind != "f" or x.dtype.itemsize < 4 or not x.flags.c_contiguous:
        return namespace(x).add.reduce(x, axis=None)
    flat = x.reshape(-1)
    whole = flat.size // 128 * 128
    found = np.add.reduce(np.matmul(flat[:whole].reshape(-1, 128), np.ones(128, x.dtype)))
    return found if whole == flat.size else found + np.add.reduce(flat[whole:])


# ---- functions, by polynomials ----

class Scratch(threading.local):
    """Block-sized buffers, one set a thread."""

    def __init__(self):
        self.buffers = [np.empty(BLOCK, np.float32) for _ in range(3)]


scratch = Scratch()


def by_blocks(step, x):
    """A float32 array of the results of `step(block, out, buffers)` over blocks of `x`."""
    flat = np.ascontiguousarray(x).reshape(-1)
    out = np.empty_like(flat)
    for start in range(0, flat.size, BLOCK):
        block = flat[start:start + BLOCK]
        step(block, out[start:start + BLOCK], [b[:block.size] for b in scratch.buffers])
    return out.reshape(x.shape)


def horner(coefficients, t, out):
    """The polynomial with these coefficients, highest first, at `t`."""
    np.multiply(t, coefficients[0], out=out)
    for c in coefficients[1:-1]:
        out += c
        out *= t
    out += coefficients[-1]


# erf(x) = tanh(x p(x^2)): a fit of artanh(erf(x)) / x in x^2 over [0, 4.3], where erf is 1 to the last digit.
ARTANH_OF_ERF = [1.418739940207035e-07, -5.668826257150159e-06, 8.763926915285005e-05, -0.000619789217710987, -0.00019182628529543666, 0.10276905417001414, 1.1283792744410586]


def _erf_step(x, out, buffers, end=4.3, coefficients=ARTANH_OF_ERF):
    held, square, _ = buffers
    clip(x, -end, end, out=held)
    np.multiply(held, held, out=square)
    horner(coefficients, square, out)
    out *= held
    np.tanh(out, out=out)


# The same for erf(x / sqrt(2)).
ARTANH_OF_NORMAL = [c * 0.5 ** (power + 0.5) for power, c in zip(range(6, -1, -1), ARTANH_OF_ERF, strict=True)]


def _normal_step(x, out, buffers):
    _erf_step(x, out, buffers, 6.1, ARTANH_OF_NORMAL)
    out += 1
    out *= 0.5


def normal_share(x):
    """How much of the standard normal distribution lies below x: (1 + erf(x / sqrt(2))) / 2."""
    if is_large(x) and x.dtype == FLOAT32:
        return by_blocks(_normal_step, x)
    found = erf(x * math.sqrt(0.5))
    if not found.ndim:
        return (found + 1) * 0.5
    found += 1
    found *= 0.5
    return found


def erf(x):
    """The error function; of large float32 arrays to 2.5e-7."""
    if is_large(x) and x.dtype == FLOAT32:
        return by_blocks(_erf_step, x)
    found = special(x).erf(x)
    return found if found.dtype == x.dtype else found.astype(x.dtype)


# log(1 + u) = 2 artanh(u / (2 + u)): a fit of 2 artanh(s) / s in s^2 over [0, 1/9], relative error 4e-9.
ARTANH = [0.2817832602318407, 0.2796060472975176, 0.40024910144824194, 0.6666631468503632, 2.000000007920939]


def _log1p_exp_step(x, out, buffers):
    u, ratio, square = buffers
    np.absolute(x, out=u)
    np.negative(u, out=u)
    np.exp(u, out=u)
    np.add(u, 2, out=ratio)
    np.divide(u, ratio, out=ratio)
    np.multiply(ratio, ratio, out=square)
    horner(ARTANH, square, out)
    out *= ratio


def log1p_exp(x):
    """log(1 + e^-|x|), which is what softplus, logsigmoid and the losses of logits add to a straight line."""
    if is_large(x) and x.dtype == FLOAT32:
        return by_blocks(_log1p_exp_step, x)
    xp = namespace(x)
    return xp.log1p(xp.exp(-xp.absolute(x)))


# A fit of (e^x - 1) / x over [-0.7, 0], relative error 1e-8.
EXPM1 = [0.0010301337794875588, 0.00806245647360814, 0.04156935334839939, 0.16665059730530002, 0.49999901597229585, 0.9999999900698163]


def _expm1_step(x, out, buffers):
    near, far, _ = buffers
    clip(x, -0.7, 0, out=near)
    horner(EXPM1, near, out)
    out *= near
    np.exp(x, out=far)
    far -= 1
    np.copyto(out, select(x < -0.7, far, out))


def expm1(x):
    """e^x - 1 for x up to 0."""
    if is_large(x) and x.dtype == FLOAT32:
        return by_blocks(_expm1_step, x)
    return namespace(x).expm1(x)
