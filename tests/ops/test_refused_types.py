"""Types that PyTorch has no operator for are refused, although NumPy would compute something."""

from __future__ import annotations

import importlib
import os
import sys
import warnings

import pytest

import autodiff_lab as lab
from autodiff_lab.core.op import public, registry
from autodiff_lab.core.tensor import Tensor

sys.path.insert(0, os.path.dirname(__file__))  # for test_registry.py beside this file
importlib.import_module("autodiff_lab.nn.functional")
from test_registry import mapped  # noqa: E402

KINDS = {"b": "bool", "i": "int64", "c": "complex128", "h": "float16", "s": "int32"}
CASES = [(name, kind) for name, op in sorted(registry.items()) if op.make_samples for kind in op.refuses]


def as_type(value, wanted):
    return mapped(value, lambda t: t.to(wanted) if t.is_floating_point() else t)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_an_operator_refuses_the_types_it_names(name, kind):
    op, wanted = registry[name], getattr(lab, KINDS[kind])
    args, kwargs = op.samples()[0]
    with pytest.raises(NotImplementedError, match="not implemented for"):
        op.function(*(as_type(a, wanted) for a in args), **{k: as_type(v, wanted) for k, v in kwargs.items()})


@pytest.mark.oracle
@pytest.mark.parametrize(("name", "kind"), [(n, k) for n, k in CASES if getattr(public.get(n.rpartition(".")[0], {}).get(n.rpartition(".")[2]), "op", None) is registry[n]])
def test_pytorch_refuses_them_too(name, kind):
    torch = pytest.importorskip("torch")
    function = torch
    for part in name.split("."):
        function = getattr(function, part, None)
    if function is None:
        pytest.skip("PyTorch has it as a method only")

    def theirs(value):
        if isinstance(value, Tensor):
            made = torch.from_numpy(value.numpy().copy())
            return made.to(getattr(torch, KINDS[kind])) if made.is_floating_point() else made
        return type(value)(map(theirs, value)) if isinstance(value, (list, tuple)) else value

    args, kwargs = registry[name].samples()[0]
    with warnings.catch_warnings(), pytest.raises((RuntimeError, TypeError)):
        warnings.simplefilter("ignore")
        function(*map(theirs, args), **{k: theirs(v) for k, v in kwargs.items()})
