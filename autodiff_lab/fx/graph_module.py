"""A module whose forward is written from a graph."""

from __future__ import annotations

import copy
import linecache
from itertools import count
from typing import Any

from ..core.tensor import Tensor
from ..nn.modules.module import Module
from ..nn.parameter import Parameter
from .graph import Graph

__all__ = ["GraphModule"]

_numbers = count()
_USER_PRESERVED_ATTRIBUTES_KEY = "_user_preserved_attributes"


def _copy_attr(from_module: Module, to_module: Module, target: str) -> None:
    """Put what lies at a path of one module at the same path of another, making modules on the way.

    Raises:
        AttributeError: if nothing is there.
    """
    *path, last = target.split(".")
    for part in path:
        source, mine = getattr(from_module, part), getattr(to_module, part, None)
        if source is mine:
            return  # a module further up is there as a whole
        if mine is None:
            mine = Module()
            setattr(to_module, part, mine)
        from_module, to_module = source, mine
    _put(to_module, last, getattr(from_module, last))


def _put(module: Module, name: str, found) -> None:
    """Set an attribute; a tensor that is no parameter becomes a buffer."""
    if isinstance(found, Tensor) and not isinstance(found, Parameter):
        module.register_buffer(name, found)
    else:
        setattr(module, name, found)


class _CodeOnlyModule(Module):
    """A module with the attributes of another, which a copy is made from."""

    def __init__(self, body: dict):
        super().__init__()
        self.__dict__ = body


class GraphModule(Module):
    """A module that computes what `graph` says, with the parameters and modules of `root`.

    Args:
        root: a module, or a dictionary of attributes by their paths.
        graph: the steps.

    After changing the graph call `recompile()`.
    """

    def __new__(cls, *args, **kwargs) -> GraphModule:
        own: Any = type(cls.__name__ if cls is not GraphModule else "GraphModuleImpl", (cls,), {})  # so that each has a forward of its own
        return object.__new__(own)

    def __init__(self, root, graph: Graph, class_name: str = "GraphModule"):
        super().__init__()
        self.meta: dict = {}
        type(self).__name__ = class_name
        if isinstance(root, Module):
            self.training = root.training
        for node in graph.nodes:
            if node.op in ("get_attr", "call_module"):
                self._adopt(root, node.target, node)
        self.graph = graph

    def _adopt(self, root, target: str, node) -> None:
        """Take what lies at a path of `root`, making the modules on the way."""
        if not isinstance(root, dict):
            _copy_attr(root, self, target)
            return
        if target not in root:
            raise RuntimeError(f"Node {node} referenced target {target} but that target was not provided in ``root``!")
        *path, last = target.split(".")
        mine = self
        for part in path:
            if not hasattr(mine, part):
                mine.add_module(part, Module())
            mine = getattr(mine, part)
        _put(mine, last, root[target])

    @property
    def graph(self) -> Graph:
        """The steps; assigning others recompiles."""
        return self._graph

    @graph.setter
    def graph(self, graph: Graph) -> None:
        self._graph = graph
        graph.owning_module = self
        self.recompile()

    @property
    def code(self) -> str:
        """The text of `forward`."""
        return self._code

    def recompile(self):
        """Write `forward` anew after the graph was changed. Returns the code."""
        made = self._graph.python_code("self")
        self._code = made.src
        filename = f"<graph {next(_numbers)}>"
        linecache.cache[filename] = (len(made.src), None, made.src.splitlines(True), filename)
        scope = dict(made.globals, __name__="torch.fx")
        exec(compile(made.src, filename, "exec"), scope)
        type(self).forward = scope["forward"]
        return made

    def add_submodule(self, target: str, m: Module) -> bool:
        """Put a module at a path. False if something else is in the way."""
        *path, last = target.split(".")
        mine = self
        for part in path:
            if not hasattr(mine, part):
                mine.add_module(part, Module())
            mine = getattr(mine, part)
            if not isinstance(mine, Module):
                return False
        mine.add_module(last, m)
        return True

    def delete_submodule(self, target: str) -> bool:
        """Take the module at a path away. False if there is none."""
        *path, last = target.split(".")
        mine = self
        for part in path:
            mine = getattr(mine, part, None)
        if not isinstance(getattr(mine, last, None), Module):
            return False
        delattr(mine, last)
        return True

    def delete_all_unused_submodules(self) -> None:
        """Take away every module that no step uses."""
        used = set()
        for node in self.graph.nodes:
            if node.op in ("call_module", "get_attr"):
                parts = node.target.split(".")
                used |= {".".join(parts[:i]) for i in range(1, len(parts) + 1)}
                if node.op == "call_module":
                    used |= {f"{node.target}.{name}" for name, _ in self.get_submodule(node.target).named_modules()}
        for name in [name for name, _ in self.named_modules() if name and name not in used]:
            self.delete_submodule(name)

    def print_readable(self, print_output: bool = True, *args, **kwargs) -> str:
        """The module as a class, printed."""
        body = self._code.strip("\n").rstrip()
        first, _, rest = body.partition("\n")
        lines = [f"class {type(self).__name__}(torch.nn.Module):", f"    {first}", *(f"    {line}" for line in rest.split("\n")), ""]
        text = "\n".join(lines)
        if print_output:
            print(text)
        return text

    def __str__(self) -> str:
        return f"{Module.__repr__(self)}\n{self._code}\n# To see more debug info, please use `graph_module.print_readable()`"

    def __copy__(self) -> GraphModule:
        return GraphModule(self, copy.deepcopy(self._graph), type(self).__name__)

    def __deepcopy__(self, memo) -> GraphModule:
        state = Module()
        for kind in ("_parameters", "_buffers", "_modules"):
            state.__dict__[kind] = copy.deepcopy(self.__dict__[kind], memo)
        made = GraphModule(state, copy.deepcopy(self._graph))
        made.training = self.training
        return made

    def __reduce__(self):
        raise RuntimeError("A GraphModule holds code, which files of this library do not. Save its state_dict, and trace the model again after loading.")
