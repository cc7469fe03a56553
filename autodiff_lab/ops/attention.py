"""Scaled dot-product attention, fused: scores, softmax and the weighted sum in one node."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from ..backend import namespace
from ..backend.fast import row_largest, sums
from ..backend.rows import row_dots
from ..core.op import op, ops, public
from ..core.precision import in_float32
from ..core.samples import calls
from ..core.tensor import Tensor
from .composed import gradients_through
from .dropout import keep_mask
from .softmaxes import exponentials

__all__: list[str] = []


def masked(scores, mask, is_causal: bool):
    """-inf where nothing may be seen; a mask of numbers is added. Works in place."""
    xp = namespace(scores)
    L, S = scores.shape[-2:]
    if is_causal:
        scores += later(L, S, scores.dtype) if xp is np and L * S <= 1 << 14 else xp.triu(xp.full((L, S), -math.inf, scores.dtype), 1)
    if mask is not None:
        if mask.dtype.kind == "b":
            xp.copyto(scores, scores.dtype.type(-math.inf), where=xp.broadcast_to(~mask, scores.shape))
        else:
            scores += mask
    return scores


@lru_cache(16)
def later(L: int, S: int, dtype):
    """-inf where a key comes later than the query; those asked for last are kept, as making one takes longer than adding it. Not to be written to."""
    return np.triu(np.full((L, S), -math.inf, dtype), 1)


@op(category="linear", latex=r"\text{softmax}\left(\frac{Q K^T}{\sqrt{d}}\right) V", refuses="bic", function=False, method=False, out=False, name="attention", node_name="ScaledDotProductAttention",
    extras=("weights", "keep"), samples=calls(
        lambda r: ((r.normal(size=(2, 3, 4)), r.normal(size=(2, 5, 4)), r.normal(size=(2, 5, 2))), {}),
        lambda r: ((r.normal(size=(2, 2, 3, 4)), r.normal(size=(2, 2, 3, 4)), r.normal(size=(2, 2, 3, 4)), None, 0.0, True), {}),
        lambda r: ((r.normal(size=(3, 4)), r.normal(size=(5, 4)), r.normal(size=(5, 2)), r.normal(size=(3, 5)), 0.0, False, 0.7), {})))
@in_float32
def attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, dropout_p: float = 0.0, is_causal: bool = False, scale: float | None = None) -> Tensor:
    """For each query, the mean of the values weighted by the softmax of its products with the keys."""
    xp = namespace(query)
    if query.shape[-1] != key.shape[-1]:
        raise RuntimeError(f"attention: query and key must agree in their last size, got {list(query.shape)} and {list(key.shape)}.")
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = xp.matmul(query * query.dtype.type(scale), key.swapaxes(-1, -2))
    if mask is not None and len(xp.broadcast_shapes(scores.shape, mask.shape)) > scores.ndim or mask is not None and xp.broadcast_shapes(scores.shape, mask.shape) != scores.shape:
        scores = xp.broadcast_to(scores, xp.broadcast_shapes(scores.shape, mask.shape)).copy()
    scores = masked(scores, mask, is_causal)
    if mask is None and scores.size:
        scores, total = exponentials(scores, -1)
    else:
        top = row_largest(scores) if scores.size else scores.sum(-1, keepdims=True)
        top[top == -math.inf] = 0  # a query that may see nothing gets zeros, not NaN
        scores -= top
        xp.exp(scores, out=scores)
        total = sums(scores, -1, True)
        total[total == 0] = 1
    scores /= total
    keep = keep_mask(scores, dropout_p) if dropout_p > 0 else None
    return xp.matmul(scores if keep is None else scores * keep, value), scores, keep


@attention.vjp("query", "key", "value", "mask")
def _(grad, query, key, value, mask, is_causal, scale, weights, keep, needs):
    if isinstance(grad, Tensor):
        def formula(query, key, value, mask):
            factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
            scores = ops.matmul(query * factor, key.swapaxes(-1, -2))
            if is_causal:
                scores = scores + masked_tensor(scores)
            if mask is not None:
                scores = ops.where(mask, scores, -math.inf) if str(mask.dtype) == "torch.bool" else scores + mask
            seen = ops.softmax(scores, -1)
            if mask is not None:
                seen = ops.where(ops.amax(scores, -1, True) == -math.inf, seen * 0, seen) if bool((scores.detach().amax(-1) == -math.inf).any()) else seen
            return ops.matmul(seen if keep is None else seen * keep, value)
        return gradients_through(formula, (query, key, value, mask), grad)
    return ops.attention_backward(grad, query, key, value, scale, weights, keep, needs)


def masked_tensor(scores):
    from ..core.tensor import wrap

    xp = namespace(scores._a)
    return wrap(xp.triu(xp.full(scores.shape[-2:], -math.inf, scores._a.dtype), 1))


@op(category="linear", function=False, method=False, outputs=("grad_query", "grad_key", "grad_value", "grad_mask"), no_grad="its rule is taken through the composed formula")
def attention_backward(grad: Tensor, query: Tensor, key: Tensor, value: Tensor, scale, weights: Tensor, keep: Tensor | None, needs):
    """The gradients of attention, from the weights that the forward pass kept."""
    xp = namespace(grad)
    scale = query.dtype.type(1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    to_value = xp.matmul((weights if keep is None else weights * keep).swapaxes(-1, -2), grad) if needs[2] else None
    if not (needs[0] or needs[1] or needs[3]):
        return None, None, to_value, None
    scores = xp.matmul(grad, value.swapaxes(-1, -2))
    if keep is not None:
        scores *= keep
    along = row_dots(scores.reshape(-1, scores.shape[-1]), weights.reshape(-1, scores.shape[-1])).reshape(*scores.shape[:-1], 1) if scores.size else 0
    scores -= along
    scores *= weights
    to_mask = scores.copy() if needs[3] else None
    scores *= scale
    return (xp.matmul(scores, key) if needs[0] else None, xp.matmul(scores.swapaxes(-1, -2), query) if needs[1] else None, to_value, to_mask)


def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0, is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False):
    """softmax(query @ key.T / sqrt(E)) @ value (Vaswani et al., 2017).

    Args:
        attn_mask: True (or 0) where a query may see a key; False (or -inf) where not.
        dropout_p: share of the weights to leave out; 0 unless training.
        is_causal: query i sees keys 0 to i.
        scale: instead of 1/sqrt(E).
        enable_gqa: queries have a multiple of the heads of keys and values.

    Shape: query (…, L, E), key (…, S, E), value (…, S, Ev); result (…, L, Ev).

    >>> import autodiff_lab as lab
    >>> q = k = v = lab.eye(2).view(1, 2, 2)
    >>> lab.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    tensor([[[1.0000, 0.0000],
             [0.3302, 0.6698]]])
    """
    if attn_mask is not None and is_causal:
        raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True. Put the causal mask into attn_mask.")
    if query.ndim < 2 or key.ndim < 2 or value.ndim < 2:
        raise RuntimeError("scaled_dot_product_attention: Expected query, key, and value to all be  at least 2 dimensional, but got query.dim(): "
                           f"{query.ndim}, key.dim(): {key.ndim} and value.dim(): {value.ndim} instead.")
    if query.dtype != key.dtype or query.dtype != value.dtype:
        raise RuntimeError("scaled_dot_product_attention: Expected query, key, and value to have the same dtype, but got query.dtype: "
                           f"{query.dtype} key.dtype: {key.dtype} and value.dtype: {value.dtype} instead.")
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise RuntimeError(f"scaled_dot_product_attention: The size of the last dimension of query and key must be equal, and key and value must have equally many rows, got query "
                           f"{list(query.shape)}, key {list(key.shape)} and value {list(value.shape)}. They are (…, L, E), (…, S, E) and (…, S, Ev).")
    if attn_mask is not None and attn_mask.dtype != query.dtype and str(attn_mask.dtype) != "torch.bool":
        raise RuntimeError(f"Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: {attn_mask.dtype} and  query.dtype: {query.dtype} instead.")
    if not 0 <= dropout_p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {dropout_p}")
    if enable_gqa:
        key = key.repeat_interleave(query.size(-3) // key.size(-3), -3)
        value = value.repeat_interleave(query.size(-3) // value.size(-3), -3)
    return attention(query, key, value, attn_mask, dropout_p, is_causal, scale)


public["nn.functional"]["scaled_dot_product_attention"] = scaled_dot_product_attention
