"""Nested tuples, lists and dicts of tensors, taken apart and put together again."""

from __future__ import annotations

__all__ = ["leaves", "rebuild"]


def leaves(tree) -> list:
    """What is not a tuple, list or dict, in order."""
    if isinstance(tree, dict):
        return [leaf for value in tree.values() for leaf in leaves(value)]
    if isinstance(tree, (tuple, list)):
        return [leaf for value in tree for leaf in leaves(value)]
    return [tree]


def rebuild(tree, new_leaves):
    """The same nesting with other leaves.

    >>> rebuild({"a": (1, 2)}, [3, 4])
    {'a': (3, 4)}
    """
    supply = iter(new_leaves)

    def build(node):
        if isinstance(node, dict):
            return type(node)((key, build(value)) for key, value in node.items())
        if isinstance(node, tuple) and hasattr(node, "_fields"):
            return type(node)(*(build(value) for value in node))
        if isinstance(node, (tuple, list)):
            return type(node)(build(value) for value in node)
        return next(supply)

    return build(tree)
