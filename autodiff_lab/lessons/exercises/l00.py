"""00, Hello, gradient."""

from __future__ import annotations

from ..checking import NotYet, exercise
from ..judging import call, number, same_number

POINTS = [(2.0, 3.0, -1.0), (-1.5, 0.5, 2.0), (0.25, -4.0, 1.5)]


def slope(w: float) -> float:
    """The gradient of (3w - 1)² for w."""
    return 6 * (3 * w - 1)


@exercise("00-1", hints=["At which `w` is `3w - 1` zero?", "A square lies flat where what is squared is 0. Solve 3w - 1 = 0."],
          praise="There the gradient is 0: a push on `w` does nothing, in either direction.")
def flat(w):
    w = number(w)
    same_number(w, 1 / 3, {0.0: "at `w` = 0 the formula is (-1)², and its gradient is -6. Flat is where what is squared is 0.",
                           -1 / 3: "look at the sign: 3·(-1/3) - 1 is -2, not 0.",
                           3.0: "upside down: 3w = 1."},
                otherwise=f"at `w` = {w:g} the gradient is {slope(w):.4g}. You want 0 there.")


@exercise("00-2", hints=["The gradient must be negative there.", "The curve falls everywhere left of its lowest point, and you have just found that point."],
          praise="Left of the lowest point the curve falls: the gradient is negative.")
def downhill(w):
    w = number(w)
    if slope(w) > -1e-2:
        raise NotYet(f"at `w` = {w:g} the gradient is {slope(w):.4g}, so `y` goes {'up' if slope(w) > 1e-2 else 'nowhere'}.")


def judge_formula(function, right, mistakes):
    for w, x, b in POINTS:
        got = number(call(function, w, x, b))
        same_number(got, right(w, x, b), {formula(w, x, b): reason for formula, reason in mistakes},
                    otherwise=f"for w = {w:g}, x = {x:g}, b = {b:g} the gradient is {right(w, x, b):g}, and your formula gives {got:g}.")


@exercise("00-3", hints=["Start at the right: the square turns the 1 that comes in into `2 * (w*x + b)`.", "The product hands back what came in, times the other factor. The other factor of `w` is `x`."],
          praise="2 · (w·x + b) · x: what came in at the product, times what stood on the other side.")
def for_w(function):
    judge_formula(function, lambda w, x, b: 2 * (w * x + b) * x, [
        (lambda w, x, b: 2 * (w * x + b), "that is what arrives at the product. On its way to `w` it is multiplied by the other factor."),
        (lambda w, x, b: 2 * (w * x + b) * w, "that is the gradient for `x`. `w` gets the other factor, `x`."),
        (lambda w, x, b: (w * x + b) * x, "the square is missing: u² has the gradient 2u."),
        (lambda w, x, b: (w * x + b) ** 2, "that is `y` itself. Asked for is how it reacts to `w`.")])


@exercise("00-4", hints=["An addition passes on what comes in, unchanged, to both sides.", "So `b` gets exactly what the square sent back."],
          praise="An addition changes nothing: what comes in from the right leaves to both sides.")
def for_b(function):
    judge_formula(function, lambda w, x, b: 2 * (w * x + b), [
        (lambda w, x, b: 2 * (w * x + b) * x, "that is the gradient for `w`. No factor stands between `b` and the addition."),
        (lambda w, x, b: 2 * (w * x + b) * b, "`b` is added, not multiplied: nothing is multiplied by `b` on the way back."),
        (lambda w, x, b: w * x + b, "the square is missing: u² has the gradient 2u."),
        (lambda w, x, b: 1.0, "1 is what the addition multiplies with. What comes in from the square is not 1.")])
