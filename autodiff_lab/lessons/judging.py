"""What judges of exercises share: reading a learner's answer, and naming the usual mistakes in numbers and arrays."""

from __future__ import annotations

import math

import numpy as np

from .checking import NothingYet, NotYet

__all__ = ["array", "call", "number", "same", "same_choice", "same_number", "same_shape"]


def number(answer, what: str = "a number") -> float:
    """The answer as a float."""
    if hasattr(answer, "detach"):
        if answer.numel() != 1:
            raise NotYet(f"{what} is asked for, and you gave a tensor of shape {list(answer.shape)}.")
        answer = answer.detach().item()
    if isinstance(answer, bool) or not isinstance(answer, int | float | np.number):
        raise NotYet(f"{what} is asked for, and you gave {describe(answer)}.")
    if not math.isfinite(answer):
        raise NotYet(f"your answer is {answer}.")
    return float(answer)


def same_number(answer, expected: float, mistakes=None, tolerance: float = 1e-3, otherwise: str = "") -> None:
    """Accept a number near the expected one; say which mistake leads to another.

    Args:
        mistakes: {wrong number: why}.
        otherwise: what to say about any other number.
    """
    got = number(answer)
    close = lambda value: abs(got - value) <= tolerance * max(1.0, abs(value))
    if close(expected) and (expected == 0 or got != 0 or abs(expected) <= tolerance):
        return
    for wrong, reason in (mistakes or {}).items():
        if close(wrong):
            raise NotYet(reason)
    if close(-expected):
        raise NotYet("the size is right and the sign is not.")
    raise NotYet(otherwise or f"{got:g} is not it.")


def same_choice(answer, expected, reasons=None) -> None:
    """Accept one of several words; say why another is wrong."""
    if type(answer) is not type(expected):
        raise NotYet(f"the answer is {describe(expected, kind=True)}, and you gave {describe(answer)}.")
    if answer != expected:
        raise NotYet((reasons or {}).get(answer, f"{answer!r} is not it."))


def same_shape(answer, expected: tuple, mistakes=None) -> None:
    """Accept a shape, as a tuple, a list or a torch.Size."""
    if not isinstance(answer, tuple | list):
        raise NotYet(f"a shape is asked for, such as (3, 4), and you gave {describe(answer)}.")
    if tuple(answer) != tuple(expected):
        raise NotYet((mistakes or {}).get(tuple(answer), f"{tuple(answer)} is not the shape."))


def array(answer, what: str = "a tensor") -> np.ndarray:
    """The answer as an array of float64."""
    if not hasattr(answer, "detach"):
        raise NotYet(f"{what} is asked for, and you gave {describe(answer)}.")
    return np.asarray(answer.detach().numpy(), dtype=np.float64)


def same(answer, expected, *, n: int | None = None, what: str = "the answer", tolerance: float = 1e-4, mistakes=()) -> None:
    """Accept a tensor equal to the expected one; name a wrong shape, sign, factor, sum or transpose.

    Args:
        n: the size of the batch, if leaving out 1/n is a mistake that can be made here.
        mistakes: (wrong array, why) pairs, looked at before the usual ones.
    """
    got = array(answer, f"a tensor for {what}") if not isinstance(answer, int | float) else np.asarray(float(answer))
    expected = np.asarray(expected.detach().numpy() if hasattr(expected, "detach") else expected, dtype=np.float64)
    close = lambda a, b: a.shape == b.shape and np.allclose(a, b, rtol=tolerance, atol=tolerance)
    if close(got, expected):
        return
    for wrong, reason in mistakes:
        wrong = np.asarray(wrong.detach().numpy() if hasattr(wrong, "detach") else wrong, dtype=np.float64)
        if close(got, wrong):
            raise NotYet(reason)
    if got.shape != expected.shape:
        said = f"{what} should have shape {list(expected.shape)}, and yours has {list(got.shape)}."
        if got.T.shape == expected.shape and got.ndim > 1:
            said += " It looks transposed."
        elif got.size > expected.size:
            said += " Where a value was spread by broadcasting, its gradient is summed over the places it went to."
        raise NotYet(said)
    if not np.isfinite(got).all():
        raise NotYet(f"{what} holds nan or inf.")
    if got.ndim == 2 and close(got.T, expected):
        raise NotYet(f"{what} is transposed.")
    if close(got, -expected):
        raise NotYet(f"{what} has the wrong sign everywhere. The size is right.")
    if not got.any():
        raise NotYet(f"{what} is 0 everywhere.")
    safe = np.abs(expected) > 1e-9
    if safe.any():
        ratios = got[safe] / expected[safe]
        if np.allclose(ratios, ratios[0], rtol=1e-3) and not got[~safe].any():
            k = ratios[0]
            said = f"{what} is {k:.4g} times too large." if abs(k) > 1 else f"{what} is {1 / k:.4g} times too small."
            if n and abs(k - n) < 1e-2 * n:
                said += f" {n} is the size of the batch: a mean has a factor 1/n."
            raise NotYet(said)
    wrong = int(np.argmax(np.abs(got - expected)))
    where = f" at {list(map(int, np.unravel_index(wrong, got.shape)))}" if got.ndim else ""
    raise NotYet(f"{what} is {got.flat[wrong]:.4g}{where}, and should be {expected.flat[wrong]:.4g}.")


def call(function, *inputs, shown: str = ""):
    """Call the learner's function; what it raises, or that it gave nothing, becomes a reason."""
    if not callable(function):
        raise NotYet(f"a function is asked for, and you gave {describe(function)}.")
    name = getattr(function, "__name__", "your function")
    given = shown or ", ".join(describe_input(value) for value in inputs)
    try:
        result = function(*inputs)
    except (Exception, SystemExit) as error:
        raise NotYet(f"`{name}({given})` raised {type(error).__name__}: {error}") from None
    if result is None or result is ...:
        raise NothingYet(f"`{name}({given})` returned nothing. Write its body, and end it with `return`.")
    return result


def describe(value, kind: bool = False) -> str:
    """What kind of thing a value is, in words."""
    if isinstance(value, str):
        return "a word in quotes" if kind else f"the word {value!r}"
    if isinstance(value, bool):
        return "True or False" if kind else str(value)
    if isinstance(value, int | float):
        return "a number" if kind else f"the number {value:g}"
    if callable(value):
        return f"a function ({getattr(value, '__name__', type(value).__name__)})"
    return f"a {type(value).__name__}"


def describe_input(value) -> str:
    """An input, short."""
    if hasattr(value, "shape") and getattr(value, "ndim", 0) > 0:
        return f"tensor {list(value.shape)}"
    if hasattr(value, "item"):
        value = value.item()
    return f"{value:g}" if isinstance(value, float) else repr(value) if isinstance(value, int | str | bool) else type(value).__name__
