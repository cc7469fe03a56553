"""Watching the engine costs nothing until someone looks: `observers` is an empty tuple on the hot path.

An observer gets plain method calls. One that raises is detached and reported once; the learner's
program goes on. Observers keep numbers and ids, never tensors.
"""

from __future__ import annotations

import threading
import warnings
from functools import partial

__all__ = ["Observer", "attach", "detach", "dismiss", "tell"]

observers: tuple = ()  # those who look at single operators, gradients or modules: asked on the hot path
followers: tuple = ()  # everyone: asked once a step, a batch or a backward pass
_lock = threading.Lock()
_listeners: dict[str, tuple] = {}

COARSE = frozenset(["backward_began", "graph_kept", "gradients_returned", "backward_ended", "optimizer_stepped", "zero_grad_called", "batch_served", "scalar_logged"])
FINE = ("op_ran", "op_failed", "node_annotated", "grad_flowed", "leaf_accumulated", "module_entered", "module_left")


class Observer:
    """Base class: override what you want to see."""

    careful = False  # True: its methods for single operators and gradients catch their own errors

    def op_ran(self, op, inputs, output):
        """An operator ran: its inputs as they were given (a tuple or a list), and what it returned."""

    def op_failed(self, op, inputs, error):
        """An operator raised `error`."""

    def node_annotated(self, node):
        """A node gets a place for hooks and notes."""

    def backward_began(self, roots, create_graph):
        """A backward pass starts at the tensors `roots`."""

    def backward_ended(self, error):
        """It is over; `error` is what it raised, or None."""

    def graph_kept(self):
        """The pass that began will free nothing: the graph is retained."""

    def gradients_returned(self, captured):
        """`autograd.grad` gives gradients back: `captured` has them by what they belong to."""

    def grad_flowed(self, node, grad, contributions):
        """A node got `grad` and sent one contribution to each of its edges."""

    def leaf_accumulated(self, tensor, grad, before):
        """A leaf adds `grad` to the gradient it had, a copy of which is `before` (None: it had none)."""

    def module_entered(self, module, args):
        """A module was called."""

    def module_left(self, module, output, error):
        """It returned `output`, or raised `error`."""

    def optimizer_stepped(self, optimizer):
        """An optimizer changed its parameters."""

    def zero_grad_called(self, owner):
        """An optimizer or a module forgot its gradients."""

    def batch_served(self, loader, index, epoch, n):
        """A DataLoader gave batch number `index` of `n` (None: unknown) in an epoch."""

    def scalar_logged(self, name, value):
        """A program logged a number under a name."""


def attach(observer: Observer) -> Observer:
    """Start telling `observer` what happens; twice is the same as once.

    One that overrides no fine-grained method (a live dashboard, say) costs nothing where single operators run.
    """
    global observers, followers
    with _lock:
        if observer not in followers:
            followers = (*followers, observer)
            if any(getattr(type(observer), name, None) is not getattr(Observer, name) for name in FINE):
                observers = (*observers, observer)
            _rebuild()
    return observer


def detach(observer: Observer) -> None:
    """Stop telling `observer`."""
    global observers, followers
    with _lock:
        observers = tuple(o for o in observers if o is not observer)
        followers = tuple(o for o in followers if o is not observer)
        _rebuild()


def _rebuild() -> None:
    """For each event, the methods of those who listen to it: nobody pays for what is not overridden."""
    global _listeners, op_ran, grad_flowed, leaf_accumulated
    _listeners = {name: tuple((observer, getattr(observer, name)) for observer in followers
                              if getattr(type(observer), name, None) is not getattr(Observer, name))
                  for name in (*COARSE, *FINE)}
    op_ran, grad_flowed, leaf_accumulated = map(_direct, ("op_ran", "grad_flowed", "leaf_accumulated"))


def _direct(event: str):
    """What to call for an event that is told once an operator: the one listener itself, where it is careful."""
    listeners = _listeners[event]
    return listeners[0][1] if len(listeners) == 1 and listeners[0][0].careful else partial(tell, event)


class StopTraining(BaseException):
    """Raised through a training loop when the learner pressed Stop; see `lab.watch`."""


def tell(event: str, *args) -> None:
    """Call the method `event` of every observer. A failing observer is detached with a warning."""
    for observer, method in _listeners[event]:
        try:
            method(*args)
        except Exception as error:
            dismiss(observer, event, error)


def dismiss(observer: Observer, event: str, error: Exception) -> None:
    """Detach an observer that failed, and say so once; the learner's program goes on."""
    detach(observer)
    warnings.warn(f"{type(observer).__name__} stopped watching because it failed in {event}: "
                  f"{type(error).__name__}: {error}. Your program is not affected.", RuntimeWarning, stacklevel=3)


_rebuild()
