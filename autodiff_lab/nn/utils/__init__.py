"""Utilities: gradient clipping, parameters as vectors, normalised and pruned weights, padded sequences."""

from __future__ import annotations

import sys

from . import rnn, stateless
from .clipping import clip_grad_norm, clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from .fusion import fuse_conv_bn_eval, fuse_conv_bn_weights, fuse_linear_bn_eval, fuse_linear_bn_weights
from .vectors import parameters_to_vector, vector_to_parameters

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "convert_conv2d_weight_memory_format",
           "convert_conv3d_weight_memory_format", "fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights", "get_total_norm", "parameters_to_vector", "parametrizations",
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


def convert_conv2d_weight_memory_format(module, memory_format):
    """Lay the weights of the 2-D convolutions in `module` out in this order; gives the module back.

    >>> import autodiff_lab as lab
    >>> lab.nn.utils.convert_conv2d_weight_memory_format(lab.nn.Conv2d(3, 2, 2), lab.channels_last).weight.stride()
    (12, 1, 6, 3)
    """
    return _convert(module, memory_format, 2)


def convert_conv3d_weight_memory_format(module, memory_format):
    """The same for 3-D convolutions."""
    return _convert(module, memory_format, 3)


def _convert(module, memory_format, d: int):
    from .. import modules

    for each in module.modules():
        if isinstance(each, (getattr(modules, f"Conv{d}d"), getattr(modules, f"ConvTranspose{d}d"))):
            each.weight.data = each.weight.detach().clone(memory_format=memory_format)
    return module


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
