"""What a large graph costs to look at: opening the page folded, opening a module, searching, dragging, in a real Chromium.

    python benchmarks/graph.py [rounds]

Promised: 1 000 nodes (12 transformer blocks) open folded in under a second, 10 000 nodes stay usable. Times are
medians in milliseconds: `open` from the start of the navigation to the first painted frame with the picture,
`script` the part of it in the widget itself, the others from the event to the frame that shows the answer.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

from autodiff_lab.export.html import html, payload  # noqa: E402
from tests.browser.conftest import FLAGS, chromium  # noqa: E402
from tests.export.examples import transformer  # noqa: E402

GRAPHS = {"1 000 nodes": (12, 86), "10 000 nodes": (25, 404)}  # blocks, operators in each
SEEN = """new MutationObserver((_, self) => { if (!document.querySelector('[role=treeitem]')) return; self.disconnect();
    window.drawn = performance.now(); requestAnimationFrame(() => requestAnimationFrame(() => window.painted = performance.now())); })
    .observe(document, {childList: true, subtree: true})"""
PAINTED = "const painted = () => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => r())));"
CLICK = PAINTED + """ const box = document.querySelector('[data-item="%s"]'), t = performance.now();
    box.dispatchEvent(new PointerEvent('pointerdown', {bubbles: true, button: 0})); box.dispatchEvent(new PointerEvent('pointerup', {bubbles: true}));
    await painted(); return performance.now() - t;"""
SEARCH = PAINTED + """ const field = document.querySelector('input[type=search]'), t = performance.now(); field.value = 'softmax';
    field.dispatchEvent(new Event('input')); field.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter'})); await painted(); return performance.now() - t;"""
OPEN_ALL = PAINTED + """ document.querySelector('[aria-label="Export and settings"]').click(); const t = performance.now();
    [...document.querySelectorAll('[role=menuitem]')].find(b => b.textContent.startsWith('Open all')).click(); await painted(); return performance.now() - t;"""
DRAG = """const canvas = document.querySelector('.adl-canvas'), frames = []; let x = 600; canvas.setPointerCapture = () => {};
    canvas.dispatchEvent(new PointerEvent('pointerdown', {bubbles: true, button: 0, clientX: x, clientY: 60}));
    let last = await new Promise(requestAnimationFrame);
    for (let k = 0; k < 30; k++) { x -= 12; canvas.dispatchEvent(new PointerEvent('pointermove', {bubbles: true, buttons: 1, clientX: x, clientY: 60}));
        const now = await new Promise(requestAnimationFrame); frames.push(now - last); last = now; }
    canvas.dispatchEvent(new PointerEvent('pointerup', {bubbles: true})); frames.sort((a, b) => a - b); return frames[27];"""


def measure(browser, file: Path, rounds: int) -> dict:
    """Medians over fresh pages."""
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True)
        page = context.new_page()
        page.add_init_script(SEEN)
        page.goto(file.as_uri())
        page.wait_for_function("window.painted")

        def note(name: str, script: str, page=page) -> None:
            found.setdefault(name, []).append(page.evaluate(f"async () => {{ {script} }}"))

        note("open", "return window.painted")
        note("script", "return window.drawn - performance.getEntriesByType('navigation')[0].responseEnd")
        note("open a stack", CLICK % "k0")
        note("open a block", CLICK % page.evaluate("[...document.querySelectorAll('[data-item^=s]')].map(e => e.dataset.item).at(-1)"))
        note("search and go to a hit", SEARCH)
        note("slowest of ten frames of a drag", DRAG)
        note("open everything", OPEN_ALL)
        note("slowest of ten frames of a drag, everything open", DRAG)
        context.close()
    return {name: round(median(times)) for name, times in found.items()}


def main(rounds: int) -> None:
    from playwright.sync_api import sync_playwright

    report = {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=FLAGS)
        for name, (blocks, operators) in GRAPHS.items():
            snapshot = transformer(blocks, operators)
            began = time.process_time()
            text = payload(snapshot)
            spent = time.process_time() - began
            file = Path(folder) / f"{blocks}.html"
            file.write_text(html(snapshot), encoding="utf8")
            report[name] = {"nodes": len(snapshot.nodes), "payload in Python": round(1000 * spent), "payload kB": round(len(text) / 1000), "page kB": round(file.stat().st_size / 1000),
                            **measure(browser, file, rounds)}
        browser.close()
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
