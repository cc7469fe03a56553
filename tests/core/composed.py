"""Programs as text, run statement by statement with PyTorch and here, and what a user can see of their tensors afterwards.

A program is written for `T`, the library; `t1`, `t2`, … are its tensors, `n1`, … arrays, `r1`, … other values, and `LOG` a list that hooks write to.
"""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np

TOLERANCES = {"float16": 1e-2, "bfloat16": 5e-2, "float32": 1e-4, "complex64": 1e-4}


def environment(T) -> dict:
    """The names that a program finds."""
    T.set_grad_enabled(True)
    T.manual_seed(0)
    return {"T": T, "F": T.nn.functional, "np": np, "copy": copy, "pickle": pickle, "LOG": []}


def run(names: dict, statement: str) -> str | None:
    """Do one statement. Returns the type of the error, if one was raised."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            exec(statement, names)
    except Exception as error:  # which error it is, is what is compared
        return type(error).__name__
    return None


def numbers(t, T):
    t = t.detach().resolve_conj().resolve_neg()
    return (t.float() if t.dtype is T.bfloat16 else t).numpy()


def tried(ask):
    try:
        return ask()
    except RuntimeError:
        return "RuntimeError"  # the history of some views can't be known; then both libraries say so


def state(t, T) -> dict:
    """Everything about a tensor that a user can see, but its numbers, its node's name and the layout of what is no view."""
    return {
        "shape": tuple(t.shape), "dtype": str(t.dtype), "requires_grad": tried(lambda: t.requires_grad), "is_leaf": tried(lambda: t.is_leaf),
        "has a node": tried(lambda: t.grad_fn is not None), "output_nr": tried(lambda: t.output_nr), "retains_grad": t.retains_grad,
        "grad": None if tried(lambda: t.is_leaf) is not True and not t.retains_grad or t.grad is None else (tuple(t.grad.shape), str(t.grad.dtype), t.grad.requires_grad),
    }


def close(a, b) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        if a.dtype.kind not in "fc":
            return bool((a == b).all())
        return np.allclose(a, b, rtol=TOLERANCES.get(str(a.dtype), 1e-6), atol=TOLERANCES.get(str(a.dtype), 1e-7), equal_nan=True)
    return False


def same(a, b, theirs, ours) -> bool:
    """True if two values are the same, tensor for tensor."""
    if isinstance(a, theirs.Tensor):
        return isinstance(b, ours.Tensor) and str(a.dtype) == str(b.dtype) and a.requires_grad == b.requires_grad and close(numbers(a, theirs), numbers(b, ours))
    if isinstance(a, (tuple, list)):
        return isinstance(b, type(a)) and len(a) == len(b) and all(same(x, y, theirs, ours) for x, y in zip(a, b, strict=True))
    if isinstance(a, (np.ndarray, float)):
        return type(a) is type(b) and close(np.asarray(a), np.asarray(b))
    return a == b


def difference(theirs, ours, before: dict, after: dict, memory_too: bool = True) -> str | None:
    """What differs between PyTorch's names and ours, and with `memory_too` which of them share memory; None if nothing does."""
    names = [n for n in before if n[0] in "tnr" and n[1:].isdigit()]
    memory: tuple[dict, dict] = ({}, {})
    with np.errstate(all="ignore"):
        for n in names:
            a, b = before[n], after.get(n)
            if not isinstance(a, theirs.Tensor):
                if not same(a, b, theirs, ours):
                    return f"{n}: PyTorch has {a!r}, we have {b!r}"
                continue
            if not isinstance(b, ours.Tensor):
                return f"{n}: PyTorch has a tensor, we have {b!r}"
            if state(a, theirs) != state(b, ours):
                return f"{n}: PyTorch has {state(a, theirs)}, we have {state(b, ours)}"
            if not close(numbers(a, theirs), numbers(b, ours)):
                return f"{n}: PyTorch has {a}, we have {b}"
            if state(a, theirs)["grad"] is not None and not close(numbers(a.grad, theirs), numbers(b.grad, ours)):
                return f"{n}.grad: PyTorch has {a.grad}, we have {b.grad}"
            if memory_too and a.numel():
                found = [seen.setdefault(t.untyped_storage().data_ptr(), n) for seen, t in zip(memory, (a, b), strict=True)]
                if found[0] != found[1]:
                    return f"{n}: PyTorch shares the memory of {found[0]}, we that of {found[1]}"
    if not same(before["LOG"], after["LOG"], theirs, ours):
        return f"PyTorch noted {before['LOG']}, we {after['LOG']}"
    if theirs.is_grad_enabled() != ours.is_grad_enabled():
        return "the modes of recording differ"
    return None
