"""What several distributions share: arguments that broadcast, probabilities and their logarithms, values computed when asked for."""

from __future__ import annotations

import functools
from numbers import Number

import autodiff_lab as lab

from ..core.tensor import Tensor
from ..overrides import is_tensor_like

__all__ = ["broadcast_all", "clamp_probs", "is_tensor_like", "lazy_property", "logits_to_probs", "probs_to_logits", "tril_matrix_to_vec", "vec_to_tril_matrix"]


def broadcast_all(*values):
    """Numbers and tensors as tensors of one shape; numbers take the type of the first tensor."""
    if not all(isinstance(v, (Number, Tensor)) for v in values):
        raise ValueError("Input arguments must all be instances of Number, torch.Tensor or objects implementing __torch_function__."
                         f" Got {', '.join(type(v).__name__ for v in values)}.")
    first = next((v for v in values if isinstance(v, Tensor)), None)
    like = {"dtype": lab.get_default_dtype()} if first is None else {"dtype": first.dtype, "device": first.device}
    return lab.broadcast_tensors(*(v if isinstance(v, Tensor) else lab.tensor(v, **like) for v in values))


def standard_normal(shape, like: Tensor) -> Tensor:
    """Normal numbers of mean 0 and deviation 1, of the type and on the device of `like`."""
    return lab.empty(shape, dtype=like.dtype, device=like.device).normal_()


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities kept off 0 and 1 by the resolution of their type, so that their logarithms are finite."""
    eps = lab.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities of log-odds (binary), or of unnormalised log-probabilities along the last dimension."""
    return lab.sigmoid(logits) if is_binary else lab.softmax(logits, -1)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Log-odds of probabilities (binary), or their logarithms."""
    safe = clamp_probs(probs)
    return safe.log() - (-safe).log1p() if is_binary else safe.log()


class lazy_property:
    """An attribute computed when first asked for, with its gradient, and kept from then on."""

    def __init__(self, wrapped):
        self.wrapped = wrapped
        functools.update_wrapper(self, wrapped)

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        with lab.enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value


def one_of_probs_and_logits(probs, logits) -> bool:
    """True if `probs` is what was given."""
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")
    return probs is not None


def sum_rightmost(value, dim: int):
    """The sum over the last `dim` dimensions."""
    return value if dim == 0 or not isinstance(value, Tensor) else value.reshape((*value.shape[:value.ndim - dim], -1)).sum(-1)


def _standard_normal(shape, dtype, device) -> Tensor:
    """Normal numbers of mean 0 and deviation 1, as packages of distributions borrow them."""
    return lab.empty(shape, dtype=dtype, device=device).normal_()


_sum_rightmost = sum_rightmost


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The lower triangle of matrices, row after row, as vectors; the inverse of `vec_to_tril_matrix`.

    >>> import autodiff_lab as lab
    >>> lab.distributions.utils.tril_matrix_to_vec(lab.tensor([[1.0, 0.0], [2.0, 3.0]]))
    tensor([1., 2., 3.])
    """
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    rows, columns = lab.tril_indices(n, n, diag)
    return mat[..., rows, columns]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """Vectors as the lower triangle of matrices of zeros, row after row.

    >>> import autodiff_lab as lab
    >>> lab.distributions.utils.vec_to_tril_matrix(lab.tensor([1.0, 2.0, 3.0]))
    tensor([[1., 0.],
            [2., 3.]])
    """
    length = vec.shape[-1]
    size = (-(1 + 2 * diag) + ((1 + 2 * diag) ** 2 + 8 * length + 4 * abs(diag) * (diag + 1)) ** 0.5) / 2
    if round(size) - size > lab.finfo(vec.dtype).eps:
        raise ValueError(f"The size of last dimension is {length} which cannot be expressed as the lower triangular part of a square D x D matrix.")
    n = round(size)
    rows, columns = lab.tril_indices(n, n, diag)
    made = vec.new_zeros((*vec.shape[:-1], n, n))
    made[..., rows, columns] = vec
    return made
