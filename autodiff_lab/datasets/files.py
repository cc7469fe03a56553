"""Data sets that ship as files: digits, names, verse."""

from __future__ import annotations

from importlib.resources import files

import numpy as np

from ..core.op import public
from ..core.tensor import Tensor

__all__ = ["load_digits", "load_names", "load_verse"]

_FOLDER = files(__package__).joinpath("data")


def load_digits(*, flat: bool = False, scaled: bool = True) -> tuple[Tensor, Tensor]:
    """1 797 handwritten digits of 8 × 8 pixels, and which digit each one is.

    Args:
        flat: one row of 64 numbers per image, instead of 8 × 8.
        scaled: brightness from 0 to 1, instead of 0 to 16.

    Returns:
        Images, float32 of shape [1797, 8, 8] or [1797, 64], and labels, int64 of shape [1797].

    Source: Alpaydin and Kaynak (1998), Optical Recognition of Handwritten Digits, UCI; CC BY 4.0.

    >>> import autodiff_lab as lab
    >>> images, labels = lab.datasets.load_digits()
    >>> images.shape, labels[:5]
    (torch.Size([1797, 8, 8]), tensor([0, 1, 2, 3, 4]))
    """
    with _FOLDER.joinpath("digits.npz").open("rb") as file, np.load(file, allow_pickle=False) as stored:
        images, labels = stored["images"].astype(np.float32), stored["labels"].astype(np.int64)
    if scaled:
        images /= 16
    from_numpy = public[""]["from_numpy"]
    return from_numpy(images.reshape(len(images), -1) if flat else images), from_numpy(labels)


def load_names() -> list[str]:
    """1 359 first names in lower case, sorted: the most frequent ones of the US census of 1990 (public domain).

    >>> import autodiff_lab as lab
    >>> lab.datasets.load_names()[:3]
    ['aaron', 'abby', 'abel']
    """
    return _FOLDER.joinpath("names.txt").read_text(encoding="utf-8").split()


def load_verse() -> str:
    """Six sonnets by Shakespeare (public domain), about 3 700 characters.

    >>> import autodiff_lab as lab
    >>> lab.datasets.load_verse().splitlines()[0]
    "Shall I compare thee to a summer's day?"
    """
    return _FOLDER.joinpath("verse.txt").read_text(encoding="utf-8")
