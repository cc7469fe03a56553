"""`torch.ops.aten.<name>`: operators by the names of PyTorch's inside, for programs that call or register by them."""

from __future__ import annotations

import functools

from ..core.op import public
from ..core.tensor import Tensor

__all__ = ["Packet", "Packets", "load_library"]


class Packet:
    """One operator under every overload: `aten.add`, `aten.add.Tensor` and `aten.add.default` are the same here."""

    def __init__(self, name: str):
        self.__name__ = name
        self._name = name

    def __call__(self, *args, **kwargs):
        found = public[""].get(self._name) or getattr(Tensor, self._name, None)
        if found is None:
            raise NotImplementedError(f"torch.ops.aten.{self._name}: there is no operator of that name here.")
        return found(*args, **kwargs)

    def __getattr__(self, name: str):
        if name.startswith("_"):
            raise AttributeError(name)
        return self

    def overloads(self) -> list[str]:
        """One: they are not told apart."""
        return ["default"]

    def __repr__(self) -> str:
        return f"<operator aten.{self._name}>"


class Packets:
    """All of them, by attribute."""

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return _packet(name)


@functools.cache
def _packet(name: str) -> Packet:
    return Packet(name)


refused_libraries: list[str] = []


def load_library(path) -> None:
    """Refused: a compiled library of operators is built against PyTorch.

    Raises:
        OSError: always, which is what packages that can do without their library expect.
    """
    refused_libraries.append(str(path))
    raise OSError(f"{path}: a compiled library of operators is built against PyTorch, and is not loaded here.")


def why_missing() -> str:
    """The rest of the sentence about an operator that is not there, if compiled libraries were refused."""
    return f": compiled operators are built against PyTorch, and were not loaded here ({', '.join(refused_libraries)})." if refused_libraries else ""


class Namespace:
    """The operators that a program has made under one name; see `library`."""

    def __init__(self, name: str):
        self._name = name
        self._operators: dict = {}

    def __getattr__(self, name: str):
        if name.startswith("__") or name not in self._operators:
            raise AttributeError(f"'_OpNamespace' '{self._name}' object has no attribute '{name}'{why_missing()}")
        return self._operators[name]


namespaces: dict[str, Namespace] = {}


def define(namespace: str, name: str, operator) -> None:
    """Make `torch.ops.<namespace>.<name>` of an operator."""
    namespaces.setdefault(namespace, Namespace(namespace))._operators[name] = operator


def defined(namespace: str, name: str):
    """The operator that a program has made.

    Raises:
        AttributeError: if it has not.
    """
    return getattr(namespaces.get(namespace) or Namespace(namespace), name)


def is_defined(namespace: str, name: str) -> bool:
    """True if a program has made the operator."""
    return namespace in namespaces and name in namespaces[namespace]._operators
