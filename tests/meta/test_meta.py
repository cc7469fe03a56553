"""The device "meta": shapes and types without numbers, as in PyTorch."""

from __future__ import annotations

import warnings

import pytest

import autodiff_lab as lab
from autodiff_lab.core.op import registry

torch = pytest.importorskip("torch")

EXPRESSIONS = [
    "x", "x + 1", "1 - x", "x * x", "x @ x.T", "x.sum()", "x.sum(1, keepdim=True)", "x.mean(0)", "x.max(0)", "x.argmax()", "x.device", "x.is_meta", "t.ones_like(x)",
    "t.zeros(2, device='meta')", "t.randn(2, 3, device='meta')", "t.rand(2, device='meta', dtype=t.float64)", "t.tensor([1, 2], device='meta')", "t.arange(5, device='meta')",
    "t.ones(2).to('meta')", "x.to('meta') is x", "t.full((2,), 1.0, device='meta')", "t.nn.Linear(3, 4, device='meta')(x)", "t.nn.Linear(2, 3, device='meta').weight",
    "x.copy_(t.ones(2, 3))", "t.nn.Linear(2, 3, device='meta').to_empty(device='cpu').weight.shape", "x.stride()", "x.t().is_contiguous()", "x.t().stride()", "x[0]", "x[:, 1:]",
    "x[None].shape", "x.reshape(3, 2)", "x.view(-1).stride()", "list(x)[0].shape", "t.cat([x, x])", "t.stack([x, x], 1).shape", "t.where(x > 0, x, x)", "x > 0",
    "t.nn.functional.cross_entropy(t.empty(4, 5, device='meta'), t.empty(4, dtype=t.long, device='meta'))", "t.einsum('ij,kj->ik', x, x)", "x.softmax(-1)", "x.relu()",
    "t.nn.Embedding(5, 2, device='meta')(t.empty(3, dtype=t.long, device='meta'))", "t.linalg.svd(x)", "x.half()", "x.long().dtype", "x.isnan().any()", "x.float() is x",
    "t.nn.Conv2d(3, 8, 3, device='meta')(t.empty(2, 3, 8, 8, device='meta'))", "t.nn.LayerNorm(3, device='meta')(x)", "t.nn.functional.dropout(x)", "x.data_ptr()",
    "t.nn.functional.max_pool2d(t.empty(2, 3, 8, 8, device='meta'), 2)", "t.nn.BatchNorm1d(3, device='meta')(x)", "x.cumsum(0)", "x.sort()", "x.topk(2)", "x.norm()",
    "t.nn.functional.scaled_dot_product_attention(*[t.empty(2, 4, 5, 8, device='meta')] * 3)", "x.expand(4, 2, 3).stride()", "x.gather(1, t.empty(2, 1, dtype=t.long, device='meta'))",
    "t.nn.MultiheadAttention(8, 2, device='meta', batch_first=True)(*[t.empty(1, 3, 8, device='meta')] * 3)[0].shape", "t.empty(0, device='meta')", "t.empty((), device='meta')",
    "x + t.tensor(1.0)", "x.clone()", "x.detach()", "x.new_zeros(4)", "t.nn.LSTM(3, 4, device='meta')(t.empty(5, 2, 3, device='meta'))[0].shape", "x.std()", "x.pow(2).exp().log()",
    "x.requires_grad_().mul(2)", "x.zero_()", "x.fill_(2)", "x.uniform_()", "x.normal_()", "x.masked_fill(x > 0, 1.0)", "x.tril()", "t.outer(x[0], x[0])", "x.flatten().shape",
    "x.type()", "x.nbytes", "x.element_size()", "t.tanh(x, out=x) is x", "f'{t.empty((), device=\"meta\")}'", "t.bmm(t.empty(2, 3, 4, device='meta'), t.empty(2, 4, 5, device='meta'))",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_meta_tensors_have_the_shapes_and_types_of_pytorch(expression):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told = [repr(eval(expression, {"t": library, "x": library.empty(2, 3, device="meta")})) for library in (lab, torch)]
    assert told[0] == told[1]


REFUSED = [
    "x.item()", "t.empty((), device='meta').item()", "x.numpy()", "x.cpu()", "x.to('cpu')", "x.tolist()", "bool(t.empty((), device='meta'))", "float(t.empty((), device='meta'))",
    "int(t.empty((), device='meta'))", "x + t.ones(3)", "t.nn.Linear(3, 4)(x)", "t.ones(2, 3).copy_(x)", "t.nn.Linear(2, 3, device='meta').to('cpu')", "t.cat([x, t.ones(2, 3)])",
]


@pytest.mark.parametrize("expression", REFUSED)
def test_numbers_of_meta_tensors_are_refused_in_the_words_of_pytorch(expression):
    told = []
    for library in (lab, torch):
        with pytest.raises(Exception) as caught:
            eval(expression, {"t": library, "x": library.empty(2, 3, device="meta")})
        told.append((type(caught.value), str(caught.value)))
    assert told[0] == told[1]


@pytest.mark.parametrize("expression", ["t.nonzero(x)", "x[x > 0]", "t.unique(x)", "t.equal(x, x)", "t.masked_select(x, x > 0)"])
def test_what_needs_numbers_to_know_its_shape_is_refused(expression):
    for library in (lab, torch):
        with pytest.raises(NotImplementedError):
            eval(expression, {"t": library, "x": library.empty(2, 3, device="meta")})


def story(t) -> list:
    t.manual_seed(0)
    with t.device("meta"):
        model = t.nn.Sequential(t.nn.Linear(100_000, 100_000), t.nn.BatchNorm1d(100_000), t.nn.Linear(100_000, 10))
        inside = t.ones(2)
    out = [repr(model), sum(p.numel() for p in model.parameters()), repr(inside), t.rand(1).item(), repr(model(t.empty(2, 100_000, device="meta")).shape)]
    with t.device("meta"):
        small = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.ReLU(), t.nn.Linear(3, 1))
    state = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.ReLU(), t.nn.Linear(3, 1)).state_dict()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        small.load_state_dict(state)
    out += [str(told[0].message), small[0].weight.is_meta]
    small.load_state_dict(state, assign=True)
    out += [str(small[0].weight.device), type(small[0].weight).__name__, small[0].weight.requires_grad, t.equal(small[0].weight, state["0.weight"])]
    with t.device("meta"):
        again = t.nn.Linear(2, 3)
    again.to_empty(device="cpu")
    again.reset_parameters()
    out += [str(again.weight.device), type(again.weight).__name__, bool(again.weight.abs().sum() > 0)]
    x = t.empty(2, 3, device="meta", requires_grad=True)
    y = (x * 2).sum()
    y.backward()
    out += [repr(x.grad), repr(y)]
    model = t.nn.Linear(2, 3).to("meta")
    model(t.empty(4, 2, device="meta")).sum().backward()
    return [*out, repr(model.weight), repr(model.weight.grad)]


def test_a_model_without_numbers_lives_as_in_pytorch():
    assert story(lab) == story(torch)


def test_every_sample_has_the_same_shape_and_type_without_numbers():
    """Kernels that ask for numbers are refused, none gives another shape."""
    wrong, refused, ran = [], set(), 0
    for name, made in registry.items():
        for args, kwargs in made.samples()[:1]:
            on_cpu = [_tensors(a, "cpu") for a in args]
            on_meta = [_tensors(a, "meta") for a in args]
            try:
                expected = made.function(*on_cpu, **{k: _tensors(v, "cpu") for k, v in kwargs.items()})
            except Exception:
                continue
            try:
                found = made.function(*on_meta, **{k: _tensors(v, "meta") for k, v in kwargs.items()})
            except (NotImplementedError, RuntimeError):
                refused.add(name)
                continue
            ran += 1
            if _looks(found) != _looks(expected) or any(each.device.type != "meta" for each in _all_of(found)):
                wrong.append((name, _looks(found), _looks(expected)))
    assert not wrong
    assert refused <= {"nn.functional.binary_cross_entropy", "linalg.inv", "linalg.solve", "linalg.matrix_exp", "masked_select", "nonzero", "floor_divide"}
    assert ran > 250


def _tensors(value, device):
    if isinstance(value, lab.Tensor):
        return value.detach().to(device)
    return [_tensors(v, device) for v in value] if isinstance(value, list) else value


def _all_of(result):
    return [each for part in result for each in _all_of(part)] if isinstance(result, (tuple, list)) else [result] if isinstance(result, lab.Tensor) else []


def _looks(result):
    if isinstance(result, (tuple, list)):
        return [_looks(each) for each in result]
    return (tuple(result.shape), str(result.dtype)) if isinstance(result, lab.Tensor) else None
