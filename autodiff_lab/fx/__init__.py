"""Tracing a module into a graph that can be read, changed and run: `symbolic_trace`, `Graph`, `GraphModule`, `Interpreter`.

The program runs once on proxies, which take over every function they are given to (`__torch_function__`) and write it down.
Control flow that depends on numbers is refused. To see the graph of a computation with numbers, use `autodiff_lab.show(result)`.
"""

from __future__ import annotations

from ._symbolic_trace import Tracer, symbolic_trace, wrap
from .graph import Graph
from .graph_module import GraphModule
from .interpreter import Interpreter, Transformer
from .node import Node, map_arg
from .proxy import Proxy

__all__ = ["Graph", "GraphModule", "Interpreter", "Node", "Proxy", "Tracer", "Transformer", "get_proxy_mode", "symbolic_trace", "wrap"]


def get_proxy_mode() -> None:
    """None: what runs is not traced."""


assert map_arg


def __getattr__(name: str):
    import importlib

    if name == "passes":
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
