"""The pass that runs a graph backward.

A node is always newer than what made its inputs. So "newest first" is a valid order: no recursion
and no topological sort, and a chain of a million nodes is fine.

    y = w * x          Node(mul): edges -> w (a leaf), x;  saved = (w, x)
    z = y + b          Node(add): edges -> Node(mul), b;   saved = ()
    z.backward()       add first (newest), then mul; leaves collect into .grad
"""

from __future__ import annotations

import sys
import weakref
from operator import attrgetter

import numpy as np

from . import observe
from .broadcast import fit
from .modes import modes
from .tape import Node
from .tensor import Tensor, wrap

__all__ = ["LISTENERS", "collect", "run_backward"]

ndarray = np.ndarray
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
    order = collect(roots, uses)
    targets = set(inputs) if inputs is not None else None
    needed = needed_for(order, targets, accumulate) if targets is not None else None
    captured: dict = {}
    if LISTENERS.data:
        for listener in list(LISTENERS):
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
    usual = not (create_graph or targets is not None or modes.anomaly)
    for node in order:
        grad = pending.pop(node, None)
        if grad is None:
            continue
        if usual and node._meta is None and node.shape is not None:
            run = node.op.backward
            contributions = run(node, grad)
            if watching and observe.observers:
                observe.grad_flowed(node, grad, contributions)
        else:
            contributions = _run_node(node, grad, targets, needed, captured, create_graph)
            if contributions is None:
                continue
        if not retain_graph and node.op.frees and node.saved:
            node.saved = None
        leaves = None
        for edge, contribution in zip(node.edges, contributions):
            if isinstance(edge, Node):
                like = edge
            elif edge is None:
                continue
            else:
                like = edge._a
                leaves = (edge,) if leaves is None else (*leaves, edge)
            if contribution is None or needed is not None and edge not in needed and edge not in targets:
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
                if previous.__class__ is ndarray:
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


def collect(roots: list, uses: dict) -> list[Node]:
    """Every node reachable from those among `roots`, newest first; counts in `uses` how many edges lead to each leaf."""
    seen = set()
    for root in roots:
        if isinstance(root, Node):
            seen.add(root)
    stack = list(seen)
    order, newest_first, before = [], True, sys.maxsize
    while stack:
        node = stack.pop()
        order.append(node)
        newest_first = newest_first and node.seq < before
        before = node.seq
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
    if not newest_first:  # a chain is found in order
        order.sort(key=_age, reverse=True)
    return order


_age = attrgetter("seq")


def needed_for(order: list[Node], targets: set, run: bool) -> set:
    """The nodes of `order` from which a gradient reaches one of `targets` (nodes or leaves), with `run` also the targets: PyTorch runs those that add to `.grad`."""
    needed = {edge for node in targets if isinstance(node, Node) for edge in (node, *(node.edges if node.op.is_port else ()))} if run else set()
    for node in reversed(order):
        for edge in node.edges:
            if edge is not None and (edge in targets or edge in needed):
                needed.add(node)
                break
    return needed


def _run_node(node: Node, grad, targets, needed, captured: dict, create_graph: bool):
    """Run a node with all that may come between: several outputs, hooks, targets, anomaly mode, observers. None if nothing behind it is wanted."""
    if node.shape is None:
        grad = _materialized(node, grad, create_graph)
    if targets is not None:
        if node not in needed:
            if node in targets:
                captured[node] = grad if node._meta is None else _run_tensor_hooks(node, grad, create_graph)
            return None
        if node in targets:
            captured[node] = grad  # PyTorch takes it before the hooks where the pass goes on
    if node._meta is not None:
        grad = _run_prehooks(node, grad, create_graph)
    if modes.anomaly:
        contributions = _checked_backward(node, grad, create_graph)
    else:
        contributions = node.op.backward_tensors(node, grad) if create_graph else node.op.backward(node, grad)
    if node._meta is not None:
        contributions = _run_posthooks(node, grad, contributions, create_graph)
    if observe.observers:
        observe.grad_flowed(node, grad, contributions)
    return contributions


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
        grad = _call_hooks(extra.hooks, grad, create_graph)
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
        was = None if before is None else np.array(before._a, copy=True) if isinstance(before._a, ndarray) else before._a
        observe.leaf_accumulated(leaf, grad._a if create_graph else grad, was)
    if not leaf._rg:
        pass  # it asked for gradients once, and does no longer
    elif create_graph:
        leaf._grad = _copied(grad, leaf) if before is None else before + grad
    elif before is None:
        # 3 references: the caller's `grad`, our argument, and getrefcount's own.
        mine = grad.__class__ is not ndarray or (grad.base is None and sys.getrefcount(grad) <= 3 and grad.flags.c_contiguous)
        leaf._grad = wrap(grad if mine else grad.copy())
    else:
        into = before._a
        if into.__class__ is ndarray and into.flags.writeable and into.shape == grad.shape:
            if not into.flags.c_contiguous:
                _check_apart(before)
            np.add(into, grad, out=into, casting="same_kind")
            if before._ver is not None:
                before._ver.bump()
        elif before._rg:
            with _no_grad():
                leaf._grad = before + wrap(grad)
        else:
            before._a = into + grad
    if leaf._x is not None and leaf._x.post_hooks:
        for hook in list(leaf._x.post_hooks.values()):
            hook(leaf)


def _copied(grad, leaf):
    """A recorded copy of `grad` that lies in memory as `leaf` does."""
    from .op import public

    return public[""]["empty_like"](leaf.detach()).copy_(grad)


def _check_apart(grad) -> None:
    """Refuse to add into a gradient whose elements share memory, such as an expanded one that a program assigned."""
    from .op import registry
    from .views import check_writable

    check_writable(grad, registry["add"], False)


class _no_grad:
    def __enter__(self):
        self.previous, modes.grad = modes.grad, False

    def __exit__(self, *exception):
        modes.grad = self.previous


def _call_hooks(hooks: dict, grad, create_graph: bool):
    """Run tensor hooks on a gradient, one after the other; what one returns, if anything, takes its place.

    All get one and the same tensor until one returns another: what a hook writes on it, the next one reads.
    """
    given = grad if create_graph else wrap(grad)
    for hook in list(hooks.values()):
        returned = hook(given)
        if returned is None:
            continue
        if not isinstance(returned, Tensor):
            raise TypeError(f"hook should return a Tensor or None, got {type(returned).__name__}.")
        if returned.shape != given.shape:
            raise RuntimeError(f"hook '{getattr(hook, '__name__', 'hook')}' has changed the size of value: {list(given.shape)} before, {list(returned.shape)} after.")
        given = returned
    return given if create_graph else given._a


def _run_tensor_hooks(node: Node, grad, create_graph: bool):
    """The hooks of tensors on their gradient, and what tensors retain of it."""
    meta = node._meta
    if meta.tensor_hooks:
        grad = _call_hooks(meta.tensor_hooks, grad, create_graph)
    for keeper in meta.retain:
        tensor = keeper()
        if tensor is not None:
            kept = grad if create_graph else wrap(np.array(grad, copy=True) if isinstance(grad, ndarray) else grad)
            tensor._grad = kept if tensor._grad is None else tensor._grad + kept
    return grad


def _run_prehooks(node: Node, grad, create_graph: bool):
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
    def shown(values):
        return tuple(v if v is None or create_graph else wrap(v) for v in values)

    for hook in list(node._meta.after.values()):
        returned = hook(shown(contributions), shown(grad if isinstance(grad, list) else [grad]))
        if returned is not None:
            returned = returned if isinstance(returned, tuple) else (returned,)
            contributions = tuple(r if r is None or create_graph else r._a for r in returned)
    return contributions
