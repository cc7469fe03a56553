"""Weighted sums of a few places each: what grid_sample reads. N images, C channels, L places in each, P outputs of K places.

Three operators, each the gradient of the others: out = sum of weight times image, linear in both. Every output is a row of a
sparse matrix with K numbers, which SciPy's C functions multiply with the image, whose channels lie side by side.
"""

from __future__ import annotations

import numpy as np

from ..backend import namespace
from ..backend.cells import outside
from ..core.op import op, ops
from ..core.samples import calls
from ..core.tensor import Tensor

__all__ = ["combine", "combine_back", "combine_dots"]

PLACES = np.array([[[0, 3], [2, 2], [4, 0]], [[1, 0], [4, 4], [3, 1]]])


@op(category="index", function=False, method=False, out=False, samples=calls(lambda r: ((r.normal(size=(2, 3, 5)), r.normal(size=(2, 3, 2)), PLACES), {})))
def combine(input: Tensor, weights: Tensor, positions: Tensor) -> Tensor:
    """(N, C, L), weights and positions (N, P, K) to (N, C, P): the sum over K of weight times the element at the position."""
    (N, C, L), (_, P, K) = input.shape, weights.shape
    if not _is_plain(input, weights):
        xp = namespace(input)
        return (_picked(input, positions) * xp.expand_dims(weights, 1)).sum(-1)
    from scipy.sparse import _sparsetools

    out = np.zeros((N, P, C), input.dtype)
    _sparsetools.csr_matvecs(N * P, N * L, C, np.arange(0, N * P * K + 1, K), _numbered(positions, L), _flat(weights), _flat(input.transpose(0, 2, 1)), out.reshape(-1))
    return np.ascontiguousarray(out.transpose(0, 2, 1))


@op(category="index", function=False, method=False, out=False, samples=calls(lambda r: ((r.normal(size=(2, 4, 3)), r.normal(size=(2, 3, 2)), PLACES, 5), {})))
def combine_back(input: Tensor, weights: Tensor, positions: Tensor, size: int) -> Tensor:
    """(N, C, P) to (N, C, size): each element added, times its weights, at its positions."""
    (N, C, P), K = input.shape, weights.shape[-1]
    if not _is_plain(input, weights):
        xp = namespace(input)
        whole = xp.zeros((N, C, size), input.dtype)
        spread = xp.expand_dims(input, -1) * xp.expand_dims(weights, 1)
        xp.add.at(whole, (xp.arange(N)[:, None, None], xp.arange(C)[:, None], positions.reshape(N, 1, P * K)), spread.reshape(N, C, P * K))
        return whole
    from scipy.sparse import _sparsetools

    whole = np.zeros((N, size, C), input.dtype)
    _sparsetools.csc_matvecs(N * size, N * P, C, np.arange(0, N * P * K + 1, K), _numbered(positions, size), _flat(weights), _flat(input.transpose(0, 2, 1)), whole.reshape(-1))
    return np.ascontiguousarray(whole.transpose(0, 2, 1))


@op(category="index", function=False, method=False, out=False, samples=calls(lambda r: ((r.normal(size=(2, 4, 3)), r.normal(size=(2, 4, 5)), PLACES), {})))
def combine_dots(input: Tensor, image: Tensor, positions: Tensor) -> Tensor:
    """(N, C, P) and an image (N, C, L) to (N, P, K): the sum over channels of each element times the image at its positions."""
    (N, C, P), K = input.shape, positions.shape[-1]
    if not _is_plain(input, image):
        return (_picked(image, positions) * namespace(input).expand_dims(input, -1)).sum(1)
    rows = np.ascontiguousarray(image.transpose(0, 2, 1)).reshape(-1, C).take(_numbered(positions, image.shape[2]), axis=0).reshape(N, P, K, C)
    rows *= input.transpose(0, 2, 1)[:, :, None]
    return np.matmul(rows.reshape(-1, C), np.ones((C, 1), rows.dtype)).reshape(N, P, K)


@combine.vjp("input")
def _(grad, weights, positions, input_shape):
    return ops.combine_back(grad, weights, positions, input_shape[2])


@combine.vjp("weights")
def _(grad, input, positions):
    return ops.combine_dots(grad, input, positions)


@combine_back.vjp("input")
def _(grad, weights, positions):
    return ops.combine(grad, weights, positions)


@combine_back.vjp("weights")
def _(grad, input, positions):
    return ops.combine_dots(input, grad, positions)


@combine_dots.vjp("input")
def _(grad, image, positions):
    return ops.combine(image, grad, positions)


@combine_dots.vjp("image")
def _(grad, input, image_shape, positions):
    return ops.combine_back(input, grad, positions, image_shape[2])


def _is_plain(*arrays) -> bool:
    return all(a.__class__ is np.ndarray and a.dtype == arrays[0].dtype and a.dtype.char in "fd" and a.size for a in arrays)


def _picked(image, positions):
    """The elements at the positions: (N, C, P, K)."""
    N, P, K = positions.shape
    return namespace(image).take_along_axis(image, positions.reshape(N, 1, P * K), 2).reshape(N, image.shape[1], P, K)


def _numbered(positions, size: int):
    """The positions in all images, one after the other, as one row."""
    if outside(positions, size):  # C code does not look
        raise IndexError(f"a position is out of bounds: an image has {size} places.")
    starts = np.arange(0, len(positions) * size, size, dtype=np.int64)
    return np.add(positions, starts[:, None, None], order="C").reshape(-1)


def _flat(array):
    return np.ascontiguousarray(array).reshape(-1)
