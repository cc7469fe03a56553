"""The notebook side: the extension that follows cells, and the calls that show things."""

from __future__ import annotations

from .compare import diff
from .diagnosing import diagnose
from .graph import Graph
from .showing import explain, name, show
from .summary import summary

__all__ = ["Graph", "diagnose", "diff", "explain", "load_ipython_extension", "name", "show", "summary", "unload_ipython_extension"]


def load_ipython_extension(shell) -> None:
    """`%load_ext autodiff_lab`: follow cells, and add `%lab on|off` and `%%graph`."""
    from . import follow
    from .magics import register

    if follow.follower is not None:
        follow.follower.stop()
    follow.follower = follow.Follower(shell)
    follow.follower.start()
    register(shell)


def unload_ipython_extension(shell) -> None:
    """`%unload_ext autodiff_lab`: stop following."""
    from . import follow

    if follow.follower is not None:
        follow.follower.stop()
        follow.follower = None
