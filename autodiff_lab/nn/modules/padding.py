"""Padding as modules."""

from __future__ import annotations

from ...core.tensor import Tensor
from .. import functional as F
from .conv import repeated
from .module import Module

__all__ = [f"{kind}Pad{d}d" for kind in ("Circular", "Constant", "Reflection", "Replication", "Zero") for d in (1, 2, 3)]


class _Pad(Module):
    """Pads the last `dimensions` dimensions; `padding` is a number, or (before, after) from the last dimension on."""

    dimensions, mode = 0, ""

    def __init__(self, padding):
        super().__init__()
        self.padding = repeated(padding, 2 * self.dimensions)

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        return F.pad(input, self.padding, self.mode)

    def _check_input_dim(self, input) -> None:
        d = self.dimensions
        if self.mode == "circular" and input.dim() not in (d + 1, d + 2):
            raise ValueError(f"expected {d + 1}D or {d + 2}D input (got {input.dim()}D input)")

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    mode = "constant"

    def __init__(self, padding, value: float):
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_ConstantPad):
    def __init__(self, padding):
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


def _define() -> None:
    """The fifteen classes: five kinds in three dimensions."""
    kinds = (("Circular", _Pad, "circular", "what stands at the other end"), ("Constant", _ConstantPad, "constant", "one number"),
             ("Reflection", _Pad, "reflect", "its mirror image"), ("Replication", _Pad, "replicate", "its edge"), ("Zero", _ZeroPad, "constant", "zeros"))
    for kind, base, mode, words in kinds:
        for d in (1, 2, 3):
            name = f"{kind}Pad{d}d"
            globals()[name] = type(name, (base,), {"__doc__": f"The last {d} dimensions padded with {words}.", "__module__": __name__, "dimensions": d, "mode": mode})


_define()
