"""The Graph panel in a real notebook: it appears by itself, steps, folds, searches; every interaction works by mouse and by keyboard."""

import json
import re

from .conftest import SHOTS

LEAVES = "import autodiff_lab as lab\n%load_ext autodiff_lab\nw = lab.tensor(2.0, requires_grad=True)\nx = lab.tensor(3.0)\nb = lab.tensor(-1.0, requires_grad=True)"
SCALARS = "y = (w * x + b) ** 2\ny.backward()"
MODEL = """from autodiff_lab import nn
class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Linear(width, width)
        self.fc2 = nn.Linear(width, width)
    def forward(self, x):
        h = lab.relu(self.fc1(x))
        return x + self.fc2(h)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Block(8) for _ in range(4)])
        self.head = nn.Linear(8, 3)
    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x)
lab.manual_seed(0)
net = Net()
data, target = lab.randn(5, 8), lab.tensor([0, 1, 2, 0, 1])"""
LOSS = "loss = nn.CrossEntropyLoss()(net(data), target)\nloss.backward()"


def said(book):
    return [g.get_attribute("aria-label") for g in book.page.locator(".adl-panel [role=treeitem]").all()]


def sentence(book):
    return book.page.locator(".adl-panel .adl-say").last.inner_text()


def settled(book):
    """The kernel has ended its cell, and the panel is drawn."""
    book.wait(".adl-panel [role=treeitem]")
    book.pause(0.3)


def test_panel_appears_steps_and_stays_the_same_when_the_cell_runs_again(lab):
    book = lab.open([LEAVES, SCALARS])
    book.run(0)
    book.run(1)
    settled(book)
    book.shot("graph-scalars")
    assert "w, a parameter, value 2, gradient 30." in said(book)
    assert "y = (w * x + b) ** 2, line 1, value 25, gradient 1." in said(book)

    # By mouse: step forward, back, to the end; hover marks the source.
    page = book.page
    page.get_by_role("button", name="Step ▶").click()
    assert sentence(book).startswith("Step 1 of 3. pow (y) receives 1 and sends 10 · 1 = 10 to w * x + b")
    page.get_by_role("button", name="Step ▶").click()
    assert "b.grad was None, now 10" in sentence(book)
    assert page.locator(".adl-src mark").inner_text() == "w * x + b"
    book.shot("graph-step-2", ".adl")
    assert "w, a parameter, value 2, no backward yet." in said(book)
    page.get_by_role("button", name="◀ Back").click()
    assert sentence(book).startswith("Step 1 of 3.")

    # By keyboard, and nothing of it reaches the notebook: arrows, Home, End, letters.
    page.get_by_role("slider", name="Step of the backward pass").focus()
    page.keyboard.press("End")
    assert sentence(book).startswith("Step 3 of 3.")
    page.keyboard.press("Home")
    assert sentence(book).startswith("Before step 1")
    item = page.locator(".adl-panel [role=treeitem][tabindex='0']")
    item.focus()
    for key in ("d", "d", "a", "ArrowRight", "ArrowDown", "ArrowUp", "ArrowLeft", "x"):
        page.keyboard.press(key)
    assert book.js("return p.content.widgets.length") == 2
    assert book.js("return p.content.activeCellIndex") == 1
    page.keyboard.press("Escape")

    # What if: drag a leaf; the engine answers.
    page.locator("[role=treeitem][aria-label^='w, a parameter']").click()
    page.get_by_label("Exact value of w").fill("4")
    page.keyboard.press("Enter")
    page.wait_for_function("() => [...document.querySelectorAll('[role=treeitem]')].some(g => (g.getAttribute('aria-label') || '').includes('value 121'))", timeout=15_000)
    assert "w, a parameter, value 4, gradient 66." in said(book)
    book.shot("graph-what-if", ".adl")

    # The cell runs again: the same panel, and what the reader chose is still chosen.
    page.get_by_role("button", name="Values").click()
    book.run(1)
    settled(book)
    book.pause(0.5)
    assert page.locator(".adl-panel").count() == 1
    assert page.get_by_role("button", name="Values").get_attribute("aria-pressed") == "false"
    assert "w, a parameter, value 2, gradient 60." in said(book)
    assert not book.errors

    # What is saved: a picture and words beside the live view.
    outputs = book.outputs(1)
    assert outputs[-1]["data"]["text/plain"][0].startswith("y: 3 operators") or "y: 3 operators" in "".join(outputs[-1]["data"]["text/plain"])
    assert "".join(outputs[-1]["data"]["image/svg+xml"]).startswith("<svg")


def test_model_folds_opens_and_is_searched(lab):
    book = lab.open([LEAVES, MODEL, LOSS], dark=True)
    book.run_all()
    settled(book)
    page = book.page
    labels = said(book)
    assert any(label.startswith("blocks.0 … blocks.3, 4 equal modules Block") for label in labels)
    book.shot("graph-model-dark")
    page.locator("[role=treeitem][aria-label^='blocks.0 …']").click()
    page.locator("[role=treeitem][aria-label^='blocks.2, module']").wait_for()
    stack = page.locator("[role=treeitem][aria-label^='blocks.0 …']")
    assert stack.get_attribute("aria-expanded") == "true"
    # Keyboard: focus a module, Enter opens it, Enter folds it.
    block = page.locator("[role=treeitem][aria-label^='blocks.1, module']")
    block.focus()
    page.keyboard.press("Enter")
    page.locator("[role=treeitem][aria-label^='fc1, module']").first.wait_for()
    book.shot("graph-model-open-dark", ".adl")
    page.locator("[role=treeitem][aria-label^='blocks.1, module']").focus()
    page.keyboard.press("Enter")
    assert page.locator("[role=treeitem][aria-label^='fc1, module']").count() == 0
    # Search by keyboard: opens what hides the hit.
    page.locator("[role=treeitem]").first.focus()
    page.keyboard.press("/")
    page.keyboard.type("relu")
    page.keyboard.press("Enter")
    assert re.search(r"h = lab.relu\(self.fc1\(x\)\).*Hit 1 of 4", sentence(book))
    page.keyboard.press("Escape")
    # A line of code marks what it made.
    page.get_by_role("button", name="Code", exact=True).last.click()
    page.locator("button.adl-line", has_text="lab.relu").click()
    assert "8 nodes made by this line: self.fc1(x), h," in sentence(book)
    findings = book.axe(".adl")
    assert findings == []
    assert not book.errors


LOOP = """import time
for turn in range(24):
    x = lab.tensor(float(turn))
    y = (w * x + b) ** 2
    y.backward()
    time.sleep(0.25)
    print(turn, end=" ")"""


def test_panel_follows_a_long_cell_in_place(lab):
    book = lab.open([LEAVES, LOOP])
    book.run(0)
    book.start(1)
    book.wait(".adl-panel [role=treeitem]", timeout=20)
    book.pause(0.3)
    assert book.running(1)
    page = book.page
    page.evaluate("window.same = document.querySelector('.adl-panel'), window.item = document.querySelector('[data-item=n0]')")
    where = page.locator(".adl-panel [role=treeitem]").first.bounding_box()
    page.get_by_role("button", name="Values").click()  # what the reader does while it runs stays
    seen = set()
    while book.running(1) and len(seen) < 3:
        seen.add(page.locator("[role=treeitem][aria-label^='y =']").get_attribute("aria-label"))
        book.pause(0.2)
    assert len(seen) >= 3 and book.running(1)
    assert page.evaluate("window.same.isConnected && window.item.isConnected")  # updated, not drawn anew
    now = page.locator(".adl-panel [role=treeitem]").first.bounding_box()
    assert (abs(now["x"] - where["x"]), abs(now["y"] - where["y"])) < (1, 1)
    book.ended(1)
    book.pause(0.5)
    assert page.locator(".adl-panel").count() == 1
    assert page.get_by_role("button", name="Values").get_attribute("aria-pressed") == "false"
    assert "y = (w * x + b) ** 2" in page.locator("[role=treeitem][aria-label^='y =']").get_attribute("aria-label")
    shown = [out for out in book.outputs(1) if out["output_type"] == "display_data"]
    assert len(shown) == 1 and "backward ran 24 times" in "".join(shown[0]["data"]["image/svg+xml"])
    assert not book.errors


def test_scrolled_away_and_back_the_panel_is_the_same(lab):
    """Windowing "full" takes cells out of the page while they are out of sight."""
    book = lab.open([LEAVES, MODEL, LOSS, *[f"print({k})" for k in range(60)]], windowing="full", height=600)
    for cell in range(3):
        book.run(cell)
    settled(book)
    page = book.page
    page.locator("[role=treeitem][aria-label^='blocks.0 …']").click()
    page.locator("[role=treeitem][aria-label^='blocks.2, module']").wait_for()
    page.locator("[role=treeitem][aria-label^='blocks.2, module']").focus()
    for _ in range(3):
        page.keyboard.press("-")
    book.pause(0.3)
    world = page.locator(".adl-world").get_attribute("style")
    shown = said(book)
    page.evaluate("window.before = document.querySelector('.adl-panel')")
    book.js("p.content.activeCellIndex = 62; await p.content.scrollToItem(62)")
    book.pause(1)
    gone = page.locator(".adl-panel").count() == 0 or not page.locator(".adl-panel").first.is_visible()
    book.js("p.content.activeCellIndex = 2; await p.content.scrollToItem(2)")
    book.wait(".adl-panel [role=treeitem]")
    book.pause(0.5)
    assert gone
    assert said(book) == shown and page.locator(".adl-world").get_attribute("style") == world
    # Another tab, and back.
    page.evaluate("async () => { window.panel = jupyterapp.shell.currentWidget; await jupyterapp.commands.execute('launcher:create'); }")
    page.locator(".jp-Launcher").wait_for()
    assert not page.locator(".adl-panel").first.is_visible()
    page.evaluate("() => jupyterapp.shell.activateById(window.panel.id)")
    book.wait(".adl-panel [role=treeitem]")
    book.pause(0.5)
    assert said(book) == shown and page.locator(".adl-world").get_attribute("style") == world
    assert not book.errors


def test_axe_finds_nothing_in_either_theme(lab):
    book = lab.open([LEAVES, SCALARS])
    book.run(0)
    book.run(1)
    settled(book)
    for theme in ("JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast"):
        book.theme(theme)
        book.pause(0.3)
        assert book.axe(".adl") == [], theme
        book.page.get_by_role("button", name="Step ▶").click()
        book.page.locator("[role=treeitem][aria-label^='w, a parameter']").click()
        assert book.axe(".adl") == [], theme
        book.shot(f"graph-{theme.split()[-1].lower()}", ".adl")
        book.page.keyboard.press("Escape")
        book.page.keyboard.press("Escape")


def test_forced_colors_keep_every_border_and_the_focus(lab):
    """Windows' high contrast replaces colours of text and ground; strokes of pictures must still be seen on it."""
    book = lab.open([LEAVES, SCALARS])
    book.run(0)
    book.run(1)
    settled(book)
    page = book.page
    book.theme("JupyterLab Light")
    page.emulate_media(forced_colors="active", color_scheme="dark")
    book.pause(0.5)
    page.get_by_role("button", name="Step ▶").click()
    book.shot("graph-forced-colors", ".adl")
    found = page.evaluate("""() => { const color = e => getComputedStyle(e), face = document.querySelector('.adl .face'), text = document.querySelector('.adl-canvas text');
        return {stroke: color(face).stroke, fill: color(face).fill, text: color(text).fill, ground: color(document.querySelector('.adl-canvas')).backgroundColor}; }""")
    assert found["text"] != found["fill"] and found["stroke"] != found["fill"] and found["text"] != found["ground"]
    go = page.get_by_role("button", name="Step ▶").evaluate("e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]")
    assert contrast(*go) >= 4.5
    assert contrast(found["text"], found["fill"]) >= 4.5 and contrast(found["stroke"], found["ground"]) >= 3
    assert not book.errors


def contrast(one: str, two: str) -> float:
    def light(text):
        parts = [float(part) / 255 for part in re.findall(r"[\d.]+", text)[:3]]
        red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    high, low = sorted((light(one), light(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_hostile_name_stays_text(lab):
    book = lab.open([LEAVES, "evil = '</script><img src=x onerror=window.hit=1>'\ny = lab.name(w * x, evil)\nlab.name(w, evil)\ny.backward()"])
    book.run(0)
    book.run(1)
    settled(book)
    assert book.page.evaluate("window.hit === undefined") and book.page.locator(".adl img").count() == 0
    assert any("</script><img src=x onerror=window.hit=1>" in label for label in said(book))
    saved = book.save()
    assert book.page.evaluate("window.hit === undefined")
    picture = "".join(saved["cells"][1]["outputs"][-1]["data"]["image/svg+xml"])
    assert "<img" not in picture and "&lt;img" in picture


def test_saved_notebook_shows_its_pictures_before_anything_runs(lab, tmp_path):
    """Opened again next day, and by somebody else, so that it is not trusted; exported by nbconvert, with the network off."""
    from nbconvert import HTMLExporter

    book = lab.open([LEAVES, SCALARS, "lab.show(y)"])
    book.run_all()
    settled(book)
    saved = book.save()
    book.js("await p.sessionContext.shutdown()")
    said_beside = "y = 25 is made from 2 parameters (w, b) and 1 data leaf (x) by 3 operators."
    file = tmp_path / "theirs.ipynb"
    file.write_text(json.dumps(saved))
    book.load()
    pictures = book.page.locator(".jp-RenderedSVG img, .jp-RenderedSVG svg")
    pictures.first.wait_for()
    assert pictures.count() == 2 and book.page.locator("text=/Loading widget|model not found/").count() == 0
    saved["cells"].append({"cell_type": "code", "id": "new", "metadata": {}, "source": "1", "outputs": [], "execution_count": None})
    file.write_text(json.dumps(saved))  # changed by hand: the signature does not fit
    theirs = lab.open([], path=file)
    theirs.pause(1)
    assert not theirs.js("return [...p.content.model.cells].every(cell => cell.trusted || !cell.outputs.length)")
    outputs = theirs.page.locator(".jp-OutputArea-output")
    assert outputs.count() == 2 and all(said_beside in outputs.nth(k).inner_text() for k in range(2))
    theirs.shot("graph-untrusted")
    page = tmp_path / "export.html"
    page.write_text(HTMLExporter().from_filename(str(file))[0], encoding="utf8")
    context = book.bench.browser.new_context(offline=True)
    opened = context.new_page()
    opened.goto(page.as_uri(), wait_until="domcontentloaded")
    opened.wait_for_timeout(500)
    exported = opened.locator("img[src^='data:image/svg'], .jp-RenderedSVG svg")
    assert exported.count() == 2 and all(exported.nth(k).bounding_box()["height"] > 100 for k in range(2))
    opened.screenshot(path=str(SHOTS / "graph-export.png"))
    context.close()


def test_diff_and_second_order_in_a_notebook(lab):
    cells = ["def f(flag):\n    h = w * x\n    if flag:\n        h = lab.tanh(h)\n    return h + b\nlab.diff(f(True), f(False))",
             "v = lab.tensor(2.0, requires_grad=True)\ng, = lab.autograd.grad(v ** 3, v, create_graph=True)\nlab.show(g)"]
    book = lab.open([LEAVES, *cells])
    book.run_all()
    book.wait(".adl-changes")
    book.pause(0.5)
    page = book.page
    page.get_by_role("button", name="Next ▶").click()
    assert page.locator(".adl-say").first.inner_text() == "Difference 1 of 1: line 4: lab.tanh(h) ran only in a."
    for key in ("n", "d", "d", "ArrowRight"):
        page.keyboard.press(key)
    assert book.js("return p.content.widgets.length") == 3
    assert book.axe(".adl") == []
    book.shot("graph-diff", ".adl >> nth=0")
    assert "made by a backward pass" in page.locator(".adl-legend").last.inner_text() or page.locator(".adl-panel").last.locator(".face[stroke-dasharray]").count() >= 1
    book.shot("graph-second-order", ".adl >> nth=1")
    assert not book.errors
