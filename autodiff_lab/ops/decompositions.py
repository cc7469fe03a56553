"""Linear algebra: inverses, solutions, determinants and decompositions, with their derivatives.

Source: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008); for eigh and svd also Walter & Lehmann, arXiv:1001.1654.
"""

from __future__ import annotations

import numpy as np

from ..backend import namespace, to_host
from ..core.dtypes import dtype_of
from ..core.errors import same_type
from ..core.op import op, ops
from ..core.precision import in_float32
from ..core.samples import calls
from ..core.tensor import Tensor

Number = int | float

SINGULAR = "The diagonal element {k} is zero, the {what} could not be completed because the input matrix is singular."


def square(r, *batch):
    """A well-conditioned random matrix, or a batch of them."""
    return r.normal(size=(*batch, 3, 3)) + 3 * np.eye(3)


def check_square(name: str, array) -> None:
    if array.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions.")
    if array.shape[-1] != array.shape[-2]:
        raise RuntimeError(f"{name}: A must be batches of square matrices, but they are {array.shape[-2]} by {array.shape[-1]} matrices")
    check_float(name, array)


# PyTorch finds out about the type of these only when they compute.
LATE = {"linalg.lu_factor": "lu_cpu", "linalg.cholesky": "cholesky_cpu", "linalg.eigh": "linalg_eigh_cpu", "linalg.eigvalsh": "linalg_eigh_cpu",
        "linalg.solve_triangular": "triangular_solve_cpu", "cholesky_solve": "cholesky_solve_cpu", "cholesky_inverse": "cholesky_inverse_out_cpu", "cholesky": "cholesky_cpu",
        "geqrf": "geqrf_cpu"}


def check_float(name: str, array) -> None:
    if array.dtype.kind not in "fc" or array.dtype == np.float16:
        if array.dtype.itemsize == 2 and array.dtype.kind in "fV" and name not in LATE:
            raise NotImplementedError(f"{name}: Low precision dtypes not supported. Got {dtype_of(array).title}. Convert it with .float().")
        if name in LATE and not (name == "linalg.cholesky" and array.dtype.kind in "iub"):
            raise NotImplementedError(f"\"{LATE[name]}\" not implemented for '{dtype_of(array).title}'. Convert it with .float().")
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {dtype_of(array).title}. Convert it with .float().")


def broken(name: str, array, error) -> LinAlgError:
    """PyTorch's error for a matrix that LAPACK gave up on."""
    batch = "(Batch element 0): " if array.ndim > 2 else ""
    return LinAlgError(f"{name}: {batch}{error}. The input matrix is singular, not positive-definite or has nan; check it, or add a small multiple of the identity.")


class _LinAlgError(RuntimeError):
    """Raised for matrices that have no such decomposition."""


LinAlgError = _LinAlgError  # a program that prints the name of the error reads PyTorch's


def T(array):
    """The transpose of the last two dimensions, conjugated."""
    return ops.conj(array).swapaxes(-1, -2)


@op(category="linear", latex="A^{-1}", namespace="linalg", node_name="LinalgInvEx", samples=calls(lambda r: ((square(r),), {}), lambda r: ((square(r, 2),), {})))
def inv(A: Tensor) -> Tensor:
    """The inverse of square matrices.

    Raises:
        LinAlgError: if a matrix is singular.

    >>> import autodiff_lab as lab
    >>> lab.linalg.inv(lab.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    check_square("linalg.inv", A)
    try:
        return namespace(A).linalg.inv(A)
    except np.linalg.LinAlgError:
        k = singular_at(A)
        batch = "(Batch element 0): " if A.ndim > 2 else ""
        raise LinAlgError("linalg.inv: " + batch + SINGULAR.format(k=k, what="inversion")) from None


def singular_at(A) -> int:
    """The 1-based position of the first zero on the diagonal of U, as LAPACK reports it."""
    import scipy.linalg  # here, because it takes longer to import than all of this library

    for matrix in np.reshape(A, (-1, *A.shape[-2:])):
        u = scipy.linalg.lu(matrix)[2]
        zero = np.flatnonzero(np.diagonal(u) == 0)
        if zero.size:
            return int(zero[0]) + 1
    return A.shape[-1]


@inv.vjp("A")
def _(grad, out):
    return -ops.matmul(ops.matmul(T(out), grad), T(out))


@op(category="linear", latex="A^{-1} B", namespace="linalg", node_name="LinalgSolveEx", samples=calls(
    lambda r: ((square(r), r.normal(size=(3, 2))), {}), lambda r: ((square(r, 2), r.normal(size=(2, 3, 1))), {}), lambda r: ((square(r), r.normal(size=(3,))), {})))
def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """X with `A @ X == B` (or `X @ A == B` if not `left`); B may be a vector or a batch of vectors.

    >>> import autodiff_lab as lab
    >>> lab.linalg.solve(lab.tensor([[2.0, 0.0], [0.0, 4.0]]), lab.tensor([1.0, 1.0]))
    tensor([0.5000, 0.2500])
    """
    check_square("linalg.solve", A)
    if not B.ndim:
        raise RuntimeError("linalg.solve: The input tensor B must have at least 1 dimension.")
    same_type("linalg.solve: Expected A and B to have the same dtype, but found A of type {first} and B of type {other} instead.", A, B)
    xp = namespace(A)
    vector = is_vector(A.shape, B.shape)
    if vector:
        B = B[..., None]
    elif B.shape[-2 if left else -1] != A.shape[-1]:
        raise RuntimeError(f"linalg.solve: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} ({A.shape[-2]}x{A.shape[-1]} and {B.shape[-2]}x{B.shape[-1]})")
    try:
        found = xp.linalg.solve(A, B) if left or vector else xp.linalg.solve(A.swapaxes(-1, -2), B.swapaxes(-1, -2)).swapaxes(-1, -2)
    except np.linalg.LinAlgError:
        raise LinAlgError("torch.linalg.solve: The solver failed because the input matrix is singular.") from None
    return found[..., 0] if vector else found


def is_vector(a, b) -> bool:
    return len(b) == 1 or (len(a) - 1 == len(b) and tuple(b) == tuple(a[:-1]))


@solve.vjp("B")
def _(grad, A, left):
    return ops.linalg.solve(T(A), grad, left=left)


@solve.vjp("A")
def _(grad, A, out, B_shape, left):
    back = ops.linalg.solve(T(A), grad, left=left)
    if is_vector(A.shape, B_shape):
        return -ops.unsqueeze(back, -1) * ops.conj(ops.unsqueeze(out, -2))
    return -ops.matmul(back, T(out)) if left else -ops.matmul(T(out), back)


@op(category="linear", latex=r"\det A", namespace="linalg", node_name="LinalgDet", samples=calls(lambda r: ((square(r),), {}), lambda r: ((square(r, 2),), {})))
def det(A: Tensor) -> Tensor:
    """The determinant of square matrices.

    >>> import autodiff_lab as lab
    >>> lab.linalg.det(lab.tensor([[2.0, 1.0], [4.0, 3.0]]))
    tensor(2.)
    """
    check_square("linalg.det", A)
    return namespace(A).linalg.det(A).astype(A.dtype)


@det.vjp("A", latex=r"\det A \; A^{-T}")
def _(grad, A, out):
    # The adjugate, so that the gradient of a singular matrix is right too.
    scale = ops.conj(ops.unsqueeze(ops.unsqueeze(grad, -1), -1))
    return T(scale * ops.adjugate(A))


@op(category="linear", function=False, method=False, samples=calls(lambda r: ((square(r),), {}), lambda r: ((square(r, 2),), {})))
def adjugate(A: Tensor) -> Tensor:
    """The matrix of cofactors, transposed: det(A) times the inverse where there is one."""
    xp = namespace(A)
    u, s, vh = xp.linalg.svd(A)
    # adj(A) = det(U) det(V) V diag(products of the other singular values) U^H; the others are those before and those after.
    others = xp.ones_like(s)
    others[..., 1:] = xp.cumprod(s[..., :-1], axis=-1)
    others[..., :-1] *= xp.cumprod(s[..., :0:-1], axis=-1)[..., ::-1]
    sign = (xp.linalg.det(u) * xp.linalg.det(vh))[..., None, None]
    return (sign * (xp.conj(vh.swapaxes(-1, -2)) * others[..., None, :]) @ xp.conj(u.swapaxes(-1, -2))).astype(A.dtype)


@adjugate.vjp("A")
def _(grad, A, out):
    # adj(A) = det(A) inv(A), differentiated as a product; needs an invertible matrix.
    inverse = ops.linalg.inv(A)
    total = (grad * ops.conj(inverse)).sum((-2, -1)) if grad.ndim > 2 else (grad * ops.conj(inverse)).sum()
    determinant = ops.linalg.det(A)
    scaled = ops.unsqueeze(ops.unsqueeze(total, -1), -1) * T(out)
    return scaled - ops.unsqueeze(ops.unsqueeze(ops.conj(determinant), -1), -1) * ops.matmul(ops.matmul(T(inverse), grad), T(inverse))


@op(category="linear", latex=r"\ln |\det A|", namespace="linalg", outputs=("sign", "logabsdet"), node_name="LinalgSlogdet", samples=calls(lambda r: ((square(r),), {}), lambda r: ((square(r, 2),), {})))
def slogdet(A: Tensor):
    """Sign and natural logarithm of the absolute value of the determinant.

    >>> import autodiff_lab as lab
    >>> lab.linalg.slogdet(lab.tensor([[0.0, 2.0], [1.0, 0.0]]))
    torch.return_types.linalg_slogdet(
    sign=tensor(-1.),
    logabsdet=tensor(0.6931))
    """
    check_square("linalg.slogdet", A)
    sign, logabs = namespace(A).linalg.slogdet(A)
    return sign.astype(A.dtype), logabs


@slogdet.vjp("A")
def _(grads, A, sign):
    scale = grads[1]
    if dtype_of(A).category == 3:  # the sign turns with the imaginary part of the trace
        scale = scale - ops.imag(ops.conj(grads[0]) * sign) * 1j
    return ops.unsqueeze(ops.unsqueeze(scale, -1), -1) * T(ops.linalg.inv(A))


@op(category="linear", latex=r"A = L L^T", namespace="linalg", node_name="LinalgCholeskyEx", samples=None)
def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """The triangular L with `L @ L.mH == A`, for positive-definite A.

    Raises:
        LinAlgError: if A is not positive-definite.

    >>> import autodiff_lab as lab
    >>> lab.linalg.cholesky(lab.tensor([[4.0, 2.0], [2.0, 5.0]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    check_square("linalg.cholesky", A)
    try:
        found = namespace(A).linalg.cholesky(A)
        if (found != found).any():  # NumPy lets a matrix with NaN pass
            raise np.linalg.LinAlgError
    except np.linalg.LinAlgError:
        for k in range(1, A.shape[-1] + 1):
            try:
                if np.isnan(np.linalg.cholesky(A[..., :k, :k])).any():
                    break
            except np.linalg.LinAlgError:
                break
        batch = "(Batch element 0): " if A.ndim > 2 else ""
        raise LinAlgError(f"linalg.cholesky: {batch}The factorization could not be completed because the input is not positive-definite (the leading minor of order {k} is not positive-definite).") from None
    return found.swapaxes(-1, -2).conj() if upper else found


@cholesky.vjp("A")
def _(grad, out, upper):
    L, g = (T(out), T(grad)) if upper else (out, grad)
    phi = ops.tril(ops.matmul(T(L), g))
    inverse = ops.linalg.inv(L)
    return ops.matmul(ops.matmul(T(inverse), (phi + T(ops.tril(phi, -1))) * 0.5), inverse)


@op(category="linear", function=False, method=False)
def diagonal_only(input: Tensor) -> Tensor:
    """The matrix with everything off the diagonal set to 0."""
    return input * namespace(input).eye(input.shape[-2], input.shape[-1], dtype=input.dtype)


@diagonal_only.vjp("input")
def _(grad):
    return ops.diagonal_only(grad)


@op(category="linear", latex="A = QR", namespace="linalg", outputs=("Q", "R"), node_name="LinalgQr", samples=calls(
    lambda r: ((square(r),), {}), lambda r: ((r.normal(size=(4, 3)),), {}), lambda r: ((square(r, 2),), {}), lambda r: ((r.normal(size=(2, 4)),), {})))
def qr(A: Tensor, mode: str = "reduced"):
    """Orthonormal Q and upper-triangular R with `Q @ R == A`; mode "reduced", "complete" or "r".

    >>> import autodiff_lab as lab
    >>> Q, R = lab.linalg.qr(lab.tensor([[3.0, 1.0], [4.0, 2.0]]))
    >>> R.abs()
    tensor([[5.0000, 2.2000],
            [0.0000, 0.4000]])
    """
    check_float("linalg.qr", A)
    xp = namespace(A)
    if mode == "r":
        return xp.zeros((0,), A.dtype), xp.linalg.qr(A, mode="r")
    if mode not in ("reduced", "complete"):
        raise RuntimeError(f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'")
    return tuple(xp.linalg.qr(A, mode=mode))


@qr.vjp("A")
def _(grads, Q, R, mode):
    gQ, gR = grads
    if mode == "r":
        raise RuntimeError("The derivative of linalg.qr is not implemented when mode='r', because Q is needed. Use mode='reduced'.")
    if R.shape[-2] > R.shape[-1] or (mode == "complete" and Q.shape[-1] > R.shape[-1]):
        raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols. Use mode='reduced'.")
    rows = R.shape[-2]
    if rows < R.shape[-1]:
        # A = [X, Y] with X square: the QR of X gives Q and the left of R, and the rest of R is Q^H Y.
        rest, grad_rest, R, gR = R[..., :, rows:], gR[..., :, rows:], R[..., :, :rows], gR[..., :, :rows]
        gQ = gQ + ops.matmul(ops.matmul(Q, rest), T(grad_rest))
        return ops.cat([square_qr_gradient(gQ, gR, Q, R), ops.matmul(Q, grad_rest)], -1)
    return square_qr_gradient(gQ, gR, Q, R)


def square_qr_gradient(gQ, gR, Q, R):
    """Walter & Lehmann: (gQ + Q copyltu(R gR^H - gQ^H Q)) R^-H."""
    M = ops.matmul(R, T(gR)) - ops.matmul(T(gQ), Q)
    low = ops.tril(M)
    M = low + T(low)
    M = M - ops.diagonal_only(M) * 0.5
    inside = gQ + ops.matmul(Q, M)
    return T(ops.linalg.solve(R, T(inside)))


@op(category="linear", latex=r"A = V \Lambda V^T", namespace="linalg", outputs=("eigenvalues", "eigenvectors"), node_name="LinalgEigh", samples=None)
def eigh(A: Tensor, UPLO: str = "L"):
    """Eigenvalues in ascending order and orthonormal eigenvectors of symmetric matrices; only one triangle is read.

    >>> import autodiff_lab as lab
    >>> values, vectors = lab.linalg.eigh(lab.tensor([[2.0, 1.0], [1.0, 2.0]]))
    >>> values.round()
    tensor([1., 3.])
    """
    check_square("linalg.eigh", A)
    values, vectors = namespace(A).linalg.eigh(A, UPLO=UPLO)
    return values, vectors


@eigh.vjp("A")
def _(grads, eigenvalues, eigenvectors):
    gL, gV = grads
    return eigenvector_gradient(gL, gV, eigenvalues, eigenvectors)


def eigenvector_gradient(gL, gV, eigenvalues, V):
    """V (diag(gL) + (V^H gV) / (l_j - l_i) off the diagonal) V^H, where of V^H gV only the skew part counts: V stays orthonormal."""
    found = ops.matmul(V * ops.unsqueeze(gL, -2), T(V))
    if gV.any():
        found = found + ops.matmul(ops.matmul(V, skew(ops.matmul(T(V), gV)) / gaps(eigenvalues) * 0.5), T(V))
    return found


def skew(matrix):
    """The matrix less its transpose, with nothing on the diagonal."""
    found = matrix - T(matrix)
    return found - ops.diagonal_only(found)


def gaps(values):
    """values_j - values_i, and 1 on the diagonal. Equal values have no gradient of their vectors: dividing by this gives nan."""
    found = ops.unsqueeze(values, -2) - ops.unsqueeze(values, -1)
    return found + ops.diagonal_only(found * 0 + 1)


@op(category="linear", namespace="linalg", node_name="LinalgEigh", samples=None)
def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """Eigenvalues of symmetric matrices, in ascending order.

    >>> import autodiff_lab as lab
    >>> lab.linalg.eigvalsh(lab.tensor([[2.0, 1.0], [1.0, 2.0]])).round()
    tensor([1., 3.])
    """
    check_square("linalg.eigvalsh", A)
    return namespace(A).linalg.eigvalsh(A, UPLO=UPLO)


@eigvalsh.vjp("A")
def _(grad, A, UPLO):
    vectors = ops.linalg.eigh(A, UPLO)[1]
    return ops.matmul(vectors * ops.unsqueeze(grad, -2), T(vectors))


@op(category="linear", latex=r"A = U \Sigma V^T", namespace="linalg", outputs=("U", "S", "Vh"), node_name="LinalgSvd", samples=None)
def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None):
    """Singular value decomposition `A == U @ diag(S) @ Vh`, values descending.

    >>> import autodiff_lab as lab
    >>> U, S, Vh = lab.linalg.svd(lab.tensor([[3.0, 0.0], [0.0, -4.0]]))
    >>> S
    tensor([4., 3.])
    """
    check_float("linalg.svd", A)
    if driver is not None:
        raise RuntimeError("torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend. Leave it out.")
    if A.ndim < 2:
        raise RuntimeError("linalg.svd: The input tensor A must have at least 2 dimensions.")
    try:
        u, s, vh = namespace(A).linalg.svd(A, full_matrices=full_matrices)
    except np.linalg.LinAlgError as error:
        raise broken("linalg.svd", A, error) from None
    return u, s, vh


@svd.vjp("A")
def _(grads, U, S, Vh, full_matrices):
    gU, gS, gVh = grads
    k = S.shape[-1]
    U, Vh, gU, gVh = U[..., :k], Vh[..., :k, :], gU[..., :k], gVh[..., :k, :]
    found = ops.matmul(U * ops.unsqueeze(gS, -2), Vh)
    if gU.any() or gVh.any():
        apart, left = gaps(S * S), ops.matmul(T(U), gU)
        inside = skew(left) / apart * ops.unsqueeze(S, -2) + ops.unsqueeze(S, -1) * (skew(ops.matmul(Vh, T(gVh))) / apart)
        if dtype_of(U).category == 3:  # vectors may turn in the complex plane, and only together
            inside = inside + ops.diagonal_only(left - T(left)) * 0.5 / ops.unsqueeze(S, -1)
        found = found + ops.matmul(ops.matmul(U, inside), Vh)
    inverse = ops.unsqueeze(1 / S, -2)
    if U.shape[-2] > k:
        scaled = gU * inverse
        found = found + ops.matmul(scaled - ops.matmul(U, ops.matmul(T(U), scaled)), Vh)
    if Vh.shape[-1] > k:
        scaled = T(gVh) * inverse
        found = found + ops.matmul(U, T(scaled - ops.matmul(T(Vh), ops.matmul(Vh, scaled))))
    return found


@op(category="linear", namespace="linalg", node_name="LinalgSvd", samples=calls(lambda r: ((square(r),), {}), lambda r: ((r.normal(size=(2, 4, 3)),), {})))
def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """Singular values, descending.

    >>> import autodiff_lab as lab
    >>> lab.linalg.svdvals(lab.tensor([[3.0, 0.0], [0.0, -4.0]]))
    tensor([4., 3.])
    """
    check_float("linalg.svdvals", A)
    if A.ndim < 2:
        raise RuntimeError(f"linalg.svdvals: The input tensor A must have at least 2 dimensions, got shape {list(A.shape)}.")
    return namespace(A).linalg.svd(A, compute_uv=False)


@svdvals.vjp("A")
def _(grad, A):
    U, _, Vh = ops.linalg.svd(A, False)
    return ops.matmul(U * ops.unsqueeze(grad, -2), Vh)


@op(category="linear", latex="A^+", namespace="linalg", node_name="LinalgPinv", samples=calls(
    lambda r: ((r.normal(size=(3, 4)),), {}), lambda r: ((r.normal(size=(2, 4, 3)),), {}), lambda r: ((square(r),), {"rtol": 1e-3})))
def pinv(A: Tensor, *, atol: Tensor | Number | None = None, rtol: Tensor | Number | None = None, hermitian: bool = False) -> Tensor:
    """The Moore-Penrose pseudoinverse: the inverse as far as there is one.

    Args:
        atol, rtol: singular values of at most `max(atol, rtol * the largest)` count as 0; numbers, or one for each matrix.
        hermitian: A is symmetric, and only its lower triangle is read.

    >>> import autodiff_lab as lab
    >>> lab.linalg.pinv(lab.tensor([[2.0, 0.0], [0.0, 0.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.0000]])
    """
    if A.ndim < 2 or A.dtype.kind not in "fc" or A.dtype == np.float16:
        raise RuntimeError(f"linalg.pinv({dtype_of(A).title}{{{list(A.shape)}}}): expected a tensor with 2 or more dimensions of float, double, cfloat or cdouble types")
    xp = namespace(A)
    if not A.size:
        return xp.zeros((*A.shape[:-2], A.shape[-1], A.shape[-2]), A.dtype)
    if hermitian:
        check_square("linalg.eigh", A)
        S, U = xp.linalg.eigh(A)
        Vh = xp.conj(U.swapaxes(-1, -2))
    else:
        U, S, Vh = xp.linalg.svd(A, full_matrices=False)
    size = xp.absolute(S)
    kept = size > negligible(size, A.shape, atol, rtol)
    inverse = xp.where(kept, 1 / xp.where(kept, S, 1), 0).astype(A.dtype)
    return xp.matmul(xp.conj(Vh.swapaxes(-1, -2)) * inverse[..., None, :], xp.conj(U.swapaxes(-1, -2)))


def negligible(values, shape, atol, rtol):
    """The size under which singular values count as 0, for each matrix."""
    xp = namespace(values)
    if rtol is None:
        none_given = atol is None or np.isscalar(atol) and atol == 0
        rtol = float(np.finfo(values.dtype).eps) * max(shape[-2:]) if none_given else 0.0
    largest = values.max(axis=-1, initial=0)
    return xp.maximum(largest * rtol, 0.0 if atol is None else atol)[..., None]


@pinv.vjp("A", latex="-P^T g P^T")
def _(grad, A, out):
    # Golub & Pereyra (1973): how P changes inside the range, and how the range itself turns.
    P, G = T(out), T(grad)
    turning = ops.matmul(G, ops.matmul(out, P))
    other = ops.matmul(ops.matmul(P, out), G)
    return (turning - ops.matmul(A, ops.matmul(out, turning)) + other - ops.matmul(ops.matmul(other, out), A)
            - ops.matmul(ops.matmul(P, grad), P))


@op(category="linear", latex=r"A = V \Lambda V^{-1}", namespace="linalg", outputs=("eigenvalues", "eigenvectors"), node_name="LinalgEig", samples=None)
def eig(A: Tensor):
    """Complex eigenvalues and eigenvectors of square matrices, in LAPACK's order.

    >>> import autodiff_lab as lab
    >>> values, vectors = lab.linalg.eig(lab.tensor([[0.0, -1.0], [1.0, 0.0]]))  # a quarter turn
    >>> values
    tensor([0.+1.j, 0.-1.j])
    """
    check_square("linalg.eig", A)
    values, vectors = np.linalg.eig(A)
    wide = np.complex64 if A.dtype.itemsize <= 4 or A.dtype == np.complex64 else np.complex128
    return values.astype(wide), vectors.astype(wide)


@eig.vjp("A")
def _(grads, eigenvalues, eigenvectors):
    gL, gV = grads
    V = eigenvectors
    gaps = ops.conj(ops.unsqueeze(eigenvalues, -2) - ops.unsqueeze(eigenvalues, -1))
    equal = gaps == 0
    inner = ops.matmul(T(V), gV)
    # Eigenvectors have unit norm, so only the part of gV that keeps it counts.
    inner = inner - ops.matmul(ops.matmul(T(V), V), ops.diagonal_only(ops.real(inner) + inner * 0))
    inside = ops.where(equal, inner * 0, inner / ops.where(equal, gaps * 0 + 1, gaps)) + ops.diag_embed(gL)
    return ops.linalg.solve(T(V), ops.matmul(inside, T(V)))


@op(category="linear", namespace="linalg", samples=None, node_name="LinalgEigvals", no_grad="use linalg.eig(A).eigenvalues, which has one")
def eigvals(A: Tensor) -> Tensor:
    """Complex eigenvalues of square matrices.

    >>> import autodiff_lab as lab
    >>> lab.linalg.eigvals(lab.tensor([[3.0, 0.0], [0.0, 2.0]]))
    tensor([3.+0.j, 2.+0.j])
    """
    return eig.op.kernel(A)[0]


@op(category="linear", latex=r"e^A", namespace="linalg", out=False, node_name="LinalgMatrixExp", samples=calls(lambda r: ((r.normal(size=(3, 3)),), {}), lambda r: ((r.normal(size=(2, 2, 2)),), {})))
@in_float32
def matrix_exp(A: Tensor) -> Tensor:
    """The matrix exponential.

    >>> import autodiff_lab as lab
    >>> lab.linalg.matrix_exp(lab.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    check_square("linalg.matrix_exp", A)
    if not A.size:
        return A.copy()
    import scipy.linalg

    return namespace(A).asarray(scipy.linalg.expm(to_host(A)).astype(A.dtype))  # SciPy's, on the host; CuPy has none


@matrix_exp.vjp("A")
def _(grad, A):
    # The derivative of exp at A^T in direction grad stands in the corner of the exponential of a block matrix.
    n = A.shape[-1]
    upper = ops.cat([T(A), grad], -1)
    lower = ops.cat([A * 0, T(A)], -1)
    return ops.linalg.matrix_exp(ops.cat([upper, lower], -2))[..., :n, n:]
