"""What recording costs: a training step of about 1 ms, and a graph of scalars, with and without the recorder.

    python benchmarks/recorder.py

Promised: at most 15 % on a training step of 1 ms, at most 2 x on a graph of scalars, nothing when nobody looks.
"""

from __future__ import annotations

import json
import time

import autodiff_lab as lab
from autodiff_lab import nn
from autodiff_lab.core import observe
from autodiff_lab.record.recorder import Recorder


def training_step():
    """An MLP on a batch of 64 images of 28 x 28, about 1 ms a step."""
    lab.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = lab.optim.SGD(model.parameters(), lr=0.01)
    loss_of = nn.CrossEntropyLoss()
    x, y = lab.randn(128, 784), lab.randint(0, 10, (128,))

    def step():
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss
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


def best(step, seconds: float = 0.5) -> float:
    """The time of one step: the least mean over short runs, because others use the machine too."""
    step()
    begin = time.perf_counter()
    for _ in range(3):
        step()
    repeat = max(1, int(0.02 / max(1e-6, (time.perf_counter() - begin) / 3)))
    least, until = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until:
        begin = time.perf_counter()
        for _ in range(repeat):
            step()
        least = min(least, (time.perf_counter() - begin) / repeat)
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
