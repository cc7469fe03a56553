"""Undoing broadcasting: the gradient of an input that was stretched is the sum over the copies."""

from __future__ import annotations

import math

import numpy as np

from ..backend.fast import sums

__all__ = ["fit", "sum_to_shape"]


def sum_to_shape(grad, shape):
    """Sum `grad` over the dimensions that broadcasting added or stretched, so that it has `shape`.

    Works on arrays and on Tensors; both take `sum(axes, keepdim)` by position or have the same method names.
    """
    extra = grad.ndim - len(shape)
    stretched = tuple(i for i in range(grad.ndim) if i < extra or (shape[i - extra] == 1 and grad.shape[i] != 1))
    many = len(stretched)
    if stretched and grad.__class__ is np.ndarray and grad.dtype.itemsize > 2 and stretched[-1] == many - 1 and many < grad.ndim:
        # The first dimensions, as of a bias: sums of columns.
        grad = sums(grad.reshape(math.prod(grad.shape[:many]), math.prod(grad.shape[many:])), 0)
    elif stretched:  # an array of sixteen-bit numbers is added up in float32, and rounded by who asked
        grad = (grad.astype("float32") if grad.dtype.itemsize == 2 and not hasattr(grad, "_a") else grad).sum(stretched)
    return grad if tuple(grad.shape) == tuple(shape) else grad.reshape(shape)


def fit(grad, shape, dtype):
    """`grad` with the shape and the NumPy dtype of the value it belongs to.

    A gradient of the wrong size that no broadcasting explains is an error of a rule or of a custom Function.
    """
    if tuple(grad.shape) != tuple(shape):
        if not _stretches(shape, grad.shape):
            raise RuntimeError(f"got {list(grad.shape)} but expected shape compatible with {list(shape)}")
        grad = sum_to_shape(grad, shape)
    if hasattr(grad, "_a"):  # a Tensor, while the backward pass itself is recorded
        return grad if grad._a.dtype == dtype else _cast_tensor(grad, dtype)
    if grad.dtype != dtype:
        dtype = np.dtype(dtype)  # a node of a scalar knows only its class
        if grad.dtype.kind == "c" and dtype.kind != "c":
            grad = grad.real
        grad = grad.astype(dtype)
    return grad


def _stretches(small, large) -> bool:
    """True if broadcasting turns the shape `small` into `large`."""
    if len(small) > len(large):
        return False
    return all(a == b or a == 1 for a, b in zip(reversed(tuple(small)), reversed(tuple(large)), strict=False))


def _cast_tensor(grad, dtype: np.dtype):
    from .dtypes import dtype_of

    dtype = np.dtype(dtype)
    if grad._a.dtype.kind == "c" and dtype.kind != "c":
        grad = grad.real
    return grad.to(dtype_of(dtype))
