"""The Poisson distribution: how many events happen."""

from __future__ import annotations

import autodiff_lab as lab

from . import constraints
from .exp_family import ExponentialFamily
from .utils import broadcast_all

__all__ = ["Poisson"]


class Poisson(ExponentialFamily):
    """The number of independent events where `rate` are expected.

    >>> import autodiff_lab as lab
    >>> lab.distributions.Poisson(2.0).log_prob(lab.tensor(0.0))
    tensor(-2.)
    """

    arg_constraints = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer

    def __init__(self, rate, validate_args=None):
        self.rate, = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    mean = property(lambda self: self.rate)
    mode = property(lambda self: self.rate.floor())
    variance = property(lambda self: self.rate)

    def sample(self, sample_shape=()):
        with lab.no_grad():
            return lab.poisson(self.rate.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        rate, value = broadcast_all(self.rate, value)
        return lab.xlogy(value, rate) - rate - lab.lgamma(value + 1)

    @property
    def _natural_params(self):
        return (lab.log(self.rate),)

    def _log_normalizer(self, x):
        return lab.exp(x)
