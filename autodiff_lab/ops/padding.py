"""Padding: numbers around a tensor: a constant, its mirror image, its edge, or its other end."""

from __future__ import annotations

import numpy as np

from ..backend import channels_like, namespace
from ..core.arguments import Number, Sizes
from ..core.op import op, ops, public
from ..core.samples import calls
from ..core.tensor import Tensor

__all__ = ["gather_dims", "scatter_dims"]


@op(category="shape", method=False, node_name="ConstantPadNd", out=False, samples=calls(
    lambda r: ((r.normal(size=(2, 3)), (1, 2)), {}), lambda r: ((r.normal(size=(2, 3)), (-1, 1, 2, 0), 1.5), {})))
def constant_pad_nd(input: Tensor, pad: Sizes, value: Number = 0) -> Tensor:
    """`value` before and after the last dimensions; negative amounts cut off."""
    pairs = pad_pairs(input.shape, pad)
    out_shape = tuple(n + lo + hi for n, (lo, hi) in zip(input.shape, pairs, strict=True))
    for i, (n, m, (lo, hi)) in enumerate(zip(input.shape, out_shape, pairs, strict=True)):
        if m < 0:
            raise RuntimeError(f"The input size {n}, plus negative padding {lo} and {hi} resulted in a negative output size, which is invalid. Check dimension {i} of your input.")
    kept = input[tuple(slice(max(-lo, 0), n - max(-hi, 0)) for n, (lo, hi) in zip(input.shape, pairs, strict=True))]
    whole = namespace(input).full(out_shape, 0 if value is None else value, input.dtype)
    whole[tuple(slice(max(lo, 0), max(lo, 0) + n) for n, (lo, _) in zip(kept.shape, pairs, strict=True))] = kept
    return channels_like(whole, input)


def pad_pairs(shape, pad) -> list:
    """(before, after) for every dimension, from PyTorch's list that starts at the last one."""
    pad = [int(p) for p in pad]
    if len(pad) % 2:
        raise RuntimeError(f"Length of pad must be even but instead it equals {len(pad)}")
    if len(pad) > 2 * len(shape):
        raise RuntimeError("Padding length should be less than or equal to two times the input dimension but got padding length "
                           f"{len(pad)} and input of dimension {len(shape)}")
    pairs = [(0, 0)] * len(shape)
    for i in range(len(pad) // 2):
        pairs[len(shape) - 1 - i] = (pad[2 * i], pad[2 * i + 1])
    return pairs


@constant_pad_nd.vjp("input", latex="1")
def _(grad, pad):
    return ops.constant_pad_nd(grad, tuple(-p for p in pad), 0)


@op(category="index", function=False, method=False, out=False, samples=calls(
    lambda r: ((r.normal(size=(2, 3, 4)), (np.array([0, 1, 2, 1]), np.array([3, 3, 0]))), {})))
def gather_dims(input: Tensor, indices) -> Tensor:
    """Positions of each of the last dimensions picked by an array of its own; None takes them as they are."""
    d, out = len(indices), input
    for axis, index in enumerate(indices):
        if index is not None:
            out = namespace(input).take(out, namespace(input).asarray(index), axis=axis - d)
    return channels_like(out, input)


@op(category="index", function=False, method=False, out=False)
def scatter_dims(input: Tensor, indices, sizes) -> Tensor:
    """The transpose of `gather_dims`: each position added where it was picked from; `sizes` of the last dimensions."""
    xp = namespace(input)
    d = len(indices)
    for axis, (index, size) in enumerate(zip(indices, sizes, strict=True)):
        if index is None:
            continue
        whole = xp.zeros((*input.shape[:input.ndim - d + axis], size, *input.shape[input.ndim - d + axis + 1:]), input.dtype)
        left = np.arange(len(index))
        after = (slice(None),) * (d - 1 - axis)
        while len(left):  # one round for each time that a position was picked
            _, first = np.unique(index[left], return_index=True)
            chosen = np.sort(left[first])
            whole[(..., as_slice(xp, index[chosen]), *after)] += input[(..., as_slice(xp, chosen), *after)]
            left = np.setdiff1d(left, chosen)
        input = whole
    return input


def as_slice(xp, index):
    """A run with one step as a slice, which NumPy reads much faster than an array of positions."""
    if len(index) > 1:
        step = int(index[1]) - int(index[0])
        if step > 0 and (np.diff(index) == step).all():
            return slice(int(index[0]), int(index[-1]) + 1, step)
    return xp.asarray(index)


@gather_dims.vjp("input")
def _(grad, input_shape, indices):
    return ops.scatter_dims(grad, indices, tuple(input_shape[len(input_shape) - len(indices):]))


@scatter_dims.vjp("input")
def _(grad, indices):
    return ops.gather_dims(grad, indices)


@op(category="index", function=False, method=False, out=False, samples=calls(
    lambda r: ((r.normal(size=(2, 3, 4)), ((1, 2), (2, 0)), "reflect"), {}), lambda r: ((r.normal(size=(2, 3)), ((2, 1),), "replicate"), {}),
    lambda r: ((r.normal(size=(2, 3)), ((3, 1),), "circular"), {})))
def pad_edges(input: Tensor, pairs, mode: str) -> Tensor:
    """(before, after) more positions for each of the last dimensions, copied from inside: one copy of the whole and two of each edge."""
    lead = input.ndim - len(pairs)
    shape = (*input.shape[:lead], *(n + lo + hi for n, (lo, hi) in zip(input.shape[lead:], pairs, strict=True)))
    whole = namespace(input).empty(shape, input.dtype)
    whole[inner(input.shape, lead, pairs)] = input
    for axis in range(input.ndim - 1, lead - 1, -1):
        for edge, source in edges(input.shape, lead, pairs, axis, mode):
            whole[edge] = whole[source]
    return whole if mode == "circular" else channels_like(whole, input)


@op(category="index", function=False, method=False, out=False)
def pad_edges_backward(input: Tensor, pairs, mode: str) -> Tensor:
    """The transpose of `pad_edges`: each edge added to where it was copied from."""
    lead = input.ndim - len(pairs)
    shape = (*input.shape[:lead], *(n - lo - hi for n, (lo, hi) in zip(input.shape[lead:], pairs, strict=True)))
    whole = namespace(input).array(input, order="C")
    for axis in range(lead, input.ndim):
        for edge, source in edges(shape, lead, pairs, axis, mode):
            added = whole[edge]
            whole[source] += added.sum(axis, keepdims=True) if mode == "replicate" else added
    return namespace(input).ascontiguousarray(whole[inner(shape, lead, pairs)])


@pad_edges.vjp("input")
def _(grad, pairs, mode):
    return ops.pad_edges_backward(grad, pairs, mode)


@pad_edges_backward.vjp("input")
def _(grad, pairs, mode):
    return ops.pad_edges(grad, pairs, mode)


def inner(shape, lead: int, pairs) -> tuple:
    """Where the input lies in the padded tensor."""
    return (..., *(slice(lo, lo + n) for n, (lo, _) in zip(shape[lead:], pairs, strict=True)))


def edges(shape, lead: int, pairs, axis: int, mode: str):
    """The two edges along `axis`, and where they are copied from. Later dimensions are complete by then, earlier ones are not."""
    n, (lo, hi) = shape[axis], pairs[axis - lead]
    if mode == "replicate":
        found = (slice(0, lo), slice(lo, lo + 1)), (slice(lo + n, None), slice(lo + n - 1, lo + n))
    elif mode == "circular":
        found = (slice(0, lo), slice(n, n + lo)), (slice(lo + n, None), slice(lo, lo + hi))
    else:
        last = lo + n - 2 - hi
        found = (slice(0, lo), slice(2 * lo, lo, -1)), (slice(lo + n, None), slice(lo + n - 2, last if last >= 0 else None, -1))
    before = inner(shape[:axis], lead, pairs[:axis - lead])
    after = (slice(None),) * (len(shape) - 1 - axis)
    found = [pair for pair, amount in zip(found, (lo, hi), strict=True) if amount]
    if not after and 1 < max(lo, hi) <= 4:  # a few columns: one by one, since NumPy's inner loop would be as short as a row of the edge
        found = [pair for edge, source in found for pair in zip(column(edge, n + lo + hi), column(source, n + lo + hi) * (1 if mode != "replicate" else max(lo, hi)), strict=False)]
    return [((*before, edge, *after), (*before, source, *after)) for edge, source in found]


def column(of: slice, size: int) -> list:
    """The columns of a slice as slices of one."""
    return [slice(i, i + 1) for i in range(*of.indices(size))]


def positions(n: int, lo: int, hi: int, mode: str):
    """Where each position of a padded dimension is read from."""
    at = np.arange(-lo, n + hi)
    if mode == "replicate":
        return np.clip(at, 0, n - 1)
    if mode == "circular":  # what negative padding cuts off does not come back at the other end
        kept = np.arange(max(-lo, 0), n - max(-hi, 0))
        return kept[np.arange(-max(lo, 0), len(kept) + max(hi, 0)) % len(kept)]
    period = max(2 * (n - 1), 1)
    at = np.abs(at) % period
    return np.where(at >= n, period - at, at)


def pad(input: Tensor, pad: Sizes, mode: str = "constant", value: Number | None = None):
    """Numbers around a tensor.

    Args:
        pad: amounts (before, after) for the last dimension, then for the one before, and so on; negative amounts cut off.
        mode: "constant", "reflect" (mirror without repeating the edge), "replicate" (the edge) or "circular" (the other end).
        value: the constant; default 0.

    Raises:
        RuntimeError: for an odd number of sizes.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.pad(lab.tensor([[1.0, 2.0, 3.0]]), (2, 1), mode="reflect")
    tensor([[3., 2., 1., 2., 3., 2.]])
    """
    pad = tuple(int(p) for p in pad)
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if mode == "constant":
        return constant_pad_nd(input, pad, 0 if value is None else value)
    if value is not None and value != 0:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    d = len(pad) // 2
    if d > 3 or input.ndim not in (d + 1, d + 2):
        raise NotImplementedError("Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now. "
                                  f"Padding {d} dimensions takes an input of {d + 1} or {d + 2}, got {input.ndim}.")
    pairs = []
    for axis in range(input.ndim - d, input.ndim):
        n = input.shape[axis]
        lo, hi = pad[2 * (input.ndim - 1 - axis)], pad[2 * (input.ndim - 1 - axis) + 1]
        if mode == "reflect" and (lo >= n or hi >= n):
            raise RuntimeError(f"Argument #{4 + 2 * (input.ndim - 1 - axis)}: Padding size should be less than the corresponding input dimension, but got: padding ({lo}, {hi}) at "
                               f"dimension {axis} of input {list(input.shape)}")
        if mode == "circular" and (lo > n or hi > n):
            raise RuntimeError("Padding value causes wrapping around more than once.")
        if n + lo + hi < 1:
            raise RuntimeError(f"input (size: {n}) is too small for padding ({lo}, {hi}) at dimension {axis}.")
        pairs.append((lo, hi))
    if min(pad, default=0) >= 0:
        return pad_edges(input, tuple(pairs), mode)
    return gather_dims(input, tuple(positions(n, *pair, mode) if any(pair) else None for n, pair in zip(input.shape[input.ndim - d:], pairs, strict=True)))


public["nn.functional"]["pad"] = pad
