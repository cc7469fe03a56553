"""What NumPy does slowly, done by other NumPy functions: choosing, clamping, and functions that have no vector code.

Where a CPU has no AVX-512, NumPy computes `where`, `maximum` with a number, erf, log1p and expm1 one element
at a time: 5 to 30 times slower than adding two arrays. Each function here gives the same numbers (float32 to a
few units in the last place) by steps that do have vector code, over blocks that stay in the cache. Small arrays,
other types and CuPy take the plain way.
"""

from __future__ import annotations

import math

import numpy as np

from . import namespace, special
from .rows import row_dots

__all__ = ["at_least", "at_most", "between", "concatenate", "erf", "expm1", "logistic", "log1p_exp", "normal_share", "product", "row_largest", "select", "squares", "sums", "total", "where"]

LARGE = 4096  # below, calls cost more than elements
BLOCK = 1 << 17  # with larger ones, what is worked on leaves the cache; with smaller ones, calls cost too much

BITS = {np.dtype(np.float32): np.dtype(np.int32), np.dtype(np.float64): np.dtype(np.int64), np.dtype(np.int64): np.dtype(np.int64), np.dtype(np.int32): np.dtype(np.int32)}
FLOAT32 = np.dtype(np.float32)

# The C functions behind NumPy's: asking every argument for another library's version takes longer than a small array.
_c = getattr(getattr(np, "_core", None), "_multiarray_umath", None)
where, concatenate, clip = getattr(_c, "where", np.where), getattr(_c, "concatenate", np.concatenate), getattr(_c, "clip", np.clip)


def is_large(array) -> bool:
    """True for NumPy arrays for which the detour pays."""
    return isinstance(array, np.ndarray) and array.size >= LARGE


# ---- choosing and clamping ----

def select(condition, a, b):
    """`where` of one type: a mask of all bits where the condition holds, instead of a jump per element."""
    if not is_large(condition):
        if condition.__class__ is np.ndarray and condition.size > 1 and (is_large(a) or is_large(b)):
            return _select_broadcast(condition, a, b)
        return where(condition, a, b) if isinstance(condition, (np.ndarray, np.generic)) else namespace(condition).where(condition, a, b)
    bits = BITS.get(getattr(a, "dtype", None) or getattr(b, "dtype", None))
    if bits is None or condition.dtype != bool:
        return np.where(condition, a, b)
    kind = a.dtype if hasattr(a, "dtype") else b.dtype
    if hasattr(b, "dtype") and b.dtype != kind:
        return np.where(condition, a, b)
    if not all(_same_shape(v, condition) for v in (a, b)):
        return _select_broadcast(condition, a, b)
    if not condition.flags.c_contiguous and condition.flags.f_contiguous:
        return select(condition.T, *(v.T if getattr(v, "ndim", 0) else v for v in (a, b))).T
    mask = np.negative(condition.view(np.int8)).astype(bits)
    a_bits, b_bits = (np.ascontiguousarray(v, kind).view(bits) if getattr(v, "ndim", 0) else kind.type(v).view(bits) for v in (a, b))
    if not getattr(b, "ndim", 0) and not b_bits:
        mask &= a_bits
        return mask.view(kind).reshape(condition.shape)
    mask &= a_bits ^ b_bits
    mask ^= b_bits
    return mask.view(kind)


def _select_broadcast(condition, a, b):
    """The same for a mask that is stretched over an array, as that of an attention, and a number."""
    whole, number, keep = (b, a, False) if getattr(b, "ndim", 0) else (a, b, True)
    bits = BITS.get(whole.dtype)
    if bits is None or condition.dtype != bool or whole.__class__ is not np.ndarray or not whole.flags.c_contiguous or getattr(number, "ndim", 0) or np.broadcast_shapes(condition.shape, whole.shape) != whole.shape:
        return np.where(condition, a, b)
    mask = np.negative((condition if keep else ~condition).view(np.int8)).astype(bits)  # all bits where the array stays
    found = whole.view(bits) & mask
    other = whole.dtype.type(number).view(bits)
    if other:
        found |= ~mask & other
    return found.view(whole.dtype)


def _same_shape(value, condition) -> bool:
    return not getattr(value, "ndim", 0) or value.shape == condition.shape and isinstance(value, np.ndarray)


def at_least(array, low):
    """`maximum` with a number."""
    if array.__class__ is np.ndarray:
        return np.maximum(array, low) if array.size < LARGE or array.dtype.kind != "f" else clip(array, low, np.inf)
    return namespace(array).maximum(array, low)


def at_most(array, high):
    """`minimum` with a number."""
    if array.__class__ is np.ndarray:
        return np.minimum(array, high) if array.size < LARGE or array.dtype.kind != "f" else clip(array, -np.inf, high)
    return namespace(array).minimum(array, high)


def between(array, low, high):
    """At least `low` and at most `high`, both numbers; `high` wins if they cross."""
    if is_large(array) and array.dtype.kind == "f":
        return clip(array, low, high)
    xp = namespace(array)
    return xp.minimum(xp.maximum(array, low), high)


# ---- reductions ----

def _has_rows(x) -> bool:
    """True if a reduction of the last axis is over many rows that lie in memory one after the other."""
    return x.__class__ is np.ndarray and x.size >= 512 and x.dtype.kind == "f" and x.dtype.itemsize >= 4 and x.ndim > 1 and x.shape[-1] > 1 and x.flags.c_contiguous


NARROW = 32  # numbers in a row up to which they are turned into columns: NumPy compares whole rows, but not within short ones


def row_largest(x):
    """The largest number of each row (the last axis), which stays as an axis of size 1. NumPy finds its place much faster than it."""
    if not _has_rows(x):
        return namespace(x).maximum.reduce(x, axis=-1, keepdims=True)
    rows = x.reshape(-1, x.shape[-1])
    if x.shape[-1] <= NARROW:
        return np.maximum.reduce(np.ascontiguousarray(rows.T), 0).reshape(*x.shape[:-1], 1)
    places = rows.argmax(1)
    places += np.arange(0, x.size, x.shape[-1])
    return x.reshape(-1).take(places).reshape(*x.shape[:-1], 1)


ROW = 1024
ROW_OF_ONES = {kind: np.ones(ROW, kind) for kind in map(np.dtype, "fd")}


def blas_sums(x, axis: int, keepdim: bool = False):
    """The sum along one axis of an array without gaps: a product with ones, which BLAS does in one pass, 2 to 30 times as fast
    as NumPy adds. None for what BLAS cannot take.

    Very many rows are added up in parts, which rounds less.
    """
    if x.__class__ is not np.ndarray or x.dtype not in ROW_OF_ONES or x.ndim < 2 or not x.size:
        return None
    if not x.flags.c_contiguous:
        if x.ndim > 2 or not x.flags.f_contiguous:
            return None
        found = blas_sums(x.T, -1 - axis if axis < 0 else 1 - axis)
    else:
        n = x.shape[axis]
        ones = ROW_OF_ONES[x.dtype][:n] if n <= ROW else np.ones(n, x.dtype)
        if axis in (-1, x.ndim - 1):
            found = (x if x.ndim == 2 else x.reshape(-1, n)).dot(ones)
        elif axis in (0, -x.ndim):
            found = _column_sums(x if x.ndim == 2 else x.reshape(n, -1), ones)
        else:
            axis %= x.ndim
            found = np.matmul(ones, x.reshape(math.prod(x.shape[:axis]), n, -1))
    return found if x.ndim == 2 and not keepdim else found.reshape(without(x.shape, axis, keepdim))


def _column_sums(x, ones):
    n, columns = x.shape
    if n < 4 * ROW:
        return ones[:n].dot(x)
    side_by_side = max(256 // columns, 1)  # short rows taken as one long one: BLAS is slow with few columns
    each = ROW if side_by_side == 1 else side_by_side
    whole = n - n % each
    if side_by_side == 1:
        parts = np.matmul(ROW_OF_ONES[x.dtype], x[:whole].reshape(-1, each, columns))
    else:
        parts = _column_sums(x[:whole].reshape(-1, each * columns), ones).reshape(each, columns)
    return ones[:len(parts)].dot(parts) + ones[whole:n].dot(x[whole:])  # ones may be longer than x, which may be a row of rows


def sums(x, axis: int, keepdim: bool = False):
    """The sum along one axis, the quickest way."""
    found = blas_sums(x, axis, keepdim)
    return namespace(x).add.reduce(x, axis=axis, dtype=x.dtype, keepdims=keepdim) if found is None else found


def without(shape: tuple, axis: int | None, keepdim: bool) -> tuple:
    """The shape after a reduction along `axis`, or over everything."""
    kept = (1,) if keepdim else ()
    return kept * len(shape) if axis is None else (*shape[:axis], *kept, *shape[axis % len(shape) + 1:])


def total(x):
    """The sum of all numbers of a large array without gaps: sums of rows by BLAS, added up."""
    if x.__class__ is np.ndarray and x.size < LARGE:
        return np.add.reduce(x, None)
    if not is_large(x) or x.dtype not in ROW_OF_ONES or not x.flags.forc:
        return namespace(x).add.reduce(x, axis=None)
    flat, ones = x.ravel("K"), ROW_OF_ONES[x.dtype]
    rows = flat.size // ROW
    parts = flat[:rows * ROW].reshape(rows, ROW).dot(ones)
    found = parts.dot(ones[:rows]) if rows <= ROW else np.add.reduce(parts)
    rest = flat[rows * ROW:]
    return found + rest.dot(ones[:rest.size]) if rest.size else found


def squares(x, axis: int | None, keepdim: bool = False):
    """The sum of squares over everything (axis None) or along one axis, by BLAS; None for what it cannot take."""
    if x.__class__ is not np.ndarray or x.dtype not in ROW_OF_ONES or not x.flags.forc or not x.size:
        return None
    if axis is None:
        flat = x.ravel("K")
        if flat.size <= 8 * ROW:
            found = flat.dot(flat)
        else:
            whole = flat.size - flat.size % ROW
            rows, rest = flat[:whole].reshape(-1, ROW), flat[whole:]
            found = np.add.reduce(row_dots(rows, rows)) + rest.dot(rest)
    elif axis in (-1, x.ndim - 1) and x.flags.c_contiguous:
        rows = x.reshape(-1, x.shape[-1])
        found = row_dots(rows, rows)
    else:
        return blas_sums(x * x, axis, keepdim)
    return found.reshape(without(x.shape, axis, keepdim)) if keepdim or axis is not None else found


def product(x, axis: int | None):
    """The product of everything (axis None), or along the last axis; None where NumPy's own is as fast.

    NumPy waits for one product before it begins the next. Here halves of a row are multiplied by each other while it is
    long, so that the products do not depend on each other.
    """
    if x.__class__ is not np.ndarray or x.size < 4 * LARGE or not (x.flags.forc if axis is None else x.flags.c_contiguous and axis in (-1, x.ndim - 1)):
        return None
    rows = x.ravel("K")[None] if axis is None else x.reshape(-1, x.shape[-1])
    if axis is None:  # columns of 128 first: rows of rows are multiplied in one call
        whole = x.size - x.size % 128
        rows = np.concatenate((np.multiply.reduce(rows[:, :whole].reshape(-1, 128))[None], rows[:, whole:]), 1)
    while rows.shape[1] > 16:
        half = rows.shape[1] // 2
        rest = rows[:, 2 * half:]
        rows = rows[:, :half] * rows[:, half:2 * half]
        if rest.size:
            rows[:, :1] *= rest
    found = np.multiply.reduce(rows, axis=1)
    return found[0] if axis is None else found.reshape(x.shape[:-1])


# ---- functions ----

ONES = {kind: np.ones((), kind) for kind in map(np.dtype, "fd")}  # an array of no dimension is taken sooner than a number
TWO, HALF = np.array(2, np.float32), np.array(0.5, np.float32)

# NumPy's vector code of expm1 for AVX-512 is faster than its exp, and as exact.
FAST_EXPM1 = getattr(getattr(np, "_core", None), "_multiarray_umath", None) is not None and np._core._multiarray_umath.__cpu_features__.get("AVX512_SKX", False)


def logistic(x):
    """1 / (1 + e^-x). Far on the left, e^-x may be inf: 1 / inf is the right 0."""
    one = ONES.get(x.dtype) if x.__class__ is np.ndarray and x.ndim else None
    if one is None:
        return 1 / (1 + namespace(x).exp(-x))
    out = np.negative(x)
    if FAST_EXPM1 and x.dtype == FLOAT32:
        np.expm1(out, out)
        np.add(out, TWO, out)
    else:
        np.exp(out, out)
        np.add(out, one, out)
    return np.divide(one, out, out)


# ---- functions, by polynomials ----

POLYNOMIAL = 1024  # numbers from which on a polynomial is faster than SciPy


def by_blocks(step, x):
    """A float32 array of the results of `step(block, out, buffers)` over blocks of `x`, which are equally long."""
    if not x.flags.c_contiguous and x.flags.f_contiguous:
        return by_blocks(step, x.T).T
    flat = np.ascontiguousarray(x).reshape(-1)
    out = np.empty_like(flat)
    size = -(-flat.size // -(-flat.size // BLOCK))
    buffers = [np.empty(size, np.float32) for _ in range(step.buffers)]
    for start in range(0, flat.size, size):
        block = flat[start:start + size]
        step(block, out[start:start + size], *(b[:block.size] for b in buffers))
    return out.reshape(x.shape)


def with_buffers(number: int):
    """Say how many buffers a step for `by_blocks` needs."""
    def decorate(step):
        step.buffers = number
        return step
    return decorate


def float32s(*values: float) -> tuple:
    """Numbers as arrays of no dimension, which ufuncs take sooner."""
    return tuple(np.array(value, np.float32) for value in values)


def horner(coefficients, t, out):
    """The polynomial with these coefficients, highest first, at `t`."""
    np.multiply(t, coefficients[0], out)
    for c in coefficients[1:-1]:
        np.add(out, c, out)
        np.multiply(out, t, out)
    np.add(out, coefficients[-1], out)


# erf(x / sqrt(2)) = tanh(x p(x^2)), to 1e-7: a fit of artanh(erf(x / sqrt(2))) / x in x^2 over [0, 6.2]. Further out the
# first coefficient, which is above 0, keeps tanh at 1.
ARTANH = (1.5672591044116788e-09, -1.2525675901749742e-07, 3.873058912055106e-06, -5.4781740610203694e-05, -3.391121661376923e-05, 0.03633434812315743, 0.7978846366127286)
ARTANH_OF_NORMAL = float32s(*ARTANH)
ARTANH_OF_ERF = float32s(*(c * 2 ** (power + 0.5) for power, c in zip(range(6, -1, -1), ARTANH, strict=True)))


@with_buffers(1)
def _erf_step(x, out, square, coefficients=ARTANH_OF_ERF):
    np.multiply(x, x, square)
    horner(coefficients, square, out)
    np.multiply(out, x, out)
    np.tanh(out, out)


@with_buffers(1)
def _normal_step(x, out, square):
    _erf_step(x, out, square, ARTANH_OF_NORMAL)
    np.multiply(out, HALF, out)
    np.add(out, HALF, out)


def normal_share(x):
    """How much of the standard normal distribution lies below x: (1 + erf(x / sqrt(2))) / 2."""
    if x.__class__ is np.ndarray and x.dtype == FLOAT32 and x.size >= POLYNOMIAL:
        return by_blocks(_normal_step, x)
    found = erf(x * math.sqrt(0.5))
    if not found.ndim:
        return (found + 1) * 0.5
    found += 1
    found *= 0.5
    return found


def erf(x):
    """The error function; of large float32 arrays to 2e-7."""
    if x.__class__ is np.ndarray and x.dtype == FLOAT32 and x.size >= POLYNOMIAL:
        return by_blocks(_erf_step, x)
    found = special(x).erf(x)
    return found if found.dtype == x.dtype else found.astype(x.dtype)


# log(1 + u) = 2 artanh(u / (2 + u)): a fit of 2 artanh(s) / s in s^2 over [0, 1/9], relative error 4e-9.
TWICE_ARTANH = float32s(0.2817832602318407, 0.2796060472975176, 0.40024910144824194, 0.6666631468503632, 2.000000007920939)


@with_buffers(3)
def _log1p_exp_step(x, out, u, ratio, square):
    np.absolute(x, out=u)
    np.negative(u, out=u)
    np.exp(u, out=u)
    np.add(u, TWO, out=ratio)
    np.divide(u, ratio, out=ratio)
    np.multiply(ratio, ratio, out=square)
    horner(TWICE_ARTANH, square, out)
    out *= ratio


def log1p_exp(x):
    """log(1 + e^-|x|), which is what softplus, logsigmoid and the losses of logits add to a straight line."""
    if is_large(x) and x.dtype == FLOAT32:
        return by_blocks(_log1p_exp_step, x)
    xp = namespace(x)
    return xp.log1p(xp.exp(-xp.absolute(x)))


# A fit of (e^x - 1) / x over [-0.7, 0], relative error 1e-8.
EXPM1 = float32s(0.0010301337794875588, 0.00806245647360814, 0.04156935334839939, 0.16665059730530002, 0.49999901597229585, 0.9999999900698163)


@with_buffers(2)
def _expm1_step(x, out, near, far):
    clip(x, -0.7, 0, out=near)
    horner(EXPM1, near, out)
    out *= near
    np.exp(x, out=far)
    far -= 1
    np.copyto(out, select(x < -0.7, far, out))


def expm1(x):
    """e^x - 1 for x up to 0."""
    if is_large(x) and x.dtype == FLOAT32 and not FAST_EXPM1:
        return by_blocks(_expm1_step, x)
    return namespace(x).expm1(x)
