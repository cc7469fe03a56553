"""The largest singular values and vectors of a matrix, by multiplying it with a few random vectors; the outer eigenvalues of one.

Source: Halko, Martinsson and Tropp, Finding structure with randomness, 2009, algorithms 4.4 and 5.1.
"""

from __future__ import annotations

from ..core.op import public
from ..core.tensor import Tensor
from . import cholesky, eigh, qr, solve_triangular, svd

_all = public[""]


def svd_lowrank(A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """(U, S, V) with U diag(S) V.mH close to A - M, of rank `q`.

    Args:
        q: the number of singular values, a little more than the rank that A is believed to have; 6 if None.
        niter: how often the random vectors are sent through A and back; 2 if None.
        M: what is subtracted from A, of a shape that broadcasts to A's.

    Shape: A (*, m, n); U (*, m, q), S (*, q), V (*, n, q).

    >>> import autodiff_lab as lab
    >>> lab.svd_lowrank(lab.outer(lab.tensor([3.0, 4.0]), lab.tensor([1.0, 0.0])), q=1)[1]
    tensor([5.])
    """
    rest = A if M is None else A - M.broadcast_to(A.size())
    wide = rest.shape[-2] < rest.shape[-1]
    if wide:  # the algorithm is for tall matrices
        rest = rest.mH
    basis = _range(rest, 6 if q is None else q, 2 if niter is None else niter)
    U, S, Vh = svd(_all["matmul"](basis.mH, rest), full_matrices=False)
    U, V = _all["matmul"](basis, U), Vh.mH
    return (V, S, U) if wide else (U, S, V)


def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """Principal components of the rows of A: `svd_lowrank` of A without the mean of its rows; V's columns are the directions.

    Args:
        q: the number of components; the smaller of 6 and A's two sizes if None.
        center: False for an A whose columns have mean 0 already.
        niter: as in `svd_lowrank`.

    Raises:
        ValueError: if `q` is negative or over the smaller size of A, or `niter` is negative.

    >>> import autodiff_lab as lab
    >>> lab.pca_lowrank(lab.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]]), q=1)[2].abs()
    tensor([[0.6000],
            [0.8000]])
    """
    m, n = A.shape[-2:]
    if q is None:
        q = min(6, m, n)
    elif not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)


def _range(A: Tensor, q: int, niter: int) -> Tensor:
    """Orthonormal columns that span about what A makes of any vector."""
    basis = qr(_all["matmul"](A, _all["randn"](A.shape[-1], q, dtype=A.dtype, device=A.device)))[0]
    for _ in range(niter):
        back = qr(_all["matmul"](A.mH, basis))[0]
        basis = qr(_all["matmul"](A, back))[0]
    return basis


def lobpcg(A: Tensor, k: int | None = None, B: Tensor | None = None, X: Tensor | None = None, n: int | None = None, iK: Tensor | None = None, niter: int | None = None,
           tol: float | None = None, largest: bool | None = None, method: str | None = None, tracker=None, ortho_iparams=None, ortho_fparams=None,
           ortho_bparams=None) -> tuple[Tensor, Tensor]:
    """The `k` largest or smallest eigenvalues of a symmetric matrix, or of A x = λ B x, and their vectors.

    All of them are computed, by `linalg.eigh`, and `k` are kept: exact, where PyTorch's iteration stops at a tolerance, and slower for a large matrix.
    What steers the iteration (X but for its number of columns, iK, niter, tol, method and what follows) is accepted.

    Shape: A and B (*, m, m), positive definite B; eigenvalues (*, k), vectors (*, m, k).

    Raises:
        AssertionError: if A is not square.
        ValueError: if A has fewer than 3 k rows, as PyTorch's iteration needs.

    >>> import autodiff_lab as lab
    >>> lab.lobpcg(lab.diag(lab.tensor([1.0, 5.0, 3.0, 2.0])), k=1)[0]
    tensor([5.])
    """
    if A.shape[-2] != A.shape[-1]:
        raise AssertionError(f"A must be square, got shape {A.shape}")
    m, columns = A.shape[-1], (1 if X is None else X.shape[-1]) if k is None else k
    if m < 3 * (columns if n is None else n):
        raise ValueError(f"LOBPCG algorithm is not applicable when the number of A rows (={m}) is smaller than 3 x the number of requested eigenpairs (={columns if n is None else n})")
    if B is None:
        values, vectors = eigh(A)
    else:  # by the Cholesky factor L of B: L^-1 A L^-H y = λ y, x = L^-H y
        L = cholesky(B)
        half = solve_triangular(L, A, upper=False)
        values, vectors = eigh(solve_triangular(L, half.mH, upper=False).mH)
        vectors = solve_triangular(L.mH, vectors, upper=True)
    if largest is False:
        return values[..., :columns], vectors[..., :columns]
    return values[..., -columns:].flip(-1), vectors[..., -columns:].flip(-1)


_all["svd_lowrank"], _all["pca_lowrank"], _all["lobpcg"] = svd_lowrank, pca_lowrank, lobpcg
