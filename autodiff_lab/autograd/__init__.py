"""Differentiation: `backward`, `grad` and what builds on them."""

from __future__ import annotations

from ..core.modes import enable_grad, inference_mode, no_grad, set_grad_enabled
from . import engine, forward_ad, function, functional, grad_mode, graph, profiler
from .anomaly import detect_anomaly, set_detect_anomaly
from .engine import backward, grad
from .function import Function
from .grad_mode import set_multithreading_enabled
from .gradcheck import gradcheck, gradgradcheck
from .variable import Variable

__all__ = [
    "Function", "Variable", "backward", "detect_anomaly", "enable_grad", "engine", "forward_ad", "function", "functional", "grad", "gradcheck", "gradgradcheck",
    "grad_mode", "graph", "inference_mode", "no_grad", "profiler", "set_detect_anomaly", "set_grad_enabled", "set_multithreading_enabled",
]
