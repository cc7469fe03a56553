"""What the BLAS behind NumPy's matrix products can do that NumPy has no function for: other numbers of threads, and axpy.

The OpenBLAS (or MKL) that NumPy loads is found among the libraries of this process, by the names that NumPy's and
SciPy's wheels, conda and the systems give it.
"""

from __future__ import annotations

import ctypes
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np

__all__ = ["add_scaled", "get_threads", "set_threads"]

LIBRARIES = ("openblas", "mkl_rt", "blis")
NAMES = {verb: [*(f"{prefix}openblas_{verb}_num_threads{suffix}" for prefix, suffix in product(("scipy_", ""), ("64_", ""))), mkl, f"bli_thread_{verb}_num_threads"]
         for verb, mkl in (("set", "MKL_Set_Num_Threads"), ("get", "MKL_Get_Max_Threads"))}
NAMES |= {letter: [f"{prefix}cblas_{letter}axpy{suffix}" for prefix, suffix in product(("scipy_", ""), ("64_", ""))] for letter in "sd"}


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
    """The functions of those libraries for `verb`, a key of NAMES."""
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


@cache
def axpy(letter: str):
    """BLAS's y += a * x, for "s", float32, or "d", float64; None where no library has it."""
    function = next(functions(letter), None)
    if function is not None:
        number, place = ctypes.c_float if letter == "s" else ctypes.c_double, ctypes.c_void_p
        # Sizes and steps go by register: a library that takes shorter ones reads the lower half.
        function.argtypes, function.restype = (ctypes.c_int64, number, place, ctypes.c_int64, place, ctypes.c_int64), None
    return function


LEAST = 8192  # numbers; for fewer, finding out where they are costs more than the second pass
MOST = 1 << 30  # whose number fits into the shorter sizes


def add_scaled(y, factor: float, x) -> None:
    """`y += factor * x` for one-dimensional arrays, in one pass and rounded once, as PyTorch's `add_` with alpha."""
    kind = y.dtype.char
    if kind in "fd" and x.dtype == y.dtype:
        if LEAST <= y.size < MOST and x.shape == y.shape and x.flags.c_contiguous and y.flags.carray and factor:
            function = axpy("s" if kind == "f" else "d")
            if function is not None:
                function(y.size, factor, x.__array_interface__["data"][0], 1, y.__array_interface__["data"][0], 1)
                return
        y += x * np.asarray(factor, y.dtype)  # NumPy takes longer to find the type of a number
    else:
        y += x * factor
