"""Keeps freed memory with the process, because asking the kernel for it again costs more than the arithmetic.

glibc returns large freed blocks to the kernel at once, so that every temporary of an elementwise
expression is page-faulted anew: 2 to 4 times slower on large arrays. Raising two malloc thresholds
keeps the pages.

Python looks for garbage in cycles after every 700 new objects. A recorded graph is many objects and no
garbage, so that half of the time of building a deep one went into looking; after every 5 000 it is a tenth.

Set AUTODIFF_LAB_MALLOC=0 to leave both alone.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys

__all__ = ["tune"]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's mallopt parameters


def tune(keep: int = 512 * 1024 * 1024) -> bool:
    """Let malloc keep up to `keep` bytes of freed memory, and Python collect less often; True where the C library knows how."""
    if os.environ.get("AUTODIFF_LAB_MALLOC") == "0":
        return False
    often, *older = gc.get_threshold()
    if 0 < often < 5000:  # 0: somebody switched it off
        gc.set_threshold(5000, *older)
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # musl and others have no mallopt
        return False
    # glibc refuses an mmap threshold above 32 MiB on 64-bit systems; that is large enough.
    return bool(mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024)) and bool(mallopt(M_TRIM_THRESHOLD, keep))
