"""Optimizers without PyTorch: golden trajectories, and what stays around a step."""

from __future__ import annotations

import copy
import importlib.util
import json
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest

import autodiff_lab as lab
from autodiff_lab.core import observe

DATA = Path(__file__).parent.parent / "data" / "optim_trajectories.json"
GOLDEN = json.loads(DATA.read_text(encoding="utf-8"))["cases"]
_spec = importlib.util.spec_from_file_location("make_trajectories", Path(__file__).parent / "make_trajectories.py")
make_trajectories = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make_trajectories)


def one(value=1.0, grad=None):
    p = lab.tensor([value], requires_grad=True)
    if grad is not None:
        p.grad = lab.tensor([grad])
    return p


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: f"{case['optimizer']}-{case['options']}")
def test_twenty_steps_lead_where_pytorch_goes(case):
    found = make_trajectories.trajectory(lab, case["optimizer"], case["options"])
    np.testing.assert_allclose(found, case["found"], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "Adagrad"])
def test_small_and_large_parameters_are_updated_alike(name):
    start, grads = np.linspace(-1, 1, 70_001), [np.cos(np.arange(70_001) * k) for k in (1, 2, 3)]

    def run(pieces):
        params = [lab.tensor(p) for p in np.split(start, pieces)]
        optimizer = getattr(lab.optim, name)(params, lr=0.1)
        for grad in grads:
            for p, g in zip(params, np.split(grad, pieces), strict=True):
                p.grad = lab.tensor(g)
            optimizer.step()
        return np.concatenate([p.numpy() for p in params])

    np.testing.assert_array_equal(run([]), run(list(range(1000, 70_001, 1000))))


@pytest.mark.parametrize("name", ["SGD", "Adam"])
@pytest.mark.parametrize("options", [{}, {"weight_decay": 0.1}, {"maximize": True}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True},
                                     {"momentum": 0.9, "dampening": 0.3}, {"amsgrad": True}], ids=str)
def test_rule_in_place_does_what_the_rule_does(name, options):
    cls = getattr(lab.optim, name)
    if not set(options) <= set(cls([one()]).defaults):
        pytest.skip("not an option of this optimizer")

    class Plain(cls):
        rule_in_place = None

    ends = []
    for kind in (cls, Plain):
        p = lab.linspace(-1, 1, 7, dtype=lab.float64)
        optimizer = kind([p], lr=0.1, **options)
        for k in range(4):
            p.grad = lab.cos(lab.arange(7, dtype=lab.float64) * k)
            optimizer.step()
        ends.append(p.numpy())
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-13)


def test_a_step_counts_as_a_write():
    w = lab.ones(2, requires_grad=True)
    loss = (w * w).sum()
    w.grad = lab.ones(2)
    lab.optim.SGD([w], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_parameters_keep_their_memory():
    w = lab.ones(3, requires_grad=True)
    seen = w.detach().numpy()
    w.grad = lab.ones(3)
    lab.optim.Adam([w], lr=0.1).step()
    np.testing.assert_allclose(seen, 0.9, rtol=1e-6)


def test_parameters_without_gradient_stay_and_get_no_state():
    a, b = one(grad=1.0), one()
    optimizer = lab.optim.Adam([a, b])
    optimizer.step()
    assert b.item() == 1.0 and b not in optimizer.state
    b.grad = lab.ones(1)
    optimizer.step()
    assert [optimizer.state[p]["step"].item() for p in (a, b)] == [2.0, 1.0]


def test_state_that_was_replaced_is_used():
    p = one(grad=1.0)
    optimizer = lab.optim.SGD([p], lr=0.1, momentum=0.9)
    optimizer.step()
    optimizer.state[p]["momentum_buffer"] = lab.tensor([100.0])
    optimizer.step()
    assert p.item() == pytest.approx(1 - 0.1 - 0.1 * 91)


def test_data_that_was_replaced_is_used():
    p = one(grad=1.0)
    optimizer = lab.optim.SGD([p], lr=0.1)
    optimizer.step()
    p.data = lab.tensor([5.0])
    optimizer.step()
    assert p.item() == pytest.approx(4.9)


def test_non_contiguous_and_complex_parameters():
    base = lab.arange(6.0).reshape(2, 3)
    t = base.t()
    z = lab.tensor([1 + 1j], requires_grad=True)
    t.grad = lab.ones(3, 2)
    z.grad = lab.tensor([1 - 2j])
    lab.optim.SGD([t, z], lr=0.5).step()
    assert base.tolist() == [[-0.5, 0.5, 1.5], [2.5, 3.5, 4.5]] and z.tolist() == [0.5 + 2j]


def test_parameters_that_share_memory_are_updated_one_after_the_other():
    base = lab.tensor([1.0, 1.0, 1.0])
    parts = [base[:2], base[1:]]
    for part in parts:
        part.grad = lab.ones(2)
    lab.optim.SGD(parts, lr=0.1).step()
    np.testing.assert_allclose(base.numpy(), [0.9, 0.8, 0.9], rtol=1e-6)
    twice = one(grad=1.0)
    with pytest.warns(UserWarning, match="duplicate"):
        optimizer = lab.optim.Adam([twice, twice], lr=0.1)
    optimizer.step()
    assert optimizer.state[twice]["step"].item() == 2.0 and twice.item() == pytest.approx(0.8, rel=1e-5)


def test_differentiable_step_is_recorded():
    lr_like = lab.tensor(0.1, requires_grad=True)
    p = lab.tensor([2.0], requires_grad=True).clone()
    p.grad = lab.tensor([3.0])
    lab.optim.SGD([p], lr=lr_like, differentiable=True).step()
    p.sum().backward()
    assert lr_like.grad.item() == -3.0


def test_hooks_around_a_step():
    seen = []
    p = one(grad=1.0)
    optimizer = lab.optim.SGD([p], lr=0.1)
    handles = [optimizer.register_step_pre_hook(lambda o, a, k: seen.append("before")), optimizer.register_step_post_hook(lambda o, a, k: seen.append("after"))]
    everywhere = lab.optim.optimizer.register_optimizer_step_pre_hook(lambda o, a, k: seen.append("all"))
    optimizer.step()
    for handle in (*handles, everywhere):
        handle.remove()
    optimizer.step()
    assert seen == ["all", "before", "after"]


def test_observers_are_told_also_of_an_optimizer_of_ones_own():
    class Own(lab.optim.Optimizer):
        def step(self, closure=None):
            pass

    class Watcher(observe.Observer):
        seen = []

        def optimizer_stepped(self, optimizer):
            self.seen.append(("step", optimizer))

        def zero_grad_called(self, owner):
            self.seen.append(("zero", owner))

    watcher = observe.attach(Watcher())
    try:
        optimizer = Own([one()], {})
        optimizer.step()
        optimizer.zero_grad()
    finally:
        observe.detach(watcher)
    assert watcher.seen == [("step", optimizer), ("zero", optimizer)]


def test_zero_grad_forgets_or_fills():
    p = one(grad=2.0)
    optimizer = lab.optim.SGD([p])
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.item() == 0.0
    optimizer.zero_grad()
    assert p.grad is None


def test_deepcopy_and_pickle_keep_going():
    p = one(grad=1.0)
    optimizer = lab.optim.Adam([p])
    optimizer.step()
    for twin in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        (q,) = twin.param_groups[0]["params"]
        q.grad = lab.ones(1)
        twin.step()
        assert twin.state[q]["step"].item() == 2.0
    assert optimizer.state[p]["step"].item() == 1.0


def test_wrong_parameters_are_refused():
    with pytest.raises(TypeError, match="an iterable of Tensors or dicts"):
        lab.optim.SGD(one())
    with pytest.raises(ValueError, match="empty parameter list"):
        lab.optim.SGD([])
    with pytest.raises(TypeError, match="can only optimize Tensors"):
        lab.optim.SGD([1.0])
    with pytest.raises(ValueError, match="non-leaf"):
        lab.optim.SGD([one() * 2])
    with pytest.raises(ValueError, match="more than one parameter group"):
        p = one()
        lab.optim.SGD([{"params": [p]}, {"params": [p]}])
    with pytest.warns(UserWarning, match="duplicate parameters"):
        p = one()
        lab.optim.SGD([p, p])
    with pytest.raises(ValueError, match="different number of parameter groups"):
        lab.optim.SGD([one()]).load_state_dict({"state": {}, "param_groups": []})
    with pytest.raises(RuntimeError, match="dense gradients"):
        lab.optim.SparseAdam([one(grad=1.0)]).step()


def test_schedule_before_the_first_step_warns():
    optimizer = lab.optim.SGD([one()], lr=0.1)
    schedule = lab.optim.lr_scheduler.StepLR(optimizer, 1)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        schedule.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.step()
        schedule.step()


def test_averaged_model_is_the_mean_of_what_it_saw():
    model = lab.nn.Linear(1, 1, bias=False)
    average = lab.optim.swa_utils.AveragedModel(model)
    for value in (1.0, 2.0, 6.0):
        with lab.no_grad():
            model.weight.fill_(value)
        average.update_parameters(model)
    assert average.module.weight.item() == pytest.approx(3.0)
    moving = lab.optim.swa_utils.AveragedModel(model, multi_avg_fn=lab.optim.swa_utils.get_ema_multi_avg_fn(0.5))
    moving.update_parameters(model)
    with lab.no_grad():
        model.weight.fill_(0.0)
    moving.update_parameters(model)
    assert moving.module.weight.item() == pytest.approx(3.0)


def test_groups_are_printed_apart():
    p, q = (lab.ones(1, requires_grad=True) for _ in range(2))
    text = repr(lab.optim.SGD([{"params": [p], "lr": 0.5}, {"params": [q]}], lr=0.1))
    assert "    weight_decay: 0\n\nParameter Group 1\n    dampening: 0" in text and text.startswith("SGD (\nParameter Group 0\n") and text.endswith("\n)")
