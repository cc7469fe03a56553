"""A stand-in for CuPy that runs anywhere: arrays that refuse to become NumPy arrays unless asked by name.

Its `ndarray` computes with NumPy inside, and behaves as CuPy's does where the two differ: no silent
conversion to the host, no mixing with host arrays, results without dimensions stay arrays. So a kernel
that would copy to the host in the middle of a step fails on a laptop.
"""

from __future__ import annotations

import contextlib
import sys
import types

import numpy as np
import scipy.special

REFUSAL = "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array explicitly."


def inside(value):
    """What NumPy computes on. A host array with dimensions is refused, as CuPy refuses it."""
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, np.ndarray) and value.ndim:
        raise TypeError(f"Unsupported type {type(value)}: a host array of shape {value.shape} met a device array.")
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return value
    if isinstance(value, (tuple, list)):
        return type(value)(inside(v) for v in value)
    return value


def outside(value):
    """A device array for every array; lists and tuples of them alike."""
    if isinstance(value, (np.ndarray, np.generic)) and getattr(value, "dtype", None) is not None and value.dtype != object:
        made = object.__new__(ndarray)
        made._host = np.asarray(value)
        return made
    if isinstance(value, tuple):
        return tuple(outside(v) for v in value)
    return [outside(v) for v in value] if isinstance(value, list) else value


def lifted(function):
    """A NumPy function on device arrays."""
    def call(*args, **kwargs):
        return outside(function(*inside(args), **{k: inside(v) for k, v in kwargs.items()}))
    call.__name__ = getattr(function, "__name__", "function")
    return call


class _Device:
    id = 0

    def __init__(self, index=0):
        self.id = index

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return None


class _Pointer:
    """An address in the memory of a host array, as CuPy's MemoryPointer."""

    def __init__(self, array, offset=0):
        root = array
        while isinstance(root.base, np.ndarray):
            root = root.base
        self.root = self.mem = root
        self.ptr = array.__array_interface__["data"][0] + offset

    def __add__(self, offset):
        made = object.__new__(_Pointer)
        made.root = made.mem = self.root
        made.ptr = self.ptr + offset
        return made


class ndarray:
    """A device array."""

    def __init__(self, shape, dtype=float, memptr=None, strides=None):
        if memptr is None:
            self._host = np.empty(shape, dtype)
            return
        memory = memptr.root if memptr.root.flags.c_contiguous else memptr.root.T
        self._host = np.ndarray(shape, dtype, memory, memptr.ptr - memory.__array_interface__["data"][0], strides)

    __array_priority__ = 100
    __hash__ = None

    def __array__(self, dtype=None, copy=None):
        raise TypeError(REFUSAL)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        out = kwargs.get("out")
        result = getattr(ufunc, method)(*inside(inputs), **{k: inside(v) for k, v in kwargs.items()})
        return (out[0] if isinstance(out, tuple) and len(out) == 1 else out) if out is not None else outside(result)

    def __array_function__(self, function, kinds, args, kwargs):
        return outside(function(*inside(args), **{k: inside(v) for k, v in kwargs.items()}))

    @property
    def device(self):
        return _Device()

    @property
    def data(self):
        return _Pointer(self._host)

    @property
    def base(self):
        return None if self._host.base is None else outside(self._host.base)

    def get(self):
        return self._host

    def item(self):
        return self._host.item()

    def tolist(self):
        return self._host.tolist()

    def __getattr__(self, name):
        if name.startswith("__") or name == "_host":
            raise AttributeError(name)
        found = getattr(self._host, name)
        if callable(found) and not isinstance(found, (np.ndarray, np.generic)):
            return lifted(found)
        return outside(found) if isinstance(found, np.ndarray) else found

    def __getitem__(self, index):
        return outside(self._host[inside(index)])

    def __setitem__(self, index, value):
        self._host[inside(index)] = inside(value)

    def __setattr__(self, name, value):
        if name == "_host":
            object.__setattr__(self, name, value)
        else:
            setattr(self._host, name, inside(value))

    def __len__(self):
        return len(self._host)

    def __iter__(self):
        return (outside(v) for v in self._host)

    def __bool__(self):
        return bool(self._host)

    def __int__(self):
        return int(self._host)

    def __float__(self):
        return float(self._host)

    def __index__(self):
        return self._host.__index__()

    def __repr__(self):
        return f"device {self._host!r}"


def _operator(name):
    in_place = name.startswith("__i") and name not in ("__invert__", "__index__")

    def call(self, *others):
        result = getattr(self._host, name)(*inside(others))
        if result is NotImplemented:
            return result
        if in_place:
            return self
        return outside(result)
    return call


for _name in ("add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split()):
    for _prefix in ("", "r", "i"):
        if hasattr(np.ndarray, f"__{_prefix}{_name}__"):
            setattr(ndarray, f"__{_prefix}{_name}__", _operator(f"__{_prefix}{_name}__"))
for _name in "eq ne lt le gt ge neg pos abs invert".split():
    setattr(ndarray, f"__{_name}__", _operator(f"__{_name}__"))
ndarray.__module__ = "cupy"


class _Ufunc:
    def __init__(self, ufunc):
        self._ufunc = ufunc

    def __call__(self, *args, out=None, **kwargs):
        result = self._ufunc(*inside(args), **({"out": inside(out)} if out is not None else {}), **{k: inside(v) for k, v in kwargs.items()})
        return (out[0] if isinstance(out, tuple) else out) if out is not None else outside(result)

    def __getattr__(self, name):
        return lifted(getattr(self._ufunc, name))


class _Module(types.ModuleType):
    """A module of NumPy, seen from the device."""

    def __init__(self, name, source):
        super().__init__(name)
        self._source = source

    def __getattr__(self, name):
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


def build() -> dict[str, types.ModuleType]:
    """The modules to put into sys.modules."""
    cupy = _Module("cupy", np)
    cupy.ndarray = ndarray
    cupy.asarray = cupy.array = lambda value, dtype=None, copy=True, **options: outside(
        np.array(value._host if isinstance(value, ndarray) else value, dtype=dtype, **{k: v for k, v in options.items() if k == "order"}))
    cupy.ascontiguousarray = lambda value: value if value.flags.c_contiguous else outside(np.ascontiguousarray(value._host))
    cupy.asnumpy = lambda value: value.get()
    cupy.get_array_module = lambda *arrays: cupy if any(isinstance(a, ndarray) for a in arrays) else np
    cuda = types.ModuleType("cupy.cuda")
    cuda.Device = _Device
    cuda.runtime = types.SimpleNamespace(getDeviceCount=lambda: 1)
    cupy.cuda = cuda
    cupyx, scipy_, special = types.ModuleType("cupyx"), types.ModuleType("cupyx.scipy"), _Module("cupyx.scipy.special", scipy.special)
    cupyx.scipy, scipy_.special = scipy_, special
    return {"cupy": cupy, "cupy.cuda": cuda, "cupyx": cupyx, "cupyx.scipy": scipy_, "cupyx.scipy.special": special}


@contextlib.contextmanager
def installed():
    """Within it, CUDA seems to be there."""
    modules = build()
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module
