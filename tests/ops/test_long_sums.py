"""Sums of very many short rows, whose number is no multiple of anything: the same as NumPy's in double precision."""

import numpy as np
import pytest

import autodiff_lab as lab


@pytest.mark.parametrize("shape", [(1234567, 1), (1100001, 2), (300007, 3, 1), (70001, 17), (9001, 300), (4097, 1)])
def test_sum_and_mean_of_columns(shape):
    x = np.random.default_rng(0).random(shape, dtype=np.float32)
    t = lab.tensor(x)
    np.testing.assert_allclose(t.sum(0).numpy(), x.sum(0, dtype=np.float64), rtol=1e-5)
    np.testing.assert_allclose(t.mean(0).numpy(), x.mean(0, dtype=np.float64), rtol=1e-5)
