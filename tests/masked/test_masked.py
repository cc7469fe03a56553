"""Reductions over what a mask names, compared with PyTorch: values, types, gradients, refusals."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch")
pytest.importorskip("torch.masked")

X = np.random.default_rng(0).normal(size=(3, 4, 2))
MASK = np.random.default_rng(1).random((3, 4, 1)) > 0.4
CALLS = {name: lambda m, x, **given: m(x, 1, **given) for name in (
    "sum", "prod", "mean", "amax", "amin", "argmax", "argmin", "median", "logsumexp", "cumsum", "cumprod", "softmax", "log_softmax", "softmin", "var", "std")}
CALLS["norm"] = lambda m, x, **given: m(x, 3.0, (0, 1), keepdim=True, **given)
CALLS["normalize"] = lambda m, x, **given: m(x, 2.0, 1, **given)


def outcome(library, call):
    try:
        found = call(library)
    except Exception as error:  # compared with PyTorch's
        return type(error).__name__, str(error)
    return str(found.dtype), np.asarray(found.detach().numpy()).round(6).tolist()


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("name", CALLS)
def test_values_and_gradients_agree_with_pytorch(name, masked):
    def run(library):
        x = library.tensor(X, requires_grad=True)
        found = CALLS[name](getattr(library.masked, name), x, **({"mask": library.tensor(MASK)} if masked else {}))
        if found.requires_grad:
            found[found.isfinite()].sum().backward()
        return found.detach().numpy(), None if x.grad is None else x.grad.numpy(), str(found.dtype)

    for ours, theirs in zip(run(lab), run(torch), strict=True):
        if isinstance(ours, np.ndarray):
            np.testing.assert_allclose(ours, theirs, 1e-9, 1e-12)
        else:
            assert ours == theirs


@pytest.mark.parametrize("call", [
    lambda t: t.masked.sum(t.arange(4)),
    lambda t: t.masked.sum(t.arange(4).int(), mask=t.tensor([True, False, True, True])),
    lambda t: t.masked.mean(t.arange(4)),
    lambda t: t.masked.mean(t.arange(4), dtype=t.float32, mask=t.tensor([True, False, True, True])),
    lambda t: t.masked.amax(t.arange(4), mask=t.zeros(4, dtype=t.bool)),
    lambda t: t.masked.median(t.arange(4), mask=t.zeros(4, dtype=t.bool)),
    lambda t: t.masked.var(t.arange(4), mask=t.tensor([True, False, True, True])),
    lambda t: t.masked.sum(t.ones(2), 3),
    lambda t: t.masked.sum(t.ones(2, 2), (0, 0)),
    lambda t: t.masked.sum(t.ones(2), mask=t.ones(2, 2, dtype=t.bool)),
    lambda t: t.masked.logaddexp(t.zeros(2), t.ones(2), input_mask=t.tensor([True, False]), other_mask=t.tensor([True, True])),
])
def test_types_and_refusals_are_those_of_pytorch(call):
    assert outcome(lab, call) == outcome(torch, call)
