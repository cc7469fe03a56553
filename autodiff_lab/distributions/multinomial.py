"""The multinomial distribution: how often each category came up."""

from __future__ import annotations

import autodiff_lab as lab

from ..core.tensor import Size
from . import constraints
from .binomial import Binomial
from .categorical import Categorical
from .distribution import Distribution
from .utils import broadcast_all

__all__ = ["Multinomial"]


class Multinomial(Distribution):
    """Counts of each category in `total_count` independent draws.

    >>> import autodiff_lab as lab
    >>> lab.distributions.Multinomial(4, lab.tensor([1.0, 1.0])).mean
    tensor([2., 2.])
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}

    def __init__(self, total_count=1, probs=None, logits=None, validate_args=None):
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs=probs, logits=logits)
        self._binomial = Binomial(total_count=total_count, probs=self.probs)
        super().__init__(self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        return self._expanded(Size(batch_shape), _instance, _categorical=self._categorical.expand(batch_shape))

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self):
        return constraints.multinomial(self.total_count)

    probs = property(lambda self: self._categorical.probs)
    logits = property(lambda self: self._categorical.logits)
    param_shape = property(lambda self: self._categorical.param_shape)
    mean = property(lambda self: self.probs * self.total_count)
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    def sample(self, sample_shape=()):
        drawn = self._categorical.sample(Size((self.total_count,)) + Size(sample_shape)).movedim(0, -1)
        counts = lab.zeros(self._extended_shape(sample_shape), dtype=lab.int64, device=drawn.device)
        return counts.scatter_add_(-1, drawn, lab.ones_like(drawn)).type_as(self.probs)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        orders = lab.lgamma(value.sum(-1) + 1) - lab.lgamma(value + 1).sum(-1)
        # A category that never came up adds nothing, however unlikely it was.
        impossible = (value == 0) & (logits == -float("inf"))
        return orders + (logits.masked_fill(impossible, 0) * value).sum(-1)

    def entropy(self):
        n = lab.tensor(self.total_count)
        counts = self._binomial.enumerate_support(expand=False)[1:]
        expected = (lab.exp(self._binomial.log_prob(counts)) * lab.lgamma(counts + 1)).sum((0, -1))
        return n * self._categorical.entropy() - lab.lgamma(n + 1) + expected
