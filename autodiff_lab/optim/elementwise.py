"""Updating many parameters in few passes, for rules that look at one element at a time.

A subclass writes its rule once, with ordinary arithmetic. Here the small parameters of a group are
gathered into one flat array, so that the rule runs once for all of them; large ones are updated block by
block, which keeps the rule's temporaries in the cache. The parameters stay ordinary tensors. With
`differentiable=True` the same rule runs on tensors and is recorded.
"""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np

from ..backend import namespace
from ..core.dtypes import default_dtype
from ..core.modes import no_grad, set_grad_enabled
from ..core.tape import Version
from ..core.tensor import Tensor, wrap
from .optimizer import Optimizer, number, run_closure

__all__ = ["ElementwiseOptimizer"]

BLOCK = 32768  # elements updated at a time: a few such arrays fit into the second-level cache
SMALL = 16384  # parameters up to this size are gathered


class ElementwiseOptimizer(Optimizer):
    """An optimizer that is described by four things.

    `scalars`: names and first values of the numbers it keeps per parameter, kept as 0-dim tensors.
    `arrays(group)`: names of the tensors it keeps per parameter, zero at first unless `first_array` says otherwise.
    `advance(group, scalars)`: once a step; moves `scalars` on and returns the numbers that the rule needs.
    `rule(p, grad, h, *arrays)`: the new parameter and the new arrays.

    `rule_in_place(p, grad, h, scratch, *arrays)`, where there is one, does the same to NumPy arrays in their own
    memory; `scratch` is an array of the same size whose numbers nobody needs. It saves a third of the time for
    large parameters, and is there for the optimizers that nearly everybody uses.
    """

    rule_in_place = None

    @staticmethod
    def in_one_pass(h) -> bool:
        """True if `rule_in_place` passes over its arrays once, so that there is nothing to keep in the cache."""
        return False

    scalars: dict = {"step": 0.0}

    def arrays(self, group) -> tuple[str, ...]:
        """Names of the tensors kept per parameter."""
        return ()

    def first_array(self, name: str, p, group):
        """The first value of a kept tensor; None leaves it to the rule."""
        return np.zeros_like(p) if isinstance(p, np.ndarray) else namespace(p).zeros_like(p)

    def first_scalar(self, name: str, group) -> float:
        """The first value of a kept number."""
        return self.scalars[name]

    def advance(self, group, scalars: dict) -> SimpleNamespace:
        """Move `scalars` one step on; return what every element needs to know."""
        raise NotImplementedError

    @staticmethod
    def rule(p, grad, h, *arrays):
        """The new parameter, followed by the new arrays."""
        raise NotImplementedError

    def step(self, closure=None):
        """Change every parameter that has a gradient by the rule.

        Args:
            closure: computes the loss again and calls backward(); called once, its result is returned.
        """
        loss = run_closure(closure)
        if self.defaults.get("differentiable"):
            with set_grad_enabled(True):
                self._step_recorded()
            return loss
        for i, group in enumerate(self.param_groups):
            plan = self._plans.get(i)
            if plan is None or not plan.fits(self, group):
                with no_grad():
                    plan = self._plans[i] = Plan(self, group)
            if not plan.run(self, group):
                del self._plans[i]
        return loss

    def __setstate__(self, state: dict) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            for name, default in self.defaults.items():
                group.setdefault(name, default)
            for p in group["params"]:
                kept = self.state.get(p, {})
                for name in self.scalars:  # older files hold plain numbers
                    if name in kept and not isinstance(kept[name], Tensor):
                        kept[name] = scalar_tensor(float(kept[name]))

    def _prepare_state(self, p, group) -> dict:
        if not self.scalars and not self.arrays(group):
            return {}  # nothing is kept, and nobody should find an entry for it
        kept = self.state[p]
        array = p._array()
        if not kept:
            if hasattr(p._grad, "is_sparse") and p._grad.is_sparse:
                raise RuntimeError(f"{type(self).__name__} does not support sparse gradients")
            for name in self.scalars:
                kept[name] = scalar_tensor(self.first_scalar(name, group))
            for name in self.arrays(group):
                first = self.first_array(name, array, group)
                if first is not None:
                    kept[name] = wrap(first)
        else:
            for name in self.arrays(group):
                if name not in kept and (first := self.first_array(name, array, group)) is not None:
                    raise KeyError(f"{name}: {type(self).__name__} keeps it for every parameter, but the state of one has only {sorted(kept)}. "
                                   "An option was changed after the first step: make a new optimizer.")
        return kept

    def _step_recorded(self) -> None:
        """The same update on tensors, recorded, so that it can be differentiated through."""
        for group in self.param_groups:
            names = self.arrays(group)
            for p in group["params"]:
                if p._grad is None:
                    continue
                kept = self._prepare_state(p, group)
                scalars = {name: number(kept[name]) for name in self.scalars}
                h = self.advance(group, scalars)
                made = self.rule(p, p._grad, h, *(kept.get(name) for name in names))
                p.copy_(made[0])
                for name, value in zip(names, made[1:], strict=True):
                    kept[name] = value
                for name, value in scalars.items():
                    kept[name] = scalar_tensor(value)


def scalar_tensor(value: float) -> Tensor:
    """A 0-dim tensor as PyTorch keeps its counts: float32 unless the default dtype is float64."""
    return wrap((np.float64 if default_dtype[0].name == "float64" else np.float32)(value))


def rounded(value: float) -> float:
    """A number as exact as it is kept."""
    return float(scalar_tensor(value)._a)


def learning_rate(group):
    """The group's learning rate as a number; as the tensor it may be, if the step is to be differentiated."""
    return group["lr"] if group.get("differentiable") else number(group["lr"])


class Plan:
    """How the parameters of one group that have a gradient are updated, as long as nothing about them changes."""

    def __init__(self, optimizer: ElementwiseOptimizer, group: dict):
        self.params = [p for p in group["params"] if p._grad is not None]
        self.names = optimizer.arrays(group)
        self.state = optimizer.state
        gathered: dict = {}
        self.bundles = []
        # The same parameter twice, or two that share memory, are updated one after the other.
        self.singly = overlap([p._array() for p in self.params])
        for p in () if self.singly else self.params:
            kept = optimizer._prepare_state(p, group)
            array = p._array()
            numbers = tuple(number(kept[name]) for name in optimizer.scalars)
            key = (array.dtype, namespace(array), numbers, tuple(kept.get(name) is not None for name in self.names))
            if array.size <= SMALL or not array.flags.c_contiguous:
                gathered.setdefault(key, []).append((p, kept))
            else:
                self.bundles.append(Bundle([(p, kept)], numbers, optimizer.scalars, self.names))
        for (_, _, numbers, _), members in gathered.items():
            self.bundles.append(Bundle(members, numbers, optimizer.scalars, self.names))

    def fits(self, optimizer: ElementwiseOptimizer, group: dict) -> bool:
        """True if the same parameters have gradients, the same is kept for them, and parameters and state are where they were."""
        if optimizer.state is not self.state or optimizer.arrays(group) != self.names:
            return False
        params = [p for p in group["params"] if p._grad is not None]
        if len(params) != len(self.params):
            return False
        for p, q in zip(params, self.params):
            if p is not q:
                return False
        return all(bundle.fits() for bundle in self.bundles)

    def run(self, optimizer, group) -> bool:
        """Update everything; False if the plan cannot be used again."""
        again = not self.singly
        for p in self.params if self.singly else ():
            kept = optimizer._prepare_state(p, group)
            Bundle([(p, kept)], tuple(number(kept[name]) for name in optimizer.scalars), optimizer.scalars, self.names).run(optimizer, group)
        for bundle in self.bundles:
            again = bundle.run(optimizer, group) and again
        return again


def overlap(arrays) -> bool:
    """True if two of these arrays share memory."""
    spans = []
    for array in arrays:
        if array.size:
            start = array.__array_interface__["data"][0] if isinstance(array, np.ndarray) else array.data.ptr
            reach = [(n - 1) * s for n, s in zip(array.shape, array.strides, strict=True)]
            spans.append((start + sum(r for r in reach if r < 0), start + sum(r for r in reach if r > 0) + array.itemsize))
    spans.sort()
    return any(before[1] > after[0] for before, after in pairwise(spans))


class Bundle:
    """Parameters of one type that share their numbers: one large one, or many small ones gathered."""

    def __init__(self, members: list, numbers: tuple, scalars: dict, names: tuple):
        self.params = [p for p, _ in members]
        self.kept = [kept for _, kept in members]
        self.where = [p._array() for p in self.params]
        self.scalars = dict(zip(scalars, numbers, strict=True))
        self.counts = {name: [kept[name] for kept in self.kept] for name in scalars}
        self.tensors = {name: [kept[name] for kept in self.kept] for name in names if self.kept[0].get(name) is not None}
        self.names = names
        xp = namespace(self.where[0])
        self.single = len(members) == 1 and self.where[0].flags.c_contiguous
        self.ends = np.cumsum([0] + [a.size for a in self.where]).tolist()
        self.pieces = [(p, a, slice(i, j)) for p, a, i, j in zip(self.params, self.where, self.ends, self.ends[1:])]
        self.shapes = [a.shape for a in self.where]
        self.dtype, self.xp = self.where[0].dtype, xp
        if not self.single:
            # Made once, with the places in it: slices and reshapes would take as long as the rule.
            self.gathered = xp.empty(self.ends[-1], self.dtype)
            self.places = [self.gathered[piece].reshape(a.shape) for _, a, piece in self.pieces]
        self.memory = {}
        for name, tensors in self.tensors.items():
            self._lay_out(name, tensors)
        self._note_counts()

    def _lay_out(self, name: str, tensors: list) -> None:
        """Put one kept tensor of every member side by side in a flat array that they are views of."""
        if self.single and tensors[0]._array().flags.c_contiguous:
            self.memory[name] = tensors[0]._array().reshape(-1)
        else:
            flat = self.xp.concatenate([t._a.reshape(-1) for t in tensors])
            self.memory[name] = flat
            for tensor, piece, shape in zip(tensors, self.pieces, self.shapes):
                tensor._a = flat[piece[2]].reshape(shape)
        self.tensors[name] = tensors
        self.views = [(t, t._a) for ts in self.tensors.values() for t in ts]

    views: list | tuple = ()

    def _note_counts(self) -> None:
        self.seen = [(kept, name, tensor, tensor._a) for name, tensors in self.counts.items() for kept, tensor in zip(self.kept, tensors)]

    def fits(self) -> bool:
        for p, array, _ in self.pieces:
            if p._a is not array:
                return False
        for tensor, array in self.views:
            if tensor._a is not array:
                return False
        for name, tensors in self.tensors.items():
            for kept, tensor in zip(self.kept, tensors):
                if kept.get(name) is not tensor:
                    return False
        for kept, name, tensor, array in self.seen:
            if kept.get(name) is not tensor or tensor._a is not array:
                return False
        return True

    def run(self, optimizer, group) -> bool:
        h = optimizer.advance(group, self.scalars)
        if self.single:
            params, grads = self.where[0].reshape(-1), self.params[0]._grad._a.reshape(-1)
        else:
            params = self.xp.concatenate(self.where, axis=None, out=self.gathered)
            grads = self.xp.concatenate([p._grad._a for p in self.params], axis=None)
        kept = [self.memory.get(name) for name in self.names]
        first = len(self.memory) < len(self.names)
        if self.dtype.kind == "c":  # a complex number is a pair of real ones
            real = params.real.dtype
            params, grads, kept = params.view(real), grads.view(real), [k if k is None else k.view(real) for k in kept]
        in_place = optimizer.rule_in_place if not first and self.xp is np else None
        made = None
        if in_place is not None:
            size = params.size if optimizer.in_one_pass(h) else 2 * BLOCK
            scratch = np.empty(min(params.size, 2 * BLOCK), params.dtype)
            if params.size <= 2 * BLOCK:
                in_place(params, grads, h, scratch, *kept)
            else:
                for i in range(0, params.size, max(size, 1)):
                    part = slice(i, i + size)
                    block = params[part]
                    in_place(block, grads[part], h, scratch[:block.size], *(k[part] for k in kept))
        elif first or params.size <= BLOCK or self.xp is not np:
            made = optimizer.rule(params, grads, h, *kept)
            params[...] = made[0]
            for old, new in zip(kept, made[1:], strict=True):
                if old is not None:
                    old[...] = new
        else:
            rule = optimizer.rule
            for i in range(0, params.size, BLOCK):
                part = slice(i, i + BLOCK)
                block = [k[part] for k in kept]
                new = rule(params[part], grads[part], h, *block)
                params[part] = new[0]
                for old, value in zip(block, new[1:]):
                    old[...] = value
        if not self.single:
            for array, place in zip(self.where, self.places):
                array[...] = place
        for p in self.params:
            if p._ver is None:
                p._ver = Version()
            p._ver.bump()
        if self.counts:
            self._store_counts()
        if first:
            self._store_first(made[1:])
        return not first

    def _store_counts(self) -> None:
        for name, tensors in self.counts.items():
            value = tensors[0]._a.dtype.type(self.scalars[name])
            self.scalars[name] = float(value)  # kept as rounded as the state that is saved
            for tensor in tensors:
                tensor._a = value
        self._note_counts()

    def _store_first(self, made) -> None:
        for name, flat in zip(self.names, made, strict=True):
            if name in self.memory:
                continue
            flat = flat.view(self.dtype) if self.dtype.kind == "c" else flat
            for kept, piece, shape in zip(self.kept, self.pieces, self.shapes):
                kept[name] = wrap(flat[piece[2]].reshape(shape).copy())
