"""RAdam: Adam that trusts its mean square only once it rests on enough steps."""

from __future__ import annotations

import math
from types import SimpleNamespace

from .elementwise import ElementwiseOptimizer, learning_rate
from .functions import sqrt
from .optimizer import check_at_least_zero, check_betas, check_tensor_lr

__all__ = ["RAdam"]


class RAdam(ElementwiseOptimizer):
    r"""While the mean square rests on few steps ($\rho_t \le 5$), a plain step with the averaged gradient; afterwards
    Adam's, times $r_t = \sqrt{\frac{(\rho_t - 4)(\rho_t - 2)\rho_\infty}{(\rho_\infty - 4)(\rho_\infty - 2)\rho_t}}$,
    where $\rho_\infty = 2/(1 - \beta_2) - 1$ and $\rho_t = \rho_\infty - 2 t \beta_2^t / (1 - \beta_2^t)$.

    Args:
        decoupled_weight_decay: shrink the parameter instead of changing its gradient.
        Others as for Adam.

    Source: Liu et al. (2019), On the variance of the adaptive learning rate and beyond.

    >>> import autodiff_lab as lab
    >>> w = lab.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = lab.optim.RAdam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([ 0.8000, -1.6000])
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0, decoupled_weight_decay: bool = False, *,
                 foreach: bool | None = None, maximize: bool = False, capturable: bool = False, differentiable: bool = False):
        check_tensor_lr(lr)
        check_at_least_zero(lr=lr, eps=eps)
        check_betas(betas)
        check_at_least_zero(weight_decay=weight_decay)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize, "foreach": foreach,
                                  "capturable": capturable, "decoupled_weight_decay": decoupled_weight_decay, "differentiable": differentiable})

    def arrays(self, group):
        return "exp_avg", "exp_avg_sq"

    def advance(self, group, scalars):
        step = scalars["step"] = scalars["step"] + 1
        (beta1, beta2), lr, decay = group["betas"], learning_rate(group), group["weight_decay"]
        most = 2 / (1 - beta2) - 1
        rho = most - 2 * step * beta2**step / (1 - beta2**step)
        trust = math.sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho)) if rho > 5 else None
        decoupled = group["decoupled_weight_decay"]
        return SimpleNamespace(beta1=beta1, beta2=beta2, eps=group["eps"], maximize=group["maximize"],
                               shrink=1 - lr * decay if decoupled and decay else None, decay=0.0 if decoupled else decay, adapts=trust is not None,
                               step_size=lr / (1 - beta1**step) * (1.0 if trust is None else trust * math.sqrt(1 - beta2**step)))

    @staticmethod
    def rule(p, grad, h, m, v):
        if h.maximize:
            grad = -grad
        if h.shrink is not None:
            p = p * h.shrink
        if h.decay != 0:
            grad = grad + h.decay * p
        m = m + (grad - m) * (1 - h.beta1)
        v = v * h.beta2 + grad * grad * (1 - h.beta2)
        return p - h.step_size * (m / (sqrt(v) + h.eps) if h.adapts else m), m, v
