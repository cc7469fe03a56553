"""Rprop: only the sign of the gradient counts; every parameter has a step size of its own."""

from __future__ import annotations

from types import SimpleNamespace

from ..backend import namespace
from .elementwise import ElementwiseOptimizer
from .functions import clip, sign, where
from .optimizer import check_at_least_zero, check_tensor_lr, number

__all__ = ["Rprop"]


class Rprop(ElementwiseOptimizer):
    r"""The step size grows by $\eta_+$ while the gradient keeps its sign, and shrinks by $\eta_-$ when it changes (and
    that once the parameter stays where it is). For full batches: with mini-batches the sign is mostly noise.

    Args:
        lr: the first step size.
        etas: $\eta_-, \eta_+$.
        step_sizes: the smallest and the largest step size.
        maximize: go up instead of down.
        foreach, capturable: accepted; there is one implementation.

    Source: Riedmiller and Braun (1993), A direct adaptive method for faster backpropagation learning.

    >>> import autodiff_lab as lab
    >>> w = lab.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = lab.optim.Rprop([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([ 0.9000, -1.9000])
    """

    def __init__(self, params, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50), *, capturable: bool = False, foreach: bool | None = None,
                 maximize: bool = False, differentiable: bool = False):
        check_tensor_lr(lr)
        check_at_least_zero(lr=lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}. The first must be between 0 and 1, the second above 1.")
        super().__init__(params, {"lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach, "maximize": maximize,
                                  "differentiable": differentiable, "capturable": capturable})

    def arrays(self, group):
        return "prev", "step_size"

    def first_array(self, name, p, group):
        if name == "prev":
            return namespace(p).zeros_like(p)
        lr = number(group["lr"])
        return namespace(p).full_like(p, complex(lr, lr) if p.dtype.kind == "c" else lr)

    def advance(self, group, scalars):
        scalars["step"] += 1
        return SimpleNamespace(shrink=group["etas"][0], grow=group["etas"][1], limits=group["step_sizes"], maximize=group["maximize"])

    @staticmethod
    def rule(p, grad, h, before, size):
        if h.maximize:
            grad = -grad
        agrees = sign(grad * before)
        size = clip(where(agrees > 0, size * h.grow, where(agrees < 0, size * h.shrink, size)), *h.limits)
        grad = where(agrees < 0, 0.0, grad)
        return p - sign(grad) * size, grad, size
