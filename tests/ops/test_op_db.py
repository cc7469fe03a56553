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

RANDOM = {"bernoulli", "cauchy", "exponential", "geometric", "log_normal", "multinomial", "normal", "rand_like", "randint", "randint_like", "randn", "randn_like", "uniform",
          "empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided", "nn.functional.dropout", "nn.functional.dropout2d", "nn.functional.dropout3d",
          "nn.functional.alpha_dropout", "nn.functional.feature_alpha_dropout"}
"""Random or undefined numbers: tests/ops/test_sampling.py compares the streams bit for bit."""

TOO_MANY_DIMENSIONS = "NumPy has at most 64 dimensions and refuses 65 when the array is made, with its own ValueError."
NEVER_BY_PYTHON = "Python never calls the reflected method on a number; PyTorch's descriptor refuses it, ours computes what it says."
LESS_EXACT = "SciPy's Bessel functions are exact to the last digits here, PyTorch's to five."

TIES = "Among equal elements any may be chosen; PyTorch's unstable selection takes another one than the first."

KNOWN = {
    "arange": {r"refusal 6: RuntimeError": "A step of 0 is a RuntimeError in PyTorch's other calls."},
    "argsort": {r"bool 0 .*8000": TIES},
    "as_strided.partial_views": {r"\[10\], \[2, 2\]": "The comparison hands over a copy of the view, without the memory around it."},
    "as_strided_scatter": {r"gradient 0": "PyTorch sends the gradient to the elements that were written over, instead of to the others (2.13)."},
    **{name: {r"refusal \d: accepted.*refer to a single": "The comparison hands over tensors that share no memory."} for name in ("cat", "gather", "index_select", "masked_select", "take")},
    "histogramdd": {r"monotonically": "Edges that are not in order are refused."},
    "bfloat16": {r"BFloat16": "The comparison goes through NumPy, which has no bfloat16."},
    "kthvalue": {r"int64 \d+ \d+ instead of \d+": TIES, r"refusal 0: accepted": "The comparison hands over tensors that share no memory."},
    "narrow_copy": {r"refusal 1: IndexError": "A dimension out of range is an IndexError everywhere else."},
    "sort": {r"bool 0 .*8000": TIES},
    "topk": {r"int64 \d+ \d+ instead of \d+": TIES},
    "zero_": {r"leaf Variable": "The comparison calls the method on a leaf, which PyTorch's sample wraps in a clone."},
    "amax": {r"refusal [12]: ValueError": TOO_MANY_DIMENSIONS},
    "amin": {r"refusal [12]: ValueError": TOO_MANY_DIMENSIONS},
    "aminmax": {r"refusal [12]: ValueError": TOO_MANY_DIMENSIONS,
                r"refusal 3: accepted": "out= may be of any type that can hold the result, as for other operators."},
    "complex": {r"refusal 2: accepted": "out= may be of any type that can hold the result, as for other operators."},
    "mode": {r"6 \d+ instead of \d+": "Of equal values PyTorch's unstable sort gives some position for long rows, we the last."},
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

    later = pytest.mark.xfail(reason="differs somewhere: see NOT_YET", strict=False)
    return [pytest.param(info, mine, id=oracle.name_of(info), marks=[later] if oracle.name_of(info) in NOT_YET else [])
            for info in oracle.table() if info.name not in RANDOM and (mine := oracle.find(info)) is not None]


NOT_YET = {
    "addbmm", "addmv", "addr", "baddbmm", "chalf", "corrcoef", "cov", "einsum", "geqrf", "linalg.eigh", "linalg.eigvalsh", "linalg.householder_product",
    "linalg.ldl_factor", "linalg.ldl_factor_ex", "linalg.ldl_solve", "linalg.lstsq", "linalg.lstsq.grad_oriented", "linalg.lu", "linalg.lu_factor",
    "linalg.lu_factor_ex", "linalg.lu_solve", "linalg.matrix_power", "linalg.norm.subgradients_at_zero", "linalg.pinv.hermitian", "linalg.pinv.singular",
    "linalg.vander", "lu_solve", "nn.functional.adaptive_avg_pool2d", "nn.functional.adaptive_avg_pool3d", "nn.functional.adaptive_max_pool2d",
    "nn.functional.adaptive_max_pool3d", "nn.functional.avg_pool1d", "nn.functional.avg_pool2d", "nn.functional.avg_pool3d", "nn.functional.batch_norm",
    "nn.functional.embedding", "nn.functional.embedding_bag", "nn.functional.group_norm", "nn.functional.max_pool1d", "nn.functional.max_pool3d",
    "nn.functional.unfold", "ormqr", "split_with_sizes_copy", "sum_to_size", "tensordot", "to_sparse",
}
"""Operators that still differ somewhere; a name leaves this list when its operator agrees (`python tests/ops/oracle.py name` shows where)."""


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

    assert set(KNOWN) <= {oracle.name_of(info) for info in oracle.table()}
