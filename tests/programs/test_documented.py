"""What the examples of PyTorch's documentation showed to differ, each as the smallest program that shows it."""

from __future__ import annotations

import warnings

import pytest

import autodiff_lab as lab

# ---- memory ----

def test_a_tensor_that_wants_gradients_gives_its_array_where_none_are_recorded():
    x = lab.ones(2, requires_grad=True)
    with lab.no_grad():
        assert x.numpy().tolist() == [1, 1]
    with pytest.raises(RuntimeError, match="requires grad"):
        x.numpy()


def test_a_new_dimension_steps_across_what_follows():
    x = lab.zeros(2, 3)
    assert x.unsqueeze(0).stride() == (6, 3, 1)
    assert x[:, None, :, None].stride() == (3, 3, 1, 1)
    assert lab.zeros(3, 1).expand(3, 4).stride() == (1, 0)


def test_imaginary_parts_begin_one_number_later():
    z = lab.zeros(4, dtype=lab.complex64)
    assert [z.real.storage_offset(), z.imag.storage_offset(), z[2:].imag.storage_offset()] == [0, 1, 5]


def test_channels_last_is_kept_by_to_clone_and_empty():
    x = lab.zeros(2, 3, 4, 5)
    wanted = (60, 1, 15, 3)
    made = x.to(memory_format=lab.channels_last)
    assert made.stride() == x.clone(memory_format=lab.channels_last).stride() == lab.empty(2, 3, 4, 5, memory_format=lab.channels_last).stride() == wanted
    assert made.clone(memory_format=lab.contiguous_format).stride() == x.stride()
    assert made.dim_order() == (0, 2, 3, 1)


def test_an_ambiguous_order_of_dimensions_is_refused_when_asked():
    x = lab.zeros(1, 2, 3)
    assert x.dim_order() == (0, 1, 2)
    with pytest.raises(RuntimeError, match="does not have unique dim order"):
        x.dim_order(ambiguity_check=True)
    with pytest.raises(TypeError, match="must be a bool or a list of memory formats"):
        x.dim_order(ambiguity_check="yes")


def test_a_capsule_of_dlpack_is_the_same_memory():
    x = lab.zeros(2, 3).T
    y = lab.from_dlpack(lab.utils.dlpack.to_dlpack(x))
    y[0, 0] = 5
    assert x[0, 0] == 5
    assert y.stride() == (1, 3)


def test_asarray_keeps_what_wants_gradients():
    x = lab.ones(2, requires_grad=True) * 2
    with pytest.warns(UserWarning, match="unspecified requires_grad"):
        assert lab.asarray(x) is x
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not lab.asarray(x, requires_grad=False).requires_grad
        assert lab.asarray(lab.ones(2), requires_grad=True).requires_grad


def test_equal_compares_numbers_of_different_types():
    assert lab.equal(lab.tensor([1, 2]), lab.tensor([1.0, 2.0]))
    assert not lab.equal(lab.tensor([1]), lab.tensor([1.5]))
