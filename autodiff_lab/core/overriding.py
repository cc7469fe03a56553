"""Here classes, objects and modes take PyTorch's functions over, by `__torch_function__`.

Plain tensors pay nothing for it. Until a program defines a subclass of Tensor, enters a mode or hands a function an
object that takes over, functions are as codegen wrote them. Then `begin` puts a look at the arguments before each public
function, once for the process, by exchanging the code inside the same function object: who imported it before has it too.
"""

from __future__ import annotations

import functools
import inspect
import threading
import types
import warnings
from collections.abc import Callable

__all__ = [
    "CREATION", "UNSEEN", "UNSEEN_METHODS", "DisableTorchFunction", "DisableTorchFunctionSubclass", "Foreign", "PlainNumber", "TorchFunctionMode", "begin", "default",
    "disabled", "hand_on", "hand_on_call", "hand_over", "looking", "name_of", "note_class", "nowrap", "overloaded", "put_before", "state", "takes_over",
]


class _State(threading.local):
    begun = False
    modes: tuple = ()  # entered modes, the newest last
    off = 0  # 1: objects are not asked; 2: nor are modes


state = _State()
_lock = threading.Lock()


class Foreign(TypeError):
    """An argument is no tensor, but its class takes functions over; see `hand_on`."""


class PlainNumber(Foreign):
    """Nothing but numbers, for one of the few functions that PyTorch lets make a tensor of them: torch.add(5, 5)."""


class _Disabled:
    """What a subclass of Tensor names as its `__torch_function__` that takes over no function. An object, because a function would be bound to the instance."""

    def __call__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


disabled = _Disabled()


def takes_over(value) -> bool:
    """True if the class of `value` takes functions over."""
    return getattr(value.__class__, "__torch_function__", disabled) is not disabled


def default(cls, func, args, kwargs):
    """What a subclass of Tensor does if it overrides nothing: run the function and keep the class."""
    with DisableTorchFunctionSubclass():
        result = func(*args, **(kwargs or {}))
        return result if func in nowrap() else _kept(result, cls)


def nowrap() -> set:
    """The functions whose result stays a plain tensor."""
    from .tensor import Tensor

    return {Tensor._base.__get__, Tensor.grad.__get__}


# ---- asking ----

# Classes of arguments that take nothing over; Parameter and its like are added by `note_class`.
ORDINARY = {int, float, bool, complex, str, type(None), slice, type(Ellipsis)}


def note_class(cls) -> None:
    """A subclass of Tensor was defined: from now on functions look at their arguments, unless it takes nothing over."""
    if cls.__torch_function__ is disabled:
        ORDINARY.add(cls)
    else:
        begin()


def overloaded(args, kwargs) -> list:
    """The arguments that take over, one of each class, in the order in which they are asked: subclasses before their bases, else left to right."""
    found: list = []
    for value in (*args, *kwargs.values()) if kwargs else args:
        kind = value.__class__
        if kind in ORDINARY:
            continue
        for each in value if kind is tuple or kind is list else (value,):
            if each.__class__ not in ORDINARY and takes_over(each) and not any(each.__class__ is f.__class__ for f in found):
                place = next((i for i, f in enumerate(found) if issubclass(each.__class__, f.__class__)), len(found))
                found.insert(place, each)
    return found


def hand_over(function, found: list, args, kwargs):
    """What the newest mode, or the first of the objects `found` that does not return NotImplemented, makes of the call.

    Raises:
        TypeError: if none of them knows the function.
    """
    kinds = tuple(each.__class__ for each in found)
    told = []
    if state.modes and state.off < 2:
        entered = state.modes
        state.modes = entered[:-1]  # the mode's own calls go to those outside it
        try:
            result = entered[-1].__torch_function__(function, kinds, args, kwargs)
        finally:
            state.modes = entered
        if result is not NotImplemented:
            return result
        told.append(f"  - mode object {entered[-1]}")
    for each in found:
        asked = each.__torch_function__
        if getattr(asked, "__self__", None) is each:
            warnings.warn("Defining your `__torch_function__` as a plain method is deprecated and will be an error in future, please define it as a classmethod.", stacklevel=4)
        result = asked(function, kinds, args, kwargs)
        if result is not NotImplemented:
            return result
        told.append(f"  - tensor subclass {each.__class__}")
    raise TypeError(f"Multiple dispatch failed for '{name_of(function)}'; all __torch_function__ handlers returned NotImplemented:\n\n" + "\n".join(told)
                    + "\n\nFor more information, try re-running with TORCH_LOGS=not_implemented")


def hand_on(op, flavour: str, values: tuple, error: Foreign):
    """Called by a function that met, before anything had begun, an object that takes over. How the call was written is not known any
    more: arguments that have their default are left out, those after them go by keyword."""
    from .op import public
    from .tensor import Tensor

    if isinstance(error, PlainNumber):
        if flavour == "operator":
            raise TypeError(f"descriptor '__{op.name}__' for 'torch._C.TensorBase' objects doesn't apply to a '{type(values[0]).__name__}' object")
        return op.function(public[""]["tensor"](values[0]), values[1], **{param.name: value for param, value in zip(op.params[2:], values[2:], strict=True)})
    begin()
    function = getattr(Tensor, op.name + "_", None) if flavour.startswith("inplace") else public[""][op.name] if flavour == "listed" else op.function
    if function not in looking:  # the public function is another one around it
        namespace, _, short = op.name.rpartition(".")
        function = public.get(namespace, {}).get(short)
    if function not in looking:
        raise error
    args, kwargs, by_name = [], {}, False
    for param, value in zip(op.params, values, strict=True):
        if param.has_default and value is param.default:
            by_name = True
        elif by_name or param.keyword_only:
            kwargs[param.name] = value
        else:
            args.append(value)
    return hand_over(function, overloaded(args, kwargs), tuple(args), kwargs)


def hand_on_call(function, signature, values: tuple, error: Exception):
    """The same for a function composed of operators."""
    begin()
    if function not in looking:
        raise error
    args, kwargs = [], {}
    for param, value in zip(signature.parameters.values(), values, strict=True):
        if param.kind is param.VAR_POSITIONAL:
            args.extend(value)
        elif param.kind is param.VAR_KEYWORD:
            kwargs.update(value)
        elif value is not param.default:
            if kwargs or param.kind is param.KEYWORD_ONLY or param.default is not param.empty:
                kwargs[param.name] = value
            else:
                args.append(value)
    found = overloaded(args, kwargs)
    if not found and not state.modes:  # it is an error of its own: nobody takes over
        raise error
    return hand_over(function, found, tuple(args), kwargs)


def name_of(function) -> str:
    """Where PyTorch has the function, for messages."""
    from .op import public
    from .tensor import Tensor

    if isinstance(function, types.MethodWrapperType):
        owner = function.__self__
        return next((f"torch.Tensor.{name}.{function.__name__}" for name, value in vars(Tensor).items() if value is owner), function.__name__)
    for namespace, functions in public.items():
        if function.__name__.endswith("_") and vars(Tensor).get(function.__name__) is function:
            break  # PyTorch knows few in-place forms as functions
        if functions.get(function.__name__) is function:
            return f"torch.{namespace}.{function.__name__}" if namespace else f"torch.{function.__name__}"
    return f"torch.Tensor.{function.__name__}"


# ---- switching off, and modes ----

class _Off:
    level = 0

    def __enter__(self):
        self._before = state.off
        state.off = max(state.off, self.level)

    def __exit__(self, *exception) -> None:
        state.off = self._before


class DisableTorchFunctionSubclass(_Off):
    """Inside, objects are not asked; modes are."""

    level = 1


class DisableTorchFunction(_Off):
    """Inside, neither objects nor modes are asked."""

    level = 2


class TorchFunctionMode:
    """Takes over every function inside a `with` block: override `__torch_function__(self, func, types, args, kwargs)`.

    >>> import autodiff_lab as lab
    >>> class Names(lab.overrides.TorchFunctionMode):
    ...     def __torch_function__(self, func, types, args=(), kwargs=None):
    ...         print(func.__name__)
    ...         return func(*args, **(kwargs or {}))
    >>> with Names():
    ...     _ = lab.ones(2).exp()
    ones
    exp
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        raise NotImplementedError

    def __enter__(self):
        begin()
        state.modes = (*state.modes, self)
        return self

    def __exit__(self, *exception) -> None:
        state.modes = state.modes[:-1]

    @classmethod
    def push(cls, *args, **kwargs):
        """The mode, to be entered by `with`."""
        return cls(*args, **kwargs)


# ---- looking before each function ----

# What PyTorch asks nobody about, and what only modes see.
UNSEEN = frozenset(
    "is_tensor is_storage typename broadcast_shapes from_dlpack to_dlpack frombuffer from_numpy is_nonzero_ get_device_module manual_seed seed initial_seed get_rng_state "
    "set_rng_state set_default_tensor_type use_deterministic_algorithms are_deterministic_algorithms_enabled is_deterministic_algorithms_warn_only_enabled "
    "get_deterministic_debug_mode set_deterministic_debug_mode get_float32_matmul_precision set_float32_matmul_precision get_num_threads set_num_threads "
    "get_num_interop_threads set_num_interop_threads set_flush_denormal set_warn_always is_warn_always_enabled is_anomaly_enabled is_anomaly_check_nan_enabled "
    "set_anomaly_enabled compile _legacy_new".split())
DATA = frozenset(("as_tensor", "asarray", "tensor"))  # takes numbers out of anything
CREATION = DATA | frozenset(
    "empty empty_permuted empty_strided eye full ones scalar_tensor zeros rand randint randn randperm normal hann_window "
    "hamming_window blackman_window bartlett_window kaiser_window arange linspace logspace tril_indices triu_indices range sparse_coo_tensor result_type".split())
UNSEEN_METHODS = frozenset(
    "as_subclass __new__ __init__ __iter__ __hash__ __dir__ __getattr__ __getattribute__ __setattr__ __init_subclass__ __array_ufunc__ __dlpack__ __dlpack_device__ "
    "__str__".split())
# The method that PyTorch reports for a Python operator, where it is another one.
OPERATORS = {"__add__": "add", "__radd__": "add", "__iadd__": "add_", "__sub__": "sub", "__isub__": "sub_", "__mul__": "mul", "__rmul__": "mul", "__imul__": "mul_",
             "__truediv__": "div", "__rtruediv__": "__rdiv__", "__div__": "div", "__itruediv__": "div_", "__idiv__": "div_", "__pow__": "pow", "__ipow__": "pow_",
             "__mod__": "remainder", "__imod__": "remainder_",
             "__matmul__": "matmul", "__neg__": "neg", "__abs__": "abs", "__lt__": "lt", "__le__": "le", "__gt__": "gt", "__ge__": "ge", "__ne__": "ne"}
# What is written in Python in PyTorch and gives its keywords as {} where there are none; compiled functions give None.
WRITTEN = frozenset("__rsub__ __rdiv__ pow __rpow__ __floordiv__ __rfloordiv__ __len__ __repr__ __format__ __contains__ __reversed__ __deepcopy__ __reduce_ex__ __array__ "
                    "broadcast_tensors einsum unique stft istft tensordot meshgrid cdist atleast_1d atleast_2d atleast_3d block_diag backward".split())
looking: set = set()  # the functions that look at their arguments by now


def begin() -> None:
    """Let every public function look at its arguments from now on; a second call does nothing."""
    from .op import public
    from .tensor import Tensor

    with _lock:
        if _State.begun:
            return
        _State.begun = True
        ORDINARY.add(Tensor)
        for functions in public.values():
            for name, function in functions.items():
                if name not in UNSEEN:
                    _watch(function, function, name in DATA)
        for name, value in list(vars(Tensor).items()):
            special = name.startswith("__")
            if name in UNSEEN_METHODS or name.startswith("_") and not special:
                continue
            if isinstance(value, property):
                if value.fget in looking:  # a function too, such as torch.real: the attribute is reported as an attribute
                    value = property(_reads(value.fget.inner), value.fset, value.fdel, value.__doc__)
                    setattr(Tensor, name, value)
                for part, reached in ((value.fget, value.__get__), (value.fset, value.__set__), (value.fdel, value.__delete__)):
                    _watch(part, reached)
            else:
                if isinstance(value, types.FunctionType) and value not in looking and getattr(Tensor, value.__name__, None) is not value:
                    value.__name__ = name
                _watch(value, vars(Tensor).get(OPERATORS.get(name, name), value), declines=special)


# ---- helpers, in order of use ----

def _kept(result, cls):
    from .tensor import Tensor, wrap

    if cls is Tensor:
        return result
    if isinstance(result, Tensor):
        if isinstance(result, cls):
            return result
        if result._node is not None or result._view is not None:
            return result.as_subclass(cls)
        made = wrap(result._a, cls)  # what as_subclass does, where there is no history to keep
        made._rg, made._ver = result._rg, result._ver
        return made
    if isinstance(result, (tuple, list)):
        kept = [_kept(each, cls) for each in result]
        return type(result)(kept)
    return result


def _reads(inner) -> Callable:
    def read(self):
        return inner(self)
    return read


def _watch(function, reported, modes_only: bool = False, declines: bool = False) -> None:
    """Put a look at the arguments before `function`, which is reported as `reported`; with `declines`, as a Python operator that nobody knows."""
    if not isinstance(function, types.FunctionType) or function in looking:
        return
    looking.add(function)
    put_before(function, lambda inner: _declining(inner, reported) if declines else _look(inner, reported, modes_only))


def put_before(function, look_of: Callable) -> None:
    """Let `function` do what `look_of` makes of the function as it was, by exchanging the code inside it."""
    inner = types.FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__)
    inner.__kwdefaults__, inner.__qualname__ = function.__kwdefaults__, function.__qualname__
    if "inner" in function.__dict__:
        inner.inner = function.inner
    function.__signature__ = inspect.signature(function)
    look = look_of(inner)
    function.inner = inner
    code = _ahead(function.__code__.co_freevars)
    function.__code__ = code.replace(
        co_consts=tuple(look if each == "look" else each for each in code.co_consts), co_name=inner.__code__.co_name, co_qualname=inner.__code__.co_qualname,
        co_filename=inner.__code__.co_filename, co_firstlineno=inner.__code__.co_firstlineno)


@functools.cache
def _ahead(free: tuple[str, ...]) -> types.CodeType:
    """The code that calls the constant "look", which a function then takes the place of: a name would have to be looked up in each function's module.

    A function's code can only be replaced by one with as many free variables. They are compiled in, not only declared, because Python reads
    them without a check when a debugger asks a frame for its variables.
    """
    names = ", ".join(free)
    nonlocals = f"nonlocal {names}; " if free else ""
    scope: dict = {}
    exec(f"def outer({names}):\n    def ahead(*args, **kwargs):\n        {nonlocals}__tracebackhide__ = True; look = 'look'; return look(*args, **kwargs)\n    return ahead", scope)
    return scope["outer"](*free).__code__


def _look(inner, reported, modes_only: bool) -> Callable:
    none = {} if reported.__name__ in WRITTEN else None

    def look(*args, **kwargs):
        __tracebackhide__ = True
        if state.off and (state.off > 1 or not state.modes):
            return inner(*args, **kwargs)
        if not state.modes:
            if modes_only:
                return inner(*args, **kwargs)
            for value in args:
                if value.__class__ not in ORDINARY:
                    break
            else:
                if not kwargs:
                    return inner(*args)
        found = [] if state.off or modes_only else overloaded(args, kwargs)
        if not found and not state.modes:
            return inner(*args, **kwargs)
        return hand_over(reported, found, args, kwargs or none)
    return look


def _declining(inner, reported) -> Callable:
    look = _look(inner, reported, False)

    def decline(*args, **kwargs):
        try:
            return look(*args, **kwargs)
        except TypeError as error:
            if str(error).startswith("Multiple dispatch failed"):
                return NotImplemented
            raise
    return decline
