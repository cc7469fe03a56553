"""Arguments by the names that PyTorch gives them."""

from __future__ import annotations

import pytest

import autodiff_lab as lab


def test_splits_take_each_name_of_their_argument():
    x = lab.arange(8).reshape(2, 2, 2)
    assert [len(p) for p in lab.tensor_split(lab.arange(5), sections=2)] == [3, 2]
    assert [len(p) for p in lab.arange(5).tensor_split(indices=(1, 4))] == [1, 3, 1]
    assert [len(p) for p in lab.tensor_split(lab.arange(5), tensor_indices_or_sections=lab.tensor([1, 4]))] == [1, 3, 1]
    assert lab.vsplit(x, sections=2)[0].shape == (1, 2, 2) and x.dsplit(indices=[1])[1].shape == (2, 2, 1)
    with pytest.raises(TypeError, match="one of"):
        lab.hsplit(x)


def test_scatter_takes_its_number_as_a_tensor():
    assert lab.scatter(lab.zeros(3), 0, lab.tensor([0, 2]), value=lab.tensor(2.0)).tolist() == [2.0, 0.0, 2.0]


def test_older_linear_algebra_takes_its_arguments_by_name():
    L = lab.tensor([[2.0, 0.0], [1.0, 1.0]])
    assert lab.cholesky_solve(input=lab.ones(2, 1), input2=L).shape == (2, 1)
    assert lab.cholesky_inverse(input=L).shape == (2, 2)
    assert lab.triangular_solve(input=lab.ones(2, 1), A=L, upper=False).solution.tolist() == [[0.5], [0.5]]
