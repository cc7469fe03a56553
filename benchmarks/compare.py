"""Times Autodiff Lab against PyTorch in one process, in alternating blocks, and prints ratios.

    python benchmarks/compare.py                     every group
    python benchmarks/compare.py overhead steps      some
    python benchmarks/compare.py --json out.json --plot out.png

Ratios are ours / PyTorch: below 1 means faster than PyTorch. One thread each and CPU time, because on
a busy machine PyTorch's waiting threads suffer most and would flatter us.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import statistics
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from workloads import WORKLOADS  # noqa: E402

import autodiff_lab as lab  # noqa: E402


def block(step, count: int) -> float:
    """CPU seconds per step over `count` steps."""
    start = time.process_time()
    for _ in range(count):
        step()
    return (time.process_time() - start) / count


def measure(make, budget: float) -> dict:
    """Medians of both libraries over alternating blocks, after checking that they agree."""
    ours, theirs = make(lab), make(torch)
    difference = float(np.max(np.abs(np.asarray(ours().detach()._a, dtype=np.float64) - theirs().detach().double().numpy()), initial=0))
    gc.collect()
    gc.freeze()  # else each deep graph of ours makes Python walk through all that PyTorch's optimizers import
    count = max(1, min(200, int(0.02 / max(block(theirs, 1), 1e-6))))
    times = {"ours": [], "torch": []}
    end = time.perf_counter() + budget
    while time.perf_counter() < end or len(times["ours"]) < 3:
        times["ours"].append(block(ours, count))
        times["torch"].append(block(theirs, count))
    a, b = statistics.median(times["ours"]), statistics.median(times["torch"])
    return {"ours_us": a * 1e6, "torch_us": b * 1e6, "ratio": a / b, "difference": difference, "blocks": len(times["ours"])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("groups", nargs="*", help=f"some of {list(WORKLOADS)}; default: all")
    parser.add_argument("--seconds", type=float, default=1.5, help="time per workload")
    parser.add_argument("--json")
    parser.add_argument("--plot")
    options = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, dict] = {}
    for group in options.groups or WORKLOADS:
        for name, make in WORKLOADS[group].items():
            try:
                found = measure(make, options.seconds)
            except Exception as error:  # one missing layer must not hide the other figures
                print(f"{group:12} {name:28} failed: {type(error).__name__}: {str(error)[:90]}", flush=True)
                continue
            results.setdefault(group, {})[name] = found
            print(f"{group:12} {name:28} {found['ours_us']:12.1f} µs  PyTorch {found['torch_us']:12.1f} µs  ratio {found['ratio']:5.2f}  max |difference| {found['difference']:.1e}", flush=True)
        ratios = [f["ratio"] for f in results.get(group, {}).values()]
        if ratios:
            print(f"{group:12} {'geometric mean':28} {math.exp(sum(map(math.log, ratios)) / len(ratios)):.2f}\n", flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)
    if options.plot:
        draw(results, options.plot)


def draw(results: dict, path: str) -> None:
    """A bar per workload, on a logarithmic axis around 1."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = [f"{group}: {name}" for group, found in results.items() for name in found]
    ratios = [f["ratio"] for found in results.values() for f in found.values()]
    figure, axes = pyplot.subplots(figsize=(8, 0.28 * len(names) + 1))
    axes.barh(names, [math.log2(r) for r in ratios], color=["#00705a" if r <= 1 else "#8a5300" for r in ratios])
    axes.axvline(0, color="black", linewidth=1)
    ticks = [-4, -3, -2, -1, 0, 1, 2]
    axes.set_xticks(ticks, [f"{2.0 ** t:g}" for t in ticks])
    axes.set_xlabel("time / PyTorch's time (below 1: faster than PyTorch)")
    axes.invert_yaxis()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
