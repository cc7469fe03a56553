"""One training script, run with each library from one seed: the same losses, and the same state of the generator in the end."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff_lab as lab


def train(T, dtype, steps=20):
    """Losses of the first steps of a network with BatchNorm and dropout, on shuffled batches, by Adam with a schedule."""
    T.manual_seed(0)
    nn, F = T.nn, T.nn.functional
    x = T.randn(120, 8, dtype=dtype)
    y = (x.square().sum(1) > 8).long()
    model = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.Tanh(), nn.Dropout(0.2), nn.Linear(32, 2)).to(dtype)
    optimizer = T.optim.Adam(model.parameters(), lr=0.02, weight_decay=1e-3)
    schedule = T.optim.lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=steps)
    loader = T.utils.data.DataLoader(T.utils.data.TensorDataset(x, y), 16, shuffle=True)
    losses = []
    while True:
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs), targets, label_smoothing=0.1)
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            if len(losses) == steps:
                return losses, [g["lr"] for g in optimizer.param_groups], T.get_rng_state().numpy()


@pytest.mark.oracle
@pytest.mark.parametrize("kind, tolerance", [("float32", 1e-5), ("float64", 1e-12)])
def test_losses_and_generator_are_pytorchs(kind, tolerance):
    torch = pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed")
    theirs, their_rate, their_state = train(torch, getattr(torch, kind))
    ours, our_rate, our_state = train(lab, getattr(lab, kind))
    np.testing.assert_allclose(ours, theirs, rtol=tolerance)
    assert their_rate == our_rate and (their_state == our_state).all()


def test_it_learns_without_pytorch_to_compare_with():
    losses, _, _ = train(lab, lab.float32, 200)
    assert np.mean(losses[-7:]) < np.mean(losses[:7]) - 0.1
