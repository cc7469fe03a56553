"""Sobol points, window functions, and the names of sizes that are not known yet: as in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("dimension", [1, 2, 7, 40])
@pytest.mark.parametrize("scramble", [False, True])
def test_sobol_points_are_those_of_pytorch(dimension, scramble):
    mine, theirs = (library.quasirandom.SobolEngine(dimension, scramble, seed=3) for library in (lab, torch))
    for n in (1, 5, 2, 8):
        assert np.array_equal(mine.draw(n).numpy(), theirs.draw(n).numpy())
    assert np.array_equal(mine.fast_forward(5).draw(3, dtype=lab.float64).numpy(), theirs.fast_forward(5).draw(3, dtype=torch.float64).numpy())
    assert np.array_equal(mine.reset().draw_base2(4).numpy(), theirs.reset().draw_base2(4).numpy())
    assert repr(mine) == repr(theirs) and mine.num_generated == theirs.num_generated


def test_sobol_scrambling_takes_the_global_generator():
    found = []
    for library in (lab, torch):
        library.manual_seed(5)
        found.append(library.quasirandom.SobolEngine(3, True).draw(4).numpy())
    assert np.array_equal(*found)


@pytest.mark.parametrize("library", [lab, torch])
def test_sobol_refuses_what_it_cannot_do(library):
    with pytest.raises(ValueError, match="Supported range of dimensionality"):
        library.quasirandom.SobolEngine(0)
    engine = library.quasirandom.SobolEngine(2)
    engine.draw(3)
    with pytest.raises(ValueError, match="balance properties"):
        engine.draw_base2(2)


WINDOWS = [("bartlett", {}), ("blackman", {}), ("cosine", {}), ("exponential", {"tau": 2.0}), ("gaussian", {"std": 1.7}), ("general_cosine", {"a": [0.4, 0.3, 0.2]}),
           ("general_hamming", {"alpha": 0.6}), ("hamming", {}), ("hann", {}), ("kaiser", {"beta": 5.0}), ("nuttall", {})]


@pytest.mark.parametrize(("name", "options"), WINDOWS)
@pytest.mark.parametrize("sym", [True, False])
@pytest.mark.parametrize("M", [0, 1, 2, 7, 8])
def test_windows_are_those_of_pytorch(name, options, sym, M):
    mine, theirs = (getattr(library.signal.windows, name)(M, sym=sym, dtype=library.float64, **options) for library in (lab, torch))
    assert np.allclose(mine.numpy(), theirs.numpy(), 1e-12, 1e-12)
    assert str(getattr(lab.signal.windows, name)(M, **options).dtype) == "torch.float32"


BAD = [("hann", (-1,), {}, ValueError, "requires non-negative window length"), ("gaussian", (3,), {"std": 0.0}, ValueError, "Standard deviation must be positive"),
       ("exponential", (3,), {"tau": 0.0}, ValueError, "Tau must be positive"), ("exponential", (3,), {"center": 1.0}, ValueError, "Center must be None"),
       ("kaiser", (3,), {"beta": -1.0}, ValueError, "beta must be non-negative"), ("general_cosine", (3,), {"a": []}, ValueError, "Coefficients cannot be empty"),
       ("general_cosine", (3,), {"a": 2}, TypeError, "Coefficients must be a list/tuple")]


@pytest.mark.parametrize("library", [lab, torch])
@pytest.mark.parametrize(("name", "args", "options", "kind", "words"), BAD)
def test_windows_refuse_what_pytorch_refuses(library, name, args, options, kind, words):
    with pytest.raises(kind, match=words):
        getattr(library.signal.windows, name)(*args, **options)


@pytest.mark.parametrize("call", ["T.sym_max(2, 1.5)", "T.sym_min(2, 3)", "T.sym_int(2.7)", "T.sym_float(2)", "T.sym_not(True)", "T.sym_sqrt(4)", "T.sym_ite(True, 1, 2)", "T.sym_sum([1, 2])",
                                  "isinstance(T.ones(2).shape[0], T.SymInt)", "isinstance(1.0, T.SymFloat)", "T._C.device is T.device", "T._C.dtype is T.dtype", "isinstance(T.ones(1), T._C.TensorBase)"])
def test_names_of_open_sizes_and_of_the_compiled_part(call):
    assert eval(call, {"T": lab}) == eval(call, {"T": torch})
