"""PyTorch's folder of quantization: only what a model contains before it is quantized."""

from __future__ import annotations

from . import quantization

__all__ = ["quantization"]
