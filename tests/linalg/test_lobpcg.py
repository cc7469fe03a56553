"""`lobpcg` and other lesser names against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch")

R = np.random.default_rng(0).normal(size=(2, 12, 12))
A = R @ R.transpose(0, 2, 1) + np.eye(12)
B = np.diag(np.arange(1.0, 13.0)) + 0.1


@pytest.mark.parametrize(("call", "differentiate"), [
    (lambda t, a, b: t.lobpcg(a, k=2), True),
    (lambda t, a, b: t.lobpcg(a, k=3, largest=False), True),
    (lambda t, a, b: t.lobpcg(a[0], B=b, k=2), False),
    (lambda t, a, b: t.lobpcg(a[0], X=a[0][:, :3] * 1.0), True),
], ids=["largest", "smallest", "generalised", "columns of X"])
def test_eigenvalues_and_their_gradients_agree(call, differentiate):
    def run(library):
        library.manual_seed(0)
        a = library.tensor(A, requires_grad=True)
        values, vectors = call(library, a, library.tensor(B))
        if differentiate:
            values.sum().backward()  # PyTorch has no gradients of the generalised problem
        return values.detach().numpy(), np.abs(vectors.detach().numpy()), np.zeros(1) if a.grad is None else a.grad.numpy()

    for ours, theirs in zip(run(lab), run(torch), strict=True):
        np.testing.assert_allclose(ours, theirs, 1e-3, 1e-4)  # PyTorch's iteration stops early


@pytest.mark.parametrize("call", [
    lambda t: t.lobpcg(t.ones(4, 4), k=2),
    lambda t: t.lobpcg(t.ones(3, 4), k=1),
    lambda t: t.norm_except_dim(t.arange(6.0).reshape(2, 3), 2, 0).mul(1e5).round().tolist(),
    lambda t: t.norm_except_dim(t.arange(6.0).reshape(2, 3), 1, 1).tolist(),
    lambda t: __import__("importlib").import_module(f"{t.__name__}.distributions.utils").tril_matrix_to_vec(t.arange(18.0).reshape(2, 3, 3), -1).tolist(),
    lambda t: __import__("importlib").import_module(f"{t.__name__}.distributions.utils").tril_matrix_to_vec(t.ones(3, 3), 3),
    lambda t: __import__("importlib").import_module(f"{t.__name__}.distributions.utils").vec_to_tril_matrix(t.arange(12.0).reshape(2, 6)).tolist(),
    lambda t: __import__("importlib").import_module(f"{t.__name__}.distributions.utils").vec_to_tril_matrix(t.arange(3.0), -1).tolist(),
    lambda t: __import__("importlib").import_module(f"{t.__name__}.distributions.utils").vec_to_tril_matrix(t.arange(5.0)),
])
def test_values_and_refusals_agree(call):
    def outcome(library):
        try:
            return call(library)
        except Exception as error:  # compared with PyTorch's
            return type(error).__name__, str(error)

    assert outcome(lab) == outcome(torch)
