"""The constructors of old: `Tensor(3, 4)`, `FloatTensor([1, 2])`, `LongTensor(5)`, `autograd.Variable`.

A name like FloatTensor is no class of its own tensors but a type to ask: `isinstance(t, FloatTensor)`.
"""

from __future__ import annotations

import numpy as np

from ..core.arguments import collect_ints
from ..core.dtypes import _all, dtype, get_default_dtype
from ..core.errors import caution
from ..core.op import public
from ..core.tensor import Size, Tensor, wrap
from .from_data import as_tensor, finish, from_data

__all__ = ["legacy_new"]


def legacy_new(wanted: dtype, args: tuple, where=None) -> Tensor:
    """A tensor from sizes (not filled), or from data, as `FloatTensor(...)` decides it."""
    if not args:
        return finish(np.empty(0, wanted.numpy), None, where, False)
    if len(args) == 1:
        data = args[0]
        if isinstance(data, Tensor):
            if data.dtype is not wanted:
                raise TypeError(f"expected {data.type()} (got torch.{wanted.title}Tensor): convert with .to({wanted!r}) instead.")
            return data.detach()
        if isinstance(data, Size):
            return finish(np.empty(tuple(data), wanted.numpy), None, where, False)
        if isinstance(data, np.ndarray) and data.dtype == wanted.numpy:
            return as_tensor(data, device=where)
        if hasattr(data, "__iter__") or isinstance(data, np.ndarray):
            return finish(from_data(data if isinstance(data, np.ndarray) else list(data), wanted), wanted, where, False)
    if len(args) == 1 and isinstance(args[0], (float, str, complex)):
        raise TypeError(f"new(): data must be a sequence (got {type(args[0]).__name__})")
    try:
        shape = collect_ints(args, None, "new", "size") if args else (0,)
    except TypeError:
        raise TypeError(f"new(): argument 'size' must be ints, or one sequence of numbers as data, got ({', '.join(type(a).__name__ for a in args)}).") from None
    if any(n < 0 for n in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    # PyTorch leaves the memory as it was; zeros hide no bug and are as cheap.
    return finish(np.zeros(shape, wanted.numpy), None, where, False)


def _legacy_new(cls, *args, device=None, **kwargs):
    """`Tensor(...)`, and subclasses that do not make their own."""
    if kwargs:
        raise TypeError(f"new() got an unexpected keyword argument '{next(iter(kwargs))}'. Use torch.tensor(data, ...) for options.")
    if cls is not Tensor and len(args) == 1 and isinstance(args[0], Tensor):
        source = args[0].detach()
    else:
        source = legacy_new(get_default_dtype(), args, device)
    if cls is Tensor:
        return source
    made = wrap(source._a, cls)
    made._ver = source._ver
    return made


public[""]["_legacy_new"] = _legacy_new


class _TypedMeta(type):
    def __instancecheck__(cls, value):
        return isinstance(value, Tensor) and value.dtype is cls._legacy_dtype and (value.device.type == "cuda") == cls._on_cuda

    def __call__(cls, *args, device=None):
        return legacy_new(cls._legacy_dtype, args, device if device is not None else "cuda" if cls._on_cuda else None)

    def __repr__(cls):
        return f"<class '{cls.__module__}.{cls.__name__}'>"


def typed(made: dtype, on_cuda: bool = False):
    """The old constructor for one dtype, e.g. FloatTensor."""
    return _TypedMeta(f"{made.title}Tensor", (), {"__module__": "torch.cuda" if on_cuda else "torch", "_legacy_dtype": made, "_on_cuda": on_cuda,
                                                  "dtype": made, "__doc__": f"`{made.title}Tensor(...)` makes a tensor of {made}; use torch.tensor(data, dtype={made}).\n\n"
                                                  f"    >>> import autodiff_lab as lab\n    >>> lab.{made.title}Tensor([0, 1]).dtype\n    {made}\n    "})


for _made in _all.values():
    if _made.title.startswith(("UInt", "Complex")):
        continue
    public[""][f"{_made.title}Tensor"] = typed(_made)
    public.setdefault("cuda", {})[f"{_made.title}Tensor"] = typed(_made, True)


def set_default_tensor_type(t) -> None:
    """Make the dtype of a tensor type such as FloatTensor the default. Deprecated: use set_default_dtype."""
    from ..core.dtypes import set_default_dtype
    from .conversion import named_type

    caution("torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use torch.set_default_dtype() and torch.set_default_device() as alternatives.")
    set_default_dtype(named_type(t))


public[""]["set_default_tensor_type"] = set_default_tensor_type
