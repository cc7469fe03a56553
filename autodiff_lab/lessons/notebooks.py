"""Notebooks as files: run one from a fresh kernel and keep what a reader needs, or make the student's version of one.

Solutions stand in the teacher's notebook between `### BEGIN SOLUTION` and `### END SOLUTION` (nbgrader's marks); the
lines above them are the stub that a student finds.
"""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

__all__ = ["execute", "read", "regions", "released", "write"]

VIEW = "application/vnd.jupyter.widget-view+json"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
HIDDEN = ("SOLUTION", "HIDDEN TESTS", "TEACHER")


def read(path) -> dict:
    """The JSON of a notebook."""
    notebook = json.loads(Path(path).read_text(encoding="utf-8"))
    if not isinstance(notebook, dict) or "cells" not in notebook:
        raise ValueError(f"{path} is not a notebook: it has no cells.")
    return notebook


def write(notebook: dict, path) -> None:
    """Write a notebook as Jupyter does, so that saving it there changes nothing."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True)
    Path(path).write_text(text + "\n", encoding="utf-8")


def execute(path, timeout: int = 300) -> dict:
    """Run a notebook in a fresh kernel, from top to bottom, and write it back with its outputs.

    Widget views and widget state are left out: without a kernel they show as "model not found", and the picture
    and the words beside them say the same.

    Raises:
        ValueError: for an error that no cell raised (a display or a hook that failed) and for anything on stderr, which
            differs from machine to machine. The file stays as it was.
    """
    import nbformat
    from nbclient import NotebookClient

    path = Path(path)
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=timeout, coalesce_streams=True, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}},
                            extra_arguments=["--log-level=ERROR"])  # newer kernels warn of a connection that stays on this machine
    client.execute()
    cleaned = clean(json.loads(nbformat.writes(notebook)))
    for cell in cleaned["cells"]:
        if "raises-exception" not in cell["metadata"].get("tags", ()):
            refuse_failures(cell, path)
    write(cleaned, path)
    return cleaned


def refuse_failures(cell: dict, path: Path) -> None:
    """Raise for a code cell that shows an error or wrote to stderr."""
    for output in cell.get("outputs", ()):
        if output["output_type"] == "error" or output.get("name") == "stderr":
            said = f"{output['ename']}: {output['evalue']}" if output["output_type"] == "error" else "".join(output["text"]).strip()
            begin = "".join(cell["source"]).strip().partition("\n")[0]
            raise ValueError(f"{path.name}, the cell that begins with {begin!r}, left this behind: {said[:300]}")


def clean(notebook: dict) -> dict:
    """A notebook without what differs from run to run: widget views, state, times, the version of Python."""
    count = 0
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = f"cell-{number:02d}"
        cell["metadata"] = {key: value for key, value in cell.get("metadata", {}).items() if key in ("tags",)}
        cell["source"] = lines(cell["source"])
        if cell["cell_type"] != "code":
            continue
        count += 1
        cell["execution_count"] = count
        kept = []
        for output in cell["outputs"]:
            if "data" in output:
                output["data"].pop(VIEW, None)
                output["data"] = {kind: lines(value) if isinstance(value, str | list) else value for kind, value in output["data"].items()}
                output["metadata"] = {}
            if output["output_type"] == "execute_result":
                output["execution_count"] = count
            if output["output_type"] == "stream":
                output["text"] = lines(output["text"])
            kept.append(output)
        cell["outputs"] = kept
    notebook["metadata"] = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    notebook["nbformat"], notebook["nbformat_minor"] = 4, 5
    return notebook


def lines(text) -> list[str]:
    """A text as the list of its lines, which is how notebooks are stored."""
    text = text if isinstance(text, str) else "".join(text)
    return text.splitlines(keepends=True)


def released(notebook: dict) -> dict:
    """The student's version: solutions, hidden tests and remarks for teachers are gone, and so are all outputs."""
    notebook = json.loads(json.dumps(notebook))
    kept = []
    for cell in notebook["cells"]:
        source = without_regions("".join(cell["source"]))
        if cell["cell_type"] == "markdown" and not source.strip():
            continue
        cell["source"] = lines(source)
        cell["metadata"] = {key: value for key, value in cell.get("metadata", {}).items() if key == "tags"}
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
        kept.append(cell)
    notebook["cells"] = kept
    notebook["metadata"] = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    return notebook


def without_regions(source: str) -> str:
    """A cell's text without the regions that students must not see."""
    for kind in HIDDEN:
        source = region(kind).sub("", source)
        if re.search(rf"^[ \t]*#+ (BEGIN|END) {kind}", source, flags=re.MULTILINE):
            raise ValueError(f"A cell has a mark of {kind} without its partner. It begins: {source[:80]!r}.")
    return source.rstrip("\n")


def regions(source: str, kind: str) -> list[str]:
    """What stands between the marks of a kind, one text for each pair."""
    return [textwrap.dedent(found["inside"]) for found in region(kind).finditer(source)]


def region(kind: str) -> re.Pattern:
    """A pair of marks, with what stands between them."""
    return re.compile(rf"^[ \t]*#+ BEGIN {kind}[^\n]*\n(?P<inside>.*?)^[ \t]*#+ END {kind}[^\n]*(\n|\Z)", re.DOTALL | re.MULTILINE)
