"""TorchScript: `script` gives the function or module back, which computes the same; what would freeze or store code is refused."""

from __future__ import annotations

import builtins
import typing

from .core.errors import caution

__all__ = ["ScriptFunction", "ScriptModule", "TracerWarning", "export", "ignore", "interface", "isinstance", "is_scripting", "is_tracing", "load", "save", "script", "script_if_tracing", "script_method", "trace", "unused"]

Final = {}.__class__  # annotations such as Final[int] are never looked into


class _BroadcastingList:
    """The annotation of a number that may also be a list of as many, BroadcastingList2[int]; it is for a compiler."""

    def __getitem__(self, kind) -> None:
        return None


Any, Dict, List, NamedTuple, Optional, Tuple, Union = typing.Any, dict, list, typing.NamedTuple, typing.Optional, tuple, typing.Union  # what torch.jit.annotations has
BroadcastingList1 = BroadcastingList2 = BroadcastingList3 = _BroadcastingList()


def script(obj=None, *args, **kwargs):
    """`obj` as it is: there is no compiler, and a compiled one would compute the same. Deprecated in PyTorch, which warns."""
    caution("`torch.jit.script` is deprecated. Please switch to `torch.compile` or `torch.export`.", DeprecationWarning)
    return (lambda made: made) if obj is None else obj


script_method = export = unused = script_if_tracing = interface = _overload = _overload_method = _script_if_tracing = script


class ScriptModule:
    """A compiled module: there are none here, so `isinstance` says False of everything."""


class ScriptFunction:
    """A compiled function: there are none here."""


class TracerWarning(Warning):
    """What tracing warns of: nothing here traces, but programs filter it."""


RecursiveScriptModule = TopLevelTracedModule = ScriptModule


def isinstance(obj, target_type) -> bool:
    """`obj` is of the class, or one of them; what is inside List[int] is not looked at."""
    kinds = target_type if builtins.isinstance(target_type, tuple) else (target_type,)
    return builtins.isinstance(obj, tuple(typing.get_origin(kind) or kind for kind in kinds))


def freeze(mod, *args, **kwargs):
    """The module as it is."""
    return mod


optimize_for_inference = freeze


def annotate(the_type, the_value):
    """The value: the type is for a compiler."""
    return the_value


def fork(func, *args, **kwargs):
    """The result of `func`, computed now; `wait` gives it back."""
    return func(*args, **kwargs)


def wait(future):
    """What `fork` computed."""
    return future


def ignore(drop: bool = False, **kwargs):
    """The function as it is."""
    return drop if callable(drop) else lambda function: function


def is_scripting() -> bool:
    """False."""
    return False


is_tracing = is_scripting


def trace(*args, **kwargs):
    """Refused: a trace would freeze the branches that one input took."""
    raise RuntimeError("torch.jit.trace is not here: a trace keeps only the branches that the example took, and this library runs your code as it is. "
                       "Call the function itself.")


def save(*args, **kwargs):
    """Refused: there is no code to save."""
    raise RuntimeError("torch.jit.save is not here: TorchScript archives hold code. Save the state_dict with torch.save.")


def load(*args, **kwargs):
    """Refused: code from files is not run."""
    raise RuntimeError("torch.jit.load is not here: TorchScript archives hold code. Build the model in Python and load its state_dict.")
