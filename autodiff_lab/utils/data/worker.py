"""What runs in a worker process of a DataLoader, and how errors come back from there."""

from __future__ import annotations

import pickle
import queue
import random as python_random
import signal
import traceback
from dataclasses import dataclass
from multiprocessing import parent_process
from typing import Any

import numpy as np

from ...backend import random
from ...core import observe
from ...core.op import public
from .fetch import fetcher

__all__ = ["CarriedError", "StreamEnded", "WorkerInfo", "get_worker_info", "run_worker"]

LOOK_UP_EVERY = 2.0  # seconds after which a waiting worker looks whether the main process is still there


@dataclass(frozen=True)
class WorkerInfo:
    """Who a worker is: its number, how many there are, its seed, its copy of the data set."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Which worker this process is; None in the main process.

    >>> import autodiff_lab as lab
    >>> lab.utils.data.get_worker_info() is None
    True
    """
    return _info


@dataclass(frozen=True)
class StreamEnded:
    """A worker's stream gave its last sample."""

    worker: int


class CarriedError:
    """An exception on its way from a worker to the main process, with the text of its traceback."""

    def __init__(self, error: BaseException, where: str):
        self.kind, self.where = type(error), where
        self.text = "".join(traceback.format_exception(error))

    def reraise(self):
        """Raise the same exception here; its message holds the worker's traceback."""
        message = f"Caught {self.kind.__name__} {self.where}.\nOriginal {self.text}"
        if self.kind is KeyError:
            message = _Verbatim(message)  # KeyError shows the repr of its message
        try:
            error = self.kind(message)
        except Exception:  # a type that takes something else than a message
            raise RuntimeError(message) from None
        raise error


class _Verbatim(str):
    def __repr__(self) -> str:
        return self


def packed(what, where: str) -> bytes:
    """`what` as bytes; an error that says so where it cannot be sent."""
    try:
        return pickle.dumps(what, protocol=5)
    except Exception as error:
        return pickle.dumps(_sendable(CarriedError(error, where)), protocol=5)


def _sendable(carried: CarriedError) -> CarriedError:
    try:
        pickle.loads(pickle.dumps(carried))
    except Exception:  # a local exception class
        carried.kind = RuntimeError
    return carried


def numpy_seed(base_seed: int, worker: int) -> np.ndarray:
    """The seed of `numpy.random` in a worker, as PyTorch chooses it."""
    return np.random.SeedSequence([worker, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]).generate_state(4)


def run_worker(worker: int, count: int, tasks, results, seed: int, dataset, streams: bool, batches: bool, collate_fn, drop_last: bool, init) -> None:
    """The life of a worker: fetch what `tasks` asks for, send it to `results`, until None comes or the main process is gone."""
    global _info
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt belongs to the main process, which then ends its workers
    observe.observers = observe.followers = ()
    if "set_num_threads" in public[""]:
        public[""]["set_num_threads"](1)
    where = f"in DataLoader worker process {worker}"
    failure, fetch = None, None
    try:
        python_random.seed(seed + worker)
        random.default_generator.manual_seed(seed + worker)
        np.random.seed(numpy_seed(seed, worker))  # noqa: NPY002 - the stream that programs draw from
        _info = WorkerInfo(worker, count, seed + worker, dataset)
        if init is not None:
            init(worker)
        fetch = fetcher(dataset, streams, batches, collate_fn, drop_last)
    except Exception as error:
        failure = CarriedError(error, where)
    try:
        while (task := _next_task(tasks)) is not None:
            number, indices = task
            if number is None:  # a new epoch for a persistent worker
                try:
                    fetch = fetcher(dataset, streams, batches, collate_fn, drop_last)
                except Exception as error:
                    failure = CarriedError(error, where)
                continue
            if failure is not None:
                answer, failure = _sendable(failure), None
            else:
                try:
                    answer = fetch(indices)
                except StopIteration as stop:
                    answer = StreamEnded(worker) if streams else _sendable(CarriedError(stop, where))
                except Exception as error:
                    answer = _sendable(CarriedError(error, where))
            results.send_bytes(packed((number, answer), where))
    except (EOFError, OSError):
        pass  # the main process closed its ends


def _next_task(tasks):
    while True:
        try:
            return tasks.get(timeout=LOOK_UP_EVERY)
        except queue.Empty:
            parent = parent_process()
            if parent is not None and not parent.is_alive():
                return None
