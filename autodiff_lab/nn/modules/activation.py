"""Activations as modules; the curves themselves are in `ops/activations.py` and `ops/rectifiers.py`."""

from __future__ import annotations

from ...core.op import public
from ...core.tensor import Tensor
from .. import functional as F
from .. import init
from ..parameter import Parameter
from .attention import MultiheadAttention
from .module import Module

__all__ = ["MultiheadAttention", "CELU", "ELU", "GELU", "GLU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU", "LogSigmoid", "LogSoftmax", "Mish",
           "PReLU", "RReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softmax", "Softmax2d", "Softmin", "Softplus", "Softshrink",
           "Softsign", "Tanh", "Tanhshrink", "Threshold"]


class _InPlace(Module):
    """An activation that can write into its input."""

    def __init__(self, inplace: bool = False):
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""

    def _comma_inplace(self) -> str:
        return ", inplace=True" if self.inplace else ""


class ReLU(_InPlace):
    """max(0, x).

    >>> import autodiff_lab as lab
    >>> lab.nn.ReLU()(lab.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(input, inplace=True) if self.inplace else F.relu(input)


class SiLU(_InPlace):
    """x·σ(x), also called swish.

    Shape: any, and the same out.

    Source: Elfwing, Uchibe and Doya (2018), Sigmoid-weighted linear units.

    >>> import autodiff_lab as lab
    >>> lab.nn.SiLU()(lab.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.2689,  0.0000,  1.7616])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.silu(input, inplace=self.inplace)


class Mish(_InPlace):
    """x·tanh(softplus(x)).

    Shape: any, and the same out.

    Source: Misra (2019), Mish: a self regularized non-monotonic activation function.

    >>> import autodiff_lab as lab
    >>> lab.nn.Mish()(lab.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.3034,  0.0000,  1.9440])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.mish(input, inplace=self.inplace)


class Hardswish(_InPlace):
    """x·relu6(x + 3)/6: SiLU from straight lines.

    Shape: any, and the same out.

    Source: Howard et al. (2019), Searching for MobileNetV3.

    >>> import autodiff_lab as lab
    >>> lab.nn.Hardswish()(lab.tensor([-1.0, 0.0, 1.0, 4.0]))
    tensor([-0.3333,  0.0000,  0.6667,  4.0000])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.hardswish(input, self.inplace)

    def extra_repr(self) -> str:
        return ""


class Hardsigmoid(_InPlace):
    """relu6(x + 3)/6: the sigmoid from straight lines.

    Shape: any, and the same out.

    >>> import autodiff_lab as lab
    >>> lab.nn.Hardsigmoid()(lab.tensor([-4.0, 0.0, 1.5]))
    tensor([0.0000, 0.5000, 0.7500])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.hardsigmoid(input, self.inplace)

    def extra_repr(self) -> str:
        return ""


class SELU(_InPlace):
    """A scaled ELU that keeps mean 0 and variance 1 through many layers.

    Shape: any, and the same out.

    Source: Klambauer et al. (2017), Self-normalizing neural networks.

    >>> import autodiff_lab as lab
    >>> lab.nn.SELU()(lab.tensor([-1.0, 0.0, 2.0]))
    tensor([-1.1113,  0.0000,  2.1014])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.selu(input, self.inplace)


class ELU(_InPlace):
    """x where positive, alpha·(eˣ - 1) elsewhere.

    Args:
        alpha: where the curve ends on the left: at -alpha.

    Shape: any, and the same out.

    Source: Clevert, Unterthiner and Hochreiter (2015), Fast and accurate deep network learning by exponential linear units.

    >>> import autodiff_lab as lab
    >>> lab.nn.ELU()(lab.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.6321,  0.0000,  2.0000])
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False):
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}{self._comma_inplace()}"


class CELU(ELU):
    """An ELU whose slope is continuous for every alpha.

    Shape: any, and the same out.

    Source: Barron (2017), Continuously differentiable exponential linear units.

    >>> import autodiff_lab as lab
    >>> lab.nn.CELU(alpha=2.0)(lab.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.7869,  0.0000,  2.0000])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.celu(input, self.alpha, self.inplace)


class LeakyReLU(_InPlace):
    """x where positive, negative_slope·x elsewhere.

    Shape: any, and the same out.

    >>> import autodiff_lab as lab
    >>> lab.nn.LeakyReLU(0.1)(lab.tensor([-2.0, 3.0]))
    tensor([-0.2000,  3.0000])
    """

    def __init__(self, negative_slope: float = 1e-2, inplace: bool = False):
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def forward(self, input: Tensor) -> Tensor:
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}{self._comma_inplace()}"


class RReLU(_InPlace):
    """A LeakyReLU whose slope is drawn between lower and upper for each element while training.

    Shape: any, and the same out.

    Source: Xu et al. (2015), Empirical evaluation of rectified activations.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.RReLU(0.1, 0.3).eval()  # the mean slope, once training is over
    >>> m(lab.tensor([-2.0, 3.0]))
    tensor([-0.4000,  3.0000])
    """

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False):
        super().__init__(inplace)
        self.lower, self.upper = lower, upper

    def forward(self, input: Tensor) -> Tensor:
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"lower={self.lower}, upper={self.upper}{self._comma_inplace()}"


class Hardtanh(_InPlace):
    """x cut off at min_val and max_val.

    Shape: any, and the same out.

    Raises:
        AssertionError: unless max_val > min_val.

    >>> import autodiff_lab as lab
    >>> lab.nn.Hardtanh(-2, 2)(lab.tensor([-3.0, 0.5, 3.0]))
    tensor([-2.0000,  0.5000,  2.0000])
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False, min_value: float | None = None, max_value: float | None = None):
        super().__init__(inplace)
        self.min_val = min_val if min_value is None else min_value
        self.max_val = max_val if max_value is None else max_value
        if self.max_val <= self.min_val:
            raise AssertionError("max_val must be larger than min_val")

    def forward(self, input: Tensor) -> Tensor:
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        return f"min_val={self.min_val}, max_val={self.max_val}{self._comma_inplace()}"


class ReLU6(Hardtanh):
    """x cut off at 0 and 6.

    Shape: any, and the same out.

    >>> import autodiff_lab as lab
    >>> lab.nn.ReLU6()(lab.tensor([-1.0, 3.0, 9.0]))
    tensor([0., 3., 6.])
    """

    def __init__(self, inplace: bool = False):
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Threshold(_InPlace):
    """x where above the threshold, `value` elsewhere.

    Shape: any, and the same out.

    >>> import autodiff_lab as lab
    >>> lab.nn.Threshold(0.1, 20)(lab.tensor([0.0, 0.5]))
    tensor([20.0000,  0.5000])
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False):
        super().__init__(inplace)
        self.threshold, self.value = threshold, value

    def forward(self, input: Tensor) -> Tensor:
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        return f"threshold={self.threshold}, value={self.value}{self._comma_inplace()}"


class Sigmoid(Module):
    """1/(1 + e⁻ˣ).

    Shape: any, and the same out.

    >>> import autodiff_lab as lab
    >>> lab.nn.Sigmoid()(lab.tensor([-1.0, 0.0, 1.0]))
    tensor([0.2689, 0.5000, 0.7311])
    """

    def forward(self, input: Tensor) -> Tensor:
        return input.sigmoid()


class Tanh(Module):
    """The hyperbolic tangent.

    Shape: any, and the same out.

    >>> import autodiff_lab as lab
    >>> lab.nn.Tanh()(lab.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.7616,  0.0000,  0.7616])
    """

    def forward(self, input: Tensor) -> Tensor:
        return input.tanh()


class LogSigmoid(Module):
    """The logarithm of the sigmoid.

    Shape: any, and the same out.

    >>> import autodiff_lab as lab
    >>> lab.nn.LogSigmoid()(lab.tensor([-100.0, 0.0, 1.0]))
    tensor([-100.0000,   -0.6931,   -0.3133])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.logsigmoid(input)


class Softsign(Module):
    """x/(1 + |x|).

    Shape: any, and the same out.

    >>> import autodiff_lab as lab
    >>> lab.nn.Softsign()(lab.tensor([-1.0, 0.0, 3.0]))
    tensor([-0.5000,  0.0000,  0.7500])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softsign(input)


class Tanhshrink(Module):
    """x - tanh(x).

    Shape: any, and the same out.

    >>> import autodiff_lab as lab
    >>> lab.nn.Tanhshrink()(lab.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.2384,  0.0000,  1.0360])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.tanhshrink(input)


class Hardshrink(Module):
    """x, but 0 within ±lambd.

    Shape: any, and the same out.

    >>> import autodiff_lab as lab
    >>> lab.nn.Hardshrink()(lab.tensor([-1.0, 0.3, 2.0]))
    tensor([-1.,  0.,  2.])
    """

    def __init__(self, lambd: float = 0.5):
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return f"{self.lambd}"


class Softshrink(Hardshrink):
    """x moved towards 0 by lambd, and 0 within ±lambd.

    Shape: any, and the same out.

    Raises:
        RuntimeError: for a negative lambd, when called.

    >>> import autodiff_lab as lab
    >>> lab.nn.Softshrink()(lab.tensor([-1.0, 0.3, 2.0]))
    tensor([-0.5000,  0.0000,  1.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softshrink(input, self.lambd)


class Softplus(Module):
    """log(1 + e^(beta·x))/beta: a smooth ReLU; linear where beta·x is above threshold.

    Shape: any, and the same out.

    >>> import autodiff_lab as lab
    >>> lab.nn.Softplus()(lab.tensor([-1.0, 0.0, 30.0]))
    tensor([ 0.3133,  0.6931, 30.0000])
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0):
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Tensor) -> Tensor:
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class GELU(Module):
    """x·Φ(x) with the normal distribution's Φ; approximate="tanh" for the cheaper curve.

    Shape: any, and the same out.

    Source: Hendrycks and Gimpel (2016), Gaussian error linear units.

    >>> import autodiff_lab as lab
    >>> lab.nn.GELU()(lab.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.1587,  0.0000,  1.9545])
    """

    def __init__(self, approximate: str = "none"):
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class GLU(Module):
    """The first half of the features, gated by the sigmoid of the second half.

    Shape: (..., 2·n, ...) to (..., n, ...) in dimension `dim`.

    Raises:
        RuntimeError: for an odd number in that dimension.

    Source: Dauphin et al. (2016), Language modeling with gated convolutional networks.

    >>> import autodiff_lab as lab
    >>> lab.nn.GLU()(lab.tensor([[1.0, 2.0, 0.0, 100.0]]))
    tensor([[0.5000, 2.0000]])
    """

    def __init__(self, dim: int = -1):
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class PReLU(Module):
    """A LeakyReLU whose slope is learned: one, or one per channel.

    Shape: any for one parameter, (N, C, ...) for C of them; the same out.

    Source: He et al. (2015), Delving deep into rectifiers.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.PReLU()
    >>> m(lab.tensor([-2.0, 3.0]))
    tensor([-0.5000,  3.0000], grad_fn=<PreluKernelBackward0>)
    >>> m.weight
    Parameter containing:
    tensor([0.2500], requires_grad=True)
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device=None, dtype=None):
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter(public[""]["zeros"](num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the slope back."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class Softmax(Module):
    """Positive numbers that add up to 1 along dim.

    Shape: any, and the same out; every slice along `dim` sums to 1.

    >>> import autodiff_lab as lab
    >>> lab.nn.Softmax(dim=1)(lab.tensor([[0.0, 1.0, 2.0]]))
    tensor([[0.0900, 0.2447, 0.6652]])
    """

    def __init__(self, dim: int | None = None):
        super().__init__()
        self.dim = dim

    def __setstate__(self, state) -> None:
        super().__setstate__(state)
        self.__dict__.setdefault("dim", None)

    def forward(self, input: Tensor) -> Tensor:
        return F.softmax(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """The logarithm of softmax, computed without overflow.

    Shape: any, and the same out.

    >>> import autodiff_lab as lab
    >>> lab.nn.LogSoftmax(dim=1)(lab.tensor([[0.0, 1.0, 2.0]]))
    tensor([[-2.4076, -1.4076, -0.4076]])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.log_softmax(input, self.dim)


class Softmin(Softmax):
    """The softmax of -x.

    Shape: any, and the same out.

    >>> import autodiff_lab as lab
    >>> lab.nn.Softmin(dim=1)(lab.tensor([[0.0, 1.0, 2.0]]))
    tensor([[0.6652, 0.2447, 0.0900]])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softmin(input, self.dim)


class Softmax2d(Module):
    """Softmax over the channels of (N, C, H, W) or (C, H, W).

    Shape: (N, C, H, W) or (C, H, W), and the same out.

    >>> import autodiff_lab as lab
    >>> lab.nn.Softmax2d()(lab.zeros(1, 4, 1, 1)).flatten()
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead")
        return F.softmax(input, -3)
