"""The memory behind tensors, as in `torch.storage`."""

from __future__ import annotations

from .ops.attributes import TypedStorage, UntypedStorage

__all__ = ["TypedStorage", "UntypedStorage"]
