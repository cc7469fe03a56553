"""Names for annotations, as in `torch.types`."""

from __future__ import annotations

import builtins
import os
from typing import IO, Any, TypeAlias, Union

from .core.devices import device as _device_class
from .core.dtypes import dtype as _dtype
from .core.tensor import Size, Tensor

__all__ = ["Device", "FileLike", "Number", "Size", "Storage", "Tensor"]

_bool, _int, _float, _complex, _str, _bytes = builtins.bool, builtins.int, builtins.float, builtins.complex, builtins.str, builtins.bytes
_device, _size = _device_class, Union[Size, list[int], tuple[int, ...]]  # noqa: UP007 - what isinstance cannot take and annotations can
_TensorOrTensors: TypeAlias = Tensor | tuple[Tensor, ...]
_TensorOrOptionalTensors: TypeAlias = Tensor | tuple[Tensor | None, ...] | None
Number: TypeAlias = int | float | bool
_Number = (int, float, bool)
Device: TypeAlias = _device_class | str | int | None
FileLike: TypeAlias = str | os.PathLike | IO
Storage: TypeAlias = Any

assert _dtype
