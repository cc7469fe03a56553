"""Normalization channel by channel: batch norm, in training and after it, instance norm, and local response norm.

As in normalization.py, means are products with ones, and only mean and variance are kept for the backward pass.
"""

from __future__ import annotations

import math

import numpy as np

from ..backend import channels_like, namespace
from ..backend.rows import LONG, ones, row_dots, whole_rows
from ..core import observe
from ..core.modes import no_grad
from ..core.op import op, ops, public
from ..core.samples import calls
from ..core.support import saved_version
from ..core.tensor import Tensor
from .composed import gradients_through
from .normalization import check_parameters, wide

__all__: list[str] = []


class Channels:
    """An (N, C, …) array seen as N rows of C·L numbers, so that one number per channel becomes a long row and no inner loop is short."""

    def __init__(self, x):
        self.N, self.C = x.shape[:2]
        self.L = math.prod(x.shape[2:])
        self.count = self.N * self.L

    def rows(self, x):
        return x.reshape(self.N, self.C, self.L) if self.L >= LONG else x.reshape(self.N, self.C * self.L)

    def spread(self, values):
        """One number per channel, to be combined with `rows`."""
        return values[:, None] if self.L >= LONG else values if self.L == 1 else values.repeat(self.L)

    def lie_in_rows(self, *arrays) -> bool:
        """True if BLAS can add up each image of each channel by itself, and there is enough in one."""
        return self.L >= 32 and all(a.flags.c_contiguous for a in arrays)

    def total(self, rows):
        """The sum over each channel."""
        xp = namespace(rows)
        if self.lie_in_rows(rows):
            return xp.add.reduce(rows.reshape(-1, self.L).dot(ones(self.L, rows)).reshape(self.N, self.C), axis=0)
        if rows.ndim == 3:
            return xp.add.reduce(xp.add.reduce(rows, axis=2), axis=0)
        sums = ones(self.N, rows).dot(rows)
        return sums if self.L == 1 else xp.add.reduce(sums.reshape(self.C, self.L), axis=1)

    def dot(self, a, b):
        """The sum of products over each channel."""
        xp = namespace(a)
        if self.lie_in_rows(a, b):
            return xp.add.reduce(row_dots(a.reshape(-1, self.L), b.reshape(-1, self.L)).reshape(self.N, self.C), axis=0)
        if a.ndim == 3:
            return xp.einsum("ncl,ncl->c", a, b)
        return self.total(a * b)


@op(category="norm", refuses="bic", latex=r"\frac{x - \mu_c}{\sqrt{\sigma_c^2 + \epsilon}} w_c + b_c", function=False, method=False, node_name="NativeBatchNorm", outputs=("output", "mean", "var"), differentiable=1, samples=calls(
    lambda r: ((r.normal(size=(5, 3)), r.normal(size=3), r.normal(size=3), 1e-5), {}), lambda r: ((r.normal(size=(2, 3, 4)), None, None, 1e-5), {})))
def batch_norm_train(input: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float):
    """Each channel brought to mean 0 and variance 1 over the batch; also the mean and (biased) variance used."""
    xp = namespace(input)
    channels = Channels(input)
    rows = channels.rows(wide(input))
    with whole_rows(channels.L):
        mean = channels.total(rows) / max(channels.count, 1)
        out = rows - channels.spread(mean)
        var = channels.dot(out, out) / max(channels.count, 1)
        scale = 1 / xp.sqrt(var + var.dtype.type(eps))
        out *= channels.spread(scale if weight is None else scale * weight)
        if bias is not None:
            out += channels.spread(bias)
    return channels_like(out.reshape(input.shape).astype(input.dtype, copy=False), input), mean, var


@batch_norm_train.vjp("input", "weight", "bias")
def _(grad, input, weight, bias, eps, mean, var, needs):
    if isinstance(grad, Tensor):
        def formula(input, weight, bias):
            dims = (0, *range(2, input.ndim))
            shape = (1, -1, *(1,) * (input.ndim - 2))
            centered = input - input.mean(dims, True)
            out = centered * ((centered * centered).mean(dims, True) + eps).rsqrt()
            if weight is not None:
                out = out * weight.reshape(shape)
            return out if bias is None else out + bias.reshape(shape)
        return gradients_through(formula, (input, weight, bias), grad)
    return ops.batch_norm_backward(grad, input, weight, mean, var, eps, needs)


@op(category="norm", function=False, method=False, outputs=("grad_input", "grad_weight", "grad_bias"), no_grad="its rule is taken through the composed formula")
def batch_norm_backward(grad: Tensor, input: Tensor, weight: Tensor | None, mean: Tensor, var: Tensor, eps: float, needs):
    """The three gradients of batch_norm in training."""
    xp = namespace(grad)
    channels = Channels(input)
    g = channels.rows(wide(grad))
    to_input = xp.empty(input.shape, g.dtype)  # no view, see layer_norm_backward
    with whole_rows(channels.L):
        centered = xp.subtract(channels.rows(wide(input)), channels.spread(mean), out=channels.rows(to_input))
        rstd = 1 / xp.sqrt(var + var.dtype.type(eps))
        to_bias = channels.total(g)
        to_weight = channels.dot(g, centered) * rstd
        if needs[0]:
            # g - mean(g) - normed * mean(g * normed), scaled; written so that each array is passed over once or twice.
            centered *= channels.spread(to_weight * rstd / -max(channels.count, 1))
            centered += g
            centered -= channels.spread(to_bias / max(channels.count, 1))
            centered *= channels.spread(rstd if weight is None else rstd * weight)
    return to_input if needs[0] else None, to_weight if needs[1] else None, to_bias if needs[2] else None


@op(category="norm", refuses="bic", latex=r"\frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} w + b", function=False, method=False, node_name="NativeBatchNorm", samples=calls(
    lambda r: ((r.normal(size=(5, 3)), r.normal(size=3), r.uniform(0.5, 2, size=3), r.normal(size=3), r.normal(size=3), 1e-5), {})))
def batch_norm_eval(input: Tensor, mean: Tensor, var: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    """Each channel shifted and scaled by numbers known beforehand."""
    xp = namespace(input)
    channels = Channels(input)
    scale = 1 / xp.sqrt(wide(var) + wide(var).dtype.type(eps))
    scale = scale if weight is None else scale * weight
    shift = -mean * scale if bias is None else bias - mean * scale
    with whole_rows(channels.L):
        out = channels.rows(wide(input)) * channels.spread(scale)
        out += channels.spread(shift)
    return channels_like(out.reshape(input.shape).astype(input.dtype, copy=False), input)


def per_channel(values, ndim: int):
    """One number per channel, in the shape that combines with (N, C, …)."""
    return values.reshape((1, -1, *(1,) * (ndim - 2)))


def but_channels(ndim: int) -> tuple:
    return (0, *range(2, ndim))


@batch_norm_eval.vjp("input")
def _(grad, var, weight, eps):
    scale = ops.rsqrt(var + eps)
    return grad * per_channel(scale if weight is None else scale * weight, grad.ndim)


@batch_norm_eval.vjp("mean")
def _(grad, var, weight, eps):
    scale = ops.rsqrt(var + eps)
    return -ops.sum(grad, but_channels(grad.ndim)) * (scale if weight is None else scale * weight)


@batch_norm_eval.vjp("var")
def _(grad, input, mean, var, weight, eps):
    inner = ops.sum(grad * (input - per_channel(mean, grad.ndim)), but_channels(grad.ndim))
    scale = ops.rsqrt(var + eps)
    return inner * (scale * scale * scale) * -0.5 * (1 if weight is None else weight)


@batch_norm_eval.vjp("weight")
def _(grad, input, mean, var, eps):
    return ops.sum(grad * (input - per_channel(mean, grad.ndim)), but_channels(grad.ndim)) * ops.rsqrt(var + eps)


@batch_norm_eval.vjp("bias")
def _(grad):
    return ops.sum(grad, but_channels(grad.ndim))


def batch_norm(input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None, bias: Tensor | None = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5):
    """Bring each channel to mean 0 and variance 1, then scale and shift it (Ioffe and Szegedy, 2015).

    Args:
        running_mean, running_var: updated while training, used otherwise.
        training: take mean and variance from this batch.
        momentum: the share of this batch in the running statistics.

    Raises:
        ValueError: if there is only one number per channel to take a variance of.

    >>> import autodiff_lab as lab
    >>> x = lab.tensor([[1.0], [3.0]])
    >>> lab.nn.functional.batch_norm(x, running_mean=lab.tensor([2.0]), running_var=lab.tensor([4.0]))
    tensor([[-0.5000],
            [ 0.5000]])
    """
    if eps <= 0:
        raise ValueError(f"batch_norm eps must be positive, but got {eps}")
    if input.ndim < 2:
        if not input.numel():
            return input.clone()
        raise IndexError(f"tuple index out of range: batch_norm needs an input (N, C, …), got one of shape {list(input.shape)}.")
    C = input.shape[1]
    for name, values in (("running_mean", running_mean), ("running_var", running_var), ("weight", weight), ("bias", bias)):
        if values is None:
            continue
        if values._a.shape != (C,):
            raise RuntimeError(f"{name} should contain {C} elements not {values.numel()}")
        if values._a.dtype is not input._a.dtype:
            check_parameters(input, values)
    if not training:
        if running_mean is None or running_var is None:
            raise RuntimeError("running_mean must be defined in evaluation mode: pass running_mean and running_var, or training=True.")
        return batch_norm_eval(input, running_mean, running_var, weight, bias, eps)
    count = input.numel() // C if C else 0
    if count == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.size()}")
    out, mean, var = batch_norm_train(input, weight, bias, eps)
    if count:
        update_running(running_mean, running_var, mean, var, count, momentum)
    return out


def update_running(running_mean, running_var, mean, var, count: int, momentum: float) -> None:
    """Move the running statistics towards those of this batch, in their own memory."""
    if running_mean is not None:
        move(running_mean, mean, momentum, 1)
    if running_var is not None:
        move(running_var, var, momentum, count / (count - 1))


def move(running, new, share: float, factor: float) -> None:
    """`running` times 1 - share, plus `new` times factor times share."""
    array, other = running._a, new._a
    if observe.observers or running.__class__ is not Tensor or array.__class__ is not np.ndarray or running._view is not None or not array.flags.carray or array.dtype != other.dtype:
        with no_grad():
            running.mul_(1 - share).add_(new.to(running.dtype), alpha=share * factor)
        return
    # The same on the arrays: four calls of operators would take as long as the norm of a small batch.
    array *= 1 - share
    array += other * (share * factor)
    saved_version(running).bump()


def instance_norm(input: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None, weight: Tensor | None = None, bias: Tensor | None = None, use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5):
    """Bring each channel of each sample to mean 0 and variance 1 (Ulyanov et al., 2016).

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.instance_norm(lab.tensor([[[1.0, 3.0]]]))
    tensor([[[-1.0000,  1.0000]]])
    """
    N, C, *more = input.shape
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    if math.prod(more) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.size()}")
    check_parameters(input, running_mean, running_var, weight, bias)
    each = [None if v is None else v.repeat(N) for v in (weight, bias)]
    out, mean, var = batch_norm_train(input.reshape(1, N * C, *more), *each, eps)
    if running_mean is not None or running_var is not None:
        n = math.prod(more)
        update_running(running_mean, running_var, mean.reshape(N, C).mean(0), var.reshape(N, C).mean(0), n, momentum)
    return out.reshape(N, C, *more)


def local_response_norm(input, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0):
    """Divide by a power of the mean square over `size` neighbouring channels (Krizhevsky et al., 2012).

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.local_response_norm(lab.ones(1, 2, 1, 1), 2, alpha=1.0).flatten()
    tensor([0.7378, 0.5946])
    """
    if input.ndim < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {input.ndim} dimensions)")
    if not input.numel():
        return input
    F = public["nn.functional"]
    N, C = input.shape[:2]
    squares = F["pad"]((input * input).reshape(N, 1, C, -1), (0, 0, size // 2, (size - 1) // 2))
    means = F["avg_pool2d"](squares, (size, 1), 1).reshape(tuple(input.shape))
    return input / (means * alpha + k).pow(beta)


public["nn.functional"].update(batch_norm=batch_norm, instance_norm=instance_norm, local_response_norm=local_response_norm)
public[""].update({name: public["nn.functional"][name] for name in ("layer_norm", "rms_norm", "group_norm", "batch_norm", "instance_norm")})
