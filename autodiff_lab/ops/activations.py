"""Activations: the curves between linear maps. Each is one fused node with a rule of its own."""

from __future__ import annotations


from ..backend import namespace
from ..core.op import op, ops
from ..core.samples import away_from, calls, reals
from ..core.tensor import Tensor


@op(category="activation", latex=r"\max(0, x)", samples=away_from(0.0), inplace=True)
def relu(input: Tensor) -> Tensor:
    """Zero where negative, unchanged elsewhere; the gradient at 0 is 0.

    >>> import autodiff_lab as lab
    >>> lab.relu(lab.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return namespace(input).maximum(input, 0)


@relu.vjp("input", latex=r"[x > 0]")
def _(grad, out):
    return grad * (out > 0)


@op(category="activation", latex=r"\sigma(x) = \frac{1}{1 + e^{-x}}", samples=reals(), promote="float", inplace=True)
def sigmoid(input: Tensor) -> Tensor:
    """The logistic function, from 0 to 1; exact far out, without overflow."""
    xp = namespace(input)
    # tanh does not overflow: sigma(x) = (1 + tanh(x / 2)) / 2, but loses digits near 0, so split by sign.
    decay = xp.exp(-xp.absolute(input)) if input.dtype.kind != "c" else xp.exp(-input)
    return xp.where(input >= 0, 1, decay) / (1 + decay) if input.dtype.kind != "c" else 1 / (1 + decay)


@sigmoid.vjp("input", latex=r"\sigma(x)(1 - \sigma(x))")
def _(grad, out):
    return grad * (out * (1 - out))


along = calls(lambda r: ((r.normal(size=(3, 4)), 1), {}), lambda r: ((r.normal(size=(2, 3, 4)), 0), {}), lambda r: ((r.normal(size=(5,)), -1), {}))


@op(category="activation", latex=r"\frac{e^{x_i}}{\sum_j e^{x_j}}", samples=along, promote="float")
def softmax(input: Tensor, dim: int, dtype=None) -> Tensor:
    """Positive numbers that add up to 1 along `dim`. The largest is subtracted first, so nothing overflows."""
    xp = namespace(input)
    if dtype is not None:
        input = input.astype(dtype.numpy)
    if not input.ndim:
        return input * 0 + 1
    shifted = xp.exp(input - xp.max(input, axis=dim, keepdims=True))
    return shifted / xp.add.reduce(shifted, axis=dim, keepdims=True)


@softmax.vjp("input", latex=r"s_i(\delta_{ij} - s_j)")
def _(grad, out, dim):
    inner = grad * out
    return inner - out * ops.sum(inner, dim, True)


@op(category="activation", latex=r"x_i - \ln \sum_j e^{x_j}", samples=along, promote="float")
def log_softmax(input: Tensor, dim: int, dtype=None) -> Tensor:
    """The logarithm of softmax, computed without overflow or log(0)."""
    xp = namespace(input)
    if dtype is not None:
        input = input.astype(dtype.numpy)
    if not input.ndim:
        return input * 0
    shifted = input - xp.max(input, axis=dim, keepdims=True)
    return shifted - xp.log(xp.add.reduce(xp.exp(shifted), axis=dim, keepdims=True))


@log_softmax.vjp("input", latex=r"\delta_{ij} - s_j")
def _(grad, out, dim):
    return grad - ops.exp(out) * ops.sum(grad, dim, True)
