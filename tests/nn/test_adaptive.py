"""The adaptive softmax, compared with PyTorch's."""

import numpy as np
import pytest

import autodiff_lab as lab

RNG = np.random.default_rng(0)
INPUT, TARGET = RNG.normal(size=(6, 8)), np.array([1, 7, 19, 3, 10, 0])


def told(T, cutoffs, bias, weights):
    layer = T.nn.AdaptiveLogSoftmaxWithLoss(8, 20, cutoffs, div_value=2.0, head_bias=bias).double()
    layer.load_state_dict({name: T.tensor(value) for name, value in weights.items()})
    x = T.tensor(INPUT, requires_grad=True)
    output, loss = layer(x, T.tensor(TARGET))
    loss.backward()
    return [v.detach().numpy() for v in (output, loss, x.grad, layer.log_prob(x), layer.predict(x), layer(x[0], T.tensor(4)).output, *(p.grad for p in layer.parameters()))]


@pytest.mark.parametrize("cutoffs", [[5, 10], [1], [3, 4, 19]])
@pytest.mark.parametrize("bias", [False, True])
def test_values_and_gradients_are_pytorchs(cutoffs, bias):
    torch = pytest.importorskip("torch")
    layer = lab.nn.AdaptiveLogSoftmaxWithLoss(8, 20, cutoffs, div_value=2.0, head_bias=bias)
    assert repr(layer) == repr(torch.nn.AdaptiveLogSoftmaxWithLoss(8, 20, cutoffs, div_value=2.0, head_bias=bias))
    weights = {name: RNG.normal(size=tuple(value.shape)) for name, value in layer.state_dict().items()}
    for ours, theirs in zip(told(lab, cutoffs, bias, weights), told(torch, cutoffs, bias, weights), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def test_probabilities_sum_to_one():
    layer = lab.nn.AdaptiveLogSoftmaxWithLoss(8, 20, [2, 9], div_value=2.0).double()
    assert lab.allclose(layer.log_prob(lab.tensor(INPUT)).exp().sum(1), lab.ones(6, dtype=lab.float64))


@pytest.mark.parametrize("call", [
    lambda T: T.nn.AdaptiveLogSoftmaxWithLoss(8, 20, []), lambda T: T.nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5, 4]), lambda T: T.nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5, 25]),
    lambda T: T.nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5])(T.ones(2, 8), T.tensor([1, 25])), lambda T: T.nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5])(T.ones(2, 8), T.tensor([1])),
    lambda T: T.nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5])(T.ones(1, 8), T.tensor(1)), lambda T: T.nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5])(T.ones(1, 8), T.zeros(1, 1))])
def test_bad_input_is_refused_as_in_pytorch(call):
    torch = pytest.importorskip("torch")
    said = []
    for T in (lab, torch):
        with pytest.raises((ValueError, RuntimeError)) as caught:
            call(T)
        said.append((caught.type, str(caught.value)))
    assert said[0] == said[1]
