"""`vmap` by running the function once per sample and stacking: right for every function, and not faster than a loop."""

from __future__ import annotations

import functools

from ..core.op import public
from ..core.tensor import Tensor
from .trees import leaves, rebuild

__all__ = ["vmap"]


def vmap(func, in_dims=0, out_dims=0, randomness: str = "error", *, chunk_size=None):
    """A function that maps `func` over dimension `in_dims` of its arguments and stacks what comes out along `out_dims`.

    Args:
        in_dims: the dimension of each tensor argument to map over; None for one that is passed whole.

    Raises:
        ValueError: if nothing is mapped over, or the sizes differ.

    >>> import autodiff_lab as lab
    >>> lab.func.vmap(lab.dot)(lab.ones(3, 2), lab.ones(3, 2))
    tensor([2., 2., 2.])
    """
    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        flat = leaves(args)
        dims = _dims_of(in_dims, args, len(flat))
        sizes = {value.shape[dim] for value, dim in zip(flat, dims, strict=True) if dim is not None and isinstance(value, Tensor)}
        if not sizes:
            raise ValueError(f"vmap({getattr(func, '__name__', 'f')}, in_dims={in_dims}, ...)(<inputs>): got no Tensor inputs to map over: all in_dims are None.")
        if len(sizes) > 1:
            raise ValueError(f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sorted(sizes)} for the mapped dimension")
        results = []
        for k in range(sizes.pop()):
            picked = [value.select(dim, k) if dim is not None and isinstance(value, Tensor) else value for value, dim in zip(flat, dims, strict=True)]
            results.append(func(*rebuild(args, picked), **kwargs))
        columns = zip(*(leaves(r) for r in results), strict=True)
        outs = leaves(out_dims) if not isinstance(out_dims, int) else None
        stacked = [_stack(column, outs[i] if outs else out_dims) for i, column in enumerate(columns)]
        return rebuild(results[0], stacked)
    return wrapped


def _stack(column, dim):
    tensors = [value if isinstance(value, Tensor) else public[""]["tensor"](value) for value in column]
    return tensors[0] if dim is None else public[""]["stack"](tensors, dim)


def _dims_of(in_dims, args, count: int) -> list:
    if in_dims is None or isinstance(in_dims, int):
        return [in_dims if isinstance(v, Tensor) else None for v in leaves(args)]
    dims = []
    for value, dim in zip(args, in_dims, strict=True):
        mine = leaves(value)
        dims += [dim if isinstance(v, Tensor) else None for v in mine] if dim is None or isinstance(dim, int) else leaves(dim)
    if len(dims) != count:
        raise ValueError(f"vmap: in_dims {in_dims} is not compatible with the structure of inputs.")
    return dims
