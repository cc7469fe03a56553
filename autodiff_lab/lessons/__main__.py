"""`python -m autodiff_lab.lessons run|release|grade|export`: for those who write lessons, and those who teach with them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main(arguments=None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m autodiff_lab.lessons", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run notebooks from fresh kernels and write them back with their outputs, as they are committed")
    run.add_argument("notebooks", nargs="+", type=Path)
    release = commands.add_parser("release", help="write the students' versions: without solutions, hidden tests, remarks and outputs")
    release.add_argument("notebooks", nargs="+", type=Path, help="solution notebooks, or a folder of them")
    release.add_argument("-o", "--output", type=Path, required=True, help="the folder for the students' versions")
    grade = commands.add_parser("grade", help="run a folder of submissions and write a CSV of what their checks say")
    grade.add_argument("folder", type=Path)
    grade.add_argument("-o", "--output", type=Path, default=Path("grades.csv"))
    grade.add_argument("--timeout", type=int, default=120, help="seconds for one notebook (default 120)")
    grade.add_argument("--memory", type=int, default=2000, help="megabytes for one notebook, where the system can limit it (default 2000)")
    grade.add_argument("--solutions", type=Path, help="the folder of the teacher's notebooks: their hidden tests are run too")
    grade.add_argument("--files", type=Path, nargs="+", default=[], help="what the notebooks need beside them, such as checks of your own: laid into each submission's folder")
    export = commands.add_parser("export", help="write teacher's notebooks in the form that nbgrader or otter takes")
    export.add_argument("grader", choices=["nbgrader", "otter"])
    export.add_argument("notebooks", nargs="+", type=Path, help="solution notebooks, or a folder of them")
    export.add_argument("-o", "--output", type=Path, required=True, help="the course folder (nbgrader), or a folder for the notebooks (otter)")
    options = parser.parse_args(arguments)

    if options.command == "run":
        from .notebooks import execute

        for path in options.notebooks:
            execute(path)
            print(f"{path}: run and written")
    elif options.command == "release":
        from .notebooks import read, released, write

        for path in every(options.notebooks):
            target = options.output / path.name
            if target.resolve() == path.resolve():
                print(f"release would write over {path}: choose another folder with -o.", file=sys.stderr)
                return 2
            write(released(read(path)), target)
            print(target)
    elif options.command == "export":
        from .exchange import CONFIGURATION, for_nbgrader, for_otter
        from .notebooks import read, write

        for path in every(options.notebooks):
            target = options.output / "source" / path.stem / path.name if options.grader == "nbgrader" else options.output / path.name
            write((for_nbgrader if options.grader == "nbgrader" else for_otter)(read(path), path.stem), target)
            print(target)
        if options.grader == "nbgrader" and not (configuration := options.output / "nbgrader_config.py").exists():
            configuration.write_text(CONFIGURATION, encoding="utf-8")
    else:
        from .grading import grade_folder

        return grade_folder(options.folder, options.output, options.timeout, options.memory, options.solutions, options.files)
    return 0


def every(paths: list[Path]) -> list[Path]:
    """The notebooks named, and those in folders named."""
    return [found for path in paths for found in (sorted(path.glob("*.ipynb")) if path.is_dir() else [path])]


if __name__ == "__main__":
    raise SystemExit(main())
