"""What programs written for PyTorch reach is here, with the keywords they give."""

import pathlib
import sys
import warnings

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import names

# Names that are reached by three or more programs only through PyTorch's inside.
NOT_HERE: dict = {}
FREQUENT = [(name, keywords) for count, name, keywords in names.used() if count >= 3]


@pytest.mark.parametrize("name", [name for name, _ in FREQUENT if name not in NOT_HERE])
def test_name_that_programs_use_is_here(name):
    assert names.present(name), f"torch.{name} is missing"


@pytest.mark.parametrize("name, keyword", [(name, keyword) for name, keywords in FREQUENT for keyword in keywords if name not in NOT_HERE])
def test_keyword_that_programs_use_is_taken(name, keyword):
    assert names.takes(names.resolve(name, names.LIBRARY), keyword) is not False, f"torch.{name} does not take {keyword}="


def test_exceptions_are_still_needed():
    assert not [name for name in NOT_HERE if names.present(name)]


@pytest.mark.oracle
@pytest.mark.parametrize("namespace, least", [("", 0.92), ("Tensor", 0.92), ("linalg", 1.0), ("fft", 1.0), ("special", 1.0), ("nn", 0.97), ("nn.functional", 0.97),
                                              ("nn.init", 1.0), ("optim", 1.0), ("optim.lr_scheduler", 1.0), ("distributions", 0.97), ("autograd", 0.9)])
def test_share_of_pytorchs_names(namespace, least):
    torch = pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        counted, missing, _ = names.compare(torch, namespace)
    assert 1 - len(missing) / len(counted) >= least, f"missing in torch.{namespace}: {missing}"


@pytest.mark.oracle
def test_every_name_left_out_has_one_reason_and_exists():
    torch = pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed")
    counted, _, left_out = names.compare(torch, "Tensor")
    assert not set(counted) & {name for found in left_out.values() for name in found}
    assert len(counted) > 4 * sum(map(len, left_out.values()))


@pytest.mark.parametrize("call, kind, words", [
    ("T.sparse_csr_tensor([0, 1], [0], [1.0])", NotImplementedError, "sparse_coo_tensor"), ("T.ones(2).to_sparse_csr()", NotImplementedError, "compressed"),
    ("T.smm(T.eye(2), T.eye(2))", RuntimeError, "only be called on sparse"), ("T.ones(2).chalf()", NotImplementedError, "complex64"),
    ("T.ones(2).reinforce(1.0)", RuntimeError, "log_prob"), ("T.return_types.nothing", AttributeError, "no operator")])
def test_what_is_not_there_says_so(call, kind, words):
    import autodiff_lab as lab

    with pytest.raises(kind, match=words):
        eval(call, {"T": lab})


@pytest.mark.parametrize("call, expected", [
    ("T.cond(T.tensor(False), lambda x: x + 1, lambda x: x - 1, (T.ones(1),)).tolist()", [0.0]), ("T.get_device_module('cpu').is_available()", True),
    ("T.hash_tensor(T.arange(6).reshape(2, 3), dim=1).tolist()", [3, 2]), ("T.functional.einsum('i,i', T.ones(3), T.ones(3)).item()", 3.0),
    ("T.return_types.max is type(T.max(T.ones(2, 2), 0))", True), ("isinstance(T.ones(2).storage(), T.storage.TypedStorage)", True), ("T.is_anomaly_enabled()", False)])
def test_small_names_do_what_they_say(call, expected):
    import autodiff_lab as lab

    assert eval(call, {"T": lab}) == expected
