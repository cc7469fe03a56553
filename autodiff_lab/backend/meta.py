"""Arrays without numbers: shape, type and strides only, for the device "meta".

A `MetaArray` stands on memory that nobody ever touches: large ones are pages that the operating system promises and
never gives, so a layer of ten billion weights costs nothing. The kernels that run on NumPy and CuPy run on it too:
elementwise functions and matrix products only work out shape and type, everything else is computed on zeros and the
numbers thrown away. What would need numbers to know its shape is refused.
"""

from __future__ import annotations

import mmap
import sys
import types
from typing import Any, Literal

import numpy as np

__all__ = ["MetaArray", "blank"]

LARGE = 1 << 16  # bytes; smaller arrays may as well have memory
PROMISED = 0x4000  # Linux's MAP_NORESERVE: pages that need not be there
NO_DATA = "Cannot copy out of meta tensor; no data!"
NO_ITEM = "Tensor.item() cannot be called on meta tensors"
# Their results have as many elements as the numbers say.
REFUSED = frozenset("nonzero flatnonzero argwhere unique compress extract bincount histogram histogramdd trim_zeros array_equal".split())


def blank(shape, dtype, order: Literal["C", "F"] = "C") -> MetaArray:
    """A new array without numbers."""
    dtype = np.dtype(dtype)
    size = dtype.itemsize
    for n in shape:
        size *= n
    if size < LARGE or sys.platform != "linux":
        return _around(np.zeros(shape, dtype, order))
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | PROMISED)
    return _around(np.ndarray(shape, dtype, pages, order=order))


def _around(host) -> MetaArray:
    made = object.__new__(MetaArray)
    made.host = host
    return made


def inside(value) -> Any:  # an array, or what `value` is
    """What NumPy works on instead of `value`.

    Raises:
        RuntimeError: for an array with dimensions and numbers: it is on another device.
    """
    if isinstance(value, MetaArray):
        return value.host
    if isinstance(value, np.ndarray) and value.ndim:
        raise RuntimeError("Tensor on device cpu is not on the expected device meta!")
    if isinstance(value, (tuple, list)) and not hasattr(value, "_fields"):
        return type(value)(inside(v) for v in value)
    return value


def outside(value, source=None) -> Any:  # a MetaArray, or tuples and lists of them, or what `value` is
    """The result of a NumPy function, its numbers thrown away; a view of an argument stays a view of it."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        if source is not None and np.may_share_memory(value, source):
            return _around(value)
        order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
        return blank(value.shape, value.dtype, order)
    if isinstance(value, np.generic):
        return blank((), value.dtype)
    if isinstance(value, tuple):
        made = [outside(v, source) for v in value]
        return type(value)(*made) if hasattr(value, "_fields") else tuple(made)
    return [outside(v, source) for v in value] if isinstance(value, list) else value


def lifted(function):
    """A NumPy function on arrays without numbers."""
    name = getattr(function, "__name__", "function")

    def call(*args, **kwargs):
        if name in REFUSED:
            raise NotImplementedError(f"{name}: the shape of its result depends on numbers, and meta tensors have none.")
        first = next((a.host for a in args if isinstance(a, MetaArray)), None)
        with np.errstate(all="ignore"):
            return outside(function(*inside(args), **{k: inside(v) for k, v in kwargs.items()}), first)
    call.__name__ = name
    return call


class _Ufunc:
    """A NumPy ufunc that works out shape and type from one element of each argument."""

    def __init__(self, ufunc):
        self._ufunc = ufunc

    def __call__(self, *args, out=None, where=None, dtype=None, **options):
        if self._ufunc is np.matmul:
            return _product(*args)
        given = list(args[:self._ufunc.nin])
        hosts = inside(given)
        ones = [np.zeros((), h.dtype)[()] if isinstance(h, np.ndarray) else h for h in hosts]
        with np.errstate(all="ignore"):
            found = self._ufunc(*ones, **({"dtype": dtype} if dtype is not None else {}))
        shape = np.broadcast_shapes(*(np.shape(h) for h in hosts))
        out = out if out is not None else args[self._ufunc.nin] if len(args) > self._ufunc.nin else None
        if out is not None:
            return out[0] if isinstance(out, tuple) else out
        order = "F" if len(shape) > 1 and all(h.flags.f_contiguous and not h.flags.c_contiguous for h in hosts if isinstance(h, np.ndarray) and h.ndim) else "C"
        if isinstance(found, tuple):
            return tuple(blank(shape, f.dtype, order) for f in found)
        return blank(shape, found.dtype, order)

    def __getattr__(self, name):
        return lifted(getattr(self._ufunc, name))


def _product(a, b) -> MetaArray:
    """The matrix product: its shape as for no terms at all, which takes no time."""
    a, b = inside(a), inside(b)
    inner, other = a.shape[-1], b.shape[-2] if b.ndim > 1 else b.shape[0]
    if inner != other:
        raise ValueError(f"matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature (n?,k),(k,m?)->(n?,m?) (size {other} is different from {inner})")
    found = np.matmul(a[..., :0], b[..., :0, :] if b.ndim > 1 else b[:0])
    return blank(found.shape, found.dtype)


class _Pointer:
    """Where in memory an array begins, as CuPy's arrays tell it: a view with other strides is made from it."""

    def __init__(self, host, offset: int = 0):
        self.root = host
        while isinstance(self.root.base, np.ndarray):
            self.root = self.root.base
        self.ptr = _address(host) + offset

    def __add__(self, offset: int) -> _Pointer:
        made = object.__new__(_Pointer)
        made.root, made.ptr = self.root, self.ptr + offset
        return made


def _address(host) -> int:
    return host.__array_interface__["data"][0]


class MetaArray:
    """An array without numbers."""

    __slots__ = ("host",)

    def __init__(self, shape, dtype=float, memptr=None, strides=None):
        if memptr is None:
            self.host = blank(shape, dtype).host
        else:
            memory = memptr.root if memptr.root.flags.c_contiguous else memptr.root.T
            self.host = np.ndarray(shape, dtype, memory, memptr.ptr - _address(memory), strides)

    __array_priority__ = 100
    __hash__ = object.__hash__
    device = "meta"

    def __array__(self, dtype=None, copy=None):
        raise NotImplementedError(NO_DATA)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return getattr(_Ufunc(ufunc), method)(*inputs, **kwargs)

    def __array_function__(self, function, kinds, args, kwargs):
        return lifted(function)(*args, **kwargs)

    def get(self):
        raise NotImplementedError(NO_DATA)

    tolist = get

    def item(self, *args):
        raise (RuntimeError if self.host.size == 1 else ValueError)(NO_ITEM)

    @property
    def real(self):
        return outside(self.host.real, self.host)

    @real.setter
    def real(self, value):
        self.real[...] = value

    @property
    def imag(self):
        return outside(self.host.imag, self.host)

    @imag.setter
    def imag(self, value):
        self.imag[...] = value

    @property
    def data(self):
        return _Pointer(self.host)

    @property
    def base(self):
        return None if self.host.base is None or isinstance(self.host.base, mmap.mmap) else _around(self.host.base)

    def __getattr__(self, name) -> Any:  # a method or an attribute of NumPy's array
        if name.startswith("__"):
            raise AttributeError(name)  # above all the ways to memory that NumPy would take
        found = getattr(self.host, name)
        if name == "T":
            return outside(found, self.host)
        if isinstance(found, types.BuiltinFunctionType):
            return self._method(found)
        return found

    def _method(self, found):
        name = found.__name__
        if name in REFUSED:
            raise NotImplementedError(f"{name}: the shape of its result depends on numbers, and meta tensors have none.")
        if name == "astype":
            return lambda dtype, *args, **kwargs: blank(self.host.shape, dtype)

        def call(*args, **kwargs):
            with np.errstate(all="ignore"):
                return outside(found(*inside(args), **{k: inside(v) for k, v in kwargs.items()}), self.host)
        return call

    def __getitem__(self, index):
        parts = index if isinstance(index, tuple) else (index,)
        if any(isinstance(part, (MetaArray, np.ndarray)) and part.dtype == bool for part in parts):
            raise NotImplementedError("nonzero: how many elements a mask picks depends on numbers, and meta tensors have none.")
        return outside(self.host[_position(index)], self.host)

    def __setitem__(self, index, value):
        shape = self.host[_position(index)].shape if index is not Ellipsis else self.host.shape
        given = np.shape(inside(value)) if not isinstance(value, np.ndarray) else value.shape
        np.broadcast_shapes(given, shape)

    def __len__(self):
        return len(self.host)

    def __iter__(self):
        return (outside(v, self.host) for v in self.host)

    # Kernels ask whether an index is out of range: zeros never are. Tensors ask by `item`.
    def __bool__(self):
        return bool(self.host)

    def __int__(self):
        return int(self.host)

    def __float__(self):
        return float(self.host)

    def __index__(self):
        return self.host.__index__()

    def __repr__(self):
        return f"MetaArray(shape={self.host.shape}, dtype={self.host.dtype})"


def _position(index):
    """An index whose arrays may be positions on the processor as well."""
    if isinstance(index, tuple):
        return tuple(_position(part) for part in index)
    return index.host if isinstance(index, MetaArray) else index


_UFUNCS = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "floordiv": np.floor_divide, "mod": np.remainder, "pow": np.power,
           "matmul": np.matmul, "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor, "lshift": np.left_shift, "rshift": np.right_shift}
_ALONE = {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
          "neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}


def _operators() -> None:
    for name, ufunc in _UFUNCS.items():
        run = _Ufunc(ufunc)
        setattr(MetaArray, f"__{name}__", lambda self, other, run=run: run(self, other))
        setattr(MetaArray, f"__r{name}__", lambda self, other, run=run: run(other, self))
        setattr(MetaArray, f"__i{name}__", lambda self, other, run=run: (run(self, other), self)[1])
    for name, ufunc in _ALONE.items():
        run = _Ufunc(ufunc)
        setattr(MetaArray, f"__{name}__", lambda self, *other, run=run: run(self, *other))


_operators()


class _Module(types.ModuleType):
    """A module of NumPy or SciPy on arrays without numbers."""

    def __init__(self, name: str, source):
        super().__init__(name)
        self._source = source

    def __getattr__(self, name: str) -> Any:  # a function, a class, a constant
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self._source, name)
        if isinstance(found, np.ufunc):
            return _Ufunc(found)
        if isinstance(found, types.ModuleType):
            return _Module(f"{self.__name__}.{name}", found)
        if isinstance(found, type):
            return found
        return lifted(found) if callable(found) else found


def _asarray(value, dtype=None, copy=None, order=None):
    """An array without numbers of the same shape."""
    value = value.host if isinstance(value, MetaArray) else np.asarray(value)
    return blank(value.shape, dtype or value.dtype, "F" if order == "F" else "C")


__array_namespace__ = _Module("autodiff_lab.backend.meta", np)
__array_namespace__.asarray = lambda value, dtype=None: value if isinstance(value, MetaArray) and dtype in (None, value.dtype) else _asarray(value, dtype)
__array_namespace__.array = _asarray
__array_namespace__.ascontiguousarray = lambda value: value if value.flags.c_contiguous else blank(value.shape, value.dtype)
__array_namespace__.ndarray = MetaArray
__array_namespace__.empty = __array_namespace__.zeros = __array_namespace__.ones = lambda shape, dtype=float, order="C": blank(shape if isinstance(shape, tuple) else (shape,) if isinstance(shape, int) else tuple(shape), dtype, order)
__array_namespace__.full = lambda shape, value, dtype=None: blank(shape if isinstance(shape, tuple) else (shape,), dtype or np.asarray(value).dtype)


def special():
    """scipy.special on arrays without numbers."""
    import scipy.special

    return _Module("autodiff_lab.backend.meta.special", scipy.special)
