"""What a tensor shows: a valid, deterministic picture for every kind of tensor, and PyTorch's own text."""

from itertools import pairwise
from xml.etree import ElementTree

import pytest

import autodiff_lab as lab
from autodiff_lab.export.heat import heat_svg, slices_of
from autodiff_lab.export.svg import text_width
from autodiff_lab.notebook.tensors import bundle, facts_of

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


def test_names_of_slices_do_not_run_into_each_other():
    picture = ElementTree.fromstring(bundle(lab.ones(2, 2, 2, 2, 2, 2))["image/svg+xml"])
    rows: dict[float, list[tuple[float, str]]] = {}
    for text in picture.iter("{http://www.w3.org/2000/svg}text"):
        if (text.text or "").startswith("["):
            rows.setdefault(float(text.get("y")), []).append((float(text.get("x")), text.text))
    assert sum(map(len, rows.values())) == 12
    for row in rows.values():
        row.sort()
        assert all(b[0] - a[0] > text_width(a[1], 11, mono=True) for a, b in pairwise(row))


def test_widget_gets_colour_images_as_images_and_maps_as_slices():
    pytest.importorskip("anywidget")
    from autodiff_lab.widgets.tensor import thinned

    sent, header = thinned(KINDS["images"]()._a)
    assert (sent.shape, header["image"], header["lead"], header["slices"], header["of"]) == ((12, 16, 16), True, [4], 4, 4)
    sent, header = thinned(KINDS["maps"]()._a)
    assert (sent.shape, header["image"], header["lead"], header["slices"], header["of"]) == ((16, 6, 6), False, [2, 8], 16, 16)


def test_a_view_says_whose_memory_it_shares(monkeypatch):
    class Shell:
        user_ns = {"m": lab.arange(6.0).reshape(2, 3)}

    monkeypatch.setattr("autodiff_lab.notebook.tensors.ipython", lambda: Shell)
    m = Shell.user_ns["m"]
    assert facts_of(m) == "float32 · 2×3" and facts_of(m.clone()) == "float32 · 2×3"
    assert facts_of(m.T) == "float32 · 3×2 · strides (1, 3) · shares memory with m"
