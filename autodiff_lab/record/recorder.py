"""The recorder: an observer that writes down what the engine does, cheaply enough to be on all the time.

On the hot path it keeps an entry per operator: the operator, keys of its inputs and output, and the
pairs (code, instruction) of the learner's frames. Names, lines, formulas and numbers are worked out
later, when somebody looks (see `build.py`). It holds no tensors; of the latest backward pass it holds
the gradient arrays until the next one begins, up to a budget, because nobody else keeps them.
"""

from __future__ import annotations

import math
import os
import sys
import weakref
from itertools import count, islice
from pathlib import Path

import numpy as np
from numpy import float32, generic, ndarray

from ..core import observe
from ..core.tape import Node
from ..core.tensor import Tensor
from ..core.views import COPY_SLICES
from .entries import HEAD, SMALL, Arg, Before, Entry, Leaf, Norm, OnDevice, ScopeEntry, frames_and_keys, inputs_of, keep

__all__ = ["Recorder"]

ENTRIES_AT_MOST = 30_000
HELD_AT_MOST = 64 << 20  # bytes of gradients of the latest backward pass
REMEMBERED, REMEMBERED_UP_TO = 12, 300  # earlier passes, and the number of their nodes
HELD_UP_TO = 4096  # elements of one of them
LOOP_AT_MOST = 1000  # operators of earlier turns of a training loop: few, so that they stay in the cache
FRAMES_AT_MOST = 4  # of the learner's own, innermost first
PARTS_AT_MOST = HEAD + 2 * FRAMES_AT_MOST  # code and instruction of each

PLAIN = frozenset([int, float, bool, type(None), str, list, tuple, slice])
USER, CORE, LIBRARY, STOP = 0, 1, 2, 3
_kinds: dict[str, int] = {}  # file name -> one of the above
_root = str(Path(__file__).parents[1]) + os.sep


def _kind_of(filename: str) -> int:
    if filename.startswith(("<operator", "<autodiff", "<backward")):
        kind = CORE
    elif filename.startswith(_root):
        kind = CORE if filename[len(_root):].split("/")[0].split("\\")[0] in ("core", "ops", "backend", "record", "__init__.py") else LIBRARY
    elif "IPython" in filename and "interactiveshell" in filename:
        kind = STOP
    else:
        kind = USER
    _kinds[filename] = kind
    return kind


class Recorder(observe.Observer):
    """Records every graph that is built while it is attached.

    Args:
        everything: also record operators that need no gradient.
    """

    careful = True

    def __init__(self, everything: bool = False):
        self.everything = everything
        self.entries: dict[int, Entry | tuple] = {}
        self.leaves: dict[int, Leaf] = {}  # by id(tensor), as long as the tensor lives
        self.by_key: dict[int, Leaf] = {}
        self.plain: dict[int, tuple] = {}  # id(tensor without node) -> (weak reference, key of its entry)
        self.ops: dict[int, object] = {}  # by id, of those in `entries`
        self.scopes: dict[int, ScopeEntry] = {}  # by number
        self.open: list[ScopeEntry] = []
        self.flows: list[tuple] = []  # of the latest backward pass: Flow without its leaves, (leaf, added, before) of the Flow before it, or (0, what was returned)
        self.history: dict[object, list[tuple]] = {}  # small passes before that, by the place in the code where they began
        self.done: dict[int, None] = {}  # nodes that a pass began at
        self.roots: list[int] = []  # of the latest backward pass
        self.passes = 0
        self.backward_error = ""
        self.running = 0
        self.origin, self.origins = 1, {}  # of what is made during a backward pass: the roots of that pass
        self.failed: Entry | None = None
        self.names: dict[int, str] = {}  # given by lab.name
        self.around = (None, 0)  # number of the innermost module call, layer
        self.loop_since, self.loop_from = 0, 0  # node before the current loop, how many entries there were when earlier turns were last dropped
        self.annotated: dict[int, weakref.ref] = {}  # nodes that may have hooks
        self.hooks: dict[int, int] = {}  # of nodes and leaves: how many ran in the latest pass over them
        self.resent: set[int] = set()  # nodes whose hooks may have changed what they sent
        self.kept: set[int] = set()  # roots of passes that freed nothing, because the learner asked to retain the graph
        self.held = 0
        self.floor = None  # a frame below which nobody looks: the call of lab.show
        self._leaf_keys = count(-2, -1)
        self._scope_numbers = count()
        self._plain_keys = count(1 << 60)  # apart from the engine's numbers

    # Forward

    def op_ran(self, op, inputs, output, node=None, frame=None):
        """Note one operator as a tuple; `look` makes an Entry of it when somebody asks. Returns its key.

        This is the hot path: written out in one piece, without calls where they can be avoided.
        """
        try:
            if node is None:
                if output.__class__ is not Tensor and not isinstance(output, Tensor):
                    if isinstance(output, (tuple, list)):
                        self._many(op, inputs, output, sys._getframe(2))
                    return 0
                node = output._node
                if node is None and not self.everything:
                    return 0
                frame = sys._getframe(2)  # the caller of the operator, or the operator, which is the engine's own
            # One flat tuple of what the garbage collector leaves alone: thousands of tracked objects would make it walk the whole heap again and again.
            # Its head (see `look`), then the learner's frames, innermost first, and which call inside this library they led to.
            parts, inside, kinds, floor = [id(op), None, (), None, None, None, self.around], None, _kinds, self.floor
            while frame is not floor:
                code = frame.f_code
                kind = kinds.get(code.co_filename)
                if kind is None:
                    kind = _kind_of(code.co_filename)
                if kind == USER:
                    if inside is not None and parts[5] is None:
                        parts[5] = (id(inside), inside.f_lasti)
                    parts.append(code)
                    parts.append(frame.f_lasti)
                    if code.co_name == "<module>" or len(parts) == PARTS_AT_MOST:
                        break
                elif kind == LIBRARY:
                    if len(parts) == HEAD:
                        inside = frame
                elif kind == STOP:
                    break
                frame = frame.f_back
            # Then the keys of its inputs.
            first, tensors, leaves, entries, plain = len(parts), 0, self.leaves, self.entries, self.plain
            for value in inputs:
                kind = value.__class__
                if kind is Tensor or (kind not in PLAIN and isinstance(value, Tensor)):
                    tensors += 1
                    made = value._node
                    if value is output:
                        parts.append(self._before_write(value, node))
                    elif made is not None:
                        key = made.seq
                        if key not in entries:
                            self._adopt(made)
                        parts.append(key)
                    else:
                        leaf = leaves.get(id(value))
                        if leaf is not None and not plain:
                            array = value._a
                            if array.__class__ is not ndarray:
                                leaf.value = array
                            elif array.size <= SMALL:
                                leaf.value = array.copy()  # an optimizer may have written to it since
                            parts.append(leaf.key)
                        else:
                            parts.append(int(self._key(value)))
                else:
                    parts.append(None)
                    if kind is list or kind is tuple:
                        tensors = -1000  # tensors may be anywhere in it
            if tensors == len(inputs):
                pass
            elif tensors > 0 and parts[first + tensors - 1] is not None:
                parts[1] = inputs[tensors:]  # tensors come first, as nearly always
            else:
                parts[1] = [([self._key(v) if isinstance(v, Tensor) else v for v in value] if value.__class__ is list or value.__class__ is tuple and any(isinstance(v, Tensor) for v in value)
                             else value) if key is None else None for key, value in zip(parts[first:], inputs)]
            if node is not None:
                key = node.seq
            else:
                key = next(self._plain_keys)
                plain[id(output)] = (weakref.ref(output), key)
            array = output._a
            kind = array.__class__
            if kind is ndarray:
                parts[2], parts[3] = array.shape, array.dtype
                array = array.copy() if array.size <= SMALL else weakref.ref(array)
            elif kind is not float32 and not isinstance(array, generic):
                parts[2], parts[3] = array.shape, array.dtype
                array = OnDevice(array)
            self.ops[parts[0]] = op
            parts[4] = array
            entries[key] = tuple(parts)
            if len(entries) > ENTRIES_AT_MOST:
                self._forget(len(entries) // 2)
            return key
        except Exception as error:
            observe.dismiss(self, "op_ran", error)
            return 0

    def look(self, key: int) -> Entry | None:
        """The entry under a key."""
        found = self.entries.get(key)
        if not isinstance(found, tuple):
            return found
        entry = Entry()
        number, rest, entry.shape, entry.dtype, entry.array, entry.inner, (scope, entry.layer), *_ = found
        frames, keys = frames_and_keys(found)
        entry.op, entry.scope = self.ops[number], self.scopes.get(scope)
        if entry.dtype is None:
            entry.dtype = entry.array.dtype
        if rest is not None and len(rest) < len(keys):  # tensors came first
            rest = [None] * (len(keys) - len(rest)) + list(rest)
        entry.inputs = [(rest[i] if rest else None) if k is None else Arg(k) for i, k in enumerate(keys)]
        entry.inplace = any(k is not None and k.__class__ is Before for k in keys)
        entry.frames = tuple(zip(frames[::2], frames[1::2]))
        entry.key, entry.error, entry.output = key, "", None
        self.entries[key] = entry
        return entry

    def _key(self, tensor) -> Arg:
        node = tensor._node
        if node is not None:
            key = node.seq
            if key not in self.entries:
                self._adopt(node)
            return Arg(key)
        number = id(tensor)
        if self.plain:
            made = self.plain.get(number)
            if made is not None and made[0]() is tensor:
                return Arg(made[1])
        leaf = self.leaves.get(number)
        if leaf is None or leaf.ref() is not tensor:
            leaf = self.leaves[number] = Leaf(next(self._leaf_keys), tensor, self._leaf_gone)
            self.by_key[leaf.key] = leaf
        elif leaf.value.__class__ is not weakref.ref and not self.running:
            leaf.value = keep(tensor._a)  # an optimizer may have written to it since
        return Arg(leaf.key)

    def _leaf_gone(self, ref) -> None:
        self.leaves.pop(ref.number, None)

    def _adopt(self, node) -> None:
        """Write down nodes that were made before recording began, or by the engine itself."""
        stack, found = [node], {}
        while stack:
            node = stack.pop()
            if node.seq in self.entries or node.seq in found:
                continue
            entry = found[node.seq] = Entry()
            if node._meta is not None:
                self.annotated[node.seq] = weakref.ref(node)
            if node.saved is None:
                self.done[node.seq] = None  # a pass took what it had saved, before anybody watched
            entry.op, entry.error, entry.output = node.op, "", node.saved[0] if node.op.is_port and node.saved else None
            entry.inplace, entry.key, entry.frames, entry.inner, entry.scope = False, node.seq, (), None, None
            entry.shape, entry.dtype, entry.array, entry.layer = node.shape, node.dtype, None, self.around[1]
            inputs = []
            for edge in node.edges:
                if edge is None:
                    inputs.append(None)
                elif isinstance(edge, Tensor):
                    inputs.append(self._key(edge))
                else:
                    inputs.append(Arg(edge.seq))
                    stack.append(edge)
            entry.inputs = inputs
        for key in sorted(found):
            self.entries[key] = found[key]

    def _before_write(self, tensor, node):
        """The key of what an in-place operator overwrote: its node's first edge."""
        first = node.edges[0] if node is not None and node.edges else None
        if first is None:
            return None
        if isinstance(first, Tensor):
            return Before(self._key(first))
        if first.seq not in self.entries:
            self._adopt(first)
        if tensor._view is not None and first.op is COPY_SLICES:  # `tensor` is a part of what was written: the line that wrote is the line of the whole
            write = self.look(first.seq)
            write.frames, write.scope = self._frames(sys._getframe(2)), self.open[-1] if self.open else None
            write.array = keep(tensor._view.base._a)
            for key in list(islice(reversed(self.entries), 3)):  # the part that `h[1:] = 0` makes, writes to and drops
                found = self.entries[key]
                if found.__class__ is tuple and found[HEAD:HEAD + 2] == write.frames[0] and self.ops[found[0]].category == "index":
                    del self.entries[key]
        return Before(first.seq)

    def _many(self, op, inputs, outputs, frame) -> None:
        """An operator with several outputs: one entry, and one per output that leads back to it."""
        tensors = [(i, t) for i, t in enumerate(outputs) if isinstance(t, Tensor) and (t._node is not None or self.everything)]
        if not tensors:
            return
        _, first = tensors[0]
        node = first._node
        if node is not None and not node.op.is_port:  # only one of them carries a gradient
            entry = self.look(self.op_ran(op, inputs, first, node, frame))
            entry.output = 0 if len(outputs) > 1 else None
            return
        parent = node.edges[0] if node is not None else None
        entry = self.look(self.op_ran(op, inputs, first, parent, frame))
        entry.shape, entry.array = None, None
        if parent is None:
            del self.plain[id(first)]
        for i, tensor in tensors:
            part = Entry()
            part.op, part.error, part.output, part.inplace, part.layer = op, "", i, False, entry.layer
            part.inputs, part.frames, part.inner, part.scope = [Arg(entry.key)], entry.frames, entry.inner, entry.scope
            part.shape, part.dtype, part.array = tensor._a.shape, tensor._a.dtype, keep(tensor._a)
            if tensor._node is not None:
                part.key = tensor._node.seq
            else:
                part.key = next(self._plain_keys)
                self.plain[id(tensor)] = (weakref.ref(tensor), part.key)
            self.entries[part.key] = part

    def op_failed(self, op, inputs, error):
        if self.failed is not None and self.failed.error and self.failed.error == str(error):
            return  # the innermost report is the best
        entry = Entry()
        entry.op, entry.error, entry.output, entry.inplace, entry.inner = op, str(error) or type(error).__name__, None, False, None
        entry.inputs = [self._key(v) if isinstance(v, Tensor) else [self._key(t) if isinstance(t, Tensor) else t for t in v] if isinstance(v, (list, tuple)) else v
                        for v in inputs]
        entry.key, entry.shape, entry.dtype, entry.array = next(self._plain_keys), None, None, None
        entry.frames, entry.layer, entry.scope = self._frames(sys._getframe(1)), 0, self.open[-1] if self.open else None
        self.failed = self.entries[entry.key] = entry

    def _frames(self, frame) -> tuple:
        """The learner's frames from `frame` outwards, as (code, instruction); `op_ran` has the same, written out."""
        frames = []
        while frame is not None and frame is not self.floor and len(frames) < FRAMES_AT_MOST:
            kind = _kinds.get(frame.f_code.co_filename) or _kind_of(frame.f_code.co_filename)
            if kind == STOP:
                break
            if kind == USER:
                frames.append((frame.f_code, frame.f_lasti))
                if frame.f_code.co_name == "<module>":
                    break
            frame = frame.f_back
        return tuple(frames)

    # Modules

    def module_entered(self, module, args):
        scope = ScopeEntry()
        scope.module, scope.error, scope.shape = weakref.ref(module), "", None
        scope.parent = self.open[-1] if self.open else None
        scope.number = next(self._scope_numbers)
        scope.cls, scope.bare = type(module), not getattr(module, "_parameters", True)
        scope.args = [id(a) for a in args if isinstance(a, Tensor)]
        self.open.append(scope)
        self.scopes[scope.number] = scope
        self._stand()
        if len(self.scopes) > ENTRIES_AT_MOST and len(self.open) == 1:
            self.scopes = dict(islice(self.scopes.items(), ENTRIES_AT_MOST // 2, None))

    def module_left(self, module, output, error):
        while self.open:
            scope = self.open.pop()
            if scope.module() is module:
                break
        else:
            return
        self._stand()
        if error is not None:
            scope.error = str(error) or type(error).__name__
        elif isinstance(output, Tensor):
            scope.shape = output._a.shape

    def _stand(self) -> None:
        """Note in which module call, and on which layer of the graph, the next operator will run."""
        self.around = (self.open[-1].number if self.open else None, self.origin if self.running else 0)

    def cell_began(self) -> None:
        """Nothing is going on any more, however the last cell ended."""
        self.failed, self.running, self.roots = None, 0, []
        self.open.clear()
        self._stand()

    # Backward

    def backward_began(self, roots, create_graph):
        self.running += 1
        if self.running > 1:
            return
        self.origin = 1
        if create_graph:  # what this pass makes is a second layer on the graph that it differentiates
            self.origin = len(self.origins) + 2
            self.origins[self.origin] = [int(self._key(root)) for root in roots if isinstance(root, Tensor)]
        self._stand()
        if self.flows and len(self.flows) <= REMEMBERED_UP_TO and self.held < 1 << 20:
            # One per place in the code: a training loop replaces its own, and leaves those of other cells alone.
            history, root = self.history, self.flows[0][0]
            found = self.entries.get(root)
            place = tuple([part if part.__class__ is int else id(part) for part in frames_and_keys(found)[0]]) if found.__class__ is tuple else root
            older = history.pop(place, None)
            if older is None:
                self.loop_since, self.loop_from = root, len(self.entries)
            elif len(self.entries) - self.loop_from > LOOP_AT_MOST:
                self._forget_turns(older[0][0])
            history[place] = self.flows
            if len(history) > REMEMBERED:
                del history[next(iter(history))]
        self.flows, self.held, self.backward_error = [], 0, ""
        self.roots = [self._key(root) for root in roots if isinstance(root, Tensor)]
        self.kept.difference_update(self.roots)

    def backward_ended(self, error):
        self.running = max(0, self.running - 1)
        if self.running:
            return
        self._stand()
        self.passes += 1
        if self.flows:
            self.done[self.flows[0][0]] = None
            if len(self.done) > ENTRIES_AT_MOST:
                del self.done[next(iter(self.done))]
        self.backward_error = str(error) if error is not None else ""

    def node_annotated(self, node):
        self.annotated[node.seq] = weakref.ref(node)

    def hooks_of(self, key: int) -> int:
        """How many hooks a node or leaf has; if it is gone, how many ran."""
        node = self.annotated[key]() if key in self.annotated else None
        leaf = self.by_key[key].ref() if key in self.by_key else None
        return _hooks_on(node) if node is not None else _hooks_on_leaf(leaf) if leaf is not None else self.hooks.get(key, 0)

    def grad_flowed(self, node, grad, contributions):
        try:
            if self.running > 1:
                return
            if node._meta is not None:
                self.hooks[node.seq] = _hooks_on(node)
                if node._meta.after:
                    self.resent.add(node.seq)
            if grad.__class__ is not float32 or contributions[0].__class__ is not float32:
                grad, contributions = self._held(node, grad, contributions)
            self.flows.append((node.seq, grad, contributions))
        except Exception as error:
            observe.dismiss(self, "grad_flowed", error)

    def leaf_accumulated(self, tensor, grad, before):
        try:
            if self.running > 1:
                return
            leaf = self.leaves.get(id(tensor))
            if leaf is None or leaf.ref() is not tensor:
                leaf = self.by_key[int(self._key(tensor))]
            if grad.__class__ is ndarray and grad.size > HELD_UP_TO:
                grad, before = weakref.ref(grad), None if before is None else Norm(math.nan)
            if tensor._x is not None:
                self.hooks[leaf.key] = _hooks_on_leaf(tensor)
            self.flows.append((leaf.key, grad, before))  # the engine tells of a leaf after the node that fed it last
        except Exception as error:
            observe.dismiss(self, "leaf_accumulated", error)

    def graph_kept(self):
        if self.running == 1:
            self.kept.update(self.roots)

    def gradients_returned(self, captured):
        if self.running == 1 and self.flows:
            self.flows.append((0, {place.seq if isinstance(place, Node) else int(self._key(place)): self._hold(grad) for place, grad in captured.items()}))

    def _held(self, node, grad, contributions):
        """Both as they may be kept. The engine never writes to them again, so that a reference is enough."""
        kept = [None if g is None else self._hold(g) for g in grad] if grad.__class__ is list else self._hold(grad)
        sent = []
        for part, edge in zip(contributions, node.edges):
            part = getattr(part, "_a", part)
            if part.__class__ is ndarray and part.size > HELD_UP_TO and not isinstance(edge, Node):
                # A leaf takes this array over as its .grad if nobody else holds it: don't be the one who does.
                sent.append(weakref.ref(part))
            else:
                sent.append(self._hold(part))
        return kept, tuple(sent)

    def _hold(self, array):
        """The array itself while the budget lasts, then its norm."""
        array = getattr(array, "_a", array)
        if array.__class__ is not ndarray:
            return array if isinstance(array, generic) else None
        self.held += array.nbytes
        if self.held < HELD_AT_MOST:
            return array
        flat = array.ravel()
        return Norm(math.sqrt(abs(np.vdot(flat, flat))))

    # Keeping within bounds

    def _forget_turns(self, last: int) -> None:
        """Drop the earlier turns of a training loop, up to the node numbered `last`, if nothing newer was made from them."""
        first = self.loop_since + 1
        if not any(first <= key <= last for number, found in self.entries.items() if number > last for key in inputs_of(found)):
            for key in [key for key in self.entries if first <= key <= last]:
                del self.entries[key]
        self.loop_from = len(self.entries)

    def _forget(self, many: int) -> None:
        """Drop the oldest of what was recorded."""
        for key in list(islice(self.entries, many)):
            del self.entries[key]
        self.annotated = {key: ref for key, ref in self.annotated.items() if key in self.entries}
        self.resent = {key for key in self.resent if key in self.entries}
        self.kept = {key for key in self.kept if key in self.entries}
        self.hooks = {key: hooks for key, hooks in self.hooks.items() if key < 0 or key in self.entries}
        self.leaves = {number: leaf for number, leaf in self.leaves.items() if leaf.ref() is not None}
        gone = {key for key, leaf in self.by_key.items() if leaf.ref() is None}
        if gone:  # keep of them what is still an input of something
            for found in self.entries.values():
                gone.difference_update(inputs_of(found))
            self.by_key = {key: leaf for key, leaf in self.by_key.items() if key not in gone}
        used = {found[0] for found in self.entries.values() if found.__class__ is tuple}
        self.ops = {number: op for number, op in self.ops.items() if number in used}
        self.plain = {number: made for number, made in self.plain.items() if made[0]() is not None}

    def release(self) -> None:
        """Let go of the gradients of the latest backward pass."""
        self.flows, self.held = [], 0


def _hooks_on(node) -> int:
    meta = node._meta
    return len(meta.tensor_hooks) + len(meta.before) + len(meta.after)


def _hooks_on_leaf(tensor) -> int:
    extra = tensor._x
    return 0 if extra is None else len(extra.hooks) + len(extra.post_hooks)
