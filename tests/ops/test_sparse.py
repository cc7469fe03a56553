"""Sparse tensors in coordinate form: the same answers as PyTorch, from a dense tensor kept beside the places and values."""

from __future__ import annotations

import copy

import pytest

import autodiff_lab as lab

PLACES = [[0, 1, 1], [2, 0, 2]]


def test_values_at_one_place_are_added():
    s = lab.sparse_coo_tensor([[1, 0, 1], [1, 1, 1]], [1.0, 2.0, 3.0], (2, 2))
    assert s.to_dense().tolist() == [[0.0, 2.0], [0.0, 4.0]] and s._nnz() == 3 and not s.is_coalesced()
    with pytest.raises(RuntimeError, match=r"please call .coalesce\(\) first"):
        s.values()
    tidy = s.coalesce()
    assert tidy.indices().tolist() == [[0, 1], [1, 1]] and tidy.values().tolist() == [2.0, 4.0]


def test_gradients_reach_the_values_and_the_dense_factor():
    values = lab.tensor([1.0, 2.0, 3.0], requires_grad=True)
    dense = lab.ones(3, 2, requires_grad=True)
    lab.sparse.mm(lab.sparse_coo_tensor(PLACES, values, (2, 3)), dense).sum().backward()
    assert values.grad.tolist() == [2.0, 2.0, 2.0] and dense.grad.tolist() == [[2.0, 2.0], [0.0, 0.0], [4.0, 4.0]]


def test_what_stays_sparse_and_what_becomes_dense():
    e = lab.eye(3).to_sparse()
    assert all(t.is_sparse for t in (e + e, e * 2, e / 2, -e, e.t(), e.T, e.mT, e.double(), e.to("cpu"), e.clone(), e.detach(), lab.sparse.mm(e, e), copy.deepcopy(e)))
    assert (e + e).to_dense().tolist() == (lab.eye(3) * 2).tolist() and e.double().dtype is lab.float64
    for t in (e @ lab.ones(3, 3), lab.ones(3, 3) @ e, lab.ones(3, 3) + e, lab.spmm(e, lab.ones(3, 1)), e.sum()):
        assert not t.is_sparse
    assert lab.ones(3, 3).add(e).tolist() == (lab.ones(3, 3) + lab.eye(3)).tolist()


def test_it_prints_as_pytorch_does():
    torch = pytest.importorskip("torch")
    made = [library.sparse_coo_tensor(PLACES, library.tensor([3.0, 4.0, 5.0], requires_grad=wanted), (2, 4)) for wanted in (False, True) for library in (lab, torch)]
    assert repr(made[0]) == repr(made[1]) and repr(made[2]) == repr(made[3])


@pytest.mark.parametrize("arguments, words", [
    (([[0, 2], [0, 0]], [1.0, 2.0], (2, 2)), "size is inconsistent with indices: for dim 0, size is 2 but found index 2"),
    (([[0, -1], [0, 0]], [1.0, 2.0], (2, 2)), "found negative index -1"),
    (([[0, 1], [0, 0]], [1.0], (2, 2)), "must have same nnz"),
    (([[0, 1], [0, 0]], [1.0, 2.0], (2, 2, 2)), "number of dimensions must be sparse_dim"),
])
def test_wrong_places_are_refused(arguments, words):
    with pytest.raises(RuntimeError, match=words):
        lab.sparse_coo_tensor(*arguments)


def test_compressed_layouts_are_refused():
    with pytest.raises(NotImplementedError, match="sparse_coo_tensor"):
        lab.sparse_csr_tensor([0, 1], [0], [1.0])
    with pytest.raises(NotImplementedError, match="only torch"):
        lab.eye(2).to_sparse(layout=lab.sparse_csr)


def test_rows_and_where_rows_begin_are_turned_into_each_other():
    torch = pytest.importorskip("torch")
    for T in (lab, torch):
        rows, columns = T.tensor([0, 0, 1, 3]), T.tensor([1, 2, 0, 3])
        begins = T._convert_indices_from_coo_to_csr(rows, 5, out_int32=True)
        assert begins.tolist() == [0, 2, 3, 3, 4, 4] and begins.dtype is T.int32
        assert T._convert_indices_from_csr_to_coo(begins, columns).tolist() == [[0, 0, 1, 3], [1, 2, 0, 3]]
        assert T._convert_indices_from_csr_to_coo(begins, columns, transpose=True).tolist() == [[1, 2, 0, 3], [0, 0, 1, 3]]
