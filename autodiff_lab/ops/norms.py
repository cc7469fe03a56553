"""Lengths and distances: norms of vectors, `norm`, dist, cosine similarity, pairwise distances, renorm."""

from __future__ import annotations

import math

from ..backend import in_c_order, namespace
from ..backend.fast import squares, sums
from ..core.arguments import Dims, Number
from ..core.dtypes import FLOATING, dtype_of, promote_types
from ..core.op import op, ops, public
from ..core.outs import stored
from ..core.samples import calls
from ..core.tensor import Tensor
from .reductions import axes

F = "nn.functional"

lengths = calls(
    lambda r: ((r.normal(size=(3, 4)),), {}), lambda r: ((r.normal(size=(3, 4)), 1, 1), {}), lambda r: ((r.normal(size=(3, 4)), 3, 0, True), {}), lambda r: ((r.normal(size=(3, 4)), math.inf, 1), {}),
    lambda r: ((r.normal(size=(3, 4)), -math.inf), {}), lambda r: ((r.normal(size=(2, 3, 4)), 2, (0, -1)), {}), lambda r: ((r.normal(size=(3, 4)), 0.5, 1), {}), lambda r: ((r.normal(size=()),), {}),
    lambda r: ((r.normal(size=(3, 4)), 0, 1), {}))


@op(category="reduction", latex=r"\left(\sum_i |x_i|^p\right)^{1/p}", samples=lengths, namespace="linalg", node_name="LinalgVectorNorm")
def vector_norm(x: Tensor, ord: Number = 2, dim: Dims | None = None, keepdim: bool = False, *, dtype=None) -> Tensor:
    """The length of vectors: (sum |x|^p)^(1/p) over all elements, or over the dimensions `dim`.

    Args:
        ord: p; inf and -inf give the largest and smallest absolute value, 0 counts nonzeros.

    The gradient at 0 is 0 for ord 2.

    >>> import autodiff_lab as lab
    >>> lab.linalg.vector_norm(lab.tensor([3.0, 4.0]))
    tensor(5.)
    """
    if dtype is not None:
        check_norm_type(dtype_of(x), dtype_of(dtype))
        x = x.astype(dtype_of(dtype).numpy)
    if x.dtype not in FLOATING:
        raise RuntimeError(f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {dtype_of(x).title}. Convert it first, e.g. with .float().")
    if x.dtype.itemsize == 2:  # powers of halves overflow soon
        return vector_norm.op.kernel(x.astype("float32"), ord, dim, keepdim).astype(x.dtype)
    xp = namespace(x)
    axis = axes(dim, x.ndim) or None
    _need_elements(x, ord, axis)
    if ord == 2:
        found = squares(x, axis and axis[0], keepdim) if axis is None or len(axis) == 1 else None
        if found is None:
            each = x * x if x.dtype.kind != "c" else x.real * x.real + x.imag * x.imag
            found = xp.add.reduce(each, axis=axis, keepdims=keepdim)
        length = xp.sqrt(found)
        return length if x.ndim < 3 else in_c_order(length)
    size = xp.absolute(x)
    if ord == math.inf or ord == -math.inf:
        return in_c_order((xp.maximum if ord > 0 else xp.minimum).reduce(size, axis=axis, keepdims=keepdim))
    if ord == 0:
        return in_c_order(xp.add.reduce((size != 0).astype(size.dtype), axis=axis, keepdims=keepdim))
    if ord == 1:
        return in_c_order(xp.add.reduce(size, axis=axis, keepdims=keepdim))
    return in_c_order(xp.add.reduce(size ** ord, axis=axis, keepdims=keepdim) ** (1.0 / ord))


def _need_elements(x, ord: float, axis) -> None:
    if x.size or not (ord < 0 or ord == math.inf):
        return
    if axis is None:
        raise RuntimeError(f"linalg.vector_norm cannot compute the {ord} norm on an empty tensor because the operation does not have an identity")
    for d in axis:
        if not x.shape[d]:
            raise RuntimeError(f"linalg.vector_norm cannot compute the {ord} norm on the dimension {d} because this dimension is empty and the operation does not have an identity")


@vector_norm.vjp("x", latex=r"\frac{x_i |x_i|^{p-2}}{\|x\|^{p-1}}")
def _(grad, x, out, ord, dim, keepdim):
    if x.ndim and not keepdim:
        for d in sorted(axes(dim, x.ndim) or ()) or range(x.ndim):
            grad, out = ops.unsqueeze(grad, d), ops.unsqueeze(out, d)
    return norm_slope(grad, x, out, ord, dim)


def norm_slope(grad, x, out, ord: float, dim):
    """The gradient of a norm; `grad` and `out` broadcast along `x`."""
    if ord == 0:
        return x * 0 * grad
    if ord == 2:
        found = x * (grad / out)
        # 0 at 0, as PyTorch has it; the second derivative there is nan.
        return ops.where(out == 0, x * 0, found) if (out == 0).any() else found
    if ord == 1:
        return ops.sgn(x) * grad
    size = ops.abs(x)
    if ord == math.inf or ord == -math.inf:
        top = (size == out) | (ops.isnan(size) & ops.isnan(out))
        each = top.sum(axes(dim, x.ndim) or None, keepdims=True) if x.ndim else 1
        return ops.sgn(x) * (grad / each * top)
    none = size == 0
    safe = ops.where(none, size + 1, size)
    flat = ops.where(out == 0, out + 1, out)
    if ord < 1:
        return ops.where(none, x * 0, ops.sgn(x) * ops.pow(size, ord - 1) * (grad * ops.pow(out, 1 - ord)))
    if ord < 2:
        return ops.where(out == 0, x * 0, ops.where(none, x * 0, ops.sgn(x) * ops.pow(safe, ord - 1)) * (grad / ops.pow(flat, ord - 1)))
    return ops.where(out == 0, x * 0, x * ops.where(none, size * 0 if ord > 2 else size * 0 + 1, ops.pow(safe, ord - 2)) * (grad / ops.pow(flat, ord - 1)))


def check_norm_type(given, wanted, name: str = "linalg.vector_norm") -> None:
    """Refuse to compute a norm in a type that cannot hold the numbers."""
    if wanted.category < 2:
        raise RuntimeError(f"{name}: dtype should be floating point or complex, but got {wanted.title}")
    if wanted.is_complex != given.is_complex:
        kind = "complex" if given.is_complex else "real"
        raise RuntimeError(f"{name}: dtype should be {kind} for {kind} inputs, but got {wanted.title}")
    if given.category >= 2 and promote_types(given, wanted) is not wanted:
        raise RuntimeError(f"{name}: the dtype of the input ({given.title}) should be convertible without narrowing to the specified dtype ({wanted.title})")


def norm(input: Tensor, p="fro", dim=None, keepdim: bool = False, out=None, dtype=None) -> Tensor:
    """The length of vectors, or the Frobenius or nuclear norm of matrices; of everything, or over `dim`.

    Args:
        p: a number, inf, "fro" (the root of the sum of squares) or "nuc" (the sum of singular values).

    >>> import autodiff_lab as lab
    >>> x = lab.tensor([[3.0, 4.0], [6.0, 8.0]])
    >>> lab.norm(x, dim=1), lab.norm(x, p=1)
    (tensor([ 5., 10.]), tensor(21.))
    """
    if not input.is_floating_point() and not input.is_complex() and dtype is None:
        raise RuntimeError(f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {input.dtype.title}. Convert it first, e.g. with .float().")
    keywords = {"dtype": dtype} | ({} if out is None else {"out": out})
    if p == "nuc":
        return _nuclear(input, dim, keepdim, keywords)
    if p is None or p == "fro":
        p = 2
    if isinstance(p, str):
        raise RuntimeError(f"only valid string values are 'fro' and 'nuc', found: {p}")
    return vector_norm(input, p.item() if isinstance(p, Tensor) else p, dim, keepdim, **keywords)


def _nuclear(input, dim, keepdim: bool, keywords):
    if dim is None:
        if input.ndim != 2:
            raise RuntimeError(f"Expected a tensor with 2 dimensions for the nuclear norm, but got a tensor with {input.ndim} dimensions instead. Give dim=(a, b).")
        dim = (0, 1)
    if isinstance(dim, int) or len(dim) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. The nuclear norm requires a 'dim' argument of size 2, but got {dim}")
    return public["linalg"]["matrix_norm"](input, "nuc", tuple(dim), keepdim, **keywords)


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of `input - other`.

    >>> import autodiff_lab as lab
    >>> lab.dist(lab.tensor([0.0, 0.0]), lab.tensor([3.0, 4.0]))
    tensor(5.)
    """
    return vector_norm(input - other, p)


def renorm(input: Tensor, p: float, dim: int, maxnorm: float, *, out=None) -> Tensor:
    """Slices along `dim` whose p-norm exceeds `maxnorm` are scaled down to it.

    >>> import autodiff_lab as lab
    >>> lab.renorm(lab.tensor([[3.0, 4.0]]), p=2, dim=0, maxnorm=1.0)
    tensor([[0.6000, 0.8000]])
    """
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if not maxnorm >= 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm:g}")
    if input.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {input.ndim} dimensions")
    (d,) = axes(dim, input.ndim)
    others = tuple(i for i in range(input.ndim) if i != d)
    length = vector_norm(input, p, others, True)
    factor = public[""]["where"](length > maxnorm, maxnorm / (length + 1e-7), 1.0)
    made = input * factor
    return stored(made, out)


def renorm_(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """In-place version of `renorm`."""
    return input.copy_(renorm(input, p, dim, maxnorm))


Tensor.norm, Tensor.dist, Tensor.renorm, Tensor.renorm_ = norm, dist, renorm, renorm_
def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The norm over every dimension but one (-1: over all).

    >>> import autodiff_lab as lab
    >>> lab.norm_except_dim(lab.tensor([[3.0, 4.0], [6.0, 8.0]]))
    tensor([[ 5.],
            [10.]])
    """
    if dim == -1:
        return (v.abs() ** pow).sum() ** (1.0 / pow)
    others = [d for d in range(v.ndim) if d != dim % v.ndim]
    return ((v * v).sum(others, True)).sqrt() if pow == 2 else (v.abs() ** pow).sum(others, True) ** (1.0 / pow)


public[""].update(norm=norm, dist=dist, norm_except_dim=norm_except_dim, renorm=renorm)
norm.op = vector_norm.op


# ---- similarity ----

def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along `dim`; lengths are taken to be at least `eps`.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.cosine_similarity(lab.tensor([1.0, 0.0]), lab.tensor([1.0, 1.0]), dim=0)
    tensor(0.7071)
    """
    if not (x1.is_floating_point() and x2.is_floating_point()):
        raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {x1.dtype.title if not x1.is_floating_point() else x2.dtype.title}")
    x1, x2 = public[""]["broadcast_tensors"](x1, x2)
    first = x1 / vector_norm(x1, 2, dim, True).clamp_min(eps)
    second = x2 / vector_norm(x2, 2, dim, True).clamp_min(eps)
    return (first * second).sum(dim)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The p-norm of `x1 - x2 + eps` along the last dimension.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.pairwise_distance(lab.tensor([[0.0, 0.0]]), lab.tensor([[3.0, 4.0]]))
    tensor([5.0000])
    """
    return vector_norm(x1 - x2 + eps, p, -1, keepdim)


public[F].update(cosine_similarity=cosine_similarity, pairwise_distance=pairwise_distance)
public[""].update(cosine_similarity=cosine_similarity, pairwise_distance=pairwise_distance)


# ---- all pairs ----

points = calls(
    lambda r: ((r.normal(size=(3, 4)), r.normal(size=(5, 4))), {}), lambda r: ((r.normal(size=(2, 3, 4)), r.normal(size=(5, 4)), 1.0), {}), lambda r: ((r.normal(size=(3, 4)), r.normal(size=(5, 4)), 3.0), {}),
    lambda r: ((r.normal(size=(3, 4)), r.normal(size=(2, 4)), math.inf), {}), lambda r: ((r.normal(size=(3, 0)), r.normal(size=(2, 0))), {}))


@op(category="linear", refuses="ch", latex=r"\|a_i - b_j\|_p", samples=points, method=False, out=False, promote="numeric")
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Tensor:
    """The p-norm distance between every row of `x1` and every row of `x2`. The gradient of a distance of 0 is 0.

    Shape: (..., P, M) and (..., R, M) give (..., P, R).

    Raises:
        RuntimeError: for unequal M or a negative p.

    >>> import autodiff_lab as lab
    >>> lab.cdist(lab.tensor([[0.0, 0.0]]), lab.tensor([[3.0, 4.0]]))
    tensor([[5.]])
    """
    for name, x in (("X1", x1), ("X2", x2)):
        if dtype_of(x).category != 2:
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {dtype_of(x).title}")
        if x.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.ndim}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    if not p >= 0:
        raise RuntimeError("cdist only supports non-negative p values")
    if compute_mode not in ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"):
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    xp = namespace(x1)
    if _by_product(x1.shape, x2.shape, p, compute_mode):
        # |a - b|^2 = |a|^2 + |b|^2 - 2ab
        product = xp.matmul(x1, x2.swapaxes(-1, -2))
        product *= -2
        product += sums(x1 * x1, -1)[..., :, None]
        product += sums(x2 * x2, -1)[..., None, :]
        return in_c_order(xp.sqrt(xp.maximum(product, 0, out=product), out=product))
    return vector_norm.op.kernel(x1[..., :, None, :] - x2[..., None, :, :], p, -1) if x1.shape[-1] else xp.zeros((*xp.broadcast_shapes(x1.shape[:-2], x2.shape[:-2]), x1.shape[-2], x2.shape[-2]), x1.dtype)


def _by_product(first, second, p: float, compute_mode: str) -> bool:
    """True where one matrix product stands for every difference of rows: as in PyTorch for many rows, or if asked for."""
    return p == 2 and (compute_mode == "use_mm_for_euclid_dist" or max(first[-2], second[-2]) > 25 and compute_mode.endswith("necessary"))


def _pull(grad, out, x, other):
    """The gradient for `x` of distances found by a product: each pair's is (x - other) times grad / out, 0 at distance 0."""
    none = out == 0
    each = grad / ops.where(none, out + math.inf, out) if none.any() else grad / out
    return x * ops.sum(each, -1, True) - ops.matmul(each, other)


def _from_pairs(grad, x1, x2, out, p: float):
    """The gradient of each difference."""
    apart = ops.unsqueeze(x1, -2) - ops.unsqueeze(x2, -3)
    return norm_slope(ops.unsqueeze(grad, -1), apart, ops.unsqueeze(out, -1), p, -1)


@cdist.vjp("x1")
def _(grad, x1, x2, out, p, compute_mode):
    if _by_product(x1.shape, x2.shape, p, compute_mode):
        return _pull(grad, out, x1, x2)
    return ops.sum(_from_pairs(grad, x1, x2, out, p), -2)


@cdist.vjp("x2")
def _(grad, x1, x2, out, p, compute_mode):
    if _by_product(x1.shape, x2.shape, p, compute_mode):
        return _pull(grad.swapaxes(-1, -2), out.swapaxes(-1, -2), x2, x1)
    return -ops.sum(_from_pairs(grad, x1, x2, out, p), -3)


def pdist(input: Tensor, p: float = 2) -> Tensor:
    """The p-norm distance between every two rows of a matrix: the upper triangle of cdist, row by row.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.pdist(lab.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]))
    tensor([5.0000, 1.0000, 4.2426])
    """
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if not input.is_floating_point():
        raise RuntimeError("pdist only supports floating-point dtypes")
    if input.dtype.itemsize == 2:
        raise NotImplementedError(f"\"pdist\" not implemented for '{input.dtype.title}'. Convert it first, e.g. with .float().")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    n = input.shape[0]
    row, column = (public[""]["from_numpy"](a) for a in namespace(input._a).triu_indices(n, 1))
    return vector_norm(input[row] - input[column], p, -1)


public[""]["pdist"] = public[F]["pdist"] = pdist
