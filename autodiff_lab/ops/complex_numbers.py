"""Complex numbers: real and imaginary parts, angle, polar form, and views as pairs of real numbers."""

from __future__ import annotations

import math

from ..backend import namespace
from ..core.dtypes import dtype_of
from ..core.op import op, ops, public
from ..core.outs import stored
from ..core.samples import also, away_from, calls, reals
from ..core.tensor import Tensor
from .rounding import need_tensors


def complexes(shape=(3, 4)):
    return calls(lambda r: ((r.normal(size=shape) + 1j * r.normal(size=shape),), {}))


def both():
    """Real and complex samples."""
    yield from reals()()
    yield from complexes()()


@op(category="pointwise", latex=r"\operatorname{Re} z", samples=both, view="maybe", out=False)
def real(input: Tensor) -> Tensor:
    """The real part, as a view; a real tensor is returned as it is.

    >>> import autodiff_lab as lab
    >>> lab.real(lab.tensor([1 + 2j]))
    tensor([1.])
    """
    return input.real if input.dtype.kind == "c" else input


@real.vjp("input", latex="1")
def _(grad):
    return grad


@op(category="pointwise", latex=r"\operatorname{Im} z", samples=complexes(), view=True, out=False)
def imag(input: Tensor) -> Tensor:
    """The imaginary part, as a view.

    Raises:
        RuntimeError: for real tensors.

    >>> import autodiff_lab as lab
    >>> lab.imag(lab.tensor([1 + 2j]))
    tensor([2.])
    """
    if input.dtype.kind != "c":
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return input.imag


@imag.vjp("input", latex="i")
def _(grad):
    return grad * 1j


@op(category="pointwise", latex=r"\arg z", samples=also(away_from(0.0), complexes()))
def angle(input: Tensor) -> Tensor:
    """The angle of a complex number; 0 or pi for real ones.

    >>> import autodiff_lab as lab
    >>> lab.angle(lab.tensor([1j]))
    tensor([1.5708])
    """
    xp = namespace(input)
    if input.dtype.kind == "c":
        return xp.angle(input)
    from ..core.dtypes import default_dtype
    wanted = input.dtype if dtype_of(input).category == 2 else default_dtype[0].numpy
    found = xp.where(input < 0, math.pi, 0.0).astype(wanted)
    return xp.where(xp.isnan(input), input, found).astype(wanted) if dtype_of(input).category == 2 else found


@angle.vjp("input")
def _(grad, input):
    if dtype_of(input).category < 3:
        return ops.zeroed(grad)
    size = ops.abs(input)
    safe = ops.where(size == 0, size + 1, size)
    return ops.where(size == 0, grad * 0j, grad * 1j * input / (safe * safe))


@op(category="pointwise", latex=r"(\operatorname{Re} z, \operatorname{Im} z)", samples=complexes(), view=True, out=False)
def view_as_real(input: Tensor) -> Tensor:
    """Complex numbers seen as pairs of real ones in a new last dimension, without copying.

    Raises:
        RuntimeError: for real tensors.

    >>> import autodiff_lab as lab
    >>> lab.view_as_real(lab.tensor([1 + 2j]))
    tensor([[1., 2.]])
    """
    if input.dtype.kind != "c":
        raise RuntimeError(f"view_as_real is only supported for complex tensors, got {dtype_of(input)}.")
    xp = namespace(input)
    array = xp.asarray(input)
    return xp.lib.stride_tricks.as_strided(array.real, (*array.shape, 2), (*array.strides, array.dtype.itemsize // 2))


@view_as_real.vjp("input")
def _(grad):
    return ops.complex(grad[..., 0], grad[..., 1])


@op(category="pointwise", latex=r"x + iy", samples=calls(lambda r: ((r.normal(size=(3, 2)),), {})), view=True, out=False)
def view_as_complex(input: Tensor) -> Tensor:
    """Pairs of real numbers in the last dimension seen as complex ones, without copying.

    Raises:
        RuntimeError: if the last dimension has not size 2 and stride 1.

    >>> import autodiff_lab as lab
    >>> lab.view_as_complex(lab.tensor([[1.0, 2.0]]))
    tensor([1.+2.j])
    """
    kind = dtype_of(input)
    if kind.category != 2 or kind.itemsize == 2:
        raise RuntimeError(f"view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar type: {kind.title}")
    if not input.ndim:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if input.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    if input.strides[-1] != input.dtype.itemsize:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    if input.size and any(s % (2 * input.dtype.itemsize) for s in input.strides[:-1]):
        raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    return input.view(kind.to_complex().numpy)[..., 0]


@view_as_complex.vjp("input")
def _(grad):
    return ops.view_as_real(grad)


def polar(abs: Tensor, angle: Tensor, *, out=None) -> Tensor:
    """Complex numbers from their sizes and angles.

    >>> import autodiff_lab as lab
    >>> lab.polar(lab.tensor([2.0]), lab.tensor([0.0]))
    tensor([2.+0.j])
    """
    need_tensors("polar", abs=abs, angle=angle)
    if abs.dtype != angle.dtype:
        raise RuntimeError(f"Expected object of scalar type {abs.dtype.title} but got scalar type {angle.dtype.title} for second argument")
    if not abs.dtype.is_floating_point:
        raise RuntimeError(f"Expected both inputs to be Half, Float or Double tensors but got {abs.dtype.title} and {angle.dtype.title}")
    if abs.dtype.itemsize == 2:
        raise NotImplementedError(f"\"polar_cpu\" not implemented for '{abs.dtype.title}'. Convert them first, e.g. with .float().")
    return public[""]["complex"](abs * angle.cos(), abs * angle.sin(), **({} if out is None else {"out": out}))


def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself: conjugation is never postponed here.

    >>> import autodiff_lab as lab
    >>> lab.tensor([1 + 2j]).conj().resolve_conj()
    tensor([1.-2.j])
    """
    return input


def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself: negation is never postponed here."""
    return input


def conj_physical(input: Tensor, *, out=None) -> Tensor:
    """Complex conjugate, as a new tensor."""
    made = input.conj()
    return stored(input.clone() if made is input and out is None else made, out)


def conj_physical_(input: Tensor) -> Tensor:
    """In-place version of `conj_physical`."""
    return input.copy_(input.conj() if input.dtype.is_complex else input)


def is_conj(input: Tensor) -> bool:
    """Always False: conjugation is never postponed here."""
    return False


def positive(input: Tensor) -> Tensor:
    """The tensor itself; refuses truth values, as `+x` does in PyTorch.

    >>> import autodiff_lab as lab
    >>> +lab.tensor([1, -2])
    tensor([ 1, -2])
    """
    if input.dtype.name == "bool":
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


for _function in (resolve_conj, resolve_neg, conj_physical, conj_physical_, is_conj, positive):
    public[""][_function.__name__] = _function
    setattr(Tensor, _function.__name__, _function)
public[""]["is_neg"] = Tensor.is_neg = is_conj
public[""]["polar"] = polar
Tensor.__pos__ = positive
def _set(part, value) -> None:
    """Write a tensor or a number into the real or the imaginary part."""
    part.copy_(value) if isinstance(value, Tensor) else part.fill_(value)


Tensor.real = property(real, lambda self, value: _set(real(self), value), doc=real.__doc__)
Tensor.imag = property(imag, lambda self, value: _set(imag(self), value), doc=imag.__doc__)
