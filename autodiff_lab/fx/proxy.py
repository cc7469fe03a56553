"""A proxy stands for a value that is not there yet, and writes down what is done with it."""

from __future__ import annotations

import operator

from .node import Node, map_aggregate

__all__ = ["Attribute", "ParameterProxy", "Proxy", "TraceError"]


class TraceError(ValueError):
    """The program asks a proxy for something that only a number could answer."""


class Proxy:
    """Stands for the result of `node`."""

    def __init__(self, node: Node, tracer=None):
        self.node, self.tracer = node, tracer

    def __repr__(self) -> str:
        return f"Proxy({self.node.name})"

    def __getattr__(self, name: str) -> Attribute:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Attribute(self, name)

    def __call__(self, *args, **kwargs) -> Proxy:
        return self.tracer.create_proxy("call_method", "__call__", (self, *args), kwargs)

    def __bool__(self) -> bool:
        return self.tracer.to_bool(self)

    def __iter__(self):
        import dis
        import sys

        caller = sys._getframe(1)
        step = next((i for i in dis.get_instructions(caller.f_code) if i.offset == caller.f_lasti), None)
        if step is not None and step.opname == "UNPACK_SEQUENCE":  # a, b = proxy
            return (self[i] for i in range(step.argval))
        return self.tracer.iter(self)

    def __len__(self) -> int:
        raise RuntimeError("'len' is not supported in symbolic tracing by default. If you want this call to be recorded, please call torch.fx.wrap('len') at module scope")

    def __contains__(self, value) -> bool:
        raise TraceError("'in' asks for numbers, which a proxy does not have.")

    def keys(self):
        """For `f(**proxy)`."""
        return self.tracer.keys(self)

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        tracers: list = []
        map_aggregate((args, kwargs or {}), lambda v: tracers.append(v.tracer) if isinstance(v, Proxy) else None)
        if any(tracer is not tracers[0] for tracer in tracers):
            raise RuntimeError("Found multiple different tracers while trying to trace operations.")
        name = function.__name__
        args, kwargs = _as_written(function, args, kwargs or {})
        return tracers[0].create_proxy("call_function", function, args, kwargs, name=tracers[0].graph._target_to_str(name))


def _as_written(function, args, kwargs) -> tuple:
    """The arguments of a function of nn.functional as PyTorch's tracer sees them: what has a default comes by name."""
    import inspect

    from ..core.op import public

    if public["nn.functional"].get(function.__name__) is not function or function.__name__ in COMPILED:
        return args, kwargs
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    parameters = inspect.signature(function).parameters
    first = tuple(v for k, v in bound.arguments.items() if parameters[k].default is inspect.Parameter.empty and parameters[k].kind is not inspect.Parameter.VAR_KEYWORD)
    return first, {k: v for k, v in bound.arguments.items() if parameters[k].default is not inspect.Parameter.empty}


# Functions of torch.nn.functional that are compiled in PyTorch, which hands their arguments on as they were written.
COMPILED = frozenset(
    "adaptive_avg_pool1d avg_pool1d avg_pool2d avg_pool3d bilinear celu_ channel_shuffle conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d "
    "cosine_similarity elu_ gelu hardshrink hardtanh_ leaky_relu_ linear logsigmoid native_channel_shuffle one_hot pairwise_distance pdist pixel_shuffle "
    "pixel_unshuffle prelu relu_ rrelu_ scaled_dot_product_attention selu_ softplus softshrink threshold_".split())


class Attribute(Proxy):
    """An attribute of a proxy: a method if it is called, a value if it is used."""

    def __init__(self, root: Proxy, attr: str):
        self.root, self.attr, self.tracer = root, attr, root.tracer
        self._node: Node | None = None

    @property
    def node(self) -> Node:
        """The step that gets the attribute; made when first asked for."""
        if (node := self._node) is None:
            node = self._node = self.tracer.create_proxy("call_function", getattr, (self.root, self.attr), {}).node
        return node

    def __call__(self, *args, **kwargs) -> Proxy:
        return self.tracer.create_proxy("call_method", self.attr, (self.root, *args), kwargs)


class ParameterProxy(Proxy):
    """A proxy of a parameter, which knows its shape."""

    def __init__(self, tracer, node, name, param):
        super().__init__(node, tracer)
        self.name, self.param = name, param


def _magic() -> None:
    def made(function):
        def run(*args, **kwargs):
            return args[0].tracer.create_proxy("call_function", function, args, kwargs)
        return run

    def reflected(function):
        def run(self, other):
            return self.tracer.create_proxy("call_function", function, (other, self), {})
        return run

    for name in "eq ne lt gt le ge pos neg invert add sub mul floordiv truediv mod pow lshift rshift and_ or_ xor getitem matmul abs".split():
        setattr(Proxy, f"__{name.rstrip('_')}__", made(getattr(operator, name)))
    for name in "add sub mul floordiv truediv mod pow lshift rshift and_ or_ xor matmul".split():
        setattr(Proxy, f"__r{name.rstrip('_')}__", reflected(getattr(operator, name)))
    Proxy.__hash__ = object.__hash__


_magic()
