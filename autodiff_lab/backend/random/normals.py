"""Normal numbers, by Box and Muller's method in the three ways that PyTorch's CPU kernels have it.

Fewer than 16 numbers, and arrays that are not contiguous, are drawn pair by pair in float64. From 16 on
they are drawn in groups of 16, float64 with the C library's functions and all smaller types with the
single-precision logarithm, sine and cosine of Cephes, whose every rounding is reproduced here.
"""

from __future__ import annotations

from math import cos, log1p, pi, sin, sqrt

import numpy as np

from .arithmetic import fma, fma_number, libm
from .fills import BLOCK, bits24, blocks, doubles, fill
from .generator import Generator

__all__ = ["log_normal", "normal"]

_GROUP = 16
_LOW53 = 2**53 - 1
_UNIT24 = np.float32(2.0**-24)


def normal(gen: Generator, out, mean: float = 0.0, std: float = 1.0):
    """Fill `out` with normal numbers. A complex number gets two of variance std**2 / 2."""
    if out.dtype.kind == "c":
        std = float(std) / sqrt(2.0)
        contiguous = out.flags.c_contiguous
        fill(gen, out, lambda gen, flat: _normal(gen, flat.view(flat.real.dtype), 0.0, std, contiguous))
        if mean:
            out += mean
        return out
    if out.size < _GROUP and type(out) is np.ndarray and out.flags.c_contiguous:
        with gen.lock:
            out.reshape(-1)[:] = _few(gen, out.size, float(mean), float(std))
        return out
    return fill(gen, out, _normal, float(mean), float(std), out.flags.c_contiguous)


def log_normal(gen: Generator, out, mean: float = 1.0, std: float = 2.0):
    """Fill `out` with numbers whose logarithm is normal."""
    def draw(gen, flat):
        for block in blocks(flat):
            block[...] = libm("exp")(fma(_pairwise(gen, len(block)), float(std), float(mean)))
    return fill(gen, out, draw)


def _normal(gen, flat, mean, std, contiguous):
    if len(flat) < _GROUP or not contiguous:
        _scalar_normal(gen, flat, mean, std)
    elif flat.dtype == np.float64:
        _in_groups(gen, flat, mean, std, doubles, _groups64)
    elif flat.dtype == np.float32:
        _in_groups(gen, flat, mean, std, bits24, _groups32)
    else:  # the half types never draw words for an unfinished group
        whole = len(flat) // _GROUP * _GROUP
        for block in blocks(flat[:whole]):
            _half_groups(gen, block, mean, std)
        if whole != len(flat):
            _half_groups(gen, flat[-_GROUP:], mean, std)


def _half_groups(gen, block, mean, std):
    single = np.empty(len(block), np.float32)
    _groups32(bits24(gen, len(block)), single, mean, std)
    block[...] = single


# Pair by pair.

def _scalar_normal(gen, flat, mean, std):
    if len(flat) < _GROUP:
        flat[:] = _few(gen, len(flat), mean, std)
        return
    for block in blocks(flat):
        block[...] = fma(_pairwise(gen, len(block), exact=flat.dtype == np.float64), std, mean)


def _few(gen, n, mean, std):
    """`n` numbers of the pairwise stream, as a list: for a few, array operations would take longer."""
    z = []
    if n and gen.second_normal is not None:
        z.append(gen.second_normal)
        gen.second_normal = None
    missing = n - len(z)
    if missing:
        w = gen.words((missing + 1) // 2 * 4).tolist()
        for i in range(0, len(w), 4):
            z += box_muller(((w[i] << 32 | w[i + 1]) & _LOW53) * 2.0**-53, ((w[i + 2] << 32 | w[i + 3]) & _LOW53) * 2.0**-53)
        if missing % 2:
            gen.second_normal = z.pop()
    if mean != 0.0:
        return [fma_number(value, std, mean) for value in z]
    return z if std == 1.0 else [value * std + 0.0 for value in z]


def box_muller(first: float, second: float):
    """Two normal numbers from two of [0, 1)."""
    radius, angle = sqrt(-2.0 * log1p(-second)), 2.0 * pi * first
    return radius * cos(angle), radius * sin(angle)


def _pairwise(gen, n, exact=True):
    """`n` numbers of the pairwise stream, as an array of float64."""
    start = int(gen.second_normal is not None and n > 0)
    pairs = (n - start + 1) // 2
    z = np.empty(start + 2 * pairs)
    if start:
        z[0], gen.second_normal = gen.second_normal, None
    if pairs:
        unit = doubles(gen, 2 * pairs)
        radius = np.sqrt(-2.0 * (libm("log1p") if exact else np.log1p)(-unit[1::2]))
        angle = 2.0 * pi * unit[::2]
        z[start::2] = radius * libm("cos")(angle)
        z[start + 1::2] = radius * libm("sin")(angle)
    if len(z) > n:
        gen.second_normal = float(z[n]) if exact else box_muller(*unit[-2:].tolist())[1]
    return z[:n]


# In groups of 16: 8 radii, then 8 angles, become 8 cosines, then 8 sines.

def _in_groups(gen, flat, mean, std, draw, transform):
    # If a group is unfinished, the last 16 are drawn anew, the end of the last full group among them.
    n = len(flat)
    whole = n - n % _GROUP
    if whole < n <= BLOCK:  # both in one go: for few numbers it is the count of array operations that takes the time
        units = draw(gen, n + _GROUP)
        both = np.empty(whole + _GROUP, flat.dtype)
        transform(np.concatenate((units[:whole], units[n:])), both, mean, std)
        flat[:whole], flat[-_GROUP:] = both[:whole], both[whole:]
        return
    for block in blocks(flat):
        units = draw(gen, len(block))
        full = len(block) // _GROUP * _GROUP
        transform(units[:full], block[:full], mean, std)
    if whole < n:
        transform(draw(gen, _GROUP), flat[-_GROUP:], mean, std)


def _groups64(units, out, mean, std):
    pairs = units.reshape(-1, 2, 8)
    radius = np.sqrt(-2.0 * libm("log")(np.ascontiguousarray(1.0 - pairs[:, 0])))
    angle = 2.0 * pi * pairs[:, 1]
    out = out.reshape(-1, 2, 8)
    out[:, 0] = _scaled64(radius * libm("cos")(angle), mean, std)
    out[:, 1] = _scaled64(radius * libm("sin")(angle), mean, std)


def _scaled64(z, mean, std):
    return z + 0.0 if mean == 0.0 and std == 1.0 else fma(z, std, mean)


def _floats(*bits: int) -> list[np.ndarray]:
    """Numbers of float32 by their bits, as float64. Arrays without dimensions are quicker operands than numbers."""
    return [np.array(x) for x in np.array(bits, np.uint32).view(np.float32).astype(float)]


# Coefficients of Cephes' logf, cosf and sinf, as the bits of float32.
_LOG = _floats(0x3D9021BB, 0xBDEBD1B8, 0x3DEF251A, 0xBDFE5D4F, 0x3E11E9BF,
               0xBE2AAE50, 0x3E4CCEAC, 0xBE7FFFFC, 0x3EAAAAAA)
_LN2_LOW, _LN2_HIGH = _floats(0xB95E8083, 0x3F318000)
_QUARTER_HIGH, _QUARTER_MIDDLE, _QUARTER_LOW = _floats(0xBF490000, 0xB97DA000, 0xB3222169)  # minus pi/4
_COS_SIN = [np.stack(pair).reshape(2, 1) for pair in zip(_floats(0x37CCF5CE, 0xBAB6061A, 0x3D2AAAA5),
                                                         _floats(0xB94CA1F9, 0x3C08839E, 0xBE2AAAA3), strict=True)]
_SQRT_HALF, _MANTISSA, _EXPONENT, _LAST_EXPONENT, _ALL24 = map(np.array, np.array(
    [0x3F3504F3, 0x7FFFFF, 23, 24, 1 << 24], np.int32))
_ONE_INT, _TWO_INT, _FOUR_INT, _EVEN, _TO_SIGN, _TO_TOP, _SPREAD = map(np.array, np.array(
    [1, 2, 4, ~1, 29, 30, 31], np.int32))
_ZERO, _HALF, _MINUS_HALF, _ONE, _MINUS_TWO, _FOUR_OVER_PI, _TURN = map(np.array, np.array(
    [0.0, 0.5, -0.5, 1.0, -2.0, 4.0 / pi, np.float32(2.0 * pi) * _UNIT24], np.float32))
_LN2_LOW32, _QUARTER_HIGH32, _QUARTER_MIDDLE32 = (np.array(x, np.float32) for x in (
    _LN2_LOW, _QUARTER_HIGH, _QUARTER_MIDDLE))


def _groups32(bits, out, mean, std):
    pairs = bits.reshape(-1, 2, 8)
    waves = _cos_sin32(pairs[:, 1].reshape(-1))
    waves *= _radius32(pairs[:, 0].reshape(-1))
    if mean == 0.0:
        if std != 1.0:
            waves *= np.float32(std)
        waves += _ZERO  # the fused addition of a zero mean turns -0.0 into 0.0
    else:
        wide = waves.astype(np.float64)
        wide *= float(np.float32(std))
        wide += float(np.float32(mean))
        waves[...] = wide
    out.reshape(-1, 2, 8)[...] = waves.reshape(2, -1, 8).swapaxes(0, 1)


def _radius32(bits):
    """sqrt(-2 * log(1 - bits / 2**24)) in float32, rounded as the vectorised Cephes logarithm rounds."""
    x = np.subtract(_ALL24, bits).astype(np.float32)  # 2**24 times the argument, exactly
    e = x.view(np.int32)
    e -= _SQRT_HALF
    q = (e & _MANTISSA) + _SQRT_HALF  # argument = mantissa * 2**e with the mantissa in [sqrt(1/2), sqrt(2))
    e >>= _EXPONENT
    e -= _LAST_EXPONENT
    q = q.view(np.float32)
    q -= _ONE
    e = e.astype(np.float32)
    z = q * q
    wide = q.astype(np.float64)
    y = wide * _LOG[0]
    _add_rounded(y, _LOG[1], x)
    for coefficient in _LOG[2:]:
        y *= wide
        _add_rounded(y, coefficient, x)
    y *= wide
    _rounded(y, x)
    y *= z
    y += e * _LN2_LOW32
    x[...] = y
    z *= _HALF
    x -= z
    x += q
    wide[...] = e
    wide *= _LN2_HIGH
    wide += x
    x[...] = wide
    x *= _MINUS_TWO
    return np.sqrt(x, out=x)


def _cos_sin32(bits):
    """Cosine and sine of 2 pi * bits / 2**24 in float32, in two rows, rounded as the vectorised Cephes routines round."""
    x = bits.astype(np.float32)
    x *= _TURN
    octant = (x * _FOUR_OVER_PI).astype(np.int32)
    octant += _ONE_INT
    octant &= _EVEN
    turns = octant.astype(np.float32)
    x += turns * _QUARTER_HIGH32  # exact products: these two parts of pi/4 are short
    x += turns * _QUARTER_MIDDLE32
    wide = turns.astype(np.float64)
    wide *= _QUARTER_LOW
    wide += x
    x[...] = wide
    z = x * x
    wide[...] = z

    # Both polynomials in one go, ((c0 * z + c1) * z + c2) * z, fused and rounded as float32 at each step.
    waves = np.empty((2, len(x)), np.float32)
    y = wide * _COS_SIN[0]
    _add_rounded(y, _COS_SIN[1], waves)
    y *= wide
    _add_rounded(y, _COS_SIN[2], waves)
    y *= wide
    _rounded(y, waves)
    y[0] *= wide
    y[1] *= x
    z *= _MINUS_HALF
    y[0] += z
    y[1] += x
    waves[...] = y
    waves[0] += _ONE

    # Every second octant the two swap; their signs follow the quadrant.
    cos, sin = waves.view(np.int32)
    swapped = octant << _TO_TOP
    swapped >>= _SPREAD
    swapped &= cos ^ sin
    cos ^= swapped
    sin ^= swapped
    sin ^= (octant & _FOUR_INT) << _TO_SIGN
    octant -= _TWO_INT
    cos ^= (~octant & _FOUR_INT) << _TO_SIGN
    return waves


def _add_rounded(y, c, scratch):
    y += c
    _rounded(y, scratch)


def _rounded(y, scratch):
    """Round float64 numbers to float32, in place: the exact product and one sum make a fused multiply-add."""
    scratch[...] = y
    y[...] = scratch
