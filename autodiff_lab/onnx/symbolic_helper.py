"""What packages decorate their export functions with. Nothing is exported here, so such functions are never called."""

from __future__ import annotations

__all__ = ["parse_args", "quantized_args"]


def parse_args(*arg_descriptors: str):
    """A decorator that gives the function back: its arguments would come from an exporter."""
    return lambda function: function


quantized_args = parse_args
