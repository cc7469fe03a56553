"""The teacher's commands: a released notebook keeps no solution, and submissions are graded apart from each other."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("IPython", reason="IPython is not installed (pip install 'autodiff-lab[lab]')")

from autodiff_lab.lessons import every_exercise
from autodiff_lab.lessons.__main__ import main
from autodiff_lab.lessons.grading import grade
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
    assert (ada["solved"], ada["exercises"], ada["00-1"], ada["00-2"], ada["00-3"], ada["status"]) == ("2", "4", "solved", "solved", "missing", "ran")
    assert (bob["00-1"], bob["11-3"]) == ("not yet", "solved") and bob["status"].startswith("cell 3: ZeroDivisionError")
    assert eve["00-1"] == "solved" and "stopped after" in eve["status"]
    assert mal["solved"] == "0" and "exit status 3" in mal["status"]
    assert spy["solved"] == "1", spy
    assert rows["no.ipynb"]["status"].startswith("not a notebook")


HOSTILE = {
    "leave.ipynb": ["import sys; sys.exit(0)", "lab.check('11-3', 9)"],
    "drop.ipynb": ["lab.check('11-3', 9)", "del lab.check\nlab.check = None", "lab.check('11-1', 0.69)"],
    "flood.ipynb": ["for _ in range(200): print('x' * 1_000_000)", "open('big', 'w').write('x' * (70 << 20))", "lab.check('11-3', 9)"],
    "many.ipynb": ["import subprocess, sys\nfor _ in range(20): subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)", "lab.check('11-3', 9)"],
    "forge.ipynb": ["import os\nfor n in range(3, 40):\n    try: os.write(n, b'\\n{\"key\": \"=cmd\", \"passed\": true}\\n[1]\\nnull\\n')\n    except OSError: pass", "lab.check('11-3', 9)"],
    "memory.ipynb": ["x = bytearray(4 << 30)", "lab.check('11-3', 9)"],
    "ask.ipynb": ["input()", "lab.check('11-3', 9)"],
}


@pytest.mark.timeout(280)
def test_hostile_submissions_harm_nobody(tmp_path):
    folder = tmp_path / "in"
    for name, cells in HOSTILE.items():
        submit(folder, name, *cells)
    (folder / "link.ipynb").symlink_to(folder / "ask.ipynb")
    assert main(["grade", str(folder), "-o", str(tmp_path / "out.csv"), "--timeout", "40"]) == 0
    rows = {row["submission"]: row for row in csv.DictReader((tmp_path / "out.csv").open())}
    assert rows["link.ipynb"]["status"] == "not read: it is a link to another file"
    for name in HOSTILE:
        assert rows[name]["11-3"] == "solved", rows[name]  # what went wrong in one cell costs that cell
    assert rows["leave.ipynb"]["status"] == "cell 2: SystemExit: 0"
    assert rows["drop.ipynb"]["11-1"] == "missing" and rows["drop.ipynb"]["exercises"] == "6"
    assert "MemoryError" in rows["memory.ipynb"]["status"] and "EOFError" in rows["ask.ipynb"]["status"]
    assert not [key for key in rows["forge.ipynb"] if key.startswith("=")]
    assert not [entry for entry in Path("/proc").glob("[0-9]*") if sleeping(entry)], "processes were left behind"


def sleeping(entry: Path) -> bool:
    try:
        return b"time.sleep(600)" in (entry / "cmdline").read_bytes()
    except OSError:
        return False


@pytest.mark.timeout(120)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can confine a process")
def test_a_submission_is_kept_to_its_folder(tmp_path):
    folder, outside = tmp_path / "in", tmp_path / "outside.txt"
    submit(folder, "ada.ipynb", "secret = 42")
    outside.write_text("as it was")
    tries = [f"open({str(folder / 'ada.ipynb')!r})", f"open({str(outside)!r}, 'w')", f"import os; os.remove({str(outside)!r})", f"import os; os.listdir({str(folder)!r})",
             f"import subprocess; subprocess.run(['cat', {str(outside)!r}], check=True)", "import socket; socket.create_connection(('127.0.0.1', 9))", "import os, signal; os.kill(os.getppid(), signal.SIGTERM)"]
    guarded = [f"try:\n    {one}\nexcept (PermissionError, subprocess.CalledProcessError): kept += 1" for one in tries]
    submit(folder, "eve.ipynb", "import subprocess\nkept = 0", *guarded, "open('mine.txt', 'w').write('fine')\nimport matplotlib.pyplot as plt", f"if kept == {len(tries)}: lab.check('11-3', 9)", "raise Exception(kept)")
    probe = subprocess.run([sys.executable, "-c", "from pathlib import Path; from autodiff_lab.lessons.confine import confine; print(confine(Path('.')))"], capture_output=True, text=True, cwd=tmp_path)
    if "True" not in probe.stdout:
        pytest.skip("this kernel has no Landlock")
    row = grade(folder / "eve.ipynb")
    assert row["verdicts"].get("11-3") == "solved", row
    assert outside.read_text() == "as it was"


@pytest.mark.timeout(120)
def test_hidden_tests_of_the_teacher_are_run_and_never_given_away(tmp_path):
    full = notebook("import autodiff_lab as lab", "x = ...\n### BEGIN SOLUTION\nx = 42\n### END SOLUTION", "### BEGIN HIDDEN TESTS\nassert x == 42\n### END HIDDEN TESTS\n### BEGIN HIDDEN TESTS\nassert x > 50\n### END HIDDEN TESTS")
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "own.ipynb").write_text(json.dumps(full))
    assert "assert" not in json.dumps(released(full))
    submit(tmp_path / "in", "own.ipynb", "x = 42")
    assert grade(tmp_path / "in" / "own.ipynb", solutions=tmp_path / "solutions")["verdicts"] == {"hidden-1": "solved", "hidden-2": "not yet"}


@pytest.mark.timeout(120)
def test_checks_of_ones_own_come_along_and_what_is_not_asked_is_missing(tmp_path, capsys):
    (tmp_path / "own_checks.py").write_text("""from autodiff_lab.lessons import NotYet, exercise

@exercise("own-1")
def _(answer):
    if answer != 2:
        raise NotYet("not two.")
""")
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "own.ipynb").write_text(json.dumps(notebook('import own_checks\nlab.check("own-1", 2)', 'lab.check("own-2", 3)')))
    submit(tmp_path / "in", "own.ipynb", 'import own_checks\nlab.check("own-1", 2)')
    command = ["grade", str(tmp_path / "in"), "-o", str(tmp_path / "out.csv"), "--solutions", str(tmp_path / "solutions"), "--files"]
    assert main([*command, str(tmp_path / "own_checks.py")]) == 0
    row = next(csv.DictReader((tmp_path / "out.csv").open()))
    assert (row["status"], row["own-1"], row["own-2"]) == ("ran", "solved", "missing")
    assert main([*command, str(tmp_path / "nothing.py")]) == 2
    assert "There is no file" in capsys.readouterr().err


def test_teachers_notebooks_are_written_for_other_graders(tmp_path):
    solutions = Path(__file__).resolve().parents[2] / "notebooks" / "solutions"
    assert main(["export", "nbgrader", str(solutions), "-o", str(tmp_path / "course")]) == 0
    assert main(["export", "otter", str(solutions), "-o", str(tmp_path / "otter")]) == 0
    assert "ClearSolutions" in (tmp_path / "course" / "nbgrader_config.py").read_text()
    for path in sorted(solutions.glob("*.ipynb")):
        cells = json.loads((tmp_path / "course" / "source" / path.stem / path.name).read_text())["cells"]
        marks = [(cell["metadata"].get("nbgrader"), "".join(cell["source"])) for cell in cells]
        keys = [one.key for one in every_exercise(path.stem[:2])]
        assert [mark["grade_id"] for mark, _ in marks if mark] == [name for key in keys for name in (f"answer-{key}", f"check-{key}")]
        # Where a solution stands, nbgrader may clear it; what is locked holds none.
        assert all(mark and mark["solution"] for mark, text in marks if "SOLUTION" in text)
        assert all(text.startswith("verdict = lab.check(") for mark, text in marks if mark and mark["grade"])
        written = json.loads((tmp_path / "otter" / path.name).read_text())["cells"]
        raws = ["".join(cell["source"]) for cell in written if cell["cell_type"] == "raw"]
        assert raws[0].startswith("# ASSIGNMENT CONFIG") and sum(text.startswith("# BEGIN QUESTION") for text in raws) == len(keys)
        assert all(cell["source"][0].startswith('""" # BEGIN PROMPT') for cell in written if cell["cell_type"] == "code" and "SOLUTION" in "".join(cell["source"]))


def test_an_empty_folder_is_said(tmp_path, capsys):
    assert main(["grade", str(tmp_path)]) == 2
    assert "no notebook" in capsys.readouterr().err
