"""Discrete Fourier transforms. All are one operator, `fft_c2c`, with padding, halves and directions around it.

The transform is linear, and its adjoint is the transform in the other direction, so each derivative is
again a transform.
"""

from __future__ import annotations

import numpy as np

from ..backend import namespace
from ..core.op import op, ops
from ..core.samples import calls
from ..core.tensor import Tensor


def library(array):
    """The module that transforms `array`: scipy.fft, which keeps single precision, or cupy.fft."""
    import scipy.fft  # here, because it is slow to import and few programs need it

    xp = namespace(array)
    return scipy.fft if xp is np else xp.fft


def scale(shape, dims, mode: int) -> float:
    """What the sum is multiplied by: 1, 1/sqrt(n) or 1/n for mode 0, 1, 2."""
    n = 1.0
    for d in dims:
        n *= shape[d]
    return 1.0 if mode == 0 else 1 / n ** 0.5 if mode == 1 else 1 / n


def cplx(r, *shape):
    return r.normal(size=shape) + 1j * r.normal(size=shape)


@op(category="linear", function=False, method=False, node_name="FftC2C", samples=calls(lambda r: ((cplx(r, 3, 4), (1,), 0, True), {}), lambda r: ((cplx(r, 2, 3), (0, 1), 1, False), {})))
def fft_c2c(input: Tensor, dims, mode: int, forward: bool) -> Tensor:
    """Complex transform over `dims`: the sum of x_k exp(∓2πi jk/n), times `scale`."""
    lib = library(input)
    factor = scale(input.shape, dims, mode)
    if forward:
        out = lib.fftn(input, axes=dims)
        return out if factor == 1 else out * input.real.dtype.type(factor)
    out = lib.ifftn(input, axes=dims)
    factor /= scale(input.shape, dims, 2)  # the library's inverse divides by n already
    return out if factor == 1 else out * input.real.dtype.type(factor)


@fft_c2c.vjp("input")
def _(grad, dims, mode, forward):
    return ops.fft_c2c(grad, dims, mode, not forward)


@op(category="linear", function=False, method=False, node_name="FftR2C", samples=calls(lambda r: ((r.normal(size=(3, 4)), (1,), 0), {}), lambda r: ((r.normal(size=(3, 5)), (0, 1), 2), {})))
def fft_r2c(input: Tensor, dims, mode: int) -> Tensor:
    """Transform of real numbers: the half that the other half mirrors, along the last of `dims`."""
    out = library(input).rfftn(input, axes=dims)
    factor = scale(input.shape, dims, mode)
    return out if factor == 1 else out * input.dtype.type(factor)


@fft_r2c.vjp("input")
def _(grad, input_shape, dims, mode):
    last = dims[-1] % len(input_shape)
    missing = input_shape[last] - grad.shape[last]
    if missing:
        grad = ops.constant_pad_nd(grad, (0, 0) * (len(input_shape) - 1 - last) + (0, missing))
    return ops.real(ops.fft_c2c(grad, dims, mode, False))


@op(category="linear", function=False, method=False, node_name="FftC2R", samples=calls(lambda r: ((cplx(r, 3, 3), (1,), 2, 4), {}), lambda r: ((cplx(r, 3, 3), (0, 1), 0, 5), {})))
def fft_c2r(input: Tensor, dims, mode: int, last_size: int) -> Tensor:
    """Inverse transform of a half whose other half mirrors it: real numbers, `last_size` along the last of `dims`."""
    shape = tuple(last_size if d == dims[-1] else input.shape[d] for d in dims)
    out = library(input).irfftn(input, s=shape, axes=dims)
    factor = scale(out.shape, dims, mode) / scale(out.shape, dims, 2)
    return out if factor == 1 else out * out.dtype.type(factor)


@fft_c2r.vjp("input")
def _(grad, input_shape, dims, mode, last_size):
    half = ops.fft_r2c(grad, dims, mode)
    last = dims[-1] % len(input_shape)
    # What stands for itself and its mirror image counts twice.
    first = (slice(None),) * last
    doubled = last_size - input_shape[last]
    body = half[(*first, slice(1, 1 + doubled))] * 2
    return ops.cat([half[(*first, slice(0, 1))], body, half[(*first, slice(1 + doubled, None))]], last)
