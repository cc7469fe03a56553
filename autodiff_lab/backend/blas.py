"""How many threads the BLAS behind NumPy's matrix products uses.

NumPy has no function for it, but the OpenBLAS (or MKL) that it loads has: found among the libraries of this process,
by the names that NumPy's and SciPy's wheels, conda and the systems give them.
"""

from __future__ import annotations

import ctypes
from itertools import product
from pathlib import Path

import numpy as np

__all__ = ["get_threads", "set_threads"]

LIBRARIES = ("openblas", "mkl_rt", "blis")
NAMES = {verb: [*(f"{prefix}openblas_{verb}_num_threads{suffix}" for prefix, suffix in product(("scipy_", ""), ("64_", ""))), mkl, f"bli_thread_{verb}_num_threads"]
         for verb, mkl in (("set", "MKL_Set_Num_Threads"), ("get", "MKL_Get_Max_Threads"))}


def loaded() -> list[str]:
    """The paths of the BLAS libraries in this process."""
    maps = Path("/proc/self/maps")
    if maps.exists():
        paths = {line.split(maxsplit=5)[5].strip() for line in maps.read_text(errors="replace").splitlines() if line.count("/")}
    else:  # beside NumPy, where its wheels bring one
        beside = Path(np.__file__).parent
        paths = {str(path) for folder in (beside / ".dylibs", beside.parent / "numpy.libs") if folder.is_dir() for path in folder.iterdir()}
    return sorted(path for path in paths if any(name in Path(path).name.lower() for name in LIBRARIES))


def functions(verb: str):
    """The functions named `verb` ("set" or "get") of those libraries."""
    for path in loaded():
        try:
            library = ctypes.CDLL(path)
        except OSError:
            continue
        found = next((name for name in NAMES[verb] if hasattr(library, name)), None)
        if found is not None:
            yield getattr(library, found)


def set_threads(number: int) -> bool:
    """Let matrix products use `number` threads; False where no library takes it."""
    found = list(functions("set"))
    for function in found:
        function(ctypes.c_int(number))
    return bool(found)


def get_threads() -> int | None:
    """How many threads they use; None where no library says."""
    function = next(functions("get"), None)
    return int(function()) if function is not None else None
