"""Python half of the Tensor widget: the numbers of one tensor, thinned if there are many, as one binary trait."""

from __future__ import annotations

import math

import anywidget
import numpy as np
import traitlets

from ..export.heat import is_image
from ..record.text import clean
from .live import bundle

__all__ = ["TensorWidget"]

SIDE, SLICES_AND_SIDES = 128, 1 << 17


class TensorWidget(anywidget.AnyWidget):
    """A heat map that tells the number under the pointer; slices of higher ranks are chosen in the browser."""

    _esm = bundle("tensor")
    _css = bundle("tensor", ".css")
    header = traitlets.Dict(help="Title, facts, shape, and which every how many rows and columns are shown").tag(sync=True)
    numbers = traitlets.Bytes(help="float32, slice by slice, row by row").tag(sync=True)

    def __init__(self, array: np.ndarray, title: str, facts: str, words: str):
        shown, header = thinned(array)
        header |= {"title": clean(title), "facts": clean(facts), "words": clean(words), "shape": list(array.shape), "dtype": str(array.dtype)}
        super().__init__(header=header, numbers=shown.astype(np.float32).tobytes())

    def __repr__(self) -> str:
        return "TensorWidget()"


def thinned(array: np.ndarray) -> tuple[np.ndarray, dict]:
    """The numbers to send, (slices, rows, columns), and what was left out."""
    magnitudes = array.dtype.kind == "c"
    array = np.abs(array) if magnitudes else array
    lead = array.shape[:-2]
    matrices = array.reshape(-1, *array.shape[-2:]) if array.ndim >= 2 else array.reshape(1, 1, -1)
    step = [math.ceil(n / SIDE) or 1 for n in matrices.shape[1:]]
    matrices = matrices[:, ::step[0], ::step[1]] if array.ndim != 1 else matrices
    if array.ndim == 1:
        step = [1, 1]
        matrices = matrices[:, :, :SIDE * SIDE]
    per = max(1, matrices.shape[1] * matrices.shape[2])
    sent, of = matrices[:max(1, SLICES_AND_SIDES // per)], len(matrices)
    image = not magnitudes and is_image(array[0] if array.ndim == 4 and len(array) else array)
    if image:  # three channels are one picture
        lead, of, sent = lead[:-1], of // 3, sent[:max(3, len(sent) // 3 * 3)]
    return sent, {"step": step, "lead": list(lead), "image": image, "slices": len(sent) // 3 if image else len(sent), "of": of, "rows": matrices.shape[1], "columns": matrices.shape[2], "magnitudes": magnitudes}
