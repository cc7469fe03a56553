"""Student's t distribution."""

from __future__ import annotations

import math

import autodiff_lab as lab

from ..core.tensor import Size
from . import constraints
from .chi2 import Chi2
from .distribution import Distribution
from .utils import broadcast_all, standard_normal

__all__ = ["StudentT"]


class StudentT(Distribution):
    """A normal number whose deviation was estimated from `df` others: heavier tails for smaller `df`.

    >>> import autodiff_lab as lab
    >>> lab.distributions.StudentT(4.0).variance
    tensor(2.)
    """

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, df, loc=0.0, scale=1.0, validate_args=None):
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        super().__init__(self.df.shape, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        return self._expanded(Size(batch_shape), _instance, _chi2=self._chi2.expand(batch_shape))

    mean = property(lambda self: lab.where(self.df <= 1, float("nan"), self.loc))
    mode = property(lambda self: self.loc)

    @property
    def variance(self):
        finite = self.scale.pow(2) * self.df / (self.df - 2)
        return lab.where(self.df > 2, finite, lab.where(self.df <= 1, float("nan"), float("inf")).to(finite.dtype))

    def rsample(self, sample_shape=()):
        x = standard_normal(self._extended_shape(sample_shape), self.df)
        z = self._chi2.rsample(sample_shape)
        return self.loc + self.scale * (x * lab.rsqrt(z / self.df))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        y = (value - self.loc) / self.scale
        scale = self.scale.log() + 0.5 * self.df.log() + 0.5 * math.log(math.pi) + lab.lgamma(0.5 * self.df) - lab.lgamma(0.5 * (self.df + 1.0))
        return -0.5 * (self.df + 1.0) * lab.log1p(y ** 2.0 / self.df) - scale

    def entropy(self):
        half = 0.5 * self.df
        log_beta = lab.lgamma(half) + math.lgamma(0.5) - lab.lgamma(half + 0.5)
        return self.scale.log() + (half + 0.5) * (lab.digamma(half + 0.5) - lab.digamma(half)) + 0.5 * self.df.log() + log_beta
