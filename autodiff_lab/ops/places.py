"""Where a bracket points: `x[...]` read into a Place, and NumPy's ways to read and add there.

An index is read once: a basic part (integers, slices, new dimensions: a view) and an advanced part
(arrays of positions, applied to that view: a copy).
"""

from __future__ import annotations

import numpy as np

from ..backend import is_array, namespace
from ..backend.cells import add_cells, add_places, add_rows
from ..core.dtypes import dtype_of
from ..core.errors import caution
from ..core.tape import Version
from ..core.tensor import Tensor

EVERYTHING = slice(None)
_least, _most = np.minimum.reduce, np.maximum.reduce

SEQUENCE_WARNING = ("Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in pytorch 2.9; use x[tuple(seq)] instead of x[seq]. "
                    "In pytorch 2.9 this will be interpreted as tensor index, x[torch.tensor(seq)], which will result either in an error or a different result")


class Place:
    """Where an index points: NumPy's basic index, then arrays of positions per dimension of that view.

    `last` says which kind of step came last, for the name of the node. `guards` are the tensors that
    were used as indices, so that changing one before the backward pass is noticed.
    """

    __slots__ = ("advanced", "basic", "guards", "last", "once")

    def __init__(self, basic, advanced, guards, last, once):
        self.basic, self.advanced, self.guards, self.last, self.once = basic, advanced, guards, last, once

    def check(self) -> None:
        """Raise if an index tensor was written to since."""
        for version, count, shape in self.guards:
            if version.count != count:
                raise RuntimeError("one of the variables needed for gradient computation has been modified by an inplace operation: "
                                   f"[torch.LongTensor {list(shape)}], used as an index, is at version {version.count}; expected version {count} instead. "
                                   "Clone the index before writing to it.")


def basic_place(basic: tuple, last: str) -> Place:
    """Where an index without arrays points: filled here, because a call of __init__ would take half of the time."""
    place = object.__new__(Place)
    place.basic, place.advanced, place.guards, place.last, place.once = basic, None, (), last, True
    return place


FRONT = basic_place((None, ...), "unsqueeze")  # x[None]


def beside(array, advanced) -> tuple:
    """The positions on the device of `array`."""
    xp = namespace(array)
    return tuple(p if p.__class__ is slice else xp.asarray(p) for p in advanced)


def read(index, shape) -> Place:
    """The meaning of `index` for a tensor of `shape`.

    Raises:
        IndexError: for too many indices, a mask of the wrong shape, or an index of a wrong type.
        ValueError: for a negative step.
    """
    kind = index.__class__
    ndim = len(shape)
    if kind is int:
        if not ndim:
            raise IndexError("invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a number")
        if not -shape[0] <= index < shape[0]:
            raise IndexError(f"index {index} is out of bounds for dimension 0 with size {shape[0]}")
        return basic_place((index, ...), "select")
    if kind is slice and ndim:
        return basic_place((_slice(index),), "slice")
    if index is None:
        return FRONT
    if kind is tuple:
        if index and index[0].__class__ is Tensor:
            place = _read_tensors(index, shape)
        else:
            found = basic_index(index, shape)
            place = found and basic_place(*found)
        if place is not None:
            return place
    elif kind is Tensor and ndim and index._a.ndim:
        place = _read_tensor(index, shape)
        if place is not None:
            return place
    if kind is list and _is_tuple_like(index):
        caution(SEQUENCE_WARNING)
        index = tuple(index)
    items = [_item(i) for i in (index if isinstance(index, tuple) else (index,))]
    used = sum(_consumed(i) for i in items)
    if used > ndim:
        if not ndim and len(items) == 1 and items[0].__class__ is int:
            raise IndexError("invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a number")
        if not ndim and len(items) == 1 and items[0].__class__ is slice:
            raise IndexError("slice() cannot be applied to a 0-dim tensor.")
        raise IndexError(f"too many indices for tensor of dimension {ndim}")
    basic, advanced, guards, last, once = [], {}, [], "alias", True
    dim = made = 0  # in the tensor, and in the view that the basic part makes
    seen_dots = False
    for given in items:
        item, guard = given if given.__class__ is _Guarded else (given, None)
        if item is Ellipsis:
            fill = 0 if seen_dots else ndim - used
            seen_dots = True
            basic += [EVERYTHING] * fill
            dim, made = dim + fill, made + fill
        elif item is None:
            basic.append(None)
            made, last = made + 1, "unsqueeze"
        elif item.__class__ is int:
            if not -shape[dim] <= item < shape[dim]:
                raise IndexError(f"index {item} is out of bounds for dimension {dim} with size {shape[dim]}")
            basic.append(item)
            dim, last = dim + 1, "select"
        elif item.__class__ is slice:
            item = _slice(item)
            if item.indices(shape[dim]) != (0, shape[dim], 1):
                last = "slice"
            basic.append(item)
            dim, made = dim + 1, made + 1
        elif item.__class__ is bool:
            basic.append(None)
            advanced[made] = np.zeros(1 if item else 0, np.int64)
            made += 1
        elif item.dtype.kind == "b":
            k = item.ndim
            if item.shape != tuple(shape[dim:dim + k]):
                raise IndexError(f"The shape of the mask {list(item.shape)} at index {_mismatch(item.shape, shape[dim:dim + k])} does not match the shape of the "
                                 f"indexed tensor {list(shape)} at index {dim + _mismatch(item.shape, shape[dim:dim + k])}")
            basic += [EVERYTHING] * k
            for positions in namespace(item).nonzero(item):
                advanced[made] = positions
                made += 1
            dim += k
        else:
            basic.append(EVERYTHING)
            advanced[made] = _checked(item, shape[dim], dim)
            once = False
            dim, made = dim + 1, made + 1
            if guard is not None:
                guards.append(guard)
    if not advanced:
        if not seen_dots and dim < ndim or all(b.__class__ is int for b in basic):
            basic.append(...)  # also makes NumPy answer with an array where it would give a scalar
        return Place(tuple(basic), None, (), last, True)
    try:
        np.broadcast_shapes(*(a.shape for a in advanced.values()))
    except ValueError:
        raise IndexError("shape mismatch: indexing tensors could not be broadcast together with shapes "
                         + ", ".join(str(list(a.shape)) for a in advanced.values())) from None
    return Place(tuple(basic) if any(b is not EVERYTHING for b in basic) else None,
                 tuple(advanced.get(d, EVERYTHING) for d in range(max(advanced) + 1)), tuple(guards), "index", once)


def basic_index(index: tuple, shape) -> tuple | None:
    """NumPy's index and the kind of the last step for the common tuple: integers, slices, None and one `...`; None for anything else."""
    ndim = len(shape)
    if len(index) > ndim and _used(index) > ndim:
        return None
    dim, last, dots = 0, "alias", False
    for item in index:
        kind = item.__class__
        if kind is int:
            if not -shape[dim] <= item < shape[dim]:
                return None  # the long way says so, unless a tensor that comes later takes that dimension
            dim, last = dim + 1, "select"
        elif kind is slice:
            if not is_plain(item):
                return None
            if item.start or item.stop is not None and item.stop < shape[dim]:
                last = "slice"
            dim += 1
        elif item is None:
            last = "unsqueeze"
        elif item is Ellipsis and not dots:
            dots, dim = True, dim + ndim - _used(index)
        else:
            return None
    return index if dots else (*index, ...), last


def _used(index: tuple) -> int:
    """How many dimensions the integers and slices of an index take."""
    used = 0
    for item in index:
        if item.__class__ is int or item.__class__ is slice:
            used += 1
    return used


def _read_tensor(index, shape) -> Place | None:
    """The common array of positions, or mask; None for anything else."""
    array = index._a
    if array.dtype == np.int64:
        if index._ver is None:
            index._ver = Version()
        return Place(None, (_checked(array, shape[0], 0),), ((index._ver, index._ver.count, array.shape),), "index", False)
    if array.dtype.kind == "b" and array.shape == shape[:array.ndim]:
        return Place(None, (array,), (), "index", True)
    return None


def _read_tensors(index: tuple, shape) -> Place | None:
    """The common tuple of arrays of positions, all of one shape; None for anything else."""
    if len(index) > len(shape):
        return None
    advanced, guards = [], []
    for dim, item in enumerate(index):
        if item.__class__ is not Tensor:
            return None
        array = item._a
        if array.dtype != np.int64 or not array.ndim or dim and array.shape != advanced[0].shape:
            return None
        if item._ver is None:
            item._ver = Version()
        advanced.append(array)
        guards.append((item._ver, item._ver.count, array.shape))
    for dim, array in enumerate(advanced):
        _checked(array, shape[dim], dim)
    return Place(None, tuple(advanced), tuple(guards), "index", False)


class _Guarded(tuple):
    """An array of positions with the version of the tensor it came from."""

    __slots__ = ()


def _item(item):
    """One part of an index as int, slice, None, ..., bool, or an array (with its guard)."""
    kind = item.__class__
    if kind is int or kind is slice or item is None or item is Ellipsis or kind is bool:
        return item
    if isinstance(item, Tensor):
        if not item.ndim and item._a.dtype.kind in "iub":
            value = item._a.item()
            return value if item._a.dtype.kind != "b" and item._a.dtype != np.uint8 else bool(value)
        array = _positions(item._a, item.dtype)
        if item._ver is None:
            item._ver = Version()
        return _Guarded((array, (item._ver, item._ver.count, array.shape)))
    if isinstance(item, (np.integer, np.bool_)):
        return item.item()
    if isinstance(item, np.ndarray):
        return _positions(item, dtype_of(item)) if item.ndim else _item(item[()])
    if isinstance(item, (list, tuple, range)):
        from .from_data import from_data
        array = from_data(list(item), None)
        return _positions(array.astype(np.int64) if not array.size else array, dtype_of(array))
    if isinstance(item, (float, complex, np.floating)):
        raise IndexError(f"only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got {type(item).__name__})")
    if hasattr(item, "__index__"):
        return item.__index__()
    if isinstance(item, str):
        raise TypeError("new(): invalid data type 'str': a tensor is indexed by positions, not by names.")
    if is_array(item):
        return _positions(item, dtype_of(item))
    raise IndexError(f"only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got {type(item).__name__})")


def _positions(array, dtype):
    if array.dtype == np.uint8:
        caution("indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.")
        return array.astype(bool)
    if array.dtype.kind == "b" or array.dtype in (np.int64, np.int32):
        return array
    raise IndexError(f"tensors used as indices must be long, int, byte or bool tensors, got {dtype}. Convert with .long(), or compare to make a mask.")


def _checked(array, size: int, dim: int):
    if array.size and isinstance(array, np.ndarray):
        low, high = _least(array, None), _most(array, None)
        if low < -size or high >= size:
            raise IndexError(f"index {low if low < -size else high} is out of bounds for dimension {dim} with size {size}")
    return array


def is_plain(item: slice) -> bool:
    """True for bounds that are Python's ints or left out, and no step: NumPy reads it as PyTorch does."""
    start, stop = item.start, item.stop
    return (start is None or start.__class__ is int) and (stop is None or stop.__class__ is int) and item.step is None


def _slice(item: slice) -> slice:
    if is_plain(item):
        return item
    try:
        start, stop, step = (v if v is None else v.__index__() for v in (item.start, item.stop, item.step))
    except (AttributeError, TypeError):
        raise TypeError("slice indices must be integers or None or have an __index__ method") from None
    if step is not None and step <= 0:
        raise ValueError("step must be greater than zero. Use flip() to reverse a dimension.")
    return slice(start, stop, step)


def _is_tuple_like(index: list) -> bool:
    return len(index) < 32 and any(isinstance(i, (list, tuple, slice, Tensor, range)) or i is None or i is Ellipsis for i in index)


def _consumed(item) -> int:
    if item is None or item is Ellipsis or item.__class__ is bool:
        return 0
    if item.__class__ is _Guarded:
        item = item[0]
    return item.ndim if getattr(item, "dtype", None) is not None and item.dtype.kind == "b" else 1


def _mismatch(mask, have) -> int:
    return next((i for i, (n, m) in enumerate(zip(mask, have, strict=False)) if n != m), min(len(mask), len(have)))


def pick(array, place: Place):
    """`array` at `place`."""
    if place.basic is not None:
        array = array[place.basic]
    if place.advanced is None:
        return array
    if array.__class__ is not np.ndarray:
        return array[beside(array, place.advanced)]
    positions = place.advanced[0]
    if len(place.advanced) == 1 and positions.__class__ is not slice:
        if positions.ndim == 1 and positions.dtype.kind == "i" and array.shape[0] and array.flags.c_contiguous:
            return array.take(positions, axis=0)
        return array[positions]
    return array[place.advanced]


def add_at(whole, place: Place, values) -> None:
    """Add `values` into `whole` at `place`; positions that repeat add up."""
    part = whole[place.basic] if place.basic is not None else whole
    if place.advanced is None:
        part[...] = values
    elif part.__class__ is not np.ndarray:
        namespace(whole).add.at(part, beside(part, place.advanced), values)
    elif place.once:
        part[place.advanced] = values
    elif len(place.advanced) == 1 and place.advanced[0].__class__ is not slice and place.advanced[0].ndim == 1:
        add_rows(part, place.advanced[0], values)
    elif len(place.advanced) == part.ndim and part.flags.c_contiguous and part.size and all(p.__class__ is not slice and p.shape == place.advanced[0].shape for p in place.advanced):
        flat = 0  # every element by its number
        for positions, n in zip(place.advanced, part.shape, strict=True):
            flat = flat * n + np.where(positions < 0, positions + n, positions)
        add_cells(part, flat, values)
    else:
        add_places(part, place.advanced, values)
