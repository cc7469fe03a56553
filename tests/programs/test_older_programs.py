"""What programs of PyTorch's first years write, and PyTorch still takes."""

from __future__ import annotations

import pytest

import autodiff_lab as lab


def test_a_factor_may_stand_before_the_last_operands():
    x, ones = lab.tensor([1.0, 2.0]), lab.ones(2)
    with pytest.warns(UserWarning, match="This overload of add is deprecated"):
        assert lab.add(x, 2, ones).tolist() == [3.0, 4.0]
        assert x.clone().add_(-0.5, ones).tolist() == [0.5, 1.5]
        assert x.clone().sub_(2, ones).tolist() == [-1.0, 0.0]
    with pytest.warns(UserWarning, match="This overload of addcmul is deprecated"):
        assert x.clone().addcmul_(2, x, x).tolist() == [3.0, 10.0]
        assert lab.addcdiv(x, lab.tensor(-1.0), x, x).tolist() == [0.0, 1.0]


def test_a_third_tensor_is_still_one_too_many():
    with pytest.raises(TypeError, match="takes 2 positional arguments but 3 were given"):
        lab.add(lab.ones(2), lab.ones(2), lab.ones(2))
