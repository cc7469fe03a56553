"""The normal distribution of vectors."""

from __future__ import annotations

import math

import autodiff_lab as lab

from ..core.tensor import Size
from . import constraints
from .distribution import Distribution
from .utils import lazy_property, standard_normal

__all__ = ["MultivariateNormal"]


def _matrix_vector(matrix, vector):
    return (matrix @ vector.unsqueeze(-1)).squeeze(-1)


def mahalanobis(L, x):
    """The squared length of each vector of `x` after undoing the Cholesky factor L; batches broadcast."""
    n = x.shape[-1]
    batch = lab.broadcast_shapes(L.shape[:-2], x.shape[:-1])
    solved = lab.linalg.solve_triangular(L.expand((*batch, n, n)), x.expand((*batch, n)).unsqueeze(-1), upper=False)
    return solved.squeeze(-1).pow(2).sum(-1)


def precision_to_scale_tril(P):
    """The Cholesky factor of the inverse of P, without inverting P itself."""
    flipped = lab.linalg.cholesky(P.flip(-2, -1))
    upper = flipped.flip(-2, -1).mT
    eye = lab.eye(P.shape[-1], dtype=P.dtype, device=P.device)
    return lab.linalg.solve_triangular(upper, eye, upper=False)


def log_diagonal(L):
    """The logarithm of the determinant of triangular matrices."""
    return L.diagonal(0, -2, -1).log().sum(-1)


class MultivariateNormal(Distribution):
    """Normal vectors with mean `loc`, and one of: covariance, its inverse, or its lower Cholesky factor.

    >>> import autodiff_lab as lab
    >>> lab.distributions.MultivariateNormal(lab.zeros(2), lab.eye(2)).log_prob(lab.zeros(2))
    tensor(-1.8379)
    """

    arg_constraints = {"loc": constraints.real_vector, "covariance_matrix": constraints.positive_definite,
                       "precision_matrix": constraints.positive_definite, "scale_tril": constraints.lower_cholesky}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril}
        given = {name: matrix for name, matrix in given.items() if matrix is not None}
        if len(given) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        (name, matrix), = given.items()
        if matrix.dim() < 2:
            raise ValueError(f"{name} matrix must be at least two-dimensional, with optional leading batch dimensions"
                             if name == "scale_tril" else f"{name} must be at least two-dimensional, with optional leading batch dimensions")
        batch = lab.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        setattr(self, name, matrix.expand(batch + matrix.shape[-2:]))
        self.loc = loc.expand(batch + loc.shape[-1:])
        super().__init__(batch, self.loc.shape[-1:], validate_args=validate_args)
        if name == "scale_tril":
            self._unbroadcasted_scale_tril = matrix
        elif name == "covariance_matrix":
            self._unbroadcasted_scale_tril = lab.linalg.cholesky(matrix)
        else:
            self._unbroadcasted_scale_tril = precision_to_scale_tril(matrix)

    def expand(self, batch_shape, _instance=None):
        return self._expanded(Size(batch_shape), _instance, _unbroadcasted_scale_tril=self._unbroadcasted_scale_tril)

    def _full(self, matrix):
        return matrix.expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def scale_tril(self):
        return self._full(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self):
        return self._full(self._unbroadcasted_scale_tril @ self._unbroadcasted_scale_tril.mT)

    @lazy_property
    def precision_matrix(self):
        return self._full(lab.cholesky_inverse(self._unbroadcasted_scale_tril))

    mean = property(lambda self: self.loc)
    mode = property(lambda self: self.loc)
    variance = property(lambda self: self._unbroadcasted_scale_tril.pow(2).sum(-1).expand(self._batch_shape + self._event_shape))

    def rsample(self, sample_shape=()):
        return self.loc + _matrix_vector(self._unbroadcasted_scale_tril, standard_normal(self._extended_shape(sample_shape), self.loc))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        L = self._unbroadcasted_scale_tril
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + mahalanobis(L, value - self.loc)) - log_diagonal(L)

    def entropy(self):
        half = log_diagonal(self._unbroadcasted_scale_tril)
        return (0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + half).expand(self._batch_shape)
