"""The named tuples that operators return, e.g. `torch.return_types.max`; each is made when first asked for."""

from __future__ import annotations

from .core.op import registry
from .core.results import return_type

__all__: list[str] = []


def __getattr__(name: str):
    for full in (name, name.replace("linalg_", "linalg.", 1), f"{name}_dim"):
        made = registry.get(full)
        if made is not None and isinstance(made.outputs, tuple):
            return return_type(made)
    raise AttributeError(f"module 'torch.return_types' has no attribute '{name}': no operator here returns a tuple of that name.")
