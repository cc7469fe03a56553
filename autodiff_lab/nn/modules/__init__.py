"""The layers, one family per file."""

from __future__ import annotations

from . import (
    activation,
    adaptive,
    attention,
    batchnorm,
    container,
    conv,
    distance,
    dropout,
    flatten,
    linear,
    loss,
    module,
    normalization,
    padding,
    pooling,
    rnn,
    sparse,
    transformer,
    utils,
    vision,
)
from .lazy import LazyModuleMixin
from .module import Module

FAMILIES = (container, linear, flatten, activation, distance, loss, adaptive, conv, pooling, padding, batchnorm, normalization, dropout, sparse, rnn, attention, transformer, vision)

__all__ = ["Module"]
for _family in FAMILIES:
    globals().update({name: getattr(_family, name) for name in _family.__all__})
    __all__ += _family.__all__

assert LazyModuleMixin and module and utils
