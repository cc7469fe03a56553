"""Maps of single numbers, element by element."""

from __future__ import annotations

import math

import autodiff_lab as lab

from .. import constraints
from ..utils import broadcast_all
from .transform import Plain, Transform

__all__ = [
    "AbsTransform", "AffineTransform", "CumulativeDistributionTransform", "ExpTransform", "PowerTransform", "SigmoidTransform", "SoftplusTransform",
    "TanhTransform", "softplus",
]


class _Elementwise(Plain):
    """Increasing maps of numbers."""

    bijective = True
    domain = constraints.real
    sign = 1


class ExpTransform(_Elementwise):
    """y = exp(x).

    >>> import autodiff_lab as lab
    >>> t = lab.distributions.ExpTransform()
    >>> t(lab.tensor(1.0)), t.inv(lab.tensor(1.0))
    (tensor(2.7183), tensor(0.))
    """

    codomain = constraints.positive

    def _call(self, x):
        return x.exp()

    def _inverse(self, y):
        return y.log()

    def log_abs_det_jacobian(self, x, y):
        return x


class PowerTransform(Transform):
    """y = x ** exponent, for positive x.

    >>> import autodiff_lab as lab
    >>> lab.distributions.PowerTransform(2.0)(lab.tensor(3.0))
    tensor(9.)
    """

    domain = codomain = constraints.positive
    bijective = True

    def __init__(self, exponent, cache_size: int = 0):
        super().__init__(cache_size=cache_size)
        self.exponent, = broadcast_all(exponent)

    def with_cache(self, cache_size: int = 1):
        return self if self._cache_size == cache_size else PowerTransform(self.exponent, cache_size)

    sign = property(lambda self: self.exponent.sign())

    def __eq__(self, other) -> bool:
        return isinstance(other, PowerTransform) and bool(self.exponent.eq(other.exponent).all())

    __hash__ = object.__hash__

    def _call(self, x):
        return x.pow(self.exponent)

    def _inverse(self, y):
        return y.pow(1 / self.exponent)

    def log_abs_det_jacobian(self, x, y):
        return (self.exponent * y / x).abs().log()

    def forward_shape(self, shape):
        return lab.broadcast_shapes(shape, self.exponent.shape)

    inverse_shape = forward_shape


class SigmoidTransform(_Elementwise):
    """y = 1 / (1 + exp(-x)), kept inside (0, 1).

    >>> import autodiff_lab as lab
    >>> lab.distributions.SigmoidTransform()(lab.tensor(0.0))
    tensor(0.5000)
    """

    codomain = constraints.unit_interval

    def _call(self, x):
        info = lab.finfo(x.dtype)
        return lab.sigmoid(x).clamp(min=info.tiny, max=1.0 - info.eps)

    def _inverse(self, y):
        info = lab.finfo(y.dtype)
        y = y.clamp(min=info.tiny, max=1.0 - info.eps)
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x, y):
        return -softplus(-x) - softplus(x)


def softplus(x):
    """log(1 + exp(x))."""
    return lab.nn.functional.softplus(x)


class SoftplusTransform(_Elementwise):
    """y = log(1 + exp(x)); the identity where x is large.

    >>> import autodiff_lab as lab
    >>> lab.distributions.SoftplusTransform()(lab.tensor(0.0))
    tensor(0.6931)
    """

    codomain = constraints.positive

    def _call(self, x):
        return softplus(x)

    def _inverse(self, y):
        return (-y).expm1().neg().log() + y

    def log_abs_det_jacobian(self, x, y):
        return -softplus(-x)


class TanhTransform(_Elementwise):
    """y = tanh(x).

    >>> import autodiff_lab as lab
    >>> t = lab.distributions.TanhTransform()
    >>> t.log_abs_det_jacobian(lab.tensor(0.0), lab.tensor(0.0))
    tensor(0.)
    """

    codomain = constraints.interval(-1.0, 1.0)

    def _call(self, x):
        return x.tanh()

    def _inverse(self, y):
        return lab.atanh(y)

    def log_abs_det_jacobian(self, x, y):
        # log(1 - tanh² x), written so that large x do not round to log 0.
        return 2.0 * (math.log(2.0) - x - softplus(-2.0 * x))


class AbsTransform(Plain):
    """y = |x|; its inverse is the identity on positive numbers.

    >>> import autodiff_lab as lab
    >>> lab.distributions.AbsTransform()(lab.tensor(-3.0))
    tensor(3.)
    """

    domain = constraints.real
    codomain = constraints.positive

    def _call(self, x):
        return x.abs()

    def _inverse(self, y):
        return y


class AffineTransform(Transform):
    """y = loc + scale * x.

    >>> import autodiff_lab as lab
    >>> lab.distributions.AffineTransform(loc=1.0, scale=2.0)(lab.tensor(3.0))
    tensor(7.)
    """

    bijective = True

    def __init__(self, loc, scale, event_dim: int = 0, cache_size: int = 0):
        super().__init__(cache_size=cache_size)
        self.loc, self.scale, self._event_dim = loc, scale, event_dim

    event_dim = property(lambda self: self._event_dim)
    domain = property(lambda self: constraints.real if self._event_dim == 0 else constraints.independent(constraints.real, self._event_dim))
    codomain = domain

    def with_cache(self, cache_size: int = 1):
        return self if self._cache_size == cache_size else AffineTransform(self.loc, self.scale, self._event_dim, cache_size)

    def __eq__(self, other) -> bool:
        def same(a, b):
            equal = a == b
            return equal if isinstance(equal, bool) else bool(equal.all())
        return isinstance(other, AffineTransform) and same(self.loc, other.loc) and same(self.scale, other.scale)

    __hash__ = object.__hash__

    @property
    def sign(self):
        if isinstance(self.scale, (int, float)):
            return 1 if self.scale > 0 else -1 if self.scale < 0 else 0
        return self.scale.sign()

    def _call(self, x):
        return self.loc + self.scale * x

    def _inverse(self, y):
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x, y):
        if isinstance(self.scale, (int, float)):
            result = lab.full_like(x, math.log(abs(self.scale)))
        else:
            result = self.scale.abs().log()
        if self._event_dim:
            result = result.expand(lab.broadcast_shapes(x.shape, result.shape)).reshape((*x.shape[:-self._event_dim], -1)).sum(-1)
        return result.expand(x.shape[:x.ndim - self._event_dim])

    def forward_shape(self, shape):
        return lab.broadcast_shapes(shape, getattr(self.loc, "shape", ()), getattr(self.scale, "shape", ()))

    inverse_shape = forward_shape


class CumulativeDistributionTransform(Transform):
    """A distribution's numbers to their rank in (0, 1).

    >>> import autodiff_lab as lab
    >>> d = lab.distributions
    >>> d.CumulativeDistributionTransform(d.Normal(0.0, 1.0))(lab.tensor(0.0))
    tensor(0.5000)
    """

    bijective = True
    codomain = constraints.unit_interval
    sign = 1

    def __init__(self, distribution, cache_size: int = 0):
        super().__init__(cache_size=cache_size)
        self.distribution = distribution

    domain = property(lambda self: self.distribution.support)

    def with_cache(self, cache_size: int = 1):
        return self if self._cache_size == cache_size else CumulativeDistributionTransform(self.distribution, cache_size)

    def _call(self, x):
        return self.distribution.cdf(x)

    def _inverse(self, y):
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x, y):
        return self.distribution.log_prob(x)
