"""Samplers: in which order samples are taken. They draw from the random streams exactly as PyTorch's do."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Generic, TypeVar

import numpy as np

from ...backend import random
from ...core.op import public
from ...core.tensor import Tensor

__all__ = ["BatchSampler", "RandomSampler", "Sampler", "SequentialSampler", "SubsetRandomSampler", "WeightedRandomSampler"]

T_co = TypeVar("T_co", covariant=True)


class Sampler(Generic[T_co]):
    """Base class: subclasses write `__iter__`, which gives indices, and `__len__`.

    >>> import autodiff_lab as lab
    >>> class Backwards(lab.utils.data.Sampler):
    ...     def __iter__(self):
    ...         return iter(range(3, -1, -1))
    ...     def __len__(self):
    ...         return 4
    >>> loader = lab.utils.data.DataLoader(range(4), batch_size=2, sampler=Backwards())
    >>> [batch.tolist() for batch in loader]
    [[3, 2], [1, 0]]
    """

    def __init__(self, data_source=None):
        pass

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError


def draw_seed(generator=None) -> int:
    """A seed of 63 bits from `generator`, or from the default one."""
    drawn = np.empty((), np.int64)
    random.random_integers_of_type(random.default_generator if generator is None else generator, drawn)
    return int(drawn)


def _positive(name: str, value, kinds=(int,)):
    if not isinstance(value, kinds) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={value}")


class SequentialSampler(Sampler[int]):
    """0, 1, 2, …

    >>> import autodiff_lab as lab
    >>> list(lab.utils.data.SequentialSampler("abc"))
    [0, 1, 2]
    """

    data_source: Sized

    def __init__(self, data_source: Sized):
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """A new random order each time.

    Without a generator of its own it seeds one from the default stream, when the first index is asked for.

    Args:
        replacement: draw every index anew; indices may come twice.
        num_samples: how many; default: as many as there are.
        generator: where the order is drawn.

    >>> import autodiff_lab as lab
    >>> sampler = lab.utils.data.RandomSampler(range(5), generator=lab.Generator().manual_seed(0))
    >>> list(sampler)
    [4, 0, 1, 3, 2]
    """

    def __init__(self, data_source: Sized, replacement: bool = False, num_samples: int | None = None, generator=None):
        self.data_source, self.replacement, self._num_samples, self.generator = data_source, replacement, num_samples, generator
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={self.num_samples}. (Is the data set empty?)")

    @property
    def num_samples(self) -> int:
        """How many indices one pass gives."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n = len(self.data_source)
        generator = self.generator
        if generator is None:
            generator = random.Generator().manual_seed(draw_seed())
        if self.replacement:
            for size in itertools.chain(itertools.repeat(32, self.num_samples // 32), (self.num_samples % 32,)):  # programs ask for 10**10, and stop early
                yield from random.random_ints(generator, np.empty(size, np.int64), 0, n).tolist()
            return
        for _ in range(self.num_samples // n):
            yield from random.randperm(generator, n).tolist()
        yield from random.randperm(generator, n).tolist()[:self.num_samples % n]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """Given indices, each once, in random order.

    >>> import autodiff_lab as lab
    >>> sorted(lab.utils.data.SubsetRandomSampler([3, 5, 8]))
    [3, 5, 8]
    """

    def __init__(self, indices: Sequence[int], generator=None):
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        for i in random.randperm(self.generator or random.default_generator, len(self.indices)).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Indices drawn with given probabilities.

    Args:
        weights: one per sample; they need not add up to 1.
        num_samples: how many to draw.
        replacement: whether an index may come twice.

    Raises:
        ValueError: for weights that are not one row, or a number of draws that is not positive.

    >>> import autodiff_lab as lab
    >>> set(lab.utils.data.WeightedRandomSampler([0.0, 1.0, 0.0], num_samples=5))
    {1}
    """

    def __init__(self, weights: Sequence[float], num_samples: int, replacement: bool = True, generator=None):
        _positive("num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        array = np.asarray(weights.detach().cpu().numpy() if isinstance(weights, Tensor) else weights, np.float64)
        if array.ndim != 1:
            raise ValueError(f"weights should be a 1d sequence but given weights have shape {array.shape}")
        self.weights = public[""]["from_numpy"](array.copy())
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def __iter__(self) -> Iterator[int]:
        multinomial = public[""].get("multinomial")
        if multinomial is not None:  # with the checks that it makes
            yield from multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator).tolist()
        else:
            yield from random.multinomial(self.generator or random.default_generator, self.weights._a, self.num_samples, self.replacement).tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Lists of up to `batch_size` indices from another sampler.

    >>> from autodiff_lab.utils.data import BatchSampler, SequentialSampler
    >>> list(BatchSampler(SequentialSampler(range(5)), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Sampler[int] | Iterable[int], batch_size: int, drop_last: bool):
        _positive("batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) < self.batch_size and self.drop_last:
                return
            yield batch

    def __len__(self) -> int:
        n = len(self.sampler)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
