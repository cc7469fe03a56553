"""What programs written for PyTorch reach is here, with the keywords they give."""

import pathlib
import sys
import warnings

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import names

# Names that are reached by three or more programs only through PyTorch's inside.
NOT_HERE = {
    "SymFloat": "a number that PyTorch's compiler keeps open; programs reach it through isinstance checks of PyTorch's own code",
    "_C.device": "where PyTorch's device class is written; it is torch.device here",
}
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
