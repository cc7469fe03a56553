"""For tests of programs: `assert_close` says what differs and where, `make_tensor` draws a tensor for a test."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .core.op import public
from .core.tensor import Tensor

__all__ = ["assert_allclose", "assert_close", "make_tensor"]

_TOLERANCES = {"torch.float16": (1e-3, 1e-5), "torch.bfloat16": (1.6e-2, 1e-5), "torch.float32": (1.3e-6, 1e-5), "torch.float64": (1e-7, 1e-7),
               "torch.complex64": (1.3e-6, 1e-5), "torch.complex128": (1e-7, 1e-7)}
_OLDER_TOLERANCES = {"torch.float16": (1e-3, 1e-3), "torch.float32": (1e-4, 1e-5), "torch.float64": (1e-5, 1e-8)}


def assert_close(actual, expected, *, allow_subclasses: bool = True, rtol: float | None = None, atol: float | None = None, equal_nan: bool = False,
                 check_device: bool = True, check_dtype: bool = True, check_layout: bool = True, check_stride: bool = False, msg=None) -> None:
    """Raise unless `|actual - expected| <= atol + rtol * |expected|` everywhere.

    Args:
        actual, expected: tensors, arrays, numbers, or sequences and mappings of these, nested as you like.
        rtol, atol: both or neither; what is left out is chosen by the types: 1.3e-6 and 1e-5 for float32, 0 for integers.
        equal_nan: two nan are equal.
        check_dtype: types must be the same; otherwise both are promoted first.
        msg: instead of the message, or a function that makes one from it.

    Raises:
        AssertionError: for a difference; the words give how many elements, how far, and at which index.

    >>> import autodiff_lab as lab
    >>> lab.testing.assert_close(lab.tensor([1.0, 2.0]), lab.tensor([1.0, 2.000001]))
    """
    if (rtol is None) != (atol is None):
        raise ValueError(f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {'rtol' if rtol is None else 'atol'}.")
    _Comparison(rtol, atol, equal_nan, check_device, check_dtype, check_stride, allow_subclasses, msg).compare(actual, expected, ())


def assert_allclose(actual, expected, rtol: float | None = None, atol: float | None = None, equal_nan: bool = True, msg: str = "") -> None:
    """The older `assert_close`: it looks neither at devices nor at types."""
    as_tensor = public[""]["as_tensor"]
    actual = as_tensor(actual) if not isinstance(actual, Tensor) else actual
    expected = as_tensor(expected, dtype=actual.dtype) if not isinstance(expected, Tensor) else expected
    if rtol is None and atol is None:
        rtol, atol = (max(pair) for pair in zip(*(_OLDER_TOLERANCES.get(str(t.dtype), (0.0, 0.0)) for t in (actual, expected)), strict=True))
    assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_device=False, check_dtype=False, msg=msg or None)


def make_tensor(*shape, dtype, device, low=None, high=None, requires_grad: bool = False, noncontiguous: bool = False, exclude_zero: bool = False, memory_format=None) -> Tensor:
    """A tensor with elements drawn evenly from [low, high): by default [-9, 9), for uint8 [0, 10), for bool [0, 2).

    Args:
        shape: sizes, one by one or together.
        exclude_zero: replace what came out as 0 by the smallest step.
        noncontiguous: let the elements lie apart in memory.
    """
    sizes = tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape
    lab = public[""]
    name = str(dtype)
    if name == "torch.bool":
        made = lab["randint"](0, 2, sizes, dtype=dtype)
    elif dtype.is_floating_point or dtype.is_complex:
        low, high = -9 if low is None else low, 9 if high is None else high
        parts = (*sizes, 2) if dtype.is_complex else sizes
        real = dtype.to_real() if dtype.is_complex else dtype
        made = lab["empty"](parts, dtype=real).uniform_(low, high) if real.itemsize > 2 else lab["empty"](parts).uniform_(low, high).to(real)
        made = lab["view_as_complex"](made) if dtype.is_complex else made
    else:
        low = (0 if name == "torch.uint8" else -9) if low is None else low
        made = lab["randint"](math.floor(low), math.ceil(10 if high is None else high), sizes, dtype=dtype)
    if noncontiguous and made.numel() > 1:
        made = lab["repeat_interleave"](made, 2, -1)[..., ::2]
    if exclude_zero:
        made[made == 0] = np.finfo(made.numpy().real.dtype).tiny if dtype.is_floating_point or dtype.is_complex else 1
    made = made.to(device=device)
    return made.requires_grad_() if requires_grad else made


class _Comparison:
    def __init__(self, rtol, atol, equal_nan, check_device, check_dtype, check_stride, allow_subclasses, msg: str | Callable | None):
        self.rtol, self.atol, self.equal_nan, self.msg = rtol, atol, equal_nan, msg
        self.check_device, self.check_dtype, self.check_stride, self.allow_subclasses = check_device, check_dtype, check_stride, allow_subclasses

    def fail(self, words: str, place: tuple) -> None:
        if place:
            words += f"\n\nThe failure occurred for item {''.join(f'[{key!r}]' for key in place)}"
        if self.msg is not None:
            words = self.msg(words) if callable(self.msg) else self.msg
        raise AssertionError(words)

    def compare(self, actual, expected, place: tuple) -> None:
        text = (str, bytes)
        if isinstance(actual, Sequence) and isinstance(expected, Sequence) and not isinstance(actual, text) and not isinstance(expected, text):
            if len(actual) != len(expected):
                self.fail(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", place)
            for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
                self.compare(a, e, (*place, i))
        elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
            if set(actual) != set(expected):
                self.fail(f"The keys of the mappings do not match:\nMissing keys in the actual mapping: {sorted(set(expected) - set(actual))}\n"
                          f"Additional keys in the actual mapping: {sorted(set(actual) - set(expected))}", place)
            for key in actual:
                self.compare(actual[key], expected[key], (*place, key))
        elif actual is None and expected is None:
            return
        elif isinstance(actual, (bool, np.bool_)) and isinstance(expected, (bool, np.bool_)):
            if bool(actual) is not bool(expected):
                self.fail(f"Booleans mismatch: {bool(actual)} is not {bool(expected)}", place)
        elif isinstance(actual, numbers.Number) and isinstance(expected, numbers.Number):
            rtol, atol = (self.rtol, self.atol) if self.rtol is not None else _usual_of_numbers(actual, expected)
            self.scalars(actual, expected, rtol, atol, place)
        elif _is_tensor_pair(actual, expected, self.allow_subclasses):
            as_tensor = public[""]["as_tensor"]
            self.tensors(as_tensor(actual), as_tensor(expected), place)
        else:
            raise TypeError(f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.")

    def tensors(self, actual: Tensor, expected: Tensor, place: tuple) -> None:
        for name, wanted in (("shape", True), ("device", self.check_device), ("dtype", self.check_dtype)):
            if wanted and getattr(actual, name) != getattr(expected, name):
                self.fail(f"The values for attribute '{name}' do not match: {getattr(actual, name)} != {getattr(expected, name)}.", place)
        if self.check_stride and actual.stride() != expected.stride():
            self.fail(f"The values for attribute 'stride()' do not match: {actual.stride()} != {expected.stride()}.", place)
        rtol, atol = self.rtol, self.atol
        if rtol is None:
            rtol, atol = (max(pair) for pair in zip(_usual(actual.dtype), _usual(expected.dtype), strict=True))
        if not actual.ndim:
            self.scalars(actual.item(), expected.item(), rtol, atol, place)
            return
        a, e = (_exact(t.detach().cpu()) for t in (actual, expected))
        close = np.isclose(a, e, rtol, atol, self.equal_nan) if rtol or atol else (a == e) | (self.equal_nan & (a != a) & (e != e))
        if close.all():
            return
        apart = np.where(close, 0, np.abs(a.astype(e.dtype) - e))
        with np.errstate(all="ignore"):
            relative = np.where(close, 0, apart / np.abs(e))
        wrong = int((~close).sum())
        lines = [f"Tensor-likes are not {'close' if rtol or atol else 'equal'}!\n", f"Mismatched elements: {wrong} / {close.size} ({wrong / close.size:.1%})"]
        for kind, values, allowed in (("absolute", apart, atol), ("relative", relative, rtol)):
            at = np.unravel_index(np.argmax(values), values.shape)
            limit = f" (up to {allowed} allowed)" if rtol or atol else ""
            lines.append(f"Greatest {kind} difference: {values[at].item()} at index {tuple(int(i) for i in at)}{limit}")
        self.fail("\n".join(lines), place)

    def scalars(self, actual, expected, rtol: float, atol: float, place: tuple) -> None:
        both_nan = actual != actual and expected != expected
        if actual == expected or (both_nan and self.equal_nan):
            return
        apart = abs(actual - expected)
        if math.isfinite(apart) and apart <= atol + rtol * abs(expected):
            return
        relative = apart / abs(expected) if expected else math.inf
        limits = [f" (up to {limit} allowed)" if rtol or atol else "" for limit in (atol, rtol)]
        self.fail(f"Scalars are not {'close' if rtol or atol else 'equal'}!\n\nExpected {expected} but got {actual}.\nAbsolute difference: {apart}{limits[0]}\n"
                  f"Relative difference: {relative}{limits[1]}", place)


def _is_tensor_pair(actual, expected, allow_subclasses: bool) -> bool:
    kinds = [Tensor if isinstance(v, Tensor) else np.ndarray if isinstance(v, (np.ndarray, np.generic)) else None for v in (actual, expected)]
    related = isinstance(actual, type(expected)) or isinstance(expected, type(actual)) if allow_subclasses else type(actual) is type(expected)
    return kinds[0] is not None and kinds[0] is kinds[1] and (related or kinds[0] is np.ndarray)


def _exact(tensor: Tensor):
    """The values in a type in which NumPy subtracts them without overflow."""
    if tensor.is_complex() or str(tensor.dtype) in ("torch.float32", "torch.float64"):
        return tensor.numpy()
    return tensor.float().numpy() if tensor.is_floating_point() else tensor.long().numpy()


def _usual(dtype) -> tuple:
    return _TOLERANCES.get(str(dtype), (0.0, 0.0))


def _usual_of_numbers(*values) -> tuple:
    return (0.0, 0.0) if all(isinstance(v, numbers.Integral) for v in values) else _TOLERANCES["torch.float64"]
