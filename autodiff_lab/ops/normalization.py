"""Normalization within a sample: numbers brought to mean 0 and variance 1, over features or groups of channels.

Layer, group and RMS norm work on rows; those over a batch are in channel_norms.py. Means are taken by a product with a vector of
ones, which BLAS does in one pass. Only mean and 1/std are kept for the backward pass, not the normalized numbers.
"""

from __future__ import annotations

import math

from ..backend import channels_like, namespace
from ..backend.rows import LONG, ones, row_dots, whole_rows
from ..core.arguments import Sizes
from ..core.dtypes import dtype_of, finfo
from ..core.op import op, ops
from ..core.precision import in_float32
from ..core.samples import calls
from ..core.tensor import Tensor
from .composed import gradients_through

__all__: list[str] = []


def wide(x):
    """float16 is too short to add up many numbers: compute in float32."""
    return x.astype("float32") if x.dtype.itemsize == 2 else x


def row_means(rows):
    """The mean of each row."""
    n = rows.shape[1]
    means = rows.dot(ones(n, rows))
    means *= 1.0 / max(n, 1)
    return means


BLOCK = 1 << 17  # numbers worked on at a time: half a megabyte of float32, which bounds the temporaries


def row_blocks(rows) -> list:
    """Slices of rows of about BLOCK numbers."""
    if rows.size <= BLOCK:
        return [slice(0, rows.shape[0])]
    step = max(BLOCK // max(rows.shape[1], 1), 1)
    return [slice(start, min(start + step, rows.shape[0])) for start in range(0, rows.shape[0], step)]


class Columns:
    """Combines columns, one number for each row, with blocks of `rows`.

    NumPy restarts its loop in every row when it combines a column with a matrix. Where rows are short, BLAS spreads the
    column out first, as a product with a second column of zeros, because NumPy doesn't leave a single column to BLAS.
    """

    def __init__(self, rows):
        xp = namespace(rows)
        n = rows.shape[1]
        self.spread = n < LONG and rows.size >= 8192
        if self.spread:
            block = min(rows.shape[0], BLOCK // max(n, 1))
            self.columns, self.pair, self.buffer = xp.zeros((block, 2), rows.dtype), xp.zeros((2, n), rows.dtype), xp.empty((block, n), rows.dtype)

    def plane(self, column, row=1):
        """`column * row`, as what can be combined with rows."""
        if not self.spread:
            return column[:, None]
        n = len(column)
        self.columns[:n, 0], self.pair[0] = column, row
        return namespace(column).matmul(self.columns[:n], self.pair, out=self.buffer[:n])

    def scale(self, rows, column, row, out) -> None:
        """`rows * column * row` into `out`; None for a row of ones."""
        namespace(rows).multiply(rows, self.plane(column, 1 if row is None else row), out=out)
        if row is not None and not self.spread:
            out *= row


def normalize_rows(rows, eps: float, weight=None, bias=None) -> tuple:
    """Rows with mean 0 and variance 1, scaled and shifted; and the mean and 1/std of each, as columns."""
    xp = namespace(rows)
    out, rstd = xp.empty(rows.shape, rows.dtype), xp.empty(rows.shape[0], rows.dtype)
    mean, columns = row_means(rows), Columns(rows)
    with whole_rows(rows.shape[1]):
        for block in row_blocks(rows):
            now, r = out[block], rstd[block]
            xp.subtract(rows[block], columns.plane(mean[block]), out=now)
            row_dots(now, now, out=r)
            r *= 1 / max(rows.shape[1], 1)
            r += eps
            xp.sqrt(r, out=r)
            xp.reciprocal(r, out=r)
            columns.scale(now, r, weight, now)
            if bias is not None:
                now += bias
    return out, mean[:, None], rstd[:, None]


def rows_gradient(grad, rows, mean, rstd, weight, needs, to_rows) -> tuple:
    """The gradients of `normalize_rows` for weight and bias; that for the rows goes into `to_rows`.

    Of the rows' gradient, the parts along 1 and along the result fall away. That of the rows is a sum of three: grad times
    weight and 1/std, the rows times a column, and a column; both columns are made of the row sums of grad and of grad * rows.
    """
    xp = namespace(grad)
    n = rows.shape[1]
    to_weight, to_bias = xp.zeros(n, rows.dtype), xp.zeros(n, rows.dtype)
    factors = ones(n, rows) if weight is None else weight
    columns = Columns(rows)
    with whole_rows(n):
        for block in row_blocks(rows):
            # A gradient that was expanded would be multiplied without BLAS.
            g, x, r, m = xp.ascontiguousarray(grad[block]), rows[block], rstd[block, 0], mean[block, 0]
            product = g * x
            if needs[1] or needs[2]:
                pair = xp.ones((2, len(g)), g.dtype)
                xp.multiply(r, m, out=pair[0])
                along_mean, total = pair.dot(g)  # for BLAS as fast as one of them
                to_weight += r.dot(product)
                to_weight -= along_mean
                to_bias += total
            if not needs[0]:
                continue
            now, sums, along = to_rows[block], g.dot(factors), product.dot(factors)
            along -= sums * m
            along *= r * r * r * (-1 / max(n, 1))
            sums *= r * (1 / max(n, 1))
            sums += along * m
            columns.scale(g, r, weight, now)
            now += xp.multiply(x, columns.plane(along), out=product)
            now -= columns.plane(sums)
    return to_weight if needs[1] else None, to_bias if needs[2] else None


def as_rows(x, n: int):
    """The numbers in rows of `n`; for n = 0 there are rows too, without numbers."""
    return x.reshape(-1, n) if n else x.reshape(math.prod(x.shape[:-1]), 0)


def as_sizes(normalized_shape) -> tuple:
    return tuple(normalized_shape) if hasattr(normalized_shape, "__iter__") else (int(normalized_shape),)


def check_parameters(input, *parameters) -> None:
    """Refuse weights and statistics of another type than the input, but for float32 beside numbers of sixteen bits."""
    for other in parameters:
        if other is not None and other.dtype != input.dtype and not (input.dtype.itemsize == 2 and dtype_of(other).name == "float32"):
            if dtype_of(input).category < 2:
                raise NotImplementedError(f"\"norm\" not implemented for '{dtype_of(input).title}'. Convert the input with .float().")
            raise RuntimeError(f"mixed dtype (CPU): all inputs must share same datatype. The input is {dtype_of(input).title}, a parameter is {dtype_of(other).title}: convert one, e.g. x.to(weight.dtype).")


def check_layer_norm(input, sizes: tuple, weight, bias) -> None:
    if not sizes:
        raise RuntimeError("Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got normalized_shape = []")
    for name, values in (("weight", weight), ("bias", bias)):
        if values is not None and tuple(values.shape) != sizes:
            raise RuntimeError(f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape {list(values.shape)} and normalized_shape = {list(sizes)}")
    if tuple(input.shape[-len(sizes):]) != sizes or input.ndim < len(sizes):
        raise RuntimeError(f"Given normalized_shape={list(sizes)}, expected input with shape [*, {', '.join(map(str, sizes))}], but got input of size{list(input.shape)}")
    check_parameters(input, weight, bias)


@op(category="norm", refuses="bic", latex=r"\frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} w + b", namespace="nn.functional", node_name="NativeLayerNorm", extras=("mean", "rstd"), out=False, samples=calls(
    lambda r: ((r.normal(size=(3, 4)), (4,), r.normal(size=4), r.normal(size=4)), {}), lambda r: ((r.normal(size=(2, 3, 4)), (3, 4)), {}),
    lambda r: ((r.normal(size=(5,)), (5,), r.normal(size=5)), {})))
def layer_norm(input: Tensor, normalized_shape: Sizes, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5) -> Tensor:
    """Bring the last dimensions to mean 0 and variance 1, then scale by weight and shift by bias (Ba et al., 2016).

    Args:
        normalized_shape: the sizes of the dimensions to normalize over, from the last.
        eps: added to the variance.

    Shape: (*, *normalized_shape), and the same out; weight and bias of shape normalized_shape.

    Raises:
        RuntimeError: if the last dimensions are not `normalized_shape`.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.layer_norm(lab.tensor([[1.0, 3.0]]), (2,))
    tensor([[-1.0000,  1.0000]])
    """
    sizes = as_sizes(normalized_shape)
    check_layer_norm(input, sizes, weight, bias)
    rows = as_rows(wide(input), math.prod(sizes))
    out, mean, rstd = normalize_rows(rows, eps, None if weight is None else weight.reshape(-1), None if bias is None else bias.reshape(-1))
    return out.reshape(input.shape).astype(input.dtype, copy=False), mean, rstd


def composed_layer_norm(d: int, eps: float):
    def formula(input, weight, bias):
        dims = tuple(range(-d, 0))
        centered = input - input.mean(dims, True)
        out = centered * ((centered * centered).mean(dims, True) + eps).rsqrt()
        if weight is not None:
            out = out * weight
        return out if bias is None else out + bias
    return formula


@layer_norm.vjp("input", "weight", "bias")
def _(grad, input, normalized_shape, weight, bias, eps, mean, rstd, needs):
    if isinstance(grad, Tensor):
        return gradients_through(composed_layer_norm(len(as_sizes(normalized_shape)), eps), (input, weight, bias), grad)
    return ops.layer_norm_backward(grad, input, weight, mean, rstd, as_sizes(normalized_shape), needs)


@op(category="norm", function=False, method=False, outputs=("grad_input", "grad_weight", "grad_bias"), no_grad="its rule is taken through the composed formula")
def layer_norm_backward(grad: Tensor, input: Tensor, weight: Tensor | None, mean: Tensor, rstd: Tensor, sizes, needs):
    """The three gradients of layer_norm."""
    rows = as_rows(wide(input), math.prod(sizes))
    # A leaf keeps this array itself as its gradient; of a view it would keep a copy.
    to_input = namespace(input).empty(input.shape, rows.dtype) if needs[0] else None
    to_rows = None if to_input is None else as_rows(to_input, rows.shape[1])
    to_weight, to_bias = rows_gradient(wide(grad).reshape(rows.shape), rows, mean, rstd, None if weight is None else weight.reshape(-1), needs, to_rows)
    if len(sizes) > 1:
        to_weight, to_bias = (None if g is None else g.reshape(sizes) for g in (to_weight, to_bias))
    return to_input, to_weight, to_bias


@op(category="norm", refuses="bi", latex=r"\frac{x}{\sqrt{\overline{x^2} + \epsilon}} w", namespace="nn.functional", node_name="Mul", extras=("rstd",), out=False, samples=calls(
    lambda r: ((r.normal(size=(3, 4)), (4,), r.normal(size=4), 1e-5), {}), lambda r: ((r.normal(size=(2, 3, 4)), (3, 4)), {})))
@in_float32
def rms_norm(input: Tensor, normalized_shape: Sizes, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """Divide the last dimensions by their root mean square, then scale by weight (Zhang and Sennrich, 2019).

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.rms_norm(lab.tensor([[3.0, 4.0]]), (2,))
    tensor([[0.8485, 1.1314]])
    """
    sizes = as_sizes(normalized_shape)
    check_layer_norm(input, sizes, weight, None)
    xp = namespace(input)
    rows = as_rows(wide(input), math.prod(sizes))
    rstd = xp.einsum("ij,ij->i", rows, rows)[:, None] / max(rows.shape[1], 1)
    rstd += rstd.dtype.type(rms_eps(input, eps))
    rstd = 1 / xp.sqrt(rstd)
    with whole_rows(rows.shape[1]):
        out = rows * rstd
        if weight is not None:
            out *= weight.reshape(-1)
    return out.reshape(input.shape).astype(input.dtype, copy=False), rstd


def rms_eps(input, eps):
    """The default is the smallest step of the type in which the norm is computed."""
    if eps is not None:
        return eps
    return float(finfo(input.dtype).eps) if isinstance(input, Tensor) else float(namespace(input).finfo(input.dtype).eps)


@rms_norm.vjp("input", "weight")
def _(grad, input, normalized_shape, weight, eps, rstd, needs):
    if isinstance(grad, Tensor):
        dims = tuple(range(-len(as_sizes(normalized_shape)), 0))

        def formula(input, weight):
            out = input * ((input * input).mean(dims, True) + rms_eps(input, eps)).rsqrt()
            return out if weight is None else out * weight
        return gradients_through(formula, (input, weight), grad)
    if not grad.ndim or grad.dtype.kind != "c":
        return ops.rms_norm_backward(grad, input, weight, rstd, as_sizes(normalized_shape), needs)
    # The formula has no conjugate in it: its adjoint is the conjugate of its transpose.
    found = ops.rms_norm_backward(ops.conj(grad), input, weight, rstd, as_sizes(normalized_shape), needs)
    return tuple(None if g is None else ops.conj(g) for g in found)


@op(category="norm", function=False, method=False, outputs=("grad_input", "grad_weight"), no_grad="its rule is taken through the composed formula")
def rms_norm_backward(grad: Tensor, input: Tensor, weight: Tensor | None, rstd: Tensor, sizes, needs):
    """The two gradients of rms_norm."""
    xp = namespace(grad)
    rows = as_rows(wide(input), math.prod(sizes))
    g = wide(grad).reshape(rows.shape)
    with whole_rows(rows.shape[1]):
        normed = rows * rstd
        to_weight = xp.einsum("ij,ij->j", g, normed).reshape(weight.shape) if needs[1] else None
        if not needs[0]:
            return None, to_weight
        g = g * 1 if weight is None else g * weight.reshape(-1)
        normed *= xp.einsum("ij,ij->i", g, normed)[:, None] / max(rows.shape[1], 1)
        g -= normed
        to_input = xp.empty(input.shape, g.dtype)  # no view, see layer_norm_backward
        xp.multiply(g, rstd, out=to_input.reshape(rows.shape))
    return to_input, to_weight


@op(category="norm", refuses="bic", latex=r"\frac{x - \mu_g}{\sqrt{\sigma_g^2 + \epsilon}} w + b", namespace="nn.functional", node_name="NativeGroupNorm", extras=("mean", "rstd"), out=False, samples=calls(
    lambda r: ((r.normal(size=(2, 4, 3)), 2, r.normal(size=4), r.normal(size=4)), {}), lambda r: ((r.normal(size=(2, 6)), 3), {}),
    lambda r: ((r.normal(size=(2, 4, 3, 2)), 1, r.normal(size=4)), {})))
def group_norm(input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5) -> Tensor:
    """Bring each group of channels of each sample to mean 0 and variance 1, then scale and shift each channel (Wu and He, 2018).

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.group_norm(lab.tensor([[[1.0, 2.0], [3.0, 4.0]]]), 1)
    tensor([[[-1.3416, -0.4472],
             [ 0.4472,  1.3416]]])
    """
    if input.ndim < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.ndim}")
    N, C = input.shape[:2]
    if num_groups <= 0 or C % num_groups:
        raise RuntimeError(f"Expected number of channels in input to be divisible by num_groups, but got input of shape {list(input.shape)} and num_groups={num_groups}")
    for name, values in (("weight", weight), ("bias", bias)):
        if values is not None and values.shape != (C,):
            raise RuntimeError(f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of shape {list(values.shape)} and input of shape {list(input.shape)}")
    check_parameters(input, weight, bias)
    if not input.size:
        return input.copy(), input, input
    xp = namespace(input)
    rows = wide(input).reshape(N * num_groups, -1)
    mean = row_means(rows)[:, None]
    with whole_rows(math.prod(input.shape[2:])):
        centered = rows - mean
        rstd = 1 / xp.sqrt(row_dots(centered, centered)[:, None] / rows.shape[1] + rows.dtype.type(eps))
        # Scale and shift are one number for each sample and channel.
        scale = of_channels(rstd, N, C) if weight is None else of_channels(rstd, N, C) * weight
        out = xp.multiply(centered.reshape(N, C, -1), scale[:, :, None], out=centered.reshape(N, C, -1))
        if bias is not None:
            out += bias[:, None]
    return channels_like(out.reshape(input.shape).astype(input.dtype, copy=False), input), mean, rstd


def of_channels(groups, N: int, C: int):
    """Numbers of each sample's groups, repeated for their channels: (N, C)."""
    return groups.reshape(N, -1).repeat(C * N // groups.size, 1)


@group_norm.vjp("input", "weight", "bias")
def _(grad, input, num_groups, weight, bias, eps, mean, rstd, needs):
    if isinstance(grad, Tensor):
        def formula(input, weight, bias):
            N, C, *more = input.shape
            rows = input.reshape(N, num_groups, C // num_groups * math.prod(more))
            centered = rows - rows.mean(2, True)
            out = (centered * ((centered * centered).mean(2, True) + eps).rsqrt()).reshape(tuple(input.shape))
            if weight is not None:
                out = out * weight.reshape(C, *(1 for _ in more))
            return out if bias is None else out + bias.reshape(C, *(1 for _ in more))
        return gradients_through(formula, (input, weight, bias), grad)
    return ops.group_norm_backward(grad, input, weight, mean, rstd, needs)


@op(category="norm", function=False, method=False, outputs=("grad_input", "grad_weight", "grad_bias"), no_grad="its rule is taken through the composed formula")
def group_norm_backward(grad: Tensor, input: Tensor, weight: Tensor | None, mean: Tensor, rstd: Tensor, needs):
    """The three gradients of group_norm."""
    xp = namespace(grad)
    N, C = input.shape[:2]
    if not input.size:
        return input * 0, *(xp.zeros(C, input.dtype) if need else None for need in needs[1:])
    x, g = (xp.ascontiguousarray(wide(v)).reshape(N * C, -1) for v in (input, grad))
    m, r = (of_channels(v, N, C) for v in (mean, rstd))
    sums = g.dot(ones(g.shape[1], g)).reshape(N, C)
    along = row_dots(g, x).reshape(N, C) - sums * m  # of each channel, the part of grad along the centered input
    to_weight = xp.add.reduce(along * r, axis=0) if needs[1] else None
    to_bias = xp.add.reduce(sums, axis=0) if needs[2] else None
    if not needs[0]:
        return None, to_weight, to_bias
    if weight is not None:
        sums, along = sums * weight, along * weight
    # As in `rows_gradient`: grad times a number for each channel, plus the input times one for each group, plus one.
    sums, along = (xp.add.reduce(v.reshape(len(mean), -1), axis=1, keepdims=True) for v in (sums, along))
    share = len(mean) / x.size
    factor = along * (rstd * rstd * rstd * -share)
    to_input = xp.empty(input.shape, x.dtype)  # no view, see layer_norm_backward
    rows = to_input.reshape(len(mean), -1)
    with whole_rows(x.shape[1]):
        xp.multiply(g, (r if weight is None else r * weight).reshape(-1, 1), out=to_input.reshape(x.shape))
        centered = x.reshape(rows.shape) * factor
        centered -= factor * mean + sums * (rstd * share)
        rows += centered
    return to_input, to_weight, to_bias
