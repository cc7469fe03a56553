"""The DataLoader: goes through a data set in batches, in PyTorch's order from one seed, here or in worker processes."""

from __future__ import annotations

import math
import multiprocessing
import multiprocessing.connection
import os
import pickle
import sys
import warnings
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from ...core import devices, observe
from .collate import default_collate, default_convert
from .dataset import IterableDataset
from .fetch import fetcher
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler, draw_seed
from .worker import CarriedError, StreamEnded, get_worker_info, run_worker

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")
_collate_fn_t = Callable[[list[T]], Any]  # programs annotate with it
_FIXED = frozenset(["batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"])


class _Endless(Sampler):
    """Stands in for indices where the data set is a stream."""

    def __iter__(self):
        while True:
            yield None


class DataLoader(Generic[T_co]):
    """Batches from a data set: `for inputs, targets in DataLoader(data, batch_size=32, shuffle=True)`.

    Args:
        dataset: samples by index, or a stream.
        batch_size: samples per batch; None gives single samples.
        shuffle: a new random order every epoch.
        sampler, batch_sampler: which indices, one by one or as lists, instead of `shuffle`.
        num_workers: processes that fetch batches ahead; 0 fetches them here.
        collate_fn: makes a batch from a list of samples.
        drop_last: leave out a last batch that is smaller.
        timeout: seconds to wait for a worker's batch; 0 waits for ever.
        worker_init_fn: called with its number in every worker.
        generator: where the order and the workers' seeds are drawn.
        prefetch_factor: batches that each worker fetches ahead; default 2.
        persistent_workers: keep the workers between epochs.
        pin_memory: accepted; memory is not pinned.
        in_order: give batches in the sampler's order although a later one is ready.

    Raises:
        ValueError: for options that contradict each other.
        RuntimeError: while iterating, if a worker dies or does not answer in time.

    >>> import autodiff_lab as lab
    >>> loader = lab.utils.data.DataLoader(range(5), batch_size=2)
    >>> list(loader)
    [tensor([0, 1]), tensor([2, 3]), tensor([4])]
    """

    _ready = False

    def __init__(self, dataset, batch_size: int | None = 1, shuffle: bool | None = None, sampler: Sampler | Iterable | None = None,
                 batch_sampler: Sampler | Iterable | None = None, num_workers: int = 0, collate_fn=None, pin_memory: bool = False,
                 drop_last: bool = False, timeout: float = 0, worker_init_fn=None, multiprocessing_context=None, generator=None, *,
                 prefetch_factor: int | None = None, persistent_workers: bool = False, pin_memory_device: str = "", in_order: bool = True):
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        self.dataset, self.num_workers = dataset, num_workers
        self.prefetch_factor = 2 if num_workers > 0 and prefetch_factor is None else prefetch_factor
        self.pin_memory, self.pin_memory_device, self.timeout = pin_memory, pin_memory_device, timeout
        self.worker_init_fn, self.in_order = worker_init_fn, in_order
        self.multiprocessing_context = multiprocessing_context
        self._streams = isinstance(dataset, IterableDataset)
        if self._streams:
            for name, value, empty in (("shuffle", shuffle, (None, False)), ("sampler", sampler, (None,)), ("batch_sampler", batch_sampler, (None,))):
                if not any(value is e for e in empty):
                    raise ValueError(f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}. A stream has its own order.")
        shuffle = bool(shuffle)
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError("batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last")
            batch_size, drop_last = None, False
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
        if sampler is None:
            sampler = _Endless() if self._streams else RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size, self.drop_last, self.sampler, self.batch_sampler, self.generator = batch_size, drop_last, sampler, batch_sampler, generator
        self.collate_fn = collate_fn if collate_fn is not None else default_collate if self._auto_collation else default_convert
        self.persistent_workers = persistent_workers
        self._reported_length = None
        self._iterator = None
        self._epochs = 0
        self._ready = True
        self.check_worker_number_rationality()

    @property
    def multiprocessing_context(self):
        """How worker processes are started; None is Python's default."""
        return self._context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context) -> None:
        if context is not None:
            if self.num_workers <= 0:
                raise ValueError(f"multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got num_workers={self.num_workers}")
            if isinstance(context, str):
                known = multiprocessing.get_all_start_methods()
                if context not in known:
                    raise ValueError(f"multiprocessing_context option should specify a valid start method in {known!r}, but got multiprocessing_context={context!r}")
                context = multiprocessing.get_context(context)
            if not isinstance(context, multiprocessing.context.BaseContext):
                raise TypeError("multiprocessing_context option should be a valid context object or a string specifying the start method, "
                                f"but got multiprocessing_context={context}")
        self._context = context

    def __setattr__(self, name, value) -> None:
        if self._ready and name in _FIXED:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized: make a new one.")
        super().__setattr__(name, value)

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Iterable:
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __iter__(self):
        self._epochs += 1
        if not self.num_workers:
            return _Here(self)
        self.check_worker_number_rationality()
        if not self.persistent_workers:
            return _Workers(self)
        if self._iterator is None or self._iterator.closed:
            self._iterator = _Workers(self)
        else:
            self._iterator.restart()
        return self._iterator

    def __len__(self) -> int:
        if not self._streams:
            return len(self._index_sampler)
        n = self._reported_length = len(self.dataset)
        if self.batch_size is None:
            return n
        return n // self.batch_size if self.drop_last else math.ceil(n / self.batch_size)

    def check_worker_number_rationality(self) -> None:
        """Warn if there are more workers than processor cores."""
        if not self.num_workers:
            return
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        if cores is None or self.num_workers > cores:
            warnings.warn(f"This DataLoader will create {self.num_workers} worker processes in total. Our suggested max number of worker in current system "
                          f"is {cores}, which is smaller than what this DataLoader is going to create. Please be aware that excessive worker creation might "
                          "get DataLoader running slow or even freeze, lower the worker number to avoid potential slowness/freeze if necessary.",
                          UserWarning, stacklevel=3)


def _check_workers(num_workers, timeout, prefetch_factor, persistent_workers) -> None:
    if num_workers < 0:
        raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError("prefetch_factor option could only be specified in multiprocessing."
                         "let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None.")
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent_workers and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")


class _Iterator:
    """What both kinds of iterators do: ask the sampler, count, and tell those who watch."""

    def __init__(self, loader: DataLoader):
        self.loader = loader
        if loader.pin_memory and not devices.cuda_available():
            warnings.warn("'pin_memory' argument is set as true but no accelerator is found, then device pinned memory won't be used.",
                          UserWarning, stacklevel=4)
        self.indices = iter(loader._index_sampler)
        self.seed = draw_seed(loader.generator)  # drawn even where no worker needs it, as in PyTorch
        self.begin()

    def begin(self) -> None:
        self.yielded, self.epoch = 0, self.loader._epochs - 1
        try:
            self.length = len(self.loader._index_sampler) if not self.loader._streams else len(self.loader.dataset) and len(self.loader)
        except (TypeError, NotImplementedError, AttributeError):
            self.length = None

    def __iter__(self):
        return self

    def __len__(self) -> int:
        return len(self.loader._index_sampler)

    def __getstate__(self):
        raise NotImplementedError("{} cannot be pickled", type(self).__name__)

    def __next__(self):
        batch = self.fetch_next()
        self.yielded += 1
        loader = self.loader
        if loader._streams and loader._reported_length is not None and self.yielded > loader._reported_length:
            warnings.warn(f"Length of IterableDataset {loader.dataset} was reported to be {loader._reported_length}(when accessing len(dataloader)), "
                          f"but {self.yielded} samples have been fetched. " + (
                              "For multiprocessing data-loading, this could be caused by not properly configuring the IterableDataset replica at each worker."
                              if loader.num_workers else ""), UserWarning, stacklevel=2)
        if observe.followers:
            observe.tell("batch_served", loader, self.yielded - 1, self.epoch, self.length)
        return batch

    def fetch_next(self):
        raise NotImplementedError


class _Here(_Iterator):
    """Fetches batches in this process."""

    def __init__(self, loader: DataLoader):
        if loader.timeout:
            raise AssertionError("_SingleProcessDataLoaderIter requires timeout == 0: there is no worker to wait for. Set num_workers.")
        super().__init__(loader)
        self.fetch = fetcher(loader.dataset, loader._streams, loader._auto_collation, loader.collate_fn, loader.drop_last)

    def fetch_next(self):
        return self.fetch(next(self.indices))


class _Workers(_Iterator):
    """Has batches fetched by processes, a few ahead, and gives them in order.

    Every worker has a queue of tasks and a pipe for results. The main process waits on all pipes and on the
    processes themselves, so it learns at once of a worker that died.
    """

    closed = False

    def __init__(self, loader: DataLoader):
        super().__init__(loader)
        context = loader.multiprocessing_context or multiprocessing.get_context("fork" if sys.platform == "linux" else None)
        self.tasks, self.pipes, self.processes = [], [], []
        try:
            for worker in range(loader.num_workers):
                tasks = context.Queue()
                tasks.cancel_join_thread()
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=run_worker, daemon=True, args=(
                    worker, loader.num_workers, tasks, theirs, self.seed, loader.dataset, loader._streams, loader._auto_collation,
                    loader.collate_fn, loader.drop_last, loader.worker_init_fn))
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)  # Python's remark that fork copies no threads
                    process.start()
                theirs.close()
                self.tasks.append(tasks)
                self.pipes.append(ours)
                self.processes.append(process)
            self.prime()
        except BaseException:
            self.close()
            raise

    def prime(self) -> None:
        """Start an epoch: hand out the first tasks."""
        self.sent = self.given = 0
        self.ready: dict = {}  # number of a task -> its batch
        self.sender: dict = {}  # number of a task -> its worker
        self.active = [True] * len(self.processes)
        self.next_worker = 0
        for _ in range(self.loader.prefetch_factor * len(self.processes)):
            self.hand_out()

    def restart(self) -> None:
        """Another epoch with the same workers."""
        while self.sender:  # an epoch that was left early: let its batches arrive and drop them
            try:
                self.receive()
            except (RuntimeError, KeyboardInterrupt):
                self.close()
                raise
        self.indices = iter(self.loader._index_sampler)
        self.begin()
        for tasks in self.tasks:
            tasks.put((None, None))
        self.prime()

    def hand_out(self) -> None:
        """Give the next task to the next worker that still has samples."""
        workers = len(self.processes)
        for step in range(workers):
            worker = (self.next_worker + step) % workers
            if self.active[worker]:
                break
        else:
            return
        try:
            indices = next(self.indices)
        except StopIteration:
            return
        self.next_worker = (worker + 1) % workers
        self.sender[self.sent] = worker
        self.tasks[worker].put((self.sent, indices))
        self.sent += 1

    def fetch_next(self):
        if self.closed:
            raise StopIteration
        try:
            while True:
                if self.given not in self.ready and self.given not in self.sender and not self._skip():
                    if not self.loader.persistent_workers:
                        self.close()
                    raise StopIteration
                number = self.given if self.loader.in_order or not self.ready else next(iter(self.ready))
                if number not in self.ready:
                    self.receive()
                    continue
                answer = self.ready.pop(number)
                if number == self.given:
                    self.given += 1
                if isinstance(answer, StreamEnded):
                    self.active[answer.worker] = False
                    self.hand_out()
                    continue
                self.hand_out()
                if isinstance(answer, CarriedError):
                    answer.reraise()
                return answer
        except KeyboardInterrupt:
            self.close()
            raise

    def _skip(self) -> bool:
        """Move on to the next task that was handed out; False if there is none."""
        later = [n for n in (*self.ready, *self.sender) if n >= self.given]
        if later:
            self.given = min(later)
        return bool(later)

    def receive(self) -> None:
        """Wait for at least one answer.

        Raises:
            RuntimeError: if a worker died, or none answered in time.
        """
        timeout = self.loader.timeout or None
        watched = {pipe: i for i, pipe in enumerate(self.pipes)} | {process.sentinel: None for process in self.processes}
        found = multiprocessing.connection.wait(list(watched), timeout)
        if not found:
            self.close()
            raise RuntimeError(f"DataLoader timed out after {timeout} seconds")
        dead = []
        for source in found:
            worker = watched[source]
            if worker is None:
                continue
            try:
                number, answer = pickle.loads(self.pipes[worker].recv_bytes())
            except (EOFError, OSError):
                dead.append(worker)
                continue
            self.sender.pop(number, None)
            self.ready[number] = answer
        dead += [i for i, process in enumerate(self.processes) if process.exitcode is not None and i in self.sender.values() and not self.pipes[i].poll()]
        if dead:
            pids = ", ".join(str(self.processes[i].pid) for i in sorted(set(dead)))
            codes = {self.processes[i].pid: self.processes[i].exitcode for i in sorted(set(dead))}
            self.close()
            raise RuntimeError(f"DataLoader worker (pid(s) {pids}) exited unexpectedly. Exit codes: {codes}. A negative code is the signal that killed it "
                               "(-9 often means that memory ran out); with num_workers=0 the error shows itself.")

    def close(self, patience: float = 1.0) -> None:
        """End the workers; one that has not ended by itself after ``patience`` seconds is ended."""
        if self.closed:
            return
        self.closed = True
        self.ready = {}
        self.sender = {}
        for tasks in self.tasks:
            try:
                tasks.put(None)
            except (OSError, ValueError):
                pass
        for pipe in self.pipes:
            pipe.close()  # a worker that is sending gets an error, and ends
        for process in self.processes:
            process.join(patience)
            if process.is_alive():
                process.terminate()
                process.join(patience)
            if process.is_alive() and patience:
                process.kill()
        for tasks in self.tasks:
            tasks.close()

    def __del__(self):
        try:
            self.close(patience=0)  # never wait here: Python swallows an interrupt that arrives in a finalizer
        except Exception:
            pass


class _DatasetKind:
    """PyTorch's numbers for the two kinds of data sets."""

    Map, Iterable = 0, 1


_BaseDataLoaderIter, _SingleProcessDataLoaderIter, _MultiProcessingDataLoaderIter = _Iterator, _Here, _Workers  # PyTorch's names for the iterators
