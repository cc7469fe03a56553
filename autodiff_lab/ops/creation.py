"""Making tensors: from Python values, from NumPy, filled with zeros, ones, ranges."""

from __future__ import annotations

import math

import numpy as np

from ..core.devices import array_on, device, get_default_device
from ..core.dtypes import FLOATING, dtype, dtype_of, get_default_dtype
from ..core.op import public
from ..core.support import collect_ints
from ..core.tensor import Tensor, wrap

__all__ = ["arange", "as_tensor", "from_numpy", "full", "ones", "ones_like", "tensor", "zeros", "zeros_like"]


def finish(array, wanted: dtype | None, where, requires_grad: bool) -> Tensor:
    """A new leaf around `array`, of the wanted type, on the wanted device."""
    if wanted is not None and array.dtype != wanted.numpy:
        array = array.astype(wanted.numpy)
    place = device(where) if where is not None else get_default_device()
    made = wrap(array if place.type == "cpu" else array_on(array, place))
    if requires_grad:
        if made._a.dtype not in FLOATING:
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients. "
                               f"This one would hold {made.dtype}: give dtype=torch.float32, for example.")
        made.requires_grad = True
    return made


def from_data(data, wanted: dtype | None) -> np.ndarray:
    """A new array from Python numbers, nested lists, arrays or tensors."""
    if isinstance(data, (np.ndarray, np.generic)):
        dtype_of(data.dtype)  # an error for text and objects
        return np.array(data)
    if isinstance(data, (list, tuple)):
        data = _plain(data)
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ValueError(f"expected sequence of equal length at every depth: {error}. Pad the shorter ones, or stack tensors of one shape.") from None
    if array.dtype == object or array.dtype.kind not in "biufcV":
        raise TypeError(f"new(): invalid data type '{_odd(data)}': tensors hold numbers and truth values.")
    if wanted is None and not _has_numpy(data):
        if array.dtype.kind == "f":
            array = array.astype(get_default_dtype().numpy)
        elif array.dtype.kind == "c":
            array = array.astype(get_default_dtype().to_complex().numpy)
        elif not array.size and array.dtype.kind == "f":
            array = array.astype(get_default_dtype().numpy)
    return array


def _plain(data):
    """Nested sequences with tensors in them as nested lists of numbers and arrays."""
    return [_plain(d) if isinstance(d, (list, tuple)) else (d.tolist() if isinstance(d, Tensor) else d) for d in data]


def _has_numpy(data) -> bool:
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return isinstance(data, (np.ndarray, np.generic))


def _odd(data) -> str:
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return type(data).__name__


def tensor(data, *, dtype: dtype | None = None, device=None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """A new tensor from Python numbers, nested lists or arrays; always a copy.

    Args:
        dtype: type of the elements; default: from the data (floats become float32, ints int64).
        device: where to put it; default: the default device.
        requires_grad: whether gradients are wanted; only for floating-point types.

    Raises:
        ValueError: if nested lists have unequal lengths.
        TypeError: for data that are not numbers.
        RuntimeError: if an integer tensor should require a gradient.

    >>> import autodiff_lab as lab
    >>> lab.tensor([[1, 2], [3, 4]]).dtype
    torch.int64
    """
    if isinstance(data, Tensor):
        import warnings
        warnings.warn("To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
                      "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).", UserWarning, stacklevel=2)
        array = data._a.copy()
        return finish(array, dtype, device if device is not None else data.device, requires_grad)
    array = from_data(data, dtype)
    if not array.ndim and not isinstance(array, np.generic):
        array = array[()]
    return finish(array, dtype, device, requires_grad)


def as_tensor(data, dtype: dtype | None = None, device=None) -> Tensor:
    """A tensor that shares the memory of `data` where it can: of an array or a tensor of the right type."""
    if isinstance(data, Tensor):
        return data.to(device=device, dtype=dtype) if dtype is not None or device is not None else data
    if isinstance(data, np.ndarray) and (dtype is None or data.dtype == dtype.numpy):
        made = from_numpy(data)
        return made if device is None else made.to(device)
    return finish(from_data(data, dtype), dtype, device, False)


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor on the memory of a NumPy array: writing to one writes to both.

    Raises:
        TypeError: if it is no array or holds no numbers.
        ValueError: if it has negative strides (copy it first).
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtype_of(ndarray.dtype)
    if any(s < 0 for s in ndarray.strides):
        raise ValueError("At least one stride in the given numpy array is negative, and tensors with negative strides are not currently supported. "
                         "(You can probably work around this by making a copy of your array  with array.copy().) ")
    return wrap(ndarray)


def _filled(fill):
    def make(size, dtype, device, requires_grad, out):
        if out is not None:
            from ..core.views import write_out
            return write_out(type("named", (), {"name": "fill"}), out, fill(size, out.dtype.numpy), False)
        array = fill(size, (dtype or get_default_dtype()).numpy)
        return finish(array, None, device, requires_grad)
    return make


_zeros, _ones = _filled(np.zeros), _filled(np.ones)


def zeros(*size, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False, names=None) -> Tensor:
    """Zeros of shape `size`, given one by one or as a sequence."""
    return _zeros(collect_ints(size, None) if size else (), dtype, device, requires_grad, out)


def ones(*size, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False, names=None) -> Tensor:
    """Ones of shape `size`."""
    return _ones(collect_ints(size, None) if size else (), dtype, device, requires_grad, out)


def full(size, fill_value, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False) -> Tensor:
    """`fill_value` everywhere; its Python type decides the dtype unless one is given."""
    if isinstance(fill_value, Tensor):
        fill_value = fill_value.item()
    return finish(np.full(collect_ints((), size), fill_value, (dtype or dtype_of(type(fill_value))).numpy), None, device, requires_grad)


def zeros_like(input, *, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None) -> Tensor:
    """Zeros of the shape, type and device of `input`."""
    return finish(np.zeros_like(input._a, dtype=dtype and dtype.numpy), None, device or input.device, requires_grad)


def ones_like(input, *, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None) -> Tensor:
    """Ones of the shape, type and device of `input`."""
    return finish(np.ones_like(input._a, dtype=dtype and dtype.numpy), None, device or input.device, requires_grad)


def arange(start, end=None, step=1, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False) -> Tensor:
    """Numbers from `start` up to but without `end`, `step` apart. Ints give int64, any float the default dtype."""
    if end is None:
        start, end = 0, start
    start, end, step = (v.item() if isinstance(v, Tensor) else v for v in (start, end, step))
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if dtype is None:
        dtype = dtype_of(np.dtype("int64")) if all(isinstance(v, int) for v in (start, end, step)) else get_default_dtype()
    if dtype.is_floating_point:
        n = math.ceil((end - start) / step)
        return finish((start + np.arange(n, dtype=np.float64) * step).astype(dtype.numpy), None, device, requires_grad)
    return finish(np.arange(start, end, step).astype(dtype.numpy), None, device, requires_grad)


public[""].update({name: globals()[name] for name in __all__})
