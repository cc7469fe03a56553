"""An infinite or NaN gradient reaches what it belongs to and nothing else: 0 times infinity would be NaN."""

from __future__ import annotations

import math

import pytest

import autodiff_lab as lab

F = lab.nn.functional
FLAT = {  # a function, and a place where it has no slope
    "relu": (F.relu, -1.0), "relu6": (F.relu6, 7.0), "hardtanh": (F.hardtanh, 3.0), "hardsigmoid": (F.hardsigmoid, 4.0), "hardswish": (F.hardswish, -4.0),
    "threshold": (lambda x: F.threshold(x, 0.0, 0.0), -1.0), "hardshrink": (F.hardshrink, 0.2), "softshrink": (F.softshrink, 0.2), "clamp": (lambda x: x.clamp(0, 1), 2.0),
    "sign": (lab.sign, 1.0), "round": (lab.round, 1.2), "floor": (lab.floor, 1.2), "power of 0": (lambda x: x ** 0, 2.0),
}
PICKS = {
    "max": lambda x: x.max(), "min": lambda x: x.min(), "median": lambda x: x.median(), "diag": lambda x: x.diag(), "max_pool": lambda x: F.max_pool1d(x[None], 2),
    "overlapping max_pool": lambda x: F.max_pool1d(x[None], 2, 1), "index": lambda x: x[0, :1], "masked_select": lambda x: x[x == 4.0],
}


@pytest.mark.parametrize("upstream", [math.inf, math.nan])
@pytest.mark.parametrize(("function", "place"), FLAT.values(), ids=FLAT)
def test_where_there_is_no_slope_the_gradient_is_zero(function, place, upstream):
    x = lab.tensor([place], requires_grad=True)
    function(x).backward(lab.tensor([upstream]))
    assert x.grad.tolist() == [0.0]


@pytest.mark.parametrize("upstream", [math.inf, math.nan])
@pytest.mark.parametrize("function", PICKS.values(), ids=PICKS)
def test_what_was_not_picked_gets_zero(function, upstream):
    x = lab.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = function(x)
    first = lab.zeros_like(y)
    first.view(-1)[0] = upstream
    y.backward(first)
    reached = ~x.grad.isfinite()
    assert reached.sum() == 1
    assert (x.grad[~reached] == 0).all()
