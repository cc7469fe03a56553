"""The notebook around us, if there is one. IPython is asked only where it runs already; nothing here imports it."""

from __future__ import annotations

import linecache
import sys

__all__ = ["ipython", "kernel_shell", "learner_cells"]


def ipython():
    """The running IPython shell, or None."""
    core = sys.modules.get("IPython")
    return core.get_ipython() if core is not None else None


def kernel_shell():
    """The running IPython shell with a kernel behind it, or None: a terminal has none."""
    shell = ipython()
    return shell if hasattr(shell, "kernel") else None


def learner_cells(frame) -> list[tuple[str, str]]:
    """(name, text) of the learner's cells so far; outside IPython, of the file of `frame`."""
    shell = ipython()
    if shell is not None:
        return [(f"cell {i}", text) for i, text in enumerate(shell.user_ns.get("In", [])) if text]
    file = frame.f_code.co_filename
    text = "".join(linecache.getlines(file))
    return [(file.rsplit("/", 1)[-1], text)] if text else []
