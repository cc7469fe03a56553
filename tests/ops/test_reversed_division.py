"""A number divided by a tensor: PyTorch's reciprocal times the number, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed")


@pytest.mark.oracle
@pytest.mark.parametrize("kind", ["uint8", "int64", "float32", "float64", "complex128"])
def test_a_number_by_a_tensor_has_pytorchs_bits(kind):
    values = np.arange(-300, 300).astype(np.int64)
    for number in (1, 1.0, 3, 0.3, 255.0, -7.7, 0, True, 0.3 + 1j if kind.startswith("complex") else 2):
        ours, theirs = (number / t.tensor(values).to(getattr(t, kind)) for t in (lab, torch))
        assert str(ours.dtype) == str(theirs.dtype)
        if kind.startswith("complex"):
            np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-15)
        else:
            np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.oracle
def test_its_gradients_are_pytorchs():
    found = []
    for t in (lab, torch):
        x = t.tensor([0.5, -2.0, 3.0], dtype=t.float64, requires_grad=True)
        (first,) = t.autograd.grad((2.5 / x).sum(), x, create_graph=True)
        (second,) = t.autograd.grad(first.sum(), x)
        found.append([first.detach().numpy(), second.numpy()])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-14)
