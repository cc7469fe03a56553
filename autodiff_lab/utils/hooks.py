"""What registering a hook gives back, under PyTorch's name."""

from __future__ import annotations

from ..core.tape import Handle as RemovableHandle

__all__ = ["RemovableHandle"]
