"""Second derivatives of fused operators: their first derivative written with plain operators.

A fused kernel has a fused gradient, which is fast but has no rules of its own. When a backward pass is itself
recorded (`create_graph=True`), the gradient is taken through the same formula composed of ordinary operators.
"""

from __future__ import annotations

from ..core.backward import run_backward
from ..core.modes import modes
from ..core.op import ops
from ..core.tensor import Tensor

__all__ = ["gradients_through"]


def gradients_through(function, inputs, grads) -> tuple:
    """Recorded gradients of `function(*inputs)` with respect to each input that wants one, else None.

    Args:
        function: the composed formula; returns a Tensor or a tuple of them.
        inputs: Tensors, or None.
        grads: the gradient of each result (None for one that has none).
    """
    enabled, modes.grad = modes.grad, True
    try:
        # Each input enters under an alias, so that only the formula itself is differentiated, not what lies before it.
        aliases = [ops.clone(t) if isinstance(t, Tensor) and t.requires_grad else t for t in inputs]
        results = function(*aliases)
        results = results if isinstance(results, tuple) else (results,)
        grads = grads if isinstance(grads, (tuple, list)) else (grads,)
        pairs = [(r._node, g) for r, g in zip(results, grads) if g is not None and r._node is not None]
        places = [a._node if isinstance(a, Tensor) and a.requires_grad else None for a in aliases]
        found = run_backward([n for n, _ in pairs], [g for _, g in pairs], retain_graph=True, create_graph=True,
                             inputs=[p for p in places if p is not None], accumulate=False)
    finally:
        modes.grad = enabled
    return tuple(None if place is None else found.get(place) for place in places)
