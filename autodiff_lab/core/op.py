"""Operators: one object that knows everything about itself, and the functions made from it.

`@op(...)` turns a kernel on plain arrays into a public function on Tensors with PyTorch's signature, which also promotes
types, records a node and tells observers. `@fn.vjp("input")` adds the rule that sends a gradient back to that input. It
runs on Tensors or on arrays: there each operator that it names is its kernel.

The public function is written out as plain Python the first time it is called, for exactly this
operator: what it unpacks, what its rules need saved. Read it with `print(lab.tanh.op.source)`.
"""

from __future__ import annotations

import copy
import inspect
import sys
import types
from typing import Any

import numpy as np

from . import codegen, saved
from .tape import Runs, show_saved

__all__ = ["Op", "Operators", "Param", "Rule", "array_ops", "give_home", "op", "ops", "public", "registry"]

registry: dict[str, Op] = {}
"""Every operator by its full name, e.g. "tanh" or "linalg.inv"."""


class Operators:
    """Every operator as an attribute, for use in rules: `ops.matmul(grad, ops.conj(other))`.

    Looked up by name when used, so families of operators may use each other in any order. Those of a
    namespace are one dot further: `ops.linalg.inv(A)`.
    """

    def __init__(self, kernels: bool, prefix: str = ""):
        self._kernels, self._prefix = kernels, prefix

    def __getattr__(self, name: str) -> Any:  # a function, or the Operators of a namespace
        full = self._prefix + name
        made = registry.get(full)
        if made is not None:
            found = made.array_function if self._kernels else made.function
        elif any(known.startswith(full + ".") for known in registry):
            found = Operators(self._kernels, full + ".")
        else:
            raise AttributeError(f"there is no operator {full!r}.")
        setattr(self, name, found)
        return found


ops = Operators(kernels=False)
array_ops = Operators(kernels=True)
"""The same operators bound to their kernels: what `ops` means to a rule that runs on arrays."""


class Param:
    """One argument of an operator: its name, default, and whether tensors go in."""

    __slots__ = ("annotation", "default", "keyword_only", "kind", "name")

    KINDS = {"Tensor": "tensor", "Tensor | Number": "number", "Number | Tensor": "number", "Tensor | None": "optional",
             "Tensor | Number | None": "optional_number", "list[Tensor]": "list", "Ints": "ints"}

    def __init__(self, parameter: inspect.Parameter):
        self.name, self.default, self.annotation = parameter.name, parameter.default, parameter.annotation
        self.keyword_only = parameter.kind is parameter.KEYWORD_ONLY
        self.kind = self.KINDS.get(parameter.annotation, "plain")

    @property
    def is_tensor(self) -> bool:
        return self.kind in ("tensor", "number", "optional", "optional_number")

    @property
    def has_default(self) -> bool:
        return self.default is not inspect.Parameter.empty


class Rule:
    """How a gradient flows back to `inputs`. `names` are what it asks for, and so what the tape keeps."""

    __slots__ = ("function", "inputs", "latex", "names")

    def __init__(self, inputs, function, latex):
        self.inputs, self.function, self.latex = inputs, function, latex
        self.names = tuple(inspect.signature(function).parameters)


class Op(Runs):
    """An operator: kernel, rules, formula, samples. `fn.op` of every public function."""

    is_port = False
    writer = None  # writes the result of the in-place form straight into memory; see `writes`
    plan = None  # views.Plan, made when the in-place form is first used
    refuses = ""
    shown_in = ""  # the module that stands before the name of a node
    variants: tuple = ()  # (condition on the arguments, node name): PyTorch numbers the overloads of a function

    def __init__(self, kernel, *, name, category, latex, samples, errors, promote, outputs, extras, view, inplace,
                 ufunc, out, differentiable, no_grad, changes_dtype, node_name, dunder, check):
        self.kernel, self.name, self.category, self.latex = kernel, name, category, latex
        self.make_samples, self.make_errors = samples, errors
        self.promote, self.outputs, self.extras, self.view = promote, outputs, extras, view
        self.inplace, self.ufunc, self.has_out = inplace, ufunc, out
        self.differentiable, self.no_grad, self.changes_dtype = differentiable, no_grad, changes_dtype
        self.dunder, self.check = dunder, check
        self.signature = inspect.signature(kernel)
        self.params = [Param(p) for p in self.signature.parameters.values()]
        self.rules: dict[str, Rule] = {}
        self.node_name = (node_name or "".join(part[:1].upper() + part[1:] for part in name.split(".")[-1].split("_"))) + "Backward0"
        self._built = None
        self._named: dict[str, Op] = {}
        self.function = None

    @property
    def tensor_params(self) -> list[Param]:
        return [p for p in self.params if p.is_tensor]

    @property
    def list_param(self) -> Param | None:
        return next((p for p in self.params if p.kind == "list"), None)

    @property
    def has_ports(self) -> bool:
        """True if several outputs can carry a gradient."""
        return self.outputs is not None and self.differentiable != 1

    def vjp(self, *inputs: str, latex: str | None = None):
        """Decorate the rule for `inputs`: from the gradient of the result to theirs.

        Its parameter names say what it needs: `grad` (or `grads`, one per output), `out`, any argument of
        the operator, `<argument>_shape`, an output's or extra's name, `needs` (which inputs want a gradient).
        """
        def decorate(function):
            rule = Rule(inputs, function, latex)
            known = {"grad", "grads", "out", "needs", *self.extras, *(self.outputs if isinstance(self.outputs, tuple) else ())}
            for param in self.params:
                known |= {param.name, f"{param.name}_shape"}
            for param_name in rule.names:
                show_saved(param_name)
            unknown = set(rule.names) - known
            if unknown or not set(inputs) <= {p.name for p in self.params}:
                raise TypeError(f"a rule of {self.name} asks for {sorted(unknown) or list(inputs)}, which it cannot have; it may name {sorted(known)}.")
            for name in inputs:
                self.rules[name] = rule
            self._built, self._named = None, {}
            return function
        return decorate

    def named(self, node_name: str) -> Op:
        """The same operator, whose nodes have another name, such as "SumBackward1"."""
        made = self._named.get(node_name)
        if made is None:
            built = self.built
            made = self._named[node_name] = copy.copy(self)
            made.node_name, made.variants, made._built = node_name, (), built
        return made

    def writes(self, function):
        """Decorate the in-place kernel: same arguments, stores the result in the first one.

        Without it the in-place form computes the whole result and copies it over.
        """
        self.writer = function
        return function

    @property
    def array_function(self):
        """The operator on plain arrays; sizes come as a tuple."""
        return self.plain if self.extras else self.kernel

    # The functions below are generated on first use; see codegen.

    @property
    def built(self) -> codegen.Built:
        if self._built is None:
            self._built = codegen.build(self)
        return self._built

    @property
    def source(self) -> str:
        """The Python text of the public function and of its backward pass."""
        return self.built.source

    def plain(self, *args, **kwargs):
        """The kernel on arrays, without what it only keeps for its rules."""
        result = self.kernel(*args, **kwargs)
        return result[0] if self.extras else result

    def output_shapes(self, node) -> list:
        return node.dtype

    @staticmethod
    def zeros(shape, dtype, like):
        from .tensor import Tensor, wrap

        if isinstance(like, Tensor):
            return wrap(np.zeros(shape, dtype))
        from ..backend import namespace
        return namespace(like).zeros(shape, dtype)

    def saved_names(self) -> set:
        """The names under which its nodes show what they saved: its own, but PyTorch's for the first argument and the result."""
        theirs = {ours: theirs for theirs, ours in saved.pytorchs_names(self).items()}
        return {theirs.get(name, name) for name in self.built.saved_names}

    def saved_value(self, node, name):
        """What `node` keeps under `name`, as a Tensor where it is one."""
        return saved.saved_value(self, node, name)

    def raw_saved(self, node, name):
        """The place where `node` keeps `name`, on which hooks can be set."""
        return saved.RawSaved(self, node, name)

    def call(self, node, grads):
        return self.backward_tensors(node, list(grads) if self.has_ports else grads[0])

    def samples(self) -> list:
        """Sample calls `(args, kwargs)` for tests and documentation; [] where the operator states none."""
        return list(self.make_samples()) if self.make_samples else []

    def __repr__(self) -> str:
        return f"<operator {self.name}>"


def op(*, category: str = "other", latex: str | None = None, samples=None, errors=None, promote: str | None = None,
       outputs=None, extras: tuple = (), view=False, inplace: bool = False, ufunc=None, out: bool = True,
       differentiable: int | None = None, no_grad: str | None = None, changes_dtype: bool = False, namespace: str = "",
       function: bool = True, method: bool = True, dunder: tuple = (), alias: tuple = (), name: str | None = None,
       node_name: str | None = None, variants: tuple = (), check=None, older: str | None = None, refuses: str = "", sign: str | None = None):
    """Turn the kernel below into an operator and its public function.

    Args:
        category: what it is to a learner: "pointwise", "linear", "reduction", "shape", "index", …
        latex: its formula.
        samples: function that yields `(args, kwargs)`; see core.samples.
        errors: function that yields `(args, kwargs, exception type, words)` that must be refused.
        promote: "numeric" brings tensor arguments to one type; "float" also makes integers floats; "alike" counts those without
            dimensions like all others, for functions that broadcast first; None leaves them.
        outputs: names of several outputs (tuple), or "list" for a varying number.
        extras: names of what the kernel returns after its result, for the rules only.
        view: True if the result shares memory with `input`; "maybe" if it can.
        inplace: also make `name_`.
        ufunc: the NumPy ufunc that the in-place form can write with directly.
        out: whether the function takes `out=`.
        differentiable: how many of the outputs, from the first, carry a gradient; None means all.
        no_grad: the reason why it has no derivative.
        changes_dtype: the result may be of a type that has no gradient.
        namespace: "linalg", "fft", "special" or "nn.functional" where the public name lives there.
        function, method: whether `lab.name` and `Tensor.name` exist.
        dunder: Python operators it implements, e.g. ("__add__", "__radd__").
        alias: other public names.
        name: if the Python name of the kernel can't be the public one.
        check: called with the operands before their types are promoted, to refuse what promotion would hide.
        node_name: PyTorch's name of the node where it is not the CamelCase of `name`.
        variants: other names of the node: (condition on the arguments as Python text, name), the first that holds.
        refuses: kinds of numbers that PyTorch has no such operator for: "b" truth values, "i" integers, "c" complex numbers, "h" numbers of sixteen bits, "s" integers of fewer than 64.
        sign: Python's sign for what the kernel does to its operands with the usual options, e.g. "+".
        older: the keyword that programs of PyTorch's first years give as a number before the last operands: `x.add_(-lr, grad)`.
    """
    def decorate(kernel):
        short = name or kernel.__name__
        full = f"{namespace}.{short}" if namespace else short
        made = Op(kernel, name=full, category=category, latex=latex, samples=samples, errors=errors, promote=promote, outputs=outputs,
                  extras=extras, view=view, inplace=inplace, ufunc=ufunc, out=out and not view, differentiable=differentiable,
                  no_grad=no_grad, changes_dtype=changes_dtype, node_name=node_name, dunder=dunder, check=check)
        made.variants, made.older, made.refuses, made.sign = variants, older, refuses, sign
        if full in registry:
            raise ValueError(f"operator {full} is defined twice.")
        registry[full] = made
        made.function = lazy(made, short, "forward")
        made.function.__doc__ = kernel.__doc__
        install(made, made.function, namespace, function, method, dunder, (short, *alias))
        return made.function
    return decorate


def _stub(*args, **kwargs):
    __tracebackhide__ = True
    return __complete__(*args, **kwargs)  # noqa: F821  # pyright: ignore[reportUndefinedVariable] - found in the globals that `lazy` makes


def lazy(made: Op, name: str, flavour: str):
    """A function that becomes its generated code when first called; it stays the same object."""
    scope = {"__name__": made.kernel.__module__, "__builtins__": __builtins__}
    function = types.FunctionType(_stub.__code__, scope, name)

    def complete(*args, **kwargs):
        __tracebackhide__ = True
        generated = getattr(made.built, flavour)
        if generated is None:
            raise TypeError(f"{made.name} has no {flavour} form.")
        scope.update(generated.__globals__)
        own = function
        while "inner" in own.__dict__:  # behind a look at the arguments; see overriding
            own = own.inner
        own.__code__, own.__defaults__, own.__kwdefaults__ = generated.__code__, generated.__defaults__, generated.__kwdefaults__
        return own(*args, **kwargs)

    scope["__complete__"] = complete
    function.op = made
    function.vjp = made.vjp
    function.__module__ = made.kernel.__module__
    function.__qualname__ = name
    function.__signature__ = made.signature
    return function


def listed(made: Op, name: str):
    """The function of an operator whose method takes sizes one by one: it takes them as a tuple or list only, as in PyTorch."""
    function = lazy(made, name, "listed")
    function.__doc__ = made.kernel.__doc__
    return function


public: dict[str, dict[str, Any]] = {"": {}}
"""Public functions by namespace: `public[""]["tanh"]` is `lab.tanh`."""


def install(made: Op, function, namespace: str, as_function: bool, as_method: bool, dunder, names) -> None:
    """Make the function reachable where PyTorch has it: the package, the Tensor class, its operators."""
    from .tensor import Tensor

    for name in names:
        if as_function:
            public.setdefault(namespace, {})[name] = function if not any(p.kind == "ints" for p in made.params) else listed(made, name)
        if as_method and not namespace and made.params and made.params[0].name in ("input", "self"):
            setattr(Tensor, name, function)
        if made.inplace:
            writer = lazy(made, f"{name}_", "inplace")
            writer.__doc__ = f"In-place version of `{name}`: writes the result into the tensor itself and returns it."
            if as_method and not namespace:
                setattr(Tensor, f"{name}_", writer)
            if as_function:
                public.setdefault(namespace, {})[f"{name}_"] = writer
    for special in dunder:
        setattr(Tensor, special, lazy(made, special, "inplace_operator" if special.startswith("__i") and special != "__invert__" else "operator"))


def give_home(namespace: str, module: str) -> None:
    """Let the functions of a namespace that were made inside others be found again, under `module`: pickle looks them up by name."""
    for name, function in public[namespace].items():
        if isinstance(function, types.FunctionType) and getattr(sys.modules.get(function.__module__), function.__qualname__, None) is not function:
            function.__module__, function.__qualname__ = module, name
