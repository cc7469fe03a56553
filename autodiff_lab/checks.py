"""Conditions that programs state about their own values: `torch._assert`, `torch._check` and their kin."""

from __future__ import annotations

from .core import overriding
from .core.tensor import Tensor

__all__ = ["_assert", "_assert_async", "_check", "_check_index", "_check_not_implemented", "_check_type", "_check_value", "_check_with"]


def _assert(condition, message) -> None:
    """`assert condition, message`. Tracing notes it as a step."""
    if type(condition) not in (bool, Tensor) and not overriding.state.off and overriding.takes_over(condition):
        overriding.begin()
        overriding.hand_over(_assert, overriding.overloaded((condition,), {}), (condition, message), {})
        return
    assert condition, message


def _assert_async(input, assert_msg: str = "Expected Tensor with single nonzero value, but got zero") -> None:
    """Raise RuntimeError if the single element of `input` is 0."""
    if not input:
        raise RuntimeError(assert_msg)


def _check_with(error_type, cond, message=None) -> None:
    """Raise `error_type` unless `cond`; `message` is a function that gives the words."""
    if not isinstance(cond, bool):
        raise TypeError(f"cond must be a bool, but got {type(cond)}")
    if not cond:
        words = "Expected cond to be True, but got False." if message is None else message() if callable(message) else message
        raise error_type(str(words))


def _check(cond, message=None) -> None:
    """Raise RuntimeError unless `cond`."""
    _check_with(RuntimeError, cond, message)


def _check_index(cond, message=None) -> None:
    """Raise IndexError unless `cond`."""
    _check_with(IndexError, cond, message)


def _check_value(cond, message=None) -> None:
    """Raise ValueError unless `cond`."""
    _check_with(ValueError, cond, message)


def _check_type(cond, message=None) -> None:
    """Raise TypeError unless `cond`."""
    _check_with(TypeError, cond, message)


def _check_not_implemented(cond, message=None) -> None:
    """Raise NotImplementedError unless `cond`."""
    _check_with(NotImplementedError, cond, message)
