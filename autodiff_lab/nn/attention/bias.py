"""Masks for attention that say where they stand: a token sees itself and those before it."""

from __future__ import annotations

import enum
import warnings

from ...core.dtypes import bool_
from ...core.op import public
from ...core.tensor import Tensor

__all__ = ["CausalBias", "CausalVariant", "causal_lower_right", "causal_upper_left"]

_all = public[""]


class CausalVariant(enum.IntEnum):
    """Which corner the triangle starts from, where there are more keys than queries: the first query sees one key, or the last one sees all."""

    UPPER_LEFT = enum.auto()
    LOWER_RIGHT = enum.auto()


class CausalBias(Tensor):
    """A mask that `scaled_dot_product_attention` takes; it is made into numbers only then."""

    def __init__(self, variant: CausalVariant, seq_len_q: int, seq_len_kv: int):
        if not isinstance(variant, CausalVariant):
            raise AssertionError(f"variant must be a CausalVariant, got {type(variant).__name__}")
        super().__init__()
        self.variant, self.seq_len_q, self.seq_len_kv = variant, seq_len_q, seq_len_kv
        if seq_len_q > seq_len_kv and variant == CausalVariant.LOWER_RIGHT:
            warnings.warn("Lower right causal bias will produce NaNs in the output when seq_len_q > seq_len_kv!", stacklevel=2)

    def _materialize(self, device=None) -> Tensor:
        """The mask: True where a query may look."""
        every = _all["ones"](self.seq_len_q, self.seq_len_kv, dtype=bool_, device=device)
        return every.tril(self.seq_len_kv - self.seq_len_q if self.variant == CausalVariant.LOWER_RIGHT else 0)

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func is public["nn.functional"]["scaled_dot_product_attention"]:
            return _attend(*args, **(kwargs or {}))
        return super().__torch_function__(func, types, args, kwargs)

    def __repr__(self) -> str:
        return repr(self._materialize())


def _attend(query, key, value, attn_mask=None, dropout_p: float = 0.0, is_causal: bool = False, scale=None, enable_gqa: bool = False):
    if is_causal:
        raise ValueError("CausalBias should not be used with causal=True")
    mask = attn_mask._materialize(query.device)
    return public["nn.functional"]["scaled_dot_product_attention"](query, key, value, mask, dropout_p, False, scale, enable_gqa)


def causal_upper_left(*size) -> CausalBias:
    """The mask of `size` (queries, keys) whose first query sees the first key.

    >>> from autodiff_lab.nn.attention.bias import causal_upper_left
    >>> causal_upper_left(2, 3)
    tensor([[ True, False, False],
            [ True,  True, False]])
    """
    if len(size) != 2:
        raise AssertionError("causal_upper_left only supports 2D tensors")
    return CausalBias(CausalVariant.UPPER_LEFT, *size)


def causal_lower_right(*size) -> CausalBias:
    """The mask of `size` (queries, keys) whose last query sees all keys.

    >>> from autodiff_lab.nn.attention.bias import causal_lower_right
    >>> causal_lower_right(2, 3)
    tensor([[ True,  True, False],
            [ True,  True,  True]])
    """
    if len(size) != 2:
        raise AssertionError("causal_lower_right only supports 2D tensors")
    return CausalBias(CausalVariant.LOWER_RIGHT, *size)
