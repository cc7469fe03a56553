"""Module: registration, state dicts, hooks, text, copies."""

from __future__ import annotations

import copy
import pickle

import pytest

import autodiff_lab as lab
from autodiff_lab import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 3)
        self.second = nn.Linear(3, 1)
        self.scale = nn.Parameter(lab.ones(1))
        self.register_buffer("steps", lab.tensor(0))
        self.register_buffer("cache", lab.zeros(2), persistent=False)

    def forward(self, x):
        return self.second(self.first(x).relu()) * self.scale


def test_parameters_come_in_order_of_registration():
    assert [n for n, _ in Net().named_parameters()] == ["scale", "first.weight", "first.bias", "second.weight", "second.bias"]


def test_state_dict_leaves_out_what_is_not_persistent():
    assert list(Net().state_dict()) == ["scale", "steps", "first.weight", "first.bias", "second.weight", "second.bias"]


def test_a_shared_parameter_is_listed_once():
    net = Net()
    net.tied = net.first.weight
    assert len(list(net.parameters())) == 5
    assert len(list(net.named_parameters(remove_duplicate=False))) == 6


def test_assigning_before_init_says_so():
    class Early(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(1, 1)

    with pytest.raises(AttributeError, match=r"cannot assign module before Module.__init__\(\) call"):
        Early()


@pytest.mark.parametrize("name, error, words", [("a.b", KeyError, 'contain "."'), ("", KeyError, "be empty string"), ("forward", KeyError, "already exists"), (3, TypeError, "should be a string")])
def test_a_bad_name_is_refused(name, error, words):
    with pytest.raises(error, match=words):
        Net().register_parameter(name, nn.Parameter(lab.zeros(1)))


def test_a_parameter_cannot_be_overwritten_by_a_tensor():
    with pytest.raises(TypeError, match=r"cannot assign 'torch.FloatTensor' as parameter 'scale' \(torch.nn.Parameter or None expected\)"):
        Net().scale = lab.zeros(1)


def test_a_buffer_stays_a_buffer_when_assigned():
    net = Net()
    net.steps = lab.tensor(4)
    assert dict(net.named_buffers())["steps"].item() == 4


def test_loading_lists_every_wrong_key():
    with pytest.raises(RuntimeError) as caught:
        Net().load_state_dict({"scale": lab.zeros(2), "odd": lab.zeros(1)})
    text = str(caught.value)
    assert text.startswith("Error(s) in loading state_dict for Net:")
    assert 'Missing key(s) in state_dict: "steps", "first.weight", "first.bias", "second.weight", "second.bias".' in text
    assert 'Unexpected key(s) in state_dict: "odd".' in text
    assert "size mismatch for scale: copying a param with shape torch.Size([2]) from checkpoint, the shape in current model is torch.Size([1])." in text


def test_loading_loosely_reports_the_keys():
    found = Net().load_state_dict({"odd": lab.zeros(1)}, strict=False)
    assert found.unexpected_keys == ["odd"] and len(found.missing_keys) == 6


def test_loading_copies_unless_told_to_assign():
    net, other = Net(), Net()
    weight = other.first.weight
    net.load_state_dict(other.state_dict())
    assert net.first.weight is not weight and net.first.weight.tolist() == weight.tolist()
    net.load_state_dict(other.state_dict(keep_vars=True), assign=True)
    assert net.first.weight is weight


def test_representation_shows_the_tree():
    assert repr(nn.Sequential(nn.Linear(2, 3), nn.ReLU())) == ("Sequential(\n  (0): Linear(in_features=2, out_features=3, bias=True)\n  (1): ReLU()\n)")
    assert repr(nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Tanh()])) == "ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Tanh()\n)"


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
def test_a_copy_computes_the_same_and_shares_nothing(again):
    net = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5), nn.BatchNorm1d(3)).eval()
    twin = again(net)
    x = lab.randn(4, 2)
    assert twin(x).tolist() == net(x).tolist()
    with lab.no_grad():
        twin[0].weight.zero_()
    assert net[0].weight.abs().sum() > 0
    assert isinstance(twin[0].weight, nn.Parameter)


def test_forward_hooks_see_and_replace():
    net, seen = nn.Linear(2, 2), []
    first = net.register_forward_pre_hook(lambda module, args: (args[0] * 2,))
    second = net.register_forward_hook(lambda module, args, kwargs, output: seen.append((len(args), kwargs)) or output + 1, with_kwargs=True)
    x = lab.ones(1, 2)
    hooked = net(x)
    first.remove(), second.remove()
    assert lab.allclose(hooked, net(x * 2) + 1) and seen == [(1, {})]


def test_a_hook_that_must_be_called_is_called_after_an_error():
    net, seen = nn.Linear(2, 2), []
    net.register_forward_hook(lambda *_: seen.append("always"), always_call=True)
    net.register_forward_hook(lambda *_: seen.append("never"))
    with pytest.raises(RuntimeError):
        net(lab.ones(1, 3))
    assert seen == ["always"]


def test_full_backward_hooks_see_both_gradients_and_replace():
    net, seen = nn.Linear(2, 1, bias=False), []
    net.register_full_backward_pre_hook(lambda module, grad_output: seen.append(grad_output[0].tolist()))
    net.register_full_backward_hook(lambda module, grad_input, grad_output: (grad_input[0] * 10,))
    x = lab.ones(1, 2, requires_grad=True)
    net(x).sum().backward()
    assert seen == [[[1.0]]] and lab.allclose(x.grad, net.weight * 10)


def test_modules_are_shown_to_observers():
    from autodiff_lab.core import observe

    class Watch(observe.Observer):
        def __init__(self):
            self.seen = []

        def module_entered(self, module, args):
            self.seen.append(type(module).__name__)

    watch = observe.attach(Watch())
    nn.Sequential(nn.ReLU())(lab.ones(1))
    observe.detach(watch)
    assert watch.seen == ["Sequential", "ReLU"]


def test_train_eval_and_freezing_reach_everything():
    net = nn.Sequential(nn.Sequential(nn.Dropout(), nn.Linear(1, 1)))
    assert not any(m.training for m in net.eval().modules())
    assert not any(p.requires_grad for p in net.requires_grad_(False).parameters())
    with pytest.raises(ValueError, match="training mode is expected to be boolean"):
        net.train(1)


def test_converting_keeps_parameters_and_leaves_integers():
    net = Net()
    weight = net.first.weight
    net.double()
    assert net.first.weight is weight and weight.dtype == lab.float64 and net.steps.dtype == lab.int64


def test_paths_find_modules_and_say_what_is_missing():
    net = Net()
    assert net.get_submodule("first") is net.first and net.get_parameter("first.bias") is net.first.bias
    with pytest.raises(AttributeError, match="Net has no attribute `third`"):
        net.get_submodule("third")


def test_zero_grad_forgets_or_fills():
    net = Net()
    net(lab.ones(1, 2)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert net.scale.grad.tolist() == [0.0]
    net.zero_grad()
    assert net.scale.grad is None


def test_functional_call_leaves_the_module_alone():
    layer = nn.Linear(2, 1)
    before = layer.weight.tolist()
    out = lab.func.functional_call(layer, {"weight": lab.zeros(1, 2), "bias": lab.ones(1)}, (lab.ones(3, 2),))
    assert out.tolist() == [[1.0]] * 3 and layer.weight.tolist() == before


def test_lazy_layers_take_their_shape_from_the_first_input():
    net = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(2))
    assert net(lab.zeros(2, 3, 5, 5)).shape == (2, 2)
    assert [type(m).__name__ for m in net] == ["Conv2d", "BatchNorm2d", "Flatten", "Linear"]


def test_parametrized_weight_is_computed_when_read():
    class Doubled(nn.Module):
        def forward(self, w):
            return w * 2

    layer = nn.Linear(2, 1)
    before = layer.weight.detach().clone()
    nn.utils.parametrize.register_parametrization(layer, "weight", Doubled())
    assert lab.allclose(layer.weight, before * 2) and list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]
    nn.utils.parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert lab.allclose(layer.weight, before) and type(layer) is nn.Linear


def test_a_function_of_the_library_in_a_class_is_no_method():
    class Net(nn.Module):
        act, reduce = lab.tanh, lab.softmax

        def twice(self, x):
            return 2 * x

    class Other(Net):
        act = lab.relu

    x = lab.tensor([-1.0, 1.0])
    assert lab.equal(Net().act(x), lab.tanh(x)) and lab.equal(Other().act(x), lab.relu(x)) and lab.equal(Net().reduce(x, 0), lab.softmax(x, 0))
    assert lab.equal(Net().twice(x), 2 * x)
