"""Ways for large arrays only: packed sorting, flat places, division in float64, and what they leave to the plain ways."""

import numpy as np
import pytest

import autodiff_lab as lab
from autodiff_lab.backend.cells import add_rows
from autodiff_lab.backend.division import rest, whole_quotient


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dim", [0, 1])
def test_sorting_keeps_equal_elements_in_order_with_nan_as_the_largest(dim, descending):
    rng = np.random.default_rng(0)
    numbers = rng.integers(-3, 4, (40, 30)).astype(np.float32)
    numbers[rng.random((40, 30)) < 0.1] = np.nan
    numbers[rng.random((40, 30)) < 0.1] = -np.nan
    numbers[numbers == 0] *= rng.choice([1, -1], (numbers == 0).sum())
    found = lab.tensor(numbers).sort(dim, descending)[1].numpy()
    keys = np.where(np.isnan(numbers), np.float32(9), numbers)
    assert np.array_equal(found, np.argsort(-keys if descending else keys, axis=dim, kind="stable"))


def test_topk_and_kthvalue_take_the_first_of_equal_elements():
    ones = lab.ones(3, 200)
    assert lab.topk(ones, 4)[1].tolist() == [[0, 1, 2, 3]] * 3
    assert lab.kthvalue(ones, 5)[1].tolist() == [4] * 3


def test_integers_that_need_more_than_32_bits_sort_right():
    numbers = np.random.default_rng(0).integers(-2 ** 62, 2 ** 62, 500)
    assert np.array_equal(lab.tensor(numbers).sort()[0].numpy(), np.sort(numbers))


@pytest.mark.parametrize("pick", [lambda x: x.index_select(0, lab.tensor([1])), lambda x: x.take(lab.tensor([2, 3]))])
def test_a_gradient_of_nan_stays_where_it_was_picked(pick):
    x = lab.zeros(2, 2, requires_grad=True)
    picked = pick(x)
    picked.backward(lab.full(picked.shape, float("nan")))
    assert x.grad.isnan().tolist() == [[False, False], [True, True]]


def test_adding_rows_refuses_a_row_that_is_not_there():
    whole = np.zeros((3, 2), np.float32)
    with pytest.raises(IndexError, match="out of bounds"):
        add_rows(whole, np.array([0, 3]), np.ones((2, 2), np.float32))
    add_rows(whole, np.array([0, -1, 0]), np.ones((3, 2), np.float32))
    assert whole.tolist() == [[2, 2], [0, 0], [1, 1]]


@pytest.mark.parametrize("other", [1.5, -0.1, 3])
def test_quotient_and_rest_in_float64_are_those_of_numpy(other):
    numbers = (np.random.default_rng(0).normal(size=1000) * 100).astype(np.float32)
    assert np.array_equal(whole_quotient(numbers, other), np.floor_divide(numbers, np.float32(other)))
    assert np.array_equal(rest(numbers, other), np.remainder(numbers, np.float32(other)))


@pytest.mark.parametrize(("number", "other"), [(np.inf, 2.0), (np.nan, 2.0), (1.0, 0.0), (1.0, float("inf")), (1e9, 1e-3)])
def test_quotients_that_float64_may_not_hold_are_left_to_numpy(number, other):
    assert rest(np.full(1000, number, np.float32), other) is None
