"""What the recorder keeps of operators, leaves, module calls and backward passes, and how to read it."""

from __future__ import annotations

import weakref
from types import CodeType
from typing import NamedTuple

import numpy as np
from numpy import ndarray

from ..core.devices import device_of
from .text import number

__all__ = ["Arg", "Before", "Entry", "Flow", "Leaf", "Norm", "OnDevice", "ScopeEntry", "call_of", "flows_of", "frames_and_keys", "inputs_of", "keep", "short_name", "slots_of", "told"]

SMALL = 64  # arrays up to this size are copied where they are met


class LeafRef(weakref.ref):
    """A weak reference that knows the id of its tensor when that is gone."""

    __slots__ = ("number",)


class Leaf:
    """A tensor that no recorded operator made."""

    __slots__ = ("dtype", "key", "name", "number", "ref", "shape", "value", "wants_grad")

    def __init__(self, key: int, tensor, gone):
        array = tensor._a
        self.key, self.ref, self.name, self.number = key, LeafRef(tensor, gone), "", id(tensor)
        self.ref.number = self.number
        self.shape, self.dtype, self.wants_grad = array.shape, array.dtype, tensor._rg
        self.value = keep(array)


class Entry:
    """One operator that ran. `inputs` has an Arg for every tensor and the value itself for everything else."""

    __slots__ = ("array", "dtype", "error", "frames", "inner", "inputs", "inplace", "key", "layer", "op", "output", "scope", "shape")


class Arg(int):
    """The key of an entry (its node's number, > 0) or of a leaf (< 0), among plain arguments."""


class Before(Arg):
    """The key of what an in-place operator wrote over."""


class ScopeEntry:
    """One call of a module."""

    __slots__ = ("args", "bare", "cls", "error", "module", "number", "parent", "shape")

    @property
    def library(self) -> bool:
        """True for modules of this library, whose inside is not the learner's code."""
        return self.cls.__module__.startswith("autodiff_lab")


class Flow(NamedTuple):
    """What one node of the backward pass received and sent; kept as a plain tuple on the hot path."""

    key: int
    grad: object
    contributions: tuple
    leaves: tuple  # (leaf, added, before), of the leaves that settled after it
    returned: dict | None = None  # in the last one of a pass: what autograd.grad gave back, by key


class OnDevice(weakref.ref):
    """A weak reference to an array that is not in the host's memory. It is read when somebody looks, never before."""

    __slots__ = ("device",)

    def __init__(self, array):  # the reference itself is made by `__new__`
        self.device = str(device_of(array))


def keep(array):
    """A number that cannot change: a NumPy scalar itself, a copy of a small array; else a weak reference."""
    kind = array.__class__
    if kind is not ndarray:
        return array if isinstance(array, np.generic) else OnDevice(array)
    return array.copy() if array.size <= SMALL else weakref.ref(array)


HEAD = 7  # what stands before the frames of a noted operator: see `Recorder.look`


class Norm(float):
    """All that is known of an array that was too large to hold."""


def frames_and_keys(noted: tuple) -> tuple[tuple, tuple]:
    """Code and instruction of the frames of a noted operator, and the keys of its inputs, which stand behind them."""
    end = HEAD
    while end < len(noted) and noted[end].__class__ is CodeType:
        end += 2
    return noted[HEAD:end], noted[end:]


def inputs_of(found: Entry | tuple) -> list[int]:
    """Keys of all tensors that went into an operator, noted or looked at, in order."""
    if found.__class__ is tuple:
        lists = found[1] if found[1].__class__ is list else ()
        return [*(key for key in frames_and_keys(found)[1] if key is not None), *(v for part in lists if part.__class__ is list for v in part if v.__class__ is Arg)]
    keys = []
    for value in found.inputs:
        if value.__class__ is Arg:
            keys.append(int(value))
        elif value.__class__ is list:
            keys += [int(v) for v in value if v.__class__ is Arg]
    return keys


def flows_of(noted: list[tuple]) -> list[Flow]:
    """What was noted of a backward pass, in order: each leaf belongs to the node before it, which fed it last."""
    flows: list[Flow] = []
    for key, *rest in noted:
        if key > 0:
            flows.append(Flow(key, *rest, leaves=()))
        elif key < 0 and flows:
            flows[-1] = flows[-1]._replace(leaves=(*flows[-1].leaves, (key, *rest)))
        elif flows:
            flows[-1] = flows[-1]._replace(returned=rest[0])
    return flows


def slots_of(entry: Entry) -> list[tuple]:
    """Inputs as (position, name, value, number of the engine's edge or None)."""
    op = entry.op
    params = list(op.params)
    if not params or not entry.frames and len(entry.inputs) != len(params):  # made by the engine, or written down from a node
        names = [p.name for p in params if p.is_tensor and p.name in op.rules]
        return [(i, names[i] if i < len(names) else f"input{i}", value, i) for i, value in enumerate(entry.inputs)]
    slots, edge = [], 0
    for i, (param, value) in enumerate(zip(params, entry.inputs)):
        if param.kind == "list":
            for k, part in enumerate(value if isinstance(value, list) else []):
                slots.append((i + k, param.name, part, edge))
                edge += 1
        elif param.is_tensor:
            has_rule = param.name in op.rules
            slots.append((i, param.name, value, edge if has_rule else None))
            edge += has_rule
        else:
            slots.append((None, param.name, value, None))
    if len(entry.inputs) == 1 and entry.output is not None and not slots:
        slots.append((0, "input", entry.inputs[0], 0))
    return slots


def call_of(entry: Entry):
    """Which call into this library an operator ran in: a module's, a function's, or none."""
    top, scope = None, entry.scope
    while scope is not None:
        if not scope.library:
            break
        top = scope
        scope = scope.parent
    if top is not None:
        return ("module", top.number)
    return ("function", entry.inner[0]) if entry.inner is not None else None


_SAID = {"torch::autograd::CopySlices": "write", "getitem_slice": "slice", "getitem": "index"}  # what the engine calls otherwise


def short_name(op) -> str:
    """An operator's name without its namespace: "linear", "max"."""
    return _SAID.get(op.name) or op.name.rsplit(".", 1)[-1].removesuffix("_dim")


def told(entry: Entry) -> str:
    """The operator and what is plain among its arguments: "pow 2", "sum 1"."""
    short = short_name(entry.op) + ("_" if entry.inplace else "")
    if not entry.frames:
        return short
    extra = []
    for param, value in zip(entry.op.params, entry.inputs):
        if value.__class__ is Arg or isinstance(value, (bool, list)) or value is None:
            continue
        if param.has_default and value == param.default:
            continue
        if isinstance(value, (int, float)):
            extra.append(number(float(value)))
        elif isinstance(value, tuple) and value and all(isinstance(v, int) for v in value) and len(value) <= 4:
            extra.append("×".join(map(str, value)))
    return f"{short} {extra[0]}" if extra else short
