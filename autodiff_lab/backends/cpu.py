"""The processor."""

from __future__ import annotations

import importlib

__all__ = ["get_cpu_capability"]


def get_cpu_capability() -> str:
    """What the processor can, in PyTorch's words: "AVX512", "AVX2" or "DEFAULT". Programs choose between equal ways by it."""
    try:
        has = importlib.import_module("numpy._core._multiarray_umath").__cpu_features__
    except (ImportError, AttributeError):  # another NumPy
        return "DEFAULT"
    if has.get("X86_V4") or has.get("FMA3") and all(has.get(f"AVX512{part}") for part in ("F", "DQ", "BW", "VL")):
        return "AVX512"
    return "AVX2" if has.get("X86_V3") or has.get("FMA3") and has.get("AVX2") else "DEFAULT"
