"""The sampler for one of several processes that share a data set. (This library itself trains in one process.)"""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...backend import random
from .sampler import Sampler

__all__ = ["DistributedSampler"]


class DistributedSampler(Sampler[int]):
    """Every `num_replicas`-th index of an order that all processes agree on.

    Args:
        num_replicas, rank: how many processes there are, and which one this is. Both have to be given.
        shuffle: a new order for each `set_epoch`.
        drop_last: drop the samples that are too many, instead of repeating some.

    >>> import autodiff_lab as lab
    >>> list(lab.utils.data.DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
    [1, 3, 0]
    """

    def __init__(self, dataset, num_replicas: int | None = None, rank: int | None = None, shuffle: bool = True, seed: int = 0, drop_last: bool = False):
        if num_replicas is None or rank is None:
            raise RuntimeError("Requires distributed package to be available: this library trains in one process. "
                               "Give num_replicas and rank, or use RandomSampler.")
        if rank >= num_replicas or rank < 0:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset, self.num_replicas, self.rank = dataset, num_replicas, rank
        self.epoch, self.drop_last, self.shuffle, self.seed = 0, drop_last, shuffle, seed
        n = len(dataset)
        uneven = drop_last and n % num_replicas != 0
        self.num_samples = math.ceil((n - num_replicas if uneven else n) / num_replicas)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[int]:
        n = len(self.dataset)
        order = random.randperm(random.Generator().manual_seed(self.seed + self.epoch), n).tolist() if self.shuffle else list(range(n))
        if not self.drop_last:
            missing = self.total_size - n
            order += (order * math.ceil(missing / max(n, 1)))[:missing]
        return iter(order[self.rank:self.total_size:self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of this epoch; without it every epoch has the same."""
        self.epoch = epoch
