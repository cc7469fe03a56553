"""Muon: momentum for matrices, made orthogonal before each step."""

from __future__ import annotations

import numpy as np

from ..backend import namespace
from ..core.tape import Version
from ..core.tensor import wrap
from .optimizer import Optimizer, check_tensor_lr, number, run_closure

__all__ = ["Muon"]


class Muon(Optimizer):
    r"""$B \leftarrow \mu B + (1 - \mu) g$; the step is $B$ (or with Nesterov's look ahead a mix of $g$ and $B$) made nearly
    orthogonal by a few Newton–Schulz steps $X \leftarrow a X + (b G + c G^2) X$ with $G = X X^\top$, which PyTorch does in bfloat16.
    For the matrices inside a network; biases and embeddings are for AdamW.

    Args:
        lr: learning rate.
        weight_decay: how much the parameter itself shrinks in each step.
        momentum, nesterov: $\mu$, and whether to look ahead.
        ns_coefficients, ns_steps, eps: of the Newton–Schulz steps.
        adjust_lr_fn: "original" (default) or "match_rms_adamw", how the learning rate follows the shape.

    Source: Jordan (2024), Muon: an optimizer for hidden layers in neural networks.

    >>> import autodiff_lab as lab
    >>> w = lab.eye(2).requires_grad_()
    >>> optimizer = lab.optim.Muon([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> bool((w.diagonal() < 1).all())
    True
    """

    def __init__(self, params, lr=1e-3, weight_decay: float = 0.1, momentum: float = 0.95, nesterov: bool = True,
                 ns_coefficients=(3.4445, -4.7750, 2.0315), eps: float = 1e-7, ns_steps: int = 5, adjust_lr_fn: str | None = None):
        check_tensor_lr(lr)
        for good, message in ((0.0 <= lr, f"Learning rate should be >= 0 but is: {lr}"), (0.0 <= momentum, f"momentum should be >= 0 but is: {momentum}"),
                              (0.0 <= weight_decay, f"weight decay should be >= 0 but is: {weight_decay}"),
                              (adjust_lr_fn in (None, "original", "match_rms_adamw"), f"Adjust learning rate function {adjust_lr_fn} is not supported")):
            if not good:
                raise ValueError(message)
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov, "ns_coefficients": ns_coefficients,
                                  "eps": eps, "ns_steps": ns_steps, "adjust_lr_fn": adjust_lr_fn})
        for group in self.param_groups:
            for p in group["params"]:
                if p.ndim != 2:
                    raise ValueError(f"Muon only supports 2D parameters whereas we found a parameter with size: {p.size()}")

    def step(self, closure=None):
        """Change every matrix that has a gradient.

        Args:
            closure: computes the loss again and calls backward(); its result is returned.
        """
        loss = run_closure(closure)
        for group in self.param_groups:
            for p in group["params"]:
                if p._grad is None:
                    continue
                if p.is_complex():
                    raise RuntimeError("Muon does not support complex parameters")
                grad, kept, mu = p._grad._a, self.state[p], group["momentum"]
                if "momentum_buffer" not in kept:
                    kept["momentum_buffer"] = wrap(namespace(grad).zeros_like(grad))
                buffer = kept["momentum_buffer"]._array()
                buffer += (grad - buffer) * (1 - mu)
                update = grad + (buffer - grad) * mu if group["nesterov"] else buffer
                update = _orthogonal(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
                lr, array = number(group["lr"]), p._array()
                array *= 1 - lr * group["weight_decay"]
                array -= lr * _shape_factor(array.shape, group["adjust_lr_fn"]) * update.astype(array.dtype)
                if p._ver is None:
                    p._ver = Version()
                p._ver.bump()
        return loss


def _shape_factor(shape, kind) -> float:
    rows, columns = shape
    return 0.2 * max(rows, columns) ** 0.5 if kind == "match_rms_adamw" else max(1.0, rows / columns) ** 0.5


def _orthogonal(matrix, coefficients, steps: int, eps: float):
    """A matrix with the singular vectors of `matrix` and singular values near 1."""
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    tall = matrix.shape[0] > matrix.shape[1]
    x = _to_bfloat16((matrix.T if tall else matrix).astype(np.float32))
    x = _to_bfloat16(x / max(_to_bfloat16(namespace(x).sqrt((x * x).sum()).reshape(1)), eps))
    for _ in range(steps):
        gram = _to_bfloat16(x @ x.T)
        x = _to_bfloat16(a * x + _to_bfloat16(b * gram + c * (gram @ gram)) @ x)
    return x.T if tall else x


def _to_bfloat16(x):
    """float32 numbers rounded to the nearest that bfloat16 has: the upper half of their bits."""
    bits = namespace(x).ascontiguousarray(x).view(np.uint32)
    bits = bits + (0x7FFF + ((bits >> 16) & 1)).astype(np.uint32)
    return (bits & np.uint32(0xFFFF0000)).view(np.float32)
