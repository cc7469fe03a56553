"""torch.Size holds whole numbers, whatever they came as."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("given", [(), (2, 3), [True], [np.int64(3)], (n for n in (1, 2))])
def test_sizes_are_taken_from_anything_that_counts(given):
    given = tuple(given)
    assert lab.Size(given) == torch.Size(given) == given and repr(lab.Size(given)) == repr(torch.Size(given))


@pytest.mark.parametrize("size", ["t.tensor(3)", "t.tensor([2])", "t.tensor(True)", "t.tensor(2.5)", "t.tensor([1, 2])", "2.5", "'a'", "None"])
def test_a_tensor_of_one_whole_number_becomes_a_number_and_nothing_else_does(size):
    def story(library):
        try:
            made = library.Size((4, eval(size, {"t": library})))
            return [(type(each), each) for each in made]
        except TypeError as error:
            return str(error)
    assert story(lab) == story(torch)
