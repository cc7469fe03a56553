"""Multi-head attention as a module, and as the function that does its work."""

from __future__ import annotations

import math

from ...core.errors import caution
from ...core.op import public
from ...core.tensor import Tensor
from .. import functional as F
from .. import init
from .linear import NonDynamicallyQuantizableLinear, new_parameter
from .module import Module

__all__ = ["MultiheadAttention"]


def as_float_mask(mask, name: str, dtype, other=None, other_name: str = ""):
    """A mask of numbers to be added: -inf where a mask of truth values is True. It should be of the type of the mask `other`, if there is one.

    Raises:
        AssertionError: for a mask of whole numbers.
    """
    if mask is None:
        return None
    if str(mask.dtype) != "torch.bool" and not mask.is_floating_point():
        raise AssertionError(f"only bool and floating types of {name} are supported")
    if other is not None and other.dtype is not mask.dtype:
        caution(f"Support for mismatched {name} and {other_name} is deprecated. Use same type for both instead.")
    if mask.is_floating_point():
        return mask
    return public[""]["zeros"](*mask.shape, dtype=dtype, device=mask.device).masked_fill_(mask, -math.inf)


def _projected(query, key, value, weight, bias, size: int) -> tuple:
    """Queries, keys and values from the packed projection; one product where they are the same tensor."""
    if key is value:
        if query is key:
            return F.linear(query, weight, bias).chunk(3, -1)
        q = F.linear(query, weight[:size], None if bias is None else bias[:size])
        return (q, *F.linear(key, weight[size:], None if bias is None else bias[size:]).chunk(2, -1))
    weights = weight.chunk(3)
    biases = (None,) * 3 if bias is None else bias.chunk(3)
    return tuple(F.linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases, strict=True))


def _check_shapes(query, key, value, key_padding_mask, attn_mask, num_heads: int) -> bool:
    """Raise for shapes that do not fit; True for a batch."""
    dims = query.dim()
    if dims not in (2, 3):
        raise AssertionError(f"query should be unbatched 2D or batched 3D tensor but received {dims}-D query tensor")
    batched = dims == 3
    words = "batched" if batched else "unbatched"
    if key.dim() != dims or value.dim() != dims:
        raise AssertionError(f"For {words} ({dims}-D) `query`, expected `key` and `value` to be {dims}-D but found {key.dim()}-D and {value.dim()}-D tensors respectively")
    if key_padding_mask is not None and key_padding_mask.dim() != dims - 1:
        raise AssertionError(f"For {words} ({dims}-D) `query`, expected `key_padding_mask` to be `None` or {dims - 1}-D but found {key_padding_mask.dim()}-D tensor instead")
    if attn_mask is not None:
        if attn_mask.dim() not in (2, 3):
            raise AssertionError(f"For {words} ({dims}-D) `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found {attn_mask.dim()}-D tensor instead")
        if not batched and attn_mask.dim() == 3:
            expected = (num_heads, query.shape[0], key.shape[0])
            if tuple(attn_mask.shape) != expected:
                raise AssertionError(f"Expected `attn_mask` shape to be {expected} but got {attn_mask.shape}")
    return batched


def multi_head_attention_forward(query, key, value, embed_dim_to_check: int, num_heads: int, in_proj_weight, in_proj_bias, bias_k, bias_v, add_zero_attn: bool, dropout_p: float,
                                 out_proj_weight, out_proj_bias, training: bool = True, key_padding_mask=None, need_weights: bool = True, attn_mask=None,
                                 use_separate_proj_weight: bool = False, q_proj_weight=None, k_proj_weight=None, v_proj_weight=None, static_k=None, static_v=None,
                                 average_attn_weights: bool = True, is_causal: bool = False) -> tuple:
    """Attention with several heads: project, attend in each head, join, project. See MultiheadAttention."""
    lab = public[""]
    batched = _check_shapes(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        same = key is query, value is key
        query = query.unsqueeze(1)
        key = query if same[0] else key.unsqueeze(1)
        value = key if same[1] else value.unsqueeze(1)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    L, N, E = query.shape
    S = key.shape[0]
    key_padding_mask = as_float_mask(key_padding_mask, "key_padding_mask", query.dtype, attn_mask, "attn_mask")
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None  # the hint says that it is the causal mask
    else:
        attn_mask, is_causal = as_float_mask(attn_mask, "attn_mask", query.dtype), False
    if E != embed_dim_to_check:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim_to_check}, but got {E}")
    head = E // num_heads
    if head * num_heads != E:
        raise AssertionError(f"embed_dim {E} not divisible by num_heads {num_heads}")
    if use_separate_proj_weight:
        if key.shape[:2] != value.shape[:2]:
            raise AssertionError(f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}")
        biases = (None,) * 3 if in_proj_bias is None else in_proj_bias.chunk(3)
        q, k, v = (F.linear(x, w, b) for x, w, b in zip((query, key, value), (q_proj_weight, k_proj_weight, v_proj_weight), biases, strict=True))
    else:
        if key.shape != value.shape:
            raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
        q, k, v = _projected(query, key, value, in_proj_weight, in_proj_bias, E)
    if attn_mask is not None:
        if attn_mask.dim() == 2:
            if tuple(attn_mask.shape) != (L, S):
                raise RuntimeError(f"The shape of the 2D attn_mask is {attn_mask.shape}, but should be {(L, S)}.")
            attn_mask = attn_mask.unsqueeze(0)
        elif tuple(attn_mask.shape) != (N * num_heads, L, S):
            raise RuntimeError(f"The shape of the 3D attn_mask is {attn_mask.shape}, but should be {(N * num_heads, L, S)}.")

    def one_more(mask):
        return None if mask is None else F.pad(mask, (0, 1))

    if bias_k is not None and bias_v is not None:
        k, v = lab["cat"]([k, bias_k.repeat(1, N, 1)]), lab["cat"]([v, bias_v.repeat(1, N, 1)])
        attn_mask, key_padding_mask = one_more(attn_mask), one_more(key_padding_mask)
    q = q.reshape(L, N * num_heads, head).transpose(0, 1)
    k = k.reshape(k.shape[0], N * num_heads, head).transpose(0, 1) if static_k is None else static_k
    v = v.reshape(v.shape[0], N * num_heads, head).transpose(0, 1) if static_v is None else static_v
    if add_zero_attn:
        zero = lab["zeros"](N * num_heads, 1, head, dtype=k.dtype, device=k.device)
        k, v = lab["cat"]([k, zero], 1), lab["cat"]([v, zero], 1)
        attn_mask, key_padding_mask = one_more(attn_mask), one_more(key_padding_mask)
    S = k.shape[1]
    if key_padding_mask is not None:
        if tuple(key_padding_mask.shape) != (N, S):
            raise AssertionError(f"expecting key_padding_mask shape of {(N, S)}, but got {key_padding_mask.shape}")
        padding = key_padding_mask.reshape(N, 1, 1, S).expand(-1, num_heads, -1, -1).reshape(N * num_heads, 1, S)
        attn_mask = padding if attn_mask is None else attn_mask + padding
    dropout_p = dropout_p if training else 0.0
    weights = None
    if need_weights:
        scores = (q * math.sqrt(1.0 / head)).matmul(k.transpose(1, 2))
        if attn_mask is not None:
            scores = scores + attn_mask
        weights = scores.softmax(-1)
        if dropout_p > 0.0:
            weights = F.dropout(weights, dropout_p)
        attended = weights.matmul(v)
        weights = weights.reshape(N, num_heads, L, S)
        if average_attn_weights:
            weights = weights.mean(1)
        weights = weights if batched else weights.squeeze(0)
    else:
        def by_head(x):
            return x.reshape(N, num_heads, -1, x.shape[-1])
        if attn_mask is not None:
            attn_mask = attn_mask.unsqueeze(0) if attn_mask.shape[0] == 1 and N > 1 else attn_mask.reshape(N, -1, *attn_mask.shape[1:])
        attended = F.scaled_dot_product_attention(by_head(q), by_head(k), by_head(v), attn_mask, dropout_p, is_causal).reshape(N * num_heads, L, head)
    joined = attended.transpose(0, 1).reshape(L * N, E)
    out = F.linear(joined, out_proj_weight, out_proj_bias).reshape(L, N, -1)
    return out if batched else out.squeeze(1), weights


public["nn.functional"]["multi_head_attention_forward"] = multi_head_attention_forward


class MultiheadAttention(Module):
    """Attention in several heads at once, between learned projections (Vaswani et al., 2017).

    Args:
        embed_dim: size of queries and of the output; divisible by num_heads.
        dropout: share of the attention weights left out while training.
        add_bias_kv: a learned key and value that every query sees.
        add_zero_attn: a key and value of zeros that every query sees.
        kdim, vdim: sizes of keys and values, if not embed_dim.
        batch_first: sequences are (N, L, E) rather than (L, N, E).

    Returns:
        The output, and the attention weights (None without `need_weights`), averaged over the heads.

    >>> import autodiff_lab as lab
    >>> x = lab.zeros(5, 2, 8)
    >>> output, weights = lab.nn.MultiheadAttention(8, 2)(x, x, x)
    >>> output.shape, weights.shape
    (torch.Size([5, 2, 8]), torch.Size([2, 5, 5]))
    """

    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False, add_zero_attn=False, kdim=None, vdim=None, batch_first=False,
                 device=None, dtype=None):
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads} instead")
        super().__init__()
        where = {"device": device, "dtype": dtype}
        self.embed_dim = embed_dim
        self.kdim = kdim if kdim is not None else embed_dim
        self.vdim = vdim if vdim is not None else embed_dim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads, self.dropout, self.batch_first = num_heads, dropout, batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")
        if self._qkv_same_embed_dim:
            self.in_proj_weight = new_parameter(3 * embed_dim, embed_dim, **where)
            for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight"):
                self.register_parameter(name, None)
        else:
            self.q_proj_weight = new_parameter(embed_dim, embed_dim, **where)
            self.k_proj_weight = new_parameter(embed_dim, self.kdim, **where)
            self.v_proj_weight = new_parameter(embed_dim, self.vdim, **where)
            self.register_parameter("in_proj_weight", None)
        if bias:
            self.in_proj_bias = new_parameter(3 * embed_dim, **where)
        else:
            self.register_parameter("in_proj_bias", None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, **where)
        if add_bias_kv:
            self.bias_k, self.bias_v = new_parameter(1, 1, embed_dim, **where), new_parameter(1, 1, embed_dim, **where)
        else:
            self.bias_k = self.bias_v = None
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        weights = [self.in_proj_weight] if self._qkv_same_embed_dim else [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        for weight in weights:
            init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.constant_(self.in_proj_bias, 0.0)
            init.constant_(self.out_proj.bias, 0.0)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None = None, need_weights: bool = True, attn_mask: Tensor | None = None,
                average_attn_weights: bool = True, is_causal: bool = False):
        """Attend.

        Args:
            key_padding_mask: True (or -inf) for keys that are padding.
            attn_mask: True (or -inf) where a query may not see a key; (L, S) or (N·heads, L, S).
            is_causal: a hint that attn_mask is the causal mask.
        """
        turned = self.batch_first and query.dim() == 3
        if turned:
            same = key is query, value is key
            query = query.transpose(1, 0)
            key = query if same[0] else key.transpose(1, 0)
            value = key if same[1] else value.transpose(1, 0)
        separate = {} if self._qkv_same_embed_dim else {"use_separate_proj_weight": True, "q_proj_weight": self.q_proj_weight,
                                                        "k_proj_weight": self.k_proj_weight, "v_proj_weight": self.v_proj_weight}
        output, weights = F.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight, self.in_proj_bias, self.bias_k, self.bias_v, self.add_zero_attn, self.dropout,
            self.out_proj.weight, self.out_proj.bias, training=self.training, key_padding_mask=key_padding_mask, need_weights=need_weights, attn_mask=attn_mask,
            average_attn_weights=average_attn_weights, is_causal=is_causal, **separate)
        return output.transpose(1, 0) if turned else output, weights
