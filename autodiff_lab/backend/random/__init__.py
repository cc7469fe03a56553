"""PyTorch's CPU random streams, bit for bit, on plain arrays.

Every function here takes a `Generator` and consumes exactly the words PyTorch consumes, so that a script
that starts with the same seed goes on with the same numbers.
"""

from __future__ import annotations

from .choices import multinomial, randperm
from .fills import (
    bernoulli_scalar,
    bernoulli_tensor,
    cauchy,
    exponential,
    geometric,
    random_integers_of_type,
    random_ints,
    uniform,
)
from .gamma import gamma
from .generator import Generator, default_generator, fork_rng
from .normals import log_normal, normal
from .rejection import binomial, poisson
from .slopes import beta_slope, gamma_slope

__all__ = [
    "Generator", "bernoulli_scalar", "bernoulli_tensor", "beta_slope", "binomial", "cauchy", "default_generator",
    "exponential", "fork_rng", "gamma", "gamma_slope", "geometric", "log_normal", "multinomial", "normal", "poisson",
    "random_integers_of_type", "random_ints", "randperm", "uniform",
]
