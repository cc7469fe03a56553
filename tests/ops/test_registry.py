"""Generated tests: every sample of every operator, held against calculus, against itself and against PyTorch."""

import importlib
import math
import re
import types

import numpy as np
import pytest

import autodiff_lab as lab
from autodiff_lab.core.op import Op, lazy, registry
from autodiff_lab.core.tensor import Tensor

importlib.import_module("autodiff_lab.nn.functional")

WITH_SAMPLES = sorted(name for name, op in registry.items() if op.make_samples)
DIFFERENTIABLE = [name for name in WITH_SAMPLES if registry[name].rules]


def samples_of(op: Op):
    for args, kwargs in op.samples():
        yield list(args), kwargs


def mapped(value, change):
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, (list, tuple)) and any(isinstance(v, Tensor) for v in value):
        return type(value)(change(v) for v in value)
    return value


def floats(op: Op, args, kwargs) -> list:
    """The floating-point and complex tensors that a rule exists for, in order."""
    found = []
    for param, value in [*zip(op.params, args), *((p, kwargs[p.name]) for p in op.params if p.name in kwargs)]:
        if param.name in op.rules:
            found += [v for v in (value if isinstance(value, (list, tuple)) else [value]) if isinstance(v, Tensor) and (v.is_floating_point() or v.is_complex())]
    return found


def call(op: Op, args, kwargs):
    result = op.function(*args, **kwargs)
    return [r for r in (result if isinstance(result, (tuple, list)) else [result]) if isinstance(r, Tensor)]


REFUSES = "derivative for .* is not implemented"  # a rule that says so, as PyTorch does


def directional_mismatch(run, values) -> float:
    """How far the slope of a random combination of outputs, along a random direction, is from its difference quotient."""
    rng = np.random.default_rng(5)
    outputs = [o for o in run(*values) if o.requires_grad]
    ways, weights = [numbers_like(v, rng) for v in values], [numbers_like(o, rng) for o in outputs]

    def loss(sign: int, eps: float = 1e-6) -> float:
        shifted = run(*((v.detach() + sign * eps * lab.tensor(w)).requires_grad_(v.requires_grad) for v, w in zip(values, ways)))
        return sum(np.vdot(w, np.asarray(o.detach())).real for o, w in zip([o for o in shifted if o.requires_grad], weights, strict=True)) / (2 * eps)

    grads = lab.autograd.grad(outputs, values, [lab.tensor(w) for w in weights], allow_unused=True)
    slope = sum(np.vdot(np.asarray(g.detach()), w).real for g, w in zip(grads, ways) if g is not None)
    return abs(slope - (loss(1) - loss(-1))) / (1 + abs(slope))


def numbers_like(tensor, rng):
    return np.asarray(rng.standard_normal(tensor.shape) + (1j * rng.standard_normal(tensor.shape) if tensor.is_complex() else 0))


def close(a, b, tolerance=1e-6):
    assert np.allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance, equal_nan=True), f"\n{a}\n{b}"


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_agree_with_finite_differences_to_second_order(name):
    op = registry[name]
    for args, kwargs in samples_of(op):
        inputs = floats(op, args, kwargs)
        if not inputs:
            continue

        def run(*values):
            supply = iter(values)
            wanted = {id(t) for t in inputs}
            new_args = [mapped(a, lambda t: next(supply) if id(t) in wanted else t) for a in args]
            new_kwargs = {k: mapped(v, lambda t: next(supply) if id(t) in wanted else t) for k, v in kwargs.items()}
            lab.manual_seed(0)
            return tuple(o for o in call(op, new_args, new_kwargs) if o.dtype in (lab.float64, lab.complex128))

        values = tuple(t.detach().clone().requires_grad_() for t in inputs)
        outputs = run(*values)
        if not any(o.requires_grad for o in outputs):
            continue
        try:
            if sum(t.numel() for t in inputs) > 120 or any(t.is_complex() for t in inputs):  # too many for whole Jacobians: one random direction
                assert directional_mismatch(run, values) < 1e-4, name
                continue
            assert lab.autograd.gradcheck(run, values, atol=1e-4, eps=1e-6), name
        except RuntimeError as error:
            if re.search(REFUSES, str(error)):
                continue
            raise
        if sum(t.numel() for t in inputs) <= 40 and sum(o.numel() for o in outputs) <= 40:
            assert lab.autograd.gradgradcheck(run, values, atol=1e-3, rtol=1e-3), name


@pytest.mark.parametrize("name", [n for n in DIFFERENTIABLE if len(registry[n].rules) > 1])
def test_each_input_alone_gets_its_gradient(name):
    op = registry[name]
    for args, kwargs in samples_of(op):
        for wanted in floats(op, args, kwargs):
            def run(value):
                lab.manual_seed(0)
                new = [mapped(a, lambda t: value if t is wanted else t) for a in args]
                return tuple(o for o in call(op, new, {k: mapped(v, lambda t: value if t is wanted else t) for k, v in kwargs.items()}) if o.dtype in (lab.float64, lab.complex128))

            value = wanted.detach().clone().requires_grad_()
            if not any(o.requires_grad for o in run(value)):
                continue
            try:
                assert directional_mismatch(run, (value,)) < 1e-4, name
            except RuntimeError as error:
                if not re.search(REFUSES, str(error)):
                    raise


@pytest.mark.parametrize("name", WITH_SAMPLES)
def test_an_operator_gives_the_same_on_arrays_and_on_tensors(name):
    op = registry[name]
    if op.list_param is None and not op.tensor_params:
        return
    for args, kwargs in samples_of(op):
        arrays = [mapped(a, lambda t: t._a) for a in args]
        lab.manual_seed(1)
        plain = op.array_function(*arrays, **{k: mapped(v, lambda t: t._a) for k, v in kwargs.items()})
        lab.manual_seed(1)
        wrapped = op.function(*args, **kwargs)
        plain = plain if isinstance(plain, (tuple, list)) else [plain]
        wrapped = wrapped if isinstance(wrapped, (tuple, list)) else [wrapped]
        for a, t in zip(plain, wrapped, strict=True):
            if isinstance(t, Tensor) and t.dtype is not lab.bool and a.dtype == t._a.dtype:
                assert np.array_equal(np.asarray(a), np.asarray(t._a), equal_nan=t.is_floating_point())


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_a_rule_gives_the_same_gradient_on_arrays_and_on_tensors(name):
    op = registry[name]
    for args, kwargs in samples_of(op):
        inputs = floats(op, args, kwargs)
        results = []
        for create_graph in (False, True):
            fresh = {id(t): t.detach().clone().requires_grad_() for t in inputs}
            lab.manual_seed(2)
            outputs = [o for o in call(op, [mapped(a, lambda t: fresh.get(id(t), t)) for a in args],
                                       {k: mapped(v, lambda t: fresh.get(id(t), t)) for k, v in kwargs.items()}) if o.requires_grad]
            if not outputs:
                break
            starts = [lab.ones_like(o) * 0.7 for o in outputs]
            try:
                found = lab.autograd.grad(outputs, list(fresh.values()), starts, create_graph=create_graph, allow_unused=True)
            except RuntimeError as error:
                if re.search(REFUSES, str(error)):
                    break
                raise
            results.append([None if g is None else g.detach()._a for g in found])
        if len(results) == 2:
            for a, b in zip(*results, strict=True):
                assert (a is None) == (b is None)
                if a is not None:
                    close(a, b, 1e-9)


@pytest.mark.parametrize("name", WITH_SAMPLES)
def test_float32_stays_float32(name):
    op = registry[name]
    for args, kwargs in samples_of(op):
        def narrow(t):
            return t.float() if t.dtype is lab.float64 else t
        inputs = [mapped(a, narrow) for a in args]
        if not any(isinstance(a, Tensor) and a.dtype is lab.float32 for a in inputs):
            continue
        for output in call(op, inputs, {k: mapped(v, narrow) for k, v in kwargs.items()}):
            assert output.dtype is not lab.float64, f"{name} widened float32 to float64"


@pytest.mark.parametrize("name", WITH_SAMPLES)
def test_inputs_are_not_written_to_and_need_not_be_contiguous(name):
    op = registry[name]
    for args, kwargs in samples_of(op):
        def strided(t):
            wide = np.zeros((*t.shape[:-1], t.shape[-1] * 2), t._a.dtype) if t.ndim else None
            if wide is None:
                return t
            wide[..., ::2] = t._a
            return lab.from_numpy(wide[..., ::2])
        if op.name in ("as_strided", "as_strided_scatter", "view", "view_as", "view_as_complex"):
            continue
        before = [mapped(a, lambda t: np.array(t._a)) for a in args]
        lab.manual_seed(3)
        plain = call(op, args, kwargs)
        for a, b in zip(args, before, strict=True):
            if isinstance(a, Tensor):
                assert np.array_equal(np.asarray(a._a), b, equal_nan=a.is_floating_point()), f"{name} wrote to its input"
        lab.manual_seed(3)
        other = call(op, [mapped(a, strided) for a in args], {k: mapped(v, strided) for k, v in kwargs.items()})
        for a, b in zip(plain, other, strict=True):
            if a.is_floating_point() or a.is_complex():
                close(a.detach()._a, b.detach()._a, 1e-9)
            else:
                assert np.array_equal(np.asarray(a._a), np.asarray(b._a))


@pytest.mark.parametrize("name", [n for n in WITH_SAMPLES if registry[n].inplace])
def test_in_place_equals_out_of_place(name):
    op = registry[name]
    writer = getattr(Tensor, f"{op.name.split('.')[-1]}_", None)
    if writer is None:
        return
    for args, kwargs in samples_of(op):
        if not isinstance(args[0], Tensor):
            continue
        lab.manual_seed(4)
        (expected, *_) = call(op, args, kwargs)
        target = args[0].detach().clone()
        if expected.shape != target.shape or expected.dtype is not target.dtype:
            continue
        lab.manual_seed(4)
        returned = writer(target, *args[1:], **kwargs)
        assert returned is target
        close(target._a, expected.detach()._a, 1e-12)


@pytest.mark.parametrize("name", sorted(registry))
def test_a_rule_keeps_to_its_vocabulary(name):
    """Rules run on arrays and on tensors, so they may not touch NumPy, SciPy or either's private parts."""
    for rule in registry[name].rules.values():
        names = set(rule.function.__code__.co_names)
        used = {n for n in names if isinstance(rule.function.__globals__.get(n), types.ModuleType) and rule.function.__globals__[n] is not math}
        assert not used, f"the rule of {name} for {rule.inputs} uses the module(s) {used}; write it with operators and ops.*"
        assert not names & {"_a", "astype", "numpy", "item"}, f"the rule of {name} for {rule.inputs} reaches into arrays: {names}"


@pytest.mark.parametrize("name", sorted(n for n, op in registry.items() if op.make_errors))
def test_bad_input_is_refused_with_the_stated_error(name):
    op = registry[name]
    for args, kwargs, kind, words in op.make_errors():
        with pytest.raises(kind, match=words):
            op.function(*args, **kwargs)


def test_a_first_call_with_wrong_arguments_names_the_operator():
    fresh = lazy(registry["squeeze"], "squeeze", "forward")
    with pytest.raises(TypeError, match=r"squeeze\(\) takes"):
        fresh(lab.zeros(1), 0, 1)


@pytest.mark.parametrize("name", ["sum", "mean", "amax", "all", "any", "prod", "logsumexp", "max", "argmax", "std", "var", "norm", "median"])
def test_a_second_dimension_is_not_taken_for_keepdim(name):
    arguments = ("fro", 0, 1) if name == "norm" else (0, True, 1) if name in ("std", "var") else (0, 1)
    with pytest.raises(TypeError, match="keepdim' must be bool, not int"):
        getattr(lab.ones(2, 3), name)(*arguments)


def test_the_methods_squeeze_and_count_nonzero_take_dimensions_one_by_one():
    x = lab.ones(1, 1, 2)
    assert x.squeeze(0, 1).shape == x.squeeze(dim=(0, 1)).shape == (2,) and x.squeeze(axis=0).shape == (1, 2)
    assert x.clone().squeeze_(0, 1).shape == (2,) and x.count_nonzero(0, 1).tolist() == [1, 1]
