"""A snapshot as one HTML file that folds, searches and steps by itself: no kernel, no network, for ever."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

from ..record.model import GraphSnapshot, to_plain
from ..record.text import clean
from . import words
from .plan import make_plan
from .svg import svg

__all__ = ["html", "page", "payload"]

STATIC = Path(__file__).parents[1] / "widgets" / "static"


def payload(snapshot: GraphSnapshot) -> str:
    """What the browser half needs: the snapshot and who stands where, as JSON."""
    plan = make_plan(snapshot)
    plain = to_plain(snapshot)
    for step in plain.get("steps", ()):  # what stands on the node already travels once
        if step["grad"] == plain["nodes"][step["node"]].get("grad"):
            del step["grad"]
        for into in step.get("accumulations", ()):
            if into["after"] == plain["nodes"][into["node"]].get("grad"):
                del into["after"]
    return json.dumps({"snapshot": plain, "plan": {"columns": plan.columns, "stacks": plan.stacks, "open": plan.open}},
                      ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def html(snapshot: GraphSnapshot) -> str:
    """The page as text. It shows the still picture where scripts may not run.

    Raises:
        FileNotFoundError: if the browser half was not built.
    """
    return page("graph", f"{words.title_of(snapshot)}: {words.facts(snapshot)}", svg(snapshot), payload(snapshot))


def page(widget: str, title: str, still: str, data: str) -> str:
    """A page that holds a widget's browser half, its data, and the picture that stands there until the script has run."""
    script = STATIC / f"{widget}.js"
    if not script.exists():
        raise FileNotFoundError("The interactive page needs the browser half of the widgets, which is not built here. "
                                "Install the package (pip install .) or run `npm ci && npm run build` in widgets/. The still picture works without it.")
    styles = (STATIC / f"{widget}.css").read_text(encoding="utf8")
    # In JSON and in the bundle `</` could end the script element, in JSON `<!--` could open a comment.
    data = data.replace("<", "\\u003c")
    code = script.read_text(encoding="utf8").replace("</script", "<\\/script")
    return (f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n'
            f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; script-src \'unsafe-inline\'; style-src \'unsafe-inline\'; img-src data: blob:">\n'
            f"<title>{escape(clean(title))}</title>\n<style>\n@media (prefers-color-scheme: dark) {{ body {{ background: #12151b; }} }}\nbody {{ margin: 16px; }}\n{styles}</style>\n</head>\n<body>\n<main>\n"
            f'<div data-still>{still}</div>\n<script type="application/json" data-autodiff-lab="{widget}">{data}</script>\n</main>\n'
            f'<script type="module">\n{code}\n</script>\n</body>\n</html>\n')
