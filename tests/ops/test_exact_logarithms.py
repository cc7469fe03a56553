"""Logarithms of powers of their base are whole numbers, as in PyTorch."""

import numpy as np
import pytest

import autodiff_lab as lab


@pytest.mark.parametrize("dtype", [lab.float32, lab.float64])
@pytest.mark.parametrize("name, base", [("log10", 10.0), ("log2", 2.0)])
def test_logarithm_of_a_power_of_the_base(name, base, dtype):
    exponents = lab.arange(0, 9, dtype=dtype)
    powers = lab.tensor(base ** np.arange(9)).to(dtype)
    assert lab.equal(getattr(lab, name)(powers), exponents)
    assert all(getattr(lab, name)(power).item() == n for n, power in enumerate(powers))
