"""Every example in a docstring runs and prints what it says."""

import ast
import doctest
import functools
import importlib
import inspect
import re
import sys
from pathlib import Path

import pytest

import autodiff_lab as lab
from autodiff_lab.core.op import public
from autodiff_lab.lessons import checking

PACKAGE = Path(lab.__file__).parent
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def examples_of(path: Path) -> list[doctest.DocTest]:
    """One DocTest for each docstring of a file that has examples, found in its text: operators are no ordinary functions."""
    module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    known = {**vars(importlib.import_module(module)), "lab": lab}  # a file's own names, as doctest has it
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        text = ast.get_docstring(node, clean=False) if isinstance(node, DOCUMENTED) else None
        if text and ">>>" in text:
            name = getattr(node, "name", path.stem)
            found.append(doctest.DocTestParser().get_doctest(text, dict(known), name, str(path), node.body[0].lineno - 1))
    return found


FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if ">>>" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_examples_print_what_they_say(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "torch"]:  # as_torch() refuses beside the real one
        monkeypatch.delitem(sys.modules, name)
    runner, report = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS), []
    for example in examples_of(path):
        runner.run(example, out=report.append)
        lab.set_default_dtype(lab.float32)
    checking._exercises.pop("99-1", None)  # one example registers it
    assert not runner.failures, "".join(report)


def test_examples_of_generated_docstrings_print_what_they_say():
    importlib.import_module("autodiff_lab.nn.functional")
    written = {test.docstring for path in FILES for test in examples_of(path)}
    runner, report, ran = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS), [], set()
    for namespace, functions in {**public, "Tensor": vars(lab.Tensor)}.items():
        for name, function in list(functions.items()):
            text = function.__doc__ or ""
            if ">>>" in text and text not in written | ran:
                ran.add(text)
                runner.run(doctest.DocTestParser().get_doctest(text, {"lab": lab}, f"{namespace}.{name}", None, 0), out=report.append)
    assert ran
    assert not runner.failures, "".join(report)


WITHOUT = {"utils.tensorboard.SummaryWriter"}  # needs a package that this library does without


def test_what_programs_use_most_has_an_example():
    bare = []
    for line in (PACKAGE.parent / "tests" / "data" / "api_by_use.txt").read_text(encoding="utf-8").splitlines()[2:]:
        programs, name = re.match(r"\s*(\d+)\s+torch\.(\S+)", line).groups()
        if int(programs) < 4 or "__" in name or name in WITHOUT:
            continue
        try:
            found = functools.reduce(getattr, name.split("."), lab)
        except AttributeError:
            continue  # which names there are is for tests/parity
        text = inspect.getdoc(found) or ""
        if callable(found) and ">>>" not in text and not text.startswith(("In-place version", "Accepted", "Refused")):
            bare.append(name)
    assert not bare, f"these need an example in their docstring: {', '.join(bare)}"


@pytest.mark.parametrize("part", ["nn", "nn.init", "optim", "optim.lr_scheduler", "func", "autograd.functional"])
def test_what_a_learner_builds_with_has_an_example(part):
    module = importlib.import_module(f"autodiff_lab.{part}")
    public_ones = {name: getattr(module, name) for name in module.__all__}
    bare = [name for name, made in public_ones.items() if callable(made) and ">>>" not in (made.__doc__ or "") and not name.endswith("Base")]
    assert set(bare) <= {"Container", "SparseAdam"}, bare  # deprecated; refused
