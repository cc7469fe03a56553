"""Gradient modes, one set per thread: is the tape running, and does anything unusual watch it?"""

from __future__ import annotations

import functools
import inspect
import threading
from typing import Any

__all__ = ["enable_grad", "inference_mode", "is_grad_enabled", "is_inference_mode_enabled", "modes", "no_grad", "set_grad_enabled"]


class _Modes(threading.local):
    grad = True  # record operators on the tape
    inference = False
    special = ()  # callables that see every new node: anomaly mode, saved-tensor hooks
    anomaly = None  # `autograd.anomaly.check`, when backward must name the forward line behind an error
    check_nan = True  # and behind a NaN
    repeats = False  # within vmap: the next sample may go back through the same graph
    lost = None  # what to call when recording is switched off while forward mode needs it
    hooks_refused = None  # why saved-tensor hooks may not be used now


modes = _Modes()

WATCHERS: list = []
"""Not empty while any thread has `modes.special`: one cheap test on the hot path."""


class _Mode:
    """A context manager that is also a decorator, for plain, async and generator functions."""

    def __init__(self, orig_func=None):
        self._previous = []

    def __new__(cls, orig_func=None) -> Any:
        if orig_func is None:
            return object.__new__(cls)
        made = object.__new__(cls)  # used without brackets: @no_grad
        made._previous = []
        return made(orig_func)

    def _values(self) -> dict:
        raise NotImplementedError

    def __enter__(self):
        values = self._values()
        self._previous.append({name: getattr(modes, name) for name in values})
        if modes.lost is not None and not values.get("grad", True):
            modes.lost()
        for name, value in values.items():
            setattr(modes, name, value)

    def __exit__(self, *exception) -> None:
        for name, value in self._previous.pop().items():
            setattr(modes, name, value)

    def clone(self):
        """Another context manager of the same kind."""
        return type(self)()

    def __call__(self, func):
        if inspect.isclass(func):
            func.__init__ = self(func.__init__)
            return func
        if inspect.isgeneratorfunction(func):
            return self._wrap_generator(func)
        if inspect.iscoroutinefunction(func):
            @functools.wraps(func)
            async def awaited(*args, **kwargs):
                with self.clone():
                    return await func(*args, **kwargs)
            return awaited

        @functools.wraps(func)
        def wrapped(*args, **kwargs):
            with self.clone():
                return func(*args, **kwargs)
        return wrapped

    def _wrap_generator(self, func):
        @functools.wraps(func)
        def wrapped(*args, **kwargs):
            # The mode holds while the generator runs, and not in the loop that consumes it.
            generator = func(*args, **kwargs)
            try:
                with self.clone():
                    value = generator.send(None)
                while True:
                    try:
                        request = yield value
                    except GeneratorExit:
                        with self.clone():
                            generator.close()
                        raise
                    except BaseException as error:
                        with self.clone():
                            value = generator.throw(error)
                    else:
                        with self.clone():
                            value = generator.send(request)
            except StopIteration as stop:
                return stop.value
        return wrapped


class no_grad(_Mode):
    """Within it nothing is recorded: results do not require a gradient.

    >>> import autodiff_lab as lab
    >>> x = lab.ones(2, requires_grad=True)
    >>> with lab.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def _values(self):
        return {"grad": False}


class enable_grad(_Mode):
    """Within it operators are recorded again, also inside `no_grad`.

    >>> import autodiff_lab as lab
    >>> x = lab.ones(1, requires_grad=True)
    >>> with lab.no_grad(), lab.enable_grad():
    ...     y = x * 2
    >>> y.requires_grad
    True
    """

    def _values(self):
        return {"grad": True, "inference": False} if modes.inference else {"grad": True}


class set_grad_enabled(_Mode):
    """Turn recording on or off; at once, and as a context manager until its end.

    >>> import autodiff_lab as lab
    >>> with lab.set_grad_enabled(False):
    ...     lab.is_grad_enabled()
    False
    """

    def __new__(cls, mode):
        return object.__new__(cls)

    def __init__(self, mode: bool):
        if mode is not True and mode is not False:
            raise TypeError(f"set_grad_enabled(): argument 'enabled' (position 1) must be bool, not {type(mode).__name__}")
        self.mode = mode
        self._previous = [{"grad": modes.grad}]
        modes.grad = self.mode
        self._entered = False

    def __enter__(self):
        if self._entered:
            self._previous.append({"grad": modes.grad})
        self._entered = True
        modes.grad = self.mode

    def __repr__(self) -> str:
        return f"torch.autograd.grad_mode.set_grad_enabled(mode={self.mode})"

    def __call__(self, func):
        for name, value in self._previous.pop().items():  # as a decorator it changes nothing now
            setattr(modes, name, value)
        return super().__call__(func)

    def _values(self):
        return {"grad": self.mode}

    def clone(self):
        made = set_grad_enabled.__new__(set_grad_enabled, self.mode)
        made.mode, made._previous, made._entered = self.mode, [], True
        return made


class inference_mode(_Mode):
    """`no_grad`, and results can never take part in a graph later.

    Unlike PyTorch's, tensors made inside keep their version counter: it costs nothing here.

    >>> import autodiff_lab as lab
    >>> x = lab.ones(1, requires_grad=True)
    >>> with lab.inference_mode():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __new__(cls, mode=True):
        if callable(mode):
            return cls()(mode)
        return object.__new__(cls)

    def __init__(self, mode: bool = True):
        if not callable(mode):
            self.mode = bool(mode)
            self._previous = []

    def _values(self):
        return {"grad": False, "inference": True} if self.mode else {"inference": False, "grad": True}

    def clone(self):
        return inference_mode(self.mode)


def is_grad_enabled() -> bool:
    """True if operators are being recorded in this thread.

    >>> import autodiff_lab as lab
    >>> with lab.no_grad():
    ...     lab.is_grad_enabled()
    False
    """
    return modes.grad


def is_inference_mode_enabled() -> bool:
    """True inside `inference_mode`."""
    return modes.inference
