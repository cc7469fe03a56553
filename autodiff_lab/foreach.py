"""The same operator over lists of tensors: `_foreach_add_(params, grads, alpha=-lr)`, as optimizers of programs write it.

PyTorch has them for speed on GPUs; here each is a plain loop over the operator of the same name.
"""

from __future__ import annotations

from .core.op import public
from .core.tensor import Tensor

__all__: list[str] = []

_UNARY = ("abs", "acos", "asin", "atan", "ceil", "cos", "cosh", "erf", "erfc", "exp", "expm1", "floor", "frac", "lgamma", "log", "log10", "log1p", "log2", "neg", "reciprocal",
          "round", "rsqrt", "sigmoid", "sign", "sin", "sinh", "sqrt", "tan", "tanh", "trunc")
_BINARY = ("add", "sub", "mul", "div", "maximum", "minimum", "clamp_min", "clamp_max", "pow")


def _columns(count: int, *given) -> list:
    """Each argument as a list with one entry per tensor; a tensor or a number stands for all."""
    columns = []
    for values in given:
        if isinstance(values, Tensor) and values.ndim == 1 and len(values) == count:
            values = values.tolist()
        values = [values] * count if not isinstance(values, (list, tuple)) else values
        if len(values) != count:
            raise RuntimeError(f"Tensor lists must have the same number of tensors, got {count} and {len(values)}")
        columns.append(values)
    return columns


def _install(name: str, out_of_place, in_place) -> None:
    for suffix, function in (("", out_of_place), ("_", in_place)):
        if function is not None:
            function.__name__ = function.__qualname__ = f"_foreach_{name}{suffix}"
            function.__doc__ = f"`{name}{suffix}` for each tensor of the list{'; writes into them' if suffix else ''}."
            public[""][function.__name__] = function


def _unary(name: str) -> None:
    def out_of_place(self):
        return tuple(getattr(t, name)() for t in self)

    def in_place(self):
        for t in self:
            getattr(t, name + "_")()
        return tuple(self)

    _install(name, out_of_place, in_place)


def _binary(name: str) -> None:
    whole = name in ("maximum", "minimum")  # these take a tensor only
    options_of = ("alpha",) if name in ("add", "sub") else ()

    def one(t, value):
        return public[""]["full_like"](t, value) if whole and not isinstance(value, Tensor) else value

    def out_of_place(self, other, *, alpha=1):
        options = {"alpha": alpha} if options_of else {}
        if name == "pow" and not isinstance(self, (list, tuple)):
            return tuple(public[""]["pow"](self, e) for e in other)
        return tuple(getattr(t, name)(one(t, value), **options) for t, value in zip(self, *_columns(len(self), other), strict=True))

    def in_place(self, other, *, alpha=1):
        options = {"alpha": alpha} if options_of else {}
        for t, value in zip(self, *_columns(len(self), other), strict=True):
            t.copy_(getattr(t, name)(one(t, value))) if whole else getattr(t, name + "_")(value, **options)
        return tuple(self)

    _install(name, out_of_place, in_place)


def _ternary(name: str) -> None:
    def out_of_place(self, tensor1, tensor2, value=1):
        return tuple(getattr(t, name)(a, b, value=v) for t, a, b, v in zip(self, *_columns(len(self), tensor1, tensor2, value), strict=True))

    def in_place(self, tensor1, tensor2, value=1):
        for t, a, b, v in zip(self, *_columns(len(self), tensor1, tensor2, value), strict=True):
            getattr(t, name + "_")(a, b, value=v)
        return tuple(self)

    _install(name, out_of_place, in_place)


def _lerp(self, tensors1, weight):
    return tuple(t.lerp(a, w) for t, a, w in zip(self, *_columns(len(self), tensors1, weight), strict=True))


def _lerp_(self, tensors1, weight):
    for t, a, w in zip(self, *_columns(len(self), tensors1, weight), strict=True):
        t.lerp_(a, w)
    return tuple(self)


def _copy_(self, src, non_blocking: bool = False):
    for t, s in zip(self, src, strict=True):
        t.copy_(s)
    return tuple(self)


def _zero_(self):
    for t in self:
        t.zero_()


def _clone(self):
    return tuple(t.clone() for t in self)


def _norm(self, ord=2, dtype=None):
    return tuple(public["linalg"]["vector_norm"](t, ord, dtype=dtype) for t in self)


def _max(self):
    return tuple(t.max() for t in self)


for _name in _UNARY:
    _unary(_name)
for _name in _BINARY:
    _binary(_name)
_ternary("addcmul")
_ternary("addcdiv")
_install("lerp", _lerp, _lerp_)
_install("copy", None, _copy_)
_install("zero", None, _zero_)
_install("clone", _clone, None)
_install("norm", _norm, None)
_install("max", _max, None)


def _group_tensors_by_device_and_dtype(tensorlistlist, with_indices: bool = False) -> dict:
    """Parallel lists of tensors, split by the device and type of the first list: {(device, dtype): ([list, …], positions)}."""
    groups: dict = {}
    for i, row in enumerate(zip(*tensorlistlist, strict=True)):
        lists, positions = groups.setdefault((row[0].device, row[0].dtype), ([[] for _ in tensorlistlist], []))
        for column, tensor in zip(lists, row, strict=True):
            column.append(tensor)
        if with_indices:
            positions.append(i)
    return groups


def _has_foreach_support(tensors, device) -> bool:
    """True for the devices there are."""
    return device.type in ("cpu", "cuda") and all(t is None or isinstance(t, Tensor) for t in tensors)


def _get_foreach_kernels_supported_devices() -> list[str]:
    """Where PyTorch prefers lists to loops."""
    return ["cuda", "xpu"]


_get_fused_kernels_supported_devices = _get_foreach_kernels_supported_devices
