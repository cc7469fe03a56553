"""Types that can only be named: PyTorch's facts about them, and a clear refusal where a tensor would have to hold them."""

import pickle

import pytest

import autodiff_lab as lab
from autodiff_lab.core.dtypes import NAMED


@pytest.mark.filterwarnings("ignore")
def test_every_type_of_pytorch_is_here_with_its_facts():
    torch = pytest.importorskip("torch")
    for name in (name for name in dir(torch) if isinstance(getattr(torch, name), torch.dtype)):
        ours, theirs = getattr(lab, name), getattr(torch, name)
        assert isinstance(ours, lab.dtype), name
        facts = [(repr(t), t.itemsize, t.is_floating_point, t.is_complex) for t in (ours, theirs)]
        assert facts[0] == facts[1]
        if not name.startswith(("bits", "q")):
            assert ours.is_signed == theirs.is_signed, name
        if (theirs.is_floating_point or theirs.is_complex) and "float4" not in name:
            limits = [[getattr(m.finfo(t), field) for field in ("bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution", "dtype")] for m, t in ((lab, ours), (torch, theirs))]
            assert limits[0] == limits[1], name


@pytest.mark.parametrize("name", ["float8_e4m3fn", "qint8", "int4", "complex32"])
def test_no_tensor_holds_them(name):
    kind = getattr(lab, name)
    for call in (lambda: lab.zeros(2, dtype=kind), lambda: lab.ones(2).to(kind), lambda: lab.tensor([1], dtype=kind), lambda: lab.ones(2).view(kind), lambda: lab.empty_like(lab.ones(2), dtype=kind)):
        with pytest.raises(NotImplementedError, match="can be named here, but no tensor can hold such numbers"):
            call()


def test_they_are_one_object_each_wherever_they_come_from():
    for kind in NAMED.values():
        assert pickle.loads(pickle.dumps(kind)) is kind
    assert lab.float8_e5m2 != lab.float32 and lab.float8_e5m2 not in (lab.float16, lab.bfloat16)
