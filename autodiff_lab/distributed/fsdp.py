"""Models in pieces on several machines: nothing is one, so that `isinstance(module, FSDPModule)` of programs answers False."""

from __future__ import annotations

from .refusal import _Refused, _refused, refused_class

__all__ = ["FSDPModule", "FullyShardedDataParallel", "MixedPrecision", "MixedPrecisionPolicy", "fully_shard"]


class FSDPModule(_Refused):
    """A module whose weights lie on several machines; PyTorch's kind, here never made."""


class FullyShardedDataParallel(FSDPModule):
    """The older wrapper of such a module."""


class MixedPrecisionPolicy(_Refused):
    """In which types such a module computes and sends."""


class MixedPrecision(MixedPrecisionPolicy):
    """The same for the older wrapper."""


fully_shard = _refused


def __getattr__(name: str):
    """What PyTorch has and is not named above: it can be asked for by isinstance, and not made or called."""
    if name.startswith("__"):
        raise AttributeError(name)
    return globals().setdefault(name, refused_class(name))
