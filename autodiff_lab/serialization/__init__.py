"""Saving and loading, in PyTorch's own file format, without running code from files."""

from __future__ import annotations

from . import safetensors
from .read import load
from .restricted import add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals
from .write import save

__all__ = ["add_safe_globals", "clear_safe_globals", "get_safe_globals", "load", "safe_globals", "save"]

assert safetensors
