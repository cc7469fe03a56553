"""Counting: bincount, histograms, and the windows of signal processing."""

from __future__ import annotations

import collections
import math

import numpy as np

from ..core.dtypes import dtype_of, get_default_dtype
from ..core.op import public
from ..core.tensor import Tensor, wrap
from .creation import finish

_histogram = collections.namedtuple("histogram", ("hist", "bin_edges"))
_histogramdd = collections.namedtuple("histogramdd", ("hist", "bin_edges"))
for _kind in (_histogram, _histogramdd):
    _kind.__repr__ = lambda self: f"torch.return_types.{type(self).__name__}(\nhist={self.hist!r},\nbin_edges={self.bin_edges!r})"


def bincount(input, weights=None, minlength: int = 0):
    """How often each non-negative integer occurs; with weights, their sums.

    >>> import autodiff_lab as lab
    >>> lab.bincount(lab.tensor([0, 2, 2]))
    tensor([1, 0, 2])
    """
    array = np.asarray(input._a)
    if array.dtype.kind not in "iu":
        raise NotImplementedError(f"\"bincount_cpu\" not implemented for '{input.dtype.title}': bincount counts integers, convert with .long().")
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if array.ndim != 1 or array.size and array.min() < 0:
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is None:
        return wrap(np.bincount(array.astype(np.int64), minlength=minlength))
    values = np.asarray(weights.detach()._a)
    if values.shape != array.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    made = np.bincount(array.astype(np.int64), values.astype(np.float64), minlength)
    return wrap(made.astype(np.float32) if values.dtype == np.float32 else made)


def _range(array, low: float, high: float, margin: float = 0.5) -> tuple[float, float]:
    if low == high:
        low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0 if margin == 1 else 1.0)
        if low == high:
            low, high = low - margin, high + margin
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(f"range of [{low}, {high}] is not finite")
    return low, high


def histc(input, bins: int = 100, min=0, max=0, *, out=None):
    """How many elements fall into each of `bins` equal intervals between `min` and `max` (both 0: of the data)."""
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"\"histogram_cpu\" not implemented for '{input.dtype.title}': convert with .float().")
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    if max < min:
        raise RuntimeError("torch.histc: max must be larger than min")
    array = np.asarray(input.detach()._a)
    low, high = _range(array, float(min), float(max), margin=1)
    made = wrap(np.histogram(array, int(bins), (low, high))[0].astype(array.dtype))
    if out is not None:
        out.resize_(made.shape).copy_(made)
        return out
    return made


def histogram(input, bins, *, range=None, weight=None, density: bool = False, out=None):
    """Counts (or sums of weights) of elements per interval, and the edges of the intervals.

    Args:
        bins: how many equal intervals, or their edges.
        density: divide so that the area is 1.
    """
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"\"histogram_cpu\" not implemented for '{input.dtype.title}': convert with .float().")
    array = np.asarray(input.detach()._a)
    if isinstance(bins, Tensor):
        edges = np.asarray(bins._a)
    else:
        low, high = _range(array, *(range or (0.0, 0.0)))
        edges = public[""]["linspace"](low, high, bins + 1, dtype=input.dtype)._a
    counts = np.histogram(array.reshape(-1), edges.astype(np.float64), weights=None if weight is None else np.asarray(weight.detach()._a).reshape(-1))[0].astype(array.dtype)
    if density:
        counts = (counts / counts.sum() / np.diff(edges)).astype(array.dtype)
    return _histogram(wrap(counts), wrap(edges.copy()))


def histogramdd(input, bins, *, range=None, weight=None, density: bool = False, out=None):
    """A histogram over several dimensions: the last dimension of `input` holds the coordinates."""
    array = np.asarray(input.detach()._a)
    n = array.shape[-1]
    points = array.reshape(-1, n)
    bins = [bins] * n if isinstance(bins, int) else list(bins)
    if len(bins) != n:
        raise RuntimeError("histogramdd: The size of bins must be equal to the innermost dimension of the input.")
    edges = []
    for d, wanted in enumerate(bins):
        if isinstance(wanted, Tensor):
            edges.append(np.asarray(wanted._a))
        else:
            low, high = _range(points[:, d], *((range[2 * d], range[2 * d + 1]) if range else (0.0, 0.0)))
            edges.append(public[""]["linspace"](low, high, wanted + 1, dtype=input.dtype)._a)
    counts = np.histogramdd(points.astype(np.float64), [e.astype(np.float64) for e in edges], density=density,
                            weights=None if weight is None else np.asarray(weight.detach()._a).reshape(-1))[0]
    return _histogramdd(wrap(counts.astype(array.dtype)), tuple(wrap(np.array(e)) for e in edges))


# ---- windows ----

def _window(name: str, formula, doc: str):
    def make(window_length: int, periodic: bool = True, *args, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False, **kwargs):
        wanted = dtype_of(dtype) if dtype is not None else get_default_dtype()
        if not wanted.is_floating_point:
            raise RuntimeError(f"{name} expects floating point dtypes, got: {wanted}")
        if window_length < 0:
            raise RuntimeError(f"{name} requires non-negative window_length, got window_length={window_length}")
        if window_length <= 1:
            return finish(np.ones(window_length, wanted.numpy), None, device, requires_grad)
        n = window_length + 1 if periodic else window_length
        values = formula(np.arange(n, dtype=np.float64), n - 1, *args, **kwargs)
        return finish(values[:window_length].astype(wanted.numpy), None, device, requires_grad)
    make.__name__, make.__doc__ = name, doc + " Periodic: for use with the Fourier transform, else symmetric."
    public[""][name] = make


def _kaiser(i, last, beta: float = 12.0):
    return np.i0(beta * np.sqrt(np.maximum(1 - (2 * i / last - 1) ** 2, 0))) / np.i0(beta)


_window("hann_window", lambda i, last: 0.5 - 0.5 * np.cos(2 * math.pi * i / last), "The Hann window, a raised cosine.")
_window("hamming_window", lambda i, last, alpha=0.54, beta=0.46: alpha - beta * np.cos(2 * math.pi * i / last), "The Hamming window, a raised cosine that does not reach 0.")
_window("blackman_window", lambda i, last: 0.42 - 0.5 * np.cos(2 * math.pi * i / last) + 0.08 * np.cos(4 * math.pi * i / last), "The Blackman window.")
_window("bartlett_window", lambda i, last: 1 - np.abs(2 * i / last - 1), "The Bartlett window, a triangle.")
_window("kaiser_window", _kaiser, "The Kaiser window; `beta` narrows it.")

for _made in (bincount, histc, histogram, histogramdd):
    public[""][_made.__name__] = _made
for _made in (bincount, histc, histogram):
    setattr(Tensor, _made.__name__, _made)
