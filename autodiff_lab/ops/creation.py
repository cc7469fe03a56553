"""Making tensors of a given size, filled with zeros, ones or a number; rows of numbers are in ranges.py, tensors out of data in from_data.py."""

from __future__ import annotations

import math

import numpy as np

from ..backend import namespace, order_like
from ..core.arguments import DType, Number, Sizes, as_dtype, collect_ints
from ..core.devices import device, get_default_device
from ..core.dtypes import dtype_of, get_default_dtype
from ..core.errors import no_memory
from ..core.op import op, ops, public
from ..core.samples import calls
from ..core.tensor import Tensor
from .conversion import cast
from .from_data import finish, tensor
from .shape import channels_last

__all__ = [
    "empty", "empty_like", "empty_permuted", "empty_strided", "eye", "full", "full_like", "ones", "ones_like", "scalar_tensor", "zeros", "zeros_like",
]


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


public[""].update({name: globals()[name] for name in __all__})


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
