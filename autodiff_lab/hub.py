"""Models from the internet: nothing is downloaded, but weights that already lie in PyTorch's folder of downloads are loaded."""

from __future__ import annotations

import os
import re
from urllib.parse import urlparse

__all__ = ["download_url_to_file", "get_dir", "help", "list", "load", "load_state_dict_from_url", "set_dir", "tqdm", "urlparse"]  # noqa: F822 - tqdm: see __getattr__

HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")
_chosen: str | None = None


def _refused(*args, **kwargs):
    """Refused: this library downloads nothing, and the code of a hub model is written for PyTorch's own."""
    raise RuntimeError("torch.hub is not here: this library downloads nothing. Download the file of weights yourself, and load it with torch.load.")


load = list = help = download_url_to_file = _refused


def _get_torch_home() -> str:
    return os.path.expanduser(os.getenv("TORCH_HOME", os.path.join(os.getenv("XDG_CACHE_HOME", "~/.cache"), "torch")))


def get_dir() -> str:
    """The folder of downloads: what `set_dir` chose, or `$TORCH_HOME/hub`, or `~/.cache/torch/hub`."""
    return _chosen if _chosen is not None else os.path.join(_get_torch_home(), "hub")


def set_dir(d: str | os.PathLike) -> None:
    """Choose the folder of downloads."""
    global _chosen
    _chosen = os.path.expanduser(d)


def load_state_dict_from_url(url: str, model_dir: str | None = None, map_location=None, progress: bool = True, check_hash: bool = False,
                             file_name: str | None = None, weights_only: bool = True) -> dict:
    """The weights that were downloaded from an address, if they lie in `model_dir` (`get_dir()/checkpoints`) already.

    Unlike PyTorch it downloads nothing, and it reads only weights unless `weights_only=False` is asked for.

    Raises:
        RuntimeError: if the file is not there.
    """
    from .serialization import load

    path = os.path.join(model_dir or os.path.join(get_dir(), "checkpoints"), file_name or os.path.basename(urlparse(url).path))
    if not os.path.exists(path):
        raise RuntimeError(f"This library downloads nothing, and {path} is not there. Download {url} yourself and put it there under that name.")
    return load(path, map_location=map_location, weights_only=weights_only)


load_url = load_state_dict_from_url


def __getattr__(name: str):
    """`tqdm`: programs take their progress bar from here. Where it isn't installed, what is iterated over comes back as it is."""
    if name != "tqdm":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return lambda iterable=None, *args, **kwargs: iterable
    return tqdm
