"""Rows of numbers: counted, evenly spaced, and the positions of triangles."""

from __future__ import annotations

import math
import warnings

import numpy as np

from ..core.arguments import Number
from ..core.codegen import MISSING
from ..core.dtypes import INT, dtype_of, get_default_dtype
from ..core.op import public
from ..core.tensor import Tensor
from .creation import check_agrees, placed, type_of
from .from_data import finish

__all__ = ["arange", "linspace", "logspace", "tril_indices", "triu_indices"]


def _number(value):
    if isinstance(value, (str, list, tuple, dict)) or value is None:
        raise TypeError(f"received an invalid combination of arguments: the ends of a range are numbers or tensors without dimensions, not {type(value).__name__}")
    return value.item() if isinstance(value, (Tensor, np.generic)) else value


def arange(start=MISSING, end=None, step: Number = 1, *, out=None, dtype=None, layout=None, device=None, pin_memory: bool | None = False, requires_grad: bool | None = False) -> Tensor:
    """Numbers from `start` up to but without `end`, `step` apart. Ints give int64, any float the default dtype.

    Raises:
        RuntimeError: for a step of 0, or of the wrong sign.

    >>> import autodiff_lab as lab
    >>> lab.arange(1, 7, 2)
    tensor([1, 3, 5])
    """
    if end is None:
        if start is MISSING:
            raise TypeError("arange() received an invalid combination of arguments - got (), but expected (Number end) or (Number start, Number end, Number step)")
        start, end = 0, start
    start, end, step = _number(0 if start is MISSING else start), _number(end), _number(step)
    _check_range(start, end, step)
    if out is not None:
        check_agrees(dtype, out)
        dtype = out.dtype
    if dtype is None:
        dtype = dtype_of(np.dtype("int64")) if all(isinstance(v, int) for v in (start, end, step)) else get_default_dtype()
    if dtype.category != INT and not dtype.is_floating_point:
        raise NotImplementedError(f"\"arange_cpu\" not implemented for '{dtype.title}'. Use an integer or floating-point type and convert with .to().")
    if dtype.category <= INT:
        if dtype.numpy != np.int64:  # counted before the numbers are cut, in PyTorch
            n = math.ceil((end - start) / step)
            return placed((int(start) + int(step) * np.arange(n)).astype(dtype.numpy), None, device, requires_grad, out, "arange")
        start, end, step = int(start), int(end), int(step)
        if step == 0:
            raise ValueError("step must be nonzero")  # PyTorch's, for a step that becomes 0 as an integer
        _check_range(start, end, step)
        return placed(np.arange(start, end, step).astype(dtype.numpy), None, device, requires_grad, out, "arange")
    n = math.ceil((end - start) / step)
    return placed((start + np.arange(n, dtype=np.float64) * step).astype(dtype.numpy), None, device, requires_grad, out, "arange")


def _check_range(start, end, step) -> None:
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if step != step:
        raise RuntimeError("step must be nonzero, and a number: got nan")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")


def range_(start=0, end=None, step=1, *, out=None, dtype=None, layout=None, device=None, pin_memory: bool | None = False, requires_grad: bool | None = False) -> Tensor:
    """Numbers from `start` to `end`, both included. Deprecated in PyTorch: use arange."""
    warnings.warn("torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with Python's range builtin. "
                  "Instead, use torch.arange, which produces values in [start, end).", UserWarning, stacklevel=2)
    if end is None:
        start, end = 0, start
    start, end, step = _number(start), _number(end), _number(step)
    _check_range(start, end, step)
    n = math.floor((end - start) / step) + 1
    return placed((start + np.arange(n, dtype=np.float64) * step).astype(type_of(dtype, out)), None, device, requires_grad, out, "range")


def even(start, end, steps: int, wanted: np.dtype, fused: bool = True):
    """`steps` numbers from `start` to `end`, counted from the nearer end so that both are exact, as PyTorch does."""
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    if steps == 0:
        return np.empty(0, wanted)
    if steps == 1:
        return np.full(1, start, wanted)
    kind = np.dtype(np.float64) if wanted.kind in "iub" or wanted == np.float64 else np.dtype(np.complex128) if wanted.kind == "c" else np.dtype(np.float32)
    low, high = kind.type(start), kind.type(end)
    step = (high - low) / kind.type(steps - 1)
    # Fused: the product is not rounded before the sum. PyTorch's machine code does both in one step, so that linspace(-1, 1, 7)[3] is -2.98e-08.
    wide = ({np.dtype(np.float32): np.dtype(np.float64), np.dtype(np.float64): np.dtype(np.longdouble)}.get(kind, kind) if fused else kind).type
    half = steps // 2
    out = np.empty(steps, kind)
    out[:half] = wide(low) + wide(step) * np.arange(half).astype(wide)
    out[half:] = wide(high) - wide(step) * np.arange(steps - 1 - half, -1, -1).astype(wide)
    return out


def linspace(start, end, steps: int, *, out=None, dtype=None, layout=None, device=None, pin_memory: bool | None = False, requires_grad: bool | None = False) -> Tensor:
    """`steps` numbers at equal distances from `start` to `end`, both included.

    >>> import autodiff_lab as lab
    >>> lab.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    start, end = _number(start), _number(end)
    if dtype is None and out is None and (isinstance(start, complex) or isinstance(end, complex)):
        dtype = get_default_dtype().to_complex()
    kind = type_of(dtype, out)
    if kind.kind == "b":
        raise NotImplementedError("\"linspace_cpu\" not implemented for 'Bool'. Use another type and convert with .bool().")
    if kind.kind in "iu":
        start, end = int(start), int(end)
    return placed(even(start, end, _steps(steps), kind).astype(kind), None, device, requires_grad, out, "linspace")


def _steps(steps) -> int:
    if isinstance(steps, float):
        raise TypeError("linspace(): argument 'steps' must be int, not float")
    return int(steps)


def logspace(start, end, steps: int, base: float = 10.0, *, out=None, dtype=None, layout=None, device=None, pin_memory: bool | None = False, requires_grad: bool | None = False) -> Tensor:
    """`base` to the power of evenly spaced numbers from `start` to `end`.

    >>> import autodiff_lab as lab
    >>> lab.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    kind = type_of(dtype, out)
    start, end = _number(start), _number(end)
    if kind.kind in "iu":
        start, end = int(start), int(end)
    spaced = even(start, end, _steps(steps), np.dtype(np.float64) if kind.kind in "iub" else kind, False)
    return placed(np.power(float(base), spaced.astype(np.float64)).astype(kind), None, device, requires_grad, out, "logspace")


def _check_shape(row: int, col: int) -> None:
    for name, n in (("row", row), ("col", col)):
        if n < 0:
            raise RuntimeError(f"{name} must be non-negative, got{n}")  # PyTorch's words, as they are


def tril_indices(row: int, col: int, offset: int = 0, *, dtype=None, device=None, layout=None, pin_memory: bool | None = False) -> Tensor:
    """The positions of the lower triangle of a matrix: two rows, of row and of column numbers.

    >>> import autodiff_lab as lab
    >>> lab.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    _check_shape(row, col)
    return _positions("tril_indices", np.tril_indices(row, offset, col), dtype, device)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype=None, device=None, layout=None, pin_memory: bool | None = False) -> Tensor:
    """The positions of the upper triangle of a matrix: two rows, of row and of column numbers.

    >>> import autodiff_lab as lab
    >>> lab.triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])
    """
    _check_shape(row, col)
    return _positions("triu_indices", np.triu_indices(row, offset, col), dtype, device)


def _positions(name: str, found, dtype, device) -> Tensor:
    kind = dtype_of(int) if dtype is None else dtype
    if kind.is_floating_point or kind.is_complex or not kind.category:
        raise NotImplementedError(f"\"{name}\" not implemented for '{kind.title}'. Positions are whole numbers: leave dtype out.")
    return finish(np.stack(found).astype(kind.numpy), None, device, False)


public[""].update({name: globals()[name] for name in __all__})
public[""]["range"] = range_
range_.__name__ = "range"
