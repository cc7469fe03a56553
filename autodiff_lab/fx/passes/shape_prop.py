"""Run a graph on an example and note the shape and type of every step in `node.meta["tensor_meta"]`."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...core.op import public
from ...core.results import Size
from ...core.tensor import Tensor
from ..interpreter import Interpreter
from ..node import map_aggregate

__all__ = ["ShapeProp", "TensorMetadata"]


class TensorMetadata(NamedTuple):
    """What is known of the tensor that a step gives."""

    shape: Size
    dtype: Any
    requires_grad: bool
    stride: tuple
    memory_format: Any
    is_quantized: bool
    qparams: dict


def _of(value):
    if not isinstance(value, Tensor):
        return value
    layout = public[""]["contiguous_format"] if value.is_contiguous() else None
    return TensorMetadata(value.shape, value.dtype, value.requires_grad, value.stride(), layout, False, {})


class ShapeProp(Interpreter):
    """Notes the shape and type of what every step gives.

    >>> import autodiff_lab as lab
    >>> from autodiff_lab.fx.passes.shape_prop import ShapeProp
    >>> traced = lab.fx.symbolic_trace(lambda x: x.sum(0))
    >>> _ = ShapeProp(traced).propagate(lab.ones(2, 3))
    >>> [tuple(node.meta["tensor_meta"].shape) for node in traced.graph.nodes]
    [(2, 3), (3,), (3,)]
    """

    def run_node(self, n) -> Any:
        """The result of a step; its shape is noted."""
        result = super().run_node(n)
        n.meta["tensor_meta"], n.meta["type"] = map_aggregate(result, _of), type(result)
        return result

    def propagate(self, *args) -> Any:
        """Run the graph on these arguments."""
        return self.run(*args)
