"""PyTorch's names, as they stand in its checkpoint files, without importing PyTorch."""

from __future__ import annotations

from ..core import dtypes

__all__ = ["DTYPES", "STORAGES", "Global"]


class Global:
    """A reference to something by module and name; written into a file as it is, and never called."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str):
        self.module, self.name = module, name

    def __call__(self, *args):
        raise TypeError(f"{self.module}.{self.name} stands for a name in a file and cannot be called.")

    def __repr__(self) -> str:
        return f"{self.module}.{self.name}"


STORAGES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16", "LongStorage": "int64",
    "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8", "ByteStorage": "uint8", "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64", "ComplexDoubleStorage": "complex128", "UntypedStorage": None,
}
"""Type of a storage in a file -> dtype of its elements; None for bytes."""

DTYPES = {name: dtypes._all.get(name) for name in (
    "bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16", "bfloat16", "float32", "float64", "complex64",
    "complex128")}
"""Name -> dtype; None for bfloat16 where ml_dtypes is missing."""
