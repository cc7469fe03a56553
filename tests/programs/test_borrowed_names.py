"""Names outside the usual modules that public programs and packages import: each answers as PyTorch's does."""

from __future__ import annotations

import subprocess
import sys
from collections import OrderedDict

import numpy as np
import pytest

import autodiff_lab as lab
from autodiff_lab.nn.attention.flex_attention import and_masks, create_block_mask, flex_attention
from autodiff_lab.testing import assert_allclose, assert_close, make_tensor
from autodiff_lab.utils import _pytree as pytree

DIFFERENCES = [
    (lambda t: (t.tensor([1.0, 2.0, 3.0]), t.tensor([1.0, 2.0, 4.0])), {}),
    (lambda t: (t.tensor([[1.0, 2.0], [3.0, 4.0]]), t.tensor([[1.0, 2.0], [3.0, 5.0]])), {"rtol": 0, "atol": 0.1}),
    (lambda t: (t.tensor([1, 2, 3]), t.tensor([1, 2, 4])), {}),
    (lambda t: (t.tensor([float("nan"), 1.0]), t.tensor([float("nan"), 1.0])), {}),
    (lambda t: (t.tensor([1.0]), t.tensor([1.0], dtype=t.float64)), {}),
    (lambda t: (t.tensor([1.0]), t.tensor([1.0, 2.0])), {}),
    (lambda t: (t.tensor(True), t.tensor(False)), {}),
    (lambda t: (1.0, 1.5), {}),
    (lambda t: (1, 2), {}),
    (lambda t: (True, False), {}),
    (lambda t: ([t.tensor(1.0)], [t.tensor(2.0)]), {}),
    (lambda t: ({"a": (1, t.tensor(1.0))}, {"a": (1, t.tensor(2.0))}), {}),
    (lambda t: ({"a": 1}, {"b": 1}), {}),
    (lambda t: ([1], [1, 2]), {}),
    (lambda t: (t.tensor(1.0), t.tensor(2.0)), {"msg": "look here"}),
    (lambda t: (t.tensor(1.0), t.tensor(2.0)), {"msg": lambda words: "look: " + words}),
    (lambda t: (t.tensor(1.0), t.tensor(2.0)), {"rtol": 1e-3}),
    (lambda t: (t.ones(2, 3).t(), t.ones(3, 2)), {"check_stride": True}),
    (lambda t: ("a", "a"), {}),
    (lambda t: (t.tensor(1.0), 1.0), {}),
]


@pytest.mark.parametrize("number", range(len(DIFFERENCES)))
def test_assert_close_says_what_pytorch_says(number):
    torch = pytest.importorskip("torch")
    make, options = DIFFERENCES[number]

    def words(library):
        with pytest.raises(Exception) as caught:
            library.testing.assert_close(*make(library), **options)
        return type(caught.value), str(caught.value)

    kind, said = words(lab)
    theirs, they_said = words(torch)
    assert (kind, said.replace("autodiff_lab.core.tensor.Tensor", "torch.Tensor")) == (theirs, they_said)


def test_assert_close_accepts_what_is_close():
    assert_close({"a": [lab.tensor(1.0), None, 2]}, {"a": [lab.tensor(1.000001), None, 2]})
    assert_close(lab.tensor([float("nan")]), lab.tensor([float("nan")]), equal_nan=True)
    assert_close(np.float32(1), np.float32(1))
    assert_allclose(lab.tensor([1.0, 2.0]), [1.0, 2.0001])


@pytest.mark.parametrize("kind", ["float32", "float64", "int64", "uint8", "bool", "complex64"])
def test_make_tensor_draws_what_pytorch_draws(kind):
    torch = pytest.importorskip("torch")
    lab.manual_seed(3)
    torch.manual_seed(3)
    ours = make_tensor(2, 3, dtype=getattr(lab, kind), device="cpu", requires_grad=kind.startswith("float"))
    theirs = torch.testing.make_tensor((2, 3), dtype=getattr(torch, kind), device="cpu")
    assert np.array_equal(ours.detach().numpy(), theirs.numpy()) and str(ours.dtype) == str(theirs.dtype)
    assert not make_tensor((2, 3), dtype=getattr(lab, kind), device="cpu", noncontiguous=True).is_contiguous()


def test_trees_come_apart_and_together():
    tree = {"a": (1, [2, None]), "b": 3}
    leaves, spec = pytree.tree_flatten(tree)
    assert leaves == [1, 2, None, 3] and spec.num_leaves == 4
    assert pytree.tree_unflatten([5, 6, 7, 8], spec) == {"a": (5, [6, 7]), "b": 8}
    assert pytree.tree_map(lambda x, y: x + y, [1, (2,)], [10, (20,)]) == [11, (22,)]
    assert pytree.tree_map_only(int, lambda x: -x, [1, "a"]) == [-1, "a"]
    with pytest.raises(ValueError, match="holds 4 items"):
        pytree.tree_unflatten([1], spec)


def test_a_class_can_be_registered_as_a_node():
    class Pair:
        def __init__(self, a, b):
            self.a, self.b = a, b

    pytree.register_pytree_node(Pair, lambda p: ([p.a, p.b], None), lambda children, _: Pair(*children))
    try:
        assert pytree.tree_leaves([Pair(1, 2), 3]) == [1, 2, 3]
        assert pytree.tree_map(lambda x: x * 2, Pair(1, 2)).b == 4
    finally:
        del pytree.SUPPORTED_NODES[Pair]


def test_foreach_operators_go_over_lists():
    tensors = [lab.tensor([1.0, 4.0]), lab.tensor([9.0])]
    assert [t.tolist() for t in lab._foreach_sqrt(tensors)] == [[1.0, 2.0], [3.0]]
    assert [t.tolist() for t in lab._foreach_add(tensors, [lab.ones(2), lab.ones(1)], alpha=2)] == [[3.0, 6.0], [11.0]]
    lab._foreach_mul_(tensors, 2)
    lab._foreach_addcmul_(tensors, [lab.ones(2), lab.ones(1)], [lab.ones(2), lab.ones(1)], [1.0, 3.0])
    lab._foreach_lerp_(tensors, [lab.zeros(2), lab.zeros(1)], 0.5)
    assert [t.tolist() for t in tensors] == [[1.5, 4.5], [10.5]]
    assert [t.item() for t in lab._foreach_norm(tensors, 1)] == [6.0, 10.5]
    assert lab._foreach_maximum(tensors, 5.0)[0].tolist() == [5.0, 5.0]
    with pytest.raises(RuntimeError, match="same number of tensors"):
        lab._foreach_add_(tensors, [lab.ones(2)])


def test_flex_attention_is_attention_with_changed_scores():
    lab.manual_seed(0)
    q, k, v = (lab.randn(2, 4, 6, 8) for _ in range(3))
    F = lab.nn.functional
    assert_close(flex_attention(q, k, v), F.scaled_dot_product_attention(q, k, v))
    causal = create_block_mask(lambda b, h, i, j: i >= j, None, None, 6, 6, device="cpu")
    assert_close(flex_attention(q, k, v, block_mask=causal), F.scaled_dot_product_attention(q, k, v, is_causal=True))
    near = and_masks(lambda b, h, i, j: i >= j, lambda b, h, i, j: i - j < 2)
    seen = lab.ones(6, 6).tril().bool() & ~lab.ones(6, 6).tril(-2).bool()
    assert_close(flex_attention(q, k, v, block_mask=create_block_mask(near, 2, 4, 6, 6)), F.scaled_dot_product_attention(q, k, v, attn_mask=seen))
    slopes = lab.arange(4.0)
    biased = flex_attention(q, k, v, score_mod=lambda score, b, h, i, j: score + slopes[h] * (j - i))
    places = lab.arange(6.0)
    assert_close(biased, F.scaled_dot_product_attention(q, k, v, attn_mask=(slopes.view(4, 1, 1) * (places - places.view(6, 1)))))
    nothing = create_block_mask(lambda b, h, i, j: (i > 2) & (j > 0), None, None, 6, 6)
    assert flex_attention(q, k, v, block_mask=nothing)[:, :, :3].abs().max() == 0


def test_paths_that_programs_import_lead_somewhere():
    program = """
import torch
import torch._dynamo
from torch import Tensor, nn
from torch.amp.autocast_mode import autocast
from torch.amp.grad_scaler import GradScaler
from torch.distributed._composable.fsdp import FSDPModule
from torch.distributed._tensor.experimental import implicit_replication
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed import checkpoint, rpc
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.fsdp import StateDictType
from torch.distributed.tensor import DTensor, Shard
from torch import PyTorchFileReader
from torch._C import _TensorMeta
from torch.jit import ScriptModule
from torch.autograd.profiler import EventList
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.attention.flex_attention import flex_attention
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.nn.modules.module import _IncompatibleKeys
from torch.nn.modules.utils import _pair, _triple
from torch.nn.parallel.distributed import DistributedDataParallel
from torch.nn.utils.convert_parameters import parameters_to_vector
from torch.nn.common_types import _size_2_t
from torch.optim.optimizer import Optimizer, ParamsT, required
from torch.overrides import handle_torch_function, has_torch_function
from torch.utils.model_zoo import load_url
from torch.testing import assert_close
from torch.utils._pytree import tree_map
from torch.utils.data._utils.collate import default_collate
from torch.utils.data.dataloader import _collate_fn_t
from torch.utils.flop_counter import FlopCounterMode
from torch.utils.hooks import RemovableHandle
assert torch.ScriptModule is ScriptModule and not torch.profiler.kineto_available()
torch._dynamo.config.suppress_errors = True
torch._assert(True, "no")
torch._check(True)
from torch.export import ExportedProgram, export
from torch.nested import nested_tensor
for refused, words in ((export, "there is no compiler"), (nested_tensor, "every tensor has one size")):
    try: refused(3)
    except RuntimeError as error: assert words in str(error)
    else: assert False
assert not isinstance(3, ExportedProgram)
class Mine(torch.distributed.Store): pass
for refused in (Mine, Shard, rpc.init_rpc, checkpoint.save, StateDictType.FULL_STATE_DICT, rpc.remote(lambda: 3)):
    try: refused()
    except RuntimeError as error: assert "this library trains in one process" in str(error)
    else: assert False
assert list(get_model_state_dict(nn.Linear(1, 1), options=StateDictOptions())) == ["weight", "bias"] and not isinstance(3, StateDictType) and not hasattr(torch.distributed, "nothing") and default_hooks is not None
with sdpa_kernel([SDPBackend.MATH, SDPBackend.FLASH_ATTENTION]):
    print(nn.functional.scaled_dot_product_attention(torch.ones(1, 2, 3), torch.ones(1, 2, 3), torch.ones(1, 2, 3)).sum().item())
print(torch.xpu.is_available(), torch.is_autocast_enabled(), torch.get_autocast_dtype("cpu"), _pair(3), isinstance(nn.Linear(1, 1), ScriptModule))
print(isinstance(torch.ones(1), DTensor), isinstance(nn.Linear(1, 1), (FSDPModule, torch.distributed.fsdp.FullyShardedDataParallel)))
print(isinstance(nn.Linear(1, 1).register_forward_hook(print), RemovableHandle), torch.utils.data._utils.collate.default_collate([1, 2]), torch.utils._pytree is not None)
"""
    done = subprocess.run([sys.executable, "-m", "autodiff_lab", "-c", program], capture_output=True, text=True, timeout=100, check=False)
    assert done.stdout.splitlines() == ["6.0", "False False torch.bfloat16 (3, 3) False", "False False", "True tensor([1, 2]) True"], done.stdout + done.stderr


def test_futures_are_filled_and_chained():
    first, second = lab.futures.Future(), lab.futures.Future()
    both, doubled = lab.futures.collect_all([first, second]), first.then(lambda f: f.wait() * 2)
    first.set_result(3)
    assert doubled.wait() == 6 and not both.done()
    with pytest.raises(RuntimeError, match="has no result yet"):
        second.value()
    second.set_exception(ValueError("lost"))
    assert both.done()
    with pytest.raises(ValueError, match="lost"):
        second.wait()


def test_the_class_tensor_means_the_default_type():
    assert lab.tensor([1, 2]).type(lab.Tensor).dtype is lab.float32


def test_a_recurrent_layer_takes_its_weights_as_one_list():
    layer = lab.nn.GRU(2, 3)
    layer._flat_weights = [w.detach() * 0 for w in layer._flat_weights]
    assert layer(lab.ones(4, 1, 2))[0].abs().max() == 0


def test_a_storage_says_how_much_memory_it_takes():
    assert sys.getsizeof(lab.zeros(1000).untyped_storage()) - sys.getsizeof(lab.zeros(0).untyped_storage()) == 4000


def test_operators_answer_to_their_inner_names():
    x = lab.tensor([1.0, 2.0])
    assert lab.ops.aten.add(x, x).tolist() == [2.0, 4.0] and lab.ops.aten.mul.Tensor(x, x).tolist() == [1.0, 4.0]
    assert lab.ops.aten.clone.default is lab.ops.aten.clone and "default" in lab.ops.aten.add.overloads()
    with pytest.raises(NotImplementedError, match="no operator of that name"):
        lab.ops.aten.no_such_thing(x)
    with pytest.raises(OSError, match="built against PyTorch"):
        lab.ops.load_library("_C.so")


def test_one_device_is_what_parallel_helpers_work_on():
    from autodiff_lab.nn import parallel

    layer = lab.nn.Linear(2, 1)
    x = lab.ones(3, 2)
    assert parallel.data_parallel(layer, x).tolist() == layer(x).tolist() and parallel.replicate(layer, [0]) == [layer]
    assert parallel.gather(parallel.scatter(x, [0]), 0) is x


def test_parallel_lists_are_grouped_by_type():
    from autodiff_lab.foreach import _group_tensors_by_device_and_dtype

    a, b, c = lab.ones(1), lab.ones(1, dtype=lab.float64), lab.zeros(1)
    groups = _group_tensors_by_device_and_dtype([[a, b, c], [c, b, a]], with_indices=True)
    (first, second), places = groups[a.device, lab.float32]
    assert [t is u for t, u in zip(first + second, [a, c, c, a], strict=True)] == [True] * 4 and places == [0, 2] and len(groups) == 2


def test_an_optimizer_around_another_asks_for_its_hooks():
    class Around(lab.optim.Optimizer):
        def __init__(self, inner):
            self.inner, self.defaults, self.state, self.param_groups = inner, inner.defaults, inner.state, inner.param_groups
            self._patch_step_function()

        def step(self, closure=None):
            return self.inner.step(closure)

    x = lab.nn.Parameter(lab.ones(1))
    around = Around(lab.optim.SGD([x], lr=0.5))
    seen = []
    around.register_step_post_hook(lambda *_: seen.append(1))
    x.sum().backward()
    around.step()
    assert x.item() == 0.5 and seen == [1]


def test_a_subclass_may_say_that_it_takes_over_nothing():
    class Plain(lab.Tensor):
        __torch_function__ = lab._C._disabled_torch_function_impl

    assert Plain.__torch_function__(lab.add, (), (lab.ones(1), 1)).tolist() == [2.0] and lab.Future is lab.futures.Future


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_a_matrix_of_numpy_becomes_an_ordinary_tensor():
    made = lab.from_numpy(np.matrix([[1.0, 2.0], [3.0, 4.0]]))
    assert (made * made).tolist() == [[1.0, 4.0], [9.0, 16.0]] and type(made.numpy()) is np.ndarray


def test_extensions_in_other_languages_are_refused_when_they_are_built():
    from autodiff_lab.utils import cpp_extension

    assert cpp_extension.CUDA_HOME is None
    for build in (lambda: cpp_extension.load("fast", ["fast.cpp"]), lambda: cpp_extension.CppExtension("fast", []), cpp_extension.BuildExtension):
        with pytest.raises(RuntimeError, match="compiled against PyTorch"):
            build()


def test_loops_as_functions_give_what_pytorchs_give():
    from autodiff_lab._higher_order_ops.loops import associative_scan, map, scan, while_loop

    x = lab.arange(1.0, 7).reshape(2, 3)
    assert associative_scan(lambda a, b: a + b, x, dim=1).tolist() == [[1.0, 3.0, 6.0], [4.0, 9.0, 15.0]]
    both = associative_scan(lambda a, b: (a[0] * b[0], a[1] * b[0] + b[1]), (x, x), dim=0, reverse=True)
    assert [t.tolist() for t in both] == [[[4.0, 10.0, 18.0], [4.0, 5.0, 6.0]], [[5.0, 12.0, 21.0], [4.0, 5.0, 6.0]]]
    carry, found = scan(lambda c, x: (c + x, c * x), lab.zeros(3), x)
    assert carry.tolist() == [5.0, 7.0, 9.0] and found.tolist() == [[0.0, 0.0, 0.0], [4.0, 10.0, 18.0]]
    carry, found = scan(lambda c, x: (c + x, c * x), lab.zeros(2), x, dim=1, reverse=True)
    assert carry.tolist() == [6.0, 15.0] and found.tolist() == [[5.0, 6.0, 0.0], [44.0, 30.0, 0.0]]
    assert map(lambda row, y: row * y, x, lab.tensor(2.0)).tolist() == (x * 2).tolist()
    assert [t.tolist() for t in while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2), (lab.tensor(0), lab.ones(2)))] == [3, [8.0, 8.0]]


def test_deeper_paths_of_loops_lead_to_the_functions():
    program = "from torch._higher_order_ops.scan import scan; from torch._higher_order_ops.associative_scan import associative_scan; print(callable(scan), callable(associative_scan))"
    done = subprocess.run([sys.executable, "-m", "autodiff_lab", "-c", program], capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout.split() == ["True", "True"]


def test_a_handle_takes_away_what_a_program_put_under_its_number():
    hooks, flags = OrderedDict(), OrderedDict()
    with lab.utils.hooks.RemovableHandle(hooks, extra_dict=[flags]) as handle:
        hooks[handle.id], flags[handle.id] = print, True
    assert not hooks and not flags


def test_a_module_inside_a_compiled_one_can_be_exchanged():
    compiled, other = lab.compile(lab.nn.Linear(1, 1)), lab.nn.Linear(2, 2)
    compiled._orig_mod = other
    assert compiled._orig_mod is other and list(compiled._modules) == ["_orig_mod"] and list(other._modules) == []


def test_state_dicts_of_one_process_are_the_modules_own():
    from autodiff_lab.distributed.state_dict import StateDictOptions, get_model_state_dict, set_model_state_dict

    model = lab.nn.Linear(2, 1)
    state = get_model_state_dict(model)
    set_model_state_dict(model, {"weight": state["weight"] * 0}, options=StateDictOptions(strict=False))
    assert list(state) == ["weight", "bias"] and not model.weight.any()
    with pytest.raises(RuntimeError, match="Missing key"):
        set_model_state_dict(model, {})
    model.bias.requires_grad = False
    assert list(get_model_state_dict(model, options=StateDictOptions(ignore_frozen_params=True))) == ["weight"]
