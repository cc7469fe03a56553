"""Forward mode against PyTorch: dual tensors, `jvp`, `jacfwd`, `linearize`, `hessian`, and gradients of functions that use outer variables."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch")


def numbers(tree):
    if hasattr(tree, "tolist"):
        return np.round(np.array(tree.detach().numpy(), np.float64), 4).tolist(), tree.requires_grad
    if isinstance(tree, dict):
        return {key: numbers(value) for key, value in tree.items()}
    if isinstance(tree, (tuple, list)):
        return [numbers(value) for value in tree]
    return tree


def x_of(t, *shape):
    n = int(np.prod(shape))
    return (t.arange(float(n)) / n + 0.3).reshape(shape)


def level(t, function):
    """The primal and the tangent of `function` of one dual tensor."""
    fw = t.autograd.forward_ad
    with fw.dual_level():
        out = fw.unpack_dual(function(fw.make_dual(x_of(t, 3), t.tensor([1.0, -1.0, 2.0]))))
        return tuple(out), type(out).__name__


def parameters_as_duals(t):
    fw = t.autograd.forward_ad
    model = t.nn.Linear(2, 2)
    with t.no_grad():
        model.weight.copy_(x_of(t, 2, 2))
        model.bias.zero_()
    tangents = {name: t.ones_like(p) for name, p in model.named_parameters()}
    params = dict(model.named_parameters())
    with fw.dual_level():
        for name, p in params.items():
            delattr(model, name)
            setattr(model, name, fw.make_dual(p, tangents[name]))
        out = model(x_of(t, 3, 2))
        return fw.unpack_dual(out).tangent.detach()  # PyTorch says that it requires a gradient, which would be 0


def backward_through_tangent(t):
    fw = t.autograd.forward_ad
    x = x_of(t, 3).requires_grad_()
    with fw.dual_level():
        tangent = fw.unpack_dual(fw.make_dual(x, t.ones(3)).sin().sum()).tangent
    tangent.backward()
    return x.grad


def without_grad(t):
    fw = t.autograd.forward_ad
    with t.no_grad(), fw.dual_level():
        return tuple(fw.unpack_dual(fw.make_dual(x_of(t, 3), t.ones(3)).exp()))


def outside(t):
    fw = t.autograd.forward_ad
    x = x_of(t, 3)
    with fw.dual_level():
        dual = fw.make_dual(x, t.ones(3))
        inside = fw.unpack_dual(dual).tangent is not None, fw.unpack_dual(x).tangent, fw.unpack_dual(x * 2).tangent
    return inside, fw.unpack_dual(dual).tangent


def own_jvp(t):
    class Cube(t.autograd.Function):
        @staticmethod
        def forward(x):
            return x ** 3

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(inputs[0])
            ctx.save_for_forward(inputs[0])

        @staticmethod
        def jvp(ctx, tangent):
            x, = ctx.saved_tensors
            return 100 * x ** 2 * tangent  # wrong on purpose: it is this that must be used
    fw = t.autograd.forward_ad
    with fw.dual_level():
        return tuple(fw.unpack_dual(Cube.apply(fw.make_dual(x_of(t, 3), t.ones(3)) * 2).sum()))


PROGRAMS = {
    "sin": lambda t: level(t, lambda d: d.sin() * 2),
    "sum": lambda t: level(t, lambda d: (d * d).sum()),
    "in place": lambda t: level(t, lambda d: d.clone().mul_(3).add_(d)),
    "in place on the dual": lambda t: level(t, lambda d: d.mul_(d.detach() * 0 + 2)),
    "view": lambda t: level(t, lambda d: d[1:] * d[:-1]),
    "matmul": lambda t: level(t, lambda d: x_of(t, 2, 3) @ d),
    "softmax": lambda t: level(t, lambda d: t.softmax(d, 0)),
    "independent": lambda t: level(t, lambda d: t.ones(2)),
    "detached": lambda t: level(t, lambda d: d.detach() * 2)[0][0],
    "relu": lambda t: level(t, lambda d: t.relu(d - 0.5)),
    "parameters": parameters_as_duals,
    "backward through": backward_through_tangent,
    "no_grad": without_grad,
    "outside": outside,
    "own jvp": own_jvp,
    "jvp": lambda t: t.func.jvp(lambda x: x ** 2, (x_of(t, 3),), (t.ones(3),)),
    "jvp two": lambda t: t.func.jvp(lambda x, y: (x * y, x.sum()), (x_of(t, 3), x_of(t, 3)), (t.ones(3), t.zeros(3))),
    "jvp dict": lambda t: t.func.jvp(lambda d: {"out": d["a"] * 3}, ({"a": x_of(t, 3)},), ({"a": t.ones(3)},)),
    "jvp aux": lambda t: t.func.jvp(lambda x: (x ** 2, x * 5), (x_of(t, 3),), (t.ones(3),), has_aux=True),
    "jvp constant": lambda t: t.func.jvp(lambda x: t.ones(2), (x_of(t, 3),), (t.ones(3),)),
    "jvp of jvp": lambda t: t.func.jvp(lambda x: t.func.jvp(t.sin, (x,), (t.ones(3),))[1], (x_of(t, 3),), (t.ones(3),)),
    "jvp of grad": lambda t: t.func.jvp(t.func.grad(lambda x: (x ** 3).sum()), (x_of(t, 3),), (t.ones(3),)),
    "grad of jvp": lambda t: t.func.grad(lambda x: t.func.jvp(t.sin, (x,), (t.ones(3),))[1].sum())(x_of(t, 3)),
    "jacfwd": lambda t: t.func.jacfwd(t.sin)(x_of(t, 3)),
    "jacfwd matrix": lambda t: t.func.jacfwd(lambda x: (x @ x.T).flatten()[:3])(x_of(t, 2, 3)),
    "jacfwd argnums": lambda t: t.func.jacfwd(lambda x, y: x * y + y, argnums=(0, 1))(x_of(t, 2), x_of(t, 2)),
    "jacfwd aux": lambda t: t.func.jacfwd(lambda x: (x ** 2, x), has_aux=True)(x_of(t, 2)),
    "jacfwd dict": lambda t: t.func.jacfwd(lambda x: {"a": x * 2, "b": x.sum()})(x_of(t, 2)),
    "jacrev": lambda t: t.func.jacrev(lambda x, y: x * y + y, argnums=(0, 1))(x_of(t, 2), x_of(t, 2)),
    "jacrev dict": lambda t: t.func.jacrev(lambda p: p["w"] @ x_of(t, 2))({"w": x_of(t, 2, 2)}),
    "jacrev empty": lambda t: list(t.func.jacrev(lambda x: x[:0])(x_of(t, 2)).shape),
    "hessian": lambda t: t.func.hessian(lambda x: (x ** 3).sum() + x.prod())(x_of(t, 3)),
    "hessian dict": lambda t: t.func.hessian(lambda p: (p["w"] ** 2 * p["b"]).sum())({"w": x_of(t, 2), "b": x_of(t, 2)}),
    "jacfwd of jacrev": lambda t: t.func.jacfwd(t.func.jacrev(lambda x: x.sin().sum()))(x_of(t, 2)),
    "jacrev of jacfwd": lambda t: t.func.jacrev(t.func.jacfwd(lambda x: x.sin().sum()))(x_of(t, 2)),
    "linearize": lambda t: (lambda out, f: (out, f(t.ones(3)), f(t.arange(3.0))))(*t.func.linearize(t.sin, x_of(t, 3))),
    "outer variable": lambda t: t.func.grad(lambda x: t.func.grad(lambda y: x * y ** 2)(t.tensor(3.0)))(t.tensor(2.0)),
    "outer leaf": lambda t: (w := t.tensor(2.0, requires_grad=True), g := t.func.grad(lambda y: w * y ** 2)(t.tensor(3.0)), g.backward(), w.grad)[1:],
    "no outer": lambda t: t.func.grad_and_value(lambda y: y ** 2)(t.tensor(3.0)),
    "no_grad outside": lambda t: in_no_grad(t),
    "vjp outer": lambda t: t.func.grad(lambda x: t.func.vjp(lambda y: x * y ** 2, t.tensor(3.0))[1](t.tensor(1.0))[0])(t.tensor(2.0)),
    "functional jvp": lambda t: t.autograd.functional.jvp(lambda x: x ** 2, x_of(t, 3), t.ones(3)),
    "functional jacobian forward": lambda t: t.autograd.functional.jacobian(lambda x: x ** 2, x_of(t, 3), strategy="forward-mode", vectorize=True),
    "functional hessian forward": lambda t: t.autograd.functional.hessian(lambda x: (x ** 3).sum(), x_of(t, 3), vectorize=True, outer_jacobian_strategy="forward-mode").detach(),
    "vmap of jvp": lambda t: t.func.vmap(lambda v: t.func.jvp(t.sin, (x_of(t, 3),), (v,))[1])(t.eye(3)),
}


def in_no_grad(t):
    w = t.tensor(2.0, requires_grad=True)
    with t.no_grad():
        return t.func.grad(lambda y: w * y ** 2)(t.tensor(3.0))


@pytest.mark.parametrize("name", PROGRAMS)
def test_forward_mode_gives_what_pytorch_gives(name):
    assert numbers(PROGRAMS[name](lab)) == numbers(PROGRAMS[name](torch))


def no_jvp(t):
    class Twice(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            return grad * 2
    with t.autograd.forward_ad.dual_level():
        Twice.apply(t.autograd.forward_ad.make_dual(t.ones(2), t.ones(2)))


def nested(t):
    with t.autograd.forward_ad.dual_level(), t.autograd.forward_ad.dual_level():
        pass


def dual(t, *args):
    with t.autograd.forward_ad.dual_level():
        t.autograd.forward_ad.make_dual(*args)


REFUSED = {
    "no level": lambda t: t.autograd.forward_ad.make_dual(t.ones(2), t.ones(2)),
    "integers": lambda t: dual(t, t.ones(2, dtype=t.int64), t.ones(2)),
    "integer tangent": lambda t: dual(t, t.ones(2), t.ones(2, dtype=t.int64)),
    "nested levels": nested,
    "no jvp": no_jvp,
    "jvp primals": lambda t: t.func.jvp(t.sin, t.ones(2), t.ones(2)),
    "jvp tangents": lambda t: t.func.jvp(t.sin, (t.ones(2),), (t.ones(2), t.ones(2))),
    "jvp no tensors": lambda t: t.func.jvp(t.sin, (1.0,), (1.0,)),
    "jvp result": lambda t: t.func.jvp(lambda x: 1.0, (t.ones(2),), (t.ones(2),)),
    "jvp aux": lambda t: t.func.jvp(lambda x: x, (t.ones(2),), (t.ones(2),), has_aux=True),
    "jvp strict": lambda t: t.func.jvp(lambda x: t.ones(2), (t.ones(2),), (t.ones(2),), strict=True),
    "grad of vector": lambda t: t.func.grad(lambda x: x)(t.ones(2)),
    "grad of number": lambda t: t.func.grad(lambda x: 1.0)(t.ones(2)),
    "grad aux": lambda t: t.func.grad(lambda x: x.sum(), has_aux=True)(t.ones(2)),
    "argnums": lambda t: t.func.grad(lambda x: x.sum(), argnums=1)(t.ones(2)),
    "argnums twice": lambda t: t.func.grad(lambda x: x.sum(), argnums=(0, 0))(t.ones(2)),
    "argnums none": lambda t: t.func.grad(lambda x: x.sum(), argnums=())(t.ones(2)),
    "vjp of integers": lambda t: t.func.vjp(lambda x: x.long(), t.ones(2)),
    "vjp cotangents": lambda t: t.func.vjp(lambda x: (x, x), t.ones(2))[1](t.ones(2)),
    "vjp aux": lambda t: t.func.vjp(lambda x: x, t.ones(2), has_aux=True),
    "jacrev chunks": lambda t: t.func.jacrev(t.sin, chunk_size=0),
    "jacrev complex": lambda t: t.func.jacrev(t.sin)(t.ones(2, dtype=t.complex64)),
    "jacfwd complex": lambda t: t.func.jacfwd(t.sin)(t.ones(2, dtype=t.complex64)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_forward_mode_refuses_as_pytorch_does(name):
    told = []
    for library in (lab, torch):
        with pytest.raises(Exception) as caught:
            REFUSED[name](library)
        told.append((type(caught.value), str(caught.value).replace("autodiff_lab.core.tensor.Tensor", "torch.Tensor")))
    assert told[0] == told[1]


def test_batch_norms_forget_their_statistics_and_functions_stay_functions():
    for t in (lab, torch):
        model = t.func.replace_all_batch_norm_modules_(t.nn.Sequential(t.nn.BatchNorm1d(3)))
        assert list(model.buffers()) == [] and list(model.state_dict()) == ["0.weight", "0.bias"] and not model[0].track_running_stats
        assert t.func.functionalize(lambda x: x.clone().add_(1))(t.tensor([1.0])).tolist() == [2.0]
        with pytest.raises(RuntimeError, match="received invalid argument for remove=x"):
            t.func.functionalize(lambda x: x, remove="x")(1)


def test_unmarked_hooks_are_named_when_a_tensor_is_saved():
    import importlib
    import warnings

    for name in ("autodiff_lab", "torch"):
        t, hooks = importlib.import_module(name), importlib.import_module(f"{name}.utils.hooks")
        x, y = t.ones(1, requires_grad=True), t.ones(1, requires_grad=True)
        x.register_hook(lambda grad: grad)
        y.register_hook(hooks.unserializable_hook(lambda grad: grad))
        with pytest.warns(UserWarning, match="will not be serialized"):
            hooks.warn_if_has_hooks(x)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            hooks.warn_if_has_hooks(y)


def test_transforms_work_without_recording():
    for t in (lab, torch):
        x = t.ones(2, requires_grad=True)
        with t.no_grad():
            assert t.func.grad(lambda x: (x ** 3).sum())(x).tolist() == [3, 3]
            assert t.func.jacrev(lambda x: x ** 3)(x).tolist() == [[3, 0], [0, 3]]
            assert t.func.hessian(lambda x: (x ** 3).sum())(x).tolist() == [[6, 0], [0, 6]]
            assert t.func.vmap(t.func.grad(lambda x: x ** 3))(x).tolist() == [3, 3]
