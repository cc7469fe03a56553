"""Adafactor: keeps row and column means of the squared gradient instead of one number per parameter."""

from __future__ import annotations

import numpy as np

from ..backend import namespace
from ..core.tape import Version
from ..core.tensor import wrap
from .elementwise import scalar_tensor
from .optimizer import Optimizer, check_tensor_lr, number, run_closure

__all__ = ["Adafactor"]


class Adafactor(Optimizer):
    r"""For a matrix, $r$ and $c$ are running means of the squared gradient over its rows and columns, and
    $v \approx r c^\top / \mathrm{mean}(r)$ takes the place of Adam's $v$: memory for n + m numbers instead of n · m.
    Steps are relative to the size of the parameter, and clipped where they get too large.

    Args:
        lr: largest relative step.
        beta2_decay: the weight of a new squared gradient in step t is t ** beta2_decay.
        eps: smallest divisor (None: of the type) and smallest size of a parameter.
        d: root mean square from which steps are clipped.
        weight_decay: how much the parameter itself shrinks in each step.
        maximize: go up instead of down.
        foreach: accepted; there is one implementation.

    Source: Shazeer and Stern (2018), Adafactor: adaptive learning rates with sublinear memory cost.

    >>> import autodiff_lab as lab
    >>> w = lab.ones(2, 3, requires_grad=True)
    >>> optimizer = lab.optim.Adafactor([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([[0.9000, 0.9000, 0.9000],
            [0.9000, 0.9000, 0.9000]])
    """

    def __init__(self, params, lr=1e-2, beta2_decay: float = -0.8, eps=(None, 1e-3), d: float = 1.0, weight_decay: float = 0.0, *,
                 foreach: bool | None = None, maximize: bool = False):
        check_tensor_lr(lr)
        for good, message in ((0.0 <= lr, f"Learning rate should be >= 0 but is: {lr}"), (0.0 >= beta2_decay, f"beta2_decay should be <= 0 but is: {beta2_decay}"),
                              (eps[0] is None or 0.0 <= eps[0], f"epsilon1 should be >= 0 but is: {eps[0]}"), (0.0 <= eps[1], f"epsilon2 should be >= 0 but is: {eps[1]}"),
                              (1.0 <= d, f"Clipping threshold d should be >= 1 but is: {d}"), (0.0 <= weight_decay, f"weight_decay should be >= 0 but is: {weight_decay}")):
            if not good:
                raise ValueError(message)
        super().__init__(params, {"lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d, "weight_decay": weight_decay, "foreach": foreach, "maximize": maximize})

    def step(self, closure=None):
        """Change every parameter that has a gradient.

        Args:
            closure: computes the loss again and calls backward(); its result is returned.
        """
        loss = run_closure(closure)
        for group in self.param_groups:
            for p in group["params"]:
                if p._grad is not None:
                    self._update(p, group)
        return loss

    def __setstate__(self, state: dict) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("foreach", None)

    def _update(self, p, group) -> None:
        if p.is_complex():
            raise RuntimeError("Adafactor does not support complex parameters")
        xp, grad, kept = namespace(p._a), p._grad._a, self.state[p]
        if not kept:
            kept["step"] = scalar_tensor(0.0)
            if grad.ndim > 1:
                kept["row_var"] = wrap(xp.zeros((*grad.shape[:-1], 1), grad.dtype))
                kept["col_var"] = wrap(xp.zeros((*grad.shape[:-2], 1, grad.shape[-1]), grad.dtype))
            else:
                kept["variance"] = wrap(xp.zeros_like(grad))
        if group["maximize"]:
            grad = -grad
        step = number(kept["step"]) + 1
        kept["step"] = scalar_tensor(step)
        lr, fresh = number(group["lr"]), step ** group["beta2_decay"]
        array = p._array()
        eps = group["eps"][0] if group["eps"][0] is not None else float(np.finfo(array.dtype).eps)
        alpha = max(group["eps"][1], _root_mean_square(array)) * min(lr, 1 / step**0.5)
        if group["weight_decay"] != 0:
            array *= 1 - lr * group["weight_decay"]
        if grad.ndim > 1:
            rows, columns = _towards(kept["row_var"], (grad * grad).mean(-1, keepdims=True), fresh), _towards(kept["col_var"], (grad * grad).mean(-2, keepdims=True), fresh)
            estimate = xp.matmul(rows, columns) / xp.maximum(rows.mean(-2, keepdims=True), grad.dtype.type(eps))
        else:
            estimate = _towards(kept["variance"], grad * grad, fresh)
        update = grad / xp.sqrt(xp.maximum(estimate, grad.dtype.type(eps * eps)))
        array -= (alpha / max(1.0, _root_mean_square(update) / group["d"])) * update
        if p._ver is None:
            p._ver = Version()
        p._ver.bump()


def _root_mean_square(array) -> float:
    return float(namespace(array).sqrt((array * array).sum()) / array.size**0.5)


def _towards(kept, value, weight: float):
    """Move the array of `kept` towards `value`; returns it."""
    array = kept._array()
    array += (value - array) * array.dtype.type(weight)
    return array
