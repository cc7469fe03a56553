"""Where arrays live: NumPy on the processor, CuPy on a CUDA device. One kernel text serves both.

CuPy is imported only when somebody asks for a CUDA device, so the library works with NumPy alone.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from . import memory, meta

__all__ = ["channels_like", "in_c_order", "is_array", "namespace", "order_like", "special", "to_host"]

memory.tune()
_ndarray = np.ndarray


def namespace(array):
    """The module whose functions work on `array`: numpy, cupy for an array on a CUDA device, or `meta`'s for one without numbers.

    >>> namespace(np.zeros(3)).__name__
    'numpy'
    """
    if array.__class__ is _ndarray or isinstance(array, (_ndarray, np.generic)):
        return np
    module = type(array).__module__
    return sys.modules["cupy"] if module.startswith("cupy") else getattr(sys.modules.get(module), "__array_namespace__", np)


def in_c_order(array):
    """`array`, or a copy whose last dimension is innermost in memory. PyTorch returns many results so whatever the order of the input,
    and programs call `view` on them; NumPy keeps the input's order.
    """
    return array if array.flags.c_contiguous else namespace(array).ascontiguousarray(array)


def channels_like(array, model):
    """`array` in C order, or with the channels innermost in memory where they are in `model`: the two orders that PyTorch's convolutions and norms keep."""
    if model.ndim not in (4, 5) or not channels_innermost(model):
        return in_c_order(array)
    if channels_innermost(array):
        return array
    xp = namespace(array)
    return xp.moveaxis(xp.array(xp.moveaxis(array, 1, -1), order="C"), -1, 1)


def channels_innermost(array) -> bool:
    """True if an array (N, C, …) has its channels innermost in memory, by the strides alone where sizes of 1 leave it open, as PyTorch decides it."""
    strides, inside = array.strides, 0
    for d in (1, *range(array.ndim - 1, 1, -1), 0):
        n, stride = array.shape[d], strides[d]
        if not n or not strides[1] or stride < inside or d == 0 and inside == strides[1]:
            return False
        inside = stride * n if n > 1 else stride
    return True


def order_like(array) -> str:
    """The order in memory of an array made like `array`: its own, or C if it is broadcast, which NumPy would lay out with that dimension innermost."""
    return "C" if 0 in array.strides and any(not s and n > 1 for s, n in zip(array.strides, array.shape)) else "K"


def special(array):
    """Special functions that work on `array`: scipy.special, or CuPy's counterpart. Imported when first needed."""
    if namespace(array) is np:
        import scipy.special
        return scipy.special
    if isinstance(array, meta.MetaArray):
        return meta.special()
    import cupyx.scipy.special
    return cupyx.scipy.special


def is_array(value) -> bool:
    """True for what kernels compute on: NumPy arrays and scalars, and CuPy arrays."""
    return isinstance(value, (np.ndarray, np.generic, meta.MetaArray)) or type(value).__module__.startswith("cupy")


def to_host(array) -> Any:  # np.ndarray, or one NumPy number
    """A NumPy array of the same numbers; copies only when they live on a CUDA device."""
    return array if isinstance(array, (np.ndarray, np.generic)) else array.get()


def strided(array, shape: tuple, strides: tuple):
    """A writable view of the memory of `array` with any shape and strides (in bytes), from its first element.

    NumPy's own `as_strided` takes ten times as long as the constructor, which asks for contiguous memory.
    """
    if array.__class__ is not np.ndarray and isinstance(array, np.generic):
        array = np.array(array)
    if isinstance(array, np.ndarray) and array.flags.c_contiguous and array.size:
        return np.ndarray(shape, array.dtype, array, 0, strides)
    xp = namespace(array)
    return xp.lib.stride_tricks.as_strided(xp.asarray(array), shape, strides)


def shares(view, source) -> bool:
    """True if `view`, made from `source`, is a view of its memory and not a copy.

    NumPy points every view at the array that owns the memory, so comparing owners answers it; asking
    `np.may_share_memory` costs as much as a small operator.
    """
    if isinstance(view, np.ndarray):
        owner = view.base
        return owner is source or owner is not None and owner is source.base
    if isinstance(view, meta.MetaArray):
        return isinstance(source, meta.MetaArray) and np.may_share_memory(view.host, source.host)
    return hasattr(view, "data") and hasattr(source, "data") and getattr(view.data, "mem", view) is getattr(source.data, "mem", None)
