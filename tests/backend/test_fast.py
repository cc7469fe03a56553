"""The detours of backend.fast give NumPy's and SciPy's numbers, also for NaN, infinities and zeros."""

import numpy as np
import pytest
import scipy.special

from autodiff_lab.backend import fast

ODD = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-30, -1e-30, 88.0, -88.0, -104.0], np.float32)


def numbers(dtype=np.float32, size=10_000):
    x = np.random.default_rng(0).normal(size=size) * 4
    x[:len(ODD)] = ODD
    return x.astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64])
@pytest.mark.parametrize("other", ["array", "zero", "number"])
def test_select_is_where(dtype, other):
    x = np.arange(-5000, 5000).astype(dtype).reshape(100, 100) if np.dtype(dtype).kind == "i" else numbers(dtype).reshape(100, 100)
    condition = x > 0
    for value in {"array": (x[::-1].copy(), x.T), "zero": (0,), "number": (3,)}[other]:
        expected = np.where(condition, x, value)
        found = fast.select(condition, x, value)
        assert found.dtype == expected.dtype
        assert np.array_equal(found, expected, equal_nan=found.dtype.kind == "f")


def test_select_of_non_contiguous_and_broadcast_conditions():
    x = numbers().reshape(100, 100)
    for condition in ((x > 0).T, (x > 0)[:, :50], np.broadcast_to(x[0] > 0, x.shape)):
        part = x[:, :condition.shape[1]]
        assert np.array_equal(fast.select(condition, part, 0), np.where(condition, part, 0), equal_nan=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_clamping_is_maximum_and_minimum(dtype):
    x = numbers(dtype) if np.dtype(dtype).kind == "f" else np.arange(-5000, 5000)
    assert np.array_equal(fast.at_least(x, 1), np.maximum(x, 1), equal_nan=x.dtype.kind == "f")
    assert np.array_equal(fast.at_most(x, 1), np.minimum(x, 1), equal_nan=x.dtype.kind == "f")
    assert np.array_equal(fast.between(x, 2, 1), np.minimum(np.maximum(x, 2), 1), equal_nan=x.dtype.kind == "f")


@pytest.mark.parametrize(("ours", "exact", "change"), [
    (fast.erf, scipy.special.erf, lambda x: x),
    (fast.log1p_exp, lambda x: np.log1p(np.exp(-np.abs(x))), lambda x: x),
    (fast.expm1, np.expm1, lambda x: -np.abs(x)),
    (fast.normal_share, scipy.special.ndtr, np.abs),
    (fast.logistic, scipy.special.expit, lambda x: x),
], ids=["erf", "log1p_exp", "expm1", "normal_share", "logistic"])
def test_functions_are_exact_to_a_few_units(ours, exact, change):
    x = change(numbers())
    with np.errstate(all="ignore"):
        found, expected = ours(x), exact(x.astype(np.float64))
    assert found.dtype == np.float32
    assert np.allclose(found, expected, rtol=5e-7, atol=5e-38, equal_nan=True)


def test_small_arrays_and_scalars_take_the_plain_way():
    for x in (np.float32(0.5), np.array([0.5], np.float32), np.zeros((0, 3), np.float32)):
        assert fast.erf(x).dtype == np.float32
        assert np.shape(fast.select(x > 0, x, 0)) == x.shape


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(100, 50), (3, 40, 17), (2000, 1), (5, 3), (1, 3000)])
def test_rows_are_added_and_compared(dtype, shape):
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    for given in (x, x.swapaxes(0, -1)):
        assert np.array_equal(fast.row_largest(given), given.max(-1, keepdims=True))
        assert np.allclose(fast.sums(given, -1, True), given.astype(np.float64).sum(-1, keepdims=True), rtol=1e-6, atol=1e-5)
        assert fast.sums(given, -1, True).dtype == dtype


def test_the_largest_of_a_row_with_nan_is_nan():
    x = np.random.default_rng(0).normal(size=(50, 60)).astype(np.float32)
    x[3, 7], x[4, 8], x[5, 9] = np.nan, np.inf, -np.inf
    assert np.array_equal(fast.row_largest(x), x.max(-1, keepdims=True), equal_nan=True)
    assert np.array_equal(np.isfinite(fast.sums(x, -1)), np.isfinite(x).all(1))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("size", [0, 10, 4096, 5000, 100_001])
def test_the_total_is_the_sum(dtype, size):
    x = np.random.default_rng(0).uniform(size=size).astype(dtype)
    found, expected = fast.total(x), np.add.reduce(x, dtype=np.float64)
    assert found.dtype == dtype
    assert np.allclose(found, expected, rtol=1e-6 if dtype != np.float16 else 1e-2)
