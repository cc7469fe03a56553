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
            z += _pair(w[i], w[i + 1], w[i + 2], w[i + 3])
        if missing % 2:
            gen.second_normal = z.pop()
    if mean != 0.0:
        return [fma_number(value, std, mean) for value in z]
    return z if std == 1.0 else [value * std + 0.0 for value in z]


def _pair(a, b, c, d):
    """Two normal numbers from four words."""
    return box_muller(((a << 32 | b) & 0x1FFFFFFFFFFFFF) * 2.0**-53, ((c << 32 | d) & 0x1FFFFFFFFFFFFF) * 2.0**-53)


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


def _floats(*bits: int) -> list[float]:
    return np.array(bits, np.uint32).view(np.float32).astype(float).tolist()


# Coefficients of Cephes' logf, sinf and cosf, as the bits of float32.
_LOG = _floats(0x3D9021BB, 0xBDEBD1B8, 0x3DEF251A, 0xBDFE5D4F, 0x3E11E9BF,
               0xBE2AAE50, 0x3E4CCEAC, 0xBE7FFFFC, 0x3EAAAAAA)
_LN2_LOW, _LN2_HIGH = _floats(0xB95E8083, 0x3F318000)
_QUARTER = _floats(0xBF490000, 0xB97DA000, 0xB3222169)  # minus pi/4, in three parts
_COS = _floats(0x37CCF5CE, 0xBAB6061A, 0x3D2AAAA5)
_SIN = _floats(0xB94CA1F9, 0x3C08839E, 0xBE2AAAA3)
_SQRT_HALF = np.int32(0x3F3504F3)
_MANTISSA = np.int32(0x7FFFFF)
_FOUR_OVER_PI, _TWO_PI = np.float32(4.0 / pi), np.float32(2.0 * pi)


def _groups32(bits, out, mean, std):
    pairs, out = bits.reshape(-1, 2, 8), out.reshape(-1, 2, 8)
    radius = _radius32(pairs[:, 0].reshape(-1))
    cos, sin = _cos_sin32(pairs[:, 1].reshape(-1))
    for half, wave in enumerate((cos, sin)):
        wave *= radius
        if mean == 0.0:
            if std != 1.0:
                wave *= np.float32(std)
            wave += np.float32(0.0)  # the fused addition of a zero mean turns -0.0 into 0.0
        else:
            wide = wave.astype(np.float64)
            wide *= float(np.float32(std))
            wide += float(np.float32(mean))
            wave[...] = wide
        out[:, half] = wave.reshape(-1, 8)


def _radius32(bits):
    """sqrt(-2 * log(1 - bits / 2**24)) in float32, rounded as the vectorised Cephes logarithm rounds."""
    x = np.subtract(1 << 24, bits, dtype=np.int32).astype(np.float32)  # 2**24 times the argument, exactly
    e = x.view(np.int32)
    e -= _SQRT_HALF
    q = (e & _MANTISSA) + _SQRT_HALF  # argument = mantissa * 2**e with the mantissa in [sqrt(1/2), sqrt(2))
    e >>= 23
    e -= 24
    q = q.view(np.float32)
    q -= np.float32(1.0)
    e = e.astype(np.float32)
    z = q * q
    y, wide = q.astype(np.float64), q.astype(np.float64)
    y *= _LOG[0]
    _add_rounded(y, _LOG[1], x)
    for coefficient in _LOG[2:]:
        y *= wide
        _add_rounded(y, coefficient, x)
    y *= wide
    _rounded(y, x)
    y *= z
    y += e * np.float32(_LN2_LOW)
    x[...] = y
    z *= np.float32(0.5)
    x -= z
    x += q
    wide[...] = e
    wide *= _LN2_HIGH
    wide += x
    x[...] = wide
    x *= np.float32(-2.0)
    return np.sqrt(x, out=x)


def _cos_sin32(bits):
    """Cosine and sine of 2 pi * bits / 2**24 in float32, rounded as the vectorised Cephes routines round."""
    x = bits.astype(np.float32)
    x *= _TWO_PI * _UNIT24
    octant = (x * _FOUR_OVER_PI).astype(np.int32)
    octant += 1
    octant &= ~1
    turns = octant.astype(np.float32)
    x += turns * np.float32(_QUARTER[0])  # exact products: these two parts of pi/4 are short
    x += turns * np.float32(_QUARTER[1])
    wide = turns.astype(np.float64)
    wide *= _QUARTER[2]
    wide += x
    x[...] = wide
    z = x * x
    wide[...] = z

    cos = _polynomial32(wide, _COS, turns)
    z *= np.float32(-0.5)
    cos += z
    z[...] = cos
    z += np.float32(1.0)

    sin = _polynomial32(wide, _SIN, turns, last=x)
    sin += x
    x[...] = sin

    # Every second octant the two swap; their signs follow the quadrant.
    swapped = (octant & 2).astype(np.bool_)
    cos, sin = np.where(swapped, x, z), np.where(swapped, z, x)
    cos_bits, sin_bits = cos.view(np.int32), sin.view(np.int32)
    sin_bits ^= (octant & 4) << 29
    octant -= 2
    cos_bits ^= (~octant & 4) << 29
    return cos, sin


def _polynomial32(z, coefficients, scratch, last=None):
    """((c0 * z + c1) * z + c2) * z, fused and rounded as float32 at each step, times `last` or z, not yet rounded."""
    y = z * coefficients[0]
    _add_rounded(y, coefficients[1], scratch)
    y *= z
    _add_rounded(y, coefficients[2], scratch)
    y *= z
    _rounded(y, scratch)
    y *= z if last is None else last
    return y


def _add_rounded(y, c, scratch):
    y += c
    _rounded(y, scratch)


def _rounded(y, scratch):
    """Round float64 numbers to float32, in place: the exact product and one sum make a fused multiply-add."""
    scratch[...] = y
    y[...] = scratch
