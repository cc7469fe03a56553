"""The parts of a tensor's text, under the names by which packages with tensors of their own take them from PyTorch."""

from __future__ import annotations

from .backend import to_host
from .core.printing import _contents, _Settings, _with_suffixes, set_printoptions, tensor_repr

__all__ = ["PRINT_OPTS", "set_printoptions"]


class _Now:
    """The print options as they are when one is read."""

    def __getattr__(self, name: str):
        return getattr(_Settings.options, name)


PRINT_OPTS = _Now()


def _tensor_str(self, indent: int) -> str:
    """The numbers in brackets, for a text in which `indent` characters stand before them."""
    return _contents(to_host(self._a), indent, _Settings.options) if self.numel() else "[]"


def _add_suffixes(tensor_str: str, suffixes: list[str], indent: int, force_newline: bool = False) -> str:
    """The text with what follows the numbers, and the closing bracket."""
    if force_newline and suffixes:
        tensor_str, suffixes = f"{tensor_str},\n{' ' * indent}{suffixes[0]}", suffixes[1:]
    return _with_suffixes(tensor_str, suffixes, indent, _Settings.options.linewidth)


def _str(self, *, tensor_contents: str | None = None) -> str:
    """`repr(self)`, with other contents in the place of the numbers."""
    return tensor_repr(self, tensor_contents)


_str_intern = _str
