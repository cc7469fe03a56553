"""Every optimizer over the inputs of PyTorch's own database, and PyTorch's schedules: trajectories, state dicts, refusals.

`python tests/optim/test_optim_db.py` prints the table.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed")
common = pytest.importorskip("torch.testing._internal.common_optimizers", reason="PyTorch's database of optimizers needs the package expecttest")

import autodiff_lab as lab  # noqa: E402 - after the gates

pytestmark = pytest.mark.oracle

STEPS = 20
SHAPES = ((3, 4), (5,), (), (40, 50), (2, 3, 2))
# Muon rounds to bfloat16, where one other last bit of a product shows. L-BFGS takes differences of gradients, so in
# float32 the last bits of the first steps show in the later ones.
TOLERANCE = {("Muon", "float32"): 2e-3, ("Muon", "float64"): 2e-3, ("LBFGS", "float32"): 2e-3}

# Disagreements, each with its reason.
EXPECTED = {
    ("SparseAdam", None): "sparse gradients are not here; the refusal of dense ones is tested below",
}


def on_lab(value):
    """An option of PyTorch's as one of ours."""
    if isinstance(value, torch.Tensor):
        return lab.tensor(value.numpy())
    if isinstance(value, (tuple, list)):
        return type(value)(on_lab(v) for v in value)
    return value


def inputs():
    for info in common.optim_db:
        name = info.optim_cls.__name__
        if (name, None) in EXPECTED:
            continue
        for i, sample in enumerate(info.optim_inputs_func(device="cpu")):
            yield pytest.param(name, sample.kwargs, id=f"{name}-{i}-{sample.desc}")


def trajectory(T, name: str, kwargs: dict, dtype: str):
    """Parameters after each of STEPS steps with gradients that are the same for both libraries, and the optimizer."""
    shapes = [s for s in SHAPES if len(s) == 2] if name == "Muon" else SHAPES
    draws = np.random.RandomState(1)
    make = lambda array: T.tensor(np.asarray(array, dtype))
    params = [make(draws.randn(*s)).requires_grad_() for s in shapes]
    targets = [make(draws.randn(*s)) for s in shapes]
    optimizer = getattr(T.optim, name)(params, **kwargs)
    found = []
    if name == "LBFGS":
        def closure():
            optimizer.zero_grad()
            loss = sum(((p - t) ** 2).sum() + ((p - t) ** 4).sum() * 0.1 for p, t in zip(params, targets))
            loss.backward()
            return loss.detach()
        for _ in range(3):
            optimizer.step(closure)
            found.append([p.detach().numpy().copy() for p in params])
        return found, optimizer
    for _ in range(STEPS):
        for p in params:
            p.grad = make(draws.randn(*p.shape) * math.exp(draws.randn()))
        optimizer.step()
        found.append([p.detach().numpy().copy() for p in params])
    return found, optimizer


def distance(a, b) -> float:
    return max(float(np.abs(x - y).max() / max(np.abs(x).max(), 1.0)) for step, other in zip(a, b, strict=True) for x, y in zip(step, other, strict=True))


def compare_states(theirs: dict, ours: dict, tolerance: float) -> None:
    assert [sorted(g) for g in theirs["param_groups"]] == [sorted(g) for g in ours["param_groups"]]
    assert list(theirs["state"]) == list(ours["state"])
    for key, state in theirs["state"].items():
        assert list(state) == list(ours["state"][key])
        for name, value in state.items():
            mine = ours["state"][key][name]
            if isinstance(value, torch.Tensor):
                assert str(value.dtype) == str(mine.dtype) and tuple(value.shape) == tuple(mine.shape), name
                np.testing.assert_allclose(mine.numpy(), value.numpy(), rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("name, kwargs", list(inputs()))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_trajectory_and_state_are_pytorchs(name, kwargs, dtype):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, their_optimizer = trajectory(torch, name, kwargs, dtype)
        ours, our_optimizer = trajectory(lab, name, {key: on_lab(value) for key, value in kwargs.items()}, dtype)
    tolerance = TOLERANCE.get((name, dtype), 5e-6 if dtype == "float32" else 1e-12)
    if any(isinstance(v, torch.Tensor) for v in kwargs.values()):
        tolerance = max(tolerance, 1e-6)  # PyTorch computes with options that are tensors in float32
    assert distance(theirs, ours) <= tolerance
    if name != "LBFGS":
        compare_states(their_optimizer.state_dict(), our_optimizer.state_dict(), max(10 * tolerance, 1e-10))


@pytest.mark.parametrize("info", common.optim_db, ids=lambda info: info.optim_cls.__name__)
def test_bad_options_are_refused_with_pytorchs_error(info):
    name = info.optim_cls.__name__
    for case in info.optim_error_inputs_func(device="cpu", dtype=torch.float32):
        given = case.optimizer_error_input
        params = given.params
        if not isinstance(params, list) or not isinstance(params[0], torch.Tensor) or any(p.is_sparse for p in params):
            continue
        twins = {id(p): lab.tensor(p.detach().numpy()) for p in params}
        params = [twins[id(p)] for p in params]
        if "sparse" in str(case.error_regex).lower() or "coalesced" in given.desc.lower():
            continue  # there are no sparse tensors here
        kwargs = {key: on_lab(value) for key, value in given.kwargs.items()}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error" if issubclass(case.error_type, Warning) else "ignore")
                optimizer = getattr(lab.optim, name)(params, **kwargs)
                if case.error_on is common.OptimizerErrorEnum.STEP_ERROR:
                    for p in params:
                        p.grad = lab.ones_like(p)
                    optimizer.step()
        except case.error_type as error:
            import re

            assert re.search(case.error_regex, str(error)), f"{given.desc}: {error}"
        else:
            pytest.fail(f"{name}, {given.desc}: no error for {given.kwargs}")


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Rprop", "ASGD", "Adagrad", "Adadelta", "NAdam", "RAdam", "Adamax", "Adafactor", "LBFGS"])
def test_training_goes_on_from_the_other_librarys_state(name):
    def run(T, optimizer_state, params, steps):
        params = [T.tensor(p).requires_grad_() for p in params]
        optimizer = getattr(T.optim, name)(params)
        if optimizer_state is not None:
            optimizer.load_state_dict(optimizer_state)

        def closure():
            optimizer.zero_grad()
            loss = sum(((p - 1) ** 2).sum() for p in params)
            loss.backward()
            return loss.detach()
        for _ in range(steps):
            optimizer.step(closure)
        return [p.detach().numpy().copy() for p in params], optimizer.state_dict()

    import io

    start = [np.linspace(-1, 1, 12).reshape(3, 4), np.arange(3.0)]
    for first, second in ((torch, lab), (lab, torch)):
        middle, state = run(first, None, start, 3)
        buffer = io.BytesIO()
        first.save(state, buffer)
        buffer.seek(0)
        ended, _ = run(second, second.load(buffer), middle, 3)
        whole, _ = run(first, None, start, 6)
        np.testing.assert_allclose(np.concatenate([e.ravel() for e in ended]), np.concatenate([w.ravel() for w in whole]), rtol=1e-7, atol=1e-9)


SCHEDULES = {
    "StepLR": lambda S, o: S.StepLR(o, 4, 0.5),
    "MultiStepLR": lambda S, o: S.MultiStepLR(o, [3, 3, 8], 0.5),
    "ConstantLR": lambda S, o: S.ConstantLR(o),
    "LinearLR": lambda S, o: S.LinearLR(o, total_iters=7),
    "ExponentialLR": lambda S, o: S.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda S, o: S.PolynomialLR(o, 12, 2.0),
    "LambdaLR": lambda S, o: S.LambdaLR(o, lambda epoch: 1 / (1 + epoch)),
    "MultiplicativeLR": lambda S, o: S.MultiplicativeLR(o, lambda epoch: 0.95),
    "CosineAnnealingLR": lambda S, o: S.CosineAnnealingLR(o, 7, 0.001),
    "CosineAnnealingWarmRestarts": lambda S, o: S.CosineAnnealingWarmRestarts(o, 3, 2),
    "CyclicLR": lambda S, o: S.CyclicLR(o, 0.01, 0.1, 4, 3),
    "CyclicLR triangular2": lambda S, o: S.CyclicLR(o, 0.01, 0.1, 4, mode="triangular2"),
    "CyclicLR exp_range": lambda S, o: S.CyclicLR(o, 0.01, 0.1, 4, mode="exp_range", gamma=0.9),
    "CyclicLR own": lambda S, o: S.CyclicLR(o, 0.01, 0.1, 4, scale_fn=lambda x: 0.5**x, scale_mode="iterations"),
    "OneCycleLR": lambda S, o: S.OneCycleLR(o, 0.5, total_steps=30),
    "OneCycleLR three phases": lambda S, o: S.OneCycleLR(o, 0.5, epochs=3, steps_per_epoch=10, three_phase=True, anneal_strategy="linear"),
    "ReduceLROnPlateau": lambda S, o: S.ReduceLROnPlateau(o, patience=2, cooldown=1),
    "ReduceLROnPlateau max": lambda S, o: S.ReduceLROnPlateau(o, mode="max", patience=2, threshold_mode="abs", min_lr=1e-3),
    "SequentialLR": lambda S, o: S.SequentialLR(o, [S.LinearLR(o, total_iters=3), S.CosineAnnealingLR(o, 5), S.ExponentialLR(o, 0.9)], [3, 9]),
    "ChainedScheduler": lambda S, o: S.ChainedScheduler([S.ConstantLR(o, 0.1, 3), S.ExponentialLR(o, 0.9)]),
}


def rates(T, make, optimizer="SGD", lr=0.1, steps=30, tensor=False):
    """Learning rate and momentum before each step, and the schedule."""
    groups = [{"params": [T.zeros(1, requires_grad=True)]}, {"params": [T.zeros(1, requires_grad=True)], "lr": T.tensor(0.02) if tensor else 0.02}]
    o = getattr(T.optim, optimizer)(groups, lr=T.tensor(lr) if tensor else lr, **({"momentum": 0.9} if optimizer == "SGD" else {}))
    schedule = make(T.optim.lr_scheduler, o)
    found = []
    for i in range(steps):
        found.append([float(v) for g in o.param_groups for v in (g["lr"], g.get("momentum", g.get("betas", [0])[0]))])
        o.step()
        schedule.step(*([(i - 10) ** 2 / 10.0] if isinstance(schedule, T.optim.lr_scheduler.ReduceLROnPlateau) else []))
    return np.array(found), schedule


@pytest.mark.parametrize("tensor", [False, True], ids=["numbers", "tensor lr"])
@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule_sets_pytorchs_rates(name, optimizer, tensor):
    theirs, their_schedule = rates(torch, SCHEDULES[name], optimizer, tensor=tensor)
    ours, our_schedule = rates(lab, SCHEDULES[name], optimizer, tensor=tensor)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5 if tensor else 1e-13, atol=1e-9 if tensor else 0)
    assert sorted(their_schedule.state_dict()) == sorted(our_schedule.state_dict())


@pytest.mark.parametrize("name", ["StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR", "CosineAnnealingLR"])
def test_closed_form_sets_pytorchs_rates(name):
    found = []
    for T in (torch, lab):
        o = T.optim.SGD([T.zeros(1, requires_grad=True)], lr=0.1)
        schedule = SCHEDULES[name](T.optim.lr_scheduler, o)
        o.step()
        with pytest.warns(UserWarning, match="epoch parameter"):
            found.append([(schedule.step(epoch), schedule.get_last_lr()[0])[1] for epoch in (5, 2, 9)])
    np.testing.assert_allclose(found[1], found[0], rtol=1e-14)


def test_every_public_name_of_torch_optim_is_here():
    for theirs, ours in ((torch.optim, lab.optim), (torch.optim.lr_scheduler, lab.optim.lr_scheduler), (torch.optim.swa_utils, lab.optim.swa_utils)):
        missing = {n for n in theirs.__all__ if not hasattr(ours, n)}
        assert missing <= {"swap_in_optimizer_params_and_state"}  # serves tracing with fake tensors only


@pytest.mark.parametrize("first, later", [(0.0, [(2, 0.5)]), (0.9, [(0, 0.0), (2, 0.5)]), (0.9, [(2, 0.0), (4, 0.5)])])
def test_momentum_that_is_set_in_the_middle_is_taken_up_as_in_pytorch(first, later):
    def train(library):
        p = library.nn.Parameter(library.ones(3))
        optimizer = library.optim.SGD([p], lr=0.1, momentum=first)
        for k in range(7):
            optimizer.param_groups[0]["momentum"] = dict(later).get(k, optimizer.param_groups[0]["momentum"])
            optimizer.zero_grad()
            (p ** 2).sum().backward()
            optimizer.step()
        return p.detach().numpy()

    np.testing.assert_allclose(train(lab), train(torch), rtol=1e-5)  # PyTorch multiplies and adds in one


if __name__ == "__main__":
    print(f"{'optimizer':<12} {'input':<45} {'float32':>9} {'float64':>9}")
    for parameter in inputs():
        which, options = parameter.values
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            errors = [distance(trajectory(torch, which, options, d)[0], trajectory(lab, which, {k: on_lab(v) for k, v in options.items()}, d)[0])
                      for d in ("float32", "float64")]
        print(f"{which:<12} {parameter.id.split('-', 2)[2][:45]:<45} {errors[0]:9.1e} {errors[1]:9.1e}")
    for (which, _), reason in EXPECTED.items():
        print(f"{which:<12} {reason}")
