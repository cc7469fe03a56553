"""The names that torch itself still has for linear algebra. New programs use those of torch.linalg."""

from __future__ import annotations

from ..core.arguments import Dims, check_all
from ..core.errors import caution, same_type
from ..core.op import public
from ..core.outs import stored
from ..core.results import result_class
from ..core.tensor import Tensor
from ..ops.decompositions import check_square
from . import (
    cholesky,
    cross,
    det,
    inv,
    matrix_exp,
    matrix_norm,
    matrix_power,
    multi_dot,
    pinv,
    qr,
    slogdet,
    solve,
    solve_triangular,
    svd,
)

_all = public[""]


def svd_old(input: Tensor, some: bool = True, compute_uv: bool = True, *, out=None):
    """Singular value decomposition with V instead of its transpose; prefer linalg.svd."""
    U, S, Vh = svd(input, not some)
    kind = result_class("svd", ["U", "S", "V"])
    return stored(kind((U, S, Vh.mH) if compute_uv else (U * 0, S, Vh.mH * 0)), out)


def qr_old(input: Tensor, some: bool = True, *, out=None):
    """QR decomposition; prefer linalg.qr."""
    caution("torch.qr is deprecated in favor of torch.linalg.qr and will be removed in a future PyTorch release.\n"
            "The boolean parameter 'some' has been replaced with a string parameter 'mode'.\n"
            "Q, R = torch.qr(A, some)\nshould be replaced with\nQ, R = torch.linalg.qr(A, 'reduced' if some else 'complete')")
    return stored(result_class("qr", ["Q", "R"])(qr(input, "reduced" if some else "complete")), out)


def slogdet_old(input: Tensor, *, out=None):
    """The sign and the logarithm of the absolute value of the determinant."""
    return stored(result_class("slogdet", ["sign", "logabsdet"])(slogdet(input)), out)


def cholesky_old(input: Tensor, upper: bool = False, *, out=None):
    """Cholesky decomposition; prefer linalg.cholesky."""
    caution("torch.cholesky is deprecated in favor of torch.linalg.cholesky and will be removed in a future PyTorch release.\n"
            "L = torch.cholesky(A)\nshould be replaced with\nL = torch.linalg.cholesky(A)\nand\n"
            "U = torch.cholesky(A, upper=True)\nshould be replaced with\nU = torch.linalg.cholesky(A).mH\n"
            "This transform will produce equivalent results for all valid (symmetric positive definite) inputs.")
    check_square("cholesky", input._a)
    return stored(cholesky(input, upper=upper), out)


def cholesky_solve(input: Tensor, input2: Tensor, upper: bool = False, *, out=None):
    """X with `A @ X == input`, given the Cholesky factor of A.

    >>> import autodiff_lab as lab
    >>> L = lab.tensor([[2.0, 0.0], [0.0, 1.0]])
    >>> lab.cholesky_solve(lab.tensor([[4.0], [1.0]]), L)
    tensor([[1.],
            [1.]])
    """
    check_square("cholesky_solve", input2._a)
    same_type("Expected b and A to have the same dtype, but found b of type {first} and A of type {other} instead.", input, input2)
    full = input2.mH @ input2 if upper else input2 @ input2.mH
    return stored(solve(full, input), out)


def cholesky_inverse(input: Tensor, upper: bool = False, *, out=None):
    """The inverse of A, given its Cholesky factor."""
    check_square("cholesky_inverse", input._a)
    return stored(inv(input.mH @ input if upper else input @ input.mH), out)


def pinverse(input: Tensor, rcond: float = 1e-15):
    """The pseudoinverse; prefer linalg.pinv."""
    return pinv(input, rtol=rcond)


def logdet(input: Tensor):
    """The logarithm of the determinant; nan if it is negative.

    >>> import autodiff_lab as lab
    >>> lab.logdet(lab.tensor([[2.0, 0.0], [0.0, 3.0]]))
    tensor(1.7918)
    """
    sign, logabs = slogdet(input)
    if sign.is_complex():
        return logabs + sign.log()
    return logabs + _all["where"](sign < 0, float("nan"), 0.0).to(logabs.dtype)


def triangular_solve(input: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False, *, out=None):
    """The solution and a copy of A; prefer linalg.solve_triangular."""
    caution("torch.triangular_solve is deprecated in favor of torch.linalg.solve_triangularand will be removed in a future PyTorch release.\n"
            "torch.linalg.solve_triangular has its arguments reversed and does not return a copy of one of the inputs.\n"
            "X = torch.triangular_solve(B, A).solution\nshould be replaced with\nX = torch.linalg.solve_triangular(A, B).")
    kind = result_class("triangular_solve", ["solution", "cloned_coefficient"])
    matrix = A.mT if transpose else A
    return stored(kind((solve_triangular(matrix, input, upper=upper != transpose, unitriangular=unitriangular), A.clone())), out)


def cross_old(input: Tensor, other: Tensor, dim: int | None = None, *, out=None):
    """Cross product along `dim`, by default the first of size 3; prefer linalg.cross.

    >>> import autodiff_lab as lab
    >>> lab.cross(lab.tensor([1.0, 0.0, 0.0]), lab.tensor([0.0, 1.0, 0.0]), dim=0)
    tensor([0., 0., 1.])
    """
    if dim is None:
        caution("Using torch.cross without specifying the dim arg is deprecated.\n"
                "Please either pass the dim explicitly or simply use torch.linalg.cross.\n"
                "The default value of dim will change to agree with that of linalg.cross in a future release.")
        dim = next((i for i, n in enumerate(input.shape) if n == 3), None)
        if dim is None:
            raise RuntimeError(f"no dimension of size 3 in input: got {list(input.shape)}")
    return cross(input, other, dim=dim, out=out)


def chain_matmul(*matrices, out=None):
    """The product of several matrices in the cheapest order; prefer linalg.multi_dot."""
    caution("torch.chain_matmul is deprecated and will be removed in a future PyTorch release. Use torch.linalg.multi_dot instead, "
            "which accepts a list of two or more tensors rather than multiple parameters.")
    if not matrices:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    if len(matrices) == 1:
        return matrices[0]
    return multi_dot(matrices, out=out)


def nuclear_norm(input: Tensor, dim: Dims | None = None, keepdim: bool = False, *, out=None):
    """The sum of singular values."""
    return matrix_norm(input, "nuc", (-2, -1) if dim is None else dim, keepdim, out=out)


_named = {
    "svd": svd_old, "qr": qr_old, "cholesky": cholesky_old, "cholesky_solve": cholesky_solve, "cholesky_inverse": cholesky_inverse, "pinverse": pinverse,
    "logdet": logdet, "triangular_solve": triangular_solve, "cross": cross_old, "inverse": inv, "det": det, "slogdet": slogdet_old,
    "matrix_exp": matrix_exp, "matrix_power": matrix_power, "chain_matmul": chain_matmul, "nuclear_norm": nuclear_norm,
}
check_all(_named)
for _name, _function in _named.items():
    _all[_name] = _function
    if _name not in ("chain_matmul", "nuclear_norm"):
        setattr(Tensor, _name, _function)
