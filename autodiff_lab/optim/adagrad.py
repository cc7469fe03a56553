"""Adagrad: steps divided by the root of the sum of all squared gradients so far."""

from __future__ import annotations

from types import SimpleNamespace

from ..backend import namespace
from ..core.tensor import wrap
from .elementwise import ElementwiseOptimizer, learning_rate, scalar_tensor
from .functions import sqrt
from .optimizer import check_at_least_zero, check_fused, check_tensor_lr

__all__ = ["Adagrad"]


class Adagrad(ElementwiseOptimizer):
    r"""$s \leftarrow s + g^2$, $p \leftarrow p - \frac{\eta}{1 + (t - 1) d}\, g / (\sqrt s + \epsilon)$.

    Args:
        lr: learning rate $\eta$.
        lr_decay: $d$, by which the learning rate shrinks over the steps.
        weight_decay: factor of the parameter that is added to its gradient.
        initial_accumulator_value: what $s$ starts from.
        eps: $\epsilon$.
        maximize: go up instead of down.
        foreach, fused: accepted; there is one implementation.

    Source: Duchi, Hazan and Singer (2011), Adaptive subgradient methods for online learning.

    >>> import autodiff_lab as lab
    >>> w = lab.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = lab.optim.Adagrad([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([ 0.9000, -1.9000])
    """

    def __init__(self, params, lr=1e-2, lr_decay: float = 0, weight_decay: float = 0, initial_accumulator_value: float = 0, eps: float = 1e-10,
                 foreach: bool | None = None, *, maximize: bool = False, differentiable: bool = False, fused: bool | None = None):
        check_tensor_lr(lr)
        check_at_least_zero(lr=lr, lr_decay=lr_decay, weight_decay=weight_decay, initial_accumulator_value=initial_accumulator_value, eps=eps)
        super().__init__(params, {"lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
                                  "initial_accumulator_value": initial_accumulator_value, "foreach": foreach, "maximize": maximize,
                                  "differentiable": differentiable, "fused": fused})
        check_fused(fused, foreach, differentiable)
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p] = {"step": scalar_tensor(0.0), "sum": wrap(self.first_array("sum", p._array(), group))}

    def arrays(self, group):
        return ("sum",)

    def first_array(self, name, p, group):
        start = self.defaults["initial_accumulator_value"]
        return namespace(p).full_like(p, complex(start, start) if p.dtype.kind == "c" else start)

    def advance(self, group, scalars):
        scalars["step"] += 1
        return SimpleNamespace(eps=group["eps"], decay=group["weight_decay"], maximize=group["maximize"],
                               step_size=learning_rate(group) / (1 + (scalars["step"] - 1) * group["lr_decay"]))

    @staticmethod
    def rule(p, grad, h, total):
        if h.maximize:
            grad = -grad
        if h.decay != 0:
            grad = grad + h.decay * p
        total = total + grad * grad
        return p - h.step_size * (grad / (sqrt(total) + h.eps)), total
