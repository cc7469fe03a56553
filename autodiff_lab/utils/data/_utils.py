"""Where PyTorch keeps `collate` and the workers; programs reach `torch.utils.data._utils.collate.default_collate`."""

from __future__ import annotations

from . import collate, fetch, worker

__all__ = ["collate", "fetch", "worker"]
__path__: list[str] = []  # programs import what is below it
