"""Cholesky factors of random correlation matrices."""

from __future__ import annotations

import math

import autodiff_lab as lab

from ..core.tensor import Size
from . import constraints
from .beta import Beta
from .distribution import Distribution

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """The Cholesky factor L of a correlation matrix whose density grows as det(L Lᵀ)^(concentration - 1).

    concentration 1 makes all correlation matrices equally likely; larger ones favour small correlations.
    Drawn row by row by the onion method (Lewandowski, Kurowicka and Joe, 2009).

    >>> import autodiff_lab as lab
    >>> lab.distributions.LKJCholesky(3, 1.0).log_prob(lab.eye(3))
    tensor(-1.5963)
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim: int, concentration=1.0, validate_args=None):
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        self.concentration = lab.as_tensor(concentration) if not isinstance(concentration, lab.Tensor) else concentration
        before = lab.arange(dim - 1, dtype=self.concentration.dtype, device=self.concentration.device)
        before = lab.cat([before.new_zeros(1), before])
        marginal = (self.concentration + 0.5 * (dim - 2)).unsqueeze(-1)
        self._beta = Beta(before + 0.5, marginal - 0.5 * before)
        super().__init__(self.concentration.shape, Size((dim, dim)), validate_args)

    def expand(self, batch_shape, _instance=None):
        return self._expanded(Size(batch_shape), _instance, _beta=self._beta.expand((*batch_shape, self.dim)))

    def sample(self, sample_shape=()):
        squared = self._beta.sample(sample_shape).unsqueeze(-1)
        direction = lab.randn(self._extended_shape(sample_shape), dtype=squared.dtype, device=squared.device).tril(-1)
        direction = direction / direction.norm(dim=-1, keepdim=True)
        direction[..., 0, :].fill_(0.0)  # the first row has nothing below the diagonal: it was 0 / 0
        rows = squared.sqrt() * direction
        left = (1 - rows.pow(2).sum(-1)).clamp(min=lab.finfo(rows.dtype).tiny)
        return rows + lab.diag_embed(left.sqrt())

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        diagonal = value.diagonal(dim1=-1, dim2=-2)[..., 1:]
        order = lab.arange(2, self.dim + 1, device=self.concentration.device)
        order = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - order
        rest = self.dim - 1
        alpha = self.concentration + 0.5 * rest
        constant = 0.5 * rest * math.log(math.pi) + lab.mvlgamma(alpha - 0.5, rest) - lab.lgamma(alpha) * rest
        return (order * diagonal.log()).sum(-1) - constant
