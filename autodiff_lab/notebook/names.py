"""What the learner calls things: variables of the notebook by identity, and cells by file name."""

from __future__ import annotations

import re

from ..core.tensor import Tensor
from ..record.shell import ipython

__all__ = ["cell_label", "variables"]


def variables(namespace: dict) -> dict[int, str]:
    """id -> name of the tensors and modules that a namespace holds, also in short lists and dicts. Earlier names win."""
    found: dict[int, str] = {}

    def note(value, name):
        if isinstance(value, Tensor) or hasattr(value, "named_parameters"):
            found.setdefault(id(value), name)

    deep = []
    for name, value in namespace.items():
        if name.startswith("_") or name in ("In", "Out"):
            continue
        note(value, name)
        if isinstance(value, (list, tuple)) and 0 < len(value) <= 64:
            deep.append((name, list(enumerate(value))))
        elif isinstance(value, dict) and 0 < len(value) <= 64:
            deep.append((name, list(value.items())))
    for name, items in deep:
        for key, value in items:
            note(value, f"{name}[{key!r}]")
    return found


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
