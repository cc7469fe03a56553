"""Sparse tensors in coordinate form, as programs on graphs use them: what they compute is right, the memory they save is not.

A `SparseTensor` knows the places and values that it was given, and keeps the dense tensor beside them: every operator
takes it as it takes any tensor, and gives a dense one. What PyTorch gives sparse again, sums of two, products with a
number, transposes, `sparse.mm` of two, is sparse here too. Compressed layouts (CSR and its kin) are refused.
"""

from __future__ import annotations

import numpy as np

from ..core.dtypes import of_name
from ..core.op import public
from ..core.overriding import disabled
from ..core.tensor import Size, Tensor, wrap
from .attributes import sparse_coo

__all__ = ["SparseTensor", "sparse_coo_tensor"]

_all = public[""]


class SparseTensor(Tensor):
    """A tensor of mostly zeros, made by `sparse_coo_tensor` or `to_sparse`."""

    __torch_function__ = disabled
    is_sparse = property(lambda self: True)
    layout = property(lambda self: sparse_coo)

    def sparse_dim(self) -> int:
        """How many dimensions have places."""
        return len(self._places)

    def dense_dim(self) -> int:
        """How many dimensions the values have besides."""
        return self.ndim - len(self._places)

    def is_coalesced(self) -> bool:
        """True if no place occurs twice and the places are in order."""
        return self._in_order

    def _nnz(self) -> int:
        return self._places.shape[1]

    def _indices(self) -> Tensor:
        return _all["tensor"](self._places)

    def _values(self) -> Tensor:
        return self._parts

    def indices(self) -> Tensor:
        """The places, one column each."""
        self._need_order("indices")
        return self._indices()

    def values(self) -> Tensor:
        """The values at the places."""
        self._need_order("values")
        return self._parts

    def _need_order(self, what: str) -> None:
        if not self._in_order:
            raise RuntimeError(f"Cannot get {what} on an uncoalesced tensor, please call .coalesce() first")

    def coalesce(self) -> SparseTensor:
        """The same tensor with its places in order and each once: values at one place are added."""
        if self._in_order:
            return self
        sizes = self.shape[:len(self._places)]
        flat, to = np.unique(np.ravel_multi_index(tuple(self._places), sizes), return_inverse=True)
        values = _all["zeros"](len(flat), *self._parts.shape[1:], dtype=self._parts.dtype).index_add(0, _all["tensor"](to.reshape(-1)), self._parts)
        return _made(np.stack(np.unravel_index(flat, sizes)).astype(np.int64).reshape(len(sizes), len(flat)), values, self.shape, True)

    def to_dense(self, dtype=None, *, masked_grad=None) -> Tensor:
        """The dense tensor."""
        dense = _as_class(self, Tensor)
        return dense if dtype is None else dense.to(dtype)

    def to_sparse(self, *args, **kwargs) -> SparseTensor:
        """Itself."""
        return self

    to_sparse_coo = to_sparse

    def to(self, *args, **kwargs) -> SparseTensor:
        """On another device, or of another type."""
        return _made(self._places, self._parts.to(*args, **kwargs), self.shape, self._in_order)

    def clone(self, **kwargs) -> SparseTensor:
        """A copy."""
        return _made(self._places.copy(), self._parts.clone(), self.shape, self._in_order)

    def detach(self) -> SparseTensor:
        """The same without history."""
        return _made(self._places, self._parts.detach(), self.shape, self._in_order)

    def transpose(self, dim0: int, dim1: int) -> SparseTensor:
        """With two dimensions exchanged."""
        order = list(range(self.ndim))
        order[dim0], order[dim1] = order[dim1], order[dim0]
        if sorted(order[:len(self._places)]) != list(range(len(self._places))):
            raise RuntimeError("transpose: a dimension of the places and one of the values cannot be exchanged.")
        return _made(self._places[order[:len(self._places)]], self._parts, Size(self.shape[d] for d in order), False)

    def t(self) -> SparseTensor:
        """The transpose of a matrix."""
        return self.transpose(0, 1)

    T = property(t)
    mT = property(lambda self: self.transpose(-2, -1))

    def float(self) -> SparseTensor:
        """As float32."""
        return self.to(of_name("float32"))

    def double(self) -> SparseTensor:
        """As float64."""
        return self.to(of_name("float64"))

    def cpu(self, **kwargs) -> SparseTensor:
        """On the processor."""
        return self.to("cpu")

    def cuda(self, device=None, **kwargs) -> SparseTensor:
        """On a CUDA device."""
        return self.to("cuda" if device is None else device)

    def __mul__(self, other):
        if isinstance(other, SparseTensor):
            return (self.to_dense() * other.to_dense()).to_sparse()
        if isinstance(other, Tensor) and other.ndim:
            return _made(self._places, self._parts * other.expand(self.shape)[tuple(self._indices())], self.shape, self._in_order)
        return _made(self._places, self._parts * other, self.shape, self._in_order)

    __rmul__ = mul = __mul__

    def __truediv__(self, other):
        return _made(self._places, self._parts / other, self.shape, self._in_order) if not isinstance(other, Tensor) or not other.ndim else self.to_dense() / other

    div = __truediv__

    def __neg__(self):
        return self * -1

    def __add__(self, other):
        if not isinstance(other, SparseTensor):
            return self.to_dense() + other
        return _made(np.concatenate([self._places, other._places], 1), _all["cat"]([self._parts, other._parts]), self.shape, False)

    add = __add__

    def __sub__(self, other):
        return self + -other

    sub = __sub__

    def __setitem__(self, index, value):
        raise RuntimeError("A sparse tensor is not written to: build a new one, or write to to_dense().")

    def __repr__(self, *, tensor_contents=None) -> str:
        def inside(name, tensor):
            return f"{name}={tensor.detach()!r}".replace("\n", "\n" + " " * (len(name) + 1))

        text = f"{inside('indices', self._indices())},\n{inside('values', self._parts)},\nsize={tuple(self.shape)}, nnz={self._nnz()}, layout=torch.sparse_coo"
        text = text.replace("\n", "\n       ")
        if self._rg:
            text += ", requires_grad=True" if self._node is None else ",\n       grad_fn=<SparseCooTensorWithDimsAndTensorsBackward0>"
        return f"tensor({text})"

    __str__ = __repr__

    def __reduce_ex__(self, protocol):
        return _made, (self._places, self._parts, tuple(self.shape), self._in_order)


def _as_class(tensor, cls) -> Tensor:
    """The same tensor, with its history and without a step of its own, as an instance of `cls`."""
    made = wrap(tensor._array(), cls)
    made._rg, made._node, made._ver = tensor._rg, tensor._node, tensor._ver
    return made


def _made(places, values: Tensor, size, in_order: bool) -> SparseTensor:
    """A sparse tensor from its parts; the dense one carries the history of the values."""
    dense = _all["zeros"](size, dtype=values.dtype, device=values.device)
    if places.shape[1]:
        dense = dense.index_put(tuple(_all["tensor"](row) for row in places), values, accumulate=True)
    made = _as_class(dense, SparseTensor)
    made._places, made._parts, made._in_order = places, values, in_order
    return made


def sparse_coo_tensor(indices=None, values=None, size=None, *, dtype=None, device=None, pin_memory: bool = False, requires_grad: bool = False,
                      check_invariants: bool | None = None, is_coalesced: bool | None = None) -> SparseTensor:
    """A sparse tensor from the places and values of what is not 0; values at one place add up.

    Args:
        indices: one column per value, one row per dimension.
        size: the sizes; by default the least that hold the places.

    The dense tensor is kept too: this saves no memory.

    >>> import autodiff_lab as lab
    >>> lab.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3)).to_dense()
    tensor([[0., 0., 3.],
            [4., 0., 0.]])
    """
    if indices is None:
        places, values = np.zeros((len(size), 0), np.int64), _all["zeros"](0, dtype=dtype)
    else:
        places = (indices.detach().cpu().numpy() if isinstance(indices, Tensor) else np.asarray(indices)).astype(np.int64)
        values = values.to(dtype=dtype or values.dtype, device=device or values.device) if isinstance(values, Tensor) else _all["tensor"](values, dtype=dtype, device=device)
    if places.ndim != 2:
        raise RuntimeError(f"indices must be sparse_dim x nnz, but got: {list(places.shape)}")
    if values.ndim < 1 or values.shape[0] != places.shape[1]:
        raise RuntimeError(f"indices and values must have same nnz, but got nnz from indices: {places.shape[1]}, nnz from values: {values.shape[0] if values.ndim else 1}")
    if size is None:
        size = (*(int(row.max()) + 1 if row.size else 0 for row in places), *values.shape[1:])
    size = Size(size)
    if len(size) != len(places) + values.ndim - 1:
        raise RuntimeError(f"number of dimensions must be sparse_dim ({len(places)}) + dense_dim ({values.ndim - 1}), but got {len(size)}")
    if places.size and places.min() < 0:
        raise RuntimeError(f"found negative index {places.min()}")
    for d, row in enumerate(places):
        if row.size and row.max() >= size[d]:
            raise RuntimeError(f"size is inconsistent with indices: for dim {d}, size is {size[d]} but found index {row.max()}")
    made = _made(places, values, size, bool(is_coalesced))
    return made.requires_grad_() if requires_grad else made


def _to_sparse(self, layout=None, *, blocksize=None, dense_dim=None) -> SparseTensor:
    """The sparse tensor of what is not 0."""
    if layout is not None and layout is not sparse_coo and not isinstance(layout, int):
        raise NotImplementedError(f"to_sparse: the layout {layout} is not here, only torch.sparse_coo.")
    places = np.stack(np.nonzero((self != 0).cpu().numpy())).astype(np.int64)
    return _made(places, self[tuple(_all["tensor"](row) for row in places)], self.shape, True)


def _coo_to_csr(input: Tensor, size: int, *, out_int32: bool = False) -> Tensor:
    """From the row of each value, in order, to where each row begins: `size` + 1 numbers."""
    if input.ndim > 1:
        raise RuntimeError(f"Input is supposed to be a vector, but got {input.ndim} dimensional tensor.")
    begins = np.concatenate([[0], np.cumsum(np.bincount(input.detach().cpu().numpy(), minlength=size))])
    return _all["tensor"](begins.astype(np.int32 if out_int32 else np.int64))


def _csr_to_coo(crow_indices: Tensor, col_indices: Tensor, *, out_int32: bool = False, transpose: bool = False) -> Tensor:
    """From where each row begins and the column of each value to rows over columns, or columns over rows if `transpose`."""
    begins, columns = (t.detach().cpu().numpy() for t in (crow_indices, col_indices))
    both = [np.repeat(np.arange(len(begins) - 1), np.diff(begins)), columns]
    return _all["tensor"](np.stack(both[::-1] if transpose else both).astype(np.int32 if out_int32 else np.int64))


_all["sparse_coo_tensor"] = sparse_coo_tensor
_all["_convert_indices_from_coo_to_csr"], _all["_convert_indices_from_csr_to_coo"] = _coo_to_csr, _csr_to_coo
_all["spmm"] = _all["mm"]
Tensor.to_sparse = Tensor.to_sparse_coo = _to_sparse
