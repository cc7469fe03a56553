"""The recorder and its data model: what the engine did, written down as frozen dataclasses."""

from .model import GraphSnapshot, from_json, to_json

__all__ = ["GraphSnapshot", "from_json", "to_json"]
