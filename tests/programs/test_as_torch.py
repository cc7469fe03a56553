"""Programs written for PyTorch: `import torch` gives this library, in one process; what they touch besides is answered or refused."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

PROGRAM = '''
import argparse
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim, Tensor
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, Dataset, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=1)
args = parser.parse_args()
torch.backends.cudnn.deterministic = True
torch.set_float32_matmul_precision("high")
torch.manual_seed(0)
torch.cuda.manual_seed_all(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
X = torch.randn(64, 4)
y = (X.sum(1) > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 16), nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.b(F.relu(self.a(x)))


model = torch.compile(Net().to(device))
optimizer = optim.Adam(model.parameters(), lr=0.01)
schedule = StepLR(optimizer, 5)
for epoch in range(args.epochs):
    for inputs, targets in DataLoader(TensorDataset(X, y), 16, shuffle=True, num_workers=1):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
    schedule.step()
    print(epoch, f"{loss.item():.5f}", schedule.get_last_lr())
torch.save(model.state_dict(), "model.pt")
model.load_state_dict(torch.load("model.pt", weights_only=True))
print(torch.__version__.split(".")[0], isinstance(model, nn.Module))
'''


def run(*arguments, cwd, code=0):
    done = subprocess.run([sys.executable, "-m", "autodiff_lab", *arguments], text=True, capture_output=True, cwd=cwd,
                          env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"})
    assert done.returncode == code, done.stderr
    return done


def in_process(code: str):
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def test_a_program_runs_unmodified_with_its_arguments(tmp_path):
    (tmp_path / "train.py").write_text(PROGRAM)
    lines = run("train.py", "--epochs", "2", cwd=tmp_path).stdout.splitlines()
    assert len(lines) == 3 and lines[-1] == "2 True" and (tmp_path / "model.pt").exists()


@pytest.mark.oracle
def test_it_prints_what_pytorch_prints(tmp_path):
    pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed")
    (tmp_path / "train.py").write_text(PROGRAM)
    theirs = subprocess.run([sys.executable, "train.py", "--epochs", "3"], text=True, capture_output=True, cwd=tmp_path,
                            env={"PATH": "/usr/bin:/bin", "TORCH_COMPILE_DISABLE": "1"}).stdout
    assert run("train.py", "--epochs", "3", cwd=tmp_path).stdout == theirs


def test_modules_lie_beside_the_script_and_its_name_is_main(tmp_path):
    (tmp_path / "beside.py").write_text("import torch\nx = torch.ones(2)\n")
    (tmp_path / "script.py").write_text("import sys\nfrom beside import x\nprint(__name__, sys.argv, x.tolist())\nsys.exit(3)\n")
    assert run("script.py", "a", "-b", cwd=tmp_path, code=3).stdout == "__main__ ['script.py', 'a', '-b'] [1.0, 1.0]\n"


def test_a_traceback_starts_in_the_program(tmp_path):
    (tmp_path / "bad.py").write_text("import torch\ntorch.ones(2) @ torch.ones(3)\n")
    lines = run("bad.py", cwd=tmp_path, code=1).stderr.splitlines()
    assert lines[0].startswith("Traceback") and 'bad.py", line 2' in lines[1]


def test_code_modules_and_help(tmp_path):
    (tmp_path / "mod.py").write_text("import torch; print(torch.zeros(1).item())\n")
    assert run("-m", "mod", cwd=tmp_path).stdout == "0.0\n"
    assert run("-c", "import torch; print(torch.ones(1).item())", cwd=tmp_path).stdout == "1.0\n"
    assert "import torch" in run("--help", cwd=tmp_path).stdout
    assert "there is no such file" in run("gone.py", cwd=tmp_path, code=2).stderr


LEAVES_OUT = """
import importlib.util
import torch, torchvision
from torch import nn
from torchvision import datasets, transforms
from torchvision.io.image import read_image
print(nn.Linear(2, 1)(torch.zeros(1, 2)).shape, transforms is torchvision.transforms, hasattr(torchvision, "__file__"), importlib.util.find_spec("torchaudio"))
for use in (lambda: transforms.ToTensor(), lambda: read_image("x"), lambda: exec("class Mine(datasets.MNIST): pass"), lambda: isinstance(1, datasets.MNIST)):
    try:
        use()
    except ModuleNotFoundError as error:
        print(error)
"""


def test_a_program_goes_on_without_a_module_until_it_uses_it(tmp_path):
    (tmp_path / "program.py").write_text(LEAVES_OUT)
    if importlib.util.find_spec("torchvision") is None:
        error = run("program.py", cwd=tmp_path, code=1).stderr
        assert "--without torchvision" in error and "pip install --no-deps torchvision pillow" in error
    lines = run("--without", "torchvision", "program.py", cwd=tmp_path).stdout.splitlines()
    assert lines[0] == "torch.Size([1, 1]) True False None"
    names = ("transforms.ToTensor", "io.image.read_image", "datasets.MNIST", "datasets.MNIST")
    assert lines[1:] == [f"torchvision.{name} is not here: the program was started without torchvision." for name in names]
    assert "there is no such file" in run("--without", "torchvision", cwd=tmp_path, code=2).stderr


def test_one_library_under_two_names():
    assert in_process("""
import autodiff_lab as lab
handle = lab.as_torch()
import torch, torch.nn.functional, torch.utils.data.dataloader
from torch.nn.modules.linear import Linear
print(torch.Tensor is lab.Tensor, torch.nn is lab.nn, torch.optim.SGD is lab.optim.SGD, Linear is lab.nn.Linear)
print(torch.__name__, torch.__version__.startswith("2."), lab.nn.__spec__.name, lab.as_torch() is handle)
import importlib, sys
for name in ("torchaudio", "torch.nothing_here"):
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        print(str(error)[:45])
handle.undo()
print([name for name in sys.modules if name.startswith("torch")])
""") == ["True True True True", "torch True autodiff_lab.nn True", "No module named 'torchaudio' here: torchaudio", "No module named 'torch.nothing_here': if PyTo", "[]"]


def test_it_is_refused_when_another_torch_is_loaded():
    assert in_process("""
import sys, types
sys.modules["torch"] = types.ModuleType("torch")
import autodiff_lab as lab
try:
    lab.as_torch()
except RuntimeError as error:
    print(str(error)[:36])
""") == ["PyTorch itself is loaded already, fr"]


@pytest.fixture
def lab():
    import autodiff_lab

    return autodiff_lab


def test_what_changes_nothing_is_accepted(lab):
    lab.set_float32_matmul_precision("high")
    lab.use_deterministic_algorithms(True)
    assert lab.are_deterministic_algorithms_enabled()
    lab.use_deterministic_algorithms(False)
    lab.backends.cuda.matmul.allow_tf32 = True
    f = lambda x: x
    assert lab.compile(f) is f and lab.compile(mode="reduce-overhead")(f) is f and lab.jit.script(f) is f
    lab.cuda.manual_seed_all(0), lab.cuda.empty_cache(), lab.cuda.synchronize()
    assert not lab.distributed.is_available() and not lab.backends.mps.is_available()
    with lab.profiler.profile(activities=[lab.profiler.ProfilerActivity.CPU]) as profile, lab.profiler.record_function("part"):
        lab.ones(2) + lab.ones(2)
    assert "add" in profile.key_averages().table()
    with lab.autocast("cpu", enabled=False), lab.backends.cudnn.flags(enabled=False):
        pass
    scaler = lab.amp.GradScaler(enabled=False)
    w = lab.ones(1, requires_grad=True)
    optimizer = lab.optim.SGD([w], lr=1.0)
    scaler.scale(w.sum()).backward()
    scaler.unscale_(optimizer), scaler.step(optimizer), scaler.update()
    assert w.item() == 0.0 and scaler.get_scale() == 1.0


COMPILED = """
import copy
import torch
from torch import nn
inner = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5))
inner.width = 3
model = torch.compile(inner, **OPTIONS)
print(model, type(model).__name__, isinstance(model, torch._dynamo.OptimizedModule), isinstance(model, nn.Sequential), model._orig_mod is inner)
print(list(model.state_dict()), [name for name, _ in model.named_parameters()], [name for name, _ in model.named_children()], len(model), model.width)
model.eval()
model.height = 4
print(inner.training, model.training, inner.height, hasattr(model, "nothing"))
print(torch.equal(model(torch.ones(1, 2)), inner(torch.ones(1, 2))), model.load_state_dict(copy.deepcopy(model.state_dict())))
print(type(copy.deepcopy(model)).__name__, type(torch.compile(inner, disable=True, **OPTIONS)).__name__)
model.register_forward_hook(lambda module, given, out: print("hook of", type(module).__name__))
model(torch.ones(1, 2)).sum().backward()
print(inner[0].weight.grad.shape, [p is q for p, q in zip(model.parameters(), inner.parameters())])
"""


@pytest.mark.oracle
def test_a_compiled_module_has_pytorchs_names(tmp_path):
    (tmp_path / "ours.py").write_text(COMPILED.replace("OPTIONS", "{}"))
    (tmp_path / "theirs.py").write_text(COMPILED.replace("OPTIONS", "{'backend': 'eager'}"))
    theirs = subprocess.run([sys.executable, "theirs.py"], text=True, capture_output=True, cwd=tmp_path, check=True).stdout
    assert run("ours.py", cwd=tmp_path).stdout == theirs


RECORDS = """
import torch
torch.save({"a": torch.ones(2)}, "x.pt")
reader = torch.PyTorchFileReader("x.pt")
print(reader.has_record("data.pkl"), reader.has_record("data"), {"data.pkl", "data/0", "version"} <= set(reader.get_all_records()), reader.get_record("data/0").hex())
for call in (lambda: reader.get_record("data/1"), lambda: torch.PyTorchFileReader("none.pt")):
    try:
        call()
    except RuntimeError as error:
        print(str(error)[:64])
"""


@pytest.mark.oracle
def test_records_of_a_checkpoint_can_be_read_one_by_one(tmp_path):
    (tmp_path / "program.py").write_text(RECORDS)
    theirs = subprocess.run([sys.executable, "program.py"], text=True, capture_output=True, cwd=tmp_path, check=True).stdout
    assert run("program.py", cwd=tmp_path).stdout == theirs


@pytest.mark.parametrize("what", [
    lambda lab: lab.jit.trace(lambda x: x * 2, lab.ones(1)).save("x"), lambda lab: lab.jit.load("x"), lambda lab: lab.hub.load("a", "b"),
    lambda lab: lab.distributed.init_process_group("gloo"), lambda lab: lab.onnx.export(None), lambda lab: lab.multiprocessing.spawn(None),
], ids=["jit.save", "jit.load", "hub", "distributed", "onnx", "spawn"])
def test_what_would_change_a_result_is_refused_with_the_reason(lab, what):
    with pytest.raises(RuntimeError, match=r"\w+\. |: "):
        what(lab)


def test_summary_writer_writes_or_says_what_it_needs(lab, tmp_path):
    from autodiff_lab.utils.tensorboard import SummaryWriter

    try:
        import tensorboard  # noqa: F401
    except ImportError:
        with pytest.raises(ModuleNotFoundError, match="pip install tensorboard"):
            SummaryWriter(tmp_path)
        return
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalar("loss", lab.tensor(0.5), 1)
        writer.add_image("image", lab.rand(3, 4, 4))
        writer.add_histogram("weights", lab.randn(10), 1)
        with pytest.raises(NotImplementedError, match=r"Got <class .list.>, but numpy array or torch tensor are expected"):
            writer.add_scalar("loss", [0.5], 1)
    assert any(path.stat().st_size > 100 for path in tmp_path.iterdir())
    writer.flush()
    writer.close()
    writer.add_scalar("loss", 0.25, 2)
    writer.close()
    assert len(list(tmp_path.iterdir())) == 2


def test_tensors_say_that_they_are_torchs_while_they_are():
    program = """import pickle, autodiff_lab as lab
before = lab.Tensor.__module__, lab.nn.Parameter.__module__
with lab.as_torch():
    import torch
    print(type(torch.ones(1)), type(pickle.loads(pickle.dumps(torch.nn.Linear(2, 1))).weight), pickle.loads(pickle.dumps(torch.Tensor)) is lab.Tensor)
print((lab.Tensor.__module__, lab.nn.Parameter.__module__) == before)"""
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed == "<class 'torch.Tensor'> <class 'torch.nn.parameter.Parameter'> True\nTrue\n"
