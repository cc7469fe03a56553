"""Normal vectors whose covariance is a thin matrix times its transpose, plus a diagonal."""

from __future__ import annotations

import math

import autodiff_lab as lab

from ..core.tensor import Size
from . import constraints
from .distribution import Distribution
from .multivariate_normal import log_diagonal
from .utils import lazy_property, standard_normal

__all__ = ["LowRankMultivariateNormal"]


class LowRankMultivariateNormal(Distribution):
    """Normal vectors with mean `loc` and covariance `cov_factor @ cov_factor.T + diag(cov_diag)`.

    No matrix larger than the rank is inverted: by Woodbury's identity and the matrix determinant lemma everything
    goes through `capacitance = 1 + W.T D⁻¹ W`.

    >>> import autodiff_lab as lab
    >>> lab.distributions.LowRankMultivariateNormal(lab.zeros(2), lab.ones(2, 1), lab.ones(2)).covariance_matrix
    tensor([[2., 1.],
            [1., 2.]])
    """

    arg_constraints = {"loc": constraints.real_vector, "cov_factor": constraints.independent(constraints.real, 2),
                       "cov_diag": constraints.independent(constraints.positive, 1)}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc, cov_factor, cov_diag, validate_args=None):
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError("cov_factor must be at least two-dimensional, with optional leading batch dimensions")
        if cov_factor.shape[-2:-1] != event:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event[0]} x m")
        if cov_diag.shape[-1:] != event:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event}")
        try:
            batch = lab.broadcast_shapes(loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1])
        except RuntimeError as error:
            raise ValueError(f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, cov_diag {cov_diag.shape}") from error
        self.loc, self.cov_diag = loc.expand(batch + event), cov_diag.expand(batch + event)
        self.cov_factor = cov_factor.expand(batch + cov_factor.shape[-2:])
        super().__init__(batch, event, validate_args=validate_args)
        self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag = cov_factor, cov_diag
        weighted = cov_factor.mT / cov_diag.unsqueeze(-2)
        eye = lab.eye(cov_factor.shape[-1], dtype=cov_factor.dtype, device=cov_factor.device)
        self._capacitance_tril = lab.linalg.cholesky(weighted @ cov_factor + eye)

    def expand(self, batch_shape, _instance=None):
        kept = ("_unbroadcasted_cov_factor", "_unbroadcasted_cov_diag", "_capacitance_tril")
        return self._expanded(Size(batch_shape), _instance, **{name: getattr(self, name) for name in kept})

    mean = property(lambda self: self.loc)
    mode = property(lambda self: self.loc)

    @lazy_property
    def variance(self):
        return (self._unbroadcasted_cov_factor.pow(2).sum(-1) + self._unbroadcasted_cov_diag).expand(self._batch_shape + self._event_shape)

    @lazy_property
    def covariance_matrix(self):
        W = self._unbroadcasted_cov_factor
        return (W @ W.mT + lab.diag_embed(self._unbroadcasted_cov_diag)).expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def scale_tril(self):
        """The lower Cholesky factor of the covariance."""
        return lab.linalg.cholesky(self.covariance_matrix)

    @lazy_property
    def precision_matrix(self):
        """The inverse of the covariance."""
        weighted = self._unbroadcasted_cov_factor.mT / self._unbroadcasted_cov_diag.unsqueeze(-2)
        A = lab.linalg.solve_triangular(self._capacitance_tril, weighted, upper=False)
        return (lab.diag_embed(self._unbroadcasted_cov_diag.reciprocal()) - A.mT @ A).expand(self._batch_shape + self._event_shape + self._event_shape)

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        W = self._unbroadcasted_cov_factor
        thin = standard_normal(shape[:-1] + W.shape[-1:], self.loc)
        full = standard_normal(shape, self.loc)
        return self.loc + (W @ thin.unsqueeze(-1)).squeeze(-1) + self._unbroadcasted_cov_diag.sqrt() * full

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        apart = value - self.loc
        W, D, L = self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag, self._capacitance_tril
        projected = ((W.mT / D.unsqueeze(-2)) @ apart.unsqueeze(-1))
        inner = lab.linalg.solve_triangular(L.expand(projected.shape[:-2] + L.shape[-2:]), projected, upper=False).squeeze(-1)
        length = (apart.pow(2) / D).sum(-1) - inner.pow(2).sum(-1)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + self._log_determinant() + length)

    def entropy(self):
        half = 0.5 * (self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + self._log_determinant())
        return half if not self._batch_shape else half.expand(self._batch_shape)

    def _log_determinant(self):
        return 2 * log_diagonal(self._capacitance_tril) + self._unbroadcasted_cov_diag.log().sum(-1)
