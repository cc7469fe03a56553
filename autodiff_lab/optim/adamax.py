"""Adamax: Adam with the largest gradient seen, slowly forgotten, in place of the root of the mean square."""

from __future__ import annotations

from types import SimpleNamespace

from .elementwise import ElementwiseOptimizer, learning_rate
from .functions import absolute, maximum
from .optimizer import check_at_least_zero, check_betas, check_tensor_lr

__all__ = ["Adamax"]


class Adamax(ElementwiseOptimizer):
    r"""$m \leftarrow \beta_1 m + (1 - \beta_1) g$, $u \leftarrow \max(\beta_2 u, |g| + \epsilon)$,
    $p \leftarrow p - \frac{\eta}{1 - \beta_1^t}\, m / u$.

    Args: as for Adam; `lr` is 0.002 unless given.

    Source: Kingma and Ba (2014), Adam, section 7.1.

    >>> import autodiff_lab as lab
    >>> w = lab.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = lab.optim.Adamax([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([ 0.9000, -1.9000])
    """

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0, foreach: bool | None = None, *,
                 maximize: bool = False, differentiable: bool = False, capturable: bool = False):
        check_tensor_lr(lr)
        check_at_least_zero(lr=lr, eps=eps)
        check_betas(betas)
        check_at_least_zero(weight_decay=weight_decay)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach, "maximize": maximize,
                                  "differentiable": differentiable, "capturable": capturable})

    def arrays(self, group):
        return "exp_avg", "exp_inf"

    def advance(self, group, scalars):
        scalars["step"] += 1
        beta1, beta2 = group["betas"]
        return SimpleNamespace(beta1=beta1, beta2=beta2, eps=group["eps"], decay=group["weight_decay"], maximize=group["maximize"],
                               step_size=learning_rate(group) / (1 - beta1 ** scalars["step"]))

    @staticmethod
    def rule(p, grad, h, m, u):
        if h.maximize:
            grad = -grad
        if h.decay != 0:
            grad = grad + h.decay * p
        m = m + (grad - m) * (1 - h.beta1)
        u = maximum(u * h.beta2, absolute(grad) + h.eps)
        return p - h.step_size * (m / u), m, u
