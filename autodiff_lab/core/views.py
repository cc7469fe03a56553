"""Views and in-place writes: tensors that share memory also share history.

A view remembers its base. A write through either bumps the version that they share, and rewrites
history so that gradients stay right:

    y = x * 2            y: node mul
    v = y[0]             v: view of y
    v.mul_(3)            y: node CopySlices (mul on the slice, the old history elsewhere)
                         v: regenerated from y when next looked at
"""

from __future__ import annotations

import numpy as np

from ..backend import namespace, shares
from .dtypes import can_cast, cast_error, dtype_of
from .modes import modes
from .tape import EngineOp, Version, new_node
from .tensor import Tensor, wrap

__all__ = ["View", "attach_if_view", "attach_view", "geometry", "prepare", "reshape_in_place", "shadow", "sync", "write_in_place", "write_out"]

NORMAL, NO_GRAD, SEVERAL = "normal", "no_grad", "several"


class View:
    """What makes a tensor a view: its base, the version at which its node was right, how it was made."""

    __slots__ = ("base", "kind", "version")

    def __init__(self, base, version: int, kind: str):
        self.base, self.version, self.kind = base, version, kind


def attach_view(result, source, several: bool = False) -> None:
    """Make `result`, whose array is a view of `source`'s, share its version and remember its base."""
    base = source._view.base if source._view is not None else source
    version = base._ver
    if version is None:
        version = base._ver = Version()
    result._ver = version
    result._view = View(base, version.count, SEVERAL if several else NORMAL if modes.grad else NO_GRAD)


def attach_if_view(result, source) -> None:
    """The same for operators such as reshape, which copy when they must."""
    if shares(result._a, source._a):
        attach_view(result, source)


def geometry(view, base) -> tuple:
    """Sizes, strides and offset, in elements, of `view`'s memory inside `base`'s."""
    array, whole = view._array(), base._array()
    step = array.dtype.itemsize
    start = (_address(array) - _address(whole)) // step
    return array.shape, tuple(s // step for s in array.strides), start


def _address(array) -> int:
    return array.__array_interface__["data"][0] if isinstance(array, np.ndarray) else array.data.ptr


def sync(view) -> None:
    """Give a view the history of its base again, if somebody wrote to their memory since."""
    link = view._view
    if link.version == view._ver.count:
        return
    link.version = view._ver.count
    base = link.base
    if base._rg and link.kind != NO_GRAD and base._a.dtype == view._a.dtype:
        _regenerate(view, base)


def _regenerate(view, base) -> None:
    from .op import registry

    enabled, modes.grad = modes.grad, True
    try:
        fresh = registry["as_strided"].function(base, *geometry(view, base))
    finally:
        modes.grad = enabled
    view._node, view._rg = fresh._node, True


def shadow(tensor, array=None):
    """The tensor as it is now, as another object, so that a node can keep it while the tensor moves on."""
    old = wrap(tensor._a if array is None else array)
    old._rg, old._node, old._ver = tensor._rg, tensor._node, tensor._ver if array is None else None
    return old


def check_writable(tensor, op) -> None:
    """Refuse writes that would make gradients or values wrong.

    Raises:
        RuntimeError: for a leaf that requires grad, a view of one, one of several views, or memory that overlaps itself.
    """
    view = tensor._view
    if modes.grad:
        if tensor._rg and tensor._node is None:
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation. "
                               f"{op.name}_ would overwrite the value that its gradient belongs to: write inside torch.no_grad(), or use the out-of-place {op.name}.")
        if view is not None and view.base._rg and view.base._node is None:
            raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation. Write inside torch.no_grad(), or clone() first.")
        if view is not None and view.kind == SEVERAL and tensor._rg:
            name = tensor._node.edges[0].name() if tensor._node is not None and tensor._node.op.is_port else "a multi-output function"
            raise RuntimeError(f"Output 0 of {name} is a view and is being modified inplace. This view is the output of a function that returns multiple views. "
                               "Such functions do not allow the output views to be modified inplace. You should replace the inplace operation by an out-of-place one.")
    array = tensor._a
    if isinstance(array, np.generic) or not array.ndim or not array.size:
        return
    if any(stride == 0 and size > 1 for stride, size in zip(array.strides, array.shape, strict=True)):
        raise RuntimeError("unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
                           "Please clone() the tensor before performing the operation.")


def prepare(op, args) -> list:
    """The arguments of `op` as its kernel takes them: arrays, numbers, promoted."""
    values = list(args)
    where = []
    for i, (param, value) in enumerate(zip(op.params, values, strict=True)):
        if param.kind == "list":
            values[i] = [t._a for t in value]
        elif param.is_tensor and isinstance(value, Tensor):
            if value._view is not None:
                sync(value)
            values[i] = value._a
        elif isinstance(value, np.generic) and param.is_tensor:
            values[i] = value.item()
        if param.is_tensor:
            where.append(i)
    if op.promote is not None and where:
        from .support import differing, promote
        operands = [values[i] for i in where]
        if op.promote == "float" or differing(operands):
            for i, value in zip(where, promote(op, operands), strict=True):
                values[i] = value
    return values


def write_in_place(op, self, args):
    """Run `op` and store its result in `self`, keeping versions and history right. Returns `self`."""
    from .support import argument_error, operand
    from .errors import explain

    if not isinstance(self, Tensor):
        raise argument_error(op, op.params[0].name, self, "Tensor")
    for param, value in zip(op.params, args, strict=True):
        if param.is_tensor and not isinstance(value, Tensor) and not (value is None and param.kind.startswith("optional")):
            operand(op, param.name, value)
    if self._view is not None:
        sync(self)
    check_writable(self, op)
    values = prepare(op, args)
    wants_grad = modes.grad and any(isinstance(v, Tensor) and v._rg and p.name in op.rules for p, v in zip(op.params, args, strict=True))
    if modes.grad and self._rg and op.params[0].name not in op.rules:
        raise RuntimeError(f"{op.name}_ has no derivative here, so it can't write to a tensor that requires grad. {op.no_grad or 'Use detach() first.'}")
    old = None
    if wants_grad:
        keeps_old = op.params[0].name in op.built.saved_names
        old = shadow(self, np.array(self._a) if keeps_old and isinstance(self._a, np.ndarray) else namespace(self._a).array(self._a) if keeps_old else None)
    try:
        result, extras = _store(op, self, values)
    except Exception as error:
        raise explain(op, error, args) from None
    if self._ver is None:
        self._ver = Version()
    self._ver.bump()
    if wants_grad:
        _rewrite_history(op, self, old, args, result, extras)
    elif self._view is not None:
        self._view.version = self._ver.count if not self._view.base._rg else self._view.version
    from . import observe
    if observe.observers:
        observe.tell("op_ran", op, args, self)
    return self


def _store(op, self, values) -> tuple:
    """Compute and write; returns the array written and what the kernel keeps for its rules."""
    target = self._a
    simple = op.ufunc is not None and isinstance(target, np.ndarray) and target.ndim and _plain_defaults(op, values)
    if simple:
        operands = [v for v, p in zip(values, op.params, strict=True) if p.is_tensor]
        arrays = [v for v in operands if isinstance(v, (np.ndarray, np.generic))]
        if all(v.dtype == target.dtype for v in arrays) and (len(arrays) < 2 or np.broadcast_shapes(*(v.shape for v in arrays)) == target.shape):
            op.ufunc(*operands, out=target)
            return target, ()
    keyword = {p.name: v for p, v in zip(op.params, values, strict=True) if p.keyword_only}
    if op.writer is not None and not isinstance(target, np.generic):
        if isinstance(target, np.ndarray) and not target.flags.writeable:
            raise RuntimeError(READ_ONLY)
        op.writer(*[v for p, v in zip(op.params, values, strict=True) if not p.keyword_only], **keyword)
        return target, ()
    result = op.kernel(*[v for p, v in zip(op.params, values, strict=True) if not p.keyword_only], **keyword)
    extras = ()
    if op.extras:
        result, *extras = result
    written, wanted = dtype_of(result), dtype_of(target)
    if not can_cast(written, wanted):
        raise cast_error(written, wanted)
    if result.shape != target.shape:
        raise RuntimeError(f"output with shape {list(target.shape)} doesn't match the broadcast shape {list(result.shape)}. "
                           f"In-place operations keep their left side's shape: use the out-of-place {op.name} instead.")
    if isinstance(target, np.generic):
        self._a = result if result.dtype == target.dtype and isinstance(result, np.generic) else target.dtype.type(result)
    elif not target.flags.writeable if isinstance(target, np.ndarray) else False:
        raise RuntimeError(READ_ONLY)
    else:
        target[...] = result
    return self._a, extras


READ_ONLY = "this tensor's memory is read-only (it came from a read-only NumPy array); clone() it before writing."


def _plain_defaults(op, values) -> bool:
    return all(p.is_tensor or (p.has_default and v == p.default) for p, v in zip(op.params, values, strict=True))


def _rewrite_history(op, self, old, args, result, extras) -> None:
    view = self._view
    if view is None:
        holder = self
        op.built.record(holder, result, *extras, old, *args[1:])
        return
    holder = wrap(result)
    holder._ver = self._ver
    op.built.record(holder, result, *extras, old, *args[1:])
    base = view.base
    inner = holder._node
    sizes, strides, offset = geometry(self, base)
    edge = (base._node or base) if base._rg else None
    whole = base._array()
    frame = None if whole.flags.c_contiguous else tuple(s // whole.dtype.itemsize for s in whole.strides)
    base._node = new_node(COPY_SLICES, (edge, *inner.edges[1:]), (inner, frame, sizes, strides, offset), base._a.shape, base._a.dtype)
    base._rg = True
    view.version = self._ver.count
    _regenerate(self, base)


def reshape_in_place(op, self, args):
    """Give `self` the shape that the view operator `op` makes of it. Returns `self`."""
    if not isinstance(self, Tensor):
        from .support import argument_error
        raise argument_error(op, "input", self, "Tensor")
    if self._view is not None:
        sync(self)
    if modes.grad and self._rg and self._node is None:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation. "
                           f"{op.name}_ would change what its gradient belongs to: write inside torch.no_grad(), or use the out-of-place {op.name}.")
    self._array()
    source = shadow(self)
    made = op.function(source, *args)
    self._a = made._a
    if self._ver is None:
        self._ver = Version()
    self._ver.bump()
    if self._view is not None:
        self._view.version = -1  # look at the base again, with the new geometry
    elif self._rg and modes.grad:
        self._node = made._node
    return self


def _copy_slices_backward(node, grad):
    """Inside the slice the gradient goes through the operator that wrote it; outside, on unchanged."""
    from .op import array_ops, ops
    from .tape import FREED

    if node.saved is None:
        raise RuntimeError(FREED)
    inner, frame, sizes, strides, offset = node.saved
    recorded = isinstance(grad, Tensor)
    on = ops if recorded else array_ops
    image = on.to_image(grad, frame)
    part = on.clone(on.as_strided(image, sizes, strides, offset))
    contributions = (inner.op.backward_tensors if recorded else inner.op.backward)(inner, part)
    first = contributions[0] if contributions[0] is not None else part * 0
    written = on.as_strided_scatter(image, first, sizes, strides, offset)
    return (on.read_image(written, tuple(grad.shape), frame), *contributions[1:])


COPY_SLICES = EngineOp("torch::autograd::CopySlices", _copy_slices_backward)


def write_out(op, out, array, wants_grad: bool):
    """Store a result in the tensor given as `out=`; resized if it is empty, as PyTorch does."""
    if not isinstance(out, Tensor):
        if isinstance(out, tuple) and isinstance(array, tuple):
            return type(out)(write_out(op, o, a, wants_grad) for o, a in zip(out, array, strict=True))
        raise TypeError(f"{op.name}(): argument 'out' must be Tensor, not {type(out).__name__}")
    if modes.grad and (wants_grad or out._rg):
        raise RuntimeError(f"{op.name}(): functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad.")
    if not can_cast(dtype_of(array), out.dtype):
        raise cast_error(dtype_of(array), out.dtype)
    target = out._array()
    if target.shape != array.shape:
        if target.size:
            import warnings
            warnings.warn(f"An output with one or more elements was resized since it had shape {list(target.shape)}, which does not match the required "
                          f"output shape {list(array.shape)}.", UserWarning, stacklevel=3)
        out._a = namespace(target).array(array, dtype=target.dtype)
    else:
        target[...] = array
    if out._ver is None:
        out._ver = Version()
    out._ver.bump()
    return out
