"""Numbers of sixteen bits beside Python numbers: which operators round the number first, as in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed")
pytest.importorskip("ml_dtypes", reason="bfloat16 needs ml_dtypes")

EXPRESSIONS = """x + s|s + x|x - s|s - x|x * s|s * x|x / s|s / x|x // s|s // x|x % s|s % x|x ** s|abs(x) ** s|s ** x|x == s|x < s|T.fmod(x, s)|T.div(x, s, rounding_mode='trunc')
T.xlogy(x, s)|T.copysign(x, s)|T.lerp(x, x + 1, s)|T.clamp(x, -s, s)|T.rsub(x, s)|x.clone().add_(s)|x.clone().sub_(s)|x.clone().mul_(s)|x.clone().div_(s)|x.clone().pow_(s)
x.clone().remainder_(s)|x.clone().fmod_(s)|x.clone().floor_divide_(s)|x * T.tensor(s)|x / T.tensor(s)|x + T.tensor(s)|x * 3|x + 1001|x / 3|x ** 2|x ** 3|x ** 0.5|x ** -1""".replace("\n", "|").split("|")


@pytest.mark.oracle
@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_python_number_is_rounded_where_pytorch_rounds_it(expression, kind):
    values = np.concatenate([np.arange(1, 600, dtype=np.float32) / 7, np.arange(-300, 300, dtype=np.float32) / 3])
    for number in (1 / 255, 0.3, 3.3, 100.7):
        ours, theirs = (eval(expression, {"x": t.tensor(values).to(getattr(t, kind)), "s": number, "T": t}) for t in (lab, torch))
        assert str(ours.dtype) == str(theirs.dtype)
        np.testing.assert_array_equal(ours.float().numpy(), theirs.float().numpy())


@pytest.mark.oracle
@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["add", "sub"])
def test_a_factor_is_rounded_and_the_sum_once(name, kind):
    values = np.arange(1, 600, dtype=np.float32) / 7
    for factor in (0.3, 3.3, 2):
        ours, theirs = (getattr(t, name)(x := t.tensor(values).to(getattr(t, kind)), x.flip(0), alpha=factor) for t in (lab, torch))
        different = (ours.float().numpy() != theirs.float().numpy()).mean()
        assert different < 0.03  # PyTorch's machine code multiplies and adds in one step, which decides a few ties
