"""Choosing elements by masks, and from masks to positions."""

from __future__ import annotations

import numpy as np

from ..backend import in_c_order, namespace
from ..backend.fast import select
from ..core.dtypes import dtype_of
from ..core.op import op, ops, public
from ..core.outs import stored
from ..core.samples import calls
from ..core.tensor import Tensor, wrap
from .picking import Number


def _mask(name, mask):
    if mask.dtype.kind != "b":
        kind = "unsigned char" if mask.dtype == np.uint8 else dtype_of(mask)
        raise RuntimeError(f"{name}_ only supports boolean masks, but got mask with dtype {kind}. Compare it with something, e.g. mask > 0.")
    return mask


@op(category="index", inplace=True, out=False, latex=r"\begin{cases} v & m \\ x & \text{else} \end{cases}", variants=(("isinstance(value, Tensor)", "MaskedFillBackward1"),), samples=calls(
    lambda r: ((r.normal(size=(3, 4)), r.normal(size=(3, 4)) > 0, -1.0), {}), lambda r: ((r.normal(size=(3, 4)), r.normal(size=(4,)) > 0, np.asarray(r.normal())), {})))
def masked_fill(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """`value` where `mask` is true, `input` elsewhere. The mask broadcasts.

    Raises:
        RuntimeError: for a mask that is not boolean, or a value with dimensions.

    >>> import autodiff_lab as lab
    >>> lab.tensor([1.0, 2.0]).masked_fill(lab.tensor([True, False]), float("-inf"))
    tensor([-inf, 2.])
    """
    if getattr(value, "ndim", 0):
        raise RuntimeError(f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s).")
    if value.__class__ is float and input.dtype.kind in "iu" and not abs(value) < 2.0 ** 63 or value.__class__ is complex and input.dtype.kind != "c":
        raise RuntimeError(f"value cannot be converted to type {dtype_of(input).name} without overflow: {value}.")
    if getattr(value, "dtype", None) is not None and value.dtype.kind == "c" and input.dtype.kind != "c":
        raise RuntimeError(f"value cannot be converted to type {dtype_of(input).name}_t without overflow: it is complex.")
    return in_c_order(select(_mask("masked_fill", mask), input.dtype.type(value) if getattr(value, "dtype", None) is None else value.astype(input.dtype), input))


@masked_fill.vjp("input", latex=r"[\lnot m]")
def _(grad, mask):
    return ops.masked_fill(grad, mask, 0)


@masked_fill.vjp("value")
def _(grad, mask):
    return ops.sum(ops.where(mask, grad, 0))


@op(category="index", samples=calls(lambda r: ((r.normal(size=(3, 4)), r.normal(size=(3, 4)) > 0), {}), lambda r: ((r.normal(size=(3, 4)), r.normal(size=(4,)) > 0), {})))
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where `mask` is true, in one vector.

    >>> import autodiff_lab as lab
    >>> x = lab.tensor([1, 2, 3])
    >>> x.masked_select(x > 1)
    tensor([2, 3])
    """
    if mask.dtype.kind != "b":
        raise RuntimeError(f"masked_select: expected BoolTensor for mask, but got {dtype_of(mask)}.")
    xp = namespace(input)
    if input.shape != mask.shape:
        input, mask = xp.broadcast_arrays(input, mask)
    return xp.asarray(input)[xp.asarray(mask)].reshape(-1)


def common_shape(a, b) -> tuple:
    """The shape that two shapes broadcast to."""
    return np.broadcast_shapes(tuple(a), tuple(b))


@masked_select.vjp("input")
def _(grad, input_shape, mask):
    common = common_shape(input_shape, mask.shape)
    mask = ops.expand(mask, common) if tuple(mask.shape) != common else mask
    return ops.masked_scatter(ops.expand(ops.zeroed(grad.sum()), common), mask, grad)


def _masked_scatter(input, mask, source):
    if mask.dtype.kind != "b":
        raise RuntimeError(f"masked_scatter_ only supports boolean masks, but got mask with dtype {dtype_of(mask).title}")
    mask = namespace(input).broadcast_to(mask, input.shape)
    if source.dtype != input.dtype:
        raise RuntimeError(f"masked_scatter: expected self and source to have same dtypes but got {dtype_of(input).title} and {dtype_of(source).title}")
    n = int(mask.sum())
    if source.size < n:
        raise RuntimeError(f"Number of elements of source < number of ones in mask: {source.size} < {n}.")
    if input.ndim:
        input[mask] = source.reshape(-1)[:n]
    elif n:
        input[...] = source.reshape(-1)[0]


@op(category="index", inplace=True, out=False, samples=calls(lambda r: ((r.normal(size=(3, 4)), r.normal(size=(3, 4)) > 0, r.normal(size=(12,))), {}),
                                                  lambda r: ((r.normal(size=(3, 4)), r.normal(size=(4,)) > 0, r.normal(size=(3, 4))), {})))
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy of `input` with the elements of `source`, in order, where `mask` is true.

    >>> import autodiff_lab as lab
    >>> lab.zeros(3).masked_scatter(lab.tensor([True, False, True]), lab.tensor([1.0, 2.0]))
    tensor([1., 0., 2.])
    """
    xp = namespace(input)
    whole = xp.array(xp.broadcast_to(input, np.broadcast_shapes(input.shape, mask.shape)))
    _masked_scatter(whole, mask, source)
    return whole


masked_scatter.op.writes(_masked_scatter)


@masked_scatter.vjp("input")
def _(grad, mask):
    return ops.masked_fill(grad, mask, 0)


@masked_scatter.vjp("source")
def _(grad, mask, source_shape):
    return ops.first_elements(ops.masked_select(grad, mask), tuple(source_shape))


@op(category="index", function=False, method=False, out=False)
def first_elements(input: Tensor, shape) -> Tensor:
    """A vector's elements at the beginning of `shape`, zeros after them."""
    whole = namespace(input).zeros(shape, input.dtype)
    whole.reshape(-1)[:input.size] = input
    return whole


@first_elements.vjp("input")
def _(grad, input_shape):
    return grad.reshape(-1)[:input_shape[0]]


# ---- positions ----

@op(category="index", no_grad="positions are whole numbers", name="nonzero", function=False, method=False, samples=calls(lambda r: ((r.integers(0, 2, (3, 4)),), {})))
def _nonzero(input: Tensor) -> Tensor:
    """The positions of elements that are not zero, one row each."""
    xp = namespace(input)
    if not input.ndim:
        return xp.zeros((int(bool(input)), 0), np.int64)
    if input.ndim > 1 and input.__class__ is np.ndarray and input.size:
        # In one dimension NumPy finds them 5 times faster; dividing by the sizes tells where that is.
        left = np.flatnonzero(input if input.dtype.kind == "b" else input != 0)
        found = np.empty((left.size, input.ndim), np.int64)
        for d in range(input.ndim - 1, 0, -1):
            rows = left // input.shape[d]
            np.subtract(left, rows * input.shape[d], out=found[:, d])
            left = rows
        found[:, 0] = left
        return found
    return xp.stack(xp.nonzero(input), axis=1) if input.size else xp.zeros((0, input.ndim), np.int64)


def nonzero(input: Tensor, *, out=None, as_tuple: bool = False):
    """The positions of elements that are not zero: one row each, or one tensor per dimension.

    >>> import autodiff_lab as lab
    >>> lab.nonzero(lab.tensor([0, 5, 7]), as_tuple=True)
    (tensor([1, 2]),)
    """
    if as_tuple:
        found = _nonzero(input.reshape(1) if not input.ndim else input)
        return tuple(wrap(found._a[:, d].copy()) for d in range(found.shape[1]))
    return _nonzero(input, out=out)


def argwhere(input: Tensor):
    """The positions of elements that are not zero, one row each.

    >>> import autodiff_lab as lab
    >>> lab.argwhere(lab.tensor([0, 3, 0, 4]))
    tensor([[1],
            [3]])
    """
    return _nonzero(input)


def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1, out=None):
    """`nonzero` with exactly `size` rows: cut, or filled up with `fill_value`."""
    found = _nonzero(input)._a[:size]
    whole = np.full((size, found.shape[1]), fill_value, np.int64)
    whole[:len(found)] = found
    return stored(wrap(whole), out)


for _made in (nonzero, argwhere, nonzero_static):
    public[""][_made.__name__] = _made
    setattr(Tensor, _made.__name__, _made)
