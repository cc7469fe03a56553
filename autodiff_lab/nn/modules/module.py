"""Module: the base class of everything with parameters. It finds parameters, buffers and children by assignment.

    class Net(nn.Module):
        def __init__(self):
            super().__init__()              # makes the dictionaries below
            self.fc = nn.Linear(2, 1)       # a child, in `_modules`

        def forward(self, x):
            return self.fc(x)
"""

from __future__ import annotations

from collections import OrderedDict
from types import FunctionType
from typing import Any

from ...core import observe
from ...core.devices import device
from ...core.dtypes import dtype
from ...core.errors import caution
from ...core.modes import no_grad
from ...core.op import public
from ...core.tensor import Tensor
from ..parameter import Buffer, Parameter
from .hooks import KINDS, HookHandle, Hooks, global_hooks
from .state import EXTRA as _EXTRA_STATE_KEY_SUFFIX  # PyTorch's name for it, which packages take from here
from .state import State, _IncompatibleKeys

__all__ = ["Module", "register_module_buffer_registration_hook", "register_module_forward_hook", "register_module_forward_pre_hook",
           "register_module_full_backward_hook", "register_module_full_backward_pre_hook", "register_module_module_registration_hook",
           "register_module_parameter_registration_hook"]


def type_name(value) -> str:
    """How PyTorch's messages call the type of a value, e.g. "torch.FloatTensor" or "int"."""
    if isinstance(value, Tensor) and not isinstance(value, Parameter):
        return value.type()
    cls = type(value)
    return cls.__name__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


class Module(Hooks, State):
    """Base class of all neural network modules.

    Assign parameters and other modules as attributes in `__init__`, after `super().__init__()`, and write
    `forward`. Calling the module runs its hooks and `forward`.

    >>> import autodiff_lab as lab
    >>> class Half(lab.nn.Module):
    ...     def forward(self, x):
    ...         return x / 2
    >>> Half()(lab.tensor(3.0))
    tensor(1.5000)
    """

    training: bool
    dump_patches = False
    call_super_init = False
    _version: int = 1

    def __init_subclass__(cls, **kwargs) -> None:
        super().__init_subclass__(**kwargs)
        for name, value in list(vars(cls).items()):
            if isinstance(value, FunctionType) and value in (public[""].get(value.__name__), public["nn.functional"].get(value.__name__)):
                setattr(cls, name, staticmethod(value))  # `act = torch.tanh` in a class is no method: PyTorch's functions never become one

    def __init__(self, *args, **kwargs):
        if not self.call_super_init and (args or kwargs):
            given = f"unexpected keyword argument '{next(iter(kwargs))}'" if kwargs else f"1 positional argument but {len(args) + 1} were given"
            raise TypeError(f"{type(self).__name__}.__init__() {'got an' if kwargs else 'takes'} {given}")
        put = super().__setattr__
        put("training", True)
        for name in ("_parameters", "_buffers", "_modules"):
            put(name, {})
        put("_non_persistent_buffers_set", set())
        put("_is_full_backward_hook", None)
        for name in KINDS:
            put(name, OrderedDict())
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def forward(self, *args, **kwargs):
        """Override: what the module computes."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args, **kwargs) -> Any:  # what `forward` returns
        __tracebackhide__ = True  # an error in a notebook shows the learner's lines, not these
        if observe.observers:
            return self._call_observed(args, kwargs)
        if (self._forward_pre_hooks or self._forward_hooks or self._backward_hooks or self._backward_pre_hooks or global_hooks.any_call()):
            return self._call_with_hooks(args, kwargs)
        return self.forward(*args, **kwargs)

    def _call_impl(self, *args, **kwargs):
        return Module.__call__(self, *args, **kwargs)

    def _call_observed(self, args, kwargs):
        __tracebackhide__ = True
        observe.tell("module_entered", self, args)
        output = error = None
        try:
            output = self._call_with_hooks(args, kwargs)
            return output
        except BaseException as caught:
            error = caught
            raise
        finally:
            observe.tell("module_left", self, output, error)

    # ---- registration ----

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under `name`; None reserves the name.

        Raises:
            AttributeError: before `super().__init__()`.
            KeyError: for a name that is empty, has a dot, or is taken.
            TypeError: if `param` is no Parameter.
            ValueError: if it was computed from other tensors.
        """
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        self._check_name("parameter", name, self._parameters)
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(f"cannot assign '{type_name(param)}' object to parameter '{name}' (torch.nn.Parameter or None required)")
            if param.grad_fn:
                raise ValueError(f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. To express '{name}' "
                                 "as a function of another Tensor, compute the value in the forward() method.")
            for hook in global_hooks.parameter.values():
                returned = hook(self, name, param)
                param = param if returned is None else returned
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is kept but not trained, e.g. running statistics.

        Args:
            persistent: whether it goes into the state dict.

        Raises: as `register_parameter`.
        """
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_name("buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"cannot assign '{type_name(tensor)}' object to buffer '{name}' (torch Tensor or None required)")
        for hook in global_hooks.buffer.values():
            returned = hook(self, name, tensor)
            tensor = tensor if returned is None else returned
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a child under `name`."""
        if not isinstance(module, Module) and module is not None:
            raise TypeError(f"{type_name(module)} is not a Module subclass")
        if not isinstance(name, str):
            raise TypeError(f"module name should be a string. Got {type_name(name)}")
        if hasattr(self, name) and name not in self._modules:
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f'module name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError('module name can\'t be empty string ""')
        for hook in global_hooks.module.values():
            returned = hook(self, name, module)
            module = module if returned is None else returned
        self._modules[name] = module

    def register_module(self, name: str, module: Module | None) -> None:
        """Alias for `add_module`."""
        self.add_module(name, module)

    def _check_name(self, what: str, name, taken: dict) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{what} name should be a string. Got {type_name(name)}")
        if "." in name:
            raise KeyError(f'{what} name can\'t contain "."')
        if name == "":
            raise KeyError(f'{what} name can\'t be empty string ""')
        if hasattr(self, name) and name not in taken:
            raise KeyError(f"attribute '{name}' already exists")

    def __getattr__(self, name: str):
        own = self.__dict__
        try:
            return own["_parameters"][name]  # what is asked for most
        except KeyError:
            for kind in ("_modules", "_buffers"):
                found = own.get(kind)
                if found is not None and name in found:
                    return found[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'", name=name, obj=self)

    def __setattr__(self, name: str, value) -> None:
        own = self.__dict__
        params, modules, buffers = own.get("_parameters"), own.get("_modules"), own.get("_buffers")
        if isinstance(value, Parameter):
            if params is None:
                raise AttributeError("cannot assign parameters before Module.__init__() call. Call super().__init__() first in your __init__.")
            _remove(name, own, buffers, modules, self._non_persistent_buffers_set)
            self.register_parameter(name, value)
        elif params is not None and name in params:
            if value is not None:
                raise TypeError(f"cannot assign '{type_name(value)}' as parameter '{name}' (torch.nn.Parameter or None expected). "
                                "Wrap it in nn.Parameter, or write into the parameter with copy_() under no_grad().")
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            if modules is None:
                raise AttributeError("cannot assign module before Module.__init__() call. Call super().__init__() first in your __init__.")
            _remove(name, own, params, buffers, self._non_persistent_buffers_set)
            for hook in global_hooks.module.values():
                returned = hook(self, name, value)
                value = value if returned is None else returned
            modules[name] = value
        elif modules is not None and name in modules:
            if value is not None:
                raise TypeError(f"cannot assign '{type_name(value)}' as child module '{name}' (torch.nn.Module or None expected)")
            modules[name] = None
        elif isinstance(value, Buffer) or (buffers is not None and name in buffers):
            if buffers is None:
                raise AttributeError("cannot assign buffer before Module.__init__() call. Call super().__init__() first in your __init__.")
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(f"cannot assign '{type_name(value)}' as buffer '{name}' (torch.nn.Buffer, torch.Tensor or None expected)")
            persistent = value.persistent if isinstance(value, Buffer) else name not in self._non_persistent_buffers_set
            if isinstance(value, Buffer):
                _remove(name, own, params, modules)
            self.register_buffer(name, value, persistent)
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        for kind in (self._parameters, self._buffers, self._modules):
            if name in kind:
                del kind[name]
                self._non_persistent_buffers_set.discard(name)
                return
        super().__delattr__(name)

    # ---- looking around ----

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path; "" is the module itself.

        Raises:
            AttributeError: if there is none.
        """
        found = self
        for part in target.split(".") if target else ():
            if not hasattr(found, part):
                raise AttributeError(f"{type(found).__name__} has no attribute `{part}`")
            found = getattr(found, part)
            if not isinstance(found, Module):
                raise AttributeError(f"`{part}` is not an nn.Module")
        return found

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put `module` at a dotted path; with `strict` only where one is already."""
        if not target:
            raise ValueError("Cannot set the submodule without a target name!")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{type(parent).__name__} has no attribute `{name}`")
        if hasattr(parent, name) and not isinstance(getattr(parent, name), Module):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path."""
        return self._get(target, Parameter, "an nn.Parameter")

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a dotted path."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return module._buffers[name]

    def _get(self, target: str, kind: type, words: str):
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
        found = getattr(module, name)
        if not isinstance(found, kind):
            raise AttributeError(f"`{name}` is not {words}")
        return found

    def _named_members(self, get, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True):
        seen = set()
        for path, module in self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]:
            for name, value in get(module):
                if value is None or (remove_duplicate and value in seen):
                    continue
                seen.add(value)
                yield f"{path}.{name}" if path else name, value

    def named_parameters(self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True):
        """Pairs of path and parameter, in order of registration; a shared one once."""
        yield from self._named_members(lambda module: module._parameters.items(), prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True):
        """The parameters, in order of registration."""
        for _, param in self.named_parameters(recurse=recurse):
            yield param

    def named_buffers(self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True):
        """Pairs of path and buffer."""
        yield from self._named_members(lambda module: module._buffers.items(), prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True):
        """The buffers."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def named_children(self):
        """Pairs of name and child; a child that stands twice comes once."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self):
        """The modules directly inside this one."""
        for _, module in self.named_children():
            yield module

    def named_modules(self, memo: set | None = None, prefix: str = "", remove_duplicate: bool = True):
        """Pairs of path and module: this one as "", then everything inside, depth first."""
        memo = set() if memo is None else memo
        if self not in memo:
            if remove_duplicate:
                memo.add(self)
            yield prefix, self
            for name, module in self._modules.items():
                if module is not None:
                    yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self, remove_duplicate: bool = True):
        """This module and everything inside, depth first."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    # ---- changing everything at once ----

    def apply(self, fn) -> Module:
        """Call `fn` on every module inside, then on this one; e.g. to initialise weights."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Module:
        """Switch dropout, batch norm and the like to training (or evaluation) behaviour, here and inside."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Module:
        """The same as `train(False)`."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Freeze or unfreeze every parameter."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of every parameter, or fill them with zeros."""
        for param in self.parameters():
            if param._grad is not None:
                if set_to_none:
                    param._grad = None
                else:
                    grad = param._grad = param._grad.detach()
                    with no_grad():
                        grad.zero_()
        if observe.followers:
            observe.tell("zero_grad_called", self)

    def _apply(self, fn, recurse: bool = True) -> Module:
        """Put `fn(tensor)` in the place of every parameter, gradient and buffer; parameters stay the same objects."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for param in self._parameters.values():
            if param is not None:
                with no_grad():
                    param.data = fn(param)
                    if param._grad is not None:
                        kept = param._grad
                        kept.data = fn(kept)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args, **kwargs) -> Module:
        """Move parameters and buffers to a device or floating-point dtype, in place: `to(device)`, `to(dtype)`, `to(device, dtype)`, `to(tensor)`."""
        where, kind, _, order = _parse_to(*args, **kwargs)
        if kind is not None and not (kind.is_floating_point or kind.is_complex):
            raise TypeError(f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={kind}")

        if kind is not None and kind.is_complex:
            caution("Complex modules are a new feature under active development whose design may change, and some modules might not work as expected when "
                    "using complex tensors as parameters or buffers. Please file an issue at "
                    "https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml if a complex module does not work as expected.")

        def convert(tensor):
            if kind is not None and (tensor.is_floating_point() or tensor.is_complex()):
                tensor = tensor.to(kind)
            if order is not None and tensor.dim() in (4, 5):
                tensor = tensor.to(memory_format=order)
            try:
                return tensor if where is None else tensor.to(where)
            except NotImplementedError as error:
                if str(error) != "Cannot copy out of meta tensor; no data!":
                    raise
                raise NotImplementedError(f"{error} Please use torch.nn.Module.to_empty() instead of torch.nn.Module.to() when moving module from meta "
                                          "to a different device.") from None

        return self._apply(convert)

    def cuda(self, device=None) -> Module:
        """Move everything to a CUDA device."""
        return self._apply(lambda t: t.cuda() if device is None else t.cuda(device))

    def cpu(self) -> Module:
        """Move everything to main memory."""
        return self._apply(lambda t: t.cpu())

    def type(self, dst_type) -> Module:
        """Convert every parameter and buffer to one type."""
        return self._apply(lambda t: t.type(dst_type))

    def _to_kind(self, method: str) -> Module:
        return self._apply(lambda t: getattr(t, method)() if t.is_floating_point() else t)

    def float(self) -> Module:
        """Floating-point parameters and buffers as float32."""
        return self._to_kind("float")

    def double(self) -> Module:
        """Floating-point parameters and buffers as float64."""
        return self._to_kind("double")

    def half(self) -> Module:
        """Floating-point parameters and buffers as float16."""
        return self._to_kind("half")

    def bfloat16(self) -> Module:
        """Floating-point parameters and buffers as bfloat16."""
        return self._to_kind("bfloat16")

    def to_empty(self, *, device, recurse: bool = True) -> Module:
        """Move to a device without copying the numbers."""
        from ...core.op import public
        return self._apply(lambda t: public[""]["zeros_like"](t, device=device), recurse=recurse)

    def share_memory(self) -> Module:
        """Accepted for PyTorch's programs: memory is shared when worker processes are started."""
        return self

    def compile(self, *args, **kwargs) -> None:
        """Accepted for PyTorch's programs: nothing is compiled."""

    # ---- text and copies ----

    def extra_repr(self) -> str:
        """Override: what the representation shows in brackets."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        extra = self.extra_repr()
        extra_lines = extra.split("\n") if extra else []
        child_lines = [f"({name}): {_indented(repr(module))}" for name, module in self._modules.items()]
        if len(extra_lines) == 1 and not child_lines:
            return f"{self._get_name()}({extra_lines[0]})"
        lines = extra_lines + child_lines
        return self._get_name() + ("(\n  " + "\n  ".join(lines) + "\n)" if lines else "()")

    def __dir__(self):
        own = [*dir(type(self)), *self.__dict__, *self._parameters, *self._modules, *self._buffers]
        return sorted(key for key in set(own) if not key[0].isdigit())

    def __setstate__(self, state) -> None:
        self.__dict__.update(state)
        for name in KINDS:
            self.__dict__.setdefault(name, OrderedDict())
        self.__dict__.setdefault("_non_persistent_buffers_set", set())
        self.__dict__.setdefault("_is_full_backward_hook", None)

    def _replicate_for_data_parallel(self):
        raise NotImplementedError("Data-parallel replicas are not part of autodiff_lab: one process trains on one device.")


def _remove(name: str, *places) -> None:
    for place in places:
        if place is not None and name in place:
            place.discard(name) if isinstance(place, set) else place.pop(name)


def _parse_to(*args, **kwargs) -> tuple:
    """What the arguments of `to` name: a device, a dtype, whether not to wait, an order in memory; None where they say nothing."""
    where, kind, order, non_blocking = (kwargs.pop(name, None) for name in ("device", "dtype", "memory_format", "non_blocking"))
    unknown = set(kwargs) - {"copy"}
    if unknown:
        raise TypeError(f"to() received an invalid combination of arguments: unexpected keyword {sorted(unknown)[0]!r}")
    for value in args:
        if isinstance(value, Tensor):
            where, kind = value.device, value.dtype
        elif isinstance(value, dtype):
            kind = value
        elif isinstance(value, bool):
            non_blocking = value
        elif isinstance(value, (str, device, int)):
            where = value
    return where if where is None else device(where), kind, bool(non_blocking), order


def _indented(text: str) -> str:
    first, *rest = text.split("\n")
    return "\n".join([first, *("  " + line for line in rest)])


def _global(kind: str):
    def register(hook) -> HookHandle:
        return HookHandle(getattr(global_hooks, kind), hook)
    register.__name__ = register.__qualname__ = f"register_module_{kind}_hook"
    register.__doc__ = f"Run `hook` for every module ({kind.replace('_', ' ')})."
    return register


register_module_forward_pre_hook = _global("forward_pre")
register_module_full_backward_hook = _global("backward")
register_module_full_backward_pre_hook = _global("backward_pre")
register_module_parameter_registration_hook = _global("parameter")
register_module_buffer_registration_hook = _global("buffer")
register_module_module_registration_hook = _global("module")


def register_module_forward_hook(hook, *, with_kwargs: bool = False, always_call: bool = False) -> HookHandle:
    """Run `hook(module, args, output)` after the forward of every module."""
    flags = ((global_hooks.forward_kwargs,) if with_kwargs else ()) + ((global_hooks.forward_always,) if always_call else ())
    return HookHandle(global_hooks.forward, hook, flags)


assert _IncompatibleKeys and _EXTRA_STATE_KEY_SUFFIX  # programs import them from here
