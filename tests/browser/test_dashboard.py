"""The dashboard where it runs: seen while a cell trains, clicked, reloaded, narrow, dark, by keyboard, by axe-core."""

from __future__ import annotations

import json
import re

import pytest

TRAIN = """
import time
import autodiff_lab as lab
from autodiff_lab import nn, optim
from autodiff_lab.utils.data import DataLoader, TensorDataset

lab.manual_seed(0)
X = lab.randn(512, 2)
y = (X[:, 0] * X[:, 1] > 0).long()
model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = optim.Adam(model.parameters(), lr=0.003)
criterion = nn.CrossEntropyLoss()
loader = DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True)
run = lab.watch(model, optimizer{options})
for epoch in range({epochs}):
    for xb, yb in loader:
        loss = criterion(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        time.sleep({sleep})
    with lab.no_grad():
        run.log(val_loss=criterion(model(X), y))
print("trained", run.step)
"""
FOREVER = 100_000


def cell(epochs=FOREVER, sleep=0.002, options=""):
    return TRAIN.format(epochs=epochs, sleep=sleep, options=options)


def step(book) -> int:
    return int(book.page.locator(".adl-dash").last.get_attribute("data-step"))


def stage(book, wanted: str, timeout=20):
    book.wait(f".adl-dash[data-stage={wanted}]", timeout)


def button(book, name: str):
    return book.page.locator(f"[data-testid={name}]").last


def until_step(book, least: int, timeout=30):
    book.page.wait_for_function(
        "n => Number([...document.querySelectorAll('.adl-dash')].at(-1)?.dataset.step ?? -1) >= n", arg=least, timeout=timeout * 1000)


def test_curves_move_while_the_cell_runs_and_can_be_driven(lab):
    book = lab.open([cell(), "run.as_code()", "model_step = run.step; model_step"])
    book.start(0)
    until_step(book, 20)
    seen = []
    for _ in range(4):
        seen.append((step(book), book.page.locator(".adl-curves canvas").last.evaluate("c => c.toDataURL().length")))
        book.pause(0.3)
    assert book.running(0)
    assert len({s for s, _ in seen}) >= 3 and len({size for _, size in seen}) >= 3, seen
    book.shot("dashboard-running")

    # Pause stands still within a second.
    asked = step(book)
    button(book, "pause").click()
    stage(book, "paused", 5)
    stood = step(book)
    book.pause(0.7)
    assert step(book) == stood >= asked and book.running(0)
    book.shot("dashboard-paused")

    # One batch is one step.
    button(book, "batch").click()
    until_step(book, stood + 1)
    stage(book, "paused")
    book.pause(0.3)
    assert step(book) == stood + 1

    # A learning rate is in force at the next step.
    exact = button(book, "exact-lr")
    exact.fill("0.0125")
    exact.press("Enter")
    book.page.wait_for_function("() => document.querySelector('.adl-touches')?.textContent.includes('0.0125')")
    button(book, "pause").click()
    stage(book, "running")
    until_step(book, stood + 40)

    # Back to an earlier state, then stop: no traceback, and the next cells run.
    button(book, "rewind").click()
    button(book, "rewind-0").click()
    book.page.wait_for_function("() => document.querySelector('.adl-touches').textContent.includes('back to step 0')")
    button(book, "stop").click()
    book.ended(0)
    assert [out["output_type"] for out in book.outputs(0)] == ["display_data"]
    book.run(1)
    code = book.outputs(1)[0]["data"]["text/plain"]
    assert "'set', 'lr', 0.0125" in code and "'rewind', 0" in code and "'stop'" in code
    book.run(2)
    stage(book, "stopped")
    book.shot("dashboard-stopped")
    assert book.errors == []


def test_the_saved_notebook_shows_the_last_state_and_nbval_agrees(lab, tmp_path):
    book = lab.open([cell(epochs=2, sleep=0)])
    book.run(0)
    saved = book.save()
    shown = [out for out in saved["cells"][0]["outputs"] if out["output_type"] == "display_data"]
    assert len(shown) == 1
    assert "32 steps" in "".join(shown[0]["data"]["text/plain"])
    assert "32 steps" in "".join(shown[0]["data"]["image/svg+xml"])

    pytest.importorskip("nbval", reason="nbval is not installed (pip install 'autodiff-lab[test]')")
    import subprocess
    import sys

    file = tmp_path / "saved.ipynb"
    file.write_text(json.dumps(saved))
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval", str(file)], cwd=tmp_path,
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_page_loaded_anew_in_mid_run_finds_everything_and_can_drive(lab):
    book = lab.open([cell()])
    book.start(0)
    until_step(book, 60)
    button(book, "pause").click()
    stage(book, "paused", 5)
    stood = step(book)
    book.save()
    book.load(wait=False)
    stage(book, "paused", 60)  # found while the cell still stands
    assert step(book) == stood
    said = book.page.locator(".adl-curves").get_attribute("aria-label")
    assert f"Curves over {stood} steps: loss fell from" in said and "val_loss" in said
    button(book, "pause").click()
    until_step(book, stood + 30)
    book.shot("dashboard-reloaded")
    button(book, "stop").click()
    stage(book, "stopped")


def test_narrow_and_dark_keep_everything_in_reach(lab):
    book = lab.open([cell(epochs=8, sleep=0, options=", field=(X, y)")], dark=True)
    book.run(0)
    stage(book, "idle")
    book.pause(0.5)
    book.wait(".adl-field canvas")
    book.wait(".adl-say").scroll_into_view_if_needed()
    book.shot("dashboard-dark")
    narrow = "document.querySelector('.jp-OutputArea-output .adl').style.width = '360px'"
    book.page.evaluate(f"() => {{ {narrow} }}")
    book.pause(0.5)
    book.shot("dashboard-narrow-dark", ".adl")
    book.theme("JupyterLab Light")
    book.pause(0.5)
    book.shot("dashboard-narrow-light", ".adl")
    outside = book.page.evaluate(
        "() => { const box = document.querySelector('.adl').getBoundingClientRect();"
        "return [...document.querySelectorAll('.adl button, .adl input')].filter(e => e.offsetParent && "
        "(e.getBoundingClientRect().right > box.right + 1 || e.getBoundingClientRect().left < box.left - 1))"
        ".map(e => e.textContent || e.getAttribute('aria-label')) }")
    assert outside == []


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast"], ids=["light", "dark", "contrast"])
def test_axe_finds_nothing_and_keys_stay_inside(lab, theme):
    from playwright.sync_api import expect

    book = lab.open([cell(epochs=3, sleep=0), "2"], dark="Dark" in theme)
    book.theme(theme)
    book.run(0)
    stage(book, "idle")
    book.wait(".adl-say").scroll_into_view_if_needed()
    assert book.axe(".adl-dash") == []
    # The same rule does find a fault that is planted.
    book.page.evaluate("() => { const say = document.querySelector('.adl-say'); say.style.color = '#999'; say.style.background = '#aaa'; say.scrollIntoView({block: 'center'}) }")
    assert any("color-contrast" in finding for finding in book.axe(".adl-dash"))
    book.page.evaluate("() => document.querySelector('.adl-say').removeAttribute('style')")  # not into the picture below
    # Letters and arrows pressed inside change nothing in the notebook.
    cells = book.js("return p.content.widgets.length")
    active = book.js("return p.content.activeCellIndex")
    button(book, "log").focus()
    for key in ("d", "d", "ArrowDown", "b", "Escape", "x"):
        book.page.keyboard.press(key)
    assert book.js("return p.content.widgets.length") == cells and book.js("return p.content.activeCellIndex") == active
    # The time slider scrubs by keyboard and says where it is.
    scrub = button(book, "scrub")
    scrub.focus()
    scrub.press("ArrowLeft")
    expect(scrub).to_have_attribute("aria-valuetext", re.compile("^step 47 "))
    book.shot(f"dashboard-{theme.split()[-1].lower()}")


def test_cells_keep_their_order_and_subshells_do_not_pile_up(lab):
    book = lab.open(["%subshell", cell(), "print('second', run.step)", "%subshell",
                     "for k in range(10):\n    w = lab.tensor(1.0, requires_grad=True)\n    r = lab.watch(w)\n    (w * w).backward()",
                     "%subshell"])
    book.run(0)
    book.start(1)
    until_step(book, 10)
    book.js("p.content.activeCellIndex = 2; app.commands.execute('notebook:run-cell'); return 1")
    button(book, "pause").click()
    stage(book, "paused")
    book.pause(0.5)
    assert book.text(2) == ""  # it waits behind the loop, however often the loop looked for clicks
    button(book, "stop").click()
    book.ended(1)
    book.ended(2)
    assert book.text(2).startswith("second") and (book.count(1), book.count(2)) == (2, 3)
    book.run(3)
    book.run(4)
    book.run(5)
    assert ids(book.text(5)) <= ids(book.text(3)) + 1 <= 4


def ids(text: str) -> int:
    """How many subshells a kernel says it has."""
    line = next(line for line in text.splitlines() if "list" in line)
    return line.count("'") // 2


def test_scrolled_far_away_and_back_the_curves_have_gone_on(lab):
    book = lab.open([cell(options=", title='Far'"), *(f"'{k}'\n" + "\n" * 12 for k in range(30))], windowing="full")
    book.start(0)
    until_step(book, 20)
    button(book, "log").click()
    pressed = button(book, "log").get_attribute("aria-pressed")
    book.js("await p.content.scrollToItem(29, 'end'); return 1")
    book.pause(1.0)
    book.js("await p.content.scrollToItem(0, 'start'); return 1")
    book.wait(".adl-dash")
    later = step(book)
    until_step(book, later + 5)
    # To another tab, and back.
    book.js("const id = p.id; await app.commands.execute('launcher:create'); await new Promise((done) => setTimeout(done, 1000)); app.shell.activateById(id); return 1")
    book.wait(".adl-dash")
    until_step(book, later + 30)
    assert button(book, "log").get_attribute("aria-pressed") == pressed
    dark = book.page.locator(".adl-curves canvas").last.evaluate(
        "c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; return d.some((v, k) => k % 4 === 3 && v > 0) }")
    assert dark
    button(book, "stop").click()
    stage(book, "stopped")
