"""What programs ask of the compiler's front end. There is none here: everything runs as it is written."""

from __future__ import annotations

import contextlib
import sys
import types

from .compiler import allow_in_graph, disable, is_compiling, reset
from .nn.modules.compiled import OptimizedModule
from .settings import compile as _compile

__all__ = ["OptimizedModule", "TransformGetItemToIndex", "allow_in_graph", "assume_constant_result", "config", "disable", "graph_break", "is_compile_supported", "is_compiling", "mark_dynamic", "mark_static", "mark_static_address", "optimize", "reset"]



class _Config(types.SimpleNamespace):
    """The compiler's settings, which change nothing here."""

    @contextlib.contextmanager
    def patch(self, *names, **values):
        """Set them while a `with` block runs."""
        before = dict(self.__dict__)
        self.__dict__.update(zip(names[::2], names[1::2], strict=True) if names and isinstance(names[0], str) else names[0] if names else {}, **values)
        try:
            yield
        finally:
            self.__dict__.clear()
            self.__dict__.update(before)


config = _Config(suppress_errors=False, cache_size_limit=8, recompile_limit=8, verbose=False, capture_scalar_outputs=False)


def optimize(backend="inductor", **options):
    """A decorator that gives the function back as it is."""
    return _compile


def mark_dynamic(tensor, index, **options) -> None:
    """Accepted: sizes are never frozen."""


mark_static = maybe_mark_dynamic = mark_dynamic


def mark_static_address(tensor, guard: bool = True) -> None:
    """Accepted: no compiled program remembers an address."""


def assume_constant_result(fn):
    """The function as it is: it is called each time."""
    return fn


class TransformGetItemToIndex(contextlib.nullcontext):
    """Indexing with a 0-dim tensor stays an operation here, which is what this asks for."""


def graph_break(msg: str = "") -> None:
    """Nothing to break."""


def is_compile_supported(device_type) -> bool:
    """True: `torch.compile` takes every function, and gives it back as it is."""
    return True


eval_frame = sys.modules[__name__]  # a module of PyTorch below this one
