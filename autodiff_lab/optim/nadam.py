"""NAdam: Adam with Nesterov's look ahead."""

from __future__ import annotations

from types import SimpleNamespace

from .elementwise import ElementwiseOptimizer, learning_rate, rounded
from .functions import sqrt
from .optimizer import check_at_least_zero, check_betas, check_tensor_lr

__all__ = ["NAdam"]


class NAdam(ElementwiseOptimizer):
    r"""Adam whose step mixes the gradient with the average that the *next* step would use. The weights
    $\mu_t = \beta_1 (1 - \tfrac12\, 0.96^{t\psi})$ grow slowly to $\beta_1$.

    Args:
        momentum_decay: $\psi$.
        decoupled_weight_decay: shrink the parameter instead of changing its gradient.
        Others as for Adam; `lr` is 0.002 unless given.

    Source: Dozat (2016), Incorporating Nesterov momentum into Adam.

    >>> import autodiff_lab as lab
    >>> w = lab.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = lab.optim.NAdam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([ 0.8944, -1.8944])
    """

    scalars = {"step": 0.0, "mu_product": 1.0}

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0, momentum_decay: float = 4e-3,
                 decoupled_weight_decay: bool = False, *, foreach: bool | None = None, maximize: bool = False, capturable: bool = False,
                 differentiable: bool = False):
        check_tensor_lr(lr)
        check_at_least_zero(lr=lr, eps=eps)
        check_betas(betas)
        check_at_least_zero(weight_decay=weight_decay, momentum_decay=momentum_decay)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum_decay": momentum_decay,
                                  "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize, "foreach": foreach,
                                  "capturable": capturable, "differentiable": differentiable})

    def arrays(self, group):
        return "exp_avg", "exp_avg_sq"

    def advance(self, group, scalars):
        step = scalars["step"] = scalars["step"] + 1
        (beta1, beta2), lr, decay = group["betas"], learning_rate(group), group["weight_decay"]
        mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1))
        scalars["mu_product"] = rounded(scalars["mu_product"] * rounded(mu))
        decoupled = group["decoupled_weight_decay"]
        return SimpleNamespace(beta1=beta1, beta2=beta2, eps=group["eps"], maximize=group["maximize"],
                               shrink=1 - lr * decay if decoupled and decay else None, decay=0.0 if decoupled else decay,
                               root_scale=1 - beta2**step, of_grad=lr * (1 - mu) / (1 - scalars["mu_product"]),
                               of_average=lr * mu_next / (1 - scalars["mu_product"] * mu_next))

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
        root = sqrt(v / h.root_scale) + h.eps
        return p - (h.of_grad * grad + h.of_average * m) / root, m, v
