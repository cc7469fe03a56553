"""Saving and loading, in PyTorch's own file format, without running code from files."""

from __future__ import annotations

from collections.abc import Callable

from ..core.devices import device
from . import safetensors
from .read import load
from .restricted import add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals
from .write import save

__all__ = ["add_safe_globals", "clear_safe_globals", "get_safe_globals", "load", "safe_globals", "save"]

DEFAULT_PROTOCOL = 2
MAP_LOCATION = Callable | device | str | dict | None  # what `load` takes as map_location

assert safetensors
