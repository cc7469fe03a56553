"""Maps of whole vectors and matrices: to probabilities, to Cholesky factors, to positive-definite and correlation matrices."""

from __future__ import annotations

import math

import autodiff_lab as lab

from ...core.tensor import Size
from .. import constraints
from .numbers import SigmoidTransform, softplus
from .transform import Plain

__all__ = ["CorrCholeskyTransform", "LowerCholeskyTransform", "PositiveDefiniteTransform", "SoftmaxTransform", "StickBreakingTransform"]


class SoftmaxTransform(Plain):
    """y = softmax(x) over the last dimension; not bijective, as softmax ignores a constant added to x.

    >>> import autodiff_lab as lab
    >>> lab.distributions.SoftmaxTransform()(lab.zeros(4))
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x):
        probs = (x - x.max(-1, True)[0]).exp()
        return probs / probs.sum(-1, True)

    def _inverse(self, y):
        return y.log()

    def forward_shape(self, shape):
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        return shape

    inverse_shape = forward_shape


class StickBreakingTransform(Plain):
    """n - 1 real numbers to n probabilities: each says what part of the rest of a stick to break off.

    >>> import autodiff_lab as lab
    >>> lab.distributions.StickBreakingTransform()(lab.zeros(2))
    tensor([0.3333, 0.3333, 0.3333])
    """

    bijective = True
    domain = constraints.real_vector
    codomain = constraints.simplex

    @staticmethod
    def _offset(n: int, like):
        """Puts equal probabilities at x = 0."""
        return lab.arange(n, 0, -1, dtype=like.dtype, device=like.device).log()

    def _call(self, x):
        z = SigmoidTransform()._call(x - self._offset(x.shape[-1], x))
        rest = (1 - z).cumprod(-1)
        pad = lab.ones((*x.shape[:-1], 1), dtype=x.dtype, device=x.device)
        return lab.cat([z, pad], -1) * lab.cat([pad, rest], -1)

    def _inverse(self, y):
        head = y[..., :-1]
        rest = (1 - head.cumsum(-1)).clamp(min=lab.finfo(y.dtype).tiny)
        return head.log() - rest.log() + self._offset(head.shape[-1], y)

    def log_abs_det_jacobian(self, x, y):
        x = x - self._offset(x.shape[-1], x)
        return (-x + lab.nn.functional.logsigmoid(x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape):
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        return (*Size(shape[:-1]), shape[-1] + 1)

    def inverse_shape(self, shape):
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        return (*Size(shape[:-1]), shape[-1] - 1)


class LowerCholeskyTransform(Plain):
    """Any matrix to a lower triangle with positive diagonal.

    >>> import autodiff_lab as lab
    >>> lab.distributions.LowerCholeskyTransform()(lab.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x):
        return x.tril(-1) + x.diagonal(0, -2, -1).exp().diag_embed()

    def _inverse(self, y):
        return y.tril(-1) + y.diagonal(0, -2, -1).log().diag_embed()


class PositiveDefiniteTransform(LowerCholeskyTransform):
    """Any matrix to a positive-definite one.

    >>> import autodiff_lab as lab
    >>> lab.distributions.PositiveDefiniteTransform()(lab.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """

    codomain = constraints.positive_definite

    def _call(self, x):
        L = super()._call(x)
        return L @ L.mT

    def _inverse(self, y):
        return super()._inverse(lab.linalg.cholesky(y))


class CorrCholeskyTransform(Plain):
    """D (D - 1) / 2 real numbers to the Cholesky factor of a D by D correlation matrix.

    Each row lies on a sphere: entry by entry, tanh of a number says what part of the remaining length to use.

    >>> import autodiff_lab as lab
    >>> lab.distributions.CorrCholeskyTransform()(lab.zeros(3))
    tensor([[1., 0., 0.],
            [0., 1., 0.],
            [0., 0., 1.]])
    """

    bijective = True
    domain = constraints.real_vector
    codomain = constraints.corr_cholesky

    def _call(self, x):
        eps = lab.finfo(x.dtype).eps
        parts = lab.tanh(x).clamp(min=-1 + eps, max=1 - eps)
        D = _matrix_size(x.shape[-1])
        rows, columns = lab.tril_indices(D, D, -1)
        r = lab.zeros((*x.shape[:-1], D, D), dtype=x.dtype, device=x.device)
        r[..., rows, columns] = parts
        left = (1 - r * r).sqrt().cumprod(-1)
        r = r + lab.eye(D, dtype=x.dtype, device=x.device)
        return r * lab.nn.functional.pad(left[..., :-1], [1, 0], value=1.0)

    def _inverse(self, y):
        D = y.shape[-1]
        used = 1 - (y * y).cumsum(-1)
        left = lab.nn.functional.pad(used[..., :-1], [1, 0], value=1.0)
        rows, columns = lab.tril_indices(D, D, -1)
        t = y[..., rows, columns] / left[..., rows, columns].sqrt()
        return (t.log1p() - (-t).log1p()) / 2

    def log_abs_det_jacobian(self, x, y, intermediates=None):
        D = y.shape[-1]
        used = 1 - (y * y).cumsum(-1)
        rows, columns = lab.tril_indices(D, D, -2)
        stick = 0.5 * used[..., rows, columns].log().sum(-1) if D > 2 else 0.0
        return stick - 2 * (x + softplus(-2 * x) - math.log(2.0)).sum(-1)

    def forward_shape(self, shape):
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        D = _matrix_size(shape[-1])
        return (*Size(shape[:-1]), D, D)

    def inverse_shape(self, shape):
        if len(shape) < 2:
            raise ValueError("Too few dimensions on input")
        if shape[-2] != shape[-1]:
            raise ValueError("Input is not square")
        return (*Size(shape[:-2]), shape[-1] * (shape[-1] - 1) // 2)


def _matrix_size(n: int) -> int:
    D = round((1 + math.sqrt(1 + 8 * n)) / 2)
    if D * (D - 1) // 2 != n:
        raise ValueError("Input is not a flattened lower-diagonal number")
    return D
