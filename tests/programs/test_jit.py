"""`jit.trace` against PyTorch: what a traced function or module answers, what tracing refuses."""

from __future__ import annotations

import warnings

import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch")




def outcome(library, call):
    library.manual_seed(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return repr(call(library))
    except Exception as error:  # compared with PyTorch's
        return type(error).__name__, str(error).split("\n")[0].split(". Declaration")[0].rstrip(".")


def linear(t):
    return t.jit.trace(t.nn.Linear(2, 3), t.ones(1, 2))


def shared(t):
    m = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.ReLU())
    traced = t.jit.trace(m, t.ones(1, 2))
    with t.no_grad():
        m[0].weight.fill_(1.0)
    return traced(t.ones(1, 2)), list(traced.state_dict()), [name for name, _ in traced.named_parameters()], traced.training, isinstance(traced, t.nn.Module)


@pytest.mark.parametrize("call", [
    lambda t: linear(t)(t.ones(4, 2)),
    lambda t: linear(t).original_name,
    lambda t: isinstance(linear(t), t.jit.ScriptModule),
    lambda t: isinstance(t.nn.Linear(1, 1), t.jit.ScriptModule),
    lambda t: linear(t)(1),
    lambda t: linear(t)(),
    lambda t: repr(linear(t)),
    shared,
    lambda t: t.jit.trace(lambda x: (x * 2, x + 1), t.ones(2))(t.zeros(3)),
    lambda t: t.jit.trace(lambda x, y: x * y, (t.ones(2), t.ones(2)))(t.ones(1), t.ones(1)),
    lambda t: t.jit.trace(lambda x, y: x * y, example_kwarg_inputs={"x": t.ones(2), "y": t.ones(2)})(x=t.ones(1), y=t.ones(1)),
    lambda t: t.jit.trace(lambda x: {"a": x * 2}, t.ones(1), strict=False)(t.ones(1)),
    lambda t: t.jit.trace(lambda x: x * 2, t.ones(1)).name,
    lambda t: isinstance(t.jit.trace(lambda x: x * 2, t.ones(1)), t.jit.ScriptFunction),
    lambda t: t.jit.trace(lambda x: x * 2, t.ones(1))(1),
    lambda t: t.jit.trace(lambda x: 3, t.ones(1)),
    lambda t: t.jit.trace(lambda x: {"a": x * 2}, t.ones(1)),
    lambda t: t.jit.trace(lambda x: x * 2, [3]),
    lambda t: t.jit.trace(lambda x: x * 2, 3),
    lambda t: t.jit.trace(None, t.ones(1)),
    lambda t: t.jit.trace(traced := linear(t), t.ones(1, 2)) is traced,
    lambda t: t.jit.trace_module(t.nn.Linear(2, 3), {"forward": t.ones(1, 2)})(t.ones(2)),
    lambda t: t.jit.trace_module(3, {}),
    lambda t: t.jit.annotate(int, 3),
    lambda t: t.jit.wait(t.jit.fork(lambda x: x + 1, t.ones(1))),
])
def test_traced_code_answers_as_in_pytorch(call):
    assert outcome(lab, call) == outcome(torch, call)


def test_a_function_that_gives_something_else_each_time_is_warned_of():
    with pytest.warns(lab.jit.TracerWarning, match="random numbers"):
        lab.jit.trace(lambda x: x + lab.rand(1), lab.ones(1))


@pytest.mark.parametrize("name", ["code", "graph"])
def test_code_and_graphs_are_refused_with_the_reason(name):
    for traced in (linear(lab), lab.jit.trace(lambda x: x * 2, lab.ones(1))):
        with pytest.raises(AttributeError, match="run your Python code as it is"):
            getattr(traced, name)


def test_traced_modules_are_not_saved():
    with pytest.raises(RuntimeError, match="Save the state_dict"):
        linear(lab).save("x")
