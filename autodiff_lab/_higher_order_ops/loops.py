"""Loops and branches as functions, for programs that a compiler shall see whole. Here they run as they are written."""

from __future__ import annotations

from ..core.op import public
from ..utils._pytree import tree_flatten, tree_map, tree_unflatten

__all__ = ["associative_scan", "cond", "map", "scan", "while_loop"]

_all = public[""]
cond, while_loop = _all["cond"], _all["while_loop"]


def associative_scan(combine_fn, xs, dim: int, reverse: bool = False, combine_mode: str = "pointwise"):
    """All partial results of `combine_fn` along `dim`: x0, f(x0, x1), f(f(x0, x1), x2), …

    Args:
        combine_fn: from two slices, tensors or nestings of them, to one of the same kind.
        reverse: begin at the end.
        combine_mode: accepted; it chooses a compiled kernel in PyTorch.

    >>> import autodiff_lab as lab
    >>> associative_scan(lambda a, b: a * b, lab.tensor([1.0, 2.0, 3.0]), 0)
    tensor([1., 2., 6.])
    """
    if reverse:
        return tree_map(lambda t: t.flip(dim), associative_scan(combine_fn, tree_map(lambda t: t.flip(dim), xs), dim))
    leaves, spec = tree_flatten(xs)
    found: list = []
    for slices in zip(*(leaf.unbind(dim) for leaf in leaves), strict=True):
        found.append(combine_fn(found[-1], tree_unflatten(slices, spec)) if found else tree_unflatten(slices, spec))
    return _stacked(found, dim) if found else xs


def scan(combine_fn, init, xs, *, dim: int = 0, reverse: bool = False):
    """(last carry, results stacked along `dim`) of `carry, y = combine_fn(carry, x)` for the slices of `xs`.

    >>> import autodiff_lab as lab
    >>> scan(lambda total, x: (total + x, total * x), lab.tensor(0.0), lab.tensor([1.0, 2.0]))
    (tensor(3.), tensor([0., 2.]))
    """
    if reverse:
        carry, found = scan(combine_fn, init, tree_map(lambda t: t.flip(dim), xs), dim=dim)
        return carry, tree_map(lambda t: t.flip(dim), found)
    leaves, spec = tree_flatten(xs)
    carry, found = init, []
    for slices in zip(*(leaf.unbind(dim) for leaf in leaves), strict=True):
        carry, y = combine_fn(carry, tree_unflatten(slices, spec))
        found.append(y)
    return carry, _stacked(found, dim) if found else []


def map(f, xs, *args):
    """`f(x, *args)` of each slice along the first dimension, stacked.

    >>> import autodiff_lab as lab
    >>> map(lambda x, y: x.sum() + y, lab.ones(2, 3), 1.0)
    tensor([4., 4.])
    """
    leaves, spec = tree_flatten(xs)
    return _stacked([f(tree_unflatten(slices, spec), *args) for slices in zip(*(leaf.unbind(0) for leaf in leaves), strict=True)], 0)


def _stacked(trees: list, dim: int):
    return tree_map(lambda *slices: _all["stack"](slices, dim), *trees)
