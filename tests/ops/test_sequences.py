"""torch.lstm and its kin, cells, and torch.embedding_bag: the same numbers and gradients as PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}


def both(array, grad: bool = False):
    """The same array as a leaf on both sides."""
    mine, theirs = lab.tensor(array), torch.tensor(array)
    return (mine.requires_grad_(), theirs.requires_grad_()) if grad else (mine, theirs)


def same(mine, theirs) -> None:
    assert str(mine.dtype) == str(theirs.dtype)
    assert tuple(mine.shape) == tuple(theirs.shape)
    tolerance = 1e-6 if mine.dtype is lab.float32 else 1e-9
    assert np.allclose(np.asarray(mine.detach()), theirs.detach().numpy(), tolerance, tolerance)


def parameters(rng, kind: str, layers: int, directions: int, biases: bool, inputs: int = 3, hidden: int = 4):
    rows, found = GATES[kind] * hidden, []
    for layer in range(layers):
        for _ in range(directions):
            shapes = [(rows, inputs if layer == 0 else hidden * directions), (rows, hidden)] + [(rows,)] * (2 if biases else 0)
            found += [both(rng.normal(size=s), True) for s in shapes]
    return found


@pytest.mark.parametrize("kind", sorted(GATES))
@pytest.mark.parametrize(("layers", "directions", "biases", "batch_first"), [(1, 1, True, False), (2, 2, True, True), (2, 1, False, False)])
def test_sequences_through_layers(kind, layers, directions, biases, batch_first):
    rng = np.random.default_rng(0)
    weights = parameters(rng, kind, layers, directions, biases)
    x = both(rng.normal(size=(2, 5, 3) if batch_first else (5, 2, 3)), True)
    states = [both(rng.normal(size=(layers * directions, 2, 4)), True) for _ in range(2 if kind == "lstm" else 1)]
    results = []
    for side, library in enumerate((lab, torch)):
        hx = tuple(s[side] for s in states) if kind == "lstm" else states[0][side]
        found = getattr(library, kind)(x[side], hx, [w[side] for w in weights], biases, layers, 0.0, False, directions == 2, batch_first)
        sum(f.sum() for f in found).backward()
        results.append(found)
    for mine, theirs in zip(*results, strict=True):
        same(mine, theirs)
    for mine, theirs in [x, *states, *weights]:
        same(mine.grad, theirs.grad)


@pytest.mark.parametrize("kind", sorted(GATES))
def test_packed_sequences_through_a_layer(kind):
    rng = np.random.default_rng(1)
    weights, rows = parameters(rng, kind, 1, 1, True), both(rng.normal(size=(6, 3)))
    states, sizes = [both(rng.normal(size=(1, 3, 4))) for _ in range(2 if kind == "lstm" else 1)], both(np.array([3, 2, 1]))
    results = []
    for side, library in enumerate((lab, torch)):
        hx = tuple(s[side] for s in states) if kind == "lstm" else states[0][side]
        results.append(getattr(library, kind)(rows[side], sizes[side], hx, [w[side] for w in weights], True, 1, 0.0, False, False))
    for mine, theirs in zip(*results, strict=True):
        same(mine, theirs)


@pytest.mark.parametrize("kind", sorted(GATES))
@pytest.mark.parametrize("biases", [True, False])
def test_single_steps(kind, biases):
    rng = np.random.default_rng(2)
    weights, x = parameters(rng, kind, 1, 1, biases), both(rng.normal(size=(2, 3)))
    states, name = [both(rng.normal(size=(2, 4))) for _ in range(2)], f"{kind}_cell"
    results = []
    for side, library in enumerate((lab, torch)):
        hx = tuple(s[side] for s in states) if kind == "lstm" else states[0][side]
        found = getattr(library, name)(x[side], hx, *(w[side] for w in weights))
        results.append(found if kind == "lstm" else (found,))
    for mine, theirs in zip(*results, strict=True):
        same(mine, theirs)


@pytest.mark.parametrize("mode", [0, 1, 2])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("padding", [None, 2])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_embedding_bags_and_where_they_came_from(mode, last, padding, kind):
    rng = np.random.default_rng(3)
    table, numbers, starts = both(rng.normal(size=(5, 3)).astype(kind), True), both(np.array([0, 1, 2, 2, 4])), both(np.array([0, 2, 2, 5] if last else [0, 2, 2]))
    arguments = (False, mode, False, None, last) if padding is None else (False, mode, False, None, last, padding)
    results = []
    for side, library in enumerate((lab, torch)):
        found = library.embedding_bag(table[side], numbers[side], starts[side], *arguments)
        found[0].sum().backward()
        results.append(found)
    for mine, theirs in zip(*results, strict=True):
        same(mine, theirs)
    same(table[0].grad, table[1].grad)


def test_rows_too_long_are_shortened_in_place():
    table = both(np.full((4, 3), 3.0))
    for side, library in enumerate((lab, torch)):
        assert library.embedding_renorm_(table[side], both(np.array([0, 2]))[side], 1.0, 2.0) is table[side]
    same(*table)
