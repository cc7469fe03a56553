"""Work on rows gives what NumPy gives, and leaves NumPy's settings as they were."""

import numpy as np
import pytest

from autodiff_lab.backend import rows


@pytest.mark.parametrize("n", [0, 3, rows.LONG, 3000])
def test_row_dots_are_sums_of_products(n):
    a, b = np.random.default_rng(0).normal(size=(2, 5, n))
    out = np.empty(5)
    rows.row_dots(a, b, out=out)
    assert np.allclose(out, (a * b).sum(1)) and np.allclose(rows.row_dots(a, b), out)


@pytest.mark.parametrize("n", [rows.LONG - 1, rows.LONG])
def test_whole_rows_puts_the_buffer_size_back(n):
    before = np.getbufsize()
    with pytest.raises(ZeroDivisionError), rows.whole_rows(n):
        assert np.getbufsize() == (before if n < rows.LONG else rows.LONG)
        raise ZeroDivisionError
    assert np.getbufsize() == before
