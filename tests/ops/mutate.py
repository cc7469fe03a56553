"""Proves that the generated tests can fail: flips something in a rule, and expects the gradient check to notice.

    python tests/ops/mutate.py              every rule of every operator that has samples
    python tests/ops/mutate.py tanh matmul  some
    python tests/ops/mutate.py --limit 200  a random 200 of all mutants
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import inspect
import random
import textwrap

import autodiff_lab as lab
from autodiff_lab.core.op import Rule, registry
from autodiff_lab.core.tensor import Tensor

importlib.import_module("autodiff_lab.nn.functional")

SWAPS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr}
FLIPS = {ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.Gt, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}


def arithmetic_of_gradients(node: ast.AST) -> bool:
    """True for arithmetic on gradients and values; index arithmetic such as `dim + 1` is left alone."""
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return bool(names & {"grad", "grads", "out", "input", "other", "inner", "found", "share"}) and not names & {"range", "len", "slice", "shape"}


def mutants(tree: ast.Module):
    """Copies of the rule with one thing changed each, and a word for what."""
    nodes = list(ast.walk(tree))
    for i, node in enumerate(nodes):
        changes = []
        if isinstance(node, ast.BinOp) and type(node.op) in SWAPS and arithmetic_of_gradients(node):
            changes.append((f"{type(node.op).__name__} -> {SWAPS[type(node.op)].__name__}", lambda n: setattr(n, "op", SWAPS[type(n.op)]())))
        if isinstance(node, ast.Return) and ast.unparse(node).endswith("* 0"):
            continue  # zero, doubled or negated, is the same rule
        if isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, (ast.Tuple, ast.List)) and isinstance(node.value, (ast.BinOp, ast.Name, ast.UnaryOp, ast.Call)):
            changes.append(("doubled", lambda n: setattr(n, "value", ast.BinOp(n.value, ast.Mult(), ast.Constant(2)))))
            changes.append(("negated", lambda n: setattr(n, "value", ast.UnaryOp(ast.USub(), n.value))))
        for word, change in changes:
            made = copy.deepcopy(tree)
            change(list(ast.walk(made))[i])
            yield f"{word} at line {node.lineno}", ast.fix_missing_locations(made)


def rule_tree(rule: Rule) -> ast.Module | None:
    """The rule as a syntax tree; None for a rule that several operators share or whose text is not to be had."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(rule.function)))
    except (OSError, SyntaxError, IndentationError):
        return None
    function = tree.body[0]
    if not isinstance(function, ast.FunctionDef):
        return None
    function.decorator_list, function.name = [], "mutated"
    return tree


def caught(op) -> bool:
    """True if a sample's gradient check fails or raises."""
    from test_registry import call, directional_mismatch, floats, mapped

    for args, kwargs in op.samples():
        args = list(args)
        inputs = floats(op, args, kwargs)
        if not inputs:
            continue
        ids = {id(t) for t in inputs}

        def run(*values):
            supply = iter(values)
            lab.manual_seed(0)
            new = [mapped(a, lambda t: next(supply) if id(t) in ids else t) for a in args]
            keywords = {k: mapped(v, lambda t: next(supply) if id(t) in ids else t) for k, v in kwargs.items()}
            return tuple(o for o in call(op, new, keywords) if isinstance(o, Tensor) and o.dtype in (lab.float64, lab.complex128))

        try:
            values = tuple(t.detach().clone().requires_grad_() for t in inputs)
            if not any(o.requires_grad for o in run(*values)):
                continue
            if not directional_mismatch(run, values) < 1e-4 or recorded_differs(run, values):
                return True
        except Exception:
            return True
    return False


def recorded_differs(run, values) -> bool:
    """True if a rule gives another gradient on tensors, where it is recorded, than on arrays."""
    found = []
    for create_graph in (False, True):
        outputs = [o for o in run(*values) if o.requires_grad]
        found.append(lab.autograd.grad(outputs, values, [lab.ones_like(o) * 0.7 for o in outputs], create_graph=create_graph, allow_unused=True))
    return any((a is None) != (b is None) or a is not None and not lab.allclose(a, b.detach(), 1e-9, 1e-9, equal_nan=True) for a, b in zip(*found, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--limit", type=int, default=0)
    options = parser.parse_args()
    work = []
    for name in options.names or sorted(registry):
        op = registry[name]
        if not op.make_samples:
            continue
        for rule in {id(r): r for r in op.rules.values()}.values():
            tree = rule_tree(rule)
            work += [(op, rule, word, mutated) for word, mutated in mutants(tree)] if tree is not None else []
    if options.limit:
        random.Random(0).shuffle(work)
        work = work[:options.limit]
    survivors = []
    for op, rule, word, tree in work:
        scope: dict = {}
        exec(compile(tree, f"<mutant of {op.name}>", "exec"), rule.function.__globals__, scope)
        original = rule.function
        rule.function = scope["mutated"]
        op._built = None
        for attribute in ("backward", "backward_tensors"):
            op.__dict__.pop(attribute, None)
        try:
            if not caught(op):
                survivors.append(f"{op.name} {rule.inputs}: {word}")
        finally:
            rule.function = original
            op._built = None
            for attribute in ("backward", "backward_tensors"):
                op.__dict__.pop(attribute, None)
    print("\n".join(survivors))
    print(f"{len(work) - len(survivors)} of {len(work)} mutants caught ({(len(work) - len(survivors)) / max(len(work), 1):.1%}).")


if __name__ == "__main__":
    main()
