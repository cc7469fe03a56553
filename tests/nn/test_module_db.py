"""Every module of PyTorch's own database: built, run and differentiated by both libraries from one seed.

`python -m tests.nn.test_module_db` prints a table of the agreement.
"""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed (make test EXTRAS=oracle)")

from torch.testing._internal.common_modules import module_db  # noqa: E402

import autodiff_lab as lab  # noqa: E402

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]

DISAGREEMENTS: dict[str, str] = {}
"""Modules whose results are known to differ, and why."""


def translated(value):
    """A value of PyTorch's as one of ours: tensors, dtypes, devices, modules, and containers of them."""
    if isinstance(value, torch.Tensor):
        made = lab.tensor(value.detach().numpy().copy())
        return made.requires_grad_(value.requires_grad) if value.is_floating_point() else made
    if isinstance(value, torch.dtype):
        return getattr(lab, str(value).removeprefix("torch."))
    if isinstance(value, torch.device):
        return lab.device(str(value))
    if isinstance(value, torch.nn.Module):
        return twin(value)
    if callable(value) and getattr(torch.nn.functional, getattr(value, "__name__", ""), None) is value:
        return getattr(lab.nn.functional, value.__name__)
    if value is torch.nn.functional.gelu:
        return lab.nn.functional.gelu
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(translated(v) for v in value)
    if isinstance(value, dict):
        return {k: translated(v) for k, v in value.items()}
    return value


def as_leaves(value):
    """The same with every tensor a leaf, so that its gradient can be read."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad) if value.is_floating_point() else value
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(as_leaves(v) for v in value)
    return {k: as_leaves(v) for k, v in value.items()} if isinstance(value, dict) else value


def twin(module):
    """The same module here: built with the sizes of the other and loaded with its state."""
    if type(module).__name__ == "TransformerEncoderLayer":
        attention = module.self_attn
        made = lab.nn.TransformerEncoderLayer(attention.embed_dim, attention.num_heads, module.linear1.out_features, module.dropout.p, batch_first=attention.batch_first,
                                              activation=translated(module.activation), norm_first=module.norm_first,
                                              bias=module.linear1.bias is not None, dtype=translated(module.linear1.weight.dtype))
    elif type(module).__name__ == "LayerNorm":
        made = lab.nn.LayerNorm(module.normalized_shape, module.eps, dtype=translated(module.weight.dtype))
    elif type(module).__name__ == "PairwiseDistance":
        return lab.nn.PairwiseDistance()
    else:
        raise NotImplementedError(type(module).__name__)
    made.load_state_dict({k: translated(v) for k, v in module.state_dict().items()})
    return made


def tensors(value, kind) -> list:
    if isinstance(value, kind):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for v in value for t in tensors(v, kind)] if isinstance(value, (list, tuple)) else []


def same(mine, theirs, what: str, tolerance: float) -> None:
    if theirs is None or mine is None:
        given = mine if theirs is None else theirs
        assert given is None or not np.any(given.detach().numpy()), f"{what}: only one of the two has a value"
        return
    assert tuple(mine.shape) == tuple(theirs.shape) and str(mine.dtype) == str(theirs.dtype), f"{what}: {mine.shape} {mine.dtype}, PyTorch {theirs.shape} {theirs.dtype}"
    np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), rtol=tolerance, atol=tolerance, err_msg=what)


def run(library, make, arguments, training: bool):
    """Build, run and differentiate; returns everything that can be compared."""
    library.manual_seed(7)
    module = make()
    initial = {k: (v if type(v).__name__.startswith("Uninit") else v.detach().clone()) for k, v in module.state_dict().items()}
    module.train(training)
    args, kwargs = arguments
    library.manual_seed(11)
    output = module(*args, **kwargs)
    outputs = tensors(output, library.Tensor)
    wanting = [t for t in outputs if t.requires_grad]
    given = [t for t in tensors([list(args), kwargs], library.Tensor) if t.requires_grad]
    if wanting:
        loss = sum((t * t).sum() for t in wanting)
        loss.backward()
    return initial, outputs, [t.grad for t in given], {n: p.grad for n, p in module.named_parameters()}, module.state_dict(), repr(module), library.rand(2)


def cases(info, training: bool, dtype):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        return list(info.module_inputs_func(info, device="cpu", dtype=dtype, requires_grad=True, training=training))


def compare(info, training: bool, dtype=torch.float64, tolerance: float = 1e-7) -> int:
    """Run all cases of one module; returns how many there were."""
    name = info.name.removeprefix("nn.")
    n = 0
    for case in cases(info, training, dtype):
        built, forward = case.constructor_input, case.forward_input
        if forward is None:
            continue
        constructor = {"device": "cpu", "dtype": dtype} | dict(built.kwargs) if "dtype" in _parameters(info.module_cls) else dict(built.kwargs)
        # Copies for the other library are taken before anything runs.
        mine_args, mine_kwargs = translated(list(built.args)), translated(constructor)
        given_args, given_kwargs = as_leaves(list(forward.args)), as_leaves(dict(forward.kwargs))
        mine_forward = translated(given_args), translated(given_kwargs)
        what = f"{name}{built.args}{built.kwargs} training={training}"
        theirs = run(torch, partial(info.module_cls, *built.args, **constructor), (given_args, given_kwargs), training)
        mine = run(lab, partial(getattr(lab.nn, name), *mine_args, **mine_kwargs), mine_forward, training)
        assert list(mine[0]) == list(theirs[0]), f"{what}: keys"
        for key, value in theirs[0].items():
            if not type(value).__name__.startswith("Uninit"):
                same(mine[0][key], value, f"{what}: initial {key}", 1e-9)
        assert len(mine[1]) == len(theirs[1]), f"{what}: number of results"
        for i, (a, b) in enumerate(zip(mine[1], theirs[1], strict=True)):
            same(a, b, f"{what}: result {i}", tolerance)
        if any(bool(t.isnan().any()) for t in theirs[1]):  # e.g. a mean over nothing: what flows back from NaN means nothing
            n += 1
            continue
        for i, (a, b) in enumerate(zip(mine[2], theirs[2], strict=True)):
            same(a, b, f"{what}: gradient of argument {i}", tolerance)
        for key, value in theirs[3].items():
            same(mine[3][key], value, f"{what}: gradient of {key}", tolerance)
        for key, value in theirs[4].items():
            same(mine[4][key], value, f"{what}: {key} afterwards", tolerance)
        assert mine[5] == theirs[5], f"{what}: representation"
        assert mine[6].tolist() == theirs[6].tolist(), f"{what}: random numbers drawn"
        n += 1
    return n


def _parameters(cls) -> set:
    import inspect

    found = set()
    for base in cls.__mro__:
        if "__init__" in vars(base):
            found |= set(inspect.signature(base.__init__).parameters)
    return found


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("info", module_db, ids=lambda info: info.name)
def test_module_agrees_with_pytorch(info, training):
    if info.name in DISAGREEMENTS:
        pytest.xfail(DISAGREEMENTS[info.name])
    if not training and not info.train_and_eval_differ:
        pytest.skip("training makes no difference")
    assert compare(info, training)


@pytest.mark.parametrize("info", [i for i in module_db if i.module_error_inputs_func is not None], ids=lambda info: info.name)
def test_module_refuses_what_pytorch_refuses(info):
    name = info.name.removeprefix("nn.")
    for case in info.module_error_inputs_func(info, device="cpu", dtype=torch.float32, requires_grad=False, training=True):
        built, forward = case.module_error_input.constructor_input, case.module_error_input.forward_input
        def attempt(built=built, forward=forward):
            module = getattr(lab.nn, name)(*translated(list(built.args)), **translated(dict(built.kwargs)))
            if forward is not None:
                module(*translated(list(forward.args)), **translated(dict(forward.kwargs)))
        with pytest.raises(case.error_type, match=case.error_regex):
            attempt()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for each in module_db:
        try:
            done = sum(compare(each, mode) for mode in ((True, False) if each.train_and_eval_differ else (True,)))
            print(f"{each.name:32} agrees in {done} cases")
        except Exception as error:
            print(f"{each.name:32} DIFFERS: {str(error).splitlines()[0][:150] if str(error) else type(error).__name__}")
