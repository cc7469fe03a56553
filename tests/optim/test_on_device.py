"""Optimizers and files on a device array that refuses to become a host array silently (see tests/cuda/strict.py)."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest

import autodiff_lab as lab

_path = Path(__file__).parent.parent / "cuda" / "strict.py"
if not _path.exists():
    pytest.skip("no stand-in for CuPy", allow_module_level=True)
_spec = importlib.util.spec_from_file_location("strict_device", _path)
strict = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(strict)

OPTIONS = {"SGD": {"lr": 0.1, "momentum": 0.9, "nesterov": True}, "Adam": {"amsgrad": True}, "RMSprop": {"centered": True, "momentum": 0.9}}
NAMES = ["SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "Adagrad", "Adadelta", "RMSprop", "Rprop", "ASGD", "LBFGS", "Adafactor", "Muon"]


@pytest.fixture(autouse=True)
def device():
    with strict.installed():
        yield


def trained(name: str, where: str):
    a = lab.tensor([[0.5, -1.0], [2.0, 0.1], [0.3, 0.7]], dtype=lab.float64).to(where).requires_grad_()
    b = lab.tensor([[0.2, -0.7]], dtype=lab.float64).to(where).requires_grad_()
    optimizer = getattr(lab.optim, name)([a, b], **OPTIONS.get(name, {}))

    def closure():
        optimizer.zero_grad()
        loss = ((a * a - 1) ** 2).sum() + (a * b).sum() + (b * b).sum()
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
    return [p.detach().cpu().numpy() for p in (a, b)], optimizer, (a, b)


@pytest.mark.parametrize("name", NAMES)
def test_optimizer_steps_on_the_device(name):
    expected, _, _ = trained(name, "cpu")
    found, optimizer, params = trained(name, "cuda")
    for x, y in zip(expected, found, strict=True):
        np.testing.assert_allclose(y, x, rtol=1e-6)
    assert all(p.is_cuda for p in params)
    kept = [t for state in optimizer.state.values() for t in state.values() if isinstance(t, lab.Tensor) and t.ndim]
    assert all(t.is_cuda for t in kept)


def test_files_say_where_tensors_were_and_bring_them_back():
    _, optimizer, params = trained("Adam", "cuda")
    buffer = io.BytesIO()
    lab.save({"p": params[0], "o": optimizer.state_dict()}, buffer)
    buffer.seek(0)
    found = lab.load(buffer)
    assert found["p"].is_cuda and found["p"].requires_grad and found["o"]["state"][0]["exp_avg"].is_cuda
    buffer.seek(0)
    assert not lab.load(buffer, map_location="cpu")["p"].is_cuda


def test_batches_of_device_tensors():
    data = lab.utils.data.TensorDataset(lab.arange(6.0).to("cuda"), lab.arange(6).to("cuda"))
    batches = list(lab.utils.data.DataLoader(data, 4))
    assert [b[0].shape[0] for b in batches] == [4, 2] and batches[0][0].is_cuda
