"""Writes PyTorch's own checkpoint format: a zip with one pickle that names the tensors, and one record of bytes for each piece of memory."""

from __future__ import annotations

import io
import os
import pickle
import stat
import sys
import tempfile
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np

from ..backend import to_host
from ..core.devices import device
from ..core.dtypes import dtype, dtype_of
from ..core.tensor import Size, Tensor, state_of
from .names import STORAGES, Global

__all__ = ["save"]

_STORAGE_OF = {kind: name for name, kind in STORAGES.items() if kind}
_REBUILD = {name: Global("torch._utils", name) for name in ("_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter", "_rebuild_parameter_with_state")}
_REBUILD["_rebuild_from_type_v2"] = Global("torch._tensor", "_rebuild_from_type_v2")


def save(obj, f, pickle_module=pickle, pickle_protocol: int = 2, _use_new_zipfile_serialization: bool = True) -> None:
    """Write tensors, state dicts, or containers and plain values with tensors in them to a file that PyTorch reads too.

    Tensors that share memory share it again after loading. A file is replaced in one step: after a crash there is
    the old one or the new one.

    Args:
        obj: what to save. Objects of your own classes are saved by reference to their class, as pickle does, and load
            only with `weights_only=False`.
        f: a path, or a binary file open for writing.

    Raises:
        RuntimeError: if the folder does not exist.

    >>> import autodiff_lab as lab, io
    >>> buffer = io.BytesIO()
    >>> lab.save({"w": lab.ones(2)}, buffer)
    >>> _ = buffer.seek(0)
    >>> lab.load(buffer)
    {'w': tensor([1., 1.])}
    """
    if not isinstance(f, (str, os.PathLike)):
        if not hasattr(f, "write"):
            raise AttributeError(f"expected 'f' to be string, path, or a file-like object with a 'write' attribute, got {type(f).__name__}")
        _write(obj, f, "archive", pickle_protocol)
        return
    path = Path(os.path.realpath(os.fspath(f)))
    if not path.parent.is_dir():
        raise RuntimeError(f"Parent directory {path.parent} does not exist. Make it first, e.g. with os.makedirs(..., exist_ok=True).")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the name of a file.")
    root = path.stem or "archive"
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):  # a pipe or a device cannot be replaced
        with open(path, "wb") as file:
            _write(obj, file, root, pickle_protocol)
        return
    _replace(path, lambda file: _write(obj, file, root, pickle_protocol))


def _replace(path: Path, write) -> None:
    """Let `write` fill a new file beside `path`, then put it in its place."""
    if path.exists():
        mode = stat.S_IMODE(path.stat().st_mode)
    else:
        umask = os.umask(0)
        os.umask(umask)
        mode = 0o666 & ~umask
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _write(obj, file, root: str, protocol: int) -> None:
    finder = _Pickler(io.BytesIO(), protocol, None)
    finder.dump(obj)
    storages = _Storages(finder.tensors)
    content = io.BytesIO()
    _Pickler(content, protocol, storages).dump(obj)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        def put(name: str, data) -> None:
            entry = zipfile.ZipInfo(f"{root}/{name}", date_time=(1980, 1, 1, 0, 0, 0))
            with archive.open(entry, "w", force_zip64=len(data) >= 1 << 31) as record:
                record.write(data)

        put("data.pkl", content.getvalue())
        put("byteorder", b"little")
        for key, memory in enumerate(storages.memory):
            little = memory if sys.byteorder == "little" else memory.byteswap()
            put(f"data/{key}", memoryview(np.ascontiguousarray(little).view(np.uint8)) if memory.size else b"")
        put("version", b"3\n")


class _Storage:
    """A piece of memory, on its way into the pickle as a persistent id."""

    __slots__ = ("key", "kind", "numel", "where")

    def __init__(self, key: int, kind: str, where: str, numel: int):
        self.key, self.kind, self.where, self.numel = key, kind, where, numel


class _Storages:
    """Which memory to write, and where in it each tensor lies: tensors that overlap share one piece."""

    def __init__(self, tensors: list):
        self.memory: list[np.ndarray] = []
        self.places: dict = {}  # id of a tensor -> (storage, offset, sizes, strides)
        on_host = []
        for tensor in tensors:
            array = tensor._array()
            if isinstance(array, np.ndarray) and array.size and all(s >= 0 and s % array.itemsize == 0 for s in array.strides):
                on_host.append((_span(array), tensor, array))
            else:
                self._add_alone(tensor, np.ascontiguousarray(to_host(array)).reshape(array.shape))
        on_host.sort(key=lambda found: (str(found[2].dtype), found[0]))
        together: list = []
        for found in on_host:
            (start, _), _, array = found
            if together and (array.dtype != together[0][2].dtype or start >= max(f[0][1] for f in together)):
                self._add(together)
                together = []
            together.append(found)
        if together:
            self._add(together)
        # Keys in the order of the pickle, which is what a reader of the file expects to see.
        order = list(dict.fromkeys(self.places[id(t)][0].key for t in tensors))
        self.memory = [self.memory[k] for k in order]
        renamed = {old: new for new, old in enumerate(order)}
        for storage in {place[0] for place in self.places.values()}:
            storage.key = renamed[storage.key]

    def _add_alone(self, tensor, array) -> None:
        storage = self._storage(array.reshape(-1), str(tensor.device))
        self.places[id(tensor)] = (storage, 0, array.shape, _contiguous_strides(array.shape))

    def _add(self, together: list) -> None:
        start, first = together[0][0][0], together[0][2]
        step = first.itemsize
        if any((span[0] - start) % step for span, _, _ in together):
            for _, tensor, array in together:
                self._add_alone(tensor, np.ascontiguousarray(array).reshape(array.shape))
            return
        length = (max(span[1] for span, _, _ in together) - start) // step
        memory = np.lib.stride_tricks.as_strided(first, (length,), (step,))
        storage = self._storage(memory, "cpu")
        for span, tensor, array in together:
            self.places[id(tensor)] = (storage, (span[0] - start) // step, array.shape, tuple(s // step for s in array.strides))

    def _storage(self, memory, where: str) -> _Storage:
        self.memory.append(memory)
        return _Storage(len(self.memory) - 1, dtype_of(memory.dtype).name, where, memory.size)


def _span(array) -> tuple[int, int]:
    """First and last address of an array without negative strides."""
    start = array.__array_interface__["data"][0]
    return start, start + sum((n - 1) * s for n, s in zip(array.shape, array.strides, strict=True)) + array.itemsize


def _contiguous_strides(shape) -> tuple:
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return tuple(reversed(strides))


class _Pickler(pickle._Pickler):
    """Python's own pickler, which alone can write names of things that are not there.

    With `storages` None it only finds the tensors.
    """

    dispatch = dict(pickle._Pickler.dispatch)

    def __init__(self, file, protocol: int, storages: _Storages | None):
        super().__init__(file, min(protocol, 4))
        self.storages, self.tensors = storages, []

    def save_marker(self, marker: Global) -> None:
        self.write(pickle.GLOBAL + f"{marker.module}\n{marker.name}\n".encode())
        self.memoize(marker)

    dispatch[Global] = save_marker

    def persistent_id(self, obj):
        if not isinstance(obj, _Storage):
            return None
        typed = _STORAGE_OF.get(obj.kind)
        if typed is None:
            return "storage", _marker("torch.storage", "UntypedStorage"), str(obj.key), obj.where, obj.numel * np.dtype(obj.kind).itemsize
        return "storage", _marker("torch", typed), str(obj.key), obj.where, obj.numel

    def save(self, obj, save_persistent_id=True):
        return super().save(_marker("torch", obj.name) if isinstance(obj, dtype) else obj, save_persistent_id)

    def reducer_override(self, obj):
        if isinstance(obj, Tensor):
            state, ours = state_of(obj), type(obj).__module__.split(".")[0] in ("torch", __package__.split(".")[0])
            if type(obj).__name__ == "Parameter" or not ours and any(kind.__name__ == "Parameter" for kind in type(obj).__mro__):
                args = (_Data(obj), obj.requires_grad, OrderedDict())
                return (_REBUILD["_rebuild_parameter_with_state"], (*args, state)) if state else (_REBUILD["_rebuild_parameter"], args)
            function, args = self._reduce(obj, obj.requires_grad)
            if self.storages is None:  # only looking for tensors
                return function, ((state,),)
            if ours and (not state or type(obj) is not Tensor):
                return function, args
            return _REBUILD["_rebuild_from_type_v2"], (function, _marker("torch", "Tensor") if ours else type(obj), args, state)
        if isinstance(obj, _Data):
            return self._reduce(obj.tensor, False)
        if isinstance(obj, Size):
            return _marker("torch", "Size"), (tuple(obj),)
        if isinstance(obj, device):
            return _marker("torch", "device"), ((obj.type,) if obj.index is None else (obj.type, obj.index))
        return NotImplemented

    def _reduce(self, tensor, requires_grad: bool):
        if self.storages is None:
            self.tensors.append(tensor)
            return tuple, ()
        if id(tensor) not in self.storages.places:  # made while pickling
            self.storages._add_alone(tensor, np.ascontiguousarray(to_host(tensor._array())))
            self.tensors.append(tensor)
        storage, offset, sizes, strides = self.storages.places[id(tensor)]
        args = (storage, int(offset), tuple(map(int, sizes)), tuple(map(int, strides)), requires_grad, OrderedDict())
        if storage.kind in _STORAGE_OF:
            return _REBUILD["_rebuild_tensor_v2"], args
        return _REBUILD["_rebuild_tensor_v3"], (*args, tensor.dtype)


class _Data:
    """What is in a parameter, as a tensor of its own."""

    __slots__ = ("tensor",)

    def __init__(self, tensor):
        self.tensor = tensor


_markers: dict = {}


def _marker(module: str, name: str) -> Global:
    return _markers.setdefault((module, name), Global(module, name))
