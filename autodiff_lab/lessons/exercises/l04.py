"""04, Autograd, one step at a time."""

from __future__ import annotations

import numpy as np

from ...core.op import public
from ..checking import NotYet, exercise
from ..judging import array, call, number, same, same_number

torch = public[""]


@exercise("04-1", hints=["Forward: `w*x` is 6, with `b` 5, squared 25. Backward: start with 1 at the right.", "The square turns 1 into 2·5 = 10. The product turns 10 into 10·3.", "30 for 1, so 30 · 0.001 for 0.001."],
          praise="30 times the push: 10 from the square, 3 from the input.")
def nudge(guess):
    same_number(guess, 0.03, {0.01: "you followed the square (2·5 = 10), but `w` reaches it through `x` = 3: a small push on `w` arrives there three times as large.",
                              0.005: "you followed the value, but a square on 5 has the slope 2·5, and `w` reaches it through `x` = 3.",
                              0.001: "that would be so if `y` were `w` itself. On the way stand a product and a square.", 0.003: "you followed the product, and the square is still to come: it multiplies by 2·5.",
                              30.0: "30 is the slope. For a push of 0.001 take 30 times that.", 0.02: "that is through `w` itself. The product hands back what stood on the *other* side: `x` = 3."},
                tolerance=1e-3, otherwise="compute `(2.001*3 - 1)**2 - 25` and compare. Then find where each factor comes from.")


@exercise("04-2", hints=["Forward: 2·(-3) - 1 = -7. So the square sends back 2·(-7).", "`b` gets -14 as it is. `w` gets -14 times `x`."],
          praise="-14 at the addition; times -3 for `w`.")
def negative(w_grad, b_grad):
    same_number(b_grad, -14.0, {-10.0: "the size changed as well: the square now stands on -7, not on -5.", 10.0: "the square now stands on -7.", 14.0: "the square stands on -7: 2·(-7) is negative.",
                                42.0: "that is the one for `w`. `b` gets what the addition hands on."}, otherwise="`b_grad` is what the square sends back: 2 times what it stands on.")
    same_number(w_grad, 42.0, {-42.0: "the sign: -14 comes in, and is multiplied by `x` = -3.", -30.0: "the square now stands on -7, not on 5.", 30.0: "the square now stands on -7.",
                               -28.0: "that is multiplied by `w`. The product hands back the other side, `x`.", -14.0: "that is what arrives at the product. It is multiplied by the other side."},
                otherwise="`w_grad` is what arrives at the product, times `x`.")


@exercise("04-3", hints=["By way of `u`: what comes in at the product for `u`, times 2.", "By way of `v`: what comes in at the product for `v`, times 1.", "Both paths exist at once: add them."],
          praise="8 by way of `u` and 6 by way of `v`. Paths add up.")
def two_paths(answer):
    same_number(answer, 14.0, {8.0: "that is the path by way of `u`. `x` is also in `v`.", 6.0: "that is the path by way of `v`. `x` is also in `u`.", 48.0: "paths that meet are added, not multiplied.",
                               2.0: "that is u's own slope. What comes in at `u` is not 1 but `v`.", 3.0: "2 + 1 are the slopes of `u` and `v`. Each is multiplied by what comes in there.",
                               24.0: "that is `y` itself."})


@exercise("04-4", hints=["Forward: `t = torch.tanh(w * x + b)`. Keep `t`.", "Back through tanh: 1 · (1 - t·t). Call it `dz`; it arrives at the addition.", "The addition hands `dz` to `b` and to the product. The product: for `w` times `x`, for `x` times `w`."],
          praise="That is all there is: forward, keep, and multiply on the way back.")
def by_hand(function):
    for values in ((0.5, -1.0, 0.3), (-1.2, 0.7, 0.1), (0.2, 2.0, -0.6)):
        w, x, b = (torch["tensor"](value, requires_grad=True) for value in values)
        t = torch["tanh"](w * x + b)
        t.backward()
        result = call(function, w.detach(), x.detach(), b.detach())
        if not isinstance(result, tuple | list) or len(result) != 3:
            raise NotYet("three gradients are asked for, in the order w, x, b: `return dw, dx, db`.")
        right = [w.grad.item(), x.grad.item(), b.grad.item()]
        got = [number(value, f"a number for the gradient of {name}") for value, name in zip(result, "wxb")]
        s, z, k = 1 - t.item() ** 2, w.item() * x.item() + b.item(), t.item()
        close = lambda a, c: np.allclose(a, c, rtol=1e-3, atol=1e-5)
        for wrong, reason in (([right[1], right[0], right[2]], "`w` and `x` have each other's gradient: the product hands back the *other* side."),
                              ([x.item(), w.item(), 1.0], "the bend is missing: what reaches the addition is 1 - t², not 1."),
                              ([(1 - z * z) * x.item(), (1 - z * z) * w.item(), 1 - z * z], "the slope is 1 - t² with t the *output* of tanh. You squared its input."),
                              ([k * x.item(), k * w.item(), k], "you used t itself. The slope of tanh is 1 - t²."),
                              ([(1 - k) * x.item(), (1 - k) * w.item(), 1 - k], "the slope is 1 - t², with a square."),
                              ([-v for v in right], "every sign is turned around: 1 - t², not t² - 1.")):
            if close(got, wrong):
                raise NotYet(reason)
        for name, a, c in zip("wxb", got, right):
            if not close(a, c):
                raise NotYet(f"the gradient for `{name}` is {c:.4f} at w = {values[0]:g}, x = {values[1]:g}, b = {values[2]:g}, and yours is {a:.4f}. (1 - t² is {s:.4f} there.)")


@exercise("04-5", hints=["`error = w * X + b - T`, of shape 5. The loss is the mean of its square.", "Back through mean and square: each error gets `2 * error / n`.", "`b` was used in every row: sum over the rows. `w` too, and each row multiplied by its own `X`."],
          praise="A value that was used n times gets the sum of n gradients.")
def batch(function):
    for values in (([-2.0, -1.0, 0.0, 1.0, 2.0], [-3.0, -1.0, 1.0, 3.0, 5.0], 1.0, 0.0), ([0.5, -1.0, 2.0], [1.0, 0.0, -1.0], 0.7, -0.4)):
        X, T = torch["tensor"](values[0]), torch["tensor"](values[1])
        w, b = torch["tensor"](values[2], requires_grad=True), torch["tensor"](values[3], requires_grad=True)
        ((w * X + b - T) ** 2).mean().backward()
        result = call(function, w.detach(), b.detach(), X, T, shown="w, b, X, T")
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise NotYet("two gradients are asked for: `return dw, db`.")
        n, error = len(values[0]), array((w * X + b - T).detach())
        for got, right, name, wrong in zip(result, (w.grad, b.grad), ("the gradient for w", "the gradient for b"), ((2 * error).sum() / n, (2 * error * np.array(values[0])).sum() / n)):
            if hasattr(got, "numel") and got.numel() == n:
                raise NotYet(f"{name} has {n} numbers, one for each row. `w` and `b` are single numbers that were used in every row: sum.")
            if hasattr(got, "detach"):
                got = got.reshape(())
            half = right.item() / 2
            same(got, right, n=n, what=name, mistakes=[(np.array(half), f"{name} is half of what it should be: the square gives a factor 2."),
                                                       (np.array(wrong), f"{name}: you swapped the two, or left `X` out or in.")] if abs(wrong - right.item()) > 1e-3 else [(np.array(half), f"{name} is half of what it should be: the square gives a factor 2.")])


@exercise("04-6", hints=["A leaf gets a gradient if it asks for one *and* a recorded path leads from it to `total`.", "`r` does not ask. `detach` cuts the way to `q`. What is `t.item()`?"],
          praise="`q` is cut off by detach, `r` never asked, and `t.item()` is only a number.")
def who(names):
    if isinstance(names, str) or not isinstance(names, list | tuple | set):
        raise NotYet('a list of names is asked for, such as ["p", "q"].')
    for name, reason in (("r", "`r` did not ask: it has no `requires_grad=True`."), ("q", "the way to `q` is cut by `detach()`."), ("t", "`t.item()` is a Python number: no path leads back from it to `t`.")):
        if name in names:
            raise NotYet(reason)
    if set(names) - {"p", "s"}:
        raise NotYet("there are only p, q, r, s and t.")
    for name, reason in (("p", "one is missing that asks, and whose product is recorded: look at the first summand."), ("s", "one is missing: what is detached is the *other* factor, and it is a number that `s` is multiplied with.")):
        if name not in names:
            raise NotYet(reason)
