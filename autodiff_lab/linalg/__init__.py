"""Linear algebra under PyTorch's names.

The decompositions are operators with derivatives of their own (ops/decompositions.py). What is written
out here is composed of them, so that its derivatives come with the parts.
"""

from __future__ import annotations

import math

import numpy as np

from ..core.arguments import Dims, Sizes, check_all
from ..core.dtypes import int32, int64
from ..core.errors import dim_message, same_type
from ..core.modes import no_grad
from ..core.op import public
from ..core.outs import stored
from ..core.results import result_class
from ..core.tensor import Tensor, wrap
from ..ops.decompositions import LinAlgError, check_float, check_square, negligible
from .factors import constant, householder_product, ldl_factor, ldl_factor_ex, ldl_solve, lu_factor_ex, lu_unpack

__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh", "inv", "inv_ex", "lstsq", "householder_product", "ldl_factor", "ldl_factor_ex", "ldl_solve", "lu", "lu_factor", "lu_factor_ex",
    "lu_solve", "matmul", "matrix_exp", "matrix_norm", "matrix_power", "matrix_rank", "multi_dot", "norm", "pinv", "qr", "slogdet", "solve", "solve_ex",
    "solve_triangular", "svd", "svdvals", "tensorinv", "tensorsolve", "vander", "vecdot", "vector_norm",
]

_own = public["linalg"]
cholesky, det, eig, eigh, eigvalsh, inv, matrix_exp, pinv, qr, slogdet, solve, svd, svdvals, vector_norm = (
    _own[n] for n in ("cholesky", "det", "eig", "eigh", "eigvalsh", "inv", "matrix_exp", "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "vector_norm"))
_all = public[""]


def eigvals(A: Tensor, *, out=None) -> Tensor:
    """Complex eigenvalues of square matrices."""
    return stored(eig(A)[0], out)


def matmul(input: Tensor, other: Tensor, *, out=None) -> Tensor:
    """The matrix product; the same as torch.matmul.

    >>> import autodiff_lab as lab
    >>> lab.linalg.matmul(lab.tensor([[1.0, 2.0]]), lab.tensor([[3.0], [4.0]]))
    tensor([[11.]])
    """
    return _all["matmul"](input, other, out=out)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonal as a view, of the last two dimensions unless told otherwise.

    >>> import autodiff_lab as lab
    >>> lab.linalg.diagonal(lab.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([1., 4.])
    """
    return A.diagonal(offset, dim1, dim2)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out=None) -> Tensor:
    """Dot products of vectors along `dim`; the first is conjugated.

    >>> import autodiff_lab as lab
    >>> lab.linalg.vecdot(lab.tensor([[1.0, 2.0], [3.0, 4.0]]), lab.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    short = x.dtype.itemsize == 2 and x.is_floating_point()
    if not short:
        check_float("linalg.vecdot", x._a)
    same_type("linalg.vecdot: Expected x and y to have the same dtype, but found x of type {first} and y of type {other} instead.", x, y)
    if short:  # rounded once
        return stored((x.float() * y.float()).sum(dim).to(x.dtype), out)
    return stored(((x.conj() if x.is_complex() else x) * y).sum(dim), out)


def cross(input: Tensor, other: Tensor, *, dim: int = -1, out=None) -> Tensor:
    """Cross products of 3-vectors along `dim`.

    >>> import autodiff_lab as lab
    >>> lab.linalg.cross(lab.tensor([1.0, 0.0, 0.0]), lab.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    if input.ndim != other.ndim:
        raise RuntimeError(f"linalg.cross: inputs must have the same number of dimensions. Got {input.ndim} and {other.ndim}.")
    if input.size(dim) != 3 or other.size(dim) != 3:
        raise RuntimeError(f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.size(dim)} and {other.size(dim)}")
    same_type("linalg.cross: expected scalar type {first} but found {other}.", input, other)
    a, b = _all["broadcast_tensors"](input, other)
    return stored(a.roll(-1, dim) * b.roll(1, dim) - a.roll(1, dim) * b.roll(-1, dim), out)


def norm(A: Tensor, ord=None, dim=None, keepdim: bool = False, *, out=None, dtype=None) -> Tensor:
    """A vector norm, or a matrix norm if `ord` is given for two dimensions; default: the length of all elements.

    >>> import autodiff_lab as lab
    >>> lab.linalg.norm(lab.tensor([3.0, 4.0]))
    tensor(5.)
    """
    if ord is None:
        return stored(vector_norm(A, 2, dim, keepdim, dtype=dtype), out)
    if isinstance(dim, (tuple, list)) and len(dim) not in (1, 2):
        raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dim)}")
    if isinstance(dim, (tuple, list)) and len(dim) == 2 or dim is None and A.ndim == 2 or isinstance(ord, str):
        if dim is None and A.ndim != 2:
            raise RuntimeError(f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {A.ndim}D.")
        return stored(matrix_norm(A, ord, (-2, -1) if dim is None else dim, keepdim, dtype=dtype), out)
    if dim is None and A.ndim > 2:
        raise RuntimeError(f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {A.ndim}D.")
    return stored(vector_norm(A, ord, dim, keepdim, dtype=dtype), out)


def matrix_norm(A: Tensor, ord="fro", dim: Dims = (-2, -1), keepdim: bool = False, *, dtype=None, out=None) -> Tensor:
    """Norm of matrices: "fro", "nuc", inf, -inf, 1, -1, 2 or -2.

    >>> import autodiff_lab as lab
    >>> lab.linalg.matrix_norm(lab.tensor([[3.0, 0.0], [0.0, 4.0]]))
    tensor(5.)
    """
    if A.ndim < 2:
        raise RuntimeError(f"linalg.matrix_norm: The input tensor A must have at least 2 dimensions. Got a tensor with {A.ndim} dimensions.")
    if A.dtype.itemsize != 2:  # those of sixteen bits have norms, but no singular values
        check_float("linalg.matrix_norm", A._a)
    if dtype is not None:
        A = A.to(dtype)
    if isinstance(dim, int) or len(dim) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {dim}")
    for d in dim:
        if not -A.ndim <= d < A.ndim:
            raise IndexError(dim_message(d, A.ndim))
    rows, columns = (d % A.ndim for d in dim)
    if rows == columns:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got ({dim[0]}, {dim[1]})")
    if ord == "fro":
        return stored(vector_norm(A, 2, (rows, columns), keepdim), out)
    if ord in ("nuc", 2, -2):
        values = svdvals(A.movedim((rows, columns), (-2, -1)))
        result = values.sum(-1) if ord == "nuc" else values.amax(-1) if ord == 2 else values.amin(-1)
        if keepdim:
            for d in sorted((rows, columns)):
                result = result.unsqueeze(d)
        return stored(result, out)
    if ord in (1, -1, math.inf, -math.inf):
        first, second = (rows, columns) if abs(ord) == 1 else (columns, rows)
        sums = A.abs().sum(first, True)
        result = sums.amax(second, True) if ord > 0 else sums.amin(second, True)
        return stored(result if keepdim else result.squeeze((rows, columns)), out)
    raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")


def cond(A: Tensor, p=None, *, out=None) -> Tensor:
    """The condition number: how much a solution can amplify errors.

    >>> import autodiff_lab as lab
    >>> lab.linalg.cond(lab.tensor([[4.0, 0.0], [0.0, 0.5]]))
    tensor(8.)
    """
    if p in (None, 2, -2):
        values = svdvals(A)
        result = values[..., 0] / values[..., -1] if p != -2 else values[..., -1] / values[..., 0]
    else:
        result = matrix_norm(A, p) * matrix_norm(inv(A), p)
    return stored(result, out)


def matrix_rank(A: Tensor, tol=None, *, atol=None, rtol=None, hermitian: bool = False, out=None) -> Tensor:
    """The number of singular values that are not negligibly small.

    >>> import autodiff_lab as lab
    >>> lab.linalg.matrix_rank(lab.tensor([[1.0, 2.0], [2.0, 4.0]]))
    tensor(1)
    """
    if A.ndim < 2:
        raise RuntimeError("torch.linalg.matrix_rank: Expected as input a matrix or a batch of matrices.")
    values = (eigvalsh(A).abs() if hermitian else svdvals(A)).detach()
    limit = negligible(values._a, A.shape, *(t._a if isinstance(t, Tensor) else t for t in (tol if tol is not None else atol, rtol)))
    return stored((values > wrap(limit)).sum(-1), out)


def matrix_power(A: Tensor, n: int, *, out=None) -> Tensor:
    """`A @ A @ … ` n times, by repeated squaring; negative powers of the inverse.

    >>> import autodiff_lab as lab
    >>> lab.linalg.matrix_power(lab.tensor([[1.0, 1.0], [0.0, 1.0]]), 3)
    tensor([[1., 3.],
            [0., 1.]])
    """
    check_square("linalg.matrix_power", A._a)
    given = A
    if n < 0:
        A, n = inv(A), -n
    result = None
    while n:
        if n & 1:
            result = A if result is None else result @ A
        n >>= 1
        if n:
            A = A @ A
    if result is None:
        result = constant(A, _all["eye"](A.shape[-1], dtype=A.dtype))
    return stored(result.clone() if result is given else result, out)


def multi_dot(tensors, *, out=None) -> Tensor:
    """The product of several matrices in the cheapest order; the first and last may be vectors.

    Source: Cormen et al., Introduction to Algorithms, matrix-chain multiplication.

    >>> import autodiff_lab as lab
    >>> lab.linalg.multi_dot([lab.ones(2, 3), lab.ones(3, 4), lab.ones(4)])
    tensor([12., 12.])
    """
    if not isinstance(tensors, (tuple, list)):
        raise TypeError(f"linalg_multi_dot(): argument 'tensors' (position 1) must be tuple of Tensors, not {type(tensors).__name__}")
    tensors = list(tensors)
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    first_vector, last_vector = tensors[0].ndim == 1, tensors[-1].ndim == 1
    tensors[0] = tensors[0].unsqueeze(0) if first_vector else tensors[0]
    tensors[-1] = tensors[-1].unsqueeze(1) if last_vector else tensors[-1]
    if any(t.ndim != 2 for t in tensors):
        raise RuntimeError("multi_dot(): every tensor between the first and the last must be 2D")
    sizes = [t.shape[0] for t in tensors] + [tensors[-1].shape[1]]
    n = len(tensors)
    cost = [[0.0] * n for _ in range(n)]
    split = [[0] * n for _ in range(n)]
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i][j], split[i][j] = min((cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j))

    def product(i, j):
        return tensors[i] if i == j else product(i, split[i][j]) @ product(split[i][j] + 1, j)

    result = product(0, n - 1)
    if first_vector:
        result = result.squeeze(0)
    return stored(result.squeeze(-1) if last_vector else result, out)


_Lstsq = result_class("linalg_lstsq", ["solution", "residuals", "rank", "singular_values"])


def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None, out=None):
    """The X with the least `|A @ X - B|`; also residuals, rank and singular values where the driver gives them.

    Args:
        rcond: singular values of at most this times the largest count as 0.
        driver: "gelsy" (default), "gelsd", "gelss", or "gels", which needs matrices of full rank.

    >>> import autodiff_lab as lab
    >>> A = lab.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])  # a line through (0, 1), (1, 3), (2, 5)
    >>> lab.linalg.lstsq(A, lab.tensor([[1.0], [3.0], [5.0]])).solution.flatten().round()
    tensor([1., 2.])
    """
    if A.ndim < 2:
        raise RuntimeError("torch.linalg.lstsq: input must have at least 2 dimensions.")
    if B.ndim < 1:
        raise RuntimeError("torch.linalg.lstsq: other must have at least 1 dimension.")
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError("torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)")
    vector = B.ndim == A.ndim - 1
    rhs = B.unsqueeze(-1) if vector else B
    if A.shape[-2] != rhs.shape[-2]:
        raise RuntimeError("torch.linalg.lstsq: input.size(-2) should match other.size(-2)")
    if driver == "gels":
        _refuse_deficient(A)
    solution = pinv(A, rtol=rcond) @ rhs
    m, n = A.shape[-2:]
    with no_grad():
        rank = _all["zeros"](0, dtype=int64) if driver == "gels" else matrix_rank(A, rtol=rcond)
        values = svdvals(A) if driver in ("gelsd", "gelss") else _all["zeros"](0, dtype=A.dtype.to_real())
        full = m > n and driver not in (None, "gelsy") and bool((rank == n).all())
    residuals = ((A @ solution - rhs).abs() ** 2).sum(-2) if full else solution.reshape(-1)[:0]
    residuals = residuals.abs() if residuals.is_complex() else residuals
    return stored(_Lstsq((solution.squeeze(-1) if vector else solution, residuals, rank, values)), out)


def _refuse_deficient(A: Tensor) -> None:
    """The driver gels divides by the diagonal of R, and fails where that is 0."""
    array = A.detach().cpu().numpy()
    diagonal = np.linalg.qr(array if array.shape[-2] >= array.shape[-1] else array.swapaxes(-1, -2), mode="r").diagonal(0, -2, -1)
    for i, row in enumerate(diagonal.reshape(-1, diagonal.shape[-1])):
        if not row.all():
            batch = f"(Batch element {i}): " if A.ndim > 2 else ""
            raise LinAlgError(f"torch.linalg.lstsq: {batch}The least squares solution could not be computed because the input matrix does not have full rank "
                              f"(error code: {np.flatnonzero(row == 0)[0] + 1}).")


def solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False, out=None) -> Tensor:
    """X with `A @ X == B` (or `X @ A == B`), reading one triangle of A only.

    >>> import autodiff_lab as lab
    >>> lab.linalg.solve_triangular(lab.tensor([[2.0, 0.0], [1.0, 4.0]]), lab.tensor([[2.0], [5.0]]), upper=False)
    tensor([[1.],
            [1.]])
    """
    check_square("linalg.solve_triangular", A._a)
    if B.ndim < 2:
        raise RuntimeError("linalg.solve_triangular: The input tensor B must have at least 2 dimensions. Give a vector as a column, B[:, None].")
    if B.shape[-2 if left else -1] != A.shape[-1]:
        raise RuntimeError(f"linalg.solve_triangular: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} ({A.shape[-2]}x{A.shape[-1]} and {B.shape[-2]}x{B.shape[-1]})")
    A, B = A.triu() if upper else A.tril(), B.to(A.dtype)
    if unitriangular:
        eye = _all["eye"](A.shape[-1], dtype=A.dtype)
        A = A - A * eye + eye
    shape = _all["broadcast_shapes"](A.shape[:-2], B.shape[:-2])
    return stored(solve(A.expand(*shape, *A.shape[-2:]), B.expand(*shape, *B.shape[-2:]), left=left), out)


_Lu = result_class("linalg_lu", ["P", "L", "U"])
_LuFactor = result_class("linalg_lu_factor", ["LU", "pivots"])


def lu(A: Tensor, *, pivot: bool = True, out=None):
    """P, L, U with `P @ L @ U == A`: row exchanges, unit lower and upper triangles.

    >>> import autodiff_lab as lab
    >>> P, L, U = lab.linalg.lu(lab.tensor([[1.0, 2.0], [4.0, 4.0]]))
    >>> P @ L @ U
    tensor([[1., 2.],
            [4., 4.]])
    """
    found = lu_factor_ex(A, pivot=pivot)
    return stored(_Lu(lu_unpack(found.LU, found.pivots)), out)


def _triangles(A):
    """L and U of a matrix that needs no exchanges, by elimination on recorded operators."""
    m, n = A.shape[-2:]
    k = min(m, n)
    rows, columns = [], []
    for i in range(k):
        row = A[..., i:i + 1, :]
        column = A[..., :, i:i + 1] / A[..., i:i + 1, i:i + 1]
        rows.append(row)
        columns.append(column)
        A = A - column * row
    L, U = _all["cat"](columns, -1), _all["cat"](rows, -2)
    return L.tril(), U.triu()


def lu_factor(A: Tensor, *, pivot: bool = True, out=None):
    """The compact form of `lu`: both triangles in one matrix, and the exchanges as 1-based int32 pivots.

    >>> import autodiff_lab as lab
    >>> LU, pivots = lab.linalg.lu_factor(lab.tensor([[1.0, 2.0], [4.0, 4.0]]))
    >>> LU, pivots
    (tensor([[4.0000, 4.0000],
            [0.2500, 1.0000]]), tensor([2, 2], dtype=torch.int32))
    """
    found = lu_factor_ex(A, pivot=pivot, check_errors=True)
    return stored(_LuFactor((found.LU, found.pivots)), out)


def lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False, out=None) -> Tensor:
    """X with `A @ X == B`, from what `lu_factor(A)` returned; with `adjoint`, for the conjugate transpose of A.

    >>> import autodiff_lab as lab
    >>> LU, pivots = lab.linalg.lu_factor(lab.tensor([[1.0, 2.0], [4.0, 4.0]]))
    >>> lab.linalg.lu_solve(LU, pivots, lab.tensor([[3.0], [8.0]]))
    tensor([[1.],
            [1.]])
    """
    check_square("torch.linalg.lu_solve", LU._a)
    if not left:  # X A = B is Aᴴ Xᴴ = Bᴴ
        return stored(lu_solve(LU, pivots, B.mH, adjoint=not adjoint).mH, out)
    P, L, U = lu_unpack(LU, pivots)
    shape = _all["broadcast_shapes"](LU.shape[:-2], B.shape[:-2])
    B = B.expand(*shape, *B.shape[-2:])
    if adjoint:
        solved = P @ solve_triangular(L.mH, solve_triangular(U.mH, B, upper=False), upper=True, unitriangular=True)
    else:
        solved = solve_triangular(U, solve_triangular(L, P.mT @ B, upper=False, unitriangular=True), upper=True)
    return stored(solved, out)


_InvEx = result_class("linalg_inv_ex", ["inverse", "info"])
_CholeskyEx = result_class("linalg_cholesky_ex", ["L", "info"])
_SolveEx = result_class("linalg_solve_ex", ["result", "info"])


def _checked(function, kind, A, check_errors, *args, **kwargs):
    """Run a decomposition; a failure becomes a nonzero `info` unless errors are wanted."""
    try:
        return kind((function(A, *args, **kwargs), _all["zeros"](A.shape[:-2], dtype=int32)))
    except LinAlgError:
        if check_errors:
            raise
    if A.ndim > 2:  # some matrices of the batch may be sound
        parts = [_checked(function, kind, *row, False, **kwargs) for row in zip(A, *([_row(a, A, i) for i in range(len(A))] for a in args))]
        return kind(_all["stack"](part) for part in zip(*parts))
    found = function(A * 0 + _all["eye"](A.shape[-1], dtype=A.dtype), *args, **kwargs) * float("nan")
    return kind((found, wrap(np.array(_place(A, function), np.int32))))


def _row(right, A, i: int):
    """The i-th of a batch of right sides; one that has no batch serves all."""
    return right[i] if right.ndim == A.ndim or right.ndim == A.ndim - 1 and right.shape[:1] == A.shape[:1] else right


def _place(A, function) -> int:
    """Where LAPACK gave up: the order of the first leading minor that is not positive, or of the pivot that is zero."""
    from scipy.linalg import lapack

    prefix = {"f": "s", "d": "d", "F": "c", "D": "z"}[A._a.dtype.char]
    routine = getattr(lapack, prefix + ("potrf" if function is cholesky else "getrf"))
    return int((routine(A.detach().numpy(), lower=1) if function is cholesky else routine(A.detach().numpy()))[-1])


def inv_ex(A: Tensor, *, check_errors: bool = False, out=None):
    """The inverse and an error code instead of an error.

    >>> import autodiff_lab as lab
    >>> inverse, info = lab.linalg.inv_ex(lab.zeros(2, 2))
    >>> info.item() > 0
    True
    """
    return stored(_checked(inv, _InvEx, A, check_errors), out)


def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False, out=None):
    """The Cholesky factor and an error code instead of an error.

    >>> import autodiff_lab as lab
    >>> L, info = lab.linalg.cholesky_ex(lab.tensor([[1.0, 2.0], [2.0, 1.0]]))
    >>> info.item()  # the leading part of this order is not positive definite
    2
    """
    return stored(_checked(cholesky, _CholeskyEx, A, check_errors, upper=upper), out)


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out=None):
    """The solution and an error code instead of an error.

    >>> import autodiff_lab as lab
    >>> result, info = lab.linalg.solve_ex(lab.eye(2), lab.tensor([1.0, 2.0]))
    >>> result, info.item()
    (tensor([1., 2.]), 0)
    """
    return stored(_checked(solve, _SolveEx, A, check_errors, B, left=left), out)


def tensorinv(A: Tensor, ind: int = 2, *, out=None) -> Tensor:
    """The inverse for `tensordot(…, ind)`.

    >>> import autodiff_lab as lab
    >>> lab.linalg.tensorinv(lab.eye(6).reshape(2, 3, 6), ind=2).shape
    torch.Size([6, 2, 3])
    """
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    first, rest = A.shape[:ind], A.shape[ind:]
    if math.prod(first) != math.prod(rest):
        raise RuntimeError(f"Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got {math.prod(rest)} != {math.prod(first)}")
    return stored(inv(A.reshape(math.prod(first), math.prod(rest))).reshape(*rest, *first), out)


def tensorsolve(A: Tensor, B: Tensor, dims: Sizes | None = None, *, out=None) -> Tensor:
    """X with `tensordot(A, X, X.ndim) == B`.

    >>> import autodiff_lab as lab
    >>> A = lab.eye(6).reshape(2, 3, 6)
    >>> lab.linalg.tensorsolve(A, lab.ones(2, 3))
    tensor([1., 1., 1., 1., 1., 1.])
    """
    if dims is not None:
        A = A.movedim(tuple(dims), tuple(range(-len(dims), 0)))
    shape = A.shape[B.ndim:]
    return stored(solve(A.reshape(-1, math.prod(shape)), B.reshape(-1)).reshape(shape), out)


def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """The matrix of powers 0 … N-1 of every element.

    >>> import autodiff_lab as lab
    >>> lab.linalg.vander(lab.tensor([1.0, 2.0, 3.0]))
    tensor([[1., 1., 1.],
            [1., 2., 4.],
            [1., 3., 9.]])
    """
    if x.dtype.name == "bool":
        raise RuntimeError("linalg.vander supports floating point, complex, and integer tensors, but got Bool")
    n = N if N is not None else x.shape[-1] if x.ndim else 0
    if n < 1:
        raise RuntimeError("N must be greater than 1.")
    x = x if x.ndim else x.unsqueeze(0)
    x = x if x.is_floating_point() or x.is_complex() else x.long()
    return _all["stack"]([x ** k for k in range(n)], -1)


_looked_at = {name: globals()[name] for name in __all__}
check_all(_looked_at, aliases={"A": "input", "dim": "axis", "keepdim": "keepdims"})
globals().update(_looked_at)
_own.update(_looked_at)

from . import lowrank, older  # noqa: E402 - they are made of the functions above

assert lowrank and older
