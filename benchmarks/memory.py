"""The most memory that a training step takes, against PyTorch, each in a process of its own.

    python benchmarks/memory.py                      every training step
    python benchmarks/memory.py lenet --json out.json

Counted is what a model, its optimizer and a few steps add to the resident memory of a process in which the same step
ran before and was thrown away, so that code is loaded already. Besides: the whole process. Ratios are ours / PyTorch.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import importlib
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

from workloads import WORKLOADS

STEPS = 5


def resident() -> tuple[int, int]:
    """Kilobytes that this process holds now, and the most it held since the last `forget_peak`."""
    try:
        lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("Vm"))
        return int(lines["VmRSS"].split()[0]), int(lines["VmHWM"].split()[0])
    except (OSError, KeyError):  # not Linux: the peak since the process began
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)
        return most, most


def forget_peak() -> None:
    """Let the peak begin at what is held now, where the system can."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


def give_back() -> None:
    """Let the C library return what is free to the system, where it can."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        pass


def train(T, name: str) -> None:
    step = WORKLOADS["steps"][name](T)
    for _ in range(STEPS):
        step()


def child(library: str, name: str) -> None:
    """Print what `STEPS` training steps take in this process."""
    T = importlib.import_module(library)
    if library == "torch":
        T.set_num_threads(1)
    train(T, name)
    gc.collect()
    give_back()
    forget_peak()
    before, _ = resident()
    train(T, name)
    _, most = resident()
    print(json.dumps({"step_kb": most - before, "process_kb": most}))


def measure(library: str, name: str) -> dict:
    environment = {**os.environ, **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")}
    found = subprocess.run([sys.executable, __file__, "--child", library, name], env=environment, capture_output=True, text=True, check=True)
    return json.loads(found.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"some of {list(WORKLOADS['steps'])}; default: all")
    parser.add_argument("--json")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(*options.child)
        return
    results = {}
    for name in options.names or WORKLOADS["steps"]:
        ours, theirs = measure("autodiff_lab", name), measure("torch", name)
        results[name] = {"ours": ours, "torch": theirs, **{key[:-3] + "_ratio": ours[key] / theirs[key] for key in ours}}
        print(f"{name:14} step {ours['step_kb'] / 1024:7.1f} MB  PyTorch {theirs['step_kb'] / 1024:7.1f} MB  ratio {results[name]['step_ratio']:5.2f}"
              f"   whole process {ours['process_kb'] / 1024:7.1f} MB  PyTorch {theirs['process_kb'] / 1024:7.1f} MB", flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
