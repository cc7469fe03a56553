"""Mixed precision on the processor, compared with PyTorch: which functions run in which type, gradients, the cache, `custom_fwd`, `GradScaler`."""

from __future__ import annotations

import pickle
import threading
import warnings

import numpy as np
import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch")


def outcome(library, call):
    """What `call(library)` gives, as something that can be compared, or the exception."""
    library.manual_seed(0)
    try:
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            found = call(library)
    except Exception as error:  # compared with PyTorch's
        return type(error).__name__, str(error)
    return repr(found), [(w.category.__name__, str(w.message)) for w in heard]


X = np.random.default_rng(0).normal(size=(4, 4)).astype("f4")


def both(call):
    return outcome(lab, call), outcome(torch, call)


DTYPES = {
    "matmul": lambda t, x: x @ x,
    "rmatmul": lambda t, x: x.__rmatmul__(x),
    "mixed": lambda t, x: x @ x.bfloat16(),
    "double": lambda t, x: x.double() @ x.double(),
    "mv": lambda t, x: t.mv(x, x[0]),
    "dot": lambda t, x: t.dot(x[0], x[0]),
    "inner": lambda t, x: t.inner(x, x),
    "inner of vectors": lambda t, x: t.inner(x[0], x[0]),
    "tensordot to one number": lambda t, x: t.tensordot(x, x, 2),
    "einsum": lambda t, x: t.einsum("ij,jk->ik", x, x),
    "einsum without a sum": lambda t, x: t.einsum("i,j->ij", x[0], x[0]),
    "linear": lambda t, x: t.nn.functional.linear(x, x, x[0]),
    "conv1d": lambda t, x: t.nn.functional.conv1d(x, x[:, :, None]),
    "attention": lambda t, x: t.nn.functional.scaled_dot_product_attention(x[None], x[None], x[None]),
    "addmm": lambda t, x: x.addmm(x, x),
    "addmm_": lambda t, x: x.clone().addmm_(x, x),
    "out": lambda t, x: t.mm(x, x, out=t.empty(4, 4)),
    "add": lambda t, x: x.bfloat16() + x,
    "softmax": lambda t, x: x.bfloat16().softmax(0),
    "layer_norm": lambda t, x: t.nn.functional.layer_norm(x.bfloat16(), (4,)),
    "mse_loss": lambda t, x: t.nn.functional.mse_loss(x.bfloat16(), x),
    "cross_entropy": lambda t, x: t.nn.functional.cross_entropy(x.bfloat16(), t.tensor([0, 1, 2, 3])),
    "prod": lambda t, x: x.bfloat16().prod(0),
    "sum": lambda t, x: x.bfloat16().sum(0),
    "trace": lambda t, x: x.bfloat16().trace(),
    "fft": lambda t, x: t.fft.rfft(x.bfloat16()),
    "svdvals": lambda t, x: t.linalg.svdvals(x.bfloat16()),
    "quantile": lambda t, x: x.bfloat16().quantile(0.5),
    "cat": lambda t, x: t.cat([x, x.bfloat16()]),
    "cat of sixteen bits": lambda t, x: t.cat([x.bfloat16(), x.bfloat16()]),
    "stack of float64": lambda t, x: t.stack([x.double(), x.double()]),
    "reflect": lambda t, x: t.nn.functional.pad(x.bfloat16()[None], (1, 1), "reflect"),
    "circular": lambda t, x: t.nn.functional.pad(x.bfloat16()[None], (1, 1), "circular"),
    "prelu": lambda t, x: t.nn.functional.prelu(x, x[0, :1]),
}


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_functions_run_in_the_type_that_pytorch_runs_them_in(dtype):
    def types(library):
        x = library.tensor(X)
        found = {}
        with library.autocast("cpu", dtype=getattr(library, dtype)):
            for name, call in DTYPES.items():
                if dtype == "float16" and "cat" in name:
                    continue
                try:
                    found[name] = str(call(library, x).dtype)
                except RuntimeError as error:
                    found[name] = type(error).__name__
        return found

    assert types(lab) == types(torch)


@pytest.mark.parametrize("module", ["Linear", "LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell"])
def test_modules_give_the_types_that_pytorch_gives(module):
    def types(library):
        layer = getattr(library.nn, module)(4, 3)
        with library.autocast("cpu"):
            found = layer(library.tensor(X))
        found = found if isinstance(found, tuple) else (found,)
        return [str(t.dtype) for each in found for t in (each if isinstance(each, tuple) else (each,))]

    assert types(lab) == types(torch)


def trained(library, cache_enabled=True):
    """Losses and weights of a small network that uses one layer twice."""
    library.manual_seed(0)
    layer, last = library.nn.Linear(4, 4), library.nn.Linear(4, 1)
    optimizer = library.optim.SGD([*layer.parameters(), *last.parameters()], lr=0.1)
    x, losses = library.tensor(X), []
    for _ in range(5):
        optimizer.zero_grad()
        with library.autocast("cpu", dtype=library.bfloat16, cache_enabled=cache_enabled):
            loss = library.nn.functional.mse_loss(last(layer(layer(x).tanh()).relu()), x[:, :1])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, layer.weight.grad.numpy()


@pytest.mark.parametrize("cache_enabled", [True, False])
def test_training_follows_pytorch(cache_enabled):
    (ours, mine), (theirs, reference) = trained(lab, cache_enabled), trained(torch, cache_enabled)
    np.testing.assert_allclose(ours, theirs, rtol=5e-3)
    np.testing.assert_allclose(mine, reference, rtol=0.1, atol=2e-3)
    assert mine.dtype == np.float32


def test_a_parameter_is_cast_once_for_all_its_uses():
    def casts(library):
        w, x = library.ones(2, 2, requires_grad=True), library.ones(2, 2)
        with library.autocast("cpu"):
            y, z = (x @ w).grad_fn.next_functions[1][0], (x @ w).grad_fn.next_functions[1][0]
        return y.name(), y is z or y == z

    assert casts(lab) == casts(torch) == ("ToCopyBackward0", True)


def test_states_nest_and_end():
    def story(library):
        said = []

        def say():
            said.append((library.is_autocast_enabled("cpu"), library.is_autocast_cpu_enabled(), library.is_autocast_enabled(), str(library.get_autocast_dtype("cpu")),
                         library.is_autocast_cache_enabled()))

        say()
        with library.autocast("cpu", dtype=library.float16, cache_enabled=False):
            say()
            with library.autocast("cpu", enabled=False):
                say()
                with library.amp.autocast("cpu"):
                    say()
            say()
            thread = threading.Thread(target=say)
            thread.start()
            thread.join()
        say()

        @library.autocast("cpu")
        def decorated(x):
            say()
            return (x @ x).dtype

        said.append(str(decorated(library.ones(2, 2))))
        say()
        return said

    assert story(lab) == story(torch)


def within(context, call):
    with context:
        return call()


@pytest.mark.parametrize("call", [
    lambda t: t.autocast(1),
    lambda t: within(t.autocast("cpu", dtype=t.float32), lambda: t.is_autocast_enabled("cpu")),
    lambda t: t.autocast("cpu")(3),
    lambda t: t.cpu.amp.autocast()._enabled,
    lambda t: t.cuda.amp.autocast()._enabled,
    lambda t: t.amp.custom_fwd(device_type=1),
    lambda t: t.amp.is_autocast_available("cpu"),
    lambda t: t.amp.GradScaler("cpu", growth_factor=1.0),
    lambda t: t.amp.GradScaler("cpu", backoff_factor=1.0),
    lambda t: t.amp.GradScaler("cpu").update(),
    lambda t: t.amp.GradScaler("cpu").scale(3),
    lambda t: t.amp.GradScaler("cpu").load_state_dict({}),
    lambda t: t.amp.GradScaler("cpu").state_dict(),
    lambda t: t.amp.GradScaler(enabled=True).is_enabled(),
    lambda t: t.amp.GradScaler("cpu", init_scale=4.0).scale([t.ones(1), (t.ones(2),)]),
])
def test_words_and_warnings_are_those_of_pytorch(call):
    assert outcome(lab, call) == outcome(torch, call)


def test_custom_functions_see_what_custom_fwd_says():
    def seen(library):
        said = []

        class Inside(library.autograd.Function):
            @staticmethod
            @library.amp.custom_fwd(device_type="cpu")
            def forward(ctx, x):
                ctx.save_for_backward(x)
                said.append(str((x @ x).dtype))
                return x * 2

            @staticmethod
            @library.amp.custom_bwd(device_type="cpu")
            def backward(ctx, grad):
                said.append(str((grad @ grad).dtype))
                return grad * 2

        class Cast(Inside):
            forward = staticmethod(library.amp.custom_fwd(Inside.forward.__wrapped__, device_type="cpu", cast_inputs=library.float32))

        for kind in (Inside, Cast):
            x = library.ones(2, 2, requires_grad=True)
            with library.autocast("cpu"):
                y = kind.apply(x @ x)
            y.sum().backward()
            said.append(str(y.dtype))
        return said

    assert seen(lab) == seen(torch)


def test_a_step_after_an_overflow_is_left_out():
    def story(library):
        w = library.nn.Parameter(library.tensor([1.0, 2.0]))
        optimizer = library.optim.SGD([w], lr=0.01)
        scaler, said = library.amp.GradScaler("cpu", init_scale=16.0, growth_interval=2), []
        for factor in (1.0, float("inf"), 1.0, 1.0, 1.0):
            optimizer.zero_grad()
            scaler.scale((w * w).sum() * factor).backward()
            if factor == 1.0 and len(said) % 2:
                scaler.unscale_(optimizer)
            said.append(scaler.step(optimizer))
            scaler.update()
            said += [w.detach().numpy().tolist(), scaler.get_scale(), scaler.state_dict()]
        again = pickle.loads(pickle.dumps(scaler))
        other = library.amp.GradScaler("cpu")
        other.load_state_dict(scaler.state_dict())
        return said, again.state_dict(), other.state_dict()

    assert story(lab) == story(torch)


@pytest.mark.parametrize("call", [
    lambda t, s, o: (s.unscale_(o), s.unscale_(o)),
    lambda t, s, o: (s.step(o), s.unscale_(o)),
    lambda t, s, o: (s.step(o), s.step(o)),
    lambda t, s, o: s.step(o, closure=lambda: 1.0),
    lambda t, s, o: s.update(),
    lambda t, s, o: s.update(8.0) or s.get_scale(),
    lambda t, s, o: s.update(t.tensor([8.0])) or s.get_scale(),
    lambda t, s, o: s.step(t.optim.SGD([t.ones(1, requires_grad=True)], lr=1.0)),
    lambda t, s, o: (s.step(o), pickle.dumps(s)),
])
def test_steps_in_the_wrong_order_are_refused(call):
    def run(library):
        w = library.nn.Parameter(library.tensor([1.0]))
        scaler, optimizer = library.amp.GradScaler("cpu"), library.optim.SGD([w], lr=0.1)
        scaler.scale((w * w).sum()).backward()
        return call(library, scaler, optimizer)

    assert outcome(lab, run) == outcome(torch, run)


def test_gradients_in_float16_are_not_unscaled():
    def run(library):
        w = library.nn.Parameter(library.ones(1, dtype=library.float16))
        scaler, optimizer = library.amp.GradScaler("cpu"), library.optim.SGD([w], lr=0.1)
        scaler.scale((w * w).sum().float()).backward()
        scaler.step(optimizer)

    assert outcome(lab, run) == outcome(torch, run)


def test_a_checkpointed_stretch_runs_again_as_it_ran_first():
    def types(library):
        said, x = [], library.ones(2, 2, requires_grad=True)

        def stretch(x):
            y = x @ x
            said.append(str(y.dtype))
            return y * y

        with library.autocast("cpu"):
            y = library.utils.checkpoint.checkpoint(stretch, x, use_reentrant=False)
        y.sum().backward()
        return said, str(x.grad.dtype)

    assert types(lab) == types(torch)


def test_objects_that_take_functions_over_are_asked_before_the_cast():
    def asked(library):
        said = []

        class Named(library.Tensor):
            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None):
                if func.__name__ == "mm":
                    said.append(str(args[0].dtype))
                return super().__torch_function__(func, types, args, kwargs)

        x = library.ones(2, 2).as_subclass(Named)
        with library.autocast("cpu"):
            y = library.mm(x, x)
        return said, str(y.dtype), type(y).__name__

    assert asked(lab) == asked(torch)
