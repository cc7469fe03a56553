"""From (code, instruction) to line, column and the name the learner gave: read from the syntax tree, with no help from the learner.

A value gets the name of the variable it was assigned to: `z = w * x`, `a, b = f(x), g(x)`, `h += 1`,
`self.h = …`, `hs = [tanh(x) for x in xs]`, `(h := …)`. A value that a function returns gets its name
from where the function was called.
"""

from __future__ import annotations

import ast
import linecache
from itertools import islice
from pathlib import Path

from .model import Code, Source
from .text import one_line

__all__ = ["Sources"]

EXPRESSION_AT_MOST = 60
AROUND = 2  # lines of a file kept around those that are used

_PASSES_ON = (ast.Await, ast.Starred, ast.IfExp, ast.BoolOp)


class _Tree:
    """A parsed text: expressions by position, and who contains whom."""

    def __init__(self, text: str):
        self.lines = text.splitlines()
        self.by_span: dict[tuple, ast.AST] = {}
        self.by_end: dict[tuple, list[ast.AST]] = {}
        self.parent: dict[ast.AST, ast.AST] = {}
        try:
            tree = ast.parse(text)
        except SyntaxError:
            return
        for node in ast.walk(tree):
            for child in ast.iter_child_nodes(node):
                self.parent[child] = node
            if hasattr(node, "lineno") and node.end_lineno is not None:
                span = (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)
                old = self.by_span.get(span)
                if old is None or isinstance(old, ast.Expr):  # the statement and its expression share a span: the inner one counts
                    self.by_span[span] = node
                self.by_end.setdefault(span[2:], []).append(node)

    def at(self, span) -> ast.AST | None:
        """The node at a span of positions; where the compiler moved the start (a call over several lines), the call that ends there."""
        found = self.by_span.get(span)
        if found is None and span[2] is not None:
            calls = [node for node in self.by_end.get((span[2], span[3]), []) if isinstance(node, ast.Call)]
            found = min(calls, key=lambda node: (node.end_lineno - node.lineno, -node.col_offset), default=None)
        return found


class Sources:
    """Reads positions and names; collects the texts that were used.

    Args:
        label: from a file name to what to call it, e.g. "cell 4"; None for a file.
    """

    def __init__(self, label=lambda filename: None):
        self.label = label
        self.trees: dict[str, _Tree] = {}
        self.spots: dict[tuple, ast.AST | None] = {}
        self.files: list[str] = []
        self.used: dict[str, set[int]] = {}
        self.count: dict[tuple, int] = {}

    def tree(self, filename: str) -> _Tree:
        """The syntax tree of a file or cell."""
        if filename not in self.trees:
            self.trees[filename] = _Tree("".join(linecache.getlines(filename)))
        return self.trees[filename]

    def node(self, frame) -> ast.AST | None:
        """The expression that a frame was evaluating."""
        if frame not in self.spots:
            code, instruction = frame
            span = next(islice(code.co_positions(), instruction // 2, None), (None,) * 4)
            line, end, column, end_column = span
            self.spots[frame] = None if line is None else self.tree(code.co_filename).at((line, column, end, end_column))
        return self.spots[frame]

    def source(self, frame) -> Source | None:
        """Where a frame was, as a Source."""
        code, instruction = frame
        line, end, column, end_column = next(islice(code.co_positions(), instruction // 2, None), (None,) * 4)
        if line is None:
            return None
        tree = self.tree(code.co_filename)
        if not tree.lines:
            return None
        found = self.node(frame)
        if found is not None:
            line, column, end, end_column = found.lineno, found.col_offset, found.end_lineno, found.end_col_offset
            if isinstance(found, ast.Assign):
                found = None
        if not (1 <= line <= len(tree.lines) and end <= len(tree.lines)):
            return None
        text = one_line(self.text(code.co_filename, line, column, end, end_column), EXPRESSION_AT_MOST)
        self.used.setdefault(code.co_filename, set()).update(range(line, end + 1))
        if code.co_filename not in self.files:
            self.files.append(code.co_filename)
        return Source(self.files.index(code.co_filename), line, _characters(tree.lines[line - 1], column), end, _characters(tree.lines[end - 1], end_column), text)

    def text(self, filename: str, line: int, column: int, end: int, end_column: int) -> str:
        lines = [part.encode() for part in self.tree(filename).lines[line - 1:end]]
        lines[-1] = lines[-1][:end_column]
        lines[0] = lines[0][column:]
        return b"\n".join(lines).decode(errors="replace")

    def name(self, frames, output: int | None = None) -> str:
        """What the learner called the value made at `frames` (innermost first); "" if it has no name."""
        for depth, frame in enumerate(frames):
            found = self.node(frame)
            if found is None:
                return ""
            parent = self.tree(frame[0].co_filename).parent
            name = _climb(found, parent, output)
            if name != "return":
                return name
            if depth + 1 == len(frames):
                return ""
        return ""

    def operand(self, frames, position: int, slot: str) -> str:
        """What the learner wrote for input number `position` of the operator at `frames`: a name, or what made it on the spot."""
        for frame in frames[:1]:
            found = self.node(frame)
            written = None
            if isinstance(found, ast.BinOp):
                written = (found.left, found.right)[position] if position < 2 else None
            elif isinstance(found, ast.AugAssign):
                written = (found.target, found.value)[position] if position < 2 else None
            elif isinstance(found, ast.Compare) and len(found.ops) == 1:
                written = (found.left, found.comparators[0])[position] if position < 2 else None
            elif isinstance(found, ast.UnaryOp):
                written = found.operand
            elif isinstance(found, ast.Subscript):
                written = found.value if position == 0 else None
            elif isinstance(found, ast.Call):
                written = _argument(found, position, slot)
            if isinstance(written, (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.BinOp, ast.UnaryOp)):
                return one_line(ast.unparse(written), 24)
        return ""

    def given(self, frame, place: int, count: int) -> str:
        """What the learner wrote for argument number `place` of a call with `count` arguments."""
        call = self.node(frame)
        if not isinstance(call, ast.Call) or len(call.args) != count or any(isinstance(a, ast.Starred) for a in call.args):
            return ""
        return one_line(ast.unparse(call.args[place]), 24)

    def in_loop(self, frames) -> bool:
        """True if any of the frames was inside a loop or a comprehension."""
        for frame in frames:
            at, parent = self.node(frame), self.tree(frame[0].co_filename).parent
            if frame[0].co_name in ("<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>"):
                return True
            while at is not None:
                if isinstance(at, (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp)):
                    return True
                if isinstance(at, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                    break
                at = parent.get(at)
        return False

    def codes(self) -> tuple[Code, ...]:
        """The texts that sources point to: cells whole, of files the part around what was used."""
        made = []
        for filename in self.files:
            lines, label = self.tree(filename).lines, self.label(filename)
            if label is not None:
                made.append(Code(label, "\n".join(lines)))
                continue
            first = max(1, min(self.used[filename]) - AROUND)
            last = min(len(lines), max(self.used[filename]) + AROUND)
            made.append(Code(Path(filename).name or "code", "\n".join(lines[first - 1:last]), first, "file"))
        return tuple(made)


def _climb(node: ast.AST, parent, output: int | None) -> str:
    """Follow a value outward to the variable it goes to; "return" if it leaves the function."""
    if isinstance(node, ast.AugAssign):
        return _target(node.target)
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
        while isinstance(node, ast.Subscript):  # x[i] = …: what it makes is x
            node = node.value
        return _target(node)
    index = output
    suffix = ""
    while True:
        above = parent.get(node)
        if isinstance(above, ast.Assign):
            if suffix:
                target = above.targets[0]
                return _target(target) + suffix if isinstance(target, (ast.Name, ast.Attribute)) else ""
            return _assigned(above.targets, index)
        if isinstance(above, ast.AnnAssign):
            return _target(above.target) + suffix
        if isinstance(above, ast.NamedExpr):
            return _target(above.target)
        if isinstance(above, (ast.Return, ast.Yield)) or (isinstance(above, ast.Lambda) and above.body is node):
            return "return"
        if isinstance(above, ast.Subscript) and above.value is node and isinstance(above.slice, ast.Constant) and isinstance(above.slice.value, int) and index is not None:
            if above.slice.value != index:  # f(x)[0]: only the output that is taken
                return ""
            node, index = above, None
            continue
        if isinstance(above, (ast.Tuple, ast.List)):
            outer = parent.get(above)
            place = above.elts.index(node)
            if isinstance(outer, ast.Assign) and isinstance(outer.targets[0], (ast.Tuple, ast.List)) and len(outer.targets[0].elts) == len(above.elts):
                return _target(outer.targets[0].elts[place])
            if isinstance(outer, ast.Return):
                return ""
            suffix = f"[{place}]{suffix}"
            node = above
            continue
        if isinstance(above, ast.Dict) and node in above.values:
            key = above.keys[above.values.index(node)]
            suffix = f"[{ast.unparse(key)}]{suffix}" if key is not None else ""
            node = above
            continue
        if isinstance(above, (ast.ListComp, ast.SetComp, ast.GeneratorExp)) and above.elt is node:
            suffix = "[·]" + suffix
            node = above
            continue
        if isinstance(above, ast.DictComp) and above.value is node:
            suffix = "[·]" + suffix
            node = above
            continue
        if isinstance(above, ast.Call) and node in above.args:
            function = above.func
            if isinstance(function, ast.Attribute) and function.attr == "append" and len(above.args) == 1:
                return _target(function.value) + "[·]" + suffix
            if isinstance(function, ast.Name) and function.id in ("list", "tuple") and suffix:
                node = above
                continue
            return ""
        if isinstance(above, ast.Expr) and isinstance(node, ast.Call):
            return _written(node)
        if isinstance(above, _PASSES_ON) and not (isinstance(above, ast.IfExp) and above.test is node):
            node = above
            continue
        return ""


def _written(call: ast.Call) -> str:
    """What a statement such as `h.add_(1)` or `torch.relu_(h)` writes to; "" if it is no such call."""
    function = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    target = _argument(call, 0, "input") if function.endswith("_") and not function.startswith("_") else None
    return _target(target) if target is not None else ""


def _assigned(targets, index: int | None) -> str:
    for target in targets:
        if isinstance(target, (ast.Tuple, ast.List)):
            if index is None and len(target.elts) == 1:
                return _target(target.elts[0])  # g, = grad(y, x)
            if index is not None and index < len(target.elts) and not any(isinstance(t, ast.Starred) for t in target.elts[:index + 1]):
                return _target(target.elts[index])
            if index is not None and any(isinstance(t, ast.Starred) for t in target.elts):
                star = next(i for i, t in enumerate(target.elts) if isinstance(t, ast.Starred))
                return f"{_target(target.elts[star].value)}[{index - star}]"
            continue
        name = _target(target)
        if name:
            return f"{name}[{index}]" if index is not None else name
    return ""


def _target(target: ast.AST) -> str:
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, (ast.Attribute, ast.Subscript)):
        return one_line(ast.unparse(target), 24)
    return _target(target.value) if isinstance(target, ast.Starred) else ""


def _argument(call: ast.Call, position: int, slot: str):
    """The expression given for an operator's input, whether the operator is a function or a method."""
    for keyword in call.keywords:
        if keyword.arg == slot:
            return keyword.value
    function = call.func
    if isinstance(function, ast.Attribute) and not (isinstance(function.value, ast.Name) and function.value.id in ("lab", "torch", "F")):
        if position == 0:
            return function.value
        position -= 1
    if position < len(call.args) and not any(isinstance(a, ast.Starred) for a in call.args[:position + 1]):
        return call.args[position]
    return None


def _characters(line: str, column: int) -> int:
    """A byte offset of the syntax tree as a count of characters."""
    return column if line.isascii() else len(line.encode()[:column].decode(errors="replace"))
