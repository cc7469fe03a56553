"""The functions that PyTorch writes in Python, under the module where it writes them: `torch.functional.einsum` is `torch.einsum`."""

from __future__ import annotations

from .core.op import public

_NAMES = ("atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_shapes", "broadcast_tensors", "cartesian_prod", "cdist", "chain_matmul", "einsum",
          "istft", "lu", "meshgrid", "norm", "pca_lowrank", "split", "stft", "svd_lowrank", "tensordot", "unique", "unique_consecutive", "unravel_index")
globals().update({name: public[""][name] for name in _NAMES})
__all__ = list(_NAMES)
