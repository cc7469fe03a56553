"""Numbers between 0 and 1 with a density shaped as Bernoulli's probabilities."""

from __future__ import annotations

import math

import autodiff_lab as lab

from ..core.tensor import Size
from . import constraints
from .exp_family import ExponentialFamily
from .utils import broadcast_all, clamp_probs, lazy_property, logits_to_probs, one_of_probs_and_logits, probs_to_logits

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(ExponentialFamily):
    """Density proportional to probs^x (1 - probs)^(1 - x) on [0, 1] (Loaiza-Ganem and Cunningham, 2019).

    Args:
        probs, logits: one of them; `probs` in (0, 1).
        lims: between these, where the formulas are 0 / 0, Taylor's series around 0.5 is used.

    >>> import autodiff_lab as lab
    >>> lab.distributions.ContinuousBernoulli(lab.tensor(0.3)).mean
    tensor(0.4302)
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, probs=None, logits=None, lims=(0.499, 0.501), validate_args=None):
        if one_of_probs_and_logits(probs, logits):
            scalar = isinstance(probs, (int, float))
            (self.probs,) = broadcast_all(probs)
            if validate_args is not None and validate_args and not self.arg_constraints["probs"].check(self.probs).all():
                raise ValueError("The parameter probs has invalid values")
            self.probs = clamp_probs(self.probs)
            self._param = self.probs
        else:
            scalar = isinstance(logits, (int, float))
            (self.logits,) = broadcast_all(logits)
            self._param = self.logits
        self._lims = lims
        super().__init__(Size() if scalar else self._param.shape, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        return self._expanded(Size(batch_shape), _instance)

    @lazy_property
    def probs(self):
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    @lazy_property
    def logits(self):
        return probs_to_logits(self.probs, is_binary=True)

    def _outside(self):
        """Where the formulas hold, and probabilities that are harmless where they do not."""
        outside = (self.probs <= self._lims[0]) | (self.probs > self._lims[1])
        return outside, lab.where(outside, self.probs, self._lims[0] * lab.ones_like(self.probs))

    def _log_constant(self):
        """The logarithm of what makes the density integrate to 1: 2 artanh(1 - 2p) / (1 - 2p)."""
        outside, p = self._outside()
        exact = lab.log(lab.abs(lab.log1p(-p) - lab.log(p))) - lab.log(lab.abs(1 - 2 * p))
        x = (self.probs - 0.5) ** 2
        return lab.where(outside, exact, math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x)

    @property
    def mean(self):
        outside, p = self._outside()
        x = self.probs - 0.5
        return lab.where(outside, p / (2 * p - 1) + 1 / (lab.log1p(-p) - lab.log(p)), 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * x**2) * x)

    @property
    def stddev(self):
        return self.variance.sqrt()

    @property
    def variance(self):
        outside, p = self._outside()
        x = (self.probs - 0.5) ** 2
        exact = p * (p - 1) / (1 - 2 * p) ** 2 + 1 / (lab.log1p(-p) - lab.log(p)) ** 2
        return lab.where(outside, exact, 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x)

    @property
    def param_shape(self):
        """The shape of the parameter."""
        return self._param.shape

    def sample(self, sample_shape=()):
        with lab.no_grad():
            return self.icdf(self._uniform(sample_shape))

    def rsample(self, sample_shape=()):
        return self.icdf(self._uniform(sample_shape))

    def _uniform(self, sample_shape):
        return lab.rand(self._extended_shape(sample_shape), dtype=self.probs.dtype, device=self.probs.device)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -lab.nn.functional.binary_cross_entropy_with_logits(logits, value, reduction="none") + self._log_constant()

    def cdf(self, value):
        if self._validate_args:
            self._validate_sample(value)
        outside, p = self._outside()
        inside = (p**value * (1 - p) ** (1 - value) + p - 1) / (2 * p - 1)
        found = lab.where(outside, inside, value)
        return lab.where(value <= 0, lab.zeros_like(found), lab.where(value >= 1, lab.ones_like(found), found))

    def icdf(self, value):
        outside, p = self._outside()
        return lab.where(outside, (lab.log1p(-p + value * (2 * p - 1)) - lab.log1p(-p)) / (lab.log(p) - lab.log1p(-p)), value)

    def entropy(self):
        log_odds = lab.log(self.probs) - lab.log1p(-self.probs)
        return -self.mean * log_odds - self._log_constant() - lab.log1p(-self.probs)

    @property
    def _natural_params(self):
        return (self.logits,)

    def _log_normalizer(self, x):
        outside = (x <= self._lims[0] - 0.5) | (x > self._lims[1] - 0.5)
        safe = lab.where(outside, x, (self._lims[0] - 0.5) * lab.ones_like(x))
        return lab.where(outside, lab.log(lab.abs(lab.special.expm1(safe))) - lab.log(lab.abs(safe)), 0.5 * x + x**2 / 24.0 - x**4 / 2880.0)
