"""Utilities: gradient clipping, parameters as vectors, normalised and pruned weights, padded sequences."""

from __future__ import annotations

from . import rnn, stateless
from .clipping import clip_grad_norm, clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from .vectors import parameters_to_vector, vector_to_parameters

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm", "parameters_to_vector",
           "rnn", "stateless", "vector_to_parameters"]
