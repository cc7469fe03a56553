"""For those who write exercises: does a check catch what is wrong? `mutate` breaks a solution in many small ways and counts.

    lab.author.mutate('''
    def grad_w(w, x, b):
        return 2 * (w * x + b) * x
    lab.check("00-3", grad_w)
    ''')                            # 27 of 27 mutants caught
"""

from __future__ import annotations

import ast
import contextlib
import copy
import io
import signal
import threading
from dataclasses import dataclass, field

from .checking import Verdict
from .notebooks import execute, released

__all__ = ["Report", "execute", "mutants", "mutate", "released", "solution_of"]

SWAPS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.MatMult: ast.Mult, ast.FloorDiv: ast.Mult,
         ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}


@dataclass
class Report:
    """How many mutants a check caught, and those that got through."""

    caught: list[str] = field(default_factory=list)
    survived: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many mutants were tried."""
        return len(self.caught) + len(self.survived)

    @property
    def rate(self) -> float:
        """The fraction that was caught."""
        return len(self.caught) / self.total if self.total else 1.0

    def __repr__(self) -> str:
        lines = [f"{len(self.caught)} of {self.total} mutants caught ({self.rate:.0%})"]
        for source in self.survived:
            lines += ["", "got through:", *(f"    {line}" for line in source.splitlines())]
        return "\n".join(lines)


def mutate(source: str, namespace: dict | None = None, seconds: float = 5.0) -> Report:
    """Break a solution in many small ways, and see whether its check notices each.

    Args:
        source: a cell: the solution, and `lab.check(...)` as its last line. In a cell with `### BEGIN SOLUTION`, only
            what stands between the marks is broken.
        namespace: the names that the cell needs from cells before it. It is copied for each mutant.
        seconds: how long a mutant may run. One that runs longer counts as caught.

    A mutant that differs in nothing that can be seen is not the check's fault: look at those that got through.

    >>> lab.author.mutate('guess = 9.0\\nlab.check("11-3", guess)').rate
    1.0
    """
    import autodiff_lab as lab

    namespace = {"lab": lab, "torch": lab, "nn": lab.nn, "optim": lab.optim} if namespace is None else namespace
    solution, ask = solution_of(source)
    verdict = run(solution, ask, namespace, seconds)
    if verdict is None or not verdict.passed:
        raise ValueError(f"The solution itself does not pass: {verdict!r}. Mutants tell nothing before it does.")
    report = Report()
    for mutant in mutants(solution):
        verdict = run(mutant, ask, namespace, seconds)
        (report.survived if verdict is not None and verdict.passed else report.caught).append(mutant)
    return report


def solution_of(source: str) -> tuple[str, str]:
    """The solution of a cell, and the expression that checks it."""
    lines, inside, marked = source.splitlines(), False, []
    for line in lines:
        text = line.strip().lstrip("#").strip()
        if text.startswith("BEGIN SOLUTION"):
            inside = True
        elif text.startswith("END SOLUTION"):
            inside = False
        elif inside:
            marked.append(line)
    checks = [statement for statement in ast.parse(source).body if isinstance(statement, ast.Expr) and "check(" in ast.unparse(statement)]
    if not checks:
        raise ValueError("The cell has no lab.check(...) line of its own.")
    ask = ast.unparse(checks[-1])
    if marked:
        return "\n".join(marked), ask
    body = [statement for statement in ast.parse(source).body if statement not in checks]
    kept = [statement for statement in ast.parse(source).body if ast.unparse(statement) != ask]
    return ast.unparse(ast.Module(kept or body, [])), ask


def run(source: str, ask: str, namespace: dict, seconds: float) -> Verdict | None:
    """The verdict on a solution in a copy of the namespace; None if it failed or took too long."""
    space = copied(namespace)
    try:
        with limited(seconds), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            exec(compile(source, "<mutant>", "exec"), space)
            return eval(ask, space)
    except (Exception, TooLong):
        return None


def copied(namespace: dict) -> dict:
    """A copy in which tensors, modules and optimizers are copies too, so that a mutant spoils nothing for the next."""
    memo: dict = {}
    space = dict(namespace)
    for name, value in namespace.items():
        if hasattr(value, "named_parameters") or hasattr(value, "param_groups") or hasattr(value, "_a") or isinstance(value, list | dict | set):
            with contextlib.suppress(Exception):
                space[name] = copy.deepcopy(value, memo)
    return space


class TooLong(BaseException):
    """A mutant that does not end."""


@contextlib.contextmanager
def limited(seconds: float):
    """Raise TooLong after some seconds, on systems with alarms and in the main thread."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number, frame):
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# ------------------------------------------------------------------------------------------------ breaking


def mutants(source: str) -> list[str]:
    """Every program that differs from this one by one small mistake."""
    original = ast.parse(source)
    places = [node for node in ast.walk(original) if not is_docstring(node, original)]
    found: dict[str, None] = {}
    plain = ast.unparse(original)
    numbers = {id(part) for node in places if isinstance(node, ast.Call) for part in (*node.args, *(word.value for word in node.keywords))}
    arguments = {index for index, node in enumerate(ast.walk(original)) if id(node) in numbers}
    for index, node in enumerate(ast.walk(original)):
        if node not in places:
            continue
        for change in changes(node, index in arguments):
            tree = copy.deepcopy(original)
            target = list(ast.walk(tree))[index]
            try:
                changed = change(target, tree)
                text = ast.unparse(ast.fix_missing_locations(changed))
                compile(text, "<mutant>", "exec")
            except (SyntaxError, ValueError, TypeError, AttributeError):
                continue
            if text != plain:
                found[text] = None
    return list(found)


def is_docstring(node: ast.AST, tree: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and any(
        isinstance(parent, ast.Expr) and parent.value is node for parent in ast.walk(tree))


def replaced(old: ast.AST, new: ast.AST | None, tree: ast.AST) -> ast.AST:
    """The tree with one node in place of another; None takes a statement out."""
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list) and any(item is old for item in value):
                kept = [new if item is old else item for item in value]
                kept = [item for item in kept if item is not None]
                setattr(parent, name, kept or ([ast.Pass()] if name in ("body",) else kept))
    return tree


def changes(node: ast.AST, is_argument: bool = False) -> list:
    """What can go wrong at one node: functions of (node, tree) that give the changed tree."""
    made = []

    def swap(new):
        made.append(lambda old, tree: replaced(old, new(old), tree))

    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, bool):
            swap(lambda old: ast.Constant(not old.value))
        elif isinstance(value, int | float):
            swap(lambda old: ast.Constant(old.value + 1))
            swap(lambda old: ast.Constant(old.value - 1))
            if value and not is_argument:  # as an argument it is mostly a dimension, and -1 is often the same one as 1
                swap(lambda old: ast.UnaryOp(ast.USub(), ast.Constant(old.value)))
        elif isinstance(value, str) and value:
            swap(lambda old: ast.Constant(old.value + "_"))
    elif isinstance(node, ast.BinOp) and type(node.op) in SWAPS:
        swap(lambda old: ast.BinOp(old.left, SWAPS[type(old.op)](), old.right))
        swap(lambda old: old.left)
        swap(lambda old: old.right)
        if isinstance(node.op, ast.Sub | ast.Div | ast.Pow | ast.MatMult):
            swap(lambda old: ast.BinOp(old.right, old.op, old.left))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        swap(lambda old: old.operand)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in SWAPS:
        swap(lambda old: ast.Compare(old.left, [SWAPS[type(old.ops[0])]()], old.comparators))
    elif isinstance(node, ast.AugAssign):
        swap(lambda old: ast.Assign([old.target], old.value))
        if type(node.op) in SWAPS:
            swap(lambda old: ast.AugAssign(old.target, SWAPS[type(old.op)](), old.value))
        swap(lambda old: None)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        swap(lambda old: None)
    elif isinstance(node, ast.Assign) and not isinstance(node.value, ast.Constant):
        swap(lambda old: None)
    elif isinstance(node, ast.Return) and node.value is not None:
        swap(lambda old: ast.Return(ast.UnaryOp(ast.USub(), old.value)))
    elif isinstance(node, ast.IfExp):
        swap(lambda old: ast.IfExp(old.test, old.orelse, old.body))
    elif isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name | ast.Call | ast.BinOp | ast.Attribute | ast.Subscript):
            swap(lambda old: old.func.value)  # a method left out: x.sum(0) becomes x
        if len(node.args) >= 2:
            swap(lambda old: ast.Call(old.func, [old.args[1], old.args[0], *old.args[2:]], old.keywords))
        for place in range(len(node.keywords)):
            swap(lambda old, place=place: ast.Call(old.func, old.args, [word for k, word in enumerate(old.keywords) if k != place]))
    elif isinstance(node, ast.With):
        made.append(lambda old, tree: spliced(old, tree))
    body = getattr(node, "body", None)
    for place in range(len(body) - 1 if isinstance(body, list) and not isinstance(node, ast.ClassDef) else 0):
        made.append(lambda old, tree, place=place: exchanged(old, tree, place))
    return made


def exchanged(old: ast.AST, tree: ast.AST, place: int) -> ast.AST:
    """Two lines that follow each other, in the wrong order."""
    old.body[place], old.body[place + 1] = old.body[place + 1], old.body[place]
    return tree


def spliced(old: ast.With, tree: ast.AST) -> ast.AST:
    """A `with` taken away from around its lines."""
    for parent in ast.walk(tree):
        body = getattr(parent, "body", None)
        if isinstance(body, list) and any(item is old for item in body):
            place = next(k for k, item in enumerate(body) if item is old)
            body[place:place + 1] = old.body
    return tree
