"""The gamma distribution."""

from __future__ import annotations

import autodiff_lab as lab

from . import constraints
from .exp_family import ExponentialFamily
from .utils import broadcast_all

__all__ = ["Gamma"]


class Gamma(ExponentialFamily):
    """Positive numbers of shape `concentration` and inverse scale `rate`.

    >>> import autodiff_lab as lab
    >>> lab.distributions.Gamma(3.0, 2.0).mean
    tensor(1.5000)
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, concentration, rate, validate_args=None):
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    mean = property(lambda self: self.concentration / self.rate)
    mode = property(lambda self: ((self.concentration - 1) / self.rate).clamp(min=0))
    variance = property(lambda self: self.concentration / self.rate.pow(2))

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        value = lab._standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        value.detach().clamp_(min=lab.finfo(value.dtype).tiny)  # 0 has no logarithm; the gradient is not touched
        return value

    def log_prob(self, value):
        value = lab.as_tensor(value, dtype=self.rate.dtype, device=self.rate.device)
        if self._validate_args:
            self._validate_sample(value)
        a, rate = self.concentration, self.rate
        return lab.xlogy(a, rate) + lab.xlogy(a - 1, value) - rate * value - lab.lgamma(a)

    def cdf(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return lab.special.gammainc(self.concentration, self.rate * value)

    def entropy(self):
        a = self.concentration
        return a - lab.log(self.rate) + lab.lgamma(a) + (1.0 - a) * lab.digamma(a)

    @property
    def _natural_params(self):
        return self.concentration - 1, -self.rate

    def _log_normalizer(self, x, y):
        return lab.lgamma(x + 1) + (x + 1) * lab.log(-y.reciprocal())
