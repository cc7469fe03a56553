"""What this build consists of, for programs that print it."""

from __future__ import annotations

import numpy as np
import scipy

from .version import like

__all__ = ["parallel_info", "show"]


def show() -> str:
    """A description of the build."""
    return f"Autodiff Lab, with the interface of PyTorch {like}:\n  - NumPy {np.__version__}\n  - SciPy {scipy.__version__}\n  - CUDA by CuPy, where it is installed\n"


def parallel_info() -> str:
    """How many threads are used."""
    from . import get_num_interop_threads, get_num_threads

    return f"Autodiff Lab on NumPy:\n\tget_num_threads() : {get_num_threads()}\n\tget_num_interop_threads() : {get_num_interop_threads()}\n"
