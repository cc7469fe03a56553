"""The tape: nodes that remember how a tensor was made. The pass that runs them backward is in backward.py.

    y = w * x          Node(mul): edges -> w (a leaf), x;  saved = (w, x)
    z = y + b          Node(add): edges -> Node(mul), b;   saved = ()
"""

from __future__ import annotations

import weakref
from itertools import count

from . import observe
from .modes import modes

__all__ = ["EngineOp", "Node", "Version", "check_version", "without_derivative"]

clock = count(1)  # numbers nodes and in-place writes; `next` is atomic in CPython


class Version:
    """Counts in-place writes to one piece of memory; a tensor and its views share it."""

    __slots__ = ("count", "last", "recent")

    def __init__(self):
        self.count, self.last, self.recent = 0, 0, ()  # how many writes there were; when, by the clock: the last, the last few

    def bump(self) -> None:
        """Note a write: nodes older than it may no longer use what they saved."""
        self.count += 1
        self.last = next(clock)
        if self.recent:
            self.recent.append(self.last)
            if len(self.recent) > 64:
                del self.recent[:48]
        else:
            self.recent = [self.last]

    def at(self, seq: int) -> int:
        """The version when the node numbered `seq` was made."""
        return self.count - sum(written > seq for written in self.recent)


def new_version() -> Version:
    """`Version()` in less time: filled here, without a call of __init__."""
    version = object.__new__(Version)
    version.count = version.last = 0
    version.recent = ()
    return version


class Node:
    """One recorded operator: what it was, where gradients go next, and what it saved for that."""

    __slots__ = ("__weakref__", "_meta", "dtype", "edges", "op", "saved", "seq", "shape")

    def name(self) -> str:
        """What PyTorch calls it, e.g. "MulBackward0"."""
        return self.op.node_name

    @property
    def meta(self) -> Meta:
        """Hooks and notes; made when first asked for."""
        if self._meta is None:
            self._meta = Meta()
            if observe.observers:
                observe.tell("node_annotated", self)
        return self._meta

    @property
    def next_functions(self) -> tuple:
        """The nodes that this one hands gradients to, each with the number of that node's output."""
        found = tuple(as_function(edge) for edge in self.edges)
        shown = getattr(self.op, "shown", None)  # an operator that PyTorch makes of several says what PyTorch shows
        return found if shown is None else shown(self.name(), *found)

    @property
    def metadata(self) -> dict:
        """A place for notes of your own."""
        return self.meta.notes

    def register_hook(self, hook):
        """Call `hook(grad_inputs, grad_outputs)` after this node ran; what it returns replaces grad_inputs."""
        return Handle(self.meta.after, hook)

    def register_prehook(self, hook):
        """Call `hook(grad_outputs)` before this node runs; what it returns replaces grad_outputs."""
        return Handle(self.meta.before, hook)

    # What it saved is shown as `_saved_<name>`, by properties that `show_saved` makes: with a __getattr__, Python
    # would look up every attribute the long way, also those that the engine asks for.

    def __dir__(self):
        saved = self.op.saved_names()
        return [name for name in object.__dir__(self) if "_saved_" not in name or name.partition("_saved_")[2] in saved]

    def __call__(self, *grads):
        """Run this node's rules by hand on gradients (tensors) and return its contributions."""
        return self.op.call(self, grads)

    def __repr__(self) -> str:
        return f"<{self.op.shown_in}{self.name()} object at {id(self):#x}>"


class OwnNode(Node):
    """The node of a `Function` of your own: what else is asked of it, its context knows."""

    __slots__ = ()

    def __getattr__(self, name: str):
        return getattr(self.op.ctx, name)


def show_saved(name: str) -> None:
    """Let nodes that saved something as `name` show it, as PyTorch's do: `_saved_<name>`, and `_raw_saved_<name>` for hooks."""
    setattr(Node, f"_saved_{name}", property(lambda node: node.op.saved_value(node, name)))
    setattr(Node, f"_raw_saved_{name}", property(lambda node: node.op.raw_saved(node, name)))


for _word in ("self", "result"):  # PyTorch's for the first argument and the result
    show_saved(_word)


class Meta:
    """What few nodes need: hooks, tensors that retain their gradient, anomaly notes."""

    __slots__ = ("after", "before", "notes", "retain", "tensor_hooks", "trace")

    def __init__(self):
        self.tensor_hooks, self.before, self.after = {}, {}, {}
        self.retain, self.notes, self.trace = [], {}, None


class Handle:
    """Returned by every `register_*hook`; `remove()` takes the hook away. Also a context manager."""

    _ids = count()

    def __init__(self, hooks_dict: dict, hook=None, *, extra_dict=None):
        """`hooks_dict[id]` and `extra_dict[id]`, or that of each dict in a list, is what `remove()` takes away; a `hook` is put there."""
        self.id = next(Handle._ids)
        self._hooks = weakref.ref(hooks_dict) if not isinstance(hooks_dict, dict) else lambda: hooks_dict
        self._extra = [] if extra_dict is None else list(extra_dict) if isinstance(extra_dict, (list, tuple)) else [extra_dict]
        if hook is not None:
            hooks_dict[self.id] = hook

    def remove(self) -> None:
        """Take the hook away; twice is the same as once."""
        for hooks in (self._hooks(), *self._extra):
            if hooks is not None:
                hooks.pop(self.id, None)

    def __enter__(self):
        return self

    def __exit__(self, *exception) -> None:
        self.remove()


class AccumulateGrad:
    """What `next_functions` shows for a leaf: the place that adds into `leaf.grad`."""

    __slots__ = ("variable",)

    def __init__(self, variable):
        self.variable = variable

    next_functions = ()

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"

    def register_hook(self, hook):
        """Call `hook((), (grad,))` after the gradient was added to the leaf."""
        return self.variable.register_post_accumulate_grad_hook(lambda leaf: hook((), (leaf.grad,)))

    def register_prehook(self, hook):
        """Call `hook((grad,))` before the gradient is added to the leaf; a returned tuple replaces it."""
        def replace(grad):
            returned = hook((grad,))
            return returned[0] if returned is not None else None
        return self.variable.register_hook(replace)

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {id(self):#x}>"

    def __eq__(self, other) -> bool:
        return isinstance(other, AccumulateGrad) and other.variable is self.variable

    def __hash__(self) -> int:
        return hash((AccumulateGrad, id(self.variable)))


class Step:
    """What `next_functions` shows for a step that PyTorch takes by itself and that is part of one operator here."""

    __slots__ = ("_name", "next_functions")

    def __init__(self, name: str, *next_functions):
        self._name, self.next_functions = name, next_functions

    def name(self) -> str:
        return self._name

    def __repr__(self) -> str:
        return f"<{self._name} object at {id(self):#x}>"


def through(name: str, found: tuple) -> tuple:
    """An edge as `next_functions` shows it, with one more step on its way; nothing stays nothing."""
    return found if found[0] is None else (Step(name, found), 0)


def as_function(edge) -> tuple:
    """An edge as PyTorch shows it: (node, output number), (AccumulateGrad, 0) for a leaf, (None, 0) for nothing."""
    if edge is None:
        return None, 0
    if not isinstance(edge, Node):
        return AccumulateGrad(edge), 0
    if edge.op.is_port:
        return edge.edges[0], edge.saved[0]
    return edge, 0


class Runs:
    """What the backward pass asks of a node's operator, in slots, where Python finds it soonest: the rules on arrays and on tensors,
    and whether what its nodes saved is let go afterwards."""

    __slots__ = ("backward", "backward_tensors", "frees")


class EngineOp(Runs):
    """A step of the engine itself, such as a write through a view: it has a node, but no public function."""

    is_port = False
    category, latex, rules, params = "other", "", {}, ()
    shown_in = ""  # the module that stands before the name of a node

    def __init__(self, name: str, backward):
        """Args:
            name: as PyTorch shows it, e.g. "CopySlices".
            backward: `(node, grad)` to contributions, written for arrays and tensors alike.
        """
        self.name, self.node_name = name, name
        self.backward = self.backward_tensors = backward
        self.frees = True

    def saved_names(self) -> tuple:
        return ()

    def saved_value(self, node, name):
        raise AttributeError(f"{self.name} saves nothing called {name!r}.")

    def call(self, node, grads):
        return self.backward_tensors(node, grads[0])


def new_node(op, edges: tuple, saved: tuple, shape, dtype, kind=Node) -> Node:
    """A node that is newer than every other, for operators that are not generated from a rule."""
    node = kind()
    node.op, node.edges, node.saved = op, edges, saved
    node.shape, node.dtype, node._meta = shape, dtype, None
    node.seq = next(clock)
    for watch in modes.special:
        watch(node)
    return node


def without_derivative(inputs, results, name: str, error=RuntimeError) -> None:
    """Give `results`, which no rule leads back to `inputs`, a node that says so once a gradient reaches it."""
    if not modes.grad or not any(t.requires_grad for t in inputs):
        return
    def refuse(node, grad):
        raise error(f"derivative for aten::{name} is not implemented" if error is RuntimeError else f"the derivative for '{name}' is not implemented.")
    edges = tuple((t._node or t) if t.requires_grad else None for t in inputs)
    for result in results:
        result._node = new_node(EngineOp("torch::autograd::NotImplemented", refuse), edges, (), result._a.shape, result._a.dtype)
        result._rg = True


def _port_backward(node, grad):
    return (grad,)


PORT = EngineOp("Output", _port_backward)
"""One output of an operator that has several: it hands its gradient on under its number."""
PORT.is_port, PORT.frees = True, False


def port(parent: Node, index: int, shape, dtype) -> Node:
    """The node of output `index` of `parent`, whose own shape is None because it has several."""
    node = Node()
    node.op, node.edges, node.saved = PORT, (parent,), (index,)
    node.shape, node.dtype, node._meta = shape, dtype, None
    node.seq = next(clock)
    return node


FREED = ("Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). "
         "Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
         "Specify retain_graph=True if you need to backward through the graph a second time "
         "or if you need to access saved tensors after calling backward.")


def check_version(node: Node, version: Version, shape, dtype_title: str = "Float", maker: str = "") -> None:
    """Raise if `version` says that a value which `node` saved was written to since.

    Raises:
        RuntimeError: naming the operator, the shape and both versions.
    """
    if version.last <= node.seq:
        return
    then = version.at(node.seq)
    made = f", which is output 0 of {maker.removesuffix('0').removesuffix('Backward')}," if maker else ""
    raise RuntimeError(
        f"one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[torch.{dtype_title}Tensor {list(shape)}]{made} is at version {version.count}; expected version {then} instead. "
        f"{node.op.name} kept a tensor of shape {list(shape)} for its backward pass, but it was modified in place afterwards "
        f"(version {then} then, {version.count} now). Use an out-of-place operation, or clone() the tensor before writing to it.")
