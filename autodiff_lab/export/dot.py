"""A snapshot as DOT text for Graphviz, modules as clusters; and as a picture where the `dot` program is there."""

from __future__ import annotations

from ..record.model import GraphSnapshot
from ..record.text import clean
from . import words
from .svg import COLORS, scope_name

__all__ = ["dot", "rendered"]


def dot(snapshot: GraphSnapshot) -> str:
    """The graph as DOT text."""
    lines = ["digraph {", '  rankdir="LR"', '  node [shape="box", style="rounded,filled", fontname="DejaVu Sans", fontsize="11"]', '  edge [color="#5a6473", fontsize="9"]']

    def write(parent, pad):
        for node in snapshot.nodes:
            if node.scope == parent:
                border, tint = COLORS[node.family]
                rows = [words.label_of(node), *([node.label] if node.label and node.label != words.label_of(node) else []), words.value_text(node),
                        *([words.grad_text(node, snapshot.backward)] if snapshot.backward != "none" else [])]
                extra = ', style="filled"' if node.kind == "data" else ""
                lines.append(f'{pad}n{node.id} [label={_quoted(chr(10).join(rows))}, color="{border}", fillcolor="{tint}"{extra}]')
        for scope in snapshot.scopes:
            if scope.parent == parent:
                lines.append(f"{pad}subgraph cluster_{scope.id} {{")
                lines.append(f'{pad}  label={_quoted(f"{scope_name(scope)}  {scope.cls}")}; style="rounded"; color="#1f5fbf"; fontname="DejaVu Sans"; fontsize="11"')
                write(scope.id, pad + "  ")
                lines.append(f"{pad}}}")

    write(None, "  ")
    for edge in snapshot.edges:
        style = "" if edge.grad else ' [style="dashed"]'
        lines.append(f"  n{edge.source} -> n{edge.target}{style}")
    return "\n".join([*lines, "}", ""])


def rendered(snapshot: GraphSnapshot, form: str = "svg") -> bytes:
    """The picture that Graphviz makes of it.

    Raises:
        RuntimeError: if the `graphviz` package or the `dot` program is missing; says what to install.
    """
    try:
        import graphviz
    except ImportError:
        raise RuntimeError("Drawing with Graphviz needs the graphviz package: pip install graphviz. lab.show(...).to_svg() needs nothing.") from None
    try:
        return graphviz.Source(dot(snapshot)).pipe(format=form)
    except graphviz.ExecutableNotFound:
        raise RuntimeError("Drawing with Graphviz needs its `dot` program (Debian: apt-get install graphviz). lab.show(...).to_svg() needs nothing.") from None


def _quoted(text: str) -> str:
    escaped = clean(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
