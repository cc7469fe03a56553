"""`python -m autodiff_lab train.py --its --arguments`: runs a program written for PyTorch, unmodified."""

from __future__ import annotations

import runpy
import sys
import traceback
from pathlib import Path

from .as_torch import as_torch

_USAGE = """usage: python -m autodiff_lab SCRIPT [arguments …]
       python -m autodiff_lab -m MODULE [arguments …]
       python -m autodiff_lab -c CODE [arguments …]
       python -m autodiff_lab --without MODULE …

Runs a program written for PyTorch: inside, `import torch` gives this library.
With `--without torchvision`, a program that imports torchvision goes on until it uses it.
Other programs on this machine are not affected, and PyTorch need not be installed."""


def main(arguments: list[str]) -> int:
    """Run what the arguments name; returns the exit status."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_USAGE)
        return 0 if arguments else 2
    if arguments[0] in ("-V", "--version"):
        from . import __version__, version

        print(f"Autodiff Lab {__version__}, with the interface of PyTorch {version.like}")
        return 0
    without = []
    while arguments[0] == "--without" and len(arguments) > 2:
        without += arguments[1].split(",")
        arguments = arguments[2:]
    as_torch(without)
    kind, what = ("script", arguments[0]) if arguments[0] not in ("-m", "-c") else (arguments[0], arguments[1] if len(arguments) > 1 else "")
    if not what:
        print(f"argument expected for the {kind} option\n{_USAGE}", file=sys.stderr)
        return 2
    sys.argv = [what, *arguments[1:]] if kind == "script" else ["-c" if kind == "-c" else what, *arguments[2:]]
    if kind == "script" and not Path(what).exists():
        print(f"can't open file {what!r}: there is no such file.", file=sys.stderr)
        return 2
    return _run(kind, what)


def _run(kind: str, what: str) -> int:
    try:
        if kind == "script":
            sys.path[0] = str(Path(what).resolve().parent)
            runpy.run_path(what, run_name="__main__")
        elif kind == "-m":
            sys.path[0] = ""
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            sys.path[0] = ""
            exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
    except SystemExit:
        raise
    except BaseException as error:
        # The traceback starts in the program, not in what started it.
        frames = error.__traceback__
        while frames is not None and (frames.tb_frame.f_code.co_filename.startswith("<frozen") or frames.tb_frame.f_code.co_filename in (__file__, runpy.__file__)):
            frames = frames.tb_next
        traceback.print_exception(type(error), error, frames or error.__traceback__)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
