"""What can be asked of a tensor: memory layout, storage, kind; and exchange with other libraries by DLPack."""

from __future__ import annotations

import itertools
import operator

import numpy as np

from ..backend import is_array
from ..core.dtypes import dtype, dtype_of, promoted
from ..core.errors import caution
from ..core.modes import modes
from ..core.op import public
from ..core.tensor import Tensor, wrap

# ---- names for layouts and formats ----


class layout:
    """How a tensor's memory is organised; only `strided` computes here."""

    def __init__(self, name: str):
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self):
        return _named, (self._name,)


class memory_format(layout):
    """The order of dimensions in memory."""


strided, sparse_coo, sparse_csr, sparse_csc, sparse_bsr, sparse_bsc, _mkldnn = (layout(n) for n in (
    "strided", "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc", "_mkldnn"))
contiguous_format, channels_last, channels_last_3d, preserve_format = (memory_format(n) for n in (
    "contiguous_format", "channels_last", "channels_last_3d", "preserve_format"))


def _named(name: str):
    return globals()[name]


public[""].update({made._name: made for made in (strided, sparse_coo, sparse_csr, sparse_csc, sparse_bsr, sparse_bsc, _mkldnn,
                                                 contiguous_format, channels_last, channels_last_3d, preserve_format)})
public[""].update(layout=layout, memory_format=memory_format)


# ---- memory ----

def root_of(array):
    """The array that owns the memory which `array` looks at."""
    while True:
        base = array.base
        if base is not None and not isinstance(base, np.ndarray):
            base = getattr(base, "base", None)  # what NumPy's own as_strided puts between
        if not isinstance(base, np.ndarray) or base.dtype != array.dtype:
            return array
        array = base


def _address(array) -> int:
    return array.__array_interface__["data"][0] if isinstance(array, np.ndarray) else array.data.ptr


def stride(self, dim: int | None = None):
    """How many elements to step in memory from one element to the next along each dimension.

    >>> import autodiff_lab as lab
    >>> lab.zeros(2, 3).stride()
    (3, 1)
    """
    array = self._a
    if isinstance(array, np.generic):
        steps = ()
    elif not array.size:
        steps, size = [], 1
        for n in reversed(array.shape):
            steps.append(size)
            size *= max(n, 1)
        steps = tuple(reversed(steps))
    else:
        steps = [s // array.dtype.itemsize for s in array.strides]
        for d in reversed(range(len(steps))):
            if not steps[d] and array.shape[d] == 1:  # NumPy puts 0 for a new dimension of size 1, PyTorch the way across what follows
                steps[d] = array.shape[d + 1] * steps[d + 1] if d + 1 < len(steps) else 1
        steps = tuple(steps)
    if dim is None:
        return steps
    from .picking import one_dim
    return steps[one_dim(dim, len(steps))]


def storage_offset(self) -> int:
    """Where in its storage the tensor begins, in elements.

    >>> import autodiff_lab as lab
    >>> lab.arange(5)[2:].storage_offset()
    2
    """
    array = self._a
    if isinstance(array, np.generic) or not array.size:
        return 0
    root = root_of(array)
    while isinstance(root.base, np.ndarray):  # the memory may be that of another dtype: the real parts of complex numbers
        root = root_of(root.base)
    return (_address(array) - _address(root)) // array.dtype.itemsize


def is_contiguous(self, memory_format=None) -> bool:
    """True if the elements lie in memory in the order of their indices (or channels last, if asked).

    >>> import autodiff_lab as lab
    >>> lab.zeros(2, 3).is_contiguous(), lab.zeros(2, 3).T.is_contiguous()
    (True, False)
    """
    array = self._a
    if isinstance(array, np.generic):
        return True
    if memory_format is channels_last or memory_format is channels_last_3d:
        return array.ndim == (4 if memory_format is channels_last else 5) and np.moveaxis(array, 1, -1).flags.c_contiguous
    return array.flags.c_contiguous


def data_ptr(self) -> int:
    """The address of the first element."""
    return _address(self._array()) if self._a.size and not self.is_meta else 0


class UntypedStorage:
    """The bytes behind a tensor and its views."""

    def __init__(self, array):
        self._root = array

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return _address(self._root) if self._root.size else 0

    def nbytes(self) -> int:
        """How many bytes there are."""
        return int(self._root.nbytes)

    size = __len__ = nbytes

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + self.nbytes()

    @property
    def device(self):
        """Where the bytes are."""
        return wrap(self._root).device

    @classmethod
    def from_file(cls, filename, shared: bool = False, nbytes: int = 0) -> UntypedStorage:
        """The first `nbytes` bytes of a file, read when they are looked at; writes reach the file if `shared`."""
        if shared:
            with open(filename, "ab") as file:  # like PyTorch, make it large enough
                file.truncate(max(file.tell(), nbytes))
        return cls(np.asarray(np.memmap(filename, np.uint8, "r+" if shared else "c", shape=(nbytes,))) if nbytes else np.empty(0, np.uint8))

    def _bytes(self):
        return self._root.reshape(-1).view(np.uint8)

    def __getitem__(self, index):
        return UntypedStorage(self._bytes()[index]) if isinstance(index, slice) else int(self._bytes()[index])

    def __eq__(self, other) -> bool:
        return isinstance(other, UntypedStorage) and self.data_ptr() == other.data_ptr()

    def __hash__(self) -> int:
        return hash(self.data_ptr())

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return UntypedStorage(self._root)

    def tolist(self) -> list:
        """The bytes as Python ints."""
        return self._bytes().tolist()


class TypedStorage(UntypedStorage):
    """The numbers behind a tensor and its views, as one row.

    >>> import autodiff_lab as lab
    >>> x = lab.arange(6).view(2, 3)
    >>> list(x[1]._typed_storage())  # of the view, too
    [0, 1, 2, 3, 4, 5]
    """

    @property
    def dtype(self):
        """The type of the numbers."""
        return dtype_of(self._root)

    def size(self) -> int:
        """How many numbers there are."""
        return int(self._root.size)

    __len__ = size

    def _flat(self):
        return self._root.reshape(-1) if self._root.flags.c_contiguous else self._root.ravel(order="K")

    def __getitem__(self, index):
        found = self._flat()[index]
        return found.item() if isinstance(found, np.generic) else found.tolist()

    def __setitem__(self, index, value):
        self._flat()[index] = value

    def __iter__(self):
        return iter(self._flat().tolist())

    def tolist(self) -> list:
        """The numbers as Python numbers."""
        return self._flat().tolist()

    def __repr__(self) -> str:
        lines = "".join(f" {v}\n" for v in self)
        return f"{lines}[torch.storage.TypedStorage(dtype={self.dtype}, device=cpu) of size {len(self)}]"


def untyped_storage(self) -> UntypedStorage:
    """The bytes behind this tensor, shared with its views."""
    return UntypedStorage(root_of(self._array()))


def storage(self) -> TypedStorage:
    """The numbers behind this tensor as one row, shared with its views. Deprecated: use untyped_storage()."""
    caution("TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only storage class. "
            "This should only matter to you if you are using storages directly.  To access UntypedStorage directly, use tensor.untyped_storage() "
            "instead of tensor.storage()")
    return _typed_storage(self)


def _typed_storage(self) -> TypedStorage:
    return TypedStorage(root_of(self._array()))


for _made in (stride, storage_offset, is_contiguous, data_ptr, untyped_storage, storage):
    setattr(Tensor, _made.__name__, _made)
Tensor._typed_storage = _typed_storage
public[""].update(UntypedStorage=UntypedStorage, TypedStorage=TypedStorage)


def dim_order(self, *, ambiguity_check=False) -> tuple:
    """The dimensions from the slowest to the fastest in memory.

    Args:
        ambiguity_check: refuse an order that is not the only one (True), unless it is that of one of these memory formats (a list).

    Raises:
        RuntimeError: if that check fails.
        TypeError: if it is neither a truth value nor a list of memory formats.

    >>> import autodiff_lab as lab
    >>> lab.zeros(2, 3).dim_order(), lab.zeros(2, 3).T.dim_order()
    ((0, 1), (1, 0))
    """
    formats = ambiguity_check if isinstance(ambiguity_check, list) else []
    if not isinstance(ambiguity_check, (bool, list)) or not all(isinstance(each, memory_format) for each in formats):
        raise TypeError("The ambiguity_check argument must be a bool or a list of memory formats.")
    steps = self.stride()
    several = 1 in self.shape or any(a == b for a, b in itertools.pairwise(steps))
    if ambiguity_check is not False and several and sum(self.is_contiguous(memory_format=each) for each in formats) != 1:
        raise RuntimeError("The tensor does not have unique dim order, or cannot map to exact one of the given memory formats.")
    return tuple(sorted(range(self.ndim), key=lambda d: -steps[d]))


Tensor.dim_order = dim_order


# ---- what it is not ----

_PROPERTIES = {
    "is_cuda": lambda self: self.device.type == "cuda", "is_cpu": lambda self: self.device.type == "cpu",
    "is_meta": lambda self: self.device.type == "meta", "layout": lambda self: strided,
    **{name: lambda self: False for name in (
        "is_sparse", "is_sparse_csr", "is_quantized", "is_mkldnn", "is_mps", "is_xpu", "is_xla", "is_nested", "is_ipu", "is_vulkan", "is_maia", "is_mtia", "is_hpu")},
    "volatile": lambda self: False,
}
for _name, _ask in _PROPERTIES.items():
    setattr(Tensor, _name, property(_ask))


def get_device(self) -> int:
    """The number of its CUDA device; -1 on the processor.

    >>> import autodiff_lab as lab
    >>> lab.zeros(1).get_device()
    -1
    """
    return -1 if self.device.type == "cpu" else self.device.index or 0


def is_pinned(self, device=None) -> bool:
    """True if the memory is locked for transfers; never here."""
    return False


def pin_memory(self, device=None):
    """The tensor itself: there is no pinned memory here."""
    return self


def is_shared(self) -> bool:
    """True if the memory is shared between processes; never here."""
    return False


def share_memory_(self):
    """The tensor itself: memory is not shared between processes here."""
    return self


def is_set_to(self, tensor) -> bool:
    """True if both look at the same memory with the same sizes and strides.

    >>> import autodiff_lab as lab
    >>> x = lab.zeros(2)
    >>> x.is_set_to(x), x.is_set_to(lab.zeros(2))
    (True, False)
    """
    return self.data_ptr() == tensor.data_ptr() and self.shape == tensor.shape and self.stride() == tensor.stride()


def is_distributed(self) -> bool:
    """False: there is one machine."""
    return False


def resolve_conj(input):
    """The tensor itself: conjugates are computed at once here."""
    return input


def resolve_neg(input):
    """The tensor itself: negatives are computed at once here."""
    return input


def is_conj(input) -> bool:
    """False: conjugates are computed at once here."""
    return False


def is_neg(input) -> bool:
    """False: negatives are computed at once here."""
    return False


def is_same_size(input, other) -> bool:
    """True if the shapes agree."""
    return input._a.shape == other._a.shape


def is_nonzero(input) -> bool:
    """True if the one element is not zero.

    Raises:
        RuntimeError: if there is not exactly one element.
    """
    if input.numel() != 1:
        raise RuntimeError(f"Boolean value of Tensor with {'no' if not input.numel() else 'more than one'} value{'s' if not input.numel() else ''} is ambiguous")
    return bool(input.item())


for _made in (get_device, is_pinned, pin_memory, is_shared, share_memory_, is_set_to, is_distributed, resolve_conj, resolve_neg, is_conj, is_neg, is_same_size, is_nonzero):
    setattr(Tensor, _made.__name__, _made)
public[""].update({made.__name__: made for made in (resolve_conj, resolve_neg, is_conj, is_neg, is_same_size, is_nonzero, get_device, is_distributed)})


# ---- questions as functions ----

def is_tensor(obj) -> bool:
    """True for a tensor.

    >>> import autodiff_lab as lab
    >>> lab.is_tensor(lab.zeros(1)), lab.is_tensor(1.0)
    (True, False)
    """
    return isinstance(obj, Tensor)


def is_storage(obj) -> bool:
    """True for the storage of a tensor."""
    return isinstance(obj, UntypedStorage)


def _checked(name: str):
    def ask(input):
        if not isinstance(input, Tensor):
            raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
        return getattr(input, name)()
    ask.__name__, ask.__doc__ = name, getattr(Tensor, name).__doc__
    return ask


def result_type(tensor1, tensor2) -> dtype:
    """The dtype that an operation on both would have; each a tensor or a number.

    >>> import autodiff_lab as lab
    >>> lab.result_type(lab.tensor([1, 2]), 1.0)
    torch.float32
    """
    for value in (tensor1, tensor2):
        if not isinstance(value, (Tensor, int, float, complex, np.number)):
            raise TypeError(f"result_type() received an invalid combination of arguments: it takes tensors and numbers, not {type(value).__name__}")
    return promoted([t._a if isinstance(t, Tensor) else t for t in (tensor1, tensor2)])


def typename(obj) -> str:
    """The name of an object's type, such as "torch.FloatTensor"."""
    if isinstance(obj, Tensor):
        return obj.type()
    module = getattr(obj, "__module__", None) or getattr(type(obj), "__module__", "")
    name = getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None) or type(obj).__qualname__
    return name if module in ("builtins", "", None) else f"{module}.{name}"


public[""].update({made.__name__: made for made in (is_tensor, is_storage, result_type, typename)})
public[""].update({name: _checked(name) for name in ("numel", "is_floating_point", "is_complex", "is_signed", "is_inference")})


# ---- NumPy and others ----

def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
    """The tensor's memory as a DLPack capsule, for other libraries."""
    if self.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    array = self._array()
    if isinstance(array, np.ndarray):
        if array.dtype.name == "bfloat16":
            raise BufferError("DLPack export of bfloat16 is not supported by NumPy: convert with .float().")
        return array.__dlpack__(max_version=max_version, copy=copy) if max_version is not None or copy is not None else array.__dlpack__()
    return array.__dlpack__(stream=stream)


def __dlpack_device__(self):
    """Which device holds the memory, as DLPack numbers them."""
    return self._array().__dlpack_device__() if not isinstance(self._a, np.generic) else (1, 0)


_AS_OPERATOR = {
    "add": "add", "subtract": "sub", "multiply": "mul", "true_divide": "div", "divide": "div", "floor_divide": "floor_divide", "power": "pow", "remainder": "remainder",
    "matmul": "matmul", "equal": "eq", "not_equal": "ne", "less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge", "maximum": "maximum", "minimum": "minimum",
    "bitwise_and": "bitwise_and", "bitwise_or": "bitwise_or", "bitwise_xor": "bitwise_xor", "negative": "neg", "absolute": "abs", "exp": "exp", "log": "log", "sqrt": "sqrt",
    "sin": "sin", "cos": "cos", "tan": "tan", "tanh": "tanh", "isnan": "isnan", "isinf": "isinf", "isfinite": "isfinite", "sign": "sign", "floor": "floor", "ceil": "ceil",
    "log1p": "log1p", "expm1": "expm1", "log2": "log2", "log10": "log10", "square": "square", "arctan2": "atan2", "sinh": "sinh", "cosh": "cosh", "arcsin": "asin",
    "arccos": "acos", "arctan": "atan", "reciprocal": "reciprocal", "logical_not": "logical_not", "logical_and": "logical_and", "logical_or": "logical_or",
}


_SIGNS = {"add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv, "true_divide": operator.truediv, "floor_divide": operator.floordiv,
          "power": operator.pow, "remainder": operator.mod, "matmul": operator.matmul, "bitwise_and": operator.and_, "bitwise_or": operator.or_, "bitwise_xor": operator.xor,
          "left_shift": operator.lshift, "right_shift": operator.rshift}
_COMPARES = {"equal": operator.eq, "not_equal": operator.ne, "less": operator.lt, "less_equal": operator.le, "greater": operator.gt, "greater_equal": operator.ge}


def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
    """NumPy's functions on tensors: ours of the same name, so that the result is a tensor and gradients flow."""
    if method == "__call__" and not kwargs and len(inputs) == 2 and not isinstance(inputs[0], Tensor) and np.ndim(inputs[0]) == 0:
        first = inputs[0]
        if isinstance(first, np.generic) and ufunc.__name__ in _SIGNS or isinstance(first, (np.generic, np.ndarray)) and ufunc.__name__ in _COMPARES:
            return (_SIGNS.get(ufunc.__name__) or _COMPARES[ufunc.__name__])(first.item(), inputs[1])  # a number of NumPy's before a tensor, as in np.float64(2) * x
    beside = [v for v in inputs if isinstance(v, np.ndarray)]
    wanted = modes.grad and any(isinstance(v, Tensor) and v.requires_grad for v in inputs)
    # Without gradients NumPy computes, and its types count.
    if wanted and method == "__call__" and not kwargs and ufunc.__name__ in _AS_OPERATOR:
        from ..core.op import registry

        made = registry.get(_AS_OPERATOR[ufunc.__name__])
        if made is not None and all(isinstance(v, (Tensor, int, float, complex, np.generic)) or isinstance(v, np.ndarray) for v in inputs):
            arrays = [wrap(np.array(v)) if isinstance(v, np.ndarray) else v.item() if isinstance(v, np.generic) else v for v in inputs]
            if beside:
                common = dtype_of(np.result_type(*(v._a if isinstance(v, Tensor) else v for v in arrays)))
                arrays = [v.to(common) if isinstance(v, Tensor) else v for v in arrays]
            for i, param in enumerate(made.tensor_params[:len(arrays)]):
                if not isinstance(arrays[i], Tensor) and (i == 0 or param.kind == "tensor"):
                    arrays[i] = public[""]["as_tensor"](arrays[i])
            return made.function(*arrays)
    # Anything else is computed by NumPy on the numbers, as for any object with __array__.
    plain = [v.numpy() if isinstance(v, Tensor) else v for v in inputs]
    out = kwargs.get("out")
    if out is not None:
        kwargs["out"] = tuple(v.numpy() if isinstance(v, Tensor) else v for v in out)
    result = getattr(ufunc, method)(*plain, **kwargs)
    if isinstance(result, tuple):
        return tuple(wrap(r) if is_array(r) and np.dtype(r.dtype).kind in "biufc" else r for r in result)
    if is_array(result) and result.dtype == bool and ufunc.__name__ not in _COMPARES:
        result = result.astype(np.uint8)  # as PyTorch gives it back, from the time before it had truth values
    return wrap(result) if is_array(result) else result


Tensor.__dlpack__, Tensor.__dlpack_device__, Tensor.__array_ufunc__ = __dlpack__, __dlpack_device__, __array_ufunc__


def to_dlpack(tensor):
    """The tensor's memory as a DLPack capsule, for other libraries."""
    return tensor.__dlpack__()


public[""].update(to_dlpack=to_dlpack)


# ---- element by element, in Python ----

def apply_(self, callable):
    """Replace each element by `callable(element)`: slow, for the processor only.

    >>> import autodiff_lab as lab
    >>> lab.tensor([1.0, 2.0]).apply_(lambda a: a * 10)
    tensor([10., 20.])
    """
    if self.requires_grad:
        raise RuntimeError("Can't call apply_() on Variable that requires grad. Use var.detach().apply_() instead.")
    array = self._array()
    for position in np.ndindex(array.shape):
        array[position] = callable(array[position].item())
    return self


def map_(self, tensor, callable):
    """Replace each element by `callable(element, element of tensor)`: slow, for the processor only.

    >>> import autodiff_lab as lab
    >>> x = lab.tensor([1.0, 2.0])
    >>> x.map_(lab.tensor([10.0, 20.0]), lambda a, b: a + b)
    tensor([11., 22.])
    """
    array, other = self._array(), np.broadcast_to(tensor._a, self._a.shape)
    for position in np.ndindex(array.shape):
        array[position] = callable(array[position].item(), other[position].item())
    return self


Tensor.apply_, Tensor.map_ = apply_, map_
