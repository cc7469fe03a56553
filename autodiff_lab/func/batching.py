"""`vmap`: the function runs once on all samples where everything in it has a rule (see batched.py), and else once per sample.

The second is right for every function, and as slow as the loop it is. What a loop would do otherwise than PyTorch, which runs the
function once on everything, is refused: drawing random numbers without saying whether each sample has its own.
"""

from __future__ import annotations

import functools

import numpy as np

from ..backend.random.generator import Generator, drawing
from ..core.modes import modes
from ..core.op import public
from ..core.tensor import Tensor
from ..utils._pytree import tree_flatten, tree_leaves, tree_unflatten
from .levels import entered
from .trees import spread

__all__ = ["vmap"]

_all = public[""]


def vmap(func, in_dims=0, out_dims=0, randomness: str = "error", *, chunk_size=None):
    """A function that maps `func` over dimension `in_dims` of its arguments and stacks what comes out along `out_dims`.

    `func` is called once, on tensors that stand for all samples. Where that does not do - it branches on its numbers, calls `item()`, draws
    random numbers or fails - it is called once for each sample.

    Args:
        in_dims: the dimension of each tensor argument to map over, nested as the arguments are; None for one that is passed whole.
        out_dims: where the samples go in each result, nested as the results are; None for a result that is the same for all.
        randomness: "error" refuses random numbers, with "different" each sample draws its own, with "same" all get the same.
        chunk_size: accepted; one sample at a time needs the least memory.

    Raises:
        ValueError: if nothing is mapped over, the sizes differ, or `in_dims` or `out_dims` do not fit.
        RuntimeError: if `func` draws random numbers and `randomness` is "error".

    >>> import autodiff_lab as lab
    >>> lab.func.vmap(lab.dot)(lab.ones(3, 2), lab.ones(3, 2))
    tensor([2., 2., 2.])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and not chunk_size > 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        name = _name(func)
        for dim in tree_leaves(out_dims):
            if not isinstance(dim, int) and dim is not None:
                raise ValueError(f"vmap({name}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python collection of ints representing "
                                 "where in the outputs the vmapped dimension should appear.")
        flat, spec = tree_flatten(args)
        dims, size = _dims(name, in_dims, args, flat, spec)
        before, modes.repeats = modes.repeats, True
        try:
            found = _at_once(func, kwargs, flat, spec, dims, size, out_dims) if size else None
            if found is not None:
                return found[0]
            results = _each(func, kwargs, flat, spec, dims, size, randomness)
        finally:
            modes.repeats = before
        return _gather(name, out_dims, results, size)
    return wrapped


def _at_once(func, kwargs: dict, flat: list, spec, dims: list, size: int, out_dims) -> tuple | None:
    """What `func` gives for all samples, as a tuple of one; None where it can only be run on one after the other."""
    from .batched import Batched

    kept = [(each, each.second_normal) for each in Generator.alive]  # the one number that is drawn without turning the engine
    before, drawing.closed = drawing.closed, True
    with entered(size) as level:
        try:
            given = [value if dim is None else Batched.of(value if dim == 0 else value.movedim(dim, 0), level) for value, dim in zip(flat, dims, strict=True)]
            result = func(*tree_unflatten(given, spec), **kwargs)
            leaves, result_spec = tree_flatten(result)
            places = list(out_dims) if isinstance(result, Tensor) and isinstance(out_dims, tuple) and len(out_dims) == 1 else spread(out_dims, result_spec)
            found = [_out(value, dim, level, size) for value, dim in zip(leaves, places, strict=True)]
        except Exception:  # whatever it was, a loop is right, or raises it again with the words of one sample
            found = None
        finally:
            drawing.closed = before
    used = [(each, second) for each, second in kept if each.second_normal is not second]
    for each, second in used:
        each.second_normal = second
    if found is None or used:
        return None
    return (tree_unflatten(found, result_spec),)


def _out(value, dim, level: int, size: int):
    """One result with the samples along `dim`."""
    from .batched import Batched

    if isinstance(value, Batched) and value.level == level:
        return value.whole if dim == 0 else value.whole.movedim(0, dim)
    if dim is None:
        return value
    whole = value.expand((size, *value.shape))
    return whole if dim == 0 else whole.movedim(0, dim)


def _each(func, kwargs: dict, flat: list, spec, dims: list, size: int, randomness: str) -> list:
    """What `func` returns for each sample."""
    results = []
    with _Draws(randomness) as draws:
        for k in range(max(size, 1)):
            picked = [value if dim is None else value.select(dim, k) if size else _all["zeros_like"](value).resize_(_without(value.shape, dim))
                      for value, dim in zip(flat, dims, strict=True)]
            results.append(func(*tree_unflatten(picked, spec), **kwargs))
            draws.settle()
    return results


def _name(func) -> str:
    if isinstance(func, functools.partial):
        return f"functools.partial({_name(func.func)}, ...)"
    return getattr(func, "__name__", None) or repr(func)


def _without(shape, dim) -> list:
    return [n for d, n in enumerate(shape) if d != dim]


def _dims(name: str, in_dims, args, flat, spec) -> tuple[list, int]:
    """The dimension to map over of each leaf of the arguments, and how many samples there are."""
    start = f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): "
    if not isinstance(in_dims, (int, tuple)):
        raise ValueError(f"{start}expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, got: {type(in_dims)}.")
    if not args:
        raise ValueError(f"vmap({name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a function with no inputs. "
                         "The latter is unsupported.")
    dims = spread(in_dims, spec)
    if dims is None:
        raise ValueError(f"{start}in_dims is not compatible with the structure of `inputs`. in_dims has structure {tree_flatten(in_dims)[1]} "
                         f"but inputs has structure {spec}.")
    sizes = []
    for i, (value, dim) in enumerate(zip(flat, dims, strict=True)):
        if dim is None:
            continue
        if not isinstance(dim, int):
            raise ValueError(f"{start}Got in_dim={dim} for an input but in_dim must be either an integer dimension or None.")
        if not isinstance(value, Tensor):
            raise ValueError(f"{start}Got in_dim={dim} for an input but the input is of type {type(value)}. We cannot vmap over non-Tensor arguments, "
                             "please use None as the respective in_dim")
        if not -value.ndim <= dim < value.ndim:
            raise ValueError(f"{start}Got in_dim={dim} for some input, but that input is a Tensor of dimensionality {value.ndim} so expected in_dim to "
                             f"satisfy -{value.ndim} <= in_dim < {value.ndim}.")
        dims[i] = dim % value.ndim
        sizes.append(value.shape[dim])
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if any(size != sizes[0] for size in sizes):
        raise ValueError(f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sizes} for the mapped dimension")
    return dims, sizes[0]


def _gather(name: str, out_dims, results: list, size: int):
    """The results of all samples as one, nested as one of them is."""
    columns = list(zip(*(tree_leaves(result) for result in results), strict=True))
    spec = tree_flatten(results[0])[1]
    if isinstance(results[0], Tensor) and isinstance(out_dims, tuple) and len(out_dims) == 1:
        dims = list(out_dims)
    else:
        dims = spread(out_dims, spec)
    if dims is None:
        raise ValueError(f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of `outputs`. "
                         f"out_dims has structure {tree_flatten(out_dims)[1]} but outputs has structure {spec}.")
    return tree_unflatten([_stacked(name, column, dim, size) for column, dim in zip(columns, dims, strict=True)], spec)


def _stacked(name: str, column: tuple, dim, size: int):
    first = column[0]
    if dim is None:
        if isinstance(first, Tensor) and not all(np.array_equal(first._a, other._a, equal_nan=first._a.dtype.kind in "fc") for other in column[1:]):
            raise ValueError(f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None")
        return first
    if not isinstance(first, Tensor):
        raise ValueError(f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(first)}. Did you mean to set out_dims= to None for output?")
    if not size:
        shape = list(first.shape)
        shape.insert(dim % (first.ndim + 1), 0)
        return first.new_zeros(shape)
    return _all["stack"](column, dim)


class _Draws:
    """What the samples may draw of the generators there are."""

    def __init__(self, randomness: str):
        self._randomness, self._generators = randomness, list(Generator.alive)

    def __enter__(self):
        self._before = () if self._randomness == "different" else _states(self._generators)
        self._samples = 0
        return self

    def settle(self) -> None:
        """After a sample: refuse what the first one drew, or let the next one draw the same."""
        self._samples += 1
        if self._randomness == "same":
            self._after = _states(self._generators)
            _restore(self._generators, self._before)
        elif self._randomness == "error" and self._samples == 1:  # to ask after each would take as long as a small network
            self._refuse()

    def _refuse(self) -> None:
        if _drawn(self._generators, self._before):
            _restore(self._generators, self._before)
            raise RuntimeError("vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' randomness flags "
                               "on vmap or perform the randomness operation out of vmap")

    def __exit__(self, kind, error, trace) -> None:
        if self._randomness == "same" and self._samples:
            _restore(self._generators, self._after)
        elif self._randomness == "error" and kind is None:
            self._refuse()


def _states(generators: list) -> list:
    return [each.state_array() for each in generators]


def _restore(generators: list, states: list) -> None:
    for each, state in zip(generators, states, strict=True):
        each.load_state_array(state)


def _drawn(generators: list, states: list) -> bool:
    return any(not np.array_equal(each.state_array(), state) for each, state in zip(generators, states, strict=True))
