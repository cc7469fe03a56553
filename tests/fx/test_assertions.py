"""What packages that trace borrow from the inside of fx: assertions as steps, attributes copied by their path."""

from __future__ import annotations

import importlib

import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed")


def traced(t) -> list:
    def square(x):
        n, m = x.shape
        t._assert(n == m, "not square")
        return t.relu(x).reshape(n * m)

    module = importlib.import_module(f"{t.__name__}.fx").symbolic_trace(square)
    text = module.code.replace(t.__name__, "torch")
    refused = []
    for call in (lambda: module(t.ones(2, 3)), lambda: square(t.ones(2, 3))):
        with pytest.raises(AssertionError) as error:
            call()
        refused.append(str(error.value).split("\n")[0])
    return [text, module(t.ones(2, 2)).tolist(), refused]


@pytest.mark.oracle
def test_an_assertion_is_a_step_of_the_graph():
    assert traced(lab) == traced(torch)


def copied(t) -> list:
    copy_attr, Module, Linear = importlib.import_module(f"{t.__name__}.fx.graph_module")._copy_attr, t.nn.Module, t.nn.Linear
    root, made = Module(), Module()
    root.part, root.part.inner = Module(), Linear(2, 3)
    root.part.constant = t.ones(1)
    for path in ("part.inner.weight", "part.constant", "part.inner.bias"):
        copy_attr(root, made, path)
    whole = Module()
    copy_attr(root, whole, "part.inner")
    copy_attr(root, whole, "part.inner.weight")
    with pytest.raises(AttributeError):
        copy_attr(root, whole, "part.nothing")
    return [list(made.state_dict()), list(whole.state_dict()), whole.part.inner is root.part.inner, made.part.inner.weight is root.part.inner.weight]


@pytest.mark.oracle
def test_attributes_are_copied_by_their_path():
    assert copied(lab) == copied(torch)
