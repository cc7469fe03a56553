"""Pooling as modules."""

from __future__ import annotations

from ...core.tensor import Tensor
from .. import functional as F
from .conv import repeated
from .module import Module

__all__ = ["AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d",
           "AvgPool1d", "AvgPool2d", "AvgPool3d", "LPPool1d", "LPPool2d", "LPPool3d", "MaxPool1d", "MaxPool2d", "MaxPool3d",
           "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"]


class _MaxPoolNd(Module):
    dimensions = 0

    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, return_indices: bool = False, ceil_mode: bool = False):
        super().__init__()
        self.kernel_size, self.stride = kernel_size, stride if stride is not None else kernel_size
        self.padding, self.dilation, self.return_indices, self.ceil_mode = padding, dilation, return_indices, ceil_mode

    def forward(self, input: Tensor):
        return getattr(F, f"max_pool{self.dimensions}d")(input, self.kernel_size, self.stride, self.padding, self.dilation, ceil_mode=self.ceil_mode,
                                                         return_indices=self.return_indices)

    def extra_repr(self) -> str:
        return (f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, ceil_mode={self.ceil_mode}")


class MaxPool1d(_MaxPoolNd):
    """The largest number of each window of a sequence."""

    dimensions = 1


class MaxPool2d(_MaxPoolNd):
    """The largest number of each window of an image.

    Args:
        stride: default kernel_size.
        return_indices: also give where it stood, for MaxUnpool2d.
        ceil_mode: let windows hang over the edge.

    >>> import autodiff_lab as lab
    >>> lab.nn.MaxPool2d(2)(lab.arange(16.0).reshape(1, 1, 4, 4))
    tensor([[[[ 5.,  7.],
              [13., 15.]]]])
    """

    dimensions = 2


class MaxPool3d(_MaxPoolNd):
    """The largest number of each window of a volume."""

    dimensions = 3


class _MaxUnpoolNd(Module):
    dimensions = 0

    def __init__(self, kernel_size, stride=None, padding=0):
        super().__init__()
        d = self.dimensions
        self.kernel_size, self.stride = repeated(kernel_size, d), repeated(stride if stride is not None else kernel_size, d)
        self.padding = repeated(padding, d)

    def forward(self, input: Tensor, indices: Tensor, output_size=None) -> Tensor:
        return getattr(F, f"max_unpool{self.dimensions}d")(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpoolNd):
    """Put numbers back where MaxPool1d found them."""

    dimensions = 1


class MaxUnpool2d(_MaxUnpoolNd):
    """Put numbers back where MaxPool2d found them."""

    dimensions = 2


class MaxUnpool3d(_MaxUnpoolNd):
    """Put numbers back where MaxPool3d found them."""

    dimensions = 3


class AvgPool1d(Module):
    """The mean of each window of a sequence."""

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode: bool = False, count_include_pad: bool = True):
        super().__init__()
        self.kernel_size, self.stride = repeated(kernel_size, 1), repeated(stride if stride is not None else kernel_size, 1)
        self.padding, self.ceil_mode, self.count_include_pad = repeated(padding, 1), ceil_mode, count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(Module):
    """The mean of each window of an image."""

    dimensions = 2

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None):
        super().__init__()
        self.kernel_size, self.stride = kernel_size, stride if stride is not None else kernel_size
        self.padding, self.ceil_mode, self.count_include_pad, self.divisor_override = padding, ceil_mode, count_include_pad, divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return getattr(F, f"avg_pool{self.dimensions}d")(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad, self.divisor_override)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool3d(AvgPool2d):
    """The mean of each window of a volume."""

    dimensions = 3


class _LPPoolNd(Module):
    dimensions = 0

    def __init__(self, norm_type: float, kernel_size, stride=None, ceil_mode: bool = False):
        super().__init__()
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        return getattr(F, f"lp_pool{self.dimensions}d")(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, ceil_mode={self.ceil_mode}"


class LPPool1d(_LPPoolNd):
    """The p-norm of each window of a sequence."""

    dimensions = 1


class LPPool2d(_LPPoolNd):
    """The p-norm of each window of an image."""

    dimensions = 2


class LPPool3d(_LPPoolNd):
    """The p-norm of each window of a volume."""

    dimensions = 3


class _AdaptiveAvgPoolNd(Module):
    dimensions = 0

    def __init__(self, output_size):
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        return getattr(F, f"adaptive_avg_pool{self.dimensions}d")(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """The means of `output_size` parts of a sequence."""

    dimensions = 1


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """The means of `output_size` parts of an image; None keeps a size."""

    dimensions = 2


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """The means of `output_size` parts of a volume."""

    dimensions = 3


class _AdaptiveMaxPoolNd(Module):
    dimensions = 0

    def __init__(self, output_size, return_indices: bool = False):
        super().__init__()
        self.output_size, self.return_indices = output_size, return_indices

    def forward(self, input: Tensor):
        return getattr(F, f"adaptive_max_pool{self.dimensions}d")(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """The largest numbers of `output_size` parts of a sequence."""

    dimensions = 1


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """The largest numbers of `output_size` parts of an image."""

    dimensions = 2


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """The largest numbers of `output_size` parts of a volume."""

    dimensions = 3
