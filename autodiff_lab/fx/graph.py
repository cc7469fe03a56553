"""A traced program as a list of nodes, and the Python text that does the same."""

from __future__ import annotations

import builtins
import copy
import keyword
import math
import re
import types
from collections import defaultdict
from collections.abc import Iterator

from ..core.tensor import Tensor
from .node import PACKAGE, Node, map_arg, qualified_name, shown_target, type_text

__all__ = ["Graph", "PythonCode"]

SIGNS = {"eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">=", "add": "+", "sub": "-", "mul": "*", "floordiv": "//", "truediv": "/", "mod": "%", "pow": "**",
         "lshift": "<<", "rshift": ">>", "and_": "&", "or_": "|", "xor": "^", "matmul": "@"}
FORMATS = {**{name: f"{{}} {sign} {{}}" for name, sign in SIGNS.items()}, "getitem": "{}[{}]", "pos": "+{}", "neg": "-{}", "invert": "~{}"}
IN_PLACE = {f"i{name.rstrip('_')}": f"{{}} {SIGNS[name]}= {{}}" for name in SIGNS if name not in ("eq", "ne", "lt", "gt", "le", "ge")}
TAKEN = {"inf", "nan", "NoneType", "torch", "device", "fx_pytree", "pytree"}


class _Names:
    """Names that are not taken: `add`, `add_1`, …"""

    def __init__(self):
        self.used: set[str] = set()
        self._counts: defaultdict[str, int] = defaultdict(int)

    def new(self, wanted: str) -> str:
        wanted = re.sub(r"[^0-9a-zA-Z_]+", "_", wanted) or "_unnamed"
        if wanted[0].isdigit():
            wanted = f"_{wanted}"
        base, _, number = wanted.rpartition("_")
        if base and number.isdigit():
            count, name = int(number), wanted
        else:
            base, name = wanted, wanted
            count = self._counts[base]
        while name in self.used or name in TAKEN or keyword.iskeyword(name) or hasattr(builtins, name):
            count += 1
            name = f"{base}_{count}"
        self.used.add(name)
        self._counts[base] = count
        return name


class PythonCode:
    """The text of a graph, and what its names mean."""

    def __init__(self, src: str, globals_: dict):
        self.src, self.globals = src, globals_


class _InsertPoint:
    """Where a graph grows: there from when this is made, where it grew before from the end of a `with` block on."""

    def __init__(self, graph: Graph, insert):
        self._graph, self._before = graph, graph._insert
        graph._insert = insert

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exception) -> None:
        self._graph._insert = self._before


class Graph:
    """The steps of a program in their order.

    >>> import autodiff_lab as lab
    >>> graph = lab.fx.Graph()
    >>> x = graph.placeholder("x")
    >>> y = graph.call_function(lab.relu, (x,))
    >>> _ = graph.output(y)
    >>> print(graph)
    graph():
        %x : [num_users=1] = placeholder[target=x]
        %relu : [num_users=1] = call_function[target=torch.relu](args = (%x,), kwargs = {})
        return relu
    """

    def __init__(self, owning_module=None, tracer_cls=None, tracer_extras=None):
        from ..core import overriding

        overriding.begin()  # so that functions know their names
        self._root = Node(self, "", "root", "")
        self._names = _Names()
        self._insert = self._root.prepend
        self.owning_module, self._tracer_cls = owning_module, tracer_cls

    # ---- what is in it ----

    @property
    def nodes(self) -> _Nodes:
        """The steps in their order."""
        return _Nodes(self)

    def find_nodes(self, *, op: str, target=None, sort: bool = True) -> list:
        """The steps of one kind, on one target if it is given."""
        return [n for n in self.nodes if n.op == op and (target is None or n.target == target)]

    def output_node(self) -> Node:
        """The step that returns."""
        return next(n for n in _Nodes(self, forward=False) if n.op == "output")

    # ---- building ----

    def create_node(self, op: str, target, args=None, kwargs=None, name: str | None = None, type_expr=None) -> Node:
        """A new step where the graph grows now: at its end, or where `inserting_before` says."""
        node = Node(self, self._names.new(name or self._target_to_str(target)), op, target, tuple(args or ()), dict(kwargs or {}), type_expr)
        self._insert(node)
        return node

    def placeholder(self, name: str, type_expr=None, default_value=...) -> Node:
        """An argument of the program."""
        return self.create_node("placeholder", name, () if default_value is ... else (default_value,), type_expr=type_expr)

    def get_attr(self, qualified_name: str, type_expr=None) -> Node:
        """A parameter or buffer of the module, by its path."""
        return self.create_node("get_attr", qualified_name, type_expr=type_expr)

    def call_module(self, module_name: str, args=None, kwargs=None, type_expr=None) -> Node:
        """A call of a module, by its path."""
        return self.create_node("call_module", module_name, args, kwargs, type_expr=type_expr)

    def call_method(self, method_name: str, args=None, kwargs=None, type_expr=None) -> Node:
        """A call of a method of the first argument."""
        return self.create_node("call_method", method_name, args, kwargs, type_expr=type_expr)

    def call_function(self, the_function, args=None, kwargs=None, type_expr=None, name=None) -> Node:
        """A call of a function."""
        return self.create_node("call_function", the_function, args, kwargs, name, type_expr)

    def output(self, result, type_expr=None) -> Node:
        """What the program returns."""
        return self.create_node("output", "output", (result,), type_expr=type_expr)

    def node_copy(self, node: Node, arg_transform=lambda n: n) -> Node:
        """A copy of a step of another graph, with its nodes replaced by what `arg_transform` gives for them."""
        args, kwargs = map_arg((node.args, node.kwargs), arg_transform)
        made = self.create_node(node.op, node.target, args, kwargs, node.name, node.type)
        made.meta = copy.copy(node.meta)
        return made

    def graph_copy(self, g: Graph, val_map: dict, return_output_node: bool = False):
        """Copy all steps of `g` into this graph; `val_map` gets what became of each. Returns what `g` returns."""
        for node in g.nodes:
            if node in val_map:
                continue
            if node.op == "output":
                found = map_arg(node.args[0], lambda n: val_map[n])
                return (found, node) if return_output_node else found
            val_map[node] = self.node_copy(node, lambda n: val_map[n])
        return None

    def erase_node(self, to_erase: Node) -> None:
        """Take a step out that nobody uses.

        Raises:
            RuntimeError: if somebody does.
        """
        if to_erase.users:
            raise RuntimeError(f"Tried to erase Node {to_erase} but it still had {len(to_erase.users)} users in the graph: {to_erase.users}!")
        if to_erase._erased:
            return
        to_erase._cut()
        to_erase._erased = True
        to_erase._update((), {})

    def inserting_before(self, n: Node | None = None) -> _InsertPoint:
        """From now on new steps come before `n`, or first of all; in a `with` block, until its end."""
        return _InsertPoint(self, n.prepend if n is not None else self._root.append)

    def inserting_after(self, n: Node | None = None) -> _InsertPoint:
        """From now on new steps come right after `n`, each before the one made before it, or last of all; in a `with` block, until its end."""
        return _InsertPoint(self, n.append if n is not None else self._root.prepend)

    def eliminate_dead_code(self, is_impure_node=None) -> bool:
        """Take out steps whose result nobody uses. True if there were any."""
        changed = False
        for node in reversed(list(self.nodes)):
            if not node.users and not (is_impure_node or Node.is_impure)(node):
                self.erase_node(node)
                changed = True
        return changed

    def lint(self) -> None:
        """Check that every step uses earlier steps only, that names are different and that targets exist.

        Raises:
            RuntimeError, ValueError: if something is wrong.
        """
        seen: set = set()
        names: set = set()
        for node in self.nodes:
            if node.op not in ("placeholder", "call_method", "call_module", "call_function", "get_attr", "output"):
                raise RuntimeError(f"Node {node} had unknown opcode {node.op}!")
            if node.graph is not self:
                raise RuntimeError(f"Node '{node}' does not belong to this Graph!")
            for used in node.all_input_nodes:
                if used not in seen:
                    raise RuntimeError(f"Argument '{used}' of Node '{node}' was used before it has been defined! Please check that Nodes in the graph are topologically ordered\n{self}")
            if node.name in names:
                raise RuntimeError(f"Node redefined name {node.name}!")
            if node.op == "call_function" and not callable(node.target):
                raise ValueError(f"Node {node} target {node.target} has type {type(node.target)} but a Callable is expected")
            if node.op not in ("call_function",) and not isinstance(node.target, str):
                raise ValueError(f"Node {node} target {node.target} has type {type(node.target)} but a str is expected")
            if self.owning_module is not None and node.op in ("get_attr", "call_module"):
                holder = self.owning_module
                for part in node.target.split("."):
                    if not hasattr(holder, part):
                        raise RuntimeError(f"Node {node} target {node.target} references nonexistent attribute {part} of {type(holder).__name__}")
                    holder = getattr(holder, part)
            seen.add(node)
            names.add(node.name)

    # ---- as text ----

    @staticmethod
    def _target_to_str(target) -> str:
        text = target.__name__ if callable(target) else target
        if len(text) > 4 and text.startswith("__") and text.endswith("__"):
            text = text[2:-2]
        return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", text.replace(".", "_")).lower()

    def python_code(self, root_module: str = "self", verbose: bool = False, **options) -> PythonCode:
        """The text of a function `forward` that does what the graph does."""
        writer = _Writer(root_module)
        for node in self.nodes:
            writer.write(node, _last_uses(self))
        return PythonCode(writer.text(), writer.globals)

    def print_tabular(self) -> None:
        """Print the steps as a table.

        >>> import autodiff_lab as lab
        >>> lab.fx.symbolic_trace(lambda x: x.relu() + 1).graph.print_tabular()
        opcode         name    target                   args       kwargs
        -------------  ------  -----------------------  ---------  --------
        placeholder    x       x                        ()         {}
        call_method    relu    relu                     (x,)       {}
        call_function  add     <built-in function add>  (relu, 1)  {}
        output         output  output                   (add,)     {}
        """
        rows = [["opcode", "name", "target", "args", "kwargs"]]
        rows += [[n.op, n.name, str(n.target) if not isinstance(n.target, types.FunctionType) else shown_target(n.target), str(n.args), str(n.kwargs)] for n in self.nodes]
        widths = [max(len(rows[0][i]) + 2, *(len(row[i]) for row in rows)) for i in range(5)]  # as the package tabulate has it
        rows.insert(1, ["-" * w for w in widths])
        print("\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows))

    def __str__(self) -> str:
        return "graph():" + "".join(f"\n    {node.format_node()}" for node in self.nodes)

    def __deepcopy__(self, memo) -> Graph:
        made = Graph(tracer_cls=self._tracer_cls)
        values: dict = {}
        for node in self.nodes:
            values[node] = made.node_copy(node, lambda n: values[n])
        return made


class _Nodes:
    """The steps of a graph, to be walked through forward and backward; those added on the way are seen."""

    def __init__(self, graph, forward: bool = True):
        self._graph, self._forward = graph, forward

    def __iter__(self) -> Iterator[Node]:
        root = self._graph._root
        node = root._next if self._forward else root._prev
        while node is not root:
            following = node
            if not node._erased:
                yield node
            node = following._next if self._forward else following._prev

    def __reversed__(self) -> _Nodes:
        return _Nodes(self._graph, not self._forward)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _last_uses(graph) -> dict:
    """For each step, the nodes that nobody needs after it."""
    seen: set = set()
    found: dict = {}
    for node in reversed(graph.nodes):
        for used in node.all_input_nodes:
            if used not in seen:
                seen.add(used)
                found.setdefault(node, []).append(used)
    return found


class _Writer:
    """Writes nodes as lines of Python."""

    def __init__(self, root: str):
        self.root, self.arguments, self.lines, self.returns, self.wrapped = root, [], [], "", {}
        self.globals: dict = {"inf": math.inf, "nan": math.nan, "NoneType": type(None)}
        import sys
        self.globals["torch"] = sys.modules[PACKAGE]
        self.globals["device"] = sys.modules[PACKAGE].device

    def write(self, node: Node, last: dict) -> None:
        """Add the line of one node."""
        if node.op == "placeholder":
            plain = node.target.replace("*", "")
            kind = f" : {self._type(node.type)}" if node.type is not None else ""
            self.arguments.append(f"{node.target}{kind}" + (f" = {self._value(node.args[0])}" if node.args else ""))
            if plain != node.name:
                self.lines.append(f"{node.name} = {plain}")
            return
        if node.op == "output":
            self.returns = f" -> {self._type(node.type)}" if node.type is not None else ""
            self.lines.append(f"return {self._value(node.args[0])}")
            return
        line = self._call(node)
        gone = list(last.get(node, ())) + ([] if node.users else [node])
        if gone:
            line += f";  {' = '.join([n.name for n in gone] + ['None'])}"
        self.lines.append(line)

    def _call(self, node: Node) -> str:
        name = node.name
        kind = f" : {self._type(node.type)}" if node.type is not None else ""
        if node.op == "get_attr":
            return f"{name}{kind} = {path(self.root, node.target)}"
        if node.op == "call_module":
            return f"{name}{kind} = {path(self.root, node.target)}({self._arguments(node.args, node.kwargs)})"
        if node.op == "call_method":
            return f"{name}{kind} = {path(self._value(node.args[0]), node.target)}({self._arguments(node.args[1:], node.kwargs)})"
        short = getattr(node.target, "__name__", "")
        if getattr(node.target, "__module__", None) == "_operator" and short in FORMATS:
            return f"{name}{kind} = {FORMATS[short].format(*map(self._value, node.args))}"
        if getattr(node.target, "__module__", None) == "_operator" and short in IN_PLACE:
            return f"{IN_PLACE[short].format(*map(self._value, node.args))};  {name}{kind} = {self._value(node.args[0])}"
        if node.target is getattr and len(node.args) == 2 and isinstance(node.args[1], str) and node.args[1].isidentifier():
            return f"{name}{kind} = {path(self._value(node.args[0]), node.args[1])}"
        called = self._global(qualified_name(node.target), node.target)
        if node.meta.get("is_wrapped"):
            self.wrapped[called] = None
        return f"{name}{kind} = {called}({self._arguments(node.args, node.kwargs)})"

    def _global(self, name: str, value) -> str:
        if name.startswith("torch.") and "<" not in name:
            holder = self.globals["torch"]
            for part in name.split(".")[1:]:
                holder = getattr(holder, part, None)
            if holder is value:
                return name
        made = re.sub(r"[^0-9a-zA-Z_]", "_", name.removeprefix("builtins."))
        while made in self.globals and self.globals[made] is not value:
            made += "_1"
        if getattr(builtins, made, None) is not value:
            self.globals[made] = value
        return made

    def _type(self, kind) -> str:
        text = type_text(kind)
        if kind is Tensor or isinstance(kind, type) and kind.__module__ == "builtins":
            return text
        return self._global(text.replace("[", "_").replace("]", "_"), kind)

    def _value(self, value) -> str:
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return f"{self._global(qualified_name(type(value)), type(value))}({', '.join(map(self._value, value))})"
        if isinstance(value, tuple):
            return f"({', '.join(map(self._value, value))}{',' if len(value) == 1 else ''})"
        if isinstance(value, list):
            return f"[{', '.join(map(self._value, value))}]"
        if isinstance(value, dict):
            return "{" + ", ".join(f"{k!r}: {self._value(v)}" for k, v in value.items()) + "}"
        if isinstance(value, slice):
            return f"slice({self._value(value.start)}, {self._value(value.stop)}, {self._value(value.step)})"
        if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
            return self._global(qualified_name(value), value)
        return repr(value)

    def _arguments(self, args, kwargs) -> str:
        return ", ".join([*map(self._value, args), *(f"{k} = {self._value(v)}" for k, v in kwargs.items())])

    def text(self) -> str:
        """The whole function."""
        wraps = "\n".join(f'torch.fx._symbolic_trace.wrap("{name}")' for name in self.wrapped)
        arguments = ", ".join([self.root, *self.arguments])
        body = "".join(f"    {line}\n" for line in self.lines or ["pass"])
        return f"\n{wraps}\n\ndef forward({arguments}){self.returns}:\n{body}    "


def path(start: str, target: str) -> str:
    """`start.a.b`; parts that are no names by getattr."""
    for part in target.split("."):
        start = f"{start}.{part}" if part.isidentifier() else f'getattr({start}, "{part}")'
    return start
