"""05, Dynamic graphs: control flow and second derivatives."""

from __future__ import annotations

import math

from ...core.op import public
from ..checking import NotYet, exercise
from ..judging import call, number, same_number

torch = public[""]


@exercise("05-1", hints=["At 2 the first branch ran: x·x.", "At -2 the second ran: -3·x. What is its slope?"], praise="Each point answers for the branch that it took.")
def branches(at_2, at_minus_2):
    same_number(at_2, 4.0, {2.0: "x·x has the slope 2x.", -3.0: "at 2 the first branch runs."}, tolerance=1e-6)
    same_number(at_minus_2, -3.0, {-4.0: "at -2 the second branch runs: -3·x.", 6.0: "that is the value. The slope of -3·x is the same everywhere.", 3.0: "look at the sign of -3·x."}, tolerance=1e-6)


@exercise("05-2", hints=["1.5 → 3 → 6 → 12. How many products are in the chain?", "Each multiplies what comes in by 2."], praise="Three turns, so 2·2·2.")
def chain(answer):
    same_number(answer, 8.0, {6.0: "slopes along a path are multiplied, not added.", 2.0: "that is one turn. Three ran.", 16.0: "one too many: 12 is already past 10.", 4.0: "one too few: 6 is not yet past 10.", 12.0: "that is the value.",
                              3.0: "that is the number of turns."}, tolerance=1e-6)


@exercise("05-3", hints=["Begin with 1 and multiply n times by `x`.", "`torch.ones_like(x)` is a 1 that fits; `result = result * x` makes something new in each turn."], praise="n·xⁿ⁻¹ came out of n products by itself.")
def power(function):
    for value, n in ((2.0, 3), (1.5, 1), (-0.5, 4), (3.0, 0)):
        x = torch["tensor"](value, requires_grad=True)
        result = call(function, x, n)
        got = number(result)
        if abs(got - value**n) > 1e-4 * max(1, abs(value**n)):
            for wrong, reason in ((value ** (n + 1), "one factor too many."), (value ** (n - 1), "one factor too few."), (value * n, "x was added n times. It is multiplied."), (0.0, "the product begins at 0 and stays there: begin at 1.")):
                if abs(got - wrong) < 1e-4:
                    raise NotYet(f"`power({value:g}, {n})` gives {got:g}: {reason}")
            raise NotYet(f"`power({value:g}, {n})` gives {got:g}, and should give {value**n:g}.")
        if n == 0:
            continue
        if not hasattr(result, "backward") or not result.requires_grad:
            raise NotYet("the value is right, but no path leads back to `x`: compute with `x` itself, not with `x.item()`.")
        (slope,) = public_grad(result, x)
        if abs(slope - n * value ** (n - 1)) > 1e-3:
            raise NotYet(f"the value is right and its gradient is {slope:g} instead of {n * value ** (n - 1):g}. Is every factor `x` itself?")


def public_grad(y, x) -> tuple[float, ...]:
    from ...autograd import grad

    return tuple(g.item() for g in grad(y, [x]))


def cube(x):
    return x**3


def mixed(x):
    return torch["sin"](x) * torch["exp"](x)


@exercise("05-4", hints=["Make a tensor that asks for gradients, and call `f` once.", "In each turn: `(y,) = torch.autograd.grad(y, x, create_graph=True)`, then keep `y.item()`."], praise="Each derivative is a graph that the next one walks back on.")
def derivatives(function):
    a = 0.4
    s, c, e = math.sin(a), math.cos(a), math.exp(a)
    for f, x0, right, name in ((cube, 2.0, [12.0, 12.0, 6.0], "x³"), (mixed, a, [e * (s + c), 2 * e * c, 2 * e * (c - s), -4 * e * s], "sin x · eˣ")):
        got = call(function, f, x0, len(right), shown=f"{name}, {x0:g}, {len(right)}")
        if not isinstance(got, list | tuple):
            raise NotYet("a list is asked for.")
        if len(got) == len(right) + 1:
            raise NotYet("there is one too many. The value itself is not asked for.")
        if len(got) != len(right):
            raise NotYet(f"{len(right)} derivatives are asked for, and there are {len(got)}.")
        for k, (mine, true) in enumerate(zip(got, right), 1):
            if hasattr(mine, "detach"):
                raise NotYet("numbers are asked for, not tensors: `.item()`.")
            same_number(mine, true, {right[0]: "each turn gives the first derivative again: differentiate what you have just got."} if k > 1 and abs(right[0] - true) > 1e-3 else {},
                        otherwise=f"derivative number {k} of {name} at {x0:g} is {true:.4g}, and you give {number(mine):.4g}.")


@exercise("05-5", hints=["You need the slope with `create_graph=True`, and the slope of the slope.", "x0 - slope / bend, as a Python number."], praise="No learning rate: the bend says how far.")
def newton_step(function):
    for f, x0, slope, bend in ((cube, 2.0, 12.0, 12.0), (lambda x: (x - 3) ** 4 / 4 + (x - 3) ** 2, 0.0, -33.0, 29.0), (lambda x: (x - 1) ** 2 * 2, 5.0, 16.0, 4.0)):
        got = call(function, f, x0, shown=f"f, {x0:g}")
        same_number(got, x0 - slope / bend, {x0 + slope / bend: "you went up instead of down: minus.", x0 - slope: "the division by the second derivative is missing.", x0 - bend / slope: "upside down: slope divided by bend.", -slope / bend: "that is the step. Asked for is where it leads: x0 and the step."},
                    otherwise=f"from {x0:g}, with slope {slope:g} and bend {bend:g}, the next number is {x0 - slope / bend:.4g}; you give {number(got):.4g}.")
        if hasattr(got, "detach"):
            raise NotYet("right, but you return a tensor. A number is asked for: `.item()` on both slopes.")


@exercise("05-6", hints=["Ask of each: was the *value* of x used in a recorded operation that has a slope?", "A comparison has no slope. `.item()` forgets. `where` passes on what it chose."], praise="A comparison only chooses; what was chosen carries.")
def carries(letters):
    if isinstance(letters, str) or not isinstance(letters, list | tuple | set):
        raise NotYet('a list of letters is asked for, such as ["a", "b"].')
    for name, reason in (("c", "c: a comparison gives True or False, and these have no slope. `.float()` does not bring it back."), ("d", "d: `.item()` takes the number out of the graph."), ("f", "f: round is a staircase, flat everywhere. Leave it out.")):
        if name in letters:
            raise NotYet(reason)
    if set(letters) - set("abe"):
        raise NotYet("there are only the letters a to f.")
    for name, reason in (("a", "one is missing: whichever side of an `if` is taken contains x."), ("b", "one is missing: `where` chooses with a comparison, but what it chose carries a gradient."), ("e", "one is missing: Python's `sum` is only additions.")):
        if name not in letters:
            raise NotYet(reason)
