"""Exponential families: densities of the form exp(t(x)·θ - F(θ) + k(x))."""

from __future__ import annotations

from typing import Any

import autodiff_lab as lab

from .distribution import Distribution, _missing

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """A distribution that states its natural parameters θ and its log-normaliser F; the entropy follows from them.

    The derivative of F is the expected sufficient statistic, so `entropy` needs automatic differentiation only.
    Source: Nielsen and Nock, Entropies and cross-entropies of exponential families (2010).
    """

    @property
    def _natural_params(self):
        raise NotImplementedError

    def _log_normalizer(self, *natural_params):
        raise NotImplementedError

    _mean_carrier_measure: Any = property(lambda self: _missing(self, "mean carrier measure"))

    def entropy(self):
        """The expected surprise, from the derivative of the log-normaliser."""
        with lab.enable_grad():
            params = [p.detach().requires_grad_() for p in self._natural_params]
            normalizer = self._log_normalizer(*params)
            gradients = lab.autograd.grad(normalizer.sum(), params, create_graph=True)
        result = normalizer - self._mean_carrier_measure
        for param, gradient in zip(params, gradients, strict=True):
            result = result - (param * gradient).reshape((*self._batch_shape, -1)).sum(-1)
        return result
