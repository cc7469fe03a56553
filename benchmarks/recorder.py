"""What recording costs: a training step of about 1 ms, and a graph of scalars, with and without the recorder.

    python benchmarks/recorder.py

Promised: at most 15 % on a training step of 1 ms, at most 2 x on a graph of scalars, nothing when nobody looks.
"""

from __future__ import annotations

import json
import os
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import autodiff_lab as lab  # noqa: E402
from autodiff_lab import nn  # noqa: E402
from autodiff_lab.core import observe  # noqa: E402
from autodiff_lab.record.recorder import Recorder  # noqa: E402


def training_step():
    """An MLP on a batch of images of 28 x 28, as many as make a step of about 1 ms."""
    lab.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = lab.optim.SGD(model.parameters(), lr=0.01)
    loss_of = nn.CrossEntropyLoss()
    size = 64
    x, y = lab.randn(size, 784), lab.randint(0, 10, (size,))

    def step():
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    while best(step, 0.1) < 0.0009 and size < 2048:
        size += 64
        x, y = lab.randn(size, 784), lab.randint(0, 10, (size,))
    return step


def scalars():
    """A neuron of scalars, as micrograd has it: 2 x 16 multiplications and additions, tanh, backward."""
    xs = [lab.tensor(0.1 * i) for i in range(16)]
    ws = [lab.tensor(0.05 * i, requires_grad=True) for i in range(16)]

    def step():
        total = ws[0] * xs[0]
        for w, x in zip(ws[1:], xs[1:]):
            total = total + w * x
        out = lab.tanh(total)
        out.backward()
        return out
    return step


CELL = compile("for _ in range(repeat):\n    step()", "<cell>", "exec")  # as a notebook runs it: the frames end there


def best(step, seconds: float = 0.5) -> float:
    """CPU time of one step: the least mean over short runs, because others use the machine too."""
    space = {"step": step, "repeat": 3}
    exec(CELL, space)
    begin = time.process_time()
    exec(CELL, space)
    repeat = space["repeat"] = max(1, int(0.02 / max(1e-6, (time.process_time() - begin) / 3)))
    least, until = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until:
        begin = time.process_time()
        exec(CELL, space)
        least = min(least, (time.process_time() - begin) / repeat)
    return least


def measure(make, rounds: int = 4) -> dict:
    """Times with and without recording, taken in turns."""
    step = make()
    off, on = float("inf"), float("inf")
    for _ in range(rounds):
        off = min(off, best(step))
        recorder = observe.attach(Recorder())
        on = min(on, best(step))
        observe.detach(recorder)
    return {"without_us": round(off * 1e6, 1), "with_us": round(on * 1e6, 1), "ratio": round(on / off, 3)}


if __name__ == "__main__":
    print(json.dumps({"training_step": measure(training_step), "scalars": measure(scalars)}, indent=1))
