"""Products of vectors and matrices by their BLAS names: matmul in other clothes."""

from __future__ import annotations

import math

from ..core.dtypes import bool_, dtype_of
from ..core.errors import TooFewDimensions, caution
from ..core.op import op, ops, public
from ..core.outs import stored
from ..core.precision import in_float32
from ..core.samples import calls
from ..core.tensor import Tensor
from .linear import matmul
from .reductions import sum
from .shape import expand

__all__ = ["corrcoef", "cov", "inner", "kron", "outer", "tensordot"]

Number = int | float | complex | bool


def _dims(name: str, what: str, array, ndim: int) -> None:
    if array.ndim != ndim:
        kind = {1: "1D", 2: "2D", 3: "3D"}[ndim]
        raise RuntimeError(f"{what} must be a {'matrix' if ndim == 2 else f'{kind} tensor'}, got {array.ndim}D tensor. {name} takes {kind} tensors only; "
                           "use matmul for other shapes.")


@op(category="linear", latex="A B", samples=calls(lambda r: ((r.normal(size=(3, 4)), r.normal(size=(4, 2))), {})))
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices, without broadcasting.

    Shape: (n, m) and (m, p) to (n, p).

    Raises:
        RuntimeError: for other numbers of dimensions, or sizes that do not fit.

    >>> import autodiff_lab as lab
    >>> lab.mm(lab.tensor([[1.0, 2.0]]), lab.tensor([[3.0], [4.0]]))
    tensor([[11.]])
    """
    _dims("mm", "self", input, 2)
    _dims("mm", "mat2", mat2, 2)
    return matmul.op.kernel(input, mat2)


@mm.vjp("input", latex="B^T")
def _(grad, mat2):
    return ops.matmul(grad, ops.conj(mat2).swapaxes(0, 1))


@mm.vjp("mat2", latex="A^T")
def _(grad, input):
    return ops.matmul(ops.conj(input).swapaxes(0, 1), grad)


@op(category="linear", latex="A_b B_b", samples=calls(lambda r: ((r.normal(size=(2, 3, 4)), r.normal(size=(2, 4, 2))), {})))
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """A product of matrices for each entry of the batch, without broadcasting.

    Shape: (B, n, m) and (B, m, p) to (B, n, p).

    Raises:
        RuntimeError: for other numbers of dimensions, or sizes that do not fit.

    >>> import autodiff_lab as lab
    >>> lab.bmm(lab.ones(10, 3, 4), lab.ones(10, 4, 5)).shape
    torch.Size([10, 3, 5])
    """
    if input.ndim != 3 or mat2.ndim != 3:
        kind = TooFewDimensions if min(input.ndim, mat2.ndim) < 3 else RuntimeError
        raise kind(f"batch1 must be a 3D tensor: bmm takes two batches of matrices, got {input.ndim}D and {mat2.ndim}D.")
    if input.shape[0] != mat2.shape[0] or input.shape[2] != mat2.shape[1]:
        raise RuntimeError(f"Expected size for first two dimensions of batch2 tensor to be: [{input.shape[0]}, {input.shape[2]}] but got: [{mat2.shape[0]}, {mat2.shape[1]}].")
    return matmul.op.kernel(input, mat2)


@bmm.vjp("input", latex="B^T")
def _(grad, mat2):
    return ops.matmul(grad, ops.conj(mat2).swapaxes(1, 2))


@bmm.vjp("mat2", latex="A^T")
def _(grad, input):
    return ops.matmul(ops.conj(input).swapaxes(1, 2), grad)


@op(category="linear", latex="A v", samples=calls(lambda r: ((r.normal(size=(3, 4)), r.normal(size=(4,))), {})))
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix and a vector.

    Shape: (n, m) and (m,) to (n,).

    Raises:
        RuntimeError: for other numbers of dimensions, or sizes that do not fit.

    >>> import autodiff_lab as lab
    >>> lab.mv(lab.tensor([[1.0, 2.0], [3.0, 4.0]]), lab.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    if input.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {input.ndim}, {vec.ndim}: mv takes a matrix and a vector.")
    return matmul.op.kernel(input, vec)


@mv.vjp("input", latex="v")
def _(grad, vec):
    return grad.reshape((-1, 1)) * ops.conj(vec)


@mv.vjp("vec", latex="A^T")
def _(grad, input):
    return ops.matmul(ops.conj(input).swapaxes(0, 1), grad)


@op(category="linear", latex=r"\sum_i x_i y_i", samples=calls(lambda r: ((r.normal(size=(4,)), r.normal(size=(4,))), {})))
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The sum of the products of two vectors' elements.

    >>> import autodiff_lab as lab
    >>> lab.dot(lab.tensor([1.0, 2.0]), lab.tensor([3.0, 4.0]))
    tensor(11.)
    """
    if input.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    return matmul.op.kernel(input, tensor)


@dot.vjp("input", latex="y")
def _(grad, tensor):
    return grad * ops.conj(tensor)


@dot.vjp("tensor", latex="x")
def _(grad, input):
    return grad * ops.conj(input)


@op(category="linear", latex=r"\beta M + \alpha A B", samples=calls(
    lambda r: ((r.normal(size=(3, 2)), r.normal(size=(3, 4)), r.normal(size=(4, 2))), {}),
    lambda r: ((r.normal(size=(2,)), r.normal(size=(3, 4)), r.normal(size=(4, 2))), {"beta": 0.5, "alpha": 2})), inplace=True)
@in_float32
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """`beta * input + alpha * (mat1 @ mat2)`; with beta 0 the input is ignored, nan and all.

    >>> import autodiff_lab as lab
    >>> lab.addmm(lab.ones(1, 1), lab.tensor([[1.0, 2.0]]), lab.tensor([[3.0], [4.0]]))
    tensor([[12.]])
    """
    _dims("addmm", "mat1", mat1, 2)
    _dims("addmm", "mat2", mat2, 2)
    return _combined("self and mat2", input, matmul.op.kernel(mat1, mat2), beta, alpha)


def _combined(names: str, input, product, beta, alpha):
    """`beta * input + alpha * product`; for integers, both numbers are cut to integers first, as in PyTorch."""
    if input.shape != product.shape:
        input = expand.op.kernel(input, product.shape)
    if input.dtype != product.dtype:
        raise RuntimeError(f"{names} must have the same dtype, but got {dtype_of(input).title} and {dtype_of(product).title}. Convert one of them, e.g. with .float().")
    if product.dtype.kind in "iub":
        whole = bool if product.dtype.kind == "b" else int
        beta, alpha = whole(beta), whole(alpha)
    product = _times(product, alpha)
    return product if beta == 0 else product + _times(input, beta)


def _times(array, number):
    return array if number == 1 else array * number


@addmm.vjp("input", latex=r"\beta")
def _(grad, beta):
    return _times(grad, beta.conjugate())


@addmm.vjp("mat1", latex=r"\alpha B^T")
def _(grad, mat2, alpha):
    return _times(ops.matmul(grad, ops.conj(mat2).swapaxes(0, 1)), alpha.conjugate())


@addmm.vjp("mat2", latex=r"\alpha A^T")
def _(grad, mat1, alpha):
    return _times(ops.matmul(ops.conj(mat1).swapaxes(0, 1), grad), alpha.conjugate())


@op(category="linear", latex=r"\beta v + \alpha A x", samples=calls(
    lambda r: ((r.normal(size=(3,)), r.normal(size=(3, 4)), r.normal(size=(4,))), {}),
    lambda r: ((r.normal(size=()), r.normal(size=(3, 4)), r.normal(size=(4,))), {"beta": 0.5, "alpha": 2})), inplace=True)
@in_float32
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """`beta * input + alpha * (mat @ vec)`; with beta 0 the input is ignored.

    >>> import autodiff_lab as lab
    >>> lab.addmv(lab.ones(2), lab.eye(2), lab.tensor([3.0, 4.0]))
    tensor([4., 5.])
    """
    if mat.ndim != 2 or vec.ndim != 1 or input.ndim > 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {input.ndim}, {mat.ndim}, {vec.ndim}")
    if mat.shape[1] != vec.shape[0] or input.ndim and input.shape[0] not in (1, mat.shape[0]):
        raise RuntimeError(f"size mismatch, got input ({mat.shape[0] if not input.ndim else input.shape[0]}), mat ({mat.shape[0]}x{mat.shape[1]}), vec ({vec.shape[0]})")
    return _combined("addmv input tensors", input, matmul.op.kernel(mat, vec), beta, alpha)


@addmv.vjp("input", latex=r"\beta")
def _(grad, beta):
    return _times(grad, beta.conjugate())


@addmv.vjp("mat", latex=r"\alpha x^T")
def _(grad, vec, alpha):
    return _times(grad.reshape((-1, 1)) * ops.conj(vec), alpha.conjugate())


@addmv.vjp("vec", latex=r"\alpha A^T")
def _(grad, mat, alpha):
    return _times(ops.matmul(ops.conj(mat).swapaxes(0, 1), grad), alpha.conjugate())


@op(category="linear", latex=r"\beta M + \alpha x y^T", promote="numeric", samples=calls(
    lambda r: ((r.normal(size=(3, 2)), r.normal(size=(3,)), r.normal(size=(2,))), {}),
    lambda r: ((r.normal(size=(2,)), r.normal(size=(3,)), r.normal(size=(2,))), {"beta": 0.5, "alpha": 2})), inplace=True)
@in_float32
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """`beta * input + alpha * outer(vec1, vec2)`; with beta 0 the input is ignored.

    >>> import autodiff_lab as lab
    >>> lab.addr(lab.zeros(2, 2), lab.tensor([1.0, 2.0]), lab.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    for name, vec in (("vec1", vec1), ("vec2", vec2)):
        if vec.ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument {name}, but got {vec.ndim}-D")
    if input.dtype.kind in "iub":
        for name, number in (("beta", beta), ("alpha", alpha)):
            if isinstance(number, (float, complex)):
                raise RuntimeError(f"For integral input tensors, argument {name} must not be a floating point number.")
    return _combined("addr input tensors", input, vec1[:, None] * vec2, beta, alpha)


@addr.vjp("input", latex=r"\beta")
def _(grad, beta):
    return _times(grad, beta.conjugate())


@addr.vjp("vec1", latex=r"\alpha y")
def _(grad, vec2, alpha):
    return _times(ops.matmul(grad, ops.conj(vec2)), alpha.conjugate())


@addr.vjp("vec2", latex=r"\alpha x")
def _(grad, vec1, alpha):
    return _times(ops.matmul(ops.conj(vec1), grad), alpha.conjugate())


@op(category="linear", latex=r"\beta M_b + \alpha A_b B_b", samples=calls(
    lambda r: ((r.normal(size=(2, 3, 2)), r.normal(size=(2, 3, 4)), r.normal(size=(2, 4, 2))), {}),
    lambda r: ((r.normal(size=(2,)), r.normal(size=(2, 3, 4)), r.normal(size=(2, 4, 2))), {"beta": 0.5, "alpha": 2})), inplace=True)
@in_float32
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """`beta * input + alpha * bmm(batch1, batch2)`; with beta 0 the input is ignored.

    >>> import autodiff_lab as lab
    >>> lab.baddbmm(lab.zeros(1, 1, 1), lab.ones(1, 1, 2), lab.ones(1, 2, 1))
    tensor([[[2.]]])
    """
    return _combined("input and batch2", input, bmm.op.kernel(batch1, batch2), beta, alpha)


@baddbmm.vjp("input", latex=r"\beta")
def _(grad, beta):
    return _times(grad, beta.conjugate())


@baddbmm.vjp("batch1", latex=r"\alpha B^T")
def _(grad, batch2, alpha):
    return _times(ops.matmul(grad, ops.conj(batch2).swapaxes(1, 2)), alpha.conjugate())


@baddbmm.vjp("batch2", latex=r"\alpha A^T")
def _(grad, batch1, alpha):
    return _times(ops.matmul(ops.conj(batch1).swapaxes(1, 2), grad), alpha.conjugate())


@op(category="linear", latex=r"\beta M + \alpha \sum_b A_b B_b", samples=calls(
    lambda r: ((r.normal(size=(3, 2)), r.normal(size=(2, 3, 4)), r.normal(size=(2, 4, 2))), {}),
    lambda r: ((r.normal(size=(2,)), r.normal(size=(2, 3, 4)), r.normal(size=(2, 4, 2))), {"beta": 0.5, "alpha": 2})), inplace=True)
@in_float32
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """`beta * input + alpha * (the sum of bmm(batch1, batch2) over the batch)`; with beta 0 the input is ignored.

    >>> import autodiff_lab as lab
    >>> lab.addbmm(lab.zeros(1, 1), lab.ones(2, 1, 3), lab.ones(2, 3, 1))
    tensor([[6.]])
    """
    product = bmm.op.kernel(batch1, batch2)
    return _combined("self and mat2", input, product.sum(0, dtype=product.dtype), beta, alpha)


@addbmm.vjp("input", latex=r"\beta")
def _(grad, beta):
    return _times(grad, beta.conjugate())


@addbmm.vjp("batch1", latex=r"\alpha B^T")
def _(grad, batch2, alpha):
    return _times(ops.matmul(grad, ops.conj(batch2).swapaxes(1, 2)), alpha.conjugate())


@addbmm.vjp("batch2", latex=r"\alpha A^T")
def _(grad, batch1, alpha):
    return _times(ops.matmul(ops.conj(batch1).swapaxes(1, 2), grad), alpha.conjugate())


@op(category="linear", latex=r"\sum_i \bar x_i y_i", samples=calls(lambda r: ((r.normal(size=(4,)), r.normal(size=(4,))), {}),
    lambda r: ((r.normal(size=(3,)) + 1j, r.normal(size=(3,)) - 2j), {})))
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """The dot product of two vectors, the first of them conjugated.

    >>> import autodiff_lab as lab
    >>> lab.vdot(lab.tensor([1j]), lab.tensor([1j]))
    tensor(1.+0.j)
    """
    return dot.op.kernel(input.conj(), other)


@vdot.vjp("input", latex="y")
def _(grad, other):
    return ops.conj(grad) * other


@vdot.vjp("other", latex="x")
def _(grad, input):
    return grad * input


@op(category="linear", refuses="b", latex=r"\sum_i A_{ii}", out=False, samples=calls(lambda r: ((r.normal(size=(3, 3)),), {}), lambda r: ((r.normal(size=(2, 4)),), {}), lambda r: ((r.normal(size=(4, 2)),), {})))
def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal.

    >>> import autodiff_lab as lab
    >>> lab.trace(lab.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return sum.op.kernel(input.diagonal())


@trace.vjp("input", latex="I")
def _(grad, input_shape):
    return ops.diagonal_scatter(ops.expand(ops.zeroed(grad), tuple(input_shape)), ops.expand(grad, (min(input_shape),)))


# ---- composed of the above: their derivatives come with the parts ----

def outer(input: Tensor, vec2: Tensor, *, out=None):
    """Every element of `input` times every element of `vec2`: a matrix.

    >>> import autodiff_lab as lab
    >>> lab.outer(lab.tensor([1.0, 2.0]), lab.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    if input.ndim != 1 or vec2.ndim != 1:
        raise RuntimeError(f"outer: Expected 1-D argument self, but got {input.ndim}-D" if input.ndim != 1 else f"outer: Expected 1-D argument vec2, but got {vec2.ndim}-D")
    return stored(input.unsqueeze(1) * vec2, out)


def inner(input: Tensor, other: Tensor, *, out=None):
    """The sum of products over the last dimension of both.

    >>> import autodiff_lab as lab
    >>> lab.inner(lab.tensor([1.0, 2.0]), lab.tensor([3.0, 4.0]))
    tensor(11.)
    """
    if not input.ndim or not other.ndim:
        return stored(input * other, out)
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(f"inner() the last dimension must match on both input tensors but got shapes {list(input.shape)} and {list(other.shape)}")
    return stored(tensordot(input, other, ([-1], [-1])), out)


def kron(input: Tensor, other: Tensor, *, out=None):
    """Kronecker product: every element of `input` times all of `other`, laid out as blocks.

    >>> import autodiff_lab as lab
    >>> lab.kron(lab.eye(2), lab.tensor([1.0, 2.0]))
    tensor([[1., 2., 0., 0.],
            [0., 0., 1., 2.]])
    """
    n = max(input.ndim, other.ndim)
    a = input.reshape((1,) * (n - input.ndim) + tuple(input.shape))
    b = other.reshape((1,) * (n - other.ndim) + tuple(other.shape))
    spread = a.reshape([size for pair in zip(a.shape, (1,) * n, strict=True) for size in pair]) * b.reshape([size for pair in zip((1,) * n, b.shape, strict=True) for size in pair])
    return stored(spread.reshape([p * q for p, q in zip(a.shape, b.shape, strict=True)]), out)


def tensordot(a, b, dims=2, out=None):
    """Sum of products over `dims`: the last dims of `a` with the first of `b`, or two lists of dimensions.

    >>> import autodiff_lab as lab
    >>> lab.tensordot(lab.ones(2, 3), lab.ones(3, 4), dims=1).shape
    torch.Size([2, 4])
    """
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        dims = (list(range(a.ndim - dims, a.ndim)), list(range(dims)))
    first, second = ([d] if isinstance(d, int) else list(d) for d in dims)
    if len(first) != len(second):
        raise RuntimeError(f"both dimension lists should have same length: got {len(first)} and {len(second)}")
    for p, q in zip(first, second, strict=True):
        if a.shape[p] != b.shape[q] and 1 not in (a.shape[p], b.shape[q]):
            raise RuntimeError(f"contracted dimensions need to match, but first has size {a.shape[p]} in dim {p} and second has size {b.shape[q]} in dim {q}")
        if a.shape[p] != b.shape[q]:  # one of them broadcasts: the other can be summed first
            a, b = (a, b.sum(q, True, dtype=b.dtype)) if a.shape[p] == 1 else (a.sum(p, True, dtype=a.dtype), b)
    first, second = [d % a.ndim for d in first], [d % b.ndim for d in second]
    rest_a, rest_b = [d for d in range(a.ndim) if d not in first], [d for d in range(b.ndim) if d not in second]
    inside = math.prod(a.shape[d] for d in first)
    if inside == a.numel() == b.numel():
        return stored(dot(a.permute((*rest_a, *first)).reshape(-1), b.permute((*second, *rest_b)).reshape(-1)).view([1] * (len(rest_a) + len(rest_b))), out)
    left = a.permute((*rest_a, *first)).reshape(-1 if inside else math.prod(a.shape[d] for d in rest_a), inside)
    right = b.permute((*second, *rest_b)).reshape(inside, -1 if inside else math.prod(b.shape[d] for d in rest_b))
    return stored(matmul(left, right).reshape([a.shape[d] for d in rest_a] + [b.shape[d] for d in rest_b]), out)


def cov(input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None):
    """The covariance matrix of variables in rows, observations in columns.

    Args:
        fweights: how often each observation occurs, whole numbers.
        aweights: how much each observation counts.

    >>> import autodiff_lab as lab
    >>> lab.cov(lab.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if input.ndim > 2:
        raise RuntimeError(f"cov(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions")
    if input.dtype is bool_:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x = input.reshape(1, -1) if input.ndim < 2 else input
    _check_weights("fweights", "integral", fweights, x.shape[1])
    _check_weights("aweights", "floating point", aweights, x.shape[1])
    weights = fweights
    if aweights is not None:
        weights = aweights if fweights is None else fweights * aweights
    total = x.shape[1] if weights is None else weights.sum()
    if weights is None:
        mean = x.sum(1, True) / total
    else:
        mean = (x * weights).sum(1, True) / total
    if aweights is None or correction == 0:
        factor = total - correction
    else:
        factor = total - correction * (weights * aweights).sum() / total
    if factor <= 0:
        caution("cov(): degrees of freedom is <= 0. Correction should be strictly less than the number of observations.")
        factor = 0
    centred = x - mean
    weighted = centred if weights is None else centred * weights
    return (matmul(weighted, centred.swapaxes(0, 1).conj().to(weighted.dtype)) / factor).squeeze()


def _check_weights(name: str, what: str, weights, observations: int) -> None:
    if weights is None:
        return
    if weights.ndim > 1:
        raise RuntimeError(f"cov(): expected {name} to have one or fewer dimensions but got {name} with {weights.ndim} dimensions")
    if weights.is_floating_point() is (what == "integral") or weights.dtype is bool_ or weights.is_complex():
        raise RuntimeError(f"cov(): expected {name} to have {what} dtype but got {name} with {weights.dtype.title} dtype")
    if weights.numel() != observations:
        raise RuntimeError(f"cov(): expected {name} to have the same numel as there are observations in the input but got {weights.numel()} != {observations}")
    if observations and weights.min() < 0:
        raise RuntimeError(f"cov(): {name} cannot be negative")


def corrcoef(input: Tensor):
    """The correlation matrix of variables in rows, observations in columns.

    >>> import autodiff_lab as lab
    >>> lab.corrcoef(lab.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])).round()
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if input.ndim > 2:
        raise RuntimeError(f"corrcoef(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions")
    c = cov(input)
    if not c.ndim:
        return c / c
    variances = c.diagonal()
    scale = (variances.real if c.is_complex() else variances).sqrt()
    found = c / scale.unsqueeze(1) / scale
    return public[""]["complex"](found.real.clamp(-1, 1), found.imag.clamp(-1, 1)) if c.is_complex() else found.clamp(-1, 1)


def _methods() -> None:
    for name in __all__:
        public[""][name] = globals()[name]
        if name != "tensordot":
            setattr(Tensor, name, globals()[name])
    public[""]["ger"] = Tensor.ger = outer


_methods()
