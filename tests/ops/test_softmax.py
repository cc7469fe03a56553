"""Softmax is as exact where it subtracts the largest number first as where it need not."""

import numpy as np
import pytest

import autodiff_lab as lab


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (1, -9), (1, -30), (1, -100), (1, 59), (1, 61), (1, 1000), (30, 0), (60, -60), (0, 0)])
def test_softmax_is_exact_wherever_its_numbers_lie(scale, shift, dim):
    x = (np.random.default_rng(0).normal(size=(7, 33)) * scale + shift).astype(np.float32)
    wide = np.exp(x.astype(np.float64) - x.max(dim, keepdims=True))
    expected = wide / wide.sum(dim, keepdims=True)
    found = lab.softmax(lab.tensor(x), dim).numpy()
    seen = expected > 1e-30
    assert np.allclose(found[seen], expected[seen], rtol=5e-7 + 1.2e-7 * scale, atol=0)  # x minus the largest is rounded
    assert np.allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("row", [[-np.inf] * 3, [1, np.nan, 2], [1, np.inf, 2], [np.inf, -np.inf, 0]])
def test_a_row_without_a_softmax_is_nan_and_leaves_the_others_alone(row):
    found = lab.softmax(lab.tensor([row, [0.0, 0.0, -np.inf]]), 1).numpy()
    assert np.isnan(found[0]).all()
    assert np.array_equal(found[1], [0.5, 0.5, 0])
