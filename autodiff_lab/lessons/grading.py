"""Grades a folder of submissions: each runs alone, in a process of its own with a time limit, and ends as one line of a CSV.

The grader trusts a submission no more than a kernel would: it runs in an empty folder, with an empty home and without the
environment's variables, in its own process group, which is ended as a whole. What a check says still comes from the
process in which the submission ran: a verdict is good against mistakes, not against malice. Submissions from people you
don't know belong in a container.
"""

from __future__ import annotations

import csv
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .notebooks import read

__all__ = ["grade", "grade_folder"]

PASSED_ON = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def grade_folder(folder: Path, output: Path, timeout: int = 120, memory: int = 2000) -> int:
    """Grade every notebook in a folder, and write the CSV. Returns 0 if there was at least one."""
    if not folder.is_dir():
        print(f"There is no folder {folder}.", file=sys.stderr)
        return 2
    files = sorted(path for path in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
    if not files:
        print(f"There is no notebook in {folder}.", file=sys.stderr)
        return 2
    rows = []
    for path in files:
        row = {"submission": str(path.relative_to(folder)), **grade(path, timeout, memory)}
        rows.append(row)
        print(f"{row['submission']}: {row['solved']} of {row['exercises']} solved, {row['status']}", flush=True)
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


def grade(path: Path, timeout: int = 120, memory: int = 2000) -> dict:
    """Run one submission and collect what its checks say."""
    began = time.monotonic()
    row = {"solved": 0, "exercises": 0, "seconds": 0.0, "status": "ran", "verdicts": {}}
    try:
        cells = [code_of(cell) for cell in read(path)["cells"] if cell.get("cell_type") == "code"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return {**row, "status": f"not a notebook ({type(error).__name__})"}
    mark = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="grading-") as place:
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment |= {"HOME": place, "USERPROFILE": place, "TMPDIR": place, "AUTODIFF_LAB_HOME": place, "IPYTHONDIR": place, "MPLBACKEND": "agg",
                        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry), "PYTHONDONTWRITEBYTECODE": "1"}
        result = Path(place) / f"{mark}.jsonl"
        process = subprocess.Popen([sys.executable, "-m", "autodiff_lab.lessons.submission", str(memory)], cwd=place, env=environment, stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            process.communicate(json.dumps({"cells": cells, "result": str(result)}).encode(), timeout=timeout)
            if process.returncode:
                row["status"] = f"ended early (exit status {process.returncode})"
        except subprocess.TimeoutExpired:
            row["status"] = f"stopped after {timeout} s"
        finally:
            end(process)
        lines = result.read_text(encoding="utf-8", errors="replace").splitlines() if result.exists() else []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if "key" in event:  # what counts is the last verdict on an exercise
            row["verdicts"][str(event["key"])] = "solved" if event.get("passed") is True else "not yet"
        elif "error" in event and row["status"] == "ran":
            row["status"] = f"cell {event.get('cell')}: {event['error']}"[:200]
    row["exercises"] = len(row["verdicts"])
    row["solved"] = sum(verdict == "solved" for verdict in row["verdicts"].values())
    row["seconds"] = round(time.monotonic() - began, 1)
    return row


def end(process: subprocess.Popen) -> None:
    """End a submission and everything that it started."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except (ProcessLookupError, PermissionError):
        pass
    process.wait()


def code_of(cell: dict) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)
