"""RMSprop: steps divided by the root of a running mean of the squared gradient."""

from __future__ import annotations

from types import SimpleNamespace

from .elementwise import ElementwiseOptimizer, learning_rate
from .functions import sqrt
from .optimizer import check_at_least_zero, check_tensor_lr

__all__ = ["RMSprop"]


class RMSprop(ElementwiseOptimizer):
    r"""$v \leftarrow \alpha v + (1 - \alpha) g^2$, $p \leftarrow p - \eta\, g / (\sqrt v + \epsilon)$.

    Args:
        lr: learning rate $\eta$.
        alpha: $\alpha$, how slowly the mean forgets.
        eps: $\epsilon$.
        weight_decay: factor of the parameter that is added to its gradient.
        momentum: how much of the last step is kept.
        centered: divide by the standard deviation instead: $v$ minus the squared mean of the gradient.
        maximize: go up instead of down.
        foreach, capturable: accepted; there is one implementation.

    Source: Tieleman and Hinton (2012), lecture 6.5; Graves (2013), for the centered form.

    >>> import autodiff_lab as lab
    >>> w = lab.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = lab.optim.RMSprop([w], lr=0.01)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([ 0.9000, -1.9000])
    """

    def __init__(self, params, lr=1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0, momentum: float = 0, centered: bool = False,
                 capturable: bool = False, foreach: bool | None = None, maximize: bool = False, differentiable: bool = False):
        check_tensor_lr(lr)
        check_at_least_zero(lr=lr, eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        super().__init__(params, {"lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered, "weight_decay": weight_decay,
                                  "capturable": capturable, "foreach": foreach, "maximize": maximize, "differentiable": differentiable})

    def arrays(self, group):
        return ("square_avg", *(["momentum_buffer"] if group["momentum"] > 0 else []), *(["grad_avg"] if group["centered"] else []))

    def advance(self, group, scalars):
        scalars["step"] += 1
        return SimpleNamespace(lr=learning_rate(group), alpha=group["alpha"], eps=group["eps"], decay=group["weight_decay"],
                               momentum=group["momentum"], centered=group["centered"], maximize=group["maximize"])

    @staticmethod
    def rule(p, grad, h, v, *kept):
        if h.maximize:
            grad = -grad
        if h.decay != 0:
            grad = grad + h.decay * p
        v = v * h.alpha + grad * grad * (1 - h.alpha)
        made = [v]
        if h.centered:
            mean = kept[-1]
            mean = mean + (grad - mean) * (1 - h.alpha)
            scaled = grad / (sqrt(v - mean * mean) + h.eps)
        else:
            scaled = grad / (sqrt(v) + h.eps)
        if h.momentum > 0:
            scaled = h.momentum * kept[0] + scaled
            made.append(scaled)
        if h.centered:
            made.append(mean)
        return (p - h.lr * scaled, *made)
