"""`nn.functional`: layers as functions, without parameters of their own."""

from __future__ import annotations

from ..core.missing import explain_missing
from ..core.op import public

globals().update(public["nn.functional"])


def __getattr__(name: str):
    found = public["nn.functional"].get(name, public[""].get(name) if name in ("relu", "tanh", "sigmoid", "selu", "celu", "prelu", "rrelu", "softmax", "log_softmax") else None)
    if found is None:
        raise AttributeError(explain_missing(__name__, name))
    return found


def __dir__():
    return sorted(public["nn.functional"])
