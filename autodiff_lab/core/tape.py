"""The tape: nodes that remember how a tensor was made, and the pass that runs them backward.

A node is always newer than what made its inputs. So "newest first" is a valid order: no recursion
and no topological sort, and a chain of a million nodes is fine.

    y = w * x          Node(mul): edges -> w (a leaf), x;  saved = (w, x)
    z = y + b          Node(add): edges -> Node(mul), b;   saved = ()
    z.backward()       add first (newest), then mul; leaves collect into .grad
"""

from __future__ import annotations

import sys
import weakref
from itertools import count
from operator import attrgetter

import numpy as np

from . import observe
from .broadcast import fit
from .modes import modes

__all__ = ["EngineOp", "Node", "Version", "check_version", "run_backward", "without_derivative"]

clock = count(1)  # numbers nodes and in-place writes; `next` is atomic in CPython


class Version:
    """Counts in-place writes to one piece of memory; a tensor and its views share it."""

    __slots__ = ("count", "last", "recent")

    def __init__(self):
        self.count, self.last, self.recent = 0, 0, ()

    def bump(self) -> None:
        """Note a write: nodes older than it may no longer use what they saved."""
        self.count += 1
        self.last = next(clock)
        self.recent = (*self.recent[-15:], self.last)

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

    def __init__(self, hooks: dict, hook):
        self.id = next(Handle._ids)
        self._hooks = weakref.ref(hooks) if not isinstance(hooks, dict) else lambda: hooks
        hooks[self.id] = hook

    def remove(self) -> None:
        """Take the hook away; twice is the same as once."""
        hooks = self._hooks()
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


def collect(roots: list[Node], uses: dict) -> list[Node]:
    """Every node reachable from `roots`, newest first; counts in `uses` how many edges lead to each leaf."""
    seen = set(roots)
    stack = list(seen)
    order = []
    while stack:
        node = stack.pop()
        order.append(node)
        for edge in node.edges:
            if edge is None:
                continue
            if isinstance(edge, Node):
                if edge not in seen:
                    seen.add(edge)
                    stack.append(edge)
            elif edge in uses:
                uses[edge] += 1
            else:
                uses[edge] = 1
    order.sort(key=_age, reverse=True)
    return order


_age = attrgetter("seq")


def needed_for(order: list[Node], targets: set) -> set:
    """The nodes of `order` from which a gradient reaches one of `targets` (nodes or leaves)."""
    needed = set()
    for node in reversed(order):
        for edge in node.edges:
            if edge is not None and (edge in targets or edge in needed):
                needed.add(node)
                break
    return needed


LISTENERS: weakref.WeakSet = weakref.WeakSet()  # told at the beginning of each pass which nodes and leaves it reaches


def run_backward(roots, grads, *, retain_graph=False, create_graph=False, inputs=None, accumulate=True):
    """Send `grads` backward from `roots` and add what arrives to the leaves' `.grad`.

    Args:
        roots: nodes or leaf tensors, one per output.
        grads: their gradients; arrays, or Tensors if `create_graph`.
        retain_graph: keep what was saved, for another pass.
        create_graph: record the pass itself, so that it can be differentiated.
        inputs: nodes or leaves to stop at; None means every leaf.
        accumulate: add to `.grad` (else only return what arrived).

    Returns:
        dict: gradient per element of `inputs` that one arrived at.
    """
    pending: dict = {}
    owned: set = set()  # targets whose pending sum is the engine's own buffer
    uses: dict = {}
    order = collect([root for root in roots if isinstance(root, Node)], uses)
    targets = set(inputs) if inputs is not None else None
    needed = needed_for(order, targets) if targets is not None else None
    captured: dict = {}
    for listener in list(LISTENERS) if LISTENERS else ():
        listener.begin({*order, *uses, *roots} if targets is None else needed | (targets & {*order, *uses, *roots}))
    for root, grad in zip(roots, grads):
        if isinstance(root, Node):
            if grad.__class__ is root.dtype and root not in pending:
                pending[root] = grad  # a scalar loss and its 1
            else:
                _deliver(root, grad, pending, owned, None)
        else:
            _deliver(root, grad, pending, owned, None)
            if root not in uses:
                _settle_leaf(root, pending, targets, captured, accumulate, create_graph)
    watching = bool(observe.observers)
    anomaly = modes.anomaly
    for node in order:
        grad = pending.pop(node, None)
        if grad is None:
            continue
        if node.shape is None:
            grad = _materialized(node, grad, create_graph)
        if targets is not None:
            if node not in needed:
                if node in targets:
                    captured[node] = grad if node._meta is None else _run_tensor_hooks(node, grad, create_graph)
                continue
            if node in targets:
                captured[node] = grad  # PyTorch takes it before the hooks where the pass goes on
        if node._meta is not None:
            grad = _run_prehooks(node, grad, create_graph)
        op = node.op
        if anomaly:
            contributions = _checked_backward(node, grad, create_graph)
        else:
            run = op.backward_tensors if create_graph else op.backward
            contributions = run(node, grad)
        if node._meta is not None:
            contributions = _run_posthooks(node, grad, contributions, create_graph)
        if watching and observe.observers:
            observe.grad_flowed(node, grad, contributions)
        if not retain_graph and op.frees and node.saved:
            node.saved = None
        leaves = None
        for edge, contribution in zip(node.edges, contributions):
            if isinstance(edge, Node):
                like = edge
            elif edge is not None:
                like = edge._a
                leaves = (edge,) if leaves is None else (*leaves, edge)
            if contribution is None or edge is None or not (targets is None or edge in needed or edge in targets):
                continue
            if contribution.__class__ is not like.dtype and (create_graph or contribution.dtype is not like.dtype or contribution.shape != like.shape):
                # (A node with a scalar output has the scalar's class as its dtype: one test instead of two.)
                _deliver(edge, contribution, pending, owned, node)
            elif edge not in pending:
                pending[edge] = contribution
            elif edge in owned:
                previous = pending[edge]
                previous += contribution
            else:
                pending[edge] = previous = pending[edge] + contribution
                if previous.__class__ is np.ndarray:
                    owned.add(edge)
        if leaves is not None:
            # Drop our own references first, so that a leaf may keep a buffer that nobody else holds.
            grad = contributions = contribution = previous = None
            for leaf in leaves:
                left = uses[leaf] - 1
                if left:
                    uses[leaf] = left
                else:
                    _settle_leaf(leaf, pending, targets, captured, accumulate, create_graph)
    for leaf in [edge for edge in pending if not isinstance(edge, Node)] if pending else ():
        _settle_leaf(leaf, pending, targets, captured, accumulate, create_graph)
    return captured


def _checked_backward(node: Node, grad, create_graph: bool):
    """Run a node in anomaly mode: what goes wrong is reported with the line of the forward pass."""
    try:
        contributions = node.op.backward_tensors(node, grad) if create_graph else node.op.backward(node, grad)
    except Exception as error:
        modes.anomaly(node, (), error)
        raise
    modes.anomaly(node, contributions)
    return contributions


def _deliver(edge, grad, pending: dict, owned: set, source: Node | None) -> None:
    """Add `grad` to what waits for `edge`, after undoing broadcasting and casting to its type."""
    is_leaf = not isinstance(edge, Node)
    if not is_leaf and edge.shape is None:  # a node with several outputs: keep them apart
        slots = pending.setdefault(edge, {})
        index = source.saved[0] if source is not None else 0
        slots[index] = grad if slots.get(index) is None else slots[index] + grad
        return
    like = edge._a if is_leaf else edge
    try:
        grad = fit(grad, like.shape, like.dtype)
    except RuntimeError as error:
        name = "" if source is None else f"Function {source.name()} returned an invalid gradient at index {source.edges.index(edge)}"
        raise RuntimeError(f"{name or 'a backward rule returned an invalid gradient'} - {error}") from None
    previous = pending.get(edge)
    pending[edge] = grad if previous is None else previous + grad
    owned.discard(edge)


def _materialized(node: Node, slots: dict, create_graph: bool) -> list:
    """The gradients of all outputs of a node, zeros where none arrived."""
    shapes = node.op.output_shapes(node)
    like = next(iter(slots.values()))
    return [slots.get(i) if i in slots else node.op.zeros(shape, dtype, like) for i, (shape, dtype) in enumerate(shapes)]


def _settle_leaf(leaf, pending: dict, targets, captured: dict, accumulate: bool, create_graph: bool) -> None:
    """The last edge into `leaf` is done: hooks run and the sum goes into `leaf.grad`."""
    grad = pending.pop(leaf, None)
    if grad is None:
        return
    if leaf._view is not None and leaf._view.base._rg:
        return  # a view whose history is not known is no leaf of its own
    extra = leaf._x
    if extra is not None and extra.hooks:
        for hook in list(extra.hooks.values()):
            grad = _call_hook(hook, grad, create_graph)
    if targets is not None:
        if leaf not in targets:
            return
        captured[leaf] = grad
        if not accumulate:
            return
    if accumulate:
        accumulate_leaf(leaf, grad, create_graph)


def accumulate_leaf(leaf, grad, create_graph: bool) -> None:
    """Add `grad` to `leaf.grad`; the first one is copied unless nobody else holds it."""
    before = leaf._grad
    if observe.observers:
        # A snapshot, because the sum below may be written into the same memory.
        was = None if before is None else np.array(before._a, copy=True) if isinstance(before._a, np.ndarray) else before._a
        observe.leaf_accumulated(leaf, getattr(grad, "_a", grad), was)
    if create_graph:
        leaf._grad = grad if before is None else before + grad
    elif before is None:
        # 3 references: the caller's `grad`, our argument, and getrefcount's own.
        mine = grad.__class__ is not np.ndarray or (grad.base is None and sys.getrefcount(grad) <= 3 and grad.flags.c_contiguous)
        leaf._grad = leaf._wrap(grad if mine else grad.copy())
    else:
        into = before._a
        if into.__class__ is np.ndarray and not before._rg and into.flags.writeable and into.shape == grad.shape:
            np.add(into, grad, out=into, casting="same_kind")
            if before._ver is not None:
                before._ver.bump()
        elif before._rg:
            with _no_grad():
                leaf._grad = before + leaf._wrap(grad)
        else:
            before._a = into + grad
    if leaf._x is not None and leaf._x.post_hooks:
        for hook in list(leaf._x.post_hooks.values()):
            hook(leaf)


class _no_grad:
    def __enter__(self):
        self.previous, modes.grad = modes.grad, False

    def __exit__(self, *exception):
        modes.grad = self.previous


def _call_hook(hook, grad, create_graph: bool):
    """Run a tensor hook on a gradient; what it returns, if anything, takes its place."""
    from .tensor import Tensor, wrap

    given = grad if create_graph else wrap(grad)
    returned = hook(given)
    if returned is None:
        return grad
    if not isinstance(returned, Tensor):
        raise TypeError(f"hook should return a Tensor or None, got {type(returned).__name__}.")
    if returned.shape != given.shape:
        raise RuntimeError(f"hook '{getattr(hook, '__name__', 'hook')}' has changed the size of value: {list(given.shape)} before, {list(returned.shape)} after.")
    return returned if create_graph else returned._a


def _run_tensor_hooks(node: Node, grad, create_graph: bool):
    """The hooks of tensors on their gradient, and what tensors retain of it."""
    from .tensor import wrap

    meta = node._meta
    for hook in list(meta.tensor_hooks.values()):
        grad = _call_hook(hook, grad, create_graph)
    for keeper in meta.retain:
        tensor = keeper()
        if tensor is not None:
            kept = grad if create_graph else wrap(np.array(grad, copy=True) if isinstance(grad, np.ndarray) else grad)
            tensor._grad = kept if tensor._grad is None else tensor._grad + kept
    return grad


def _run_prehooks(node: Node, grad, create_graph: bool):
    from .tensor import wrap

    grad = _run_tensor_hooks(node, grad, create_graph)
    for hook in list(node._meta.before.values()):
        many = grad if isinstance(grad, list) else [grad]
        returned = hook(tuple(g if create_graph else wrap(g) for g in many))
        if returned is not None:
            returned = list(returned) if isinstance(returned, (tuple, list)) else [returned]
            returned = [g if create_graph else g._a for g in returned]
            grad = returned if isinstance(grad, list) else returned[0]
    return grad


def _run_posthooks(node: Node, grad, contributions, create_graph: bool):
    from .tensor import wrap

    def shown(values):
        return tuple(v if v is None or create_graph else wrap(v) for v in values)

    for hook in list(node._meta.after.values()):
        returned = hook(shown(contributions), shown(grad if isinstance(grad, list) else [grad]))
        if returned is not None:
            returned = returned if isinstance(returned, tuple) else (returned,)
            contributions = tuple(r if r is None or create_graph else r._a for r in returned)
    return contributions
