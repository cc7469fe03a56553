"""Random covariance matrices."""

from __future__ import annotations

import math
import warnings

import autodiff_lab as lab

from ..core.tensor import Size
from . import constraints
from .chi2 import Chi2
from .exp_family import ExponentialFamily
from .multivariate_normal import log_diagonal, precision_to_scale_tril
from .utils import lazy_property

__all__ = ["Wishart"]


class Wishart(ExponentialFamily):
    """The sum of x xᵀ over `df` normal vectors x, given by the covariance of x, its inverse, or its Cholesky factor.

    Drawn by Bartlett's decomposition: chi² numbers on the diagonal of a triangular matrix, normal ones below it.

    >>> import autodiff_lab as lab
    >>> lab.distributions.Wishart(lab.tensor(3.0), lab.eye(2)).mean
    tensor([[3., 0.],
            [0., 3.]])
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0

    @property
    def arg_constraints(self):
        return {"covariance_matrix": constraints.positive_definite, "precision_matrix": constraints.positive_definite, "scale_tril": constraints.lower_cholesky,
                "df": constraints.greater_than(self.event_shape[-1] - 1)}

    def __init__(self, df, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril}
        given = {name: matrix for name, matrix in given.items() if matrix is not None}
        if len(given) != 1:
            raise AssertionError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        (name, matrix), = given.items()
        if matrix.dim() < 2:
            raise ValueError("scale_tril must be at least two-dimensional, with optional leading batch dimensions")
        df = df if isinstance(df, lab.Tensor) else lab.tensor(df, dtype=matrix.dtype, device=matrix.device)
        batch, event = lab.broadcast_shapes(matrix.shape[:-2], df.shape), matrix.shape[-2:]
        self.df = df.expand(batch)
        setattr(self, name, matrix.expand(batch + event))
        if self.df.le(event[-1] - 1).any():
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {event[-1] - 1}.")
        super().__init__(batch, event, validate_args=validate_args)
        if self.df.lt(event[-1]).any():
            warnings.warn("Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < ndim.", stacklevel=2)
        self._unbroadcasted_scale_tril = (matrix if name == "scale_tril" else lab.linalg.cholesky(matrix) if name == "covariance_matrix" else precision_to_scale_tril(matrix))
        self._dist_chi2 = Chi2(self.df.unsqueeze(-1) - lab.arange(event[-1], dtype=matrix.dtype, device=matrix.device).expand((*batch, event[-1])))

    def expand(self, batch_shape, _instance=None):
        parts = {"_unbroadcasted_scale_tril": self._unbroadcasted_scale_tril, "_dist_chi2": self._dist_chi2.expand((*batch_shape, self.event_shape[-1]))}
        return self._expanded(Size(batch_shape), _instance, **parts)

    def _full(self, matrix):
        return matrix.expand(self._batch_shape + self._event_shape)

    @lazy_property
    def scale_tril(self):
        return self._full(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self):
        return self._full(self._unbroadcasted_scale_tril @ self._unbroadcasted_scale_tril.mT)

    @lazy_property
    def precision_matrix(self):
        return self._full(lab.cholesky_inverse(self._unbroadcasted_scale_tril))

    @property
    def mean(self):
        return self.df.view((*self._batch_shape, 1, 1)) * self.covariance_matrix

    @property
    def mode(self):
        factor = self.df - self.covariance_matrix.shape[-1] - 1
        return factor.masked_fill(factor <= 0, float("nan")).view((*self._batch_shape, 1, 1)) * self.covariance_matrix

    @property
    def variance(self):
        V = self.covariance_matrix
        diagonal = V.diagonal(dim1=-2, dim2=-1)
        return self.df.view((*self._batch_shape, 1, 1)) * (V.pow(2) + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2))

    def _draw(self, sample_shape=()):
        p = self._event_shape[-1]
        noise = self._dist_chi2.rsample(sample_shape).clamp(min=lab.finfo(self.df.dtype).eps).sqrt().diag_embed(dim1=-2, dim2=-1)
        i, j = lab.tril_indices(p, p, offset=-1)
        noise[..., i, j] = lab.randn((*sample_shape, *self._batch_shape, p * (p - 1) // 2), dtype=noise.dtype, device=noise.device)
        factor = self._unbroadcasted_scale_tril @ noise
        return factor @ factor.mT

    def rsample(self, sample_shape=(), max_try_correction: int | None = None):
        """Draws with a gradient; singular ones are drawn again, at most `max_try_correction` times (10).

        As in PyTorch the sound ones of the first draw are drawn once more too, which changes no distribution: the numbers are the same from one seed.
        """
        sample = self._draw(Size(sample_shape))
        again = self._some(self.support.check(sample))
        if again.any():
            warnings.warn("Singular sample detected.", stacklevel=2)
            for _ in range(10 if max_try_correction is None else max_try_correction):
                fresh = self._draw(again[again].shape)
                sample[again] = fresh
                again[again.clone()] = self._some(~self.support.check(fresh))
                if not again.any():
                    break
        return sample

    def _some(self, mask):
        """For each draw, whether the mask holds anywhere in the batch."""
        return mask.amax([-1 - d for d in range(len(self._batch_shape))]) if self._batch_shape else mask

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        nu, p, L = self.df, self._event_shape[-1], self._unbroadcasted_scale_tril
        trace = lab.cholesky_solve(value, L.expand(value.shape)).diagonal(dim1=-2, dim2=-1).sum(-1)
        return (-nu * (p * math.log(2.0) / 2 + log_diagonal(L)) - lab.mvlgamma(nu / 2, p)
                + (nu - p - 1) / 2 * lab.linalg.slogdet(value).logabsdet - trace / 2)

    def entropy(self):
        nu, p = self.df, self._event_shape[-1]
        halves = (nu.unsqueeze(-1) - lab.arange(p, dtype=nu.dtype, device=nu.device)) / 2
        return ((p + 1) * (p * math.log(2.0) / 2 + log_diagonal(self._unbroadcasted_scale_tril)) + lab.mvlgamma(nu / 2, p)
                - (nu - p - 1) / 2 * lab.digamma(halves).sum(-1) + nu * p / 2)
