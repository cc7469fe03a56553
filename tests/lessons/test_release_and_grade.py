"""The teacher's commands: a released notebook keeps no solution, and submissions are graded apart from each other."""

from __future__ import annotations

import csv
import json
import time

import pytest

pytest.importorskip("IPython", reason="IPython is not installed (pip install 'autodiff-lab[lab]')")

from autodiff_lab.lessons.__main__ import main
from autodiff_lab.lessons.notebooks import released


def notebook(*sources: str) -> dict:
    cells = [{"cell_type": "code", "id": f"c{k}", "metadata": {}, "source": source, "outputs": [], "execution_count": None} for k, source in enumerate(sources)]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def submit(folder, name: str, *sources: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(notebook("import autodiff_lab as lab", *sources)))


def test_release_takes_out_solutions_hidden_tests_and_outputs():
    full = notebook("# your turn\nx = ...\n### BEGIN SOLUTION\nx = 42\n### END SOLUTION\nlab.check('q', x)\n### BEGIN HIDDEN TESTS\nassert x == 42\n### END HIDDEN TESTS")
    full["cells"][0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "42"}]
    cell = released(full)["cells"][0]
    assert "".join(cell["source"]) == "# your turn\nx = ...\nlab.check('q', x)"
    assert "42" not in json.dumps(cell)


def test_a_mark_without_its_partner_is_refused():
    with pytest.raises(ValueError, match="without its partner"):
        released(notebook("### BEGIN SOLUTION\nx = 42"))


@pytest.mark.timeout(200)
def test_a_folder_is_graded_into_a_csv(tmp_path):
    folder = tmp_path / "in"
    submit(folder, "ada/00.ipynb", "lab.check('00-1', 1/3)", "lab.check('00-2', 5.0)", "lab.check('00-2', -5.0)")
    submit(folder, "bob/00.ipynb", "lab.check('00-1', 3.0)", "1 / 0", "lab.check('11-3', 9)")
    submit(folder, "=eve.ipynb", "lab.check('00-1', 1/3)", "while True: pass")
    submit(folder, "mal.ipynb", "import os; os._exit(3)")
    submit(folder, "spy.ipynb", "import os\nassert 'SECRET' not in os.environ and 'ada' not in os.listdir('.')\nlab.check('11-3', 9)")
    (folder / "no.ipynb").write_text("not json")
    began = time.monotonic()
    assert main(["grade", str(folder), "-o", str(tmp_path / "out.csv"), "--timeout", "25"]) == 0
    assert time.monotonic() - began < 180
    rows = {row["submission"]: row for row in csv.DictReader((tmp_path / "out.csv").open())}
    ada, bob, eve, mal, spy = (rows[name] for name in ("ada/00.ipynb", "bob/00.ipynb", "'=eve.ipynb", "mal.ipynb", "spy.ipynb"))
    assert (ada["solved"], ada["00-1"], ada["00-2"], ada["status"]) == ("2", "solved", "solved", "ran")
    assert (bob["00-1"], bob["11-3"]) == ("not yet", "solved") and bob["status"].startswith("cell 3: ZeroDivisionError")
    assert eve["00-1"] == "solved" and "stopped after" in eve["status"]
    assert mal["solved"] == "0" and "exit status 3" in mal["status"]
    assert spy["solved"] == "1", spy
    assert rows["no.ipynb"]["status"].startswith("not a notebook")


def test_an_empty_folder_is_said(tmp_path, capsys):
    assert main(["grade", str(tmp_path)]) == 2
    assert "no notebook" in capsys.readouterr().err
