"""Autograd: what PyTorch's documentation promises, with numbers worked out by hand."""

import threading
import warnings

import numpy as np
import pytest

import autodiff_lab as lab


def leaf(*values):
    return lab.tensor(values if len(values) > 1 else values[0], dtype=lab.float64, requires_grad=True)


class Cube(lab.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        y = x ** 3 * factor
        ctx.save_for_backward(x, y)
        ctx.factor = factor
        return y

    @staticmethod
    def backward(ctx, grad):
        x, _ = ctx.saved_tensors
        return grad * 3 * x ** 2 * ctx.factor, None


class SumAndProduct(lab.autograd.Function):
    @staticmethod
    def forward(a, b):
        return a + b, a * b

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, of_sum, of_product):
        a, b = ctx.saved_tensors
        return of_sum + of_product * b, of_sum + of_product * a


def test_a_function_differentiates_twice():
    x = leaf(1.0, 2.0)
    y = Cube.apply(x, 2.0)
    assert y.grad_fn.name() == "CubeBackward"
    (g,) = lab.autograd.grad(y.sum(), x, create_graph=True)
    assert g.tolist() == [6.0, 24.0]
    g.sum().backward()
    assert x.grad.tolist() == [12.0, 24.0]


def test_a_function_of_two_outputs_gets_zeros_for_the_unused_one():
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    _, product = SumAndProduct.apply(a, b)
    product.sum().backward()
    assert a.grad.tolist() == [3.0, 4.0] and b.grad.tolist() == [1.0, 2.0]
    assert lab.autograd.gradcheck(SumAndProduct.apply, (a, b))
    assert lab.autograd.gradgradcheck(SumAndProduct.apply, (a, b))


def test_a_function_returning_too_many_gradients_is_refused():
    class Wrong(lab.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, grad):
            return grad, grad

    with pytest.raises(RuntimeError, match="incorrect number of gradients"):
        Wrong.apply(leaf(1.0)).backward()


def test_gradcheck_finds_a_wrong_rule():
    class Wrong(lab.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, grad):
            return grad * ctx.saved_tensors[0]  # the 2 is missing

    with pytest.raises(lab.autograd.gradcheck.__globals__["GradcheckError"], match="Jacobian mismatch"):
        lab.autograd.gradcheck(Wrong.apply, (leaf(1.0, 2.0),))


def test_a_second_backward_explains_itself():
    x = leaf(2.0)
    y = x.exp()
    y.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        y.backward()
    z = (x + 1).reshape(1).sum()  # keeps sizes only, which are not freed
    z.backward()
    z.backward()


def test_hooks_see_and_change_gradients():
    a = leaf(1.0, 2.0)
    h = a * 3
    seen = []
    handle = h.register_hook(lambda g: seen.append(g.tolist()) or g * 2)
    h.retain_grad()
    h.sum().backward()
    assert seen == [[1.0, 1.0]] and h.grad.tolist() == [2.0, 2.0] and a.grad.tolist() == [6.0, 6.0]
    handle.remove()
    a.grad = None
    (a * 3).sum().backward()
    assert a.grad.tolist() == [3.0, 3.0]


@pytest.mark.parametrize("leaf", [True, False])
def test_hooks_of_one_tensor_get_one_gradient_until_one_returns_another(leaf):
    a = lab.tensor([1.0, 2.0], requires_grad=True)
    x, seen = (a if leaf else a * 1), []
    x.register_hook(lambda g: seen.append(g))
    x.register_hook(lambda g: setattr(g, "note", "written") or g * 2)
    x.register_hook(lambda g: seen.append(g))
    (x * 3).sum().backward()
    assert seen[0].note == "written" and not hasattr(seen[1], "note")
    assert seen[0].tolist() == [3.0, 3.0] and seen[1].tolist() == a.grad.tolist() == [6.0, 6.0]


def test_a_post_accumulate_hook_runs_after_the_sum():
    a = leaf(1.0)
    sums = []
    a.register_post_accumulate_grad_hook(lambda t: sums.append(t.grad.item()))
    (a * 2 + a * 3).backward()
    assert sums == [5.0]


def test_two_leaves_never_share_a_gradient_buffer():
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (a + b).sum().backward()
    a.grad[0] = 99.0
    assert b.grad.tolist() == [1.0, 1.0]


def test_grad_of_an_unused_input():
    a, b = leaf(1.0), leaf(2.0)
    with pytest.raises(RuntimeError, match="not have been used"):
        lab.autograd.grad(a * 2, (a, b), retain_graph=True)
    assert lab.autograd.grad(a * 2, (a, b), allow_unused=True)[1] is None
    assert lab.autograd.grad(a * 2, (a, b), materialize_grads=True)[1].item() == 0.0


def test_batched_gradients():
    x = leaf(1.0, 2.0)
    (rows,) = lab.autograd.grad(x * x, x, lab.eye(2, dtype=lab.float64), is_grads_batched=True)
    assert rows.tolist() == [[2.0, 0.0], [0.0, 4.0]]


def test_backward_into_named_inputs_leaves_the_others_alone():
    a, b = leaf(1.0), leaf(2.0)
    (a * b).backward(inputs=[a])
    assert a.grad.item() == 2.0 and b.grad is None


def test_modes_nest_decorate_and_belong_to_a_thread():
    @lab.no_grad()
    def quiet(x):
        with lab.enable_grad():
            inside = x * 2
        return inside.requires_grad, (x * 2).requires_grad

    x = leaf(1.0)
    assert quiet(x) == (True, False) and lab.is_grad_enabled()
    elsewhere = []
    with lab.no_grad():
        thread = threading.Thread(target=lambda: elsewhere.append((x * 2).requires_grad))
        thread.start()
        thread.join()
    assert elsewhere == [True]
    assert list(_generator(x)) == [False, False]


@lab.no_grad()
def _generator(x):
    yield (x * 2).requires_grad
    yield (x * 2).requires_grad


def test_anomaly_mode_names_the_forward_line():
    x = leaf(-1.0)
    with warnings.catch_warnings(record=True) as caught, pytest.raises(RuntimeError, match=r"SqrtBackward0.*nan"):
        warnings.simplefilter("always")
        with lab.autograd.detect_anomaly():
            (x.sqrt() * 0).backward()
    assert any("x.sqrt() * 0" in str(w.message) for w in caught)
    assert not lab.autograd.anomaly.is_anomaly_enabled()


def test_saved_tensor_hooks_pack_and_unpack():
    x = leaf(1.0, 1.0)
    packed = []
    with lab.autograd.graph.saved_tensors_hooks(lambda t: packed.append(t) or t.detach().numpy().copy(), lab.from_numpy):
        y = (x * x).exp().sum()
    y.backward()
    assert len(packed) == 3 and np.allclose(x.grad.numpy(), 2 * np.e)


def test_functional_derivatives():
    x = lab.tensor([1.0, 2.0], dtype=lab.float64)
    functional = lab.autograd.functional
    assert functional.jacobian(lambda v: v ** 2, x).tolist() == [[2.0, 0.0], [0.0, 4.0]]
    assert functional.hessian(lambda v: (v ** 3).sum(), x).tolist() == [[6.0, 0.0], [0.0, 12.0]]
    assert functional.jvp(lambda v: v ** 2, x, lab.ones(2, dtype=lab.float64))[1].tolist() == [2.0, 4.0]
    assert functional.vhp(lambda v: (v ** 3).sum(), x, lab.ones(2, dtype=lab.float64))[1].tolist() == [6.0, 12.0]


def test_func_transforms_nest():
    x = lab.tensor(1.0, dtype=lab.float64)
    assert lab.func.grad(lab.func.grad(lab.sin))(x).item() == pytest.approx(-np.sin(1))
    v = lab.tensor([1.0, 2.0], dtype=lab.float64)
    assert lab.func.hessian(lambda u: (u ** 3).sum())(v).tolist() == [[6.0, 0.0], [0.0, 12.0]]
    assert lab.func.jvp(lambda u: u ** 2, (v,), (lab.ones_like(v),))[1].tolist() == [2.0, 4.0]
    assert lab.func.vmap(lab.func.grad(lambda u: (u ** 2).sum()))(lab.ones(3, 2)).tolist() == [[2.0, 2.0]] * 3


def test_checkpoint_gives_the_same_gradients():
    from autodiff_lab.utils.checkpoint import checkpoint

    x = leaf(0.5, 1.0)
    runs = []

    def stretch(v):
        runs.append(1)
        return (v * v).exp().tanh()

    checkpoint(stretch, x, use_reentrant=False).sum().backward()
    kept, x.grad = x.grad, None
    stretch(x).sum().backward()
    assert lab.allclose(kept, x.grad) and len(runs) == 3


def test_a_chain_of_a_hundred_thousand_operators_needs_no_recursion():
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y + 1.0
    y.backward()
    assert x.grad.item() == 1.0


def test_nodes_show_themselves_as_in_pytorch():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    y = (x * w).sum()
    assert y.grad_fn.name() == "SumBackward0"
    (mul, number), = y.grad_fn.next_functions
    assert (mul.name(), number) == ("MulBackward0", 0)
    assert mul.next_functions[0][0].variable is x
    assert mul._saved_self is x and mul._saved_other is w
    assert [name for name in dir(mul) if "_saved_" in name] == ["_raw_saved_other", "_raw_saved_self", "_saved_other", "_saved_self"]
    assert not hasattr(mul, "_saved_exponent") and not hasattr(mul, "saved_tensors")
    values, _ = (x * 2).max(0)
    assert values.grad_fn.name() == "MaxBackward0"


def test_a_write_to_what_was_saved_is_caught():
    x = leaf(1.0, 2.0)
    y = x.exp()
    y += 1
    with pytest.raises(RuntimeError, match=r"modified by an inplace operation.*version 1; expected version 0"):
        y.sum().backward()


def test_graphs_are_freed_without_the_garbage_collector():
    import gc
    import weakref

    gc.collect()
    gc.disable()
    try:
        x = leaf(1.0, 2.0)
        y = x.exp().tanh().sigmoid()
        node = weakref.ref(y.grad_fn)
        del y
        assert node() is None
    finally:
        gc.enable()


def test_one_saved_tensor_of_a_node_can_be_packed():
    x = lab.tensor([1.0, 2.0], requires_grad=True)
    y = x.pow(2)
    seen = []
    y.grad_fn._raw_saved_self.register_hooks(lambda t: seen.append("packed") or t * 10, lambda t: seen.append("unpacked") or t / 10)
    with pytest.raises(RuntimeError, match="already been set"):
        y.grad_fn._raw_saved_self.register_hooks(lambda t: t, lambda t: t)
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 4.0] and seen == ["packed", "unpacked"]
    z = x.exp()
    z.grad_fn._raw_saved_result.register_hooks(lambda t: 0, lambda _: lab.tensor([5.0, 6.0]))
    x.grad = None
    z.sum().backward()
    assert x.grad.tolist() == [5.0, 6.0]
