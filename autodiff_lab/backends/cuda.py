"""How PyTorch multiplies and attends on CUDA. There is one way here, so these switches change nothing."""

from __future__ import annotations

import contextlib

from ..core.devices import cuda_available

__all__ = ["is_built", "matmul", "sdp_kernel"]


class _Matmul:
    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True


matmul = _Matmul()
is_built = cuda_available


def _accepted(enabled: bool = True) -> None:
    """Accepted: there is one implementation of attention."""


def _always() -> bool:
    """True: the plain implementation."""
    return True


def _never() -> bool:
    """False."""
    return False


enable_flash_sdp = enable_math_sdp = enable_mem_efficient_sdp = enable_cudnn_sdp = _accepted
math_sdp_enabled = _always
flash_sdp_enabled = mem_efficient_sdp_enabled = cudnn_sdp_enabled = _never


@contextlib.contextmanager
def sdp_kernel(enable_flash: bool = True, enable_math: bool = True, enable_mem_efficient: bool = True, enable_cudnn: bool = True):
    """Accepted; attention is computed as always inside."""
    yield
