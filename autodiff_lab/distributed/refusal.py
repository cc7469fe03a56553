"""Names that programs import at the top and use in certain cases only: here they can be carried about, and are refused when used."""

from __future__ import annotations

import functools
import types

__all__ = ["refused_class", "refused_module"]

ONE_PROCESS = ("torch.distributed is not here: this library trains in one process. Leave out init_process_group and DistributedDataParallel; "
               "the rest of the program then runs as it is.")


def _refused(*args, **kwargs):
    """Refused: this library trains in one process."""
    raise RuntimeError(ONE_PROCESS)


class _Names(type):
    """Of these classes every attribute is there, as a class that cannot be made either: StateDictType.FULL_STATE_DICT."""

    def __getattr__(cls, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        found = refused_class(name, cls.words)
        setattr(cls, name, found)
        return found

    def __call__(cls, *args, **kwargs):
        if len(args) == 1 and isinstance(args[0], types.FunctionType) and not kwargs:
            return functools.partial(super().__call__)  # it decorates a function, which is refused when it is called
        return super().__call__(*args, **kwargs)


class _Refused(metaclass=_Names):
    """What cannot be made here: nothing is an instance of it."""

    words = ONE_PROCESS

    def __init__(self, *args, **kwargs):
        raise RuntimeError(self.words)


def refused_class(name: str, words: str = ONE_PROCESS) -> type:
    """A class of this name that can be carried about, inherited from and asked for by isinstance, and not made: `words` say why."""
    return _Names(name, (_Refused,), {"words": words})


def refused_module(name: str, words: str = ONE_PROCESS) -> types.ModuleType:
    """A module whose names are all there, and refused when used."""
    made = types.ModuleType(name, words)
    made.__path__ = []  # modules below it are found too

    def missing(name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return made.__dict__.setdefault(name, refused_class(name, words))

    made.__getattr__ = missing
    return made
