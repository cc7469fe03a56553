"""What may stand for an argument that is no tensor: the rules of PyTorch's argument parser, by the parameter's annotation.

A kernel says `dim: int`; codegen writes `if dim.__class__ is not int: dim = integer(OP, 'dim', dim)` into the public
function. So the usual value costs one comparison, and every other one comes here: NumPy's numbers and tensors of one
element become Python's, anything else is refused in PyTorch's words.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Sequence

import numpy as np

from .codegen import MISSING
from .dtypes import dtype, of_name
from .errors import no_memory
from .overriding import Foreign, hand_on_call, state, takes_over
from .tensor import Tensor

__all__ = [
    "PYTHON", "REALS", "DType", "Dims", "Number", "Sizes", "as_dtype", "both", "check_all", "checked", "collect_ints", "dims_of", "integer", "missing", "number",
    "one_by_one", "real", "refusal", "sizes_of", "test_of", "text", "truth", "type_name", "whole",
]

Number = int | float | complex | bool
Sizes = Sequence[int]
Dims = int | Sequence[int]

REALS = frozenset((float, int, bool))
DType = dtype

# annotation: (what holds of a value that needs a closer look, the function that takes it)
TESTS = {
    "int": ("{n}.__class__ is not int", "integer"),
    "bool": ("{n} is not False and {n} is not True", "truth"),
    "float": ("{n}.__class__ not in REALS", "real"),
    "Number": ("{n}.__class__ not in NUMBERS", "number"),
    "str": ("{n}.__class__ is not str", "text"),
    "Dims": ("{n}.__class__ is not int", "dims_of"),  # one whole number or several
    "Sizes": ("True", "sizes_of"),  # several, as a tuple or list
}
COMPOSED = {**TESTS, "Tensor": ("{n}.__class__ is not Tensor", "tensor")}  # operators look at their tensors themselves


def test_of(param, tests: dict = TESTS) -> str | None:
    """The line that looks at one parameter, or None: its annotation says nothing that PyTorch checks so early."""
    kind = param.annotation
    if param.name == "dtype" and kind in (inspect.Parameter.empty, "dtype | None"):
        return "if dtype is not None and dtype.__class__ is not DType: dtype = as_dtype(OP, 'dtype', dtype)"
    if not isinstance(kind, str) or param.name in ("reduction", "compute_mode"):  # these PyTorch checks in Python, later and in other words
        return None
    optional = kind.endswith(" | None")
    if (found := tests.get(kind.removesuffix(" | None"))) is None:
        return None
    test, function = found
    n = param.name
    return f"if {f'{n} is not None and ' if optional else ''}{test.format(n=n)}: {n} = {function}(OP, '{n}', {n})"


def refusal(op, name: str, value, wanted: str, more: str = "") -> TypeError:
    """The error for a value of the wrong kind. PyTorch counts positions where the argument was given by position."""
    place = " (position 1)" if isinstance(op, str) and name == "size" else ""
    if not isinstance(op, str):
        param = next((p for p in op.params if p.name == name), None)
        place = "" if param is None or param.has_default else f" (position {op.params.index(param) + 1})"
    return TypeError(f"{short(op)}(): argument '{name}'{place} must be {wanted}, not {type_name(value)}{more}")


def short(op) -> str:
    """The name that PyTorch has in the message: of an operator, or of the function that was called."""
    return (op if isinstance(op, str) else op.name).split(".")[-1].removesuffix("_dim").removesuffix("_op")


def both(op, name: str):
    """The error for NumPy's word beside PyTorch's for the same argument."""
    raise TypeError(f"{short(op)}() got an unexpected keyword argument '{name}': another argument means the same, and was given too")


def missing(op, name: str):
    """The error for an argument that was not given, or was given under both of its names."""
    if name in ("input", "x") and (isinstance(op, str) or op.params[0].name != name):
        raise TypeError(f"{short(op)}() got multiple values for argument '{name}'")
    raise TypeError(f'{short(op)}() missing 1 required positional arguments: "{name}"')


def type_name(value) -> str:
    """The name of a value's class, as PyTorch writes it."""
    kind = type(value)
    return kind.__name__ if kind.__module__ in ("builtins", "__main__") or isinstance(value, Tensor) else f"{kind.__module__}.{kind.__name__}"


def as_int(value):
    """A whole number of another class as Python's, or None."""
    if isinstance(value, (int, np.integer)):
        return None if isinstance(value, bool) else int(value)
    if isinstance(value, Tensor):
        return int(value) if not value.ndim and value._a.dtype.kind in "iu" and not value.requires_grad else None
    return int(value) if isinstance(value, np.ndarray) and not value.ndim and value.dtype.kind in "iu" else None


def integer(op, name: str, value) -> int:
    """A whole number.

    Raises:
        TypeError: for anything else; True and 1.0 are none.
    """
    found = as_int(value)
    if found is None and isinstance(value, Tensor) and value.ndim == 1 and value.numel() == 1 and not name.startswith("dim"):
        found = as_int(value.reshape(()))  # for sizes and counts PyTorch takes these too
    if found is None:
        raise refusal(op, name, value, "int", ". Give several dimensions to a function that takes them, e.g. sum or flip." if name == "dim" and isinstance(value, (tuple, list)) else "")
    return found


def truth(op, name: str, value) -> bool:
    """The error for what is neither True nor False, e.g. a second dimension where `keepdim` stands."""
    raise refusal(op, name, value, "bool", ". Give several dimensions as a tuple, e.g. dim=(0, 1)." if isinstance(value, int) and name == "keepdim" else "")


def number(op, name: str, value, wanted: str = "Number"):
    """A number: also NumPy's, and a tensor without dimensions that requires no gradient."""
    if isinstance(value, (float, int, complex)):
        return next(t(value) for t in (bool, int, float, complex) if isinstance(value, t))
    if isinstance(value, np.generic) or isinstance(value, (Tensor, np.ndarray)) and not value.ndim and not getattr(value, "requires_grad", False):
        return value.item()
    raise refusal(op, name, value, wanted)


def real(op, name: str, value):
    """A number that is not complex."""
    if isinstance(found := number(op, name, value, "float"), complex):
        raise refusal(op, name, value, "float")
    return found


def text(op, name: str, value) -> str:
    """A string.

    Raises:
        TypeError: for anything else.
    """
    if isinstance(value, str):
        return str(value)
    raise refusal(op, name, value, "str")


class NoTensor(TypeError, AttributeError):
    """No tensor where a function of nn.functional needs one. PyTorch's compiled functions say TypeError there; those that it writes in
    Python trip over the first attribute that is missing. Programs may look for either, and read TypeError."""


NoTensor.__name__ = NoTensor.__qualname__ = "TypeError"
NoTensor.__module__ = "builtins"


def tensor(op, name: str, value):
    """A tensor, also of a subclass, or what takes functions over.

    Raises:
        TypeError: for a number, a list, an array.
    """
    if isinstance(value, Tensor) or takes_over(value) and state.begun:
        return value
    if takes_over(value):
        raise Foreign(f"{short(op)}(): argument '{name}' must be Tensor, not {type_name(value)}")
    error = refusal(op, name, value, "Tensor", ". Wrap it with torch.tensor(...) first." if isinstance(value, (list, tuple, int, float, np.ndarray)) else "")
    raise NoTensor(*error.args) if isinstance(op, str) and op.startswith("nn.functional.") else error


def whole(name: str, value) -> int:
    """One of the sizes, strides or paddings of a layer as Python's int.

    Raises:
        TypeError: for anything else than a whole number.
    """
    if value.__class__ is int:
        return value
    found = as_int(value)
    if found is None:
        raise TypeError(f"argument '{name}' must be a whole number or a tuple of them, but found {type_name(value)}: {value!r}")
    return found


PYTHON = {float: "float64", int: "int64", bool: "bool", complex: "complex128"}


def as_dtype(op, name: str, value):
    """The dtype that one of Python's own types stands for, or a type that can only be named.

    Raises:
        TypeError: for anything else, such as NumPy's.
    """
    if isinstance(value, dtype):
        return value
    if isinstance(value, type) and value in PYTHON:
        return of_name(PYTHON[value])
    raise refusal(op, name, value, "torch.dtype")


def dims_of(op, name: str, value):
    """One whole number, or several as a tuple."""
    if value.__class__ is tuple or isinstance(value, (tuple, list)):
        return sizes_of(op, name, value)
    found = as_int(value)
    if found is None:
        return (element(op, name, value, 0),) if isinstance(value, Tensor) and value.ndim == 1 and value.numel() == 1 else sizes_of(op, name, value)
    return found


def sizes_of(op, name: str, value) -> tuple:
    """Several whole numbers as a tuple.

    Raises:
        TypeError: for what is no tuple or list, and for an element that is no whole number.
    """
    if not isinstance(value, (tuple, list)):
        raise refusal(op, name, value, "tuple of ints")
    for each in value:
        if each.__class__ is not int:
            return tuple([element(op, name, each, i) for i, each in enumerate(value)])
    return tuple(value)


def element(op, name: str, value, place: int) -> int:
    """One of several whole numbers: here PyTorch also takes a tensor of one element, and, but in the first place, True."""
    if isinstance(value, (int, np.integer)) and (place or not isinstance(value, bool)):
        return int(value)
    if isinstance(value, (Tensor, np.ndarray)) and value.ndim <= 1 and getattr(value, "_a", value).size == 1 and getattr(value, "_a", value).dtype.kind in "iu":
        return int(value.item())
    raise TypeError(f"{short(op)}(): argument '{name}' must be tuple of ints, but found element of type {type_name(value)} at pos {place}")


def collect_ints(starred: tuple, keyword, op, name: str | None = None) -> tuple:
    """Sizes given one by one or as one tuple or list, as a tuple of Python's ints.

    Raises:
        TypeError: for none at all, a number as a keyword, and what is no whole number.
    """
    if keyword is None and starred:
        for value in starred:
            if value.__class__ is not int:
                break
        else:
            return starred  # the usual case
    name = name or op.params[-1].name
    if keyword is not None:
        if starred:
            raise TypeError(f"{short(op)}() got multiple values for argument '{name}'")
        return sizes_of(op, name, keyword)
    if not starred:
        raise TypeError(f'{short(op)}() missing 1 required positional arguments: "{name}"')
    first = starred[0]
    if len(starred) == 1 and isinstance(first, (tuple, list)):
        starred = tuple(first)
    elif isinstance(first, dtype) and short(op) == "view":
        return starred
    elif as_int(first) is None and not isinstance(first, Tensor):
        raise refusal(op, name, first, "tuple of ints")
    return tuple([element(op, name, each, i) for i, each in enumerate(starred)])


def one_by_one(function, name: str):
    """The method of `function(input, sizes)` that also takes the sizes one by one, as only methods do."""
    def method(self, *sizes, **keyword):
        return function(self, collect_ints(sizes, keyword.pop(name, None), function.__name__, name), **keyword)

    method.__name__, method.__doc__ = function.__name__, function.__doc__
    return method


# ---- functions composed of operators ----

METHODS = "autodiff_lab.ops."  # where the methods are that are no function too
NUMPYS = {"dim": "axis", "keepdim": "keepdims"}


def checked(function, name: str | None = None, aliases: dict = NUMPYS):
    """`function`, which messages call `name`, behind a look at its annotated arguments, written out when it is first called; itself if it has none.

    Args:
        aliases: other keywords for parameters, as PyTorch has NumPy's `axis` for `dim`.
    """
    if hasattr(function, "looks_itself"):  # often called: it has no time for a second call
        return function
    signature = inspect.signature(function)
    known = signature.parameters
    others = {first: other for first, other in aliases.items() if first in known and other not in known and known[first].kind is not inspect.Parameter.VAR_POSITIONAL}
    if any(p.kind is p.VAR_KEYWORD for p in known.values()):
        others = {}
    required = []  # may come under another name, so that Python cannot tell that it is missing
    if any(known[first].default is inspect.Parameter.empty for first in others):
        required = [p.name for p in known.values() if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    looks = [line for p in known.values() if (line := test_of(p, COMPOSED))]
    lines = [f"if {other} is not MISSING: {first} = {other} if {first} is default_{first} else both(OP, '{other}')" for first, other in others.items()]
    lines += [*(f"if {each} is MISSING: missing(OP, '{each}')" for each in required), *looks]
    if not lines:
        return function
    scope = {"__name__": function.__module__, "__builtins__": __builtins__}
    made = functools.update_wrapper(types.FunctionType(_first.__code__, scope, function.__name__), function)

    def complete(*args, **kwargs):
        parameters = [p.replace(annotation=p.empty, default=MISSING if p.name in required else p.default) for p in known.values()]
        scope.update(_looks_know(), **{f"default_{p.name}": p.default for p in parameters}, OP=name or function.__name__, function=function, made=made, signature=signature)
        exec(_written(parameters, others.values(), lines), scope)
        written, own = scope["written"], made.__dict__.get("inner", made)  # behind another look; see overriding
        own.__code__, own.__defaults__, own.__kwdefaults__ = written.__code__, written.__defaults__, written.__kwdefaults__
        return own(*args, **kwargs)

    scope["__complete__"] = complete
    return made


def check_all(*scopes, aliases: dict = NUMPYS, prefix: str = "") -> None:
    """Put `checked` functions in the place of those of `scopes` (dicts) and of Tensor's methods; see there for `aliases`. `prefix` stands before their names."""
    seen: dict = {}
    for scope in scopes:
        for name, value in list(scope.items()):
            if isinstance(value, types.FunctionType) and not hasattr(value, "op"):
                scope[name] = seen.setdefault(value, checked(value, prefix + name, aliases))
    for name, value in list(vars(Tensor).items()):
        if isinstance(value, types.FunctionType) and (value in seen or value.__module__.startswith(METHODS) and not hasattr(value, "op")):
            setattr(Tensor, name, seen.get(value) or checked(value))


# ---- helpers, in order of use ----

def _first(*args, **kwargs):
    return __complete__(*args, **kwargs)  # noqa: F821  # pyright: ignore[reportUndefinedVariable] - found in the globals that `checked` makes


def _looks_know() -> dict:
    """What the text of `_written` calls by name, the same for every function."""
    return {
        **{test: globals()[test] for _, test in COMPOSED.values()}, "DType": dtype, "Foreign": Foreign, "MISSING": MISSING, "NUMBERS": frozenset((*REALS, complex)), "REALS": REALS,
        "PROVOKED": (Foreign, AttributeError, TypeError, IndexError),  # by an object that takes over, before anything has begun
        "Tensor": Tensor, "too_large": too_large, "as_dtype": as_dtype, "both": both, "hand_on_call": hand_on_call, "missing": missing, "no_memory": no_memory, "state": state, "takes_over": takes_over,
    }


def too_large(signature, values: tuple) -> Exception | None:
    """PyTorch's error for a whole number that no 64 bits hold, which it meets before anything else is wrong."""
    for param, value in zip(signature.parameters.values(), values, strict=True):
        for each in value if value.__class__ in (tuple, list) else (value,):
            if each.__class__ is int and not -2**63 <= each < 2**63:
                return OverflowError("int too big to convert") if param.annotation in ("Number", "float") else ValueError(f"Overflow when unpacking long long: {param.name}={each} needs more than 64 bits")
    return None


class _Verbatim(str):
    """Text that prints as it is."""

    def __repr__(self) -> str:
        return str(self)


def _written(parameters: list[inspect.Parameter], others, lines: list[str]) -> str:
    """The text of a function that runs `lines`, which look at `parameters`, and then calls `function`; `others` are more keywords it takes."""
    shown = [p if p.default is p.empty else p.replace(default=_Verbatim(f"default_{p.name}")) for p in parameters]
    shown += [inspect.Parameter(other, inspect.Parameter.KEYWORD_ONLY, default=_Verbatim("MISSING")) for other in others]
    given = ", ".join({p.VAR_POSITIONAL: f"*{p.name}", p.VAR_KEYWORD: f"**{p.name}", p.KEYWORD_ONLY: f"{p.name}={p.name}"}.get(p.kind, p.name) for p in parameters)
    values = "".join(f"{p.name}, " for p in parameters)
    return f"def written{inspect.Signature(shown)}:\n    " + "\n    ".join([
        "try:", *(f"    {line}" for line in lines), f"    return function({given})", "except MemoryError as error: raise no_memory(OP, error) from None",
        "except Exception as error:",
        f"    if not state.begun and any([takes_over(value) and not isinstance(value, Tensor) for value in ({values})]) and isinstance(error, PROVOKED):",
        f"        return hand_on_call(made, signature, ({values}), error)",
        f"    if (found := too_large(signature, ({values}))) is not None: raise found from None",
        "    raise"])
