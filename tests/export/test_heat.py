"""What a tensor shows: a valid, deterministic picture for every kind of tensor, and PyTorch's own text."""

from xml.etree import ElementTree

import pytest

import autodiff_lab as lab
from autodiff_lab.export.heat import heat_svg, slices_of
from autodiff_lab.notebook.tensors import bundle

KINDS = {
    "matrix": lambda: lab.arange(12.0).reshape(3, 4), "vector": lambda: lab.arange(8.0), "long": lambda: lab.arange(300.0), "large": lambda: lab.zeros(500, 700),
    "empty": lambda: lab.zeros(0, 3), "no rows at all": lambda: lab.zeros(0), "bool": lambda: lab.arange(6).reshape(2, 3) > 2, "int": lambda: lab.arange(6).reshape(2, 3),
    "nan": lambda: lab.tensor([[1.0, float("nan")], [float("inf"), -2.0]]), "all nan": lambda: lab.tensor([float("nan")] * 4),
    "complex": lambda: lab.ones(2, 3, dtype=lab.complex64), "image": lambda: lab.ones(3, 16, 16) * 0.5, "images": lambda: lab.ones(4, 3, 16, 16) * 0.5,
    "maps": lambda: lab.ones(2, 8, 6, 6), "half": lambda: lab.ones(4, 4, dtype=lab.float16), "wants a gradient": lambda: lab.ones(3, requires_grad=True),
    "transposed": lambda: lab.arange(6.0).reshape(2, 3).T, "constant": lambda: lab.ones(3, 3), "huge numbers": lambda: lab.tensor([1e38, -1e38]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_picture_is_valid_and_equal_and_text_is_the_repr(kind):
    tensor = KINDS[kind]()
    data = bundle(tensor)
    assert data["text/plain"] == repr(tensor)
    ElementTree.fromstring(data["image/svg+xml"])
    assert data == bundle(KINDS[kind]())
    assert len(data["image/svg+xml"]) < 150_000


def test_scalar_is_text_only():
    assert set(bundle(lab.tensor(3.0))) == {"text/plain"}


def test_looking_changes_nothing():
    tensor = lab.ones(3, requires_grad=True)
    bundle(tensor)
    assert tensor.grad is None and tensor._node is None


def test_large_tensor_is_thinned_and_says_so():
    assert "every 13th row, every 11th column" in heat_svg(lab.zeros(500, 700)._a, "x", "")


def test_image_is_one_picture_and_maps_are_a_grid():
    assert [t.values.shape for t in slices_of(KINDS["image"]()._a)] == [(16, 16, 3)]
    assert len(slices_of(KINDS["maps"]()._a)) == 12


def test_numbers_are_in_the_cells_of_a_small_one():
    assert ">11<" in bundle(KINDS["matrix"]())["image/svg+xml"]
