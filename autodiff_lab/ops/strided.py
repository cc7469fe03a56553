"""Views by sizes and strides: as_strided, what the engine needs to write through views, and methods that change a tensor's own shape.

Gradients of strided views are computed in an *image* of the memory: one row of numbers in which the
tensor lies as its strides say. For a tensor in C order the image is the tensor itself, flattened.
"""

from __future__ import annotations

import numpy as np

from ..backend import namespace
from ..core.arguments import Sizes, collect_ints
from ..core.modes import modes
from ..core.op import op, ops, public, registry
from ..core.samples import calls
from ..core.tape import Version
from ..core.tensor import Tensor, wrap
from ..core.views import reshape_in_place
from .attributes import _address, root_of


def strided(array, size, stride, offset: int = 0):
    """A writable view of the memory around `array`; strides and offset in elements, from its first element.

    Raises:
        RuntimeError: if that would leave the memory.
    """
    size, step = tuple(size), array.dtype.itemsize
    if len(size) != len(stride):
        raise RuntimeError(f"mismatch in length of strides and shape: as_strided got size {list(size)} and stride {list(stride)}")
    if any(n < 0 for n in size):
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(size)} and strides={list(stride)}: sizes are not negative")
    steps = tuple(s * step for s in stride)
    if any(s < 0 for s in stride):
        raise RuntimeError(f"as_strided: Negative strides are not supported at the moment, got strides: {list(stride)}")
    if not isinstance(array, np.ndarray):
        xp = namespace(array)
        return xp.ndarray(size, array.dtype, memptr=array.data + offset * step, strides=steps)
    root = root_of(array)
    if isinstance(root.base, np.ndarray):
        root = root_of(root.base)  # of another type: the complex numbers that real ones are parts of
    memory = root if root.flags.c_contiguous else root.T if root.flags.f_contiguous else None
    start = _address(array) - _address(root) + offset * step
    if 0 in size:
        return np.empty(size, array.dtype)
    if memory is None:
        return np.lib.stride_tricks.as_strided(np.lib.stride_tricks.as_strided(array, (offset + 1,), (step,))[offset:], size, steps)
    reach = start + sum((n - 1) * s for n, s in zip(size, steps, strict=True)) + step
    if start < 0 or reach > memory.nbytes:
        raise RuntimeError(f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {start // step}, and itemsize {step} "
                           f"requiring a storage size of {reach} are out of bounds for storage of size {memory.nbytes}")
    return np.ndarray(size, array.dtype, memory, start, steps)


def frame_of(array):
    """The strides of an array that is not in C order, else None: how to find its elements in an image."""
    return None if array.flags.c_contiguous else tuple(s // array.dtype.itemsize for s in array.strides)


def overlaps(size, stride) -> bool:
    """True if several elements of a view may be one place in memory."""
    reach = 0
    for s, n in sorted((s, n) for s, n in zip(stride, size, strict=True) if n > 1):
        if s <= reach:
            return True
        reach += (n - 1) * s
    return False


@op(category="shape", view=True, out=False, function=False, method=False, extras=("frame",), samples=calls(
    lambda r: ((r.normal(size=(3, 4)), (2, 2), (4, 1), 1), {}), lambda r: ((r.normal(size=(6,)), (4, 3), (1, 1)), {})))
def as_strided(input: Tensor, size: Sizes, stride: Sizes, storage_offset: int = 0) -> Tensor:
    """A view of the memory with any sizes and strides; here `storage_offset` counts from the first element of `input`.

    >>> import autodiff_lab as lab
    >>> lab.arange(6.0).as_strided((2, 2), (1, 2))
    tensor([[0., 2.],
            [1., 3.]])
    """
    return strided(input, size, stride, storage_offset or 0), frame_of(input)


@as_strided.vjp("input")
def _(grad, input_shape, size, stride, storage_offset, frame):
    return ops.as_strided_add(grad, tuple(input_shape), frame, tuple(size), tuple(stride), storage_offset)


@op(category="shape", function=False, method=False, out=False)
def as_strided_add(input: Tensor, shape, frame, size, stride, storage_offset) -> Tensor:
    """Zeros of `shape` with `input` added through a strided view: the gradient of as_strided."""
    xp = namespace(input)
    before, total = span(shape, frame, size, stride, storage_offset)
    image = xp.zeros(total, input.dtype)
    if overlaps(size, stride):
        positions = strided(xp.arange(total), size, stride, storage_offset + before)
        xp.add.at(image, positions, input)
    else:
        strided(image, size, stride, storage_offset + before)[...] = input
    if frame is not None and overlaps(shape, frame):
        image /= _shares(xp, shape, frame, before, total)
    return from_image(image[before:before + room(shape, frame)], shape, frame)


@as_strided_add.vjp("input")
def _(grad, shape, frame, size, stride, storage_offset):
    before, total = span(shape, frame, size, stride, storage_offset)
    return ops.as_strided(ops.to_image(grad, frame, before, total), size, stride, storage_offset + before)


def _shares(xp, shape, frame, before, total):
    """How many elements of a tensor that overlaps itself stand for each place in memory: they share its gradient."""
    number = xp.zeros(total, np.int64)
    part = number[before:before + room(shape, frame)]
    xp.add.at(part, strided(xp.arange(part.size), shape, frame), 1)
    return xp.maximum(number, 1)


def span(shape, frame, size, stride, offset: int) -> tuple[int, int]:
    """How much memory a tensor and a view from it cover: elements before the tensor, and all together."""
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True)) if 0 not in tuple(size) else -1
    before = max(-offset, 0) if last >= 0 or offset < 0 else 0
    return before, before + max(room(shape, frame), last + 1)


def room(shape, frame) -> int:
    """How many elements of memory a tensor spans."""
    total = 1
    for n in shape:
        total *= n
    if frame is None or not total:
        return total
    return 1 + sum((n - 1) * s for n, s in zip(shape, frame, strict=True))


def from_image(image, shape, frame):
    """The tensor that lies in an image."""
    return image.reshape(shape) if frame is None else strided(image, shape, frame)


@op(category="shape", function=False, method=False, out=False)
def to_image(input: Tensor, frame, before: int = 0, total: int | None = None) -> Tensor:
    """The memory of a tensor as one row of numbers, zeros before and after it if asked."""
    xp = namespace(input)
    if frame is None and not before and (total is None or total == input.size):
        return xp.ascontiguousarray(input).reshape(-1)
    need = room(input.shape, frame)
    image = xp.zeros(need if total is None else total, input.dtype)
    part = image[before:before + need]
    if frame is None:
        part[...] = input.reshape(-1)
    elif overlaps(input.shape, frame):
        xp.add.at(part, strided(xp.arange(part.size), input.shape, frame), input)
        image /= _shares(xp, input.shape, frame, before, image.size)
    else:
        strided(part, input.shape, frame)[...] = input
    return image


@to_image.vjp("input")
def _(grad, input_shape, frame, before):
    shape = tuple(input_shape)
    return ops.read_image(grad[before:before + room(shape, frame)], shape, frame)


@op(category="shape", function=False, method=False, out=False)
def read_image(input: Tensor, shape, frame) -> Tensor:
    """The tensor of `shape` that lies in an image, as a copy."""
    return namespace(input).array(from_image(input, shape, frame))


@read_image.vjp("input")
def _(grad, frame):
    return ops.to_image(grad, frame)


@op(category="shape", out=False, samples=calls(lambda r: ((r.normal(size=(3, 4)), r.normal(size=(2, 2)), (2, 2), (4, 1), 1), {})))
def as_strided_scatter(input: Tensor, src: Tensor, size: Sizes, stride: Sizes, storage_offset: int | None = None) -> Tensor:
    """A copy of `input` with `src` written through a strided view."""
    whole = namespace(input).array(input, order="C")
    part = strided(whole, size, stride, storage_offset or 0)
    if part.shape != src.shape:
        raise RuntimeError(f"expected src to have a size equal to the slice of self. src size = {list(src.shape)}, slice size = {list(part.shape)}")
    part[...] = src
    return whole


@as_strided_scatter.vjp("input")
def _(grad, src_shape, size, stride, storage_offset):
    return ops.as_strided_scatter(grad, ops.as_strided(ops.contiguous(grad), size, stride, storage_offset) * 0, size, stride, storage_offset)


@as_strided_scatter.vjp("src")
def _(grad, size, stride, storage_offset):
    return ops.as_strided(ops.contiguous(grad), size, stride, storage_offset)


def _as_strided(input: Tensor, size: Sizes, stride: Sizes, storage_offset: int | None = None):
    """A view of the memory behind `input` with any sizes and strides, in elements.

    Args:
        storage_offset: where it begins in the storage; default: where `input` begins.

    >>> import autodiff_lab as lab
    >>> lab.arange(6).as_strided((2, 2), (3, 1), 1)
    tensor([[1, 2],
            [4, 5]])
    """
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    size, stride = tuple(int(n) for n in size), tuple(int(n) for n in stride)
    input._array()
    return as_strided(input, size, stride, 0 if storage_offset is None else storage_offset - input.storage_offset())


_as_strided.__name__ = "as_strided"
public[""]["as_strided"] = Tensor.as_strided = _as_strided


# ---- views of itself: the tensor changes its own shape ----

def _own_view(name: str, signature):
    def change(self, *args, **kwargs):
        return reshape_in_place(registry[name], self, signature(self, *args, **kwargs))
    change.__name__ = f"{name}_"
    change.__doc__ = f"`{name}`, but the tensor itself takes the new shape. Returns it."
    return change


_OWN = {
    "unsqueeze_": _own_view("unsqueeze", lambda self, dim: (dim,)),
    "squeeze_": _own_view("squeeze", lambda self, dim=None, *more: ((dim, *more) if more else dim,)),
    "transpose_": _own_view("transpose", lambda self, dim0, dim1: (dim0, dim1)),
    "swapaxes_": _own_view("transpose", lambda self, axis0, axis1: (axis0, axis1)),
    "swapdims_": _own_view("transpose", lambda self, dim0, dim1: (dim0, dim1)),
    "t_": _own_view("t", lambda self: ()),
    "as_strided_": _own_view("as_strided", lambda self, size, stride, storage_offset=None: (
        tuple(size), tuple(stride), 0 if storage_offset is None else storage_offset - self.storage_offset())),
}
for _name, _made in _OWN.items():
    _made.__name__ = _name
    setattr(Tensor, _name, _made)
    if _name in ("as_strided_", "squeeze_", "t_", "unsqueeze_", "swapaxes_", "swapdims_", "transpose_"):
        public[""][_name] = _made


def resize_(self, *sizes, memory_format=None):
    """Take another shape, in place: the same memory where it is large enough, else new memory (whose new part is not set).

    Raises:
        RuntimeError: if the tensor requires a gradient.

    >>> import autodiff_lab as lab
    >>> lab.arange(4).resize_(2, 2)
    tensor([[0, 1],
            [2, 3]])
    """
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    shape = collect_ints(sizes, None, "resize_", "size")
    if any(n < 0 for n in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    total = int(np.prod(shape, dtype=np.int64))
    array = self._array()
    root = root_of(array)
    start = (_address(array) - _address(root)) // array.dtype.itemsize if array.size else 0
    if shape == array.shape:
        return self
    if root.flags.c_contiguous and start + total <= root.size:
        self._a = root.reshape(-1)[start:start + total].reshape(shape)
    else:
        flat = np.zeros(total, array.dtype)
        have = root.reshape(-1)[start:] if root.flags.c_contiguous else array.reshape(-1)
        flat[:have.size] = have[:total]
        self._a = flat.reshape(shape)
    return _bumped(self)


def _bumped(tensor):
    """`tensor`, which looks at other memory now: what a node saved of it is stale."""
    if tensor._ver is None:
        tensor._ver = Version()
    tensor._ver.bump()
    return tensor


def resize_as_(self, the_template: Tensor, *, memory_format=None):
    """Take the shape of another tensor, in place."""
    return resize_(self, the_template.shape)


def set_(self, source=None, storage_offset: int = 0, size=None, stride=None):
    """Look at the memory of `source` from now on."""
    if self._node is not None or self._rg and modes.grad:
        raise RuntimeError("set_() can't be used on a tensor that is part of a graph: assign to .data instead.")
    if source is None:
        self._a = np.empty(0, self._a.dtype)
        return _bumped(self)
    if not isinstance(source, Tensor) and not hasattr(source, "_root"):
        raise TypeError(f"set_() received an invalid combination of arguments: it takes a tensor or a storage, not {type(source).__name__}")
    array = source._array() if isinstance(source, Tensor) else source._root
    if isinstance(source, Tensor):
        if source.dtype is not self.dtype:
            raise RuntimeError(f"Could not set tensor of type {source.dtype} to a tensor of type {self.dtype}")
        if size is None:
            self._a = array
            return _bumped(self)
    steps = stride if stride is not None else wrap(np.empty(tuple(size), np.bool_)).stride()
    flat = root_of(array)
    self._a = strided(flat, size, steps, storage_offset)
    return _bumped(self)


Tensor.resize_, Tensor.resize_as_, Tensor.set_ = resize_, resize_as_, set_
public[""].update(resize_as_=resize_as_)
Tensor.resize = lambda self, *sizes: resize_(self.clone(), *sizes)
Tensor.resize_as = lambda self, other: resize_(self.clone(), other.shape)
