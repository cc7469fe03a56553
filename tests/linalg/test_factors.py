"""Compact factorisations and short-time Fourier transforms, beside PyTorch's and by what they must multiply back to."""

import warnings

import numpy as np
import pytest

import autodiff_lab as lab

RNG = np.random.default_rng(3)
SQUARE, BATCH, TALL = RNG.normal(size=(4, 4)), RNG.normal(size=(2, 3, 3)), RNG.normal(size=(5, 3))
SYMMETRIC = SQUARE + SQUARE.T
RIGHT, RIGHTS, SIGNAL = RNG.normal(size=(4, 2)), RNG.normal(size=(2, 3, 2)), RNG.normal(size=(2, 40))

PROGRAMS = {
    "T.linalg.lu_factor_ex(x)": (SQUARE,), "T.linalg.lu_factor(x)": (BATCH,), "T.lu(x)[0]": (TALL,), "T.lu_unpack(*T.linalg.lu_factor(x))": (TALL,),
    "T.linalg.lu_solve(*T.linalg.lu_factor(x), y)": (BATCH, RIGHTS), "T.linalg.lu_solve(*T.linalg.lu_factor(x), y, adjoint=True)": (SQUARE, RIGHT),
    "T.linalg.lu_solve(*T.linalg.lu_factor(x), y.mT, left=False)": (SQUARE, RIGHT), "T.linalg.lu_solve(*T.linalg.lu_factor(x), y.mT, left=False, adjoint=True)": (SQUARE, RIGHT),
    "T.lu_solve(y, *T.linalg.lu_factor(x))": (SQUARE, RIGHT), "T.linalg.ldl_factor(x)": (SYMMETRIC,), "T.linalg.ldl_factor_ex(x)": (BATCH + BATCH.swapaxes(1, 2),),
    "T.linalg.ldl_solve(*T.linalg.ldl_factor(x), y)": (SYMMETRIC, RIGHT), "T.geqrf(x)": (TALL,), "T.linalg.householder_product(*T.geqrf(x))": (TALL,),
    "T.linalg.householder_product(*T.geqrf(x))  # batch": (BATCH,), "T.ormqr(*T.geqrf(x), y)": (SQUARE, RIGHT), "T.ormqr(*T.geqrf(x), y, transpose=True)": (SQUARE, RIGHT),
    "T.ormqr(*T.geqrf(x), y.mT, left=False)": (SQUARE, RIGHT), "T.ormqr(*T.geqrf(x), y.mT, left=False, transpose=True)": (SQUARE, RIGHT), "T.frobenius_norm(x, (0, 1))": (SQUARE,),
    "T.linalg.cholesky_ex(x.mT @ x).L": (BATCH,), "T.linalg.cholesky_ex(T.stack([x, -x])).info": (np.eye(3),), "T.linalg.inv_ex(T.stack([x, x * 0])).info": (np.eye(3),),
    "T.stft(x, 8, window=T.hann_window(8, dtype=x.dtype), return_complex=True)": (SIGNAL,), "T.stft(x[0], 8, 3, 6, return_complex=True)": (SIGNAL,),
    "T.stft(x, 8, center=False, normalized=True, return_complex=True)": (SIGNAL,), "T.stft(x, 8, onesided=False, return_complex=True)": (SIGNAL,),
    "T.stft(x, 8, pad_mode='constant', return_complex=False)": (SIGNAL,), "T.stft(T.complex(x, x), 8)": (SIGNAL,),
    "T.istft(T.stft(x, 8, window=T.hann_window(8, dtype=x.dtype), return_complex=True), 8, window=T.hann_window(8, dtype=x.dtype))": (SIGNAL,),
    "T.istft(T.stft(x, 8, return_complex=True), 8, length=38)": (SIGNAL,), "T.istft(T.stft(x, 9, 2, normalized=True, return_complex=True), 9, 2, normalized=True, length=50)": (SIGNAL,),
    "T.istft(T.stft(T.complex(x, x), 8), 8, return_complex=True).abs()": (SIGNAL,),
}
WITH_GRADIENT = [p for p in PROGRAMS if not any(word in p for word in ("ldl", "geqrf", "info", "lu_unpack", "_ex(x)", "T.lu(", "lu_factor(x)"))] + \
    ["T.linalg.lu_solve(*T.linalg.lu_factor(x), y)", "T.linalg.lu_solve(*T.linalg.lu_factor(x), y, adjoint=True)"]


def run(library, program, grad=False):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        leaves = [library.tensor(a, requires_grad=grad) for a in PROGRAMS[program]]
        return eval(program, {"T": library, **dict(zip("xy", leaves))}), leaves


@pytest.mark.oracle
@pytest.mark.parametrize("program", PROGRAMS)
def test_agrees_with_pytorch(program):
    torch = pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed")
    ours, theirs = run(lab, program)[0], run(torch, program)[0]
    for a, b in zip(*((r if isinstance(r, tuple) else (r,)) for r in (ours, theirs)), strict=True):
        assert str(a.dtype) == str(b.dtype) and tuple(a.shape) == tuple(b.shape)
        np.testing.assert_allclose(a.numpy(), b.resolve_conj().numpy(), rtol=1e-9, atol=1e-9)


@pytest.mark.oracle
@pytest.mark.parametrize("program", WITH_GRADIENT)
def test_gradient_agrees_with_pytorch(program):
    torch = pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed")
    found = []
    for library in (lab, torch):
        result, leaves = run(library, program, grad=True)
        result = library.view_as_real(result) if result.is_complex() else result
        weights = library.cos(library.arange(result.numel(), dtype=library.float64)).reshape(result.shape)
        found.append(library.autograd.grad((result * weights).sum(), leaves))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-8, atol=1e-8)


def test_a_signal_comes_back_from_its_spectra():
    x = lab.tensor(SIGNAL)
    window = lab.hann_window(16, dtype=lab.float64)
    spectra = lab.stft(x, 16, window=window, return_complex=True)
    assert lab.allclose(lab.istft(spectra, 16, window=window, length=40), x)


def test_factors_multiply_back():
    x = lab.tensor(TALL)
    P, L, U = lab.lu_unpack(*lab.linalg.lu_factor(x))
    assert lab.allclose(P @ L @ U, x)
    packed, tau = lab.geqrf(x)
    assert lab.allclose(lab.linalg.householder_product(packed, tau) @ packed[:3].triu(), x)
    s, b = lab.tensor(SYMMETRIC), lab.tensor(RIGHT)
    assert lab.allclose(s @ lab.linalg.ldl_solve(*lab.linalg.ldl_factor(s), b), b)


@pytest.mark.parametrize("call, words", [
    (lambda: lab.stft(lab.ones(10), 4), "return_complex parameter"), (lambda: lab.stft(lab.ones(10, dtype=lab.int64), 4, return_complex=True), "floating point"),
    (lambda: lab.istft(lab.ones(3, 4), 4), "complex-valued"), (lambda: lab.stft(lab.ones(10), 4, window=lab.ones(3), return_complex=True), "window"),
    (lambda: lab.lstsq(lab.ones(2, 2), lab.ones(2, 2)), "now removed"), (lambda: lab.linalg.lu_factor(lab.zeros(2, 2)), "zero"),
    (lambda: lab.linalg.householder_product(lab.ones(2, 3), lab.ones(2)), "greater than or equal")])
def test_bad_input_is_refused(call, words):
    with pytest.raises(RuntimeError, match=words):
        call()
