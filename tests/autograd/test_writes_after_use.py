"""Which tensors may be written to after a function used them: those that PyTorch doesn't save for backward."""

from __future__ import annotations

import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch")

ONE = ("abs acos acosh asin asinh atan atanh ceil cos cosh deg2rad digamma erf erfc exp exp2 expm1 floor frac lgamma log log10 log1p log2 logit neg positive rad2deg reciprocal round rsqrt "
       "sigmoid sign sin sinc sinh sqrt square tan tanh trunc i0 cumsum flip sum mean prod amax amin max min logsumexp softmax log_softmax norm std var trace t clone").split()
LAYERS = "relu relu6 elu selu celu gelu silu mish softplus logsigmoid hardtanh hardsigmoid hardswish leaky_relu softsign tanhshrink hardshrink softshrink sigmoid tanh".split()
TWO = "add sub mul div atan2 hypot maximum minimum fmax fmin logaddexp pow xlogy".split()
DIM = ("cumsum", "softmax", "log_softmax", "logsumexp", "flip")


def outcome(library, space: str, name: str, written: str):
    x = (library.full((3, 3), 0.25, dtype=library.float64).requires_grad_() * 1)
    y = (library.full((3, 3), 0.5, dtype=library.float64).requires_grad_() * 1)
    function = getattr(library.nn.functional if space == "nn.functional" else library, name)
    arguments = (x, y) if name in TWO else (x, (0,)) if name == "flip" else (x, 0) if name in DIM else (x,)
    out = function(*arguments)
    try:
        {"result": out, "input": x, "other": y}[written].mul_(2)
        out.sum().backward()
    except RuntimeError as error:
        return "modified" if "modified by an inplace operation" in str(error) else "refused"
    return "allowed"


CASES = [*(("", name, written) for name in ONE for written in ("result", "input")), *(("nn.functional", name, written) for name in LAYERS for written in ("result", "input")),
         *(("", name, written) for name in TWO for written in ("result", "input", "other") if (name, written) != ("pow", "result"))]
"""The result of pow may always be written to here; PyTorch keeps it where the exponent wants a gradient."""


@pytest.mark.parametrize(("space", "name", "written"), CASES)
def test_writing_is_allowed_where_pytorch_allows_it(space, name, written):
    assert outcome(lab, space, name, written) == outcome(torch, space, name, written)
