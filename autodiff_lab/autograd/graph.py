"""Looking at and changing what the tape keeps: saved-tensor hooks, hooks on several gradients, graph nodes."""

from __future__ import annotations

import contextlib
import functools
from collections import namedtuple

import numpy as np

from ..core.backward import LISTENERS
from ..core.modes import WATCHERS, modes
from ..core.saved import Packed
from ..core.tape import Handle, Node
from ..core.tensor import Tensor, wrap

__all__ = ["GradientEdge", "Node", "allow_mutation_on_saved_tensors", "disable_saved_tensors_hooks", "get_gradient_edge", "register_multi_grad_hook", "save_on_cpu", "saved_tensors_hooks"]

GradientEdge = namedtuple("GradientEdge", ["node", "output_nr"])


class saved_tensors_hooks:
    """Within it, `pack` sees every tensor that the tape saves, and `unpack` makes it again for backward.

    >>> import autodiff_lab as lab
    >>> x = lab.ones(2, requires_grad=True)
    >>> with lab.autograd.graph.saved_tensors_hooks(lambda t: t.numpy(force=True), lab.from_numpy):
    ...     y = (x * x).sum()
    >>> y.backward(); x.grad
    tensor([2., 2.])
    """

    def __init__(self, pack_hook, unpack_hook):
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def _pack(self, node: Node) -> None:
        if node.saved and node.saved.__class__ is tuple:
            node.saved = _packed(node.saved, self.pack_hook, self.unpack_hook)

    def __enter__(self) -> None:
        if modes.hooks_refused:
            raise RuntimeError(modes.hooks_refused)
        # The innermost hooks come first: a node is packed once.
        modes.special = (self._pack, *modes.special)
        WATCHERS.append(self)

    def __exit__(self, *exception) -> None:
        kept = list(modes.special)
        kept.remove(self._pack)
        modes.special = tuple(kept)
        WATCHERS.remove(self)


def _packed(saved: tuple, pack, unpack) -> Packed:
    packed = Packed()
    recording, modes.grad = modes.grad, False
    special, modes.special = modes.special, ()
    try:
        for value in saved:
            if isinstance(value, Tensor):
                packed.append((unpack, pack(value), Tensor))
            elif isinstance(value, (np.ndarray, np.generic)):
                packed.append((unpack, pack(wrap(value)), np.ndarray))
            else:
                packed.append((None, value, None))
    finally:
        modes.grad, modes.special = recording, special
    return packed


class save_on_cpu(saved_tensors_hooks):
    """Within it, what the tape saves waits in host memory.

    >>> import autodiff_lab as lab
    >>> x = lab.tensor([3.0], requires_grad=True)
    >>> with lab.autograd.graph.save_on_cpu():
    ...     y = x * x
    >>> y.backward()
    >>> x.grad
    tensor([6.])
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda"):
        super().__init__(lambda t: (t.device, t.cpu()), lambda packed: packed[1].to(packed[0]))


@contextlib.contextmanager
def allow_mutation_on_saved_tensors():
    """Within it, tensors that backward needs may be written to: what is saved is a copy. (PyTorch copies only what is written to.)

    >>> import autodiff_lab as lab
    >>> with lab.autograd.graph.allow_mutation_on_saved_tensors():
    ...     a = lab.ones(2, requires_grad=True)
    ...     b = a.clone()
    ...     out = (b ** 2).sum()
    ...     _ = b.sin_()
    ...     out.backward()
    >>> a.grad
    tensor([2., 2.])
    """
    with saved_tensors_hooks(lambda tensor: tensor.detach().clone(), lambda copy: copy):
        yield


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message: str):
    """Within it, entering `saved_tensors_hooks` raises `error_message`.

    >>> import autodiff_lab as lab
    >>> with lab.autograd.graph.disable_saved_tensors_hooks("not here"):
    ...     y = lab.ones(1, requires_grad=True) * 2
    >>> y
    tensor([2.], grad_fn=<MulBackward0>)
    """
    before, modes.hooks_refused = modes.hooks_refused, error_message
    try:
        yield
    finally:
        modes.hooks_refused = before


def get_gradient_edge(tensor) -> GradientEdge:
    """The node and output number where the gradient of `tensor` is known.

    >>> import autodiff_lab as lab
    >>> x = lab.tensor(1.0, requires_grad=True)
    >>> edge = lab.autograd.graph.get_gradient_edge(x * 2)
    >>> edge.node.name(), edge.output_nr
    ('MulBackward0', 0)
    """
    if not tensor.requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    from ..core.tape import AccumulateGrad
    return GradientEdge(tensor.grad_fn or AccumulateGrad(tensor), tensor.output_nr)


class _Together:
    """Several tensors whose gradients one hook wants: all that a pass computes, or the first of them."""

    def __init__(self, tensors: tuple, fn, wants_all: bool):
        self.tensors, self.fn, self.wants_all = tensors, fn, wants_all
        self.begin(set())

    def begin(self, reached: set) -> None:
        """A pass begins that will reach these nodes and leaves."""
        self.grads: list = [None] * len(self.tensors)
        self.missing = sum((t if t._node is None else t._node) in reached for t in self.tensors) if self.wants_all else 1

    def arrived(self, i: int, grad) -> None:
        self.grads[i] = grad
        self.missing -= 1
        if not self.missing:
            self.fn(self.grads if self.wants_all else grad)


class MultiHandle(Handle):
    """Takes the hooks of several tensors away."""

    def __init__(self, handles: tuple):
        self.handles = handles

    def remove(self) -> None:
        """Take them away; twice is the same as once."""
        for handle in self.handles:
            handle.remove()


def register_multi_grad_hook(tensors, fn, *, mode: str = "all"):
    """Call `fn(grads)` once the gradients of all `tensors` are known (mode "all"), or `fn(grad)` with the first ("any").

    Tensors that a backward pass does not reach are not waited for; their place holds None.

    Raises:
        ValueError: for another mode.

    >>> import autodiff_lab as lab
    >>> a, b = lab.tensor(1.0, requires_grad=True), lab.tensor(2.0, requires_grad=True)
    >>> handle = lab.autograd.graph.register_multi_grad_hook((a, b), lambda grads: print(grads))
    >>> (a * b).backward()
    [tensor(2.), tensor(1.)]
    >>> handle.remove()
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    together = _Together(tuple(tensors), fn, mode == "all")
    LISTENERS.add(together)
    return MultiHandle(tuple(t.register_hook(functools.partial(together.arrived, i)) for i, t in enumerate(tensors) if mode == "all" or t.requires_grad))
