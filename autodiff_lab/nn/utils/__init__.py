"""Utilities: gradient clipping, parameters as vectors, normalised and pruned weights, padded sequences."""

from __future__ import annotations

import sys

from . import rnn, stateless
from .clipping import clip_grad_norm, clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from .vectors import parameters_to_vector, vector_to_parameters

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm", "parameters_to_vector", "parametrizations",
           "parametrize", "prune", "remove_spectral_norm", "remove_weight_norm", "rnn", "skip_init", "spectral_norm", "stateless", "vector_to_parameters", "weight_norm"]

_FROM_HOOKS = ("remove_spectral_norm", "remove_weight_norm", "spectral_norm", "weight_norm")


def skip_init(module_cls, *args, **kwargs):
    """A module whose weights are zeros instead of drawn numbers: for one that is loaded right afterwards.

    >>> import autodiff_lab as lab
    >>> lab.nn.utils.skip_init(lab.nn.Linear, 5, 2).weight.shape
    torch.Size([2, 5])
    """
    from ...backend.random import default_generator

    state = default_generator.get_state()
    made = module_cls(*args, **kwargs)
    default_generator.set_state(state)
    return made


def __getattr__(name: str):
    """These need the modules, which need `rnn` above: imported when first asked for."""
    import importlib

    if name in ("parametrize", "parametrizations", "prune"):
        return importlib.import_module(f".{name}", __name__)
    if name in _FROM_HOOKS:
        return getattr(importlib.import_module(".weight_hooks", __name__), name)
    if name == "clip_grad":
        return sys.modules[__name__ + ".clipping"]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
