"""What every optimizer has: groups of parameters with options, a state per parameter, hooks, saving and loading.

A learning rule of your own is a subclass with a `step` method; see `sgd.py` for a short one.
"""

from __future__ import annotations

import functools
import math
from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from copy import deepcopy
from itertools import chain

from ..core import observe
from ..core.errors import caution
from ..core.modes import enable_grad, modes
from ..core.tape import Handle
from ..core.tensor import Tensor

__all__ = ["Optimizer", "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook", "required"]


class _Required:
    """Stands for an option without a default."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()

_global_before: dict = OrderedDict()
_global_after: dict = OrderedDict()
_HOOKS = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks", "_optimizer_state_dict_pre_hooks",
          "_optimizer_state_dict_post_hooks", "_optimizer_load_state_dict_pre_hooks", "_optimizer_load_state_dict_post_hooks")


def register_optimizer_step_pre_hook(hook) -> Handle:
    """Call `hook(optimizer, args, kwargs)` before every step of every optimizer."""
    return Handle(_global_before, hook)


def register_optimizer_step_post_hook(hook) -> Handle:
    """Call `hook(optimizer, args, kwargs)` after every step of every optimizer."""
    return Handle(_global_after, hook)


def _with_hooks(step):
    """`step` with what happens around it: hooks before and after, and word to those who watch."""
    @functools.wraps(step)
    def hooked(*args, **kwargs):
        self = args[0]
        if _global_before or self._optimizer_step_pre_hooks:
            for hook in chain(list(_global_before.values()), list(self._optimizer_step_pre_hooks.values())):
                changed = hook(self, args, kwargs)
                if changed is None:
                    continue
                if not isinstance(changed, tuple) or len(changed) != 2:
                    raise RuntimeError(f"{step} must return None or a tuple of (new_args, new_kwargs), but got {changed}.")
                args, kwargs = changed
        out = step(*args, **kwargs)
        if self._optimizer_step_post_hooks or _global_after:
            for hook in chain(list(self._optimizer_step_post_hooks.values()), list(_global_after.values())):
                hook(self, args, kwargs)
        if observe.followers:
            observe.tell("optimizer_stepped", self)
        return out

    hooked.hooked = True
    return hooked


class Optimizer:
    """Base class of all optimizers.

    Args:
        params: tensors, `(name, tensor)` pairs, or dicts with `"params"` and options of their own.
        defaults: the options of groups that do not set them.

    Raises:
        TypeError: if `params` is a single tensor, or holds something else than tensors.
        ValueError: if there is nothing to optimize, a tensor is no leaf, or stands in two groups.

    >>> import autodiff_lab as lab
    >>> class Descent(lab.optim.Optimizer):
    ...     def step(self):
    ...         with lab.no_grad():
    ...             for group in self.param_groups:
    ...                 for p in group["params"]:
    ...                     p -= group["lr"] * p.grad
    >>> w = lab.tensor([1.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> Descent([w], {"lr": 0.1}).step()
    >>> w.detach()
    tensor([0.8000])
    """

    def __init__(self, params, defaults: dict):
        self.defaults = defaults
        self._prepare_hooks()
        if isinstance(params, Tensor):
            raise TypeError("params argument given to the optimizer should be an iterable of Tensors or dicts, but got torch.FloatTensor. "
                            "Put a single tensor into a list: [w].")
        self.state: defaultdict = defaultdict(dict)
        self.param_groups: list[dict] = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list. If it comes from model.parameters(), "
                             "the model has no registered parameters: assign its layers as attributes.")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def _prepare_hooks(self) -> None:
        for name in _HOOKS:
            if name not in self.__dict__:
                setattr(self, name, OrderedDict())
        self._plans: dict = {}  # how to update the parameters of each group fast; see elementwise.py
        step = type(self).step
        if not getattr(step, "hooked", False):
            type(self).step = _with_hooks(step)

    def _patch_step_function(self) -> None:
        """What optimizers that wrap another call for themselves: hooks around `step`."""
        self._prepare_hooks()

    def __getstate__(self) -> dict:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        self._prepare_hooks()
        self.defaults.setdefault("differentiable", False)

    def __repr__(self) -> str:
        groups = ["\n".join([f"Parameter Group {i}", *(f"    {key}: {group[key]}" for key in sorted(group) if key != "params")])
                  for i, group in enumerate(self.param_groups)]
        return f"{type(self).__name__} (\n" + "\n\n".join(groups) + "\n)"

    def register_step_pre_hook(self, hook) -> Handle:
        """Call `hook(optimizer, args, kwargs)` before each step; a returned pair replaces args and kwargs."""
        return Handle(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook) -> Handle:
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return Handle(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook, prepend: bool = False) -> Handle:
        """Call `hook(optimizer)` before `state_dict` reads."""
        return _register(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook, prepend: bool = False) -> Handle:
        """Call `hook(optimizer, state_dict)` on what `state_dict` made; a returned dict takes its place."""
        return _register(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook, prepend: bool = False) -> Handle:
        """Call `hook(optimizer, state_dict)` on a shallow copy before loading; a returned dict takes its place."""
        return _register(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook, prepend: bool = False) -> Handle:
        """Call `hook(optimizer)` after loading."""
        return _register(self._optimizer_load_state_dict_post_hooks, hook, prepend)

    def state_dict(self) -> dict:
        """State and options as plain containers, with numbers in place of parameters; PyTorch reads and writes the same.

        The tensors are the optimizer's own, not copies.
        """
        for hook in list(self._optimizer_state_dict_pre_hooks.values()):
            hook(self)
        numbers: dict[int, int] = {}
        groups, start = [], 0
        for group in self.param_groups:
            packed = {key: value for key, value in group.items() if key != "params"}
            for i, p in enumerate(group["params"], start):
                numbers.setdefault(id(p), i)
            packed["params"] = [numbers[id(p)] for p in group["params"]]
            start += len(packed["params"])
            groups.append(packed)
        state = {numbers[id(key)] if isinstance(key, Tensor) else key: value for key, value in self.state.items()}
        made = {"state": state, "param_groups": groups}
        for hook in list(self._optimizer_state_dict_post_hooks.values()):
            changed = hook(self, made)
            made = made if changed is None else changed
        return made

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on from what `state_dict` returned; options in it (the learning rate too) replace those set here.

        Parameters are matched by their order.

        Raises:
            ValueError: if the number of groups, or of parameters in one, differs.
        """
        state_dict = state_dict.copy()
        for hook in list(self._optimizer_load_state_dict_pre_hooks.values()):
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        saved_groups = deepcopy(state_dict["param_groups"])
        if len(self.param_groups) != len(saved_groups):
            raise ValueError("loaded state dict has a different number of parameter groups: "
                             f"{len(saved_groups)} saved, {len(self.param_groups)} here.")
        for i, (group, saved) in enumerate(zip(self.param_groups, saved_groups, strict=True)):
            if len(group["params"]) != len(saved["params"]):
                raise ValueError("loaded state dict contains a parameter group that doesn't match the size of optimizer's group: "
                                 f"group {i} has {len(saved['params'])} parameters in the file, {len(group['params'])} here.")
        numbered = dict(zip(chain.from_iterable(g["params"] for g in saved_groups), chain.from_iterable(g["params"] for g in self.param_groups), strict=True))
        on_device = {n for g in saved_groups if g.get("capturable") or g.get("fused") for n in g["params"]}
        state: defaultdict = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in numbered:
                state[numbered[key]] = _brought_to(numbered[key], value, None, key in on_device)
            else:
                state[key] = value
        for group, saved in zip(self.param_groups, saved_groups, strict=True):
            saved["params"] = group["params"]
            if "param_names" in group:
                saved.setdefault("param_names", group["param_names"])
        self.__setstate__({"state": state, "param_groups": saved_groups})
        for hook in list(self._optimizer_load_state_dict_post_hooks.values()):
            hook(self)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, so that the next backward pass starts anew instead of adding to them.

        Args:
            set_to_none: put None in place of the gradients; else fill them with zeros.
        """
        for group in self.param_groups:
            for p in group["params"]:
                grad = p._grad
                if grad is None:
                    continue
                if set_to_none:
                    p._grad = None
                    continue
                if grad.grad_fn is not None:
                    grad.detach_()
                else:
                    grad.requires_grad_(False)
                grad.zero_()
        if observe.followers:
            observe.tell("zero_grad_called", self)

    def step(self, closure=None):
        """Change every parameter once, by its gradient.

        Args:
            closure: computes the loss again and calls backward(); most optimizers do not need it.
        """
        raise NotImplementedError

    def add_param_group(self, param_group: dict) -> None:
        """Optimize more parameters, with options of their own, e.g. layers that were frozen so far.

        Raises:
            TypeError: if the group is no dict, or holds something else than tensors.
            ValueError: if a tensor is no leaf or stands in another group already.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError("optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets will change "
                            "between runs. Please use a list instead.")
        params = [params] if isinstance(params, Tensor) else list(params)
        names = [p[0] for p in params if isinstance(p, tuple)]
        if names and len(names) != len(params):
            raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        params = param_group["params"] = [p[1] if isinstance(p, tuple) else p for p in params]
        if names:
            param_group["param_names"] = names
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}")
            if not self.defaults.get("differentiable") and not (p.is_leaf or p.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor: it is the result of a computation, so a new value would not reach "
                                 "what it was computed from. Give the leaf, or use .detach().requires_grad_().")
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, default)
        if len(params) != len(set(params)):
            caution("optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
                    "see github.com/pytorch/pytorch/issues/40967 for more information")
        for group in self.param_groups:
            if ("param_names" in param_group) != ("param_names" in group):
                raise ValueError("all optimizer param groups should be with/without names. cannot add param group "
                                 f"{'with names' if names else 'without names'} to the optimizer")
        if not {p for group in self.param_groups for p in group["params"]}.isdisjoint(params):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(param_group)


def _register(hooks, hook, prepend: bool) -> Handle:
    handle = Handle(hooks, hook)
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def _brought_to(param, value, key, step_on_device: bool):
    """A saved value in the type and on the device of its parameter; the count of steps stays as it is."""
    if isinstance(value, Tensor):
        if key == "step":
            return value.to(dtype=public_float32(), device=param.device) if step_on_device else value
        return value.to(dtype=param.dtype, device=param.device) if param.is_floating_point() else value.to(device=param.device)
    if isinstance(value, dict):
        return {k: _brought_to(param, v, k, step_on_device) for k, v in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return type(value)(_brought_to(param, v, None, step_on_device) for v in value)  # pyright: ignore[reportCallIssue] - a tuple, a list, a set
    return value


def public_float32():
    from ..core.dtypes import float32

    return float32


def run_closure(closure):
    """The loss that `closure` computes, with recording on; None without a closure."""
    if closure is None:
        return None
    with enable_grad():
        return closure()


def number(value):
    """An option as a Python number, where it may be a tensor of one element."""
    return value.item() if isinstance(value, Tensor) else value


def check_at_least_zero(**options) -> None:
    """Raise ValueError, with PyTorch's words, for a negative (or NaN) option."""
    words = {"lr": "learning rate", "eps": "epsilon value"}
    for name, value in options.items():
        if not value >= 0.0:
            raise ValueError(f"Invalid {words.get(name, name + ' value')}: {value}. It must be at least 0.")


def check_tensor_lr(lr) -> None:
    """Raise ValueError for a learning rate that is a tensor of several elements."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")


def check_betas(betas) -> None:
    """Raise ValueError for a decay rate outside [0, 1)."""
    for i, beta in enumerate(betas):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {beta}. It must be at least 0 and below 1.")


def check_fused(fused, foreach, differentiable) -> None:
    """`fused` and `foreach` are accepted and change nothing; contradictions are refused as in PyTorch."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


# ---- what optimizers of programs borrow from PyTorch's own ----

ParamsT = Iterable[Tensor] | Iterable[dict] | Iterable[tuple[str, Tensor]]
_params_doc = _foreach_doc = _fused_doc = _maximize_doc = _capturable_doc = _differentiable_doc = ""


def _use_grad_for_differentiable(step):
    """`step` with gradients on only if the optimizer's `differentiable` says so."""
    @functools.wraps(step)
    def wrapped(self, *args, **kwargs):
        before = modes.grad
        modes.grad = self.defaults["differentiable"]
        try:
            return step(self, *args, **kwargs)
        finally:
            modes.grad = before
    return wrapped


def _default_to_fused_or_foreach(params, differentiable: bool, use_fused: bool = False) -> tuple[bool, bool]:
    """(False, False): plain loops are the default."""
    return False, False


def _get_value(x):
    """The number in a tensor; a number as it is."""
    return x.item() if isinstance(x, Tensor) else x


def _stack_if_compiling(x):
    """As it is: nothing is compiled."""
    return x


def _dispatch_sqrt(x):
    """The square root of a number or tensor."""
    return x.sqrt() if isinstance(x, Tensor) else math.sqrt(x)
