"""Reads PyTorch's checkpoint files, and checks every size in them before it is believed."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
import zlib
from collections import OrderedDict

import numpy as np

from ..core.devices import cuda_available, device
from ..core.dtypes import dtype
from ..core.tensor import Tensor, wrap
from .names import DTYPES, STORAGES, Global
from .restricted import RestrictedUnpickler

__all__ = ["load"]

_MOST_PICKLE = 1 << 28  # bytes of the pickle that names the tensors
_MOST_RECORDS = 1 << 20
_OLD = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # the pickled number at the start of files before PyTorch 1.6


def load(f, map_location=None, pickle_module=None, *, weights_only: bool | None = None, mmap: bool | None = None, **pickle_load_args):
    """Read what `save`, or PyTorch's `torch.save`, wrote.

    Nothing in the file is run: it may hold tensors, containers and plain values.

    Args:
        f: a path, or a binary file that can seek.
        map_location: where tensors go: a device, a dict from device to device, or a function of a storage and its
            device's name that returns None or something on the device to use.
        pickle_module: who names one, names it for a file of any classes: `weights_only` is False then, as in PyTorch.
            Its own reader is not used.
        weights_only: False lets the file make objects of any class, and so run any code: only for files that you trust.
        mmap: accepted; the file is read.

    Raises:
        pickle.UnpicklingError: if the file wants to run code, or its pickle is damaged.
        RuntimeError: if it is no checkpoint, is cut off, or its sizes contradict each other.

    >>> import autodiff_lab as lab
    >>> import io
    >>> file = io.BytesIO()
    >>> lab.save({"w": lab.tensor([1.0])}, file)
    >>> _ = file.seek(0)
    >>> lab.load(file)
    {'w': tensor([1.])}
    """
    if pickle_load_args.keys() - {"encoding"}:
        raise TypeError(f"load() got an unexpected keyword argument {next(iter(pickle_load_args.keys() - {'encoding'}))!r}")
    restricted = pickle_module is None if weights_only is None else bool(weights_only)
    if restricted and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            return _load(file, map_location, restricted, os.fspath(f))
    for need in ("read", "seek", "tell"):
        if not hasattr(f, need):
            raise AttributeError(f"'{type(f).__name__}' object has no attribute '{need}'. You can only torch.load from a file that is seekable. "
                                 "Please pre-load the data into a buffer like io.BytesIO and try to load from it instead.")
    return _load(f, map_location, restricted, getattr(f, "name", "this file"))


def _load(file, map_location, restricted: bool, name):
    start = file.tell()
    head = file.read(16)
    file.seek(start)
    if not head:
        raise EOFError(f"Ran out of input: {name} is empty.")
    if head[:4] != b"PK\x03\x04":
        if head[8:9] == b"{":
            from .safetensors import read

            return read(file.read(), map_location)
        if head.startswith(_OLD):
            return _OldReader(file.read(), map_location, name).load(restricted)
        if head[:1] == b"\x80":
            raise RuntimeError(f"{name} is a plain pickle, which PyTorch's own load refuses too: a pickle can run any code. "
                               "If you trust it, read it with Python's pickle module.")
        raise RuntimeError(f"{name} is not a checkpoint: it starts with {head[:8]!r}. Give a file that torch.save or autodiff_lab.save wrote.")
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError) as error:
        raise RuntimeError(f"PytorchStreamReader failed reading zip archive: {name} is damaged or cut off ({error}).") from None
    with archive:
        return _Reader(archive, map_location, name).load(restricted)


class _Tensors:
    """Makes tensors from storages, under the names that PyTorch's pickles have for it."""

    name: str
    map_location = None

    def rebuild(self) -> dict:
        """What a pickle may call to make a tensor."""
        return {name: getattr(self, name) for name in ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter",
                                                       "_rebuild_parameter_with_state", "_rebuild_from_type_v2")}

    def _place(self, location: str) -> device:
        """The device for a storage that was on `location`."""
        wanted = self.map_location
        if callable(wanted) and not isinstance(wanted, device):
            answer = wanted(_Where(location), location)
            wanted = answer if isinstance(answer, (str, device)) else getattr(answer, "device", None)
        elif isinstance(wanted, dict):
            wanted = wanted.get(location)
        place = device(location if wanted is None else wanted)
        if place.type == "cuda" and not cuda_available():
            raise RuntimeError("Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you are running on a CPU-only "
                               "machine, please use torch.load with map_location=torch.device('cpu') to map your storages to the CPU.")
        return place

    # ---- tensors, under PyTorch's names ----

    def _rebuild_tensor(self, storage, storage_offset, size, stride):
        return self._tensor(storage, storage_offset, size, stride, None)

    def _rebuild_tensor_v2(self, storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata=None):
        made = self._tensor(storage, storage_offset, size, stride, None)
        made.requires_grad = bool(requires_grad)
        return made

    def _rebuild_tensor_v3(self, storage, storage_offset, size, stride, requires_grad, backward_hooks, kind, metadata=None):
        made = self._tensor(storage, storage_offset, size, stride, kind)
        made.requires_grad = bool(requires_grad)
        return made

    def _rebuild_parameter(self, data, requires_grad, backward_hooks):
        from ..nn.parameter import Parameter

        if not isinstance(data, Tensor):
            raise pickle.UnpicklingError("A parameter in this file holds no tensor.")
        return Parameter(data, bool(requires_grad))

    def _rebuild_parameter_with_state(self, data, requires_grad, backward_hooks, state):
        made = self._rebuild_parameter(data, requires_grad, backward_hooks)
        _set_attributes(made, state)
        return made

    def _rebuild_from_type_v2(self, function, kind, args, state):
        """A tensor of a subclass, or with attributes of its own."""
        if function not in (self._rebuild_tensor_v2, self._rebuild_tensor_v3, self._rebuild_parameter) or not isinstance(args, tuple):
            raise pickle.UnpicklingError("A tensor in this file is made in a way that it may not.")
        made = function(*args)
        if isinstance(kind, type) and issubclass(kind, Tensor) and kind is not type(made):
            made = made.as_subclass(kind)
            if hasattr(kind, "__setstate__"):
                made.__setstate__(state)
                return made
        _set_attributes(made, state)
        return made

    def _tensor(self, storage, offset, size, stride, kind):
        if not isinstance(storage, _Storage):
            raise pickle.UnpicklingError("A tensor in this file has no storage.")
        memory = storage.memory
        if kind is not None:
            if not isinstance(kind, dtype) or memory.dtype != np.uint8:
                raise RuntimeError(f"{self.name} is refused: a tensor's type and its storage contradict each other.")
            if memory.size % kind.itemsize:
                raise RuntimeError(f"{self.name} is refused: a storage of {memory.size} bytes holds no whole number of {kind} elements.")
            memory = memory.view(kind.numpy)
        elif storage.kind == "UntypedStorage":
            raise RuntimeError(f"{self.name} is refused: a tensor has no type.")
        size, stride = tuple(size), tuple(stride)
        if len(size) != len(stride) or any(type(n) is not int or n < 0 for n in (*size, *stride, offset)) or len(size) > 64:
            raise RuntimeError(f"{self.name} is refused: a tensor has sizes {size!r:.80}, strides {stride!r:.80} and offset {offset!r:.40}.")
        empty = any(n == 0 for n in size)
        last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
        if not empty and last >= memory.size:
            raise RuntimeError(f"{self.name} is refused: a tensor of sizes {list(size)} and strides {list(stride)} reaches element {last} of a storage that has {memory.size}.")
        if empty:
            array = np.zeros(size, memory.dtype)
        else:
            array = np.lib.stride_tricks.as_strided(memory[offset:], size, tuple(s * memory.itemsize for s in stride))
        made = wrap(array)
        return made if storage.place.type == "cpu" else made.to(storage.place)

class _Reader(_Tensors):
    """One zip archive: its records, checked, and the storages made from them."""

    def __init__(self, archive: zipfile.ZipFile, map_location, name):
        self.archive, self.map_location, self.name = archive, map_location, name
        self.entries = self._checked_entries()
        roots = [entry.removesuffix("data.pkl") for entry in self.entries if entry.endswith("/data.pkl") and entry.count("/") == 1]
        if not roots:
            raise RuntimeError(f"{name} is a zip archive, but no checkpoint: it holds no data.pkl. It holds {sorted(self.entries)[:5]}.")
        self.root = roots[0]
        if self.root + "constants.pkl" in self.entries:
            raise RuntimeError(f"{name} is a TorchScript archive: it holds code, and is not read here. Save the state_dict instead.")
        self.big_endian = self.root + "byteorder" in self.entries and self._bytes("byteorder").strip() == b"big"
        self.storages: dict = {}

    def _checked_entries(self) -> dict:
        """Every record by name. Records are stored as they are, so together they cannot be larger than the file."""
        found = self.archive.infolist()
        file = self.archive.fp
        size = file.seek(0, io.SEEK_END)
        if len(found) > _MOST_RECORDS or sum(entry.file_size for entry in found) > size:
            raise RuntimeError(f"{self.name} is refused: its records claim {sum(e.file_size for e in found)} bytes, and the file has {size}. "
                               "PyTorch stores records uncompressed and each once, so this is damaged or made to do harm.")
        for entry in found:
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size or entry.flag_bits & 1:
                raise RuntimeError(f"{self.name} is refused: its record {entry.filename!r} is compressed or encrypted, which PyTorch's never are.")
        entries = {entry.filename: entry for entry in found}
        if len(entries) != len(found):
            raise RuntimeError(f"{self.name} is refused: it holds two records of one name.")
        return entries

    def _bytes(self, record: str) -> bytes:
        entry = self.entries.get(self.root + record)
        if entry is None:
            raise RuntimeError(f"PytorchStreamReader failed locating file {record}: file not found. {self.name} is damaged.")
        try:
            data = self.archive.read(entry)
        except (zipfile.BadZipFile, EOFError, OSError, zlib.error, ValueError, NotImplementedError) as error:
            raise RuntimeError(f"PytorchStreamReader failed reading file {record}: {self.name} is damaged or cut off ({error}).") from None
        if len(data) != entry.file_size:
            raise RuntimeError(f"PytorchStreamReader failed reading file {record}: {len(data)} bytes instead of {entry.file_size}.")
        return data

    def load(self, restricted: bool):
        entry = self.entries[self.root + "data.pkl"]
        if entry.file_size > _MOST_PICKLE:
            raise RuntimeError(f"{self.name} is refused: the pickle that names its tensors has {entry.file_size} bytes.")
        data = self._bytes("data.pkl")
        return (RestrictedUnpickler if restricted else _Unrestricted)(data, self.rebuild(), self.storage_of).load()

    # ---- storages ----

    def storage_of(self, pid):
        """The storage that a persistent id names."""
        kind, key, location, numel = _described(pid)
        if key not in self.storages:
            self.storages[key] = self._read_storage(kind, key, location, numel)
        found = self.storages[key]
        if found.kind != kind:
            raise RuntimeError(f"{self.name} is refused: storage {key} is of two types.")
        return found

    def _read_storage(self, kind: str, key: str, location: str, numel: int):
        data = self._bytes(f"data/{key}")
        numpy, name = _numpy_of(kind), STORAGES[kind]
        if numel < 0 or numel * numpy.itemsize != len(data):
            raise RuntimeError(f"{self.name} is refused: storage {key} should hold {numel} elements of {numpy.itemsize} bytes, and its record has {len(data)} bytes.")
        memory = np.frombuffer(bytearray(data), numpy)
        if self.big_endian and numpy.itemsize > 1 and name is not None:
            memory = memory.byteswap()
        return _Storage(kind, memory, self._place(location))


def _described(pid) -> tuple[str, str, str, int]:
    """Type, key, device and number of elements of the storage that a persistent id names."""
    if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage":
        raise pickle.UnpicklingError(f"Unknown persistent id {pid!r:.100}.")
    _, kind, key, location, numel = pid[:5]
    if not isinstance(kind, Global) or kind.name not in STORAGES or not isinstance(key, str) or not isinstance(location, str) or type(numel) is not int:
        raise pickle.UnpicklingError(f"A storage is described in a way that PyTorch's never are: {pid!r:.100}.")
    return kind.name, key, location, numel


def _numpy_of(kind: str) -> np.dtype:
    name = STORAGES[kind]
    if name == "bfloat16" and DTYPES[name] is None:
        raise RuntimeError("This file holds bfloat16 tensors, for which the package ml_dtypes is needed. Install it, or convert them with PyTorch.")
    return np.dtype(np.uint8) if name is None else DTYPES[name].numpy


class _OldReader(_Tensors):
    """A file of PyTorch before 1.6: pickles one after the other, then the bytes of every storage."""

    def __init__(self, data: bytes, map_location, name):
        self.data, self.map_location, self.name = data, map_location, name
        self.storages: dict = {}

    def load(self, restricted: bool):
        file = io.BytesIO(self.data)

        def plain():
            return RestrictedUnpickler(file, self.rebuild(), self.storage_of).load()

        plain()  # the number that marks the format
        if plain() != 1001 or not plain().get("little_endian", False):
            raise RuntimeError(f"{self.name} is an old file of a version, or of a byte order, that is not read here: save it again with PyTorch.")
        found = (RestrictedUnpickler if restricted else _Unrestricted)(file, self.rebuild(), self.storage_of).load()
        keys = plain()
        if not isinstance(keys, list) or {k for k in keys if isinstance(k, str)} != set(self.storages):
            raise RuntimeError(f"{self.name} is refused: its storages and its tensors contradict each other.")
        for key in keys:
            memory = self.storages[key].memory
            count = int.from_bytes(file.read(8), "little", signed=True)
            content = file.read(memory.nbytes)
            if count * (memory.itemsize if self.storages[key].kind != "UntypedStorage" else 1) != memory.nbytes or len(content) != memory.nbytes:
                raise RuntimeError(f"{self.name} is refused: storage {key} should hold {memory.size} elements. The file is damaged or cut off.")
            memory[...] = np.frombuffer(content, memory.dtype)
        return found

    def storage_of(self, pid):
        """The storage that a persistent id names; its content follows later in the file."""
        kind, key, location, numel = _described(pid)
        if key not in self.storages:
            numpy = _numpy_of(kind)
            if numel < 0 or numel * numpy.itemsize > len(self.data):
                raise RuntimeError(f"{self.name} is refused: storage {key} claims {numel} elements, and the file has {len(self.data)} bytes.")
            place = self._place(location)
            if place.type != "cpu":  # the content comes later, when a copy on the device would have been made already
                raise RuntimeError(f"{self.name} is a file of PyTorch before 1.6: load it with map_location='cpu', and move what it holds with .to('{place}').")
            self.storages[key] = _Storage(kind, np.zeros(numel, numpy), place)
        return self.storages[key]


class _Storage:
    """A record of the file, as elements of one type, and the device for what is made of it."""

    def __init__(self, kind: str, memory: np.ndarray, place: device):
        self.kind, self.memory, self.place = kind, memory, place


class _Where:
    """What a `map_location` function gets for the storage: where it was, and how to say where it should be."""

    def __init__(self, location: str):
        self.device = device(location)

    def cpu(self):
        return _Where("cpu")

    def cuda(self, index=None, non_blocking=False):
        return _Where("cuda" if index is None else f"cuda:{index}")


def _set_attributes(tensor, state) -> None:
    """Set what was saved with a tensor, but nothing that the library itself keeps or defines under that name."""
    if isinstance(state, dict):
        tensor.__dict__.update({name: value for name, value in state.items() if isinstance(name, str) and not hasattr(Tensor, name)})


class _Unrestricted(pickle.Unpickler):
    """For files that are trusted: any class, with PyTorch's own names resolved to this library's."""

    def __init__(self, data, rebuild: dict, storage_of):
        super().__init__(io.BytesIO(data) if isinstance(data, bytes) else data, encoding="utf-8")
        self.rebuild, self.storage_of = rebuild, storage_of

    def persistent_load(self, pid):
        return self.storage_of(pid)

    def find_class(self, module: str, name: str):
        if name in self.rebuild and module.startswith("torch"):
            return self.rebuild[name]
        if name in STORAGES and module in ("torch", "torch.storage"):
            return Global("torch", name)
        if module == "torch" or module.startswith("torch."):
            import importlib

            library = importlib.import_module(__name__.split(".")[0])
            if module == "torch" and hasattr(library, name):
                return getattr(library, name)
            module = {"torch._tensor": "torch"}.get(module, module).replace("torch", __name__.split(".")[0], 1)
            return getattr(importlib.import_module(module), name)
        return super().find_class(module, name)


assert OrderedDict
