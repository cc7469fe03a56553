"""Convolutions as modules."""

from __future__ import annotations

import math

from ...core.modes import no_grad
from ...core.tensor import Tensor
from .. import functional as F
from .. import init
from ..parameter import UninitializedParameter
from .lazy import LazyModuleMixin
from .linear import new_parameter
from .module import Module

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "LazyConv1d", "LazyConv2d", "LazyConv3d",
           "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d"]


def repeated(value, d: int) -> tuple:
    """One number for each dimension."""
    return tuple(value) if hasattr(value, "__iter__") else (value,) * d


class _ConvNd(Module):
    """What all convolutions have: weights, their initialisation, how they print."""

    dimensions = 0

    def __init__(self, in_channels, out_channels, kernel_size, stride, padding, dilation, transposed, output_padding, groups, bias, padding_mode, device=None, dtype=None):
        super().__init__()
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {padding!r}, should be one of {{'valid', 'same'}}")
            if padding == "same" and any(s != 1 for s in stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        modes = ("zeros", "reflect", "replicate", "circular")
        if padding_mode not in modes:
            raise ValueError(f"padding_mode must be one of {set(modes)}, but got padding_mode='{padding_mode}'")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride, self.padding, self.dilation = kernel_size, stride, padding, dilation
        self.transposed, self.output_padding, self.groups, self.padding_mode = transposed, output_padding, groups, padding_mode
        # As F.pad wants it: (before, after) from the last dimension on.
        if isinstance(padding, str):
            totals = [d * (k - 1) if padding == "same" else 0 for d, k in zip(dilation, kernel_size, strict=True)]
            self._reversed_padding_repeated_twice = [side for t in reversed(totals) for side in (t // 2, t - t // 2)]
        else:
            self._reversed_padding_repeated_twice = tuple(p for p in reversed(padding) for _ in range(2))
        shape = (in_channels, out_channels // groups) if transposed else (out_channels, in_channels // groups)
        self.weight = new_parameter(*shape, *kernel_size, device=device, dtype=dtype)
        if bias:
            self.bias = new_parameter(out_channels, device=device, dtype=dtype)
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in != 0:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        d = len(self.kernel_size)
        if self.padding != (0,) * d:
            text += f", padding={self.padding}"
        if self.dilation != (1,) * d:
            text += f", dilation={self.dilation}"
        if self.output_padding != (0,) * d:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class _Conv(_ConvNd):
    """A convolution of `dimensions` dimensions."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size, stride=1, padding=0, dilation=1, groups: int = 1, bias: bool = True,
                 padding_mode: str = "zeros", device=None, dtype=None):
        d = self.dimensions
        super().__init__(in_channels, out_channels, repeated(kernel_size, d), repeated(stride, d), padding if isinstance(padding, str) else repeated(padding, d),
                         repeated(dilation, d), False, (0,) * d, groups, bias, padding_mode, device, dtype)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        convolve = getattr(F, f"conv{self.dimensions}d")
        if self.padding_mode != "zeros":
            padded = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            return convolve(padded, weight, bias, self.stride, 0, self.dilation, self.groups)
        return convolve(input, weight, bias, self.stride, self.padding, self.dilation, self.groups)

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)


class Conv1d(_Conv):
    """Slide kernels along a sequence: (N, C_in, L) or (C_in, L). See Conv2d.

    >>> import autodiff_lab as lab
    >>> lab.nn.Conv1d(16, 33, 3, stride=2)(lab.zeros(20, 16, 50)).shape
    torch.Size([20, 33, 24])
    """

    dimensions = 1


class Conv2d(_Conv):
    """Slide kernels over images; every output channel is a weighted sum of one patch of all input channels.

    Args:
        kernel_size, stride, padding, dilation: a number, or one for each dimension; padding may be "same" or "valid".
        groups: groups of channels that do not see each other; equal to in_channels for depthwise convolution.
        padding_mode: "zeros", "reflect", "replicate" or "circular".

    Shape: (N, C_in, H, W) or (C_in, H, W). `weight` is (C_out, C_in / groups, *kernel_size).

    >>> import autodiff_lab as lab
    >>> lab.nn.Conv2d(3, 8, 3, padding=1)(lab.zeros(1, 3, 5, 5)).shape
    torch.Size([1, 8, 5, 5])
    """

    dimensions = 2


class Conv3d(_Conv):
    """Slide kernels through volumes: (N, C_in, D, H, W) or (C_in, D, H, W). See Conv2d.

    >>> import autodiff_lab as lab
    >>> lab.nn.Conv3d(1, 4, 3)(lab.zeros(2, 1, 5, 5, 5)).shape
    torch.Size([2, 4, 3, 3, 3])
    """

    dimensions = 3


class _ConvTransposeNd(_ConvNd):
    """A transposed convolution of `dimensions` dimensions."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size, stride=1, padding=0, output_padding=0, groups: int = 1, bias: bool = True,
                 dilation=1, padding_mode: str = "zeros", device=None, dtype=None):
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        d = self.dimensions
        super().__init__(in_channels, out_channels, repeated(kernel_size, d), repeated(stride, d), repeated(padding, d), repeated(dilation, d), True,
                         repeated(output_padding, d), groups, bias, padding_mode, device, dtype)

    def _output_padding(self, input, output_size) -> tuple:
        """The output padding that leads to the wanted size."""
        if output_size is None:
            return self.output_padding
        d = self.dimensions
        if len(output_size) == input.dim():
            output_size = output_size[-d:]
        if len(output_size) != d:
            raise ValueError(f"ConvTranspose{d}D: for {input.dim()}D input, output_size must have {d} or {input.dim()} elements (got {len(output_size)})")
        smallest = [(n - 1) * s - 2 * p + gap * (k - 1) + 1
                    for n, s, p, gap, k in zip(input.shape[-d:], self.stride, self.padding, self.dilation, self.kernel_size, strict=True)]
        largest = [n + s - 1 for n, s in zip(smallest, self.stride, strict=True)]
        if any(not low <= n <= high for low, n, high in zip(smallest, output_size, largest, strict=True)):
            raise ValueError(f"requested an output size of {output_size}, but valid sizes range from {smallest} to {largest} (for an input of {input.size()[2:]})")
        return tuple(n - low for n, low in zip(output_size, smallest, strict=True))

    def forward(self, input: Tensor, output_size=None) -> Tensor:
        extra = self._output_padding(input, output_size)
        return getattr(F, f"conv_transpose{self.dimensions}d")(input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation)


class ConvTranspose1d(_ConvTransposeNd):
    """The transpose of Conv1d: sequences grow by the stride.

    Shape: (N, C_in, L) or (C_in, L); the new L is (L - 1)·stride - 2·padding + dilation·(kernel_size - 1) + output_padding + 1.

    >>> import autodiff_lab as lab
    >>> lab.nn.ConvTranspose1d(4, 2, 3, stride=2)(lab.zeros(1, 4, 5)).shape
    torch.Size([1, 2, 11])
    """

    dimensions = 1


class ConvTranspose2d(_ConvTransposeNd):
    """The transpose of Conv2d: images grow by the stride. `forward` takes `output_size` where several sizes are possible.

    >>> import autodiff_lab as lab
    >>> lab.nn.ConvTranspose2d(3, 8, 2, stride=2)(lab.zeros(1, 3, 5, 5)).shape
    torch.Size([1, 8, 10, 10])
    """

    dimensions = 2


class ConvTranspose3d(_ConvTransposeNd):
    """The transpose of Conv3d: volumes grow by the stride.

    >>> import autodiff_lab as lab
    >>> lab.nn.ConvTranspose3d(4, 2, 2, stride=2)(lab.zeros(1, 4, 3, 3, 3)).shape
    torch.Size([1, 2, 6, 6, 6])
    """

    dimensions = 3


class _LazyConv(LazyModuleMixin):
    """A convolution that takes in_channels from its first input."""

    def __init__(self, out_channels: int, *args, bias: bool = True, device=None, dtype=None, **kwargs):
        super().__init__(0, 0, *args, bias=False, device=device, dtype=dtype, **kwargs)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_channels = out_channels
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw new weights, once the shape is known."""
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()

    def initialize_parameters(self, input, *args, **kwargs) -> None:
        """Take the shape from the first input."""
        if not self.has_uninitialized_params():
            return
        d = self.dimensions
        if input.dim() not in (d + 1, d + 2):
            raise RuntimeError(f"Expected {d + 1}D (unbatched) or {d + 2}D (batched) input to {type(self).__name__}, but got input of size: {input.shape}")
        self.in_channels = input.shape[-d - 1]
        if self.in_channels % self.groups:
            raise ValueError("in_channels must be divisible by groups")
        ends = (self.in_channels, self.out_channels // self.groups) if self.transposed else (self.out_channels, self.in_channels // self.groups)
        with no_grad():
            self.weight.materialize((*ends, *self.kernel_size))
            if self.bias is not None:
                self.bias.materialize((self.out_channels,))
            self.reset_parameters()


class LazyConv1d(_LazyConv, Conv1d):
    """A Conv1d that takes in_channels from its first input.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.LazyConv1d(8, 3)
    >>> m(lab.zeros(1, 5, 10)).shape, m.weight.shape
    (torch.Size([1, 8, 8]), torch.Size([8, 5, 3]))
    """

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    """A Conv2d that takes in_channels from its first input.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.LazyConv2d(8, 3)
    >>> m(lab.zeros(1, 5, 10, 10)).shape, m.weight.shape
    (torch.Size([1, 8, 8, 8]), torch.Size([8, 5, 3, 3]))
    """

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    """A Conv3d that takes in_channels from its first input.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.LazyConv3d(8, 3)
    >>> m(lab.zeros(1, 5, 4, 4, 4)).shape, m.weight.shape
    (torch.Size([1, 8, 2, 2, 2]), torch.Size([8, 5, 3, 3, 3]))
    """

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConv, ConvTranspose1d):
    """A ConvTranspose1d that takes in_channels from its first input.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.LazyConvTranspose1d(8, 3)
    >>> m(lab.zeros(1, 5, 10)).shape, m.weight.shape
    (torch.Size([1, 8, 12]), torch.Size([5, 8, 3]))
    """

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConv, ConvTranspose2d):
    """A ConvTranspose2d that takes in_channels from its first input.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.LazyConvTranspose2d(8, 3)
    >>> m(lab.zeros(1, 5, 10, 10)).shape, m.weight.shape
    (torch.Size([1, 8, 12, 12]), torch.Size([5, 8, 3, 3]))
    """

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConv, ConvTranspose3d):
    """A ConvTranspose3d that takes in_channels from its first input.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.LazyConvTranspose3d(8, 3)
    >>> m(lab.zeros(1, 5, 4, 4, 4)).shape, m.weight.shape
    (torch.Size([1, 8, 6, 6, 6]), torch.Size([5, 8, 3, 3, 3]))
    """

    cls_to_become = ConvTranspose3d
