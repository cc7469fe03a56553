"""Settings that programs make at their start, and wrappers that promise speed. What changes nothing is accepted."""

from __future__ import annotations

import os
import warnings

from .backend import blas
from .core.op import public

__all__ = [
    "are_deterministic_algorithms_enabled", "compile", "get_deterministic_debug_mode", "get_float32_matmul_precision", "get_num_interop_threads",
    "is_deterministic_algorithms_warn_only_enabled", "is_warn_always_enabled", "set_deterministic_debug_mode", "set_float32_matmul_precision",
    "set_flush_denormal", "set_num_interop_threads", "set_warn_always", "use_deterministic_algorithms",
]

_state = {"precision": "highest", "deterministic": False, "warn_only": False, "warn_always": False, "interop": os.cpu_count() or 1}


def compile(model=None, *, fullgraph: bool = False, dynamic=None, backend=None, mode=None, options=None, name: str | None = None, disable: bool = False,
            recompile_limit: int | None = None, isolate_recompiles: bool = False, shapes_spec=None):
    """The function as it is, or the module under the names that PyTorch gives a compiled one: there is no compiler, and a compiled one would compute the same."""
    if model is None:
        return lambda function: compile(function, disable=disable)
    if not callable(model):
        raise RuntimeError(f"torch.compile takes a function or a module, got {type(model).__name__}.")
    from .nn.modules.compiled import Module, OptimizedModule

    return OptimizedModule(model) if isinstance(model, Module) and not isinstance(model, OptimizedModule) and not disable else model


def set_float32_matmul_precision(precision: str) -> None:
    """Accepted: float32 is always multiplied in full precision, which is never less exact."""
    if precision not in ("highest", "high", "medium"):
        warnings.warn(f"{precision} is not one of 'highest', 'high', or 'medium'; the current setFloat32MatmulPrecision call has no effect.", UserWarning, stacklevel=2)
        return
    _state["precision"] = precision


def get_float32_matmul_precision() -> str:
    """What was set."""
    return _state["precision"]


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accepted: everything here is deterministic."""
    _state["deterministic"], _state["warn_only"] = bool(mode), bool(warn_only)


def are_deterministic_algorithms_enabled() -> bool:
    """What was set."""
    return _state["deterministic"]


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """What was set."""
    return _state["warn_only"]


def set_deterministic_debug_mode(debug_mode) -> None:
    """Accepted: everything here is deterministic."""
    level = {"default": 0, "warn": 1, "error": 2}.get(debug_mode, debug_mode)
    use_deterministic_algorithms(level > 0, warn_only=level == 1)


def get_deterministic_debug_mode() -> int:
    """0, 1 or 2."""
    return 0 if not _state["deterministic"] else 1 if _state["warn_only"] else 2


def set_num_interop_threads(num: int) -> None:
    """Accepted: operators run one after the other."""
    if num <= 0:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    _state["interop"] = int(num)


def get_num_interop_threads() -> int:
    """What was set."""
    return _state["interop"]


def set_flush_denormal(mode: bool) -> bool:
    """False: NumPy keeps denormal numbers."""
    return False


def set_warn_always(b: bool) -> None:
    """Accepted: Python decides how often a warning is shown."""
    _state["warn_always"] = bool(b)


def is_warn_always_enabled() -> bool:
    """What was set."""
    return _state["warn_always"]


def set_num_threads(num) -> None:
    """How many threads large matrix products may use, and with them linear layers.

    Everything else uses one thread: handing halves of an array to a second one gained nothing on the two busy cores where
    it was tried. The number goes to the BLAS library behind NumPy, if it takes one (OpenBLAS, MKL and BLIS do).

    >>> import autodiff_lab as lab
    >>> lab.set_num_threads(1)
    >>> lab.get_num_threads()
    1

    Raises:
        RuntimeError: unless `num` is a positive integer.
    """
    if not isinstance(num, int):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(num).__name__}")
    if num <= 0:
        raise RuntimeError("set_num_threads expects a positive integer")
    _state["threads"] = num
    blas.set_threads(num)


def get_num_threads() -> int:
    """What was set; at first what the BLAS library says, or the number of processor cores where it says nothing."""
    return _state.get("threads") or blas.get_threads() or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


for _name in (*__all__, "set_num_threads", "get_num_threads"):
    public[""].setdefault(_name, globals()[_name])
