"""What a tensor's `grad_fn` shows of products: the names and the order that PyTorch's nodes have."""

from __future__ import annotations

import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


def tree(node) -> str:
    if node is None:
        return "None"
    below = ", ".join(tree(n) for n, _ in node.next_functions)
    return f"{node.name()}({below})" if below else node.name()


@pytest.mark.parametrize("shape", [(3,), (2, 3), (5, 2, 3)])
@pytest.mark.parametrize("wants", ["input", "weight", "bias", "input weight bias"])
@pytest.mark.parametrize("with_bias", [True, False])
def test_linear_shows_the_steps_that_pytorch_takes(shape, wants, with_bias):
    found = []
    for library in (lab, torch):
        given = {"input": library.zeros(*shape), "weight": library.zeros(4, 3), "bias": library.zeros(4)}
        for name in wants.split():
            given[name].requires_grad_()
        result = library.nn.functional.linear(given["input"], given["weight"], given["bias"] if with_bias else None)
        found.append(tree(result.grad_fn))
    assert found[0] == found[1]


@pytest.mark.parametrize("shapes", [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (5, 3, 4)), ((5, 2, 3), (3,))])
def test_a_product_is_called_what_pytorch_calls_it(shapes):
    names = [(library.zeros(shapes[0], requires_grad=True) @ library.zeros(shapes[1])).grad_fn.name() for library in (lab, torch)]
    assert names[0] == names[1]
