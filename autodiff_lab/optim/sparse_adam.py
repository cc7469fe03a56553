"""SparseAdam: takes sparse gradients only, and this library has none yet."""

from __future__ import annotations

from .optimizer import Optimizer, check_betas, check_tensor_lr, run_closure

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """Adam for sparse gradients. It refuses dense ones, as PyTorch's does; this library has no sparse ones, so use Adam."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps: float = 1e-8, maximize: bool = False):
        check_tensor_lr(lr)
        if not 0.0 < lr:
            raise ValueError(f"Invalid learning rate: {lr}. It must be above 0.")
        if not 0.0 < eps:
            raise ValueError(f"Invalid epsilon value: {eps}. It must be above 0.")
        check_betas(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})
        odd = [[i, k] for i, group in enumerate(self.param_groups) for k, p in enumerate(group["params"]) if p.is_complex()]
        if odd:
            raise ValueError(f"Complex params at indices {odd}: SparseAdam does not support complex parameters")

    def step(self, closure=None):
        """Refuse every dense gradient.

        Raises:
            RuntimeError: if a parameter has a gradient.
        """
        loss = run_closure(closure)
        if any(p._grad is not None for group in self.param_groups for p in group["params"]):
            raise RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")
        return loss
