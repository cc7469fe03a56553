"""What programs ask of the compiler's front end. There is none here: everything runs as it is written."""

from __future__ import annotations

import types

from .compiler import allow_in_graph, disable, is_compiling, reset
from .nn.modules.compiled import OptimizedModule
from .settings import compile as _compile

__all__ = ["OptimizedModule", "allow_in_graph", "config", "disable", "graph_break", "is_compile_supported", "is_compiling", "mark_dynamic", "mark_static", "optimize", "reset"]

config = types.SimpleNamespace(suppress_errors=False, cache_size_limit=8, recompile_limit=8, verbose=False, capture_scalar_outputs=False)


def optimize(backend="inductor", **options):
    """A decorator that gives the function back as it is."""
    return _compile


def mark_dynamic(tensor, index, **options) -> None:
    """Accepted: sizes are never frozen."""


mark_static = maybe_mark_dynamic = mark_dynamic


def graph_break(msg: str = "") -> None:
    """Nothing to break."""


def is_compile_supported(device_type) -> bool:
    """True: `torch.compile` takes every function, and gives it back as it is."""
    return True
