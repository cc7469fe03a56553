"""`Function`: operators of your own, with a forward and a backward written by hand.

    class Cube(lab.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x ** 3

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return grad * 3 * x ** 2

    y = Cube.apply(x)
"""

from __future__ import annotations

import functools
import weakref

from ..core import observe
from ..core.dtypes import FLOATING
from ..core.errors import caution
from ..core.modes import modes
from ..core.op import public
from ..core.tape import FREED, EngineOp, OwnNode, Version, new_node, port
from ..core.tensor import Tensor, wrap
from ..core.views import CUSTOM, check_history, link_to, rebase, sync
from . import forward_ad

__all__ = ["Function", "FunctionCtx", "once_differentiable"]


class FunctionCtx:
    """What `forward` hands to `backward`: saved tensors, and any attribute you set on it."""

    def __init__(self):
        self._to_save, self._for_forward, self._dirty, self._non_differentiable = (), (), (), ()
        self._materialize, self._node = True, None
        self.needs_input_grad = ()

    def save_for_backward(self, *tensors) -> None:
        """Keep inputs or outputs for backward, where `ctx.saved_tensors` returns them. Call it once.

        Raises:
            TypeError: for anything else; keep that as an attribute of `ctx`.
        """
        for i, value in enumerate(tensors):
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(f"save_for_backward can only save variables, but argument {i} is of type {type(value).__name__}")
        self._to_save = tensors

    def save_for_forward(self, *tensors) -> None:
        """Keep tensors for `jvp`, where `ctx.saved_tensors` returns them."""
        self._for_forward = tensors

    def mark_dirty(self, *tensors) -> None:
        """Say which inputs `forward` wrote to in place."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors) -> None:
        """Say which outputs have no gradient."""
        self._non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """If False, backward receives None instead of zeros for outputs that got no gradient."""
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple:
        """The tensors given to `save_for_backward`.

        Raises:
            RuntimeError: after they were freed by a backward pass, or if one was written to since.
        """
        node = self._node() if self._node is not None else None
        if node is None:
            return tuple(self._for_forward or self._to_save)
        if node.saved is None:
            raise RuntimeError(FREED)
        opened = []
        from ..core.saved import reopen
        for value in node.saved if node.saved.__class__ is tuple else reopen(node):
            if isinstance(value, _SavedOutput):
                value = value.open(node)
            elif isinstance(value, Tensor) and value._ver is not None and value._ver.last > node.seq:
                from ..core.support import stale
                stale(node, value._ver, value._a, "")
            opened.append(value)
        return tuple(opened)

    saved_variables = saved_tensors


class _SavedOutput:
    """An output of the function itself: kept as its array, because keeping the tensor would be a cycle."""

    __slots__ = ("array", "index", "version")

    def __init__(self, tensor, index: int):
        if tensor._ver is None:
            tensor._ver = Version()
        self.array, self.index, self.version = tensor._a, index, tensor._ver

    def open(self, node):
        from ..core.support import saved_output, stale

        if self.version.last > node.seq:
            stale(node, self.version, self.array, node.name())
        return saved_output(node, self.array, self.index, self.version)


class _FunctionOp(EngineOp):
    """The step of one call of a Function."""

    shown_in = "torch.autograd.function."

    def __init__(self, function, ctx, inputs):
        super().__init__(f"{function.__name__}Backward", None)
        self.function, self.ctx = function, ctx
        self.is_input_tensor = [isinstance(value, Tensor) for value in inputs]
        self.backward, self.backward_tensors = self._on_arrays, self._on_tensors

    def _on_arrays(self, node, grad):
        if isinstance(grad, list):
            given = [g if g is None else wrap(g) for g in grad]
        else:
            given = [wrap(grad)]
        return tuple(None if r is None else r._a for r in self._on_tensors(node, given if isinstance(grad, list) else given[0]))

    def _on_tensors(self, node, grad):
        given = grad if isinstance(grad, list) else [grad]
        function = self.function
        if function.vjp is not Function.vjp and function.backward is Function.backward:
            returned = function.vjp(self.ctx, *given)
        else:
            returned = function.backward(self.ctx, *given)
        returned = list(returned) if isinstance(returned, (tuple, list)) else [returned]
        expected = len(self.is_input_tensor)
        while len(returned) > expected and returned[-1] is None:
            returned.pop()
        if len(returned) != expected:
            raise RuntimeError(f"function {self.name} returned an incorrect number of gradients (expected {expected}, got {len(returned)})")
        for i, (value, is_tensor) in enumerate(zip(returned, self.is_input_tensor, strict=True)):
            if value is not None and not is_tensor:
                raise RuntimeError(f"function {self.name} returned a gradient different from None at position {i + 1}, but the corresponding forward input was not a Variable")
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(f"expected Variable or None (got {type(value).__name__}) from the backward of {function.__name__} at position {i + 1}.")
            if value is not None and value._view is not None:
                sync(value)
        return tuple(returned)

    def zeros(self, shape, dtype, like):
        """What backward receives for an output that got no gradient."""
        if not self.ctx._materialize:
            return None
        from ..core.op import Op
        return Op.zeros(shape, dtype, like)

    def output_shapes(self, node):
        return node.dtype

    def call(self, node, grads):
        return self._on_tensors(node, list(grads))


class FunctionMeta(type):
    """The class of Functions, which warns whoever makes an object of one."""

    def __call__(cls, *args, **kwargs):
        caution(f"{cls} should not be instantiated. Methods on autograd functions are all static, so you should invoke them on the class itself. "
                "Instantiating an autograd function will raise an error in a future version of PyTorch.", DeprecationWarning)
        return super().__call__()


class Function(metaclass=FunctionMeta):
    """Base class of operators with a hand-written derivative; call them by `apply`.

    `forward(ctx, *inputs)` computes and saves; or `forward(*inputs)` computes and
    `setup_context(ctx, inputs, output)` saves. `backward(ctx, *grads)` returns one gradient per input,
    None where there is none.

    >>> import autodiff_lab as lab
    >>> class Cube(lab.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x ** 3
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         x, = ctx.saved_tensors
    ...         return grad * 3 * x ** 2
    >>> x = lab.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad
    tensor(12.)
    """

    def __call__(self, *args, **kwargs):
        raise RuntimeError("Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd function with static "
                           f"forward method: call {type(self).__name__}.apply(...) instead of {type(self).__name__}(...)(...).")

    @staticmethod
    def forward(*args, **kwargs):
        """Override: compute the result, from `ctx` and the inputs or, with a `setup_context`, from the inputs alone."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Override, where `forward` takes no `ctx`: keep in `ctx` what `backward` needs."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx, *grad_outputs):
        """Override: from the gradients of the outputs, one gradient for each input of `forward`; None where there is none."""
        raise NotImplementedError("You must implement either the backward or vjp method for your custom autograd.Function to use it with backward mode AD.")

    vjp = backward

    @staticmethod
    def jvp(ctx, *grad_inputs):
        """Override for forward mode: from the tangents of the inputs, the tangent of each output."""
        raise NotImplementedError("You must implement the jvp function for custom autograd.Function to use it with forward mode AD.")

    @classmethod
    def apply(cls, *args, **kwargs):
        """Run forward and, if an input requires a gradient, record it."""
        ctx = FunctionCtx()
        for value in args:
            if isinstance(value, Tensor) and value._view is not None:
                sync(value)
        needs = tuple(isinstance(value, Tensor) and value._rg for value in args)
        ctx.needs_input_grad = needs
        separate = cls.setup_context is not Function.setup_context
        recording, modes.grad = modes.grad, False
        try:
            result = cls.forward(*args, **kwargs) if separate else cls.forward(ctx, *args, **kwargs)
            if separate:
                cls.setup_context(ctx, args, result)
        finally:
            modes.grad = recording
        recorded = recording and any(needs)
        single = not isinstance(result, (tuple, list))
        outputs = [result] if single else list(result)
        for i, value in enumerate(outputs):
            if not isinstance(value, Tensor):
                continue
            if any(value is given for given in args):
                if not recorded and value.requires_grad:
                    outputs[i] = value.detach()
                elif not any(value is d for d in ctx._dirty):
                    outputs[i] = value.view_as(value)
            elif not recorded and value._view is None:
                value._node, value._rg = None, False
            link = outputs[i]._view
            if link is not None and not any(value is d for d in ctx._dirty):
                outputs[i]._view = link_to(link.base, CUSTOM, outputs[i]._ver.count)
        for tensor in ctx._dirty:
            if tensor._ver is None:
                tensor._ver = Version()
            tensor._ver.bump()
            if recorded:
                check_history(tensor, _Shown(cls))
                if tensor._view is not None and len(outputs) > 1:
                    raise RuntimeError("If your Function modifies a view inplace and returns more than one Tensor, all the modified views must be cloned first: this is not supported.")
        if forward_ad.state.levels and any(needs) and (level := forward_ad.level_behind(args)) is not None:
            outputs = cls._pushed(level, ctx, args, outputs)
        elif recording and any(needs):
            cls._record(ctx, args, outputs)
        if observe.observers:
            observe.tell("op_ran", _Shown(cls), args, outputs[0] if single else tuple(outputs))
        return outputs[0] if single else tuple(outputs)

    @classmethod
    def _pushed(cls, level, ctx, args, outputs) -> list:
        """The outputs as dual tensors, whose tangents `jvp` finds."""
        tangents = level.tangents_of(args)
        if ctx._materialize:
            tangents = [public[""]["zeros_like"](a) if t is None and isinstance(a, Tensor) else t for a, t in zip(args, tangents, strict=True)]
        found = cls.jvp(ctx, *tangents)
        found = found if isinstance(found, tuple) else (found,)
        return [level.dual(out.detach(), tangent) if tangent is not None else out for out, tangent in zip(outputs, found, strict=True)]

    @classmethod
    def _record(cls, ctx, args, outputs) -> None:
        edges = tuple((value._node or value) if isinstance(value, Tensor) and value._rg else None for value in args)
        carriers = [i for i, value in enumerate(outputs) if isinstance(value, Tensor) and value._a.dtype in FLOATING
                    and not any(value is n for n in ctx._non_differentiable)]
        first = next((value for value in outputs if isinstance(value, Tensor)), None)
        if first is None or not carriers:
            return
        saved = []
        for value in ctx._to_save:
            index = next((i for i, output in enumerate(outputs) if output is value), None)
            saved.append(value if index is None else _SavedOutput(value, index))
        operation = _FunctionOp(cls, ctx, args)
        if len(outputs) == 1:
            node = new_node(operation, edges, tuple(saved), first._a.shape, first._a.dtype, OwnNode)
            if carriers and outputs[0]._view is not None and any(outputs[0] is tensor for tensor in ctx._dirty):
                rebase(outputs[0], node)
            else:
                outputs[0]._node, outputs[0]._rg = node, True
        else:
            shapes = [(value._a.shape, value._a.dtype) if isinstance(value, Tensor) else ((), first._a.dtype) for value in outputs]
            node = new_node(operation, edges, tuple(saved), None, shapes, OwnNode)
            for i in carriers:
                outputs[i]._node, outputs[i]._rg = port(node, i, *shapes[i]), True
        ctx._to_save = ()
        ctx._node = weakref.ref(node)


class _Shown:
    """What observers see of a custom Function."""

    category, latex, rules, params, is_port = "other", None, {}, (), False

    def __init__(self, function):
        self.name, self.node_name, self.function = function.__name__, f"{function.__name__}Backward", function


def once_differentiable(fn):
    """Mark a `backward` whose own derivative would be wrong: asking for it is an error."""
    @functools.wraps(fn)
    def wrapped(ctx, *grads):
        recording = modes.grad
        modes.grad = False
        try:
            returned = fn(ctx, *grads)
        finally:
            modes.grad = recording
        if not recording or not any(isinstance(g, Tensor) and g._rg for g in grads):
            return returned
        many = returned if isinstance(returned, tuple) else (returned,)
        refused = tuple(r if not isinstance(r, Tensor) else _refusing(r) for r in many)
        return refused if isinstance(returned, tuple) else refused[0]
    return wrapped


def _refuse(node, grad):
    raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


_DELAYED_ERROR = EngineOp("DelayedError", _refuse)


def _refusing(value):
    made = wrap(value._a)
    made._node = new_node(_DELAYED_ERROR, (), (), value._a.shape, value._a.dtype)
    made._rg = True
    return made


public.setdefault("autograd", {}).update(Function=Function)

