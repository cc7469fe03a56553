"""The normal distribution's counterpart on a circle."""

from __future__ import annotations

import math

import autodiff_lab as lab

from ..core.tensor import Size
from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, lazy_property

__all__ = ["VonMises"]


class VonMises(Distribution):
    """Angles around `loc` with density proportional to exp(concentration * cos(x - loc)).

    Drawn by rejection (Best and Fisher, 1979).

    >>> import autodiff_lab as lab
    >>> lab.distributions.VonMises(lab.tensor(0.0), lab.tensor(1.0)).log_prob(lab.tensor(0.0))
    tensor(-1.0738)
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    has_rsample = False

    def __init__(self, loc, concentration, validate_args=None):
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, Size(), validate_args)

    def expand(self, batch_shape, _instance=None):
        if _instance is None:
            return type(self)(self.loc.expand(batch_shape), self.concentration.expand(batch_shape), validate_args=self._validate_args)
        return self._expanded(Size(batch_shape), _instance)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        # I0(k) overflows; i0e(k) = I0(k) exp(-k) does not.
        return self.concentration * (lab.cos(value - self.loc) - 1) - math.log(2 * math.pi) - lab.special.i0e(self.concentration).log()

    @lazy_property
    def _proposal_r(self):
        k = self.concentration.double()
        tau = 1 + (1 + 4 * k**2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * k)
        return lab.where(k < 1e-5, 1 / k + k, (1 + rho**2) / (2 * rho))  # where k is small the difference above has no digits left

    def sample(self, sample_shape=()):
        with lab.no_grad():
            shape = self._extended_shape(sample_shape)
            loc, k, r = self.loc.double(), self.concentration.double(), self._proposal_r.expand(shape)
            x = lab.empty(shape, dtype=lab.float64, device=self.loc.device)
            done = lab.zeros(shape, dtype=lab.bool, device=self.loc.device)
            while not done.all():
                u1, u2, u3 = lab.rand((3, *shape), dtype=lab.float64, device=self.loc.device).unbind()
                z = lab.cos(math.pi * u1)
                f = (1 + r * z) / (r + z)
                c = k * (r - f)
                accepted = (c * (2 - c) - u2 > 0) | ((c / u2).log() + 1 - c >= 0)
                x = lab.where(accepted, (u3 - 0.5).sign() * f.acos(), x)
                done = done | accepted
            return ((x + math.pi + loc) % (2 * math.pi) - math.pi).to(self.loc.dtype)

    mean = property(lambda self: self.loc)
    mode = property(lambda self: self.loc)

    @lazy_property
    def variance(self):
        """Of the circle: 1 minus the length of the mean direction."""
        return 1 - lab.special.i1e(self.concentration) / lab.special.i0e(self.concentration)
