"""Optimizers: what changes the parameters once their gradients are known."""

from __future__ import annotations

from . import optimizer
from .adam import Adam
from .optimizer import Optimizer
from .sgd import SGD

__all__ = ["Adam", "Optimizer", "SGD"]
