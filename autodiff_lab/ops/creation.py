"""Making tensors: from Python values, from NumPy, filled with zeros or ones; rows of numbers are in ranges.py."""

from __future__ import annotations

import ctypes
import functools
import math
from types import SimpleNamespace

import numpy as np

from ..backend import namespace, order_like
from ..core.arguments import DType, Number, Sizes, as_dtype, collect_ints
from ..core.devices import array_on, device, get_default_device
from ..core.dtypes import FLOATING, INT, bfloat16, bool_, dtype, dtype_of, get_default_dtype, int64, promote_types
from ..core.errors import caution, no_memory
from ..core.op import op, ops, public
from ..core.samples import calls
from ..core.tensor import Tensor, wrap
from .attributes import UntypedStorage
from .conversion import cast
from .shape import channels_last

__all__ = [
    "as_tensor", "asarray", "empty", "empty_like", "empty_permuted", "empty_strided", "eye", "frombuffer", "from_numpy", "full", "full_like",
    "ones", "ones_like", "scalar_tensor", "tensor", "zeros", "zeros_like",
]


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


def goes_to_meta(where) -> bool:
    """True if a tensor made for the device `where` (None: the default one) has no numbers."""
    return (device(where) if where is not None else get_default_device()).type == "meta"


def no_numbers(shape, kind) -> np.ndarray:
    """Stands for an array on its way to the device "meta": one number, as large as asked for."""
    return np.broadcast_to(np.zeros((), kind), shape)


def placed(array, wanted, where, requires_grad: bool, out=None, name: str = "") -> Tensor:
    """A new leaf around `array`, or `array` written into `out`."""
    if out is not None:
        from ..core.outs import Called, write_out
        return write_out(Called(name), out, array if wanted is None else cast(array, wanted.numpy), False)
    return finish(array, wanted, where, requires_grad)


def sizes(given: tuple, keyword, name: str = "size") -> tuple:
    """A shape from sizes given one by one, as one sequence, or as `size=`."""
    shape = collect_ints(given, keyword, name, "size")
    for n in shape:
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(shape)}")
    return shape


def type_of(wanted, out) -> np.dtype:
    if wanted is not None and wanted.__class__ is not DType:
        wanted = as_dtype("empty", "dtype", wanted)
    if out is not None:
        check_agrees(wanted, out)
    return (out.dtype if out is not None and wanted is None else dtype_of(wanted) if wanted is not None else get_default_dtype()).numpy


def too_much(name: str, shape: tuple, error) -> Exception:
    """PyTorch's error for a tensor that is larger than the machine, or than 64 bits can count."""
    if math.prod(shape) >= 2**60:
        return RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)}")
    return no_memory(name, error) if isinstance(error, MemoryError) else error


def check_agrees(wanted, out) -> None:
    """Refuse an `out` of another dtype than the one that is asked for beside it."""
    if not isinstance(out, Tensor):
        raise TypeError(f"argument 'out' must be Tensor, not {type(out).__name__}")
    if wanted is not None and dtype_of(wanted) is not out.dtype:
        raise RuntimeError(f"dtype {dtype_of(wanted).title} does not match dtype of out parameter ({out.dtype.title})")


def _same(make, given: tuple, size, out, dtype, device, requires_grad) -> Tensor:
    """A tensor of one number everywhere, made by NumPy's function of the same name."""
    name = make.__name__
    try:
        array = (no_numbers if goes_to_meta(device) else make)(sizes(given, size, name), type_of(dtype, out))
    except (MemoryError, ValueError) as error:
        raise too_much(name, sizes(given, size, name), error) from None
    return placed(array, None, device, requires_grad, out, name)


def zeros(*size_, size=None, out=None, dtype=None, layout=None, device=None, pin_memory: bool | None = False, requires_grad: bool | None = False, names=None) -> Tensor:
    """Zeros of shape `size`, given one by one or as a sequence.

    >>> import autodiff_lab as lab
    >>> lab.zeros(2, 3).shape
    torch.Size([2, 3])
    """
    return _same(np.zeros, size_, size, out, dtype, device, requires_grad)


def ones(*size_, size=None, out=None, dtype=None, layout=None, device=None, pin_memory: bool | None = False, requires_grad: bool | None = False, names=None) -> Tensor:
    """Ones of shape `size`.

    >>> import autodiff_lab as lab
    >>> lab.ones(2, 3)
    tensor([[1., 1., 1.],
            [1., 1., 1.]])
    """
    return _same(np.ones, size_, size, out, dtype, device, requires_grad)


zeros.looks_itself = ones.looks_itself = True


def empty(*size_, size=None, out=None, dtype=None, layout=None, device=None, pin_memory: bool | None = False, requires_grad: bool | None = False, memory_format=None, names=None) -> Tensor:
    """A tensor of shape `size` with whatever the memory held; fill it before reading.

    >>> import autodiff_lab as lab
    >>> lab.empty(2, 3).shape
    torch.Size([2, 3])
    """
    shape, kind = sizes(size_, size, "empty"), type_of(dtype, out)
    if out is not None:
        return placed(np.zeros(shape, kind), None, device, requires_grad, out, "empty")
    if goes_to_meta(device):
        return finish(no_numbers(shape, kind), None, device, requires_grad)
    try:
        memory = np.empty(shape, kind)
    except (MemoryError, ValueError) as error:
        raise too_much("empty", shape, error) from None
    return finish(channels_last(memory) if str(memory_format).startswith("torch.channels_last") else memory, None, device, requires_grad)


def full(size: Sizes, fill_value: Number, *, out=None, dtype=None, layout=None, device=None, pin_memory: bool | None = False, requires_grad: bool | None = False, names=None) -> Tensor:
    """`fill_value` everywhere; its Python type decides the dtype unless one is given.

    >>> import autodiff_lab as lab
    >>> lab.full((2,), 7)
    tensor([7, 7])
    """
    if isinstance(fill_value, (Tensor, np.generic)):
        fill_value = fill_value.item()
    if out is not None:
        check_agrees(dtype, out)
    wanted = dtype_of(dtype) if dtype is not None else out.dtype if out is not None else dtype_of(type(fill_value))
    if not hasattr(size, "__iter__"):
        raise TypeError(f"full(): argument 'size' (position 1) must be tuple of ints, not {type(size).__name__}")
    shape = sizes((), size, "full")
    if goes_to_meta(device):
        return finish(no_numbers(shape, wanted.numpy), None, device, requires_grad)
    try:
        array = np.empty(shape, wanted.numpy)
    except (MemoryError, ValueError) as error:
        raise too_much("full", shape, error) from None
    fill_array(array, fill_value)
    return placed(array, None, device, requires_grad, out, "full")


def fill_array(array, value) -> None:
    """Store a Python number in every element, checked as PyTorch checks it."""
    from .conversion import _fill

    _fill(array, value)


def _like(name, make):
    def like(input: Tensor, *, dtype=None, layout=None, device=None, pin_memory: bool | None = False, requires_grad: bool | None = False, memory_format=None) -> Tensor:
        if not isinstance(input, Tensor):
            raise TypeError(f"{name}_like(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
        if goes_to_meta(device if device is not None else input.device):
            return finish(no_numbers(input._a.shape, dtype_of(dtype).numpy if dtype else input._a.dtype), None, "meta", requires_grad)
        given = input._a if isinstance(input._a, (np.ndarray, np.generic)) else np.empty(input._a.shape, input._a.dtype)
        array = make(given, dtype and dtype_of(dtype).numpy, "C" if memory_format is public[""]["contiguous_format"] else order_like(given))
        return finish(array, None, device if device is not None else input.device, requires_grad)
    like.__name__ = f"{name}_like"
    like.__doc__ = (f"`{name}` of the shape, type and device of `input`, unless told otherwise.\n\n    >>> import autodiff_lab as lab\n"
                    f"    >>> lab.{name}_like(lab.tensor([[1, 2], [3, 4]])).shape\n    torch.Size([2, 2])\n    ")
    return like


zeros_like, ones_like, empty_like = _like("zeros", np.zeros_like), _like("ones", np.ones_like), _like("empty", np.empty_like)


def full_like(input: Tensor, fill_value: Number, *, dtype=None, layout=None, device=None, pin_memory: bool | None = False, requires_grad: bool | None = False, memory_format=None) -> Tensor:
    """`fill_value` in the shape, type and device of `input`, unless told otherwise.

    >>> import autodiff_lab as lab
    >>> lab.full_like(lab.zeros(2), 3)
    tensor([3., 3.])
    """
    made = empty_like(input, dtype=dtype, device=device)
    made.fill_(fill_value)
    made._ver = None
    return made.requires_grad_() if requires_grad else made


def empty_strided(size: Sizes, stride: Sizes, *, dtype=None, layout=None, device=None, requires_grad: bool | None = False, pin_memory: bool | None = False) -> Tensor:
    """A tensor of the given sizes and strides (in elements) with whatever the memory held."""
    if len(size) != len(stride):
        raise RuntimeError(f"dimensionality of sizes ({len(size)}) must match dimensionality of strides ({len(stride)})")
    room = 1 + sum((n - 1) * s for n, s in zip(size, stride, strict=True)) if 0 not in tuple(size) else 0
    flat = np.empty(room, type_of(dtype, None))
    return finish(np.lib.stride_tricks.as_strided(flat, tuple(size), tuple(s * flat.itemsize for s in stride)), None, device, requires_grad)


def empty_permuted(size: Sizes, physical_layout: Sizes, *, dtype=None, layout=None, device=None, requires_grad: bool | None = False, pin_memory: bool | None = False) -> Tensor:
    """A tensor of shape `size` whose memory holds the dimensions in the order `physical_layout`."""
    order = [int(d) for d in physical_layout]
    if len(order) != len(size) or sorted(d % max(len(order), 1) for d in order) != list(range(len(size))):
        raise RuntimeError(f"Number of dimensions in size does not match the length of the physical_layout, or it does not name each dimension once: size {list(size)}, physical_layout {order}")
    array = np.empty([size[d] for d in order], type_of(dtype, None))
    return finish(array.transpose(np.argsort(order)), None, device, requires_grad)


def eye(n: int, m: int | None = None, *, out=None, dtype=None, layout=None, device=None, pin_memory: bool | None = False, requires_grad: bool | None = False) -> Tensor:
    """Ones on the diagonal, zeros elsewhere: the identity matrix, n rows and m columns.

    >>> import autodiff_lab as lab
    >>> lab.eye(2, 3)
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    for name, value in (("n", n), ("m", m)):
        if value is not None and value < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {value}")
    return placed(np.eye(n, m, dtype=type_of(dtype, out)), None, device, requires_grad, out, "eye")


def scalar_tensor(s, *, dtype=None, layout=None, device=None, pin_memory: bool | None = False, requires_grad: bool | None = False) -> Tensor:
    """A 0-dim tensor of the default dtype.

    >>> import autodiff_lab as lab
    >>> lab.scalar_tensor(3)
    tensor(3.)
    """
    return full((), s, dtype=get_default_dtype() if dtype is None else dtype, device=device, requires_grad=requires_grad)


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


@op(category="creation", name="complex", method=False, samples=calls(lambda r: ((r.normal(size=(3,)), r.normal(size=(3,))), {})))
def complex_(real: Tensor, imag: Tensor) -> Tensor:
    """Complex numbers from real and imaginary parts of one floating-point type.

    >>> import autodiff_lab as lab
    >>> lab.complex(lab.tensor([1.0]), lab.tensor([2.0]))
    tensor([1.+2.j])
    """
    if real.dtype != imag.dtype:
        raise RuntimeError(f"Expected object of scalar type {dtype_of(real).title} but got scalar type {dtype_of(imag).title} for second argument")
    if real.dtype.kind != "f":
        raise RuntimeError(f"Expected both inputs to be Half, Float or Double tensors but got {dtype_of(real).title} and {dtype_of(imag).title}")
    made = namespace(real).empty(np.broadcast_shapes(real.shape, imag.shape), dtype_of(real).to_complex().numpy)
    made.real, made.imag = real, imag
    return made


@complex_.vjp("real")
def _(grad):
    return ops.real(grad)


@complex_.vjp("imag")
def _(grad):
    return ops.imag(grad)


public[""].update({name: globals()[name] for name in (*__all__, "from_dlpack")})


# ---- methods: like this tensor, but new ----

def _options(self, dtype, device):
    return {"dtype": dtype or self.dtype, "device": device if device is not None else self.device}


def new_zeros(self, *size_, size=None, dtype=None, device=None, requires_grad: bool | None = False, layout=None, pin_memory: bool | None = False):
    """Zeros of shape `size`, of this tensor's type and device.

    >>> import autodiff_lab as lab
    >>> lab.ones(1, dtype=lab.float64).new_zeros(2)
    tensor([0., 0.], dtype=torch.float64)
    """
    return zeros(*size_, size=size, requires_grad=requires_grad, **_options(self, dtype, device))


def new_ones(self, *size_, size=None, dtype=None, device=None, requires_grad: bool | None = False, layout=None, pin_memory: bool | None = False):
    """Ones of shape `size`, of this tensor's type and device.

    >>> import autodiff_lab as lab
    >>> lab.zeros(1, dtype=lab.int64).new_ones(2)
    tensor([1, 1])
    """
    return ones(*size_, size=size, requires_grad=requires_grad, **_options(self, dtype, device))


def new_empty(self, *size_, size=None, dtype=None, device=None, requires_grad: bool | None = False, layout=None, pin_memory: bool | None = False):
    """A tensor of shape `size`, not filled, of this tensor's type and device.

    >>> import autodiff_lab as lab
    >>> lab.zeros(1).new_empty(2, 3).shape
    torch.Size([2, 3])
    """
    return empty(*size_, size=size, requires_grad=requires_grad, **_options(self, dtype, device))


def new_full(self, size, fill_value, *, dtype=None, device=None, requires_grad: bool | None = False, layout=None, pin_memory: bool | None = False):
    """`fill_value` in shape `size`, of this tensor's type and device.

    >>> import autodiff_lab as lab
    >>> lab.zeros(1).new_full((2,), 3.5)
    tensor([3.5000, 3.5000])
    """
    return full(size, fill_value, requires_grad=requires_grad, **_options(self, dtype, device))


def new_empty_strided(self, size, stride, dtype=None, device=None, requires_grad: bool | None = False, layout=None, pin_memory: bool | None = False):
    """A tensor of given sizes and strides, not filled, of this tensor's type and device."""
    return empty_strided(size, stride, requires_grad=requires_grad, **_options(self, dtype, device))


def new_tensor(self, data, *, dtype=None, device=None, requires_grad: bool | None = False, layout=None, pin_memory: bool | None = False):
    """A tensor from data, of this tensor's type and device; always a copy.

    >>> import autodiff_lab as lab
    >>> lab.zeros(1, dtype=lab.float64).new_tensor([1, 2])
    tensor([1., 2.], dtype=torch.float64)
    """
    return tensor(data, requires_grad=requires_grad, **_options(self, dtype, device))


def new(self, *args, device=None):
    """An old way to make a tensor of this one's type: from sizes or from data.

    >>> import autodiff_lab as lab
    >>> lab.zeros(1, dtype=lab.float64).new([1, 2])
    tensor([1., 2.], dtype=torch.float64)
    """
    from .legacy import legacy_new
    return legacy_new(self.dtype, args, device if device is not None else self.device)


for _made in (new, new_zeros, new_ones, new_empty, new_full, new_empty_strided, new_tensor):
    setattr(Tensor, _made.__name__, _made)
