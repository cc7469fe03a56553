"""Views share memory and history: facts that PyTorch 2.13 shows, without PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff_lab as lab


@pytest.fixture
def leaf():
    return lab.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)


# ---- memory ----

def test_a_write_through_a_view_is_seen_by_its_base_and_by_other_views():
    x = lab.zeros(2, 3)
    row, flat = x[1], x.view(-1)
    row[0] = 5.0
    assert x.tolist() == [[0, 0, 0], [5, 0, 0]]
    assert flat[3].item() == 5


@pytest.mark.parametrize("view", [
    lambda x: x[0], lambda x: x[:, 1:], lambda x: x[..., None], lambda x: x.t(), lambda x: x.T, lambda x: x.mT, lambda x: x.view(3, 2), lambda x: x.reshape(-1),
    lambda x: x.transpose(0, 1), lambda x: x.permute(1, 0), lambda x: x.unsqueeze(1), lambda x: x.squeeze(), lambda x: x.expand(2, 2, 3), lambda x: x.diagonal(),
    lambda x: x.narrow(1, 0, 2), lambda x: x.select(1, 1), lambda x: x.unfold(1, 2, 1), lambda x: x.as_strided((2,), (3,)), lambda x: x.split(1)[1], lambda x: x.chunk(2, 1)[0],
    lambda x: x.unbind()[0], lambda x: x.movedim(0, 1), lambda x: x.flatten(), lambda x: x.view_as(x), lambda x: x.swapaxes(0, 1), lambda x: x.tensor_split(2)[0],
])
def test_views_share_memory_and_name_their_base(view):
    x = lab.arange(6.0).view(2, 3).clone()
    v = view(x)
    assert v._is_view() and v._base is x
    assert v.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    x.add_(1)
    assert v._version == x._version


@pytest.mark.parametrize("copy", [lambda x: x.clone(), lambda x: x[[0, 1]], lambda x: x[x > 0], lambda x: x.t().reshape(-1), lambda x: x.t().contiguous(), lambda x: x.flip(0),
                                  lambda x: x.repeat(1, 2), lambda x: x.double(), lambda x: x.gather(1, lab.zeros(2, 1, dtype=lab.int64))])
def test_copies_are_no_views(copy):
    x = lab.arange(6.0).view(2, 3).clone()
    made = copy(x)
    assert not made._is_view()
    x.zero_()
    assert made._version == 0


def test_strides_and_offsets_count_elements():
    x = lab.arange(24).view(2, 3, 4)
    assert x.stride() == (12, 4, 1)
    assert x[1, :, ::2].stride() == (4, 2)
    assert x[1, 2].storage_offset() == 20
    assert x.transpose(0, 2).stride() == (1, 4, 12)
    assert x.unsqueeze(0).shape == (1, 2, 3, 4)
    assert not x.transpose(0, 1).is_contiguous() and x.transpose(0, 1).contiguous().stride() == (8, 4, 1)


def test_detach_shares_memory_and_version_but_not_history(leaf):
    y = leaf * 2
    d = y.detach()
    assert not d.requires_grad and d.is_leaf and not d._is_view()
    d.mul_(3)
    assert y._version == 1 and y[0, 0].item() == 6


def test_data_shares_memory_but_writes_are_not_noticed(leaf):
    leaf.data.mul_(10)
    assert leaf[0, 0].item() == 10 and leaf._version == 0


# ---- history ----

def test_an_in_place_write_to_a_view_reaches_the_history_of_the_base(leaf):
    y = leaf * 2
    v = y[0]
    v.mul_(3)
    assert y.grad_fn.name() == "torch::autograd::CopySlices"
    assert v.grad_fn.name() == "AsStridedBackward0"
    (y * y).sum().backward()
    assert leaf.grad.tolist() == [[72.0, 144.0], [24.0, 32.0]]


def test_an_in_place_write_to_the_base_reaches_the_history_of_its_views():
    w = lab.tensor(3.0, requires_grad=True)
    b = lab.zeros(3)
    v = b[1:]
    b.add_(w)
    assert v.requires_grad
    v.sum().backward()
    assert w.grad.item() == 2


def test_a_write_through_a_view_of_a_transposed_base_finds_the_right_elements(leaf):
    y = leaf.t() * 2  # in PyTorch as here, the product lies in memory as its operand does
    y[1].mul_(3)
    (y * y).sum().backward()
    assert leaf.grad.tolist() == [[8.0, 144.0], [24.0, 288.0]]


def test_assigning_to_a_part_sends_the_gradient_to_the_value_and_stops_it_at_the_old_content(leaf):
    y = leaf * 1
    value = lab.tensor(5.0, requires_grad=True)
    y[0, 1] = value
    (y * y).sum().backward()
    assert leaf.grad.tolist() == [[2.0, 0.0], [6.0, 8.0]]
    assert value.grad.item() == 10


def test_assigning_by_mask_and_by_positions_is_differentiable(leaf):
    y = lab.zeros(2, 2)
    mask = leaf > 2
    y[mask] = leaf[mask] * 2
    y[[0, 0], [0, 1]] = leaf[0] * 3
    y.sum().backward()
    assert leaf.grad.tolist() == [[3.0, 3.0], [2.0, 2.0]]


def test_repeated_positions_add_their_gradients(leaf):
    leaf[[0, 0, 1]].sum().backward()
    assert leaf.grad.tolist() == [[2.0, 2.0], [1.0, 1.0]]


def test_second_derivatives_pass_through_a_write(leaf):
    y = leaf * leaf
    y[0].mul_(leaf[1])
    (first,) = lab.autograd.grad(y.sum(), leaf, create_graph=True)
    assert first.tolist() == [[6.0, 16.0], [7.0, 12.0]]
    (second,) = lab.autograd.grad(first.sum(), leaf)
    assert second.tolist() == [[8.0, 12.0], [4.0, 6.0]]


def test_a_view_that_changes_its_own_shape_keeps_its_history(leaf):
    y = leaf * 2
    y.unsqueeze_(0).transpose_(0, 2)
    assert y.shape == (2, 2, 1) and y.grad_fn.name() == "TransposeBackward1"
    y[0].sum().backward()
    assert leaf.grad.tolist() == [[2.0, 0.0], [2.0, 0.0]]


# ---- refusals ----

@pytest.mark.parametrize(("write", "words"), [
    (lambda x: x.add_(1), "a leaf Variable that requires grad"),
    (lambda x: x[0].add_(1), "a view of a leaf Variable that requires grad"),
    (lambda x: x.__setitem__(0, 1.0), "a view of a leaf Variable that requires grad"),
    (lambda x: (x * 1).unbind()[0].add_(1), "returns multiple views"),
    (lambda x: (x * 1).split(1)[0].add_(1), "returns multiple views"),
    (lambda x: lab.zeros(3).expand(2, 3).add_(1), "single memory location"),
    (lambda x: lab.zeros(3).expand(2, 3).__setitem__((slice(None), 1), lab.tensor([7.0, 8.0])), "single memory location"),
    (lambda x: lab.zeros(4)[:3].add_(lab.zeros(4)), "must match|broadcast"),
    (lambda x: lab.arange(6).view(2, 3).t().view(-1), "view size is not compatible.*reshape"),
    (lambda x: lab.zeros(6).view(4), r"shape '\[4\]' is invalid for input of size 6"),
])
def test_writes_that_would_go_wrong_are_refused(leaf, write, words):
    with pytest.raises(RuntimeError, match=words):
        write(leaf)


def test_memory_that_is_read_and_written_at_once_is_refused():
    x = lab.arange(4.0)
    with pytest.raises(RuntimeError, match="single memory location"):
        x[1:].add_(x[:-1])


def test_a_value_that_was_saved_and_overwritten_is_noticed_at_the_backward_pass(leaf):
    y = leaf * 2
    z = y.exp()
    z[0] = 0.0
    with pytest.raises(RuntimeError, match="version 1"):
        z.sum().backward()


@pytest.mark.parametrize("power", [lambda x: x ** 2, lambda x: (x * 1).pow_(2), lambda x: x ** 2.5, lambda x: x ** lab.tensor([[2.0, 3.0]])])
def test_a_power_may_be_overwritten(power, leaf):
    power(leaf).sum().backward()
    once, leaf.grad = leaf.grad, None
    power(leaf).mul_(3).sum().backward()
    assert lab.allclose(leaf.grad, once * 3)


def test_an_index_that_was_overwritten_is_noticed_at_the_backward_pass(leaf):
    index = lab.tensor([0, 1])
    y = leaf[index]
    index[0] = 1
    with pytest.raises(RuntimeError, match="index"):
        y.sum().backward()


def test_a_product_with_itself_in_place_is_noticed(leaf):
    y = leaf * 1
    y.mul_(y)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_a_view_made_without_recording_may_not_be_written_to_while_recording(leaf):
    y = leaf * 1
    with lab.no_grad():
        v = y[0]
    assert v.requires_grad and v.is_leaf
    with pytest.raises(RuntimeError, match="A view was created in no_grad mode"):
        v.mul_(2)


def test_detach_in_place_of_a_view_is_refused(leaf):
    with pytest.raises(RuntimeError, match="Can't detach views in-place"):
        (leaf * 2)[0].detach_()


# ---- NumPy ----

def test_from_numpy_and_numpy_share_memory_both_ways():
    array = np.arange(3.0)
    t = lab.from_numpy(array)
    t[0] = 7
    array[1] = 8
    assert t.tolist() == [7, 8, 2]
    assert lab.as_tensor(array).data_ptr() == t.data_ptr()
    assert t.numpy() is array or np.shares_memory(t.numpy(), array)


def test_a_number_without_dimensions_gets_memory_when_somebody_shares_it():
    x = lab.tensor(1.0)
    array = x.numpy()
    x.add_(1)
    assert array.item() == 2


WRITES_TO_PARTS = {
    "sum": lambda t, z, w: z.real.add_(w * w),
    "real part": lambda t, z, w: z.real.mul_(w),
    "imaginary part": lambda t, z, w: z.imag.mul_(w),
    "every other": lambda t, z, w: z.imag[::2].mul_(w[::2]),
    "pairs": lambda t, z, w: t.view_as_real(z)[:, 1].mul_(w),
    "part of a part": lambda t, z, w: z.imag.mul_(2)[:2].mul_(w[:2]),
    "row of a transpose": lambda t, z, w: z.view(2, 2).T[0].imag.mul_(w[:2]),
    "part of a transpose": lambda t, z, w: z.view(2, 2).T.real.mul_(w.view(2, 2)),
    "whole": lambda t, z, w: z.mul_(w),
}


@pytest.mark.parametrize("name", WRITES_TO_PARTS)
@pytest.mark.parametrize("looked_at", ["z", "y"])
def test_writes_to_parts_of_complex_numbers_are_differentiated(name, looked_at):
    torch = pytest.importorskip("torch")

    def story(library):
        x = library.arange(1.0, 5.0, dtype=library.float64, requires_grad=True)
        w = library.arange(2.0, 6.0, dtype=library.float64, requires_grad=True)
        z = library.complex(x * x, x + 1)
        y = WRITES_TO_PARTS[name](library, z, w)
        first = library.autograd.grad((z if looked_at == "z" else y).abs().pow(2).sum(), (x, w), create_graph=True)
        second = library.autograd.grad(first[0].sum() + first[1].pow(2).sum(), (x, w))
        return [g.tolist() for g in (*first, *second)]
    assert story(lab) == [pytest.approx(g) for g in story(torch)]


def test_writes_to_complex_views_of_real_pairs_are_differentiated():
    torch = pytest.importorskip("torch")

    def story(library):
        x = library.arange(1.0, 13.0, dtype=library.float64, requires_grad=True)
        w = library.arange(2.0, 4.0, dtype=library.float64, requires_grad=True)
        pairs = (x * x).view(3, 4)
        library.view_as_complex(pairs[1:, 2:]).mul_(w * (1 + 2j))
        first = library.autograd.grad((pairs ** 3).sum(), (x, w), create_graph=True)
        return [g.tolist() for g in (*first, *library.autograd.grad(first[0].sum(), (x, w)))]
    assert story(lab) == [pytest.approx(g) for g in story(torch)]


def test_strided_views_of_an_imaginary_part_start_where_it_starts():
    z = lab.tensor([1 + 2j, 3 + 4j, 5 + 6j])
    assert z.imag.as_strided((2,), (2,), 3).tolist() == [4.0, 6.0]
