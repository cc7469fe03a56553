"""Runs the same call in PyTorch and here, and says where they differ: value, dtype, shape, gradient, second gradient, refusal.

The calls come from PyTorch's own table of operators, `op_db`, with the samples it tests itself on. Also a command:

    python tests/ops/oracle.py [name ...]      prints what differs, operator by operator
"""

from __future__ import annotations

import functools
import math
import sys
import types
import warnings

import numpy as np
import torch

import autodiff_lab as lab
from autodiff_lab.core.dtypes import of_name
from autodiff_lab.core.op import public, registry
from autodiff_lab.core.tensor import Tensor

__all__ = ["DTYPES", "KINDS", "count", "differences", "find", "name_of", "our_calls", "refusals", "table"]

torch.set_num_threads(1)  # small samples: threads cost more than they give

TOLERANCE = {torch.float64: (1e-7, 1e-7), torch.float32: (2e-4, 2e-5), torch.complex128: (1e-7, 1e-7), torch.complex64: (2e-4, 2e-5)}
DTYPES = (torch.float64, torch.float32, torch.complex128, torch.int64, torch.bool)


def table() -> list:
    """PyTorch's operators with their samples."""
    from torch.testing._internal.common_methods_invocations import op_db

    return op_db


def find(info):
    """Our function for an entry of op_db, or None: by its name, or what PyTorch's entry wraps it in."""
    space, _, short = info.name.rpartition(".")
    named = torch
    for part in info.name.split("."):
        named = getattr(named, part, None)
    by_name = public.get(space, {}).get(short)
    method = getattr(Tensor, short, None) if space in ("", "special") else None
    if (by_name is not None or method is not None) and isinstance(info.op, types.FunctionType) and info.op.__module__.startswith("torch.testing"):
        return _with(_translated(info.op.__module__), info.op)
    if named is None or info.op is not named and callable(method):
        return method if callable(method) else by_name
    return by_name if by_name is not None else method if callable(method) else None


@functools.cache
def _translated(module: str) -> dict:
    """The globals of a module of PyTorch's tests, with this library in the place of PyTorch."""
    theirs = vars(sys.modules[module])
    scope = {**theirs, "torch": lab}
    scope.update((name, _with(scope, value)) for name, value in theirs.items() if isinstance(value, types.FunctionType) and value.__module__ == module)
    return scope


def _with(scope: dict, function):
    """The same function, reading other globals: PyTorch's wrapper around a call, run on our tensors."""
    made = types.FunctionType(function.__code__, scope, function.__name__, function.__defaults__, function.__closure__)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


# ---- from PyTorch's values to ours ----

class Converter:
    """Turns PyTorch's arguments into ours: tensors that share memory there share it here. Keeps pairs of tensors that want gradients."""

    def __init__(self, grad: bool):
        self.grad, self.pairs, self.seen, self.memory = grad, [], {}, {}

    def __call__(self, value):
        if isinstance(value, torch.Tensor):
            return self.tensor(value)
        if isinstance(value, torch.dtype):
            return of_name(str(value).removeprefix("torch."))
        if isinstance(value, torch.device):
            return str(value)
        if isinstance(value, torch.nn.PairwiseDistance):
            return lambda x, y: public["nn.functional"]["pairwise_distance"](x, y, value.norm, value.eps, value.keepdim)
        if isinstance(value, (torch.layout, torch.memory_format)):
            return getattr(lab, str(value).removeprefix("torch."))
        if isinstance(value, torch.Size):
            return tuple(value)
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*map(self, value))
        if isinstance(value, (list, tuple)):
            return type(value)(self(v) for v in value)
        if isinstance(value, dict):
            return {k: self(v) for k, v in value.items()}
        if isinstance(value, slice):
            return slice(self(value.start), self(value.stop), self(value.step))
        return value

    def tensor(self, value):
        if id(value) in self.seen:
            return self.seen[id(value)]
        plain = value.detach().resolve_conj().resolve_neg()
        mine = self.whole(plain).as_strided(tuple(plain.shape), plain.stride(), plain.storage_offset()).detach()
        if value.requires_grad and self.grad:
            mine.requires_grad_()
            self.pairs.append((mine, value))
        self.seen[id(value)] = mine
        return mine

    def whole(self, plain):
        """All of the memory that a tensor is a part of, as a vector."""
        storage = plain.untyped_storage()
        key = (storage.data_ptr() or id(storage), plain.dtype)
        if key not in self.memory:
            every = torch.empty(0, dtype=plain.dtype).set_(storage, 0, (storage.nbytes() // plain.element_size(),))
            self.memory[key] = (lab.from_numpy(host(every).copy()), storage)  # the storage is kept, so that its address stays taken
        return self.memory[key][0]


def leaves_of(sample, convert: Converter):
    """A sample with fresh leaves on both sides: (their args, their kwargs, our args, our kwargs)."""
    theirs = (sample.input, *sample.args)
    return theirs, sample.kwargs, tuple(convert(v) for v in theirs), {k: convert(v) for k, v in sample.kwargs.items()}


def flat(value) -> list:
    """The results of a call as a list."""
    if isinstance(value, dict):
        return [v for each in value.values() for v in flat(each)]
    return [v for each in value for v in flat(each)] if isinstance(value, (tuple, list)) else [value]


def host(value) -> np.ndarray:
    if isinstance(value, Tensor):
        return np.asarray(value.detach()._a)
    plain = value.detach().resolve_conj().resolve_neg()
    if plain.dtype is torch.bfloat16:
        return plain.contiguous().view(torch.int16).numpy().view(lab.bfloat16.numpy)
    return plain.numpy(force=True)


# ---- comparing ----

def close(mine, theirs, dtype, factor: float = 1) -> str | None:
    """What differs between two results, or None."""
    if not isinstance(theirs, torch.Tensor):
        if isinstance(theirs, float) and isinstance(mine, (int, float)):
            return None if math.isclose(mine, theirs, rel_tol=1e-5, abs_tol=1e-6) or mine != mine and theirs != theirs else f"{mine} instead of {theirs}"
        same = mine == theirs or isinstance(theirs, (torch.dtype, torch.Size, torch.device)) and str(mine) == str(theirs)
        return None if same else f"{mine!r} instead of {theirs!r}"
    if not isinstance(mine, Tensor):
        return f"{type(mine).__name__} instead of a tensor"
    if str(mine.dtype) != str(theirs.dtype):
        return f"dtype {mine.dtype} instead of {theirs.dtype}"
    if tuple(mine.shape) != tuple(theirs.shape):
        return f"shape {list(mine.shape)} instead of {list(theirs.shape)}"
    rtol, atol = TOLERANCE.get(theirs.dtype, TOLERANCE.get(dtype, (0, 0)))
    a, b = host(mine), host(theirs)
    if np.allclose(a, b, rtol * factor, atol * factor, equal_nan=True):
        return None
    with np.errstate(all="ignore"):
        wrong = ~np.isclose(a, b, rtol * factor, atol * factor, equal_nan=True)
    where = tuple(np.argwhere(wrong)[0]) if a.ndim else ()
    return f"{a[where]} instead of {b[where]} at {list(map(int, where))} ({int(wrong.sum())} of {a.size})"


def differences(info, mine, dtype, limit: int | None = None) -> list[str]:
    """What differs over the samples of one operator in one dtype; each line says which sample."""
    found = []
    grads = dtype.is_floating_point and info.supports_autograd or dtype.is_complex and info.supports_autograd
    samples = list(info.sample_inputs("cpu", dtype, requires_grad=grads))
    step = 1 if not limit else max(1, len(samples) // limit)
    for k in range(0, len(samples), step):
        sample = samples[k]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found += [f"{str(dtype)[6:]} {k} {line}" for line in compare(info, mine, sample, dtype, grads)]
            except Exception as error:  # reported, not hidden: one broken sample must not stop the others
                found.append(f"{str(dtype)[6:]} {k} raised {type(error).__name__}: {str(error)[:160]}  [{describe(sample)}]")
    return found


def describe(sample) -> str:
    def short(v):
        if isinstance(v, torch.Tensor):
            return f"{str(v.dtype)[6:]}{list(v.shape)}"
        return f"[{', '.join(map(short, v))}]" if isinstance(v, (list, tuple)) else str(v)[:40]
    return ", ".join([*map(short, (sample.input, *sample.args)), *(f"{k}={short(v)}" for k, v in sample.kwargs.items())])[:200]


def compare(info, mine, sample, dtype, grads: bool, stages: set | None = None) -> list[str]:
    """What differs in one call. `stages` takes up what was compared: "value", "gradient", "second gradient"."""
    stages = set() if stages is None else stages
    convert = Converter(grads)
    their_args, their_kwargs, our_args, our_kwargs = leaves_of(sample, convert)
    torch.default_generator.manual_seed(42)  # the seed that op_db sets in its wrappers of random functions
    lab.manual_seed(42)
    theirs = flat(sample.output_process_fn_grad(info.op(*their_args, **their_kwargs)))
    ours = flat(sample.output_process_fn_grad(mine(*our_args, **our_kwargs)))
    stages.add("value")
    if len(ours) != len(theirs):
        return [f"{len(ours)} results instead of {len(theirs)}  [{describe(sample)}]"]
    found = [f"{line}  [{describe(sample)}]" for a, b in zip(ours, theirs, strict=True) if (line := close(a, b, dtype))]
    if found or not grads:
        return found
    for a, b in zip(ours, theirs, strict=True):
        if isinstance(b, torch.Tensor) and a.requires_grad != b.requires_grad:
            return [f"requires_grad {a.requires_grad} instead of {b.requires_grad}  [{describe(sample)}]"]
    return [f"{line}  [{describe(sample)}]" for line in compare_gradients(ours, theirs, convert.pairs, dtype, info, stages)]


def weigh(ours, theirs):
    """One number on each side that depends on every result, by the same seeded weights."""
    total_ours = total_theirs = None
    rng = np.random.default_rng(7)
    for a, b in zip(ours, theirs, strict=True):
        if not isinstance(b, torch.Tensor) or not b.requires_grad:
            continue
        weight = rng.uniform(0.5, 1.5, tuple(b.shape))
        if b.is_complex():
            weight = weight + 1j * rng.uniform(0.5, 1.5, tuple(b.shape))
        weight = np.asarray(weight)
        one, two = (a * lab.from_numpy(weight).to(a.dtype)).sum(), (b * torch.from_numpy(weight).to(b.dtype)).sum()
        one, two = (one.real, two.real) if b.is_complex() else (one, two)
        total_ours = one if total_ours is None else total_ours + one.to(total_ours.dtype)
        total_theirs = two if total_theirs is None else total_theirs + two.to(total_theirs.dtype)
    return total_ours, total_theirs


def compare_gradients(ours, theirs, pairs, dtype, info, stages: set) -> list[str]:
    one, two = weigh(ours, theirs)
    if two is None or not pairs:
        return []
    inputs, references = [a for a, _ in pairs], [b for _, b in pairs]
    second = info.supports_gradgrad and dtype in (torch.float64, torch.complex128)
    try:
        expected = torch.autograd.grad(two, references, create_graph=second, allow_unused=True, retain_graph=True)
    except (RuntimeError, NotImplementedError) as error:
        if "not implemented" in str(error) or "does not support" in str(error) or "not supported" in str(error):
            return []
        raise
    stages.add("gradient")
    plain = lab.autograd.grad(one, inputs, allow_unused=True, retain_graph=True)
    found = gradients_differ("gradient", plain, expected, dtype, 10)
    if found or not second:
        return found
    made = lab.autograd.grad(one, inputs, create_graph=True, allow_unused=True)
    found = gradients_differ("recorded gradient", made, expected, dtype, 10)
    if found or not any(b is not None and b.requires_grad for b in expected):
        return found
    both = [(a, b) for a, b in zip(made, expected, strict=True) if b is not None and b.requires_grad]
    if any(a is None or not a.requires_grad for a, _ in both):
        # A gradient that does not depend on its input may be a constant here and a recorded zero there.
        both = [(a, b) for a, b in both if a is not None and a.requires_grad]
    one, two = weigh(*zip(*both, strict=True)) if both else (None, None)
    try:
        expected = torch.autograd.grad(two if two is not None else sum(b.sum().real for b in expected if b is not None and b.requires_grad), references, allow_unused=True)
    except (RuntimeError, NotImplementedError):
        return []
    stages.add("second gradient")
    again = lab.autograd.grad(one, inputs, allow_unused=True) if one is not None else [None] * len(inputs)
    return gradients_differ("second gradient", again, expected, dtype, 100)


def gradients_differ(what: str, ours, theirs, dtype, factor: float) -> list[str]:
    """None and zeros are the same gradient."""
    found = []
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        if a is None or b is None:
            rest = b if a is None else a
            if rest is not None and np.abs(host(rest)).sum() > 1e-12:
                found.append(f"{what} {i} is {'None' if a is None else 'there'} here")
        elif line := close(a, b, dtype, factor):
            found.append(f"{what} {i}: {line}")
    return found


def refusals(info, mine) -> list[str]:
    """Which of PyTorch's bad inputs are not refused here with the same type of exception."""
    found = []
    if info.error_inputs_func is None:
        return found
    for k, case in enumerate(info.error_inputs("cpu")):
        sample = case.sample_input
        convert = Converter(False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                info.op(sample.input, *sample.args, **sample.kwargs)
                continue  # PyTorch's table is wrong about itself
            except Exception as error:  # whatever PyTorch raises is what is wanted
                wanted = error
            try:
                mine(*(convert(v) for v in (sample.input, *sample.args)), **{k: convert(v) for k, v in sample.kwargs.items()})
            except type(wanted).__mro__[0] as _:
                continue
            except Exception as error:  # another type
                if not isinstance(wanted, type(error)):
                    found.append(f"refusal {k}: {type(error).__name__}({str(error)[:80]}) instead of {type(wanted).__name__}({str(wanted)[:100]})  [{describe(sample)}]")
                continue
            found.append(f"refusal {k}: accepted, but {type(wanted).__name__}({str(wanted)[:100]})  [{describe(sample)}]")
    return found


# ---- counting ----

KINDS = ("value", "dtype", "gradient", "second gradient")


def kind_of(line: str) -> str:
    """Which of KINDS a line of `compare` is about."""
    if line.startswith(("gradient", "recorded gradient", "requires_grad")):
        return "gradient"
    return "second gradient" if line.startswith("second gradient") else "dtype" if line.startswith("dtype") else "value"


def count(info, mine, samples, dtype, grads: bool, totals: dict, excused=lambda line: False) -> list[str]:
    """Compares calls and counts in `totals`, for each kind, [agreeing, excused, compared]. Returns what differs without an excuse."""
    found = []
    for k, sample in enumerate(samples):
        stages: set = set()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                lines = compare(info, mine, sample, dtype, grads, stages)
            except Exception as error:  # a call that fails here is a value that differs
                lines, stages = [f"raised {type(error).__name__}: {str(error)[:160]}  [{describe(sample)}]"], stages | {"value"}
        wrong = {kind_of(line): f"{str(dtype)[6:]} {k} {line}" for line in lines}
        for kind in KINDS:
            if kind in stages or kind == "dtype" and "value" in stages or kind in wrong:
                excuse = kind in wrong and excused(wrong[kind])
                totals[kind][2] += 1
                totals[kind][0 if kind not in wrong else 1] += kind not in wrong or excuse
                found += [wrong[kind]] if kind in wrong and not excuse else []
    return found


def our_calls():
    """Our own samples, as (entry, our function, PyTorch's calls) for every operator that both have; calls that PyTorch has no form for are left out."""
    for name, op in sorted(registry.items()):
        space, _, short = name.rpartition(".")
        mine = public.get(space, {}).get(short)
        theirs = torch
        for part in name.split("."):
            theirs = getattr(theirs, part, None)
        if not op.make_samples or mine is None or getattr(mine, "op", None) is not op or theirs is None:
            continue
        calls = []
        for args, kwargs in op.samples():
            given = {p.name for p, _ in zip(op.params, args, strict=False) if p.name in op.rules}
            args = [_theirs(v, p.name in given) for p, v in zip(op.params, args, strict=False)]
            kwargs = {k: _theirs(v, k in op.rules) for k, v in kwargs.items()}
            if args and _answers(theirs, args, kwargs):
                calls.append(types.SimpleNamespace(input=args[0], args=args[1:], kwargs=kwargs, output_process_fn_grad=lambda found: found))
        yield types.SimpleNamespace(name=name, op=theirs, supports_gradgrad=True), mine, calls


def _theirs(value, wants: bool):
    """Our values as PyTorch's; those of arguments that have a rule want gradients."""
    if isinstance(value, Tensor):
        made = torch.from_numpy(np.array(value._a))
        return made.requires_grad_(wants and (made.is_floating_point() or made.is_complex()))
    return type(value)(_theirs(v, wants) for v in value) if isinstance(value, (list, tuple)) else value


def _answers(function, args, kwargs) -> bool:
    """Whether PyTorch takes a call, forward and backward: some of our operators take their arguments in another order, or more than PyTorch can."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = [r for r in flat(function(*args, **kwargs)) if isinstance(r, torch.Tensor) and r.requires_grad]
            sum((r.real.sum() for r in results), torch.zeros(())).backward() if results else None
    except (TypeError, RuntimeError):
        return False
    for value in flat([*args, *kwargs.values()]):
        if isinstance(value, torch.Tensor):
            value.grad = None
    return True


def name_of(info) -> str:
    return info.name + (f".{info.variant_test_name}" if info.variant_test_name else "")


def main(names: list[str]) -> None:
    import time

    totals = [0, 0, 0]
    for info in table():
        if names and info.name not in names and name_of(info) not in names:
            continue
        mine = find(info)
        if mine is None:
            totals[2] += 1
            continue
        start = time.perf_counter()
        lines = []
        for dtype in DTYPES:
            if info.supports_dtype(dtype, "cpu"):
                try:
                    lines += differences(info, mine, dtype)
                except Exception as error:  # sample generators that need what is not there
                    lines.append(f"{dtype} samples raised {type(error).__name__}: {error}")
        lines += refusals(info, mine)
        totals[bool(lines)] += 1
        took = time.perf_counter() - start
        if lines or took > 5:
            print(f"{name_of(info)}: {len(lines)} ({took:.1f} s)")
            for line in lines[:6]:
                print("    ", line)
            sys.stdout.flush()
    print(f"{totals[0]} operators agree, {totals[1]} differ, {totals[2]} are not there")


if __name__ == "__main__":
    main(sys.argv[1:])
