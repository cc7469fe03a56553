"""Order: sort, topk, kthvalue, searching sorted numbers, distinct elements.

NaN counts as larger than every number, and equal elements keep their order.
"""

from __future__ import annotations

import math

import numpy as np

from ..backend import namespace
from ..backend.order import pick_rows, positions_of, ranked
from ..core.dtypes import dtype_of
from ..core.op import op, ops, public
from ..core.outs import stored
from ..core.samples import calls
from ..core.tape import without_derivative
from ..core.tensor import Tensor, wrap
from .picking import one_dim

Number = int | float | complex | bool


def distinct(r, *shape):
    """Numbers that are far apart, in random order: no ties for finite differences."""
    n = int(np.prod(shape))
    return (r.permutation(n) * 0.37 - n * 0.15).reshape(shape)


def refuse(name: str, array, kinds: str) -> None:
    """The error for types that PyTorch has no such operation for.

    Raises:
        NotImplementedError: if the kind of `array` is among `kinds` ("b" truth values, "c" complex).
    """
    if array.dtype.kind in kinds:
        raise NotImplementedError(f"\"{name}\" not implemented for '{dtype_of(array).title}'. Convert first, e.g. with .long() or .abs().")


def in_order(array):
    """bfloat16 as float32: NumPy sorts it as if its NaN were any number."""
    return array.astype(np.float32) if array.dtype.char == "E" else array


def order(array, axis: int, descending: bool = False):
    """The positions that sort `array` along `axis`; equal elements in their order."""
    if array.dtype.kind == "c":
        raise RuntimeError("Sort does not support complex dtypes on CPU. Sort the absolute values or the real parts.")
    packed = ranked(array, axis, descending)
    if packed is not None:
        packed.sort()
        return positions_of(packed, axis, array.ndim)
    xp = namespace(array)
    array = in_order(array)
    if not descending:
        return xp.argsort(array, axis=axis, kind="stable")
    if array.dtype.kind in "iub":
        return xp.argsort(~array, axis=axis, kind="stable")  # ~x turns the order round and can't overflow
    turned = -array
    if not xp.isnan(turned).any():
        return xp.argsort(turned, axis=axis, kind="stable")
    # NaN comes first. Sorting the reversed array and reversing the outcome keeps the order of equal elements.
    back = xp.argsort(xp.flip(array, axis), axis=axis, kind="stable")
    return array.shape[axis] - 1 - xp.flip(back, axis)


@op(category="index", outputs=("values", "indices"), differentiable=1, samples=calls(
    lambda r: ((distinct(r, 3, 4),), {}), lambda r: ((distinct(r, 3, 4), 0, True), {}), lambda r: ((distinct(r, 5),), {"stable": True}), lambda r: ((r.normal(size=()),), {})))
def sort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool | None = False):
    """The elements in order along `dim`, and the positions where they stood.

    >>> import autodiff_lab as lab
    >>> lab.sort(lab.tensor([3, 1, 2])).values
    tensor([1, 2, 3])
    """
    dim = one_dim(dim, input.ndim)
    if not input.ndim:
        return input.copy(), namespace(input).zeros((), np.int64)[()]
    positions = order(input, dim, descending)
    return pick_rows(input, positions, dim), positions


@sort.vjp("input")
def _(grad, indices, dim, input_shape):
    return ops.gather_backward(grad, tuple(input_shape), dim, indices)


def argsort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False, out=None):
    """The positions that sort the tensor along `dim`.

    >>> import autodiff_lab as lab
    >>> lab.argsort(lab.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    return stored(sort(input.detach(), dim, descending, stable=stable)[1], out)


def msort(input: Tensor, *, out=None):
    """The elements in order along the first dimension.

    >>> import autodiff_lab as lab
    >>> lab.msort(lab.tensor([3, 1, 2]))
    tensor([1, 2, 3])
    """
    return stored(sort(input, 0)[0], out)


@op(category="index", outputs=("values", "indices"), differentiable=1, samples=calls(
    lambda r: ((distinct(r, 3, 5), 2), {}), lambda r: ((distinct(r, 5, 3), 2, 0, False), {}), lambda r: ((r.normal(size=()), 1), {})))
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True):
    """The `k` largest (or smallest) elements along `dim`, in order, and their positions.

    Raises:
        RuntimeError: if there are not `k` elements.

    >>> import autodiff_lab as lab
    >>> lab.topk(lab.tensor([1, 5, 3]), 2).values
    tensor([5, 3])
    """
    dim = one_dim(dim, input.ndim)
    if input.dtype.kind in "bc":
        raise RuntimeError(f"topk does not support {'bool' if input.dtype.kind == 'b' else 'complex'} dtypes on CPU. Convert first, e.g. with .long() or .abs().")
    k = int(k)
    if not 0 <= k <= (input.shape[dim] if input.ndim else 1):
        raise RuntimeError(f"selected index k out of range: topk asked for {k} of {input.shape[dim] if input.ndim else 1} elements along dimension {dim}.")
    if not input.ndim:
        return input.copy(), namespace(input).zeros((), np.int64)[()]
    positions = _first(input, k, dim, largest)
    return pick_rows(input, positions, dim), positions


def _first(array, k: int, axis: int, largest: bool):
    """The positions of the `k` first elements in order. Of long rows only those are sorted."""
    packed = ranked(array, axis, largest) if k else None
    if packed is not None:
        packed.partition(k - 1)
        first = packed[..., :k].copy()
        first.sort()
        return positions_of(first, axis, array.ndim)
    xp = namespace(array)
    size = array.shape[axis]
    if size > 256 and 0 < 8 * k < size:
        key = array if not largest else ~array if array.dtype.kind in "iu" else -array
        if array.dtype.kind in "iu" or not xp.isnan(key).any():
            chosen = xp.sort(xp.take(xp.argpartition(key, k - 1, axis=axis), xp.arange(k), axis=axis), axis=axis)
            inside = xp.argsort(xp.take_along_axis(key, chosen, axis), axis=axis, kind="stable")
            return xp.take_along_axis(chosen, inside, axis)
    return xp.take(order(array, axis, largest), xp.arange(k), axis=axis)


@topk.vjp("input")
def _(grad, indices, dim, input_shape):
    return ops.gather_backward(grad, tuple(input_shape), dim, indices)


@op(category="index", outputs=("values", "indices"), differentiable=1, samples=calls(
    lambda r: ((distinct(r, 3, 5), 2), {}), lambda r: ((distinct(r, 5, 3), 5, 0, True), {}), lambda r: ((r.normal(size=()), 1), {})))
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False):
    """The `k`-th smallest element along `dim` (counted from 1), and its position.

    >>> import autodiff_lab as lab
    >>> lab.kthvalue(lab.tensor([5.0, 1.0, 3.0]), 2).values
    tensor(3.)
    """
    dim = one_dim(dim, input.ndim)
    refuse("kthvalue_cpu", input, "bc")
    size = input.shape[dim] if input.ndim else 1
    if not size:
        raise IndexError(f"kthvalue(): Expected reduction dim {dim} to have non-zero size.")
    if not 1 <= k <= size:
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {dim}: got {k}, there are {size} elements.")
    if not input.ndim:
        return input.copy(), namespace(input).zeros((), np.int64)[()]
    positions = at_rank(input, k - 1, dim)
    values = pick_rows(input, positions, dim)
    return (values, positions) if keepdim else (values.squeeze(dim), positions.squeeze(dim))


def at_rank(array, rank: int, axis: int):
    """The positions along `axis`, which stays with size 1, of the elements that `rank` others come before."""
    packed = ranked(array, axis)
    if packed is None:
        xp = namespace(array)
        return xp.take(order(array, axis), xp.asarray([rank]), axis=axis)
    packed.partition(rank)
    return positions_of(packed[..., rank:rank + 1].copy(), axis, array.ndim)


@kthvalue.vjp("input")
def _(grad, indices, dim, keepdim, input_shape):
    if len(input_shape) and not keepdim:
        grad, indices = ops.unsqueeze(grad, dim), ops.unsqueeze(indices, dim)
    return ops.gather_backward(grad, tuple(input_shape), dim, indices)


# ---- searching ----

def _rows(sequence, values, right: bool):
    """searchsorted for every row of `sequence`."""
    xp = namespace(sequence)
    sequence, values = in_order(sequence), in_order(values)
    side = "right" if right else "left"
    if sequence.dtype.kind == "f" and sequence.size and xp.isnan(sequence).any():
        return _past_nan(xp, sequence, values if sequence.ndim > 1 else values.reshape(-1), right).reshape(values.shape)
    if sequence.ndim == 1:
        return xp.searchsorted(sequence, values, side)
    if not values.size:
        return xp.zeros(values.shape, np.int64)
    flat, wanted = sequence.reshape(math.prod(sequence.shape[:-1]), sequence.shape[-1]), values.reshape(-1, values.shape[-1])
    found = [xp.searchsorted(s, v, side) for s, v in zip(flat, wanted, strict=True)]
    return xp.asarray(found, np.int64).reshape(values.shape)


def _past_nan(xp, sequence, values, right: bool):
    """The same where boundaries are NaN: PyTorch goes on to the right of them, since no value is below."""
    below = sequence[..., None, :] > values[..., None] if right else sequence[..., None, :] >= values[..., None]
    steps = sequence.shape[-1]
    low, high = xp.zeros(values.shape, np.int64), xp.full(values.shape, steps, np.int64)
    for _ in range(steps.bit_length()):
        middle = (low + high) // 2
        stays = xp.take_along_axis(xp.broadcast_to(below, (*values.shape, steps)), xp.minimum(middle, steps - 1)[..., None], -1)[..., 0]
        low, high = xp.where((low < high) & ~stays, middle + 1, low), xp.where((low < high) & stays, middle, high)
    return low


def _finish(found, out_int32: bool, out, values):
    found = np.asarray(found) if not hasattr(found, "astype") else found
    return stored(wrap(found.astype(np.int32 if out_int32 else np.int64)), out, "searchsorted")


def searchsorted(sorted_sequence, input, *, out_int32: bool = False, right: bool = False, side: str | None = None, out=None, sorter=None):
    """Where in a sorted sequence (its last dimension) each value would go so that it stays sorted.

    Args:
        right: after equal elements instead of before them; the same as side="right".
        sorter: positions that sort the sequence, if it is not sorted.

    >>> import autodiff_lab as lab
    >>> lab.searchsorted(lab.tensor([1, 3, 5]), lab.tensor([3, 6]))
    tensor([1, 3])
    """
    if side is not None:
        if side not in ("left", "right"):
            raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
        if right and side == "left":
            raise RuntimeError("torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True")
        right = side == "right"
    sequence = sorted_sequence._a
    values = input._a if isinstance(input, Tensor) else np.asarray(input)
    if not sequence.ndim:
        raise RuntimeError("torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension")
    if sequence.ndim > 1 and (values.ndim != sequence.ndim or values.shape[:-1] != sequence.shape[:-1]):
        raise RuntimeError("torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input value tensor must match, "
                           f"but we got boundaries tensor {list(sequence.shape)} and input value tensor {list(values.shape)}")
    if sorter is not None:
        sequence = namespace(sequence).take_along_axis(sequence, sorter._a, -1)
    return _finish(_rows(sequence, values, right), out_int32, out, values)


def bucketize(input, boundaries, *, out_int32: bool = False, right: bool = False, out=None):
    """The number of the bucket between sorted boundaries into which each value falls.

    >>> import autodiff_lab as lab
    >>> lab.bucketize(lab.tensor([0.5, 2.0, 9.0]), lab.tensor([1.0, 2.0, 3.0]))
    tensor([0, 1, 3])
    """
    if boundaries.ndim != 1:
        raise RuntimeError(f"bucketize(): boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    values = input._a if isinstance(input, Tensor) else np.asarray(input)
    return _finish(_rows(boundaries._a, values, right), out_int32, out, values)


# ---- distinct elements ----

def _answers(input, name: str, values, inverse, counts, return_inverse: bool, return_counts: bool):
    found = [wrap(values)]
    without_derivative([input], found, name, NotImplementedError)
    if return_inverse:
        found.append(wrap(np.asarray(inverse, np.int64)))
    if return_counts:
        found.append(wrap(np.asarray(counts, np.int64)))
    return found[0] if len(found) == 1 else tuple(found)


def unique(input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None):
    """The distinct elements in order (or distinct slices along `dim`). Every NaN is distinct.

    Args:
        return_inverse: also the number of its distinct element for every element.
        return_counts: also how often each occurs.

    >>> import autodiff_lab as lab
    >>> lab.unique(lab.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    array = np.asarray(input._a)
    refuse("unique", array, "c")
    if dim is not None:
        dim = one_dim(dim, input.ndim)
    values, inverse, counts = np.unique(in_order(array), return_inverse=True, return_counts=True, axis=dim, equal_nan=False)
    values = values.astype(array.dtype, copy=False)
    return _answers(input, "_unique2" if dim is None else "unique_dim", values, inverse.reshape(array.shape if dim is None else -1), counts, return_inverse, return_counts)


def unique_consecutive(input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None):
    """The elements without those equal to the one before (or slices along `dim`).

    >>> import autodiff_lab as lab
    >>> lab.unique_consecutive(lab.tensor([1, 1, 2, 1]))
    tensor([1, 2, 1])
    """
    array = np.asarray(input._a)
    refuse("unique", array, "c")
    rows = array.reshape(-1) if dim is None else np.moveaxis(array, one_dim(dim, array.ndim), 0)
    if not rows.shape[0]:
        return _answers(input, "unique_consecutive", array if dim is not None else rows, np.zeros(array.shape if dim is None else 0, np.int64), np.zeros(0, np.int64), return_inverse, return_counts)
    flat = rows.reshape(rows.shape[0], -1)
    starts = np.concatenate([[True], (flat[1:] != flat[:-1]).any(axis=1)])
    values = rows[starts]
    inverse = np.cumsum(starts) - 1
    counts = np.diff(np.append(np.nonzero(starts)[0], rows.shape[0]))
    if dim is not None:
        values = np.ascontiguousarray(np.moveaxis(values, 0, one_dim(dim, array.ndim)))
    return _answers(input, "unique_consecutive", values, inverse.reshape(array.shape) if dim is None else inverse, counts, return_inverse, return_counts)


def isin(elements, test_elements, *, assume_unique: bool = False, invert: bool = False, out=None):
    """True for each element that is among `test_elements`.

    >>> import autodiff_lab as lab
    >>> lab.isin(lab.tensor([1, 2, 3]), lab.tensor([2, 5]))
    tensor([False,  True, False])
    """
    if not isinstance(elements, Tensor) and not isinstance(test_elements, Tensor):
        raise TypeError("isin(): at least one of elements and test_elements must be a Tensor")
    for given in (elements, test_elements):
        if isinstance(given, Tensor) and given._a.dtype.kind in "bc":
            raise RuntimeError(f"Unsupported input type encountered for isin(): {given.dtype.title}. Compare with == instead.")
    found = np.isin(elements._a if isinstance(elements, Tensor) else elements, test_elements._a if isinstance(test_elements, Tensor) else test_elements, invert=invert)
    return stored(wrap(np.asarray(found)[()] if not np.ndim(found) else found), out)


for _made in (argsort, msort, searchsorted, bucketize, unique, unique_consecutive, isin):
    public[""][_made.__name__] = _made
for _made in (argsort, msort, unique, unique_consecutive):
    setattr(Tensor, _made.__name__, _made)


def one_hot(input: Tensor, num_classes: int = -1):
    """Each class number as a vector of zeros with a single 1.

    Shape: (*) of int64 to (*, num_classes).

    Raises:
        RuntimeError: for a number that is negative or no class.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.one_hot(lab.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    if input.dtype.name != "int64":
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor." + f" Got {input.dtype}: convert with .long().")
    array = np.asarray(input._a)
    if not array.size:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return wrap(np.zeros((*array.shape, num_classes), np.int64))
    if array.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        num_classes = int(array.max()) + 1
    elif num_classes < 1:
        raise RuntimeError("num_classes should be positive")
    elif array.max() >= num_classes:
        raise RuntimeError(f"Class values must be smaller than num_classes. Found {int(array.max())}, num_classes is {num_classes}.")
    made = np.zeros((array.size, num_classes), np.int64)
    made[np.arange(array.size), array.reshape(-1)] = 1
    return wrap(made.reshape(*array.shape, num_classes))


public.setdefault("nn.functional", {})["one_hot"] = one_hot
