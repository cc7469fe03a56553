"""Padding as modules."""

from __future__ import annotations

from ...core.tensor import Tensor
from .. import functional as F
from .conv import repeated
from .module import Module

__all__ = ["CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d", "ReflectionPad1d", "ReflectionPad2d",
           "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d"]


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


class CircularPad1d(_Pad):
    """Both ends of a sequence padded with what stands at the other end.

    Shape: (C, L) or (N, C, L).

    >>> import autodiff_lab as lab
    >>> lab.nn.CircularPad1d(2)(lab.tensor([[1.0, 2.0, 3.0]]))
    tensor([[2., 3., 1., 2., 3., 1., 2.]])
    """

    dimensions, mode = 1, "circular"


class CircularPad2d(_Pad):
    """All sides of an image padded with what stands at the other end.

    Shape: (C, H, W) or (N, C, H, W).

    >>> import autodiff_lab as lab
    >>> lab.nn.CircularPad2d((1, 1, 0, 0))(lab.tensor([[[1.0, 2.0], [3.0, 4.0]]]))
    tensor([[[2., 1., 2., 1.],
             [4., 3., 4., 3.]]])
    """

    dimensions, mode = 2, "circular"


class CircularPad3d(_Pad):
    """All sides of a volume padded with what stands at the other end.

    Shape: (C, D, H, W) or (N, C, D, H, W).

    >>> import autodiff_lab as lab
    >>> lab.nn.CircularPad3d(1)(lab.zeros(1, 2, 2, 2)).shape
    torch.Size([1, 4, 4, 4])
    """

    dimensions, mode = 3, "circular"


class ConstantPad1d(_ConstantPad):
    """Both ends of a sequence padded with one number.

    Shape: (C, L) or (N, C, L).

    >>> import autodiff_lab as lab
    >>> lab.nn.ConstantPad1d(2, 9.0)(lab.tensor([[1.0, 2.0, 3.0]]))
    tensor([[9., 9., 1., 2., 3., 9., 9.]])
    """

    dimensions = 1


class ConstantPad2d(_ConstantPad):
    """All sides of an image padded with one number.

    Shape: (C, H, W) or (N, C, H, W).

    >>> import autodiff_lab as lab
    >>> lab.nn.ConstantPad2d((1, 1, 0, 0), 9.0)(lab.tensor([[[1.0, 2.0], [3.0, 4.0]]]))
    tensor([[[9., 1., 2., 9.],
             [9., 3., 4., 9.]]])
    """

    dimensions = 2


class ConstantPad3d(_ConstantPad):
    """All sides of a volume padded with one number.

    Shape: (C, D, H, W) or (N, C, D, H, W).

    >>> import autodiff_lab as lab
    >>> lab.nn.ConstantPad3d(1, 9.0)(lab.zeros(1, 2, 2, 2)).shape
    torch.Size([1, 4, 4, 4])
    """

    dimensions = 3


class ReflectionPad1d(_Pad):
    """Both ends of a sequence padded with their mirror image; the edge itself is not repeated.

    Shape: (C, L) or (N, C, L).

    >>> import autodiff_lab as lab
    >>> lab.nn.ReflectionPad1d(2)(lab.tensor([[1.0, 2.0, 3.0]]))
    tensor([[3., 2., 1., 2., 3., 2., 1.]])
    """

    dimensions, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """All sides of an image padded with their mirror image; the edge itself is not repeated.

    Shape: (C, H, W) or (N, C, H, W).

    >>> import autodiff_lab as lab
    >>> lab.nn.ReflectionPad2d((1, 1, 0, 0))(lab.tensor([[[1.0, 2.0], [3.0, 4.0]]]))
    tensor([[[2., 1., 2., 1.],
             [4., 3., 4., 3.]]])
    """

    dimensions, mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """All sides of a volume padded with their mirror image; the edge itself is not repeated.

    Shape: (C, D, H, W) or (N, C, D, H, W).

    >>> import autodiff_lab as lab
    >>> lab.nn.ReflectionPad3d(1)(lab.zeros(1, 2, 2, 2)).shape
    torch.Size([1, 4, 4, 4])
    """

    dimensions, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """Both ends of a sequence padded with copies of the edge.

    Shape: (C, L) or (N, C, L).

    >>> import autodiff_lab as lab
    >>> lab.nn.ReplicationPad1d(2)(lab.tensor([[1.0, 2.0, 3.0]]))
    tensor([[1., 1., 1., 2., 3., 3., 3.]])
    """

    dimensions, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """All sides of an image padded with copies of the edge.

    Shape: (C, H, W) or (N, C, H, W).

    >>> import autodiff_lab as lab
    >>> lab.nn.ReplicationPad2d((1, 1, 0, 0))(lab.tensor([[[1.0, 2.0], [3.0, 4.0]]]))
    tensor([[[1., 1., 2., 2.],
             [3., 3., 4., 4.]]])
    """

    dimensions, mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """All sides of a volume padded with copies of the edge.

    Shape: (C, D, H, W) or (N, C, D, H, W).

    >>> import autodiff_lab as lab
    >>> lab.nn.ReplicationPad3d(1)(lab.zeros(1, 2, 2, 2)).shape
    torch.Size([1, 4, 4, 4])
    """

    dimensions, mode = 3, "replicate"


class ZeroPad1d(_ZeroPad):
    """Both ends of a sequence padded with zeros.

    Shape: (C, L) or (N, C, L).

    >>> import autodiff_lab as lab
    >>> lab.nn.ZeroPad1d(2)(lab.tensor([[1.0, 2.0, 3.0]]))
    tensor([[0., 0., 1., 2., 3., 0., 0.]])
    """

    dimensions = 1


class ZeroPad2d(_ZeroPad):
    """All sides of an image padded with zeros.

    Shape: (C, H, W) or (N, C, H, W).

    >>> import autodiff_lab as lab
    >>> lab.nn.ZeroPad2d((1, 1, 0, 0))(lab.tensor([[[1.0, 2.0], [3.0, 4.0]]]))
    tensor([[[0., 1., 2., 0.],
             [0., 3., 4., 0.]]])
    """

    dimensions = 2


class ZeroPad3d(_ZeroPad):
    """All sides of a volume padded with zeros.

    Shape: (C, D, H, W) or (N, C, D, H, W).

    >>> import autodiff_lab as lab
    >>> lab.nn.ZeroPad3d(1)(lab.zeros(1, 2, 2, 2)).shape
    torch.Size([1, 4, 4, 4])
    """

    dimensions = 3
