"""Windows: rows of weights that fade a signal out at both ends, before a Fourier transform or as a filter.

Each is a formula of evenly spaced numbers. Symmetric ones (`sym=True`) are for filters; the others are one period of a
repeating window, for spectra. `torch.hann_window` and its kin are the older forms, which are periodic unless told otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..core.dtypes import float32, float64, get_default_dtype
from ..core.op import public
from ..core.tensor import Tensor

__all__ = ["bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine", "general_hamming", "hamming", "hann", "kaiser", "nuttall"]

_all = public[""]
strided = _all["strided"]


def _checked(name: str, M: int, dtype, layout):
    """The dtype of a window.

    Raises:
        ValueError: for a negative length, a layout that is not strided, or a dtype that is neither float32 nor float64.
    """
    dtype = get_default_dtype() if dtype is None else dtype
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout is not strided:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    if dtype not in (float32, float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    return dtype


def exponential(M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, dtype=None, layout=strided, device=None, requires_grad: bool = False) -> Tensor:
    """exp(-|n - center| / tau); also called the Poisson window.

    Args:
        center: where it is 1, for periodic windows; by default the middle.

    Raises:
        ValueError: if `tau` is not positive, or a symmetric window is given a center.

    >>> import autodiff_lab as lab
    >>> lab.signal.windows.exponential(3)
    tensor([0.3679, 1.0000, 0.3679])
    """
    dtype = _checked("exponential", M, dtype, layout)
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    if center is None:
        center = (M if not sym and M > 1 else M - 1) / 2
    return (-_spaced(M, -center / tau, (M - 1 - center) / tau, dtype, device, requires_grad).abs()).exp()


def cosine(M: int, *, sym: bool = True, dtype=None, layout=strided, device=None, requires_grad: bool = False) -> Tensor:
    """Half a wave of the sine: sin(π (n + 1/2) / M).

    >>> import autodiff_lab as lab
    >>> lab.signal.windows.cosine(3)
    tensor([0.5000, 1.0000, 0.5000])
    """
    dtype = _checked("cosine", M, dtype, layout)
    step = math.pi / (M + 1 if not sym and M > 1 else max(M, 1))
    return _spaced(M, step / 2, (M - 0.5) * step, dtype, device, requires_grad).sin()


def gaussian(M: int, *, std: float = 1.0, sym: bool = True, dtype=None, layout=strided, device=None, requires_grad: bool = False) -> Tensor:
    """The bell curve exp(-(n - middle)² / 2 std²).

    Raises:
        ValueError: if `std` is not positive.

    >>> import autodiff_lab as lab
    >>> lab.signal.windows.gaussian(3)
    tensor([0.6065, 1.0000, 0.6065])
    """
    dtype = _checked("gaussian", M, dtype, layout)
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    start, scale = -(M if not sym and M > 1 else M - 1) / 2, 1 / (std * math.sqrt(2))
    return (-_spaced(M, start * scale, (start + M - 1) * scale, dtype, device, requires_grad) ** 2).exp()


def kaiser(M: int, *, beta: float = 12.0, sym: bool = True, dtype=None, layout=strided, device=None, requires_grad: bool = False) -> Tensor:
    """The Kaiser window, made of the Bessel function I₀; a larger `beta` narrows it.

    Raises:
        ValueError: if `beta` is negative.

    >>> import autodiff_lab as lab
    >>> lab.signal.windows.kaiser(3, beta=2.0)
    tensor([0.4387, 1.0000, 0.4387])
    """
    dtype = _checked("kaiser", M, dtype, layout)
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    if M == 1:
        return _all["ones"](1, dtype=dtype, device=device, requires_grad=requires_grad)
    beta = _all["tensor"](beta, dtype=dtype, device=device)
    end = _all["minimum"](beta, (M - 1) * (2.0 * beta / _period(M, sym)) - beta)
    k = _spaced(M, (-beta).item(), end.item(), dtype, device, requires_grad)
    return (beta * beta - k ** 2).sqrt().i0() / beta.i0()


def bartlett(M: int, *, sym: bool = True, dtype=None, layout=strided, device=None, requires_grad: bool = False) -> Tensor:
    """A triangle that begins and ends with 0.

    >>> import autodiff_lab as lab
    >>> lab.signal.windows.bartlett(5)
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    dtype = _checked("bartlett", M, dtype, layout)
    if M == 1:
        return _all["ones"](1, dtype=dtype, device=device, requires_grad=requires_grad)
    return 1 - _spaced(M, -1, (M - 1) * 2 / _period(M, sym) - 1, dtype, device, requires_grad).abs()


def general_cosine(M: int, *, a: Iterable, sym: bool = True, dtype=None, layout=strided, device=None, requires_grad: bool = False) -> Tensor:
    """A sum of cosines with the weights `a`: a₀ - a₁ cos(2π n / (M - 1)) + a₂ cos(4π n / (M - 1)) - …

    Raises:
        TypeError: if `a` is no list.
        ValueError: if it is empty.

    >>> import autodiff_lab as lab
    >>> lab.signal.windows.general_cosine(3, a=[0.5, 0.5])
    tensor([0., 1., 0.])
    """
    dtype = _checked("general_cosine", M, dtype, layout)
    if M == 1:
        return _all["ones"](1, dtype=dtype, device=device, requires_grad=requires_grad)
    if M and not isinstance(a, Iterable):
        raise TypeError("Coefficients must be a list/tuple")
    if M and not a:
        raise ValueError("Coefficients cannot be empty")
    k = _spaced(M, 0, (M - 1) * 2 * math.pi / _period(M, sym), dtype, device, requires_grad)
    if not M:
        return k
    weights = _all["tensor"]([(-1) ** i * w for i, w in enumerate(a)], dtype=dtype, device=device, requires_grad=requires_grad)
    multiples = _all["arange"](len(weights), dtype=dtype, device=device, requires_grad=requires_grad)
    return (weights.unsqueeze(-1) * (multiples.unsqueeze(-1) * k).cos()).sum(0)


def general_hamming(M: int, *, alpha: float = 0.54, sym: bool = True, dtype=None, layout=strided, device=None, requires_grad: bool = False) -> Tensor:
    """A raised cosine: alpha - (1 - alpha) cos(2π n / (M - 1)).

    >>> import autodiff_lab as lab
    >>> lab.signal.windows.general_hamming(3, alpha=0.75)
    tensor([0.5000, 1.0000, 0.5000])
    """
    return general_cosine(M, a=[alpha, 1.0 - alpha], sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def blackman(M: int, *, sym: bool = True, dtype=None, layout=strided, device=None, requires_grad: bool = False) -> Tensor:
    """The Blackman window, of three cosines.

    >>> import autodiff_lab as lab
    >>> lab.signal.windows.blackman(5)[1:4]
    tensor([0.3400, 1.0000, 0.3400])
    """
    dtype = _checked("blackman", M, dtype, layout)
    return general_cosine(M, a=[0.42, 0.5, 0.08], sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def _of_cosines(name: str, weights: list, words: str):
    def make(M: int, *, sym: bool = True, dtype=None, layout=strided, device=None, requires_grad: bool = False) -> Tensor:
        return general_cosine(M, a=weights, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)
    make.__name__ = make.__qualname__ = name
    make.__doc__ = words + f" See general_cosine; its weights are {weights}."
    return make


hamming = _of_cosines("hamming", [0.54, 0.46], "The Hamming window, a raised cosine that does not reach 0.")
hann = _of_cosines("hann", [0.5, 0.5], "The Hann window, a raised cosine.")
nuttall = _of_cosines("nuttall", [0.3635819, 0.4891775, 0.1365995, 0.0106411], "Nuttall's window with a minimal fourth term, of four cosines.")


def _period(M: int, sym: bool) -> int:
    return max(M - 1 if sym else M, 1)


def _spaced(M: int, start: float, end: float, dtype, device, requires_grad: bool) -> Tensor:
    if not M:
        return _all["empty"](0, dtype=dtype, device=device, requires_grad=requires_grad)
    return _all["linspace"](start, end, M, dtype=dtype, device=device, requires_grad=requires_grad)
