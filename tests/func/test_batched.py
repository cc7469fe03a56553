"""`vmap` runs a function once on all samples, and gives what running it once per sample gives: values, types, gradients."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff_lab as lab
from autodiff_lab.func import batching

F = lab.nn.functional
X, Y = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
W, V = np.random.default_rng(1).normal(size=(3, 5, 5)), np.random.default_rng(2).normal(size=(3, 5))
IMAGES, KERNELS = np.random.default_rng(3).normal(size=(3, 2, 4, 8, 8)), np.random.default_rng(4).normal(size=(3, 6, 4, 3, 3))
PLACES = np.random.default_rng(5).integers(0, 4, (3, 4))


GENERATOR = lab.Generator()


def written(x, y):
    out = x * 1
    out[1] = y[0]
    out[:, 2] += 1
    return out.mul_(y)


CASES = {
    "elementwise": (lambda x, y: (x * y + 2).tanh() / (1 + x.exp()) - y.clamp(0), X, Y),
    "broadcasting": (lambda x, v: x * v + v.sum(), X, V),
    "same for all": (lambda x: x * lab.ones(5, dtype=lab.float64) + 1, X),
    "comparison": (lambda x, y: lab.where(x > y, x, y).masked_fill(x < 0, 0.5), X, Y),
    "sums": (lambda x: (x.sum(), x.sum(0), x.mean((0, 1)), x.var(-1, keepdim=True), x.norm(), x.prod(1), x.logsumexp(0)), X),
    "largest": (lambda x: (x.max(), x.max(1).values, x.argmax(), x.argmin(0), x.amax(1), x.topk(2).values, x.sort(0).values, x.median(0).values), X),
    "along a dimension": (lambda x: (x.softmax(-1), x.cumsum(0), x.flip(1), x.unbind()[1], x.split(2)[0], x.chunk(2, 1)[1], F.log_softmax(x, 0)), X),
    "shapes": (lambda x: (x.reshape(-1), x.t(), x.T, x.unsqueeze(0).squeeze(), x.permute(1, 0), x.flatten(), x.view(2, 10), x.expand(2, 4, 5), x.repeat(2, 1), x.mT), X),
    "joined": (lambda x, y: (lab.cat([x, y, lab.ones(2, 5, dtype=lab.float64)]), lab.stack([x, y], -1), lab.einsum("ij,kj->ik", x, y)), X, Y),
    "indices": (lambda x: (x[1], x[:, 2:4], x[-1, 0], x[..., None], x[lab.tensor([0, 2])], len(x), x.shape[0] * x.sum(), next(iter(x))), X),
    "an index of its own": (lambda x, i: (x[i], lab.arange(4)[i], F.embedding(i, x)), X, PLACES),
    "written": (written, X, Y),
    "matrices": (lambda x, w, v: (x @ w, w @ v, v @ w, v @ v, x @ lab.ones(5, 2, dtype=lab.float64), lab.ones(2, 4, dtype=lab.float64) @ x, lab.addmm(x, x, w), v.dot(v)), X, W, V),
    "linear": (lambda x, w, v: (F.linear(x, w, v), F.linear(x[0], w, v), F.linear(x, lab.ones(2, 5, dtype=lab.float64))), X, W, V),
    "inverse": (lambda w: (lab.linalg.inv(w), lab.linalg.det(w), w.tril(), lab.fft.rfft(w).real), W),
    "convolution": (lambda x, w: (F.conv2d(x, w, stride=2), F.conv2d(x[0], w, w[:, 0, 0, 0], padding=1), F.conv2d(x, lab.ones(2, 4, 3, 3, dtype=lab.float64)), F.conv2d(x, w[:, :2], groups=2)),
                    IMAGES, KERNELS),
    "pooling": (lambda x: (F.max_pool2d(x, 2), F.avg_pool2d(x[0], 2), F.adaptive_avg_pool2d(x, 1)), IMAGES),
    "norms": (lambda x, v: (F.layer_norm(x, (5,), v, v), F.group_norm(x[None].movedim(-1, 1)[:, :4], 2), F.rms_norm(x, (5,))), X, V),
    "padding and resizing": (lambda x: (F.pad(x, (1, 2)), F.pad(x, (1, 1, 1, 1), mode="reflect"), F.interpolate(x, scale_factor=2, mode="bilinear"), F.unfold(x, 2)), IMAGES),
    "norms of channels": (lambda x, v: (F.batch_norm(x, v[:4], v[:4].exp()), F.batch_norm(x, None, None, v[:4], v[:4], training=True), F.instance_norm(x)), IMAGES, V),
    "equations": (lambda w, x: (lab.linalg.solve(w, x.T), lab.linalg.solve(w, x[0])), W, X),
    "losses": (lambda x, y, i: (F.mse_loss(x, y), F.cross_entropy(x, i), F.cross_entropy(x[0], i[0]), F.l1_loss(x, y, reduction="sum"), F.smooth_l1_loss(x, y, reduction="none")), X, Y, PLACES),
    "attention": (lambda x, y: F.scaled_dot_product_attention(x[None], y[None], y[None]), X, Y),
    "no rule": (lambda x, i: (lab.trapezoid(x, dim=0), x.scatter_add(0, i[:, None].expand(4, 5), x), lab.linalg.solve(x @ x.T + lab.eye(4, dtype=lab.float64), x)), X, PLACES),
}


def results(name, monkeypatch, one_by_one: bool):
    """Values and gradients, and how often the function was called."""
    function, *arrays = CASES[name]
    if one_by_one:
        monkeypatch.setattr(batching, "_at_once", lambda *args: None)
    inputs = [lab.tensor(a) for a in arrays]
    for each in inputs:
        if each.is_floating_point():
            each.requires_grad_()
    calls = []
    found = lab.vmap(lambda *args: calls.append(1) or function(*args))(*inputs) if name != "indices" else lab.vmap(lambda x: calls.append(1) or tuple(v for v in function(x) if v.__class__ is not int))(*inputs)
    found = found if isinstance(found, tuple) else (found,)
    total = sum((v * lab.arange(1.0, v.numel() + 1, dtype=v.dtype).reshape(v.shape)).sum() for v in found if v.is_floating_point() and v.requires_grad)
    wanted = [v for v in inputs if v.requires_grad]
    gradients = lab.autograd.grad(total, wanted, allow_unused=True) if wanted else []
    return [v.detach().numpy() for v in found], [None if g is None else g.numpy() for g in gradients], len(calls), [str(v.dtype) for v in found]


@pytest.mark.parametrize("name", CASES)
def test_all_samples_at_once_give_what_one_after_the_other_gives(name, monkeypatch):
    values, gradients, calls, types = results(name, monkeypatch, False)
    expected, references, _, their_types = results(name, monkeypatch, True)
    assert calls == 1
    assert types == their_types
    for ours, theirs in zip([*values, *gradients], [*expected, *references], strict=True):
        assert (ours is None) == (theirs is None)
        if ours is not None:
            np.testing.assert_allclose(ours, theirs, 1e-9, 1e-12)


@pytest.mark.parametrize("function", [
    lambda x: x * 2 if x.sum() > 0 else x,
    lambda x: x * x.sum().item(),
    lambda x: x * float(x[0, 0]),
    lambda x: x + lab.randn(()),
    lambda x: F.dropout(x, 0.5),
    lambda x: x + lab.randn((), generator=GENERATOR),
    lambda x: lab.tensor(x.detach().numpy() * 2),
])
def test_what_needs_the_numbers_of_one_sample_runs_one_after_the_other(function, monkeypatch):
    x = lab.tensor(X)
    lab.manual_seed(0)
    GENERATOR.manual_seed(0)
    found = lab.vmap(function, randomness="different")(x)
    lab.manual_seed(0)
    GENERATOR.manual_seed(0)
    monkeypatch.setattr(batching, "_at_once", lambda *args: None)
    assert lab.equal(found, lab.vmap(function, randomness="different")(x))


def per_sample(library):
    library.manual_seed(0)
    model = library.nn.Sequential(library.nn.Conv2d(1, 3, 3), library.nn.ReLU(), library.nn.MaxPool2d(2), library.nn.Flatten(), library.nn.Linear(27, 4))
    params = {name: p.detach() for name, p in model.named_parameters()}
    x, y = library.tensor(np.random.default_rng(0).normal(size=(5, 1, 8, 8)).astype("f4")), library.arange(5) % 4
    calls = []

    def loss(params, x, y):
        calls.append(1)
        return library.nn.functional.cross_entropy(library.func.functional_call(model, params, (x[None],)), y[None])

    found = library.vmap(library.func.grad(loss), in_dims=(None, 0, 0))(params, x, y)
    assert len(calls) == 1
    return {name: g.numpy() for name, g in found.items()}


def test_gradients_of_each_sample_agree_with_pytorch():
    torch = pytest.importorskip("torch")
    ours, theirs = per_sample(lab), per_sample(torch)
    for name in theirs:
        np.testing.assert_allclose(ours[name], theirs[name], 1e-4, 1e-6)


@pytest.mark.parametrize("call", [
    lambda t, x: t.vmap(t.vmap(lambda a, b: (a * b).sum(), in_dims=(0, None)), in_dims=(None, 0))(x, x),
    lambda t, x: t.vmap(t.func.grad(t.func.grad(lambda v: v.sin())))(x[0]),
    lambda t, x: t.func.grad(lambda w: t.vmap(lambda row: (row @ w).tanh())(x).sum())(x[0]),
    lambda t, x: t.vmap(lambda row: t.func.grad(lambda w: t.vmap(lambda v: (v * w).sum())(x).prod())(row))(x),
    lambda t, x: t.vmap(lambda row: t.func.vjp(lambda v: v * v, row)[1](row)[0])(x),
    lambda t, x: t.vmap(lambda row: t.func.jvp(lambda v: v.exp().sum(), (row,), (row,))[1])(x),
    lambda t, x: t.vmap(t.func.hessian(lambda v: (v ** 3).prod()))(x[:, :3]),
    lambda t, x: t.vmap(t.func.jacrev(lambda v: v.cumsum(0) ** 2))(x),
    lambda t, x: t.func.jacfwd(lambda v: (x @ v).tanh())(x[0]),
    lambda t, x: t.vmap(lambda a, b: a + b, in_dims=(1, None), out_dims=1)(x, x[:, 0]),
])
def test_transforms_inside_and_outside_agree_with_pytorch(call):
    torch = pytest.importorskip("torch")
    np.testing.assert_allclose(call(lab, lab.tensor(X[0])).numpy(), call(torch, torch.tensor(X[0])).numpy(), 1e-9, 1e-12)
