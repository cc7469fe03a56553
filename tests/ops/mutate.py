"""Proves that the generated tests can fail: flips something in a rule, and expects a test to notice.

    python tests/ops/mutate.py              every rule of every operator that has samples
    python tests/ops/mutate.py tanh matmul  some
    python tests/ops/mutate.py --limit 200  a random 200 of all mutants

The tests are those of test_registry.py (difference quotients of two orders, and the same gradient on arrays and on
tensors) and, for what these let pass, those of test_op_db.py, where PyTorch is installed: at kinks and ties,
where a gradient is a convention, nothing else can tell.
"""

from __future__ import annotations

import argparse
import ast
import copy
import functools
import importlib
import importlib.util
import inspect
import random
import textwrap
import warnings

import autodiff_lab as lab
from autodiff_lab.core.op import Rule, registry
from autodiff_lab.core.tensor import Tensor

importlib.import_module("autodiff_lab.nn.functional")

SWAPS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr}

SAFE = "stands where the other branch is taken; anything but 0 does"
SIGN = "the factor is 1 or -1: to divide by it is to multiply by it"
EQUIVALENT = {
    ("cat", "parts"): "a list, twice as long: only its beginning is read",
    ("copysign", "input * 0 + 1"): "any number whose sign can be replaced",
    ("copysign", "grad * ops.copysign(input * 0 + 1, other)"): SIGN,
    ("copysign", "grad * ops.copysign(input * 0 + 1, other) * ops.sgn(input)"): SIGN,
    ("sinc", "input + 1"): SAFE,
    ("special.i1", "input * 0 + 1"): SAFE,
    ("special.i1e", "input * 0 + 1"): SAFE,
    ("std", "out + 1"): SAFE,
    ("std_mean", "std + 1"): SAFE,
    ("remainder", "input * (other * 0 + 1)"): "the factor is 1; it is there for its shape",
    ("index_put_at", "(1,) * extra + tuple(found.shape)"): "arithmetic on shapes",
}
"""Changes that change nothing: operator, the text that is changed, why."""


def arithmetic_of_gradients(node: ast.AST) -> bool:
    """True for arithmetic on gradients and values; index arithmetic such as `dim + 1` is left alone."""
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return bool(names & {"grad", "grads", "out", "input", "other", "inner", "found", "share"}) and not names & {"range", "len", "slice", "shape"}


def mutants(name: str, tree: ast.Module):
    """Copies of the rule with one thing changed each, and a word for what."""
    nodes = list(ast.walk(tree))
    for i, node in enumerate(nodes):
        changes = []
        if isinstance(node, ast.BinOp) and type(node.op) in SWAPS and arithmetic_of_gradients(node) and not by_one(node):
            changes.append((f"{type(node.op).__name__} -> {SWAPS[type(node.op)].__name__}", ast.unparse(node), lambda n: setattr(n, "op", SWAPS[type(n.op)]())))
        if isinstance(node, ast.Return) and ast.unparse(node).endswith("* 0"):
            continue  # zero, doubled or negated, is the same rule
        if isinstance(node, ast.Return) and node.value is not None and isinstance(node.value, (ast.BinOp, ast.Name, ast.UnaryOp, ast.Call)):
            text = ast.unparse(node.value)
            changes.append(("doubled", text, lambda n: setattr(n, "value", ast.BinOp(n.value, ast.Mult(), ast.Constant(2)))))
            changes.append(("negated", text, lambda n: setattr(n, "value", ast.UnaryOp(ast.USub(), n.value))))
        for word, text, change in changes:
            if (name, text) in EQUIVALENT:
                continue
            made = copy.deepcopy(tree)
            change(list(ast.walk(made))[i])
            yield f"{word}: {text}", ast.fix_missing_locations(made)


def by_one(node: ast.BinOp) -> bool:
    """`x * 1`, a mask made a number: dividing by 1 is the same."""
    return isinstance(node.op, (ast.Mult, ast.Div)) and isinstance(node.right, ast.Constant) and node.right.value == 1


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


def failures(op):
    """For each sample, each choice of inputs that want a gradient (all, or one) and each test: whether the test fails. A test that raises has failed."""
    from test_registry import call, directional_mismatch, floats, mapped

    for args, kwargs in op.samples():
        args = list(args)
        inputs = floats(op, args, kwargs)
        for chosen in [inputs, *([t] for t in inputs if len(inputs) > 1)]:
            ids = {id(t) for t in chosen}

            def run(*values):
                supply = iter(values)
                lab.manual_seed(0)
                new = [mapped(a, lambda t: next(supply) if id(t) in ids else t) for a in args]
                keywords = {k: mapped(v, lambda t: next(supply) if id(t) in ids else t) for k, v in kwargs.items()}
                return tuple(o for o in call(op, new, keywords) if isinstance(o, Tensor) and o.dtype in (lab.float64, lab.complex128))

            for test in (lambda values: not directional_mismatch(run, values) < 1e-4, lambda values: recorded_differs(run, values),
                         lambda values: not directional_mismatch(functools.partial(slopes, run), values) < 1e-3):
                try:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        yield test(tuple(t.detach().clone().requires_grad_() for t in chosen))
                except Exception:  # whatever a broken rule raises
                    yield True


def slopes(run, *values):
    """The recorded gradients of a weighted sum of the outputs, for the second order."""
    outputs = [o for o in run(*values) if o.requires_grad]
    found = lab.autograd.grad(outputs, values, [lab.ones_like(o) * 0.7 for o in outputs], create_graph=True, allow_unused=True)
    return tuple(g for g in found if g is not None and g.requires_grad)


def recorded_differs(run, values) -> bool:
    """True if a rule gives another gradient on tensors, where it is recorded, than on arrays."""
    found = []
    for create_graph in (False, True):
        outputs = [o for o in run(*values) if o.requires_grad]
        found.append(lab.autograd.grad(outputs, values, [lab.ones_like(o) * 0.7 for o in outputs], create_graph=create_graph, allow_unused=True))
    return any((a is None) != (b is None) or a is not None and not lab.allclose(a, b.detach(), 1e-9, 1e-9, equal_nan=True) for a, b in zip(*found, strict=True))


@functools.cache
def entries(name: str) -> list:
    """What PyTorch's table of samples has for an operator, where PyTorch is installed."""
    if importlib.util.find_spec("torch") is None:
        return []
    import oracle

    function = registry[name].function
    return [(info, mine) for info in oracle.table() if (mine := oracle.find(info)) is not None and (mine is function or info.name in (name, f"nn.functional.{name}"))]


def differs_from_pytorch(name: str):
    """What differs from PyTorch, entry by entry and dtype by dtype."""
    import torch
    from oracle import differences

    for info, mine in entries(name):
        for dtype in (torch.float64, torch.complex128):
            if info.supports_dtype(dtype, "cpu"):
                yield tuple(line.partition("  [")[0] for line in differences(info, mine, dtype))


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
            work += [(op, rule, word, mutated) for word, mutated in mutants(name, tree)] if tree is not None else []
    if options.limit:
        random.Random(0).shuffle(work)
        work = work[:options.limit]
    survivors, by_pytorch = [], 0
    sound = functools.cache(lambda op: list(failures(op)))
    same = functools.cache(lambda name: list(differs_from_pytorch(name)))
    for op, *_ in work:
        sound(op)
    for op, rule, word, tree in work:
        scope: dict = {}
        exec(compile(tree, f"<mutant of {op.name}>", "exec"), rule.function.__globals__, scope)
        expected = same(op.name) if entries(op.name) else None
        original = rule.function
        install(op, rule, scope["mutated"])
        try:
            # Caught is what fails a test that the rule as it is written passes.
            if any(now and not before for now, before in zip(failures(op), sound(op), strict=True)):
                continue
            if expected is not None and list(differs_from_pytorch(op.name)) != expected:
                by_pytorch += 1
                continue
            survivors.append(f"{op.name} {rule.inputs}: {word}")
        finally:
            install(op, rule, original)
    print("\n".join(survivors))
    print(f"{len(work) - len(survivors)} of {len(work)} mutants caught ({(len(work) - len(survivors)) / max(len(work), 1):.1%}), {by_pytorch} of them by PyTorch's samples alone.")


def install(op, rule: Rule, function) -> None:
    """Give a rule another function; what was generated from the old one is made again when next used."""
    rule.function = function
    op._built = None
    op._named.clear()
    for attribute in ("backward", "backward_tensors"):
        op.__dict__.pop(attribute, None)


if __name__ == "__main__":
    main()
