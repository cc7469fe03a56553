"""The Dirichlet distribution: random probabilities."""

from __future__ import annotations

import autodiff_lab as lab

from . import constraints
from .exp_family import ExponentialFamily

__all__ = ["Dirichlet"]


class Dirichlet(ExponentialFamily):
    """Vectors of n numbers that add up to 1, spread as `concentration` says.

    >>> import autodiff_lab as lab
    >>> lab.distributions.Dirichlet(lab.tensor([1.0, 3.0])).mean
    tensor([0.2500, 0.7500])
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration, validate_args=None):
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args)

    mean = property(lambda self: self.concentration / self.concentration.sum(-1, True))

    @property
    def mode(self):
        less = (self.concentration - 1).clamp(min=0.0)
        mode = less / less.sum(-1, True)
        flat = (self.concentration < 1).all(-1)
        peak = lab.nn.functional.one_hot(mode.argmax(-1), mode.shape[-1]).to(mode)
        return lab.where(flat.unsqueeze(-1), peak, mode)

    @property
    def variance(self):
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape=()):
        return lab._sample_dirichlet(self.concentration.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        a = self.concentration
        return lab.xlogy(a - 1.0, value).sum(-1) + lab.lgamma(a.sum(-1)) - lab.lgamma(a).sum(-1)

    def entropy(self):
        n, a = self.concentration.size(-1), self.concentration
        total = a.sum(-1)
        return lab.lgamma(a).sum(-1) - lab.lgamma(total) - (n - total) * lab.digamma(total) - ((a - 1.0) * lab.digamma(a)).sum(-1)

    @property
    def _natural_params(self):
        return (self.concentration,)

    def _log_normalizer(self, x):
        return x.lgamma().sum(-1) - lab.lgamma(x.sum(-1))
