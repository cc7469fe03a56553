"""Teacher's notebooks in the form that other graders take: nbgrader's cell metadata, or the raw cells of `otter assign`.

Both want a cell that fails where the answer is wrong. It holds no answer: it asks `lab.check`, and fails with the verdict as
plain text. What stands between `### BEGIN SOLUTION` and `### END SOLUTION` is taken out by the grader's own command.
"""

from __future__ import annotations

from .author import solution_of
from .notebooks import KERNEL, lines, regions, without_regions

__all__ = ["CONFIGURATION", "for_nbgrader", "for_otter"]

CONFIGURATION = '''c = get_config()
c.ClearSolutions.code_stub = {"python": "# your code here"}  # the stub stands above; nbgrader's own would raise
c.ClearHiddenTests.begin_test_delimeter, c.ClearHiddenTests.end_test_delimeter = "BEGIN HIDDEN TESTS", "END HIDDEN TESTS"
'''


def for_nbgrader(notebook: dict, name: str) -> dict:
    """A notebook for `nbgrader generate_assignment`: cells to solve, and after each a locked one that is worth a point."""
    cells = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        cells.append(fresh(cell, source))
        if exercise_in(cell):
            key, asked = question(source)
            cells[-1]["metadata"]["nbgrader"] = {"grade": False, "grade_id": f"answer-{key}", "locked": False, "schema_version": 3, "solution": True, "task": False}
            test = code(asked)
            test["metadata"]["nbgrader"] = {"grade": True, "grade_id": f"check-{key}", "locked": True, "points": 1, "schema_version": 3, "solution": False, "task": False}
            cells.append(test)
    return made(cells)


def for_otter(notebook: dict, name: str) -> dict:
    """A notebook for `otter assign`."""
    cells = [raw(f"# ASSIGNMENT CONFIG\nname: {name}\ninit_cell: false\nexport_cell: false\ncheck_all_cell: false\ngenerate: true")]
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if not exercise_in(cell):
            cells.append(fresh(cell, source))
            continue
        key, asked = question(source)
        prompt = "\n".join(['""" # BEGIN PROMPT', without_regions(source), '""" # END PROMPT'])
        answer = "\n".join(["# BEGIN SOLUTION NO PROMPT", *regions(source, "SOLUTION"), "# END SOLUTION"])
        cells += [raw(f"# BEGIN QUESTION\nname: q{key.replace('-', '_')}\npoints: 1"), raw("# BEGIN SOLUTION"), code(f"{prompt}\n{answer}"), raw("# END SOLUTION"),
                  raw("# BEGIN TESTS"), code(asked), raw("# END TESTS"), raw("# END QUESTION")]
    return made(cells)


def exercise_in(cell: dict) -> bool:
    return cell["cell_type"] == "code" and "lab.check(" in "".join(cell["source"])


def question(source: str) -> tuple[str, str]:
    """The key of an exercise, and the cell that asks about it."""
    ask = solution_of(source)[1]
    return ask.split('"' if '"' in ask else "'")[1], f"verdict = {ask}\nassert verdict.passed, verdict"


def fresh(cell: dict, source: str) -> dict:
    return code(source) if cell["cell_type"] == "code" else {"cell_type": cell["cell_type"], "metadata": {}, "source": lines(source)}


def code(source: str) -> dict:
    return {"cell_type": "code", "metadata": {}, "source": lines(source), "outputs": [], "execution_count": None}


def raw(source: str) -> dict:
    return {"cell_type": "raw", "metadata": {}, "source": lines(source)}


def made(cells: list[dict]) -> dict:
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number:02d}"
    return {"cells": cells, "metadata": {"kernelspec": KERNEL, "language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}
