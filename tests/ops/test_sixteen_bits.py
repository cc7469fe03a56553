"""Numbers of sixteen bits are added up in float32 and rounded once, forward and backward: 4000 ones are not 256."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch")

X = np.random.default_rng(0).uniform(0.5, 1.5, size=(4000, 3)).astype("f4")


def zeros(t, *shape):
    return t.zeros(shape, dtype=t.int64)


CALLS = {
    "sum": lambda t, x: x.sum(),
    "sum of rows": lambda t, x: x.sum(0),
    "sum, kept": lambda t, x: x.sum((0, 1), keepdim=True),
    "mean": lambda t, x: x.mean(0),
    "nansum": lambda t, x: x.nansum(0),
    "cumsum": lambda t, x: x.cumsum(0),
    "cumprod": lambda t, x: (x * 0 + 1.01).cumprod(0)[:400],
    "cumsum of a type": lambda t, x: x.float().cumsum(0, dtype=x.dtype),
    "norm": lambda t, x: x.norm(p=1, dim=0),
    "logsumexp": lambda t, x: x.logsumexp(0),
    "logcumsumexp": lambda t, x: x.logcumsumexp(0),
    "softmax": lambda t, x: x.softmax(0)[:2000] * 4000,
    "log_softmax": lambda t, x: x.log_softmax(0),
    "cross_entropy": lambda t, x: t.nn.functional.cross_entropy(x, zeros(t, 4000)),
    "nll_loss": lambda t, x: t.nn.functional.nll_loss(x, zeros(t, 4000)),
    "mse_loss": lambda t, x: t.nn.functional.mse_loss(x, x * 0),
    "binary_cross_entropy": lambda t, x: t.nn.functional.binary_cross_entropy(x / 2, x * 0),
    "index_add": lambda t, x: t.zeros(2, 3, dtype=x.dtype).index_add(0, zeros(t, 4000), x),
    "scatter_add": lambda t, x: t.zeros(2, 3, dtype=x.dtype).scatter_add(0, zeros(t, 4000, 3), x),
    "index_select": lambda t, x: x.index_select(0, zeros(t, 4000)),
    "gather": lambda t, x: x.gather(0, zeros(t, 4000, 3)),
    "expand": lambda t, x: x[:1].expand(4000, 3) * 1,
    "repeat": lambda t, x: x[:1].repeat(4000, 1),
    "broadcasting": lambda t, x: x * x[0, 0],
    "prelu": lambda t, x: t.nn.functional.prelu(-x, x[0, :1]),
    "linear": lambda t, x: t.nn.functional.linear(x, x[:2], x[0, :2]),
    "conv1d": lambda t, x: t.nn.functional.conv1d(x.t()[None], x[:30].t()[None], x[0, :1]),
    "matmul": lambda t, x: x.t() @ x,
}


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("name", CALLS)
def test_long_sums_agree_with_pytorch(name, dtype):
    found = []
    for library in (torch, lab):
        x = library.tensor(X).to(getattr(library, dtype)).requires_grad_()
        y = CALLS[name](library, x)
        y.float().sum().backward()
        found.append((str(y.dtype), y.detach().float().numpy(), x.grad.float().numpy()))
    (their_type, theirs, reference), (our_type, ours, gradient) = found
    tolerance = 2.0**-6 if dtype == "bfloat16" else 2.0**-9
    assert our_type == their_type
    np.testing.assert_allclose(ours, theirs, tolerance, tolerance)
    np.testing.assert_allclose(gradient, reference, 0.05, 8 * tolerance * float(np.abs(reference).max()))  # exp of what was rounded once


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "silu", "mish", "hardswish", "hardsigmoid", "leaky_relu", "logsigmoid", "selu", "celu", "elu", "glu", "softplus", "tanhshrink"])
def test_a_function_is_computed_in_float32_and_rounded_once(name, dtype):
    x = np.random.default_rng(1).normal(size=(64, 8)).astype("f4") * 3
    arguments = (-1,) if name in ("softmax", "log_softmax") else ()
    small = getattr(lab.nn.functional, name)(lab.tensor(x).to(getattr(lab, dtype)), *arguments)
    exact = getattr(torch.nn.functional, name)(torch.tensor(x).to(getattr(torch, dtype)).double(), *arguments)
    rounded = exact.to(getattr(torch, dtype)).float().numpy()
    if name == "tanhshrink":  # PyTorch subtracts two rounded numbers as well
        rounded = torch.nn.functional.tanhshrink(torch.tensor(x).to(getattr(torch, dtype))).float().numpy()
    assert (small.float().numpy() != rounded).mean() < 0.01


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_hashes_and_sparse_copies_are_made_of_sixteen_bits_too(dtype):
    numbers = [1.0, 0.0, 2.0, -3.0]
    mine, theirs = lab.tensor(numbers, dtype=getattr(lab, dtype)), torch.tensor(numbers, dtype=getattr(torch, dtype))
    assert lab.hash_tensor(mine).item() == torch.hash_tensor(theirs).item()
    assert mine.to_sparse().to_dense().tolist() == numbers


@pytest.mark.parametrize("call", [lambda t, x: x.__rdiv__(x + 1), lambda t, x: 2 / x, lambda t, x: t.linalg.vecdot(x, x), lambda t, x: t.linalg.vecdot(x, x + 1, dim=0)])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_quotients_and_products_of_vectors_stay_of_sixteen_bits(call, dtype):
    ours, theirs = (call(t, t.tensor(X[:5]).to(getattr(t, dtype))) for t in (lab, torch))
    assert str(ours.dtype) == str(theirs.dtype)
    np.testing.assert_allclose(ours.float().numpy(), theirs.float().numpy(), 2.0**-7)
