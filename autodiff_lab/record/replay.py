"""Running a recorded graph again with another leaf value: the engine itself answers what-if."""

from __future__ import annotations

from ..core import observe
from ..core.modes import enable_grad
from ..core.tensor import wrap
from .build import build
from .entries import Arg
from .recorder import Recorder

__all__ = ["rerun", "what_if_for"]

OPERATORS_AT_MOST = 300


def what_if_for(recorder: Recorder, roots, snapshot, label=lambda filename: None):
    """A function `(node, value) -> snapshot` for a small graph; None where the graph can't be run again."""
    entries, order = recorder.entries, []
    seen, stack = set(), [int(r) for r in roots]
    while stack:
        key = stack.pop()
        if key in seen:
            continue
        seen.add(key)
        if key > 0:
            entry = recorder.look(key)
            if entry is None or not entry.frames or entry.layer or entry.output is not None or entry.shape is None or entry.error or len(seen) > OPERATORS_AT_MOST:
                return None
            for value in entry.inputs:
                if value.__class__ is Arg:
                    stack.append(int(value))
                elif value.__class__ is list:
                    stack += [int(v) for v in value if v.__class__ is Arg]
    order = [recorder.look(key) for key in list(entries) if key in seen]
    leaves = {}
    for key in seen:
        if key < 0:
            leaf = recorder.by_key.get(key)
            if leaf is None:
                return None
            tensor = leaf.ref()
            held = leaf.value() if callable(leaf.value) else leaf.value
            held = held if held is not None else tensor._a if tensor is not None else None
            if held is None:
                return None
            leaves[key] = (held, leaf.wants_grad)
    if not order:
        return None
    leaf_nodes = [node.id for node in snapshot.nodes if node.kind != "op"]
    leaf_keys = list(dict.fromkeys(_leaf_order(order)))
    if len(leaf_keys) != len(leaf_nodes):
        return None
    key_of_node = dict(zip(leaf_nodes, leaf_keys))
    changed: dict[int, float] = {}

    def what_if(node: int, value: float):
        changed[key_of_node[node]] = value
        return rerun(order, leaves, changed, [int(r) for r in roots], snapshot)
    return what_if


def _leaf_order(order):
    """Leaves in the order in which a snapshot lists them: before their first use."""
    for entry in order:
        for value in entry.inputs:
            for part in value if value.__class__ is list else [value]:
                if part.__class__ is Arg and part < 0:
                    yield int(part)


def rerun(order, leaves, changed, roots, snapshot):
    """The snapshot of the same operators on other leaf values, with the same names, and the backward pass if one had run."""
    tensors = {}
    for key, (held, wants) in leaves.items():
        tensor = wrap(held.copy() if hasattr(held, "copy") else held)
        if key in changed:
            tensor = wrap(tensor._a.dtype.type(changed[key]))
        tensor._rg = wants
        tensors[key] = tensor
    recorder = Recorder()
    others = observe.followers  # the learner's own observers must not see a question
    for observer in others:
        observe.detach(observer)
    observe.attach(recorder)
    try:
        with enable_grad():
            for entry in order:
                tensors[entry.key] = _call(entry, tensors)
            outputs = [tensors[r] for r in roots]
            if snapshot.backward == "ran" and all(t._node is not None and t.shape == () for t in outputs):
                for output in outputs:
                    output.backward()
    finally:
        observe.detach(recorder)
        for observer in others:
            observe.attach(observer)
    made = build(recorder, [recorder._key(t) for t in outputs], title=snapshot.title)
    return _renamed(made, snapshot)


def _call(entry, tensors):
    def given(value):
        if value.__class__ is Arg:
            return tensors[int(value)]
        return [given(v) for v in value] if value.__class__ is list else value

    function = entry.op.built.forward  # also of an in-place form: the numbers are the same
    positional, keywords = [], {}
    for param, value in zip(entry.op.params, entry.inputs):
        if param.keyword_only:
            keywords[param.name] = given(value)
        else:
            positional.append(given(value))
    return function(*positional, **keywords)


def _renamed(made, snapshot):
    """Words and places of `snapshot` on the numbers of `made`; both list the same operators in the same order."""
    from dataclasses import replace

    if len(made.nodes) != len(snapshot.nodes):
        raise ValueError("the graph ran again in another shape than was recorded, so it can't be compared.")
    nodes = tuple(replace(old, value=new.value, grad=new.grad, grad_state=new.grad_state) for new, old in zip(made.nodes, snapshot.nodes))
    edges = tuple(replace(old, local=new.local) for new, old in zip(made.edges, snapshot.edges))
    return replace(snapshot, nodes=nodes, edges=edges, steps=made.steps)
