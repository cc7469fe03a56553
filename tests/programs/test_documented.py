"""What the examples of PyTorch's documentation showed to differ, each as the smallest program that shows it."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import warnings

import numpy as np
import pytest

import autodiff_lab as lab
from autodiff_lab import nn

# ---- memory ----

def test_a_tensor_that_wants_gradients_gives_its_array_where_none_are_recorded():
    x = lab.ones(2, requires_grad=True)
    with lab.no_grad():
        assert x.numpy().tolist() == [1, 1]
    with pytest.raises(RuntimeError, match="requires grad"):
        x.numpy()


def test_a_new_dimension_steps_across_what_follows():
    x = lab.zeros(2, 3)
    assert x.unsqueeze(0).stride() == (6, 3, 1)
    assert x[:, None, :, None].stride() == (3, 3, 1, 1)
    assert lab.zeros(3, 1).expand(3, 4).stride() == (1, 0)


def test_imaginary_parts_begin_one_number_later():
    z = lab.zeros(4, dtype=lab.complex64)
    assert [z.real.storage_offset(), z.imag.storage_offset(), z[2:].imag.storage_offset()] == [0, 1, 5]


def test_channels_last_is_kept_by_to_clone_and_empty():
    x = lab.zeros(2, 3, 4, 5)
    wanted = (60, 1, 15, 3)
    made = x.to(memory_format=lab.channels_last)
    assert made.stride() == x.clone(memory_format=lab.channels_last).stride() == lab.empty(2, 3, 4, 5, memory_format=lab.channels_last).stride() == wanted
    assert made.clone(memory_format=lab.contiguous_format).stride() == x.stride()
    assert made.dim_order() == (0, 2, 3, 1)


def test_an_ambiguous_order_of_dimensions_is_refused_when_asked():
    x = lab.zeros(1, 2, 3)
    assert x.dim_order() == (0, 1, 2)
    with pytest.raises(RuntimeError, match="does not have unique dim order"):
        x.dim_order(ambiguity_check=True)
    with pytest.raises(TypeError, match="must be a bool or a list of memory formats"):
        x.dim_order(ambiguity_check="yes")


def test_a_capsule_of_dlpack_is_the_same_memory():
    x = lab.zeros(2, 3).T
    y = lab.from_dlpack(lab.utils.dlpack.to_dlpack(x))
    y[0, 0] = 5
    assert x[0, 0] == 5
    assert y.stride() == (1, 3)


def test_asarray_keeps_what_wants_gradients():
    x = lab.ones(2, requires_grad=True) * 2
    with pytest.warns(UserWarning, match="unspecified requires_grad"):
        assert lab.asarray(x) is x
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not lab.asarray(x, requires_grad=False).requires_grad
        assert lab.asarray(lab.ones(2), requires_grad=True).requires_grad


def test_equal_compares_numbers_of_different_types():
    assert lab.equal(lab.tensor([1, 2]), lab.tensor([1.0, 2.0]))
    assert not lab.equal(lab.tensor([1]), lab.tensor([1.5]))


# ---- warnings ----

def warned(function) -> list[str]:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        function()
    assert all(each.filename == __file__ for each in found)  # they point to the line of the program
    return [f"{each.category.__name__}: {each.message}" for each in found]


@pytest.mark.parametrize("function, start", [
    (lambda: float(lab.ones(1, requires_grad=True)), "UserWarning: Converting a tensor with requires_grad=True to a scalar"),
    (lambda: lab.ones(1, dtype=lab.complex64).float(), "UserWarning: Casting complex values to real discards the imaginary part"),
    (lambda: lab.cross(lab.ones(3), lab.ones(3)), "UserWarning: Using torch.cross without specifying the dim arg is deprecated."),
    (lambda: lab.qr(lab.eye(2)), "UserWarning: torch.qr is deprecated in favor of torch.linalg.qr"),
    (lambda: lab.cholesky(lab.eye(2)), "UserWarning: torch.cholesky is deprecated in favor of torch.linalg.cholesky"),
    (lambda: lab.chain_matmul(lab.eye(2), lab.eye(2)), "UserWarning: torch.chain_matmul is deprecated"),
    (lambda: lab.tensor(1.0).T, "UserWarning: Tensor.T is deprecated on 0-D tensors."),
    (lambda: lab.ones(2, 2, 2).T, "UserWarning: The use of `x.T` on tensors of dimension other than 2"),
    (lambda: lab.where(lab.ones(1, dtype=lab.uint8), 1.0, 2.0), "UserWarning: where received a uint8 condition tensor."),
    (lambda: lab.from_numpy(np.broadcast_to(1.0, (2,))), "UserWarning: The given NumPy array is not writable"),
    (lambda: lab.frombuffer(b"ab", dtype=lab.uint8), "UserWarning: The given buffer is not writable"),
    (lambda: lab.ones(1).storage(), "UserWarning: TypedStorage is deprecated."),
    (lambda: lab.zeros(2).index_reduce(0, lab.tensor([0]), lab.ones(1), "prod"), "UserWarning: index_reduce() is in beta"),
    (lambda: lab.add(lab.ones(2), 1, out=lab.ones(3)), "UserWarning: An output with one or more elements was resized since it had shape [3], which does not match"),
    (lambda: lab.set_default_tensor_type("torch.FloatTensor"), "UserWarning: torch.set_default_tensor_type() is deprecated as of PyTorch 2.1"),
    (lambda: lab.autograd.Variable(lab.ones(1), volatile=True), "UserWarning: volatile was removed and now has no effect."),
    (lambda: lab.jit.script(len), "DeprecationWarning: `torch.jit.script` is deprecated."),
    (lambda: lab.cuda.amp.GradScaler(enabled=False), "FutureWarning: `torch.cuda.amp.GradScaler(args...)` is deprecated."),
    (lambda: lab.cuda.amp.autocast(enabled=False), "FutureWarning: `torch.cuda.amp.autocast(args...)` is deprecated."),
    (lambda: nn.Linear(1, 1).to(lab.complex64), "UserWarning: Complex modules are a new feature"),
    (lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2), 1), "UserWarning: enable_nested_tensor is True, but self.use_nested_tensor is False because encoder_layer.self_attn.batch_first was not True"),
    (lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(3, 3, batch_first=True), 1), "UserWarning: enable_nested_tensor is True, but self.use_nested_tensor is False because encoder_layer.self_attn.num_heads is odd"),
    (lambda: nn.utils.stateless.functional_call(nn.Identity(), {}, lab.ones(1)), "FutureWarning: `torch.nn.utils.stateless.functional_call` is deprecated"),
    (lambda: nn.utils.clip_grad_norm((p for p in ()), 1.0), "FutureWarning: `torch.nn.utils.clip_grad_norm` is now deprecated"),
    (lambda: nn.utils.clip_grad_norm_((p for p in ()), 1.0), "UserWarning: `parameters` is an empty generator"),
    (lambda: nn.functional.affine_grid(lab.ones(1, 2, 3), (1, 1, 2, 2)), "UserWarning: Default grid_sample and affine_grid behavior has changed"),
    (lambda: nn.functional.gumbel_softmax(lab.ones(2), eps=1e-3), "UserWarning: `eps` parameter is deprecated and has no effect."),
    (lambda: lab.utils.checkpoint.checkpoint(lab.sin, lab.ones(1, requires_grad=True)), "UserWarning: torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly."),
    (lambda: lab.utils.checkpoint.checkpoint(lab.sin, lab.ones(1), use_reentrant=True), "UserWarning: None of the inputs have requires_grad=True."),
])
def test_it_warns_in_the_words_of_pytorch(function, start):
    assert any(text.startswith(start) for text in warned(function))


@pytest.mark.parametrize("function", [
    lambda: float(lab.ones(1, requires_grad=True).detach()),
    lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, batch_first=True), 1),
    lambda: nn.Transformer(4, 2, 1, 1, 8, batch_first=True),
    lambda: lab.utils.checkpoint.checkpoint(lab.sin, lab.ones(1), use_reentrant=False),
    lambda: lab.linalg.cross(lab.ones(3), lab.ones(3)),
    lambda: lab.from_numpy(np.ones(2)),
])
def test_it_says_nothing_where_pytorch_does_not(function):
    assert warned(function) == []


def test_masks_of_two_kinds_are_warned_of():
    attention = nn.MultiheadAttention(4, 2)
    x, hidden = lab.ones(3, 1, 4), lab.zeros(1, 3, dtype=lab.bool)
    expected = "UserWarning: Support for mismatched key_padding_mask and attn_mask is deprecated. Use same type for both instead."
    assert warned(lambda: attention(x, x, x, key_padding_mask=hidden, attn_mask=lab.zeros(3, 3))) == [expected]
    assert warned(lambda: attention(x, x, x, key_padding_mask=hidden, attn_mask=lab.zeros(3, 3, dtype=lab.bool))) == []


def test_masks_of_bytes_are_refused():
    mask = lab.tensor([1, 0], dtype=lab.uint8)
    with pytest.raises(RuntimeError, match="masked_fill_ only supports boolean masks, but got mask with dtype unsigned char"):
        lab.ones(2).masked_fill(mask, 0)
    with pytest.raises(RuntimeError, match="masked_select: expected BoolTensor for mask"):
        lab.ones(2).masked_select(mask)


def test_two_masks_are_not_subtracted():
    mask = lab.tensor([True])
    with pytest.raises(RuntimeError, match="with two bool tensors is not supported"):
        mask - mask
    with pytest.raises(RuntimeError, match="with a bool tensor is not supported"):
        1 - mask


# ---- modules ----

def test_functional_call_hands_back_what_the_module_assigned():
    class Counter(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("count", lab.zeros(()))

        def forward(self, x):
            self.count = self.count + 1
            return x + self.count

    counter, given = Counter(), {"count": lab.tensor(5.0)}
    assert lab.func.functional_call(counter, given, lab.zeros(())) == 6
    assert given["count"] == 6
    assert counter.count == 0


# ---- names that were missing ----

@pytest.mark.parametrize("name", ["hann", "hamming", "blackman", "bartlett", "kaiser"])
def test_a_window_of_one_period_is_the_older_one(name):
    new = getattr(lab.signal.windows, name)(9, sym=False, dtype=lab.float64)
    old = getattr(lab, f"{name}_window")(9, dtype=lab.float64)
    assert lab.allclose(new, old, atol=1e-7)


def test_windows_refuse_what_makes_none():
    windows = lab.signal.windows
    with pytest.raises(ValueError, match="general_cosine requires non-negative window length, got M=-1"):
        windows.hann(-1)
    with pytest.raises(ValueError, match="cosine expects float32 or float64 dtypes"):
        windows.cosine(3, dtype=lab.float16)
    with pytest.raises(ValueError, match="Center must be None for symmetric windows"):
        windows.exponential(3, center=1)
    with pytest.raises(ValueError, match="Coefficients cannot be empty"):
        windows.general_cosine(3, a=[])
    assert windows.gaussian(0).shape == (0,)


def test_fractional_pooling_finds_what_stands_at_its_indices():
    lab.manual_seed(0)
    x = lab.randn(2, 3, 9, 7)
    found, where = nn.FractionalMaxPool2d(2, output_size=(4, 3), return_indices=True)(x)
    assert where[0, 0].tolist() == [[8, 10, 13], [29, 23, 27], [36, 45, 41], [50, 59, 62]]  # PyTorch's, from the same random numbers
    assert lab.equal(x.flatten(2).gather(2, where.flatten(2)), found.flatten(2))
    with pytest.raises(ValueError, match="only one of output_size and output_ratio may be specified"):
        nn.FractionalMaxPool2d(2, output_size=2, output_ratio=0.5)


def test_linear_cross_entropy_is_a_layer_and_a_loss():
    loss = nn.LinearCrossEntropyLoss(5, 10, out_features=(4, 3), bias=True, label_smoothing=0.1)
    x, target = lab.randn(2, 5), lab.randint(0, 10, (2, 4, 3))
    by_hand = nn.functional.cross_entropy(loss.linear(x).reshape(2, 10, 4, 3), target, label_smoothing=0.1)
    assert lab.equal(loss(x, target), by_hand)
    with pytest.raises(RuntimeError, match="requires batched input"):
        loss(x[0], target[0])


# ---- autograd ----

def test_a_hook_on_several_gradients_waits_for_those_that_the_pass_reaches():
    a, b = lab.rand(2, 3, requires_grad=True), lab.rand(2, 3, requires_grad=True)
    c, d = a * b, a * b
    seen = []
    handle = lab.autograd.graph.register_multi_grad_hook((a, b, c, d), lambda grads: seen.append([g is not None for g in grads]))
    c.sum().backward(retain_graph=True)
    c.sum().backward(inputs=(a,), retain_graph=True)
    handle.remove()
    c.sum().backward(retain_graph=True)
    assert seen == [[True, True, True, False], [True, False, True, False]]


def test_a_hook_on_any_of_several_gradients_is_called_once_a_pass():
    a, b = lab.ones(2, requires_grad=True), lab.ones(3, requires_grad=True)
    seen = []
    lab.autograd.graph.register_multi_grad_hook((a, b), seen.append, mode="any")
    for _ in range(2):
        (a.sum() * b.sum()).backward()
    assert len(seen) == 2
    with pytest.raises(ValueError, match="Expects mode to be one of"):
        lab.autograd.graph.register_multi_grad_hook((a,), print, mode="some")


# ---- distributions ----

def test_a_distribution_shows_its_parameters_as_pytorch_does():
    distributions = lab.distributions
    assert repr(distributions.Normal(0.0, 1.0)) == "Normal(loc: 0.0, scale: 1.0)"
    assert repr(distributions.Normal(lab.tensor([0.0]), 1.0)) == "Normal(loc: tensor([0.]), scale: tensor([1.]))"
    assert repr(distributions.Normal(lab.zeros(2), 1.0)) == "Normal(loc: torch.Size([2]), scale: torch.Size([2]))"


def test_positive_numbers_are_made_by_two_steps_and_only_bijections_are_called_so():
    distributions = lab.distributions
    assert repr(distributions.transform_to(distributions.constraints.positive)) == "ComposeTransform(\n    ExpTransform(),\n    AffineTransform()\n)"
    with pytest.raises(NotImplementedError, match="Cannot transform _LowerCholesky constraints"):
        distributions.biject_to(distributions.constraints.lower_cholesky)


@pytest.mark.parametrize("concentration", [0.4, 0.0, -0.3, -1.0])
def test_a_generalized_pareto_inverts_its_distribution_function(concentration):
    beyond = lab.distributions.GeneralizedPareto(0.1, lab.tensor(2.0, dtype=lab.float64), concentration)
    p = lab.tensor([0.1, 0.5, 0.9], dtype=lab.float64)
    x = beyond.icdf(p)
    assert lab.allclose(beyond.cdf(x), p)
    assert lab.allclose(beyond.log_survival_function(x).exp(), 1 - p)
    slope = (beyond.cdf(x + 1e-6) - beyond.cdf(x - 1e-6)) / 2e-6
    assert lab.allclose(beyond.log_prob(x).exp(), slope, rtol=1e-5)
    assert beyond.expand((2, 3)).sample((4,)).shape == (4, 2, 3)


def test_tensors_of_the_common_shape_are_not_expanded():
    x = lab.ones(2, requires_grad=True)
    assert lab.broadcast_tensors(x, lab.ones(1))[0] is x


def test_what_is_saved_may_be_written_to_where_that_is_allowed():
    with lab.autograd.graph.allow_mutation_on_saved_tensors():
        a = lab.ones(2, requires_grad=True)
        b = a.clone()
        out = (b ** 2).sum()
        b.sin_()
        out.backward()
    assert a.grad.tolist() == [2, 2]


def test_a_checkpoint_runs_in_its_two_contexts():
    ran = []

    @contextlib.contextmanager
    def note(word):
        ran.append(word)
        yield

    x = lab.ones(2, requires_grad=True)
    lab.utils.checkpoint.checkpoint(lambda t: t.sin().sin(), x, use_reentrant=False, context_fn=lambda: (note("first"), note("again"))).sum().backward()
    assert ran == ["first", "again"]
    kept = lab.utils.checkpoint.create_selective_checkpoint_contexts(lambda ctx, op, *args: lab.utils.checkpoint.CheckpointPolicy.MUST_SAVE)
    assert len(kept) == 2


# ---- trees, futures, names ----

def test_trees_learn_dataclasses_and_constants():
    pytree = lab.utils._pytree
    Point = dataclasses.make_dataclass("Point", ["x", ("y", object, None)])
    Unit = dataclasses.make_dataclass("Unit", ["name"], frozen=True)
    pytree.register_dataclass(Point)
    pytree.register_constant(Unit)
    assert pytree.tree_map(lambda n: n + 1, [Point(1, 2), Point(3)]) == [Point(2, 3), Point(4)]
    leaves, spec = pytree.tree_flatten(Unit("m"))
    assert leaves == [] and pytree.tree_unflatten(leaves, spec) == Unit("m")
    with pytest.raises(ValueError, match="Missing fields in `field_names`"):
        pytree.register_dataclass(Point, field_names=["x"])
    with pytest.raises(TypeError, match="non-default `__eq__`"):
        pytree.register_constant(type("Bare", (), {}))


def test_a_future_waits_for_another_thread():
    future = lab.futures.Future()
    thread = threading.Timer(0.05, future.set_result, (3,))
    thread.start()
    assert future.wait() == 3
    thread.join()


def test_convolutions_are_laid_out_with_their_channels_last():
    model = nn.Sequential(nn.Conv2d(3, 2, 2), nn.Linear(1, 1))
    x = lab.randn(1, 3, 4, 4)
    before = model[0](x)
    nn.utils.convert_conv2d_weight_memory_format(model, lab.channels_last)
    assert model[0].weight.stride() == nn.Conv2d(3, 2, 2).to(memory_format=lab.channels_last).weight.stride() == (12, 1, 6, 3)
    assert lab.allclose(model[0](x), before)


def test_errors_and_results_have_the_names_of_pytorch():
    model = nn.Linear(1, 1)
    assert type(model.load_state_dict(model.state_dict())).__name__ == "_IncompatibleKeys"
    with pytest.raises(lab.linalg.LinAlgError) as found:
        lab.linalg.inv(lab.zeros(2, 2))
    assert type(found.value).__name__ == "_LinAlgError"
    generator = lab.Generator()
    assert generator.set_state(generator.get_state()) is generator


# ---- errors ----

def assign(x, value):
    x.grad = value


@pytest.mark.parametrize("function, error, start", [
    (lambda: lab.ones(3) @ lab.ones(4, 5), RuntimeError, "mat1 and mat2 shapes cannot be multiplied (1x3 and 4x5)"),
    (lambda: lab.ones(2, 3, 4) @ lab.ones(5, 6), RuntimeError, "mat1 and mat2 shapes cannot be multiplied (6x4 and 5x6)"),
    (lambda: lab.ones(2, 3, 4) @ lab.ones(5), RuntimeError, "size mismatch, got input (6), mat (6x4), vec (5)"),
    (lambda: lab.ones(2) @ lab.ones(3, 4, 5), RuntimeError, "Expected size for first two dimensions of batch2 tensor to be: [3, 2] but got: [3, 4]."),
    (lambda: lab.ones(5, 2, 3, 4) @ lab.ones(3, 4, 5), RuntimeError, "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 1"),
    (lambda: lab.linalg.cross(lab.ones(5, 2), lab.ones(5, 2), dim=2), IndexError, "Dimension out of range (expected to be in range of [-2, 1], but got 2)"),
    (lambda: lab.broadcast_shapes((2, 3), (3, 3)), RuntimeError,
     "Attempting to broadcast a dimension of length 3 at -2! Mismatching argument at index 1 had (3, 3); but expected shape should be broadcastable to [2, 3]"),
    (lambda: lab.ones(2, 3).expand(3), RuntimeError, "expand(torch.FloatTensor{[2, 3]}, size=[3]): the number of sizes provided (1) must be greater or equal"),
    (lambda: lab.ones(3, 4).copy_(lab.ones(3)), RuntimeError, "The size of tensor a (4) must match the size of tensor b (3) at non-singleton dimension 1"),
    (lambda: lab.ones(3).copy_(lab.ones(2, 3)), RuntimeError, "output with shape [3] doesn't match the broadcast shape [2, 3]"),
    (lambda: assign(lab.ones(3), lab.ones(2)), RuntimeError, "attempting to assign a gradient of size '[2]' to a tensor of size '[3]'."),
    (lambda: assign(lab.ones(3), 3), TypeError, "assigned grad expected to be a Tensor or None but got grad of type int"),
    (lambda: lab.ones(2, dtype=lab.complex64, requires_grad=True).sum().backward(), RuntimeError,
     "grad can be implicitly created only for real scalar outputs but got torch.complex64"),
    (lambda: lab.autograd.grad((x := lab.ones(2, requires_grad=True)).sum(), [x, lab.ones(1, requires_grad=True)]), RuntimeError,
     "The differentiated Tensor at index 1 appears to not have been used in the graph."),
    (lambda: lab.iinfo(lab.float32), TypeError, "torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'"),
    (lambda: lab.iinfo(lab.bool), TypeError, "torch.bool is not supported by torch.iinfo"),
    (lambda: nn.functional.nll_loss(lab.ones(2, 3), lab.ones(2)), RuntimeError, "expected target dtype to be Long or Byte, but got Float"),
])
def test_an_error_begins_with_the_words_of_pytorch(function, error, start):
    with pytest.raises(error) as found:
        function()
    assert str(found.value).startswith(start)


class Doubled(lab.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    @lab.autograd.function.once_differentiable
    def backward(ctx, grad):
        return grad * 2 if ctx.saved_tensors[0][0] else grad[:1]


def test_a_gradient_of_the_wrong_shape_is_blamed_on_its_function():
    x = lab.zeros(2, requires_grad=True)
    with pytest.raises(RuntimeError) as found:
        Doubled.apply(x).sum().backward()
    assert str(found.value).startswith("Function DoubledBackward returned an invalid gradient at index 0 - got [1] but expected shape compatible with [2]")


def test_a_function_that_is_differentiated_once_gives_constants_for_a_constant_gradient():
    x = lab.ones(2, requires_grad=True)
    gradient, = lab.autograd.grad(Doubled.apply(x).sum(), x, create_graph=True)
    assert not gradient.requires_grad
    assert repr(Doubled.apply(x).grad_fn).startswith("<torch.autograd.function.DoubledBackward object at")


def test_an_object_of_a_function_is_of_no_use_and_warned_of():
    assert warned(Doubled)[0].startswith("DeprecationWarning: <class ")
    with pytest.warns(DeprecationWarning), pytest.raises(RuntimeError, match="Legacy autograd function with non-static forward"):
        Doubled()(lab.ones(1))


def test_only_tensors_are_saved_for_backward():
    class Scaled(lab.autograd.Function):
        @staticmethod
        def forward(ctx, x, factor):
            ctx.save_for_backward(x, factor)

    with pytest.raises(TypeError, match="save_for_backward can only save variables, but argument 1 is of type int"):
        Scaled.apply(lab.ones(1), 3)


def test_a_full_backward_hook_says_when_no_input_wants_a_gradient():
    layer = nn.Linear(2, 1)
    layer.register_full_backward_hook(lambda module, grad_input, grad_output: None)
    assert warned(lambda: layer(lab.ones(1, 2)).sum().backward())[0].startswith("UserWarning: Full backward hook is firing when gradients are computed")
    assert warned(lambda: layer(lab.ones(1, 2, requires_grad=True)).sum().backward()) == []


# ---- random numbers ----

def test_both_parts_of_complex_numbers_are_drawn_uniformly():
    lab.manual_seed(0)
    assert repr(lab.rand(2, dtype=lab.complex64)) == "tensor([0.4963+0.7682j, 0.0885+0.1320j])"
    assert lab.zeros(50, dtype=lab.complex64).uniform_(1, 2).imag.min() >= 1
    assert lab.rand_like(lab.zeros(2, dtype=lab.complex64)).is_complex()


@pytest.mark.skipif(lab.cuda.is_available(), reason="asks for a device that is not there")
def test_a_device_that_is_not_there_is_refused_before_numbers_are_drawn():
    state = lab.get_rng_state()
    for draw in (lab.rand, lab.randn):
        with pytest.raises(AssertionError, match="not compiled with CUDA"):
            draw(3, device="cuda")
    assert lab.equal(lab.get_rng_state(), state)


def test_vmap_over_vectors_goes_back_through_one_graph():
    x = lab.tensor([1.0, 2.0], requires_grad=True)
    y = x ** 2
    assert lab.vmap(lambda v: lab.autograd.grad(y, x, v)[0])(lab.eye(2)).tolist() == [[2, 0], [0, 4]]


def test_numbers_alone_make_a_tensor_in_sums_and_products():
    assert repr((lab.add(5, 5), lab.mul(2, 3.0), lab.sub(5, 2, alpha=2), lab.div(7, 2, rounding_mode="floor"))) == "(tensor(10), tensor(6.), tensor(1), tensor(3))"
    with pytest.raises(TypeError, match="must be Tensor, not int"):
        lab.exp(1)


def test_a_written_index_that_does_not_fit_is_an_expansion():
    with pytest.raises(RuntimeError, match="The expanded size of the tensor"):
        lab.ones(3, 4)[0] = lab.ones(3)


@pytest.mark.parametrize("shape", [(0, 2, 5, 5), (0, 2, 5, 5, 5)])
def test_fractional_pooling_of_no_image_is_no_image(shape):
    d = len(shape) - 2
    pool = (lab.nn.functional.fractional_max_pool2d, lab.nn.functional.fractional_max_pool3d)[d - 2]
    assert pool(lab.ones(shape), 2, output_size=2).shape == (0, 2, *(2,) * d)
