"""The module that `torch.compile(module)` gives: it holds the one it was made from and passes everything on to it."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

from .module import Module

__all__ = ["OptimizedModule"]


class OptimizedModule(Module):
    """A module as `_orig_mod`, under the names that programs find after `torch.compile(model)`.

    Nothing is compiled, so it computes what the module computes. Attributes are read from the module and written to it; parameters and
    the state dict have their names with `_orig_mod.` before them, as PyTorch saves them.

    >>> import autodiff_lab as lab
    >>> model = lab.nn.Linear(2, 1)
    >>> compiled = lab.compile(model)
    >>> compiled._orig_mod is model, list(compiled.state_dict())
    (True, ['_orig_mod.weight', '_orig_mod.bias'])
    """

    def __init__(self, mod: Module):
        super().__init__()
        self._modules["_orig_mod"] = mod

    @property
    def training(self) -> bool:
        """That of the module inside."""
        return self._orig_mod.training

    @training.setter
    def training(self, mode: bool) -> None:
        if "_orig_mod" in self.__dict__.get("_modules", ()):  # not yet while __init__ sets it
            self._orig_mod.training = mode

    def forward(self, *args, **kwargs):
        """What the module inside gives."""
        return self._orig_mod(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        inside = self.__dict__["_modules"]["_orig_mod"]
        return inside if name == "_orig_mod" else getattr(inside, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "_orig_mod":
            self._modules[name] = value
        elif hasattr(type(self), name) or "_orig_mod" not in self.__dict__.get("_modules", ()):
            super().__setattr__(name, value)
        else:
            setattr(self._orig_mod, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._orig_mod, name)

    def __len__(self) -> int:
        if isinstance(self._orig_mod, Sized):
            return len(self._orig_mod)
        raise TypeError(f"{type(self._orig_mod).__name__} does not support len()")

    def __bool__(self) -> bool:
        return True

    def __reduce__(self):
        return type(self), (self._orig_mod,)

    def __dir__(self):
        return sorted({*super().__dir__(), *dir(self._orig_mod)})
