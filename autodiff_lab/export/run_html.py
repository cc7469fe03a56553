"""A run as one HTML file: curves, flow and field with cursor, zoom and time slider, without kernel and network, for ever."""

from __future__ import annotations

from base64 import b64encode

from ..record.run import RunRecord
from . import run_svg
from .html import page
from .run_pack import RunPacker
from .run_text import facts

__all__ = ["html"]


def html(record: RunRecord, title: str = "Training", others=(), field=None) -> str:
    """The page as text. It shows the still picture where scripts may not run.

    Raises:
        FileNotFoundError: if the browser half was not built.
    """
    piece = RunPacker(record, others, field).everything(title=title, stage=record.ended or "idle", ms=0, epochal=False, rewind=[])
    return page("dashboard", f"{title}: {facts(record)}", run_svg.picture(record, title, others=others), b64encode(piece).decode())
