"""Functions of sparse tensors; see `ops/sparse.py` for what they are here."""

from __future__ import annotations

from .core.dtypes import of_name
from .core.op import public
from .core.tensor import Tensor
from .ops.sparse import SparseTensor, sparse_coo_tensor

__all__ = ["addmm", "mm", "sum"]

_all = public[""]


def mm(sparse: Tensor, dense: Tensor, reduce: str | None = None) -> Tensor:
    """The product of a sparse matrix with a dense one; of two sparse ones, sparse."""
    if reduce is not None:
        raise NotImplementedError("sparse.mm with reduce is for the CSR layout, which is not here.")
    product = _all["mm"](sparse, dense)
    return product.to_sparse() if isinstance(sparse, SparseTensor) and isinstance(dense, SparseTensor) else product


def addmm(mat: Tensor, mat1: Tensor, mat2: Tensor, *, beta=1, alpha=1) -> Tensor:
    """`beta * mat + alpha * (mat1 @ mat2)`."""
    return _all["addmm"](mat, mat1, mat2, beta=beta, alpha=alpha)


def sum(input: Tensor, dim=None, dtype=None) -> Tensor:
    """The sum of all elements, or over `dim`, which is sparse again where dimensions are left."""
    if dim is None:
        return _all["sum"](input, dtype=dtype)
    found = _all["sum"](input, dim, dtype=dtype)
    return found.to_sparse() if found.ndim else found


def _older(kind: str):
    def make(*args) -> Tensor:
        return sparse_coo_tensor(*args, dtype=of_name(kind)) if not isinstance(args[0], int) else sparse_coo_tensor(size=args, dtype=of_name(kind))
    make.__name__, make.__doc__ = kind, f"`sparse_coo_tensor` of {kind}."
    return make


FloatTensor, DoubleTensor, LongTensor, IntTensor = (_older(kind) for kind in ("float32", "float64", "int64", "int32"))
