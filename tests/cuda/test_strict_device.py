"""Every sample of every operator on a device array that refuses to become a host array (see strict.py)."""

import importlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest

import autodiff_lab as lab
from autodiff_lab.core.op import registry
from autodiff_lab.core.tensor import Tensor

spec = importlib.util.spec_from_file_location("strict_device", Path(__file__).parent / "strict.py")
strict = importlib.util.module_from_spec(spec)
spec.loader.exec_module(strict)
importlib.import_module("autodiff_lab.nn.functional")

# Computed on the host although the tensor is on the device: the reason, and what happens instead.
ON_THE_HOST: dict[str, str] = {}

WITH_SAMPLES = sorted(name for name, op in registry.items() if op.make_samples and op.tensor_params + ([op.list_param] if op.list_param else []))


@pytest.fixture(autouse=True)
def device():
    with strict.installed():
        yield


def moved(value):
    if isinstance(value, Tensor):
        made = value.detach().to("cuda")
        return made.requires_grad_() if value.is_floating_point() else made
    return type(value)(moved(v) for v in value) if isinstance(value, (list, tuple)) and any(isinstance(v, Tensor) for v in value) else value


def on_host(value):
    if isinstance(value, Tensor):
        made = value.detach().clone()
        return made.requires_grad_() if value.is_floating_point() else made
    return type(value)(on_host(v) for v in value) if isinstance(value, (list, tuple)) and any(isinstance(v, Tensor) for v in value) else value


def tensors(value):
    return [v for v in (value if isinstance(value, (tuple, list)) else [value]) if isinstance(v, Tensor)]


@pytest.mark.parametrize("name", WITH_SAMPLES)
def test_an_operator_and_its_gradient_stay_on_the_device(name):
    if name in ON_THE_HOST:
        pytest.skip(ON_THE_HOST[name])
    op = registry[name]
    for args, kwargs in op.samples():
        lab.manual_seed(0)
        host_args = [on_host(a) for a in args]
        expected = tensors(op.function(*host_args, **{k: on_host(v) for k, v in kwargs.items()}))
        lab.manual_seed(0)
        device_args = [moved(a) for a in args]
        found = tensors(op.function(*device_args, **{k: moved(v) for k, v in kwargs.items()}))
        for a, b in zip(found, expected, strict=True):
            assert a.device.type == "cuda", f"{name} came back on {a.device}"
            assert np.allclose(a.detach()._a.get(), np.asarray(b.detach()._a), rtol=1e-6, atol=1e-8, equal_nan=True)
        if any(t.requires_grad for t in found):
            outputs = [t for t in found if t.requires_grad]
            try:
                lab.autograd.backward(outputs, [lab.ones_like(t) for t in outputs])
            except RuntimeError as error:
                if "is not implemented" not in str(error):  # a rule that says so, as PyTorch does
                    raise
            for argument in (t for a in device_args for t in tensors(a)):
                assert argument.grad is None or argument.grad.device.type == "cuda"


def test_a_training_step_stays_on_the_device():
    from autodiff_lab import nn

    lab.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2)).to("cuda")
    x, y = lab.randn(16, 3).to("cuda"), (lab.arange(16) % 2).to("cuda")
    optimizer = lab.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(5):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] and all(p.device.type == "cuda" for p in model.parameters())


def test_mixing_devices_names_both_and_the_cure():
    with pytest.raises(RuntimeError, match=r"same device.*cuda.*cpu|same device.*cpu.*cuda"):
        lab.ones(2).to("cuda") + lab.ones(2)


def test_a_tensor_and_a_graph_on_the_device_show_themselves():
    from autodiff_lab.core import observe
    from autodiff_lab.notebook.tensors import bundle
    from autodiff_lab.record.build import build
    from autodiff_lab.record.recorder import Recorder

    matrix = lab.arange(12.0).reshape(3, 4).to("cuda")
    data = bundle(matrix)
    assert "cuda:0" in data["image/svg+xml"] and ">11<" in data["image/svg+xml"] and "device='cuda:0'" in data["text/plain"]
    recorder = observe.attach(Recorder())
    try:
        weight = matrix.clone().requires_grad_()
        loss = (weight * matrix).sum()
        loss.backward()
    finally:
        observe.detach(recorder)
    snapshot = build(recorder, recorder.roots)
    assert {node.device for node in snapshot.nodes} == {"cuda:0"}
    assert snapshot.nodes[snapshot.roots[0]].value.number == 506.0
    assert next(node for node in snapshot.nodes if node.kind == "parameter").grad.norm == pytest.approx(506 ** 0.5)
