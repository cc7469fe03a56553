"""The Graph panel in a real notebook: it appears by itself, steps, folds, searches; every interaction works by mouse and by keyboard."""

import re

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
