"""The negative binomial distribution."""

from __future__ import annotations

import autodiff_lab as lab

from ..core.tensor import Size
from . import constraints
from .distribution import Distribution
from .gamma import Gamma
from .utils import broadcast_all, lazy_property, logits_to_probs, one_of_probs_and_logits, probs_to_logits

__all__ = ["NegativeBinomial"]


class NegativeBinomial(Distribution):
    """How many trials succeed, each with probability `probs`, before `total_count` have failed.

    >>> import autodiff_lab as lab
    >>> lab.distributions.NegativeBinomial(5.0, 0.5).mean
    tensor(5.)
    """

    arg_constraints = {"total_count": constraints.greater_than_eq(0), "probs": constraints.half_open_interval(0.0, 1.0), "logits": constraints.real}
    support = constraints.nonnegative_integer

    def __init__(self, total_count, probs=None, logits=None, validate_args=None):
        if one_of_probs_and_logits(probs, logits):
            self.total_count, self.probs = broadcast_all(total_count, probs)
            self.total_count = self.total_count.type_as(self.probs)
        else:
            self.total_count, self.logits = broadcast_all(total_count, logits)
            self.total_count = self.total_count.type_as(self.logits)
        self._param = self.logits if probs is None else self.probs
        super().__init__(self._param.shape, validate_args=validate_args)

    @lazy_property
    def logits(self):
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self):
        return logits_to_probs(self.logits, is_binary=True)

    @lazy_property
    def _gamma(self):
        return Gamma(self.total_count, lab.exp(-self.logits), validate_args=False)

    def expand(self, batch_shape, _instance=None):
        new = self._expanded(Size(batch_shape), _instance)
        new.__dict__.pop("_gamma", None)
        return new

    param_shape = property(lambda self: self._param.size())
    mean = property(lambda self: self.total_count * lab.exp(self.logits))
    mode = property(lambda self: ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0))
    variance = property(lambda self: self.mean / lab.sigmoid(-self.logits))

    def sample(self, sample_shape=()):
        with lab.no_grad():
            return lab.poisson(self._gamma.sample(sample_shape))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        n = self.total_count
        logsigmoid = lab.nn.functional.logsigmoid
        chance = n * logsigmoid(-self.logits) + value * logsigmoid(self.logits)
        ways = -lab.lgamma(n + value) + lab.lgamma(1.0 + value) + lab.lgamma(n)
        return chance - ways.masked_fill(n + value == 0.0, 0.0)
