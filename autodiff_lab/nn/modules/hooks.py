"""Hooks: functions that modules call before and after forward, and when gradients pass them."""

from __future__ import annotations

import functools
from collections import OrderedDict

from ...core.errors import caution
from ...core.op import Op
from ...core.tape import EngineOp, Handle, Node, new_node, port
from ...core.tensor import Tensor, wrap

__all__ = ["Hooks", "HookHandle", "global_hooks"]

KINDS = ("_backward_pre_hooks", "_backward_hooks", "_forward_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called",
         "_forward_pre_hooks", "_forward_pre_hooks_with_kwargs", "_state_dict_hooks", "_state_dict_pre_hooks",
         "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks")


class HookHandle(Handle):
    """A handle that also takes its id out of the sets that say how the hook wants to be called."""

    def __init__(self, hooks: dict, hook, flags: tuple = (), first: bool = False):
        super().__init__(hooks, hook, extra_dict=flags)
        for flag in flags:
            flag[self.id] = True
        if first:
            hooks.move_to_end(self.id, last=False)

    def __getstate__(self):
        return {"id": self.id}

    def __setstate__(self, state):
        self.id, self._hooks, self._extra = state["id"], lambda: None, []


class GlobalHooks:
    """Hooks for all modules at once."""

    def __init__(self):
        self.forward_pre, self.forward, self.forward_kwargs, self.forward_always = OrderedDict(), OrderedDict(), OrderedDict(), OrderedDict()
        self.backward_pre, self.backward = OrderedDict(), OrderedDict()
        self.parameter, self.buffer, self.module = OrderedDict(), OrderedDict(), OrderedDict()

    def any_call(self) -> bool:
        return bool(self.forward_pre or self.forward or self.backward_pre or self.backward)


global_hooks = GlobalHooks()


class Hooks:
    """The `register_*_hook` methods of Module, and the call that runs what they register."""

    def register_forward_pre_hook(self, hook, *, prepend: bool = False, with_kwargs: bool = False) -> HookHandle:
        """Call `hook(module, args)` before forward; what it returns replaces the arguments.

        With `with_kwargs` it is `hook(module, args, kwargs)` and returns None or `(args, kwargs)`.
        """
        return HookHandle(self._forward_pre_hooks, hook, (self._forward_pre_hooks_with_kwargs,) if with_kwargs else (), prepend)

    def register_forward_hook(self, hook, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False) -> HookHandle:
        """Call `hook(module, args, output)` after forward; what it returns replaces the output.

        Args:
            with_kwargs: call it as `hook(module, args, kwargs, output)`.
            always_call: call it also when forward raised.
        """
        flags = ((self._forward_hooks_with_kwargs,) if with_kwargs else ()) + ((self._forward_hooks_always_called,) if always_call else ())
        return HookHandle(self._forward_hooks, hook, flags, prepend)

    def register_full_backward_hook(self, hook, prepend: bool = False) -> HookHandle:
        """Call `hook(module, grad_input, grad_output)` when the gradients of the inputs are known; a returned tuple replaces them."""
        if self._is_full_backward_hook is False:
            raise RuntimeError("Cannot use both regular backward hooks and full backward hooks on a single Module. Please use only one of them.")
        self._is_full_backward_hook = True
        return HookHandle(self._backward_hooks, hook, (), prepend)

    def register_full_backward_pre_hook(self, hook, prepend: bool = False) -> HookHandle:
        """Call `hook(module, grad_output)` when the gradients of the outputs are known; a returned tuple replaces them."""
        return HookHandle(self._backward_pre_hooks, hook, (), prepend)

    def register_backward_hook(self, hook) -> HookHandle:
        """Deprecated in favour of `register_full_backward_hook`, which sees the gradients of the whole module."""
        if self._is_full_backward_hook is True:
            raise RuntimeError("Cannot use both regular backward hooks and full backward hooks on a single Module. Please use only one of them.")
        self._is_full_backward_hook = False
        return HookHandle(self._backward_hooks, hook)

    def register_state_dict_post_hook(self, hook) -> HookHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` after the state dict was made."""
        hook._from_public_api = True
        return HookHandle(self._state_dict_hooks, hook)

    def _register_state_dict_hook(self, hook) -> HookHandle:
        return HookHandle(self._state_dict_hooks, hook)

    def register_state_dict_pre_hook(self, hook) -> HookHandle:
        """Call `hook(module, prefix, keep_vars)` before the state dict is made."""
        return HookHandle(self._state_dict_pre_hooks, hook)

    def _register_load_state_dict_pre_hook(self, hook, with_module: bool = False) -> HookHandle:
        return HookHandle(self._load_state_dict_pre_hooks, functools.partial(hook, self) if with_module else hook)

    def register_load_state_dict_pre_hook(self, hook) -> HookHandle:
        """Call `hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)` before loading."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def register_load_state_dict_post_hook(self, hook) -> HookHandle:
        """Call `hook(module, incompatible_keys)` after loading."""
        return HookHandle(self._load_state_dict_post_hooks, hook)

    def _call_with_hooks(self, args: tuple, kwargs: dict):
        """Forward with everything around it that somebody registered."""
        __tracebackhide__ = True
        called: set = set()
        result = None
        try:
            for key, hook in (*global_hooks.forward_pre.items(), *self._forward_pre_hooks.items()):
                args, kwargs = _run_pre_hook(self, hook, key in self._forward_pre_hooks_with_kwargs, args, kwargs)
            passage = self._passage()
            if passage is not None:
                args = passage.enter(args)
            result = self.forward(*args, **kwargs)
            for key, hook in (*global_hooks.forward.items(), *self._forward_hooks.items()):
                called.add(key)
                result = self._run_forward_hook(key, hook, args, kwargs, result)
            if passage is not None:
                result = passage.leave(result)
            if self._backward_hooks and self._is_full_backward_hook is False:
                self._attach_old_backward_hooks(result)
            return result
        except Exception:
            for key, hook in (*global_hooks.forward.items(), *self._forward_hooks.items()):
                if key not in called and (key in self._forward_hooks_always_called or key in global_hooks.forward_always):
                    try:
                        self._run_forward_hook(key, hook, args, kwargs, result)
                    except Exception as error:
                        import warnings
                        warnings.warn(f"module forward hook with ``always_call=True`` raised an exception that was silenced as another error was raised in forward: {error}", stacklevel=2)
            raise

    def _run_forward_hook(self, key, hook, args, kwargs, result):
        with_kwargs = key in self._forward_hooks_with_kwargs or key in global_hooks.forward_kwargs
        returned = hook(self, args, kwargs, result) if with_kwargs else hook(self, args, result)
        return result if returned is None else returned

    def _passage(self):
        full = list(global_hooks.backward.values())
        if self._is_full_backward_hook is True:
            full += self._backward_hooks.values()
        before = [*global_hooks.backward_pre.values(), *self._backward_pre_hooks.values()]
        return Passage(self, full, before) if full or before else None

    def _attach_old_backward_hooks(self, result) -> None:
        tensor = result
        while not isinstance(tensor, Tensor):
            if not tensor:
                return
            tensor = next(iter(tensor.values())) if isinstance(tensor, dict) else tensor[0]
        node = tensor.grad_fn
        if node is not None:
            for hook in self._backward_hooks.values():
                node.register_hook(functools.wraps(hook)(functools.partial(hook, self)))


def _run_pre_hook(module, hook, with_kwargs: bool, args: tuple, kwargs: dict) -> tuple:
    if with_kwargs:
        returned = hook(module, args, kwargs)
        if returned is None:
            return args, kwargs
        if not isinstance(returned, tuple) or len(returned) != 2:
            raise RuntimeError(f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {returned}.")
        return returned
    returned = hook(module, args)
    if returned is None:
        return args, kwargs
    return returned if isinstance(returned, tuple) else (returned,), kwargs


class _Crossing(EngineOp):
    """The identity at a module's border: gradients pass unchanged, hooks look on."""

    zeros = staticmethod(Op.zeros)

    def output_shapes(self, node) -> list:
        return node.dtype


CROSSING = _Crossing("BackwardHookFunctionBackward", lambda node, grad: tuple(grad))


def cross(tensors: list) -> tuple:
    """The same tensors behind one identity node; those that want no gradient stay as they are. Returns them and the node."""
    wanting = [t for t in tensors if t.requires_grad]
    node = new_node(CROSSING, tuple(t._node or t for t in wanting), (), None, [(t._a.shape, t._a.dtype) for t in wanting])
    passed, i = [], 0
    for tensor in tensors:
        if not tensor.requires_grad:
            passed.append(tensor)
            continue
        made = wrap(tensor._a)
        made._ver, made._rg = tensor._ver, True
        made._node = port(node, i, tensor._a.shape, tensor._a.dtype)
        passed.append(made)
        i += 1
    return passed, node


class Passage:
    """One call of a module with full backward hooks: a border node before it and one after it."""

    def __init__(self, module, hooks: list, pre_hooks: list):
        self.module, self.hooks, self.pre_hooks = module, hooks, pre_hooks
        self.grad_output = None
        self.has_inputs = False

    def enter(self, args: tuple) -> tuple:
        """Put the border before the arguments."""
        places = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        if not self.hooks or not _recording() or not any(args[i].requires_grad for i in places):
            self.arity = len(args)
            return args
        passed, node = cross([args[i] for i in places])
        wanting = [i for i in places if args[i].requires_grad]
        crossed = list(args)
        for i, tensor in zip(places, passed, strict=True):
            crossed[i] = tensor
        self.has_inputs, self.arity = True, len(args)
        node.register_hook(lambda grads, _: self._inputs_known(grads, wanting))
        return tuple(crossed)

    def leave(self, result):
        """Put the border behind the result: a tensor, or a tuple, list or dict of them."""
        single = isinstance(result, Tensor)
        values = [result] if single else list(result.values()) if isinstance(result, dict) else list(result) if isinstance(result, (tuple, list)) else []
        places = [i for i, v in enumerate(values) if isinstance(v, Tensor)]
        if not _recording() or not any(values[i].requires_grad for i in places):
            return result
        passed, node = cross([values[i] for i in places])
        wanting = [i for i in places if values[i].requires_grad]
        for i, tensor in zip(places, passed, strict=True):
            values[i] = tensor
        node.register_prehook(lambda grads: self._outputs_known(grads, wanting, len(values)))
        if single:
            return values[0]
        if isinstance(result, dict):
            return type(result)(zip(result, values, strict=True))
        return type(result)(*values) if hasattr(result, "_fields") else type(result)(values)

    def _outputs_known(self, grads, wanting, n):
        full = [None] * n
        for i, grad in zip(wanting, grads, strict=True):
            full[i] = grad
        full = tuple(full)
        for hook in self.pre_hooks:
            returned = hook(self.module, full)
            if returned is not None:
                returned = returned if isinstance(returned, tuple) else (returned,)
                if len(returned) != n:
                    raise RuntimeError(f"Backward pre hook returned an invalid number of grad_output, got {len(returned)}, but expected {n}")
                full = returned
        self.grad_output = full
        if not self.has_inputs:
            if self.hooks:
                caution("Full backward hook is firing when gradients are computed with respect to module outputs since no inputs require gradients. "
                        "See https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.register_full_backward_hook for more details.")
            for hook in self.hooks:
                returned = hook(self.module, (None,) * self.arity, full)
                if returned is not None and not all(r is None for r in (returned if isinstance(returned, tuple) else (returned,))):
                    raise RuntimeError("Backward hook for Modules where no input requires gradient should always return None or None for all gradients.")
        return tuple(full[i] for i in wanting)

    def _inputs_known(self, grads, wanting):
        full = [None] * self.arity
        for i, grad in zip(wanting, grads, strict=True):
            full[i] = grad
        full = tuple(full)
        if self.grad_output is None:
            raise RuntimeError("Module backward hook for grad_input is called before the grad_output one. This happens because the gradient in your nn.Module "
                               "flows to the Module's input without passing through the Module's output. Make sure that the output depends on the input "
                               "and that the loss is computed based on the output.")
        for hook in self.hooks:
            returned = hook(self.module, full, self.grad_output)
            if returned is not None:
                returned = returned if isinstance(returned, tuple) else (returned,)
                if len(returned) != self.arity:
                    raise RuntimeError(f"Backward hook returned an invalid number of grad_input, got {len(returned)}, but expected {self.arity}")
                full = returned
        return tuple(full[i] for i in wanting)


def _recording() -> bool:
    from ...core.modes import modes

    return modes.grad


assert Node
