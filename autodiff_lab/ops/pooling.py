"""Pooling: one number for each window of the input: its largest, its mean, or one of its norms.

Sums and maxima of windows are taken one dimension after the other, as sums and maxima of shifted slices.
"""

from __future__ import annotations

import math
from collections import namedtuple
from functools import lru_cache

import numpy as np

from ..backend import channels_like, namespace
from ..core.arguments import Dims, whole
from ..core.errors import TooFewDimensions, refuse
from ..core.op import op, ops, public
from ..core.precision import in_float32
from ..core.samples import calls
from ..core.tensor import Tensor
from .reductions import mean

__all__: list[str] = []

Pool = namedtuple("Pool", "kernel stride pads dilation out")
"""A window's size and step, (before, after) padding, spacing, and the number of windows, per dimension."""


def several(value, d: int, name: str) -> tuple:
    if isinstance(value, Tensor):
        value = value.tolist()
    if hasattr(value, "__iter__"):
        values = tuple([whole(name, v) for v in value])
        if len(values) not in (1, d):
            raise RuntimeError(f"{name} must either be a single int, or a tuple of {d} ints, but got {list(values)}")
        return values * d if len(values) == 1 else values
    return (whole(name, value),) * d


def pool(shape, d: int, kernel_size, stride, padding, dilation=1, ceil_mode: bool = False) -> Pool:
    """The windows of a pooling, checked; those asked for last are remembered, as they are the same in every step."""
    try:
        return windows_of(tuple(shape), d, kernel_size, stride, padding, dilation, ceil_mode)
    except TypeError:  # lists and tensors cannot be looked up
        return windows_of.__wrapped__(shape, d, kernel_size, stride, padding, dilation, ceil_mode)


@lru_cache(256)
def windows_of(shape, d: int, kernel_size, stride, padding, dilation, ceil_mode: bool) -> Pool:
    if len(shape) not in (d + 1, d + 2):
        raise TooFewDimensions(f"non-empty {d + 1}D or {d + 2}D (batch mode) tensor expected for input, but got one of size {list(shape)}")
    kernel = several(kernel_size, d, "kernel_size")
    if any(gap <= 0 for gap in several(dilation, d, "dilation")):
        raise RuntimeError(f"max_pool{d}d() dilation must be greater than zero, but got {min(several(dilation, d, 'dilation'))}")
    stride = several(stride, d, "stride") if stride is not None and stride != () and stride != [] else kernel
    padding, dilation = several(padding, d, "padding"), several(dilation, d, "dilation")
    if any(k <= 0 for k in kernel):
        raise RuntimeError(f"kernel size should be greater than zero, but got {list(kernel)}")
    if any(s == 0 for s in stride):
        raise RuntimeError("stride should not be zero")
    if any(p < 0 for p in padding):
        raise RuntimeError(f"pad must be non-negative, but got pad: {min(padding)}")
    for p, k, gap in zip(padding, kernel, dilation, strict=True):
        if p > ((k - 1) * gap + 1) // 2:
            raise RuntimeError(f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and dilation={gap}")
    out, pads = [], []
    for n, k, s, p, gap in zip(shape[-d:], kernel, stride, padding, dilation, strict=True):
        reach = gap * (k - 1) + 1
        room = n + 2 * p - reach
        m = (-(-room // s) if ceil_mode else room // s) + 1
        if ceil_mode and (m - 1) * s >= n + p:
            m -= 1  # the last window must start inside the input or its left padding
        out.append(m)
        pads.append((p, max((m - 1) * s + reach - n - p, 0)))
    if any(m < 1 for m in out):
        planes = shape[-d - 1]
        raise RuntimeError(f"Given input size: ({'x'.join(map(str, (planes, *shape[-d:])))}). Calculated output size: "
                           f"({'x'.join(map(str, (planes, *(max(m, 0) for m in out))))}). Output size is too small")
    return Pool(kernel, stride, tuple(pads), dilation, tuple(out))


def padded(x, pads, value):
    """`value` around the last dimensions."""
    if not any(lo or hi for lo, hi in pads):
        return x
    lead = x.ndim - len(pads)
    whole = namespace(x).full(x.shape[:lead] + tuple(n + lo + hi for n, (lo, hi) in zip(x.shape[lead:], pads, strict=True)), value, x.dtype)
    whole[(..., *(slice(lo, lo + n) for n, (lo, _) in zip(x.shape[lead:], pads, strict=True)))] = x
    return whole


def lowest(dtype):
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min if dtype.kind in "iu" else dtype.type(-np.inf)


@lru_cache(256)
def slices(axis: int, d: int, size: Pool) -> list:
    """Along one dimension (0 the first of `d` spatial ones): the part of the input that each place in the window sees."""
    starts = [i * size.dilation[axis] for i in range(size.kernel[axis])]
    return [(..., slice(start, start + (size.out[axis] - 1) * size.stride[axis] + 1, size.stride[axis]), *(slice(None),) * (d - 1 - axis)) for start in starts]


def over_windows(x, d: int, size: Pool, ufunc):
    """`ufunc` over every window, one dimension at a time."""
    for axis in range(d):
        if size.kernel[axis] == 1 and size.stride[axis] == 1:
            continue
        parts = slices(axis, d, size)
        first = x[parts[0]]
        total = None
        for part in parts[1:]:
            total = ufunc(first if total is None else total, x[part], out=total)
        x = first if total is None else total
    return x


# ---- the largest ----

def best_places(input, d: int, size: Pool):
    """Where the largest number of each window stands, as a position in its (flattened) image; the first if several are equal."""
    xp = namespace(input)
    x = padded(input, size.pads, lowest(input.dtype))
    sizes = input.shape[-d:]
    where = starting_places(xp, sizes, d, size)
    best = where_best = None
    for flat in range(math.prod(size.kernel)):
        index, rest = [], flat
        for k in reversed(size.kernel):
            rest, i = divmod(rest, k)
            index.insert(0, i)
        part = x[(..., *(slice(i * gap, i * gap + (m - 1) * s + 1, s) for i, gap, m, s in zip(index, size.dilation, size.out, size.stride, strict=True)))]
        here = 0
        for axis in range(d):
            position = xp.arange(size.out[axis]) * size.stride[axis] + (index[axis] * size.dilation[axis] - size.pads[axis][0])
            here = here * sizes[axis] + position.reshape(-1, *(1,) * (d - 1 - axis))
        if best is None:
            best, where_best = xp.full(part.shape, lowest(input.dtype), input.dtype), xp.broadcast_to(where, part.shape).copy()
        better = part > best
        if input.dtype.kind == "f":
            better |= part != part  # a NaN counts as the largest
        xp.copyto(best, part, where=better)
        xp.copyto(where_best, xp.broadcast_to(here, part.shape), where=better)
    return best, where_best


def starting_places(xp, sizes, d: int, size: Pool):
    """The first position of each window that is not padding."""
    where = 0
    for axis in range(d):
        start = np.arange(size.out[axis]) * size.stride[axis] - size.pads[axis][0]
        gap = size.dilation[axis]
        start = np.where(start < 0, start + -(start // gap) * gap, start)
        where = where * sizes[axis] + xp.asarray(start).reshape(-1, *(1,) * (d - 1 - axis))
    return where


def define_max(d: int):
    def window_samples():
        size = (6, 5, 4)[:d]
        return calls(lambda r: ((r.permutation(2 * 3 * math.prod(size)).reshape(2, 3, *size) * 0.1, 2), {}),
                     lambda r: ((r.permutation(3 * math.prod(size)).reshape(3, *size) * 0.1, 3, 2, 1), {}),
                     lambda r: ((r.permutation(2 * math.prod(size)).reshape(1, 2, *size) * 0.1, 2, 1, 0, 2), {}))

    @op(category="reduction", latex=r"\max_{i \in \text{window}} x_i", refuses="bc", name=f"max_pool{d}d", namespace="nn.functional", node_name=f"MaxPool{d}DWithIndices",
        samples=window_samples(), out=False)
    def max_pool(input: Tensor, kernel_size: Dims, stride: Dims | None = None, padding: Dims = 0, dilation: Dims = 1, ceil_mode: bool = False) -> Tensor:
        """The largest number of each window.

        >>> import autodiff_lab as lab
        >>> lab.nn.functional.max_pool2d(lab.tensor([[[1.0, 2.0], [3.0, 6.0]]]), 2)
        tensor([[[6.]]])
        """
        size = pool(input.shape, d, kernel_size, stride, padding, dilation, ceil_mode)
        xp = namespace(input)
        found = over_windows(padded(input, size.pads, lowest(input.dtype)), d, size, xp.maximum)
        return found.copy() if found.base is not None or found is input else found

    @max_pool.vjp("input", latex="[x_i = y]")
    def _(grad, input, kernel_size, stride, padding, dilation, ceil_mode):
        return ops.to_largest(grad, input, d, pool(input.shape, d, kernel_size, stride, padding, dilation, ceil_mode))

    @op(category="reduction", refuses="bc", latex=r"\max_{i \in \text{window}} x_i", name=f"max_pool{d}d_with_indices_", function=False, method=False,
        node_name=f"MaxPool{d}DWithIndices", outputs=("output", "indices"), differentiable=1, samples=window_samples())
    def max_pool_indices(input: Tensor, kernel_size: Dims, stride: Dims | None = None, padding: Dims = 0, dilation: Dims = 1, ceil_mode: bool = False):
        """The largest number of each window, and where it stands."""
        return best_places(input, d, pool(input.shape, d, kernel_size, stride, padding, dilation, ceil_mode))

    @max_pool_indices.vjp("input")
    def _(grad, input_shape, indices, kernel_size, stride, padding, dilation, ceil_mode):
        size = pool(input_shape, d, kernel_size, stride, padding, dilation, ceil_mode)
        return ops.images_place(grad, indices, tuple(input_shape), d, overlap(size))

    def public_max_pool(input: Tensor, kernel_size: Dims, stride: Dims | None = None, padding: Dims = 0, dilation: Dims = 1, ceil_mode: bool = False, return_indices=False):
        check_max_pool(input.shape, d)
        if return_indices:
            return tuple(max_pool_indices(input, kernel_size, stride, padding, dilation, ceil_mode))
        return max_pool(input, kernel_size, stride, padding, dilation, ceil_mode)

    def with_indices(input: Tensor, kernel_size: Dims, stride: Dims | None = None, padding: Dims = 0, dilation: Dims = 1, ceil_mode: bool = False, return_indices=False):
        return tuple(max_pool_indices(input, kernel_size, stride, padding, dilation, ceil_mode))

    @op(category="reduction", refuses="bic", name=f"adaptive_max_pool{d}d_", function=False, method=False, node_name=f"AdaptiveMaxPool{d}D",
        outputs=("output", "indices"), differentiable=1, samples=calls(lambda r: ((r.permutation(2 * 7 ** d).reshape(1, 2, *(7,) * d) * 0.1, 3), {})))
    def adaptive_max(input: Tensor, output_size):
        """The largest number of each of `output_size` parts of the input, and where it stands."""
        xp = namespace(input)
        adaptive_check(input, d, f"adaptive_max_pool{d}d", output_size)
        out = adaptive_size(output_size, input.shape, d)
        images = input.reshape(math.prod(input.shape[:-d]), math.prod(input.shape[-d:]))
        places = xp.asarray(part_places(input.shape[-d:], out))
        found = images.take(places.reshape(-1), axis=1).reshape(len(images), *places.shape).argmax(axis=-1)
        indices = places.reshape(-1).take(found + xp.arange(0, places.size, places.shape[1] or 1))
        values = xp.take_along_axis(images, indices, 1)
        return tuple([channels_like(each.reshape(*input.shape[:-d], *out), input) for each in (values, indices)])

    @adaptive_max.vjp("input")
    def _(grad, input_shape, indices):
        return ops.images_place(grad, indices, tuple(input_shape), d, True)

    def adaptive_max_pool(input, output_size, return_indices=False):
        values, indices = adaptive_max(input, output_size)
        return (values, indices) if return_indices else values

    def adaptive_max_with_indices(input: Tensor, output_size: Dims, return_indices=False):
        return tuple(adaptive_max(input, output_size))

    def max_unpool(input: Tensor, indices: Tensor, kernel_size, stride=None, padding=0, output_size=None):
        refuse(f"max_unpool{d}d", input, "bic")
        if indices.dtype.name != "int64":
            raise RuntimeError(f"elements in indices should be type int64 but got: {indices.dtype.title}. Give those that max_pool{d}d returns with return_indices=True.")
        kernel = several(kernel_size, d, "kernel_size")
        step = several(stride, d, "stride") if stride is not None else kernel
        pad = several(padding, d, "padding")
        usual = [(n - 1) * s + k - 2 * p for n, s, k, p in zip(input.shape[-d:], step, kernel, pad, strict=True)]
        if output_size is None:
            out = usual
        else:
            out = list(output_size)[-d:]
            if len(output_size) not in (d, d + 2) and len(output_size) != input.ndim:
                raise ValueError(f"output_size should be a sequence containing {d} or {d + 2} elements, but it has a length of '{len(output_size)}'")
            for i, (n, want, s) in enumerate(zip(out, usual, step, strict=True)):
                if not want - s < n < want + s:
                    raise ValueError(f'invalid output_size "{output_size}" (dim {i} must be between {want - s} and {want + s})')
        if tuple(indices.shape) != tuple(input.shape):
            raise RuntimeError(f"Expected shape of indices to be same as that of the input tensor ({list(input.shape)}) but got indices tensor with shape: {list(indices.shape)}")
        area = math.prod(out)
        if indices.numel() and (int(indices.max()) >= area or int(indices.min()) < 0):
            raise RuntimeError(f"Found an invalid max index: {int(indices.max())} (output volumes are of size {'x'.join(map(str, out))})")
        return ops.images_place(input, indices, (*input.shape[:-d], *out), d, False)

    for function, name, words in ((public_max_pool, f"max_pool{d}d", "The largest number of each window; with `return_indices` also where it stands."),
                                  (with_indices, f"max_pool{d}d_with_indices", "The largest number of each window, and where it stands."),
                                  (adaptive_max_pool, f"adaptive_max_pool{d}d", "The largest number of each of `output_size` parts of the input."),
                                  (adaptive_max_with_indices, f"adaptive_max_pool{d}d_with_indices", "The largest number of each part, and where it stands."),
                                  (max_unpool, f"max_unpool{d}d", "Put numbers back where max-pooling found them; zeros elsewhere.")):
        function.__name__ = function.__qualname__ = name
        function.__doc__ = words + (EXAMPLE if name == "max_pool2d" else "")
        public["nn.functional"][name] = function
    for name in (f"max_pool{d}d", *((f"max_pool{d}d_with_indices", f"adaptive_max_pool{d}d") if d == 1 else ())):
        public[""][name] = public["nn.functional"][name]
    if d == 1:
        public[""]["adaptive_max_pool1d"] = adaptive_max_with_indices


EXAMPLE = """

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.max_pool2d(lab.tensor([[[1.0, 2.0], [3.0, 6.0]]]), 2)
    tensor([[[6.]]])
    """


def check_max_pool(shape, d: int) -> None:
    """Raise for an input whose images have no numbers."""
    if len(shape) in (d + 1, d + 2) and 0 in shape[-d - 1:]:
        if d < 3:
            raise RuntimeError(f"max_pool{d}d: Expected {d + 1}D or {d + 2}D (batch mode) tensor with optional 0 dim batch size for input, but got: {list(shape)}")
        raise RuntimeError("max_pool3d_with_indices_out_cpu_template(): Expected input's non-batch dimensions to have positive length, "
                           f"but input has a shape of {list(shape)} and non-batch dimension {list(shape[-d - 1:]).index(0)} has length zero!")


def overlap(size: Pool) -> bool:
    return any(gap * (k - 1) + 1 > s for gap, k, s in zip(size.dilation, size.kernel, size.stride, strict=True))


def winners(input, d: int, size: Pool) -> list:
    """Which place of each window has the largest number, one dimension after the other: (axis, place) from the last dimension on.

    Among equals the first in reading order wins, because the last dimension is settled first.
    """
    xp = namespace(input)
    x = padded(input, size.pads, lowest(input.dtype))
    found = []
    for axis in reversed(range(d)):
        parts = slices(axis, d, size)
        best = x[parts[0]]
        if len(parts) == 1:
            which = xp.zeros(best.shape, "int8")
        for i, part in enumerate(parts[1:], 1):
            later = (x[part] > best).view("int8")
            if i == 1:
                which = later if len(parts) < 128 else later.astype("int64")
            else:
                xp.maximum(which, later * which.dtype.type(i), out=which)
            best = xp.maximum(best, x[part], out=None if i == 1 else best)
        found.append((axis, which))
        x = best
    return found


@op(category="index", function=False, method=False, out=False)
def to_largest(grad: Tensor, input: Tensor, d: int, size) -> Tensor:
    """Each number of `grad` sent to the largest element of its window of `input`."""
    xp = namespace(grad)
    # A product is quickest, but 0 times an infinite gradient would be NaN.
    finite = xp is np and grad.dtype.kind == "f" and np.isfinite(np.add.reduce(grad, None))
    for axis, which in reversed(winners(input, d, size)):
        n = input.shape[axis - d] + sum(size.pads[axis])
        whole = xp.zeros((*grad.shape[:grad.ndim + axis - d], n, *grad.shape[grad.ndim + axis - d + 1:]), grad.dtype)
        apart = size.dilation[axis] * (size.kernel[axis] - 1) < size.stride[axis]
        for i, part in enumerate(slices(axis, d, size)):
            if apart and finite:
                np.multiply(grad, which == i, out=whole[part])
            else:
                whole[part] += grad * (which == i) if finite else xp.where(which == i, grad, grad.dtype.type(0))
        grad = whole
    inner = (..., *(slice(lo, lo + n) for n, (lo, _) in zip(input.shape[-d:], size.pads, strict=True)))
    return grad if grad.shape == input.shape else xp.ascontiguousarray(grad[inner])


@to_largest.vjp("grad")
def _(grad, input, d, size):
    return ops.of_largest(grad, input, d, size)


@op(category="index", function=False, method=False, out=False)
def of_largest(values: Tensor, input: Tensor, d: int, size) -> Tensor:
    """The number of `values` that stands where `input` is largest, for each window."""
    xp = namespace(values)
    x = padded(values, size.pads, 0)
    for axis, which in winners(input, d, size):
        picked = xp.empty(which.shape, x.dtype)
        for i, part in enumerate(slices(axis, d, size)):
            xp.copyto(picked, x[part], where=which == i)
        x = picked
    return x


@of_largest.vjp("values")
def _(grad, input, d, size):
    return ops.to_largest(grad, input, d, size)


@op(category="index", function=False, method=False, out=False)
def images_place(input: Tensor, indices: Tensor, shape, d: int, add: bool) -> Tensor:
    """Zeros of `shape` with `input` at `indices`, positions within each image of `d` dimensions; `add` sums where several meet."""
    xp = namespace(input)
    area, images = math.prod(shape[-d:]), math.prod(shape[:-d])
    flat = (indices.reshape(images, math.prod(indices.shape[-d:])) + xp.arange(images)[:, None] * area).reshape(-1)
    if add:
        return xp.bincount(flat, weights=input.reshape(-1), minlength=images * area).astype(input.dtype).reshape(shape)
    whole = xp.zeros(images * area, input.dtype)
    whole[flat] = input.reshape(-1)
    return whole.reshape(shape)


@images_place.vjp("input")
def _(grad, indices, d):
    return ops.images_pick(grad, indices, d)


@op(category="index", function=False, method=False, out=False)
def images_pick(input: Tensor, indices: Tensor, d: int) -> Tensor:
    """The numbers of `input` at `indices`, positions within each image of `d` dimensions."""
    xp = namespace(input)
    images = math.prod(input.shape[:-d])
    return xp.take_along_axis(*(v.reshape(images, math.prod(v.shape[-d:])) for v in (input, indices)), 1).reshape(indices.shape)


@images_pick.vjp("input")
def _(grad, indices, input_shape, d):
    return ops.images_place(grad, indices, tuple(input_shape), d, True)


# ---- means ----

def divisor(xp, dtype, shape, d: int, size: Pool, include: bool, override):
    """By how much each window's sum is divided: a number, or an array where windows differ."""
    if override is not None:
        if override == 0:
            raise RuntimeError("divisor must be not zero")
        return override
    per_axis = []
    for n, k, s, (lo, _), m, p in zip(shape[-d:], size.kernel, size.stride, size.pads, size.out, size.pads, strict=True):
        start = np.arange(m) * s - lo
        end = np.minimum(start + k, n + (p[0] if include else 0))
        per_axis.append(end - (start if include else np.maximum(start, 0)))
    if all((c == c[0]).all() for c in per_axis):
        return math.prod(int(c[0]) for c in per_axis)
    whole = 1
    for axis, counts in enumerate(per_axis):
        whole = whole * counts.reshape(-1, *(1,) * (d - 1 - axis))
    return xp.asarray(whole.astype(dtype))


def define_avg(d: int):
    def window_samples():
        size = (6, 5, 4)[:d]
        return calls(lambda r: ((r.normal(size=(2, 3, *size)), 2), {}), lambda r: ((r.normal(size=(3, *size)), 3, 2, 1), {}),
                     lambda r: ((r.normal(size=(1, 2, *size)), 3, 2, 1, True, False), {}))

    def kernel(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
        size = pool(input.shape, d, kernel_size, stride, padding, 1, ceil_mode)
        xp = namespace(input)
        total = over_windows(padded(input, size.pads, 0), d, size, xp.add)
        by = divisor(xp, input.dtype, input.shape, d, size, count_include_pad, divisor_override)
        return xp.trunc(total / by).astype(input.dtype) if input.dtype.kind in "iu" else total / by  # whole numbers are cut off towards 0

    if d == 1:
        @op(category="reduction", latex=r"\frac{1}{n}\sum_{i \in \text{window}} x_i", refuses="bcs", name="avg_pool1d", namespace="nn.functional", node_name="AvgPool1D", samples=window_samples(), out=False)
        @in_float32
        def avg_pool(input: Tensor, kernel_size: Dims, stride: Dims | None = None, padding: Dims = 0, ceil_mode: bool = False, count_include_pad: bool = True) -> Tensor:
            """The mean of each window.

            >>> import autodiff_lab as lab
            >>> lab.nn.functional.avg_pool1d(lab.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
            tensor([[2., 1.]])
            """
            return kernel(input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)

        @avg_pool.vjp("input", latex=r"\frac{1}{n}")
        def _(grad, input_shape, kernel_size, stride, padding, ceil_mode, count_include_pad):
            return ops.avg_unpool(grad, tuple(input_shape), d, kernel_size, stride, padding, ceil_mode, count_include_pad, None)
    else:
        @op(category="reduction", latex=r"\frac{1}{n}\sum_{i \in \text{window}} x_i", refuses="bcs" + "h" * (d == 3), name=f"avg_pool{d}d", namespace="nn.functional", node_name=f"AvgPool{d}D", samples=window_samples(), out=False)
        @in_float32
        def avg_pool(input: Tensor, kernel_size: Dims, stride: Dims | None = None, padding: Dims = 0, ceil_mode: bool = False, count_include_pad: bool = True, divisor_override=None) -> Tensor:
            """The mean of each window.

            Args:
                count_include_pad: whether padding counts as zeros, or not at all.
                divisor_override: divide by this instead of the number of elements.

            >>> import autodiff_lab as lab
            >>> lab.nn.functional.avg_pool2d(lab.tensor([[[1.0, 2.0], [3.0, 6.0]]]), 2)
            tensor([[[3.]]])
            """
            return kernel(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)

        @avg_pool.vjp("input", latex=r"\frac{1}{n}")
        def _(grad, input_shape, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
            return ops.avg_unpool(grad, tuple(input_shape), d, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)

    @op(category="reduction", latex=r"\frac{1}{n}\sum_{i \in \text{part}} x_i", refuses="bic", name=f"adaptive_avg_pool{d}d", namespace="nn.functional", node_name=f"AdaptiveAvgPool{d}D",
        samples=calls(lambda r: ((r.normal(size=(2, 3, *(7, 6, 5)[:d])), 3), {}), lambda r: ((r.normal(size=(3, *(4, 5, 6)[:d])), 1), {})), out=False)
    @in_float32
    def adaptive_avg_pool(input: Tensor, output_size) -> Tensor:
        """The mean of each of `output_size` parts of the input; None keeps a size.

        >>> import autodiff_lab as lab
        >>> lab.nn.functional.adaptive_avg_pool2d(lab.ones(1, 3, 7, 5), 1).shape
        torch.Size([1, 3, 1, 1])
        """
        adaptive_check(input, d, f"adaptive_avg_pool{d}d", output_size)
        out = adaptive_size(output_size, input.shape, d)
        if all(m == 1 for m in out):
            return mean.op.kernel(input, tuple(range(-d, 0)), True)
        return mix_along.op.kernel(input, tuple(part_means(n, m) for n, m in zip(input.shape[-d:], out, strict=True)))

    @adaptive_avg_pool.vjp("input")
    def _(grad, input_shape, output_size):
        out = adaptive_size(output_size, input_shape, d)
        if all(m == 1 for m in out):
            return ops.expand(grad / max(math.prod(input_shape[-d:]), 1), tuple(input_shape))
        return ops.mix_along(grad, tuple(part_means(n, m).T for n, m in zip(input_shape[-d:], out, strict=True)))

    def lp_pool(input, norm_type, kernel_size, stride=None, ceil_mode=False):
        kernel = several(kernel_size, d, "kernel_size")
        out = public["nn.functional"][f"avg_pool{d}d"](input.pow(norm_type), kernel, stride, 0, ceil_mode)
        return (out.sign() * out.abs().relu()).mul(math.prod(kernel)).pow(1.0 / norm_type)

    lp_pool.__name__ = lp_pool.__qualname__ = f"lp_pool{d}d"
    lp_pool.__doc__ = "The p-norm of each window: (sum of x^p)^(1/p)."
    public["nn.functional"][f"lp_pool{d}d"] = lp_pool
    if d == 1:
        public[""].update({name: public["nn.functional"][name] for name in ("avg_pool1d", "adaptive_avg_pool1d")})


@op(category="reduction", function=False, method=False, out=False)
def avg_unpool(input: Tensor, shape, d: int, kernel_size, stride, padding, ceil_mode: bool, count_include_pad: bool, divisor_override) -> Tensor:
    """The transpose of average pooling: each number, divided, to every element of its window."""
    xp = namespace(input)
    size = pool(shape, d, kernel_size, stride, padding, 1, ceil_mode)
    by = divisor(xp, input.dtype, shape, d, size, count_include_pad, divisor_override)
    x = input / by
    for axis in range(d):
        n = shape[axis - d] + sum(size.pads[axis])
        whole = xp.zeros((*x.shape[:axis - d], n, *x.shape[x.ndim + axis - d + 1:]), x.dtype)
        for part in slices(axis, d, size):
            whole[part] += x
        lo = size.pads[axis][0]
        x = whole[(..., slice(lo, lo + shape[axis - d]), *(slice(None),) * (d - 1 - axis))]
    return xp.ascontiguousarray(x)


@avg_unpool.vjp("input")
def _(grad, d, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
    if d == 1:
        return ops.__getattr__("nn.functional.avg_pool1d")(grad, kernel_size, stride, padding, ceil_mode, count_include_pad)
    return ops.__getattr__(f"nn.functional.avg_pool{d}d")(grad, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


# ---- parts of the whole input ----

def adaptive_check(input, d: int, name: str, output_size=None) -> None:
    if hasattr(output_size, "__iter__") and input.ndim <= len(output_size):
        raise ValueError(f"Input dimension should be at least {len(output_size) + 1}")
    if input.ndim not in (d + 1, d + 2):
        raise RuntimeError(f"{name}(): Expected {d + 1}D or {d + 2}D tensor, but got {list(input.shape)}")


def adaptive_size(output_size, shape, d: int) -> tuple:
    values = tuple(output_size) if hasattr(output_size, "__iter__") else (output_size,) * d
    if len(values) != d:
        raise RuntimeError(f"output_size must be {d}")
    return tuple([n if m is None else whole("output_size", m) for m, n in zip(values, shape[-d:], strict=True)])


def part(i: int, n: int, m: int) -> tuple:
    """Where part `i` of `m` of a dimension of size `n` begins and ends; parts may overlap by one."""
    return i * n // m, -(-(i + 1) * n // m)


def part_places(size: tuple, out: tuple) -> np.ndarray:
    """For each of the parts the flat positions of what is in it, as rows; where a part is smaller than another, some come twice."""
    whole = np.zeros((1, 1), np.int64)
    for n, m in zip(size, out, strict=True):
        ends = [part(i, n, m) for i in range(m)]
        longest = max((end - start for start, end in ends), default=0)
        along = np.array([[min(start + i, end - 1) for i in range(longest)] for start, end in ends], np.int64).reshape(m, longest)
        whole = (whole[:, None, :, None] * n + along[:, None, :]).reshape(len(whole) * m, -1)
    return whole


def part_means(n: int, m: int) -> np.ndarray:
    """The matrix (m, n) that averages the parts of a dimension."""
    matrix = np.zeros((m, n))
    for i in range(m):
        start, end = part(i, n, m)
        matrix[i, start:end] = 1.0 / (end - start)
    return matrix


@op(category="linear", function=False, method=False, out=False, samples=calls(
    lambda r: ((r.normal(size=(2, 3, 4)), (np.ones((2, 3)), np.eye(4)[:3])), {})))
@in_float32
def mix_along(input: Tensor, matrices) -> Tensor:
    """Each of the last dimensions multiplied by a matrix (out, in) of its own; None leaves one alone."""
    xp, out = namespace(input), input
    d = len(matrices)
    for axis, matrix in enumerate(matrices):
        if matrix is None:
            continue
        matrix = xp.asarray(matrix, input.dtype)
        if axis == d - 1:
            out = xp.matmul(out, matrix.T)
        else:
            flat = out.reshape(*out.shape[:axis - d], out.shape[axis - d], math.prod(out.shape[out.ndim + axis - d + 1:]))
            out = xp.matmul(matrix, flat).reshape(*out.shape[:axis - d], matrix.shape[0], *out.shape[out.ndim + axis - d + 1:])
    return channels_like(out, input)


@mix_along.vjp("input")
def _(grad, matrices):
    return ops.mix_along(grad, tuple(None if m is None else m.T for m in matrices))


for _d in (1, 2, 3):
    define_max(_d)
    define_avg(_d)
