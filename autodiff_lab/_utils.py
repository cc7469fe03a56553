"""Two helpers of PyTorch's own that programs borrow: many tensors as one vector, and back."""

from __future__ import annotations

from .core.op import public

__all__ = ["_flatten_dense_tensors", "_unflatten_dense_tensors"]


def _flatten_dense_tensors(tensors):
    """All elements of all tensors in one dimension."""
    return public[""]["cat"]([t.reshape(-1) for t in tensors])


def _unflatten_dense_tensors(flat, tensors) -> tuple:
    """Views of `flat` in the shapes of `tensors`."""
    return tuple(part.view_as(t) for part, t in zip(flat.split([t.numel() for t in tensors]), tensors, strict=True))
