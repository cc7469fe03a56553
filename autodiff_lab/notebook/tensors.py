"""What a tensor shows when it is the last line of a cell: a picture of its numbers, and PyTorch's text."""

from __future__ import annotations

import numpy as np

from ..core.op import registry
from ..core.tensor import Tensor
from ..record.shell import ipython
from ..record.text import shape_text
from .graph import VIEW, in_kernel
from .names import variables

__all__ = ["bundle", "facts_of", "made_by"]

READABLE = 120  # elements; up to this many, the still picture has every number in it
SHOWN_AT_MOST = 1 << 24  # elements; of a larger one only the text


def bundle(tensor) -> dict:
    """`text/plain` as PyTorch writes it; for everything but a scalar also `image/svg+xml`."""
    data = {"text/plain": repr(tensor)}
    if tensor.ndim == 0 or tensor.numel() > SHOWN_AT_MOST:
        return data
    from ..export.heat import heat_svg

    try:
        array, name, facts = _host(tensor), _name(tensor), facts_of(tensor)
        data["image/svg+xml"] = heat_svg(array, name, facts)
        if array.size > READABLE and in_kernel():
            from ..widgets.live import view_of
            from ..widgets.tensor import TensorWidget

            widget = TensorWidget(array, name, facts, f"{facts}.")
            data[VIEW] = view_of(widget)
    except (TypeError, ValueError, AttributeError):  # a kind of number that has no picture: the text says it all
        pass
    return data


def _host(tensor) -> np.ndarray:
    array = tensor.detach()
    array = array.resolve_conj() if hasattr(type(array), "resolve_conj") else array
    raw = array._a
    return np.asarray(raw.get() if hasattr(raw, "get") else raw)


def facts_of(tensor) -> str:
    """float32 · 3×2 · strides (1, 3) · shares memory with m · requires grad"""
    parts = [str(tensor.dtype).removeprefix("torch."), shape_text(tuple(tensor.shape))]
    if not tensor.is_contiguous():
        parts.append(f"strides {tuple(tensor.stride())}")
    others = _sharing(tensor)
    if others:
        parts.append(f"shares memory with {', '.join(others[:3])}{'' if len(others) <= 3 else ', …'}")
    if str(tensor.device) != "cpu":
        parts.append(str(tensor.device))
    if tensor.requires_grad:
        parts.append("made by " + made_by(tensor.grad_fn) if tensor.grad_fn is not None else "requires grad")
    return " · ".join(parts)


def _name(tensor) -> str:
    shell = ipython()
    return variables(shell.user_ns).get(id(tensor), "") if shell is not None else ""


def _sharing(tensor) -> list[str]:
    """The notebook's other variables that look at the same memory."""
    shell = ipython()
    if shell is None:
        return []
    base = tensor if tensor._base is None else tensor._base
    return [name for name, value in shell.user_ns.items()
            if isinstance(value, Tensor) and value is not tensor and not name.startswith("_") and (value is base or value._base is base)]


def made_by(node) -> str:
    """The operator that made a tensor, by the name of its usual node."""
    return registry.get(node.op.name, node.op).node_name.removesuffix("Backward0").lower()
