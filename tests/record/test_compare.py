"""Diff finds exactly the edits that were made, on pairs of dynamic programs."""

import pytest

import autodiff_lab as lab
from autodiff_lab.core import observe
from autodiff_lab.record.build import build
from autodiff_lab.record.compare import compare
from autodiff_lab.record.recorder import Recorder

from .test_names import SETUP, run_cell

BRANCH = "def f(flag, n=2):\n    h = w * x\n    if flag:\n        h = lab.tanh(h)\n    else:\n        h = lab.exp(h)\n    for t in range(n):\n        h = h + w\n    return h * 2\n"
SHAPES = "def f(n):\n    a = lab.ones(n, requires_grad=True)\n    s = a * 2\n    return s.sum()\n"

# Pairs that run the same code: definition, first call, second call, expected (kind, line, was, now).
SAME_CODE = {
    "the same": (BRANCH, "f(True)", "f(True)", []),
    "the other branch": (BRANCH, "f(True)", "f(False)", [("removed", 4, "", ""), ("added", 6, "", "")]),
    "more turns": (BRANCH, "f(True, 2)", "f(True, 5)", [("turns", 8, "2", "5")]),
    "fewer turns": (BRANCH, "f(True, 3)", "f(True, 1)", [("turns", 8, "3", "1")]),
    "no turn at all": (BRANCH, "f(True, 2)", "f(True, 0)", [("removed", 8, "", "")]),
    "branch and turns": (BRANCH, "f(False, 1)", "f(True, 2)", [("added", 4, "", ""), ("removed", 6, "", ""), ("turns", 8, "1", "2")]),
    "another shape": (SHAPES, "f(3)", "f(4)", [("shape", 3, "3", "4")]),
    "another exponent": ("def f(n):\n    return w ** n\n", "f(2)", "f(3)", [("changed", 2, "pow 2", "pow 3")]),
    "early return": ("def f(flag):\n    h = w * x\n    if flag: return h\n    return h.exp()\n", "f(True)", "f(False)", [("added", 4, "", "")]),
    "while": ("def f(n):\n    h = w * 2\n    while h < n:\n        h = h * 2\n    return h\n", "f(20)", "f(200)", [("turns", 4, "3", "6")]),
    "recursion": ("def f(n):\n    return w * 1 if n == 0 else f(n - 1) + w\n", "f(1)", "f(4)", [("turns", 2, "1", "4")]),
    "comprehension": ("def f(n):\n    return sum([w * k for k in range(n)])\n", "f(2)", "f(3)", [("turns", 2, "2", "3"), ("turns", 2, "2", "3")]),
}

# Pairs of edited cells: (first, second, expected (kind, line of the second or first)).
EDITED = {
    "operator added": ("y = w * x + b", "y = lab.tanh(w * x + b)", [("added", 1)]),
    "operator removed": ("y = lab.tanh(w * x) + b", "y = w * x + b", [("removed", 1)]),
    "operator replaced": ("y = lab.tanh(w * x)", "y = lab.exp(w * x)", [("changed", 1)]),
    "line added": ("h = w * x\ny = h + b", "h = w * x\nh = h.exp()\ny = h + b", [("added", 2)]),
    "line removed": ("h = w * x\nh = h.exp()\ny = h + b", "h = w * x\ny = h + b", [("removed", 2)]),
    "number changed": ("y = w ** 2", "y = w ** 3", [("changed", 1)]),
    "only spaces": ("y = w*x+b", "y = w * x + b", []),
    "renamed": ("h = w * x\ny = h + b", "q = w * x\nz = q + b", []),
    "two added": ("y = w * x", "y = lab.tanh(lab.exp(w * x))", [("added", 1), ("added", 1)]),
}


def record(namespace, text, name):
    recorder = observe.attach(Recorder())
    try:
        run_cell(text, namespace, name)
    finally:
        observe.detach(recorder)
    return build(recorder, [list(recorder.entries)[-1]], label=lambda f: f)


@pytest.mark.parametrize("title", SAME_CODE)
def test_two_calls_of_one_function(title):
    code, first, second, expected = SAME_CODE[title]
    namespace = {"lab": lab}
    run_cell(SETUP, namespace, "<setup>")
    run_cell(code, namespace, "<code>")
    changes, _ = compare(record(namespace, f"y = {first}", "<first>"), record(namespace, f"y = {second}", "<second>"))
    assert [(c.kind, c.line, c.was, c.now) for c in changes] == expected


@pytest.mark.parametrize("title", EDITED)
def test_an_edited_cell(title):
    first, second, expected = EDITED[title]
    namespace = {"lab": lab}
    run_cell(SETUP, namespace, "<setup>")
    changes, _ = compare(record(namespace, first, "<first>"), record(namespace, second, "<second>"))
    assert [(c.kind, c.line) for c in changes] == expected
