"""What every name here that would start or reach another process says."""

from __future__ import annotations

import types

__all__ = ["refused_class", "refused_module"]


def _refused(*args, **kwargs):
    """Refused: this library trains in one process."""
    raise RuntimeError("torch.distributed is not here: this library trains in one process. Leave out init_process_group and DistributedDataParallel; "
                       "the rest of the program then runs as it is.")


class _Names(type):
    """Of these classes every attribute is there, as a class that cannot be made either: StateDictType.FULL_STATE_DICT."""

    def __getattr__(cls, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        found = refused_class(name)
        setattr(cls, name, found)
        return found

    def __call__(cls, *args, **kwargs):
        if len(args) == 1 and isinstance(args[0], types.FunctionType) and not kwargs:
            return _refused  # it decorates a function, which is refused when it is called
        return super().__call__(*args, **kwargs)


class _Refused(metaclass=_Names):
    """What cannot be made here: nothing is an instance of it."""

    def __init__(self, *args, **kwargs):
        _refused()


def refused_class(name: str) -> type:
    """A class of this name that can be carried about, inherited from and asked for by isinstance, and not made."""
    return _Names(name, (_Refused,), {})


def refused_module(name: str) -> types.ModuleType:
    """A module whose names are all there and refused when used: programs import them at the top and use them in several processes only."""
    made = types.ModuleType(name, _refused.__doc__)
    made.__path__ = []  # modules below it are found too

    def missing(name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return made.__dict__.setdefault(name, refused_class(name))

    made.__getattr__ = missing
    return made
