"""Random programs over a growing pool of tensors give PyTorch's answers, statement by statement.

They mix what the programs of test_views_machine keep apart: numbers of several types and NumPy's arrays, hooks, functions
with a backward of their own, gradients in the middle of a program, assigned data and the modes of recording.
hypothesis shrinks a disagreement to the shortest program that shows it; those found go to test_composed_programs.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import autodiff_lab as lab

from . import composed

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these programs")

EXAMPLES = int(os.environ.get("AUTODIFF_LAB_EXAMPLES", "50"))  # more of them for a thorough search
pytestmark = pytest.mark.oracle

FUNCTIONS = """
class Triple(T.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        x.mul_(3)
        ctx.mark_dirty(x)
        return x
    @staticmethod
    def backward(ctx, grad):
        return grad * 3

class Square(T.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        positive = x > 0
        ctx.mark_non_differentiable(positive)
        return x * x, positive
    @staticmethod
    def backward(ctx, grad, _):
        x, = ctx.saved_tensors
        LOG.append(grad.detach().clone())
        return 2 * x * grad

class Same(T.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x
    @staticmethod
    def backward(ctx, grad):
        return grad * 5

class Halves(T.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        return x * 0.5, x * 0.25
    @staticmethod
    def backward(ctx, first, second):
        LOG.append((first is None, second is None))
        return (0 if first is None else first * 0.5) + (0 if second is None else second * 0.25)

def note(grad):
    LOG.append((grad.detach().clone(), grad.requires_grad))

def note_leaf(leaf):
    LOG.append(leaf.grad.detach().clone())
"""

NEW = (
    "(T.arange(6.).double() * 0.5 - 1).reshape(2, 3)", "(T.arange(4.) * 0.5 - 0.7).reshape(2, 2)", "T.arange(3.).double() - 0.9", "T.tensor(0.7)", "T.arange(3)", "T.tensor([True, False, True])",
    "(T.arange(6.).double() * 0.3 - 0.8).reshape(2, 3).clone().requires_grad_()", "T.tensor([0.3, -0.4, 0.9], dtype=T.float64, requires_grad=True)", "T.ones(1, 3, requires_grad=True)",
    "T.tensor(-0.6, dtype=T.float64, requires_grad=True)", "(T.arange(3.) - 1).half()", "T.ones(3, 2).t()",
)
RESULTS = (
    "{a}.sin()", "{a} * {b}", "{a} + {b}", "2 - {a}", "{a} * 0.5", "{a}.sum()", "{a}.sum(0)", "{a}.tanh()", "{a}.clone()", "{a}.detach()", "{a}.data", "{a}.cumsum(0)", "{a}.flip(0)", "{a} @ {b}", "{a} ** 2",
    "T.cat([{a}, {b}])", "T.stack([{a}, {b}])", "T.where({a} > 0, {a}, {b})", "T.maximum({a}, {b})", "{a}.float()", "{a}.double()", "{a}.to(T.int64)", "{a}.softmax(-1)", "{a}.max()", "{a}.amax(0)",
    "{a}.new_zeros(2)", "T.nn.Parameter({a}.detach().double())", "{a} > {b}", "T.tensor([{a}.detach().sum(), 1.5])",
    "{a}[0]", "{a}[..., -1]", "{a}[None]", "{a}[:, None]", "{a}[::2]", "{a}[1:]", "{a}[{a} > 0]", "{a}.index_select(0, T.tensor([0]))", "{a}[..., :2]", "{a}.t()", "{a}.reshape(-1)", "{a}.view(-1)", "{a}.transpose(0, -1)",
    "{a}.expand(2, *{a}.shape).clone()", "{a}.squeeze()", "{a}.unsqueeze(-1)", "{a}.diagonal()", "{a}.unbind(0)[0]", "{a}.split(1)[-1]", "{a}.chunk(2)[0]", "{a}.narrow(0, 0, 1)", "{a}.view_as({a})",
    "Triple.apply({a})", "Square.apply({a})[0]", "Same.apply({a})", "Halves.apply({a})[1]",
    "T.autograd.grad(({a} * {a}).sum(), {b}, retain_graph=True, allow_unused=True)[0]", "T.autograd.grad(({a} * {a}).sum(), {b}, create_graph=True)[0]", "T.autograd.grad({a}.sin().sum(), [{b}, {a}], retain_graph=True)[1]",
    "{a} * np.float64(2)", "np.float32(3) - {a}", "{a}.detach() * n1", "T.from_numpy(n1)", "T.as_tensor(n1)", "T.rand_like({a})", "F.dropout({a}.double(), 0.5)", "F.mse_loss({a}, {b})",
)
ACTIONS = (
    "{a}.mul_(0.5)", "{a} += {b}", "{a} *= {b}", "{a} -= 1", "{a}.copy_({b})", "{a}.zero_()", "{a}.tanh_()", "{a}.exp_()", "{a}[0] = 0.5", "{a}[0] = {b}", "{a}[..., -1] = {b}",
    "{a}[[0, -1]] = 0.25", "{a}[{a} > 0] = 0.25", "{a}[T.tensor([0])] = {b}[:1]", "{a}[1:] *= 2", "{a}.view(-1)[0] = 3", "{a}.masked_fill_({a} > 0, 0.5)", "{a}.index_fill_(0, T.tensor([0]), 0.4)",
    "{a}.addcmul_({b}, {b}, value=0.5)", "{a}.clamp_(-1, 1)", "{a}.diagonal().fill_(0.3)", "{a}.unbind(0)[0].mul_(2)", "{a}.index_put_((T.tensor([0, 0]),), {b}, accumulate=True)",
    "{a}.requires_grad_()", "{a}.data = {a}.detach() * 0.5", "{a}.data.mul_(0.5)", "{a}.detach().add_(1)",
    "{a}.sum().backward()", "{a}.sum().backward(retain_graph=True)", "({a} * {b}).sum().backward()", "({a} * {b}).sum().backward(retain_graph=True)", "({a} * {a}).sum().backward(create_graph=True)",
    "({a} * {b}).sum().backward(inputs=[{b}], retain_graph=True)", "{a}.backward(T.ones_like({a}))", "{a}.grad = None", "{a}.grad.mul_(2)", "{a}.retain_grad()", "{a}.register_hook(lambda g: g * 2)", "{a}.register_hook(note)",
    "{a}.register_post_accumulate_grad_hook(note_leaf)", "{a}.grad_fn.register_prehook(lambda g: (g[0] * 3, *g[1:]))", "handle = {a}.register_hook(note)", "handle.remove()",
    "n1 = {a}.detach().numpy()", "n1[...] = 0.5", "n1 = n1 + {a}.detach().numpy()", "T.set_grad_enabled(False)", "T.set_grad_enabled(True)", "T.manual_seed(3)",
)
MODES = ("", "", "", "", "with T.no_grad(): ", "with T.enable_grad(): ")
POOL = 6


@st.composite
def statements(draw) -> str:
    a, b, n = (f"t{draw(st.integers(1, POOL))}" for _ in range(3))
    kind = draw(st.sampled_from(("new", "result", "result", "result", "action", "action", "action")))
    if kind == "new":
        return f"{n} = {draw(st.sampled_from(NEW))}"
    text = f"{n} = " + draw(st.sampled_from(RESULTS)) if kind == "result" else draw(st.sampled_from(ACTIONS))
    if kind == "result" or "backward" not in text:
        text = draw(st.sampled_from(MODES)) + text
    return text.replace("{a}", a).replace("{b}", b)


def begun(T) -> dict:
    names = composed.environment(T)
    exec(FUNCTIONS, names)
    for i, text in enumerate((NEW[0], NEW[6], NEW[7], NEW[4], NEW[2], NEW[9])):
        exec(f"t{i + 1} = {text}", names)
    exec("n1 = np.ones(3)", names)
    return names


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(st.lists(statements(), min_size=6, max_size=16))
def test_every_statement_gives_pytorchs_answer(program):
    theirs, ours = begun(torch), begun(lab)
    try:
        for statement in program:
            errors = composed.run(theirs, statement), composed.run(ours, statement)
            if errors[0] is not None and errors[1] is not None:
                continue  # which of two errors comes first is the library's business
            assert errors[0] == errors[1], f"{statement}: PyTorch raises {errors[0]}, we {errors[1]}"
            found = composed.difference(torch, lab, theirs, ours, memory_too=False)
            assert found is None, f"{statement}: {found}"
    finally:
        torch.set_grad_enabled(True)
        lab.set_grad_enabled(True)
