"""Operators of one's own: the same program gives the same answers, gradients and refusals in both libraries."""

from __future__ import annotations

import importlib
import typing

import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch")
_count = iter(range(1000))


def annotated(function, **kinds):
    function.__annotations__ = {("return" if k == "returns" else k): v for k, v in kinds.items()}
    return function


def story(t) -> list:
    library, T, space, out = importlib.import_module(f"{t.__name__}.library"), t.Tensor, f"space{next(_count)}", []

    def note(call):
        try:
            out.append(repr(call()))
        except Exception as error:
            out.append(f"{type(error).__name__}: {error}".replace("autodiff_lab.core.tensor.Tensor", "torch.Tensor"))

    def make(name, function, mutates=(), **kinds):
        function.__name__ = name
        return library.custom_op(f"{space}::{name}", annotated(function, **kinds), mutates_args=mutates)

    scaled = make("scaled", lambda x, k: x * k, x=T, k=float, returns=T)
    note(lambda: scaled(t.ones(2), 2.0))
    note(lambda: scaled(t.ones(2, requires_grad=True), 2.0).grad_fn.name())
    note(lambda: scaled(t.ones(2, requires_grad=True), 2.0).sum().backward())
    note(lambda: getattr(t.ops, space).scaled(t.ones(2), k=3))
    note(lambda: scaled(t.ones(2)))
    note(lambda: scaled(t.ones(2), 1.0, 2.0))
    note(lambda: scaled(1, 1.0))
    note(lambda: scaled(t.ones(2, device="meta"), 2.0))
    scaled.register_fake(lambda x, k: t.empty_like(x))
    note(lambda: scaled(t.ones(2, device="meta"), 2.0))

    square = make("square", lambda x: x * x, x=T, returns=T)
    square.register_autograd(lambda ctx, grad: 2 * ctx.saved_tensors[0] * grad, setup_context=lambda ctx, inputs, output: ctx.save_for_backward(*inputs))
    x = t.tensor([3.0], requires_grad=True)
    square(square(x)).backward()
    out += [x.grad.tolist(), t.autograd.gradcheck(square, (t.tensor([3.0], dtype=t.float64, requires_grad=True),))]
    library.register_autograd(f"{space}::scaled", lambda ctx, grad: (grad * 10, None))
    x.grad = None
    scaled(x, 2.0).backward()
    out.append(x.grad.tolist())

    a = t.ones(1)
    add_to = make("add_to", lambda x, y: x.add_(y) and None, ("x",), x=T, y=T, returns=None)
    add_to(a, a + 1)
    out += [a.tolist(), add_to._schema]
    note(lambda: make("wrong", lambda x: 3, x=T, returns=T)(t.ones(1)))
    two = make("two", lambda x, n, s="a", l=None, i=None, *, d=t.float32: (x + 1, x * n), x=T, n=int, s=str, l=typing.Optional[T],  # noqa: UP045
               i=typing.Optional[typing.Sequence[int]], d=t.dtype, returns=typing.Tuple[T, T])  # noqa: UP006, UP045
    out.append(two._schema)
    note(lambda: two(t.ones(1), 2))
    note(lambda: two(t.ones(1), n=3, d=t.float64))
    note(lambda: make("bare", lambda x: x))
    note(lambda: make("unreturned", lambda x: x, x=T))
    note(lambda: make("stars", lambda *x: x, x=T, returns=T))
    note(lambda: library.custom_op("nameless", annotated(lambda x: x, x=T, returns=T), mutates_args=()))
    note(lambda: make("unknown", lambda x: x, ("y",), x=T, returns=T))
    made = library.Library(f"{space}x", "DEF")
    made.define("twice(Tensor x, float k=2) -> Tensor")
    made.impl("twice", lambda x, k=2: x * k, "CPU")
    note(lambda: getattr(t.ops, f"{space}x").twice(t.ones(1)))
    return [str(each).replace(space, "space").split("Cast error")[0] for each in out]


def test_custom_operators_live_as_in_pytorch():
    assert story(lab) == story(torch)


@pytest.mark.parametrize("library", [lab, torch], ids=["here", "in PyTorch"])
def test_a_custom_operator_may_not_return_its_argument(library):
    same = importlib.import_module(f"{library.__name__}.library").custom_op(
        f"space{next(_count)}::same", annotated(lambda x: x, x=library.Tensor, returns=library.Tensor), mutates_args=())
    with pytest.raises(RuntimeError, match="must not also be an input"):
        same(library.ones(1))
