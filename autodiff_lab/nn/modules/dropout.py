"""Dropout as modules: active while training, nothing in evaluation."""

from __future__ import annotations

from ...core.tensor import Tensor
from .. import functional as F
from .module import Module

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class Dropout(Module):
    """Set each number to 0 with probability p and scale the others by 1/(1 - p), while training.

    >>> import autodiff_lab as lab
    >>> lab.nn.Dropout(0.5).eval()(lab.ones(2))
    tensor([1., 1.])
    """

    function = "dropout"

    def __init__(self, p: float = 0.5, inplace: bool = False):
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p, self.inplace = p, inplace

    def forward(self, input: Tensor) -> Tensor:
        return getattr(F, self.function)(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout1d(Dropout):
    """Leave out whole channels of (N, C, L).

    Source: Tompson et al. (2015), Efficient object localization using convolutional networks.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.Dropout1d(0.5)
    >>> channels = m(lab.ones(1, 8, 3))[0]
    >>> bool(((channels == 0).all(1) | (channels == 2).all(1)).all())
    True
    """

    function = "dropout1d"


class Dropout2d(Dropout):
    """Leave out whole channels of (N, C, H, W).

    Source: Tompson et al. (2015), Efficient object localization using convolutional networks.

    >>> import autodiff_lab as lab
    >>> channels = lab.nn.Dropout2d(0.5)(lab.ones(1, 8, 3, 3))[0].flatten(1)
    >>> bool(((channels == 0).all(1) | (channels == 2).all(1)).all())
    True
    """

    function = "dropout2d"


class Dropout3d(Dropout):
    """Leave out whole channels of (N, C, D, H, W).

    >>> import autodiff_lab as lab
    >>> channels = lab.nn.Dropout3d(0.5)(lab.ones(1, 8, 2, 2, 2))[0].flatten(1)
    >>> bool(((channels == 0).all(1) | (channels == 2).all(1)).all())
    True
    """

    function = "dropout3d"


class AlphaDropout(Dropout):
    """Dropout for SELU networks: mean and variance stay.

    Source: Klambauer et al. (2017), Self-normalizing neural networks.

    >>> import autodiff_lab as lab
    >>> _ = lab.manual_seed(0)
    >>> x = lab.nn.AlphaDropout(0.2)(lab.randn(100_000))
    >>> round(x.std().item(), 1)
    1.0
    """

    function = "alpha_dropout"

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(Dropout):
    """AlphaDropout of whole channels.

    Shape: (N, C, ...), and the same out.

    >>> import autodiff_lab as lab
    >>> lab.nn.FeatureAlphaDropout(0.2).eval()(lab.ones(1, 2, 1))
    tensor([[[1.],
             [1.]]])
    """

    function = "feature_alpha_dropout"

    def forward(self, input: Tensor) -> Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training)
