"""Softmax and its kin: positive numbers that add up to 1, and their logarithms."""

from __future__ import annotations

import numpy as np

from ..backend import in_c_order, namespace
from ..backend.fast import row_largest, sums
from ..backend.rows import row_dots, whole_rows
from ..core.dtypes import FLOATING, dtype_of
from ..core.errors import caution
from ..core.op import op, ops, public
from ..core.precision import in_float32
from ..core.samples import calls
from ..core.tensor import Tensor
from .reductions import axes

F = "nn.functional"

along = calls(lambda r: ((r.normal(size=(3, 4)), 1), {}), lambda r: ((r.normal(size=(2, 3, 4)), 0), {}), lambda r: ((r.normal(size=(5,)), -1), {}), lambda r: ((r.normal(size=()), 0), {}),
              lambda r: ((r.normal(size=(2, 0)), 1), {}))

REAL = frozenset(kind for kind in FLOATING if kind.kind != "c")


def prepared(name: str, input, dim, dtype):
    """`input` in the wanted type and in C order, in which PyTorch returns the result, and the axis.

    Raises:
        NotImplementedError: for integers without a dtype, and for complex numbers.
        IndexError: for a dimension that is not there.
    """
    if dtype is None and input.dtype in REAL and dim.__class__ is int and -input.ndim <= dim < input.ndim:
        return in_c_order(input), dim
    if dtype is not None:
        input = input.astype(dtype_of(dtype).numpy, order="C")
    if input.dtype not in REAL:
        raise NotImplementedError(f'"{name}_kernel_impl" not implemented for \'{dtype_of(input).title}\'. Convert the tensor first, e.g. with .float().')
    return input, (axes(dim, input.ndim) or (0,))[0]


def largest(x, axis: int):
    """The largest number along `axis`, which stays."""
    return row_largest(x) if axis in (-1, x.ndim - 1) else namespace(x).maximum.reduce(x, axis=axis, keepdims=True)


def added(x, axis: int):
    """The sum along `axis`, which stays."""
    return sums(x, axis, True)


SAFE = 60  # e to the power of it, times many, is far from overflow
REAL_CODES = "fd"  # float32 and float64


def exponentials(x, axis: int) -> tuple:
    """e^x and its sums along `axis`, both divided by one number for each row, so that nothing overflows.

    That number is e to the largest of the row. Where nothing is large and no sum is small, 1 will do: it saves finding the
    largest and subtracting it.
    """
    xp = namespace(x)
    if xp is np and x.dtype.char in REAL_CODES and np.maximum.reduce(x, None) < SAFE:
        out = np.exp(x)
        sums = added(out, axis)
        if np.minimum.reduce(sums, None) > 1e-4:
            return out, sums
    out = x - largest(x, axis)
    xp.exp(out, out=out)
    return out, added(out, axis)


@op(category="activation", latex=r"\frac{e^{x_i}}{\sum_j e^{x_j}}", samples=along)
@in_float32
def softmax(input: Tensor, dim: int, dtype=None) -> Tensor:
    """Positive numbers that add up to 1 along `dim`. Where something could overflow, the largest is subtracted first.

    Shape: any, and the same out.

    Raises:
        NotImplementedError: for integers, unless `dtype` is given.
        IndexError: if there is no dimension `dim`.

    >>> import autodiff_lab as lab
    >>> lab.softmax(lab.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    input, axis = prepared("softmax", input, dim, dtype)
    if not input.ndim:
        return input * 0 + 1
    if not input.size:
        return input.copy()
    with whole_rows(input.shape[-1]):
        out, sums = exponentials(input, axis)
        out /= sums
    return out


@softmax.vjp("input", latex=r"s_i(\delta_{ij} - s_j)")
def _(grad, out, dim):
    return softmax_backward(grad, out, dim)


@op(category="activation", function=False, method=False, out=False)
@in_float32
def softmax_backward(input: Tensor, y: Tensor, dim) -> Tensor:
    """The gradient through a softmax whose result is `y`, fused."""
    if not y.ndim:
        return input * 0
    if y.flags.c_contiguous and input.flags.c_contiguous and dim in (-1, y.ndim - 1) and y.dtype.kind == "f" and y.dtype == input.dtype and y.size:
        along = row_dots(input.reshape(-1, y.shape[-1]), y.reshape(-1, y.shape[-1])).reshape(*y.shape[:-1], 1)
    else:
        along = added(input * y, dim)
    with whole_rows(y.shape[-1]):
        out = input - along
        out *= y
    return out


@softmax_backward.vjp("input")
def _(grad, y, dim):
    return softmax_backward(grad, y, dim)


@softmax_backward.vjp("y")
def _(grad, input, y, dim):
    if not y.ndim:
        return ops.zeroed(grad)
    return grad * (input - ops.sum(input * y, dim, True)) - input * ops.sum(grad * y, dim, True)


@op(category="activation", latex=r"x_i - \ln \sum_j e^{x_j}", samples=along)
@in_float32
def log_softmax(input: Tensor, dim: int, dtype=None) -> Tensor:
    """The logarithm of softmax, computed without overflow or log(0).

    Shape: any, and the same out.

    Raises:
        NotImplementedError: for integers, unless `dtype` is given.
        IndexError: if there is no dimension `dim`.

    >>> import autodiff_lab as lab
    >>> lab.log_softmax(lab.tensor([0.0, 1.0, 2.0]), dim=0)
    tensor([-2.4076, -1.4076, -0.4076])
    """
    input, axis = prepared("log_softmax_lastdim", input, dim, dtype)
    xp = namespace(input)
    if not input.ndim:
        return input * 0
    if not input.size:
        return input.copy()
    with whole_rows(input.shape[-1]):
        out = input - largest(input, axis)
        out -= xp.log(added(xp.exp(out), axis))
    return out


@log_softmax.vjp("input", latex=r"\delta_{ij} - s_j")
def _(grad, out, dim):
    return log_softmax_backward(grad, out, dim)


@op(category="activation", function=False, method=False, out=False)
@in_float32
def log_softmax_backward(input: Tensor, y: Tensor, dim) -> Tensor:
    """The gradient through a log_softmax whose result is `y`, fused."""
    xp = namespace(y)
    if not y.ndim:
        return input * 0
    out = xp.exp(y)
    out *= added(input, dim)
    return xp.subtract(input, out, out=out)


@log_softmax_backward.vjp("input")
def _(grad, y, dim):
    if not y.ndim:
        return ops.zeroed(grad)
    return grad - ops.sum(ops.exp(y) * grad, dim, True)


@log_softmax_backward.vjp("y")
def _(grad, input, y, dim):
    if not y.ndim:
        return ops.zeroed(grad)
    return -(grad * ops.exp(y) * ops.sum(input, dim, True))


def implicit_dim(name: str, ndim: int) -> int:
    """The dimension that old programs mean when they give none: 0 for 0, 1 and 3 dimensions, else 1."""
    caution(f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.")
    return 0 if ndim in (0, 1, 3) else 1


def _with_implicit_dim(function, name: str, sign: int = 1):
    def call(input, dim=None, _stacklevel=3, dtype=None):
        if dim is None:
            dim = implicit_dim(name, input.ndim)
        return function(input if sign == 1 else -input, dim, dtype)

    call.__name__ = call.__qualname__ = name
    call.__doc__, call.op = function.__doc__, function.op
    public.setdefault(F, {})[name] = call
    return call


_with_implicit_dim(softmax, "softmax")
_with_implicit_dim(log_softmax, "log_softmax")
_with_implicit_dim(softmax, "softmin", -1).__doc__ = "softmax of the negative: the smallest gets most."


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out=None) -> Tensor:
    """Divide by the p-norm along `dim` (at least `eps`), so that it becomes 1.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.normalize(lab.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    length = input.norm(p, dim, keepdim=True).clamp_min(eps).expand_as(input)
    return input / length if out is None else public[""]["div"](input, length, out=out)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A sample of the Gumbel-softmax distribution (Jang et al. 2016): soft, or one-hot whose gradient is the soft one's.

    Args:
        tau: temperature; small gives samples near one-hot.
        hard: return a one-hot sample, differentiated as if it were soft.

    >>> import autodiff_lab as lab
    >>> _ = lab.manual_seed(0)
    >>> lab.nn.functional.gumbel_softmax(lab.zeros(4), hard=True).sum()
    tensor(1.)
    """
    if eps != 1e-10:
        caution("`eps` parameter is deprecated and has no effect.")
    noise = -public[""]["empty_like"](logits, memory_format=public[""]["contiguous_format"]).exponential_().log()
    soft = ((logits + noise) / tau).softmax(dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    one_hot = public[""]["zeros_like"](logits).scatter_(dim, index, 1.0)
    return one_hot - soft.detach() + soft


public[F].update(normalize=normalize, gumbel_softmax=gumbel_softmax)
