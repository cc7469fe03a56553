"""`lab.diagnose`: brings what a notebook knows to the doctor."""

from __future__ import annotations

import sys

from ..core.tensor import Tensor
from ..record.doctor import Report, examine
from ..record.shell import learner_cells
from .showing import snapshot_of
from .tensors import made_by

__all__ = ["diagnose"]


def diagnose(*things, optimizer=None) -> Report:
    """Why is this None, 0, NaN, huge or not learning? The likeliest cause first, with your line and what to try.

    Args:
        things: a loss, another tensor whose gradient you wonder about, a module, an optimizer; any of them together.
        optimizer: the optimizer, if it is not among `things`.

    >>> import autodiff_lab as lab
    >>> lab.diagnose(lab.tensor([1, 2]))
    tensor of shape [2]: 1 finding, the likeliest first.
    • It holds torch.int64: whole numbers cannot change by a little, so they have no gradient.
        Try: make it floating point before you use it: .float().
    """
    if not things and optimizer is None:
        raise TypeError("diagnose() needs something to look at: a loss, a tensor, a module or an optimizer.")
    tensors = [t for t in things if isinstance(t, Tensor)]
    modules = [t for t in things if hasattr(t, "named_parameters") and not isinstance(t, Tensor)]
    optimizers = [t for t in (*things, optimizer) if hasattr(t, "param_groups")]
    odd = [t for t in things if not isinstance(t, Tensor) and t not in modules and t not in optimizers]
    if odd:
        raise TypeError(f"diagnose() looks at tensors, modules and optimizers, got {type(odd[0]).__name__}.")
    frame = sys._getframe(1)
    loss = next((t for t in tensors if t.grad_fn is not None or t.numel() == 1 and not t.requires_grad and t.is_floating_point()), None)
    asked = next((t for t in tensors if t is not loss), None)
    snapshot = snapshot_of([loss], frame)[0] if loss is not None and loss.grad_fn is not None else None
    first = things[0] if things else optimizer
    return examine(_words(first, frame), snapshot=snapshot, tensor=asked, module=modules[0] if modules else None, optimizers=optimizers, sources=learner_cells(frame), loss=loss)


def _words(thing, frame) -> str:
    name = next((n for n, v in frame.f_locals.items() if v is thing and not n.startswith("_")), "")
    if name or not isinstance(thing, Tensor):
        return name or type(thing).__name__
    made = f" made by {made_by(thing.grad_fn)}" if thing.grad_fn is not None else ""
    return (f"tensor of shape {list(thing.shape)}" if thing.ndim else "scalar") + made
