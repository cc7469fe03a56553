"""Tries every exercise: its stub, what is wrong, what is right. `python tests/lessons/trial.py [NOTEBOOK...]` prints the table.

Wrong is every program that differs from the solution by one small mistake (`lab.author.mutate`); right are the solution
itself and what other people would write (`answers.py`), which also lists usual mistakes and the words that must name them.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autodiff_lab.lessons import author
from autodiff_lab.lessons.notebooks import read, without_regions

SOLUTIONS = sorted((Path(__file__).resolve().parents[2] / "notebooks" / "solutions").glob("*.ipynb"))
spec = importlib.util.spec_from_file_location("lesson_answers", Path(__file__).with_name("answers.py"))
assert spec and spec.loader
answers = importlib.util.module_from_spec(spec)
spec.loader.exec_module(answers)


@dataclass
class Trial:
    """What came out for one exercise."""

    key: str
    marked: bool
    stub_refused: bool
    right: int  # of the right answers tried, the solution among them
    accepted: int
    mutants: int
    caught: int
    unnamed: int  # usual mistakes that were met with other words
    faults: list[str] = field(default_factory=list)

    @property
    def fair(self) -> bool:
        return self.marked and self.unnamed == 0 and self.stub_refused and self.accepted == self.right >= 3 and self.caught >= 0.95 * self.mutants


def code_cells(path: Path) -> list[str]:
    """The code of a notebook, without magics."""
    sources = ["".join(cell["source"]) for cell in read(path)["cells"] if cell["cell_type"] == "code"]
    return ["\n".join(line for line in source.splitlines() if not line.startswith("%")) for source in sources]


def trials(path: Path) -> Iterator[Trial]:
    """Every exercise of a solution notebook, in order, with the names that the cells before it have made."""
    space: dict = {}
    for source in code_cells(path):
        if "lab.check(" in source:
            yield tried(source, space)
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(source, "<cell>", "exec"), space)


def tried(source: str, space: dict) -> Trial:
    _, ask = author.solution_of(source)
    key = ask.split('"' if '"' in ask else "'")[1]
    faults = []
    # In answers that need names of the stub (a dict to fill), the stub runs first.
    stub = without_regions(source).rsplit("lab.check(", 1)[0]
    verdict = author.run(stub, ask, space, 20)
    refused = verdict is not None and not verdict.passed
    if not refused:
        faults.append(f"{key}: the untouched stub gives {verdict!r}")
    others = answers.RIGHT.get(key, [])
    accepted = 1  # the solution: `mutate` raises if it does not pass
    for right in others:
        verdict = author.run(f"{stub}\n{right}", ask, space, 20)
        accepted += verdict is not None and verdict.passed
        if verdict is None or not verdict.passed:
            faults.append(f"{key}: refused a right answer, {verdict!r}:\n{right}")
    unnamed = 0
    for _, wrong, words in (entry for entry in answers.WRONG if entry[0] == key):
        verdict = author.run(f"{stub}\n{wrong}", ask, space, 20)
        if verdict is None or verdict.passed or words.lower() not in verdict.problem.lower():
            unnamed += 1
            faults.append(f"{key}: a mistake is not named ({words!r}), but {verdict!r}:\n{wrong}")
    report = author.mutate(source, space)
    equal = [mutant for mutant in report.survived if any(key == k and piece in mutant for k, piece in answers.EQUAL)]
    survived = [mutant for mutant in report.survived if mutant not in equal]
    faults += [f"{key}: got through:\n{mutant}" for mutant in survived]
    mutants = report.total - len(equal)
    return Trial(key, source.startswith("# your turn"), refused, 1 + len(others), accepted, mutants, mutants - len(survived), unnamed, faults)


def main(paths: list[Path]) -> int:
    warnings.simplefilter("ignore")  # mutants divide by 0
    print(f"{'exercise':<10} {'stub':<8} {'right answers':<14} mutants caught")
    total, caught, unfair = 0, 0, []
    for path in paths or SOLUTIONS:
        for trial in trials(path):
            share = f"{trial.caught} of {trial.mutants}"
            print(f"{trial.key:<10} {'refused' if trial.stub_refused else 'PASSED':<8} {f'{trial.accepted} of {trial.right}':<14} {share:<12} {trial.caught / max(1, trial.mutants):.0%}", flush=True)
            total, caught = total + trial.mutants, caught + trial.caught
            unfair += [] if trial.fair else trial.faults or [trial.key]
    print(f"{'all':<33} {f'{caught} of {total}':<12} {caught / max(1, total):.1%}")
    print("\n".join(unfair), file=sys.stderr)
    return int(bool(unfair))


if __name__ == "__main__":
    raise SystemExit(main([Path(name) for name in sys.argv[1:]]))
