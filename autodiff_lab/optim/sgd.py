"""Stochastic gradient descent, with momentum and Nesterov's look ahead."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from ..backend.blas import add_scaled
from .elementwise import ElementwiseOptimizer, learning_rate
from .optimizer import check_at_least_zero, check_fused, check_tensor_lr, number

__all__ = ["SGD"]


class SGD(ElementwiseOptimizer):
    r"""Steps against the gradient: $p \leftarrow p - \eta\, v$, where $v$ is the gradient, or with momentum
    $v \leftarrow \mu v + (1 - \tau) g$ (in the first step $v = g$).

    Args:
        lr: learning rate $\eta$; a number or a tensor with one element.
        momentum: $\mu$, how much of the last direction is kept.
        dampening: $\tau$.
        weight_decay: factor of the parameter that is added to its gradient (an L2 penalty).
        nesterov: look ahead, $v \leftarrow g + \mu v$; needs momentum and no dampening.
        maximize: go up instead of down.
        foreach, fused: accepted; there is one implementation.
        differentiable: record the step itself.

    Raises:
        ValueError: for a negative option, or Nesterov without momentum.

    Source: Sutskever et al. (2013), On the importance of initialization and momentum in deep learning.

    >>> import autodiff_lab as lab
    >>> w = lab.tensor([1.0], requires_grad=True)
    >>> optimizer = lab.optim.SGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8000], requires_grad=True)
    """

    scalars = {}

    def __init__(self, params, lr=1e-3, momentum: float = 0, dampening: float = 0, weight_decay: float = 0, nesterov: bool = False, *,
                 maximize: bool = False, foreach: bool | None = None, differentiable: bool = False, fused: bool | None = None):
        check_tensor_lr(lr)
        check_at_least_zero(lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov,
                                  "maximize": maximize, "foreach": foreach, "differentiable": differentiable, "fused": fused})
        check_fused(fused, foreach, differentiable)

    def arrays(self, group):
        return ("momentum_buffer",) if group["momentum"] != 0 else ()

    def first_array(self, name, p, group):
        return None  # the first direction is the first gradient

    def advance(self, group, scalars):
        return SimpleNamespace(lr=learning_rate(group), momentum=group["momentum"], dampening=group["dampening"],
                               decay=number(group["weight_decay"]), nesterov=group["nesterov"], maximize=group["maximize"])

    @staticmethod
    def rule(p, grad, h, *direction):
        if h.maximize:
            grad = -grad
        if h.decay != 0:
            grad = grad + h.decay * p
        if h.momentum == 0:
            return (p - h.lr * grad,)
        v = direction[0]
        # In the first step a copy of the gradient, because zero_grad or the next backward pass may write to the gradient itself.
        v = grad * 1 if v is None else h.momentum * v + (1 - h.dampening) * grad
        step = grad + h.momentum * v if h.nesterov else v
        return p - h.lr * step, v

    @staticmethod
    def in_one_pass(h):
        return h.momentum == 0 and h.decay == 0 and not h.maximize

    @staticmethod
    def rule_in_place(p, grad, h, scratch, *direction):
        if h.maximize or h.decay != 0:
            grad = -grad if h.maximize else grad
            grad = grad + h.decay * p if h.decay != 0 else grad
        if h.momentum != 0:
            v = direction[0]
            v *= h.momentum
            if h.dampening == 0:
                v += grad
            else:
                v += np.multiply(grad, 1 - h.dampening, scratch)
            if h.nesterov:
                np.multiply(v, h.momentum, scratch)
                scratch += grad
                grad = scratch
            else:
                grad = v
        add_scaled(p, -h.lr, grad)
