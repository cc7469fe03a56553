"""Every exercise: its check refuses the stub and what is wrong, and accepts what is right. The solutions run."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

import autodiff_lab as lab
from autodiff_lab.lessons import every_exercise, progress
from autodiff_lab.lessons.notebooks import read, without_regions

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("lesson_trial", Path(__file__).with_name("trial.py"))
trial = importlib.util.module_from_spec(spec)
sys.modules["lesson_trial"] = trial  # dataclasses look their module up
spec.loader.exec_module(trial)
SOLUTIONS = trial.SOLUTIONS


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTODIFF_LAB_HOME", str(tmp_path))
    progress.forget()
    yield
    progress.forget()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem[:2])
def test_checks_refuse_what_is_wrong_and_accept_what_is_right(path):
    found = list(trial.trials(path))
    assert not [fault for one in found if not one.fair for fault in one.faults or [f"{one.key}: not marked, or fewer than three right answers"]]
    assert [one.key for one in found] == [one.key for one in every_exercise(path.stem[:2])], "exercises and cells are not the same"
    assert len(found) >= 4


def test_every_exercise_has_a_ladder_of_hints_and_praise():
    for one in every_exercise():
        assert len(one.hints) >= 2 and one.praise, one.key
    assert {key for key, *_ in trial.answers.WRONG} <= {one.key for one in every_exercise()}


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


def test_a_check_that_is_stopped_shows_nothing_of_itself():
    def endless(w, x, b):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="Does a loop in your answer ever end") as caught:
        lab.check("00-3", endless)
    assert [entry.name for entry in caught.traceback][-1] == "check" and caught.value.__suppress_context__
    assert "raised SystemExit" in repr(lab.check("00-3", lambda w, x, b: sys.exit(1)))


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
