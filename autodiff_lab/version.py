"""What programs ask about the version."""

from __future__ import annotations

__all__ = ["cuda", "debug", "git_version", "hip", "like"]

like = "2.13.0"
"""The version of PyTorch whose behaviour this library has."""
cuda = None
hip = None
debug = False
git_version = "Unknown"
