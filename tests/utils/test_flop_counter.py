"""Counts of multiplications and additions are PyTorch's, by module and operator."""

from __future__ import annotations

import importlib

import pytest

torch = pytest.importorskip("torch")


def network(t):
    return t.nn.Sequential(t.nn.Linear(10, 20), t.nn.ReLU(), t.nn.Sequential(t.nn.Linear(20, 5, bias=False)))


PROGRAMS = {
    "training step": lambda t: network(t)(t.randn(4, 10)).sum().backward(),
    "inference": lambda t: network(t)(t.randn(4, 10)),
    "input gradient": lambda t: network(t)(t.randn(4, 10, requires_grad=True)).sum().backward(),
    "convolution": lambda t: t.nn.Conv2d(4, 8, 3, padding=1, groups=2, bias=False)(t.randn(2, 4, 16, 16)).sum().backward(),
    "convolution and input": lambda t: t.nn.Conv2d(3, 8, 3, stride=2)(t.randn(2, 3, 16, 16, requires_grad=True)).sum().backward(),
    "transposed": lambda t: t.nn.ConvTranspose2d(3, 4, 2, bias=False)(t.ones(1, 3, 5, 5)),
    "products": lambda t: [t.randn(3, 4) @ t.randn(4, 5), t.randn(2, 3, 4) @ t.randn(2, 4, 5), t.randn(4) @ t.randn(4), t.randn(3, 4) @ t.randn(4)],
    "addmm": lambda t: [t.addmm(t.zeros(4, 4), t.ones(4, 3), t.ones(3, 4, requires_grad=True)).sum().backward(), t.baddbmm(t.zeros(2, 3, 3), t.ones(2, 3, 4), t.ones(2, 4, 3))],
    "nothing": lambda t: t.ones(2) + 1,
}


def counts(name: str, program) -> dict:
    library, counter = importlib.import_module(name), importlib.import_module(f"{name}.utils.flop_counter").FlopCounterMode(display=False)
    with counter:
        program(library)
    return {path: {str(op): n for op, n in found.items()} for path, found in counter.get_flop_counts().items() if found}


@pytest.mark.parametrize("name", PROGRAMS)
def test_counts_are_those_of_pytorch(name):
    assert counts("autodiff_lab", PROGRAMS[name]) == counts("torch", PROGRAMS[name])


def test_the_table_shows_modules_and_shares(capsys):
    import autodiff_lab as lab
    from autodiff_lab.utils.flop_counter import FlopCounterMode

    with FlopCounterMode():
        lab.nn.Sequential(lab.nn.Linear(10, 200), lab.nn.Linear(200, 5))(lab.ones(4, 10))
    assert capsys.readouterr().out.splitlines() == [
        "Module             FLOP    % Total", "--------------  -------  ---------", "Sequential      24.000K    100.00%", " - aten.addmm   24.000K    100.00%",
        " Sequential.0   16.000K     66.67%", "  - aten.addmm  16.000K     66.67%", " Sequential.1    8.000K     33.33%", "  - aten.addmm   8.000K     33.33%"]
