"""What packages with compiled operators ask for when they are imported, and torchvision itself where it is installed."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import autodiff_lab as lab

ROOT = Path(__file__).parent.parent.parent


def run(code: str, cwd, **environment) -> str:
    done = subprocess.run([sys.executable, "-m", "autodiff_lab", "-c", code], text=True, capture_output=True, cwd=cwd,
                          env={"PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]), **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout


PACKAGE = """
import torch, torch._custom_ops, torch.library, torch.onnx
from torch._dynamo.utils import is_compile_supported
from torch.ao.quantization import DeQuantStub, QuantStub
from torch.jit.annotations import BroadcastingList2
from torch.onnx import symbolic_opset11
from torch.onnx.symbolic_helper import parse_args
try:
    torch.library.register_fake("compiled::f", lambda x: x)
except RuntimeError as error:
    print(error)
try:
    torch.ops.load_library("libcompiled.so")
except OSError as error:
    print(str(error)[:28])
torch.library.register_fake("compiled::f")(lambda x: x)
torch.onnx.register_custom_op_symbolic("compiled::f", parse_args("v")(lambda g, x: x), 11)
def f(x, size: BroadcastingList2[int] = 2):
    with torch._C._ExcludeDispatchKeyGuard(torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastCPU) | torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastCUDA)):
        return torch.ops.compiled.f(x)
for call in (lambda: f(torch.ones(1)), lambda: symbolic_opset11.select(None), lambda: torch._custom_ops.get_ctx(), lambda: torch.ao.quantization.convert(QuantStub())):
    try:
        call()
    except (AttributeError, RuntimeError) as error:
        print(error)
"""


def test_a_package_with_compiled_operators_imports_and_each_operator_is_refused(tmp_path):
    lines = run(PACKAGE, tmp_path).splitlines()
    assert lines[:2] == ["operator compiled::f does not exist", "libcompiled.so: a compiled l"]
    assert "'compiled' object has no attribute 'f'" in lines[2] and "not loaded here (libcompiled.so)" in lines[2]
    assert [line.split(" is not here")[0] for line in lines[3:]] == ["torch.onnx.export", "torch.library.get_ctx()", "Quantization"]


def left_out(t) -> list:
    C, x = t._C, t.ones(2, 2)
    keys = C.DispatchKeySet(C.DispatchKey.AutocastCPU) | C.DispatchKeySet(C.DispatchKey.AutocastXPU)
    out = [keys.has(C.DispatchKey.AutocastXPU), keys.has(C.DispatchKey.CPU)]
    with t.autocast("cpu", dtype=t.bfloat16):
        out.append(str((x @ x).dtype))
        with C._ExcludeDispatchKeyGuard(keys):
            out.append(str((x @ x).dtype))
        with C._ExcludeDispatchKeyGuard(C.DispatchKeySet(C.DispatchKey.AutocastCUDA)):
            out.append(str((x @ x).dtype))
        out.append(str((x @ x).dtype))
    return out


@pytest.mark.oracle
def test_autocast_can_be_left_out():
    torch = pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed")
    pytest.importorskip("ml_dtypes", reason="bfloat16 needs ml_dtypes")
    assert left_out(lab) == left_out(torch)
    with pytest.raises(RuntimeError, match="cannot leave out CPU, only autocast"):
        lab._C._ExcludeDispatchKeyGuard(lab._C.DispatchKeySet(lab._C.DispatchKey.CPU))


def quantizable(t) -> list:
    t.manual_seed(0)
    f, quantization = t.nn.quantized.FloatFunctional(), importlib.import_module(f"{t.__name__}.ao.quantization")
    x, model = t.randn(2, 2), quantization.QuantWrapper(t.nn.Linear(2, 2))
    out = [f.add(x, x), f.mul(x, x), f.cat([x, x], 1), f.matmul(x, x), f.add_relu(x, x), f.add_scalar(x, 2.0), f.mul_scalar(x, 3.0), model(x)]
    return [repr(f), repr(model), list(model.state_dict()), *(each.tolist() for each in out)]


@pytest.mark.oracle
def test_a_model_that_may_be_quantized_computes_as_in_pytorch():
    torch = pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed")
    assert quantizable(lab)[:3] == quantizable(torch)[:3]
    for ours, theirs in zip(quantizable(lab)[3:], quantizable(torch)[3:], strict=True):
        assert ours == [pytest.approx(row, rel=1e-6) for row in theirs]


def test_weights_that_were_downloaded_are_loaded_and_nothing_is_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert lab.hub.get_dir() == str(tmp_path / "hub")
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    lab.save({"w": lab.ones(2)}, tmp_path / "hub" / "checkpoints" / "net-1234.pth")
    assert lab.hub.load_state_dict_from_url("https://example.org/models/net-1234.pth")["w"].tolist() == [1.0, 1.0]
    with pytest.raises(RuntimeError, match=r"downloads nothing, and .*other\.pth is not there\. Download https://example.org/other.pth yourself"):
        lab.hub.load_state_dict_from_url("https://example.org/other.pth")


VISION = """
import io
import torch, torchvision
from torch import nn
from torchvision import datasets, models, ops, transforms
from torchvision.transforms import v2
from PIL import Image
torch.manual_seed(0)
change = transforms.Compose([transforms.RandomCrop(20, padding=2), transforms.RandomHorizontalFlip(), transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.5,) * 3)])
data = datasets.FakeData(8, (3, 24, 24), 4, transform=change)
model = models.squeezenet1_1(num_classes=4)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for images, labels in torch.utils.data.DataLoader(data, batch_size=4, shuffle=True):
    loss = nn.functional.cross_entropy(model(torch.nn.functional.interpolate(images, 64)), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(tuple(images.shape), loss.item() > 0)
boxes = torch.tensor([[0.0, 0, 2, 2], [1, 1, 3, 3]])
print(ops.box_iou(boxes, boxes).round(decimals=3).tolist(), v2.Resize(5)(torch.zeros(3, 8, 8, dtype=torch.uint8)).shape)
file = io.BytesIO()
torchvision.utils.save_image(images, file, format="png")
print(Image.open(file).size)
for call in (lambda: ops.nms(boxes, torch.ones(2), 0.5), lambda: torchvision.io.decode_png(torch.zeros(9, dtype=torch.uint8))):
    try:
        call()
    except RuntimeError as error:
        print(str(error)[:80])
print(open("/proc/self/maps").read().count("libtorch") if torchvision.__file__ and __import__("os").path.exists("/proc/self/maps") else 0)
"""


@pytest.mark.skipif(importlib.util.find_spec("torchvision") is None or importlib.util.find_spec("PIL") is None, reason="torchvision and pillow are not installed")
def test_torchvision_trains_and_its_compiled_operators_are_refused(tmp_path):
    lines = run(VISION, tmp_path).splitlines()
    assert lines == ["(4, 3, 20, 20) True", "(4, 3, 20, 20) True", "[[1.0, 0.14300000667572021], [0.14300000667572021, 1.0]] torch.Size([3, 5, 5])", "(90, 24)",
                     *["This function of torchvision is compiled against PyTorch, and cannot run here. W", "This function of torchvision is compiled against PyTorch, and cannot run here. R"], "0"]


@pytest.mark.skipif(importlib.util.find_spec("torchvision") is None or importlib.util.find_spec("PIL") is None, reason="torchvision and pillow are not installed")
def test_torchvision_goes_when_torch_means_nothing_again():
    code = """
import sys
import autodiff_lab as lab
with lab.as_torch():
    from torchvision.transforms import v2
    print(type(v2.ToImage()(__import__("numpy").zeros((2, 2, 3), "uint8"))).__mro__[2] is lab.Tensor)
print([name for name in sys.modules if name.startswith("torch")])
"""
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, cwd=ROOT)
    assert done.stdout.splitlines() == ["True", "[]"], done.stderr


@pytest.mark.oracle
def test_the_processor_is_named_as_by_pytorch():
    torch = pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed")
    theirs = torch.backends.cpu.get_cpu_capability()
    assert lab.backends.cpu.get_cpu_capability() == (theirs if theirs in ("AVX2", "AVX512") else "DEFAULT")
