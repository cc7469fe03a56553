"""Forward mode: a dual tensor carries a tangent, and what is computed from it carries the derivative along that tangent.

    with lab.autograd.forward_ad.dual_level():
        dual = forward_ad.make_dual(x, direction)
        value, slope = forward_ad.unpack_dual(f(dual))

Tangents do not travel with the numbers here. `unpack_dual` finds them from the tape by going backward twice: the gradient
J^T v is linear in v, so its own derivative with respect to v, along the tangent, is J times the tangent. The answers are
PyTorch's; what differs is that operators inside a level are recorded, so their results say `requires_grad`.
"""

from __future__ import annotations

import threading
import warnings
from typing import NamedTuple

from ..core.backward import collect
from ..core.modes import enable_grad, modes
from ..core.op import public
from ..core.tape import EngineOp, Node, new_node
from ..core.tensor import Tensor, wrap
from .engine import _place
from .engine import grad as autograd_grad

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]

_all = public[""]


def mark(leaf: Tensor, owner) -> Tensor:
    """Say for which transform the leaf was made: nobody wants its gradient once `owner.alive` is False."""
    leaf.__dict__["_made_for"] = owner
    return leaf


class Level:
    """The dual tensors of one level: their leaves on the tape, and the tangents."""

    alive = False

    def __init__(self, users: bool = False):
        self.leaves: list[Tensor] = []
        self.tangents: list[Tensor] = []
        self.users = users

    def dual(self, tensor: Tensor, tangent: Tensor) -> Tensor:
        """An alias of `tensor` with a leaf of its own besides the history it has."""
        leaf = mark(wrap(tensor._array()), self)
        leaf._rg = True
        self.leaves.append(leaf)
        self.tangents.append(tangent)
        made = wrap(tensor._array())
        made._node = new_node(_DUAL, (leaf, _place(tensor) if tensor.requires_grad else None), (), made._a.shape, made._a.dtype)
        made._rg, made._ver = True, tensor._ver
        return made

    def tangents_of(self, values) -> list:
        """The tangent of each value; None for one that was not computed from a dual tensor."""
        push = pushed([v if isinstance(v, Tensor) and reaches([v], self) else None for v in values], self.leaves)
        return [settled(t, self.leaves + push.own) for t in push(self.tangents)]

    def __enter__(self) -> Level:
        self._before, self._lost = modes.grad, modes.lost
        modes.grad, modes.lost = True, _warn
        state.levels = (*state.levels, self)
        self.alive = True
        return self

    def __exit__(self, *exception) -> None:
        state.levels = tuple(level for level in state.levels if level is not self)
        self.alive = False
        modes.grad, modes.lost = self._before, self._lost


class _State(threading.local):
    levels: tuple = ()


state = _State()
_DUAL = EngineOp("AliasBackward0", lambda node, grad: (grad, grad))


def _warn() -> None:
    warnings.warn("Recording is switched off where tangents are wanted. They are found from the tape here, so what is computed now has none (in PyTorch it has).",
                  UserWarning, stacklevel=3)


def reaches(tensors, level: Level) -> bool:
    """True if one of `tensors` was computed from a dual tensor of `level`."""
    mine = {id(leaf) for leaf in level.leaves}
    return bool(mine) and any(id(leaf) in mine for leaf in leaves_behind(tensors))


def level_behind(values) -> Level | None:
    """The level whose dual tensors are among what `values` were computed from.

    Raises:
        RuntimeError: if something else wants their gradients as well: a `jvp` of one's own can't serve both here.
    """
    found = [level for level in state.levels if reaches(values, level)]
    if found and (len(found) > 1 or wanted_outside(values, found[0].leaves)):
        raise RuntimeError("The jvp of a custom Function is used here by one forward pass only: not inside another one, and not where an input also requires a gradient.")
    return found[0] if found else None


def leaves_behind(tensors) -> list:
    """The leaves that require a gradient and that `tensors` were computed from."""
    places = [_place(t) for t in tensors if isinstance(t, Tensor) and t.requires_grad]
    uses: dict = {}
    collect(places, uses)
    return [*uses, *(place for place in places if not isinstance(place, Node))]


def pushed(outputs: list, leaves: list):
    """A function from tangents of `leaves` to tangents of `outputs`, None for one that does not depend on them; the first of the two ways backward."""
    found = []
    with enable_grad():
        for output in outputs:
            if not (isinstance(output, Tensor) and output.requires_grad):
                found.append((None, None))
                continue
            v = mark(_all["zeros_like"](output.detach()).requires_grad_(), Level)
            found.append((v, autograd_grad([output], leaves, [v], create_graph=True, allow_unused=True)))

    def push(tangents) -> list:
        pushed_out = []
        with enable_grad():
            for v, gradients in found:
                pairs = [] if v is None else [(g, t) for g, t in zip(gradients, tangents, strict=True) if g is not None]
                if not pairs:
                    pushed_out.append(None)
                    continue
                linear = [(g, t) for g, t in pairs if g.requires_grad]
                tangent = autograd_grad([g for g, _ in linear], [v], [t for _, t in linear], create_graph=True, allow_unused=True)[0] if linear else None
                pushed_out.append(_all["zeros_like"](v.detach()) if tangent is None else tangent)
        return pushed_out
    push.own = [v for v, _ in found if v is not None]
    return push


def wanted_outside(values, own: list) -> bool:
    """True if a leaf that is none of `own` is behind one of `values` and somebody may want its gradient."""
    mine = {id(leaf) for leaf in own}
    return any(id(leaf) not in mine and ((owner := leaf.__dict__.get("_made_for")) is None or owner.alive) for leaf in leaves_behind(values))


def settled(value, own: list, recording: bool = True):
    """A tensor without its history, unless somebody records and a leaf that is none of `own` is behind it; anything else as it is."""
    if not isinstance(value, Tensor) or not value.requires_grad:
        return value
    return value if recording and wanted_outside([value], own) else value.detach()


class UnpackedDualTensor(NamedTuple):
    """What `unpack_dual` gives: the number and its tangent, None if there is none."""

    primal: Tensor
    tangent: Tensor | None


def _current() -> Level | None:
    return next((level for level in reversed(state.levels) if level.users), None)


def enter_dual_level() -> int:
    """Begin a level and return its number.

    Raises:
        RuntimeError: inside another one.
    """
    if _current() is not None:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    Level(users=True).__enter__()
    return 0


def exit_dual_level(*, level=None) -> None:
    """End the level: dual tensors that were made in it lose their tangents."""
    found = _current()
    if found is None or level not in (None, 0):
        raise RuntimeError("Trying to exit a forward AD level that was not the last one that was created. This is not supported.")
    found.__exit__()


class dual_level:
    """Inside, `make_dual` and `unpack_dual` work.

    >>> import autodiff_lab as lab
    >>> from autodiff_lab.autograd import forward_ad
    >>> with forward_ad.dual_level():
    ...     dual = forward_ad.make_dual(lab.tensor([1.0, 3.0]), lab.tensor([1.0, 0.0]))
    ...     forward_ad.unpack_dual(dual ** 2)
    UnpackedDualTensor(primal=tensor([1., 9.]), tangent=tensor([2., 0.]))
    """

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *exception) -> None:
        exit_dual_level()


def make_dual(tensor: Tensor, tangent: Tensor, *, level=None) -> Tensor:
    """A tensor that shares the numbers of `tensor` and carries `tangent`.

    Raises:
        RuntimeError: outside a level, or if the shapes differ.
        ValueError: if one of them does not hold floating point or complex numbers.
    """
    current = _current()
    if current is None:
        raise RuntimeError("Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first.")
    for name, given in (("primal", tensor), ("tangent", tangent)):
        if not (given.is_floating_point() or given.is_complex()):
            raise ValueError(f"Expected {name} to be floating point or complex, but got: {given.dtype}")
    if tensor.shape != tangent.shape:
        raise RuntimeError(f"Trying to set a forward gradient that has a different size than that of the original Tensor, this is not supported. Tensor is of size {list(tensor.shape)} while the given forward gradient is of size {list(tangent.shape)}.")
    if tensor.dtype != tangent.dtype:
        raise RuntimeError(f"Expected tangent to have the dtype of the primal, {tensor.dtype}, but got: {tangent.dtype}")
    return current.dual(tensor, tangent)


def unpack_dual(tensor: Tensor, *, level=None) -> UnpackedDualTensor:
    """The number and the tangent of a tensor that was computed from dual tensors; (tensor, None) of any other."""
    current = _current()
    if current is None or not reaches([tensor], current):
        return UnpackedDualTensor(tensor, None)
    push = pushed([tensor], current.leaves)
    tangent, = push(current.tangents)
    own = current.leaves + push.own
    return UnpackedDualTensor(settled(tensor, own, current._before), settled(tangent, own, current._before))
