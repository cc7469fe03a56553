"""`vmap` against PyTorch: what it gives, how it takes arguments and results apart, what it refuses in which words."""

from __future__ import annotations

from collections import namedtuple

import numpy as np
import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch")

Pair = namedtuple("Pair", ["a", "b"])


def numbers(tree):
    """Tensors as lists, nesting kept."""
    if hasattr(tree, "tolist"):
        return np.round(np.array(tree.detach().numpy(), np.float64), 5).tolist()
    if isinstance(tree, dict):
        return {key: numbers(value) for key, value in tree.items()}
    if isinstance(tree, (tuple, list)):
        return type(tree).__name__, [numbers(value) for value in tree]
    return tree


def model_of(t):
    model = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.Tanh(), t.nn.Linear(3, 1))
    with t.no_grad():
        for k, p in enumerate(model.parameters()):
            p.copy_(t.arange(p.numel(), dtype=t.float32).reshape(p.shape).mul(0.1).add(-0.2 * k))
    return model


def per_sample_gradients(t):
    model = model_of(t)
    params = {name: p.detach() for name, p in model.named_parameters()}

    def loss(params, x, y):
        return ((t.func.functional_call(model, params, (x.unsqueeze(0),)).squeeze(0) - y) ** 2).sum()

    x, y = t.arange(8.0).reshape(4, 2), t.arange(4.0).reshape(4, 1)
    return t.func.vmap(t.func.grad(loss), in_dims=(None, 0, 0))(params, x, y)


def ensemble(t):
    models = [model_of(t) for _ in range(3)]
    params, buffers = t.func.stack_module_state(models)
    return t.func.vmap(lambda p, b, x: t.func.functional_call(models[0], (p, b), (x,)), in_dims=(0, 0, None))(params, buffers, t.ones(5, 2))


def in_place(t):
    x = t.arange(6.0).reshape(3, 2)
    out = t.vmap(lambda row: row.mul_(2).add_(1))(x)
    return out, x


def fill(t):
    def f(row):
        made = t.zeros_like(row)
        made[0] = row.sum()
        return made
    return t.vmap(f)(t.arange(6.0).reshape(3, 2))


PROGRAMS = {
    "plain": lambda t: t.vmap(t.dot)(t.arange(6.0).reshape(3, 2), t.ones(3, 2)),
    "in_dims": lambda t: t.vmap(t.dot, in_dims=(0, 1))(t.arange(6.0).reshape(3, 2), t.ones(2, 3)),
    "negative in_dim": lambda t: t.vmap(t.sum, in_dims=-1)(t.arange(6.0).reshape(3, 2)),
    "none": lambda t: t.vmap(t.mul, in_dims=(0, None))(t.arange(3.0), t.tensor(2.0)),
    "out_dims": lambda t: t.vmap(lambda x: (x, x * 2), out_dims=(0, 1))(t.arange(6.0).reshape(3, 2)),
    "out_dims -1": lambda t: t.vmap(lambda x: x, out_dims=-1)(t.arange(6.0).reshape(3, 2)),
    "dict in": lambda t: t.vmap(lambda d: d["x"] * d["y"], in_dims=({"x": 0, "y": None},))({"x": t.arange(3.0), "y": t.tensor(2.0)}),
    "prefix in": lambda t: t.vmap(lambda pair, z: pair[0] + pair[1] + z, in_dims=(0, None))((t.arange(3.0), t.ones(3)), 5),
    "dict out": lambda t: t.vmap(lambda x: {"a": x, "b": [x * 2, x * 3]}, out_dims={"a": 0, "b": 1})(t.arange(6.0).reshape(3, 2)),
    "named tuple": lambda t: t.vmap(lambda p: Pair(p.a * p.b, p.a))(Pair(t.arange(3.0), t.ones(3))),
    "list of one": lambda t: t.vmap(lambda x: [x])(t.arange(3.0)),
    "none out": lambda t: t.vmap(lambda x: (x, t.ones(2)), out_dims=(0, None))(t.arange(3.0)),
    "constant": lambda t: t.vmap(lambda x: t.ones(2))(t.arange(3.0)),
    "kwargs": lambda t: t.vmap(lambda x, *, scale: x * scale)(t.arange(3.0), scale=3.0),
    "nested": lambda t: t.vmap(t.vmap(t.mul, in_dims=(0, None)), in_dims=(None, 0))(t.arange(3.0), t.arange(2.0)),
    "chunks": lambda t: t.vmap(lambda x: x.sum(), chunk_size=2)(t.arange(10.0).reshape(5, 2)),
    "per-sample gradients": per_sample_gradients,
    "ensemble": ensemble,
    "in place": in_place,
    "fill": fill,
    "jacobian": lambda t: t.vmap(t.func.jacrev(lambda x: x ** 2))(t.arange(4.0).reshape(2, 2)),
    "hessian": lambda t: t.vmap(t.func.hessian(lambda x: (x ** 3).sum()))(t.arange(4.0).reshape(2, 2)),
    "vjp inside": lambda t: t.vmap(lambda v: t.func.vjp(t.sin, t.arange(3.0))[1](v)[0])(t.eye(3)),
    "grad through": lambda t: t.func.grad(lambda w: t.vmap(lambda x: (x * w).sum())(t.arange(6.0).reshape(3, 2)).sum())(t.ones(2)),
    "same": lambda t: (t.manual_seed(0), t.vmap(lambda x: x + t.randn(2), randomness="same")(t.zeros(3)))[1],
    "different differs": lambda t: (t.manual_seed(0), len(set(t.vmap(lambda x: x + t.rand(()), randomness="different")(t.zeros(5)).tolist())))[1],
    "no sample": lambda t: list(t.vmap(lambda x: x @ t.ones(2, 4))(t.zeros(0, 2)).shape),
    "partial": lambda t: t.vmap(__import__("functools").partial(t.mul, t.tensor(2.0)))(t.arange(3.0)),
    "backward through": lambda t: (w := t.ones(2, requires_grad=True), t.vmap(lambda x: x * w)(t.arange(6.0).reshape(3, 2)).sum().backward(), w.grad)[2],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_vmap_gives_what_pytorch_gives(name):
    assert numbers(PROGRAMS[name](lab)) == numbers(PROGRAMS[name](torch))


def named(x, y=None):
    return x


REFUSED = {
    "nothing to map": lambda t: t.vmap(named, in_dims=(None,))(t.ones(3)),
    "sizes": lambda t: t.vmap(named)(t.ones(3), t.ones(2)),
    "in_dims list": lambda t: t.vmap(named, in_dims=[0])(t.ones(3)),
    "no inputs": lambda t: t.vmap(named)(),
    "structure": lambda t: t.vmap(named, in_dims=(0, 0))(t.ones(3)),
    "in_dim type": lambda t: t.vmap(named, in_dims=("a",))(t.ones(3)),
    "no tensor": lambda t: t.vmap(named)(t.ones(3), 2.0),
    "in_dim range": lambda t: t.vmap(named, in_dims=3)(t.ones(3)),
    "out_dim type": lambda t: t.vmap(named, out_dims="a")(t.ones(3)),
    "out structure": lambda t: t.vmap(named, out_dims=(0, 0))(t.ones(3)),
    "out structure of several": lambda t: t.vmap(lambda x: (x, x), out_dims=(0, 0, 0))(t.ones(3)),
    "result": lambda t: t.vmap(lambda x: 1.0)(t.ones(3)),
    "result in tuple": lambda t: t.vmap(lambda x: (x, 1))(t.ones(3)),
    "out None": lambda t: t.vmap(named, out_dims=None)(t.arange(3.0)),
    "randomness": lambda t: t.vmap(named, randomness="other")(t.ones(3)),
    "random": lambda t: t.vmap(lambda x: x + t.randn(2))(t.ones(3)),
    "dropout": lambda t: t.vmap(lambda x: t.nn.functional.dropout(x, 0.5))(t.ones(3, 2)),
    "chunk_size": lambda t: t.vmap(named, chunk_size=0)(t.ones(3)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_vmap_refuses_as_pytorch_does(name):
    told = []
    for library in (lab, torch):
        with pytest.raises(Exception) as caught:
            REFUSED[name](library)
        told.append((type(caught.value), str(caught.value).replace("autodiff_lab.core.tensor.Tensor", "torch.Tensor").replace("<class 'torch.Tensor'>", "Tensor")))
    assert told[0][0] is told[1][0]
    assert told[0][1] == told[1][1]
