"""Formulas on one line: LaTeX of a local derivative as plain text, with the learner's names put in."""

from __future__ import annotations

import re

__all__ = ["local_text", "plain"]

_SIGNS = {"cdot": "·", "times": "×", "ln": "ln ", "log": "log ", "exp": "exp ", "tanh": "tanh ", "sinh": "sinh ", "cosh": "cosh ", "sin": "sin ", "cos": "cos ",
          "tan": "tan ", "sigma": "σ", "sum": "Σ", "partial": "∂", "delta": "δ", "le": "≤", "ge": "≥", "ne": "≠", "infty": "∞", "pi": "π", "alpha": "α", "beta": "β",
          "gamma": "γ", "epsilon": "ε", "lambda": "λ", "mu": "μ", "Phi": "Φ", "phi": "φ", "max": "max", "min": "min", "lnot": "¬", "odot": "⊙", "circ": "∘"}
_RAISED = str.maketrans("0123456789+-nxyij", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿˣʸⁱʲ")
_LETTER = re.compile(r"(?<![\\a-zA-Z])[xyz](?![a-zA-Z])")
_TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|[{}^_]|\d+(?:\.\d+)?|[A-Za-z]|\s+|.")


def plain(latex: str | None, names: dict[str, str] | None = None) -> str:
    r"""`latex` as one line of text; letters in `names` are replaced.

    >>> plain(r"1 - \tanh^2 x"), plain(r"\frac{1}{y}", {"y": "h"})
    ('1 - tanh² x', '1/h')
    """
    if not latex:
        return ""
    tokens = _TOKEN.findall(latex)
    text = _read(tokens, [0], names or {}, None)
    return re.sub(r"\s+", " ", text).replace("( ", "(").replace(" )", ")").strip()


def _read(tokens, at, names, until) -> str:
    out = []
    while at[0] < len(tokens):
        token = tokens[at[0]]
        if token == until:
            at[0] += 1
            break
        part = _item(tokens, at, names)
        if token in ("^", "_") and out:
            out[-1] = out[-1].rstrip()
            part += " " if out[-1].isalpha() and len(out[-1]) > 1 else ""
        out.append(part)
    return "".join(out)


def _item(tokens, at, names) -> str:
    token = tokens[at[0]]
    at[0] += 1
    if token == "{":
        return _read(tokens, at, names, "}")
    if token == "^":
        raised = _argument(tokens, at, names)
        simple = raised.replace(" ", "")
        if simple == "T":
            return "ᵀ"
        return simple.translate(_RAISED) if all(c in "0123456789+-nij" for c in simple) else f"^({raised.strip()})" if len(simple) > 1 else f"^{simple}"
    if token == "_":
        lowered = _argument(tokens, at, names).replace(" ", "")
        return f"[{lowered}]" if len(lowered) > 2 else {"i": "ᵢ", "j": "ⱼ"}.get(lowered, f"_{lowered}")
    if token[0] != "\\":
        return names.get(token, token)
    name = token[1:]
    if name in ("frac", "tfrac", "dfrac"):
        above, below = _argument(tokens, at, names), _argument(tokens, at, names)
        return f"{_group(above)}/{_group(below)}"
    if name == "sqrt":
        return f"√{_group(_argument(tokens, at, names))}"
    if name in ("text", "mathrm", "operatorname", "mathbf", "mathbb"):
        return _argument(tokens, at, {}) + " "
    if name in ("left", "right", "displaystyle", "bigl", "bigr", "big"):
        return ""
    if name in (",", ";", ":", " ", "quad", "qquad", "!"):
        return " " if name != "!" else ""
    return _SIGNS.get(name, name if len(name) > 1 else "" if name in "|" else name)


def _argument(tokens, at, names) -> str:
    while at[0] < len(tokens) and tokens[at[0]].isspace():
        at[0] += 1
    return _item(tokens, at, names) if at[0] < len(tokens) else ""


def _group(text: str) -> str:
    text = text.strip()
    return text if re.fullmatch(r"[\w.ᵢⱼ²³ⁿ]+|√\w+", text) else f"({text})"


def local_text(op: str, slot: str, latex: str | None, operands: list[str]) -> str:
    """The local derivative toward `slot` with the names of the operands, e.g. "2 · z" for pow."""
    short = op.rsplit(".", 1)[-1].rstrip("_")
    wrapped = [text if re.fullmatch(r"[\w.\[\]]+(\(\w*\))?", text) else f"({text})" for text in operands]
    if short == "pow" and slot == "input" and len(operands) == 2 and re.fullmatch(r"-?\d+(\.\d+)?", operands[1]):
        power = float(operands[1])
        if power == 2:
            return f"2 · {wrapped[0]}"
        less = f"{power - 1:g}"
        return f"{power:g} · {wrapped[0]}{less.translate(_RAISED) if re.fullmatch(r'-?[0-9]+', less) else '^' + less}"
    names = dict(zip("xyz", wrapped)) if latex and len(operands) <= 3 else {}
    if latex and re.search(r"\\(sum|max|min)|_", latex):
        names = {}
    if names and set(_LETTER.findall(latex or "")) - set(names):
        return ""  # an operand is not known: nobody watched when the operator ran
    if short in ("matmul", "mm", "bmm", "linear"):
        names = dict(zip("AB", wrapped))
    return plain(latex, names)
