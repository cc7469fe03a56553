"""`%lab on`, `%lab off` and `%%graph`."""

from __future__ import annotations

from . import follow

__all__ = ["register"]


def register(shell) -> None:
    """Add the magics to an IPython shell."""
    shell.register_magic_function(lab, "line", "lab")
    shell.register_magic_function(lambda line, cell: graph(shell, line, cell), "cell", "graph")


def lab(line: str) -> None:
    """`%lab on` follows every cell that builds a graph, `%lab off` stops; `%lab` says which."""
    word = line.strip().lower()
    if word not in ("", "on", "off"):
        print(f"%lab takes on or off, not {word!r}.")
        return
    if word:
        follow.follower.switch(word == "on")
    print("The panel follows your cells. %lab off stops it." if follow.follower.on else "The panel is off. %lab on turns it on; %%graph shows one cell.")


def graph(shell, line: str, cell: str) -> None:
    """`%%graph` runs the cell and draws the graph that it builds, also while following is off."""
    follower = follow.follower
    was_on = follower.on
    if not was_on:
        follower.switch(True)
    follower.asked = True
    try:
        shell.run_cell(cell)
    finally:
        if not was_on:
            follower.switch(False)
        follower.asked, follower.shown_by_hand = False, True
