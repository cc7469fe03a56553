"""Every exercise: its check refuses the stub and what is wrong, and accepts what is right. The solutions run."""

from __future__ import annotations

import contextlib
import importlib.util
import io
from pathlib import Path

import pytest

import autodiff_lab as lab
from autodiff_lab.lessons import author, every_exercise, progress
from autodiff_lab.lessons.notebooks import read, without_regions

ROOT = Path(__file__).resolve().parents[2]
SOLUTIONS = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))
spec = importlib.util.spec_from_file_location("lesson_answers", Path(__file__).with_name("answers.py"))
answers = importlib.util.module_from_spec(spec)
spec.loader.exec_module(answers)


def code_cells(path: Path) -> list[str]:
    """The code of a notebook, without magics."""
    sources = ["".join(cell["source"]) for cell in read(path)["cells"] if cell["cell_type"] == "code"]
    return ["\n".join(line for line in source.splitlines() if not line.startswith("%")) for source in sources]


def silently(source: str, space: dict) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(source, "<cell>", "exec"), space)


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTODIFF_LAB_HOME", str(tmp_path))
    progress.forget()
    yield
    progress.forget()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem[:2])
def test_checks_refuse_what_is_wrong_and_accept_what_is_right(path):
    space, seen, faults = {}, [], []
    for source in code_cells(path):
        if "lab.check(" in source:
            _, ask = author.solution_of(source)
            key = ask.split('"' if '"' in ask else "'")[1]
            seen.append(key)
            assert source.startswith("# your turn"), f"{key}: the cell is not marked"
            stub = without_regions(source)
            verdict = author.run(stub.rsplit("lab.check(", 1)[0], ask, space, 20)
            if verdict is None or verdict.passed:
                faults.append(f"{key}: the untouched stub gives {verdict!r}")
            for right in answers.RIGHT.get(key, []):
                # In answers that need names of the stub (a dict to fill), the stub runs first.
                verdict = author.run(stub.rsplit("lab.check(", 1)[0] + "\n" + right, ask, space, 20)
                if verdict is None or not verdict.passed:
                    faults.append(f"{key}: refused a right answer, {verdict!r}:\n{right}")
            if len(answers.RIGHT.get(key, [])) < 2:
                faults.append(f"{key}: fewer than three right answers are tried")
            report = author.mutate(source, space)
            survived = [mutant for mutant in report.survived if not any(key == k and piece in mutant for k, piece in answers.EQUAL)]
            if len(survived) > 0.05 * report.total:
                faults.append(f"{key}: {report!r}")
        silently(source, space)
    assert not faults, "\n\n".join(faults)
    assert seen == [one.key for one in every_exercise(path.stem[:2])], "exercises and cells are not the same"
    assert len(seen) >= 4


def test_every_exercise_has_a_hint_and_praise():
    for one in every_exercise():
        assert one.hints and one.praise, one.key


def test_students_find_no_solution():
    for path in SOLUTIONS:
        student = read(ROOT / "notebooks" / path.name)
        text = "".join("".join(cell["source"]) for cell in student["cells"])
        assert "SOLUTION" not in text
        assert text.strip() == "".join(without_regions("".join(cell["source"])) for cell in read(path)["cells"]).strip(), f"{path.name} is not what `release` writes"


def test_committed_notebooks_hold_no_views_and_no_solved_exercise():
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = read(path)
        assert notebook["metadata"]["kernelspec"]["name"] == "python3" and "widgets" not in notebook["metadata"]
        for cell in notebook["cells"]:
            for output in cell.get("outputs", []):
                assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {})
                assert output["output_type"] != "error" and output.get("name") != "stderr", f"{path.name}: {output}"
                assert ": correct." not in "".join(output.get("data", {}).get("text/plain", ""))


def test_a_verdict_names_the_mistake_in_plain_text():
    verdict = lab.check("04-1", 0.01)
    assert not verdict.passed
    assert repr(verdict).startswith("04-1: not yet. You followed the square")
    assert 'lab.hint("04-1")' in repr(verdict)
    assert "<details" in verdict._repr_html_() and "0 of 6" in repr(verdict)


def test_hints_come_one_at_a_time():
    first, second = repr(lab.hint("00-1")), repr(lab.hint("00-1"))
    assert "Hint 1" in first and "Hint 2" not in first and "Hint 2" in second


def test_names_from_the_learner_reach_the_page_as_text():
    verdict = lab.check("11-6", "<b>step</b>")
    assert "<b>step" not in verdict._repr_html_() and "&lt;b&gt;step" in verdict._repr_html_()


def test_checking_changes_nothing():
    lab.manual_seed(3)
    expected = lab.randn(2)
    lab.manual_seed(3)

    def noisy(w, x, b):
        lab.randn(5)
        return 2 * (w * x + b) * x

    assert lab.check("00-3", noisy).passed
    assert lab.equal(lab.randn(2), expected)


def test_an_unknown_exercise_names_those_there_are():
    with pytest.raises(ValueError, match="00-1, 00-2"):
        lab.check("00-9", 1)


def test_progress_is_kept_in_one_file_only_where_a_person_works(tmp_path, monkeypatch):
    lab.check("11-3", 9.0)
    assert not progress.file().exists()
    progress.forget()
    monkeypatch.setattr(progress, "kept", lambda: True)
    lab.check("11-3", 9.0)
    progress._session.clear()
    assert progress.file().parent == tmp_path and progress.solved() == {"11-3"}
    progress.file().write_text("{ broken")
    assert progress.solved() == set()
