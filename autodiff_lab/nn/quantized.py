"""`FloatFunctional`: sums and products as methods of a module, which models that may be quantized write instead of operators."""

from __future__ import annotations

from ..core.op import public
from .modules.linear import Identity
from .modules.module import Module

__all__ = ["FloatFunctional"]


class FloatFunctional(Module):
    """`add`, `mul`, `cat`, `matmul`, `add_relu`, `add_scalar`, `mul_scalar`; each computes what the function of that name does.

    >>> import autodiff_lab as lab
    >>> lab.nn.quantized.FloatFunctional().add(lab.tensor(3.0), lab.tensor(4.0))
    tensor(7.)
    """

    def __init__(self):
        super().__init__()
        self.activation_post_process = Identity()

    def forward(self, x):
        raise RuntimeError("FloatFunctional is not intended to use the 'forward'. Please use the underlying operation")

    def add(self, x, y):
        """x + y."""
        return self.activation_post_process(public[""]["add"](x, y))

    def add_scalar(self, x, y: float):
        """x + y, with a number y."""
        return public[""]["add"](x, y)

    def mul(self, x, y):
        """x · y."""
        return self.activation_post_process(public[""]["mul"](x, y))

    def mul_scalar(self, x, y: float):
        """x · y, with a number y."""
        return public[""]["mul"](x, y)

    def cat(self, x: list, dim: int = 0):
        """The tensors of a list, joined."""
        return self.activation_post_process(public[""]["cat"](x, dim=dim))

    def add_relu(self, x, y):
        """relu(x + y)."""
        return self.activation_post_process(public["nn.functional"]["relu"](public[""]["add"](x, y)))

    def matmul(self, x, y):
        """The matrix product."""
        return self.activation_post_process(public[""]["matmul"](x, y))
