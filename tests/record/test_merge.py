"""Two graphs in one: nothing of either is lost, what both have stands there once, edges still run forward."""

import pytest

import autodiff_lab as lab
from autodiff_lab.record.compare import compare
from autodiff_lab.record.merge import merge

from .test_compare import EDITED, SAME_CODE, SETUP, record, run_cell


def pair(title):
    namespace = {"lab": lab}
    run_cell(SETUP, namespace, "<setup>")
    if title in EDITED:
        first, second, _ = EDITED[title]
    else:
        code, first, second, _ = SAME_CODE[title]
        run_cell(code, namespace, "<code>")
        first, second = f"y = {first}", f"y = {second}"
    return record(namespace, first, "<first>"), record(namespace, second, "<second>")


@pytest.mark.parametrize("title", [*SAME_CODE, *EDITED])
def test_each_side_can_be_read_off_the_graph_of_both(title):
    a, b = pair(title)
    _, pairs = compare(a, b)
    merged = merge(a, b, pairs)
    nodes, edges = merged.snapshot.nodes, merged.snapshot.edges
    assert [node.id for node in nodes] == list(range(len(nodes)))
    assert all(edge.source < edge.target for edge in edges)
    for side, ids, other in ((a, merged.from_a, "+"), (b, merged.from_b, "−")):
        assert sorted(ids) == [node.id for node in side.nodes]
        assert {ids[node.id] for node in side.nodes} == {node.id for node in nodes if merged.signs.get(node.id) != other}
        own = sorted((edge.source, edge.target, edge.slot) for n, edge in enumerate(edges) if merged.edge_signs.get(n) != other)
        assert own == sorted((ids[edge.source], ids[edge.target], edge.slot) for edge in side.edges)


def test_equal_graphs_carry_no_sign():
    a, b = pair("the same")
    merged = merge(a, b, compare(a, b)[1])
    assert not merged.signs and not merged.edge_signs and len(merged.snapshot.nodes) == len(a.nodes)


def test_numbers_that_differ_stand_side_by_side():
    a, b = pair("another exponent")
    merged = merge(a, b, compare(a, b)[1])
    root = merged.snapshot.nodes[merged.snapshot.roots[0]]
    assert root.label == "pow 2 → pow 3" and " → " in root.value.text and merged.signs[root.id] == "≠"
