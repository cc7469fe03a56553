"""The generalized Pareto distribution: what lies beyond a threshold."""

from __future__ import annotations

import math

import autodiff_lab as lab

from . import constraints
from .distribution import Distribution
from .utils import broadcast_all

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """Excesses over `loc`, whose tail is heavy for a positive `concentration`, exponential for 0 and bounded for a negative one.

    It is Exponential for loc 0 and concentration 0, Pareto for loc = scale / concentration, Uniform for concentration -1.

    Args:
        loc: the smallest value.
        scale: positive.
        concentration: any number.

    >>> import autodiff_lab as lab
    >>> lab.distributions.GeneralizedPareto(0.0, 1.0, 0.5).mean
    tensor(2.)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}
    has_rsample = True

    def __init__(self, loc, scale, concentration, validate_args=None):
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    mode = property(lambda self: self.loc)

    @property
    def mean(self):
        finite = self.concentration < 1
        return lab.where(finite, self.loc + self.scale / (1 - lab.where(finite, self.concentration, 0.5)), math.nan)

    @property
    def variance(self):
        finite = self.concentration < 0.5
        c = lab.where(finite, self.concentration, 0.25)
        return lab.where(finite, self.scale ** 2 / ((1 - c) ** 2 * (1 - 2 * c)), math.nan)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        return constraints.interval(self.loc, lab.where(self.concentration < 0, self.loc - self.scale / self.concentration, math.inf))

    def _shape_or_one(self):
        """Where the concentration is 0, and the concentration with 1 in those places, so that nothing is divided by 0."""
        zero = lab.isclose(self.concentration, lab.zeros_like(self.concentration))
        return zero, lab.where(zero, lab.ones_like(self.concentration), self.concentration)

    def rsample(self, sample_shape=()):
        return self.icdf(lab.rand(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        zero, c = self._shape_or_one()
        power = 1 / c + 1
        return -self.scale.log() - lab.where(zero, z, lab.where(power == 0, power, power * (c * z).log1p()))

    def log_survival_function(self, value):
        """The logarithm of the probability of more than `value`."""
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        zero, c = self._shape_or_one()
        return lab.where(zero, -z, -(c * z).log1p() / c)

    def log_cdf(self, value):
        """The logarithm of the probability of at most `value`."""
        return (-self.log_survival_function(value).exp()).log1p()

    def cdf(self, value):
        return self.log_cdf(value).exp()

    def icdf(self, value):
        zero, c = self._shape_or_one()
        log_rest = (-value).log1p()
        return lab.where(zero, self.loc - self.scale * log_rest, self.loc + self.scale / c * (-c * log_rest).expm1())

    def entropy(self):
        return (self.scale.log() + self.concentration + 1).broadcast_to(self._batch_shape)
