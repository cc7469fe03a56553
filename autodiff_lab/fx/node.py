"""One step of a traced program: what is called, on what, and who uses the result."""

from __future__ import annotations

import builtins
import sys
import types
from collections.abc import Callable
from typing import Any

from ..core.overriding import looking, name_of

__all__ = ["Node", "map_aggregate", "map_arg", "qualified_name"]

Target = Callable[..., Any] | str  # what a step calls
Argument = Any  # nodes, plain values, and containers of them
PACKAGE = __name__.partition(".")[0]
# What PyTorch keeps in torch.functional, and says so.
FUNCTIONAL = frozenset("atleast_1d atleast_2d atleast_3d align_tensors block_diag broadcast_shapes broadcast_tensors cartesian_prod cdist chain_matmul einsum istft lu "
                       "meshgrid norm split stft tensordot unique unique_consecutive unravel_index".split())


def map_aggregate(value, fn) -> Any:  # nested as `value`
    """`fn` of everything inside nested tuples, lists, dicts and slices."""
    if isinstance(value, tuple):
        made = [map_aggregate(v, fn) for v in value]
        return type(value)(*made) if hasattr(value, "_fields") else tuple(made)
    if isinstance(value, list):
        return [map_aggregate(v, fn) for v in value]
    if isinstance(value, dict):
        return {k: map_aggregate(v, fn) for k, v in value.items()}
    if isinstance(value, slice):
        return slice(*(map_aggregate(v, fn) for v in (value.start, value.stop, value.step)))
    return fn(value)


def map_arg(value, fn) -> Any:  # nested as `value`
    """`fn` of every node inside; other things stay."""
    return map_aggregate(value, lambda v: fn(v) if isinstance(v, Node) else v)


def qualified_name(function) -> str:
    """By what name a program reaches a function, e.g. "torch.relu", "operator.add" or "mine.helper"."""
    name = getattr(function, "__name__", repr(function))
    if name in FUNCTIONAL and getattr(sys.modules[PACKAGE], name, None) is function:
        return f"torch.functional.{name}"
    if isinstance(function, types.FunctionType) and function in looking:
        return name_of(function)
    if getattr(sys.modules[PACKAGE], name, None) is function:
        return f"torch.{name}"
    module = getattr(function, "__module__", None) or "builtins"
    if module.partition(".")[0] == PACKAGE:
        module = "torch" + module.removeprefix(PACKAGE)
    return f"{module}.{name}"


def shown_target(target) -> str:
    """A target as the text of a graph has it."""
    if isinstance(target, str):
        return target
    module = getattr(target, "__module__", None)
    if module == "_operator":
        return f"operator.{target.__name__}"
    if module == "builtins" or getattr(builtins, getattr(target, "__name__", ""), None) is target:
        return f"builtins.{target.__name__}"
    return qualified_name(target)


def shown(value) -> str:
    """An argument as the text of a graph has it: nodes with %, text without quotes."""
    if isinstance(value, Node):
        return f"%{value.name}"
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        inside = ", ".join(map(shown, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, list):
        return f"[{', '.join(map(shown, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {shown(v)}" for k, v in value.items()) + "}"
    if isinstance(value, slice):
        return f"slice({shown(value.start)}, {shown(value.stop)}, {shown(value.step)})"
    return str(value)


class Node:
    """A step of a graph.

    Args:
        op: "placeholder" (an argument), "get_attr" (a parameter), "call_function", "call_method", "call_module" or "output".
        target: the function, or the name of the method, of the module, of the attribute or of the argument.

    Attributes:
        args, kwargs: what it is called with; other nodes among them.
        users: the nodes that use its result.
        meta: a place for notes.
    """

    def __init__(self, graph, name: str, op: str, target, args: tuple = (), kwargs: dict | None = None, return_type: Any = None):
        self.graph, self.name, self.op, self.target, self.type = graph, name, op, target, return_type
        self.users: dict[Node, None] = {}
        self.meta: dict = {}
        self._input_nodes: dict[Node, None] = {}
        self._args, self._kwargs = (), {}
        self._prev = self._next = self
        self._erased = False
        self._update(args, kwargs or {})

    def _update(self, args, kwargs) -> None:
        for node in self._input_nodes:
            node.users.pop(self, None)
        self._args, self._kwargs, self._input_nodes = args, kwargs, {}
        map_arg((args, kwargs), lambda node: self._input_nodes.setdefault(node))
        for node in self._input_nodes:
            node.users.setdefault(self)

    @property
    def args(self) -> tuple:
        """What it is called with by position."""
        return self._args

    @args.setter
    def args(self, args) -> None:
        self._update(tuple(args), self._kwargs)

    @property
    def kwargs(self) -> dict:
        """What it is called with by name."""
        return self._kwargs

    @kwargs.setter
    def kwargs(self, kwargs) -> None:
        self._update(self._args, dict(kwargs))

    @property
    def next(self) -> Node:
        """The step after this one."""
        return self._next

    @property
    def prev(self) -> Node:
        """The step before this one."""
        return self._prev

    @property
    def all_input_nodes(self) -> list:
        """The nodes it uses, each once."""
        return list(self._input_nodes)

    def prepend(self, node: Node) -> None:
        """Move `node` before this one."""
        if node is self:
            return
        node._cut()
        before = self._prev
        before._next, node._prev, node._next, self._prev = node, before, self, node

    def append(self, node: Node) -> None:
        """Move `node` after this one."""
        self._next.prepend(node)

    def _cut(self) -> None:
        self._prev._next, self._next._prev = self._next, self._prev

    def update_arg(self, index: int, value) -> None:
        """Replace one argument by position."""
        args = list(self.args)
        args[index] = value
        self.args = tuple(args)

    def update_kwarg(self, key: str, value) -> None:
        """Replace one argument by name."""
        self.kwargs = {**self.kwargs, key: value}

    def insert_arg(self, index: int, value) -> None:
        """Put an argument in before position `index`."""
        args = list(self.args)
        args.insert(index, value)
        self.args = tuple(args)

    def replace_input_with(self, old: Node, new: Node) -> None:
        """Use `new` wherever this node used `old`."""
        args, kwargs = map_arg((self.args, self.kwargs), lambda n: new if n is old else n)
        self._update(args, kwargs)

    def replace_all_uses_with(self, replace_with: Node, delete_user_cb=lambda user: True, *, propagate_meta: bool = False) -> list:
        """Let every user of this node use `replace_with`. Returns the users."""
        if propagate_meta:
            replace_with.meta.update(self.meta)
        users = [user for user in self.users if delete_user_cb(user)]
        for user in users:
            user.replace_input_with(self, replace_with)
        return users

    def is_impure(self, impure_random: bool = True) -> bool:
        """True if it must stay although nobody uses its result."""
        if self.op in ("placeholder", "output"):
            return True
        return self.op == "call_function" and getattr(self.target, "__name__", "") == "_assert"

    def format_node(self, placeholder_names=None, maybe_return_typename=None, **options) -> str | None:
        """The node as a line of its graph's text."""
        kind = f"{type_text(self.type)} " if self.type is not None else ""
        start = f"%{self.name} : {kind}[num_users={len(self.users)}] = {self.op}[target={shown_target(self.target)}]"
        if self.op == "placeholder":
            return f"{start}(default={self.args[0]})" if self.args else start
        if self.op == "get_attr":
            return start
        if self.op == "output":
            return f"return {self.args[0]}"
        return f"{start}(args = {shown(self.args)}, kwargs = {shown(self.kwargs)})"

    def __repr__(self) -> str:
        return self.name

    def __deepcopy__(self, memo):
        raise RuntimeError("A node belongs to its graph: copy the graph.")


def type_text(kind) -> str:
    """A type as code writes it."""
    if isinstance(kind, str):
        return kind
    if getattr(kind, "__module__", "builtins") == "builtins" and isinstance(kind, type):
        return kind.__name__
    text = qualified_name(kind) if isinstance(kind, type) else repr(kind).replace("typing.", "typing_")
    return {"torch.core.tensor.Tensor": "torch.Tensor"}.get(text, text)
