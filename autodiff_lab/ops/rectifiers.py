"""Activations of straight pieces: relu, its relatives, and pieces in place of the curves in activations.py."""

from __future__ import annotations

import numpy as np

from ..backend import namespace
from ..backend.fast import BITS, LARGE, at_least, between, select, where
from ..core.arguments import Number
from ..core.dtypes import of_name
from ..core.errors import same_type
from ..core.op import op, ops, public
from ..core.precision import in_float32
from ..core.samples import away_from, calls
from ..core.support import narrowed
from ..core.tensor import Tensor
from .activations import F, functional, share

ZEROS = {dtype: np.array(0, dtype) for dtype in map(np.dtype, "fd")}  # an array of no dimension is taken sooner than a number


@op(category="activation", out=False, latex=r"\max(0, x)", samples=away_from(0.0), inplace=True)
def relu(input: Tensor) -> Tensor:
    """Zero where negative, unchanged elsewhere; the gradient at 0 is 0.

    >>> import autodiff_lab as lab
    >>> lab.relu(lab.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    if input.dtype.kind in "bc":
        if input.dtype.kind == "c":
            raise NotImplementedError("clamp is not supported for complex types: they have no order.")
        raise RuntimeError("Boolean inputs not supported for relu")
    zero = ZEROS.get(input.dtype) if input.__class__ is np.ndarray and input.size < LARGE else None
    return at_least(input, 0) if zero is None else np.maximum(input, zero)


@relu.vjp("input", latex=r"[x > 0]")
def _(grad, out):
    return ops.relu_backward(grad, out)


@op(category="activation", function=False, method=False, out=False)
def relu_backward(input: Tensor, activated: Tensor) -> Tensor:
    """`input` where `activated` is above 0, else 0. Chosen and not multiplied: 0 times an infinite gradient would be NaN."""
    zero = ZEROS.get(input.dtype) if input.__class__ is np.ndarray else None
    if zero is not None and input.size < LARGE:
        return where(activated <= zero, zero, input)
    bits = BITS.get(input.dtype)
    if zero is None or bits is None or input.shape != activated.shape or not input.flags.c_contiguous:
        return namespace(input).where(activated <= 0, input.dtype.type(0), input)
    keep = (activated <= 0).view(np.int8)
    keep -= 1  # all bits where it is kept, none elsewhere
    keep = keep.astype(bits)
    keep &= input.view(bits)
    return keep.view(input.dtype)


@relu_backward.vjp("input")
def _(grad, activated):
    return ops.relu_backward(grad, activated)


functional(relu)


@op(category="activation", out=False, refuses="c", latex=r"\min(\max(0, x), 6)", samples=away_from(0.0, 6.0, high=8.0), namespace=F, inplace=True, node_name="Hardtanh")
def relu6(input: Tensor) -> Tensor:
    """relu that stops at 6.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.relu6(lab.tensor([-1.0, 3.0, 9.0]))
    tensor([0., 3., 6.])
    """
    return between(input, 0, 6)


@relu6.vjp("input", latex="[0 < x < 6]")
def _(grad, input):
    return ops.where((input > 0) & (input < 6), grad, 0)


functional(relu6)


@op(category="activation", out=False, refuses="bic", latex=r"\max(x, a x)", samples=away_from(0.0), namespace=F, inplace=True)
@in_float32
def leaky_relu(input: Tensor, negative_slope: Number = 0.01) -> Tensor:
    """Unchanged where positive, `negative_slope` times the input elsewhere: a relu whose gradient never dies.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.leaky_relu(lab.tensor([-1.0, 2.0]))
    tensor([-0.0100,  2.0000])
    """
    xp = namespace(input)
    if 0 <= negative_slope <= 1:
        return narrowed(xp.maximum(input, input * negative_slope), input)
    return narrowed(select(input > 0, input, input * negative_slope), input)


@leaky_relu.vjp("input", latex=r"1\text{ or }a")
def _(grad, input, negative_slope):
    return ops.where(input > 0, grad, grad * negative_slope)


functional(leaky_relu)


@op(category="activation", refuses="bc", latex=r"\begin{cases} x & x > t \\ v & \text{else} \end{cases}", samples=calls(
    lambda r: ((r.normal(size=(3, 4)), 0.1, 20.0), {}), lambda r: ((r.normal(size=()), -0.5, 0.0), {})), inplace=True, method=False)
def threshold(input: Tensor, threshold: Number, value: Number) -> Tensor:
    """Unchanged above `threshold`, `value` elsewhere.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.threshold(lab.tensor([0.0, 0.5]), 0.1, 20)
    tensor([20.0000,  0.5000])
    """
    return select(input <= threshold, np.asarray(value).astype(input.dtype)[()], input)


@threshold.vjp("input")
def _(grad, input, threshold):
    return ops.where(input > threshold, grad, 0)


functional(threshold)


@op(category="activation", out=False, refuses="c", latex=r"\min(\max(a, x), b)", samples=away_from(-1.0, 1.0), namespace=F, inplace=True)
def hardtanh(input: Tensor, min_val: Number = -1.0, max_val: Number = 1.0) -> Tensor:
    """The input, held between `min_val` and `max_val`.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.hardtanh(lab.tensor([-3.0, 0.5, 3.0]))
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if input.dtype.kind == "b":
        raise RuntimeError("Bool inputs not supported for hardtanh")
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return between(input, min_val, max_val).astype(input.dtype, copy=False)


@hardtanh.vjp("input", latex="[a < x < b]")
def _(grad, input, min_val, max_val):
    return ops.where((input > min_val) & (input < max_val), grad, 0)


@op(category="activation", out=False, refuses="bic", latex=r"\min(\max(\tfrac{x}{6} + \tfrac12, 0), 1)", samples=away_from(-3.0, 3.0, low=-5, high=5), namespace=F, inplace=True)
@in_float32
def hardsigmoid(input: Tensor) -> Tensor:
    """Straight pieces in place of sigmoid.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.hardsigmoid(lab.tensor([-4.0, 0.0, 1.5]))
    tensor([0.0000, 0.5000, 0.7500])
    """
    return between(input + 3, 0, 6) / 6


@hardsigmoid.vjp("input", latex=r"\tfrac16 [-3 < x < 3]")
def _(grad, input):
    return ops.where((input > -3) & (input < 3), grad / 6, 0)


@op(category="activation", out=False, refuses="bic", latex=r"x \cdot \mathrm{hardsigmoid}(x)", samples=away_from(-3.0, 3.0, low=-5, high=5), namespace=F, inplace=True)
@in_float32
def hardswish(input: Tensor) -> Tensor:
    """Straight pieces in place of silu (Howard et al. 2019).

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.hardswish(lab.tensor([-1.0, 0.0, 4.0]))
    tensor([-0.3333,  0.0000,  4.0000])
    """
    out = between(input + 3, 0, 6)
    out *= input
    out /= 6
    return out


@hardswish.vjp("input")
def _(grad, input):
    return ops.where(input <= -3, ops.zeroed(grad), ops.where(input < 3, grad * (input / 3 + 0.5), grad))


@op(category="activation", refuses="bic", latex=r"x\,[|x| > \lambda]", samples=away_from(-0.5, 0.5))
def hardshrink(input: Tensor, lambd: Number = 0.5) -> Tensor:
    """Zero within `lambd` of 0, unchanged outside.

    >>> import autodiff_lab as lab
    >>> lab.hardshrink(lab.tensor([-1.0, 0.3, 2.0]))
    tensor([-1.,  0.,  2.])
    """
    xp = namespace(input)
    return xp.where((input >= -lambd) & (input <= lambd), 0, input).astype(input.dtype)


@hardshrink.vjp("input")
def _(grad, input, lambd):
    return ops.where((input >= -lambd) & (input <= lambd), 0, grad)


@op(category="activation", refuses="bic", latex=r"\mathrm{sgn}(x)\max(|x| - \lambda, 0)", samples=away_from(-0.5, 0.5), namespace=F)
def softshrink(input: Tensor, lambd: Number = 0.5) -> Tensor:
    """Pulled towards 0 by `lambd`, and 0 within.

    Raises:
        RuntimeError: if lambd is negative.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.softshrink(lab.tensor([-1.0, 0.3, 2.0]))
    tensor([-0.5000,  0.0000,  1.5000])
    """
    if lambd < 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd:g}.")
    return narrowed(input - between(input, -lambd, lambd), input)


@softshrink.vjp("input")
def _(grad, input, lambd):
    return ops.where((input > lambd) | (input < -lambd), grad, 0)


share(hardshrink)
functional(hardtanh), functional(hardsigmoid), functional(hardswish)


# ---- with a learned slope, or one by chance ----

@op(category="activation", out=False, refuses="bic", latex=r"\max(0, x) + w \min(0, x)", node_name="PreluKernel", samples=calls(
    lambda r: ((r.normal(size=(3, 4)), r.normal(size=(1,))), {}), lambda r: ((r.normal(size=(2, 3, 4)), r.normal(size=(3,))), {}), lambda r: ((r.normal(size=()), r.normal(size=())), {})))
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """leaky_relu whose slope is learned: one, or one per channel (dimension 1).

    Raises:
        RuntimeError: if the number of weights is neither 1 nor the number of channels.

    >>> import autodiff_lab as lab
    >>> lab.prelu(lab.tensor([-2.0, 3.0]), lab.tensor([0.25]))
    tensor([-0.5000,  3.0000])
    """
    same_type("prelu: Type promoting not supported. Got {first} and {other}.", input, weight)
    return select(input > 0, input, _per_channel(input, weight) * input)


def _per_channel(input, weight):
    """`weight` shaped so that it broadcasts along dimension 1 of `input`."""
    if weight.ndim > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}")
    if not weight.ndim or weight.shape[0] == 1 and not input.ndim > 1:
        return weight.reshape(()) if not input.ndim else weight
    n = weight.shape[0]
    channels = input.shape[1] if input.ndim > 1 else 1
    if n not in (1, channels):
        raise RuntimeError(f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {n} and channel size = {channels}.")
    return weight.reshape((n,) + (1,) * (input.ndim - 2)) if input.ndim > 1 else weight


@prelu.vjp("input")
def _(grad, input, weight):
    return ops.where(input > 0, grad, grad * _per_channel(input, weight))


@prelu.vjp("weight")
def _(grad, input, weight_shape):
    each = grad * ops.clamp(input, None, 0)
    n = weight_shape[0] if len(weight_shape) else 1
    if n == 1 or input.ndim < 2:
        return ops.sum(each).reshape(tuple(weight_shape))
    return ops.sum(each, tuple(d for d in range(input.ndim) if d != 1))


share(prelu)


@op(category="activation", refuses="bic", latex=r"\max(0, x) + a \min(0, x)", name="rrelu", function=False, method=False, extras=("slope",), node_name="RreluWithNoise", samples=calls(
    lambda r: ((r.normal(size=(3, 4)),), {}), lambda r: ((r.normal(size=(3, 4)), 0.2, 0.4), {})))
def rrelu_op(input: Tensor, lower: Number = 1 / 8, upper: Number = 1 / 3, training: bool = False, noise=None) -> Tensor:
    """leaky_relu whose slope is drawn from [lower, upper] for every element; see rrelu.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.rrelu(lab.tensor([-2.0, 3.0]), 0.1, 0.3)
    tensor([-0.4000,  3.0000])
    """
    xp = namespace(input)
    slope = xp.where(input > 0, 1, (lower + upper) / 2).astype(input.dtype)
    if noise is not None:  # one draw for each element that is not positive, in their order
        slope = xp.ones(input.shape, input.dtype)
        slope[input <= 0] = noise
    return input * slope, slope


@rrelu_op.vjp("input")
def _(grad, slope):
    return grad * slope


def _noise(input, lower, upper, training):
    if lower > upper:
        raise RuntimeError(f"Lower bound should be less than or equal to the upper bound, but got lower={lower}, upper={upper}")
    if not training or lower == upper:
        return None
    drawn = int((input.detach() <= 0).sum())
    return public[""]["empty"](drawn, dtype=of_name("float64")).uniform_(lower, upper)._a


def rrelu(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False) -> Tensor:
    """leaky_relu whose slope is drawn from [lower, upper] for every element; their mean when not training."""
    return rrelu_(input, lower, upper, training) if inplace else rrelu_op(input, lower, upper, training, _noise(input, lower, upper, training))


def rrelu_(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Tensor:
    """In-place version of `rrelu`."""
    return input.copy_(rrelu(input, lower, upper, training))


for _name, _function in (("rrelu", rrelu), ("rrelu_", rrelu_)):
    public[""][_name] = public[F][_name] = _function
rrelu.op = rrelu_op.op
for _name in ("relu_", "threshold_"):
    public[F][_name] = public[""][_name]
