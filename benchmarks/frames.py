"""What the browser half of the dashboard costs while 1 000 points a second arrive: frames counted, and our own time in each.

    python benchmarks/frames.py [--seconds 8] [--points 1000] [--before 30000]

The messages are those that a real run makes, 15 a second, fed to the built bundle in a page of its own in headless Chromium.
Beside it stands an empty page that only counts frames: where even that one misses frames, the machine is the limit, and
what can be compared is the time that our scripts take in a frame, which has 16.7 ms.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
import tempfile
from base64 import b64encode
from pathlib import Path

import numpy as np

from autodiff_lab.export.run_pack import RunPacker
from autodiff_lab.record.run import RunRecord, Setting

STATIC = Path(__file__).parents[1] / "autodiff_lab" / "widgets" / "static"
RATE = 15  # messages a second, as widgets/live.py sends them

PAGE = """<!doctype html><meta charset="utf-8"><style>STYLES body { margin: 8px; width: 960px }</style><div id="here"></div>
<script type="module">
const first = FIRST, pieces = PIECES, seconds = SECONDS, empty = EMPTY;
const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const raf = window.requestAnimationFrame.bind(window);
let ours = 0, drawn = 0, worst = 0, long = 0;
const time = (work) => { const from = performance.now(); work(); const took = performance.now() - from; ours += took; worst = Math.max(worst, took); };
window.requestAnimationFrame = (f) => raf((now) => { time(() => f(now)); drawn++; });
new PerformanceObserver((list) => { long += list.getEntries().length; }).observe({ entryTypes: ["longtask"] });
const handlers = {};
const model = {
  get: (name) => (name === "key" ? "k" : bytes(first)), set() {}, save_changes() {}, send() {}, off() {},
  on: (name, f) => { (handlers[name] ??= []).push(f); },
};
if (!empty) {
  const source = new Blob([SCRIPT], { type: "text/javascript" });
  const widget = (await import(URL.createObjectURL(source))).default;
  widget.initialize({ model });
  widget.render({ model, el: document.getElementById("here") });
}
await new Promise((done) => setTimeout(done, 1500));
ours = worst = drawn = long = 0;
const deltas = [];
let last = performance.now(), start = last;
const made = pieces.map(bytes);
made.forEach((piece, k) => setTimeout(() => { if (!empty) time(() => handlers["msg:custom"].forEach((f) => f({ t: "d" }, [piece]))); }, (1000 * k) / RATE));
await new Promise((done) => {
  const count = (now) => { deltas.push(now - last); last = now; now - start < 1000 * seconds ? raf(count) : done(); };
  raf(count);
});
deltas.shift(); deltas.sort((a, b) => a - b);
window.result = { frames: deltas.length, seconds: (last - start) / 1000, median: deltas[deltas.length >> 1], p95: deltas[Math.floor(0.95 * deltas.length)],
  ours, drawn, worst, long };
</script>"""


def messages(seconds: float, points: int, before: int) -> tuple[bytes, list[bytes]]:
    """A snapshot of a run after `before` steps, and the messages of the `seconds` after it."""
    record = RunRecord(settings=[Setting(name, name, value, "Adam") for name, value in (("lr", 1e-3), ("betas[0]", 0.9), ("betas[1]", 0.999))])
    record.flow.set_parameters([(f"{k}.{kind}", shape) for k in range(0, 8, 2) for kind, shape in (("weight", (16, 16)), ("bias", (16,)))])
    noise = np.random.default_rng(0)

    def go(steps: int) -> None:
        for _ in range(steps):
            step = record.step = record.step + 1
            record.scalar("loss", step, 2 / math.sqrt(step) * math.exp(0.2 * noise.standard_normal()))
            if step % 100 == 0:
                record.scalar("val_loss", step, 2.2 / math.sqrt(step), "log")
            if record.flow.due(step):
                grads = [noise.standard_normal(shape).astype(np.float32) for shape in record.flow.shapes]
                record.flow.measure(step, grads)
                if record.flow.due_closely(step):
                    record.flow.look(step, grads, grads)

    packer = RunPacker(record)
    state = {"title": "Training", "stage": "running", "epochal": False, "rewind": [0]}
    go(before)
    first = packer.news(True, ms=1.0, **state)
    made = []
    for k in range(int(seconds * RATE)):
        go(points * (k + 1) // RATE - points * k // RATE)
        made.append(packer.news(ms=1.0 + k % 3 / 100, **state))
    return first, made


def page(first: bytes, pieces: list[bytes], seconds: float, empty: bool) -> str:
    script = (STATIC / "dashboard.js").read_text(encoding="utf8").replace("</script", "<\\/script")
    filled = {"STYLES": (STATIC / "dashboard.css").read_text(encoding="utf8"), "SECONDS": str(seconds), "EMPTY": str(empty).lower(), "RATE": str(RATE),
              "FIRST": json.dumps(b64encode(first).decode()), "PIECES": json.dumps([b64encode(piece).decode() for piece in pieces])}
    text = PAGE
    for name, value in filled.items():
        text = text.replace(name, value)
    return text.replace("SCRIPT", json.dumps(script).replace("</", "<\\/"))


def look(file: Path, seconds: float) -> dict:
    """Open the page and wait for what it counted."""
    from playwright.sync_api import sync_playwright

    beside = Path(sys.executable).parent / "node"
    if beside.exists():
        os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(beside))
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"), args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": 1000, "height": 700})
        view.on("pageerror", lambda error: print("page error:", error))
        view.goto(file.as_uri())
        view.wait_for_function("() => window.result", polling=500, timeout=1000 * (seconds + 60))  # by default it would ask in every frame
        result = view.evaluate("() => window.result")
        browser.close()
    return result


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--seconds", type=float, default=8)
    ask.add_argument("--points", type=int, default=1000)
    ask.add_argument("--before", type=int, nargs="*", default=[0, 30_000])
    chosen = ask.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for before in chosen.before:
            first, pieces = messages(chosen.seconds, chosen.points, before)
            for empty in (True, False):
                file = Path(folder) / "page.html"
                file.write_text(page(first, pieces, chosen.seconds, empty), encoding="utf8")
                got = look(file, chosen.seconds)
                name = "empty page" if empty else f"dashboard, {before:,} steps before"
                ours = "" if empty else (f"; {got['drawn']} drawings, our scripts {got['ours'] / max(1, got['drawn']):.2f} ms a drawing, at most {got['worst']:.1f} ms, "
                                         f"{got['ours'] / got['seconds'] / 10:.1f} % of the time, {got['long']} tasks over 50 ms")
                print(f"{name:32}: {got['frames'] / got['seconds']:5.1f} frames/s (median {got['median']:.1f} ms, 95 % under {got['p95']:.1f} ms){ours}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
