"""Checkpoint files: what comes back, what PyTorch reads and writes, and what is refused without running anything."""

from __future__ import annotations

import collections
import io
import os
import pickle
import random
import struct
import subprocess
import sys
import types
import zipfile

import numpy as np
import pytest

import autodiff_lab as lab
from autodiff_lab import nn
from autodiff_lab.serialization import safetensors


def saved(obj) -> bytes:
    buffer = io.BytesIO()
    lab.save(obj, buffer)
    return buffer.getvalue()


def back(obj, **options):
    return lab.load(io.BytesIO(saved(obj)), **options)


VALUES = {
    "float": lambda: lab.tensor([1.5, -2.0]), "double": lambda: lab.tensor([1.5], dtype=lab.float64), "half": lambda: lab.tensor([1.5], dtype=lab.float16),
    "bool": lambda: lab.tensor([True, False]), "int8": lambda: lab.tensor([-3], dtype=lab.int8), "uint16": lambda: lab.tensor([7], dtype=lab.uint16),
    "complex": lambda: lab.tensor([1 + 2j]), "scalar": lambda: lab.tensor(2.5), "empty": lambda: lab.zeros(0, 3),
    "transposed": lambda: lab.arange(6.0).reshape(2, 3).t(), "expanded": lambda: lab.tensor([[1.0], [2.0]]).expand(2, 3),
    "wants grad": lambda: lab.ones(2, requires_grad=True), "parameter": lambda: nn.Parameter(lab.ones(2)),
    "plain": lambda: {"a": [1, 2.5, None, "s", b"b", (1, {2}), 10**40], "o": collections.OrderedDict(x=1)},
    "size": lambda: lab.zeros(2, 3).shape, "dtype": lambda: lab.float64, "device": lambda: lab.device("cpu"),
}


def same(a, b) -> bool:
    if isinstance(a, lab.Tensor):
        return (type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape and a.stride() == b.stride() and a.requires_grad == b.requires_grad
                and a.tolist() == b.tolist())
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("kind", VALUES)
def test_what_is_saved_comes_back(kind):
    value = VALUES[kind]()
    assert same(value, back(value))


def test_tensors_that_share_memory_share_it_again():
    x = lab.arange(10.0)
    whole, part, again, square = back([x, x[2:5], x, x.view(2, 5)])
    whole[3] = 99
    assert part.tolist() == [2, 99, 4] and square[0, 3] == 99 and again is whole


def test_a_small_view_is_saved_without_its_large_base():
    assert len(saved(lab.zeros(100_000)[:3])) < 1000


def test_training_goes_on_from_a_file(tmp_path):
    def make():
        model = nn.Linear(3, 2)
        return model, lab.optim.Adam(model.parameters(), lr=0.1)

    def train(model, optimizer):
        for _ in range(3):
            optimizer.zero_grad()
            model(lab.ones(4, 3)).square().sum().backward()
            optimizer.step()

    lab.manual_seed(0)
    model, optimizer = make()
    train(model, optimizer)
    lab.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}, tmp_path / "checkpoint.pt")
    train(model, optimizer)
    twin, twins = make()
    checkpoint = lab.load(tmp_path / "checkpoint.pt", map_location="cpu")
    twin.load_state_dict(checkpoint["model"])
    twins.load_state_dict(checkpoint["optimizer"])
    train(twin, twins)
    assert twin.weight.tolist() == model.weight.tolist()


def test_a_save_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.pt"
    lab.save(1, path)
    with pytest.raises((AttributeError, pickle.PicklingError)):
        lab.save({"a": lab.ones(3), "b": lambda: None}, path)
    assert lab.load(path) == 1 and os.listdir(tmp_path) == ["x.pt"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RuntimeError, match=r"Parent directory .* does not exist"):
        lab.save(1, tmp_path / "no" / "x.pt")
    with pytest.raises(FileNotFoundError):
        lab.load(tmp_path / "x.pt")


def test_a_model_of_a_class_comes_back_only_when_the_file_is_trusted():
    data = saved(nn.Linear(2, 1))
    with pytest.raises(pickle.UnpicklingError, match=r"Unsupported global: GLOBAL .*Linear .* weights_only=False"):
        lab.load(io.BytesIO(data))
    assert isinstance(lab.load(io.BytesIO(data), weights_only=False), nn.Linear)


def test_classes_that_are_named_safe_may_be_loaded():
    data = saved({"when": Note("x")})
    with pytest.raises(pickle.UnpicklingError):
        lab.load(io.BytesIO(data))
    with lab.serialization.safe_globals([Note]):
        assert lab.load(io.BytesIO(data))["when"].text == "x"


class Note:
    def __init__(self, text):
        self.text = text


class Evil:
    def __reduce__(self):
        return os.system, ("echo evil > evil.txt",)


class Deep:
    def __reduce__(self):
        return eval, ("__import__('os').system('echo evil > evil.txt')",)


@pytest.mark.parametrize("attack", [Evil(), Deep(), [lab.ones(2), {"x": Evil()}]], ids=["system", "eval", "nested"])
def test_code_in_a_file_is_not_run(attack, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for data in (saved(attack), pickle.dumps(attack) if not isinstance(attack, list) else pickle.dumps(Evil())):
        with pytest.raises((pickle.UnpicklingError, RuntimeError)):
            lab.load(io.BytesIO(data))
    assert os.listdir(tmp_path) == []


def rezipped(data: bytes, edit, method=zipfile.ZIP_STORED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(made, "w", method) as target:
        for name in source.namelist():
            content = edit(name, source.read(name))
            if content is not None:
                target.writestr(name, content)
    return made.getvalue()


GOOD = saved({"a": lab.arange(1000.0)})


@pytest.mark.parametrize("data, words", [
    (b"", "empty"), (b"hello, this is no checkpoint", "not a checkpoint"), (GOOD[:100], "cut off"), (GOOD[:-10], "cut off"),
    (rezipped(GOOD, lambda n, d: d, zipfile.ZIP_DEFLATED), "refused"),
    (rezipped(GOOD, lambda n, d: b"\0" * 10_000_000 if n.endswith("/0") else d, zipfile.ZIP_DEFLATED), "refused"),
    (rezipped(GOOD, lambda n, d: d[:100] if n.endswith("/0") else d), "its record has 100 bytes"),
    (rezipped(GOOD, lambda n, d: None if n.endswith("/0") else d), "file not found"),
    (rezipped(GOOD, lambda n, d: None if n.endswith("pkl") else d), "no data.pkl"),
    (rezipped(GOOD, lambda n, d: d.replace(b"M\xe8\x03\x85", b"M\xff\xff\x85")), "reaches element"),
], ids=["empty", "text", "head", "tail cut", "compressed", "bomb", "short storage", "no storage", "no pickle", "wrong sizes"])
def test_damaged_and_hostile_files_are_refused(data, words):
    with pytest.raises((RuntimeError, EOFError), match=words):
        lab.load(io.BytesIO(data))


def test_flipped_bytes_in_the_pickle_never_do_more_than_fail():
    draws = random.Random(0)
    for _ in range(300):
        def flip(name, content):
            if not name.endswith("pkl"):
                return content
            content = bytearray(content)
            for _ in range(draws.randint(1, 4)):
                content[draws.randrange(len(content))] = draws.randrange(256)
            return bytes(content)
        try:
            lab.load(io.BytesIO(rezipped(GOOD, flip)))
        except (pickle.UnpicklingError, RuntimeError, EOFError):
            pass


@pytest.mark.parametrize("pickled", [
    b"\x80\x02cbuiltins\neval\n.", b"\x80\x02c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R.", b"\x80\x02}X\x01\x00\x00\x00a}b.",
    b"\x80\x02(cos\nsystem\nX\x01\x00\x00\x00ao.", b"\x80\x02\x82\x01.", b"\x80\x02X\xff\xff\xff\xffabc.", b"\x80\x02ccollections\nOrderedDict\nq\x00h\x00b.",
], ids=["eval", "bytearray of a number", "build of a dict", "obj", "extension", "long text", "build of a class"])
def test_odd_pickles_are_refused(pickled):
    data = rezipped(GOOD, lambda n, d: pickled if n.endswith("pkl") else d)
    with pytest.raises(pickle.UnpicklingError):
        lab.load(io.BytesIO(data))


def test_map_location_says_where_tensors_go():
    with_cuda = rezipped(GOOD, lambda n, d: d.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0"))
    if not lab.cuda.is_available():
        with pytest.raises(RuntimeError, match=r"map_location=torch\.device"):
            lab.load(io.BytesIO(with_cuda))
    for where in ("cpu", lab.device("cpu"), {"cuda:0": "cpu"}, lambda storage, location: storage.cpu(), lambda storage, location: "cpu"):
        assert lab.load(io.BytesIO(with_cuda), map_location=where)["a"].device.type == "cpu"


def test_safetensors_files_are_written_and_read(tmp_path):
    tensors = {"w": lab.arange(6.0).reshape(2, 3), "n": lab.tensor([1, 2]), "s": lab.tensor(1.5, dtype=lab.float16)}
    safetensors.save_file(tensors, tmp_path / "x.safetensors", {"made": "here"})
    for found in (safetensors.load_file(tmp_path / "x.safetensors"), lab.load(tmp_path / "x.safetensors")):
        assert all(same(tensors[name], found[name]) for name in tensors) and len(found) == 3


@pytest.mark.parametrize("header, body", [
    ('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', 4), ('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', 4),
    ('{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', 4), ('{"a":{"dtype":"X","shape":[1],"data_offsets":[0,4]}}', 4),
    ('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}', 8), ('{"a":', 0),
], ids=["size", "short", "negative", "type", "overlap", "json"])
def test_damaged_safetensors_files_are_refused(header, body):
    with pytest.raises(RuntimeError, match="refused"):
        safetensors.read(struct.pack("<Q", len(header)) + header.encode() + b"\0" * body)


@pytest.mark.oracle
class TestWithPyTorch:
    @pytest.fixture(scope="class")
    def torch(self):
        return pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed")

    @pytest.mark.parametrize("kind", [k for k in VALUES if k not in ("plain", "size", "dtype", "device")])
    def test_each_reads_what_the_other_wrote(self, torch, kind):
        value = VALUES[kind]()
        theirs = torch.load(io.BytesIO(saved({"x": value})))["x"]
        assert theirs.tolist() == value.tolist() and str(theirs.dtype) == str(value.dtype) and tuple(theirs.shape) == tuple(value.shape)
        assert theirs.requires_grad == value.requires_grad and theirs.stride() == value.stride()
        buffer = io.BytesIO()
        torch.save({"x": theirs}, buffer)
        buffer.seek(0)
        assert same(value, lab.load(buffer)["x"])

    def test_pytorch_reads_containers_and_names(self, torch):
        found = torch.load(io.BytesIO(saved({"s": lab.zeros(2, 3).shape, "d": [lab.float64, lab.float32], "v": lab.device("cpu"), "o": collections.OrderedDict(a=1)})))
        assert found == {"s": torch.Size([2, 3]), "d": [torch.float64, torch.float32], "v": torch.device("cpu"), "o": collections.OrderedDict(a=1)}

    def test_a_generator_goes_on_in_the_other_library(self, torch):
        torch.manual_seed(5)
        torch.rand(3), torch.randn(1)
        buffer = io.BytesIO()
        torch.save(torch.get_rng_state(), buffer)
        buffer.seek(0)
        lab.set_rng_state(lab.load(buffer))
        assert lab.randn(3).tolist() == torch.randn(3).tolist()

    def test_files_with_numpy_inside_are_refused_as_pytorch_does(self, torch):
        buffer = io.BytesIO()
        torch.save({"a": np.ones(3)}, buffer)
        for library in (torch, lab):
            with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
                library.load(io.BytesIO(buffer.getvalue()))
        assert lab.load(io.BytesIO(buffer.getvalue()), weights_only=False)["a"].sum() == 3

    def test_files_of_before_1_6_are_read(self, torch):
        w = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3).t())
        buffer = io.BytesIO()
        torch.save({"w": w, "row": w.data[0], "n": torch.tensor([1, 2]), "h": torch.ones(2).half()}, buffer, _use_new_zipfile_serialization=False)
        data = buffer.getvalue()
        found = lab.load(io.BytesIO(data))
        assert isinstance(found["w"], nn.Parameter) and found["w"].tolist() == w.tolist() and found["h"].dtype == lab.float16
        found["row"][0] = 9
        assert found["w"][0, 0] == 9 and found["n"].tolist() == [1, 2]
        for cut in (20, 200, len(data) - 3):
            with pytest.raises((RuntimeError, pickle.UnpicklingError)):
                lab.load(io.BytesIO(data[:cut]))
        evil = io.BytesIO()
        torch.save([Evil()], evil, _use_new_zipfile_serialization=False)
        with pytest.raises(pickle.UnpicklingError, match="Unsupported global"):
            lab.load(io.BytesIO(evil.getvalue()))


def test_every_public_function_can_be_pickled():
    for owner in (lab, lab.nn.functional, lab.linalg, lab.fft, lab.special):
        for name in dir(owner):
            function = getattr(owner, name)
            if isinstance(function, types.FunctionType) and not name.startswith("_"):
                assert pickle.loads(pickle.dumps(function)) is function, name


def test_a_whole_transformer_can_be_saved(tmp_path):
    model = lab.nn.TransformerEncoder(lab.nn.TransformerEncoderLayer(8, 2, 16), 1).eval()
    lab.save(model, tmp_path / "model.pt")
    x = lab.ones(3, 1, 8)
    assert lab.load(tmp_path / "model.pt", weights_only=False)(x).equal(model(x))


def test_storage_of_a_file_is_sliced_into_tensors(tmp_path):
    (tmp_path / "bytes").write_bytes(bytes(range(8)))
    storage = lab.UntypedStorage.from_file(str(tmp_path / "bytes"), shared=False, nbytes=8)
    assert len(storage) == 8 and storage[2] == 2 and storage[2:4].tolist() == [2, 3] and storage.untyped() == storage
    part = lab.asarray(storage[4:8], dtype=lab.uint8)
    part[0] = 9
    assert part.view(lab.int32).tolist() == [int.from_bytes([9, 5, 6, 7], "little")] and storage[4] == 9
    assert (tmp_path / "bytes").read_bytes()[4] == 4  # not shared with the file
    shared = lab.UntypedStorage.from_file(str(tmp_path / "bytes"), True, 10)
    lab.asarray(shared, dtype=lab.uint8)[9] = 7
    assert (tmp_path / "bytes").read_bytes() == bytes([*range(8), 0, 7])


def test_the_package_safetensors_reads_its_files_into_these_tensors(tmp_path):
    pytest.importorskip("safetensors", reason="the package is not needed by this library")
    program = """import sys, torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
save_file({"a": torch.arange(6.0).view(2, 3), "b": torch.ones(2, dtype=torch.bfloat16)}, sys.argv[1])
with safe_open(sys.argv[1], "pt") as file:
    print(load_file(sys.argv[1]), file.get_slice("a")[:, 1:])
"""
    (tmp_path / "program.py").write_text(program)
    printed = subprocess.run([sys.executable, "-m", "autodiff_lab", tmp_path / "program.py", tmp_path / "x.safetensors"], capture_output=True, text=True, check=True).stdout
    assert printed == ("{'a': tensor([[0., 1., 2.],\n        [3., 4., 5.]]), 'b': tensor([1., 1.], dtype=torch.bfloat16)} tensor([[1., 2.],\n        [4., 5.]])\n")


def test_naming_a_pickle_module_allows_every_class():
    state = random.getstate(), np.random.get_state()
    with pytest.raises(pickle.UnpicklingError):
        back(state)
    assert back(state, pickle_module=pickle)[0] == state[0]
    with pytest.raises(RuntimeError, match="Can not safely load weights when explicit pickle_module is specified"):
        back(state, pickle_module=pickle, weights_only=True)
