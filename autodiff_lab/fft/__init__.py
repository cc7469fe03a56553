"""Discrete Fourier transforms under PyTorch's names, in 1, 2 and n dimensions."""

from __future__ import annotations

from ..core.arguments import Dims, check_all
from ..core.op import public
from ..core.outs import stored
from ..core.tensor import Tensor
from ..ops.fourier import fft_c2c, fft_c2r, fft_r2c

__all__ = ["fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "hfft2", "hfftn", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft", "ihfft2", "ihfftn",
           "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn"]

_all = public[""]
_FORWARD = {"backward": 0, None: 0, "ortho": 1, "forward": 2}
_INVERSE = {"backward": 2, None: 2, "ortho": 1, "forward": 0}


def _mode(norm, forward: bool) -> int:
    modes = _FORWARD if forward else _INVERSE
    if norm not in modes:
        raise RuntimeError(f'Invalid normalization mode: "{norm}"')
    return modes[norm]


def _sizes(input, s, dim, name: str):
    """The dimensions to transform and the size of each, as PyTorch fills them in."""
    ndim = input.ndim
    if isinstance(s, int):
        s = (s,)
    if dim is None:
        dims = list(range(ndim)) if s is None else list(range(ndim - len(s), ndim))
    else:
        dims = [dim] if isinstance(dim, int) else list(dim)
    for d in dims:
        if not -ndim <= d < ndim:
            raise IndexError(f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but got {d})")
    if not dims and name in ("irfftn", "hfftn", "rfftn", "ihfftn"):
        raise RuntimeError(f"{name} must transform at least one axis")
    dims = [d % ndim for d in dims]
    if len(set(dims)) < len(dims):
        raise RuntimeError("FFT dims must be unique")
    if s is not None and len(s) != len(dims):
        raise RuntimeError("When given, dim and shape arguments must have the same length")
    return dims, [input.shape[d] if s is None or s[i] in (None, -1) else s[i] for i, d in enumerate(dims)]


def _one(n: int | None) -> tuple | None:
    """The size of the one dimension of a transform, as those of several are given; there -1 means as it is, here it is no size."""
    if n is not None and n < 1:
        raise RuntimeError(f"Invalid number of data points ({n}) specified")
    return None if n is None else (n,)


def _resized(input, dims, sizes):
    """Cut or padded with zeros at the end of each dimension."""
    for d, n in zip(dims, sizes, strict=True):
        if n < 1:
            raise RuntimeError(f"Invalid number of data points ({n}) specified")
        have = input.shape[d]
        if n < have:
            input = input.narrow(d, 0, n)
        elif n > have:
            shape = list(input.shape)
            shape[d] = n - have
            input = _all["cat"]([input, _all["zeros"](shape, dtype=input.dtype)], d)
    return input


def _floating(input):
    if not isinstance(input, Tensor):
        raise TypeError(f"fft(): argument 'input' must be Tensor, not {type(input).__name__}")
    if input.is_floating_point() and input.dtype.itemsize == 2:
        raise RuntimeError(f"Unsupported dtype {input.dtype.title}. Convert it first, e.g. with .float().")
    return input if input.is_floating_point() or input.is_complex() else input.to(_default())


def _default():
    from ..core.dtypes import get_default_dtype
    return get_default_dtype()


def _complex(input):
    input = _floating(input)
    return input if input.is_complex() else input.to(input.dtype.to_complex())


def fftn(input: Tensor, s: Dims | None = None, dim: Dims | None = None, norm: str | None = None, *, out=None) -> Tensor:
    """Transform over several dimensions, cut or padded to sizes `s`.

    >>> import autodiff_lab as lab
    >>> lab.fft.fftn(lab.ones(2, 2)).real
    tensor([[4., 0.],
            [0., 0.]])
    """
    dims, sizes = _sizes(input, s, dim, "fftn")
    return stored(fft_c2c(_resized(_complex(input), dims, sizes), tuple(dims), _mode(norm, True), True), out)


def ifftn(input: Tensor, s: Dims | None = None, dim: Dims | None = None, norm: str | None = None, *, out=None) -> Tensor:
    """Inverse of `fftn`.

    >>> import autodiff_lab as lab
    >>> lab.fft.ifftn(lab.fft.fftn(lab.ones(2, 2))).real
    tensor([[1., 1.],
            [1., 1.]])
    """
    dims, sizes = _sizes(input, s, dim, "ifftn")
    return stored(fft_c2c(_resized(_complex(input), dims, sizes), tuple(dims), _mode(norm, False), False), out)


def rfftn(input: Tensor, s: Dims | None = None, dim: Dims | None = None, norm: str | None = None, *, out=None) -> Tensor:
    """`fftn` of real numbers: only the half of the last dimension that the other half mirrors.

    >>> import autodiff_lab as lab
    >>> lab.fft.rfftn(lab.ones(2, 4)).shape
    torch.Size([2, 3])
    """
    input = _floating(input)
    if input.is_complex():
        raise RuntimeError(f"rfftn expects a real input tensor, but got {input.dtype.title}")
    dims, sizes = _sizes(input, s, dim, "rfftn")
    return stored(fft_r2c(_resized(input, dims, sizes), tuple(dims), _mode(norm, True)), out)


def irfftn(input: Tensor, s: Dims | None = None, dim: Dims | None = None, norm: str | None = None, *, out=None) -> Tensor:
    """Inverse of `rfftn`: real numbers. Give `s` if the last size was odd.

    >>> import autodiff_lab as lab
    >>> lab.fft.irfftn(lab.fft.rfftn(lab.ones(2, 4)))
    tensor([[1., 1., 1., 1.],
            [1., 1., 1., 1.]])
    """
    dims, sizes = _sizes(input, s, dim, "irfftn")
    last = 2 * (sizes[-1] - 1) if s is None or s[-1] in (None, -1) else s[-1]
    if last < 1:
        raise RuntimeError(f"Invalid number of data points ({last}) specified")
    return stored(fft_c2r(_resized(_complex(input), dims, [*sizes[:-1], last // 2 + 1]), tuple(dims), _mode(norm, False), last), out)


def hfftn(input: Tensor, s: Dims | None = None, dim: Dims | None = None, norm: str | None = None, *, out=None) -> Tensor:
    """Transform of numbers whose other half mirrors them: real results."""
    dims, sizes = _sizes(input, s, dim, "hfftn")
    last = 2 * (sizes[-1] - 1) if s is None or s[-1] in (None, -1) else s[-1]
    input = _resized(_complex(input), dims, [*sizes[:-1], last // 2 + 1])
    if len(dims) > 1:
        input = fft_c2c(input, tuple(dims[:-1]), _mode(norm, True), True)
    return stored(fft_c2r(input.conj(), (dims[-1],), _mode(norm, True), last), out)


def ihfftn(input: Tensor, s: Dims | None = None, dim: Dims | None = None, norm: str | None = None, *, out=None) -> Tensor:
    """Inverse of `hfftn`."""
    input = _floating(input)
    if input.is_complex():
        raise RuntimeError(f"ihfftn expects a real input tensor, but got {input.dtype.title}")
    dims, sizes = _sizes(input, s, dim, "ihfftn")
    half = fft_r2c(_resized(input, dims, sizes), (dims[-1],), _mode(norm, False)).conj()
    return stored(fft_c2c(half, tuple(dims[:-1]), _mode(norm, False), False) if len(dims) > 1 else half, out)


def fft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out=None) -> Tensor:
    """The discrete Fourier transform along one dimension: X[k] = Σ x[m]·exp(-2πi·k·m/n).

    Args:
        n: cut the input to so many points, or pad it with zeros.
        norm: "backward" (no factor here, 1/n in the inverse), "ortho" (1/sqrt(n) both ways) or "forward" (1/n here).

    Shape: any, real or complex; complex of the same shape out, with n in dimension `dim`.

    Raises:
        RuntimeError: for n < 1 or another `norm`.

    Source: Cooley and Tukey (1965), An algorithm for the machine calculation of complex Fourier series.

    >>> import autodiff_lab as lab
    >>> lab.fft.fft(lab.tensor([1.0, 0.0, 0.0, 0.0]))
    tensor([1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j])
    """
    return fftn(input, _one(n), (dim,), norm, out=out)


def ifft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out=None) -> Tensor:
    """Inverse of `fft`.

    >>> import autodiff_lab as lab
    >>> lab.fft.ifft(lab.fft.fft(lab.tensor([1.0, 2.0, 3.0]))).real
    tensor([1., 2., 3.])
    """
    return ifftn(input, _one(n), (dim,), norm, out=out)


def rfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out=None) -> Tensor:
    """`fft` of real numbers: only frequencies 0 to n // 2, which the others mirror.

    Shape: (..., n) real to (..., n // 2 + 1) complex.

    >>> import autodiff_lab as lab
    >>> lab.fft.rfft(lab.tensor([1.0, 1.0, 1.0, 1.0]))
    tensor([4.+0.j, 0.+0.j, 0.+0.j])
    """
    return rfftn(input, _one(n), (dim,), norm, out=out)


def irfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out=None) -> Tensor:
    """Inverse of `rfft`: real numbers. Give `n` if it was odd.

    Shape: (..., m) complex to (..., n) real; n is 2·(m - 1) where it is not given.

    >>> import autodiff_lab as lab
    >>> lab.fft.irfft(lab.fft.rfft(lab.tensor([1.0, 2.0, 3.0, 4.0])))
    tensor([1., 2., 3., 4.])
    """
    return irfftn(input, _one(n), (dim,), norm, out=out)


def hfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out=None) -> Tensor:
    """Transform of a half that the other half mirrors: real numbers. Give `n` if the whole is odd.

    >>> import autodiff_lab as lab
    >>> lab.fft.hfft(lab.tensor([1.0, 1.0, 1.0]))
    tensor([4., 0., 0., 0.])
    """
    return hfftn(input, _one(n), (dim,), norm, out=out)


def ihfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out=None) -> Tensor:
    """Inverse of `hfft`.

    >>> import autodiff_lab as lab
    >>> lab.fft.ihfft(lab.tensor([1.0, 1.0, 1.0, 1.0]))
    tensor([1.-0.j, 0.-0.j, 0.-0.j])
    """
    return ihfftn(input, _one(n), (dim,), norm, out=out)


def fft2(input: Tensor, s: Dims | None = None, dim: Dims = (-2, -1), norm: str | None = None, *, out=None) -> Tensor:
    """`fft` over two dimensions, such as the rows and columns of an image.

    >>> import autodiff_lab as lab
    >>> lab.fft.fft2(lab.ones(2, 2)).real
    tensor([[4., 0.],
            [0., 0.]])
    """
    return fftn(input, s, dim, norm, out=out)


def ifft2(input: Tensor, s: Dims | None = None, dim: Dims = (-2, -1), norm: str | None = None, *, out=None) -> Tensor:
    """Inverse of `fft2`.

    >>> import autodiff_lab as lab
    >>> lab.fft.ifft2(lab.fft.fft2(lab.ones(2, 2))).real
    tensor([[1., 1.],
            [1., 1.]])
    """
    return ifftn(input, s, dim, norm, out=out)


def rfft2(input: Tensor, s: Dims | None = None, dim: Dims = (-2, -1), norm: str | None = None, *, out=None) -> Tensor:
    """`fft2` of real numbers: only the half of the last dimension that the other half mirrors.

    >>> import autodiff_lab as lab
    >>> lab.fft.rfft2(lab.ones(2, 4)).shape
    torch.Size([2, 3])
    """
    return rfftn(input, s, dim, norm, out=out)


def irfft2(input: Tensor, s: Dims | None = None, dim: Dims = (-2, -1), norm: str | None = None, *, out=None) -> Tensor:
    """Inverse of `rfft2`. Give `s` if the last size was odd.

    >>> import autodiff_lab as lab
    >>> lab.fft.irfft2(lab.fft.rfft2(lab.ones(2, 4)))
    tensor([[1., 1., 1., 1.],
            [1., 1., 1., 1.]])
    """
    return irfftn(input, s, dim, norm, out=out)


def hfft2(input: Tensor, s: Dims | None = None, dim: Dims = (-2, -1), norm: str | None = None, *, out=None) -> Tensor:
    """Transform over two dimensions of a half that the other half mirrors: real numbers.

    >>> import autodiff_lab as lab
    >>> lab.fft.hfft2(lab.ones(2, 3)).shape
    torch.Size([2, 4])
    """
    return hfftn(input, s, dim, norm, out=out)


def ihfft2(input: Tensor, s: Dims | None = None, dim: Dims = (-2, -1), norm: str | None = None, *, out=None) -> Tensor:
    """Inverse of `hfft2`.

    >>> import autodiff_lab as lab
    >>> lab.fft.ihfft2(lab.ones(2, 4)).shape
    torch.Size([2, 3])
    """
    return ihfftn(input, s, dim, norm, out=out)


def fftfreq(n: int, d: float = 1.0, *, out=None, dtype=None, layout=None, device=None, requires_grad: bool = False) -> Tensor:
    """The frequency of each result of `fft`, in cycles per unit of `d`.

    >>> import autodiff_lab as lab
    >>> lab.fft.fftfreq(4)
    tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    numbers = _all["arange"](n, dtype=dtype or _default(), device=device)
    result = _all["where"](numbers < (n + 1) // 2, numbers, numbers - n) * (1.0 / (n * d) if n else 1.0)
    return stored(result.requires_grad_(requires_grad), out)


def rfftfreq(n: int, d: float = 1.0, *, out=None, dtype=None, layout=None, device=None, requires_grad: bool = False) -> Tensor:
    """The frequency of each result of `rfft`.

    >>> import autodiff_lab as lab
    >>> lab.fft.rfftfreq(4)
    tensor([0.0000, 0.2500, 0.5000])
    """
    result = _all["arange"](n // 2 + 1, dtype=dtype or _default(), device=device) * (1.0 / (n * d))
    return stored(result.requires_grad_(requires_grad), out)


def fftshift(input: Tensor, dim: Dims | None = None) -> Tensor:
    """Frequency 0 moved to the middle.

    >>> import autodiff_lab as lab
    >>> lab.fft.fftshift(lab.tensor([0.0, 1.0, -2.0, -1.0]))
    tensor([-2., -1.,  0.,  1.])
    """
    dims = list(range(input.ndim)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    return input.roll([input.shape[d] // 2 for d in dims], dims)


def ifftshift(input: Tensor, dim: Dims | None = None) -> Tensor:
    """Inverse of `fftshift`.

    >>> import autodiff_lab as lab
    >>> lab.fft.ifftshift(lab.tensor([-2.0, -1.0, 0.0, 1.0]))
    tensor([ 0.,  1., -2., -1.])
    """
    dims = list(range(input.ndim)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    return input.roll([(input.shape[d] + 1) // 2 for d in dims], dims)


_looked_at = {name: globals()[name] for name in __all__}
check_all(_looked_at)
globals().update(_looked_at)
public.setdefault("fft", {}).update(_looked_at)
