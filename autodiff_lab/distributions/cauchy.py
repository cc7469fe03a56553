"""The Cauchy distribution: so heavy tails that there is no mean."""

from __future__ import annotations

import math

import autodiff_lab as lab

from . import constraints
from .distribution import Distribution
from .utils import broadcast_all

__all__ = ["Cauchy"]


class Cauchy(Distribution):
    """The ratio of two centred normal numbers, moved by `loc` and stretched by `scale`.

    >>> import autodiff_lab as lab
    >>> lab.distributions.Cauchy(0.0, 1.0).cdf(lab.tensor(1.0))
    tensor(0.7500)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    mean = property(lambda self: lab.full(self._extended_shape(), float("nan"), dtype=self.loc.dtype, device=self.loc.device))
    mode = property(lambda self: self.loc)
    variance = property(lambda self: lab.full(self._extended_shape(), float("inf"), dtype=self.loc.dtype, device=self.loc.device))

    def rsample(self, sample_shape=()):
        drawn = lab.empty(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device).cauchy_()
        return self.loc + drawn * self.scale

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return -math.log(math.pi) - self.scale.log() - ((value - self.loc) / self.scale).pow(2).log1p()

    def cdf(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return lab.atan((value - self.loc) / self.scale) / math.pi + 0.5

    def icdf(self, value):
        return lab.tan(math.pi * (value - 0.5)) * self.scale + self.loc

    def entropy(self):
        return math.log(4 * math.pi) + self.scale.log()
