"""Lessons: exercises that are checked on the learner's own objects, and tools for those who write and grade them."""

from __future__ import annotations

from . import author
from .checking import Exercise, NotYet, Verdict, check, every_exercise, exercise, hint

__all__ = ["Exercise", "NotYet", "Verdict", "author", "check", "every_exercise", "exercise", "hint"]
