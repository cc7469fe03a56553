"""What a program sets on a tensor, and subclasses of tensors, when they are pickled, copied and saved: as in PyTorch."""

from __future__ import annotations

import copy
import io
import pickle

import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed")


def of(t) -> dict:
    """Subclasses of one library's tensor, named so that pickle finds them."""
    class Plain(t.Tensor):
        pass

    class Stateful(t.Tensor):
        def __getstate__(self):
            return {"k": self.k}

        def __setstate__(self, state):
            self.k = state["k"] + 1

    class Weight(t.nn.Parameter):
        pass

    made = {"plain": t.ones(2), "sub": t.ones(2).as_subclass(Plain), "stateful": t.ones(2).as_subclass(Stateful), "parameter": t.nn.Parameter(t.ones(2)), "weight": Weight(t.ones(2))}
    for kind in (Plain, Stateful, Weight):
        kind.__qualname__ = f"{kind.__name__}_{t.__name__}"
        globals()[kind.__qualname__] = kind
    for tensor in made.values():
        tensor.k, tensor._own = 1, [t.zeros(1)]
    return made


def told(t, tensor) -> tuple:
    return type(tensor).__name__.split("_")[0], tensor.tolist(), sorted((name, value if name == "k" else value[0].tolist()) for name, value in tensor.__dict__.items())


def saved(t, tensor, **options):
    file = io.BytesIO()
    t.save({"x": tensor}, file)
    file.seek(0)
    return t.load(file, **options)["x"]


WAYS = {
    "pickle": lambda t, x: pickle.loads(pickle.dumps(x)),
    "copy": lambda t, x: copy.copy(x),
    "trusted file": lambda t, x: saved(t, x, weights_only=False),
    "file": lambda t, x: saved(t, x),
    "deepcopy": lambda t, x: copy.deepcopy(x),
}
CASES = [(way, case) for way in WAYS for case in ("plain", "sub", "stateful", "parameter", "weight")
         if not (way in ("pickle", "copy") and case == "weight")  # stays a Weight here; PyTorch makes a Parameter of it
         and not (way == "deepcopy" and case in ("sub", "stateful"))]  # PyTorch refuses


@pytest.mark.oracle
@pytest.mark.parametrize("way, case", CASES)
def test_attributes_and_classes_go_along_as_in_pytorch(way, case):
    answers = []
    for t in (lab, torch):
        try:
            answers.append(told(t, WAYS[way](t, of(t)[case])))
        except pickle.UnpicklingError:
            answers.append("refused")
    assert answers[0] == answers[1]


@pytest.mark.oracle
@pytest.mark.parametrize("writer, reader", [(lab, torch), (torch, lab)], ids=["ours read there", "theirs read here"])
@pytest.mark.parametrize("case", ["plain", "parameter"])
def test_a_file_with_attributes_is_read_by_the_other_library(writer, reader, case):
    file = io.BytesIO()
    writer.save(of(writer)[case], file)
    file.seek(0)
    assert told(reader, reader.load(file)) == told(writer, of(writer)[case])


def test_a_file_cannot_set_what_the_library_keeps_or_defines():
    tensor = lab.ones(2)
    tensor.__dict__.update(backward="mine", _grad="mine", mine=1)
    written = pickle.dumps(tensor)
    assert pickle.loads(written).__dict__ == {"mine": 1}
    assert saved(lab, tensor).__dict__ == {"mine": 1}
