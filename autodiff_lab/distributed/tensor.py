"""Tensors in pieces on several machines: nothing is one, so that `isinstance(x, DTensor)` of programs answers False."""

from __future__ import annotations

from contextlib import nullcontext

from .refusal import _Refused, _refused, refused_class

__all__ = ["DTensor", "DeviceMesh", "distribute_tensor", "implicit_replication", "init_device_mesh"]


class DTensor(_Refused):
    """A tensor whose pieces lie on several machines; PyTorch's kind, here never made."""


class DeviceMesh(_Refused):
    """An arrangement of several machines; PyTorch's kind, here never made."""


distribute_tensor = init_device_mesh = _refused
implicit_replication = nullcontext


def __getattr__(name: str):
    """What PyTorch has and is not named above: it can be asked for by isinstance, and not made or called."""
    if name.startswith("__"):
        raise AttributeError(name)
    return globals().setdefault(name, refused_class(name))
