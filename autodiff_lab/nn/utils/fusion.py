"""Multiply a batch norm into the layer before it: with running statistics, both together are one layer."""

from __future__ import annotations

import copy
from functools import partial

from ...core.tensor import Tensor
from ..parameter import Parameter

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]


def fuse_conv_bn_eval(conv, bn, transpose: bool = False):
    """A convolution that computes what `conv` and then `bn` compute, both in evaluation mode.

    Args:
        transpose: True for a transposed convolution.

    Raises:
        AssertionError: if one of them is in training mode, or `bn` keeps no running statistics.

    >>> import autodiff_lab as lab
    >>> conv, bn = lab.nn.Conv1d(1, 2, 3).eval(), lab.nn.BatchNorm1d(2).eval()
    >>> x = lab.randn(4, 1, 8)
    >>> lab.allclose(fuse_conv_bn_eval(conv, bn)(x), bn(conv(x)), atol=1e-6)
    True
    """
    return _fused(conv, bn, partial(fuse_conv_bn_weights, transpose=transpose))


def fuse_linear_bn_eval(linear, bn):
    """A linear layer that computes what `linear` and then `bn` compute, both in evaluation mode.

    Raises:
        AssertionError: if one of them is in training mode, `bn` keeps no running statistics, or the sizes do not fit.
    """
    if not (linear.training or bn.training) and bn.num_features not in (1, linear.out_features):
        raise AssertionError("To fuse, linear.out_features == bn.num_features or bn.num_features == 1, "
                             f"got linear.out_features={linear.out_features} and bn.num_features={bn.num_features}")
    return _fused(linear, bn, fuse_linear_bn_weights)


def _fused(layer, bn, weights):
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")
    made = copy.deepcopy(layer)
    made.weight, made.bias = weights(layer.weight, layer.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias)
    return made


def fuse_conv_bn_weights(conv_w: Tensor, conv_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float, bn_w: Tensor | None, bn_b: Tensor | None,
                         transpose: bool = False) -> tuple[Parameter, Parameter]:
    """Weight and bias of the fused convolution, from those of the two layers and the running mean and variance."""
    return _weights(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, [1, -1] if transpose else [-1, 1])


def fuse_linear_bn_weights(linear_w: Tensor, linear_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float, bn_w: Tensor, bn_b: Tensor) -> tuple[Parameter, Parameter]:
    """Weight and bias of the fused linear layer."""
    return _weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, [-1, 1])


def _weights(weight, bias, mean, variance, eps, bn_weight, bn_bias, features):
    factor = (variance + eps).rsqrt()
    if bn_weight is not None:
        factor = factor * bn_weight
    bias_type = weight.dtype if bias is None else bias.dtype
    shift = (-mean if bias is None else bias - mean) * factor
    if bn_bias is not None:
        shift = shift + bn_bias
    scaled = weight * factor.reshape(features + [1] * (weight.dim() - 2))
    return Parameter(scaled.detach().to(weight.dtype), bool(weight.requires_grad)), Parameter(shift.detach().to(bias_type), bias is not None and bool(bias.requires_grad))
