"""`backward` and `grad`: check what is asked, then run the tape backward."""

from __future__ import annotations

import numpy as np

from ..backend import namespace
from ..core import observe
from ..core.backward import run_backward
from ..core.dtypes import FLOATING
from ..core.modes import modes
from ..core.op import public
from ..core.tensor import Tensor, wrap
from ..core.views import NO_GRAD, sync

__all__ = ["backward", "grad"]

ONES = {dtype.type: dtype.type(1) for dtype in FLOATING if dtype.kind != "c"}  # what the gradient of a loss starts from


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph: bool = False, grad_variables=None, inputs=None) -> None:
    """Add the gradients of `tensors` to the `.grad` of the leaves they were made from.

    Args:
        tensors: one tensor or several.
        grad_tensors: the gradient to start from at each; may be None for one-element tensors.
        retain_graph: keep what the graph saved; default `create_graph`.
        create_graph: record this pass too.
        inputs: the tensors to add to, if not all leaves.

    Raises:
        RuntimeError: if a tensor does not require a gradient, or is not a scalar and has no gradient given.

    >>> import autodiff_lab as lab
    >>> x = lab.tensor([1.0, 2.0], requires_grad=True)
    >>> lab.autograd.backward(x * x, lab.tensor([1.0, 10.0]))
    >>> x.grad
    tensor([ 2., 40.])
    """
    tensors = _sequence(tensors)
    starts = _starts(tensors, _sequence(grad_tensors if grad_tensors is not None else grad_variables, len(tensors)), create_graph)
    if inputs is None:
        _run(tensors, starts, retain_graph, create_graph, None, True)
        return
    inputs = _sequence(inputs)
    check_places(inputs)
    if not inputs:
        raise RuntimeError("`inputs` argument to `backward` cannot be empty.")
    wanted = [_place(t) for t in inputs]
    for tensor in inputs:
        tensor.retain_grad()  # a non-leaf that was asked for by name; PyTorch does not take that back
    _run(tensors, starts, retain_graph, create_graph, wanted, True)


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph: bool = False, only_inputs: bool = True,
         allow_unused: bool | None = None, is_grads_batched: bool = False, materialize_grads: bool = False) -> tuple:
    """The gradients of the sum of `outputs` with respect to each of `inputs`, without touching any `.grad`.

    Args:
        grad_outputs: the gradient to start from at each output.
        allow_unused: give None for an input that the outputs do not depend on, instead of an error.
        materialize_grads: give zeros for it instead.
        is_grads_batched: `grad_outputs` have an extra first dimension; one pass is run for each of its entries.

    >>> import autodiff_lab as lab
    >>> x = lab.tensor(3.0, requires_grad=True)
    >>> lab.autograd.grad(x * x, x)
    (tensor(6.),)
    """
    outputs, inputs = _sequence(outputs), _sequence(inputs)
    if not inputs:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty: name the tensors whose gradients you want.")
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False.")
    if is_grads_batched:
        many = _sequence(grad_outputs)
        rows = [grad(outputs, inputs, [None if g is None else g[i] for g in many], True if i < len(many[0]) - 1 else retain_graph, create_graph,
                     allow_unused=allow_unused, materialize_grads=materialize_grads) for i in range(len(many[0]))]
        return tuple(None if column[0] is None else public[""]["stack"](list(column)) for column in zip(*rows, strict=True))
    starts = _starts(outputs, _sequence(grad_outputs, len(outputs)), create_graph)
    places = []
    check_places(inputs)
    for tensor in inputs:
        if not tensor.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
        places.append(_place(tensor))
    captured = _run(outputs, starts, True if retain_graph is None and modes.repeats else retain_graph, create_graph, places, False)
    found = []
    for tensor, place in zip(inputs, places, strict=True):
        value = captured.get(place)
        if value is None and materialize_grads:
            value = public[""]["zeros_like"](tensor, requires_grad=create_graph)
        elif value is None and not allow_unused:
            raise RuntimeError(f"The differentiated Tensor at index {len(found)} appears to not have been used in the graph. Set allow_unused=True if this is the desired behavior.")
        found.append(value if value is None or isinstance(value, Tensor) else wrap(value.copy() if isinstance(value, np.ndarray) and value.base is not None else value))
    return tuple(found)


def _sequence(value, length: int = 1):
    if value is None:
        return [None] * length
    return [value] if isinstance(value, Tensor) else list(value)


def check_places(inputs) -> None:
    """Refuse what is no tensor among those whose gradients are wanted."""
    for each in inputs:
        if not isinstance(each, Tensor):
            raise RuntimeError(f"all inputs have to be Tensors or GradientEdges, but got {type(each).__name__}")


def _place(tensor):
    """Where the gradient of `tensor` arrives: its node, or itself if it is a leaf."""
    if tensor._view is not None:
        sync(tensor, True)
    return tensor._node or tensor


def _starts(tensors, grads, create_graph: bool) -> list:
    if len(grads) != len(tensors):
        raise RuntimeError(f"got {len(tensors)} tensors and {len(grads)} gradients")
    kind = tensors[0]._a.__class__ if len(tensors) == 1 else None
    if kind in ONES and grads[0] is None and tensors[0]._rg and not create_graph:
        return [ONES[kind]]  # the usual case: a loss
    starts = []
    for i, (tensor, given) in enumerate(zip(tensors, grads, strict=True)):
        if not tensor.requires_grad or tensor._view is not None and tensor._view.kind == NO_GRAD and tensor._node is None and tensor._view.base._rg:
            raise RuntimeError(f"element {i} of tensors does not require grad and does not have a grad_fn. "
                               "Nothing that made it asks for a gradient: set requires_grad=True on a leaf, and check for detach(), no_grad() or integer types on the way.")
        array = tensor._a
        if given is None:
            if array.size != 1:
                raise RuntimeError(f"grad can be implicitly created only for scalar outputs. This tensor has shape {list(tensor.shape)}: "
                                   "reduce it first, e.g. with .sum() or .mean(), or pass gradient=.")
            if not tensor.is_floating_point():
                raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {tensor.dtype}")
            given = array.dtype.type(1) if not array.ndim and isinstance(array, (np.generic, np.ndarray)) else namespace(array).ones_like(array)
            starts.append(wrap(given) if create_graph else given)
            continue
        if not isinstance(given, Tensor):
            raise TypeError("gradients can be either Tensors or None, but got " + type(given).__name__)
        if given.shape != tensor.shape:
            raise RuntimeError(f"Mismatch in shape: grad_output[{i}] has a shape of {given.shape} and output[{i}] has a shape of {tensor.shape}.")
        starts.append(given if create_graph else given._a)
    return starts


def _run(tensors, starts, retain_graph, create_graph, wanted, accumulate) -> dict:
    watching = bool(observe.followers)
    if watching:
        observe.tell("backward_began", tensors, create_graph)
    before, modes.grad = modes.grad, create_graph
    failure = None
    keep = create_graph if retain_graph is None else retain_graph
    if watching and keep:
        observe.tell("graph_kept")
    try:
        captured = run_backward(list(map(_place, tensors)), starts, retain_graph=keep, create_graph=create_graph, inputs=wanted, accumulate=accumulate)
        if watching and not accumulate:
            observe.tell("gradients_returned", captured)
        return captured
    except BaseException as error:
        failure = error
        raise
    finally:
        modes.grad = before
        if watching:
            observe.tell("backward_ended", failure)


public.setdefault("autograd", {}).update(backward=backward, grad=grad)
Tensor._start_backward = staticmethod(backward)
