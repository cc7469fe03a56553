"""The number of threads reaches the library that multiplies matrices."""

import os
import subprocess
import sys

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


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "2"])
def test_refuses_what_is_no_number_of_threads(wrong):
    with pytest.raises(RuntimeError, match="positive integer"):
        lab.set_num_threads(wrong)


def test_products_stay_the_same_with_one_thread_and_with_two(threads):
    lab.manual_seed(0)
    a, b = lab.randn(300, 200, dtype=lab.float64), lab.randn(200, 250, dtype=lab.float64)
    lab.set_num_threads(2)
    two = a @ b
    lab.set_num_threads(1)
    assert lab.allclose(a @ b, two, rtol=1e-10, atol=1e-10)
