"""What the learner calls things: the loss at a call of `backward()`, tensors in a frame."""

from __future__ import annotations

import ast
import linecache
import sys
from itertools import islice

__all__ = ["learner_frame", "loss_name", "names_in_frame"]

# By the id of a code object, which is kept beside what is known of it: to hash a code is to hash all that is in it.
_ours: dict = {}  # id of a code -> (whether it is this library's, the code)
_usual = 1 << 20  # how far away the learner's line was last time
_known: dict = {}  # (id of a code, instruction) -> (name, the code); codes are few, and a cell that runs again has a new one


def learner_frame(frame):
    """The innermost frame that is not this library's."""
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "autodiff_lab":
        frame = frame.f_back
    return frame


def loss_name(depth: int) -> str | None:
    """The name of what `backward()` was called on; None if it was not `backward` that runs (but `grad`, say).

    Args:
        depth: frames between this one and the first that may be the learner's.
    """
    global _usual
    try:  # mostly the same line as last time, as far away: no other frame need be touched
        frame = sys._getframe(_usual)
        known = _known.get((id(frame.f_code), frame.f_lasti))
        if known is not None:
            return known[0]
    except ValueError:
        pass
    frame, called, usual = sys._getframe(depth), False, depth
    while frame is not None:
        code = frame.f_code
        ours = _ours.get(id(code))
        if ours is None:
            ours = _ours[id(code)] = frame.f_globals.get("__name__", "").partition(".")[0] == "autodiff_lab", code
        if not ours[0]:
            break
        called = called or code.co_name == "backward"
        frame, usual = frame.f_back, usual + 1
    if not called:
        return None
    if frame is None:
        return "loss"
    _usual = usual
    key = id(code), frame.f_lasti
    known = _known.get(key)
    if known is None:
        if len(_known) > 500:
            _known.clear()
            _ours.clear()
        known = _known[key] = _read_name(code, frame.f_lasti), code
    return known[0]


def _read_name(code, instruction: int) -> str:
    try:
        call = expression_at(code, instruction)
        if isinstance(call, ast.Call):
            asked = call.func.value if isinstance(call.func, ast.Attribute) else None
            if call.args and (asked is None or ast.unparse(asked).endswith("autograd")):
                asked = call.args[0]
            if asked is not None:
                return name_of(asked)
    except (SyntaxError, ValueError, IndexError):
        pass
    return "loss"


def name_of(expression: ast.expr) -> str:
    """The one name that an expression is about: `loss`, `losses.real`; "loss" where there are several."""
    if isinstance(expression, (ast.Name, ast.Attribute)):
        return ast.unparse(expression)
    names = list(dict.fromkeys(node.id for node in ast.walk(expression) if isinstance(node, ast.Name)))
    likely = [name for name in names if "loss" in name.lower()]
    return likely[0] if len(likely) == 1 else names[0] if len(names) == 1 and isinstance(expression, ast.BinOp) else "loss"


def expression_at(code, instruction: int) -> ast.expr:
    """The expression that an instruction belongs to, parsed."""
    line, end, column, end_column = next(islice(code.co_positions(), instruction // 2, None))
    lines = [text.encode() for text in linecache.getlines(code.co_filename)[line - 1:end]]
    lines[-1] = lines[-1][:end_column]
    lines[0] = lines[0][column:]
    return ast.parse("(" + b"".join(lines).decode() + ")", mode="eval").body


def names_in_frame(frame) -> dict[int, str]:
    """id -> variable name, for the tensors (and tensors in short lists) that a frame can see."""
    found: dict[int, str] = {}
    scopes = {**frame.f_globals, **frame.f_locals}
    for name, value in scopes.items():
        if name.startswith("_"):
            continue
        if hasattr(value, "_a"):
            found[id(value)] = name
        elif isinstance(value, (list, tuple)) and 0 < len(value) <= 64:
            found |= {id(item): f"{name}[{k}]" for k, item in enumerate(value) if hasattr(item, "_a")}
        elif isinstance(value, dict) and 0 < len(value) <= 64:
            found |= {id(item): f"{name}[{key!r}]" for key, item in value.items() if hasattr(item, "_a")}
    return found
