"""`lab.check`: looks at what the learner made, says what is right, and names what is not.

An exercise is a function that gets the learner's own objects and raises `NotYet` with the reason where something is
missing. Everything stays on this machine.
"""

from __future__ import annotations

import html
import importlib
import pkgutil
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass

from . import progress

__all__ = ["Exercise", "NotYet", "Verdict", "check", "exercise", "every_exercise", "hint"]

_exercises: dict[str, Exercise] = {}
_hints_shown: dict[str, int] = {}


class NotYet(Exception):
    """Raised by an exercise: why the answer is not right yet, in words to the learner."""


class NothingYet(NotYet):
    """Raised where the stub still stands: no mistake was made so far."""


@dataclass(frozen=True)
class Exercise:
    """One checked exercise: its key ("04-1"), what judges it, a ladder of hints, and a sentence for when it is right."""

    key: str
    judge: Callable
    hints: tuple[str, ...] = ()
    praise: str = ""

    @property
    def lesson(self) -> str:
        """The number of the notebook."""
        return self.key.partition("-")[0]


def exercise(key: str, *, hints=(), praise: str = ""):
    """Register a function as the judge of an exercise.

    >>> @exercise("99-1", hints=["It is even."], praise="Two it is.")
    ... def _(answer):
    ...     if answer != 2:
    ...         raise NotYet("That is not two.")
    """

    def register(judge):
        _exercises[key] = Exercise(key, judge, tuple(hints), praise)
        return judge

    return register


def every_exercise(lesson: str | None = None) -> list[Exercise]:
    """All exercises, or those of one notebook ("04"), in order."""
    from . import exercises as shipped

    for found in pkgutil.iter_modules(shipped.__path__):
        importlib.import_module(f"{shipped.__name__}.{found.name}")
    return [_exercises[key] for key in sorted(_exercises) if lesson is None or _exercises[key].lesson == lesson]


def find(key) -> Exercise:
    """The exercise of a key, or an error that names those there are."""
    known = every_exercise()
    if key not in _exercises:
        lesson = str(key).partition("-")[0]
        near = [one.key for one in known if one.lesson == lesson] or sorted({one.lesson for one in known})
        raise ValueError(f"There is no exercise {key!r}. There are {', '.join(near)}.")
    return _exercises[key]


def check(key: str, *answers) -> Verdict:
    """Say whether the answer to an exercise is right, and if not, why.

    Args:
        key: the exercise, as it stands in the notebook: "04-1".
        *answers: your own objects: a number, a tensor, a function, a model.

    Your objects are only looked at: no number of your program changes, and nothing leaves this machine.

    >>> lab.check("00-1", 2.0).passed
    False
    """
    one = find(key)
    problem, untouched = None, False
    if not answers or any(answer is ... or answer is None for answer in answers):
        problem = "nothing is there so far. Put your answer in place of `...` and run the cell again."
        untouched = True
    else:
        with unseen():
            try:
                one.judge(*answers)
            except NotYet as reason:
                problem, untouched = str(reason), isinstance(reason, NothingYet)
            except KeyboardInterrupt:  # anew: its own traceback would show the lines of the check
                raise KeyboardInterrupt(f"{one.key} was stopped. Does a loop in your answer ever end?") from None
            except (Exception, SystemExit) as error:
                problem = f"the check could not use your answer ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}). Look at what kind of thing is asked for."
    solved = progress.note(one.key, problem is None)
    keys = [other.key for other in every_exercise(one.lesson)]
    return Verdict(one, problem, [key in solved for key in keys], untouched)


def hint(key: str) -> Hint:
    """The next hint for an exercise, one more with each call."""
    one = find(key)
    shown = min(_hints_shown.get(key, 0) + 1, len(one.hints))
    _hints_shown[key] = shown
    return Hint(one, shown)


@contextmanager
def unseen():
    """The check runs the learner's code without drawing it, and leaves random streams and modes as they were."""
    from ..backend import random as streams
    from ..core import observe
    from ..core.modes import modes

    state, grad = streams.default_generator.get_state(), modes.grad
    with observe._lock:
        before = observe.observers, observe.followers
        observe.observers = observe.followers = ()
    try:
        modes.grad = True
        yield
    finally:
        with observe._lock:
            observe.observers, observe.followers = before
        modes.grad = grad
        streams.default_generator.set_state(state)


# ------------------------------------------------------------------------------------------------ what is shown

BOX = ("font:13px/1.5 var(--jp-content-font-family,sans-serif);color:var(--jp-content-font-color0,#1c2330);border-left:3px solid {edge};"
       "background:color-mix(in srgb,{edge} 9%,transparent);padding:8px 12px;border-radius:0 6px 6px 0;max-width:76ch")
RED, GREEN, GREY = "#b3261e", "#00705a", "#5a6473"


@dataclass(frozen=True)
class Verdict:
    """What a check found. `passed` says it for programs, the display for people."""

    exercise: Exercise
    problem: str | None
    solved: list[bool]
    untouched: bool = False

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.problem is None

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        one = self.exercise
        said = f"{one.key}: correct. {one.praise}".rstrip() if self.passed else f"{one.key}: not yet. {capital(self.problem)}"
        ladder = f'\nA hint: lab.hint("{one.key}")' if one.hints and not self.passed else ""
        return f"{said}{ladder}\nNotebook {one.lesson}: {sum(self.solved)} of {len(self.solved)} solved."

    def _repr_html_(self) -> str:
        one = self.exercise
        head = "correct." if self.passed else "not yet."
        said = marked(one.praise if self.passed else capital(self.problem))
        ladder = ""
        for number in range(len(one.hints), 0, -1) if not self.passed else ():
            ladder = (f'<details style="margin-top:4px"><summary style="cursor:pointer">Hint {number} of {len(one.hints)}</summary>'
                      f"{marked(one.hints[number - 1])}{ladder}</details>")
        dots = "".join("●" if done else "○" for done in self.solved)
        return (f'<div style="{BOX.format(edge=GREEN if self.passed else GREY if self.untouched else RED)}"><b>{html.escape(one.key)}: {head}</b> {said}{ladder}'
                f'<div style="margin-top:4px;color:var(--jp-content-font-color1,#3b4351);font-size:12px">'
                f'<span aria-hidden="true">{dots}</span> {sum(self.solved)} of {len(self.solved)} solved in notebook {html.escape(one.lesson)}</div></div>')


@dataclass(frozen=True)
class Hint:
    """The hints that were asked for so far."""

    exercise: Exercise
    shown: int

    def __repr__(self) -> str:
        hints = self.exercise.hints
        if not hints:
            return f"There is no hint for {self.exercise.key}."
        last = "" if self.shown < len(hints) else " That was the last one."
        return "\n".join(f"Hint {number} of {len(hints)}: {text}" for number, text in enumerate(hints[: self.shown], 1)) + last


def capital(text: str | None) -> str:
    """With a capital letter in front."""
    return text[:1].upper() + text[1:] if text else ""


def marked(text: str) -> str:
    """Plain text as HTML; what stands between backquotes is code."""
    parts = html.escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))
