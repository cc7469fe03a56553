"""What people tripped over in public, each with PyTorch's answer (tests/data/cases.json)."""

import json
import math
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import autodiff_lab as lab

CASES = json.loads((Path(__file__).parent / "data" / "cases.json").read_text())


def warned(action) -> str:
    """What `action` warned about, as one text."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        action()
    return "\n".join(str(w.message) for w in caught)


def scope(torch) -> dict:
    """The names that the cases use."""
    import importlib

    def module(name):
        return importlib.import_module(f"{torch.__name__}.{name}")

    return {"torch": torch, "nn": torch.nn, "F": module("nn.functional"), "optim": module("optim"), "sched": module("optim.lr_scheduler"),
            "data": module("utils.data"), "np": np, "math": math, "nan": math.nan, "inf": math.inf, "warned": warned, "warnings": warnings, "dt": lambda t: str(t.dtype).removeprefix("torch.")}


def same(found, expected) -> bool:
    """Equal, numbers to 1e-5, NaN equal to NaN."""
    if isinstance(expected, list):
        return isinstance(found, (list, tuple)) and len(found) == len(expected) and all(same(a, b) for a, b in zip(found, expected))
    if isinstance(expected, dict):
        return isinstance(found, dict) and found.keys() == expected.keys() and all(same(found[k], expected[k]) for k in expected)
    if isinstance(expected, float) and isinstance(found, (int, float)):
        return (math.isnan(expected) and math.isnan(found)) or expected == found or math.isclose(found, expected, rel_tol=1e-5, abs_tol=1e-6)
    return found == expected and isinstance(found, bool) == isinstance(expected, bool)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_answer_is_pytorchs(case):
    names = scope(lab)
    expected = case["expected"]
    if isinstance(expected, dict) and set(expected) == {"error"}:
        with pytest.raises(Exception) as caught:
            exec(case["code"], names)
        assert type(caught.value).__name__ == expected["error"], f"{type(caught.value).__name__}: {caught.value}"
        for words in case["words"] or ():
            assert re.search(words, str(caught.value), re.IGNORECASE), f"no {words!r} in: {caught.value}"
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(case["code"], names)
    assert same(names["result"], expected), f"{case['what']}\nfound    {names['result']}\nexpected {expected}"
