"""Writes the Python text of an operator's function, once, for exactly what that operator needs.

Interpreting a description of the operator at every call would cost more than the arithmetic on small
tensors. So the text below is filled in when the operator is first called: which arguments are tensors,
whether types are promoted, what the rules want saved. `print(lab.mul.op.source)` shows the outcome.
"""

from __future__ import annotations

import builtins
import linecache
import textwrap
import types

import numpy as np

from ..backend.layout import laid_out
from . import observe
from .dtypes import FLOATING, NATIVE
from .modes import WATCHERS, modes
from .saved import reopen
from .signatures import alias_lines, call_arguments, original_arguments, signature_text
from .tape import Node, Version, check_version, clock
from .tensor import Tensor

__all__ = ["MISSING", "Built", "build"]

# A NumPy number is asked for its class: for its dtype it makes a new object, which takes longer than the sum of two numbers.
SCALARS = frozenset(dtype.type for dtype in FLOATING)
NATIVE_SCALARS = frozenset(dtype.type for dtype in NATIVE)
NUMBERS = frozenset((float, int, bool, complex))
ELEMENT_BY_ELEMENT = frozenset(("where", "complex", "bitwise_and", "bitwise_or", "bitwise_xor", "gcd", "lcm"))  # as all of the pointwise and comparing operators
OURS = f"{__name__.split('.')[0]}.ops"  # where rules and what they call are at home
HIDDEN = "__tracebackhide__ = True"  # IPython and pytest leave this text out when they show an error
MISSING = type("MISSING", (), {"__repr__": lambda self: "<required>"})()  # stands for an argument that was not given


class Built:
    """The generated functions of one operator."""

    __slots__ = ("backward", "backward_tensors", "forward", "inplace", "inplace_operator", "listed", "operator", "record", "saved_names", "source")


def build(op) -> Built:
    """Write, compile and return the functions of `op`."""
    from . import arguments, support

    built = Built()
    built.saved_names = saved_names(op)
    op.frees = any(keeps_tensor(op, name) for name in built.saved_names)
    scope = {
        "OP": op, "kernel": op.kernel, "plain": op.plain, "Tensor": Tensor, "Node": Node, "Version": Version, "modes": modes,
        "observe": observe, "clock": clock, "new": object.__new__, "FLOATING": FLOATING, "NATIVE": NATIVE, "NATIVE_SCALARS": NATIVE_SCALARS, "NUMBERS": NUMBERS, "MISSING": MISSING,
        "check_version": check_version, "laid_out": laid_out, "reopen": reopen, "ndarray": np.ndarray, "asarray": np.asarray, "ufunc": op.ufunc, "WATCHERS": WATCHERS, "SCALARS": SCALARS, **{name: getattr(support, name) for name in support.__all__},
        **{name: getattr(arguments, name) for name in arguments.__all__},
    }
    scope.update({f"default_{p.name}": p.default for p in op.params if p.has_default}, USUAL=usual_options(op, built.saved_names))
    texts = [forward_text(op, built.saved_names, "forward")]
    if any(p.kind == "ints" for p in op.params):
        texts.append(forward_text(op, built.saved_names, "listed"))
    if op.dunder:
        texts.append(forward_text(op, built.saved_names, "operator"))
    if op.inplace:
        texts += [inplace_text(op, "inplace"), inplace_text(op, "inplace_operator")]
    texts.append(record_text(op, built.saved_names))
    if op.rules:
        for k, rule in enumerate(distinct_rules(op)):
            scope[f"array_rule_{k}"], scope[f"tensor_rule_{k}"] = on_arrays(rule.function), rule.function
        texts += [backward_text(op, built.saved_names, tensors=False), backward_text(op, built.saved_names, tensors=True)]
    built.source = "\n\n".join(texts)
    filename = f"<operator {op.name}>"
    linecache.cache[filename] = (len(built.source), None, built.source.splitlines(True), filename)
    exec(compile(built.source, filename, "exec"), scope)
    for name in ("forward", "listed", "operator", "inplace", "inplace_operator", "record", "backward", "backward_tensors"):
        setattr(built, name, scope.get(name))
    op.backward, op.backward_tensors = built.backward, built.backward_tensors
    op._built = built
    scope.update({name: op.named(name) for name in variant_names(op.variants)})
    return built


def on_arrays(function, callers: tuple = ()):
    """The rule with every operator it mentions, itself or in a function that it calls, bound to its kernel: arrays take no detour."""
    from .op import Op, array_ops, ops

    callers = (*callers, function)

    def bound(value):
        if value is ops:
            return array_ops
        if not isinstance(value, types.FunctionType):
            return value
        made = getattr(value, "op", None)
        if isinstance(made, Op):
            return made.array_function
        return on_arrays(value, callers) if value.__module__.startswith(OURS) and value not in callers else value

    named = {name: function.__globals__[name] for name in mentioned(function.__code__) if name in function.__globals__}
    kernels = {name: bound(value) for name, value in named.items()}
    if all(kernels[name] is named[name] for name in named):
        return function
    scope = {"__builtins__": builtins, "__name__": function.__module__, "__package__": function.__module__.rpartition(".")[0], **kernels}
    made = types.FunctionType(function.__code__, scope, function.__name__, function.__defaults__, function.__closure__)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


def mentioned(code) -> set[str]:
    """The global names that a piece of code may look up."""
    return set(code.co_names).union(*[mentioned(inner) for inner in code.co_consts if isinstance(inner, types.CodeType)])


def distinct_rules(op) -> list:
    seen = []
    for rule in op.rules.values():
        if rule not in seen:
            seen.append(rule)
    return seen


def saved_names(op) -> list[str]:
    """What the rules name, in a fixed order, apart from the gradient itself."""
    names: list[str] = []
    for rule in op.rules.values():
        names += [name for name in rule.names if name not in ("grad", "grads", "needs") and name not in names]
    return names


NO_ARRAYS = frozenset(("frame", "home"))
"""What kernels keep for their rules that is no array: where a tensor lay, and what its type was."""


def keeps_tensor(op, name: str) -> bool:
    """True if `name` is a tensor or array that the tape keeps, not a size or a setting."""
    param = next((p for p in op.params if p.name == name), None)
    is_output = name == "out" or name in op.extras and name not in NO_ARRAYS or (isinstance(op.outputs, tuple) and name in op.outputs)
    return is_output or (param is not None and (param.is_tensor or param.kind == "list"))


def unwrap_lines(op, flavour: str) -> list[str]:
    """Tensors to arrays; anything else to a number or an error."""
    lines: list[str] = []
    list_param = op.list_param
    if list_param is not None:
        n = list_param.name
        lines += [f"{n} = tensor_list(OP, '{n}', {n})",
                  f"{n}_a = [t._a for t in {n}]",
                  f"{n}_rg = any([t._rg for t in {n}])"]
    tensors = op.tensor_params
    paired = op.promote is not None and list_param is None and len(tensors) == 2
    for i, p in enumerate(tensors):
        n = p.name
        numbers = p.kind in ("number", "optional_number") and (i > 0 or list_param is not None)
        mixed = [f"    mixed = {n}_a.__class__ not in NUMBERS or {not_among(tensors[0].name, 'NATIVE')}"] if paired else []
        if numbers:  # asked first, because asking whether a number is a Tensor takes longer
            lines += [f"if {n}.__class__ in NUMBERS:", f"    {n}_a, {n}_rg = {n}, False", *number_lines(op, n)]
        lines += [f"{'elif' if numbers else 'if'} isinstance({n}, Tensor):",
                  *([f"    if {n}._view is not None and {n}._view.base._rg: sync({n})"] if op.rules else []),
                  f"    {n}_a = {n}._a",
                  *([f"    if {n}_a.__class__ is not ndarray: {n}_a = {n}._array()"] if op.view else []),
                  f"    {n}_rg = {n}._rg"]
        if paired:
            first = tensors[0].name
            kind = f"{n}_a.__class__"
            same = f"({kind} is ndarray or {kind} is not {first}_a.__class__ or {kind} not in SCALARS) and {n}_a.dtype is not {first}_a.dtype"
            same += f" or {not_among(first, 'FLOATING')}" if op.promote == "float" else ""
            lines += ["    mixed = False" if i == 0 else f"    mixed = mixed or {same}"]
            lines += ["    weak = None"] if takes_arrays(op) and i else []
        if i == 0 and list_param is None:
            others = [f"isinstance({q.name}, Tensor)" for q in tensors[1:]]
            if others:
                lines += [f"elif {' or '.join(others)}:",
                          f"    {n}_a = operand(OP, '{n}', {n}); {n} = {n}_a" if p.kind != "tensor" else f"    {n}_a = tensor_only(OP, '{n}', {n})",
                          f"    {n}_rg = False"]
                lines += ["    mixed = True"] if paired else []
            lines += ["else:"]
            if p.kind == "number" and len(op.params) == 1:  # a rule asks for conj(number)
                lines += [f"    if {n}.__class__ in NUMBERS: return plain({n})"]
            lines += [f"    raise no_tensor(OP, '{n}', {n})"]
        else:
            if p.kind in ("optional", "optional_number"):
                lines += [f"elif {n} is None:", f"    {n}_a, {n}_rg = None, False"]
            lines += ["else:", f"    {n}_rg = False"]
            lines += [f"    {n}_a = {'operand' if numbers else 'tensor_only'}(OP, '{n}', {n}{', True' if flavour.endswith('operator') else ''})"]
            if flavour.endswith("operator"):
                lines += [f"    if {n}_a is NotImplemented: return NotImplemented"]
            if numbers:
                lines += [f"    {n} = {n}_a"]  # what is saved is Python's number, as in x * np.float64(2)
            lines += mixed if numbers else []
            lines += ["    weak = None"] if takes_arrays(op) else []
    return lines


def takes_arrays(op) -> bool:
    """True if the kernel takes an array without dimensions as it takes a number for its second operand, where NumPy finds the result's type in half of the time."""
    return (op.ufunc is not None or op.category == "comparison") and op.promote == "numeric" and len(op.tensor_params) == 2


def number_lines(op, name: str) -> list[str]:
    """What a Python number as the operand `name` means for the types."""
    first = op.tensor_params[0].name
    if takes_arrays(op):
        return [f"    weak = {first}_a.dtype if {first}_a.__class__ is ndarray and {name}.__class__ is not complex else None",
                f"    mixed = {not_among(first, 'NATIVE')} if weak is None else weak not in NATIVE"]
    return [f"    mixed = {not_among(first, 'NATIVE')}"] if op.promote is not None and op.list_param is None and len(op.tensor_params) == 2 else []


def not_among(name: str, types: str) -> str:
    """The text that tests whether the operand `name` is of none of the FLOATING or the NATIVE types."""
    return f"({name}_a.__class__ is ndarray or {name}_a.__class__ not in {'SCALARS' if types == 'FLOATING' else 'NATIVE_SCALARS'}) and {name}_a.dtype not in {types}"


def promote_lines(op) -> list[str]:
    """One test when the types agree already; PyTorch's table when they do not."""
    if op.promote is None:
        return []
    names = [p.name for p in op.tensor_params]
    if op.list_param is not None:
        n = op.list_param.name
        return [f"if differing({n}_a): {n}_a = promote(OP, {n}_a)"]
    first = names[0]
    arrays = ", ".join(f"{n}_a" for n in names)
    is_float = op.promote == "float"
    if len(names) == 1:
        return [f"if {not_among(first, 'FLOATING')}: {first}_a, = promote(OP, ({first}_a,))"] if is_float else []
    if len(names) == 2:
        return [f"if mixed: {arrays} = promote(OP, ({arrays}))"]
    return [f"if differing(({arrays},){', True' if is_float else ''}): {arrays} = promote(OP, ({arrays}))"]


def any_requires_grad(op) -> str:
    names = [p.name for p in op.params if p.name in op.rules]
    return " or ".join(f"{n}_rg" for n in names) or "False"


def saved_text(op, names: list[str]) -> str:
    """The tuple of what the tape keeps; a tensor only if the rule that names it will run."""
    wanted = {name: [i for i, rule in op.rules.items() if name in rule.names] for name in names}
    everything = set(op.rules)
    parts = []
    for name in names:
        param = next((p for p in op.params if p.name == name), None)
        base = name[: -len("_shape")] if name.endswith("_shape") and param is None else None
        if name == "out":
            parts += ["out_a", "saved_version(result)"]
        elif base is not None:
            is_list = op.list_param is not None and op.list_param.name == base
            is_array = any(p.name == base and p.kind == "tensor" for p in op.params)
            parts.append(f"[a.shape for a in {base}_a]" if is_list else f"{base}_a.shape" if is_array else f"shape_of({base}_a)")
        elif name in op.extras:
            parts.append(name)
        elif isinstance(op.outputs, tuple) and name in op.outputs:
            index = op.outputs.index(name)
            parts += [f"out_a[{index}]", f"saved_version(result[{index}])"]
        elif param is not None and param.kind == "list":
            parts.append(f"tuple({name})")
        elif param is not None and param.is_tensor and set(wanted[name]) != everything:
            condition = " or ".join(f"{i}_rg" for i in wanted[name])
            parts.append(f"{name} if {condition} else None")
        else:
            parts.append(name)
    text = "(" + "".join(f"{part}, " for part in parts) + ")"
    if names and usual_options(op, names):  # one tuple for all that have the usual options: a deep graph of sums is smaller by a sixth
        return f"USUAL if {' and '.join(f'{name} is default_{name}' for name in names)} else {text}"
    return text


def usual_options(op, names: list[str]) -> tuple:
    """The defaults of `names`, if all of them are options that have one; else ()."""
    options = {p.name: p.default for p in op.params if p.kind == "plain" and p.has_default}
    return tuple(options[name] for name in names) if all(name in options for name in names) else ()


def node_op(variants: tuple) -> str:
    """The operator that the node remembers: a variant with another name, if its condition holds. A name may be variants again."""
    return "".join(f"{f'({node_op(name)})' if isinstance(name, tuple) else name} if {condition} else " for condition, name in variants) + "OP"


def variant_names(variants: tuple) -> list[str]:
    """All names in `variants`."""
    return [name for _, one in variants for name in (variant_names(one) if isinstance(one, tuple) else [one])]


def record_lines(op, names: list[str]) -> list[str]:
    """A node, if an input wants a gradient and the tape is running."""
    condition = f"({any_requires_grad(op)}) and modes.grad"
    if op.changes_dtype:
        condition += " and out_a.dtype in FLOATING"
    list_param = op.list_param
    if list_param is not None and list_param.name in op.rules:
        edges = f"tuple([(t._node or t) if t._rg else None for t in {list_param.name}])"
    else:
        edges = "(" + "".join(f"({p.name}._node or {p.name}) if {p.name}_rg else None, " if p.name in op.rules else "" for p in op.tensor_params) + ")"
    lines = [f"if {condition}:", "    node = Node()", f"    node.op = {node_op(op.variants)}", "    node.seq = next(clock)", f"    node.edges = {edges}",
             f"    node.saved = {saved_text(op, names)}", "    node._meta = None"]
    if op.has_ports:
        lines += ["    attach_outputs(node, result)"]
    elif op.outputs is not None:
        lines += ["    node.shape = out_a[0].shape; node.dtype = out_a[0].dtype", "    result[0]._node = node; result[0]._rg = True"]
    else:
        lines += ["    scalar = out_a.__class__",
                  "    if scalar is ndarray: node.shape = out_a.shape; node.dtype = out_a.dtype",
                  "    elif scalar in SCALARS: node.shape = (); node.dtype = scalar",
                  "    else: node.shape = out_a.shape; node.dtype = out_a.dtype",
                  "    result._node = node; result._rg = True"]
    lines += ["    if WATCHERS: notice(node)"]
    return lines


def forward_text(op, names: list[str], flavour: str) -> str:
    with_out = op.has_out and flavour in ("forward", "listed")
    sign = op.sign if flavour == "operator" else None
    options = [f"{p.name} = default_{p.name}" for p in op.params if not p.is_tensor] if sign else alias_lines(op, flavour != "listed")
    unwrapped = unwrap_lines(op, flavour)
    if unwrapped:  # a `try` costs nothing where nothing is raised
        unwrapped = ["try:", *("    " + line for line in unwrapped), f"except Foreign as error: return hand_on(OP, '{flavour}', {original_arguments(op)}, error)"]
    lines = options + unwrapped + promote_lines(op)
    compute = f"kernel({call_arguments(op, True)})"
    if sign:  # what the kernel would do, without a call
        compute = f" {sign} ".join(f"{p.name}_a" for p in op.tensor_params)
    if op.refuses:
        first = f"{op.tensor_params[0].name}_a"
        short = f" or {first}.dtype.itemsize == 2 and {first}.dtype.kind in 'fV'" if "h" in op.refuses else ""
        short += f" or {first}.dtype.itemsize < 8 and {first}.dtype.kind in 'iu'" if "s" in op.refuses else ""
        lines.append(f"if {first}.dtype.kind in {op.refuses.replace('i', 'iu')!r}{short}: raise refused(OP, {first})")
    lines.append("try:")
    if takes_arrays(op):
        other = f"{op.tensor_params[1].name}_a"
        lines.append(f"    if weak is not None and not mixed: {other} = asarray({other}, weak)")
    lines += [f"    out_a = {compute}",
              "except OverflowError as error:", f"    out_a = wrapped(OP, error, {original_arguments(op)}, {call_arguments(op, True)})",
              "except Exception as error:", f"    raise explain(OP, error, {original_arguments(op)}) from None"]
    if op.extras:
        lines.append(f"out_a, {', '.join(op.extras)} = out_a")
    if op.promote is not None and op.list_param is None and op.outputs is None and len(op.tensor_params) == 2:
        lines.append(f"if mixed: out_a = narrowed(out_a, {op.tensor_params[0].name}_a)")
    if with_out:
        lines.append(f"if out is not None: return write_out(OP, out, out_a, {any_requires_grad(op)}, {original_arguments(op)})")
    if op.outputs is None and len(op.tensor_params) > 1 and (op.category in ("pointwise", "comparison") or op.name in ELEMENT_BY_ELEMENT):
        arrays = [f"{p.name}_a" for p in op.tensor_params][::-1 if op.name == "rsub" else 1]
        in_c_order = " and ".join(f"({each}.__class__ is not ndarray or {each}.flags.c_contiguous)" for each in arrays)
        lines.append(f"if out_a.__class__ is ndarray and out_a.ndim > 1 and not ({in_c_order}): out_a = laid_out(out_a, ({', '.join(arrays)}))")
    first = op.params[0].name if op.params else None
    if op.outputs is None:
        if op.view == "maybe":
            lines.append(f"if out_a is {first}_a: return {first}")
        lines += ["result = new(Tensor)", "result._a = out_a", "result._rg = False"]
        if op.view and op.changes_dtype:
            lines.append(f"if out_a.dtype is not {first}_a.dtype: return reread(result, {first})")
        if op.view == "maybe":
            lines += ["result._node = None", f"attach_if_view(result, {first})"]
        elif op.view:  # a view of a view has the same base, and the same link to it unless somebody wrote
            lines += ["result._node = None", f"link = {first}._view",
                      f"if link is not None and link.version == {first}._ver.count and modes.grad: result._view = link; result._ver = {first}._ver",
                      f"else: attach_view(result, {first})"]
        else:
            lines += ["result._node = result._view = result._ver = None"]
    else:
        lines.append(f"result = wrap_outputs(OP, out_a{f', {first}' if op.view else ''})")
    if op.rules:
        lines += record_lines(op, names)
    lines += [f"if observe.observers: observe.op_ran(OP, {original_arguments(op)}, result)", "return result"]
    one_by_one = flavour != "listed"
    return f"def {flavour}({signature_text(op, with_out, sign is not None, one_by_one)}):\n" + textwrap.indent("\n".join([HIDDEN, *lines]), "    ")


def inplace_text(op, flavour: str) -> str:
    lines = alias_lines(op)
    first = op.params[0].name
    if flavour == "inplace_operator":
        lines += [f"if not isinstance({p.name}, Tensor) and operand(OP, '{p.name}', {p.name}, True) is NotImplemented: return NotImplemented" for p in op.tensor_params[1:]]
    if op.ufunc is not None and first not in ("self",):
        lines += quick_write_lines(op)
    lines += [f"try: return write_in_place(OP, {first}, {original_arguments(op)})",
              f"except Foreign as error: return hand_on(OP, '{flavour}', {original_arguments(op)}, error)"]
    return f"def {flavour}({signature_text(op, False)}):\n" + textwrap.indent("\n".join([HIDDEN, *lines]), "    ")


def quick_write_lines(op) -> list[str]:
    """The common case of an in-place operator, without detours: nothing recorded, no view, floating point, equal shapes."""
    first, *others = [p.name for p in op.tensor_params]
    options = [p for p in op.params if not p.is_tensor]
    if len(others) > 1 or any(p.name != "alpha" and p.default is not None for p in options):
        return []
    usual = "".join(f"{p.name} is None and " for p in options if p.name != "alpha")
    lines = [f"if {usual}isinstance({first}, Tensor) and {first}._view is None and not ({first}._rg and modes.grad):",
             f"    a = {first}._a",
             "    if a.__class__ is ndarray and a.dtype in NATIVE and a.flags.carray:"]
    if others:
        other = others[0]
        lines += [f"        if isinstance({other}, Tensor):",
                  f"            b = {other}._a if {other}._view is None and {other}._a.dtype is a.dtype and {other}._a.shape == a.shape and not ({other}._rg and modes.grad) else None",
                  "        else:",
                  f"            b = {other} if {other}.__class__ is float or {other}.__class__ is int else None"]
        if any(p.name == "alpha" for p in options):
            lines += ["        if b is not None and alpha != 1: b = b * alpha if alpha.__class__ is float or alpha.__class__ is int else None"]
        lines += ["        if b is not None:", "            ufunc(a, b, a)"]
    else:
        lines += ["        if True:", "            ufunc(a, a)"]
    lines += [f"            version = {first}._ver",
              f"            if version is None: version = {first}._ver = Version()",
              "            version.bump()",
              f"            if observe.observers: observe.op_ran(OP, {original_arguments(op)}, {first})",
              f"            return {first}"]
    return lines


def record_text(op, names: list[str]) -> str:
    """The recording step alone, for results that were written in place."""
    lines = []
    for p in op.tensor_params:
        lines += [f"{p.name}_rg = isinstance({p.name}, Tensor) and {p.name}._rg", f"{p.name}_a = {p.name}._a if isinstance({p.name}, Tensor) else {p.name}"]
    if op.list_param is not None:
        n = op.list_param.name
        lines += [f"{n}_a = [t._a for t in {n}]", f"{n}_rg = any(t._rg for t in {n})"]
    if op.rules:
        lines += record_lines(op, names)
    lines.append("return result")
    arguments = ", ".join(["result", "out_a", *op.extras, *(p.name for p in op.params)])
    return f"def record({arguments}):\n" + textwrap.indent("\n".join(lines), "    ")


def unchanged(grad):
    """The rule that hands the gradient on: written into the text instead of called."""
    return grad


def backward_text(op, names: list[str], tensors: bool) -> str:
    """Open what was saved, check that nobody wrote to it, run the rules."""
    lines = ["saved = node.saved", "if saved.__class__ is not tuple: saved = reopen(node)"]
    targets, opened = [], []
    for name in names:
        param = next((p for p in op.params if p.name == name), None)
        if name == "out" or (isinstance(op.outputs, tuple) and name in op.outputs):
            targets += [name, f"{name}_version"]
            opened.append(f"if {name}_version.last > node.seq: stale(node, {name}_version, {name}, '{op.node_name}')")
            if tensors:
                index = 0 if name == "out" else op.outputs.index(name)
                opened.append(f"{name} = saved_output(node, {name}, {index}, {name}_version)")
        else:
            targets.append(name)
            if param is not None and param.is_tensor:
                lines_for = [f"if isinstance({name}, Tensor):",
                             f"    if {name}._ver is not None and {name}._ver.last > node.seq: stale(node, {name}._ver, {name}._a, '')"]
                if not tensors:
                    lines_for.append(f"    {name} = {name}._a")
                opened += lines_for
            elif param is not None and param.kind == "list":
                opened.append(f"{name} = open_list(node, {name}, {tensors})")
            elif name in op.extras and tensors:
                opened.append(f"{name} = saved_extra({name})")
    if targets:
        lines.append("(" + "".join(f"{t}, " for t in targets) + ") = saved")
    lines += opened
    rules = distinct_rules(op)
    group = "tensor_rule" if tensors else "array_rule"
    if any(set(rule.names) & {"grad"} for rule in rules) and op.has_ports:
        lines.append("grads = grad")
    elif any("grads" in rule.names for rule in rules):
        lines.append("grads = grad")
    edge_names = [p.name for p in op.tensor_params if p.name in op.rules]
    list_param = op.list_param
    if list_param is not None and list_param.name in op.rules:
        rule = op.rules[list_param.name]
        lines.append("needs = [edge is not None for edge in node.edges]")
        lines.append(f"return {group}_0({', '.join(rule.names)})")
        header = "backward_tensors" if tensors else "backward"
        return f"def {header}(node, grad):\n" + textwrap.indent("\n".join(lines), "    ")
    alone = len(edge_names) == 1  # there is a node because this one input wants a gradient
    if not alone:
        lines.append("(" + "".join(f"to_{n}, " for n in edge_names) + ") = node.edges")
    results = []
    for k, rule in enumerate(rules):
        mine = [n for n in edge_names if n in rule.inputs]
        hands_on = rule.names[0] == "grad" and rule.function.__code__.co_code == unchanged.__code__.co_code
        call = "grad" if hands_on else f"{group}_{k}({', '.join(rule.names)})"
        if len(rule.inputs) == 1:
            results.append((mine[0], call if alone else f"{call} if to_{mine[0]} is not None else None"))
        else:
            if "needs" in rule.names:
                lines.append("needs = (" + "".join(f"to_{n} is not None, " for n in rule.inputs) + ")")
            lines.append("".join(f"from_{n}, " for n in rule.inputs) + f"= {call}")
            results += [(n, f"from_{n} if to_{n} is not None else None") for n in mine]
    by_name = dict(results)
    lines.append("return (" + "".join(f"{by_name[n]}, " for n in edge_names) + ")")
    return f"def {'backward_tensors' if tensors else 'backward'}(node, grad):\n" + textwrap.indent("\n".join(lines), "    ")
