"""Other types, other devices, copies: `to` and its short forms, clone, copy_, fill_, zero_."""

from __future__ import annotations

import numpy as np

from ..backend import namespace, order_like
from ..core import observe
from ..core.arguments import PYTHON, as_dtype
from ..core.devices import array_on, device, device_of
from ..core.dtypes import FLOATING, dtype, dtype_of, get_default_dtype, of_name
from ..core.errors import broadcast_error, caution
from ..core.modes import modes
from ..core.op import op, ops, public
from ..core.samples import calls, reals
from ..core.tape import Version
from ..core.tensor import Tensor
from ..core.views import write_in_place
from .picking import copied
from .shape import channels_last

Number = int | float | complex | bool


# ---- types and devices ----

def cast(array, wanted: np.dtype):
    """`array` as another type, as PyTorch casts: the imaginary part is dropped, NaN is any integer."""
    if array.dtype.kind == "c" and wanted.kind not in "cb":
        caution("Casting complex values to real discards the imaginary part")
        array = array.real
    if array.dtype.kind == "f" and wanted.kind in "u":
        return array.astype(np.int64).astype(wanted)  # negative numbers wrap instead of saturating
    return array.astype(wanted, order=order_like(array))


@op(category="other", latex="x", function=False, method=False, out=False, changes_dtype=True, extras=("home",), node_name="ToCopy", samples=calls(
    lambda r: ((r.normal(size=(3, 4)), np.dtype("float32"), None), {}), lambda r: ((r.normal(size=()), np.dtype("float32"), None), {})))
def to_copy(input: Tensor, wanted, where):
    """A copy of another type, or on another device."""
    home = None
    if wanted is not None and input.dtype != wanted:
        input = cast(input, wanted)
    if where is not None and where.type != "cpu" or not isinstance(input, (np.ndarray, np.generic)):
        home = device_of(input)
        if where is not None:
            input = array_on(input, where)
    return input, home


@to_copy.vjp("input", latex="1")
def _(grad, home):
    # The engine casts to the type of the input; only the way back to its device is ours.
    return grad if home is None else ops.to_copy(grad, None, home)


def _parse_to(args, kwargs):
    """What `.to(...)` was asked for: (dtype, device, copy)."""
    wanted, where, copy = kwargs.get("dtype"), kwargs.get("device"), kwargs.get("copy", False)
    other = kwargs.get("other")
    unknown = set(kwargs) - {"dtype", "device", "copy", "other", "non_blocking", "memory_format"}
    if unknown:
        raise TypeError(f"to() received an invalid combination of arguments - got an unexpected keyword argument '{sorted(unknown)[0]}'. "
                        "It takes (dtype), (device), (device, dtype), (other), and copy=, non_blocking=, memory_format=.")
    rest = []
    for arg in args:
        if isinstance(arg, dtype):
            wanted = arg
        elif arg in PYTHON if isinstance(arg, type) else False:
            wanted = of_name(PYTHON[arg])
        elif isinstance(arg, (device, str)):
            where = arg
        elif isinstance(arg, Tensor) and other is None and wanted is None and where is None and not rest:
            other = arg
        elif isinstance(arg, int) and not isinstance(arg, bool) and where is None and not rest:
            where = arg
        elif arg is None:
            pass
        elif isinstance(arg, bool):
            rest.append(arg)
        else:
            raise TypeError(f"to() received an invalid combination of arguments - got ({type(arg).__name__}), but expected a dtype, a device or a tensor.")
    if wanted is not None and wanted.__class__ is not dtype:
        wanted = as_dtype("to", "dtype", wanted)
    if other is not None:
        wanted, where = other.dtype, other.device
    if len(rest) > 1:
        copy = rest[1]
    return wanted, device(where) if where is not None else None, copy


def to(self, *args, **kwargs):
    """The tensor as another dtype, on another device, or like another tensor; itself if nothing changes.

    >>> import autodiff_lab as lab
    >>> lab.tensor([1, 2]).to(lab.float32)
    tensor([1., 2.])
    """
    wanted, where, copy = _parse_to(args, kwargs)
    same_place = where is None or where == self.device or where.type == self.device.type and where.index is None
    if same_place:
        where = None
    if (wanted is None or wanted is self.dtype) and same_place:
        made = clone(self) if copy else self
    else:
        made = to_copy(self, None if wanted is None else wanted.numpy, where)
    return made.contiguous(kwargs["memory_format"]) if _names_an_order(kwargs.get("memory_format")) else made


def _names_an_order(memory_format) -> bool:
    """True for torch.contiguous_format and for channels last, not for None and torch.preserve_format."""
    return memory_format is not None and memory_format is not public[""]["preserve_format"]


Tensor.to = to


def _as(method: str, name: str):
    def convert(self, *, memory_format=None):
        wanted = of_name(name)
        return self if self._a.dtype == wanted.numpy else to_copy(self, wanted.numpy, None)
    convert.__doc__ = f"""The tensor as {name}; itself if it is already.

    >>> import autodiff_lab as lab
    >>> lab.tensor([1, 0]).{method}().dtype
    torch.{name}
    """
    return convert


for _method, _name in (("float", "float32"), ("double", "float64"), ("half", "float16"), ("bfloat16", "bfloat16"), ("long", "int64"), ("int", "int32"),
                       ("short", "int16"), ("char", "int8"), ("byte", "uint8"), ("bool", "bool"), ("cfloat", "complex64"), ("cdouble", "complex128")):
    _convert = _as(_method, _name)
    _convert.__name__ = _method
    setattr(Tensor, _method, _convert)


def cpu(self, memory_format=None):
    """The tensor in the processor's memory; itself if it is there.

    >>> import autodiff_lab as lab
    >>> lab.zeros(1).cpu().device
    device(type='cpu')
    """
    return to(self, "cpu")


def cuda(self, device=None, non_blocking: bool = False, memory_format=None):
    """The tensor on a CUDA device; itself if it is there."""
    return to(self, "cuda" if device is None else device)


def type_as(self, other: Tensor):
    """The tensor as the dtype of `other`.

    >>> import autodiff_lab as lab
    >>> lab.tensor([1, 2]).type_as(lab.zeros(1))
    tensor([1., 2.])
    """
    return to(self, other.dtype)


def type_(self, dtype: str | type | None = None, non_blocking: bool = False, **kwargs):
    """The tensor as `dtype`; without one, the name of its type, such as "torch.FloatTensor".

    >>> import autodiff_lab as lab
    >>> lab.zeros(1).type(), lab.zeros(1).type(lab.int64)
    ('torch.FloatTensor', tensor([0]))
    """
    if dtype is None:
        return f"torch.{'' if self.device.type == 'cpu' else self.device.type + '.'}{self.dtype.title}Tensor"
    return to(self, named_type(dtype))


def named_type(given) -> dtype:
    """The dtype meant by a dtype, "torch.FloatTensor", `FloatTensor`, or a Python type."""
    if isinstance(given, dtype):
        return given
    found = getattr(given, "_legacy_dtype", None)
    if found is not None:
        return found
    if isinstance(given, str):
        from ..core.dtypes import _all
        short = given.rsplit(".", 1)[-1]
        for made in _all.values():
            if short == f"{made.title}Tensor":
                return made
        raise ValueError(f"invalid type: '{given}'")
    if given is Tensor:
        return get_default_dtype()
    if given in (int, float, bool):
        return dtype_of(given) if given is not float else of_name("float64")
    raise TypeError("dtype must be a type, str, or dtype object")


type_.__name__ = "type"
Tensor.cpu, Tensor.cuda, Tensor.type_as, Tensor.type = cpu, cuda, type_as, type_


# ---- copies ----

@op(category="other", latex="x", out=False, samples=reals())
def clone(input: Tensor, *, memory_format=None) -> Tensor:
    """A copy with memory of its own, through which gradients flow.

    >>> import autodiff_lab as lab
    >>> x = lab.tensor([1.0, 2.0])
    >>> y = x.clone()
    >>> y[0] = 5
    >>> x
    tensor([1., 2.])
    """
    if isinstance(input, np.generic):
        return input
    if _names_an_order(memory_format):
        copy = namespace(input).array(input, order="C")
        return copy if memory_format is public[""]["contiguous_format"] else channels_last(copy)
    return _dense_copy(input)


def _dense_copy(array):
    """A copy with the order of strides kept where the array fills its memory, else in C order."""
    order = "C" if array.flags.c_contiguous or 0 in array.strides else "K"
    return namespace(array).array(array, order=order)


@clone.vjp("input", latex="1")
def _(grad):
    return grad


def _copy(input, src, non_blocking=False):
    xp = namespace(input)
    if namespace(src) is not xp:
        src = array_on(src, device_of(input))
    if src.ndim > input.ndim:
        raise RuntimeError(f"expand(torch.{dtype_of(src).title}Tensor{{{list(src.shape)}}}, size={list(input.shape)}): the number of sizes provided ({input.ndim}) "
                           f"must be greater or equal to the number of dimensions in the tensor ({src.ndim})")
    extra = input.ndim - src.ndim
    for i, n in enumerate(src.shape):
        if n not in (1, input.shape[i + extra]):
            raise RuntimeError(f"The expanded size of the tensor ({input.shape[i + extra]}) must match the existing size ({n}) at non-singleton dimension {i + extra}.  "
                               f"Target sizes: {list(input.shape)}.  Tensor sizes: {list(src.shape)}")
    input[...] = src if src.dtype == input.dtype else cast(src, input.dtype)


@op(category="other", function=False, method=False, inplace=True, out=False, samples=calls(
    lambda r: ((r.normal(size=(3, 4)), r.normal(size=(4,))), {}), lambda r: ((r.normal(size=(3, 4)), r.normal(size=(3, 4))), {})))
def copy(input: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    """Write the elements of `src` into the tensor; `src` broadcasts and is cast.

    >>> import autodiff_lab as lab
    >>> lab.zeros(2, 2).copy_(lab.tensor([1, 2]))
    tensor([[1., 2.],
            [1., 2.]])
    """
    if isinstance(input, np.generic) and src.dtype == input.dtype and not src.ndim:
        return src
    return copied(_copy)(input, src)


copy.op.writes(_copy)
copy.op.node_name = "torch::autograd::CopyBackwards"


@copy.vjp("input", latex="0")
def _(grad):
    return ops.zeroed(grad)


@copy.vjp("src", latex="1")
def _(grad):
    return grad


def _fill(input, value):
    if getattr(value, "ndim", 0):
        raise RuntimeError(f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions.")
    if value.__class__ is complex and input.dtype.kind != "c":
        raise RuntimeError(f"value cannot be converted to type {dtype_of(input).name} without overflow: it holds no imaginary part.")
    if value.__class__ is int and input.dtype.kind in "iu":
        value = wrapped(value, input.dtype)
    elif value.__class__ is float and input.dtype.kind in "iu":
        if value != value or value in (float("inf"), float("-inf")):
            raise RuntimeError(f"value cannot be converted to type {dtype_of(input).name} without overflow")
        value = wrapped(int(value), input.dtype)
    input[...] = value


def wrapped(value: int, wanted: np.dtype) -> int:
    """A Python integer, if `wanted` can hold it (negative numbers wrap in unsigned types).

    Raises:
        RuntimeError: if it overflows.
    """
    info = np.iinfo(wanted)
    if info.min <= value <= info.max:
        return value
    if wanted.kind == "u" and -info.max <= value < 0:
        return value + info.max + 1
    raise RuntimeError(f"value cannot be converted to type {wanted.name}_t without overflow: {value} is outside [{info.min}, {info.max}].")


@op(category="creation", inplace=True, out=False, method=False, samples=calls(lambda r: ((r.normal(size=(3, 4)), 2.5), {}), lambda r: ((r.normal(size=(2,)), r.normal(size=())), {})))
def fill(input: Tensor, value: Tensor | Number) -> Tensor:
    """The tensor's shape and type, with `value` everywhere.

    >>> import autodiff_lab as lab
    >>> lab.zeros(2).fill_(7)
    tensor([7., 7.])
    """
    return copied(_fill)(input, value)


fill.op.writes(_fill)


@fill.vjp("input", latex="0")
def _(grad):
    return ops.zeroed(grad)


@fill.vjp("value", latex="1")
def _(grad):
    return ops.sum(grad)


def _zero(input):
    input[...] = 0


@op(category="creation", function=False, method=False, inplace=True, out=False, samples=reals())
def zero(input: Tensor) -> Tensor:
    """Zero in every element.

    >>> import autodiff_lab as lab
    >>> lab.ones(2).zero_()
    tensor([0., 0.])
    """
    return namespace(input).zeros_like(input)


zero.op.writes(_zero)


def free(tensor) -> bool:
    """True if a tensor can be written to without further thought: nothing recorded, no view, no overlap, nobody watching."""
    if tensor._view is not None or tensor._rg and modes.grad or observe.observers:
        return False
    array = tensor._a
    return array.__class__ is np.ndarray and array.flags.carray


def _bumped(tensor):
    if tensor._ver is None:
        tensor._ver = Version()
    tensor._ver.bump()
    return tensor


def zero_(self):
    """Write zero into every element, in place.

    >>> import autodiff_lab as lab
    >>> lab.ones(2).zero_()
    tensor([0., 0.])
    """
    if not free(self):
        return write_in_place(zero.op, self, (self,))
    self._a.fill(0)
    return _bumped(self)


def fill_(self, value):
    """Write `value` into every element, in place.

    >>> import autodiff_lab as lab
    >>> lab.zeros(2).fill_(7)
    tensor([7., 7.])
    """
    if free(self) and (value.__class__ is float and self._a.dtype in FLOATING or value.__class__ is int and self._a.dtype.kind == "f"):
        self._a.fill(value)
        return _bumped(self)
    return write_in_place(fill.op, self, (self, value))


def copy_(self, src, non_blocking: bool = False):
    """Write the elements of `src` into the tensor, in place; `src` broadcasts and is cast.

    >>> import autodiff_lab as lab
    >>> lab.zeros(2, 2).copy_(lab.tensor([1, 2]))
    tensor([[1., 2.],
            [1., 2.]])
    """
    if src.__class__ in PYTHON or isinstance(src, np.generic):
        return fill_(self, src)
    if isinstance(src, Tensor) and src._a.shape != self._a.shape:
        try:
            common = np.broadcast_shapes(self.shape, src.shape)
        except ValueError:
            raise broadcast_error(copy.op, [self, src]) from None
        if common != self.shape:
            raise RuntimeError(f"output with shape {list(self.shape)} doesn't match the broadcast shape {list(common)}")
    return copy_into(self, src, non_blocking)


def copy_into(self, src, non_blocking: bool = False):
    """The same for `x[index] = src`, which PyTorch calls an expansion where shapes do not fit."""
    if free(self) and src.__class__ is Tensor and src._view is None and not (src._rg and modes.grad) and src._a.shape == self._a.shape and src._a.dtype is self._a.dtype:
        self._a[...] = src._a
        return _bumped(self)
    if isinstance(src, Tensor) and src.requires_grad and self._a.dtype not in FLOATING:
        src = src.detach()  # no gradient flows through whole numbers
    return write_in_place(copy.op, self, (self, src, non_blocking))


for _made in (zero_, fill_, copy_):
    _made.op = {"zero_": zero.op, "fill_": fill.op, "copy_": copy.op}[_made.__name__]
    setattr(Tensor, _made.__name__, _made)
public[""]["zero_"], public[""]["fill_"] = zero_, fill_


@zero.vjp("input", latex="0")
def _(grad):
    return ops.zeroed(grad)
