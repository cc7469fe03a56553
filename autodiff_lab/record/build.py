"""From what the recorder kept to a GraphSnapshot: names, lines, formulas and numbers, worked out when somebody looks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .entries import Arg, Entry, OnDevice, call_of, inputs_of, short_name, slots_of, told
from .families import FAMILIES, family_of, glyph_of
from .formula import local_text
from .model import EdgeInfo, GraphSnapshot, NodeInfo, Saved, ScopeInfo
from .passes import Pass
from .recorder import Recorder
from .source import Sources
from .text import clean, number, one_line
from .turns import boxed
from .values import value_of

__all__ = ["build"]

NODES_AT_MOST = 20_000


def build(recorder: Recorder, roots, *, label=lambda filename: None, names=None, called=None, title: str = "", cell: str | None = None, error: str = "",
          passes: int | None = None) -> GraphSnapshot:
    """The graph that leads to `roots`.

    Args:
        roots: keys of entries.
        label: from a file name to the cell's label.
        names: from id(object) to the name of the variable that holds it.
        called: from the number of a node to the name of what it made, for operators that ran while nobody recorded.
        title: what to call the whole; else the root's name.
        cell: file name of the cell whose panel this is.
        error: the error that ended the forward pass.
        passes: how many backward passes to speak of; None: all that were recorded.
    """
    return _Builder(recorder, list(dict.fromkeys(int(r) for r in roots)), label, names or {}, called or {}, title, cell, error, passes).snapshot()


class _Builder:
    def __init__(self, recorder: Recorder, roots, label, names, called, title, cell, error, passes):
        self.called = called
        self.recorder, self.roots, self.names, self.title, self.cell, self.error = recorder, roots, names, title, cell, error
        self.passes = recorder.passes if passes is None else passes
        self.sources = Sources(label)
        self.ids: dict[int, int] = {}  # key of entry or leaf -> index of node
        self.order: list = []  # entries and leaves, oldest first
        self.stands_for: dict[int, int] = {}  # key of an output -> key of the entry that is drawn for it
        self.chosen: dict[int, Entry] = {}  # entry drawn with several outputs -> the one output that is used

    def snapshot(self) -> GraphSnapshot:
        self._collect()
        self._name_scopes()
        self.backward = Pass(self)
        self.ran = bool(self.backward.by_key)
        self.gone = not self.ran and any(key in self.recorder.done for key in self.reached)
        self._name_operators()
        edges = self._edges()
        nodes = tuple(self._leaf(item) if not isinstance(item, Entry) else self._operator(item) for item in self.order)
        edges, steps = self.backward.numbers(nodes, edges)
        nodes, scopes = boxed(nodes, edges, self.scopes)
        roots = tuple(self.ids[self._drawn(r)] for r in self.roots if self._drawn(r) in self.ids)
        codes = self.sources.codes()
        cell = self.sources.files.index(self.cell) if self.cell in self.sources.files else None
        backward = "gone" if self.gone else "none" if not self.ran else "failed" if self.recorder.backward_error else "ran"
        from .. import __version__
        return GraphSnapshot(clean(self.title), nodes, edges, tuple(scopes), codes, roots, steps, backward,
                             max(1, self.passes) if self.ran else 0, clean(self.error), cell, __version__)

    # Which nodes

    def _collect(self) -> None:
        entries = self.recorder.entries
        self.reached: set[int] = set()
        stack = list(self.roots)
        while stack and len(self.reached) < NODES_AT_MOST:
            key = stack.pop()
            if key in self.reached:
                continue
            self.reached.add(key)
            if key > 0 and key in entries:
                entry = self.recorder.look(key)
                stack.extend(inputs_of(entry))
                stack.extend(self.recorder.origins.get(entry.layer, ()))
        self._collapse_outputs()
        for key in list(entries):  # in the order in which they ran
            if key in self.reached and key not in self.stands_for:
                entry = self.recorder.look(key)
                for leaf in inputs_of(entry):
                    if leaf < 0:
                        self._place(leaf)
                self.ids[key] = len(self.order)
                self.order.append(entry)
        for key in self.roots:
            if key < 0:
                self._place(key)

    def _place(self, leaf: int) -> None:
        if leaf not in self.ids and leaf in self.recorder.by_key:
            self.ids[leaf] = len(self.order)
            self.order.append(self.recorder.by_key[leaf])

    def _collapse_outputs(self) -> None:
        """An operator of which one output is used is drawn as one card."""
        parts: dict[int, list[int]] = {}
        for key in sorted(self.reached):
            entry = self.recorder.look(key)
            if entry is not None and entry.output is not None and len(inputs_of(entry)) == 1 and entry.shape is not None:
                parent = self.recorder.look(inputs_of(entry)[0])
                if parent is not None and parent.shape is None and parent.op.name == entry.op.name or entry.op.is_port:
                    parts.setdefault(inputs_of(entry)[0], []).append(key)
        for parent, outputs in parts.items():
            if len(outputs) == 1:
                self.stands_for[outputs[0]] = parent
                self.chosen[parent] = self.recorder.look(outputs[0])

    def _drawn(self, key: int) -> int:
        return self.stands_for.get(key, key)

    # Modules

    def _name_scopes(self) -> None:
        found = {}
        self._skip_trivial()
        for item in self.order:
            scope = self._scope_at(item) if isinstance(item, Entry) else None
            while scope is not None and id(scope) not in found:
                found[id(scope)] = scope
                scope = scope.parent
        ordered = sorted(found.values(), key=lambda s: s.number)
        self.scope_ids = {id(s): i for i, s in enumerate(ordered)}
        paths, calls = {}, {}
        self.parameter_paths: dict[int, str] = {}
        self.scopes = []
        outer_names: dict[int, str] = {}
        for scope in ordered:
            module = scope.module()
            if scope.parent is None and module is not None and hasattr(module, "named_modules"):
                prefix = self.names.get(id(module), "")
                for path, inner in module.named_modules():
                    paths.setdefault(id(inner), path)
                for path, parameter in module.named_parameters():
                    self.parameter_paths.setdefault(id(parameter), path)
                for path, buffer in module.named_buffers():
                    self.parameter_paths.setdefault(id(buffer), path)
                outer_names[id(scope)] = prefix
            calls[id(module)] = calls.get(id(module), 0) + 1
            size = sum(int(np.prod(p.shape)) for p in module.parameters()) if module is not None and hasattr(module, "parameters") else 0
            self.scopes.append(ScopeInfo(
                self.scope_ids[id(scope)], clean(paths.get(id(module), "")), clean(scope.cls.__name__), None if scope.parent is None else self.scope_ids[id(scope.parent)],
                clean(outer_names.get(id(scope), "")), calls[id(module)], size, scope.shape, clean(scope.error)))

    def _skip_trivial(self) -> None:
        """A module that is one operator and nothing else (an activation, a loss) is drawn as that operator."""
        inside: dict[int, list[Entry]] = {}
        parents = set()
        for item in self.order:
            if isinstance(item, Entry) and item.scope is not None:
                inside.setdefault(id(item.scope), []).append(item)
                scope = item.scope.parent
                while scope is not None and id(scope) not in parents:
                    parents.add(id(scope))
                    scope = scope.parent
        self.within: dict[int, object] = {}
        for key, items in inside.items():
            scope = items[0].scope
            if len(items) == 1 and key not in parents and scope.library and scope.bare and not items[0].error:
                self.within[items[0].key] = items[0].scope.parent

    def _scope_at(self, entry: Entry):
        return self.within[entry.key] if entry.key in self.within else entry.scope

    def _scope_of_leaf(self, key: int) -> int | None:
        """The innermost module call around every use of a leaf."""
        around = None
        leaf = self.recorder.by_key[key]
        for scope in self.leaf_uses.get(key, ()):
            while scope is not None and leaf.number in scope.args:  # it came from outside
                scope = scope.parent
            chain = []
            while scope is not None:
                chain.append(self.scope_ids[id(scope)])
                scope = scope.parent
            chain.reverse()
            if around is None:
                around = chain
            else:
                same = 0
                while same < min(len(around), len(chain)) and around[same] == chain[same]:
                    same += 1
                around = around[:same]
        return around[-1] if around else None

    # Names

    def _name_operators(self) -> None:
        """Name and loop turn of each operator: of several at one place in one call, the last is what was assigned."""
        instances: dict[tuple, list[list[Entry]]] = {}
        parts: list[Entry] = []
        previous = None
        for item in self.order:
            if not isinstance(item, Entry) or not item.frames:
                continue
            if item.output is not None and len(inputs_of(item)) == 1 and self._is_part(item):
                parts.append(item)
                continue
            runs = instances.setdefault((item.frames, item.layer), [])
            call = call_of(item)
            if call is not None and runs and self._continues(runs[-1][-1], item, call, previous):
                runs[-1].append(item)
            else:
                runs.append([item])
            previous = item
        self.op_names: dict[int, tuple[str, int | None]] = {}
        self.unsaid: set[int] = set()  # they ran inside a call into this library: its text is not theirs
        for (frames, _layer), runs in instances.items():
            name = None
            for turn, run in enumerate(runs, 1):
                last = run[-1]
                part = self.chosen.get(last.key)
                output = part.output if part is not None else last.output
                if name is None or output is not None:
                    name = self.sources.name(frames, output)
                self.unsaid.update(entry.key for entry in run[:-1])
                for entry in run[:-1]:
                    self.op_names[entry.key] = ("", turn if len(runs) > 1 else None)
                repeated = len(runs) > 1
                if repeated and turn < len(runs) and not self.sources.in_loop(frames):
                    self.op_names[last.key] = ("", turn)  # sum([a, b]): one call, of which the last result is assigned
                elif "[·]" in name:
                    self.op_names[last.key] = (name.replace("[·]", f"[{turn - 1}]"), None)
                else:
                    self.op_names[last.key] = (name, turn if repeated else None)

        for part in parts:  # of several outputs: each has a name, and the turn in which all of them were made
            name = self.sources.name(part.frames, part.output)
            self.op_names[part.key] = (name.replace("[·]", f"[{part.output}]"), self.op_names.get(inputs_of(part)[0], ("", None))[1])

    def _continues(self, last: Entry, item: Entry, call, previous) -> bool:
        """True if `item` ran within the same call from the learner's code as `last`."""
        if call[0] == "module":
            return call_of(last) == call
        return previous is last and last.inner is not None and last.inner[0] == item.inner[0] and last.inner[1] <= item.inner[1]

    # Nodes and edges

    def _operator(self, entry: Entry) -> NodeInfo:
        drawn = self.chosen.get(entry.key, entry)
        name, turn = self.op_names.get(entry.key, ("", None))
        given = self.recorder.names.get(entry.key) or self.recorder.names.get(drawn.key)
        if given:
            name, turn = given, None
        elif not entry.frames:
            name = self.called.get(drawn.key, "")
        op = entry.op
        is_part = entry.output is not None and entry.op.is_port or (entry.key not in self.chosen and entry.output is not None and entry.shape is not None and len(inputs_of(entry)) == 1 and self._is_part(entry))
        family = family_of(op.category) if not is_part else "shape"
        label = f"output {entry.output}" if is_part else told(entry)
        source = self.sources.source(entry.frames[0]) if entry.frames else None
        if source is not None and entry.key in self.unsaid:
            source = replace(source, text="")
        calls = tuple(s for s in (self.sources.source(f) for f in entry.frames[1:4]) if s is not None)
        flow = self.backward.by_key.get(drawn.key) or self.backward.by_key.get(entry.key)
        grad = None
        if flow is not None:
            held = flow.grad
            if isinstance(held, list):
                index = drawn.output or 0
                held = held[index] if index < len(held) else None
            grad = value_of(held)
        given_back = value_of((self.backward.returned or {}).get(drawn.key))
        grad = grad or given_back
        wants = entry.key < 1 << 60 or bool(entry.error)
        state = "returned" if given_back else "known" if grad is not None else "not asked" if not wants else "none" if self.ran and not entry.layer else "gone" if self.gone else "yet"
        dtype = drawn.dtype
        saved = self._saved(entry) if entry.key < 1 << 60 else ()
        return NodeInfo(
            self.ids[entry.key], "op", clean(short_name(op)), clean(label), family, glyph_of(op.name, family), clean(name), turn,
            None if drawn.shape is None else tuple(drawn.shape), _dtype_name(dtype), drawn.array.device if isinstance(drawn.array, OnDevice) else "cpu", None if self._scope_at(entry) is None else self.scope_ids[id(self._scope_at(entry))],
            source, calls, value_of(drawn.array), grad, state, saved, min(1, entry.layer), op.latex or "", clean(one_line(entry.error, 400)), entry.inplace, self.recorder.hooks_of(drawn.key))

    def _saved(self, entry: Entry) -> tuple[Saved, ...]:
        """What the operator keeps for its backward pass: exactly what the rules of the inputs that want a gradient name."""
        named: dict[str, None] = {}
        for _, slot, value, edge in slots_of(entry):
            rule = entry.op.rules.get(slot) if edge is not None and value.__class__ is Arg and self._wants(int(value)) else None
            named.update(dict.fromkeys(rule.names if rule is not None else ()))
        kept = []
        for param, value in zip(entry.op.params, entry.inputs):
            if param.name in named and value.__class__ is Arg:
                shape, dtype = self._shape_of(int(value))
                if shape is not None:
                    kept.append(Saved(param.name, tuple(shape), _bytes(shape, dtype), self.ids.get(self._drawn(int(value)))))
        if "out" in named and entry.shape is not None:
            kept.append(Saved("out", tuple(entry.shape), _bytes(entry.shape, entry.dtype), self.ids[entry.key]))
        return tuple(kept)

    def _shape_of(self, key: int):
        found = self.recorder.by_key.get(key) if key < 0 else self.recorder.look(key)
        return (None, None) if found is None else (found.shape, found.dtype)

    def _is_part(self, entry: Entry) -> bool:
        parent = self.recorder.look(inputs_of(entry)[0])
        return parent is not None and parent.shape is None and parent.op.name == entry.op.name

    def _leaf(self, leaf) -> NodeInfo:
        tensor = leaf.ref()
        name = self.recorder.names.get(leaf.key) or leaf.name
        if not name and tensor is not None:
            written = self.written.get(leaf.key, "")
            name = self.parameter_paths.get(id(tensor)) or self.names.get(id(tensor)) or written
        elif not name:
            name = self.written.get(leaf.key, "")
        wants = leaf.wants_grad
        value = value_of(leaf.value)
        if value is None and tensor is not None:
            value = value_of(tensor._a)
        grad = tensor._grad if tensor is not None and wants else None
        known = value_of(grad._a) if grad is not None else self.backward.after.get(leaf.key)
        given_back = value_of((self.backward.returned or {}).get(leaf.key))
        known = given_back or known
        state = "returned" if given_back else "known" if known is not None else "not asked" if not wants else "none" if self.ran else "yet"
        family = "param" if wants else "data"
        return NodeInfo(self.ids[leaf.key], "parameter" if wants else "data", "", "", family, FAMILIES[family][0], clean(name), None, tuple(leaf.shape),
                        _dtype_name(leaf.dtype), leaf.value.device if isinstance(leaf.value, OnDevice) else "cpu", self._scope_of_leaf(leaf.key), None, (), value, known, state, hooks=self.recorder.hooks_of(leaf.key))

    def _edges(self) -> list:
        """(EdgeInfo without numbers, key of the target's entry, its edge number in the engine)."""
        self.leaf_uses: dict[int, list] = {}
        self.written: dict[int, str] = {}
        found = []
        for item in self.order:
            if not isinstance(item, Entry):
                continue
            slots = slots_of(item)
            operands = None
            for position, slot, value, number_of_edge in slots:
                if value.__class__ is not Arg:
                    continue
                key = self._drawn(int(value))
                if key not in self.ids:
                    continue
                if key < 0:
                    self.leaf_uses.setdefault(key, []).append(self._scope_at(item))
                    if key not in self.written and item.frames:
                        self.written[key] = self.sources.operand(item.frames, position, slot) if item.inner is None else self._given(key, item)
                rule = item.op.rules.get(slot) if hasattr(item.op, "rules") else None
                flows = number_of_edge is not None and (rule is not None or not item.op.rules) and self._wants(int(value))
                found.append((item, slot, key, number_of_edge if flows else None, rule))
        made = []
        for item, slot, key, number_of_edge, rule in found:
            latex = (rule.latex or "") if rule is not None and number_of_edge is not None else ""
            operands = [self._operand_text(value) for position, _s, value, _e in slots_of(item) if position is not None and (value.__class__ is Arg or isinstance(value, (int, float)))]
            plain = clean(local_text(item.op.name, slot, latex, operands)) if latex else ""
            if plain and not plain.lstrip("-").isdigit() and _dtype_name(item.dtype).startswith("complex"):
                plain = f"conj({plain})"  # what a complex gradient is multiplied by
            made.append((EdgeInfo(self.ids[key], self.ids[item.key], slot, latex, one_line(plain, 60), None, number_of_edge is not None), item, number_of_edge))
        return made

    def _given(self, key: int, item: Entry) -> str:
        """What the learner wrote for a leaf that went into a call of a module."""
        leaf, scope, place = self.recorder.by_key[key], item.scope, None
        while scope is not None and scope.library and leaf.number in scope.args:
            place, scope = (scope.args.index(leaf.number), len(scope.args)), scope.parent
        return self.sources.given(item.frames[0], *place) if place is not None else ""

    def _wants(self, key: int) -> bool:
        if key < 0:
            leaf = self.recorder.by_key.get(key)
            return leaf is not None and leaf.wants_grad
        return key < 1 << 60

    def _operand_text(self, value) -> str:
        if value.__class__ is not Arg:
            return number(float(value))
        key = self._drawn(int(value))
        if key < 0:
            leaf = self.recorder.by_key.get(key)
            tensor = leaf.ref() if leaf is not None else None
            name = self.recorder.names.get(key) or (self.parameter_paths.get(id(tensor)) or self.names.get(id(tensor)) if tensor is not None else "") or self.written.get(key, "")
            return name or "data"
        name = self.recorder.names.get(key) or self.op_names.get(key, ("", None))[0] or self.called.get(key, "")
        if name:
            return name
        entry = self.recorder.look(key)
        source = self.sources.source(entry.frames[0]) if entry is not None and entry.frames and key not in self.unsaid else None
        return source.text if source is not None and 0 < len(source.text) <= 18 else short_name(entry.op) if entry is not None else ""

def _bytes(shape, dtype) -> int:
    return int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize


def _dtype_name(dtype) -> str:
    return "" if dtype is None or isinstance(dtype, list) else np.dtype(dtype).name

