"""Reads a checkpoint's pickle without running anything from it: a short list of names, and no others, may be called."""

from __future__ import annotations

import contextlib
import io
import pickle
import struct
from collections import Counter, OrderedDict, defaultdict

from ..core.devices import device
from ..core.tensor import Size, Tensor
from .names import DTYPES, STORAGES, Global

__all__ = ["RestrictedUnpickler", "add_safe_globals", "clear_safe_globals", "get_safe_globals", "safe_globals"]

_safe: dict = {}  # "module.name" -> what the user said is safe


def add_safe_globals(safe_globals: list) -> None:
    """Let `load` make objects of these classes, or call these functions, from files. Only for code that you know."""
    for given in safe_globals:
        found, name = given if isinstance(given, tuple) else (given, f"{given.__module__}.{given.__qualname__}")
        _safe[name] = found


def get_safe_globals() -> list:
    """What was added."""
    return list(_safe.values())


def clear_safe_globals() -> None:
    """Forget what was added."""
    _safe.clear()


@contextlib.contextmanager
def safe_globals(safe_globals: list):
    """`add_safe_globals` for a while."""
    before = dict(_safe)
    add_safe_globals(safe_globals)
    try:
        yield
    finally:
        _safe.clear()
        _safe.update(before)


def refusal(reason: str) -> pickle.UnpicklingError:
    """The error for a pickle that wants more than it may have."""
    return pickle.UnpicklingError(
        f"Weights only load failed. Nothing from the file was run. {reason} If you trust whoever made the file, load it with weights_only=False, "
        "which lets it run any code, or name the class with torch.serialization.add_safe_globals([...]).")


# Opcodes that make plain values and containers. What calls (REDUCE, NEWOBJ, BUILD) and what names (GLOBAL) is checked below.
_HARMLESS = (
    "PROTO STOP MARK POP POP_MARK DUP NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT BINSTRING SHORT_BINSTRING "
    "BINBYTES SHORT_BINBYTES BINBYTES8 UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST LIST "
    "APPEND APPENDS EMPTY_DICT DICT SETITEM SETITEMS EMPTY_SET ADDITEMS FROZENSET GET BINGET LONG_BINGET PUT BINPUT LONG_BINPUT MEMOIZE FRAME "
    "BINPERSID GLOBAL STACK_GLOBAL REDUCE NEWOBJ BUILD").split()


class RestrictedUnpickler(pickle._Unpickler):
    """Python's own unpickler, with every opcode taken away that this does not need.

    It is slower than the C one, which has to be trusted not to allocate by a number in the file.

    Args:
        data: bytes, or a file that is read up to the end of its pickle.
        rebuild: functions that make tensors, by PyTorch's name.
        storage_of: from a persistent id to a storage.
    """

    dispatch = {}

    def __init__(self, data, rebuild: dict, storage_of):
        super().__init__(io.BytesIO(data) if isinstance(data, bytes) else data, encoding="utf-8")
        self.storage_of = storage_of
        self.names = {("collections", "OrderedDict"): OrderedDict, ("collections", "Counter"): Counter, ("collections", "defaultdict"): defaultdict,
                      ("builtins", "set"): set, ("__builtin__", "set"): set, ("builtins", "frozenset"): frozenset,
                      ("builtins", "complex"): complex, ("__builtin__", "complex"): complex, ("builtins", "dict"): dict,
                      ("builtins", "bytearray"): _bytearray, ("__builtin__", "bytearray"): _bytearray, ("_codecs", "encode"): _encode,
                      ("torch", "Size"): Size, ("torch", "device"): device}
        for name, function in rebuild.items():
            self.names["torch._utils", name] = function
        self.names["torch._tensor", "_rebuild_from_type_v2"] = rebuild["_rebuild_from_type_v2"]
        for name in STORAGES:
            self.names["torch", name] = self.names["torch.storage", name] = Global("torch", name)
        for name, found in DTYPES.items():
            self.names["torch", name] = found if found is not None else Global("torch", name)
        for name, kind in (("torch.nn.parameter", "Parameter"), ("torch", "Tensor"), ("torch._tensor", "Tensor")):
            self.names[name, kind] = Global(name, kind)
        self.callable = {id(f) for f in (OrderedDict, Counter, defaultdict, set, frozenset, complex, dict, _bytearray, _encode, Size, device,
                                         *rebuild.values(), *_safe.values())}

    def load(self):
        try:
            return super().load()
        except (pickle.UnpicklingError, MemoryError):
            raise
        except (EOFError, IndexError, KeyError, ValueError, TypeError, AttributeError, UnicodeDecodeError, OverflowError, RecursionError, struct.error) as error:
            raise pickle.UnpicklingError(f"The pickle in this file is damaged ({type(error).__name__}: {error}).") from None

    def find_class(self, module: str, name: str):
        found = self.names.get((module, name), _safe.get(f"{module}.{name}"))
        if found is None:
            raise refusal(f"WeightsUnpickler error: Unsupported global: GLOBAL {module}.{name} was not an allowed global by default.")
        return found

    def persistent_load(self, pid):
        return self.storage_of(pid)

    def load_reduce(self):
        args, function = self.stack.pop(), self.stack[-1]
        if id(function) not in self.callable or not isinstance(args, tuple):
            raise refusal(f"The file wants to call {function!r}, which it may not.")
        self.stack[-1] = function(*args)

    def load_newobj(self):
        args, cls = self.stack.pop(), self.stack.pop()
        if cls not in (OrderedDict, Counter) and not (isinstance(cls, type) and cls in _safe.values()):
            raise refusal(f"The file wants to make a {cls!r}, which it may not.")
        self.append(cls.__new__(cls, *args))

    def load_build(self):
        state, made = self.stack.pop(), self.stack[-1]
        if isinstance(made, OrderedDict) and isinstance(state, dict):
            made.__dict__.update(state)
        elif isinstance(made, Tensor) and isinstance(state, dict):
            made.__dict__.update({name: value for name, value in state.items() if isinstance(name, str) and not hasattr(Tensor, name)})
        elif type(made) in _safe.values():
            self.stack.append(state)
            pickle._Unpickler.load_build(self)
        else:
            raise refusal(f"The file wants to set the state of a {type(made).__name__}, which it may not.")


for _name in _HARMLESS:
    _code = getattr(pickle, _name)[0]
    RestrictedUnpickler.dispatch[_code] = pickle._Unpickler.dispatch[_code]
for _name, _method in (("REDUCE", "load_reduce"), ("NEWOBJ", "load_newobj"), ("BUILD", "load_build")):
    RestrictedUnpickler.dispatch[getattr(pickle, _name)[0]] = getattr(RestrictedUnpickler, _method)


class _Refusing(dict):
    def __missing__(self, code):
        raise refusal(f"The pickle has an operation ({bytes([code])!r}) that no checkpoint needs.")


RestrictedUnpickler.dispatch = _Refusing(RestrictedUnpickler.dispatch)


def _bytearray(*args):
    """bytearray of bytes or of text; not of a number, which would allocate that much."""
    if args and not isinstance(args[0], (bytes, str)):
        raise pickle.UnpicklingError("bytearray in a file takes bytes.")
    return bytearray(*args)


def _encode(text, encoding="latin1"):
    if not isinstance(text, str) or encoding not in ("latin1", "utf-8", "ascii"):
        raise pickle.UnpicklingError("_codecs.encode in a file takes text, and latin1 or utf-8.")
    return text.encode(encoding)
