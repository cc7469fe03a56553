"""09, Losses: from squared error to cross-entropy."""

from __future__ import annotations

import math

import numpy as np

from ...core.op import public
from ..checking import NothingYet, NotYet, exercise
from ..judging import array, call, same, same_choice, same_number

torch = public[""]

SCORES = [[2.0, 1.0, -1.0], [0.5, -0.5, 3.0], [-1.0, -2.0, 0.0], [4.0, 0.0, 1.0]]
LABELS = [0, 2, 1, 1]


def log_probabilities(z: np.ndarray) -> np.ndarray:
    z = z - z.max(1, keepdims=True)
    return z - np.log(np.exp(z).sum(1, keepdims=True))


@exercise("09-1", hints=["The errors are 0, 2 and 3.", "Square each, add, divide by 3."], praise="The 3 counts more than twice as much as the 2: squares weigh large errors heavily.")
def mse(answer):
    same_number(answer, 13 / 3, {13.0: "that is the sum. The mean divides by 3.", 5 / 3: "the errors were not squared.", 1 / 3: "the signs cancelled: square before you add.", 6.5: "the one without an error counts as well: divide by 3.",
                                 math.sqrt(13 / 3): "no root is taken."})


@exercise("09-2", hints=["Subtract the largest score of each row: `z.max(1, keepdim=True).values`.", "log pᵢ = zᵢ - log Σ exp zⱼ, row by row. `keepdim=True` keeps the shape (N, 1), which broadcasts."], praise="Nothing overflows, since the largest exponent is 0.")
def log_softmax(function):
    for rows in (SCORES, [[0.0, 1.0], [3.0, -2.0], [1.0, 1.0]]):
        z = np.array(rows)
        right = log_probabilities(z)
        columns = log_probabilities(z.T).T
        same(call(function, torch["tensor"](rows), shown="z"), right, what="the result", mistakes=[(np.exp(right), "these are the probabilities. The logarithm is asked for."), (columns, "you summed down the columns. Each *row* is one example: dimension 1."),
                           (z - z.max(1, keepdims=True), "the sum is missing: subtract log Σ exp z."), (z - np.log(np.exp(z).sum()), "you summed over everything. Each row has its own sum."),
                           (-right, "the sign: a logarithm of a probability is never positive.")])
    for extreme in ([[1000.0, 999.0, -1.0]], [[-1000.0, -1001.0, -2000.0]], [[0.0, 200.0, -200.0]]):
        got = array(call(function, torch["tensor"](extreme), shown=str(extreme[0])))
        if not np.isfinite(got).all():
            raise NotYet(f"right for small scores. For {extreme[0]} it gives nan or inf: take the largest score of the row away first.")
        same(torch["tensor"](got.tolist()), log_probabilities(np.array(extreme)), what=f"the result for {extreme[0]}")


@exercise("09-3", hints=["`p = torch.softmax(z, dim=1)`, then take 1 away at the right class of each row.", "`p[torch.arange(N), labels] -= 1`. And the loss is a mean over N rows."], praise="p - y, divided by n.")
def cross_entropy_grad(function):
    for rows, labels in ((SCORES, LABELS), ([[1.0, 0.0], [0.5, 2.0], [-1.0, 1.0]], [1, 1, 0])):
        z = np.array(rows)
        p, n = np.exp(log_probabilities(z)), len(rows)
        y = np.eye(z.shape[1])[labels]
        scores = torch["tensor"](rows)
        got = call(function, scores, torch["tensor"](labels), shown="z, labels")
        same(got, (p - y) / n, n=n, what="the gradient", mistakes=[(p / n, "1 was not taken away at the right class."), (p, "1 was not taken away at the right class, and the factor 1/n is missing."), ((p - 1) / n, "1 was taken away everywhere. Only at the right class!"),
                           ((z - y) / n, "the scores must become probabilities first."), ((p - y) / z.size, "divided by the number of all entries. The mean is over rows.")])
        if not np.array_equal(array(scores), np.array(rows)):
            raise NotYet("right, but the scores that came in were changed.")


@exercise("09-4", hints=["The surprise is -log of the probability that the second softmax gives.", "`-math.log(math.e / (math.e + 9))`."], praise="1.4612: no network with two softmaxes and ten classes gets below this.")
def floor(answer):
    same_number(answer, -math.log(math.e / (math.e + 9)), {math.e / (math.e + 9): "that is the probability. The loss is its surprise, -log of it.", 0.0: "that would be so with one softmax. The second takes 1, 0, 0, … for scores.", math.log(10): "that is for ten equal scores. Here one is 1 and the others are 0.",
                                 -math.log(math.e / (math.e + 10)): "besides the right class there are 9 others."}, tolerance=5e-3)


@exercise("09-5", hints=["max(s, 0) is `s.clamp(min=0)`.", "`torch.log1p(x)` is log(1 + x), exact also for tiny x. `torch.exp(-s.abs())` never overflows."], praise="It never computes a sigmoid, so it has nothing to overflow.")
def bce(function):
    for s, y in (([0.5, -1.0, 2.0], [1.0, 0.0, 0.0]), ([3.0, -2.0, -0.5, 1.0], [0.0, 1.0, 0.0, 1.0])):
        z, t = np.array(s), np.array(y)
        each = np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z)))
        same(call(function, torch["tensor"](s), torch["tensor"](y), shown="s, y"), each.mean(), what="the loss", n=len(s),
             mistakes=[(each, "these are the losses of single answers. The mean is asked for."), ((each + 2 * z * t - z).mean(), "0 and 1 are exchanged: look at the sign of s·y.")])
    got = array(call(function, torch["tensor"]([-200.0, 200.0]), torch["tensor"]([1.0, 1.0]), shown="[-200, 200], [1, 1]"))
    if not np.isfinite(got).all():
        raise NotYet("right for small scores. For a score of 200 or -200 it gives nan or inf: use the form with |s|.")
    same(torch["tensor"](float(got)), 100.0, what="the loss for scores -200 and 200 with targets 1 and 1")


@exercise("09-6", hints=["A number on a scale; exactly one of several classes; several yes-or-no questions at once.", "How far off: `\"mse\"`. One of many: `\"ce\"`. Each yes or no for itself: `\"bce\"`."], praise="Scale, one of many, and several yes or no.")
def which(choice):
    tasks = ("tomorrow's temperature", "one of ten digits", "is there a cat, and is there a dog (both may be)")
    if not isinstance(choice, dict) or set(choice) != set(tasks):
        raise NotYet("keep the dict with its three questions, and put a word in place of each `...`.")
    for task, right, reason in zip(tasks, ("mse", "ce", "bce"), ("a temperature is a number on a scale: how far off matters.", "exactly one of ten is right: probabilities that sum to 1.", "two independent questions: both, one or none may be true, so no softmax over them.")):
        got = choice[task]
        if got is ... or got is None:
            raise NothingYet(f"{task!r} is still open.")
        same_choice(got, right, dict.fromkeys(("mse", "ce", "bce"), f"{task!r}: {reason}"))
