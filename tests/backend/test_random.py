"""The random streams against vectors that PyTorch 2.13 drew: values, bit for bit, and the state afterwards."""

import copy
import json
import pickle
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest

from autodiff_lab.backend import random as streams

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "rng_vectors.json").read_text())["vectors"]


def vectors(kind):
    return [pytest.param(vector, id=vector["id"]) for vector in VECTORS if vector["kind"] == kind]


def numpy_dtype(name):
    if name == "bfloat16":
        return pytest.importorskip("ml_dtypes", reason="bfloat16 needs ml_dtypes").bfloat16
    return np.dtype(name)


def checksum(array):
    array = array.astype(np.float32) if array.dtype.name == "bfloat16" else array
    return zlib.crc32(np.ascontiguousarray(array).tobytes())


def assert_end(generator, end):
    state = generator.state_array()
    head = state.view("<u4")
    assert (generator.initial_seed(), int(head[4]), int(head[2])) == (end["initial_seed"], end["next"], end["left"])
    cached = end["cached_normal"] and float.fromhex(end["cached_normal"])
    assert generator.second_normal == cached
    assert zlib.crc32(state.tobytes()) == end["state_crc32"]


def drawn(gen, call):
    """The array that the call makes, by the functions of the backend."""
    op, n = call["op"], call["n"]
    dtype = numpy_dtype(call.get("dtype", "int64"))
    out = np.empty(n, dtype)
    match op:
        case "rand":
            return streams.uniform(gen, out)
        case "randn":
            return streams.normal(gen, out)
        case "randperm":
            return streams.randperm(gen, n)
        case "uniform_":
            return streams.uniform(gen, out, call["a"], call["b"])
        case "normal_":
            return streams.normal(gen, out, call["mean"], call["std"])
        case "normal_T":
            return streams.normal(gen, np.empty((n, 2), dtype).T, call["mean"], call["std"])
        case "random_":
            return streams.random_integers_of_type(gen, out)
        case "random_full":
            return streams.random_ints(gen, out, -(2**63), 2**63)
        case "randint":
            return streams.random_ints(gen, out, call["low"], call["high"])
        case "bernoulli_":
            return streams.bernoulli_scalar(gen, out, call["p"])
        case "bernoulli_tensor":
            return streams.bernoulli_tensor(gen, out, np.arange(n, dtype=dtype) / dtype.type(n))
        case "exponential_":
            return streams.exponential(gen, out, call["lambd"])
        case "geometric_":
            return streams.geometric(gen, out, call["p"])
        case "cauchy_":
            return streams.cauchy(gen, out, call["median"], call["sigma"])
        case "log_normal_":
            return streams.log_normal(gen, out, call["mean"], call["std"])
        case "multinomial":
            return streams.multinomial(gen, np.arange(1, call["m"] + 1, dtype=dtype), n, call["replacement"])
    raise AssertionError(op)


@pytest.mark.parametrize("vector", vectors("calls"))
def test_calls_give_pytorchs_bits(vector):
    gen = streams.Generator().manual_seed(vector["seed"])
    for call in vector["calls"]:
        result = drawn(gen, call)
        first = [float.fromhex(x) if isinstance(x, str) else x for x in call["first"]]
        assert [x for x in result.reshape(-1)[:6].astype(np.float64 if result.dtype.kind not in "iub" else result.dtype).tolist()] == first
        assert checksum(result) == call["crc32"], call
    assert_end(gen, vector["end"])
