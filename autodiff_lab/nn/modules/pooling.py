"""Pooling as modules."""

from __future__ import annotations

from ...core.tensor import Tensor
from .. import functional as F
from .conv import repeated
from .module import Module

__all__ = ["AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d",
           "AvgPool1d", "AvgPool2d", "AvgPool3d", "FractionalMaxPool2d", "FractionalMaxPool3d", "LPPool1d", "LPPool2d", "LPPool3d", "MaxPool1d", "MaxPool2d", "MaxPool3d",
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
    """The largest number of each window of a sequence.

    Shape: (N, C, L) or (C, L). See MaxPool2d.

    >>> import autodiff_lab as lab
    >>> lab.nn.MaxPool1d(2)(lab.tensor([[1.0, 3.0, 2.0, 0.0]]))
    tensor([[3., 2.]])
    """

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
    """The largest number of each window of a volume.

    Shape: (N, C, D, H, W) or (C, D, H, W). See MaxPool2d.

    >>> import autodiff_lab as lab
    >>> lab.nn.MaxPool3d(2)(lab.zeros(1, 3, 4, 6, 8)).shape
    torch.Size([1, 3, 2, 3, 4])
    """

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
    """Put numbers back where MaxPool1d found them.

    Shape: (N, C, L) or (C, L), and indices of the same shape.

    >>> import autodiff_lab as lab
    >>> pooled, places = lab.nn.MaxPool1d(2, return_indices=True)(lab.tensor([[1.0, 3.0, 2.0, 0.0]]))
    >>> lab.nn.MaxUnpool1d(2)(pooled, places)
    tensor([[0., 3., 2., 0.]])
    """

    dimensions = 1


class MaxUnpool2d(_MaxUnpoolNd):
    """Put numbers back where MaxPool2d found them.

    Shape: (N, C, H, W) or (C, H, W), and indices of the same shape.

    >>> import autodiff_lab as lab
    >>> pooled, places = lab.nn.MaxPool2d(2, return_indices=True)(lab.tensor([[[1.0, 2.0], [4.0, 3.0]]]))
    >>> lab.nn.MaxUnpool2d(2)(pooled, places)
    tensor([[[0., 0.],
             [4., 0.]]])
    """

    dimensions = 2


class MaxUnpool3d(_MaxUnpoolNd):
    """Put numbers back where MaxPool3d found them.

    Shape: (N, C, D, H, W) or (C, D, H, W), and indices of the same shape.

    >>> import autodiff_lab as lab
    >>> pooled, places = lab.nn.MaxPool3d(2, return_indices=True)(lab.zeros(1, 3, 4, 6, 8))
    >>> lab.nn.MaxUnpool3d(2)(pooled, places).shape
    torch.Size([1, 3, 4, 6, 8])
    """

    dimensions = 3


class AvgPool1d(Module):
    """The mean of each window of a sequence.

    Shape: (N, C, L) or (C, L).

    >>> import autodiff_lab as lab
    >>> lab.nn.AvgPool1d(2)(lab.tensor([[1.0, 3.0, 2.0, 0.0]]))
    tensor([[2., 1.]])
    """

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode: bool = False, count_include_pad: bool = True):
        super().__init__()
        self.kernel_size, self.stride = repeated(kernel_size, 1), repeated(stride if stride is not None else kernel_size, 1)
        self.padding, self.ceil_mode, self.count_include_pad = repeated(padding, 1), ceil_mode, count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(Module):
    """The mean of each window of an image.

    Args:
        kernel_size, stride, padding: a number, or one for each dimension; stride is kernel_size where it is not given.
        ceil_mode: keep a last window that is not whole.
        count_include_pad: zeros of the padding count in the mean.
        divisor_override: divide by this instead of the window's size.

    Shape: (N, C, H, W) or (C, H, W).

    Raises:
        RuntimeError: for padding of more than half the kernel, when called.

    >>> import autodiff_lab as lab
    >>> lab.nn.AvgPool2d(2)(lab.tensor([[[1.0, 2.0], [3.0, 6.0]]]))
    tensor([[[3.]]])
    """

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
    """The mean of each window of a volume.

    Shape: (N, C, D, H, W) or (C, D, H, W).

    >>> import autodiff_lab as lab
    >>> lab.nn.AvgPool3d(2)(lab.zeros(1, 3, 4, 6, 8)).shape
    torch.Size([1, 3, 2, 3, 4])
    """

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
    """The p-norm of each window of a sequence.

    Shape: (N, C, L) or (C, L).

    >>> import autodiff_lab as lab
    >>> lab.nn.LPPool1d(2, 2)(lab.tensor([[3.0, 4.0, 0.0, 2.0]]))
    tensor([[5., 2.]])
    """

    dimensions = 1


class LPPool2d(_LPPoolNd):
    """The p-norm of each window of an image.

    Shape: (N, C, H, W) or (C, H, W).

    >>> import autodiff_lab as lab
    >>> lab.nn.LPPool2d(2, 2)(lab.tensor([[[1.0, 1.0], [1.0, 1.0]]]))
    tensor([[[2.]]])
    """

    dimensions = 2


class LPPool3d(_LPPoolNd):
    """The p-norm of each window of a volume.

    Shape: (N, C, D, H, W) or (C, D, H, W).

    >>> import autodiff_lab as lab
    >>> lab.nn.LPPool3d(2, 2)(lab.zeros(1, 3, 4, 6, 8)).shape
    torch.Size([1, 3, 2, 3, 4])
    """

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
    """The means of `output_size` parts of a sequence.

    Shape: (N, C, L) or (C, L) to (..., output_size).

    >>> import autodiff_lab as lab
    >>> lab.nn.AdaptiveAvgPool1d(2)(lab.tensor([[1.0, 3.0, 2.0, 0.0]]))
    tensor([[2., 1.]])
    """

    dimensions = 1


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """The means of `output_size` parts of an image; None keeps a size.

    Shape: (N, C, H, W) or (C, H, W) to (..., *output_size).

    >>> import autodiff_lab as lab
    >>> lab.nn.AdaptiveAvgPool2d(1)(lab.ones(1, 3, 7, 5)).shape
    torch.Size([1, 3, 1, 1])
    >>> lab.nn.AdaptiveAvgPool2d((None, 2))(lab.ones(1, 3, 7, 5)).shape
    torch.Size([1, 3, 7, 2])
    """

    dimensions = 2


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """The means of `output_size` parts of a volume.

    Shape: (N, C, D, H, W) or (C, D, H, W) to (..., *output_size).

    >>> import autodiff_lab as lab
    >>> lab.nn.AdaptiveAvgPool3d((1, 2, 2))(lab.ones(1, 3, 4, 7, 5)).shape
    torch.Size([1, 3, 1, 2, 2])
    """

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
    """The largest numbers of `output_size` parts of a sequence.

    Shape: (N, C, L) or (C, L) to (..., output_size).

    >>> import autodiff_lab as lab
    >>> lab.nn.AdaptiveMaxPool1d(2)(lab.tensor([[1.0, 3.0, 2.0, 0.0]]))
    tensor([[3., 2.]])
    """

    dimensions = 1


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """The largest numbers of `output_size` parts of an image.

    Shape: (N, C, H, W) or (C, H, W) to (..., *output_size).

    >>> import autodiff_lab as lab
    >>> lab.nn.AdaptiveMaxPool2d(1)(lab.ones(1, 3, 7, 5)).shape
    torch.Size([1, 3, 1, 1])
    """

    dimensions = 2


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """The largest numbers of `output_size` parts of a volume.

    Shape: (N, C, D, H, W) or (C, D, H, W) to (..., *output_size).

    >>> import autodiff_lab as lab
    >>> lab.nn.AdaptiveMaxPool3d((1, 2, 2))(lab.ones(1, 3, 4, 7, 5)).shape
    torch.Size([1, 3, 1, 2, 2])
    """

    dimensions = 3


class _FractionalMaxPoolNd(Module):
    dimensions = 0

    def __init__(self, kernel_size, output_size=None, output_ratio=None, return_indices: bool = False, _random_samples=None):
        super().__init__()
        self.kernel_size, self.return_indices = repeated(kernel_size, self.dimensions), return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else repeated(output_size, self.dimensions)
        self.output_ratio = None if output_ratio is None else repeated(output_ratio, self.dimensions)
        if output_size is None and output_ratio is None:
            raise ValueError(f"FractionalMaxPool{self.dimensions}d requires specifying either an output size, or a pooling ratio")
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None and not all(0 < ratio < 1 for ratio in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def forward(self, input: Tensor):
        function = getattr(F, f"fractional_max_pool{self.dimensions}d")
        return function(input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices, _random_samples=self._random_samples)


class FractionalMaxPool2d(_FractionalMaxPoolNd):
    """The largest number of each window of an image, with windows that begin at random places, so that any output size is possible.

    Args:
        output_size: how many windows along each side.
        output_ratio: that number as a part of the side, in (0, 1), instead of `output_size`.
        return_indices: also give where it stood, for MaxUnpool2d.

    Shape: (N, C, H, W) or (C, H, W) to (..., *output_size).

    Source: Graham (2014), Fractional Max-Pooling.

    >>> import autodiff_lab as lab
    >>> lab.nn.FractionalMaxPool2d(2, output_ratio=0.7)(lab.ones(1, 3, 10, 10)).shape
    torch.Size([1, 3, 7, 7])
    """

    dimensions = 2


class FractionalMaxPool3d(_FractionalMaxPoolNd):
    """The largest number of each window of a volume. See FractionalMaxPool2d.

    Shape: (N, C, D, H, W) or (C, D, H, W) to (..., *output_size).

    >>> import autodiff_lab as lab
    >>> lab.nn.FractionalMaxPool3d(2, output_size=3)(lab.ones(1, 2, 6, 6, 6)).shape
    torch.Size([1, 2, 3, 3, 3])
    """

    dimensions = 3
