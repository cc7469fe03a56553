"""Anomaly mode: when a backward pass fails or makes NaN, say which line of the forward pass is behind it."""

from __future__ import annotations

import traceback
import warnings

import numpy as np

from ..core.modes import WATCHERS, modes
from ..core.op import public
from ..core.tape import Node

__all__ = ["detect_anomaly", "is_anomaly_check_nan_enabled", "is_anomaly_enabled", "set_anomaly_enabled", "set_detect_anomaly"]


def _remember(node: Node) -> None:
    """Note where in the learner's program `node` was made."""
    frames = [frame for frame in traceback.extract_stack()[:-1] if "autodiff_lab" not in frame.filename and not frame.filename.startswith("<operator")]
    node.meta.trace = "".join(traceback.format_list(frames[-8:]))


def check(node: Node, contributions, failure: Exception | None = None) -> None:
    """Warn with the forward lines of `node` if its backward raised or made NaN; raise for NaN."""
    bad = None
    if failure is None and modes.check_nan:
        for i, value in enumerate(contributions):
            array = getattr(value, "_a", value)
            if array is not None and array.dtype.kind in "fc" and bool(np.isnan(np.asarray(array if isinstance(array, (np.ndarray, np.generic)) else array.get())).any()):
                bad = i
                break
    if failure is None and bad is None:
        return
    trace = node._meta.trace if node._meta is not None and node._meta.trace else None
    warnings.warn(f"Error detected in {node.name()}. " + (f"Traceback of forward call that caused the error:\n{trace}" if trace else
                  "No forward pass information available. Enable detect anomaly during forward pass for more information."), UserWarning, stacklevel=3)
    if bad is not None:
        raise RuntimeError(f"Function '{node.name()}' returned nan values in its {bad}th output.")


class set_detect_anomaly:
    """Turn anomaly mode on or off; at once, and as a context manager until its end.

    >>> import autodiff_lab as lab
    >>> x = lab.tensor(-1.0, requires_grad=True)
    >>> with lab.autograd.set_detect_anomaly(True):
    ...     (x * 2).backward()
    >>> x.grad
    tensor(2.)
    """

    def __init__(self, mode: bool, check_nan: bool = True):
        self._previous = modes.anomaly, modes.check_nan, modes.special
        others = tuple(w for w in modes.special if w is not _remember)
        modes.anomaly, modes.check_nan = check if mode else None, check_nan
        modes.special = (*others, _remember) if mode else others
        while _remember in WATCHERS:
            WATCHERS.remove(_remember)
        if mode:
            WATCHERS.append(_remember)

    def __enter__(self) -> None: ...

    def __exit__(self, *exception) -> None:
        modes.anomaly, modes.check_nan, modes.special = self._previous
        if _remember in WATCHERS and _remember not in modes.special:
            WATCHERS.remove(_remember)


class detect_anomaly(set_detect_anomaly):
    """Within it, a failing or NaN-making backward names the forward line that is behind it. Slow: for debugging only.

    >>> import autodiff_lab as lab
    >>> x = lab.tensor(-1.0, requires_grad=True)
    >>> with lab.autograd.detect_anomaly():  # doctest: +SKIP
    ...     (x.sqrt() * 0).backward()
    Traceback (most recent call last):
    RuntimeError: Function 'SqrtBackward0' returned nan values in its 0th output.
    """

    def __init__(self, check_nan: bool = True):
        self._check_nan = check_nan
        self._previous = modes.anomaly, modes.check_nan, modes.special

    def __enter__(self) -> None:
        warnings.warn("Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for debugging.", UserWarning, stacklevel=2)
        super().__init__(True, self._check_nan)


def is_anomaly_enabled() -> bool:
    """True in anomaly mode."""
    return modes.anomaly is not None


def is_anomaly_check_nan_enabled() -> bool:
    """True if anomaly mode looks, or would look, for NaN."""
    return modes.check_nan


def set_anomaly_enabled(mode: bool, check_nan: bool = True) -> None:
    """Turn anomaly mode on or off, until told otherwise."""
    set_detect_anomaly(mode, check_nan)


public[""].update(is_anomaly_enabled=is_anomaly_enabled, is_anomaly_check_nan_enabled=is_anomaly_check_nan_enabled, set_anomaly_enabled=set_anomaly_enabled)
