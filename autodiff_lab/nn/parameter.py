"""Parameters: tensors that a module trains, found by being assigned to it."""

from __future__ import annotations

from typing import Any

from ..core.overriding import disabled, takes_over
from ..core.tape import Version
from ..core.tensor import Tensor, wrap

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "is_lazy"]


def _as(cls, data: Tensor, requires_grad: bool) -> Any:  # a `cls`
    """A leaf of class `cls` that shares `data`'s memory and counts its writes."""
    version = data._ver
    if version is None:
        version = data._ver = Version()
    made = wrap(data._array(), cls)
    made._ver = version
    if requires_grad:
        made.requires_grad = True
    return made


class _ParameterKind(type):
    """An instance of a subclass of Tensor counts as a Parameter if it was made one."""

    def __instancecheck__(cls, instance) -> bool:
        return type.__instancecheck__(cls, instance) or cls is Parameter and isinstance(instance, Tensor) and instance.__dict__.get("_is_param", False)


class Parameter(Tensor, metaclass=_ParameterKind):
    """A tensor to be trained: assigned to a Module, it appears in `parameters()` and in the state dict.

    Args:
        data: the numbers; memory is shared, history is not.
        requires_grad: False freezes it.

    >>> import autodiff_lab as lab
    >>> lab.nn.Parameter(lab.zeros(2))
    Parameter containing:
    tensor([0., 0.], requires_grad=True)
    """

    __torch_function__ = disabled  # pyright: ignore[reportAssignmentType] - asked of the class, where it is called as a class method is

    def __new__(cls, data=None, requires_grad: bool = True):
        if data is None:
            from ..core.op import public
            data = public[""]["zeros"](0)
        if not isinstance(data, Tensor):
            raise TypeError(f"Creating a Parameter from an instance of type {type(data).__name__} requires a Tensor. Wrap the numbers with torch.tensor(...) first.")
        if takes_over(data) and type(data) is not Tensor:  # stays what it is, and is a parameter as well
            made = _as(type(data), data, requires_grad)
            made._is_param = True
            return made
        return _as(cls, data, requires_grad)

    def __deepcopy__(self, memo):
        if id(self) in memo:
            return memo[id(self)]
        made = _as(type(self), wrap(self._array().copy(order="K")), self._rg)
        memo[id(self)] = made
        return made

    def __repr__(self) -> str:
        return "Parameter containing:\n" + Tensor.__repr__(self)


class Buffer(Tensor):
    """A tensor that a module keeps but does not train; assigning it registers a buffer.

    Args:
        data: the numbers.
        persistent: whether it goes into the state dict.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.Module()
    >>> m.count = lab.nn.Buffer(lab.zeros(1))
    >>> list(m.state_dict())
    ['count']
    """

    __torch_function__ = disabled  # pyright: ignore[reportAssignmentType] - asked of the class, where it is called as a class method is

    def __new__(cls, data=None, *, persistent: bool = True):
        if data is None:
            from ..core.op import public
            data = public[""]["zeros"](0)
        made = _as(cls, data.detach(), data.requires_grad)
        made.persistent = persistent
        return made

    def __repr__(self) -> str:
        return "Buffer containing:\n" + Tensor.__repr__(self)


class _Uninitialized:
    """What parameters and buffers without a shape yet have in common: they know a dtype, and refuse everything else."""

    def materialize(self, shape, device=None, dtype=None) -> None:
        """Give the tensor its shape; its numbers are still anything."""
        from ..core.op import public

        made = public[""]["zeros"](*shape, dtype=dtype if dtype is not None else self.dtype, device=device if device is not None else self.device)
        self._a = made._a
        self.__class__ = self.cls_to_become

    @property
    def shape(self):
        """Unknown until the first input is seen."""
        raise RuntimeError("Can't access the shape of an uninitialized parameter or buffer. This error usually happens in `load_state_dict` when trying to load "
                           "an uninitialized parameter into an initialized one. Call `forward` to initialize the parameters before accessing their attributes.")

    def share_memory_(self):
        raise RuntimeError("Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the parameters before calling "
                           "`module.share_memory()`.")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    __str__ = __repr__


class UninitializedParameter(_Uninitialized, Parameter):
    """A parameter whose shape the first input will tell; see the Lazy modules.

    >>> import autodiff_lab as lab
    >>> w = lab.nn.UninitializedParameter()
    >>> w.materialize((2, 3))
    >>> w.shape
    torch.Size([2, 3])
    """

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device=None, dtype=None):
        from ..core.op import public

        return _as(cls, public[""]["zeros"](0, device=device, dtype=dtype), requires_grad)

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            memo[id(self)] = type(self)(self._rg, self.device, self.dtype)
        return memo[id(self)]


class UninitializedBuffer(_Uninitialized, Tensor):
    """A buffer whose shape the first input will tell.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.Module()
    >>> m.register_buffer("mean", lab.nn.UninitializedBuffer())
    >>> m.mean.materialize((2,))
    >>> m.mean.shape
    torch.Size([2])
    """

    cls_to_become = Tensor
    __torch_function__ = disabled  # pyright: ignore[reportAssignmentType] - asked of the class, where it is called as a class method is

    def __new__(cls, requires_grad: bool = False, device=None, dtype=None, persistent: bool = True):
        from ..core.op import public

        made = _as(cls, public[""]["zeros"](0, device=device, dtype=dtype), requires_grad)
        made.persistent = persistent
        return made


def is_lazy(param) -> bool:
    """True for a parameter or buffer that waits for its shape."""
    return isinstance(param, _Uninitialized)
