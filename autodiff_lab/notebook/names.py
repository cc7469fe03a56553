"""What the learner calls things: variables of the notebook by identity, and cells by file name."""

from __future__ import annotations

import re

from ..core.tensor import Tensor
from ..nn import Module
from ..record.shell import ipython

__all__ = ["cell_label", "nodes", "variables"]


def variables(namespace: dict) -> dict[int, str]:
    """id -> name of the tensors and modules that a namespace holds, also in short lists and dicts, and of the modules' parameters. Earlier names win."""
    found: dict[int, str] = {}

    def note(value, name):
        if isinstance(value, Tensor) or hasattr(value, "named_parameters"):
            found.setdefault(id(value), name)

    deep, modules = [], []
    for name, value in namespace.items():
        if name.startswith("_") or name in ("In", "Out"):
            continue
        note(value, name)
        if isinstance(value, Module):
            modules.append((name, value))
        elif isinstance(value, (list, tuple)) and 0 < len(value) <= 64:
            deep.append((name, list(enumerate(value))))
        elif isinstance(value, dict) and 0 < len(value) <= 64:
            deep.append((name, list(value.items())))
    for name, items in deep:
        for key, value in items:
            note(value, f"{name}[{key!r}]")
    for name, module in modules:
        for path, parameter in module.named_parameters():
            note(parameter, f"{name}.{path}")
    return found


def nodes(namespace: dict) -> dict[int, str]:
    """Number of a node -> name of the variable that holds what it made."""
    return {value._node.seq: name for name, value in reversed(namespace.items())
            if isinstance(value, Tensor) and value._node is not None and not name.startswith("_")}


def cell_label(filename: str) -> str | None:
    """"cell 4" for the code of a cell, None for a file."""
    shell = ipython()
    numbers = getattr(getattr(shell, "compile", None), "_filename_map", {})
    if filename in numbers:
        return f"cell {numbers[filename]}"
    found = re.match(r"<ipython-input-(\d+)-", filename)
    if found:
        return f"cell {found[1]}"
    return "code" if filename.startswith("<") else None
