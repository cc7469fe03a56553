"""The tensor: an array, whether it wants a gradient, and the node that made it.

Almost every method is an operator, put here by `core.op.install` from the files in `ops/`. What is
written out below is what a tensor *is*: its array, its place in the graph, its conversions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .devices import device, device_of
from .dtypes import dtype_of
from .modes import modes
from .results import Size
from .tape import Handle, Version

__all__ = ["Size", "Tensor", "wrap"]


_new = object.__new__


class Extra:
    """What few tensors have: hooks and a wish to retain the gradient."""

    __slots__ = ("hooks", "post_hooks", "retains_grad")

    def __init__(self):
        self.hooks, self.post_hooks, self.retains_grad = {}, {}, False


class _Slots:
    __slots__ = ("_a", "_node", "_rg", "_ver", "_view")


class Tensor(_Slots):
    """A multi-dimensional array of one dtype that can take part in automatic differentiation.

    `_a` is the NumPy or CuPy array (a NumPy scalar for results without dimensions, until somebody needs
    memory), `_rg` whether a gradient is wanted, `_node` what made it (None for a leaf). `_view` is a
    `views.View` if the memory is another tensor's; `_ver` counts in-place writes and is shared with views.

    >>> import autodiff_lab as lab
    >>> x = lab.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    # Class-level defaults: an instance spends nothing on them until one is set.
    _grad: Tensor | None = None
    _x: Extra | None = None
    _inference = False
    _start_backward = None  # autograd.backward, once it is loaded
    _name: str | None = None
    __array_priority__ = 1000

    def __new__(cls, *args, **kwargs):
        from .op import public

        return public[""]["_legacy_new"](cls, *args, **kwargs)

    def __init__(self, *args, **kwargs):
        pass

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        from .overriding import note_class
        note_class(cls)

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        """What a subclass does with a function that one of its instances was given to: run it and keep the class. Override to do something else."""
        if not all(issubclass(cls, t) for t in types):
            return NotImplemented
        from .overriding import default
        return default(cls, func, args, kwargs)

    @staticmethod
    def _wrap(array) -> Tensor:
        return wrap(array)

    @staticmethod
    def _make_subclass(cls, data, require_grad: bool = False) -> Tensor:  # pyright: ignore[reportSelfClsParameterName] - PyTorch's name
        """A leaf of class `cls` that shares the memory of `data`."""
        made = wrap(data._array(), cls)
        made.requires_grad = require_grad
        return made

    def _array(self):
        """The array itself, with memory that views and NumPy can share."""
        array = self._a
        if isinstance(array, np.generic):
            array = self._a = np.array(array)
        return array

    # ---- what it is ----

    @property
    def shape(self) -> Size:
        """The size of each dimension."""
        return tuple.__new__(Size, self._a.shape)  # past the look at each size

    @property
    def dtype(self):
        """What each element is, e.g. torch.float32."""
        return dtype_of(self._a.dtype)

    @property
    def device(self) -> device:
        """Where the numbers live."""
        return device_of(self._a)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._a.ndim

    def dim(self) -> int:
        """The number of dimensions.

        >>> import autodiff_lab as lab
        >>> lab.zeros(2, 3).dim()
        2
        """
        return self._a.ndim

    ndimension = dim

    def size(self, dim: int | None = None) -> Any:  # a Size, or an int for one dimension
        """The shape, or the size of one dimension.

        >>> import autodiff_lab as lab
        >>> x = lab.zeros(2, 3)
        >>> x.size(), x.size(1)
        (torch.Size([2, 3]), 3)
        """
        if dim is None:
            return tuple.__new__(Size, self._a.shape)  # past the look at each size
        n = self._a.ndim
        if dim.__class__ is not int:
            from .arguments import integer
            dim = integer("size", "dim", dim)
        if not -max(n, 1) <= dim < max(n, 1) or n == 0:
            from .errors import dim_message
            raise IndexError(dim_message(dim, n) if n else "Dimension specified as 0 but tensor has no dimensions")
        return self._a.shape[dim]

    def numel(self) -> int:
        """The number of elements.

        >>> import autodiff_lab as lab
        >>> lab.zeros(2, 3).numel()
        6
        """
        return int(self._a.size)

    nelement = numel

    def element_size(self) -> int:
        """Bytes per element.

        >>> import autodiff_lab as lab
        >>> lab.zeros(1).element_size()
        4
        """
        return self._a.dtype.itemsize

    @property
    def itemsize(self) -> int:
        """The bytes of one element."""
        return self._a.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The bytes of all elements.

        >>> import autodiff_lab as lab
        >>> lab.zeros(2, 3).nbytes
        24
        """
        return int(self._a.size) * self._a.dtype.itemsize

    def __len__(self) -> int:
        if not self._a.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self._a.shape[0]

    def is_floating_point(self) -> bool:
        """True for float16, bfloat16, float32 and float64.

        >>> import autodiff_lab as lab
        >>> lab.zeros(1).is_floating_point(), lab.tensor([1]).is_floating_point()
        (True, False)
        """
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        """True for complex64 and complex128.

        >>> import autodiff_lab as lab
        >>> lab.tensor([1j]).is_complex()
        True
        """
        return self.dtype.is_complex

    def is_signed(self) -> bool:
        """True if the dtype can hold negative numbers."""
        return self.dtype.is_signed

    # ---- its place in the graph ----

    @property
    def requires_grad(self) -> bool:
        """True if gradients are computed for this tensor.

        >>> import autodiff_lab as lab
        >>> w = lab.ones(1, requires_grad=True)
        >>> w.requires_grad, (w * 2).requires_grad, (w * 2).detach().requires_grad
        (True, True, False)
        """
        return self._rg or (self._view is not None and self._view.base._rg)

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value is not True and value is not False:
            raise RuntimeError(f"requires_grad must be a bool, not {type(value).__name__}")
        if value and not self.dtype.is_floating_point and not self.dtype.is_complex:
            raise RuntimeError("only Tensors of floating point dtype can require gradients. "
                               f"This one holds {self.dtype}: make it floating point first, e.g. with .float().")
        if self._node is not None:
            if not value:
                raise RuntimeError("you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph "
                                   "that doesn't require differentiation use var_no_grad = var.detach().")
            return
        self._rg = bool(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for gradients (or stop asking), in place. Returns the tensor.

        >>> import autodiff_lab as lab
        >>> lab.zeros(2).requires_grad_()
        tensor([0., 0.], requires_grad=True)
        """
        if requires_grad is not True and requires_grad is not False:
            raise TypeError(f"requires_grad_(): argument 'requires_grad' (position 1) must be bool, not {type(requires_grad).__name__}")
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """True if no recorded operator made it: what you made yourself, and what needs no gradient.

        >>> import autodiff_lab as lab
        >>> w = lab.ones(1, requires_grad=True)
        >>> w.is_leaf, (w * 2).is_leaf
        (True, False)
        """
        if self._view is not None:
            _sync(self)
        return self._node is None

    @property
    def grad_fn(self):
        """The node that made this tensor; None for a leaf.

        >>> import autodiff_lab as lab
        >>> w = lab.ones(1, requires_grad=True)
        >>> (w * 2).grad_fn.name(), w.grad_fn
        ('MulBackward0', None)
        """
        if self._view is not None:
            _sync(self)
        node = self._node
        return node.edges[0] if node is not None and node.op.is_port else node

    @property
    def output_nr(self) -> int:
        """Which output of `grad_fn` this is."""
        node = self._node
        return node.saved[0] if node is not None and node.op.is_port else 0

    @property
    def grad(self):
        """The gradient that backward() added up; None before.

        >>> import autodiff_lab as lab
        >>> w = lab.tensor([1.0, 2.0], requires_grad=True)
        >>> for _ in range(2):  # a second pass adds to the first
        ...     (w * w).sum().backward()
        >>> w.grad
        tensor([4., 8.])
        """
        if self._grad is None and self._node is not None and not (self._x and self._x.retains_grad):
            from .errors import caution
            caution("The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be populated during "
                    "autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, use .retain_grad() on the "
                    "non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access the leaf Tensor instead. "
                    "See github.com/pytorch/pytorch/pull/30531 for more information.")
        return self._grad

    @grad.setter
    def grad(self, value) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}")
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
            if value._a.dtype != self._a.dtype:
                raise RuntimeError(f"attempting to assign a gradient with dtype '{value.dtype.name}' to a tensor with grad_dtype '{self.dtype.title}'. "
                                   "The gradient must match the tensor's grad_dtype (defaults to the tensor's dtype). Convert it with .to().")
            if value._a.shape != self._a.shape:
                raise RuntimeError(f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of size '{list(self.shape)}'. "
                                   "Please ensure that the gradient and the tensor are the same size")
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def data(self) -> Tensor:
        """The same memory without history. Writes to it are not noticed by the tape: prefer detach().

        >>> import autodiff_lab as lab
        >>> w = lab.ones(2, requires_grad=True)
        >>> w.data -= 0.5
        >>> w
        tensor([0.5000, 0.5000], requires_grad=True)
        """
        made = wrap(self._array())
        return made

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self._rg and not value.is_floating_point() and not value.is_complex():
            raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
        if self._view is not None:  # it looks at other memory now: its history is its own
            from .views import sync
            sync(self)
            self._rg, self._view = self.requires_grad, None
        self._a = value._array()

    def detach(self) -> Tensor:
        """The same memory, outside the graph. A write to either is seen by both, and by the tape.

        >>> import autodiff_lab as lab
        >>> x = lab.ones(2, requires_grad=True)
        >>> (x * 2).detach()
        tensor([2., 2.])
        """
        made = wrap(self._array())
        if self._ver is None:
            self._ver = Version()
        made._ver = self._ver
        return made

    def detach_(self) -> Tensor:
        """Make this tensor a leaf, in place.

        >>> import autodiff_lab as lab
        >>> y = lab.ones(1, requires_grad=True) * 2
        >>> y.detach_()
        tensor([2.])
        """
        if self._view is not None:
            raise RuntimeError("Can't detach views in-place: use detach() instead. (Views created by operations on a base share its history.)")
        self._node, self._rg = None, False
        return self

    @property
    def _version(self) -> int:
        return 0 if self._ver is None else self._ver.count

    @property
    def _base(self):
        return None if self._view is None else self._view.base

    def _is_view(self) -> bool:
        return self._view is not None

    def is_inference(self) -> bool:
        """True if made inside `inference_mode`."""
        return self._inference

    def retain_grad(self) -> None:
        """Keep `.grad` for this tensor although it is not a leaf.

        >>> import autodiff_lab as lab
        >>> x = lab.ones(1, requires_grad=True)
        >>> y = x * 2
        >>> y.retain_grad()
        >>> (y * y).backward()
        >>> y.grad
        tensor([4.])
        """
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self._view is not None:
            _sync(self)
        if self._node is None or (self._x and self._x.retains_grad):
            return
        import weakref
        self._extra().retains_grad = True
        self._node.meta.retain.append(weakref.ref(self))

    @property
    def retains_grad(self) -> bool:
        """True if this non-leaf keeps its gradient."""
        return self._x is not None and self._x.retains_grad

    def _extra(self) -> Extra:
        if self._x is None:
            self._x = Extra()
        return self._x

    def register_hook(self, hook) -> Handle:
        """Call `hook(grad)` when the gradient of this tensor is known; what it returns takes its place.

        Raises:
            RuntimeError: if the tensor does not require a gradient.

        >>> import autodiff_lab as lab
        >>> x = lab.ones(1, requires_grad=True)
        >>> handle = x.register_hook(lambda grad: grad * 10)
        >>> (x * 2).backward()
        >>> x.grad
        tensor([20.])
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self._view is not None:
            _sync(self)
        return Handle(self._extra().hooks if self._node is None else self._node.meta.tensor_hooks, hook)

    def register_post_accumulate_grad_hook(self, hook) -> Handle:
        """Call `hook(tensor)` after a gradient was added to `.grad` of this leaf.

        >>> import autodiff_lab as lab
        >>> w = lab.ones(1, requires_grad=True)
        >>> handle = w.register_post_accumulate_grad_hook(lambda p: print("arrived:", p.grad))
        >>> (w * 3).backward()
        arrived: tensor([3.])
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self._view is not None:
            _sync(self)
        if self._node is not None:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        return Handle(self._extra().post_hooks, hook)

    def backward(self, gradient=None, retain_graph=None, create_graph: bool = False, inputs=None) -> None:
        """Compute the gradient of this tensor with respect to the leaves, and add it to their `.grad`.

        Args:
            gradient: the gradient to start from; needed unless this tensor has one element.
            retain_graph: keep what the graph saved, for another pass; default `create_graph`.
            create_graph: record this pass, so that gradients can be differentiated.
            inputs: the leaves to add to; all others are left alone.

        Raises:
            RuntimeError: if nothing requires a gradient, the tensor is not a scalar and has no `gradient`,
                or what was saved is gone.

        >>> import autodiff_lab as lab
        >>> x = lab.tensor([1.0, 2.0], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([2., 4.])
        """
        Tensor._start_backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    # ---- conversions ----

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The numbers as a NumPy array that shares this tensor's memory.

        Raises:
            RuntimeError: if the tensor requires a gradient and gradients are recorded (use detach()).
            TypeError: if it lives on another device (use cpu()).

        >>> import autodiff_lab as lab
        >>> x = lab.zeros(2)
        >>> x.numpy()[0] = 5  # the same memory
        >>> x
        tensor([5., 0.])
        """
        if force:
            return self.detach().cpu().numpy()
        if self.requires_grad and modes.grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        array = self._array()
        if not isinstance(array, np.ndarray):
            raise TypeError(f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first.")
        if self.dtype.name == "bfloat16":
            raise TypeError("Got unsupported ScalarType BFloat16")
        return array

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def item(self):
        """The one number in this tensor, as a Python number.

        Raises:
            RuntimeError: if there is not exactly one element.

        >>> import autodiff_lab as lab
        >>> lab.tensor([[2.5]]).item()
        2.5
        """
        if self._a.__class__ is np.float32:
            return float(self._a)  # several times as fast as NumPy's item()
        try:
            value = self._a.item()
        except ValueError:
            raise RuntimeError(f"a Tensor with {self._a.size} elements cannot be converted to Scalar") from None
        return value if value.__class__ in (float, int, bool, complex) else float(value)

    def tolist(self):
        """The numbers as nested Python lists; one number for a 0-dim tensor.

        >>> import autodiff_lab as lab
        >>> lab.tensor([[1, 2], [3, 4]]).tolist()
        [[1, 2], [3, 4]]
        """
        array = self._a if isinstance(self._a, (np.ndarray, np.generic)) else self._a.get()
        return (array.astype(np.float32) if self.dtype.name == "bfloat16" else array).tolist()

    def __bool__(self) -> bool:
        if self._a.size != 1:
            raise RuntimeError("Boolean value of Tensor with no values is ambiguous" if not self._a.size else
                               "Boolean value of Tensor with more than one value is ambiguous. Use .any() or .all().")
        return bool(self._a.item())

    def __float__(self) -> float:
        self._warn_of_gradients()
        return float(self._scalar())

    def __int__(self) -> int:
        return int(self._scalar())

    def __complex__(self) -> complex:
        self._warn_of_gradients()
        return complex(self._scalar())

    def _warn_of_gradients(self) -> None:
        if modes.grad and self.requires_grad:
            from .errors import caution
            caution("Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\nConsider using tensor.detach() first.")

    def _scalar(self):
        if self._a.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self._a.item()

    def __index__(self) -> int:
        if self._a.size != 1 or self._a.dtype.kind not in "iub":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._a.item())

    __hash__ = object.__hash__  # == compares elements, but as a key a tensor is itself

    def __iter__(self):
        if not self._a.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __reversed__(self):
        return self.flip(0) if self._a.ndim else self

    def __contains__(self, value) -> bool:
        if isinstance(value, (Tensor, int, float, bool, complex)):
            return bool((self == value).any())
        raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(value)}.")

    def __repr__(self, *, tensor_contents=None) -> str:
        return _text(self)

    def __format__(self, spec: str) -> str:
        if not self._a.ndim and type(self) is Tensor and self.device.type != "meta":
            return format(self.item(), spec)
        return object.__format__(self, spec)

    def __deepcopy__(self, memo):
        if self._node is not None:
            raise RuntimeError("Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment. "
                               "If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage. Use detach().clone().")
        if id(self) in memo:
            return memo[id(self)]
        array = self._a
        made = wrap(array if isinstance(array, np.generic) else array.copy(order="K"), type(self))
        made._rg = self._rg
        memo[id(self)] = made
        if self._grad is not None:
            made._grad = self._grad.__deepcopy__(memo)
        own = attributes(self)
        if own:
            import copy

            made.__dict__.update(copy.deepcopy(own, memo))
        return made

    def __reduce_ex__(self, protocol):
        from ..backend import to_host

        return _rebuild, (type(self), to_host(self._array()), self._rg, str(self.device)), state_of(self) or None

    def __dir__(self):
        return sorted(set(object.__dir__(self)))

    # No __getattr__: Python would then look up every attribute the long way, also those that are there.


def wrap(array, cls=Tensor) -> Tensor:
    """A tensor around `array`, without history."""
    tensor = _new(cls)
    tensor._a = array
    tensor._rg = False
    tensor._node = tensor._view = tensor._ver = None
    return tensor


def attributes(tensor) -> dict:
    """What a program has set on a tensor: it goes along when the tensor is copied."""
    return {name: value for name, value in tensor.__dict__.items() if not hasattr(Tensor, name)}


def state_of(tensor):
    """What is saved with a tensor beside its numbers: what its class says (`__getstate__`), or its attributes."""
    written = getattr(type(tensor), "__getstate__", None)
    return attributes(tensor) if written is getattr(object, "__getstate__", None) else written(tensor)


def _rebuild(cls, array, requires_grad, where):
    made = wrap(array, cls)
    made._rg = requires_grad
    return made.to(where) if where != "cpu" else made


def _text(tensor) -> str:
    from . import printing

    return printing.tensor_repr(tensor)


def _sync(view) -> None:
    from .views import sync

    sync(view, True)
