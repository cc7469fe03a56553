"""The safetensors format: a header in JSON, then bytes. For dicts of tensors, and for exchange with other tools."""

from __future__ import annotations

import json
import struct
from itertools import pairwise

import numpy as np

from ..backend import to_host
from ..core.dtypes import dtype_of
from ..core.tensor import wrap
from .names import DTYPES

__all__ = ["load_file", "read", "save_file"]

_KINDS = {"BOOL": "bool", "U8": "uint8", "I8": "int8", "I16": "int16", "U16": "uint16", "I32": "int32", "U32": "uint32", "I64": "int64", "U64": "uint64",
          "F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64", "C64": "complex64"}
_NAMES = {name: kind for kind, name in _KINDS.items()}
_MOST_HEADER = 100_000_000


def save_file(tensors: dict, filename, metadata: dict[str, str] | None = None) -> None:
    """Write a dict of tensors to a file; an old one is replaced in one step."""
    import os
    from pathlib import Path

    from .write import _replace

    header, blobs, position = {}, [], 0
    if metadata:
        header["__metadata__"] = metadata
    for name in sorted(tensors, key=lambda n: (-tensors[n].element_size(), n)):  # wide types first, so that all are aligned
        array = np.ascontiguousarray(to_host(tensors[name]._array()))
        kind = dtype_of(array.dtype).name
        if kind not in _NAMES:
            raise TypeError(f"safetensors has no type for {kind}: convert {name!r} first.")
        header[name] = {"dtype": _NAMES[kind], "shape": list(tensors[name].shape), "data_offsets": [position, position + array.nbytes]}
        position += array.nbytes
        blobs.append(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    _replace(Path(os.path.realpath(os.fspath(filename))), lambda file: file.writelines([struct.pack("<Q", len(text)), text, *blobs]))


def load_file(filename, device=None) -> dict:
    """Read a dict of tensors from a file."""
    with open(filename, "rb") as file:
        return read(file.read(), device)


def read(data: bytes, where=None) -> dict:
    """The tensors in the bytes of a file.

    Raises:
        RuntimeError: if the header is damaged, or its sizes and the file's contradict each other.
    """
    try:
        (length,) = struct.unpack_from("<Q", data)
        if length > min(_MOST_HEADER, len(data) - 8):
            raise ValueError("the header is longer than the file")
        header = json.loads(data[8:8 + length])
        body = memoryview(data)[8 + length:]
        found, ends = {}, []
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            kind = DTYPES.get(_KINDS[entry["dtype"]])
            if kind is None:
                raise ValueError("bfloat16 needs the package ml_dtypes")
            shape, (start, end) = entry["shape"], entry["data_offsets"]
            if any(type(n) is not int or n < 0 for n in (*shape, start, end)):
                raise ValueError(f"{name!r} has odd sizes")
            count = 1
            for n in shape:
                count *= n
            if end - start != count * kind.itemsize or end > len(body):
                raise ValueError(f"{name!r} has {end - start} bytes for shape {shape}, in a file with {len(body)}")
            ends.append((start, end))
            made = wrap(np.frombuffer(bytearray(body[start:end]), kind.numpy).reshape(shape))
            found[name] = made if where is None else made.to(where)
        ends.sort()
        if any(before[1] > after[0] for before, after in pairwise(ends)):
            raise ValueError("tensors overlap")
        return found
    except (ValueError, KeyError, TypeError, AttributeError, struct.error, RecursionError) as error:
        raise RuntimeError(f"This safetensors file is refused: {error}.") from None
