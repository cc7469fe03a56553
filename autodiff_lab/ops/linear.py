"""Linear maps: matmul and its kin."""

from __future__ import annotations

import math

import numpy as np

from ..backend import namespace
from ..core.broadcast import sum_to_shape
from ..core.op import op, ops
from ..core.samples import calls
from ..core.tape import Step, through
from ..core.tensor import Tensor

TRUTH = np.dtype(bool)
BLAS = frozenset(np.dtype(kind) for kind in "fdFD")  # what it multiplies


@op(category="linear", latex=r"A B", promote=None, node_name="Mm", dunder=("__matmul__",), variants=(("input_a.ndim != 2 or other_a.ndim != 2", (
    ("input_a.ndim == other_a.ndim == 1", "DotBackward0"), ("input_a.ndim == 2 and other_a.ndim == 1", "MvBackward0"),
    ("input_a.ndim == 1 and other_a.ndim == 2", "SqueezeBackward4"), ("True", "UnsafeViewBackward0"))),), samples=calls(
    lambda r: ((r.normal(size=(3, 4)), r.normal(size=(4, 2))), {}), lambda r: ((r.normal(size=(4,)), r.normal(size=(4,))), {}),
    lambda r: ((r.normal(size=(2, 3, 4)), r.normal(size=(4,))), {}), lambda r: ((r.normal(size=(4,)), r.normal(size=(2, 4, 3))), {}),
    lambda r: ((r.normal(size=(2, 1, 3, 4)), r.normal(size=(5, 4, 2))), {}), lambda r: ((r.normal(size=(2, 3, 0)), r.normal(size=(0, 4))), {}),
    lambda r: ((r.normal(size=(2, 3, 4)), r.normal(size=(4, 2))), {})))
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """Matrix product; batches broadcast, a vector counts as a row on the left and a column on the right.

    Raises:
        RuntimeError: if the inner sizes differ or a number is given.

    >>> import autodiff_lab as lab
    >>> lab.matmul(lab.ones(2, 3), lab.ones(3)).tolist()
    [3.0, 3.0]
    """
    kind = input.dtype
    if kind is other.dtype or kind == other.dtype:
        if kind is TRUTH:
            raise NotImplementedError("\"addmm_impl_cpu_\" not implemented for 'Bool': a product of truth values is no sum. Convert them, e.g. with .int().")
        try:
            if kind in BLAS and input.ndim == 2 and other.ndim == 2:
                return input.dot(other)  # for two small matrices in a third of the time of NumPy's `@`
            found = input @ other
        except ValueError:
            raise _mismatch(input, other) from None
        return found if found.dtype is kind else found.astype(kind, copy=False)  # ml_dtypes multiplies bfloat16 to float32
    if not input.ndim or not other.ndim or input.shape[-1] != other.shape[-2 if other.ndim > 1 else 0]:
        raise _mismatch(input, other)
    from ..core.dtypes import dtype_of
    raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {dtype_of(input).title.lower()} != {dtype_of(other).title.lower()}. "
                       "Convert one of them, e.g. with .float().")


def _mismatch(input, other) -> RuntimeError:
    if not input.ndim or not other.ndim:
        return RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {input.ndim}D and {other.ndim}D")
    a, b = list(input.shape), list(other.shape)
    hint = f" matmul got shapes {a} and {b}: the last size of the first must equal the {'second to last' if other.ndim > 1 else 'only'} size of the second."
    if input.ndim == other.ndim == 1:
        return RuntimeError(f"inconsistent tensor size, expected tensor {a} and src {b} to have the same number of elements, but got {a[0]} and {b[0]} elements respectively." + hint)
    rows = math.prod(a[:-1])
    if other.ndim == 2:
        return RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({rows}x{a[-1]} and {b[0]}x{b[1]})." + hint)
    if other.ndim == 1:
        return RuntimeError(f"size mismatch, got input ({rows}), mat ({rows}x{a[-1]}), vec ({b[0]})." + hint)
    try:
        batch = math.prod(np.broadcast_shapes(input.shape[:-2], other.shape[:-2]))
    except ValueError:
        n, m, at = next((n, m, i) for i, (n, m) in enumerate(zip(reversed(a[:-2]), reversed(b[:-2]), strict=False)) if n != m and 1 not in (n, m))
        dim = max(len(a), len(b)) - 3 - at
        return RuntimeError(f"The size of tensor a ({n}) must match the size of tensor b ({m}) at non-singleton dimension {dim}." + hint.replace(": the last size", ": batches must fit, and the last size"))
    return RuntimeError(f"Expected size for first two dimensions of batch2 tensor to be: [{batch}, {a[-1]}] but got: [{batch}, {b[-2]}]." + hint)


def rows(x):
    """All rows as one matrix; also where there is nothing in them, and -1 could not tell how many."""
    return x if x.ndim == 2 else x.reshape((math.prod(x.shape[:-1]), x.shape[-1]))


@matmul.vjp("input", latex="B^T")
def _(grad, input_shape, other):
    if other.ndim == 1:
        return ops.unsqueeze(grad, -1) * ops.conj(other)
    if len(input_shape) == 1:
        grad = ops.unsqueeze(grad, -2)
        full = ops.matmul(grad, ops.conj(other).swapaxes(-1, -2))
        return ops.squeeze(full, -2) if full.ndim == 2 else sum_to_shape(full, (1, *input_shape)).reshape(tuple(input_shape))
    return ops.matmul(grad, ops.conj(other).swapaxes(-1, -2))


@matmul.vjp("other", latex="A^T")
def _(grad, input, other_shape):
    if input.ndim == 1:
        if len(other_shape) == 1:
            return grad * ops.conj(input)
        return ops.unsqueeze(ops.conj(input), -1) * ops.unsqueeze(grad, -2)
    if len(other_shape) == 1:
        full = ops.matmul(ops.conj(input).swapaxes(-1, -2), ops.unsqueeze(grad, -1))
        return sum_to_shape(full, (*other_shape, 1)).reshape(tuple(other_shape))
    if len(other_shape) == 2 and input.ndim > 2:
        # One product over all batches at once, instead of a batch of products to be summed.
        return ops.matmul(ops.conj(rows(input)).swapaxes(-1, -2), rows(grad))
    return ops.matmul(ops.conj(input).swapaxes(-1, -2), grad)


@op(category="linear", refuses="b", latex=r"x W^T + b", namespace="nn.functional", node_name="Addmm", variants=(
    ("bias is None", (("input_a.ndim == 2", "MmBackward0"), ("input_a.ndim == 1", "SqueezeBackward4"), ("True", "UnsafeViewBackward0"))),
    ("input_a.ndim != 2", "ViewBackward0")), samples=calls(
    lambda r: ((r.normal(size=(5, 3)), r.normal(size=(2, 3)), r.normal(size=(2,))), {}), lambda r: ((r.normal(size=(2, 5, 3)), r.normal(size=(4, 3))), {}),
    lambda r: ((r.normal(size=(2, 5, 0)), r.normal(size=(4, 0)), r.normal(size=(4,))), {}), lambda r: ((r.normal(size=(4, 3)), r.normal(size=(3,))), {})))
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`input @ weight.T + bias`.

    Shape: input (..., in), weight (out, in) or (in,), bias (out,); result (..., out).

    Raises:
        RuntimeError: if the last size of input is not `in`.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.linear(lab.tensor([1.0, 2.0]), lab.tensor([[3.0, 4.0]]), lab.tensor([0.5]))
    tensor([11.5000])
    """
    if not 0 < weight.ndim < 3:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions: the weight of a linear layer is (out, in) or (in,), got shape {list(weight.shape)}")
    if not input.ndim or input.shape[-1] != weight.shape[-1]:
        raise _linear_mismatch(input, weight)
    if input.dtype != weight.dtype:
        from ..core.dtypes import dtype_of
        raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {dtype_of(input).title} and {dtype_of(weight).title}. Convert the input, e.g. with .float().")
    if bias is not None and input.dtype.itemsize == 2:  # rounded once, after the bias
        return (input.astype("float32") @ weight.T.astype("float32") + bias.astype("float32")).astype(input.dtype)
    if input.ndim > 2:
        # One matrix product over all rows.
        out = (rows(input) @ weight.T).reshape(*input.shape[:-1], *weight.shape[:-1])
    else:
        out = input.dot(weight.T) if input.dtype in BLAS and input.ndim == 2 and weight.ndim == 2 else input @ weight.T
    if out.dtype is not input.dtype:
        out = out.astype(input.dtype, copy=False)
    if bias is not None:
        out = out + bias if not out.ndim else namespace(out).add(out, bias, out=out)
    return out


def _linear_mismatch(input, weight) -> RuntimeError:
    features = weight.shape[-1]
    words = f"Linear expects {features} features in the last dimension, got an input of shape {list(input.shape)}."
    if input.ndim >= 2:
        rows = 1
        for n in input.shape[:-1]:
            rows *= n
        return RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({rows}x{input.shape[-1]} and {features}x{weight.shape[0]}). {words}")
    return RuntimeError(f"size mismatch, got input ({weight.shape[0]}), mat ({weight.shape[0]}x{features}), vec ({input.shape[0] if input.ndim else 0}). {words}")


def _as_pytorch_shows_it(name: str, input: tuple, weight: tuple, bias: tuple) -> tuple:
    """PyTorch transposes the weight, lays the rows of a batch under each other, and calls addmm (bias first) or mm."""
    weight = through("TBackward0", weight)
    if name == "AddmmBackward0":
        return bias, input, weight
    if name == "MmBackward0":
        return input, weight
    rows = through("UnsqueezeBackward0" if name == "SqueezeBackward4" else "ViewBackward0", input)
    product = Step("AddmmBackward0", bias, rows, weight) if name == "ViewBackward0" else Step("MmBackward0", rows, weight)
    return ((product, 0),)


linear.op.shown = _as_pytorch_shows_it


@linear.vjp("input", latex="W")
def _(grad, weight):
    if weight.ndim == 1:
        return ops.unsqueeze(grad, -1) * ops.conj(weight)
    return ops.matmul(grad, ops.conj(weight))


@linear.vjp("weight", latex="x^T")
def _(grad, input, weight_shape):
    if len(weight_shape) == 1:
        return ops.sum(ops.conj(rows(input)) * grad.reshape((-1, 1)), 0)
    return ops.matmul(rows(grad).swapaxes(-1, -2), ops.conj(rows(input)))


@linear.vjp("bias", latex="1")
def _(grad):
    return grad if grad.ndim == 1 else ops.sum(rows(grad), 0)
