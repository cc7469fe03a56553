"""Results that may come later, from another thread of yours: nothing of the library's runs beside your code."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

__all__ = ["Future", "collect_all", "wait_all"]

T = TypeVar("T")


class Future(Generic[T]):
    """A place for a result; `then` and `add_done_callback` run when it is there."""

    def __init__(self, *, devices=None):
        self._done, self._value, self._error, self._callbacks = False, None, None, []
        self._filled = threading.Event()

    def done(self) -> bool:
        """True once there is a result or an error."""
        return self._done

    def wait(self):
        """The result, once another thread has brought it.

        Raises:
            RuntimeError: if there is none yet, and no other thread that could bring one.
        """
        if not self._done and threading.active_count() == 1:
            raise RuntimeError("This future has no result, and waiting would not bring one: nothing runs beside your code. Call set_result() first.")
        self._filled.wait()
        return self.value()

    def value(self):
        """The result.

        Raises:
            RuntimeError: if there is none yet.
        """
        if not self._done:
            raise RuntimeError("This future has no result yet. wait() for one.")
        if self._error is not None:
            raise self._error
        return self._value

    def set_result(self, result) -> None:
        """Fill the place."""
        self._finish(result, None)

    def set_exception(self, result: BaseException) -> None:
        """Fill the place with an error, which `wait` raises."""
        assert isinstance(result, Exception), f"{result} is of type {type(result)}, not an Exception."
        self._finish(None, result)

    def then(self, callback) -> Future:
        """A future of `callback(this)`."""
        later = Future()

        def run(done):
            try:
                later.set_result(callback(done))
            except Exception as error:
                later.set_exception(error)

        self.add_done_callback(run)
        return later

    def add_done_callback(self, callback) -> None:
        """Call `callback(this)` when there is a result; now, if there is one."""
        if self._done:
            callback(self)
        else:
            self._callbacks.append(callback)

    def _finish(self, value, error) -> None:
        if self._done:
            raise RuntimeError("Future can only be completed once.")
        self._done, self._value, self._error = True, value, error
        self._filled.set()
        for callback in self._callbacks:
            callback(self)


def collect_all(futures) -> Future:
    """A future of the list of all futures, filled when the last one is."""
    together = Future()
    waiting = [f for f in futures if not f.done()]

    def look(_):
        if all(f.done() for f in futures) and not together.done():
            together.set_result(list(futures))

    for future in waiting:
        future.add_done_callback(look)
    look(None)
    return together


def wait_all(futures) -> list:
    """The results of all futures."""
    return [f.wait() for f in futures]
