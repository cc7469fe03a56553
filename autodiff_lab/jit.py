"""TorchScript: `script` and `trace` run the Python code as it is, which computes the same; what would store code is refused."""

from __future__ import annotations

import builtins
import contextlib
import inspect
import typing
from collections import namedtuple

from .core.errors import caution
from .core.modes import no_grad
from .core.tensor import Tensor
from .futures import Future
from .nn.modules.module import Module
from .utils._pytree import tree_leaves

__all__ = ["Attribute", "Error", "Future", "ScriptFunction", "ScriptModule", "TracerWarning", "annotate", "enable_onednn_fusion", "export", "fork", "freeze", "ignore", "interface", "isinstance", "is_scripting", "is_tracing", "load", "onednn_fusion_enabled", "optimize_for_inference",
           "save", "script", "script_if_tracing", "script_method", "set_fusion_strategy", "strict_fusion", "trace", "trace_module", "unused", "wait"]

Final = {}.__class__  # annotations such as Final[int] are never looked into


class _BroadcastingList:
    """The annotation of a number that may also be a list of as many, BroadcastingList2[int]; it is for a compiler."""

    def __getitem__(self, kind) -> None:
        return None


Any, Dict, List, NamedTuple, Optional, Tuple, Union = typing.Any, dict, list, typing.NamedTuple, typing.Optional, tuple, typing.Union  # what torch.jit.annotations has
BroadcastingList1 = BroadcastingList2 = BroadcastingList3 = _BroadcastingList()


def script(obj=None, *args, **kwargs):
    """`obj` as it is: there is no compiler, and a compiled one would compute the same. Deprecated in PyTorch, which warns."""
    caution("`torch.jit.script` is deprecated. Please switch to `torch.compile` or `torch.export`.", DeprecationWarning)
    return (lambda made: made) if obj is None else obj


script_method = export = unused = script_if_tracing = interface = _overload = _overload_method = _script_if_tracing = script


Attribute = namedtuple("Attribute", ["value", "type"])
Error = type("Error", (RuntimeError,), {"__doc__": "What compiled code raises in PyTorch: nothing is compiled here, but programs catch it."})

_NO_CODE = "TorchScript's code and graphs are not here: traced functions and modules run your Python code as it is."


class ScriptModule(Module):
    """A module that was traced; `trace` makes one."""

    def save(self, f, **kwargs):
        """Refused: there is no code to save."""
        save()

    def __getattr__(self, name: str):
        if name in ("code", "graph", "inlined_graph", "code_with_constants", "graph_for"):
            raise AttributeError(_NO_CODE)
        return super().__getattr__(name)


class TopLevelTracedModule(ScriptModule):
    """A module as `trace` gives it back: its parameters are those of the module, and it runs the module's code."""

    def __init__(self, module: Module, example: tuple, kwargs: dict):
        super().__init__()
        vars(self).update({name: vars(module)[name] for name in ("_parameters", "_buffers", "_modules", "training")})
        vars(self).update(_module=module, _check=_checker("forward", module.forward, example, kwargs), original_name=type(module).__name__)

    def forward(self, *args, **kwargs):
        self._check(args, kwargs)
        return self._module(*args, **kwargs)

    def extra_repr(self) -> str:
        return f"original_name={self.original_name}"

    def _get_name(self) -> str:
        return self.original_name


RecursiveScriptModule = TracedModule = TopLevelTracedModule


class ScriptFunction:
    """A function that was traced; `trace` makes one."""

    def __init__(self, function, example: tuple, kwargs: dict):
        self.name = self.qualified_name = function.__name__.replace("<lambda>", "_lambda")
        self._function, self._check = function, _checker(self.name, function, example, kwargs)
        self.__doc__, self.__wrapped__ = function.__doc__, function

    def __call__(self, *args, **kwargs):
        self._check(args, kwargs)
        return self._function(*args, **kwargs)

    def save(self, filename, **kwargs):
        """Refused: there is no code to save."""
        save()

    def __getattr__(self, name: str):
        raise AttributeError(_NO_CODE if name in ("code", "graph", "inlined_graph", "graph_for") else f"'torch._C.ScriptFunction' object has no attribute '{name}'")


class TracerWarning(Warning):
    """A traced function gave something else when it was run again."""


def isinstance(obj, target_type) -> bool:
    """`obj` is of the class, or one of them; what is inside List[int] is not looked at."""
    kinds = target_type if builtins.isinstance(target_type, tuple) else (target_type,)
    return builtins.isinstance(obj, tuple(typing.get_origin(kind) or kind for kind in kinds))


def freeze(mod, *args, **kwargs):
    """The module as it is."""
    return mod


optimize_for_inference = freeze


def annotate(the_type, the_value):
    """The value: the type is for a compiler."""
    return the_value


def fork(func, *args, **kwargs):
    """The result of `func`, computed now; `wait` gives it back."""
    return func(*args, **kwargs)


def wait(future):
    """What `fork` computed."""
    return future


def ignore(drop: bool = False, **kwargs):
    """The function as it is."""
    return drop if callable(drop) else lambda function: function


def is_scripting() -> bool:
    """False."""
    return False


is_tracing = is_scripting


def trace(func, example_inputs=None, optimize=None, check_trace: bool = True, check_inputs=None, check_tolerance: float = 1e-5, strict: bool = True, *,
          example_kwarg_inputs: dict | None = None, **kwargs):
    """`func`, once run on the example, as something to call with other tensors. Deprecated in PyTorch, which warns.

    It runs the Python code as it is: a branch that depends on numbers is taken anew in each call, where PyTorch keeps the one that the example took.

    Args:
        func: a function or module of tensors.
        example_inputs: a tensor, or a tuple of them.
        check_trace: run it a second time and warn if the results differ.
        strict: refuse a dictionary as the result.

    Raises:
        RuntimeError: if an input or a result is no tensor, and no nesting of tensors.

    >>> import autodiff_lab as lab
    >>> double = lab.jit.trace(lambda x: x * 2, lab.ones(1))
    >>> double(lab.tensor([1.0, 2.0]))
    tensor([2., 4.])
    """
    caution("`torch.jit.trace` is deprecated. Please switch to `torch.compile` or `torch.export`.", DeprecationWarning)
    if builtins.isinstance(func, ScriptModule):
        caution("The input to trace is already a ScriptModule, tracing it is a no-op. Returning the object as is.")
        return func
    if not callable(func):
        raise RuntimeError("Could not get name of python class object")
    named = example_kwarg_inputs or {}
    example = () if example_kwarg_inputs is not None else (example_inputs,) if builtins.isinstance(example_inputs, (Tensor, dict)) else tuple(example_inputs)
    for value in (*example, *named.values()):
        if not all(builtins.isinstance(leaf, Tensor) for leaf in tree_leaves(value)):
            raise RuntimeError(f"Type 'Tuple[{', '.join(type(v).__name__ for v in example)}]' cannot be traced. Only Tensors and (possibly nested) Lists, Dicts, and "
                               "Tuples of Tensors can be traced")
    module = builtins.isinstance(func, Module)
    made = (TopLevelTracedModule if module else ScriptFunction)(func, example, named)
    _check_results(func, example, named, strict, check_tolerance if check_trace else None)
    return made


def trace_module(mod, inputs: dict, optimize=None, check_trace: bool = True, check_inputs=None, check_tolerance: float = 1e-5, strict: bool = True, **kwargs):
    """`trace` of methods of a module: `inputs` has an example for each by name.

    Raises:
        AttributeError: if `mod` is no module, or `inputs` no dictionary.
    """
    if not builtins.isinstance(mod, Module):
        raise AttributeError("expected torch.nn.Module as the first argument")
    if not builtins.isinstance(inputs, dict):
        raise AttributeError("expected a dictionary of (method_name, input) pairs")
    examples = {name: value if builtins.isinstance(value, tuple) else (value,) for name, value in inputs.items()}
    made = TopLevelTracedModule(mod, examples.get("forward", ()), {})
    for name, example in examples.items():
        _check_results(mod if name == "forward" else getattr(mod, name), example, {}, strict, check_tolerance if check_trace else None)
        if name != "forward":
            vars(made)[name] = getattr(mod, name)
    return made


def _check_results(func, example: tuple, named: dict, strict: bool, tolerance: float | None) -> None:
    """Run `func` on the example, and again with `tolerance`."""
    found = func(*example, **named)
    if not all(builtins.isinstance(leaf, Tensor) for leaf in tree_leaves(found)):
        raise RuntimeError("Only tensors, lists, tuples of tensors, or dictionary of tensors can be output from traced functions")
    if strict and builtins.isinstance(found, (dict, list)):
        kind = type(found).__name__
        raise RuntimeError(f"Encountering a {kind} at the output of the tracer might cause the trace to be incorrect, this is only valid if the container structure does "
                           "not change based on the module's inputs. Consider using a constant container instead (e.g. for `list`, use a `tuple` instead. for `dict`, use a "
                           "`NamedTuple` instead). If you absolutely need this and know the side effects, pass strict=False to trace() to allow this behavior.")
    if tolerance is None:
        return
    with no_grad():
        again = func(*example, **named)
    for i, (one, two) in enumerate(zip(tree_leaves(found), tree_leaves(again), strict=True), 1):
        if one.shape != two.shape or not bool(one.detach().isclose(two, tolerance, tolerance, equal_nan=True).all()):
            caution(f"Output nr {i}. of the traced function does not match the corresponding output of the Python function: it gave something else when it was run "
                    "again. Does it draw random numbers? Did you forget to call .eval() on your model?", TracerWarning)
            return


def _checker(name: str, function, example: tuple, named: dict):
    """What refuses arguments that are no tensors where the example had some, or too few."""
    try:
        places = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        places = []
    label = dict(enumerate(places))

    def check(args: tuple, kwargs: dict) -> None:
        for i, wanted in enumerate(example):
            if i >= len(args):
                if label.get(i) not in kwargs:
                    raise RuntimeError(f"{name}() is missing value for argument '{label.get(i, i)}'.")
            elif builtins.isinstance(wanted, Tensor) and not builtins.isinstance(args[i], Tensor):
                raise RuntimeError(f"{name}() Expected a value of type 'Tensor' for argument '{label.get(i, i)}' but instead found type '{type(args[i]).__name__}'.\n"
                                   f"Position: {i}\nValue: {args[i]}")
    return check


def set_fusion_strategy(strategy) -> list:
    """Nothing is fused; returns the strategy that was set before: none."""
    return []


def enable_onednn_fusion(enabled: bool) -> None:
    """Nothing is fused."""


def onednn_fusion_enabled() -> bool:
    """False."""
    return False


class strict_fusion(contextlib.nullcontext):
    """A `with` block that changes nothing: nothing is fused."""


def save(*args, **kwargs):
    """Refused: there is no code to save."""
    raise RuntimeError("torch.jit.save is not here: TorchScript archives hold code. Save the state_dict with torch.save.")


def load(*args, **kwargs):
    """Refused: code from files is not run."""
    raise RuntimeError("torch.jit.load is not here: TorchScript archives hold code. Build the model in Python and load its state_dict.")
