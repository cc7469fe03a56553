"""Ready-made parametrizations: weight norm, spectral norm, orthogonal matrices."""

from __future__ import annotations

from ...core.dtypes import finfo
from ...core.modes import no_grad
from ...core.op import public
from ...core.tensor import Tensor
from ...ops.norms import norm_except_dim
from .. import functional as F
from ..modules.module import Module
from . import parametrize

__all__ = ["norm_except_dim", "orthogonal", "spectral_norm", "weight_norm"]


class _WeightNorm(Module):
    """Length times direction."""

    def __init__(self, dim: int | None = 0):
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g, weight_v):
        return weight_v * (weight_g / norm_except_dim(weight_v, 2, self.dim))

    def right_inverse(self, weight):
        return norm_except_dim(weight, 2, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int = 0) -> Module:
    """Learn length and direction of a weight apart (Salimans and Kingma, 2016): w = g · v / |v|.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.utils.parametrizations.weight_norm(lab.nn.Linear(3, 2))
    >>> m.parametrizations.weight.original0.shape
    torch.Size([2, 1])
    """
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def old_keys(state_dict, prefix, *_):
        for old, new in (("_g", "original0"), ("_v", "original1")):
            if prefix + name + old in state_dict:
                state_dict[f"{prefix}parametrizations.{name}.{new}"] = state_dict.pop(prefix + name + old)

    module._register_load_state_dict_pre_hook(old_keys)
    return module


class _SpectralNorm(Module):
    """A weight divided by its largest singular value, which one power iteration a step keeps track of."""

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12):
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(f"Dimension out of range (expected to be in range of [-{weight.ndim}, {weight.ndim - 1}] but got {dim})")
        if n_power_iterations <= 0:
            raise ValueError(f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}")
        self.dim = dim if dim >= 0 else dim + weight.ndim
        self.eps = eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = self._matrix(weight.detach())
            h, w = matrix.shape
            empty = public[""]["zeros"]
            u, v = empty(h, dtype=weight.dtype).normal_(0, 1), empty(w, dtype=weight.dtype).normal_(0, 1)
            self.register_buffer("_u", F.normalize(u, dim=0, eps=eps))
            self.register_buffer("_v", F.normalize(v, dim=0, eps=eps))
            self._power_method(matrix, 15)

    def _matrix(self, weight: Tensor) -> Tensor:
        if self.dim:
            weight = weight.permute(self.dim, *(d for d in range(weight.dim()) if d != self.dim))
        return weight.flatten(1)

    def _power_method(self, matrix: Tensor, n: int) -> None:
        with no_grad():
            for _ in range(n):
                self._u.copy_(F.normalize(matrix.detach().mv(self._v), dim=0, eps=self.eps))
                self._v.copy_(F.normalize(matrix.detach().t().mv(self._u), dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._matrix(weight)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()
        return weight / u.dot(matrix.mv(v))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None) -> Module:
    """Divide a weight by its largest singular value (Miyato et al., 2018).

    >>> import autodiff_lab as lab
    >>> m = lab.nn.utils.parametrizations.spectral_norm(lab.nn.Linear(3, 3)).eval()
    >>> m.weight.shape
    torch.Size([3, 3])
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if dim is None:
        dim = 1 if type(module).__name__.startswith("ConvTranspose") else 0
    return parametrize.register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))


def _orthogonalized(x: Tensor) -> Tensor:
    """The orthogonal factor of the QR decomposition whose R has a positive diagonal."""
    q, r = public["linalg"]["qr"](x)
    return q * r.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)


class _Orthogonal(Module):
    """An orthogonal matrix made from any matrix."""

    def __init__(self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool = True):
        super().__init__()
        self.shape, self.orthogonal_map = weight.shape, orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        lab = public[""]
        n, k = x.shape[-2:]
        turned = n < k
        if turned:
            x, n, k = x.transpose(-1, -2), k, n
        if self.orthogonal_map == "householder":
            a = x.tril(-1)
            tau = 2.0 / (1.0 + (a * a).sum(-2))
            eye = lab["eye"](n, dtype=x.dtype)
            q = eye[:, :k]
            for i in reversed(range(k)):
                v = (a[..., i] + eye[:, i]).unsqueeze(-1)
                q = q - v * tau[..., i:i + 1].unsqueeze(-1) * v.transpose(-1, -2).matmul(q)
            q = q * x.detach().diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)  # 1 and -1, until somebody writes to them
        else:
            x = x.tril()
            if n != k:
                x = lab["cat"]([x, lab["zeros"](*x.shape[:-2], n, n - k, dtype=x.dtype)], -1)
            a = x - x.transpose(-1, -2)
            if self.orthogonal_map == "matrix_exp":
                q = public["linalg"]["matrix_exp"](a)
            else:
                eye = lab["eye"](n, dtype=x.dtype)
                q = public["linalg"]["solve"](eye - a * 0.5, eye + a * 0.5)
            q = q[..., :k] if n != k else q
        if hasattr(self, "base"):
            q = self.base.matmul(q)
        return q.transpose(-1, -2) if turned else q

    def right_inverse(self, q: Tensor) -> Tensor:
        if q.shape != self.shape:
            raise ValueError(f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {q.shape}.")
        if not hasattr(self, "base"):
            if self.orthogonal_map != "householder":
                raise NotImplementedError("It is not possible to assign to the matrix exponential or the Cayley parametrizations when use_trivialization=False.")
            return self._reflections(q)
        lab = public[""]
        start = q
        n, k = q.shape[-2:]
        turned = n < k
        if turned:
            start, n, k = start.transpose(-1, -2), k, n
        if n != k:
            start = lab["cat"]([start, lab["randn"](*start.shape[:-2], n, n - k, dtype=start.dtype)], -1)
        near = 10.0 * n * finfo(q.dtype).eps
        if q.shape[-2] == q.shape[-1] and lab["allclose"](start.mH @ start, lab["eye"](n, dtype=q.dtype), atol=near):
            self.base = start.clone()
        else:
            self.base = _orthogonalized(start)
        minus = lab["zeros"](*start.shape[:-2], n, k, dtype=start.dtype)
        minus.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
        return minus.transpose(-1, -2) if turned else minus

    def _reflections(self, q: Tensor) -> Tensor:
        """What the Householder map makes `q` of: vectors below the diagonal, signs on it."""
        turned = q.shape[-2] < q.shape[-1]
        vectors, tau = public[""]["geqrf"](q.detach().mT if turned else q.detach())
        signs = vectors.diagonal(dim1=-2, dim2=-1)
        signs.sign_()
        signs[tau == 0] *= -1
        return vectors.mT if turned else vectors


def orthogonal(module: Module, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True) -> Module:
    """Keep a matrix orthogonal.

    Args:
        orthogonal_map: "matrix_exp", "cayley" or "householder"; default "matrix_exp" for square matrices, else "householder".
        use_trivialization: measure from the matrix given at first.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.utils.parametrizations.orthogonal(lab.nn.Linear(3, 3))
    >>> bool((m.weight @ m.weight.T - lab.eye(3)).abs().max() < 1e-5)
    True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[-2] == weight.shape[-1] else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}')
    return parametrize.register_parametrization(module, name, _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization), unsafe=True)
