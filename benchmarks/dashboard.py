"""What a watched training step costs: bare, recorded, with a dashboard whose messages are made but not sent, and with one in a kernel.

    python benchmarks/dashboard.py [--steps 8000] [--hidden 64 360 512] [--kernel 360] [--memory 1000000]

Blocks of bare and watched steps alternate, and medians of the thread's CPU time are compared, so that a busy machine
hurts both. With 360 hidden units a bare step takes about a millisecond. Norms, histograms and kept states are included.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

import autodiff_lab as lab
from autodiff_lab import nn, optim
from autodiff_lab.core import observe


def make(hidden: int, batch: int = 64):
    """A digits-sized MLP and a function that takes one step."""
    lab.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 10))
    optimizer, criterion = optim.Adam(model.parameters(), lr=1e-3), nn.CrossEntropyLoss()
    X, y = lab.randn(batch, 64), lab.randint(0, 10, (batch,))

    def step():
        loss = criterion(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return model, optimizer, step


class Silent:
    """A dashboard without a browser: makes every message that a live one would send."""

    def __init__(self, run):
        from autodiff_lab.widgets import dashboard, live

        self.bytes = self.messages = 0
        live.cells._cell = live.Cell()
        panel = dashboard.Dashboard(run._watcher)
        panel.appear = lambda: None
        panel.send = lambda header, buffers: self.count(buffers)
        panel._seen_cell = live.cells._cell
        run._panel = panel

    def count(self, buffers) -> None:
        self.bytes += sum(map(len, buffers))
        self.messages += 1


def overhead(hidden: int, steps: int, dashboard: bool) -> tuple[float, float, Silent | None]:
    """Median seconds of a bare and of a watched step."""
    from autodiff_lab.widgets import live

    model, optimizer, step = make(hidden)
    run = lab.watch(model, optimizer, snapshots=True)
    silent = Silent(run) if dashboard else None
    watcher = run._watcher
    bare, watched, block, often, began = [], [], 50, live.PER_WIDGET, (time.thread_time(), time.perf_counter())
    for _ in range(steps // block // 2):
        observe.detach(watcher)
        start = time.thread_time()
        for _ in range(block):
            step()
        bare.append((time.thread_time() - start) / block)
        # Messages go by the clock. So that a watched step has its share of them and no more: the clock also runs in bare
        # blocks, which are half of the time, and while others have the processor.
        live.PER_WIDGET = 2 * often * (time.perf_counter() - began[1]) / (time.thread_time() - began[0])
        observe.attach(watcher)
        start = time.thread_time()
        for _ in range(block):
            step()
        watched.append((time.thread_time() - start) / block)
    run.close()
    live.PER_WIDGET = often
    return statistics.median(bare), statistics.median(watched), silent


def in_kernel(hidden: int, steps: int) -> tuple[float, float, int]:
    """The same in a Jupyter kernel whose cell a person looks at: messages are really sent, and counted where they arrive."""
    from jupyter_client.manager import start_new_kernel

    here = str(Path(__file__).parent)
    code = f"import sys; sys.path[:0] = [{here!r}, {str(Path(here).parent)!r}]; import dashboard; print(*dashboard.overhead({hidden}, {steps}, False)[:2])"
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False, "stop_on_error": True}
        asked = client.session.msg("execute_request", content, metadata={"cellId": "1"})
        client.shell_channel.send(asked)
        sent, said = 0, ""
        while True:
            got = client.get_iopub_msg(timeout=120)
            if got["parent_header"].get("msg_id") != asked["header"]["msg_id"]:
                continue
            sent += got["msg_type"] == "comm_msg"
            said += got["content"].get("text", "") if got["msg_type"] == "stream" else ""
            if got["msg_type"] == "status" and got["content"]["execution_state"] == "idle":
                break
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    bare, watched = map(float, said.split())
    return bare, watched, sent


def memory(steps: int) -> tuple[float, float, float]:
    """Megabytes of the process after a tenth of a long watched run and at its end, and of the numbers that its record keeps."""
    w = nn.Parameter(lab.ones(2))
    optimizer = optim.SGD([w], lr=1e-6)
    run = lab.watch(optimizer, snapshots=True)

    def go(count: int) -> float:
        for _ in range(count):
            optimizer.zero_grad()
            loss = (w * w).sum()
            loss.backward()
            optimizer.step()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    early, late = go(steps // 10), go(steps - steps // 10)
    record = run.record
    kept = sum(curve._steps.nbytes + curve._values.nbytes for curve in record.series.values())
    kept += sum(column.nbytes for column in record.flow.columns) + sum(part.nbytes for look in record.flow.close.values() for part in look.values())
    run.close()
    return early, late, kept / 1e6


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--steps", type=int, default=8000)
    ask.add_argument("--hidden", type=int, nargs="*", default=[64, 360, 512])
    ask.add_argument("--kernel", type=int, nargs="*", default=[360], help="hidden sizes that are also measured in a Jupyter kernel")
    ask.add_argument("--memory", type=int, default=1_000_000, help="steps of the run whose memory is measured; 0: none")
    chosen = ask.parse_args()
    for hidden in chosen.hidden:
        for name, dashboard in (("recorded", False), ("dashboard", True)):
            bare, watched, silent = overhead(hidden, chosen.steps, dashboard)
            sent = f", {silent.messages} messages, {silent.bytes / 1000:.0f} kB" if silent else ""
            print(f"hidden {hidden:4}: bare step {1e3 * bare:.3f} ms, {name:9} {1e3 * watched:.3f} ms: {100 * (watched / bare - 1):+.1f} %{sent}")
    for hidden in chosen.kernel:
        bare, watched, sent = in_kernel(hidden, chosen.steps)
        print(f"hidden {hidden:4}: bare step {1e3 * bare:.3f} ms, in a kernel {1e3 * watched:.3f} ms: {100 * (watched / bare - 1):+.1f} %, {sent} messages sent")
    if chosen.memory:
        early, late, kept = memory(chosen.memory)
        print(f"memory: process {early:.1f} MB after {chosen.memory // 10:,} watched steps, {late:.1f} MB after {chosen.memory:,}; its record keeps {kept:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
