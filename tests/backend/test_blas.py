"""The number of threads reaches the library that multiplies matrices, and its axpy adds what NumPy adds."""

import os
import subprocess
import sys

import numpy as np
import pytest

import autodiff_lab as lab
from autodiff_lab.backend import blas


@pytest.fixture
def threads():
    """The numbers as they were, put back afterwards."""
    before = lab.get_num_threads()
    yield
    lab.set_num_threads(before)


@pytest.mark.skipif(blas.get_threads() is None, reason="NumPy's BLAS has no such function here")
def test_blas_uses_as_many_threads_as_were_set(threads):
    for number in (2, 1):
        lab.set_num_threads(number)
        assert blas.get_threads() == number
        assert lab.get_num_threads() == number


@pytest.mark.skipif(blas.get_threads() is None, reason="NumPy's BLAS has no such function here")
def test_at_first_it_is_what_blas_uses():
    code = "import autodiff_lab as lab; print(lab.get_num_threads())"
    for number in ("1", "2"):
        made = subprocess.run([sys.executable, "-c", code], env={**os.environ, "OPENBLAS_NUM_THREADS": number}, capture_output=True, text=True, check=True)
        assert made.stdout.strip() == number


@pytest.mark.parametrize(("wrong", "words"), [(0, "positive integer"), (-1, "positive integer"), (1.5, "expects an int, but got float"), ("2", "expects an int, but got str")])
def test_refuses_what_is_no_number_of_threads(wrong, words):
    with pytest.raises(RuntimeError, match=words):
        lab.set_num_threads(wrong)


def test_products_stay_the_same_with_one_thread_and_with_two(threads):
    lab.manual_seed(0)
    a, b = lab.randn(300, 200, dtype=lab.float64), lab.randn(200, 250, dtype=lab.float64)
    lab.set_num_threads(2)
    two = a @ b
    lab.set_num_threads(1)
    assert lab.allclose(a @ b, two, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0, 10, blas.LEAST, 3 * blas.LEAST + 5])
def test_add_scaled_adds_a_multiple(dtype, size):
    x, y = np.random.default_rng(0).normal(size=(2, size)).astype(dtype)
    expected = y.astype(np.longdouble) - 0.1 * x.astype(np.longdouble)
    blas.add_scaled(y, -0.1, x)
    assert np.allclose(y, expected.astype(dtype), rtol=4 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps)


def test_add_scaled_takes_steps_other_types_and_what_is_no_number():
    x = np.arange(4.0 * blas.LEAST, dtype=np.float32)
    y = x.copy()
    blas.add_scaled(y[::2], 2, x[::2])
    assert np.array_equal(y[::2], 3 * x[::2]) and np.array_equal(y[1::2], x[1::2])
    blas.add_scaled(y[1::2], 1, x[1::2].astype(np.float64))
    assert np.array_equal(y[1::2], 2 * x[1::2])
    x[0] = np.nan
    blas.add_scaled(y, 0, x)  # BLAS returns at once if the factor is 0
    assert np.isnan(y[0]) and y[1] == 2
