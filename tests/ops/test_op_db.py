"""Every operator that we have, on the samples PyTorch tests its own on: value, dtype, shape, gradients of two orders, refusals.

Some samples of each by default; all of them with AUTODIFF_LAB_OP_DB=full. `python tests/ops/oracle.py name` shows what differs.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))  # for oracle.py beside this file

pytestmark = pytest.mark.oracle

FULL = os.environ.get("AUTODIFF_LAB_OP_DB") == "full"
SAMPLES = None if FULL else 4

UNDEFINED = {"empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided"}
"""What was in the memory before: nothing to compare."""

NEVER_BY_PYTHON = "Python never calls the reflected method on a number; PyTorch's descriptor refuses it, ours computes what it says."
LESS_EXACT = "SciPy's Bessel functions are exact to the last digits here, PyTorch's to five."
SPARSE = "Every tensor is dense here; the call is refused and says so."
TIES = "Among equal elements any position may be given; which one PyTorch gives depends on the steps of its unstable sort or selection."

KNOWN = {
    **{name: {r"(int64|bool) \d+ \d+ instead of \d+ at": TIES} for name in ("argsort", "kthvalue", "mode", "sort", "topk")},
    "as_strided_scatter": {r"gradient 0": "PyTorch sends the gradient to the elements that were written over, instead of to the others (2.13)."},
    "chalf": {"chalf: complex32 is not supported": "NumPy has no complex numbers of 16 bits; the call is refused and says so."},
    "istft": {"complex128 [89] gradient 1 is there": "The window of these samples is a view made without recording, to which PyTorch sends no gradient."},
    "to_sparse": {"_to_sparse does not support automatic differentiation": SPARSE},
    "sinc": {r"second gradient 0: \S+ instead of nan": "PyTorch's second derivative of sinc at 0 is nan; ours is that of the function."},
    "special.bessel_j0": {"instead of": LESS_EXACT},
    "special.bessel_y1": {"instead of": LESS_EXACT},
    **{name: {"refusal 0": NEVER_BY_PYTHON} for name in ("__radd__", "__rmul__", "__rand__", "__ror__", "__rxor__")},
    "__rdiv__": {"refusal [01]: TypeError": "PyTorch stumbles over int.reciprocal with an AttributeError; a TypeError says what is wrong."},
}
"""Where we differ on purpose: operator, pattern of the line, reason."""


@functools.cache
def entries() -> list:
    if importlib.util.find_spec("torch") is None:
        return []
    import oracle

    return [pytest.param(info, mine, id=oracle.name_of(info)) for info in oracle.table() if info.name not in UNDEFINED and (mine := oracle.find(info)) is not None]


def unexpected(name: str, lines: list[str]) -> list[str]:
    return [line for line in lines if not any(re.search(pattern, line) for pattern in KNOWN.get(name, {}))]


@pytest.mark.parametrize(("info", "mine"), entries())
def test_agrees_with_pytorch(info, mine):
    import oracle

    lines = []
    for dtype in oracle.DTYPES:
        if info.supports_dtype(dtype, "cpu"):
            lines += oracle.differences(info, mine, dtype, SAMPLES)
    assert not (found := unexpected(oracle.name_of(info), lines)), "\n" + "\n".join(found[:10])


@pytest.mark.parametrize(("info", "mine"), entries())
def test_refuses_what_pytorch_refuses(info, mine):
    import oracle

    assert not (found := unexpected(oracle.name_of(info), oracle.refusals(info, mine))), "\n" + "\n".join(found[:10])


@pytest.mark.skipif(not entries(), reason="no comparison with PyTorch: it is not installed")
def test_table_of_known_differences_names_operators_that_exist():
    import oracle

    assert set(KNOWN) | UNDEFINED <= {oracle.name_of(info) for info in oracle.table()}
