"""Lesser names that programs touch: copies of views, subclasses, old spellings, positions of flat numbers."""

from __future__ import annotations

import numpy as np

from ..core.arguments import Sizes, collect_ints
from ..core.dtypes import bool_, int64
from ..core.op import public
from ..core.outs import stored
from ..core.tensor import Tensor, wrap
from .indexing import BASIC
from .joining import let_go, split_like
from .viewing import select

# ---- copies of views ----


def _copy_of(name: str, view):
    def copy(input: Tensor, *args, out=None, **kwargs):
        made = view(input, *args, **kwargs)
        return stored(tuple([part.clone() for part in made]) if isinstance(made, tuple) else made.clone(), out, f"{name}_copy")
    copy.__name__, copy.__doc__ = f"{name}_copy", f"`{name}`, as a copy that shares no memory."
    return copy


def alias(input):
    """A view of the whole tensor."""
    return BASIC["alias"](input, ...)


def slice_(input, dim: int = 0, start=None, end=None, step: int = 1):
    """The view of `start:end:step` along `dim`."""
    return input[(slice(None),) * (dim % max(input.ndim, 1)) + (slice(start, end, step),)]


_VIEWS = {
    "alias": alias, "slice": slice_, "select": select, "detach": Tensor.detach, "split": Tensor.split,
    **{name: getattr(Tensor, name) for name in ("split_with_sizes", "as_strided", "diagonal", "expand", "permute", "squeeze", "t", "transpose", "unbind", "unfold", "unsqueeze", "view")},
}
for _name, _view in _VIEWS.items():
    public[""][f"{_name}_copy"] = _copy_of(_name, _view)


def slice_inverse(input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1):
    """The memory around `input`, a slice, with the shape of `src`, which it was cut from."""
    dim = dim % src.ndim
    return input.as_strided(src.shape, src.stride(), input.storage_offset() - (start or 0) * src.stride(dim))


def unsafe_split_with_sizes(input: Tensor, split_sizes: Sizes, dim: int = 0):
    """`split_with_sizes`; the parts may be written to in place."""
    return let_go(split_like(input, tuple(split_sizes), dim), "UnsafeSplitWithSizesBackward0")


def detach(input):
    """The same memory, outside the graph."""
    return input.detach()


def detach_(input):
    """Make the tensor a leaf, in place."""
    return input.detach_()


def unravel_index(indices, shape):
    """The positions, one tensor per dimension, of numbers that count the elements of `shape` in order.

    >>> import autodiff_lab as lab
    >>> lab.unravel_index(lab.tensor([5]), (2, 3))
    (tensor([1]), tensor([2]))
    """
    shape = (shape,) if isinstance(shape, int) else tuple(int(n) for n in shape)
    if indices._a.dtype.kind not in "iu":
        raise ValueError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    if any(n < 0 for n in shape):
        raise ValueError(f"'shape' cannot have negative values, but got {shape}")
    array, found = np.asarray(indices._a).astype(np.int64), []
    for n in reversed(shape):
        found.append(wrap(np.asarray(array % n)[()] if not array.ndim else array % n))
        array = array // n
    return tuple(reversed(found))


def spmm(input, mat2):
    """Matrix product. (In PyTorch `input` may be sparse; here it is dense.)"""
    return public[""]["matmul"](input, mat2)


public[""].update({made.__name__: made for made in (slice_inverse, unsafe_split_with_sizes, detach, detach_, unravel_index, spmm)})
Tensor.unsafe_split_with_sizes, Tensor.slice_inverse = unsafe_split_with_sizes, slice_inverse


# ---- methods ----

def sum_to_size(self, *size):
    """Summed over the dimensions that broadcasting from `size` would have stretched.

    >>> import autodiff_lab as lab
    >>> lab.ones(2, 3).sum_to_size(1, 3)
    tensor([[2., 2., 2.]])
    """
    from ..core.broadcast import sum_to_shape

    shape = collect_ints(size, None, "sum_to_size", "size")
    extra = self.ndim - len(shape)
    if extra < 0 or any(n not in (1, m) for n, m in zip(shape, self.shape[extra:], strict=True)):
        raise RuntimeError(f"size {{{list(shape)}}} is not expandable to size {{{list(self.shape)}}}.")
    if not self.ndim:
        return self.sum()
    if shape == tuple(self.shape):
        return self.view_as(self)
    return sum_to_shape(self.to(int64) if self.dtype is bool_ else self, shape)


def to_dense(self, dtype=None, *, masked_grad=None):
    """The tensor itself, which is dense; as `dtype` if one is given."""
    return self if dtype is None else self.to(dtype)


def as_subclass(self, cls):
    """The same tensor as an instance of a subclass of Tensor."""
    if not (isinstance(cls, type) and issubclass(cls, Tensor)):
        raise RuntimeError("cls must be a type that inherits from Tensor")
    alias = BASIC["alias"](self, ...)
    made = wrap(alias._a, cls)
    made._rg, made._node, made._ver, made._view = alias._rg, alias._node, alias._ver, alias._view
    return made


def map2_(self, x, y, callable):
    """Replace each element by `callable(element, element of x, element of y)`: slow, for the processor only."""
    array, a, b = self._array(), np.broadcast_to(x._a, self._a.shape), np.broadcast_to(y._a, self._a.shape)
    for position in np.ndindex(array.shape):
        array[position] = callable(array[position].item(), a[position].item(), b[position].item())
    return self


def const_data_ptr(self) -> int:
    """The address of the first element."""
    return self.data_ptr()


def record_stream(self, stream) -> None:
    """Nothing to do: memory is not shared between streams here."""


def storage_type(self):
    """The class of the tensor's storage."""
    return public[""]["TypedStorage"]


def __array_wrap__(self, array, context=None, return_scalar=False):
    made = wrap(np.asarray(array))
    return made.to(self.device)


def __rmatmul__(self, other):
    return public[""]["matmul"](public[""]["as_tensor"](other), self) if isinstance(other, (Tensor, np.ndarray)) else NotImplemented


def __delitem__(self, index) -> None:
    raise TypeError("Tensor does not support deleting items")


def _needs_sparse(name: str):
    def refuse(self):
        raise RuntimeError(f"{name} expected sparse tensor layout but got Strided: tensors are dense here.")
    refuse.__name__, refuse.__doc__ = name, "Only for sparse tensors, which there are none of here."
    return refuse


for _made in (sum_to_size, to_dense, as_subclass, map2_, const_data_ptr, record_stream, storage_type, __array_wrap__, __rmatmul__, __delitem__):
    setattr(Tensor, _made.__name__, _made)
for _name in ("indices", "values", "coalesce", "sparse_dim", "dense_dim"):
    setattr(Tensor, _name, _needs_sparse(_name))
Tensor.__long__, Tensor.__nonzero__ = Tensor.__int__, Tensor.__bool__
Tensor.name = property(lambda self: self._name)


def _to_sparse_csr(self, *args, **kwargs):
    """Refused: of sparse layouts only the coordinate one is here."""
    raise NotImplementedError("to_sparse_csr: compressed sparse layouts are not here. Use to_sparse(), or the dense tensor itself.")


Tensor.to_sparse_csr = _to_sparse_csr
