"""Writes tests/data/optim_trajectories.json with PyTorch: where every optimizer leads in 20 steps, for tests without PyTorch.

    python tests/optim/make_trajectories.py
"""

from __future__ import annotations

import json
from pathlib import Path

STEPS = 20
CASES = [
    ("SGD", {"lr": 0.1}), ("SGD", {"lr": 0.05, "momentum": 0.9}), ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.5, "maximize": True}),
    ("Adam", {"lr": 0.1}), ("Adam", {"lr": 0.1, "amsgrad": True, "weight_decay": 0.1}), ("Adam", {"lr": 0.1, "betas": [0.5, 0.9], "eps": 0.1, "maximize": True}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.3}), ("Adamax", {"lr": 0.1, "weight_decay": 0.1}),
    ("NAdam", {"lr": 0.1, "weight_decay": 0.1}), ("NAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True, "momentum_decay": 0.01}),
    ("RAdam", {"lr": 0.1, "weight_decay": 0.1}), ("RAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.3}),
    ("Adadelta", {"weight_decay": 0.1, "rho": 0.5}),
    ("RMSprop", {"lr": 0.05}), ("RMSprop", {"lr": 0.05, "momentum": 0.9, "centered": True, "weight_decay": 0.1}),
    ("Rprop", {"lr": 0.1, "etas": [0.3, 1.5], "step_sizes": [0.001, 0.5]}),
    ("ASGD", {"lr": 0.1, "t0": 5, "weight_decay": 0.1, "lambd": 0.01}),
    ("Adafactor", {"lr": 0.1, "weight_decay": 0.1}),
    ("LBFGS", {"lr": 0.5, "max_iter": 3}), ("LBFGS", {"max_iter": 5, "line_search_fn": "strong_wolfe"}),
]


def trajectory(T, name: str, options: dict) -> list:
    """The first number of each of two parameters after each step, in float64, on a function with curved valleys."""
    w = T.tensor([[0.5, -1.0, 2.0], [1.5, 0.1, -0.3]], dtype=T.float64, requires_grad=True)
    b = T.tensor([0.2, -0.7], dtype=T.float64, requires_grad=True)
    options = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    optimizer = getattr(T.optim, name)([w, b], **options)
    found = []

    def closure():
        optimizer.zero_grad()
        loss = ((w * w - 1) ** 2).sum() + (w.sum(1) * b).sum() + (b**4).sum()
        loss.backward()
        return loss

    for _ in range(STEPS):
        optimizer.step(closure)
        found.append([w[0, 0].item(), b[1].item()])
    return found


if __name__ == "__main__":
    import torch

    made = {"made_with": f"torch {torch.__version__}, {Path(__file__).name}",
            "cases": [{"optimizer": name, "options": options, "found": trajectory(torch, name, options)} for name, options in CASES]}
    target = Path(__file__).parent.parent / "data" / "optim_trajectories.json"
    lines = ",\n".join(json.dumps(case) for case in made["cases"])
    target.write_text(f'{{"made_with": {json.dumps(made["made_with"])}, "cases": [\n{lines}\n]}}\n', encoding="utf-8")
