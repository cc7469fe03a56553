"""Factorisations in the compact forms of LAPACK: LU with pivots, LDL, Householder reflections; and what solves with them."""

from __future__ import annotations

import math

import numpy as np

from ..core.arguments import Dims
from ..core.dtypes import int32
from ..core.errors import caution, same_type
from ..core.op import public
from ..core.outs import stored
from ..core.results import result_class
from ..core.tape import without_derivative
from ..core.tensor import Tensor, wrap
from ..ops.decompositions import LinAlgError, check_float, check_square

__all__ = ["geqrf", "householder_product", "ldl_factor", "ldl_factor_ex", "ldl_solve", "lu_factor_ex", "lu_unpack", "ormqr"]

_all = public[""]
_LuFactorEx = result_class("linalg_lu_factor_ex", ["LU", "pivots", "info"])
_LdlFactor = result_class("linalg_ldl_factor", ["LD", "pivots"])
_LdlFactorEx = result_class("linalg_ldl_factor_ex", ["LD", "pivots", "info"])
_LuUnpack = result_class("lu_unpack", ["P", "L", "U"])
_Geqrf = result_class("geqrf", ["a", "tau"])


def _routine(name: str, array, hermitian: bool = False):
    """The LAPACK routine for the type of `array`."""
    from scipy.linalg import lapack

    prefix = {"f": "s", "d": "d", "F": "c", "D": "z"}[array.dtype.char]
    return getattr(lapack, prefix + (name.replace("sy", "he", 1) if hermitian and array.dtype.kind == "c" else name))


def _each(function, empty, *arrays):
    """Apply `function` to every matrix of a batch, or `empty` where there is nothing in them, which LAPACK refuses; its results, stacked."""
    batch, count = arrays[0].shape[:-2], math.prod(arrays[0].shape[:-2])
    flat = [a.reshape(count, *a.shape[len(batch):]) for a in arrays]
    run = function if all(math.prod(a.shape[1:]) for a in flat) else empty
    if not count:  # no matrices: one of zeros says what shapes there would be
        return [np.zeros((*batch, *np.shape(r)), np.asarray(r).dtype) for r in empty(*(np.zeros(a.shape[1:], a.dtype) for a in flat))]
    results = [run(*row) for row in zip(*flat, strict=True)]
    return [np.stack([np.asarray(r) for r in column]).reshape((*batch, *np.shape(column[0]))) for column in zip(*results, strict=True)]


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False, out=None):
    """Both triangles of `P @ L @ U == A` in one matrix, the row exchanges as 1-based pivots, and where U has a zero pivot (0: nowhere)."""
    check_float("linalg.lu_factor", A._a)
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")
    if A.ndim < 2:
        raise RuntimeError("torch.linalg.lu_factor: Expected tensor with 2 or more dimensions. Got tensor with dimension " + str(A.ndim))
    array = A.detach().cpu().numpy()
    packed, pivots, info = _each(_routine("getrf", array), lambda m: (m, np.zeros(min(m.shape), np.int32), 0), array)
    if check_errors and np.any(info):
        raise LinAlgError(f"torch.linalg.lu_factor_ex: U[{info.max()},{info.max()}] is zero and using it on lu_solve would result in a division by zero.")
    factors = wrap(packed)
    if A.requires_grad:
        # The same numbers, from recorded operators: elimination after the exchanges that LAPACK chose.
        from . import _triangles

        L, U = _triangles(_permutation(pivots + 1, A).mT @ A)
        factors = _tall(L, A).tril(-1) + _wide(U, A)
    return stored(_LuFactorEx((factors, wrap((pivots + 1).astype(np.int32)), wrap(info.astype(np.int32)))), out)


def _tall(L, A):
    """L with as many columns as A."""
    return _all["constant_pad_nd"](L, (0, A.shape[-1] - L.shape[-1]))


def _wide(U, A):
    """U with as many rows as A."""
    return _all["constant_pad_nd"](U, (0, 0, 0, A.shape[-2] - U.shape[-2]))


def _permutation(pivots, like: Tensor) -> Tensor:
    """The matrix P of 1-based row exchanges."""
    rows = like.shape[-2]
    flat = np.asarray(pivots).reshape(math.prod(np.shape(pivots)[:-1]), np.shape(pivots)[-1])
    matrices = np.zeros((len(flat), rows, rows), like._a.dtype)
    for matrix, exchanges in zip(matrices, flat, strict=True):
        order = list(range(rows))
        for i, j in enumerate(exchanges):
            order[i], order[j - 1] = order[j - 1], order[i]
        matrix[order, range(rows)] = 1
    return wrap(matrices.reshape(*np.shape(pivots)[:-1], rows, rows)).to(like.device)


def lu_unpack(LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True, *, out=None):
    """P, L and U from what `lu_factor` returned.

    >>> import autodiff_lab as lab
    >>> LU, pivots = lab.linalg.lu_factor(lab.tensor([[1.0, 2.0], [4.0, 4.0]]))
    >>> P, L, U = lab.lu_unpack(LU, pivots)
    >>> P @ L @ U
    tensor([[1., 2.],
            [4., 4.]])
    """
    if LU_pivots.dtype is not int32 and unpack_pivots:
        raise RuntimeError("torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype. Note: this function is intended to be used "
                           "with the output produced by torch.linalg.lu_factor")
    m, n = LU_data.shape[-2:]
    k, none = min(m, n), _all["zeros"](0, dtype=LU_data.dtype, device=LU_data.device)
    L = U = P = none
    if unpack_data:
        eye = _all["eye"](m, k, dtype=LU_data.dtype, device=LU_data.device)
        L, U = LU_data[..., :k].tril(-1) + eye, LU_data[..., :k, :].triu()
    if unpack_pivots:
        P = _permutation(LU_pivots.cpu().numpy(), LU_data)
    return stored(_LuUnpack((P, L, U)), out)


def ldl_factor_ex(A: Tensor, *, hermitian: bool = False, check_errors: bool = False, out=None):
    """`L @ D @ L.mT == A` for symmetric A that need not be positive definite, in LAPACK's compact form (Bunch and Kaufman, 1977)."""
    check_square("torch.linalg.ldl_factor_ex", A._a)
    array = A.detach().cpu().numpy()
    routine = _routine("sytrf", array, hermitian)
    packed, pivots, info = _each(lambda m: routine(m, lower=1), lambda m: (m, np.zeros(len(m), np.int32), 0), array)
    if check_errors and np.any(info):
        raise LinAlgError(f"torch.linalg.ldl_factor_ex: D[{info.max()},{info.max()}] is zero and using it on ldl_solve would result in a division by zero.")
    found = _LdlFactorEx((wrap(np.tril(packed)), wrap(pivots.astype(np.int32)), wrap(info.astype(np.int32))))
    without_derivative([A], [found.LD], "linalg_ldl_factor_ex")
    return stored(found, out)


def ldl_factor(A: Tensor, *, hermitian: bool = False, out=None):
    """See `ldl_factor_ex`; fails instead of returning `info`."""
    found = ldl_factor_ex(A, hermitian=hermitian, check_errors=True)
    return stored(_LdlFactor((found.LD, found.pivots)), out)


def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False, out=None) -> Tensor:
    """X with `A @ X == B`, from what `ldl_factor(A)` returned."""
    check_square("torch.linalg.ldl_solve", LD._a)
    if B.ndim < 2:
        raise RuntimeError(f"torch.linalg.ldl_solve: Expected B to have at least 2 dimensions, but it has {B.ndim} dimensions instead")
    batch = np.broadcast_shapes(LD.shape[:-2], B.shape[:-2])
    packed, right = (np.broadcast_to(t.detach().cpu().numpy(), batch + tuple(t.shape[-2:])) for t in (LD, B))
    places = np.broadcast_to(pivots.cpu().numpy(), batch + tuple(pivots.shape[-1:]))
    routine = _routine("sytrs", packed, hermitian)
    solved, _ = _each(lambda m, p, b: routine(m, p, b, lower=1), lambda m, p, b: (b, 0), packed, places, right)
    found = wrap(solved.astype(B._a.dtype))
    without_derivative([LD, B], [found], "linalg_ldl_solve")
    return stored(found, out)


def geqrf(input: Tensor, *, out=None):
    """QR decomposition as LAPACK keeps it: R above, the reflections below the diagonal, their factors in `tau`."""
    check_float("geqrf", input._a)
    array = input.detach().cpu().numpy()
    routine = _routine("geqrf", array)
    packed, tau = _each(lambda m: routine(m)[:2], lambda m: (m, np.zeros(min(m.shape), m.dtype)), array)
    found = _Geqrf((wrap(packed), wrap(tau)))
    without_derivative([input], found, "geqrf", NotImplementedError)
    return stored(found, out)


def constant(like, value):
    """`value` for every matrix, with the place of `like` in the graph: its gradient is zero."""
    return like.clone().copy_(value)


def _reflections(A, tau):
    """The vectors of the elementary reflections, as columns, and how strongly each reflects."""
    m, k = A.shape[-2], tau.shape[-1]
    V = A[..., :k].tril(-1) + _all["eye"](m, k, dtype=A.dtype, device=A.device)
    return [(V[..., :, i:i + 1], tau[..., i, None, None]) for i in range(k)]


def householder_product(A: Tensor, tau: Tensor, *, out=None) -> Tensor:
    """The first columns of the product of the reflections below the diagonal of A: the Q of `geqrf`."""
    if A.ndim < 2:
        raise RuntimeError("torch.linalg.householder_product: input must have at least 2 dimensions.")
    m, n = A.shape[-2:]
    if m < n:
        raise RuntimeError("torch.linalg.householder_product: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if tau.shape[-1] > n:
        raise RuntimeError("torch.linalg.householder_product: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    Q = constant(A, _all["eye"](m, n, dtype=A.dtype, device=A.device))
    for v, factor in reversed(_reflections(A, tau)):
        Q = Q - factor * v @ (v.mH @ Q)
    return stored(Q, out)


def ormqr(input: Tensor, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False, *, out=None) -> Tensor:
    """`Q @ other` (or `other @ Q`, or with Q's conjugate transpose) for the full Q of `geqrf`, without making Q."""
    for what, given in (("input", input), ("other", other)):
        if given.ndim < 2:
            raise RuntimeError(f"torch.ormqr: {what} must have at least 2 dimensions.")
    same_type("torch.ormqr: Expected input, tau and other to have the same dtype, but input has {first} and one of the others {other}.", input, tau, other)
    if other.shape[-2 if left else -1] != input.shape[-2]:
        raise RuntimeError(f"torch.ormqr: other.shape[{-2 if left else -1}] must be equal to input.shape[-2]")
    if tau.shape != (*input.shape[:-2], min(input.shape[-2:])):
        raise RuntimeError(f"torch.ormqr: tau must have the shape {[*input.shape[:-2], min(input.shape[-2:])]}, one number for each reflection in input, but has {list(tau.shape)}.")
    steps = _reflections(input, tau)
    # Q = H1 H2 … Hk: the order of application turns around with the side and with the transpose.
    for v, factor in reversed(steps) if left != transpose else steps:
        factor = factor.conj() if transpose and factor.is_complex() else factor
        other = other - factor * v @ (v.mH @ other) if left else other - factor * (other @ v) @ v.mH
    return stored(other, out)


def _lu(A: Tensor, pivot: bool = True, get_infos: bool = False, out=None):
    """LU and pivots; prefer linalg.lu_factor."""
    caution("torch.lu is deprecated in favor of torch.linalg.lu_factor / torch.linalg.lu_factor_ex and will be removed in a future PyTorch release.\n"
            "LU, pivots = torch.lu(A, compute_pivots)\nshould be replaced with\nLU, pivots = torch.linalg.lu_factor(A, compute_pivots)\nand\n"
            "LU, pivots, info = torch.lu(A, compute_pivots, get_infos=True)\nshould be replaced with\n"
            "LU, pivots, info = torch.linalg.lu_factor_ex(A, compute_pivots)")
    found = lu_factor_ex(A, pivot=pivot, check_errors=not get_infos)
    return stored(tuple(found) if get_infos else (found.LU, found.pivots), out)


def _lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out=None) -> Tensor:
    """X with `A @ X == b`; prefer linalg.lu_solve."""
    caution("torch.lu_solve is deprecated in favor of torch.linalg.lu_solveand will be removed in a future PyTorch release.\n"
            "Note that torch.linalg.lu_solve has its arguments reversed.\n"
            "X = torch.lu_solve(B, LU, pivots)\nshould be replaced with\nX = torch.linalg.lu_solve(LU, pivots, B)")
    from . import lu_solve

    return lu_solve(LU_data, LU_pivots, b, out=out)


def _frobenius_norm(input: Tensor, dim: Dims = (), keepdim: bool = False, *, out=None) -> Tensor:
    """The root of the sum of squares; prefer linalg.vector_norm."""
    return stored(public["linalg"]["vector_norm"](input, 2, dim or None, keepdim), out)


_all.update(lu=_lu, lu_solve=_lu_solve, lu_unpack=lu_unpack, geqrf=geqrf, orgqr=householder_product, ormqr=ormqr, frobenius_norm=_frobenius_norm)
for _name in ("lu", "lu_solve", "geqrf", "orgqr", "ormqr"):
    setattr(Tensor, _name, _all[_name])


# ---- what PyTorch has taken away ----

def _removed(name: str, instead: str):
    def refuse(*args, **kwargs):
        for unknown in kwargs.keys() - {"input", "A", "other", "eigenvectors", "upper", "tol", "symmetric", "out"}:
            raise TypeError(f"Tensor.{name}() got an unexpected keyword argument '{unknown}'")
        raise RuntimeError(f"This function was deprecated since version 1.9 and is now removed. `torch.{name}` is deprecated in favor of `{instead}`.")
    refuse.__name__, refuse.__doc__ = name, f"Removed from PyTorch: use {instead}."
    return refuse


for _name, _instead in (("lstsq", "torch.linalg.lstsq"), ("eig", "torch.linalg.eig"), ("solve", "torch.linalg.solve"), ("symeig", "torch.linalg.eigh"), ("matrix_rank", "torch.linalg.matrix_rank")):
    _all[_name] = _removed(_name, _instead)
    if _name != "matrix_rank":
        setattr(Tensor, _name, _all[_name])
