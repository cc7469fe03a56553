"""Trees with paths, compared with PyTorch's."""

from collections import OrderedDict, defaultdict, deque, namedtuple

import pytest

from autodiff_lab.utils import _pytree as ours

Point = namedtuple("Point", "x y")
TREE = {"a": [1, (2, None)], "b": Point(3, deque([4])), "c": OrderedDict(q=5), "d": defaultdict(list, r=6)}


@pytest.fixture
def theirs():
    return pytest.importorskip("torch.utils._pytree")


def test_leaves_stand_at_the_same_paths(theirs):
    told = [[(repr(path), p.keystr(path), leaf) for path, leaf in p.tree_leaves_with_path(TREE)] for p in (ours, theirs)]
    assert told[0] == told[1]


def test_map_with_path_gives_the_path_first(theirs):
    told = [p.tree_map_with_path(lambda path, *leaves, p=p: (p.keystr(path), *leaves), TREE, TREE, is_leaf=lambda node: isinstance(node, tuple)) for p in (ours, theirs)]
    assert told[0] == told[1]


def test_what_stands_at_a_path_is_found_again():
    for path, leaf in ours.tree_leaves_with_path(TREE):
        assert ours.key_get(TREE, path) is leaf


def test_node_without_keys_is_refused_as_in_pytorch(theirs):
    said = []
    for p in (ours, theirs):
        kind = type("Node", (), {})
        p.register_pytree_node(kind, lambda node: ([1], None), lambda children, context, kind=kind: kind())
        with pytest.raises(ValueError) as caught:
            p.tree_leaves_with_path(kind())
        said.append(str(caught.value))
    assert said[0] == said[1]
