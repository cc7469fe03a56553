"""Fills an array with numbers drawn from a generator: uniform, integers, Bernoulli, exponential and their kin.

Every fill walks memory order, works block by block so that temporaries stay in the cache, and consumes
exactly the words that PyTorch's CPU kernel consumes. An array on a CUDA device is filled with the same
numbers: they are drawn on the host and copied over (PyTorch's own CUDA stream, Philox, is another one).
"""

from __future__ import annotations

import math

import numpy as np

from .. import namespace, to_host
from .arithmetic import fma, libm
from .generator import Generator

__all__ = [
    "bernoulli_scalar", "bernoulli_tensor", "cauchy", "exponential", "geometric", "random_integers_of_type",
    "random_ints", "uniform",
]

BLOCK = 1 << 15
_LOW24 = np.uint32(0xFFFFFF)
_LOW53 = np.uint64(2**53 - 1)
_UNIT24, _UNIT53 = 2.0**-24, 2.0**-53
_FEW = 16  # up to here a list of Python numbers is faster than a handful of array operations
_TWO_WORDS_FROM = 1 << 28  # ranges at least this large take two words per number


def fill(gen: Generator, out, draw, *args):
    """Let `draw(gen, flat, *args)` write a flat contiguous array, and put the numbers into `out` in memory order."""
    with gen.lock:
        if type(out) is np.ndarray and out.flags.c_contiguous:
            draw(gen, out.reshape(-1), *args)
            return out
        host = np.empty(out.size, out.dtype)
        draw(gen, host, *args)
    in_memory_order = out.transpose(sorted(range(out.ndim), key=lambda axis: -abs(out.strides[axis])))
    in_memory_order[...] = namespace(out).asarray(host.reshape(in_memory_order.shape))
    return out


def blocks(flat):
    """Consecutive views of at most BLOCK elements."""
    n = len(flat)
    return (flat,) if n <= BLOCK else (flat[start:start + BLOCK] for start in range(0, n, BLOCK))


# How words become numbers.

def bits24(gen: Generator, n: int) -> np.ndarray:
    """The low 24 bits of `n` words, as int32."""
    low = gen.words(n).astype(np.uint32)
    low &= _LOW24
    return low.view(np.int32)


def bits64(gen: Generator, n: int) -> np.ndarray:
    """`n` numbers of 64 bits, two words each, the first one the high half."""
    pairs = gen.words(2 * n).reshape(n, 2)
    high = pairs[:, 0] << np.uint64(32)
    high |= pairs[:, 1]
    return high


def bits53(gen: Generator, n: int) -> np.ndarray:
    """The low 53 bits of `n` numbers of 64 bits, as int64."""
    low = bits64(gen, n)
    low &= _LOW53
    return low.view(np.int64)


def doubles(gen: Generator, n: int) -> np.ndarray:
    """`n` numbers of float64, uniform in [0, 1), two words each."""
    return bits53(gen, n) * _UNIT53


# Uniform.

def uniform(gen: Generator, out, a: float = 0.0, b: float = 1.0):
    """Fill `out` with numbers uniform in [a, b). One word each, two for float64."""
    if out.dtype.kind == "c":
        fill(gen, out, lambda gen, flat: _uniform(gen, flat.view(flat.real.dtype), a, b))
        return out
    if a == 0.0 and b == 1.0 and out.size <= _FEW and out.dtype.char == "f" and type(out) is np.ndarray and out.flags.c_contiguous:
        # The most common small draw, without the checks on the way to it.
        with gen.lock:
            out.reshape(-1)[:] = [(word & 0xFFFFFF) * _UNIT24 for word in gen.words(out.size).tolist()]
        return out
    return fill(gen, out, _uniform, a, b)


def _uniform(gen, flat, a, b):
    if flat.dtype == np.float64:
        for block in blocks(flat):
            unit = doubles(gen, len(block))
            block[...] = unit if a == 0.0 and b == 1.0 else fma(unit, b - a, a)
            _keep_below(block, b, a)
        return
    low, high = float(np.float32(a)), float(np.float32(b))
    step = float(np.float32(high - low)) * _UNIT24
    exact = flat.dtype == np.float32 and low == 0.0 and high == 1.0
    if len(flat) <= _FEW and flat.dtype == np.float32:
        numbers = [(word & 0xFFFFFF) * step + low for word in gen.words(len(flat)).tolist()]
        flat[:] = numbers
        if not exact and numbers and max(numbers) > high - abs(high) * 2e-7 - 1e-44:
            _keep_below(flat, high, low)
        return
    for block in blocks(flat):
        bits = bits24(gen, len(block))
        if exact:
            block[...] = bits
            block *= np.float32(_UNIT24)
        else:  # a float32 fma: the product is exact in float64, and the cast rounds the sum
            wide = bits * step
            wide += low
            block[...] = wide if flat.dtype == np.float32 else wide.astype(np.float32)
            _keep_below(block, high, low)


def _keep_below(block, high, low):
    """Rounding may reach the upper bound, which is excluded: PyTorch puts the lower one there."""
    at_high = block == np.asarray(high).astype(block.dtype)
    if at_high.any():
        block[at_high] = low


# Integers.

def random_ints(gen: Generator, out, low: int, high: int):
    """Fill `out` with whole numbers from `low` to `high` - 1. One word each, two where the range reaches 2**28."""
    return fill(gen, out, _random_ints, int(low), int(high))


def _random_ints(gen, flat, low, high):
    span = high - low
    if len(flat) <= _FEW and span < _TWO_WORDS_FROM and flat.dtype.itemsize != 2:
        flat[:] = [low + word % span for word in gen.words(len(flat)).tolist()]
        return
    for block in blocks(flat):
        if span >= _TWO_WORDS_FROM:
            value = bits64(gen, len(block))
            if span >= 2**64:  # all of int64: the bits as they are
                _store_integers(block, value.view(np.int64))
                continue
            value %= np.uint64(span)
        else:
            value = gen.words(len(block)).astype(np.uint32)
            value -= value // np.uint32(span) * np.uint32(span)  # several times faster than %
            value = value.astype(np.uint64)
        value += np.uint64(low % 2**64)
        _store_integers(block, value.view(np.int64))


def random_integers_of_type(gen: Generator, out):
    """Fill `out` with whole numbers from 0 to the largest that its type holds without gaps, as `random_()` does."""
    return fill(gen, out, _random_integers_of_type)


_LARGEST = {"float64": 2**53, "float32": 2**24, "float16": 2**11, "bfloat16": 2**8}


def _random_integers_of_type(gen, flat):
    kind = flat.dtype
    largest = _LARGEST.get(kind.name) or (1 if kind == np.bool_ else int(np.iinfo(kind).max))
    two_words = kind.itemsize == 8
    for block in blocks(flat):
        value = bits64(gen, len(block)) if two_words else gen.words(len(block))
        if largest + 1 < 2**64:
            value %= np.uint64(largest + 1)
        _store_integers(block, value.view(np.int64))


def _store_integers(block, value):
    # The half types are made from float32, never from the integer at once.
    block[...] = value.astype(np.float32) if block.dtype.itemsize == 2 and block.dtype.kind not in "iu" else value


# Bernoulli.

def bernoulli_scalar(gen: Generator, out, p: float):
    """Fill `out` with ones of probability `p` and zeros. Two words each, whatever the type; dropout draws this one."""
    return fill(gen, out, _bernoulli_scalar, float(p))


def _bernoulli_scalar(gen, flat, p):
    limit = math.ceil(p * 2.0**53)  # u < p, asked of the integers behind u
    for block in blocks(flat):
        block[...] = bits53(gen, len(block)) < limit


def bernoulli_tensor(gen: Generator, out, p):
    """Fill `out` with ones whose probabilities are in `p`, an array that broadcasts to `out`, and zeros.

    One word each, two if `p` is float64.
    """
    p = np.broadcast_to(to_host(p), out.shape)
    order = sorted(range(out.ndim), key=lambda axis: -abs(out.strides[axis]))
    return fill(gen, out, _bernoulli_tensor, np.ascontiguousarray(p.transpose(order)).reshape(-1))


def _bernoulli_tensor(gen, flat, p):
    start = 0
    for block in blocks(flat):
        chance = p[start:start + len(block)]
        start += len(block)
        if p.dtype == np.float64:
            block[...] = doubles(gen, len(block)) < chance
        else:
            unit = bits24(gen, len(block)).astype(np.float32)
            unit *= np.float32(_UNIT24)
            block[...] = unit < chance.astype(np.float32)


# Functions of one uniform number each, all computed in float64; two words each.

def exponential(gen: Generator, out, lambd: float = 1.0):
    """Fill `out` with exponential numbers of rate `lambd`."""
    return fill(gen, out, _exponential, float(lambd))


def _exponential(gen, flat, lambd):
    log1p = libm("log1p") if flat.dtype == np.float64 else np.log1p  # the cast hides a last bit of float64
    for block in blocks(flat):
        block[...] = log1p(-doubles(gen, len(block))) * (-1.0 / lambd)


def geometric(gen: Generator, out, p: float):
    """Fill `out` with the number of trials up to the first success of probability `p`: 1, 2, 3, …"""
    return fill(gen, out, _geometric, float(p))


def _geometric(gen, flat, p):
    log = libm("log")
    bottom = math.log1p(-p) if p < 1.0 else -math.inf
    with np.errstate(divide="ignore", invalid="ignore"):
        for block in blocks(flat):
            block[...] = np.ceil(log(doubles(gen, len(block))) / bottom)


def cauchy(gen: Generator, out, median: float = 0.0, sigma: float = 1.0):
    """Fill `out` with Cauchy numbers: `median` is their centre, `sigma` half their width at half height."""
    return fill(gen, out, _cauchy, float(median), float(sigma))


def _cauchy(gen, flat, median, sigma):
    tan = libm("tan") if flat.dtype == np.float64 else np.tan  # the cast hides a last bit of float64
    for block in blocks(flat):
        block[...] = fma(tan(math.pi * (doubles(gen, len(block)) - 0.5)), sigma, median)
