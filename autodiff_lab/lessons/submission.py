"""Runs one submission, in a process that `grading` started for it: cells come in as JSON, verdicts go out line by line."""

from __future__ import annotations

import json
import sys

__all__ = ["main"]


def main() -> None:
    """Run the cells one after the other; one that fails does not keep the others from running."""
    limit_memory(int(sys.argv[1]))
    task = json.load(sys.stdin)
    from IPython.core.interactiveshell import InteractiveShell

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

    checking.check = check
    import autodiff_lab
    from autodiff_lab import lessons

    lessons.check = autodiff_lab.check = check
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    for number, source in enumerate(task["cells"], 1):
        outcome = shell.run_cell(source, store_history=False)
        error = outcome.error_before_exec or outcome.error_in_exec
        if error is not None:
            tell(cell=number, error=f"{type(error).__name__}: {error}".splitlines()[0])


def limit_memory(megabytes: int) -> None:
    """Refuse to grow beyond this, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 20, 64 << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
