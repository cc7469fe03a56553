"""The Kumaraswamy distribution."""

from __future__ import annotations

import autodiff_lab as lab

from . import constraints
from .gumbel import _EULER
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, PowerTransform
from .uniform import Uniform
from .utils import broadcast_all

__all__ = ["Kumaraswamy"]


class Kumaraswamy(TransformedDistribution):
    """Numbers in (0, 1), spread much like Beta but with a cdf in closed form.

    >>> import autodiff_lab as lab
    >>> lab.distributions.Kumaraswamy(1.0, 1.0).mean  # the uniform distribution
    tensor(0.5000)
    """

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, concentration1, concentration0, validate_args=None):
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        base = Uniform(lab.zeros_like(self.concentration0), lab.ones_like(self.concentration0), validate_args=validate_args)
        super().__init__(base, self._steps(), validate_args=validate_args)

    def _steps(self):
        return [PowerTransform(exponent=self.concentration0.reciprocal()), AffineTransform(loc=1.0, scale=-1.0), PowerTransform(exponent=self.concentration1.reciprocal())]

    def expand(self, batch_shape, _instance=None):
        new = super().expand(batch_shape, _instance)
        new.transforms = new._steps()
        return new

    def _moment(self, n: int):
        """The expected n-th power."""
        a, b = self.concentration1, self.concentration0
        return (b.log() + lab.lgamma(1 + n / a) + lab.lgamma(b) - lab.lgamma(1 + n / a + b)).exp()

    mean = property(lambda self: self._moment(1))
    variance = property(lambda self: self._moment(2) - self._moment(1).pow(2))

    @property
    def mode(self):
        a, b = self.concentration1, self.concentration0
        inside = (a >= 1) & (b >= 1) & ((a > 1) | (b > 1))
        return ((a - 1) / (a * b - 1)).where(inside, float("nan")) ** a.reciprocal()

    def entropy(self):
        a, b = self.concentration1, self.concentration0
        return 1 - b.reciprocal() + (1 - a.reciprocal()) * (lab.digamma(b + 1) + _EULER) - lab.log(a) - lab.log(b)
