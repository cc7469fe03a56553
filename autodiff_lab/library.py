"""Operators of one's own under PyTorch's names: `custom_op` with its gradient, its shape function and `torch.ops.<namespace>.<name>`.

    @lab.library.custom_op("mine::cube", mutates_args=())
    def cube(x: lab.Tensor) -> lab.Tensor:
        return x ** 3

    cube.register_autograd(lambda ctx, grad: grad * 3 * ctx.x ** 2, setup_context=...)

Nothing is compiled here, so an operator is a function that checks its arguments, hides what it does from the tape and has
the derivative that was registered for it; without one, going backward through it is an error.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .autograd.function import Function
from .core.devices import device
from .core.dtypes import dtype
from .core.modes import modes
from .core.tensor import Tensor
from .ops import packets

__all__ = ["CustomOpDef", "Library", "custom_op", "define", "get_ctx", "impl", "infer_schema", "register_autograd", "register_fake", "register_kernel"]

BASIC = {Tensor: "Tensor", int: "SymInt", float: "float", bool: "bool", str: "str", int | float | bool: "Scalar", dtype: "ScalarType", device: "Device"}
CHECKS: dict[str, tuple] = {"Tensor": (Tensor,), "SymInt": (int,), "int": (int,), "float": (float, int), "bool": (bool,), "str": (str,), "Scalar": (int, float, bool, complex),
                            "ScalarType": (dtype,), "Device": (device, str)}


def _kinds() -> dict:
    """The word of a schema for every type that may stand in a signature."""
    found: dict = dict(BASIC)
    for kind, word in BASIC.items():
        if kind not in (dtype, device, str):
            for many in (typing.Sequence[kind], typing.List[kind], Sequence[kind], list[kind]):  # noqa: UP006 - programs write both
                found[many] = f"{word}[]"
                if kind is not Tensor:
                    found[typing.Optional[many]] = f"{word}[]?"  # noqa: UP045
        found[typing.Optional[kind]] = f"{word}?"  # noqa: UP045
    return found


def _refuse(what: str, signature) -> ValueError:
    return ValueError(f"infer_schema(func): {what} Got func with signature {signature})")


def infer_schema(prototype_function: Callable, /, *, mutates_args, op_name: str | None = None) -> str:
    """The schema of a function with annotations, e.g. "(Tensor x, float k) -> Tensor".

    Raises:
        ValueError: if an annotation is missing or names a type that operators do not take.

    >>> import autodiff_lab as lab
    >>> def scaled(x: lab.Tensor, k: float = 2.0) -> lab.Tensor: ...
    >>> lab.library.infer_schema(scaled, mutates_args=())
    '(Tensor x, float k=2.) -> Tensor'
    """
    signature, hints, kinds = inspect.signature(prototype_function), typing.get_type_hints(prototype_function), _kinds()
    parts: list[str] = []
    starred = False
    for number, (name, p) in enumerate(signature.parameters.items()):
        if p.kind in (p.POSITIONAL_ONLY, p.VAR_POSITIONAL, p.VAR_KEYWORD):
            raise _refuse("We do not support positional-only args, varargs, or varkwargs.", signature)
        if p.kind is p.KEYWORD_ONLY and not starred:
            parts.append("*")
            starred = True
        if name not in hints:
            raise _refuse(f"Parameter {name} must have a type annotation.", signature)
        if hints[name] not in kinds:
            raise _refuse(f"Parameter {name} has unsupported type {hints[name]}. The valid types are: {kinds.keys()}.", signature)
        word = kinds[hints[name]]
        if mutates_args != "unknown" and name in mutates_args:
            if not word.startswith("Tensor"):
                raise _refuse(f"Parameter {name} is in mutable_args but only Tensors or collections of Tensors can be mutated", signature)
            word = word.replace("Tensor", f"Tensor(a{number}!)")
        parts.append(f"{word} {name}" + ("" if p.default is p.empty else f"={_default(name, p.default, signature)}"))
    if mutates_args != "unknown":
        unknown = set(mutates_args) - set(signature.parameters)
        if unknown:
            raise _refuse(f"{unknown} in mutates_args were not found in the custom op's signature. mutates_args should contain the names of all args that the custom op "
                          "mutates, or just the string 'unknown' if you don't know.", signature)
    if "return" not in hints:
        raise _refuse("No return type annotation was provided. Please add one.", signature)
    return f"{op_name or ''}({', '.join(parts)}) -> {_returned(hints['return'], kinds, signature)}"


def _default(name: str, value, signature) -> str:
    if value is None or isinstance(value, (int, bool)):
        return str(value)
    if isinstance(value, float):
        return f"{value:g}." if value == int(value) else str(value)
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, (dtype, device)):
        return str(value).removeprefix("torch.")
    raise _refuse(f"Parameter {name} has an unsupported default value type {type(value)}. Please file an issue on GitHub so we can prioritize this.", signature)


def _returned(hint, kinds: dict, signature) -> str:
    if hint is type(None):
        return "()"
    if typing.get_origin(hint) is tuple:
        return f"({', '.join(_returned(each, kinds, signature) for each in typing.get_args(hint))})"
    word = kinds.get(hint, "")
    if word not in ("Tensor", "Tensor[]", "SymInt", "float", "bool", "Scalar"):
        raise _refuse(f"Return has unsupported type {hint}.", signature)
    return word


class _Argument:
    """One argument of a schema."""

    def __init__(self, text: str, keyword_only: bool):
        start, _, default = text.partition("=")
        kind, self.name = start.strip().rsplit(" ", 1)
        self.kind, self.keyword_only, self.required = re.sub(r"\(a\d*!?\)", "", kind), keyword_only, not default
        self.default = None if not default else {"None": None, "True": True, "False": False}.get(default, self._value(default))

    @staticmethod
    def _value(text: str) -> Any:
        if text.startswith('"'):
            return text.strip('"')
        try:
            return int(text)
        except ValueError:
            try:
                return float(text)
            except ValueError:
                return None  # a dtype or device: the function's own default stands

    def fits(self, value) -> bool:
        """True if the value may be given."""
        kind = self.kind
        if kind.endswith("?"):
            if value is None:
                return True
            kind = kind[:-1]
        if kind.endswith("[]"):
            return isinstance(value, (list, tuple)) and all(isinstance(v, CHECKS.get(kind[:-2].rstrip("?"), (object,))) for v in value)
        return isinstance(value, CHECKS.get(kind, (object,)))


class CustomOpDef:
    """An operator of one's own; call it like the function it was made of."""

    def __init__(self, namespace: str, name: str, schema: str, function: Callable | None):
        self._namespace, self._name, self._schema, self._function = namespace, name, schema, function
        self._qualname = f"{namespace}::{name}"
        self._kernels: dict[str, Callable] = {}
        self._fake = self._backward = self._setup = None
        inside = schema[schema.index("(") + 1: schema.rindex("->")].rstrip().removesuffix(")")
        parts = [part.strip() for part in re.split(r",(?![^\[(]*[\])])", inside) if part.strip()]
        star = parts.index("*") if "*" in parts else len(parts)
        self._arguments = [_Argument(part, i > star) for i, part in enumerate(parts) if part != "*"]
        self.__name__ = self._opname = name
        self._recorded: type[Function] | None = None

    def __repr__(self) -> str:
        return f"<CustomOpDef({self._qualname})>"

    @property
    def default(self) -> CustomOpDef:
        """Its only overload: itself."""
        return self

    # ---- what belongs to it ----

    def register_fake(self, fn: Callable, /) -> Callable:
        """Decorate a function that gives results of the right shape for tensors on the device "meta"."""
        self._fake = fn
        return fn

    register_abstract = impl_abstract = register_fake

    def register_kernel(self, device_types, fn: Callable | None = None, /):
        """Decorate the function for a device; None stands for every device."""
        def decorate(fn):
            for kind in [device_types] if isinstance(device_types, str) or device_types is None else device_types:
                self._kernels["" if kind is None else kind.lower()] = fn
            return fn
        return decorate if fn is None else decorate(fn)

    def register_autograd(self, backward: Callable, /, *, setup_context: Callable | None = None) -> None:
        """The derivative: `backward(ctx, *grads)` gives a gradient for each input, from what `setup_context(ctx, inputs, output)` kept.

        >>> import autodiff_lab as lab
        >>> @lab.library.custom_op("example::square", mutates_args=())
        ... def square(x: lab.Tensor) -> lab.Tensor:
        ...     return x * x
        >>> square.register_autograd(lambda ctx, grad: 2 * ctx.saved_tensors[0] * grad, setup_context=lambda ctx, inputs, output: ctx.save_for_backward(*inputs))
        >>> x = lab.tensor(3.0, requires_grad=True)
        >>> lab.ops.example.square(x).backward()
        >>> x.grad
        tensor(6.)
        """
        self._backward, self._setup, self._recorded = backward, setup_context, None

    def register_vmap(self, func: Callable, /):
        """Accepted: `vmap` calls the operator once for each sample."""
        return func

    # ---- calling ----

    def __call__(self, *args, **kwargs) -> Any:
        given = self._bound(args, kwargs)
        positional, by_name = self._apart(given)
        tensors = [v for value in given.values() for v in (value if isinstance(value, (list, tuple)) else (value,)) if isinstance(v, Tensor)]
        if not (modes.grad and any(t.requires_grad for t in tensors)):
            return self._run(positional, by_name, tensors)
        return self._function_for(by_name, tensors).apply(*positional)

    def _bound(self, args, kwargs) -> dict:
        """The arguments by name, checked against the schema.

        Raises:
            RuntimeError: if one is missing, too many, or of another type.
        """
        declared = f"Declaration: {self._qualname}{self._schema}"
        count = len(args) + len(kwargs)
        if count > len(self._arguments):
            raise RuntimeError(f"{self._qualname}() expected at most {len(self._arguments)} argument(s) but received {count} argument(s). {declared}")
        given: dict = {}
        for position, argument in enumerate(self._arguments):
            if position < len(args) and not argument.keyword_only:
                value = args[position]
            elif argument.name in kwargs:
                value = kwargs[argument.name]
            elif argument.required:
                raise RuntimeError(f"{self._qualname}() is missing value for argument '{argument.name}'. {declared}")
            else:
                continue
            if not argument.fits(value):
                raise RuntimeError(f"{self._qualname}() Expected a value of type '{argument.kind.replace('SymInt', 'int')}' for argument '{argument.name}' but instead found "
                                   f"type '{type(value).__name__}'.\nPosition: {position}\nValue: {value!r}\n{declared}\nCast error details: Unable to cast {value} to "
                                   f"{argument.kind}")
            given[argument.name] = value
        unknown = set(kwargs) - {a.name for a in self._arguments}
        if unknown:
            raise RuntimeError(f"Unknown keyword argument '{sorted(unknown)[0]}' for operator '{self._qualname}'. {declared}")
        return given

    def _apart(self, given: dict) -> tuple[list, dict]:
        """Arguments by position as far as they go, the rest by name."""
        positional, by_name = [], {}
        for argument in self._arguments:
            if argument.name in given:
                if argument.keyword_only or by_name:
                    by_name[argument.name] = given[argument.name]
                else:
                    positional.append(given[argument.name])
            elif not argument.keyword_only and any(a.name in given for a in self._arguments[self._arguments.index(argument):]):
                positional.append(argument.default)
        return positional, by_name

    def _run(self, args, kwargs, tensors) -> Any:
        where = tensors[0].device.type if tensors else "cpu"
        if where == "meta":
            if self._fake is None:
                raise RuntimeError(f"There was no fake impl registered for {self!r}. This is necessary for torch.compile/export/fx tracing to work. "
                                   f"Please use `{self._name}.register_fake` to add an fake impl.")
            return self._fake(*args, **kwargs)
        function = self._kernels.get(where) or self._kernels.get("") or self._function
        if function is None:
            raise NotImplementedError(f"Could not run '{self._qualname}' with arguments from the '{where.upper()}' backend: no function was given for it.")
        result = function(*args, **kwargs)
        for each in result if isinstance(result, (tuple, list)) else (result,):
            if each is not None and not isinstance(each, (Tensor, int, float, bool)) or isinstance(each, (int, float)) and "-> Tensor" in self._schema:
                raise RuntimeError(f"Unable to cast {each} to Tensor")
            if isinstance(each, Tensor) and any(each is t or each._base is t for t in tensors):
                raise RuntimeError(f"{self._name}: The output of this custom operator (1) must not also be an input to this custom operator and (2) may not alias any inputs "
                                   "to this custom operator or other returns. The most common way to trigger this error is if we have y = custom_op(x) and y and x are "
                                   "the same Tensor. Please instead return a clone of the offending output tensor(s) (e.g. return x.clone()) or refactor the custom "
                                   "operator to not return y.")
        return result

    def _function_for(self, by_name: dict, tensors: list) -> type[Function]:
        """The autograd Function of one call."""
        operator = self

        def forward(*args):
            return operator._run(args, by_name, tensors)

        def setup_context(ctx, inputs, output):
            if operator._setup is None:
                return
            names = [a.name for a in operator._arguments if a.keyword_only]
            if names:
                operator._setup(ctx=ctx, inputs=inputs, keyword_only_inputs=by_name, output=output)
            else:
                operator._setup(ctx, (*inputs, *by_name.values()), output)

        def backward(ctx, *grads):
            if operator._backward is None:
                raise RuntimeError(f"Trying to backward through {operator._namespace}.{operator._name}.default but no autograd formula was registered. "
                                   "Please use register_autograd to add one.")
            found = operator._backward(ctx, *grads)
            count = len(ctx.needs_input_grad)
            return tuple(found)[:count] if isinstance(found, (tuple, list)) else found

        name = f"GeneratedBackwardFor_{self._namespace}_{self._name}_default"
        return type(name, (Function,), {"forward": staticmethod(forward), "setup_context": staticmethod(setup_context), "backward": staticmethod(backward)})


def _named(name: str) -> tuple[str, str]:
    namespace, short = name.split("::")
    return namespace, short


def _install(made: CustomOpDef) -> CustomOpDef:
    packets.define(made._namespace, made._name, made)
    return made


def custom_op(name: str, fn: Callable | None = None, /, *, mutates_args: str | Iterable[str], device_types=None, schema: str | None = None, tags=None):
    """Decorate a function with annotations: it becomes the operator `name`, e.g. "mine::cube".

    Args:
        mutates_args: names of the tensors that it writes to, or "unknown".
        device_types: for which devices the function is.
        schema: instead of annotations, e.g. "(Tensor x) -> Tensor".

    Raises:
        ValueError: if the name has no namespace or the annotations no schema.
    """
    def decorate(function):
        namespace, short = _named(name)
        made = CustomOpDef(namespace, short, schema or infer_schema(function, mutates_args=mutates_args), function if device_types is None else None)
        if device_types is not None:
            made.register_kernel(device_types, function)
        made.__doc__ = function.__doc__
        return _install(made)
    return decorate if fn is None else decorate(fn)


def define(qualname: str, schema: str, *, lib=None, tags=()) -> None:
    """An operator without a function yet; `impl` gives it one."""
    _install(CustomOpDef(*_named(qualname), schema.strip(), None))


def _found(qualname) -> CustomOpDef:
    if isinstance(qualname, CustomOpDef):
        return qualname
    return packets.defined(*_named(qualname.partition(".")[0] if "::" in qualname else qualname))


def impl(qualname, types="", func: Callable | None = None, *, lib=None):
    """Decorate the function that a defined operator runs on a device."""
    kinds = [types] if isinstance(types, str) else types

    def decorate(function):
        for kind in kinds:
            _found(qualname).register_kernel({"default": None, "": None, "compositeexplicitautograd": None, "compositeimplicitautograd": None}.get(kind.lower(), kind.lower()), function)
        return function
    return decorate if func is None else decorate(func)


def register_kernel(op, device_types, func: Callable | None = None, /, *, lib=None):
    """`op.register_kernel` by name."""
    return _found(op).register_kernel(device_types, func)


def register_fake(op, func: Callable | None = None, /, *, lib=None, **options):
    """`op.register_fake` by name. For an operator of a compiled library that was refused, the function comes back unused.

    Raises:
        RuntimeError: if there is no such operator, and no library was refused that might have had it.
    """
    if isinstance(op, str) and not packets.is_defined(*_named(op)):
        if not packets.refused_libraries:
            raise RuntimeError(f"operator {op} does not exist")
        return (lambda function: function) if func is None else func
    return _found(op).register_fake if func is None else _found(op).register_fake(func)


def get_ctx():
    """Refused: a size that depends on values has no symbol here, so that such an operator has no result on the device "meta"."""
    raise RuntimeError("torch.library.get_ctx() is not here: a size that depends on the values of a tensor cannot be known on the device 'meta'. "
                       "Call the operator with tensors that hold numbers.")


def register_autograd(op, backward: Callable, /, *, setup_context: Callable | None = None, lib=None) -> None:
    """`op.register_autograd` by name."""
    _found(op).register_autograd(backward, setup_context=setup_context)


def opcheck(*args, **kwargs):
    """Refused: it checks an operator for PyTorch's compiler. Use autograd.gradcheck for the derivative."""
    raise RuntimeError("opcheck is not here: it checks an operator for PyTorch's compiler. Use torch.autograd.gradcheck for its derivative.")


class Library:
    """Operators of a namespace, defined one by one: `define("f(Tensor x) -> Tensor")`, `impl("f", function, "CPU")`."""

    def __init__(self, ns: str, kind: str, dispatch_key: str = ""):
        if kind not in ("IMPL", "DEF", "FRAGMENT"):
            raise ValueError(f"Unsupported kind: {kind}")
        self.ns, self.kind = ns, kind

    def define(self, schema: str, alias_analysis: str = "", *, tags=()) -> str:
        """A new operator; returns its name."""
        name = schema[:schema.index("(")].strip()
        define(f"{self.ns}::{name}", schema[schema.index("("):])
        return name

    def impl(self, op_name, fn: Callable, dispatch_key: str = "", **options) -> None:
        """The function that it runs on a device."""
        impl(f"{self.ns}::{op_name}", dispatch_key, fn)
