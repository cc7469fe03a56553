"""Programs call `view` on results: where PyTorch's result lies in C order, whatever the order of the input, ours does too."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch")

SHAPE = (2, 3, 4)
INPUTS = {
    "transposed": lambda t: t.ones(3, 2, 4).transpose(0, 1),
    "reversed": lambda t: t.ones(4, 3, 2).permute(2, 1, 0),
    "cut": lambda t: t.ones(4, 3, 4).permute(2, 1, 0)[::2],
    "expanded": lambda t: t.ones(2, 1, 4).expand(SHAPE),
    "expanded first": lambda t: t.ones(1, 3, 4).expand(SHAPE),
}
CALLS = {
    "double": lambda t, x: x.double(),
    "sum with another type": lambda t, x: x + t.ones(4, dtype=t.float64),
    "zeros_like": lambda t, x: t.zeros_like(x),
    "zeros_like in C order": lambda t, x: t.zeros_like(x, memory_format=t.contiguous_format),
    "empty_like": lambda t, x: t.empty_like(x),
    "rand_like": lambda t, x: t.rand_like(x),
    "dropout": lambda t, x: t.nn.functional.dropout(x, 0.5),
    "softmax": lambda t, x: x.softmax(-1),
    "softmax of another dtype": lambda t, x: x.softmax(0, dtype=t.float64),
    "log_softmax": lambda t, x: x.log_softmax(1),
    "cumsum": lambda t, x: x.cumsum(1),
    "cumsum of integers": lambda t, x: x.int().cumsum(1),
    "cumprod": lambda t, x: x.cumprod(0),
    "cummax": lambda t, x: x.cummax(0).values,
    "roll": lambda t, x: x.roll(1, 0),
    "roll flat": lambda t, x: x.roll(1),
    "flip": lambda t, x: x.flip(0, 2),
    "round": lambda t, x: x.int().round(),
    "floor": lambda t, x: x.int().floor(),
    "nan_to_num": lambda t, x: x.nan_to_num(),
    "tril": lambda t, x: x.tril(),
    "cat": lambda t, x: t.cat([x, x], 1),
    "cat of two sizes": lambda t, x: t.cat([x, x[:1]]),
    "stack": lambda t, x: t.stack([x, x]),
    "stack within": lambda t, x: t.stack([x, x], 1),
    "masked_fill": lambda t, x: x.masked_fill(x > 2, 0),
    "scatter": lambda t, x: x.scatter(1, t.zeros(2, 1, 4).long(), 1.0),
    "index_add": lambda t, x: x.index_add(1, t.tensor([0]), t.ones(2, 1, 4)),
    "sum": lambda t, x: x.sum(1),
    "mean kept": lambda t, x: x.mean(0, keepdim=True),
    "sum of integers": lambda t, x: x.int().sum((2,)),
    "amax": lambda t, x: x.amax(-1),
    "max": lambda t, x: x.max(1).values,
    "places of the least": lambda t, x: x.min(0).indices,
    "var": lambda t, x: x.var(1),
    "prod": lambda t, x: x.prod(1),
    "any": lambda t, x: x.any(2),
    "logsumexp": lambda t, x: x.logsumexp(1),
    "norm": lambda t, x: x.norm(dim=1),
    "greatest norm": lambda t, x: t.linalg.vector_norm(x, float("inf"), dim=0),
    "cosine_similarity": lambda t, x: t.nn.functional.cosine_similarity(x, x, -1),
    "cdist": lambda t, x: t.cdist(x, x),
    "columns": lambda t, x: t.ones(SHAPE)[:, t.tensor([0, 2])],
    "last": lambda t, x: t.ones(SHAPE)[..., t.tensor([0, 2])],
}


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("name", CALLS)
def test_results_are_in_c_order_where_pytorchs_are(name, kind):
    call, make = CALLS[name], INPUTS[kind]
    theirs, ours = call(torch, make(torch)), call(lab, make(lab))
    if theirs.is_contiguous():
        assert ours.is_contiguous(), f"{ours.stride()} here, {theirs.stride()} in PyTorch"


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("name", ["flip", "round", "floor", "nan_to_num"])
def test_results_lie_as_pytorchs(name, kind):
    call, make = CALLS[name], INPUTS[kind]
    assert call(lab, make(lab)).stride() == call(torch, make(torch)).stride()


def test_joined_channels_stay_last():
    x = lab.ones(2, 3, 4, 5).to(memory_format=lab.channels_last)
    assert lab.cat([x, x], 1).is_contiguous(memory_format=lab.channels_last)


IMAGES = {
    "channels last": lambda t: t.ones(2, 3, 4, 5).to(memory_format=t.channels_last),
    "channels last by permute": lambda t: t.ones(2, 4, 5, 6).permute(0, 3, 1, 2),
    "heads": lambda t: t.ones(2, 4, 6, 5).transpose(1, 2),
    "in order": lambda t: t.ones(2, 6, 4, 5),
}
LAYERS = {
    "conv2d": lambda t, x: t.nn.functional.conv2d(x, t.ones(7, x.shape[1], 2, 2), t.ones(7)),
    "conv2d of groups": lambda t, x: t.nn.functional.conv2d(x, t.ones(x.shape[1], 1, 3, 3), padding=1, groups=x.shape[1]),
    "group_norm": lambda t, x: t.nn.functional.group_norm(x, 3),
    "batch_norm": lambda t, x: t.nn.functional.batch_norm(x, None, None, training=True),
    "dropout": lambda t, x: t.nn.functional.dropout(x),
}


@pytest.mark.parametrize("kind", IMAGES)
@pytest.mark.parametrize("name", LAYERS)
def test_layers_keep_the_order_that_pytorchs_keep(name, kind):
    call, make = LAYERS[name], IMAGES[kind]
    theirs, ours = call(torch, make(torch)), call(lab, make(lab))
    assert ours.stride() == theirs.stride()


def test_ctc_gradient_is_the_same_for_log_probabilities_in_any_memory_order():
    logits = np.random.default_rng(0).normal(size=(2, 9, 5))
    gradients = []
    for T in (lab, torch):
        x = T.tensor(logits, requires_grad=True)
        chances = T.nn.functional.log_softmax(x, -1).transpose(0, 1)
        T.nn.functional.ctc_loss(chances, T.tensor([[1, 2, 1], [3, 3, 2]]), T.tensor([9, 8]), T.tensor([3, 2])).backward()
        gradients.append(x.grad.numpy())
    np.testing.assert_allclose(*gradients, atol=1e-12)


def orders(library, shape):
    """Tensors of a shape, or that stretch to it, in every order in memory."""
    n = len(shape)
    for order in itertools.permutations(range(n)):
        yield library.ones([shape[d] for d in order]).permute([order.index(d) for d in range(n)])
    yield library.ones(shape[-1])
    yield library.ones((*shape[:-1], 1))
    yield library.ones((1, *shape[1:])).expand(shape)
    yield library.ones((*shape[:-1], 2 * shape[-1]))[..., ::2]


@pytest.mark.parametrize("call", [
    lambda t, x, y: x + y, lambda t, x, y: t.rsub(x, y), lambda t, x, y: x >= y, lambda t, x, y: t.maximum(x, y), lambda t, x, y: x ** y,
    lambda t, x, y: t.where(x > 0, y, x), lambda t, x, y: t.lerp(x, y, 0.5), lambda t, x, y: x.int() & y.int(), lambda t, x, y: x * y.double(),
], ids=["add", "rsub", "ge", "maximum", "pow", "where", "lerp", "and", "mul of two types"])
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4)], ids=str)
def test_operands_are_asked_for_their_order_one_after_the_other(call, shape):
    for ours, theirs in zip(itertools.product(orders(lab, shape), repeat=2), itertools.product(orders(torch, shape), repeat=2), strict=True):
        assert call(lab, *ours).stride() == call(torch, *theirs).stride(), (ours[0].stride(), ours[1].stride())


def test_dropout_after_a_sum_of_two_orders_draws_as_pytorch():
    def dropped(library):
        library.manual_seed(0)
        x = library.ones(2, 5, 3).transpose(1, 2) + library.ones(2, 3, 5)
        return library.nn.functional.dropout(x + library.ones(5), 0.5).tolist()

    assert dropped(lab) == dropped(torch)


@pytest.mark.parametrize("call", [
    *(lambda t, x, mode=mode: t.nn.functional.interpolate(x, scale_factor=2, mode=mode) for mode in ("nearest", "bilinear", "bicubic", "area")),
    *(lambda t, x, mode=mode: t.nn.functional.pad(x, (1, 2, 1, 0), mode=mode) for mode in ("constant", "reflect", "replicate", "circular")),
    lambda t, x: t.nn.functional.adaptive_avg_pool2d(x, 4), lambda t, x: t.nn.functional.adaptive_max_pool2d(x, 3),
    lambda t, x: t.nn.functional.conv_transpose2d(x, t.ones(3, 4, 2, 2), stride=2), lambda t, x: x.roll((1, 2), (2, 3)),
], ids=["nearest", "bilinear", "bicubic", "area", "constant", "reflect", "replicate", "circular", "adaptive_avg", "adaptive_max", "conv_transpose", "roll"])
def test_channels_that_lie_innermost_stay_there(call):
    ours, theirs = (call(t, t.arange(384.0).reshape(2, 8, 8, 3).movedim(-1, 1)) for t in (lab, torch))
    assert ours.stride() == theirs.stride()
    assert np.allclose(ours.numpy(), theirs.numpy())
