"""The dashboard in several places at once, at full speed, on a page that was closed, in front ends that hear nothing, and saved."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys

import pytest

from .conftest import SHOTS, axe
from .test_dashboard import button, cell, stage, step, until_step

BROKEN = """
import autodiff_lab as lab
from autodiff_lab import nn, optim
lab.manual_seed(0)
X, y = lab.randn(64, 2), lab.arange(64) % 2
model = nn.Sequential(*[part for _ in range(8) for part in (nn.Linear(2, 2), nn.Sigmoid())], nn.Linear(2, 2))
optimizer = optim.SGD(model[-1:].parameters(), lr=0.01)
criterion = nn.CrossEntropyLoss()
run = lab.watch(model, optimizer, title="Deep")
for k in range({steps}):
    loss = criterion(model(X), y)
    loss.backward()
    optimizer.step()
"""


def test_curves_advance_ten_times_a_second_while_a_cell_trains(lab):
    book = lab.open([cell(sleep=0)])
    book.start(0)
    until_step(book, 100)
    seen = book.page.evaluate(
        """async () => {
             const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel, panel = document.querySelector('.adl-dash');
             let messages = 0, updates = 0, frames = 0, more = true;
             const count = (_, m) => { if (m.header.msg_type === 'comm_msg' && m.content.data.content?.t === 'd') messages++; };
             kernel.iopubMessage.connect(count);
             new MutationObserver((list) => { updates++; }).observe(panel, {attributes: true, attributeFilter: ['data-step']});
             const frame = () => { frames++; if (more) requestAnimationFrame(frame); };
             requestAnimationFrame(frame);
             const from = performance.now();
             await new Promise((done) => setTimeout(done, 4000));
             more = false;
             kernel.iopubMessage.disconnect(count);
             return {messages, updates, frames, seconds: (performance.now() - from) / 1000};
           }""")
    button(book, "stop").click()
    stage(book, "stopped")
    print(seen)
    # Every message is drawn, unless the machine gave fewer frames; and messages come often enough.
    assert seen["updates"] >= 0.8 * min(seen["messages"], seen["frames"]), seen
    assert min(seen["messages"], seen["updates"]) >= min(10 * seen["seconds"], 0.4 * seen["frames"]), seen


def test_two_dashboards_in_two_notebooks_are_driven_apart(lab):
    first, second = lab.open([cell(options=", title='First'"), "print(run.touches[0].kind, run.touches[-1].kind)"]), lab.open([cell(options=", title='Second'")])
    first.start(0)
    second.start(0)
    until_step(first, 20)
    until_step(second, 20)
    button(first, "pause").click()
    stage(first, "paused")
    stood, other = step(first), step(second)
    until_step(second, other + 30)
    assert step(first) == stood and second.page.locator(".adl-dash").last.get_attribute("data-stage") == "running"
    button(second, "stop").click()
    stage(second, "stopped")
    button(first, "pause").click()
    until_step(first, stood + 20)
    button(first, "stop").click()
    stage(first, "stopped")
    first.run(1)
    assert first.text(1) == "pause stop\n"
    assert "First" in first.page.locator(".adl-title").last.inner_text() and "Second" in second.page.locator(".adl-title").last.inner_text()
    assert first.errors == second.errors == []


def test_a_second_view_shows_and_drives_the_same_run(lab):
    book = lab.open([cell(), "run"])
    book.start(0)
    until_step(book, 20)
    book.js("p.content.activeCellIndex = 0; await app.commands.execute('notebook:create-output-view'); return 1")
    book.page.wait_for_function("() => document.querySelectorAll('.adl-dash').length === 2")
    steps = "() => [...document.querySelectorAll('.adl-dash')].map(dash => [Number(dash.dataset.step), dash.dataset.stage])"
    book.page.wait_for_function(f"() => {{ const seen = ({steps})(); return seen.every(([n]) => n > 60) }}")
    book.page.locator("[data-testid=pause]").last.click()  # in the second view
    book.page.wait_for_function(f"() => ({steps})().every(([, stage]) => stage === 'paused')")
    (here, _), (there, _) = book.page.evaluate(steps)
    assert here == there
    book.shot("dashboard-two-views")
    book.page.locator("[data-testid=log]").first.click()  # what a reader chooses holds for the run, in both
    book.page.wait_for_function("() => new Set([...document.querySelectorAll('[data-testid=log]')].map(one => one.getAttribute('aria-pressed'))).size === 1")
    book.page.locator("[data-testid=stop]").first.click()
    book.page.wait_for_function(f"() => ({steps})().every(([, stage]) => stage === 'stopped')")
    assert book.errors == []


def test_a_page_closed_while_the_loop_runs_and_opened_again_finds_the_whole_curve(lab):
    book = lab.open([cell(), "print(run.step)"])
    book.start(0)
    until_step(book, 60)
    book.save()
    left = step(book)
    book.page.close()
    book.page = book.context.new_page()
    book.load(wait=False)
    until_step(book, left + 50, 60)
    # From the very first step on, with what came while no page was open.
    book.page.wait_for_function("() => /loss (fell|rose) from 0.6874 to .*val_loss/.test([...document.querySelectorAll('.adl-curves')].at(-1).getAttribute('aria-label'))")
    asked = step(book)
    until_step(book, asked + 20)  # and it goes on
    button(book, "stop").click()
    stage(book, "stopped")
    book.shot("dashboard-reopened")


def test_pause_stands_within_a_second_and_a_rate_is_in_force_at_the_next_step(lab):
    program = cell().replace("        optimizer.step()", "        used.append(optimizer.param_groups[0]['lr'])\n        optimizer.step()").replace("import time", "import time\nused = []", 1)
    book = lab.open([program, "at = [touch.step for touch in run.touches if touch.kind == 'set'][0]\nprint(used[at - 1], used[at], run['lr'][0].tolist()[-1] - at)"])
    book.start(0)
    until_step(book, 30)
    waited = book.page.evaluate(
        """async () => {
             const panel = [...document.querySelectorAll('.adl-dash')].at(-1), from = performance.now();
             panel.querySelector('[data-testid=pause]').click();
             while (panel.dataset.stage !== 'paused' && performance.now() - from < 10000) await new Promise((done) => setTimeout(done, 5));
             return performance.now() - from;
           }""")
    print(f"pause stood after {waited:.0f} ms")
    assert waited < 1000
    stood = step(book)
    book.pause(0.5)
    assert step(book) == stood
    button(book, "pause").click()
    stage(book, "running")
    exact = button(book, "exact-lr")  # while it runs
    exact.fill("0.0125")
    exact.press("Enter")
    book.page.wait_for_function("() => document.querySelector('.adl-touches')?.textContent.includes('0.0125')")
    until_step(book, step(book) + 20)
    button(book, "stop").click()
    stage(book, "stopped")
    book.run(1)
    before, after, drawn = book.text(1).split()
    assert (float(before), float(after)) == (0.003, 0.0125) and float(drawn) == 1


def test_why_leads_to_the_doctor(lab):
    book = lab.open([BROKEN.format(steps=10**7), "1"])
    book.start(0)
    why = book.wait("[data-testid=why]", 60)
    why.click()
    causes = book.wait("[data-testid=causes] li", 60)
    said = book.page.locator("[data-testid=causes]").inner_text()
    assert causes and "The optimizer does not hold 0.weight" in said and "Gradients are never set back" in said
    assert "cell 1, line" in said and "loss.backward()" in said  # the learner's own line
    book.shot("dashboard-why")
    assert book.axe(".adl-dash") == []
    # The word at the end of a row asks too; here the loop stands.
    button(book, "pause").click()
    stage(book, "paused")
    why.click()
    book.page.locator("[data-testid=causes]").wait_for(state="hidden")
    book.page.locator(".adl-flow-word:visible").first.click()
    book.wait("[data-testid=causes] li")
    button(book, "stop").click()
    stage(book, "stopped")
    assert book.errors == []


@pytest.mark.parametrize("setting", ["disabled", "perComm"])
def test_where_messages_take_another_way_it_pauses_or_says_that_it_cannot(lab, setting):
    lab.server.set("@jupyterlab/apputils-extension/kernels-settings", commsOverSubshells=setting)
    try:
        book = lab.open([cell(epochs=40), "print(run.step)"])
        book.start(0)
        until_step(book, 20)
        button(book, "pause").click()
        book.page.wait_for_function(
            "() => { const d = [...document.querySelectorAll('.adl-dash')].at(-1); return d.dataset.stage === 'paused' || d.textContent.includes('clicks reach Python only when the cell has ended') }",
            timeout=20_000)
        if button(book, "pause").is_enabled():
            button(book, "pause").click()
        book.ended(0, 90)
        book.run(1)
        assert book.text(1) == "640\n"  # the loop went on to its end
    finally:
        lab.server.set("@jupyterlab/apputils-extension/kernels-settings")


@pytest.mark.parametrize("setting, more", [("perCommTarget", 2), ("perComm", 12)])  # with perComm JupyterLab makes one for each widget and keeps it; we add one
def test_subshells_do_not_pile_up_when_dashboards_are_opened_and_closed(lab, setting, more):
    lab.server.set("@jupyterlab/apputils-extension/kernels-settings", commsOverSubshells=setting)
    try:
        train = "for k in range(40): (w * w).backward(); w.grad = None"
        book = lab.open(["%subshell", f"import autodiff_lab as lab\nw = lab.tensor(1.0, requires_grad=True)\nrun = lab.watch(w)\n{train}", "run._panel.close()", "%subshell"])
        book.run(0)
        for _ in range(10):
            book.run(1)
            book.run(2)
        book.run(3)
        assert shells(book.text(3)) <= shells(book.text(0)) + more, book.text(3)
    finally:
        lab.server.set("@jupyterlab/apputils-extension/kernels-settings")


def shells(text: str) -> int:
    """How many subshells a kernel says it has."""
    return next(line for line in text.splitlines() if "list" in line).count("'") // 2


# ------------------------------------------------------------------------------------------------ saved


def test_an_exported_page_shows_the_last_state_as_a_picture_with_its_numbers(lab, tmp_path):
    book = lab.open([cell(epochs=2, sleep=0), cell(epochs=3, sleep=0)])
    book.run_all()
    file = tmp_path / "saved.ipynb"
    file.write_text(json.dumps(book.save()))
    for template in ("lab", "basic"):
        subprocess.run([sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", "--template", template, "--output", f"{template}.html", str(file)],
                       cwd=tmp_path, check=True, capture_output=True, timeout=120)
        context = lab.browser.new_context(viewport={"width": 1000, "height": 900})
        context.set_offline(True)
        page = context.new_page()
        page.goto((tmp_path / f"{template}.html").as_uri())
        pictures = page.locator("img[src^='data:image/svg+xml']")  # no script, style or id of one can reach the other
        assert pictures.count() == 2 and "VBox(" not in page.content() and "Widget()" not in page.content()
        assert page.evaluate("() => [...document.querySelectorAll('img')].every((img) => img.complete && img.naturalWidth > 300)")
        texts = [base64.b64decode(pictures.nth(k).get_attribute("src").partition(",")[2]).decode() for k in range(2)]
        assert "32 steps</text>" in texts[0] and "48 steps</text>" in texts[1] and ">val_loss 0." in texts[1]
        page.screenshot(path=str(SHOTS / f"dashboard-nbconvert-{template}.png"))
        context.close()


def test_an_untrusted_notebook_shows_the_run_in_words(lab, tmp_path):
    book = lab.open([cell(epochs=2, sleep=0)])
    book.run(0)
    saved = book.save()
    saved["cells"][0]["source"] += "\n# from somebody else"  # so that no signature fits
    saved["cells"][0]["metadata"].pop("trusted", None)
    file = tmp_path / "other.ipynb"
    file.write_text(json.dumps(saved))
    other = lab.open([], path=file)
    assert not other.js("return p.content.widgets[0].model.trusted")
    assert "32 steps" in other.page.locator(".jp-OutputArea").first.inner_text()
    other.shot("dashboard-untrusted")


@pytest.fixture(scope="module")
def saved_run(tmp_path_factory):
    """The page of a run with flow, field, touches and a diagnosis."""
    import autodiff_lab as lab

    scope: dict = {"__name__": "__main__"}
    exec(cell(epochs=8, sleep=0, options=", field=(X, y), touches=[(40, 'set', 'lr', 0.01)]"), scope)
    run = scope["run"]
    run._watcher.explain()
    file = tmp_path_factory.mktemp("saved") / "run.html"
    run.to_html(file)
    run.close()
    assert lab
    return file


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_saved_run_is_read_offline(saved_run, chrome, dark):
    from playwright.sync_api import expect

    context = chrome.new_context(viewport={"width": 1000, "height": 760}, color_scheme="dark" if dark else "light")
    context.set_offline(True)
    page = context.new_page()
    asked, failures = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(saved_run.as_uri())
    page.locator(".adl-dash[data-step='128']").wait_for()
    page.locator("[data-testid=why]").click()
    expect(page.locator("[data-testid=causes]")).to_contain_text("The doctor found nothing")
    page.locator(".adl-flow-name").last.click()
    expect(page.locator(".adl-flow-detail")).to_contain_text("of its gradients are 0")
    scrub = page.locator("[data-testid=scrub]")
    scrub.focus()
    scrub.press("Home")
    expect(scrub).to_have_attribute("aria-valuetext", re.compile("^step 0"))
    scrub.press("PageUp")
    expect(page.locator(".adl-read")).to_have_text(re.compile("^step [1-9]"))
    expect(page.locator("[data-testid=pause]")).to_be_hidden()
    expect(page.locator("[data-testid=slider-lr]")).to_be_disabled()
    page.locator("[data-testid=copy]").click()
    expect(page.locator(".adl-code")).to_have_value(re.compile("'set', 'lr', 0.01"))
    assert axe(page) == []
    page.screenshot(path=str(SHOTS / f"dashboard-saved-{'dark' if dark else 'light'}.png"))
    assert failures == [] and [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    context.close()


def test_zoomed_narrow_and_calm_nothing_is_cut_off_or_overlaps(saved_run, chrome):
    """Browser zoom 200 %: half the pixels of the page, twice as many on the screen; the largest font; no motion."""
    context = chrome.new_context(viewport={"width": 392, "height": 500}, device_scale_factor=2, reduced_motion="reduce")
    page = context.new_page()
    page.goto(saved_run.as_uri())
    page.add_style_tag(content="html { font-size: 24px }")
    page.locator(".adl-dash[data-step='128']").wait_for()
    page.wait_for_timeout(300)
    page.screenshot(path=str(SHOTS / "dashboard-zoomed.png"), full_page=True)
    found = page.evaluate(
        """() => {
             const box = document.querySelector('.adl').getBoundingClientRect(), bad = [];
             const all = [...document.querySelectorAll('.adl button, .adl input, .adl summary, .adl-say, .adl-sub, .adl-flow-end')].filter((e) => e.offsetParent);
             const name = (e) => e.textContent.slice(0, 30) || e.getAttribute('aria-label');
             for (const e of all) {
               const r = e.getBoundingClientRect();
               if (r.right > box.right + 1 || r.left < box.left - 1) bad.push(`outside: ${name(e)}`);
               if (e.matches('button:not(.adl-flow-name), .adl-flow-end') && e.scrollWidth > e.clientWidth + 1) bad.push(`cut off: ${name(e)}`);
             }
             const buttons = all.filter((e) => e.matches('button, input'));
             buttons.forEach((a, k) => buttons.slice(k + 1).forEach((b) => {
               const p = a.getBoundingClientRect(), q = b.getBoundingClientRect();
               if (p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 1 && q.top < p.bottom - 1) bad.push(`overlap: ${name(a)} and ${name(b)}`);
             }));
             return bad;
           }""")
    assert found == []
    moving = page.evaluate("() => document.getAnimations().length")
    assert moving == 0 and page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    context.close()
