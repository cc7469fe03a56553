"""Adam: steps scaled by running averages of the gradient and of its square."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from ..core.tensor import Tensor
from .elementwise import ElementwiseOptimizer, learning_rate
from .functions import maximum, sqrt
from .optimizer import check_at_least_zero, check_betas, check_fused, check_tensor_lr, number

__all__ = ["Adam"]


class Adam(ElementwiseOptimizer):
    r"""Keeps averages of the gradient and of its square,
    $m \leftarrow \beta_1 m + (1 - \beta_1) g$ and $v \leftarrow \beta_2 v + (1 - \beta_2) g^2$, corrects their start
    at zero, $\hat m = m / (1 - \beta_1^t)$, $\hat v = v / (1 - \beta_2^t)$, and steps
    $p \leftarrow p - \eta\, \hat m / (\sqrt{\hat v} + \epsilon)$.

    Args:
        lr: learning rate $\eta$; a number or a tensor with one element.
        betas: $\beta_1, \beta_2$.
        eps: $\epsilon$, added to the root.
        weight_decay: factor of the parameter that is added to its gradient; see AdamW for the decoupled form.
        amsgrad: divide by the largest $v$ seen so far.
        maximize: go up instead of down.
        decoupled_weight_decay: shrink the parameter itself instead, as AdamW does.
        foreach, fused, capturable: accepted; there is one implementation.
        differentiable: record the step itself.

    Source: Kingma and Ba (2014), Adam: a method for stochastic optimization.

    >>> import autodiff_lab as lab
    >>> w = lab.tensor([1.0], requires_grad=True)
    >>> optimizer = lab.optim.Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9000], requires_grad=True)
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0, amsgrad: bool = False, *,
                 foreach: bool | None = None, maximize: bool = False, capturable: bool = False, differentiable: bool = False,
                 fused: bool | None = None, decoupled_weight_decay: bool = False):
        if isinstance(lr, Tensor) and foreach and not capturable:
            raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
        check_tensor_lr(lr)
        check_at_least_zero(lr=lr, eps=eps)
        check_betas(betas)
        check_at_least_zero(weight_decay=weight_decay)
        if [isinstance(b, Tensor) for b in betas] not in ([True, True], [False, False]) or not all(isinstance(b, (float, Tensor)) for b in betas):
            raise ValueError("betas must be either both floats or both Tensors")
        for i, beta in enumerate(betas):
            if isinstance(beta, Tensor):
                if foreach and not capturable:
                    raise ValueError(f"betas[{i}] as a Tensor is not supported for capturable=False and foreach=True")
                if beta.numel() != 1:
                    raise ValueError(f"Tensor betas[{i}] must be 1-element")
        betas = tuple(b.squeeze() if isinstance(b, Tensor) and b.dim() else b for b in betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad, "maximize": maximize,
                                  "foreach": foreach, "capturable": capturable, "differentiable": differentiable, "fused": fused,
                                  "decoupled_weight_decay": decoupled_weight_decay})
        check_fused(fused, foreach, differentiable)

    def arrays(self, group):
        return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")

    def advance(self, group, scalars):
        scalars["step"] += 1
        beta1, beta2 = (b if group["differentiable"] else number(b) for b in group["betas"])
        lr, decay = learning_rate(group), group["weight_decay"]
        decoupled = group["decoupled_weight_decay"]
        return SimpleNamespace(beta1=beta1, beta2=beta2, eps=group["eps"], maximize=group["maximize"],
                               shrink=1 - lr * decay if decoupled and decay else None, decay=0.0 if decoupled else decay,
                               step_size=lr / (1 - beta1 ** scalars["step"]), root_scale=(1 - beta2 ** scalars["step"]) ** 0.5)

    @staticmethod
    def rule(p, grad, h, m, v, largest=None):
        if h.maximize:
            grad = -grad
        if h.shrink is not None:
            p = p * h.shrink
        if h.decay != 0:
            grad = grad + h.decay * p
        m = m + (grad - m) * (1 - h.beta1)  # written as PyTorch's lerp, so that the last digit is the same
        v = v * h.beta2 + grad * grad * (1 - h.beta2)
        if largest is None:
            return p - h.step_size * (m / (sqrt(v) / h.root_scale + h.eps)), m, v
        largest = maximum(largest, v)
        return p - h.step_size * (m / (sqrt(largest) / h.root_scale + h.eps)), m, v, largest

    @staticmethod
    def rule_in_place(p, grad, h, scratch, m, v, largest=None):
        if h.maximize:
            grad = -grad
        if h.shrink is not None:
            p *= h.shrink
        if h.decay != 0:
            grad = grad + h.decay * p
        np.subtract(grad, m, scratch)
        scratch *= 1 - h.beta1
        m += scratch
        np.multiply(grad, grad, scratch)
        scratch *= 1 - h.beta2
        v *= h.beta2
        v += scratch
        if largest is not None:
            np.maximum(largest, v, out=largest)
        np.sqrt(v if largest is None else largest, scratch)
        scratch /= h.root_scale
        scratch += h.eps
        np.divide(m, scratch, scratch)
        scratch *= h.step_size
        p -= scratch
