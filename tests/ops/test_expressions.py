"""Everyday expressions print the same here as in PyTorch, or raise the same type of exception."""

from __future__ import annotations

import math
import pathlib
import re
import warnings

import numpy as np
import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

EXPRESSIONS = [line for line in pathlib.Path(__file__).with_name("expressions.txt").read_text().splitlines() if not line.startswith("#")]


def printed(value) -> str:
    if isinstance(value, (tuple, list)):
        return f"{type(value).__name__}({', '.join(map(printed, value))})"
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def outcome(text: str, library) -> str:
    library.manual_seed(0)
    scope = {"T": library, "F": library.nn.functional, "np": np, "nan": math.nan, "inf": math.inf}
    try:
        if ";" in text or re.match(r"r ?=[^=]", text) or text.startswith("import "):
            exec(text.replace("; ", "\n"), scope)
            return printed(scope.get("r"))
        return printed(eval(text, scope))
    except Exception as error:  # which one is part of the answer
        return f"raises {type(error).__name__}"


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_prints_what_pytorch_prints(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert outcome(text, lab) == outcome(text, torch)
