"""What the generated functions call when a case is not the common one: odd arguments, mixed types, several outputs."""

from __future__ import annotations

import numbers

import numpy as np

from ..backend import is_array, namespace, order_like
from .arguments import NoTensor, type_name
from .dtypes import BOOL, FLOAT, FLOATING, NATIVE, dtype_of, promoted
from .errors import caution, explain, refused, wrapped
from .modes import modes
from .outs import write_out
from .overriding import Foreign, PlainNumber, hand_on, takes_over
from .precision import FLOAT32, SHORT
from .results import return_type
from .tape import Version, check_version, new_version, port
from .tensor import Tensor, wrap
from .views import attach_if_view, attach_view, sync, write_in_place

__all__ = [
    "Foreign", "attach_if_view", "attach_outputs", "attach_view", "differing", "explain", "hand_on", "narrowed", "no_tensor", "notice", "older_arguments", "open_list", "operand",
    "promote", "refused", "reread", "saved_extra", "saved_output", "saved_version", "shape_of", "stale", "sync", "tensor_list", "tensor_only", "wrap_outputs",
    "write_in_place", "write_out", "wrapped",
]


NUMBERS = frozenset((bool, int, float, complex))
"""Python's own types: np.float64 is a float by inheritance, but counts as a tensor's value."""


# ---- arguments ----

def operand(op, name: str, value, operator: bool = False):
    """A Python number (or a NumPy scalar as one) where a tensor or a number may stand.

    Raises:
        TypeError: for anything else; as a Python operator, returns NotImplemented instead.
    """
    if isinstance(value, Tensor):
        return value._a
    if isinstance(value, (bool, int, float, complex)):
        return value if type(value) in (bool, int, float, complex) else next(t(value) for t in (bool, int, float, complex) if isinstance(value, t))
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, numbers.Number):
        return float(value)
    if operator and not takes_over(value):
        return NotImplemented
    raise argument_error(op, name, value, "Tensor or Number")


def tensor_only(op, name: str, value, operator: bool = False):
    """The error for a number, an array or another thing where only a tensor may stand."""
    if operator and not takes_over(value):
        return NotImplemented
    raise argument_error(op, name, value, "Tensor")


MAKE_TENSORS = frozenset(("add", "sub", "mul", "div", "floor_divide"))


def no_tensor(op, name: str, value) -> TypeError:
    """The error for a call without any tensor: arrays and numbers are none."""
    return PlainNumber() if value.__class__ in NUMBERS and op.name in MAKE_TENSORS else argument_error(op, name, value, "Tensor")


def argument_error(op, name: str, value, wanted: str) -> TypeError:
    position = [p.name for p in op.params].index(name) + 1
    given = type_name(value)
    kind = Foreign if takes_over(value) else NoTensor if op.name.startswith("nn.functional.") else TypeError
    return kind(f"{op.name.split('.')[-1]}(): argument '{name}' (position {position}) must be {wanted}, not {given}"
                + (". Wrap it with torch.tensor(...) first." if isinstance(value, (list, tuple, int, float, np.ndarray)) else ""))


def tensor_list(op, name: str, values) -> list:
    """The tensors of a sequence, their views up to date."""
    if isinstance(values, Tensor) or not hasattr(values, "__iter__"):
        raise TypeError(f"{op.name}(): argument '{name}' (position 1) must be tuple of Tensors, not {type(values).__name__}")
    values = list(values)
    for i, value in enumerate(values):
        if isinstance(value, Tensor):
            if value._view is not None:
                sync(value)
        else:
            raise (Foreign if takes_over(value) else TypeError)(f"expected Tensor as element {i} in argument 0, but got {type_name(value)}")
    return values


# ---- types ----

def older_arguments(op, factor, *operands) -> tuple:
    """The arguments of `x.add_(-lr, grad)`, as programs of PyTorch's first years write it; anything else is one operand too many."""
    if isinstance(factor, numbers.Number) or (getattr(factor, "ndim", None) == 0 and not getattr(factor, "requires_grad", False)):
        short = op.name.split(".")[-1]
        names = ", ".join(f"Tensor {p.name}" for p in op.tensor_params[1:])
        caution(f"This overload of {short} is deprecated:\n\t{short}(Number {op.older}, {names})\n"
                f"Consider using one of the following signatures instead:\n\t{short}({names}, *, Number {op.older} = 1)")
        return factor.item() if hasattr(factor, "item") else factor, *operands
    count = len(op.tensor_params)
    raise TypeError(f"{op.name}() takes {count} positional arguments but {count + 1} were given")


def differing(operands, floating: bool = False) -> bool:
    """True if arrays and numbers need promotion before the kernel may see them together."""
    found = None
    for value in operands:
        if value is None:
            continue
        if value.__class__ in NUMBERS:
            if found is not None and found not in NATIVE:
                return True
        elif found is None:
            found = value.dtype
        elif value.dtype is not found:
            return True
    return floating and found not in FLOATING


EXACT = frozenset(("mul", "div", "rdiv", "floor_divide"))
"""Operators that compute numbers of sixteen bits with a Python number as float32; others round it to sixteen bits first."""


def promote(op, operands) -> list:
    """The operands brought to their common type; Python numbers stay numbers."""
    if op.check is not None:
        op.check(operands)
    present = [value for value in operands if value is not None]
    if op.promote == "alike":
        present = [value.reshape(1) if not value.ndim else value for value in present]
    common = promoted(present, FLOAT if op.promote == "float" else BOOL).numpy
    out = []
    for place, value in enumerate(operands):
        if value is None:
            out.append(None)
        elif common in SHORT and place and op.name in EXACT and (value.__class__ in NUMBERS or not value.ndim and value.dtype.kind == "f"):
            out.append(FLOAT32.type(value) if value.__class__ in NUMBERS else value.astype(FLOAT32))
        elif value.__class__ in NUMBERS:
            out.append(common.type(value) if common.kind == "b" or common in SHORT and value.__class__ is not complex else value)
        else:
            out.append(value if value.dtype == common else value.astype(common, order=order_like(value)))
    if out[0].__class__ in NUMBERS:
        out[0] = common.type(out[0])  # the first operand decides how NumPy computes
    return out


# ---- results ----

def narrowed(result, first):
    """The result of numbers of sixteen bits that were computed as float32, rounded once, as in PyTorch."""
    if first.dtype in SHORT and result.dtype == FLOAT32:
        return result.astype(first.dtype)
    return result


def shape_of(value) -> tuple:
    """The shape of an array or tensor; () for a number."""
    return getattr(value, "shape", ())


def wrap_outputs(op, arrays, base=None):
    """The tensors of an operator with several outputs; a named tuple where PyTorch has one."""
    elsewhere = next((a for a in arrays if not isinstance(a, (np.ndarray, np.generic))), None)
    if elsewhere is not None:  # a NumPy number among device arrays
        arrays = [namespace(elsewhere).asarray(a) if isinstance(a, np.generic) else a for a in arrays]
    tensors = [wrap(a) for a in arrays]
    if base is not None:
        for tensor in tensors:
            attach_view(tensor, base, several=True)
    if op.outputs == "list":
        return tuple(tensors)
    return return_type(op)(tensors)


def attach_outputs(node, result) -> None:
    """Give each output of `node` that can carry a gradient its own port."""
    node.shape = None
    node.dtype = [(t._a.shape, t._a.dtype) for t in result]
    last = node.op.differentiable if node.op.differentiable is not None else len(result)
    for i, tensor in enumerate(result[:last]):
        if tensor._a.dtype in FLOATING:
            tensor._node = port(node, i, tensor._a.shape, tensor._a.dtype)
            tensor._rg = True


def reread(result, source):
    """`result`, which reads the bits of `source` as another type: the same memory and count of writes, and no history."""
    result._node = result._view = None
    result._ver = saved_version(source)
    return result


def notice(node) -> None:
    """Show a new node to anomaly mode and saved-tensor hooks."""
    for watch in modes.special:
        watch(node)


# ---- what the tape saved ----

def saved_version(tensor) -> Version:
    """The version counter of a result whose array the tape keeps."""
    version = tensor._ver
    if version is None:
        version = tensor._ver = new_version()
    return version


def stale(node, version: Version, array, maker: str) -> None:
    """Raise if what `node` kept was written to since."""
    check_version(node, version, array.shape, dtype_of(array).title, maker)


def saved_output(node, array, index: int, version: Version):
    """A saved output as a Tensor that knows its history, for recording the backward pass itself."""
    tensor = wrap(array)
    tensor._ver = version
    if array.dtype in FLOATING:
        tensor._rg = True
        tensor._node = node if node.shape is not None else port(node, index, array.shape, array.dtype)
    return tensor


def saved_extra(value):
    """What a kernel kept for its rules only, as a Tensor where it is an array."""
    return wrap(value) if is_array(value) else value


def open_list(node, tensors, as_tensors: bool) -> list:
    """A list of saved inputs, each checked for later writes."""
    for tensor in tensors:
        if isinstance(tensor, Tensor) and tensor._ver is not None and tensor._ver.last > node.seq:
            stale(node, tensor._ver, tensor._a, "")
    return list(tensors) if as_tensors else [t._a if isinstance(t, Tensor) else t for t in tensors]
