"""The text of a tensor, character for character PyTorch's.

Three steps: choose how numbers look (`_Look`: one for all of them, so that columns align), write the
nested brackets, and append what the numbers do not show (`dtype=`, `grad_fn=`, …).
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from ..backend import to_host

__all__ = ["format_tensor", "get_printoptions", "printoptions", "set_printoptions", "tensor_repr"]


@dataclass(frozen=True)
class Options:
    """How tensors are printed now."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


class _Settings:
    # Options are immutable and replaced as a whole, so another thread never sees half a change.
    options = Options()


_PROFILES = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}


def set_printoptions(precision: int | None = None, threshold: float | None = None, edgeitems: int | None = None,
                     linewidth: int | None = None, profile: str | None = None, sci_mode: bool | None = None) -> None:
    """Choose how tensors are printed. What is not given stays, except `sci_mode`, which goes back to automatic.

    Args:
        precision: digits after the point (4).
        threshold: with more elements than this only the edges are printed (1000).
        edgeitems: how many at each edge (3).
        linewidth: characters per line (80).
        profile: "default", "short" or "full", whose values the other arguments may override.
        sci_mode: always (True) or never (False) write 1.0000e+00.

    >>> import autodiff_lab as lab
    >>> lab.set_printoptions(precision=2)
    >>> lab.tensor([1.12345])
    tensor([1.12])
    >>> lab.set_printoptions(profile="default")
    """
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    changes = dict(_PROFILES.get(profile or "", {}))
    changes.update((name, value) for name, value in given.items() if value is not None)
    _Settings.options = dataclasses.replace(_Settings.options, **changes, sci_mode=sci_mode)


def get_printoptions() -> dict[str, object]:
    """The current print options, ready for `set_printoptions(**options)`."""
    return dataclasses.asdict(_Settings.options)


@contextlib.contextmanager
def printoptions(**kwargs):
    """Other print options inside `with`, the old ones again afterwards."""
    before = _Settings.options
    set_printoptions(**kwargs)
    try:
        yield
    finally:
        _Settings.options = before


def tensor_repr(tensor, contents: str | None = None) -> str:
    """What `repr(tensor)` and `str(tensor)` are; `contents` may stand in the place of the numbers."""
    from .dtypes import get_default_dtype

    plain = type(tensor).__name__ in ("Tensor", "Parameter")
    node = tensor.grad_fn
    text = format_tensor(
        tensor._a,
        dtype_name=tensor.dtype.name,
        default_dtype_name=get_default_dtype().name,
        type_name="tensor" if plain else type(tensor).__name__,
        device=None if tensor.device.type == "cpu" else str(tensor.device),
        grad_fn=None if node is None else node.name().rsplit("::", 1)[-1],
        requires_grad=tensor.requires_grad,
        contents=contents,
    )
    return f"Parameter({text})" if tensor.__dict__.get("_is_param", False) else text


def format_tensor(array, *, dtype_name: str, default_dtype_name: str = "float32", type_name: str = "tensor",
                  device: str | None = None, grad_fn: str | None = None, requires_grad: bool = False, contents: str | None = None) -> str:
    """The text of a tensor that holds `array`.

    Args:
        array: a NumPy or CuPy array of any shape, or a NumPy scalar.
        dtype_name: e.g. "float64"; printed unless the numbers show it.
        default_dtype_name: the type that need not be printed.
        type_name: what stands before the bracket.
        device: e.g. "cuda:0"; None for the processor.
        grad_fn: name of the node that made it, e.g. "MulBackward0".
        requires_grad: printed where there is no `grad_fn`.
        contents: what is printed in the place of the numbers.

    >>> format_tensor(np.array([1.0, 2.5]), dtype_name="float64")
    'tensor([1.0000, 2.5000], dtype=torch.float64)'
    """
    if device == "meta":
        suffixes = [f"device='meta', size={tuple(array.shape)}"]
        if dtype_name != default_dtype_name:
            suffixes.append(f"dtype=torch.{dtype_name}")
        suffixes += [f"grad_fn=<{grad_fn}>"] if grad_fn is not None else ["requires_grad=True"] if requires_grad else []
        return f"{type_name}(..., {', '.join(suffixes)})"
    options = _Settings.options
    indent = len(type_name) + 1
    suffixes = [f"device='{device}'"] if device else []
    array = to_host(array)
    if array.size:
        if not options.edgeitems:
            suffixes.append(f"size={array.shape}")
        default_complex = "complex128" if default_dtype_name == "float64" else "complex64"
        if dtype_name not in (default_dtype_name, default_complex, "int64", "bool"):
            suffixes.append(f"dtype=torch.{dtype_name}")
        contents = contents or _contents(array, indent, options)
    else:
        if array.ndim != 1:
            suffixes.append(f"size={array.shape}")
        if dtype_name != default_dtype_name:  # no number is there to show it
            suffixes.append(f"dtype=torch.{dtype_name}")
        contents = contents or "[]"
    if grad_fn is not None:
        suffixes.append(f"grad_fn=<{grad_fn}>")
    elif requires_grad:
        suffixes.append("requires_grad=True")
    return _with_suffixes(f"{type_name}({contents}", suffixes, indent, options.linewidth)


def _with_suffixes(text: str, suffixes: list[str], indent: int, linewidth: int) -> str:
    """`text` and what follows it, on a new line where it would not fit."""
    used = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if used + len(suffix) + 2 > linewidth:
            text += ",\n" + " " * indent + suffix
            used = indent + len(suffix)
        else:
            text += ", " + suffix
            used += len(suffix) + 2
    return text + ")"


# Numbers.

class _Look:
    """How every number of a tensor is written: as an integer, with a point, or with an exponent; and how wide."""

    def __init__(self, values: np.ndarray, options: Options):
        self.is_float = values.dtype.kind == "f"
        self.scientific, self.whole, self.width = False, True, 1
        self.precision = options.precision
        if self.is_float:
            values = values[np.isfinite(values) & (values != 0)].astype(np.float64)
            if not values.size:
                return
            sizes = np.abs(values)
            low, high = float(sizes.min()), float(sizes.max())
            self.whole = bool((values == np.ceil(values)).all())
            automatic = high / low > 1000.0 or high > 1.0e8 or low < 1.0e-4
            self.scientific = automatic if options.sci_mode is None else options.sci_mode
        # Zeros and what is not finite never widen the column.
        self.width = max(map(len, map(self._digits, values.reshape(-1).tolist())), default=1)

    def _digits(self, value) -> str:
        if not self.is_float:
            return f"{value}"
        if self.scientific:
            return f"{value:.{self.precision}e}"
        if not self.whole:
            return f"{value:.{self.precision}f}"
        return f"{value:.0f}." if math.isfinite(value) else f"{value:.0f}"

    def __call__(self, value) -> str:
        return self._digits(value).rjust(self.width)


class _ComplexLook:
    """Two looks, one for the real and one for the imaginary parts."""

    def __init__(self, values: np.ndarray, options: Options):
        self.real, self.imag = _Look(values.real, options), _Look(values.imag, options)
        self.width = self.real.width + self.imag.width + 1

    def __call__(self, value) -> str:
        imag = self.imag(value.imag).lstrip() + "j"
        return self.real(value.real) + ("" if imag[0] in "+-" else "+") + imag


# Brackets.

def _contents(array: np.ndarray, indent: int, options: Options) -> str:
    if array.dtype.kind not in "biufc":
        array = array.astype(np.float32)  # bfloat16, which Python's formatting does not know
    shortened = array.size > options.threshold
    shown = _edges(array, options.edgeitems) if shortened else array
    look = (_ComplexLook if array.dtype.kind == "c" else _Look)(shown, options)
    return _brackets(array, indent, shortened, look, options)


def _edges(array: np.ndarray, edgeitems: int) -> np.ndarray:
    """What is left of a tensor that is too large to print; its numbers alone choose the look."""
    if not edgeitems and array.ndim > 1:
        return array[:0]
    for axis, size in enumerate(array.shape):
        if edgeitems and size > 2 * edgeitems:
            array = array.take([*range(edgeitems), *range(size - edgeitems, size)], axis)
    return array


def _brackets(array: np.ndarray, indent: int, shortened: bool, look, options: Options) -> str:
    if not array.ndim:
        return look(array.item())
    edge = options.edgeitems
    cut = shortened and len(array) > 2 * edge
    if array.ndim == 1:
        if shortened and not edge:
            return "[...]"
        if cut:
            items = [*map(look, array[:edge].tolist()), " ...", *map(look, array[-edge:].tolist())]
        else:
            items = [look(value) for value in array.tolist()]
        per_line = max(1, (options.linewidth - indent) // (look.width + 2))
        lines = [", ".join(items[start:start + per_line]) for start in range(0, len(items), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"

    def row(index):
        return _brackets(array[index], indent + 1, shortened, look, options)

    if cut:
        rows = [*map(row, range(edge)), "...", *map(row, range(len(array) - edge, len(array)))]
    else:
        rows = [row(index) for index in range(len(array))]
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(rows) + "]"
