"""Counting: bincount, histograms, and the windows of signal processing."""

from __future__ import annotations

import math

import numpy as np

from ..core.arguments import Number
from ..core.dtypes import dtype_of, get_default_dtype
from ..core.errors import same_type
from ..core.op import public
from ..core.outs import stored
from ..core.results import result_class
from ..core.tape import without_derivative
from ..core.tensor import Tensor, wrap
from .from_data import finish

_histogram = result_class("histogram", ("hist", "bin_edges"))
_histogramdd = result_class("histogramdd", ("hist", "bin_edges"))


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0):
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


def histc(input: Tensor, bins: int = 100, min: Number = 0, max: Number = 0, *, out=None):
    """How many elements fall into each of `bins` equal intervals between `min` and `max` (both 0: of the data).

    >>> import autodiff_lab as lab
    >>> lab.histc(lab.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"\"histogram_cpu\" not implemented for '{input.dtype.title}': convert with .float().")
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    if max < min:
        raise RuntimeError("torch.histc: max must be larger than min")
    array = np.asarray(input.detach()._a)
    low, high = _range(array, float(min), float(max), margin=1)
    return stored(wrap(np.histogram(array, int(bins), (low, high))[0].astype(array.dtype)), out)


def histogram(input: Tensor, bins=100, *, range=None, weight=None, density: bool = False, out=None):
    """Counts (or sums of weights) of elements per interval, and the edges of the intervals.

    Args:
        bins: how many equal intervals, or their edges.
        density: divide so that the area is 1.

    >>> import autodiff_lab as lab
    >>> lab.histogram(lab.tensor([1.0, 2.0, 1.0]), bins=4, range=(0.0, 3.0)).hist
    tensor([0., 2., 1., 0.])
    """
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"\"histogram_cpu\" not implemented for '{input.dtype.title}': convert with .float().")
    points = np.asarray(input.detach()._a).reshape(-1, 1)
    if isinstance(bins, Tensor):
        same_type("torch.histogram: input tensor and bins tensors should have the same dtype, but got input {first} and bins {other}.", input, bins)
        edges = np.array(bins._a)
    else:
        edges = _edges(points[:, 0], bins, *(range or (0.0, 0.0)), input.dtype)
    found = _histogram((wrap(_counts(points, [edges], weight, density)), wrap(edges)))
    without_derivative([t for t in (input, bins, weight) if isinstance(t, Tensor)], found, "histogram")
    return stored(found, out)


def _edges(array, bins: int, low: float, high: float, dtype):
    low, high = _range(array, low, high)
    return np.array(public[""]["linspace"](low, high, bins + 1, dtype=dtype)._a)


def _counts(points, edges: list, weight, density: bool):
    """How many points, or what weight of them, lie in each cell. A point on the last edge belongs to the last cell."""
    shape = tuple(len(e) - 1 for e in edges)
    inside, places = np.ones(len(points), bool), []
    for x, e in zip(points.T, edges, strict=True):
        inside &= (x >= e[0]) & (x <= e[-1])
        places.append(np.minimum(np.searchsorted(e, x, "right") - 1, len(e) - 2))
    if not all(shape):
        return np.zeros(shape, points.dtype)
    flat = np.ravel_multi_index([p[inside] for p in places], shape)
    weights = None if weight is None else np.asarray(weight.detach()._a).reshape(-1)[inside]
    found = np.bincount(flat, weights, math.prod(shape)).reshape(shape)
    if density:
        found = found / found.sum()
        for d, e in enumerate(edges):
            found = found / np.diff(e).reshape([-1 if i == d else 1 for i, _ in enumerate(edges)])
    return found.astype(points.dtype)


def histogramdd(input: Tensor, bins, *, range=None, weight=None, density: bool = False, out=None):
    """A histogram over several dimensions: the last dimension of `input` holds the coordinates."""
    array = np.asarray(input.detach()._a)
    if array.dtype.kind != "f":
        raise NotImplementedError(f"\"histogramdd\" not implemented for '{input.dtype.title}': convert with .float().")
    n = array.shape[-1]
    points = array.reshape(math.prod(array.shape[:-1]), n)
    bins = [bins] * n if isinstance(bins, int) else list(bins)
    if len(bins) != n:
        raise RuntimeError("histogramdd: The size of bins must be equal to the innermost dimension of the input.")
    same_type("torch.histogramdd: input tensor and bins tensors should have the same dtype, but got input {first} and bins {other}.", input,
              *(wanted for wanted in bins if isinstance(wanted, Tensor)))
    edges = [np.array(wanted._a) if isinstance(wanted, Tensor) else _edges(points[:, d], wanted, *(range[2 * d:2 * d + 2] if range else (0.0, 0.0)), input.dtype)
             for d, wanted in enumerate(bins)]
    found = _histogramdd((wrap(_counts(points, edges, weight, density)), tuple(map(wrap, edges))))
    without_derivative([t for t in (input, *bins, weight) if isinstance(t, Tensor)], [found.hist, *found.bin_edges], "_histogramdd_bin_edges")
    return found


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
