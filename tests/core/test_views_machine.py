"""Random programs of views, in-place writes and gradient modes give PyTorch's values, histories, gradients and errors.

The programs are in `programs.py`. hypothesis shrinks a disagreement to the shortest program that shows it.
"""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import autodiff_lab as lab

from . import programs

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these programs")

EXAMPLES = int(os.environ.get("AUTODIFF_LAB_EXAMPLES", "60"))  # more of them for a thorough search
pytestmark = pytest.mark.oracle
small = st.integers(0, 5)
parameters = st.integers(0, 17)


def tried(ask):
    try:
        return ask()
    except RuntimeError:
        return "RuntimeError"  # the history of some views can't be known; then both libraries say so


def state(t) -> dict:
    """Everything about a tensor that a user can see, but its numbers."""
    return {
        "requires_grad": tried(lambda: t.requires_grad), "is_leaf": tried(lambda: t.is_leaf), "shape": tuple(t.shape), "version": t._version,
        "is_view": t._is_view(), "grad_fn": tried(lambda: None if t.grad_fn is None else t.grad_fn.name()),
        # The layout of a result that is no view is the library's own business.
        "strides": tuple(s for s, n in zip(t.stride(), t.shape, strict=True) if n > 1) if t.numel() and t._is_view() else None,
    }


def same_numbers(a, b) -> bool:
    if a is None or b is None:
        return a is b
    return np.shape(a) == np.shape(b) and np.allclose(np.array(a, float), np.array(b, float), rtol=1e-8, atol=1e-9, equal_nan=True)


def kind_of(error) -> str:
    return error.split(":")[0]


class Programs(RuleBasedStateMachine):
    """Every step runs on both libraries; after each, every tensor must look the same."""

    def __init__(self):
        super().__init__()
        self.theirs, self.ours = [], []

    def step(self, *action):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs, ours = programs.run(torch, self.theirs, action), programs.run(lab, self.ours, action)
        assert (theirs is None) == (ours is None), f"{action[0]}: PyTorch says {theirs}, we say {ours}"
        if theirs is not None and "set list" not in action:  # with two errors in one call either may come first
            assert kind_of(theirs) == kind_of(ours), f"{action[0]}: PyTorch says {theirs}, we say {ours}"

    @initialize(p=parameters)
    def start(self, p):
        self.step("leaf", 0, 0, p, False)

    @rule(p=parameters)
    def leaf(self, p):
        if len(self.ours) < 6:
            self.step("leaf", 0, 0, p, False)

    @rule(name=st.sampled_from(sorted(programs.VIEWS)), i=small, j=small, p=parameters, quiet=st.integers(0, 5))
    def view(self, name, i, j, p, quiet):
        if len(self.ours) < 8:
            self.step(name, i, j, p, quiet == 5)

    @rule(name=st.sampled_from(sorted(programs.COPIES)), i=small, j=small, p=parameters)
    def compute(self, name, i, j, p):
        if len(self.ours) < 8:
            self.step(name, i, j, p, False)

    @rule(name=st.sampled_from(sorted(programs.WRITES)), i=small, j=small, p=parameters, quiet=st.integers(0, 5))
    def write(self, name, i, j, p, quiet):
        self.step(name, i, j, p, quiet == 5)

    @rule(name=st.sampled_from(sorted(programs.CHANGES)), i=small, j=small, p=parameters)
    def change(self, name, i, j, p):
        self.step(name, i, j, p, False)

    @invariant()
    def every_tensor_looks_the_same(self):
        for theirs, ours in zip(self.theirs, self.ours, strict=True):
            assert state(theirs) == state(ours)
            assert same_numbers(theirs.detach().tolist(), ours.detach().tolist())

    def teardown(self):
        theirs, ours = programs.gradients(torch, self.theirs), programs.gradients(lab, self.ours)
        if isinstance(theirs, str) or isinstance(ours, str):
            assert isinstance(theirs, str) and isinstance(ours, str) and kind_of(theirs) == kind_of(ours), f"PyTorch: {theirs}; ours: {ours}"
        elif theirs is not None:
            assert all(same_numbers(a, b) for a, b in zip(theirs, ours, strict=True)), f"PyTorch: {theirs}; ours: {ours}"


Programs.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=8, deadline=None, derandomize=True,
                                      suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
TestPrograms = Programs.TestCase
