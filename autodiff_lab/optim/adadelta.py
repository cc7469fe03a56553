"""Adadelta: steps as large as steps have been, by the ratio of two running averages."""

from __future__ import annotations

from types import SimpleNamespace

from .elementwise import ElementwiseOptimizer, learning_rate
from .functions import sqrt
from .optimizer import check_at_least_zero, check_tensor_lr

__all__ = ["Adadelta"]


class Adadelta(ElementwiseOptimizer):
    r"""$v \leftarrow \rho v + (1 - \rho) g^2$, $\Delta = \sqrt{u + \epsilon} / \sqrt{v + \epsilon}\; g$,
    $u \leftarrow \rho u + (1 - \rho) \Delta^2$, $p \leftarrow p - \eta \Delta$.

    Args:
        lr: $\eta$, 1 unless given.
        rho: $\rho$, how slowly the averages forget.
        eps: $\epsilon$; it also decides how large the first steps are.
        weight_decay: factor of the parameter that is added to its gradient.
        maximize: go up instead of down.
        foreach, capturable: accepted; there is one implementation.

    Source: Zeiler (2012), ADADELTA: an adaptive learning rate method.

    >>> import autodiff_lab as lab
    >>> w = lab.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = lab.optim.Adadelta([w])
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([ 0.9968, -1.9968])
    """

    def __init__(self, params, lr=1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0, foreach: bool | None = None, *,
                 capturable: bool = False, maximize: bool = False, differentiable: bool = False):
        check_tensor_lr(lr)
        check_at_least_zero(lr=lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}. It must be from 0 to 1.")
        check_at_least_zero(eps=eps, weight_decay=weight_decay)
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize, "capturable": capturable,
                                  "foreach": foreach, "differentiable": differentiable})

    def arrays(self, group):
        return "square_avg", "acc_delta"

    def advance(self, group, scalars):
        scalars["step"] += 1
        return SimpleNamespace(lr=learning_rate(group), rho=group["rho"], eps=group["eps"], decay=group["weight_decay"], maximize=group["maximize"])

    @staticmethod
    def rule(p, grad, h, v, u):
        if h.maximize:
            grad = -grad
        if h.decay != 0:
            grad = grad + h.decay * p
        v = v * h.rho + grad * grad * (1 - h.rho)
        delta = sqrt(u + h.eps) / sqrt(v + h.eps) * grad
        return p - h.lr * delta, v, u * h.rho + delta * delta * (1 - h.rho)
