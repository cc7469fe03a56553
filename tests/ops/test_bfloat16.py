"""bfloat16 stays bfloat16, as in PyTorch, beside Python numbers and through products and activations."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

CALLS = ["x * 0.3", "x + 1", "x / 3.7", "2.5 - x", "x ** 2.0", "2.0 ** x", "x * x", "x > 0.2", "x % 0.3", "x.add(x, alpha=0.3)", "x.clamp(-0.5, 0.5)", "T.where(x > 0, x, 0.3)",
         "x @ x.t()", "x[0] @ x[0]", "F.linear(x, x)", "F.linear(x[None], x, x[:, 0])", "F.elu(x)", "F.selu(x)", "F.leaky_relu(x)", "F.gelu(x)", "F.softshrink(x)", "F.softmax(x, 1)",
         "x.sub(x, alpha=0.3)", "T.addmm(x, x, T.eye(3).to(x.dtype), alpha=0.6, beta=0.2)", "T.addcdiv(x, x, x, value=0.3)", "x.lerp(x * 2, 0.3)", "T.deg2rad(x * 90)", "T.logit(x.abs() / 3)",
         "F.smooth_l1_loss(x, x * 2, beta=0.7)", "F.huber_loss(x, x * 2, delta=0.7)", "F.adaptive_avg_pool1d(x, 2)", "F.avg_pool1d(x, 2)", "F.interpolate(x[None], 5, mode='linear')",
         "F.conv_transpose1d(x[None], x[:, :, None])", "F.conv3d(x[None, None, None], x[:1, :1, None, None, None], padding='same')", "F.rms_norm(x, (3,))", "x.round(decimals=1)", "T.linalg.matrix_norm(x)",
         "F.scaled_dot_product_attention(x, x, x)", "x.scatter_reduce(0, T.tensor([[1, 0, 1]]), x[:1], 'amax')", "x.cumsum(0)", "x.cumsum(0, dtype=T.float32)[0].to(x.dtype)",
         "F.layer_norm(x, (3,))", "x.mean()", "x.std()", "F.silu(x)", "x[0] * 0.3"]


@pytest.mark.parametrize("call", CALLS)
def test_bfloat16_stays_bfloat16(call):
    found = []
    for library in (lab, torch):
        x = library.tensor([[0.1, 0.7, -1.3], [0.4, -0.2, 2.0]]).to(library.bfloat16).requires_grad_()
        result = eval(call, {"x": x, "T": library, "F": library.nn.functional})
        gradient = library.autograd.grad(result.sum(), x)[0] if result.requires_grad else None
        found.append((str(result.dtype), np.asarray(result.detach().float()), gradient if gradient is None else (str(gradient.dtype), np.asarray(gradient.float()))))
    (dtype, value, gradient), (their_dtype, their_value, their_gradient) = found
    assert dtype == their_dtype
    assert np.allclose(value, their_value, 0.02, 0.01)
    if their_gradient is not None:
        assert gradient[0] == their_gradient[0] == "torch.bfloat16"
        assert np.allclose(gradient[1], their_gradient[1], 0.03, 0.02)
