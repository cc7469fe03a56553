"""Layers against their definitions written as plain loops, and their gradients against finite differences to second order."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import autodiff_lab as lab
import autodiff_lab.nn.functional as F
from autodiff_lab import nn
from autodiff_lab.autograd import gradcheck, gradgradcheck


def numbers(*shape, seed=0):
    return lab.tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True)


def conv_by_hand(x, w, stride, padding, dilation, groups):
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    N, _, H, W = x.shape
    O, C, kh, kw = w.shape
    oh, ow = (H - dilation * (kh - 1) - 1) // stride + 1, (W - dilation * (kw - 1) - 1) // stride + 1
    out = np.zeros((N, O, oh, ow))
    for n, o, i, j in np.ndindex(out.shape):
        first = o // (O // groups) * C
        for c, a, b in np.ndindex(C, kh, kw):
            out[n, o, i, j] += w[o, c, a, b] * x[n, first + c, i * stride + a * dilation, j * stride + b * dilation]
    return out


@pytest.mark.parametrize("stride, padding, dilation, groups, size", list(itertools.product((1, 2), (0, 1), (1, 2), (1, 2, 4), (6, 14))))
def test_convolution_is_the_sum_over_patches(stride, padding, dilation, groups, size):
    x, w = numbers(2, 4, size, size - 1), numbers(4, 4 // groups, 3, 2, seed=1)
    out = F.conv2d(x, w, None, stride, padding, dilation, groups)
    np.testing.assert_allclose(out.detach().numpy(), conv_by_hand(x.detach().numpy(), w.detach().numpy(), stride, padding, dilation, groups), atol=1e-12)


def test_transposed_convolution_is_the_transpose():
    x, w = numbers(2, 3, 8, 7), numbers(4, 3, 3, 3, seed=2)
    forward = F.conv2d(x, w, None, 2, 1)
    y = numbers(*forward.shape, seed=1)
    back = F.conv_transpose2d(y, w, None, 2, 1, output_padding=(1, 0))
    assert back.shape == x.shape
    assert lab.allclose((forward * y).sum(), (x * back).sum())


SECOND_ORDER = {
    "conv2d": lambda x: F.conv2d(x(1, 2, 4, 4), x(2, 2, 3, 3), x(2), padding=1),
    "conv1d strided": lambda x: F.conv1d(x(2, 2, 6), x(2, 1, 2), None, 2, 0, 1, 2),
    "conv_transpose2d": lambda x: F.conv_transpose2d(x(1, 2, 3, 3), x(2, 2, 2, 2), x(2), 2),
    "max_pool2d": lambda x: F.max_pool2d(x(1, 2, 5, 5) * x(1, 2, 5, 5), 3, 2, 1),
    "avg_pool2d": lambda x: F.avg_pool2d(x(1, 2, 5, 5) ** 2, 3, 2, 1),
    "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x(1, 2, 5, 4) ** 2, 3),
    "layer_norm": lambda x: F.layer_norm(x(3, 4), (4,), x(4), x(4)),
    "rms_norm": lambda x: F.rms_norm(x(3, 4), (4,), x(4), 1e-5),
    "group_norm": lambda x: F.group_norm(x(2, 4, 3), 2, x(4), x(4)),
    "batch_norm": lambda x: F.batch_norm(x(5, 3), None, None, x(3), x(3), training=True),
    "attention": lambda x: F.scaled_dot_product_attention(x(2, 3, 2), x(2, 3, 2), x(2, 3, 2), is_causal=True),
    "interpolate": lambda x: F.interpolate(x(1, 2, 3, 3) ** 2, scale_factor=2, mode="bilinear"),
    "unfold": lambda x: F.unfold(x(1, 2, 3, 4) ** 2, 2),
    "pad": lambda x: F.pad(x(1, 2, 4) ** 2, (2, 1), "reflect"),
    "embedding": lambda x: F.embedding(lab.tensor([1, 1, 3]), x(4, 2) ** 2),
}


@pytest.mark.parametrize("name", SECOND_ORDER)
def test_gradients_agree_with_finite_differences_to_second_order(name):
    made: list = []

    def collect(*shape):
        made.append(numbers(*shape, seed=len(made)))
        return made[-1]

    SECOND_ORDER[name](collect)

    def function(*given):
        supply = iter(given)
        return SECOND_ORDER[name](lambda *shape: next(supply))

    assert gradcheck(function, tuple(made), atol=1e-5)
    assert gradgradcheck(function, tuple(made), atol=1e-4)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_recurrent_layers_agree_with_finite_differences(kind):
    lab.manual_seed(0)
    layer = getattr(nn, kind)(2, 3, 2, bidirectional=True, dtype=lab.float64)
    x = numbers(3, 2, 2)
    assert gradcheck(lambda x, *w: layer(x)[0], (x, *layer.parameters()), atol=1e-5)


def test_recurrent_layer_is_differentiable_twice():
    lab.manual_seed(0)
    layer = nn.LSTM(2, 2, dtype=lab.float64)
    assert gradgradcheck(lambda x: layer(x)[0], (numbers(2, 1, 2),), atol=1e-4)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_layer_over_time_is_its_cell_step_by_step(kind):
    lab.manual_seed(0)
    layer, cell = getattr(nn, kind)(3, 4), getattr(nn, kind + "Cell")(3, 4)
    cell.load_state_dict({k.removesuffix("_l0"): v for k, v in layer.state_dict().items()})
    x, state = lab.randn(5, 2, 3), None
    outputs, _ = layer(x)
    for t in range(5):
        state = cell(x[t], state)
        h = state[0] if kind == "LSTM" else state
        assert lab.allclose(outputs[t], h, atol=1e-6)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_packed_sequences_end_where_they_end(kind):
    lab.manual_seed(0)
    layer = getattr(nn, kind)(2, 3, bidirectional=True)
    sequences = [lab.randn(n, 2) for n in (2, 4, 3)]
    packed = nn.utils.rnn.pack_sequence(sequences, enforce_sorted=False)
    output, final = layer(packed)
    padded, lengths = nn.utils.rnn.pad_packed_sequence(output)
    assert lengths.tolist() == [2, 4, 3]
    for i, sequence in enumerate(sequences):
        alone, end = layer(sequence)
        assert lab.allclose(padded[: len(sequence), i], alone, atol=1e-6)
        assert lab.allclose((final[0] if kind == "LSTM" else final)[:, i], end[0] if kind == "LSTM" else end, atol=1e-6)


def test_attention_with_nothing_to_see_gives_zeros():
    q = lab.randn(1, 2, 4)
    mask = lab.tensor([[True, False], [False, False]])
    out = F.scaled_dot_product_attention(q, q, q, mask)
    assert out[0, 1].tolist() == [0.0] * 4 and lab.allclose(out[0, 0], q[0, 0])


def test_batch_norm_learns_its_statistics_and_uses_them():
    norm = nn.BatchNorm1d(1, momentum=0.5)
    norm(lab.tensor([[1.0], [3.0]]))
    assert norm.running_mean.tolist() == [1.0] and norm.running_var.tolist() == [1.5] and norm.num_batches_tracked.item() == 1
    assert lab.allclose(norm.eval()(lab.tensor([[1.0]])), lab.zeros(1, 1))


@pytest.mark.parametrize("module, shape, words", [
    (nn.Linear(3, 2), (64, 2), r"mat1 and mat2 shapes cannot be multiplied \(64x2 and 3x2\).*Linear expects 3 features in the last dimension, got an input of shape \[64, 2\]\."),
    (nn.Conv2d(3, 2, 3), (1, 5, 5, 3), r"Given groups=1, weight of size \[2, 3, 3, 3\], expected input\[1, 5, 5, 3\] to have 3 channels, but got 5 channels instead"),
    (nn.Conv2d(3, 2, 3), (1, 3, 2, 2), r"Kernel size can't be greater than actual input size"),
    (nn.MaxPool2d(3), (1, 1, 2, 2), r"Output size is too small"),
    (nn.BatchNorm2d(3), (2, 3), r"expected 4D input \(got 2D input\)"),
    (nn.LayerNorm(3), (2, 4), r"Given normalized_shape=\[3\], expected input with shape \[\*, 3\], but got input of size\[2, 4\]"),
    (nn.LSTM(3, 2), (4, 1, 5), r"input.size\(-1\) must be equal to input_size. Expected 3, got 5"),
])
def test_a_wrong_shape_is_refused_in_words(module, shape, words):
    with pytest.raises((RuntimeError, ValueError), match=words):
        module(lab.zeros(*shape))


def test_a_row_that_is_not_there_is_refused():
    with pytest.raises(IndexError, match=r"index out of range in self\. The table has 3 rows"):
        nn.Embedding(3, 2)(lab.tensor([3]))


def test_clipping_returns_the_norm_before():
    layer = nn.Linear(2, 1, bias=False)
    layer.weight.grad = lab.tensor([[3.0, 4.0]])
    assert nn.utils.clip_grad_norm_(layer.parameters(), 1.0).item() == 5.0
    assert lab.allclose(layer.weight.grad, lab.tensor([[0.6, 0.8]]))


def test_a_convolution_to_no_channels_is_refused():
    with pytest.raises(RuntimeError, match="expected weight to be at least 1 at dimension 0"):
        lab.nn.functional.conv2d(lab.ones(1, 2, 4, 4), lab.ones(0, 2, 1, 1))
