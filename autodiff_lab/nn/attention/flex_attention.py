"""Attention whose scores a function of yours changes, by the position of query and key.

PyTorch compiles the function into a kernel; here the scores are one dense tensor, and your function runs on all of
them at once, with positions that broadcast.
"""

from __future__ import annotations

import inspect
import math
import typing

from ...core.op import public

__all__ = ["AuxOutput", "AuxRequest", "BlockMask", "and_masks", "create_block_mask", "create_mask", "flex_attention", "noop_mask", "or_masks"]

_DEFAULT_SPARSE_BLOCK_SIZE = 128
FlexKernelOptions = dict


class AuxRequest(typing.NamedTuple):
    """What `flex_attention` is to return besides its result."""

    lse: bool = False
    max_scores: bool = False


class AuxOutput(typing.NamedTuple):
    """What was asked for by `AuxRequest`; the other is None."""

    lse: typing.Any = None
    max_scores: typing.Any = None


def flex_attention(query, key, value, score_mod=None, block_mask=None, scale: float | None = None, enable_gqa: bool = False, return_lse: bool = False,
                   kernel_options=None, *, return_aux=None):
    """softmax(score_mod(query @ key.T * scale)) @ value.

    Args:
        score_mod: from (score, batch, head, query position, key position) to the new score.
        block_mask: from `create_block_mask`; where it is False nothing is seen. A query that sees no key gets 0.
        return_lse: also return the logarithm of the sum of the exponentials of the scores.
        return_aux: an `AuxRequest`; then (result, `AuxOutput`) is returned.

    Shape: query (B, H, L, E), key (B, H, S, E), value (B, H, S, Ev); result (B, H, L, Ev).
    """
    lab = public[""]
    if query.ndim != 4 or key.ndim != 4 or value.ndim != 4:
        raise NotImplementedError("NYI: query, key, and value must be 4D tensors")
    if enable_gqa:
        key, value = (t.repeat_interleave(query.size(1) // t.size(1), 1) for t in (key, value))
    elif query.size(1) != key.size(1):
        raise ValueError(f"Expect query and key/value to have the same number of heads but got Hq={query.size(1)} and Hkv={key.size(1)}. Try setting enable_gqa=True for GQA.")
    scores = lab["matmul"](query * (scale if scale is not None else 1 / math.sqrt(query.size(-1))), key.transpose(-2, -1))
    places = _places(*scores.shape, device=scores.device)
    if score_mod is not None:
        scores = score_mod(scores, *places)
    unseen = None
    if block_mask is not None:
        seen = block_mask.mask_mod(*places)
        scores = scores.masked_fill(~seen, -math.inf)
        unseen = (~seen).all(-1, keepdim=True)
    weights = lab["softmax"](scores, -1)
    if unseen is not None:
        weights = weights.masked_fill(unseen, 0.0)
    result = lab["matmul"](weights, value)
    if return_aux is not None:
        return result, AuxOutput(lab["logsumexp"](scores, -1) if return_aux.lse else None, scores.amax(-1) if return_aux.max_scores else None)
    return (result, lab["logsumexp"](scores, -1)) if return_lse else result


class BlockMask:
    """A rule for who sees whom; `mask_mod(batch, head, query, key)` is True where a key is seen."""

    def __init__(self, mask_mod, shape: tuple, device="cpu", BLOCK_SIZE=_DEFAULT_SPARSE_BLOCK_SIZE):
        self.mask_mod, self.shape, self.device, self.BLOCK_SIZE = mask_mod, shape, device, BLOCK_SIZE
        self.seq_lengths = shape[-2:]

    def dense(self):
        """The rule as a tensor of True and False, of shape (B, H, L, S)."""
        return create_mask(self.mask_mod, *self.shape, device=self.device)

    def sparsity(self) -> float:
        """Percent of pairs that are not seen."""
        return 100.0 * (1 - self.dense().float().mean().item())

    def to(self, device):
        """Itself, for another device."""
        return BlockMask(self.mask_mod, self.shape, device, self.BLOCK_SIZE)

    def __repr__(self) -> str:
        return f"BlockMask(shape={self.shape}, sparsity={self.sparsity():.2f}%)"


def create_block_mask(mask_mod, B, H, Q_LEN: int, KV_LEN: int, device="cpu", BLOCK_SIZE=_DEFAULT_SPARSE_BLOCK_SIZE, _compile: bool = False) -> BlockMask:
    """A `BlockMask` from a rule; B or H may be None, for a rule that does not look at them."""
    return BlockMask(mask_mod, (B or 1, H or 1, Q_LEN, KV_LEN), device, BLOCK_SIZE)


def create_mask(mod_fn, B, H, Q_LEN: int, KV_LEN: int, device="cpu"):
    """The rule as a tensor: bool for a mask of four arguments, scores for a `score_mod` of five."""
    lab = public[""]
    sizes = (B or 1, H or 1, Q_LEN, KV_LEN)
    places = _places(*sizes, device)
    found = mod_fn(lab["zeros"](sizes, device=device), *places) if _takes(mod_fn) == 5 else mod_fn(*places)
    return found.expand(sizes)


def and_masks(*mask_mods):
    """Seen where every rule sees."""
    return lambda b, h, q, k: _all_of(mask_mods, b, h, q, k, lambda x, y: x & y)


def or_masks(*mask_mods):
    """Seen where some rule sees."""
    return lambda b, h, q, k: _all_of(mask_mods, b, h, q, k, lambda x, y: x | y)


def noop_mask(batch, head, token_q, token_kv):
    """Everything is seen."""
    return public[""]["ones"](()).bool()


def _all_of(rules, b, h, q, k, join):
    found = rules[0](b, h, q, k)
    for rule in rules[1:]:
        found = join(found, rule(b, h, q, k))
    return found


def _places(batch: int, heads: int, queries: int, keys: int, device) -> tuple:
    """Positions that broadcast to the scores."""
    arange = public[""]["arange"]
    return (arange(batch, device=device).view(-1, 1, 1, 1), arange(heads, device=device).view(1, -1, 1, 1),
            arange(queries, device=device).view(1, 1, -1, 1), arange(keys, device=device).view(1, 1, 1, -1))


def _takes(function) -> int:
    return len(inspect.signature(function).parameters)
