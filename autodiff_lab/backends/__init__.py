"""Switches of libraries that PyTorch computes with and this one does not. Setting them changes nothing here."""

from __future__ import annotations

import contextlib

from ..core.devices import cuda_available
from . import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp, opt_einsum, quantized

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum", "quantized"]

assert contextlib and cuda_available
