"""Tracing: run a program once on proxies and write down what it does."""

from __future__ import annotations

import contextlib
import functools
import inspect
import math
import sys
import types

from ..core import overriding
from ..core.tensor import Tensor
from ..nn.modules.container import Sequential
from ..nn.modules.module import Module
from ..nn.parameter import Parameter
from .graph import Graph
from .graph_module import GraphModule
from .node import PACKAGE, Node, map_aggregate
from .proxy import Proxy, TraceError

__all__ = ["Tracer", "symbolic_trace", "wrap"]

_wrapped: list = []  # (globals, name) of functions that are recorded as one step


def wrap(fn_or_name):
    """Record calls of a function of your module as one step instead of looking into it. Call it at module level, or use it as a decorator.

    Raises:
        RuntimeError: for something that is neither a function nor a name.
    """
    if not callable(fn_or_name) and not isinstance(fn_or_name, str):
        raise RuntimeError("Unsupported type for global function! Must be either a callable or string name")
    name = fn_or_name if isinstance(fn_or_name, str) else fn_or_name.__name__
    frame = sys._getframe(1)
    if frame.f_code.co_name != "<module>":
        raise NotImplementedError("wrap must be called at the top level of a module")
    _wrapped.append((frame.f_globals, name))
    return fn_or_name


class Tracer:
    """Turns a module or function into a graph. Override `is_leaf_module` to look into more modules or fewer.

    >>> import autodiff_lab as lab
    >>> print(lab.fx.Tracer().trace(lambda x: lab.relu(x) * 2))
    graph():
        %x : [num_users=1] = placeholder[target=x]
        %relu : [num_users=1] = call_function[target=torch.relu](args = (%x,), kwargs = {})
        %mul : [num_users=1] = call_function[target=operator.mul](args = (%relu, 2), kwargs = {})
        return mul
    """

    proxy_buffer_attributes = False

    def __init__(self, autowrap_modules=(math,), autowrap_functions=(), param_shapes_constant: bool = False):
        self._modules_to_wrap, self._functions_to_wrap = autowrap_modules, autowrap_functions

    # ---- what may be overridden ----

    def is_leaf_module(self, m: Module, module_qualified_name: str) -> bool:
        """True for a module that stays one step: those of the library, except Sequential."""
        return m.__module__.startswith((f"{PACKAGE}.nn", "torch.nn")) and not isinstance(m, Sequential)

    def call_module(self, m: Module, forward, args, kwargs):
        """A module was called: one step if it is a leaf, else what its forward does."""
        name = self.path_of_module(m)
        if self.is_leaf_module(m, name):
            return self.create_proxy("call_module", name, args, kwargs)
        return forward(*args, **kwargs)

    def create_node(self, kind: str, target, args, kwargs, name=None, type_expr=None) -> Node:
        """A step of the graph."""
        return self.graph.create_node(kind, target, args, kwargs, name, type_expr)

    def proxy(self, node: Node) -> Proxy:
        """What the program gets for a step."""
        return Proxy(node, self)

    def to_bool(self, obj: Proxy) -> bool:
        """Called by `if proxy:`.

        Raises:
            TraceError: always.
        """
        raise TraceError("symbolically traced variables cannot be used as inputs to control flow")

    def iter(self, obj: Proxy):
        """Called by `for x in proxy:`.

        Raises:
            TraceError: always.
        """
        raise TraceError("Proxy object cannot be iterated. This can be attempted when the Proxy is used in a loop or as a *args or **kwargs function argument. "
                         "See the torch.fx docs on pytorch.org for a more detailed explanation of what types of control flow can be traced, and check out the "
                         "Proxy docstring for help troubleshooting Proxy iteration errors")

    def keys(self, obj: Proxy):
        """Called by `f(**proxy)`."""
        return obj.keys

    # ---- the rest ----

    def create_proxy(self, kind: str, target, args, kwargs, name=None, type_expr=None, proxy_factory_fn=None) -> Proxy:
        """A step and its proxy."""
        node = self.create_node(kind, target, self.create_arg(args), self.create_arg(kwargs), name, type_expr)
        return (proxy_factory_fn or self.proxy)(node)

    def create_arg(self, value):
        """An argument as a graph can hold it: nodes for proxies, and for tensors the attributes where they lie."""
        return map_aggregate(value, self._argument)

    def _argument(self, value):
        if isinstance(value, Proxy):
            return value.node
        if isinstance(value, Parameter):
            for name, each in self.root.named_parameters():
                if each is value:
                    return self.create_node("get_attr", name, (), {})
            raise NameError("parameter is not a member of this module")
        if isinstance(value, Tensor):
            for name, each in self.root.named_buffers():
                if each is value:
                    return self.create_node("get_attr", name, (), {})
            name = self._constants.get(id(value))
            if name is None:
                number = 0
                while hasattr(self.root, f"_tensor_constant{number}"):
                    number += 1
                name = self._constants[id(value)] = f"_tensor_constant{number}"
                setattr(self.root, name, value)
            return self.create_node("get_attr", name, (), {})
        if isinstance(value, (types.GeneratorType, range)):
            return self.create_arg(list(value)) if isinstance(value, types.GeneratorType) else value
        if value is None or value is ... or isinstance(value, (str, int, float, bool, complex, type)) or callable(value) or type(value).__module__.partition(".")[0] in (PACKAGE, "builtins"):
            return value
        raise NotImplementedError(f"argument of type: {type(value)}")

    def path_of_module(self, mod: Module) -> str:
        """The path of a module inside the root.

        Raises:
            NameError: if it is not there.
        """
        for name, each in self.root.named_modules():
            if each is mod:
                return name
        raise NameError("module is not installed as a submodule")

    def trace(self, root, concrete_args: dict | None = None) -> Graph:
        """The graph of a module or function. `concrete_args` are arguments that stay the values given.

        Raises:
            TraceError: where the program asks for numbers.
        """
        overriding.begin()
        is_module = isinstance(root, Module)
        self.root = root if is_module else Module()
        function = type(root).forward if is_module else root
        self.graph = Graph(tracer_cls=type(self))
        self._constants: dict = {}
        run, args, kwargs = self._call(function, is_module, concrete_args or {})
        with self._listening():
            result = run(*args, **kwargs)
            self.create_node("output", "output", (self.create_arg(result),), {}, type_expr=_annotation(function, "return"))
        return self.graph

    def _call(self, function, is_module: bool, concrete: dict) -> tuple:
        """The function to run, and placeholders for its arguments."""
        positional, by_name, number = [], {}, 0
        parameters = list(inspect.signature(inspect.unwrap(function)).parameters.values())
        if is_module:
            by_name[parameters[0].name] = self.root
            positional.append(self.root)
            parameters = parameters[1:]
        for p in parameters:
            starred = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}.get(p.kind, "")
            if p.name in concrete:
                number += 1
                made = self._fixed(p.name, concrete[p.name], number)
            else:
                default = () if p.default is inspect.Parameter.empty or starred else (p.default,)
                made = self.create_proxy("placeholder", starred + p.name, default, {}, type_expr=_annotation(function, p.name))
            by_name[p.name] = made
            if p.kind is not inspect.Parameter.KEYWORD_ONLY:
                positional.append(made)
        if not any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
            return function, positional, {p.name: by_name[p.name] for p in parameters if p.kind is p.KEYWORD_ONLY}
        # *args and **kwargs get one proxy each: the same code, with its stars taken away.
        code = inspect.unwrap(function).__code__
        flat = code.replace(co_flags=code.co_flags & ~(inspect.CO_VARARGS | inspect.CO_VARKEYWORDS), co_argcount=len(by_name), co_kwonlyargcount=0)
        bare = types.FunctionType(flat, function.__globals__, function.__name__, None, function.__closure__)
        return bare, [by_name[name] for name in code.co_varnames[:len(by_name)]], {}

    def _fixed(self, name: str, value, number: int):
        """An argument that stays one value: the graph checks it where it can."""
        made = self.create_proxy("placeholder", f"{name}_{number}", (), {})
        if isinstance(value, (bool, int, float)):
            check = sys.modules[PACKAGE]._assert
            self.create_proxy("call_function", check, (made == value, f"{name} has been specialized to have value {value} but got another value"), {})
        return value

    @contextlib.contextmanager
    def _listening(self):
        """Inside, calls of modules, their parameters and wrapped functions come to this tracer."""
        undo: list = []

        def patch(owner, name, value, set_=setattr, get=getattr):
            before = get(owner, name)
            set_(owner, name, value)
            undo.append(lambda: set_(owner, name, before))

        call, attribute, cache = Module.__call__, Module.__getattr__, {}

        def call_module(module, *args, **kwargs):
            return self.call_module(module, functools.partial(call, module), args, kwargs)

        def get_attribute(module, name):
            found = attribute(module, name)
            if isinstance(found, Parameter) or self.proxy_buffer_attributes and isinstance(found, Tensor):
                for path, each in (*self.root.named_parameters(), *self.root.named_buffers()):
                    if each is found:
                        if path not in cache:
                            cache[path] = self.create_proxy("get_attr", path, (), {})
                        return cache[path]
            return found

        patch(Module, "__call__", call_module)
        patch(Module, "__getattr__", get_attribute)
        item = dict.__setitem__, lambda d, k: d.get(k, getattr(__import__("builtins"), k, None))
        for module in self._modules_to_wrap:
            for name, value in list(vars(module).items()):
                if callable(value) and not name.startswith("_"):
                    patch(vars(module), name, self._recorded(value), *item)
        for globals_, name in _wrapped:
            value = globals_.get(name, getattr(__import__("builtins"), name, None))
            if value is not None:
                patch(globals_, name, self._recorded(value), *item)
        try:
            yield
        finally:
            for each in reversed(undo):
                each()

    @staticmethod
    def _recorded(function):
        @functools.wraps(function)
        def recorded(*args, **kwargs):
            found: list = []
            map_aggregate((args, kwargs), lambda v: found.append(v) if isinstance(v, Proxy) else None)
            if not found:
                return function(*args, **kwargs)
            made = found[0].tracer.create_proxy("call_function", function, args, kwargs)
            made.node.meta["is_wrapped"] = True
            return made
        return recorded


def _annotation(function, name: str):
    return getattr(inspect.unwrap(function), "__annotations__", {}).get(name)


def symbolic_trace(root, concrete_args: dict | None = None) -> GraphModule:
    """A module that does what `root` does, with its graph to look at and to change.

    >>> import autodiff_lab as lab
    >>> traced = lab.fx.symbolic_trace(lambda x: lab.relu(x) + 1)
    >>> print(traced.code.strip())
    def forward(self, x):
        relu = torch.relu(x);  x = None
        add = relu + 1;  relu = None
        return add
    >>> traced(lab.tensor([-1.0, 2.0]))
    tensor([1., 3.])
    """
    tracer = Tracer()
    graph = tracer.trace(root, concrete_args)
    name = type(root).__name__ if isinstance(root, Module) else root.__name__
    return GraphModule(tracer.root, graph, name)
