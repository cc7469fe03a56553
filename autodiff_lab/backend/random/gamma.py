"""Gamma numbers, by Marsaglia and Tsang's rejection (2000), for each of many shapes.

A number starts where the one before it ended, and how much that took is known only afterwards. Yet nearly every
first try is accepted, so a screening in vectors says for every place in the stream whether two numbers that start
there are sure to be accepted; a walk from number to number looks that up and computes one by one only what is not
sure; and the numbers themselves come in vectors again, from the places where the walk found them.

All here is counted in numbers of [0, 1), two words each: a pair of normal numbers takes two of them, the question
whether to accept one, and so does shrinking where a shape is below 1.
"""

from __future__ import annotations

from itertools import starmap
from math import log, nan, pi

import numpy as np

from .. import to_host
from .arithmetic import libm
from .fills import doubles
from .generator import Generator
from .normals import box_muller

__all__ = ["gamma"]

_THIRD = float(np.float32(1.0 / 3.0))  # PyTorch rounds this one constant to single precision
_FEW = 48  # up to here one by one is faster
_AT_ONCE = 4096  # what is screened fits the cache
_LONGEST_PAIR = 5  # what two numbers take after the first was told to shrink


def gamma(gen: Generator, shapes, exact: bool = True) -> np.ndarray:
    """A gamma number of scale 1 for each of `shapes`, in their type.

    Unless `exact`, the last bit of a float64 may differ: enough for numbers that are rounded to float32 afterwards.
    """
    shapes = to_host(shapes)
    tiny = float(np.finfo(shapes.dtype).tiny) if shapes.dtype.itemsize >= 4 else 0.0
    flat = shapes.reshape(-1).astype(np.float64)
    tries = _Tries(flat, np.float64 if shapes.dtype == np.float64 else np.float32)
    out = np.empty(len(flat))
    with gen.lock:
        _draw(gen, tries, out, exact and shapes.dtype == np.float64)
    # fmax, because PyTorch gives the smallest number for a nan too
    return np.fmax(out, tiny, out=out).astype(shapes.dtype).reshape(shapes.shape)


class _Tries:
    """What a try needs to know of each shape: float64, but rounded to the type `kept` where PyTorch rounds."""

    def __init__(self, shapes, kept):
        self.shapes = shapes
        self.shrunk = shapes < 1.0  # a gamma number of shape + 1, times a uniform one to the power of 1 / shape
        self.shrinks = self.shrunk.tobytes() + b"\0"  # the same for a walk, with a number after the last
        with np.errstate(all="ignore"):  # a shape of 0 draws nothing, and none below 0 gives a number
            self.power = (1.0 / shapes).astype(kept).astype(np.float64)
            raised = np.where(self.shrunk, (shapes + 1.0).astype(kept), shapes)
            self.d = (raised - _THIRD).astype(kept).astype(np.float64)
            self.c = 1.0 / np.sqrt(9.0 * self.d)

    def sure(self, unit, start, stop):
        """Whether a pair at each place of `unit` makes two numbers of the shapes start … stop, whichever they are.

        Two answers of bytes: the acceptance of the second number follows that of the first, or shrinking lies between.

        A try of the normal number x is accepted if log u < 3 d h(c x), with h(t) = log(1 + t) - t + t²/2 - t³/3. That
        grows with d, so the smallest d is asked. Single precision is fast here, and far closer than the margin.
        """
        d = min(float(self.d[start:stop].min()), 8.0)
        log_rest = np.log((1.0 - unit).astype(np.float32))
        angle = unit[:-1].astype(np.float32)
        angle *= np.float32(2.0 * pi)
        t = np.empty((2, len(angle)), np.float32)
        np.cos(angle, out=t[0])
        np.sin(angle, out=t[1])
        t *= np.sqrt(log_rest[1:] * np.float32(-2.0 / (9.0 * d)))  # the radius times c
        h = t * np.float32(-1.0 / 3.0)
        h += np.float32(0.5)
        h *= t
        h -= np.float32(1.0)
        h *= t
        far_from_zero = t > np.float32(-0.95)
        h += np.log1p(np.maximum(t, np.float32(-0.95), out=t))
        h *= np.float32(3.0 * d)
        h -= np.float32(1e-3)
        n = len(unit) - 4
        first = (log_rest[2:2 + n] < h[0, :n]) & far_from_zero[0, :n] & far_from_zero[1, :n]
        return [(first & (log_rest[2 + k:2 + k + n] < h[1, :n])).tobytes() for k in (1, 2)]


def _draw(gen, tries, out, exact):
    n, done, rest = len(out), 0, np.empty(0)
    if n > _FEW and tries.shapes.min() > 0.0:
        while gen.second_normal is not None:
            _one_by_one(gen, rest, tries, out, done, done + 1)
            done += 1
        while n - done > _FEW:
            stop = done + min(n - done, _AT_ONCE) // 2 * 2
            unit = _drawn(gen, rest, tries, done, stop)
            used, places, shrinks = _walk(unit, tries, done, stop, n)
            rest = unit[used:]
            if not places:
                break
            _numbers(unit, np.array(places), shrinks, tries, out, done, exact)
            done += len(places)
    _one_by_one(gen, rest, tries, out, done, n)


def _drawn(gen, rest, tries, start, stop):
    """`rest` and what the numbers start … stop take beyond it at least: nothing is drawn that is not used in the end."""
    drawing = np.count_nonzero(tries.shapes[start:stop])  # a shape of 0 draws nothing
    pairs = (int(drawing) - (gen.second_normal is not None) + 1) // 2
    least = 2 * pairs + int(drawing) + int(np.count_nonzero(tries.shrunk[start:stop])) - (stop - start - int(drawing))
    return np.concatenate((rest, doubles(gen, max(least - len(rest), 0))))


def _walk(unit, tries, start, stop, end):
    """From number to number through `unit`: how much was used, and for each number where its normal pair lies.

    A place whose bits are inverted says that the second of the pair was taken. What the numbers took that were
    computed one by one to shrink is in a dictionary; for all others it lies just before.
    """
    sure, shrunk = tries.sure(unit, start, stop), tries.shrinks
    places, shrinks = [], {}
    at, last, e = 0, len(unit) - _LONGEST_PAIR - 1, start
    while e < stop and at <= last:
        pair = at + shrunk[e]
        between = shrunk[e + 1]
        if sure[between][pair]:
            places.append(pair)
            places.append(~pair)
            at = pair + 4 + between
            e += 2
            continue
        at, found = _settle(unit.item, tries, at, last, e, end)
        if not found:
            break
        for place, shrink in found:
            shrinks[e - start] = shrink
            places.append(place)
            e += 1
    return at, places, shrinks


def _settle(unit, tries, at, last, e, end):
    """The numbers from `e` on that begin at the place `at`, until one ends together with its pair of normals.

    Returns the place after them, and a pair of places for each; none of them if the numbers drawn or wanted end first.
    """
    shrunk, c, d = tries.shrinks, tries.c.item, tries.d.item
    begin, shrink, found = at, at, []
    at += shrunk[e]
    while at <= last:
        pair = at
        x, second = box_muller(unit(pair), unit(pair + 1))
        at += 2
        y = 1.0 + c(e) * x
        if y > 0.0:
            at += 1
            if _accepts(x, y, 1.0 - unit(at - 1), d(e)):
                found.append((pair, shrink))
                e += 1
                if e == end:
                    break
                shrink = at
                at += shrunk[e]
        y = 1.0 + c(e) * second
        if y > 0.0:
            at += 1
            if _accepts(second, y, 1.0 - unit(at - 1), d(e)):
                found.append((~pair, shrink))
                return at, found
    return begin, ()


def _accepts(x, y, u, d):
    v, xx = y * y * y, x * x
    return u < 1.0 - 0.0331 * xx * xx or log(u) < 0.5 * xx + d * (1.0 - v + log(v))


def _numbers(unit, places, shrinks, tries, out, start, exact):
    """Write the numbers that belong to `places` into `out`, from `start` on."""
    stop = start + len(places)
    second = places < 0
    pair = places ^ -second.astype(np.int64)
    x = np.sqrt(-2.0 * (libm("log1p") if exact else np.log1p)(-unit[pair + 1]))
    angle = 2.0 * pi * unit[pair]
    for half, wave in ((~second, libm("cos")), (second, libm("sin"))):
        where = np.flatnonzero(half)
        x[where] *= wave(angle[where])
    x *= tries.c[start:stop]
    x += 1.0
    cube = x * x
    cube *= x
    d = tries.d[start:stop]
    shrunk = np.flatnonzero(tries.shrunk[start:stop])
    if len(shrunk):
        where = pair + np.where(second, 3, -1)
        where[list(shrinks)] = list(shrinks.values())
        base, power = 1.0 - unit[where[shrunk]], tries.power[start:stop][shrunk]
        d = d.copy()
        d[shrunk] *= list(starmap(pow, zip(base.tolist(), power.tolist(), strict=True))) if exact else base ** power
    np.multiply(d, cube, out=out[start:stop])


# One by one.

class _Ahead:
    """The stream of a generator with some numbers in front that were already drawn."""

    def __init__(self, gen, drawn):
        self.gen, self.drawn = gen, drawn[::-1]

    def uniform(self):
        return self.drawn.pop() if self.drawn else doubles(self.gen, 1).item()

    def normal(self):
        z, self.gen.second_normal = self.gen.second_normal, None
        if z is None:
            z, self.gen.second_normal = box_muller(self.uniform(), self.uniform())
        return z


def _one_by_one(gen, rest, tries, out, start, stop):
    """Write the numbers start … stop, from `rest`, which was already drawn, and from the stream."""
    ahead = _Ahead(gen, _drawn(gen, rest, tries, start, stop).tolist())
    for e in range(start, stop):
        out[e] = _one(ahead, tries, e) if tries.shapes.item(e) != 0.0 else 0.0


def _one(ahead, tries, e):
    c, d, scale = tries.c.item(e), tries.d.item(e), 1.0
    if tries.shrinks[e]:
        u = 1.0 - ahead.uniform()
        scale = u ** tries.power.item(e) if tries.shapes.item(e) > 0.0 else nan
    while True:
        x, y = 0.0, 0.0
        while y <= 0.0:
            x = ahead.normal()
            y = 1.0 + c * x
        if _accepts(x, y, 1.0 - ahead.uniform(), d):
            return scale * d * (y * y * y)
