"""Still pictures and texts: deterministic, valid, clean, and in the layout that the browser shares."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from autodiff_lab.export import dot, html, text, words
from autodiff_lab.export.place import place
from autodiff_lab.export.plan import make_plan
from autodiff_lab.export.svg import svg
from autodiff_lab.record.model import GraphSnapshot, from_json, to_json

from . import examples

SNAPSHOTS = {"board": examples.board(), "hooked": examples.hooked(), "vectors": examples.vectors(), "transformer": examples.transformer(4, 12), "large": examples.transformer(), "hostile": examples.hostile(), "empty": GraphSnapshot()}
SHARED = Path(__file__).parents[2] / "widgets" / "tests" / "shared.json"


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_json_goes_there_and_back(name):
    snapshot = from_json(to_json(SNAPSHOTS[name]))
    assert to_json(snapshot) == to_json(SNAPSHOTS[name])
    assert snapshot.key == from_json(to_json(snapshot)).key


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_svg_is_valid_and_passes_a_strict_sanitiser(name):
    root = ElementTree.fromstring(svg(SNAPSHOTS[name]))
    allowed = {"svg", "g", "rect", "path", "text", "title", "desc"}
    for element in root.iter():
        assert element.tag.removeprefix("{http://www.w3.org/2000/svg}") in allowed
        assert not {"id", "style", "class", "onload", "onerror", "href"} & set(element.attrib)


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_boxes_do_not_overlap(name):
    snapshot = SNAPSHOTS[name]
    plan = make_plan(snapshot)
    for opened in (plan.open, [], [item for item in plan.parents if item[0] in "sk"]):
        picture = place(plan, snapshot.edges, opened, lambda item: (100, 60))
        closed = [box for box in picture.boxes.values() if not box.open]
        closed.sort(key=lambda b: b.x)
        for i, a in enumerate(closed):
            for b in closed[i + 1:]:
                if b.x >= a.x + a.w:
                    break
                assert a.y + a.h <= b.y + 0.01 or b.y + b.h <= a.y + 0.01, (a, b)


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_edges_run_from_left_to_right(name):
    snapshot = SNAPSHOTS[name]
    plan = make_plan(snapshot)
    for wire in place(plan, snapshot.edges, plan.open, lambda item: (100, 60)).wires:
        xs = [x for x, _ in wire.points]
        assert xs == sorted(xs)


def test_equal_blocks_become_one_box():
    plan = make_plan(SNAPSHOTS["large"])
    assert [len(members) for members in plan.stacks.values()] == [12]


def test_large_graph_is_laid_out_in_milliseconds():
    import time

    snapshot = SNAPSHOTS["large"]
    assert len(snapshot.nodes) > 900
    times = []
    for _ in range(3):
        begin = time.process_time()
        place(make_plan(snapshot), snapshot.edges, make_plan(snapshot).open, lambda item: (100, 60))
        times.append(time.process_time() - begin)
    assert min(times) < 0.5


def test_everything_is_equal_byte_for_byte_in_another_process():
    code = ("from tests.export import examples; from autodiff_lab.export import dot, svg, text; import hashlib;"
            "s = examples.transformer(4, 12); print(hashlib.sha256((svg.svg(s) + dot.dot(s) + text.explain(s) + text.outline(s)).encode()).hexdigest())")
    runs = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
                           env={"PYTHONHASHSEED": seed, "PATH": ""}).stdout for seed in ("1", "2")}
    assert len(runs) == 1


def test_hostile_names_stay_text():
    snapshot = SNAPSHOTS["hostile"]
    for made in (svg(snapshot), dot.dot(snapshot), text.explain(snapshot), to_json(snapshot)):
        made.encode("utf8")
        assert not any(c in made for c in "\x00\ufffe")
    assert "<img" not in svg(snapshot)


def test_html_holds_no_address_and_no_open_script(monkeypatch, tmp_path):
    (tmp_path / "graph.js").write_text("const x = '</script>';")
    (tmp_path / "graph.css").write_text("")
    monkeypatch.setattr(html, "STATIC", tmp_path)
    page = html.html(SNAPSHOTS["hostile"])
    assert page == html.html(SNAPSHOTS["hostile"])
    body = page.replace("http://www.w3.org/2000/svg", "")
    assert "http:" not in body and "https:" not in body and "//" not in body.replace("</", "")
    assert page.count("</script>") == 2 and "<img" not in page


def test_html_without_the_built_front_end_says_how_to_build_it(monkeypatch, tmp_path):
    monkeypatch.setattr(html, "STATIC", tmp_path)
    with pytest.raises(FileNotFoundError, match="npm run build"):
        html.html(SNAPSHOTS["board"])


def test_png_is_drawn_and_equal():
    pytest.importorskip("matplotlib", reason="a PNG is drawn by matplotlib")
    from autodiff_lab.export.png import png

    first = png(SNAPSHOTS["board"])
    assert first[:4] == b"\x89PNG" and first == png(SNAPSHOTS["board"])


def test_no_gradient_is_never_written_as_zero():
    snapshot = GraphSnapshot(nodes=tuple(examples.NodeInfo(i, "parameter", family="param", name=state, shape=(), grad_state=state) for i, state in enumerate(("yet", "none", "not asked"))), backward="ran")
    assert [words.grad_text(n, "ran") for n in snapshot.nodes] == ["∂ not yet", "∂ None", "∂ not asked"]


def test_a_short_vector_shows_its_numbers_and_a_long_one_how_many():
    cards = [(words.value_text(n), words.grad_text(n, "ran")) for n in SNAPSHOTS["vectors"].nodes]
    assert cards == [("[1, -2, 3]", "∂ [0.5, 0.25, 0.3333]"), ("3 numbers", "∂ 2"), ("[0, 1, NaN]", "∂ [1, 1, 1]"), ("1 number", "∂ not asked"), ("1", "∂ 1")]


def test_words_of_a_step():
    assert words.step_sentence(SNAPSHOTS["board"], 2) == (
        "Step 2 of 3. add (w * x + b) receives 10 and passes it on unchanged to both inputs, because ∂(w * x + b)/∂(w * x) = 1 "
        "and ∂(w * x + b)/∂b = 1. b is a leaf: b.grad was None, now 10.")


def test_several_results_are_all_named():
    """A cell that ends in two tensors: neither is made from the leaves of both."""
    nodes = (examples.NodeInfo(0, "parameter", family="param", name="w", shape=()), examples.NodeInfo(1, "op", op="mul", name="left", shape=()), examples.NodeInfo(2, "op", op="mul", name="right", shape=(2,)))
    assert words.summary_sentence(GraphSnapshot(nodes=nodes, roots=(1, 2))).startswith("left (a scalar) and right of shape 2 are made from 1 parameter (w) by 2 operators.")


def shared() -> dict:
    """What Python makes of the examples; the browser's tests compare theirs with it."""
    made = {}
    for name in ("board", "hooked", "vectors", "transformer"):
        snapshot = SNAPSHOTS[name]
        plan = make_plan(snapshot)
        picture = place(plan, snapshot.edges, plan.open, lambda item: (100 + len(item), 60), lambda edge: 30)
        made[name] = {
            "payload": json.loads(html.payload(snapshot)), "nodes": [words.node_sentence(snapshot, n) for n in snapshot.nodes], "cards": [[words.value_text(n), words.grad_text(n, snapshot.backward)] for n in snapshot.nodes],
            "steps": [words.step_sentence(snapshot, k) for k in range(1, len(snapshot.steps) + 1)], "summary": words.summary_sentence(snapshot), "facts": words.facts(snapshot),
            "boxes": {b.item: [round(v, 3) for v in (b.x, b.y, b.w, b.h)] for b in picture.boxes.values()},
            "wires": [[w.source, w.target, [[round(x, 3), round(y, 3)] for x, y in w.points]] for w in picture.wires]}
    return made


def test_what_the_browser_is_compared_with_is_fresh():
    """Regenerate with `python -m tests.export.test_pictures`."""
    assert json.loads(SHARED.read_text(encoding="utf8")) == json.loads(json.dumps(shared()))


if __name__ == "__main__":
    SHARED.parent.mkdir(exist_ok=True)
    SHARED.write_text(json.dumps(shared(), ensure_ascii=False, indent=1) + "\n", encoding="utf8")
