"""Says clearly when a name exists in PyTorch but not here, and when it exists in neither."""

from __future__ import annotations

import difflib

__all__ = ["MissingName", "explain_missing"]


class MissingName(AttributeError):
    """An AttributeError whose words are looked up only when somebody reads them: `hasattr` asks often and reads never."""

    def __init__(self, owner: str, name: str):
        super().__init__(owner, name)
        self.owner, self.name = owner, name

    def __str__(self) -> str:
        return explain_missing(self.owner, self.name)


def explain_missing(owner: str, name: str) -> str:
    """The message of the AttributeError for `name` of the module `owner`."""
    from .op import public

    close = difflib.get_close_matches(name, list(public[""]), 1)
    return f"module '{owner}' has no attribute '{name}'." + (f" Did you mean '{close[0]}'?" if close else " If PyTorch has it, Autodiff Lab does not yet.")
