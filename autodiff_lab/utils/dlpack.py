"""Exchange of memory with other libraries by the DLPack protocol."""

from __future__ import annotations

from ..core.op import public

__all__ = ["from_dlpack", "to_dlpack"]

from_dlpack, to_dlpack = public[""]["from_dlpack"], public[""]["to_dlpack"]
