"""`Variable`: what tensors with gradients were called before PyTorch 0.4. Old programs still say it."""

from __future__ import annotations

from ..core.errors import caution
from ..core.tensor import Tensor

__all__ = ["Variable"]


class _VariableMeta(type):
    def __instancecheck__(cls, value) -> bool:
        return isinstance(value, Tensor)


class Variable(metaclass=_VariableMeta):
    """`Variable(t)` is the tensor `t`, requiring a gradient if asked to.

    >>> import autodiff_lab as lab
    >>> lab.autograd.Variable(lab.ones(1), requires_grad=True)
    tensor([1.], requires_grad=True)
    """

    def __new__(cls, data: Tensor, requires_grad: bool = False, volatile: bool = False) -> Tensor:
        if volatile:
            caution("volatile was removed and now has no effect. Use `with torch.no_grad():` instead.")
        made = data.view_as(data) if data.requires_grad else data.detach()
        if requires_grad:
            made.requires_grad_()
        return made
