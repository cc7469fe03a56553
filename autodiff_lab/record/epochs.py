"""How many epochs there will be, read from the learner's own loop; only where it can be known.

It is known where the loop over batches stands, alone with its training, in `for epoch in range(…)`, and every bound of
that range is a number or a name that holds one. Then nothing but `break`, an error or Stop ends it earlier.
"""

from __future__ import annotations

import ast
import linecache

__all__ = ["planned_epochs"]

FRAMES = 6  # functions that a training step may be deep
RANGES = {"range", "trange", "tqdm.trange", "tqdm.notebook.trange"}
AROUND = {"tqdm", "tqdm.tqdm", "tqdm.notebook.tqdm", "enumerate", "list", "reversed"}  # one turn for each turn of what they are given

_loops: dict = {}  # id of a code -> (its loops, the code)


def planned_epochs(frame) -> int | None:
    """Turns of the loop around the loop over batches; None where they are not known.

    Args:
        frame: the innermost frame of the learner's, at the call of `optimizer.step()`.
    """
    around = []  # the loops around the step, from the inside out, each with its frame
    for _ in range(FRAMES):
        if frame is None:
            return None
        here = [loop for loop in loops_of(frame.f_code) if loop.lineno <= frame.f_lineno <= loop.end_lineno]
        around += [(loop, frame) for loop in sorted(here, key=lambda loop: -loop.lineno)]
        if len(around) > 1 or frame.f_code.co_name == "<module>":
            break
        frame = frame.f_back
    if len(around) < 2:
        return None
    (batches, inside), (epochs, outside) = around[:2]
    if not isinstance(batches, ast.For) or turns(batches, inside) is not None:
        return None  # not a loop over batches
    beside = [node for node in ast.walk(epochs) if isinstance(node, (ast.For, ast.While)) and node is not epochs and trains(node)]
    if inside is outside:
        beside = [node for node in beside if node.end_lineno < batches.lineno or node.lineno > batches.end_lineno]
    return None if beside else turns(epochs, outside)  # where another loop trains in the same turn, a turn is more than one epoch


def trains(loop) -> bool:
    """Whether an optimizer may step in a loop."""
    return any(isinstance(node, ast.Attribute) and node.attr == "step" for node in ast.walk(loop))


def turns(loop, frame) -> int | None:
    """How often a loop over a `range` turns."""
    if not isinstance(loop, ast.For):
        return None
    over = loop.iter
    while isinstance(over, ast.Call) and ast.unparse(over.func) in AROUND and over.args:
        over = over.args[0]
    if not (isinstance(over, ast.Call) and ast.unparse(over.func) in RANGES and over.args and not any(isinstance(arg, ast.Starred) for arg in over.args)):
        return None
    bounds = [number_of(arg, frame) for arg in over.args[:3]]
    if None in bounds or bounds[2:] == [0]:
        return None
    return len(range(*bounds))  # pyright: ignore[reportCallIssue] - one to three numbers


def number_of(expression, frame) -> int | None:
    """A whole number that is written down, or that a name holds now."""
    if isinstance(expression, ast.Name):
        value = frame.f_locals.get(expression.id, frame.f_globals.get(expression.id))
    elif isinstance(expression, ast.BinOp) and isinstance(expression.op, (ast.Add, ast.Sub)):
        both = number_of(expression.left, frame), number_of(expression.right, frame)
        if None in both:
            return None
        value = both[0] + both[1] if isinstance(expression.op, ast.Add) else both[0] - both[1]
    else:
        value = getattr(expression, "value", None)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def loops_of(code) -> list:
    """The loops in the file or cell of a code."""
    known = _loops.get(id(code))
    if known is None:
        if len(_loops) > 100:
            _loops.clear()
        try:
            tree = ast.parse("".join(linecache.getlines(code.co_filename)))
        except (SyntaxError, ValueError):
            tree = ast.Module([], [])
        known = _loops[id(code)] = [node for node in ast.walk(tree) if isinstance(node, (ast.For, ast.While))], code
    return known[0]
