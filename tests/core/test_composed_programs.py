"""Short programs that once gave another answer here than in PyTorch: the smallest that random programs were shrunk to."""

from __future__ import annotations

import pytest

import autodiff_lab as lab

from . import composed

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these programs")
pytestmark = pytest.mark.oracle

PROGRAMS = {
    "a NumPy array without dimensions counts as one": "t1 = T.ones(2); t2 = t1 / np.array(2.); t3 = t1 * np.array(2); t4 = t1 @ np.ones(2)",
    "NumPy's functions give NumPy's types": "t1 = T.tensor([1, 2]); t2 = t1 / np.array([1, 2]); t3 = np.multiply(t1, 2.5); t4 = np.sin(t1); t5 = T.ones((), dtype=T.float64) * np.ones(2, np.float32)",
    "a NumPy number is a number": "t1 = T.ones(2); t2 = np.float64(2) * t1; t3 = t1 - np.float64(2); t4 = np.int64(2) ** T.tensor([1, 2], dtype=T.int32)",
    "infinite numbers have no whole quotient": "t1 = T.tensor([1., float('inf'), -float('inf'), 0., -0., -3, 1e38]); t2 = t1 // 2; t3 = t1 // 1e-10; t4 = t1 // 0; t5 = float('inf') // t1; t6 = t1 // float('inf')",
    "a sum of truth values stays one": "t1 = T.tensor([True, False]); t2 = T.add(t1, t1, alpha=2); t3 = t1.add(1, alpha=2); t4 = t1.add(True, alpha=0)",
    "a factor must fit": "t1 = T.tensor([1])\nt1.add(1, alpha=1.5)\nt1.sub(1, alpha=2.5)\nT.rsub(t1, 1, alpha=.5)\nT.ones(1).add(1, alpha=True)\nT.ones(1).add(1, alpha=1j)",
    "a parameter of a number shares its memory": "t1 = T.ones(3).sum(); t2 = T.nn.Parameter(t1); t1.add_(1)",
    "a parameter shares the count of writes": "t1 = T.ones(2, requires_grad=True); t2 = T.ones(2); t3 = T.nn.Parameter(t2); t4 = t1 * t2\nt3.data.mul_(2)\nt2.mul_(2)\nt4.sum().backward()",
    "unsafe parts share memory and no history": "t1 = T.ones(3); t2, t3 = t1.unsafe_chunk(2); t2.mul_(2); t4 = T.split_copy(t1, 2)[0]",
    "parts of complex numbers are set to numbers": "t1 = T.tensor([1+2j, 3]); t1.real = 3; t1.imag = T.tensor([1., 2]); t2 = T.tensor(1+2j); t2.imag = 0.5",
    "other memory is another version": "t1 = T.ones(2, requires_grad=True); t2 = T.ones(2); t3 = t1 * t2\nt2.resize_(1)\nt3.sum().backward()",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_gives_pytorchs_answer(name):
    theirs, ours = composed.environment(torch), composed.environment(lab)
    for statement in PROGRAMS[name].split("\n"):
        errors = composed.run(theirs, statement), composed.run(ours, statement)
        assert errors[0] == errors[1], f"{statement}: PyTorch raises {errors[0]}, we {errors[1]}"
        found = composed.difference(torch, lab, theirs, ours)
        assert found is None, f"{statement}: {found}"
