"""The layers, one family per file."""

from __future__ import annotations

from .module import *  # noqa: F403
from .module import Module
from .container import *  # noqa: F403
from .linear import *  # noqa: F403
from .flatten import *  # noqa: F403
from .activation import *  # noqa: F403
from .distance import *  # noqa: F403
from .loss import *  # noqa: F403

from . import activation, container, distance, flatten, linear, loss, module

__all__ = ["Module", *container.__all__, *linear.__all__, *flatten.__all__, *activation.__all__, *distance.__all__, *loss.__all__]

assert module
