"""The arguments of an operator in the text that codegen writes: its signature, other words for the same argument, a look at what is no tensor."""

from __future__ import annotations

__all__ = ["alias_lines", "call_arguments", "original_arguments", "signature_text"]


def signature_text(op, with_out: bool, operands_only: bool = False, one_by_one: bool = True) -> str:
    if operands_only:
        return ", ".join(p.name for p in op.tensor_params)
    parts, keywords, starred = [], [], False
    renamed = other_name(op)
    # `dim` may come as `axis` instead, but only where no argument after it is required.
    last = [p.name for p in op.params if not p.has_default and not p.keyword_only][-1:]
    for p in op.params:
        default = f"=default_{p.name}" if p.has_default else "=MISSING" if renamed and not p.keyword_only else ""
        if p.kind == "ints" and one_by_one:
            parts.append(f"*{p.name}_")
            keywords.append(f"{p.name}=None")
            starred = True
        elif p.keyword_only or starred:
            keywords.append(p.name + default)
        else:
            parts.append(f"{p.name}=MISSING" if p.name == "dim" and not default and last == ["dim"] else p.name + default)
    if op.older:
        parts.append("_older=MISSING")
    names = {p.name for p in op.params}
    if renamed:
        keywords.append(f"{renamed[1]}=MISSING")
    if op.name == "view" and one_by_one:
        keywords += ["size=None", "dtype=None"]
    if "dim" in names:
        keywords.append("axis=MISSING")
    if "keepdim" in names:
        keywords.append("keepdims=MISSING")
    if with_out:
        keywords.append("out=None")
    if keywords and not starred:
        parts.append("*")
    return ", ".join(parts + keywords)


def alias_lines(op, one_by_one: bool = True) -> list[str]:
    """NumPy's words for PyTorch's arguments: axis, keepdims; sizes given one by one; a factor given before the last operands; a look at what is no tensor."""
    from .arguments import test_of

    lines = []
    if op.older:
        operands = [p.name for p in op.tensor_params[1:]]
        given = ", ".join([*operands, "_older"])
        lines.append(f"if _older is not MISSING: {op.older}, {', '.join(operands)} = older_arguments(OP, {given})")
    if renamed := other_name(op):
        first, other = renamed
        lines.append(f"if {other} is not MISSING: {first} = {other} if {first} is MISSING else missing(OP, '{other}')")
        lines += [f"if {p.name} is MISSING: missing(OP, '{p.name}')" for p in op.params if not p.has_default and not p.keyword_only]
    for p in op.params:
        if p.kind == "ints" and op.name == "view":  # two functions in PyTorch, with keywords of their own
            lines.append("if dtype is not None: shape_ = (*shape_, dtype)")
            lines.append("if size is not None: shape = size")
        if p.kind == "ints":
            lines += collect_lines(p.name) if one_by_one else [f"{p.name} = sizes_of(OP, '{p.name}', {p.name})"]
        if p.name == "dim":
            usual = f"default_{p.name}" if p.has_default else "MISSING"
            lines.append(f"if axis is not MISSING: dim = axis if dim is {usual} else both(OP, 'axis')")
            if not p.has_default:
                lines.append("if dim is MISSING: raise TypeError(f\"{OP.name}() missing 1 required positional arguments: 'dim'\")")
        if p.name == "keepdim":
            lines.append("if keepdims is not MISSING: keepdim = keepdims if keepdim is False else both(OP, 'keepdims')")
        if p.kind == "plain" and (line := test_of(p)):
            lines.append(line)
    return lines


def collect_lines(name: str) -> list[str]:
    """Sizes given one by one: Python's ints, the usual case, are found here, without a call."""
    return [f"if {name} is None and {name}_:",
            f"    for each in {name}_:",
            f"        if each.__class__ is not int: {name} = collect_ints({name}_, None, OP); break",
            f"    else: {name} = {name}_",
            f"else: {name} = collect_ints({name}_, {name}, OP)"]


def other_name(op) -> tuple | None:
    """The first parameter of a function of `linalg` or `special`, and the other keyword that PyTorch has for it beside the documented one."""
    if not op.name.startswith(("linalg.", "special.")) or not op.params:
        return None
    first = op.params[0].name
    return (first, "x" if op.name.startswith("special.") else "input") if first in ("A", "x", "input") and not (first == "input" and op.name.startswith("linalg.")) else None


def call_arguments(op, suffix: bool) -> str:
    return ", ".join((f"{p.name}={p.name}" if p.keyword_only else f"{p.name}_a" if suffix and (p.is_tensor or p.kind == "list") else p.name) for p in op.params)


def original_arguments(op) -> str:
    return "(" + "".join(f"{p.name}, " for p in op.params) + ")"
