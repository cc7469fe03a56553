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
from . import observe
from .dtypes import FLOATING, NATIVE, can_cast, cast_error, dtype_of
from .modes import modes
from .tape import EngineOp, Version, clock, new_node, new_version
from .tensor import Tensor, wrap

__all__ = ["View", "attach_if_view", "attach_view", "check_writable", "geometry", "link_to", "overlap", "owner", "rebase", "reshape_in_place", "shadow", "sync", "write_in_place"]

NORMAL, NO_GRAD, SEVERAL, CUSTOM = "normal", "no_grad", "several", "custom"


class View:
    """What makes a tensor a view: its base, the version at which its node was right, how it was made.

    It never changes, so that a view of a view can have the same one.
    """

    __slots__ = ("base", "kind", "version")


def link_to(base, kind: str, version: int) -> View:
    """`View(...)` in less time: filled here, without a call of __init__."""
    view = View()
    view.base, view.kind, view.version = base, kind, version
    return view


def attach_view(result, source, several: bool = False) -> None:
    """Make `result`, whose array is a view of `source`'s, share its version and remember its base."""
    link = source._view
    base = source if link is None else link.base
    version = base._ver
    if version is None:
        version = base._ver = new_version()
    result._ver = version
    if modes.grad:
        # A view of a view that can't be written to can't be written to either.
        kind = SEVERAL if several else NORMAL if link is None else link.kind
    else:
        kind = NO_GRAD
        # PyTorch says so, although nothing flows through a view that was made without recording.
        result._rg = base._rg and not modes.inference
    same = link is not None and link.kind is kind and link.version == version.count
    result._view = link if same else link_to(base, kind, version.count)


def attach_if_view(result, source) -> None:
    """The same for operators such as reshape, which copy when they must."""
    if shares(result._a, source._a):
        attach_view(result, source)
    else:
        result._view = result._ver = None


def geometry(view, base) -> tuple:
    """Sizes, strides and offset of `view`'s memory inside `base`'s, in elements; in real numbers if one of them is complex and the other is not."""
    array, whole = view._array(), base._array()
    step = min(array.dtype.itemsize, whole.dtype.itemsize)
    sizes, strides = (array.shape, array.strides) if array.dtype.itemsize == step else ((*array.shape, 2), (*array.strides, step))
    return sizes, tuple(s // step for s in strides), (_address(array) - _address(whole)) // step


def _share_history(view, base) -> bool:
    """True for views of one type, and for real views of complex numbers and the reverse: other types look at the bits."""
    one, other = view._a.dtype, base._a.dtype
    return one == other or {one.kind, other.kind} == {"f", "c"} and view.dtype.to_complex() == base.dtype.to_complex()


def _address(array) -> int:
    return array.__array_interface__["data"][0] if isinstance(array, np.ndarray) else array.data.ptr


def sync(view, asked: bool = False) -> None:
    """Give a view the history of its base again, if somebody wrote to their memory since.

    Args:
        asked: also complain without recording, because somebody looks at the history itself.

    Raises:
        RuntimeError: if its history can't be known: it is one of several outputs, or was made without recording.
    """
    link = view._view
    base = link.base
    if not base._rg:
        return
    if link.version == view._ver.count:
        view._rg = True
        return
    if not _share_history(view, base):
        return
    if link.kind != NORMAL:
        if modes.grad or asked:
            raise RuntimeError(rebase_message(view, "its base or another view of its base has been"))
        return
    view._view = link_to(base, NORMAL, view._ver.count)
    if not view._a.size or not isinstance(base._a, np.ndarray) or np.may_share_memory(view._array(), _whole(base)):
        _regenerate(view, base)  # else somebody assigned to the base's `.data`, and the view keeps the history it has


def _whole(tensor):
    """All the memory that the array of `tensor` is a part of."""
    array = tensor._array()
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def rebase_message(view, what: str) -> str:
    """Why a view that has no history of its own may not be written to."""
    node = view._node
    if view._view.kind == CUSTOM and node is not None:
        return (f"Output {view.output_nr} of {(node.edges[0] if node.op.is_port else node).name().split('Backward')[0]} is a view and {what} modified inplace. This view was created inside a custom Function "
                "(or because an input was returned as-is) and the autograd logic to handle view+inplace would override the custom backward associated with the custom Function, "
                "leading to incorrect gradients. This behavior is forbidden. You can fix this by cloning the output of the custom Function.")
    if view._view.kind == NO_GRAD or node is None:
        return (f"A view was created in no_grad mode and {what} modified inplace with grad mode enabled. Given that this use case is ambiguous and error-prone, "
                "it is forbidden. You can clarify your code by moving both the view and the inplace either both inside the no_grad block (if you don't want the "
                "inplace to be tracked) or both outside (if you want the inplace to be tracked).")
    name, number = (node.edges[0].name(), node.saved[0] if node.saved else 0) if node.op.is_port else (node.name(), 0)
    return (f"Output {number} of {name.split('Backward')[0]} is a view and {what} modified inplace. This view is the output of a function that returns multiple views. "
            "Such functions do not allow the output views to be modified inplace. You should replace the inplace operation by an out-of-place one.")


def _regenerate(view, base) -> None:
    from .op import registry

    enabled, modes.grad = modes.grad, True
    try:
        seen = registry["view_as_real"].function(base) if base.is_complex() and not view.is_complex() else base
        fresh = registry["as_strided"].function(seen, *geometry(view, base))
        if view.is_complex() and not base.is_complex():
            fresh = registry["view_as_complex"].function(fresh)
    finally:
        modes.grad = enabled
    before, view._node, view._rg = view._node, fresh._node, True
    keep_on(view, before)


def shadow(tensor, array=None):
    """The tensor as it is now, as another object, so that a node can keep it while the tensor moves on."""
    old = wrap(tensor._a if array is None else array)
    old._rg, old._node, old._ver = tensor._rg, tensor._node, tensor._ver if array is None else None
    return old


def check_writable(tensor, op, recorded: bool | None = None) -> None:
    """Refuse writes that would make gradients or values wrong.

    Args:
        recorded: whether the write takes part in the graph; default: if `tensor` requires a gradient.

    Raises:
        RuntimeError: for a leaf that requires grad, a view of one, one of several views, or memory that overlaps itself.
    """
    if recorded is None:
        recorded = modes.grad and tensor._rg
    if recorded:
        check_history(tensor, op)
    array = tensor._a
    if isinstance(array, np.generic) or not array.ndim or not array.size:
        return
    if any(stride == 0 and size > 1 for stride, size in zip(array.strides, array.shape, strict=True)):
        if op.name in MAY_REPEAT:
            from .errors import caution
            caution(f"Use of {MAY_REPEAT[op.name]} on expanded tensors is deprecated. Please clone() the tensor before performing this operation. "
                    "This also applies to advanced indexing e.g. tensor[indices] = tensor")
            return
        raise RuntimeError("unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
                           "Please clone() the tensor before performing the operation.")


FILLS = frozenset(("fill", "zero"))  # one number everywhere: memory that overlaps itself does no harm
MAY_REPEAT = {"index_put_at": "index_put_", "index_fill": "index_fill_", "masked_fill": "masked_fill_", "masked_scatter": "masked_scatter_"}


def check_history(tensor, op) -> None:
    """Refuse a recorded write to what has no history to rewrite."""
    view = tensor._view
    if view is not None:
        if view.kind != NORMAL:
            raise RuntimeError(rebase_message(tensor, "is being"))
        if tensor._rg and view.base._node is None:
            raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation. Write inside torch.no_grad(), or clone() first.")
    if tensor._rg and tensor._node is None:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation. "
                           f"{op.name}_ would overwrite the value that its gradient belongs to: write inside torch.no_grad(), or use the out-of-place {op.name}.")


# These read other tensors while they write, so they may not share any memory with them.
APART = frozenset(("index_put_at", "scatter", "scatter_add", "scatter_reduce", "index_copy", "index_add", "masked_scatter", "put"))


def check_apart(op, tensor, args) -> None:
    """Refuse to read memory that is being written, unless element by element the same."""
    for other in args[1:]:
        if not isinstance(other, Tensor) or other._ver is not tensor._ver and owner(other._a) is not owner(tensor._a):
            continue
        if other is tensor and op.name not in APART:
            continue
        if other is tensor or overlap(tensor._array(), other._array(), op.name in APART):
            raise RuntimeError("unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location. "
                               "Please clone() the tensor before performing the operation.")


def owner(array):
    """The array that has the memory."""
    return array if array.base is None else array.base


def overlap(written, read, completely: bool) -> bool:
    """True if the two share memory, as far as PyTorch looks; the very same elements count only if `completely`."""
    if not (isinstance(written, np.ndarray) and written.size and read.size and _is_dense(written) and _is_dense(read)):
        return False  # PyTorch does not look closer either
    start, other = _address(written), _address(read)
    if start == other and written.nbytes == read.nbytes:
        return completely or written.ndim != read.ndim or [s for s, n in zip(written.strides, written.shape, strict=True) if n > 1] != [s for s, n in zip(read.strides, read.shape, strict=True) if n > 1]
    return start < other + read.nbytes and other < start + written.nbytes


def _is_dense(array) -> bool:
    """True if the elements fill their memory without gaps, in any order of dimensions."""
    if array.flags.c_contiguous or array.flags.f_contiguous:
        return True
    expected = array.dtype.itemsize
    for stride, n in sorted((s, n) for s, n in zip(array.strides, array.shape, strict=True) if n > 1):
        if stride != expected:
            return False
        expected *= n
    return True


class Plan:
    """What writing in place needs to know of an operator, found out once."""

    __slots__ = ("defaults", "first_has_rule", "fills", "is_copy", "keeps_old", "keyword", "positional", "ruled", "saved", "tensors")

    def __init__(self, op):
        names = op.built.saved_names
        params = list(enumerate(op.params))
        self.tensors = tuple((i, p.kind) for i, p in params if p.is_tensor or p.kind == "list")
        self.ruled = frozenset(i for i, p in params if p.name in op.rules)
        self.first_has_rule = 0 in self.ruled
        self.saved = tuple(i for i, p in params if i and p.name in names)
        self.keeps_old = op.params[0].name in names
        self.keyword = tuple((i, p.name) for i, p in params if p.keyword_only)
        self.positional = tuple(i for i, p in params if not p.keyword_only)
        self.defaults = tuple((i, p.default) for i, p in params if not p.is_tensor)
        self.fills, self.is_copy = op.name in FILLS, op.name == "copy"


def plan_of(op) -> Plan:
    """The plan of an operator."""
    plan = op.plan
    if plan is None:
        plan = op.plan = Plan(op)
    return plan


def write_in_place(op, self, args):
    """Run `op` and store its result in `self`, keeping versions and history right. Returns `self`."""
    if not isinstance(self, Tensor):
        from .support import argument_error
        raise argument_error(op, op.params[0].name, self, "Tensor")
    plan = op.plan or plan_of(op)
    recording = modes.grad
    values, wants_grad = _unwrap(op, plan, args, recording)
    target = self._a
    if op.refuses and target.dtype.kind in op.refuses:
        from .errors import refused
        raise refused(op, target)
    recorded = wants_grad or recording and self._rg
    alone = plan.fills or plan.is_copy and args[1] is self
    if recorded:
        check_history(self, op)
    if target.ndim and plan.fills and len(args) > 1 and isinstance(args[1], Tensor):
        check_writable(self, op, False)
    if target.ndim and not alone:
        if not target.flags.c_contiguous:
            check_writable(self, op, False)
        if len(args) > 1:
            check_apart(op, self, args)
    if recording and self._rg and not plan.first_has_rule:
        raise RuntimeError(f"{op.name}_ has no derivative here, so it can't write to a tensor that requires grad. {op.no_grad or 'Use detach() first.'}")
    old = None
    before = 0
    if wants_grad:
        before = next(clock)
        old = shadow(self, None if not plan.keeps_old else np.array(target) if isinstance(target, np.ndarray) else namespace(target).array(target))
    try:
        if op.promote is not None and len(plan.tensors) > 1 or op.promote == "float":
            values = _promoted(op, plan, values)
        try:
            result, extras = _store(op, plan, self, values)
        except OverflowError as error:
            from .errors import wrap_around
            result, extras = _store(op, plan, self, wrap_around(op, error, args, list(values)))
    except Exception as error:
        from .errors import explain
        raise explain(op, error, args) from None
    version = self._ver
    if version is None:
        version = self._ver = Version()
    version.bump()
    if wants_grad:
        args = [v if isinstance(a, np.generic) else a for a, v in zip(args, values, strict=True)]  # what is saved is Python's number
        _rewrite_history(op, self, old, args, result, extras, before)
    if observe.observers:
        observe.tell("op_ran", op, args, self)
    return self


def _unwrap(op, plan, args, recording: bool) -> tuple[list, bool]:
    """The arguments as the kernel takes them, and whether one wants a gradient."""
    values = list(args)
    wants_grad = False
    for i, kind in plan.tensors:
        value = args[i]
        if isinstance(value, Tensor):
            if value._view is not None:
                sync(value)
            values[i] = value._a
            if recording and value._rg and i in plan.ruled:
                wants_grad = True
        elif kind == "list":
            values[i] = [t._a for t in value]
            wants_grad = wants_grad or recording and any(t._rg for t in value)
        elif kind == "tensor":
            from .support import tensor_only
            values[i] = tensor_only(op, op.params[i].name, value)
        elif value.__class__ not in PLAIN and not (value is None and kind.startswith("optional")):
            from .support import operand
            values[i] = operand(op, op.params[i].name, value)
    return values, wants_grad


PLAIN = frozenset((float, int, bool, complex))


def _promoted(op, plan, values) -> list:
    """The values with tensor operands brought to one type."""
    if len(plan.tensors) == 2 and op.promote == "numeric":
        a, b = values[plan.tensors[0][0]], values[plan.tensors[1][0]]
        if b.__class__ in PLAIN and b.__class__ is not complex and (a.dtype in NATIVE or b.__class__ is int and a.dtype.kind in "iu") or getattr(b, "dtype", None) is a.dtype:
            return values
    from .support import differing, promote

    where = [i for i, _ in plan.tensors]
    operands = [values[i] for i in where]
    if op.promote == "float" or differing(operands):
        for i, value in zip(where, promote(op, operands), strict=True):
            values[i] = value
    return values


def _store(op, plan, self, values) -> tuple:
    """Compute and write; returns the array written and what the kernel keeps for its rules."""
    target = self._a
    if target.__class__ is np.ndarray:
        if not target.flags.writeable:
            raise RuntimeError(READ_ONLY)
        if op.ufunc is not None and target.ndim and _plain(op, plan, target, values):
            op.ufunc(*[values[i] for i, _ in plan.tensors], out=target)
            return target, ()
    keyword = {name: values[i] for i, name in plan.keyword} if plan.keyword else {}
    positional = [values[i] for i in plan.positional]
    if op.writer is not None and not isinstance(target, np.generic):
        op.writer(*positional, **keyword)
        return target, ()
    result = op.kernel(*positional, **keyword)
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
    else:
        target[...] = result
    return self._a, extras


def _plain(op, plan, target, values) -> bool:
    """True if the operator's ufunc can write into `target` directly: usual options, equal types, no broadcasting of the target."""
    for i, default in plan.defaults:
        if values[i] != default:
            return False
    for i, _ in plan.tensors:
        value = values[i]
        if value.__class__ is complex and target.dtype.kind != "c":
            return False
        if value.__class__ not in PLAIN and (value.dtype is not target.dtype or value.shape != target.shape and np.broadcast_shapes(value.shape, target.shape) != target.shape):
            return False
    return op.promote != "float" and op.ufunc is not np.true_divide or target.dtype in FLOATING


READ_ONLY = "this tensor's memory is read-only (it came from a read-only NumPy array); clone() it before writing."


def _rewrite_history(op, self, old, args, result, extras, before: int = 0) -> None:
    """Make `op` the last step in the history of `self`, and of the base that it is a view of."""
    view = self._view
    holder = self
    if view is not None:
        holder = wrap(result)
        holder._ver = self._ver
    op.built.record(holder, result, *extras, old, *args[1:])
    inner = holder._node
    if op.name == "fill":
        inner.op = op.named("FillBackward3" if isinstance(args[1], Tensor) else "FillBackward2")
    if before and any(isinstance(args[i], Tensor) and args[i]._ver is self._ver for i in plan_of(op).saved):
        inner.seq = before  # what it saved of `self` was overwritten: the backward pass must notice
    if view is None:
        keep_on(self, old._node)
    else:
        rebase(self, inner)


def rebase(self, inner) -> None:
    """Make the node `inner`, which wrote to the view `self`, the last step in the history of its base."""
    view = self._view
    base = view.base
    sizes, strides, offset = geometry(self, base)
    edge = (base._node or base) if base._rg else None
    whole = base._array()
    frame = None if whole.flags.c_contiguous else tuple(s // whole.dtype.itemsize for s in whole.strides)
    if base.is_complex() and not self.is_complex() and frame is not None:
        frame = (*(2 * s for s in frame), 1)
    kinds = (base.is_complex(), self.is_complex())
    before, base._node = base._node, new_node(COPY_SLICES, (edge, *inner.edges[1:]), (inner, frame, sizes, strides, offset, kinds), base._a.shape, base._a.dtype)
    base._rg = True
    self._view = link_to(base, view.kind, self._ver.count)
    _regenerate(self, base)
    keep_on(base, before)


def keep_on(tensor, node) -> None:
    """Let a tensor that retains its gradient retain the one of its new node, and no longer that of `node`."""
    if tensor._x is None or not tensor._x.retains_grad or node is None:
        return
    for keeper in [k for k in node.meta.retain if k() is tensor]:
        node.meta.retain.remove(keeper)
        tensor._node.meta.retain.append(keeper)


IN_PLACE_NAMES = {"unsqueeze": "UnsqueezeBackward1", "transpose": "TransposeBackward1", "t": "TBackward1", "as_strided": "AsStridedBackward1"}


def reshape_in_place(op, self, args):
    """Give `self` the shape that the view operator `op` makes of it. Returns `self`."""
    if not isinstance(self, Tensor):
        from .support import argument_error
        raise argument_error(op, "input", self, "Tensor")
    if self._view is not None:
        sync(self)
    if modes.grad and self._rg:
        check_history(self, op)
    self._array()
    made = op.function(shadow(self), *args)
    self._a = made._a
    if self._ver is None:
        self._ver = Version()
    self._ver.bump()
    node = made._node
    if node is not None:
        node.op = op.named(IN_PLACE_NAMES.get(op.name) or ("SqueezeBackward3" if args[0] is None else "SqueezeBackward4"))
        self._node = node
        if self._view is not None:
            self._view = link_to(self._view.base, self._view.kind, self._ver.count)
    return self


def _copy_slices_backward(node, grad):
    """Inside the slice the gradient goes through the operator that wrote it; outside, on unchanged."""
    from .op import array_ops, ops
    from .tape import FREED

    if node.saved is None:
        raise RuntimeError(FREED)
    inner, frame, sizes, strides, offset, (whole_is_complex, part_is_complex) = node.saved
    recorded = isinstance(grad, Tensor)
    on = ops if recorded else array_ops
    if whole_is_complex and not part_is_complex:
        grad = on.view_as_real(grad)
    image = on.to_image(grad, frame)
    part = on.clone(on.as_strided(image, sizes, strides, offset))
    if part_is_complex and not whole_is_complex:
        part = on.view_as_complex(part)
    contributions = (inner.op.backward_tensors if recorded else inner.op.backward)(inner, part)
    first = contributions[0] if contributions[0] is not None else part * 0
    if part_is_complex and not whole_is_complex:
        first = on.view_as_real(first)
    whole = on.read_image(on.as_strided_scatter(image, first, sizes, strides, offset), tuple(grad.shape), frame)
    return (on.view_as_complex(whole) if whole_is_complex and not part_is_complex else whole, *contributions[1:])


COPY_SLICES = EngineOp("torch::autograd::CopySlices", _copy_slices_backward)
COPY_SLICES.category = "index"
