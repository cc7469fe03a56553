"""Which exercises are solved: kept in one small JSON file on this machine, and nowhere else.

The file is written only where a person works (a notebook's front end). Programs that run notebooks, such as nbval,
start from nothing each time, so that they give the same output twice.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

__all__ = ["file", "forget", "note", "solved"]

_session: set[str] = set()


def file() -> Path:
    """Where progress is kept; `AUTODIFF_LAB_HOME` names another folder."""
    home = os.environ.get("AUTODIFF_LAB_HOME")
    if home:
        folder = Path(home)
    elif sys.platform == "win32":
        folder = Path(os.environ.get("APPDATA", Path.home())) / "autodiff-lab"
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support" / "autodiff-lab"
    else:
        folder = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "autodiff-lab"
    return folder / "progress.json"


def solved() -> set[str]:
    """The keys of the exercises that are solved."""
    return _session | (stored() if kept() else set())


def note(key: str, passed: bool) -> set[str]:
    """Remember that an exercise was solved; one that was solved stays so. Returns all that are."""
    if passed and key not in _session:
        _session.add(key)
        if kept():
            save(stored() | {key})
    return solved()


def forget() -> None:
    """Start again from nothing."""
    _session.clear()
    try:
        file().unlink(missing_ok=True)
    except OSError:
        pass


def kept() -> bool:
    """Whether a person is at work here."""
    if "ipykernel" not in sys.modules:
        return False
    try:
        from ..widgets.live import interactive

        return interactive()
    except ImportError:
        return False


def stored() -> set[str]:
    """What the file says; nothing, where there is none or it cannot be read."""
    try:
        return set(json.loads(file().read_text(encoding="utf-8"))["solved"])
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def save(keys: set[str]) -> None:
    """Write the file, whole or not at all. A folder that cannot be written costs the memory, not the lesson."""
    path = file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(json.dumps({"solved": sorted(keys)}, indent=1) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError:
        pass
