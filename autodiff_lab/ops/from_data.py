"""Making tensors out of what is there: Python's numbers, NumPy's arrays, buffers, other libraries' tensors."""

from __future__ import annotations

import ctypes
import functools
from types import SimpleNamespace

import numpy as np

from ..core.devices import array_on, device, get_default_device
from ..core.dtypes import FLOATING, INT, bfloat16, bool_, dtype, dtype_of, get_default_dtype, int64, promote_types
from ..core.errors import caution
from ..core.op import public
from ..core.tensor import Tensor, wrap
from .attributes import UntypedStorage
from .conversion import cast

__all__ = ["as_tensor", "asarray", "finish", "from_data", "from_dlpack", "from_numpy", "frombuffer", "tensor"]


def finish(array, wanted: dtype | None, where, requires_grad: bool) -> Tensor:
    """A new leaf around `array`, of the wanted type, on the wanted device."""
    if wanted is not None and array.dtype != wanted.numpy:
        array = cast(array, wanted.numpy)
    if not array.ndim and array.__class__ is np.ndarray:
        array = array[()]
    place = device(where) if where is not None else get_default_device()
    made = wrap(array if place.type == "cpu" else array_on(array, place))
    if requires_grad:
        if made._a.dtype not in FLOATING:
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients. "
                               f"This one would hold {made.dtype}: give dtype=torch.float32, for example.")
        made.requires_grad = True
    return made


def from_data(data, wanted: dtype | None) -> np.ndarray:
    """A new array from Python numbers, nested lists, arrays or tensors.

    Raises:
        ValueError: for lists of unequal lengths, text in lists, or numbers that no type holds.
        RuntimeError: for what is no number, or does not fit the wanted type.
    """
    if isinstance(data, (np.ndarray, np.generic)):
        dtype_of(data.dtype)  # an error for text and objects
        return np.array(data)
    if isinstance(data, str):
        raise TypeError("new(): invalid data type 'str': tensors hold numbers and truth values.")
    kinds: set = set()  # the classes of the numbers
    if isinstance(data, (list, tuple)):
        data = _plain(data, kinds)
    try:
        array = np.asarray(data)
    except ValueError:
        raise _ragged(data) from None
    except OverflowError:
        raise ValueError("Overflow when unpacking long long: an integer is too large for int64.") from None
    if array.dtype.kind not in "biufcV" or array.dtype == object:
        raise _odd(data, array)
    if array.dtype.kind == "u" and not _has_numpy(data) and (wanted is None or wanted.name != "uint64"):
        raise ValueError("Overflow when unpacking long long: an integer is too large for int64.")
    if wanted is not None:
        _check_fits(array, wanted)
    elif len(kinds) > 1 and array.dtype.kind in "fciub" and any(issubclass(kind, np.generic) for kind in kinds) and kinds <= set(OF_NUMBERS):
        array = array.astype(functools.reduce(promote_types, [OF_NUMBERS[kind]() for kind in kinds]).numpy, copy=False)
    elif array.dtype.kind in "fc" and not _has_numpy(data):
        array = array.astype((get_default_dtype() if array.dtype.kind == "f" else get_default_dtype().to_complex()).numpy)
    return array


OF_NUMBERS = {bool: lambda: bool_, int: lambda: int64, float: get_default_dtype, complex: lambda: get_default_dtype().to_complex(),
              **{kind: functools.partial(dtype_of, np.dtype(kind)) for kind in (np.bool_, *(np.dtype(c).type for c in "bBhHiIlLefdFD"), *([bfloat16.numpy.type] if bfloat16 else []))}}
"""The type that one number of each class asks for, where numbers of several classes stand in one list."""


def _plain(data, kinds: set):
    """Nested sequences as nested lists of numbers; a tensor of one element counts as its number. Notes the classes that it meets."""
    plain = [_plain(d, kinds) if isinstance(d, (list, tuple)) else _single(d) if isinstance(d, Tensor) else d for d in data]
    kinds.update([type(d) for d in plain if not isinstance(d, list)])
    return plain


def _single(tensor):
    if tensor.numel() != 1:
        if tensor.dtype.category <= INT:
            raise TypeError("only integer tensors of a single element can be converted to an index. Use torch.stack to put tensors together.")
        raise ValueError("only one element tensors can be converted to Python scalars. Use torch.stack to put tensors together.")
    return np.asarray(tensor.detach().cpu()._a).reshape(())[()]


def _has_numpy(data) -> bool:
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return isinstance(data, (np.ndarray, np.generic))


def _ragged(data) -> ValueError:
    """Which list has another length than the first of its depth."""
    depth, level = 0, [data]
    while level and all(isinstance(d, (list, tuple)) for d in level):
        lengths = [len(d) for d in level]
        odd = next((n for n in lengths if n != lengths[0]), None)
        if odd is not None:
            return ValueError(f"expected sequence of length {lengths[0]} at dim {depth} (got {odd}). Pad the shorter ones, or stack tensors of one shape.")
        depth, level = depth + 1, [part for d in level for part in d]
    return ValueError("expected sequence of equal length at every depth. Pad the shorter ones, or stack tensors of one shape.")


def _odd(data, array) -> Exception:
    """The error for data that hold something that is no number."""
    first = data
    while isinstance(data, (list, tuple)) and data:
        data = next((d for d in data if not isinstance(d, (int, float, complex, np.number, np.bool_))), data[0])
        if isinstance(data, str):
            while isinstance(first, (list, tuple)) and first:
                first = first[0]  # PyTorch counts the dimensions by what stands first, down to the letters of a text
            return ValueError("too many dimensions 'str'") if isinstance(first, str) else TypeError("new(): invalid data type 'str'")
    if isinstance(data, int):
        return ValueError("Overflow when unpacking long long: an integer is too large for int64.")
    return RuntimeError(f"Could not infer dtype of {type(data).__name__}: tensors hold numbers and truth values.")


def _check_fits(array, wanted: dtype) -> None:
    if wanted.category == INT and wanted.itemsize < 8 and array.size and array.dtype.kind in "if":
        info = np.iinfo(wanted.numpy)
        low = -info.max if not wanted.is_signed else info.min
        if array.max() > info.max or array.min() < low:
            raise RuntimeError(f"value cannot be converted to type {wanted.name}_t without overflow: it holds {info.min} to {info.max}.")


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
        caution("To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
                "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).")
        array = data._a.copy()
        return finish(array, dtype, device if device is not None else data.device, requires_grad)
    return finish(from_data(data, dtype), dtype, device, requires_grad)


def as_tensor(data, dtype: dtype | None = None, device=None) -> Tensor:
    """A tensor that shares the memory of `data` where it can: of an array or a tensor of the right type.

    >>> import autodiff_lab as lab
    >>> import numpy as np
    >>> lab.as_tensor(np.array([1.0, 2.0], np.float32))
    tensor([1., 2.])
    """
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

    >>> import autodiff_lab as lab
    >>> import numpy as np
    >>> a = np.array([1, 2, 3])
    >>> t = lab.from_numpy(a)
    >>> t[0] = 9
    >>> a
    array([9, 2, 3])
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtype_of(ndarray.dtype)
    if any(s < 0 for s in ndarray.strides):
        raise ValueError("At least one stride in the given numpy array is negative, and tensors with negative strides are not currently supported. "
                         "(You can probably work around this by making a copy of your array  with array.copy().) ")
    if not ndarray.flags.writeable:
        caution("The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means writing to this tensor will result in "
                "undefined behavior. You may want to copy the array to protect its data or make it writable before converting it to a tensor. "
                "This type of warning will be suppressed for the rest of this program.")
    return wrap(np.asarray(ndarray))  # np.matrix and np.memmap become what they are made of: their * would be another product


def frombuffer(buffer, *, dtype, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """A tensor on the memory of a bytes-like object.

    >>> import autodiff_lab as lab
    >>> import array
    >>> lab.frombuffer(array.array("i", [1, 2, 3]), dtype=lab.int32)
    tensor([1, 2, 3], dtype=torch.int32)
    """
    if len(memoryview(buffer).cast("B")) == 0:
        raise ValueError("both buffer length (0) and count (-1) must not be 0")
    array = np.frombuffer(buffer, dtype.numpy, count, offset)
    if not array.flags.writeable:
        caution("The given buffer is not writable, and PyTorch does not support non-writable tensors. This means you can write to the underlying (supposedly "
                "non-writable) buffer using the tensor. You may want to copy the buffer to protect its data or make it writable before converting it to a tensor. "
                "This type of warning will be suppressed for the rest of this program.")
    return finish_shared(array, requires_grad)


def finish_shared(array, requires_grad) -> Tensor:
    made = wrap(array)
    if requires_grad:
        made.requires_grad = True
    return made


def asarray(obj, *, dtype=None, device=None, copy=None, requires_grad: bool | None = None) -> Tensor:
    """A tensor from a tensor, array, buffer or nested numbers; shares memory where it can, unless `copy` says otherwise.

    Args:
        requires_grad: whether the result wants a gradient; left out, it does if `obj` does.

    Raises:
        ValueError: if `copy=False` and sharing is not possible.

    >>> import autodiff_lab as lab
    >>> lab.asarray([1, 2, 3])
    tensor([1, 2, 3])
    """
    if isinstance(obj, Tensor):
        made = obj.to(device=device, dtype=dtype)
        shared = made is obj
    elif isinstance(obj, np.ndarray) or hasattr(obj, "__dlpack__"):
        source = from_numpy(obj) if isinstance(obj, np.ndarray) else from_dlpack(obj)
        made = source.to(device=device, dtype=dtype)
        shared = made is source
    elif isinstance(obj, (bytes, bytearray, memoryview, UntypedStorage)):
        made, shared = frombuffer(obj._bytes() if isinstance(obj, UntypedStorage) else obj, dtype=dtype or get_default_dtype()), True
    else:
        if copy is False:
            raise ValueError("can't alias arbitrary sequence into a tensor: copy=False needs a tensor, an array or a buffer.")
        return finish(from_data(obj, dtype), dtype, device, bool(requires_grad))
    if copy is False and not shared:
        raise ValueError("can't alias tensor with another dtype or device: copy=False was asked for.")
    if copy and shared:
        made = made.clone()
    if requires_grad and not made.requires_grad:
        made.requires_grad_()
    elif requires_grad is False and made.requires_grad:
        made = made.requires_grad_(False) if made.is_leaf else made.detach()
    if requires_grad is None and made.requires_grad:
        caution("torch.asarray: unspecified requires_grad now defaults to obj.requires_grad instead of False. "
                "Pass requires_grad=False explicitly to get the old behavior and silence this warning.")
    return made


def from_dlpack(ext_tensor) -> Tensor:
    """A tensor on the memory of another library's array, by the DLPack protocol; also from a capsule of `to_dlpack`.

    >>> import autodiff_lab as lab
    >>> x = lab.zeros(2)
    >>> lab.from_dlpack(x)[0] = 5  # the same memory
    >>> x
    tensor([5., 0.])
    """
    if isinstance(ext_tensor, Tensor):
        return ext_tensor.detach()
    if not hasattr(ext_tensor, "__dlpack__"):
        return wrap(_of_capsule(ext_tensor))
    array = np.from_dlpack(ext_tensor)
    return wrap(array)


def _of_capsule(capsule) -> np.ndarray:
    """The array of a DLPack capsule, which NumPy takes from an object only and then marks as read-only: the older protocol cannot say."""
    array = np.from_dlpack(SimpleNamespace(__dlpack__=lambda **asked: capsule, __dlpack_device__=lambda: (1, 0)))
    memory = (ctypes.c_char * array.nbytes).from_address(array.__array_interface__["data"][0])
    memory.owner = array
    return np.lib.stride_tricks.as_strided(np.frombuffer(memory, array.dtype), array.shape, array.strides)


public[""].update({name: globals()[name] for name in __all__ if name not in ("finish", "from_data")})
