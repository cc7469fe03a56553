"""What the recorder writes down and everything else reads: frozen, JSON-ready descriptions of one computation.

A `GraphSnapshot` is a picture of a graph at one moment. It holds numbers and names, never tensors, so
it can be drawn, compared, saved and replayed long after the computation is gone.
"""

from __future__ import annotations

import hashlib
import json
import math
import typing
from dataclasses import MISSING, dataclass, fields

from .text import clean

__all__ = ["Accumulation", "BackwardStep", "Code", "Contribution", "EdgeInfo", "GraphSnapshot",
           "NodeInfo", "Saved", "ScopeInfo", "Source", "Value", "from_json", "to_json"]

FORMAT = 1  # raised when an old file can no longer be read as it is


@dataclass(frozen=True, slots=True)
class Code:
    """A text that operators came from: one run of one cell, or a file."""

    label: str  # "cell 4", "model.py"
    text: str
    first_line: int = 1
    kind: str = "cell"  # or "file"


@dataclass(frozen=True, slots=True)
class Source:
    """A stretch of code. Lines count from 1, columns from 0, in characters; the end is exclusive."""

    code: int  # index into GraphSnapshot.code
    line: int
    column: int
    end_line: int
    end_column: int
    text: str = ""  # the expression itself, on one line, shortened


@dataclass(frozen=True, slots=True)
class Value:
    """The numbers of an array, as far as they can be shown: a scalar, or a summary."""

    number: float | None = None  # of a scalar
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    norm: float | None = None  # Euclidean
    zeros: int = 0
    nans: int = 0
    infs: int = 0
    items: tuple[float, ...] = ()  # all numbers of a small array, row by row
    bins: tuple[int, ...] = ()  # histogram between low and high
    imag: float | None = None  # of a complex scalar
    text: str = ""  # how PyTorch would write it, for what is not a float


@dataclass(frozen=True, slots=True)
class Saved:
    """A value that an operator keeps until its backward pass."""

    name: str
    shape: tuple[int, ...]
    bytes: int
    of: int | None = None  # the node whose output this is


@dataclass(frozen=True, slots=True)
class ScopeInfo:
    """One call of a module, or one turn of what repeats; `parent` is the call it happened in."""

    id: int
    path: str  # "h.0.attn"; "" for the model itself
    cls: str
    parent: int | None = None
    name: str = ""  # variable of the outermost module
    call: int = 1  # which call of this module it is
    parameters: int = 0
    shape: tuple[int, ...] | None = None  # of its output
    error: str = ""
    repeat: bool = False  # a turn of a loop or the like: no module


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """One operator's result, or a leaf."""

    id: int  # index into GraphSnapshot.nodes; older is smaller
    kind: str  # "op", "parameter", "data"
    op: str = ""  # "mul"; "" for a leaf
    label: str = ""  # "pow 2"
    family: str = "point"
    glyph: str = ""
    name: str = ""  # the learner's own
    turn: int | None = None  # of the loop that assigned it, from 1
    shape: tuple[int, ...] | None = None
    dtype: str = ""
    device: str = "cpu"
    scope: int | None = None
    source: Source | None = None
    calls: tuple[Source, ...] = ()  # from where the function that `source` is in was called, innermost first
    value: Value | None = None
    grad: Value | None = None
    grad_state: str = "yet"  # "yet", "known", "returned" (by autograd.grad), "none", "not asked", "gone": known once, no longer kept
    saved: tuple[Saved, ...] = ()
    layer: int = 0  # 1: made by a backward pass under create_graph
    latex: str = ""
    error: str = ""
    inplace: bool = False
    hooks: int = 0


@dataclass(frozen=True, slots=True)
class EdgeInfo:
    """The output of node `source` is input `slot` of node `target`."""

    source: int
    target: int
    slot: str = ""  # the operator's own name for this input
    latex: str = ""  # local derivative
    plain: str = ""  # the same on one line, with the learner's names where they are known
    local: float | None = None  # its number, for scalars
    grad: bool = True  # False: no gradient flows here


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one backward step sent along one edge."""

    edge: int  # index into GraphSnapshot.edges
    value: Value


@dataclass(frozen=True, slots=True)
class Accumulation:
    """A leaf's `.grad` changed, or what arrived was returned to who asked for it."""

    node: int
    added: Value
    before: Value | None
    after: Value
    hooks: int = 0  # that ran here
    arrived: Value | None = None  # what the first of them got, if they changed it
    returned: bool = False  # by autograd.grad: `.grad` is what it was


@dataclass(frozen=True, slots=True)
class BackwardStep:
    """One node of the backward pass, as the engine ran it."""

    node: int
    grad: Value  # what arrived in total
    contributions: tuple[Contribution, ...] = ()
    accumulations: tuple[Accumulation, ...] = ()
    freed: int = 0  # bytes
    hooks: int = 0  # that ran here
    arrived: Value | None = None  # what the first of them got, if they changed it


@dataclass(frozen=True, slots=True)
class GraphSnapshot:
    """One graph at one moment, with the backward pass that ran over it, if one did."""

    title: str = ""
    nodes: tuple[NodeInfo, ...] = ()
    edges: tuple[EdgeInfo, ...] = ()
    scopes: tuple[ScopeInfo, ...] = ()
    code: tuple[Code, ...] = ()
    roots: tuple[int, ...] = ()
    steps: tuple[BackwardStep, ...] = ()
    backward: str = "none"  # "none", "ran", "failed", "gone": ran, and is no longer kept
    passes: int = 0  # how many backward passes have run over this structure
    error: str = ""
    cell: int | None = None  # index into `code` of the cell whose panel this is
    created: str = ""  # version of the library

    @property
    def key(self) -> str:
        """Equal for graphs of equal structure, whatever their numbers."""
        shape = [(n.op or n.kind, n.shape, n.dtype, n.scope, n.layer) for n in self.nodes]
        wires = [(e.source, e.target, e.slot) for e in self.edges]
        calls = [(s.path, s.cls, s.parent, s.call) for s in self.scopes]
        return hashlib.sha256(repr((shape, wires, calls)).encode()).hexdigest()[:16]

    def operators(self) -> int:
        """How many nodes are operators."""
        return sum(n.kind == "op" for n in self.nodes)


def to_json(item, indent: int | None = None) -> str:
    """Any of these classes as JSON text; equal input gives equal bytes. NaN and infinities become strings."""
    return json.dumps(to_plain(item), ensure_ascii=False, allow_nan=False, indent=indent,
                      separators=(",", ":") if indent is None else None)


def to_plain(item) -> typing.Any:  # a dict for a dataclass, a list for a tuple
    """The same as nested dicts and lists, without what has its default."""
    kind = item.__class__
    if kind is int or kind is bool or item is None:
        return item
    if kind is str:
        return clean(item)
    if kind is tuple or kind is list:
        return [to_plain(part) for part in item]
    if kind is float:
        if math.isfinite(item):
            return int(item) if item == int(item) and abs(item) < 2**53 and (item or math.copysign(1, item) > 0) else item
        return "NaN" if math.isnan(item) else "Infinity" if item > 0 else "-Infinity"
    if kind not in _defaults:
        _defaults[kind] = [(f.name, f.default) for f in fields(item)]
    plain = {}
    for name, default in _defaults[kind]:
        value = getattr(item, name)
        if value is not default and (default is MISSING or value != default):
            plain[name] = to_plain(value)
    if kind is GraphSnapshot:
        plain["format"], plain["key"] = FORMAT, item.key
    return plain


_defaults: dict[type, list] = {}  # by dataclass: its fields and what they are when nothing is said


def from_json(text: str, cls=GraphSnapshot):
    """Read what `to_json` wrote.

    >>> from_json(to_json(GraphSnapshot(title="y"))).title
    'y'
    """
    data = json.loads(text)
    if cls is GraphSnapshot and data.get("format", FORMAT) > FORMAT:
        raise ValueError(f"This file has format {data['format']}, this version reads up to {FORMAT}. Install a newer autodiff-lab.")
    return _build(cls, data)


def _build(kind, data):
    if data is None:
        return None
    if typing.get_origin(kind) is tuple:
        return tuple(_build(typing.get_args(kind)[0], part) for part in data)
    options = typing.get_args(kind)
    if options:  # an optional field
        return _build(next(option for option in options if option is not type(None)), data)
    if kind is float:
        return float(data)
    if hasattr(kind, "__dataclass_fields__"):
        hints = _hints(kind)
        return kind(**{name: _build(hints[name], part) for name, part in data.items() if name in hints})
    return data


_seen_hints: dict = {}


def _hints(cls) -> dict:
    if cls not in _seen_hints:
        _seen_hints[cls] = typing.get_type_hints(cls)
    return _seen_hints[cls]
