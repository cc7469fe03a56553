"""PyTorch's tracer of Python code: not here. Programs that only mark functions for it run; tracing is refused."""

from __future__ import annotations

from .nn.modules.module import Module

__all__ = ["Graph", "GraphModule", "Interpreter", "Node", "Proxy", "Tracer", "symbolic_trace", "wrap"]

_WORDS = ("torch.fx is not here: it rewrites the code of modules, and this library runs your code as it is. To see the graph of a computation, "
          "use autodiff_lab.show(result).")


def wrap(fn_or_name):
    """The function as it is: there is no tracer to hide it from."""
    return fn_or_name


def symbolic_trace(root, concrete_args=None):
    """Refused.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError(_WORDS)


def get_proxy_mode() -> None:
    """None: nothing is traced."""


class _Refused:
    def __init__(self, *args, **kwargs):
        raise RuntimeError(_WORDS)


class Graph(_Refused):
    """Refused; nothing is an instance of it."""


class Node(_Refused):
    """Refused; nothing is an instance of it."""


class Proxy(_Refused):
    """Refused; nothing is an instance of it."""


class Tracer(_Refused):
    """Refused; nothing is an instance of it."""


class Interpreter(_Refused):
    """Refused; nothing is an instance of it."""


class GraphModule(_Refused, Module):
    """Refused; nothing is an instance of it."""
