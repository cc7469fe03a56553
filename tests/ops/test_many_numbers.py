"""Sums, products and scans over many numbers take other ways than those over few; the numbers are the same, and round little."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import autodiff_lab as lab

SHAPES = [(3, 4), (64, 300), (2, 3, 4), (5, 6, 7, 8), (2, 5000, 3), (1, 1, 1), (2, 0, 3)]
ORDERS = {"in order": lambda x: x, "reversed": lambda x: x.transpose(), "with gaps": lambda x: x[..., ::2]}
REDUCTIONS = {
    "sum": (lambda x, dims, keep: x.sum(dims, keep), lambda x, dims, keep: x.sum(dims, keepdims=keep)),
    "norm": (lambda x, dims, keep: lab.linalg.vector_norm(x, 2, dims, keep), lambda x, dims, keep: np.sqrt((x * x).sum(dims, keepdims=keep))),
    "var": (lambda x, dims, keep: x.var(dims, correction=0, keepdim=keep), lambda x, dims, keep: x.var(dims, keepdims=keep)),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_reductions_agree_with_those_in_float64(name, order, kind):
    ours, exact = REDUCTIONS[name]
    for shape in SHAPES:
        x = ORDERS[order](np.random.default_rng(0).normal(size=shape).astype(kind))
        for count in range(1, x.ndim + 1):
            for dims, keep in itertools.product(itertools.combinations(range(x.ndim), count), (False, True)):
                found, wanted = ours(lab.from_numpy(x), dims if count > 1 else dims[0], keep), exact(x.astype(np.float64), dims, keep)
                assert found.shape == wanted.shape
                np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-5, atol=1e-3 if name == "sum" else 1e-6)


def test_a_hundred_thousand_rows_round_as_little_as_a_few():
    x = np.random.default_rng(0).random((100_000, 3)).astype(np.float32)
    np.testing.assert_allclose(lab.from_numpy(x).sum(0).numpy(), x.sum(0, dtype=np.float64), rtol=1e-6)
    np.testing.assert_allclose(lab.from_numpy(x).norm().item(), np.linalg.norm(x.astype(np.float64)), rtol=1e-6)


@pytest.mark.parametrize("dim", [None, 0, 1])
@pytest.mark.parametrize("shape", [(127, 200), (3, 7000), (20000, 1)], ids=str)
def test_products_of_long_rows(shape, dim):
    x = 1 + 1e-3 * np.random.default_rng(0).normal(size=shape)
    found = lab.from_numpy(x).prod() if dim is None else lab.from_numpy(x).prod(dim)
    np.testing.assert_allclose(found.numpy(), x.prod(dim), rtol=1e-11)
    np.testing.assert_allclose(lab.from_numpy(x).t().prod().item(), x.prod(), rtol=1e-11)


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
@pytest.mark.parametrize(("shape", "dim"), [((30, 400), 0), ((4, 9, 100), 1), ((0, 300), 0), ((300, 0), 0)], ids=str)
def test_scans_over_long_slices(name, shape, dim):
    x = 1 + 0.1 * np.random.default_rng(0).normal(size=shape)
    np.testing.assert_allclose(getattr(lab.from_numpy(x), name)(dim).numpy(), getattr(np, name)(x, dim))
    np.testing.assert_array_equal(getattr(lab.from_numpy(x).int(), name)(dim).numpy(), getattr(np, name)(x.astype(np.int32), dim))


@pytest.mark.parametrize("mask_shape", [(8, 1, 40, 40), (40, 40), (8, 1, 1, 40), (8, 3, 40, 40), (1,), (2, 8, 3, 40, 40)], ids=str)
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, np.float16])
def test_choices_with_a_mask_that_is_stretched(mask_shape, kind):
    rng = np.random.default_rng(0)
    x, mask = rng.normal(0, 9, (8, 3, 40, 40)).astype(kind), rng.random(mask_shape) > 0.5
    for value in (0, -7):
        cases = [(lab.where(lab.from_numpy(mask), lab.from_numpy(x), value), np.where(mask, x, kind(value))),
                 (lab.where(lab.from_numpy(mask), value, lab.from_numpy(x)), np.where(mask, kind(value), x))]
        if len(mask_shape) < 5:
            cases.append((lab.from_numpy(x).masked_fill(lab.from_numpy(mask), value), np.where(mask, kind(value), x)))
        for found, wanted in cases:
            np.testing.assert_array_equal(found.numpy(), wanted, strict=True)
