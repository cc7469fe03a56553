"""Six families of operators, each with a colour and a glyph: the same in every widget and picture."""

from __future__ import annotations

__all__ = ["FAMILIES", "family_of", "glyph_of"]

FAMILIES = {  # family -> (glyph, word)
    "param": ("◆", "parameter"),
    "data": ("▪", "data"),
    "linear": ("▦", "linear map"),
    "point": ("ƒ", "pointwise"),
    "reduce": ("Σ", "reduction, norm, loss"),
    "shape": ("⤨", "shape, index"),
    "random": ("⚄", "random"),
}

_OF_CATEGORY = {
    "leaf": "data", "creation": "data", "linear": "linear", "pointwise": "point", "activation": "point",
    "reduction": "reduce", "loss": "reduce", "norm": "reduce", "shape": "shape", "index": "shape",
    "random": "random", "comparison": "point",
}

_GLYPHS = {
    "add": "+", "sub": "−", "mul": "×", "div": "÷", "neg": "−", "pow": "xⁿ", "square": "x²", "sqrt": "√", "exp": "eˣ",
    "log": "ln", "reciprocal": "1/x", "abs": "|x|", "clone": "=", "maximum": "max", "minimum": "min", "where": "?",
    "eq": "=", "ne": "≠", "lt": "<", "le": "≤", "gt": ">", "ge": "≥",
}


def family_of(category: str) -> str:
    """The family of an operator of this category."""
    return _OF_CATEGORY.get(category, "point")


def glyph_of(op: str, family: str) -> str:
    """The operator's own sign if it has one, else its family's."""
    short = op.rsplit(".", 1)[-1].rstrip("_")
    return _GLYPHS.get(short, FAMILIES[family][0]) if family == "point" else FAMILIES[family][0]
