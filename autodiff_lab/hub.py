"""Models from the internet: not here."""

from __future__ import annotations

import re
from urllib.parse import urlparse

HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")

__all__ = ["download_url_to_file", "help", "list", "load", "load_state_dict_from_url", "tqdm", "urlparse"]  # noqa: F822 - tqdm: see __getattr__


def _refused(*args, **kwargs):
    """Refused: this library downloads nothing, and the code of a hub model is written for PyTorch's own."""
    raise RuntimeError("torch.hub is not here: this library downloads nothing. Download the file of weights yourself, and load it with torch.load.")


load_url = load = list = help = load_state_dict_from_url = download_url_to_file = get_dir = set_dir = _refused


def __getattr__(name: str):
    """`tqdm`: programs take their progress bar from here. Where it isn't installed, what is iterated over comes back as it is."""
    if name != "tqdm":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return lambda iterable=None, *args, **kwargs: iterable
    return tqdm
