"""Turns a kernel's complaint into an error that teaches: what was attempted, with which shapes, and what to try."""

from __future__ import annotations

import dis
import os
import sys
import warnings

import numpy as np

from . import observe

__all__ = ["TooFewDimensions", "broadcast_error", "caution", "explain", "needs_numbers", "no_memory", "refuse", "refused", "same_type", "wrap_around", "wrapped"]

_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def explain(op, error: Exception, args: tuple) -> Exception:
    """The exception to raise for `error`, which the kernel of `op` raised on `args`.

    Kernels raise PyTorch's own exceptions on purpose; those pass. What NumPy raised on its own is put
    into PyTorch's type and words.
    """
    from .tensor import Tensor

    tensors = [a for a in args if isinstance(a, Tensor)]
    found = _too_big(op, args) or _device_mismatch(op, tensors) or _translated(op, error, tensors)
    if observe.observers:
        observe.tell("op_failed", op, args, found)
    return found


def _too_big(op, args) -> Exception | None:
    """PyTorch's error for a whole number that no 64 bits hold, which it meets before anything else is wrong."""
    for param, value in zip(op.params, args):
        if value.__class__ is int and not -2**63 <= value < 2**64:
            return ValueError(f"Overflow when unpacking long long: {param.name}={value} needs more than 64 bits") if param.annotation in ("int", "Dims", "int | None", "Dims | None") else OverflowError("int too big to convert")
    return None


NUMBERS = frozenset(("alpha", "beta", "value", "min", "max"))


def wrapped(op, error, originals: tuple, *args, **kwargs):
    """The result of a kernel that met whole numbers which its type cannot hold: they wrap around, as in PyTorch."""
    args = wrap_around(op, error, originals, list(args))
    kwargs = dict(zip(kwargs, wrap_around(op, error, originals, list(kwargs.values()), list(kwargs), args), strict=True))
    try:
        return op.kernel(*args, **kwargs)
    except Exception as again:
        raise explain(op, again, originals) from None


def wrap_around(op, error, originals: tuple, values: list, names: list | None = None, beside=()) -> list:
    """`values` of an operator's parameters with its numbers brought into the range of its tensors.

    Raises:
        RuntimeError: if that is not what is wrong, or a number is too large for an operator that stores it.
    """
    params = {p.name: p for p in op.params}
    whole = {v.dtype for v in [*values, *beside] if getattr(getattr(v, "dtype", None), "kind", "") in ("i", "u")}
    if len(whole) != 1 or "out of bounds" not in str(error):
        raise explain(op, error, originals) from None
    info = np.iinfo(next(iter(whole)))
    span = info.max - info.min + 1
    found = []
    for name, value in zip(names or params, values, strict=False):
        if value.__class__ is int and (params[name].is_tensor or name in NUMBERS):
            if op.promote is None and not -span < value <= info.max:
                raise explain(op, error, originals) from None
            value = (value - info.min) % span + info.min
        found.append(value)
    return found


def refused(op, array) -> NotImplementedError:
    """For a type that PyTorch has no such operator for, though NumPy would compute something."""
    from .dtypes import dtype_of

    kind = dtype_of(array)
    help = "Convert it first, e.g. with .float()." if kind.category < 3 else "Compute with .real, .imag or .abs()."
    return NotImplementedError(f'"{op.name.split(".")[-1]}_cpu" not implemented for \'{kind.title}\'. {help}')


def _on_purpose(error) -> bool:
    """True if a `raise` statement of ours made the error, not NumPy."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    if step is None:
        return False
    code = step.tb_frame.f_code
    return code.co_filename.startswith(_HERE) and code.co_code[step.tb_lasti] == dis.opmap["RAISE_VARARGS"]


def _translated(op, error, tensors) -> Exception:
    text = str(error)
    if _on_purpose(error):
        return error
    if isinstance(error, ValueError) and ("could not be broadcast" in text or "shape mismatch: objects cannot be broadcast" in text) and len(tensors) >= 2:
        return broadcast_error(op, tensors)
    if isinstance(error, TypeError) and "boolean subtract" in text:
        return RuntimeError("Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead.")
    if isinstance(error, OverflowError) and "out of bounds for" in text:
        return RuntimeError(f"{op.name}: value cannot be converted to type {text.rsplit(' ', 1)[-1]}_t without overflow. ({text})")
    if isinstance(error, ValueError) and ("array is too big" in text or "Maximum allowed dimension exceeded" in text):
        return RuntimeError(f"Storage size calculation overflowed: {op.name} asked for more elements than 64 bits count")
    if isinstance(error, np.exceptions.AxisError):
        return IndexError(dim_message(error.axis, error.ndim))
    if isinstance(error, np._core._exceptions.UFuncTypeError if hasattr(np, "_core") else ()) or isinstance(error, TypeError) and "not supported for the input types" in text:
        kinds = ", ".join(str(t.dtype) for t in tensors)
        return NotImplementedError(f'"{op.name}" not implemented for {kinds}. Convert the tensor first, e.g. with .float() or .long(). ({text})')
    if isinstance(error, np.linalg.LinAlgError):
        return RuntimeError(f"{op.name}: {text}.")
    if isinstance(error, MemoryError):
        return no_memory(op.name, error)
    if isinstance(error, ValueError):
        shapes = ", ".join(str(list(t.shape)) for t in tensors)
        return RuntimeError(f"{op.name}: {text}" + (f" (shapes {shapes})." if shapes and not text.endswith(".") else ""))
    return error


class TooFewDimensions(IndexError, RuntimeError):
    """A tensor has fewer dimensions than a function needs. PyTorch says RuntimeError where it looks at their number, IndexError where it
    trips over the one that is missing. Programs may look for either, and read IndexError."""


TooFewDimensions.__name__ = TooFewDimensions.__qualname__ = "IndexError"
TooFewDimensions.__module__ = "builtins"


def same_type(words: str, first, *others) -> None:
    """Refuse arrays or tensors of another dtype than `first`; None is left out.

    Args:
        words: the message, with {first} and {other} for the two types.
    """
    from .dtypes import dtype_of

    for other in others:
        if other is not None and other.dtype != first.dtype:
            raise RuntimeError(words.format(first=dtype_of(first).title, other=dtype_of(other).title) + " Convert one of them, e.g. with .float().")


def refuse(name: str, tensor, kinds: str) -> None:
    """For composed functions: refuse a tensor whose numbers are of `kinds`; see `op`."""
    found = tensor._a.dtype
    if found.kind in kinds.replace("i", "iu") or "h" in kinds and found.itemsize == 2 and found.kind in "fV":
        raise refused(type("named", (), {"name": name}), tensor._a)


def no_memory(name: str, error) -> RuntimeError:
    """PyTorch's error for a tensor that is too large for the machine."""
    return RuntimeError(f"[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: {name} asked for too much. {error}")


def caution(message: str, category=UserWarning) -> None:
    """Warn at the line of the program that called us, however deep we are."""
    level, frame = 2, sys._getframe(1)
    while frame is not None and (frame.f_globals.get("__name__", "").startswith("autodiff_lab") or frame.f_code.co_filename.startswith("<operator")):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def dim_message(dim: int, ndim: int) -> str:
    n = max(ndim, 1)
    return f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})"


def broadcast_error(op, tensors) -> RuntimeError:
    """Which dimension does not fit, in PyTorch's words, and what broadcasting accepts."""
    a, b = tensors[0].shape, tensors[1].shape
    for i in range(1, min(len(a), len(b)) + 1):
        if a[-i] != b[-i] and 1 not in (a[-i], b[-i]):
            where = max(len(a), len(b)) - i
            return RuntimeError(
                f"The size of tensor a ({a[-i]}) must match the size of tensor b ({b[-i]}) at non-singleton dimension {where}. "
                f"{op.name} got shapes {list(a)} and {list(b)}: read from the right, sizes must be equal or one of them 1.")
    shapes = ", ".join(str(list(t.shape)) for t in tensors)
    return RuntimeError(f"{op.name}: shapes {shapes} do not broadcast together: read from the right, sizes must be equal or 1.")


def needs_numbers(name: str) -> NotImplementedError:
    """The error for a function whose result is made of numbers that meta tensors do not have."""
    return NotImplementedError(f"aten::{name}: attempted to run this operator with Meta tensors, but there was no fake impl or Meta kernel registered: "
                               "what it gives depends on numbers.")


def _device_mismatch(op, tensors) -> RuntimeError | None:
    devices = {str(t.device) for t in tensors if t.ndim or t.device.type != "cpu"}
    if "meta" in devices and len(devices) > 1:
        return RuntimeError(f"Tensor on device {next(iter(devices - {'meta'}))} is not on the expected device meta!")
    if len(devices) < 2:
        return None
    first, second = sorted(devices)[:2]
    return RuntimeError(f"Expected all tensors to be on the same device, but found at least two devices, {second} and {first}! "
                        f"{op.name} needs both on one: move one with .to({second!r}).")
