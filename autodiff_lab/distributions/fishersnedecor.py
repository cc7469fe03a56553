"""The F distribution of Fisher and Snedecor."""

from __future__ import annotations

import autodiff_lab as lab

from ..core.tensor import Size
from . import constraints
from .distribution import Distribution
from .gamma import Gamma
from .utils import broadcast_all

__all__ = ["FisherSnedecor"]


class FisherSnedecor(Distribution):
    """The ratio of two estimated variances, from `df1` and `df2` degrees of freedom.

    >>> import autodiff_lab as lab
    >>> lab.distributions.FisherSnedecor(1.0, 4.0).mean
    tensor(2.)
    """

    arg_constraints = {"df1": constraints.positive, "df2": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, df1, df2, validate_args=None):
        self.df1, self.df2 = broadcast_all(df1, df2)
        self._gamma1, self._gamma2 = Gamma(self.df1 * 0.5, self.df1), Gamma(self.df2 * 0.5, self.df2)
        super().__init__(self.df1.shape, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        return self._expanded(Size(batch_shape), _instance, _gamma1=self._gamma1.expand(batch_shape), _gamma2=self._gamma2.expand(batch_shape))

    @property
    def mean(self):
        return lab.where(self.df2 > 2, self.df2, float("nan")) / (self.df2 - 2)

    @property
    def mode(self):
        return lab.where(self.df1 > 2, (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2), float("nan"))

    @property
    def variance(self):
        df2 = lab.where(self.df2 > 4, self.df2, float("nan"))
        return 2 * df2.pow(2) * (self.df1 + df2 - 2) / (self.df1 * (df2 - 2).pow(2) * (df2 - 4))

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        one, two = self._gamma1.rsample(sample_shape).view(shape), self._gamma2.rsample(sample_shape).view(shape)
        two.detach().clamp_(min=lab.finfo(two.dtype).tiny)
        ratio = one / two
        ratio.detach().clamp_(min=lab.finfo(two.dtype).tiny)
        return ratio

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        half1, half2, ratio = self.df1 * 0.5, self.df2 * 0.5, self.df1 / self.df2
        norm = (half1 + half2).lgamma() - half1.lgamma() - half2.lgamma()
        return norm + half1 * ratio.log() + (half1 - 1) * value.log() - (half1 + half2) * lab.log1p(ratio * value)
