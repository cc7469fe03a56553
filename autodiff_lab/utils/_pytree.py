"""Nested tuples, lists and dicts under PyTorch's names: `tree_flatten`, `tree_unflatten`, `tree_map` and their kin.

A tree is taken apart into its leaves and a `TreeSpec`, which remembers the nesting. None is a leaf.
"""

from __future__ import annotations

import functools
import typing
from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

__all__ = ["GetAttrKey", "KeyPath", "LeafSpec", "MappingKey", "PyTree", "SUPPORTED_NODES", "SequenceKey", "TreeSpec", "key_get", "keystr", "register_constant", "register_dataclass", "register_pytree_node", "tree_all", "tree_all_only", "tree_any", "tree_any_only", "tree_flatten", "tree_flatten_with_path", "tree_iter",
           "tree_leaves", "tree_leaves_with_path", "tree_map", "tree_map_", "tree_map_only", "tree_map_only_", "tree_map_with_path", "tree_structure", "tree_unflatten"]

PyTree = Context = Any
NodeDef = namedtuple("NodeDef", ["type", "flatten_fn", "unflatten_fn", "flatten_with_keys_fn"])
SUPPORTED_NODES: dict[type, NodeDef] = {}


@dataclass(frozen=True)
class MappingKey:
    """The step from a dict to the value of one of its keys."""

    key: Any

    def __str__(self) -> str:
        return f"[{self.key!r}]"

    def get(self, mapping):
        """The value."""
        return mapping[self.key]


@dataclass(frozen=True)
class SequenceKey:
    """The step from a list or tuple to one of its items."""

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx!r}]"

    def get(self, sequence):
        """The item."""
        return sequence[self.idx]


@dataclass(frozen=True)
class GetAttrKey:
    """The step from an object to one of its fields."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"

    def get(self, obj):
        """The field."""
        return getattr(obj, self.name)


KeyEntry = typing.Union[MappingKey, SequenceKey, GetAttrKey]  # noqa: UP007
KeyPath = tuple[KeyEntry, ...]


def register_pytree_node(cls: type, flatten_fn, unflatten_fn, *, flatten_with_keys_fn=None, **names) -> None:
    """Teach trees a class: `flatten_fn(node)` gives (children, context), `unflatten_fn(children, context)` the node again.

    Args:
        flatten_with_keys_fn: gives ((key, child) pairs, context); needed by what works with paths, such as `tree_map_with_path`.
    """
    SUPPORTED_NODES[cls] = NodeDef(cls, flatten_fn, unflatten_fn, flatten_with_keys_fn)


def register_dataclass(cls: type, *, field_names: list | None = None, drop_field_names: list | None = None, **names) -> None:
    """Teach trees a dataclass, whose fields become the children; a field that holds None is no child.

    Args:
        field_names: the fields, needed if `cls` is no dataclass; otherwise those that its constructor takes.
        drop_field_names: fields to leave out.

    Raises:
        ValueError: if the fields are not known, or not all of them are named.

    >>> import dataclasses
    >>> Point = dataclasses.make_dataclass("Point", ["x", "y"])
    >>> register_dataclass(Point)
    >>> tree_map(lambda number: number + 1, Point(1, 2))
    Point(x=2, y=3)
    """
    if not is_dataclass(cls) and field_names is None:
        raise ValueError(f"field_names must be specified with a list of all fields used to initialize {cls}, as it is not a dataclass.")
    known = [each.name for each in fields(cls) if each.init] if is_dataclass(cls) else list(field_names)
    chosen = known if field_names is None else list(field_names)
    wanted = set(known) - set(drop_field_names or ())
    if field_names is not None and wanted != set(chosen):
        text = "field_names does not include all dataclass fields.\n"
        if missing := wanted - set(chosen):
            text += (f"Missing fields in `field_names`: {missing}. If you want to include these fields in the pytree, please add them to `field_names`, "
                     "otherwise please add them to `drop_field_names`.\n")
        if unexpected := set(chosen) - wanted:
            text += f"Unexpected fields in `field_names`: {unexpected}. Please remove these fields, or add them to `drop_field_names`.\n"
        raise ValueError(text)

    def flatten(node):
        values = {name: getattr(node, name) for name in chosen}
        return [value for value in values.values() if value is not None], [[name for name, value in values.items() if value is not None],
                                                                           [name for name, value in values.items() if value is None]]

    def with_keys(node):
        children, context = flatten(node)
        return list(zip(map(GetAttrKey, context[0]), children, strict=True)), context

    register_pytree_node(cls, flatten, lambda children, context: cls(**dict(zip(context[0], children, strict=True)), **dict.fromkeys(context[1])), flatten_with_keys_fn=with_keys)


@dataclass(frozen=True)
class ConstantNode:
    """What a tree keeps of an object that has no leaves."""

    value: Any


def register_constant(cls: type) -> None:
    """Teach trees a class whose objects have no leaves and belong to the nesting.

    Raises:
        TypeError: if `cls` does not say when two of its objects are equal, or cannot be hashed.
    """
    for method, missing in (("__eq__", cls.__eq__ is object.__eq__), ("__hash__", cls.__hash__ is None)):
        if missing:
            raise TypeError(f"register_constant(cls) expects `cls` to have a non-default `{method}` implementation.")
    register_pytree_node(cls, lambda node: ([], ConstantNode(node)), lambda _, context: context.value, flatten_with_keys_fn=lambda node: ([], ConstantNode(node)))


def _dict_flatten(d):
    return list(d.values()), list(d)


def _dict_flatten_with_keys(d):
    return [(MappingKey(key), value) for key, value in d.items()], list(d)


def _dict_unflatten(values, keys) -> dict:
    return dict(zip(keys, values, strict=True))


def _list_flatten(items):
    return list(items), None


def _list_flatten_with_keys(items):
    return [(SequenceKey(i), item) for i, item in enumerate(items)], None


def _list_unflatten(items, context) -> list:
    return list(items)


register_pytree_node(tuple, _list_flatten, lambda c, _: tuple(c), flatten_with_keys_fn=_list_flatten_with_keys)
register_pytree_node(list, _list_flatten, _list_unflatten, flatten_with_keys_fn=_list_flatten_with_keys)
register_pytree_node(dict, _dict_flatten, _dict_unflatten, flatten_with_keys_fn=_dict_flatten_with_keys)
register_pytree_node(OrderedDict, _dict_flatten, lambda c, keys: OrderedDict(zip(keys, c, strict=True)), flatten_with_keys_fn=_dict_flatten_with_keys)
register_pytree_node(defaultdict, lambda d: (list(d.values()), [d.default_factory, list(d)]), lambda c, context: defaultdict(context[0], zip(context[1], c, strict=True)),
                     flatten_with_keys_fn=lambda d: (_dict_flatten_with_keys(d)[0], [d.default_factory, list(d)]))
register_pytree_node(deque, lambda d: (list(d), d.maxlen), lambda c, maxlen: deque(c, maxlen=maxlen), flatten_with_keys_fn=lambda d: (_list_flatten_with_keys(d)[0], d.maxlen))
register_pytree_node(namedtuple, lambda t: (list(t), type(t)), lambda c, kind: kind(*c), flatten_with_keys_fn=lambda t: (list(zip(map(GetAttrKey, t._fields), t, strict=True)), type(t)))


def _kind(tree) -> Callable | None:
    """The class by which a node is taken apart; None for a leaf."""
    kind = type(tree)
    if kind in SUPPORTED_NODES:
        return kind
    return namedtuple if isinstance(tree, tuple) and hasattr(kind, "_fields") else None


@dataclass
class TreeSpec:
    """The nesting of a tree without its leaves."""

    type: Any
    context: Any
    children_specs: list
    num_leaves: int = field(init=False)

    def __post_init__(self):
        self.num_leaves = sum(child.num_leaves for child in self.children_specs)

    @property
    def num_nodes(self) -> int:
        """Nodes and leaves together."""
        return 1 + sum(child.num_nodes for child in self.children_specs)

    @property
    def num_children(self) -> int:
        """How many children the outermost node has."""
        return len(self.children_specs)

    def children(self) -> list:
        """The specs one level below."""
        return list(self.children_specs)

    def is_leaf(self) -> bool:
        """True for a single leaf."""
        return False

    def unflatten(self, leaves):
        """The tree with these leaves."""
        return tree_unflatten(leaves, self)

    def flatten_up_to(self, tree) -> list:
        """The parts of another tree at the places of this one's leaves."""
        if _kind(tree) is not self.type:
            raise ValueError(f"Type mismatch; expected {self.type!r}, but got {type(tree)!r}.")
        children, context = SUPPORTED_NODES[self.type].flatten_fn(tree)
        if isinstance(context, list) and isinstance(self.context, list) and set(map(repr, context)) == set(map(repr, self.context)):
            children = [tree[key] for key in (self.context[1] if self.type is defaultdict else self.context)]
        elif context != self.context or len(children) != len(self.children_specs):
            raise ValueError(f"Node arity mismatch; expected {len(self.children_specs)}, but got {len(children)}.")
        return [part for spec, child in zip(self.children_specs, children, strict=True) for part in spec.flatten_up_to(child)]

    def __hash__(self) -> int:
        return hash((self.type, repr(self.context), tuple(self.children_specs)))

    def __repr__(self, indent: int = 0) -> str:
        inside = indent + 2
        children = f",\n{' ' * inside}".join(child.__repr__(inside) for child in self.children_specs)
        return f"TreeSpec({self.type.__name__}, {self.context}, [{children}])"


class LeafSpec(TreeSpec):
    """A single leaf."""

    def __init__(self):
        super().__init__(None, None, [])
        self.num_leaves = 1

    def is_leaf(self) -> bool:
        """True."""
        return True

    def flatten_up_to(self, tree) -> list:
        """The tree itself."""
        return [tree]

    def __eq__(self, other) -> bool:
        return isinstance(other, LeafSpec)

    __hash__ = TreeSpec.__hash__

    def __repr__(self, indent: int = 0) -> str:
        return "*"


LEAF = LeafSpec()  # one for all: none differs from another


def tree_flatten(tree, is_leaf=None) -> tuple[list, TreeSpec]:
    """The leaves from left to right, and the nesting.

    >>> tree_flatten({"a": 1, "b": (2, 3)})[0]
    [1, 2, 3]
    """
    leaves: list = []

    def take(node) -> TreeSpec:
        kind = None if is_leaf is not None and is_leaf(node) else _kind(node)
        if kind is None:
            leaves.append(node)
            return LEAF
        children, context = SUPPORTED_NODES[kind].flatten_fn(node)
        return TreeSpec(kind, context, [take(child) for child in children])

    return leaves, take(tree)


def tree_unflatten(leaves, treespec: TreeSpec):
    """The tree with these leaves.

    Raises:
        ValueError: if there are more or fewer leaves than places.
    """
    if not isinstance(treespec, TreeSpec):
        raise TypeError(f"tree_unflatten(leaves, treespec): Expected `treespec` to be instance of TreeSpec but got item of type {type(treespec)}.")
    leaves = list(leaves)
    if len(leaves) != treespec.num_leaves:
        raise ValueError(f"tree_unflatten(leaves, treespec): `leaves` has length {len(leaves)} but the spec refers to a pytree that holds {treespec.num_leaves} items ({treespec}).")
    supply = iter(leaves)

    def build(spec):
        return next(supply) if spec.is_leaf() else SUPPORTED_NODES[spec.type].unflatten_fn([build(child) for child in spec.children_specs], spec.context)

    return build(treespec)


def tree_leaves(tree, is_leaf=None) -> list:
    """The leaves from left to right."""
    return list(tree_iter(tree, is_leaf))


def tree_iter(tree, is_leaf=None):
    """The leaves, one after the other."""
    kind = None if is_leaf is not None and is_leaf(tree) else _kind(tree)
    if kind is None:
        yield tree
    else:
        for child in SUPPORTED_NODES[kind].flatten_fn(tree)[0]:
            yield from tree_iter(child, is_leaf)


def tree_structure(tree, is_leaf=None) -> TreeSpec:
    """The nesting."""
    return tree_flatten(tree, is_leaf)[1]


def tree_map(func, tree, *rests, is_leaf=None):
    """The same nesting with `func` of every leaf, together with what stands at its place in `rests`.

    >>> tree_map(lambda a, b: a + b, [1, (2, 3)], [10, (20, 30)])
    [11, (22, 33)]
    """
    leaves, spec = tree_flatten(tree, is_leaf)
    return tree_unflatten([func(*values) for values in zip(leaves, *(spec.flatten_up_to(rest) for rest in rests), strict=True)], spec)


def tree_map_(func, tree, *rests, is_leaf=None):
    """Call `func` of every leaf and give the tree back as it is."""
    leaves, spec = tree_flatten(tree, is_leaf)
    for values in zip(leaves, *(spec.flatten_up_to(rest) for rest in rests), strict=True):
        func(*values)
    return tree


def _leaves_with_path(tree, is_leaf, path):
    kind = None if is_leaf is not None and is_leaf(tree) else _kind(tree)
    if kind is None:
        yield path, tree
        return
    if SUPPORTED_NODES[kind].flatten_with_keys_fn is None:
        raise ValueError(f"Did not find a flatten_with_keys_fn for type: {kind}. Please pass a flatten_with_keys_fn argument to register_pytree_node.")
    for key, child in SUPPORTED_NODES[kind].flatten_with_keys_fn(tree)[0]:
        yield from _leaves_with_path(child, is_leaf, (*path, key))


def tree_leaves_with_path(tree, is_leaf=None) -> list[tuple[KeyPath, Any]]:
    """(path, leaf) from left to right; a path is the keys from the outermost node to the leaf.

    >>> [(keystr(path), leaf) for path, leaf in tree_leaves_with_path({"a": [1, 2]})]
    [("['a'][0]", 1), ("['a'][1]", 2)]

    Raises:
        ValueError: if the tree has a node that was registered without `flatten_with_keys_fn`.
    """
    return list(_leaves_with_path(tree, is_leaf, ()))


def tree_flatten_with_path(tree, is_leaf=None) -> tuple[list[tuple[KeyPath, Any]], TreeSpec]:
    """`tree_leaves_with_path`, and the nesting."""
    return tree_leaves_with_path(tree, is_leaf), tree_structure(tree, is_leaf)


def tree_map_with_path(func, tree, *rests, is_leaf=None):
    """`tree_map` whose `func` also gets the path, as its first argument.

    >>> tree_map_with_path(lambda path, leaf: keystr(path), {"a": [1, 2]})
    {'a': ["['a'][0]", "['a'][1]"]}
    """
    found, spec = tree_flatten_with_path(tree, is_leaf)
    return tree_unflatten([func(path, leaf, *others) for (path, leaf), *others in zip(found, *(spec.flatten_up_to(rest) for rest in rests), strict=True)], spec)


def keystr(kp: KeyPath) -> str:
    """A path as it is written behind the tree's name."""
    return "".join(map(str, kp))


def key_get(obj, kp: KeyPath):
    """What stands at a path."""
    for key in kp:
        obj = key.get(obj)
    return obj


def _only(kinds, func):
    """`func` for leaves of certain classes, or for which a condition holds; others stay."""
    fits = kinds if callable(kinds) and not isinstance(kinds, type) else functools.partial(lambda k, x: isinstance(x, k), kinds)
    return lambda leaf: func(leaf) if fits(leaf) else leaf


def map_only(kinds, /):
    """Decorate a function so that it changes only leaves of certain classes."""
    return functools.partial(_only, kinds)


def tree_map_only(type_or_types_or_pred, func, tree, is_leaf=None):
    """`tree_map` for leaves of certain classes; the others stay."""
    return tree_map(_only(type_or_types_or_pred, func), tree, is_leaf=is_leaf)


def tree_map_only_(type_or_types_or_pred, func, tree, is_leaf=None):
    """`tree_map_` for leaves of certain classes."""
    return tree_map_(_only(type_or_types_or_pred, func), tree, is_leaf=is_leaf)


def tree_all(pred, tree, is_leaf=None) -> bool:
    """True if `pred` holds for every leaf."""
    return all(map(pred, tree_leaves(tree, is_leaf)))


def tree_any(pred, tree, is_leaf=None) -> bool:
    """True if `pred` holds for some leaf."""
    return any(map(pred, tree_leaves(tree, is_leaf)))


def tree_all_only(type_or_types, pred, tree, is_leaf=None) -> bool:
    """True if `pred` holds for every leaf of certain classes."""
    return all(pred(leaf) for leaf in tree_leaves(tree, is_leaf) if isinstance(leaf, type_or_types))


def tree_any_only(type_or_types, pred, tree, is_leaf=None) -> bool:
    """True if `pred` holds for some leaf of certain classes."""
    return any(pred(leaf) for leaf in tree_leaves(tree, is_leaf) if isinstance(leaf, type_or_types))


def arg_tree_leaves(*args, **kwargs) -> list:
    """The leaves of all arguments."""
    return tree_leaves((args, kwargs))


def tree_is_leaf(tree, is_leaf=None) -> bool:
    """True if the tree is a single leaf."""
    return _kind(tree) is None or (is_leaf is not None and is_leaf(tree))


_get_node_type = _kind  # PyTorch's names for them
_is_leaf = tree_is_leaf
_register_pytree_node = register_pytree_node
