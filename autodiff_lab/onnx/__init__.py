"""ONNX export: not here. Packages register how their operators would be exported when they are imported; that is accepted."""

from __future__ import annotations

import re
import types

from . import symbolic_helper

__all__ = ["export", "is_in_onnx_export", "register_custom_op_symbolic", "symbolic_helper"]


def export(*args, **kwargs):
    """Refused: there is no exporter."""
    raise RuntimeError("torch.onnx.export is not here. Save the state_dict with torch.save, and export it with PyTorch.")


def is_in_onnx_export() -> bool:
    """False."""
    return False


def register_custom_op_symbolic(symbolic_name: str, symbolic_fn, opset_version: int) -> None:
    """Accepted: nothing is exported, so nothing is changed by it."""


unregister_custom_op_symbolic = register_custom_op_symbolic


class _Opset(types.ModuleType):
    """Functions that write an ONNX graph: each is refused when it is called."""

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return export


def __getattr__(name: str):
    """`symbolic_opset11` and its like."""
    if re.fullmatch(r"symbolic_opset\d+", name):
        return globals().setdefault(name, _Opset(f"{__name__}.{name}"))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
