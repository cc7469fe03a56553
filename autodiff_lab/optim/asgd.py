"""Averaged stochastic gradient descent."""

from __future__ import annotations

from types import SimpleNamespace

from .elementwise import ElementwiseOptimizer, learning_rate
from .optimizer import check_at_least_zero, check_tensor_lr, number

__all__ = ["ASGD"]


class ASGD(ElementwiseOptimizer):
    r"""Steps with a learning rate that shrinks, $\eta_t = \eta / (1 + \lambda \eta t)^\alpha$, and keeps in
    `state[p]["ax"]` the average of the parameters from step `t0` on, which is what to use in the end.

    Args:
        lr: learning rate $\eta$.
        lambd: $\lambda$; it also shrinks the parameters by $1 - \lambda\eta_t$ in each step.
        alpha: $\alpha$.
        t0: where averaging starts.
        weight_decay: factor of the parameter that is added to its gradient.
        maximize: go up instead of down.
        foreach, capturable: accepted; there is one implementation.

    Source: Polyak and Juditsky (1992), Acceleration of stochastic approximation by averaging.

    >>> import autodiff_lab as lab
    >>> w = lab.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = lab.optim.ASGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([ 0.8000, -1.6000])
    """

    scalars = {"step": 0.0, "eta": 0.0, "mu": 1.0}

    def __init__(self, params, lr=1e-2, lambd: float = 1e-4, alpha: float = 0.75, t0: float = 1e6, weight_decay: float = 0, foreach: bool | None = None,
                 maximize: bool = False, differentiable: bool = False, capturable: bool = False):
        check_tensor_lr(lr)
        check_at_least_zero(lr=lr, weight_decay=weight_decay)
        super().__init__(params, {"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay, "foreach": foreach,
                                  "maximize": maximize, "differentiable": differentiable, "capturable": capturable})

    def arrays(self, group):
        return ("ax",)

    def first_scalar(self, name, group):
        return number(group["lr"]) if name == "eta" else self.scalars[name]

    def advance(self, group, scalars):
        step = scalars["step"] = scalars["step"] + 1
        h = SimpleNamespace(eta=scalars["eta"], mu=scalars["mu"], lambd=group["lambd"], decay=group["weight_decay"], maximize=group["maximize"])
        lr = learning_rate(group)
        scalars["eta"] = number(lr / (1 + group["lambd"] * lr * step) ** group["alpha"])
        scalars["mu"] = 1 / max(1, step - group["t0"])
        return h

    @staticmethod
    def rule(p, grad, h, average):
        if h.maximize:
            grad = -grad
        if h.decay != 0:
            grad = grad + h.decay * p
        p = p * (1 - h.lambd * h.eta) - h.eta * grad
        return p, p * 1 if h.mu == 1 else average + (p - average) * h.mu
