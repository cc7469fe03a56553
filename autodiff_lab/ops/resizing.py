"""Resizing: `interpolate`. Each direction is a matrix of weights (new size, old size); only nearest pixels are picked instead."""

from __future__ import annotations

import functools
import math

import numpy as np

from ..core.arguments import whole
from ..core.dtypes import uint8
from ..core.errors import caution
from ..core.op import public
from .padding import gather_dims
from .pooling import mix_along

__all__: list[str] = []

LINEAR = {"linear": 1, "bilinear": 2, "trilinear": 3}
KINDS = ("nearest", "linear", "bilinear", "bicubic", "trilinear", "lanczos", "area", "nearest-exact")


def nearest_positions(n: int, m: int, factor, exact: bool, dtype):
    scale = dtype.type(1 / factor) if factor is not None else dtype.type(n) / dtype.type(m)
    at = np.arange(m).astype(dtype)
    return np.minimum(np.floor((at + dtype.type(0.5)) * scale if exact else at * scale).astype(np.int64), n - 1)


def places(n: int, m: int, factor, align_corners: bool):
    """Where each of `m` new positions lies among `n` old ones."""
    at = np.arange(m)
    if align_corners:
        return at * ((n - 1) / (m - 1) if m > 1 else 0.0)
    return (at + 0.5) * (1 / factor if factor is not None else n / m) - 0.5


def linear_matrix(n: int, m: int, factor, align_corners: bool) -> np.ndarray:
    at = np.maximum(places(n, m, factor, align_corners), 0)
    low = np.minimum(at.astype(np.int64), n - 1)
    share = at - low
    matrix = np.zeros((m, n))
    np.add.at(matrix, (np.arange(m), low), 1 - share)
    np.add.at(matrix, (np.arange(m), np.minimum(low + 1, n - 1)), share)
    return matrix


def cubic(x, a: float):
    x = np.abs(x)
    return np.where(x <= 1, ((a + 2) * x - (a + 3)) * x * x + 1, np.where(x < 2, ((a * x - 5 * a) * x + 8 * a) * x - 4 * a, 0))


def cubic_matrix(n: int, m: int, factor, align_corners: bool, last: int = 2) -> np.ndarray:
    at = places(n, m, factor, align_corners)
    low = np.floor(at).astype(np.int64)
    matrix = np.zeros((m, n))
    for tap in range(-1, last + 1):
        np.add.at(matrix, (np.arange(m), np.clip(low + tap, 0, n - 1)), cubic(at - (low + tap), -0.75))
    return matrix


# The weight of a pixel at a distance, and how far it reaches, of the filters that average over what they leave out.
FILTERS = {
    "bilinear": (1, lambda x: np.maximum(1 - np.abs(x), 0)),
    "bicubic": (2, lambda x: cubic(x, -0.5)),
    "lanczos": (3, lambda x: np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)),
}


def smooth_matrix(n: int, m: int, factor, align_corners: bool, mode: str) -> np.ndarray:
    """Resizing that averages over what it leaves out (antialias)."""
    reach, weigh = FILTERS[mode]
    scale = ((n - 1) / (m - 1) if m > 1 else 0.0) if align_corners else 1 / factor if factor is not None else n / m
    wide = max(scale, 1.0)
    support = reach * wide
    matrix = np.zeros((m, n))
    for i in range(m):
        center = scale * (i + 0.5)
        start, end = max(int(center - support + 0.5), 0), min(int(center + support + 0.5), n)
        weight = weigh((np.arange(start, end) - center + 0.5) / wide)
        matrix[i, start:end] = weight / weight.sum() if weight.sum() else weight
    return matrix


def whole_weights(matrix: np.ndarray, top: float) -> tuple:
    """The weights as whole numbers of sixteen bits, and the power of two that they were multiplied by; `top` is the largest weight."""
    bits = 0
    while bits < 22 and int(0.5 + top * (1 << bits + 1)) < 1 << 15:
        bits += 1
    return np.trunc(np.where(matrix < 0, -0.5, 0.5) + matrix * (1 << bits)), bits


def resized_bytes(input, each, make, steps):
    """The bytes of an image resized in whole numbers, along the rows first, as PyTorch does: rounded and cut to 0 … 255 after each direction.

    Args:
        make: the matrix of weights for one direction.
        steps: the same from the first taps only, whose sums PyTorch looks at for the largest weight.
    """
    found = input.double()  # which holds these whole numbers exactly
    for axis in (1, 0):
        n, m, _ = each[axis]
        if n != m:
            weights, bits = whole_weights(make(*each[axis]), max(float(matrix(*each[axis]).max()) for matrix in (make, *steps)))
            found = mix_along(found, (None, weights) if axis else (weights, None))
            found = ((found + (1 << bits - 1)) / (1 << bits)).floor().clamp(0, 255)
    return found.to(uint8)


def interpolate(input, size=None, scale_factor=None, mode: str = "nearest", align_corners: bool | None = None, recompute_scale_factor: bool | None = None, antialias: bool = False):
    """Resize the last dimensions of (N, C, …) to `size` or by `scale_factor`.

    Args:
        mode: "nearest", "nearest-exact", "linear" (3-D input), "bilinear", "bicubic", "lanczos" (4-D), "trilinear" (5-D) or "area".
        align_corners: let the corner pixels keep their values (linear and cubic modes).
        recompute_scale_factor: take the factor from the rounded size.
        antialias: average over what downsampling leaves out (bilinear and bicubic; lanczos always does and has to be told so).

    Bytes (uint8) are resized by "nearest", "bilinear", "bicubic" and "lanczos", in whole numbers.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.interpolate(lab.tensor([[[1.0, 2.0]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    """
    if mode in ("nearest", "area", "nearest-exact"):
        if align_corners is not None:
            raise ValueError("align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear")
    else:
        align_corners = bool(align_corners)
    d = input.ndim - 2
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if size is not None and recompute_scale_factor:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    if isinstance(size, (tuple, list)) and len(size) != d:
        raise ValueError(f"Input and output must have the same number of spatial dimensions, but got input with spatial dimensions of {list(input.shape[2:])} and output size of {size}. "
                         "Please provide input tensor in (N, C, d1, d2, ...,dK) format and output size in (o1, o2, ...,oK) format.")
    check_mode(input, d, mode, bool(align_corners), antialias)
    sizes = tuple(input.shape[2:])
    factors: tuple = (None,) * d
    if size is not None:
        out = tuple([whole("size", n) for n in size]) if hasattr(size, "__iter__") and getattr(size, "ndim", 1) else (whole("size", size),) * d
        if len(out) != d:
            raise ValueError(f"Input and output must have the same number of spatial dimensions, but got input with spatial dimensions of {list(sizes)} and output size of {list(out)}. "
                             "Please provide input tensor in (N, C, d1, d2, ...,dK) format and output size in (o1, o2, ...,oK) format.")
    else:
        factors = tuple(float(f) for f in scale_factor) if hasattr(scale_factor, "__iter__") else (float(scale_factor),) * d
        if len(factors) != d:
            raise ValueError(f"Input and scale_factor must have the same number of spatial dimensions, but got input with spatial dimensions of {list(sizes)} and scale_factor of shape {list(factors)}.")
        out = tuple(math.floor(n * f) for n, f in zip(sizes, factors, strict=True))
        if recompute_scale_factor:
            factors = (None,) * d
    if any(n <= 0 for n in out):
        raise RuntimeError(f"Input and output sizes should be greater than 0, but got input (H: {sizes[0]}, W: {sizes[-1]}) output (H: {out[0]}, W: {out[-1]})")
    if mode == "area":
        return public["nn.functional"][f"adaptive_avg_pool{d}d"](input, out)
    each = list(zip(sizes, out, factors, strict=True))
    if mode.startswith("nearest"):
        dtype = np.dtype("float64") if input._a.dtype == np.float64 else np.dtype("float32")
        return gather_dims(input, tuple(nearest_positions(n, m, f, mode == "nearest-exact", dtype) for n, m, f in each))
    if antialias:
        make, steps = functools.partial(smooth_matrix, align_corners=align_corners, mode=mode), ()
    elif mode == "bicubic":
        make = functools.partial(cubic_matrix, align_corners=align_corners)
        steps = tuple(functools.partial(make, last=last) for last in (-1, 0, 1))
    else:
        make, steps = functools.partial(linear_matrix, align_corners=align_corners), ()
    if input.dtype is uint8:
        return resized_bytes(input, each, make, steps)
    return mix_along(input, tuple(None if not antialias and n == m and (f is None or f == 1) else make(n, m, f) for n, m, f in each))


def check_mode(input, d: int, mode: str, align_corners: bool, antialias: bool) -> None:
    """Refuse a way of resizing that is not for this input.

    Raises:
        ValueError: for options that exclude each other.
        NotImplementedError: for a number of dimensions or a type that the mode is not for.
    """
    if antialias and (mode not in FILTERS or d != 2):
        raise ValueError("Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input")
    needs = LINEAR.get(mode, d)
    if d not in (1, 2, 3) or mode not in KINDS or mode in ("bicubic", "lanczos") and d != 2:
        raise NotImplementedError("Input Error: Only 3D, 4D and 5D input Tensors supported "
                                  f"(got {input.ndim}D) for the modes: nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact (got {mode})")
    if needs != d:
        raise NotImplementedError(f"Got {input.ndim}D input, but {mode} mode needs {needs + 2}D input")
    if mode == "lanczos":
        if align_corners:
            raise ValueError("Lanczos mode does not support align_corners=True")
        if not antialias:
            raise ValueError("Lanczos mode requires antialias=True")
    if not input.is_floating_point() and (input.dtype is not uint8 or mode in ("linear", "trilinear", "area")):
        raise NotImplementedError(f"\"upsample_{mode.replace('-', '_')}{d}d\" not implemented for '{input.dtype.title}'. Convert the input first, e.g. with .float().")


def upsample(input, size=None, scale_factor=None, mode: str = "nearest", align_corners: bool | None = None):
    """Old name of `interpolate`."""
    caution("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input, size=None, scale_factor=None):
    """Old name of `interpolate(mode="nearest")`."""
    caution("`nn.functional.upsample_nearest` is deprecated. Use `nn.functional.interpolate` instead.")
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input, size=None, scale_factor=None):
    """Old name of `interpolate(mode="bilinear", align_corners=True)`."""
    caution("`nn.functional.upsample_bilinear` is deprecated. Use `nn.functional.interpolate` instead.")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


for _function in (interpolate, upsample, upsample_nearest, upsample_bilinear):
    public["nn.functional"][_function.__name__] = _function
