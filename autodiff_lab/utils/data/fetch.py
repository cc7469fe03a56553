"""How one batch is fetched from a data set, in the main process and in workers alike."""

from __future__ import annotations

import numpy as np

from ...core.modes import modes
from ...core.tensor import Tensor, wrap
from .collate import default_collate
from .dataset import Subset, TensorDataset

__all__ = ["fetcher"]


def fetcher(dataset, streams: bool, batches: bool, collate_fn, drop_last: bool):
    """The function from what the sampler gives to a batch."""
    if streams:
        return _Stream(dataset, batches, collate_fn, drop_last)
    if not batches:
        return lambda index: collate_fn(dataset[index])
    if collate_fn is default_collate and (taken := _takes_rows(dataset)) is not None:
        return taken

    def fetch(indices):
        if callable(getattr(dataset, "__getitems__", None)):
            return collate_fn(dataset.__getitems__(indices))
        return collate_fn([dataset[i] for i in indices])
    return fetch


def _takes_rows(dataset):
    """For tensors, or a subset of them: rows taken at once, which gives what taking them one by one and stacking gives."""
    chain = []
    while type(dataset) is Subset:
        chain.append(dataset.indices)
        dataset = dataset.dataset
    if type(dataset) is not TensorDataset:
        return None
    tensors = dataset.tensors
    if not all(type(t) is Tensor and isinstance(t._a, np.ndarray) for t in tensors):
        return None
    dataset_tensors = dataset

    def take(indices):
        for inner in chain:
            indices = [inner[i] for i in indices]
        tensors = dataset_tensors.tensors
        if modes.grad and any(t.requires_grad for t in tensors):
            return default_collate([dataset_tensors[i] for i in indices])
        if any(not isinstance(i, int) for i in indices):
            return default_collate([dataset_tensors[i] for i in indices])
        n = len(tensors[0]._a)
        if indices and not -n <= min(indices) <= max(indices) < n:
            return default_collate([dataset_tensors[i] for i in indices])  # for its error
        return [wrap(t._a[indices]) for t in tensors]
    return take


class _Stream:
    def __init__(self, dataset, batches: bool, collate_fn, drop_last: bool):
        self.samples, self.batches, self.collate_fn, self.drop_last = iter(dataset), batches, collate_fn, drop_last
        self.ended = False

    def __call__(self, slots):
        if self.ended:
            raise StopIteration
        if not self.batches:
            return self.collate_fn(next(self.samples))
        batch = []
        for _ in slots:
            try:
                batch.append(next(self.samples))
            except StopIteration:
                self.ended = True
                break
        if not batch or (self.drop_last and len(batch) < len(slots)):
            raise StopIteration
        return self.collate_fn(batch)
