"""Losses of classes agree with PyTorch's for rows, sequences and images, also where some or all targets do not count."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch")

SHAPES = [(6, 5), (2, 5, 40), (3, 4, 9, 8), (2, 3, 0), (0, 4), (1, 3, 1, 1), (5,)]
OPTIONS = {
    "plain": {}, "sum": {"reduction": "sum"}, "none": {"reduction": "none"}, "ignored": {"ignore_index": 1}, "weights": {"weight": [0.5, 1.0, 2.0, 0.0, 3.0]},
    "weights of which some are ignored": {"weight": [0.5, 1.0, 2.0, 0.0, 3.0], "ignore_index": 0}, "smoothed": {"label_smoothing": 0.1},
    "smoothed and ignored": {"label_smoothing": 0.1, "ignore_index": 1}, "no weight": {"weight": [0.0] * 5}, "no weight and ignored": {"weight": [0.0] * 5, "ignore_index": 1},
}


def loss_and_gradient(t, name, x, y, options):
    x = t.tensor(x, requires_grad=True)
    options = dict(options)
    if "weight" in options:
        options["weight"] = t.tensor(options["weight"][:x.shape[min(x.ndim - 1, 1)]])
    loss = getattr(t.nn.functional, name)(x, t.tensor(y), **options)
    loss.sum().backward()
    return loss.detach().numpy(), x.grad.numpy()


@pytest.mark.oracle
@pytest.mark.parametrize("every", ["classes", "the same class"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("name", "options"), [(name, key) for name in ("cross_entropy", "nll_loss") for key, options in OPTIONS.items()
                                               if name == "cross_entropy" or "label_smoothing" not in options])  # nll_loss knows no smoothing
def test_values_and_gradients_are_pytorchs(name, shape, options, every):
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).astype(np.float32)
    target = rng.integers(0, x.shape[min(x.ndim - 1, 1)], shape[:1] + shape[2:] if len(shape) > 1 else ())
    if every == "the same class":
        target = np.ones_like(target)
    theirs, ours = (loss_and_gradient(t, name, x, target, OPTIONS[options]) for t in (torch, lab))
    for mine, wanted in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-5, atol=1e-6)
