"""Masks of `nn.attention.bias` against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("name", ["causal_upper_left", "causal_lower_right"])
@pytest.mark.parametrize("queries", [2, 3])
def test_attention_looks_where_the_mask_says(name, queries):
    import torch.nn.attention.bias as theirs

    import autodiff_lab.nn.attention.bias as ours

    q, k, v = (np.random.default_rng(n).normal(size=(1, 2, size, 8)).astype("f4") for n, size in ((0, queries), (1, 3), (2, 3)))
    assert repr(getattr(ours, name)(queries, 3)) == repr(getattr(theirs, name)(queries, 3))
    found = lab.nn.functional.scaled_dot_product_attention(*map(lab.tensor, (q, k, v)), getattr(ours, name)(queries, 3))
    expected = torch.nn.functional.scaled_dot_product_attention(*map(torch.tensor, (q, k, v)), getattr(theirs, name)(queries, 3))
    np.testing.assert_allclose(found.numpy(), expected.numpy(), 1e-5, 1e-6)


def test_what_does_not_fit_is_refused():
    import autodiff_lab.nn.attention.bias as ours

    with pytest.raises(AssertionError, match="2D tensors"):
        ours.causal_upper_left(3)
    with pytest.raises(ValueError, match="causal=True"):
        q = lab.ones(1, 1, 2, 4)
        lab.nn.functional.scaled_dot_product_attention(q, q, q, ours.causal_upper_left(2, 2), is_causal=True)
    with pytest.warns(UserWarning, match="NaNs"):
        ours.causal_lower_right(3, 2)
