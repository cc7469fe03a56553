"""Linear algebra and Fourier transforms: identities, derivatives of decompositions that read one triangle, and errors."""

import numpy as np
import pytest

import autodiff_lab as lab

RNG = np.random.default_rng(0)
SQUARE = RNG.normal(size=(3, 3)) + 3 * np.eye(3)


def double(array):
    return lab.tensor(array, dtype=lab.float64, requires_grad=True)


def symmetric(a):
    return a @ a.mT + lab.eye(a.shape[-1], dtype=a.dtype)


@pytest.mark.parametrize("function", [
    lambda a: lab.linalg.cholesky(symmetric(a)), lambda a: lab.linalg.cholesky(symmetric(a), upper=True), lambda a: lab.linalg.eigvalsh(symmetric(a)),
    lambda a: lab.linalg.eigh(symmetric(a))[1].abs(), lambda a: lab.linalg.svd(a, full_matrices=False)[0].abs(), lambda a: lab.linalg.pinv(a), lambda a: lab.logdet(symmetric(a)),
    lambda a: lab.linalg.lu(a)[1], lambda a: lab.linalg.matrix_power(a, -2), lambda a: lab.linalg.cond(a), lambda a: lab.linalg.matrix_norm(a, "nuc")])
def test_derivatives_of_compositions_agree_with_finite_differences(function):
    assert lab.autograd.gradcheck(function, (double(SQUARE),))
    assert lab.autograd.gradgradcheck(function, (double(SQUARE),), atol=1e-4)


def test_decompositions_multiply_back():
    a = lab.tensor(RNG.normal(size=(2, 4, 3)))
    q, r = lab.linalg.qr(a)
    u, s, vh = lab.linalg.svd(a, full_matrices=False)
    assert lab.allclose(q @ r, a) and lab.allclose(u @ s.diag_embed() @ vh, a)
    p, lower, upper = lab.linalg.lu(lab.tensor(SQUARE))
    assert lab.allclose(p @ lower @ upper, lab.tensor(SQUARE))


def test_the_gradient_of_a_determinant_is_right_for_a_singular_matrix():
    a = double(np.array([[1.0, 2.0], [2.0, 4.0]]))
    lab.linalg.det(a).backward()
    assert lab.allclose(a.grad, lab.tensor([[4.0, -2.0], [-2.0, 1.0]], dtype=lab.float64))


@pytest.mark.parametrize("call, kind, words", [
    (lambda: lab.linalg.inv(lab.zeros(2, 2)), RuntimeError, "singular"), (lambda: lab.linalg.cholesky(-lab.eye(2)), RuntimeError, "not positive-definite"),
    (lambda: lab.linalg.solve(lab.zeros(2, 2), lab.ones(2)), RuntimeError, "singular"), (lambda: lab.linalg.inv(lab.ones(2, 3)), RuntimeError, "2 by 3"),
    (lambda: lab.linalg.det(lab.ones(2, 2, dtype=lab.int64)), RuntimeError, "floating point"), (lambda: lab.einsum("ij,jk", lab.ones(2, 3), lab.ones(4, 2)), RuntimeError, "does not broadcast"),
    (lambda: lab.einsum("ij", lab.ones(2)), RuntimeError, "does not match"), (lambda: lab.fft.fft(lab.ones(3), norm="odd"), RuntimeError, "normalization")])
def test_bad_input_is_refused(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


@pytest.mark.parametrize("shape, n", [((8,), None), ((5,), 9), ((3, 6), 4)])
def test_transforms_undo_each_other(shape, n):
    x = lab.tensor(RNG.normal(size=shape))
    size = n or shape[-1]
    padded = lab.fft.ifft(lab.fft.fft(x, n)).real
    assert lab.allclose(padded[..., :min(size, shape[-1])], x[..., :min(size, shape[-1])])
    assert lab.allclose(lab.fft.irfft(lab.fft.rfft(x, n), size), padded)
    assert lab.allclose(lab.fft.ifftshift(lab.fft.fftshift(x)), x)


@pytest.mark.parametrize("equation, shapes", [("ij,jk->ik", ((2, 3), (3, 4))), ("bhid,bhjd->bhij", ((2, 1, 3, 4), (2, 1, 5, 4))), ("ii->i", ((3, 3),)), ("...ij,kj->...ik", ((2, 2, 1), (4, 3))), ("i,i,i->", ((3,), (3,), (3,)))])
def test_einsum_and_its_gradients(equation, shapes):
    tensors = [double(RNG.normal(size=s)) for s in shapes]
    assert lab.autograd.gradcheck(lambda *t: lab.einsum(equation, *t), tuple(tensors))
    if "kj" not in equation:
        assert np.allclose(lab.einsum(equation, *tensors).detach().numpy(), np.einsum(equation, *[t.detach().numpy() for t in tensors]))


def test_older_names_return_tuples_that_print_under_their_names():
    A = lab.eye(2)
    assert repr(lab.svd(A)).startswith("torch.return_types.svd(\nU=tensor(")
    assert repr(lab.qr(A)).startswith("torch.return_types.qr(\nQ=tensor(")
    assert repr(A.slogdet()).startswith("torch.return_types.slogdet(\nsign=tensor(1.)")
    assert repr(lab.linalg.lu(A)).startswith("torch.return_types.linalg_lu(\nP=tensor(")
    assert lab.linalg.lstsq(A, A).solution.tolist() == A.tolist()
