"""Grades a folder of submissions: each runs alone, in a process of its own with a time limit, and ends as one line of a CSV.

A submission runs in an empty folder, with an empty home and without the environment's variables. On Linux it can write
nothing but that folder, read nothing but the system and the Python installation (so no other submission), open no
TCP connection, and signal nobody (`confine`); elsewhere it may do what a kernel may. Its time, its memory and the size of its
files are limited, and what it has started is ended with it.

What a check says still comes from the process in which the submission ran: a verdict is good against mistakes, not against
somebody who has read this file. Checks in `### BEGIN HIDDEN TESTS` regions of the teacher's notebook are never given away;
`solutions` names the folder where they are.
"""

from __future__ import annotations

import csv
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from .checking import every_exercise
from .notebooks import read, regions

__all__ = ["grade", "grade_folder"]

PASSED_ON = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def grade_folder(folder: Path, output: Path, timeout: int = 120, memory: int = 2000, solutions: Path | None = None, files: Sequence[Path] = ()) -> int:
    """Grade every notebook in a folder, and write the CSV. Returns 0 if there was at least one."""
    for path in files:
        if not path.exists():
            print(f"There is no file {path}.", file=sys.stderr)
            return 2
    if not folder.is_dir():
        print(f"There is no folder {folder}.", file=sys.stderr)
        return 2
    submissions = sorted(path for path in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
    if not submissions:
        print(f"There is no notebook in {folder}.", file=sys.stderr)
        return 2
    rows = []
    for path in submissions:
        row = {"submission": str(path.relative_to(folder)), **grade(path, timeout, memory, solutions, files)}
        rows.append(row)
        print(f"{row['submission']}: {row['solved']} of {row['exercises']} solved, {row['status']}", flush=True)
    if not all(row["confined"] for row in rows if row["verdicts"]):
        print("This system cannot keep a submission to its folder: it could read and write what you can.", file=sys.stderr)
    keys = sorted({key for row in rows for key in row["verdicts"]})
    with open(output, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["submission", "solved", "exercises", "seconds", "status", *keys])
        for row in rows:
            writer.writerow([harmless(row["submission"]), row["solved"], row["exercises"], row["seconds"], harmless(row["status"]),
                             *(row["verdicts"].get(key, "") for key in keys)])
    print(f"Written to {output}.")
    return 0


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return "'" + text if text[:1] in "=+-@\t\r" else text


def grade(path: Path, timeout: int = 120, memory: int = 2000, solutions: Path | None = None, files: Sequence[Path] = ()) -> dict:
    """Run one submission and collect what its checks say. An exercise of its lesson that it never checks is "missing".

    Args:
        solutions: the folder of the teacher's notebooks: their hidden tests are run, and what they check is expected.
        files: what the notebook needs beside it: checks of your own, data.
    """
    began = time.monotonic()
    row = {"solved": 0, "exercises": 0, "seconds": 0.0, "status": "ran", "confined": False, "verdicts": {}}
    try:
        if path.is_symlink():
            return {**row, "status": "not read: it is a link to another file"}
        cells = [code_of(cell) for cell in read(path)["cells"] if cell.get("cell_type") == "code"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return {**row, "status": f"not a notebook ({type(error).__name__})"}
    teachers = teachers_cells(solutions / path.name) if solutions is not None else []
    hidden = [test for cell in teachers for test in regions(cell, "HIDDEN TESTS")]
    events = run(cells, hidden, timeout, memory, row, files)
    for event in events:
        if "key" in event:  # what counts is the last verdict on an exercise
            row["verdicts"][event["key"]] = "solved" if event.get("passed") is True else "not yet"
        elif "error" in event and row["status"] == "ran":
            row["status"] = f"cell {event.get('cell')}: {event['error']}"[:200]
    row["confined"] = {"confined": True} in events
    asked = {path.name[:2], *(key.partition("-")[0] for key in row["verdicts"])}
    own = [key for cell in teachers for key in re.findall(r"""\bcheck\(\s*["']([\w.-]+)["']""", cell)]
    expected = [one.key for one in every_exercise() if one.lesson in asked] + own + [f"hidden-{number + 1}" for number in range(len(hidden))]
    row["verdicts"] = dict.fromkeys(expected, "missing") | row["verdicts"]
    row["exercises"] = len(row["verdicts"])
    row["solved"] = sum(verdict == "solved" for verdict in row["verdicts"].values())
    row["seconds"] = round(time.monotonic() - began, 1)
    return row


def run(cells: list[str], hidden: list[str], timeout: int, memory: int, row: dict, files: Sequence[Path] = ()) -> list[dict]:
    """What happened when the cells ran, as a list of events; how it ended is written into the row."""
    mark = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True) as place:
        home, result = Path(place) / "home", Path(place) / "result.jsonl"
        home.mkdir()
        for path in files:
            (shutil.copytree if path.is_dir() else shutil.copy)(path, home / path.name)
        # One thread: each more of a machine with many cores would take a share of the memory that is allowed.
        environment = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **{name: os.environ[name] for name in PASSED_ON if name in os.environ}}
        environment |= dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "AUTODIFF_LAB_HOME", "IPYTHONDIR"), str(home))
        environment |= {"MPLBACKEND": "agg", "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry), "PYTHONDONTWRITEBYTECODE": "1", "GRADING": mark}
        process = subprocess.Popen([sys.executable, "-m", "autodiff_lab.lessons.submission"], cwd=home, env=environment, stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        task = {"cells": cells, "hidden": hidden, "memory": memory, "result": str(result)}
        try:
            process.communicate(json.dumps(task).encode(), timeout=timeout)
            if process.returncode:
                row["status"] = f"ended early (exit status {process.returncode})"
        except subprocess.TimeoutExpired:
            row["status"] = f"stopped after {timeout} s"
        finally:
            end(process, mark)
        lines = result.read_text(encoding="utf-8", errors="replace").splitlines() if result.exists() else []
    return [event for line in lines if (event := event_of(line))]


def event_of(line: str) -> dict | None:
    """One line of the report, if it is one."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    if not isinstance(event, dict) or not re.fullmatch(r"\w[\w.-]{0,39}", str(event.get("key", "no"))):
        return None
    return event


def end(process: subprocess.Popen, mark: str) -> None:
    """End a submission and everything that it started, also what has left its process group."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except (ProcessLookupError, PermissionError):
        pass
    process.wait()
    for _ in range(100):  # as often as new ones appear
        strays = marked(mark)
        for number in strays:
            try:
                os.kill(number, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
        if not strays:
            return
        time.sleep(0.01)


def marked(mark: str) -> list[int]:
    """The processes that carry a mark in their environment (Linux; none elsewhere)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def teachers_cells(path: Path) -> list[str]:
    """The code of a teacher's notebook; none, if there is no such notebook."""
    return [code_of(cell) for cell in read(path)["cells"] if cell.get("cell_type") == "code"] if path.exists() else []


def code_of(cell: dict) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)
