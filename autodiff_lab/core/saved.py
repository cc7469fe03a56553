"""What nodes saved, as it is shown and taken back: `y.grad_fn._saved_other`, and the hooks that keep something else instead."""

from __future__ import annotations

import numpy as np

from .tape import FREED
from .tensor import Tensor, wrap

__all__ = ["Packed", "RawSaved", "pytorchs_names", "reopen", "saved_value"]


class Packed(list):
    """What a node saved, as `saved_tensors_hooks` packed it: (unpack, value, Tensor or ndarray) triples; (None, value, None) for the rest."""


def reopen(node) -> tuple:
    """What `node` saved, if it was freed (an error) or packed by saved-tensor hooks."""
    if node.saved is None:
        raise RuntimeError(FREED)
    opened = []
    for unpack, value, kind in node.saved:
        if unpack is not None:
            value = unpack(value)
            if not isinstance(value, Tensor):
                raise TypeError(f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type {type(value).__name__}")
            if kind is not Tensor:
                value = value._a
        opened.append(value)
    return tuple(opened)


def pytorchs_names(op) -> dict:
    """PyTorch's words for the first argument and the result, and ours."""
    return {"self": op.params[0].name if op.params else "self", "result": "out"}


def saved_place(op, name: str) -> tuple[str, int, bool]:
    """The name of a saved value, where it stands among what is saved, and whether it is an output, which has its version beside it."""
    name = pytorchs_names(op).get(name, name)
    position = 0
    for each in op.built.saved_names:
        is_output = each == "out" or (isinstance(op.outputs, tuple) and each in op.outputs)
        if each == name:
            return name, position, is_output
        position += 2 if is_output else 1
    raise AttributeError(f"{op.node_name} saves {op.built.saved_names}, not {name!r}.")


def saved_value(op, node, name):
    """The saved value `name` of `node` for `_saved_<name>`."""
    from .support import saved_output

    name, position, is_output = saved_place(op, name)
    saved = node.saved if node.saved.__class__ is tuple else reopen(node)
    value = saved[position]
    if is_output:
        return saved_output(node, value, 0 if name == "out" else op.outputs.index(name), saved[position + 1])
    return wrap(value) if not isinstance(value, Tensor) and hasattr(value, "dtype") else value


class RawSaved:
    """One saved tensor of a node, as `grad_fn._raw_saved_<name>` gives it."""

    def __init__(self, op, node, name: str):
        self._op, self._node, self._name = op, node, name
        saved_place(op, name)

    def register_hooks(self, pack_hook, unpack_hook) -> None:
        """Keep `pack_hook(tensor)` instead of the tensor, and take it out again by `unpack_hook`.

        Raises:
            RuntimeError: if there are hooks already, the graph is freed, or what is saved is no tensor.
        """
        node = self._node
        _, position, _ = saved_place(self._op, self._name)
        if node.saved is None:
            raise RuntimeError(FREED)
        triples = Packed((None, v, None) for v in node.saved) if node.saved.__class__ is tuple else node.saved
        unpack, kept, _ = triples[position]
        if unpack is not None:
            raise RuntimeError("Calling register_hooks on a saved tensor whose hooks have already been set. Hint: only one pair of hooks is allowed at a time.")
        value = saved_value(self._op, node, self._name)
        if not isinstance(value, Tensor):
            raise RuntimeError("Calling register_hooks on a saved tensor with value None is forbidden")
        triples[position] = (unpack_hook, pack_hook(value.detach()), Tensor if isinstance(kept, Tensor) else np.ndarray)
        node.saved = triples
