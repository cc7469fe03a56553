"""Loading data: PyTorch's order from one seed, batches, worker processes and what goes wrong in them."""

from __future__ import annotations

import json
import os
import random
import signal
import time
import tracemalloc
import zlib
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

import autodiff_lab as lab
from autodiff_lab.backend.random import Generator, default_generator
from autodiff_lab.core import observe
from autodiff_lab.utils import data

VECTORS = json.loads((Path(__file__).parent.parent / "data" / "rng_vectors.json").read_text(encoding="utf-8"))["vectors"]


def flat(loader) -> list:
    return [i for batch in loader for i in batch.tolist()]


def crc(generator) -> int:
    return zlib.crc32(generator.state_array().tobytes())


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["kind"] == "loader"], ids=lambda v: v["id"])
def test_order_and_stream_are_pytorchs(vector):
    default_generator.manual_seed(vector["seed"])
    own = None if vector["generator"] is None else Generator().manual_seed(vector["generator"])
    loader = data.DataLoader(range(vector["n"]), vector["batch_size"], shuffle=True, drop_last=vector["drop_last"], generator=own)
    for epoch in vector["epochs"]:
        assert zlib.crc32(np.array(flat(loader), "<i8").tobytes()) == epoch["crc32"]
    assert crc(own or default_generator) == vector["end"]["state_crc32"]


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["kind"] == "split"], ids=lambda v: v["id"])
def test_random_split_is_pytorchs(vector):
    default_generator.manual_seed(vector["seed"])
    parts = data.random_split(range(vector["n"]), vector["lengths"])
    assert [list(part) for part in parts] == vector["parts"]
    assert crc(default_generator) == vector["end"]["state_crc32"]


class Numbers(data.Dataset):
    """0 … n - 1, with a mishap at 7 if one is asked for."""

    def __init__(self, n=20, mishap=None):
        self.n, self.mishap = n, mishap

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if i == 7 and self.mishap is not None:
            self.mishap()
        return i


class Draws(Numbers):
    def __getitem__(self, i):
        return lab.rand(1), np.random.rand(), random.random()


class Stream(data.IterableDataset):
    """Three numbers of each worker."""

    def __iter__(self):
        info = data.get_worker_info()
        first = 10 * info.id if info else 0
        return iter(range(first, first + 3))


def fail():
    raise KeyError("bad seven")


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def sleep():
    time.sleep(5)


def test_workers_give_the_order_of_one_process():
    default_generator.manual_seed(3)
    here = [flat(data.DataLoader(Numbers(), 3, shuffle=True)) for _ in range(2)]
    default_generator.manual_seed(3)
    loader = data.DataLoader(Numbers(), 3, shuffle=True, num_workers=2)
    assert [flat(loader) for _ in range(2)] == here


def test_persistent_workers_keep_going_also_after_an_epoch_that_was_left():
    loader = data.DataLoader(Numbers(), 3, num_workers=2, persistent_workers=True)
    pids = {p.pid for p in iter(loader).processes}
    assert flat(loader) == list(range(20))
    assert flat(loader) == list(range(20)) and {p.pid for p in loader._iterator.processes} == pids
    loader._iterator.close()


def test_workers_are_seeded_one_after_the_other():
    default_generator.manual_seed(0)
    seed = int(lab.empty((), dtype=lab.int64).random_())
    default_generator.manual_seed(0)
    first, numpys, pythons = next(iter(data.DataLoader(Draws(), 2, num_workers=1)))
    assert first[0] == lab.rand(1, generator=lab.Generator().manual_seed(seed))
    assert pythons[0] == random.Random(seed).random()
    assert numpys[0] == np.random.RandomState(np.random.SeedSequence([0, seed & 0xFFFFFFFF, seed >> 32, 0]).generate_state(4)).rand()


def test_error_in_a_worker_arrives_with_its_traceback():
    with pytest.raises(KeyError, match="Caught KeyError in DataLoader worker process 0") as caught:
        flat(data.DataLoader(Numbers(mishap=fail), 3, num_workers=2))
    assert 'raise KeyError("bad seven")' in str(caught.value)


def test_worker_that_dies_is_an_error_at_once():
    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        flat(data.DataLoader(Numbers(mishap=die), 3, num_workers=2))


def test_worker_that_does_not_answer_is_an_error_in_time():
    began = time.monotonic()
    with pytest.raises(RuntimeError, match=r"timed out after 0\.5 seconds"):
        flat(data.DataLoader(Numbers(mishap=sleep), 3, num_workers=1, timeout=0.5))
    assert time.monotonic() - began < 4


def test_interrupt_ends_the_workers():
    loader = data.DataLoader(Numbers(mishap=sleep), 3, num_workers=2)
    batches = iter(loader)

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(KeyboardInterrupt):
            list(batches)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert not any(process.is_alive() for process in batches.processes)


def test_a_loader_that_is_dropped_waits_for_no_worker():
    # Python swallows an interrupt that arrives in a finalizer: nothing may be waited for there.
    batches = iter(data.DataLoader(Numbers(mishap=sleep), 3, num_workers=2))
    next(batches)
    waits = []
    for process in batches.processes:
        process.join = lambda timeout=None, join=process.join: (waits.append(timeout), join(timeout))
    batches.__del__()
    assert waits and not any(waits)
    for process in batches.processes:
        process.join(10)
    assert not any(process.is_alive() for process in batches.processes)


def test_streams_end_worker_by_worker():
    assert flat(data.DataLoader(Stream(), 2)) == [0, 1, 2]
    assert flat(data.DataLoader(Stream(), 2, num_workers=2)) == [0, 1, 10, 11, 2, 12]
    assert flat(data.DataLoader(Stream(), 2, num_workers=2, drop_last=True)) == [0, 1, 10, 11]
    assert list(data.DataLoader(Stream(), None)) == [0, 1, 2]


def test_worker_init_fn_and_worker_info():
    def init(worker):
        data.get_worker_info().dataset.n = 100 + worker

    class Tell(Numbers):
        def __getitem__(self, i):
            info = data.get_worker_info()
            return info.id, info.num_workers, self.n

    assert data.get_worker_info() is None
    ids, counts, n = next(iter(data.DataLoader(Tell(), 1, num_workers=1, worker_init_fn=init)))
    assert (ids.item(), counts.item(), n.item()) == (0, 1, 100)


def test_batches_of_everything():
    Point = namedtuple("Point", "x y")
    samples = [{"a": 1, "b": [2.0, "s"], "c": Point(np.float32(1), np.ones(2)), "d": lab.zeros(1), "e": True}] * 2
    batch = data.default_collate(samples)
    assert batch["a"].dtype == lab.int64 and batch["b"][0].dtype == lab.float64 and batch["b"][1] == ("s", "s")
    assert batch["c"].x.dtype == lab.float32 and batch["c"].y.shape == (2, 2) and batch["d"].shape == (2, 1) and batch["e"].tolist() == [1, 1]
    with pytest.raises(TypeError, match="must contain tensors, numpy arrays, numbers, dicts or lists"):
        data.default_collate([object()])
    with pytest.raises(RuntimeError, match="equal size"):
        data.default_collate([[1], [1, 2]])


def test_rows_taken_at_once_are_the_rows_taken_one_by_one():
    class Slow(data.TensorDataset):
        pass

    tensors = lab.arange(20.0).reshape(10, 2), lab.arange(10)
    for wrap in (lambda d: d, lambda d: data.Subset(data.Subset(d, range(9, -1, -1)), [1, 3, 5, 7])):
        fast, slow = (list(data.DataLoader(wrap(kind(*tensors)), 3)) for kind in (data.TensorDataset, Slow))
        assert [[t.tolist() for t in b] for b in fast] == [[t.tolist() for t in b] for b in slow]
        assert isinstance(fast[0], list)


def test_data_sets_join():
    a, b = Numbers(3), Numbers(2)
    assert [(a + b)[i] for i in range(-5, 0)] == [0, 1, 2, 0, 1]
    assert data.StackDataset(a, Numbers(3))[2] == (2, 2) and data.StackDataset(x=a)[1] == {"x": 1}
    assert list(data.ChainDataset([Stream(), Stream()])) == [0, 1, 2, 0, 1, 2]
    with pytest.raises(AssertionError, match="Size mismatch"):
        data.TensorDataset(lab.zeros(2), lab.zeros(3))


def test_samplers():
    default_generator.manual_seed(0)
    assert sorted(data.SubsetRandomSampler([5, 7, 9])) == [5, 7, 9]
    assert list(data.WeightedRandomSampler([0.0, 1.0, 0.0], 4)) == [1, 1, 1, 1]
    assert list(data.BatchSampler(range(7), 3, True)) == [[0, 1, 2], [3, 4, 5]]
    parts = [list(data.DistributedSampler(range(7), 2, rank, shuffle=False)) for rank in (0, 1)]
    assert parts == [[0, 2, 4, 6], [1, 3, 5, 0]]


@pytest.mark.parametrize("options, words", [
    ({"num_workers": -1}, "non-negative"), ({"timeout": -1}, "timeout"), ({"prefetch_factor": 2}, "prefetch_factor"),
    ({"persistent_workers": True}, "needs num_workers > 0"), ({"sampler": [0], "shuffle": True}, "mutually exclusive"),
    ({"batch_sampler": [[0]], "batch_size": 3}, "mutually exclusive"), ({"batch_size": None, "drop_last": True}, "disables auto-batching"),
    ({"batch_size": 0}, "positive integer"), ({"num_workers": 1, "multiprocessing_context": "carrier pigeon"}, "valid start method"),
], ids=str)
def test_contradicting_options_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        data.DataLoader(Numbers(), **options)


def test_loader_keeps_what_it_was_made_with():
    loader = data.DataLoader(Numbers(), 3)
    with pytest.raises(ValueError, match="should not be set"):
        loader.batch_size = 4
    with pytest.raises(ValueError, match="expected unspecified shuffle"):
        data.DataLoader(Stream(), shuffle=True)


def test_observers_learn_of_every_batch():
    class Watcher(observe.Observer):
        seen = []

        def batch_served(self, loader, index, epoch, n):
            self.seen.append((index, epoch, n))

    loader = data.DataLoader(Numbers(5), 2)
    watcher = observe.attach(Watcher())
    try:
        list(loader), list(loader)
    finally:
        observe.detach(watcher)
    assert watcher.seen == [(0, 0, 3), (1, 0, 3), (2, 0, 3), (0, 1, 3), (1, 1, 3), (2, 1, 3)]


def test_data_sets_that_ship():
    images, labels = lab.datasets.load_digits()
    assert images.shape == (1797, 8, 8) and images.dtype == lab.float32 and 0 <= float(images.min()) < float(images.max()) == 1
    assert labels.bincount().tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert len(lab.datasets.load_names()) == 1359 and lab.datasets.load_verse().startswith("Shall I compare thee")
    before = crc(default_generator)
    for make in (lab.datasets.make_moons, lab.datasets.make_spirals, lab.datasets.make_xor, lab.datasets.make_sine):
        x, y = make(seed=1)
        again, _ = make(seed=1)
        assert len(x) == len(y) and bool((x == again).all()) and not bool((make(seed=2)[0] == x).all())
    assert lab.datasets.sine_mixtures(4, 9).shape == (4, 9, 1)
    assert all(int(q[:2]) + int(q[3:]) == int(a) for q, a in lab.datasets.two_digit_sums(50))
    assert crc(default_generator) == before  # the learner's own stream is left alone


def test_an_endless_random_sampler_costs_nothing_in_advance():
    tracemalloc.start()
    sampler = iter(data.RandomSampler(range(5), replacement=True, num_samples=10**10))
    assert all(0 <= next(sampler) < 5 for _ in range(100))
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()
