"""What `lab.show` returns: one recorded graph that displays itself and can be taken away in every form."""

from __future__ import annotations

from pathlib import Path

from ..export import text as text_export
from ..export import words
from ..record.model import GraphSnapshot, to_json

__all__ = ["VIEW", "Graph", "in_kernel", "write"]

VIEW = "application/vnd.jupyter.widget-view+json"


def in_kernel() -> bool:
    """True where a Jupyter kernel runs and widgets are installed."""
    try:
        import anywidget  # noqa: F401 - only whether it is there
        from IPython.core.getipython import get_ipython
    except ImportError:
        return False
    return getattr(get_ipython(), "kernel", None) is not None


class Graph:
    """One recorded graph. As the last line of a cell it shows the panel; `print` gives it in words.

    Attributes:
        snapshot: the numbers and names, JSON-ready.
        exception: what ended the forward pass, if something did: `raise graph.exception` shows it in full.
    """

    def __init__(self, snapshot: GraphSnapshot, what_if=None, exception: BaseException | None = None, widget=None):
        self.snapshot, self.exception = snapshot, exception
        self._what_if, self._widget = what_if, widget

    def explain(self) -> str:
        """The computation in sentences, forward and backward."""
        return text_export.explain(self.snapshot)

    def to_svg(self, path: str | Path | None = None) -> str:
        """The still picture as SVG text; also written to `path` if one is given."""
        from ..export.svg import svg
        return write(path, svg(self.snapshot))

    def to_html(self, path: str | Path | None = None) -> str:
        """One self-contained page that folds, searches and steps offline; also written to `path` if one is given."""
        from ..export.html import html
        return write(path, html(self.snapshot))

    def to_dot(self, path: str | Path | None = None) -> str:
        """Text for Graphviz; also written to `path` if one is given."""
        from ..export.dot import dot
        return write(path, dot(self.snapshot))

    def to_json(self, path: str | Path | None = None) -> str:
        """The snapshot itself; `record.from_json` reads it back."""
        return write(path, to_json(self.snapshot))

    def to_png(self, path: str | Path | None = None) -> bytes:
        """The still picture as PNG, drawn by matplotlib; also written to `path` if one is given."""
        from ..export.png import png
        data = png(self.snapshot)
        if path is not None:
            Path(path).write_bytes(data)
        return data

    def widget(self):
        """The interactive panel of this graph; the same object every time."""
        if self._widget is None:
            from ..widgets.graph import GraphWidget
            self._widget = GraphWidget(self.snapshot, self._what_if)
        return self._widget

    def bundle(self) -> dict:
        """Everything a front end may choose from: live panel, picture, words."""
        data = {"text/plain": text_export.outline(self.snapshot), "image/svg+xml": self.to_svg()}
        if in_kernel():
            from ..widgets.live import view_of
            data[VIEW] = view_of(self.widget())
        return data

    def metadata(self) -> dict:
        """What a page says of the picture where it can't be seen."""
        return {"image/svg+xml": {"alt": f"{words.title_of(self.snapshot)}: {words.summary_sentence(self.snapshot)}"}}

    def _repr_mimebundle_(self, include=None, exclude=None):
        return self.bundle(), self.metadata()

    def __repr__(self) -> str:
        return text_export.outline(self.snapshot)


def write(path, text: str) -> str:
    """`text` itself; also written to `path` if one is given."""
    if path is not None:
        Path(path).write_text(text, encoding="utf8")
    return text
