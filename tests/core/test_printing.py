"""Printed tensors are PyTorch's, character for character: fixed texts, and comparison with PyTorch itself."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autodiff_lab.core.printing import format_tensor, get_printoptions, printoptions, set_printoptions


@pytest.fixture(autouse=True)
def default_options():
    yield
    set_printoptions(profile="default")


def text(array, **suffixes):
    array = np.asarray(array)
    return format_tensor(array, dtype_name=array.dtype.name, **suffixes)


f32 = np.float32

GOLDEN = [
    (f32([1e-5]), "tensor([1.0000e-05])"),
    (f32([1e-4, 2e-4]), "tensor([1.0000e-04, 2.0000e-04])"),
    (f32([1, 1000]), "tensor([   1., 1000.])"),
    (f32([1, 1001]), "tensor([1.0000e+00, 1.0010e+03])"),
    (f32([1e8]), "tensor([100000000.])"),
    (f32([0.5, 999]), "tensor([5.0000e-01, 9.9900e+02])"),
    (f32([3e20, -3e-20]), "tensor([ 3.0000e+20, -3.0000e-20])"),
    (f32([[1.5, -2], [10, 3]]), "tensor([[ 1.5000, -2.0000],\n        [10.0000,  3.0000]])"),
    (f32([0, np.nan, np.inf, -np.inf]), "tensor([0., nan, inf, -inf])"),
    (f32([0.5, np.nan]), "tensor([0.5000,    nan])"),
    (f32(1.5), "tensor(1.5000)"),
    (f32(-0.0), "tensor(-0.)"),
    (f32([]), "tensor([])"),
    (np.zeros((0, 3), f32), "tensor([], size=(0, 3))"),
    (np.zeros((0, 3), np.int64), "tensor([], size=(0, 3), dtype=torch.int64)"),
    (np.zeros(0, bool), "tensor([], dtype=torch.bool)"),
    (np.float64([1, 2.5]), "tensor([1.0000, 2.5000], dtype=torch.float64)"),
    (np.int32([1, -20]), "tensor([  1, -20], dtype=torch.int32)"),
    (np.array([True, False]), "tensor([ True, False])"),
    (np.complex64([1 + 2j, -0.5 - 1j]), "tensor([ 1.0000+2.j, -0.5000-1.j])"),
    (np.arange(1001), "tensor([   0,    1,    2,  ...,  998,  999, 1000])"),
    (np.zeros((2, 1, 2), f32), "tensor([[[0., 0.]],\n\n        [[0., 0.]]])"),
]


@pytest.mark.parametrize("array, expected", GOLDEN)
def test_text_is_as_recorded_from_pytorch(array, expected):
    assert text(array) == expected


def test_large_matrix_shows_its_edges():
    row = "[0., 0., 0.,  ..., 0., 0., 0.]"
    lines = ",\n        ".join([row] * 3 + ["..."] + [row] * 3)
    assert text(np.zeros((40, 30), f32)) == f"tensor([{lines}])"


def test_suffixes_follow_in_pytorchs_order():
    assert text(np.float64([1]), device="cuda:0", grad_fn="MulBackward0", requires_grad=True) == (
        "tensor([1.], device='cuda:0', dtype=torch.float64, grad_fn=<MulBackward0>)")
    assert text(f32([1]), requires_grad=True) == "tensor([1.], requires_grad=True)"


def test_default_type_is_not_printed():
    assert text(np.float64([1]), default_dtype_name="float64") == "tensor([1.])"
    assert text(f32([1]), default_dtype_name="float64") == "tensor([1.], dtype=torch.float32)"
    assert text(np.complex128([1]), default_dtype_name="float64") == "tensor([1.+0.j])"


def test_options_change_and_come_back():
    with printoptions(precision=2, sci_mode=True):
        assert text(f32([1, 2.5])) == "tensor([1.00e+00, 2.50e+00])"
    assert text(f32([1, 2.5])) == "tensor([1.0000, 2.5000])"
    set_printoptions(sci_mode=False)
    assert text(f32([1e-5, 1])) == "tensor([0.0000, 1.0000])"
    set_printoptions(edgeitems=2)  # what is not given stays, but sci_mode goes back to automatic
    assert get_printoptions() == {"precision": 4, "threshold": 1000, "edgeitems": 2, "linewidth": 80, "sci_mode": None}


def test_profiles_set_everything():
    set_printoptions(profile="full")
    assert get_printoptions()["threshold"] == math.inf
    set_printoptions(profile="short")
    assert get_printoptions()["precision"] == 2


# Against PyTorch.

FLOATS = ["float16", "bfloat16", "float32", "float64"]
INTEGERS = ["uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64"]
COMPLEX = ["complex64", "complex128"]


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed")


def number(kind):
    ordinary = st.floats(-20, 20, width=16)
    whole = st.integers(-1000, 1000).map(float)
    odd = st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf, 1e-5, 1e-4, 9.9999e-5, 1e8, 1.5e8, 1e20, 1e-30,
                           999.5, 1e3, 1001.0])
    any_float = st.floats(width=64)
    real = st.one_of(ordinary, whole, odd, any_float)
    if kind == "c":
        return st.builds(complex, real, real)
    return {"f": real, "i": st.integers(-(2**63), 2**63 - 1), "b": st.booleans()}[kind]


@st.composite
def arrays(draw):
    name = draw(st.sampled_from([*FLOATS, *FLOATS, *INTEGERS, "bool", *COMPLEX]))
    if name == "bfloat16":
        dtype = np.dtype(pytest.importorskip("ml_dtypes", reason="bfloat16 needs ml_dtypes").bfloat16)
    else:
        dtype = np.dtype(name)
    shape = tuple(draw(st.lists(st.sampled_from([0, 1, 1, 2, 3, 4, 7, 8, 13]), max_size=4)))
    kind = "c" if name in COMPLEX else "f" if name in FLOATS else "b" if name == "bool" else "i"
    palette = draw(st.lists(number(kind), min_size=1, max_size=6))
    count = math.prod(shape)
    pick = np.random.RandomState(draw(st.integers(0, 2**31))).randint(0, len(palette), count)
    with np.errstate(all="ignore"):
        values = np.array(palette, {"c": complex, "f": float, "b": bool, "i": np.int64}[kind])[pick]
        if kind == "i" and draw(st.booleans()):
            values = values % 100
        return values.astype(dtype).reshape(shape)


options = st.fixed_dictionaries({}, optional={
    "precision": st.integers(0, 8), "threshold": st.sampled_from([0, 5, 20, 1000, math.inf]),
    "edgeitems": st.integers(0, 4), "linewidth": st.sampled_from([10, 40, 80, 120]),
    "sci_mode": st.sampled_from([None, True, False])})


@pytest.mark.oracle
@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(array=arrays(), options=options, grad=st.booleans(), default=st.sampled_from(["float32", "float64"]))
def test_random_arrays_print_as_in_pytorch(torch, array, options, grad, default):
    name = array.dtype.name
    theirs = torch.from_numpy(array.astype(np.float32)).bfloat16() if name == "bfloat16" else torch.from_numpy(array)
    grad = grad and (theirs.is_floating_point() or theirs.is_complex())
    theirs.requires_grad_(grad)
    torch.set_default_dtype(getattr(torch, default))
    try:
        with printoptions(**options), torch._tensor_str.printoptions(**options):
            names = {"dtype_name": name, "default_dtype_name": default}
            assert format_tensor(array, requires_grad=grad, **names) == repr(theirs)
            if grad:
                assert format_tensor(array, grad_fn="CloneBackward0", **names) == repr(theirs.clone())
    finally:
        torch.set_default_dtype(torch.float32)
