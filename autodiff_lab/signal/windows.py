"""Windows: weights that fade a stretch of a signal in and out.

All take `M`, the number of points; `sym=False` gives the periodic window, for spectra: the symmetric one of M + 1 points without its last.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..backend import special
from ..core.arguments import checked
from ..core.dtypes import dtype, get_default_dtype
from ..ops.creation import finish

__all__ = ["bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine", "general_hamming", "hamming", "hann", "kaiser", "nuttall"]


def _window(name: str, M: int, sym: bool, kind, device, requires_grad: bool, shape):
    """The tensor of `shape(k, n)`: k are the positions 0, 1, … and n the last of the symmetric window.

    Raises:
        ValueError: for a negative M, or a type that is not floating-point.
    """
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    kind = get_default_dtype() if kind is None else kind
    if kind.name not in ("float32", "float64"):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {kind}")
    if M == 0:
        return finish(np.zeros(0, kind.numpy), None, device, requires_grad)
    if M == 1:
        return finish(np.ones(1, kind.numpy), None, device, requires_grad)
    return finish(np.asarray(shape(np.arange(M, dtype=np.float64), M - 1 if sym else M)).astype(kind.numpy), None, device, requires_grad)


def exponential(M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, dtype: dtype | None = None, layout=None, device=None, requires_grad: bool = False):
    """exp(-|k - center| / tau).

    >>> import autodiff_lab as lab
    >>> lab.signal.windows.exponential(3)
    tensor([0.3679, 1.0000, 0.3679])
    """
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    return _window("exponential", M, sym, dtype, device, requires_grad, lambda k, n: np.exp(-np.abs(k - (n / 2 if center is None else center)) / tau))


def cosine(M: int, *, sym: bool = True, dtype: dtype | None = None, layout=None, device=None, requires_grad: bool = False):
    """Half a wave of the sine.

    >>> import autodiff_lab as lab
    >>> lab.signal.windows.cosine(3)
    tensor([0.5000, 1.0000, 0.5000])
    """
    return _window("cosine", M, sym, dtype, device, requires_grad, lambda k, n: np.sin(np.pi / (n + 1) * (k + 0.5)))


def gaussian(M: int, *, std: float = 1.0, sym: bool = True, dtype: dtype | None = None, layout=None, device=None, requires_grad: bool = False):
    """exp(-((k - middle) / std)² / 2).

    >>> import autodiff_lab as lab
    >>> lab.signal.windows.gaussian(3)
    tensor([0.6065, 1.0000, 0.6065])
    """
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    return _window("gaussian", M, sym, dtype, device, requires_grad, lambda k, n: np.exp(-((k - n / 2) / std) ** 2 / 2))


def kaiser(M: int, *, beta: float = 12.0, sym: bool = True, dtype: dtype | None = None, layout=None, device=None, requires_grad: bool = False):
    """I₀(beta √(1 - x²)) / I₀(beta), x from -1 to 1: the larger beta, the narrower.

    >>> import autodiff_lab as lab
    >>> lab.signal.windows.kaiser(3, beta=1.0)
    tensor([0.7898, 1.0000, 0.7898])
    """
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    bessel = special(np.zeros(0)).i0
    return _window("kaiser", M, sym, dtype, device, requires_grad, lambda k, n: bessel(beta * np.sqrt(np.maximum(1 - (2 * k / n - 1) ** 2, 0))) / bessel(beta))


def general_cosine(M: int, *, a: Iterable, sym: bool = True, dtype: dtype | None = None, layout=None, device=None, requires_grad: bool = False):
    """a₀ - a₁ cos(2πk/n) + a₂ cos(4πk/n) - …

    >>> import autodiff_lab as lab
    >>> lab.signal.windows.general_cosine(3, a=[0.5, 0.5])
    tensor([0., 1., 0.])
    """
    if not isinstance(a, Iterable):
        raise TypeError("Coefficients must be a list/tuple")
    weights = list(a)
    if not weights:
        raise ValueError("Coefficients cannot be empty")
    return _window("general_cosine", M, sym, dtype, device, requires_grad, lambda k, n: sum((-1) ** i * w * np.cos(2 * np.pi * i * k / n) for i, w in enumerate(weights)))


def _cosines(name: str, weights, sentence: str):
    def window(M: int, *, sym: bool = True, dtype: dtype | None = None, layout=None, device=None, requires_grad: bool = False):
        return general_cosine(M, a=weights, sym=sym, dtype=dtype, device=device, requires_grad=requires_grad)

    window.__name__ = window.__qualname__ = name
    window.__doc__ = sentence
    return window


hamming = _cosines("hamming", [0.54, 0.46], "0.54 - 0.46 cos(2πk/n): Hamming's window, a cosine that does not end at 0.")
hann = _cosines("hann", [0.5, 0.5], "(1 - cos(2πk/n)) / 2: von Hann's window, a whole wave of the cosine.")
blackman = _cosines("blackman", [0.42, 0.5, 0.08], "Blackman's window, of three cosines.")
nuttall = _cosines("nuttall", [0.3635819, 0.4891775, 0.1365995, 0.0106411], "Nuttall's window, of four cosines.")


def general_hamming(M: int, *, alpha: float = 0.54, sym: bool = True, dtype: dtype | None = None, layout=None, device=None, requires_grad: bool = False):
    """alpha - (1 - alpha) cos(2πk/n)."""
    return general_cosine(M, a=[alpha, 1 - alpha], sym=sym, dtype=dtype, device=device, requires_grad=requires_grad)


def bartlett(M: int, *, sym: bool = True, dtype: dtype | None = None, layout=None, device=None, requires_grad: bool = False):
    """A triangle that begins and ends with 0.

    >>> import autodiff_lab as lab
    >>> lab.signal.windows.bartlett(3)
    tensor([0., 1., 0.])
    """
    return _window("bartlett", M, sym, dtype, device, requires_grad, lambda k, n: 1 - np.abs(2 * k / n - 1))


globals().update({name: checked(globals()[name]) for name in __all__})
