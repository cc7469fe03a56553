"""Runs one submission, in a process that `grading` started for it: cells come in as JSON, verdicts go out line by line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

__all__ = ["main"]


def main() -> None:
    """Run the cells one after the other; one that fails does not keep the others from running. Then the hidden tests."""
    task = json.load(sys.stdin)
    limit(task["memory"])
    from IPython.core.interactiveshell import InteractiveShell

    import autodiff_lab
    from autodiff_lab import lessons

    from . import checking

    report = open(task["result"], "a", encoding="utf-8")

    def tell(**event) -> None:
        report.write(json.dumps(event) + "\n")
        report.flush()

    judge = checking.check

    def check(key, *answers):
        verdict = judge(key, *answers)
        tell(key=key, passed=verdict.passed)
        return verdict

    checking.check = lessons.check = autodiff_lab.check = check
    checking.every_exercise()  # read before the door closes
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    from .confine import confine

    tell(confined=confine(Path.cwd()))
    for number, source in enumerate(task["cells"], 1):
        error = failure(shell.run_cell(source, store_history=False))
        if error:
            tell(cell=number, error=error)
    for number, source in enumerate(task["hidden"], 1):
        tell(key=f"hidden-{number}", passed=not failure(shell.run_cell(source, store_history=False)))


def failure(outcome) -> str:
    """What a cell ended with, in one line; nothing, if it ran through."""
    error = outcome.error_before_exec or outcome.error_in_exec
    return f"{type(error).__name__}: {error}".splitlines()[0] if error is not None else ""


def limit(megabytes: int) -> None:
    """Refuse to grow beyond this, where the system can, and to write files of more than 64 MB."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 20, 64 << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
