"""Nested tuples, lists, dicts and registered classes of tensors, taken apart and put together again."""

from __future__ import annotations

from ..utils._pytree import tree_leaves as leaves
from ..utils._pytree import tree_structure, tree_unflatten

__all__ = ["leaves", "rebuild", "spread"]


def rebuild(tree, new_leaves):
    """The same nesting with other leaves.

    >>> rebuild({"a": (1, 2)}, [3, 4])
    {'a': (3, 4)}
    """
    return tree_unflatten(list(new_leaves), tree_structure(tree))


def spread(given, spec) -> list | None:
    """What `given` says about each leaf of a nesting: a value that stands where a branch does holds for all of it. None if they do not fit.

    >>> spread((0, None), tree_structure(([1, 2], 3)))
    [0, 0, None]
    """
    if spec.is_leaf():
        return [given] if tree_structure(given).is_leaf() else None
    above = tree_structure(given)
    if above.is_leaf():
        return [given] * spec.num_leaves
    if above.type is not spec.type or above.context != spec.context or above.num_children != spec.num_children:
        return None
    parts = given.values() if isinstance(given, dict) else given
    found = [spread(part, child) for part, child in zip(parts, spec.children_specs, strict=True)]
    return None if None in found else [value for part in found for value in part]
