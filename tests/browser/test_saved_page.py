"""The page that `lab.show(…).to_html()` writes: opened from disk, with the network off, it folds, searches and steps."""

from __future__ import annotations

import json

import pytest

from ..export import examples
from .conftest import SHOTS, axe


@pytest.fixture
def saved(chrome, tmp_path):
    """Opens the page of a snapshot or a Diff from disk, offline; nothing may be asked from anywhere."""
    from autodiff_lab.export.html import html

    opened = []

    def open_page(snapshot, *, width=960, height=700, dark=False, calm=False):
        file = tmp_path / "graph.html"
        file.write_text(snapshot.to_html() if hasattr(snapshot, "to_html") else html(snapshot), encoding="utf8")
        context = chrome.new_context(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", reduced_motion="reduce" if calm else "no-preference")
        context.set_offline(True)
        page = context.new_page()
        page.asked, page.failures = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.failures.append(str(error)))
        page.on("dialog", lambda dialog: page.failures.append("dialog"))
        page.goto(file.as_uri())
        page.locator("[role=treeitem]").first.wait_for()
        opened.append((context, page))
        return page

    yield open_page
    for context, page in opened:
        assert [url for url in page.asked if not url.startswith(("file:", "blob:", "data:"))] == []
        assert page.failures == []
        context.close()


def test_it_folds_searches_and_steps(saved):
    page = saved(examples.transformer(4, 12))
    page.locator("[data-item=k0]").click()
    page.locator("[data-item=s2]").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("matmul")
    page.keyboard.press("Enter")
    assert "Hit 1 of" in page.locator(".adl-say").inner_text()
    page = saved(examples.board())
    page.get_by_role("button", name="Step ▶").click()
    assert page.locator(".adl-say").inner_text().startswith("Step 1 of 3.")
    page.get_by_role("button", name="▶|").first.click() if page.get_by_role("button", name="▶|").count() else page.get_by_label("To the end").click()
    assert "w.grad was None, now 30" in page.locator(".adl-say").inner_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["board", "transformer"])
def test_axe_finds_nothing(saved, theme, name):
    page = saved(examples.board() if name == "board" else examples.transformer(4, 12), dark=theme == "dark", calm=True)
    assert axe(page) == []
    page.locator("[role=treeitem]").last.click()
    page.get_by_label("Export and settings").click()
    assert axe(page) == []
    page.keyboard.press("Escape")
    if name == "board":
        page.get_by_role("button", name="Step ▶").click()
        page.get_by_role("button", name="Code", exact=True).click()
        assert axe(page) == []
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(SHOTS / f"page-{name}-{theme}.png"))


def test_hostile_names_stay_text(saved):
    page = saved(examples.hostile())
    assert page.locator("img").count() == 0
    assert "</script><img onerror=alert(1)>" in page.locator(".adl-title").inner_text()


@pytest.mark.parametrize("width", [360, 480])
def test_narrow_keeps_every_tool_inside(saved, width):
    page = saved(examples.board(), width=width + 32, calm=True)
    assert outside(page) == []
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(SHOTS / f"page-narrow-{width}.png"), full_page=True)


def outside(page) -> list[str]:
    """Tools that stick out of the panel."""
    return page.evaluate("""() => { const panel = document.querySelector('.adl-panel').getBoundingClientRect();
        return [...document.querySelectorAll('.adl-panel button, .adl-panel input')].filter(e => e.offsetParent).filter(e => { const b = e.getBoundingClientRect(); return b.left < panel.left || b.right > panel.right + 0.5; }).map(e => e.textContent || e.type); }""")


def test_thousand_nodes_open_folded_quickly_and_ten_thousand_stay_usable(saved):
    took = {}
    for name, snapshot in (("1 000", examples.transformer()), ("10 000", examples.transformer(25, 400))):
        page = saved(snapshot)
        took[name] = {"nodes": len(snapshot.nodes), "ms": page.evaluate("performance.now()")}
        took[name]["open and draw"] = page.evaluate("""async () => { const box = document.querySelector('[data-item=k0]'), t = performance.now();
            box.dispatchEvent(new PointerEvent('pointerdown', {bubbles: true, button: 0})); box.dispatchEvent(new PointerEvent('pointerup', {bubbles: true}));
            await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r))); return performance.now() - t; }""")
    (SHOTS / "graph-times.json").write_text(json.dumps(took, indent=1))
    assert took["1 000"]["ms"] < 5000 and took["10 000"]["ms"] < 10_000  # wide: the machine is shared; the figures are in graph-times.json
    assert took["10 000"]["open and draw"] < 3000


def test_reduced_motion_moves_nothing(saved):
    page = saved(examples.transformer(4, 12), calm=True)
    assert page.evaluate("getComputedStyle(document.querySelector('.adl-item')).transitionDuration") == "0s"


def test_menu_saves_svg_and_dot(saved):
    from xml.etree import ElementTree

    page = saved(examples.board())
    for label, suffix in (("Save as SVG", ".svg"), ("Save as PNG", ".png"), ("Save as DOT", ".dot")):
        page.get_by_label("Export and settings").click()
        with page.expect_download() as got:
            page.get_by_role("menuitem", name=label).click()
        assert got.value.suggested_filename == f"y{suffix}"
        if suffix == ".svg":
            ElementTree.parse(got.value.path())


def branches():
    """Two calls of a function with a branch and a loop, compared."""
    import autodiff_lab
    from autodiff_lab.notebook.compare import Diff

    from ..record.test_compare import BRANCH, SETUP, record, run_cell

    namespace = {"lab": autodiff_lab}
    run_cell(SETUP, namespace, "<setup>")
    run_cell(BRANCH, namespace, "<code>")
    return Diff(record(namespace, "y = f(True, 2)", "<first>"), record(namespace, "y = f(False, 4)", "<second>"))


def test_a_diff_is_walked_by_mouse_and_by_keyboard(saved):
    page = saved(branches(), width=1500)
    said = page.locator(".adl-say")
    assert said.inner_text().startswith("3 differences.")
    assert [option.inner_text().replace("\n", " ") for option in page.get_by_role("option").all()] == [
        "− line 4: lab.tanh(h) ran only in a.", "+ line 6: lab.exp(h) ran only in b.", "↻ line 8: h + w ran 2 times in a, 4 in b."]
    labels = [item.get_attribute("aria-label") for item in page.locator("[role=treeitem]").all()]
    assert sum(label.endswith("Only in a.") for label in labels) == 1 and sum(label.endswith("Only in b.") for label in labels) == 3
    page.get_by_role("button", name="Next ▶").click()
    assert said.inner_text() == "Difference 1 of 3: line 4: lab.tanh(h) ran only in a."
    assert page.locator(".adl-src mark").inner_text() == "lab.tanh(h)"
    page.keyboard.press("n")
    page.keyboard.press("n")
    assert said.inner_text().startswith("Difference 3 of 3:")
    assert page.locator("[role=treeitem]").count() - page.locator(".dim [role=treeitem], .dim > .adl-hit").count() == 2  # the two turns that only b ran
    page.keyboard.press("p")
    assert said.inner_text().startswith("Difference 2 of 3:")
    page.get_by_role("option").nth(1).focus()
    page.keyboard.press("ArrowUp")
    assert said.inner_text().startswith("Difference 1 of 3:") and page.get_by_role("option").first.evaluate("e => e === document.activeElement")
    page.keyboard.press("Escape")
    assert said.inner_text().startswith("3 differences.")
    page.locator("[role=treeitem][aria-label*='lab.exp(h)']").click()
    assert page.get_by_role("option").nth(1).get_attribute("aria-selected") == "true"
    page.get_by_role("button", name="a", exact=True).click()
    assert page.locator(".adl-item.dim").count() == 3
    page.screenshot(path=str(SHOTS / "diff-a.png"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_a_diff(saved, theme):
    page = saved(branches(), dark=theme == "dark", calm=True)
    assert axe(page) == []
    page.get_by_role("button", name="Next ▶").click()
    assert axe(page) == []
    page.screenshot(path=str(SHOTS / f"diff-{theme}.png"))


def test_a_diff_fits_a_narrow_cell(saved):
    page = saved(branches(), width=392, calm=True)
    assert outside(page) == []
    page.screenshot(path=str(SHOTS / "diff-narrow.png"), full_page=True)


def test_equal_graphs_say_so(saved):
    from autodiff_lab.notebook.compare import Diff

    page = saved(Diff(examples.board(), examples.board()))
    assert page.locator(".adl-say").inner_text() == "The two graphs are the same: same operators, same lines, same shapes."


@pytest.mark.parametrize("what", ["graph", "model", "diff"])
def test_zoomed_to_200_percent_in_a_narrow_cell_nothing_is_cut_off_or_overlaps(saved, what):
    """A cell of 360 px at twice the size, the largest font, reduced motion."""
    shown = {"graph": examples.board, "model": lambda: examples.transformer(4, 12), "diff": branches}[what]()
    page = saved(shown, width=2 * 392, height=1400, calm=True)
    page.add_style_tag(content="html { zoom: 2; font-size: 32px }")
    page.wait_for_timeout(300)
    if what == "graph":
        page.get_by_role("button", name="Step ▶").click()
        page.locator("[role=treeitem]").last.click()
    assert outside(page) == []
    overlapping = page.evaluate("""() => { const found = [], tools = [...document.querySelectorAll('.adl-panel button, .adl-panel input, .adl-say, .adl-src')].filter(e => e.offsetParent).map(e => [e.textContent || e.type, e.getBoundingClientRect()]);
        for (const [i, [one, a]] of tools.entries()) for (const [two, b] of tools.slice(i + 1)) if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1) found.push(`${one} / ${two}`);
        return found; }""")
    assert overlapping == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1")
    page.screenshot(path=str(SHOTS / f"page-zoomed-{what}.png"), full_page=True)


def test_a_module_that_only_one_side_ran_is_one_difference_in_the_picture(saved):
    import autodiff_lab as lab
    from autodiff_lab import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList([nn.Sequential(nn.Linear(3, 3), nn.Tanh()) for _ in range(3)])

        def forward(self, x, depth):
            for block in self.blocks[:depth]:
                x = block(x)
            return x

    net, x = Net(), lab.ones(2, 3)
    page = saved(lab.diff(lab.show(net, x, depth=1), lab.show(net, x, depth=3)), width=1500)
    labels = [item.get_attribute("aria-label") for item in page.locator("[role=treeitem]").all()]
    added = [label for label in labels if label.endswith("Only in b.")]
    assert len(added) == 2 and all(label.startswith("blocks.") for label in added), labels
    page.get_by_role("button", name="Next ▶").click()
    assert page.locator(".adl-item:not(.dim) [role=treeitem][aria-label$='Only in b.']").count() == 2
    page.locator("[role=treeitem][aria-label$='Only in b.']").first.click()
    page.locator("[role=treeitem][aria-expanded='true'][aria-label^='blocks.1']").wait_for()
