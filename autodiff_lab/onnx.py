"""ONNX export: not here."""

from __future__ import annotations

__all__ = ["export"]


def export(*args, **kwargs):
    """Refused: there is no exporter."""
    raise RuntimeError("torch.onnx.export is not here. Save the state_dict with torch.save, and export it with PyTorch.")


def is_in_onnx_export() -> bool:
    """False."""
    return False
