"""The random streams against vectors that PyTorch 2.13 drew: values, bit for bit, and the state afterwards."""

import copy
import json
import math
import pickle
import re
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest

from autodiff_lab.backend import random as streams
from autodiff_lab.backend.random import slopes

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
        assert result.reshape(-1)[:6].tolist() == first
        assert checksum(result) == call["crc32"], call
    assert_end(gen, vector["end"])


# ---- what the layers above draw: initial weights, loaders, splits, a training run ----

@pytest.fixture
def lab():
    import autodiff_lab

    yield autodiff_lab
    autodiff_lab.set_default_dtype(autodiff_lab.float32)


def need(holder, names, where):
    missing = [name for name in names if not hasattr(holder, name)]
    if missing:
        pytest.skip(f"{where} has no {', '.join(missing)} yet")


def made_tensors(lab, program):
    """The tensors of a vector of kind params, by name; `program` is the start of its id."""
    nn = lab.nn
    program = program.removesuffix(" TOLERANCE 1e-5")
    call = re.fullmatch(r"(\w+_)\((.*?)\)(?:\(([\d,]+)\))?", program)
    if call:  # an initialisation: arguments and shape, or the shape alone
        name, arguments, shape = call[1], call[2], call[3]
        arguments, shape = ("", arguments) if shape is None else (arguments, shape)
        need(nn.init, [name], "nn.init")
        words = {"fan_out": "fan_out", "relu": "relu", "init": nn.init, "w": lab.zeros(eval(f"({shape})"))}
        return {"w": eval(f"init.{name}(w, {arguments})", words)}
    if program.startswith("dropout"):
        need(nn, ["functional"], "nn")
        need(nn.functional, ["dropout"], "nn.functional")
        return {"w": eval(program, {"dropout": nn.functional.dropout, "ones": lab.ones})}
    need(nn, re.findall(r"([A-Z]\w+)\(", program), "nn")
    return dict(eval(program, vars(nn)).named_parameters())


@pytest.mark.parametrize("vector", vectors("params"))
def test_initial_weights_are_pytorchs(lab, vector):
    lab.manual_seed(vector["seed"])
    made = made_tensors(lab, vector["id"].rsplit("-", 1)[0])
    assert list(made) == list(vector["tensors"])
    for name, expected in vector["tensors"].items():
        array = made[name].detach().numpy()
        assert list(array.shape) == expected["shape"]
        if vector.get("exact") is False:  # a QR decomposition: LAPACK decides the last bits
            first = [float.fromhex(x) for x in expected["first"]]
            np.testing.assert_allclose(array.reshape(-1)[:len(first)], first, rtol=1e-5, atol=1e-6)
        else:
            assert checksum(array) == expected["crc32"], name
    assert_end(lab.default_generator, vector["end"])


@pytest.mark.parametrize("vector", vectors("loader"))
def test_batches_come_in_pytorchs_order(lab, vector):
    data = lab.utils.data
    gen = lab.default_generator if vector["generator"] is None else lab.Generator()
    gen.manual_seed(vector["seed"] if vector["generator"] is None else vector["generator"])
    loader = data.DataLoader(lab.arange(vector["n"]), vector["batch_size"], shuffle=True, drop_last=vector["drop_last"],
                             generator=None if vector["generator"] is None else gen)
    for epoch in vector["epochs"]:
        order = np.concatenate([batch.numpy() for batch in loader])
        assert order[:len(epoch["first"])].tolist() == epoch["first"]
        assert (order.size, checksum(order)) == (epoch["numel"], epoch["crc32"])
    assert_end(gen, vector["end"])


@pytest.mark.parametrize("vector", vectors("split"))
def test_random_split_is_pytorchs(lab, vector):
    lab.manual_seed(vector["seed"])
    parts = lab.utils.data.random_split(range(vector["n"]), vector["lengths"])
    assert [list(part.indices) for part in parts] == vector["parts"]
    assert_end(lab.default_generator, vector["end"])


@pytest.mark.parametrize("vector", vectors("train"))
def test_training_follows_pytorchs_curve(lab, vector):
    nn, data = lab.nn, lab.utils.data
    need(nn, ["Dropout"] if vector["dropout"] else [], "nn")
    lab.set_default_dtype(getattr(lab, vector["dtype"]))
    lab.manual_seed(vector["seed"])
    X, w = lab.randn(512, 20), lab.randn(20, 1)
    Y = lab.tanh(X @ w) + 0.1 * lab.randn(512, 1)
    dropout = [nn.Dropout(vector["dropout"])] if vector["dropout"] else []
    net = nn.Sequential(nn.Linear(20, 64), nn.Tanh(), *dropout, nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 1))
    if vector["optimizer"] == "sgd":
        optimizer = lab.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    else:
        optimizer = lab.optim.Adam(net.parameters(), lr=3e-3)
    losses = []
    while len(losses) < 200:
        loader = data.DataLoader(data.TensorDataset(X, Y), 32, shuffle=True) if vector["minibatch"] else [(X, Y)]
        for x, y in loader:
            loss = ((net(x) - y) ** 2).mean()
            losses.append(loss.item())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if len(losses) == 200:
                break
    expected = [float.fromhex(x) for x in vector["losses"]]
    rtol = 1e-5 if vector["dtype"] == "float32" else 1e-12  # sums are taken in another order than PyTorch's
    np.testing.assert_allclose([losses[i] for i in vector["losses_at"]], expected, rtol=rtol)


# ---- state, seeds, threads, layouts ----

@pytest.mark.parametrize("n", [1, 7, 16, 33])
def test_saved_state_continues_the_stream(n):
    gen = streams.Generator().manual_seed(5)
    streams.normal(gen, np.empty(n))  # an odd number of few normals leaves one in the state
    twins = [gen.clone_state(), copy.deepcopy(gen), pickle.loads(pickle.dumps(gen))]
    expected = streams.normal(gen, np.empty(7, np.float32))
    for twin in twins:
        assert streams.normal(twin, np.empty(7, np.float32)).tolist() == expected.tolist()
        assert (twin.state_array() == gen.state_array()).all()


def test_negative_seed_counts_from_the_top():
    assert streams.Generator().manual_seed(-1).initial_seed() == 2**64 - 1


@pytest.mark.parametrize("seed, error, words", [
    (1.5, RuntimeError, "manual_seed expected a long, but got float"),
    (2**64, ValueError, "Overflow when unpacking long long"),
])
def test_seed_must_be_a_64_bit_integer(seed, error, words):
    with pytest.raises(error, match=words):
        streams.Generator().manual_seed(seed)


@pytest.mark.parametrize("state, error, words", [
    (np.zeros(5056), TypeError, "RNG state must be a torch.ByteTensor"),
    (np.zeros(7, np.uint8), RuntimeError, "Expected a CPUGeneratorImplState of size 5056"),
    (np.zeros(5056, np.uint8), RuntimeError, "Invalid mt19937 state"),
])
def test_what_is_no_state_is_refused(state, error, words):
    with pytest.raises(error, match=words):
        streams.Generator().load_state_array(state)


def test_fork_leaves_the_default_stream_alone():
    before = streams.default_generator.state_array()
    with streams.fork_rng():
        streams.normal(streams.default_generator, np.empty(5))
    assert (streams.default_generator.state_array() == before).all()


def test_threads_share_a_generator_without_tearing_pairs():
    gen = streams.Generator().manual_seed(3)
    drawn_by = [[] for _ in range(4)]

    def work(mine):
        for _ in range(200):
            mine.append(streams.normal(gen, np.empty(4)).tolist())

    threads = [threading.Thread(target=work, args=(mine,)) for mine in drawn_by]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = streams.Generator().manual_seed(3)
    expected = sorted(streams.normal(alone, np.empty(4)).tolist() for _ in range(800))
    assert sorted(row for mine in drawn_by for row in mine) == expected


def test_transposed_array_is_filled_in_memory_order():
    flat = streams.uniform(streams.Generator().manual_seed(1), np.empty(12))
    view = streams.uniform(streams.Generator().manual_seed(1), np.empty((4, 3)).T)
    assert view.T.reshape(-1).tolist() == flat.tolist()


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed")


def both(torch, seed=0):
    return streams.Generator().manual_seed(seed), torch.Generator().manual_seed(seed)


def assert_same(torch, ours, theirs, gen, their_gen):
    theirs = theirs.float().numpy().astype(ours.dtype) if theirs.dtype == torch.bfloat16 else theirs.numpy()
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
    np.testing.assert_array_equal(ours, theirs)
    assert (gen.state_array() == their_gen.get_state().numpy()).all()


REAL = ["float16", "bfloat16", "float32", "float64"]
INTEGERS = ["uint8", "int8", "int16", "int32", "int64", "bool"]  # PyTorch refuses the other unsigned types


def like(array, torch):
    """A torch tensor of the same type, shape and strides."""
    strides = [step // array.itemsize for step in array.strides]
    return torch.empty_strided(array.shape, strides, dtype=getattr(torch, array.dtype.name))


def layouts(dtype):
    contiguous = [np.empty(shape, dtype) for shape in [(5,), (3, 4), (1, 40, 1), (), (0, 3)]]
    return [*contiguous, np.empty((6, 7), dtype).T, np.empty((2, 5, 4, 3), dtype).transpose(0, 3, 1, 2),
            np.empty((8, 9), dtype)[::2, ::3]]


FILLS = {
    "uniform_": (streams.uniform, [(), (-0.3, 0.7), (2.0, 2.5), (0.0, 3.0), (-1e3, 1e-3)], REAL),
    "normal_": (streams.normal, [(), (1.5, 0.37), (0.0, 2.0), (-3.0, 1.0)], REAL),
    "exponential_": (streams.exponential, [(), (0.3,)], REAL),
    "cauchy_": (streams.cauchy, [(), (0.3, 2.0)], REAL),
    "log_normal_": (streams.log_normal, [(), (0.3, 0.5)], REAL),
    "geometric_": (streams.geometric, [(0.3,), (0.9,)], REAL),
    "bernoulli_": (streams.bernoulli_scalar, [(0.0,), (0.3,), (1.0,)], REAL + INTEGERS),
    "random_": (streams.random_integers_of_type, [()], REAL + INTEGERS),
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", FILLS)
def test_fills_match_pytorch_in_every_layout(torch, name):
    fill, arguments, types = FILLS[name]
    for seed, dtype in enumerate(types):
        for out in layouts(numpy_dtype(dtype)):
            for values in arguments:
                gen, their_gen = both(torch, seed)
                for _ in range(2):
                    fill(gen, out, *values)
                    theirs = getattr(like(out, torch), name)(*values, generator=their_gen)
                    assert_same(torch, out, theirs, gen, their_gen)


@pytest.mark.oracle
@pytest.mark.parametrize("bounds", [
    (0, 10), (-5, 6), (0, 2**28 - 1), (0, 2**28), (-(2**40), 2**41), (7, 8), (-(2**63), 2**63 - 1)])
def test_bounded_integers_match_pytorch(torch, bounds):
    low, high = bounds
    for dtype in ["uint8", "int16", "int32", "int64", "float32", "float64", "float16"]:
        info = None if "float" in dtype else np.iinfo(dtype)
        if (info and (low < info.min or high - 1 > info.max)) or (not info and high > 1000):
            continue
        for out in layouts(np.dtype(dtype)):
            gen, their_gen = both(torch, 3)
            streams.random_ints(gen, out, low, high)
            assert_same(torch, out, like(out, torch).random_(low, high, generator=their_gen), gen, their_gen)


@pytest.mark.oracle
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_tensor_probabilities_match_pytorch(torch, dtype):
    for out in layouts(numpy_dtype(dtype)):
        p = np.linspace(0, 1, out.shape[-1]).astype(out.dtype) if out.ndim else np.asarray(0.4, out.dtype)
        their_p = torch.from_numpy(p.astype(np.float64)).to(getattr(torch, dtype))
        gen, their_gen = both(torch, 3)
        streams.bernoulli_tensor(gen, out, p)
        assert_same(torch, out, like(out, torch).bernoulli_(their_p, generator=their_gen), gen, their_gen)


@pytest.mark.oracle
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_normals_and_uniforms_match_pytorch(torch, dtype):
    for shape in [(3,), (40,), (5, 6)]:
        gen, their_gen = both(torch, 2)
        out = np.empty(shape, dtype)
        kind = getattr(torch, dtype)
        theirs = torch.randn(shape, dtype=kind, generator=their_gen)
        assert_same(torch, streams.normal(gen, out), theirs, gen, their_gen)
        theirs = torch.rand(shape, dtype=kind, generator=their_gen)
        assert_same(torch, streams.uniform(gen, out), theirs, gen, their_gen)


@pytest.mark.oracle
@pytest.mark.parametrize("n", [0, 1, 2, 3, 399, 400, 401, 402, 1000, 4097, 60000])
def test_permutations_match_pytorch(torch, n):
    for seed in range(5):
        gen, their_gen = both(torch, seed)
        assert_same(torch, streams.randperm(gen, n), torch.randperm(n, generator=their_gen), gen, their_gen)


@pytest.mark.oracle
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("replacement", [True, False])
def test_categories_match_pytorch(torch, dtype, replacement):
    for shape in [(7,), (1,), (4, 9), (3, 20)]:
        weights = np.random.RandomState(0).random_sample(shape).astype(dtype) + np.asarray(0.01, dtype)
        for k in (1, 2, 6) if replacement else (1, min(6, shape[-1])):
            gen, their_gen = both(torch, 4)
            theirs = torch.multinomial(torch.from_numpy(weights), k, replacement, generator=their_gen)
            assert_same(torch, streams.multinomial(gen, weights, k, replacement), theirs, gen, their_gen)


@pytest.mark.oracle
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_poisson_and_gamma_match_pytorch(torch, dtype):
    rates = np.array([[0.0, 0.5, 3.0, 9.9], [10.0, 45.5, 300.0, 1e5]] * 20, dtype)
    gen, their_gen = both(torch, 4)
    for order in (rates, rates.T):
        theirs = torch.poisson(torch.from_numpy(order), their_gen)
        assert_same(torch, streams.poisson(gen, order), theirs, gen, their_gen)
    shapes = np.array([[0.01, 0.5, 1.0], [1.5, 10.0, 1e3]] * 20, dtype)
    theirs = torch._standard_gamma(torch.from_numpy(shapes), their_gen)
    assert_same(torch, streams.gamma(gen, shapes), theirs, gen, their_gen)


@pytest.mark.oracle
def test_state_passes_to_pytorch_and_back(torch):
    gen, their_gen = both(torch, 9)
    streams.normal(gen, np.empty(5))
    their_gen.set_state(torch.from_numpy(gen.state_array()))
    theirs = torch.randn(700, generator=their_gen)
    assert_same(torch, streams.normal(gen, np.empty(700, np.float32)), theirs, gen, their_gen)
    gen.load_state_array(their_gen.get_state().numpy())
    theirs = torch.randn(9, dtype=torch.float64, generator=their_gen)
    assert_same(torch, streams.normal(gen, np.empty(9)), theirs, gen, their_gen)


def test_c_library_stands_in_where_numpys_functions_differ(monkeypatch):
    """NumPy's own logarithm for AVX-512 differs in last bits: then the math module must be asked instead."""
    from autodiff_lab.backend.random import arithmetic

    x = np.linspace(0.0, 0.99, 60).reshape(4, 15)
    expected = [[-np.inf if value == 0 else math.log(value) for value in row] for row in x.tolist()]
    monkeypatch.setattr(np, "log", lambda values, log=np.log: log(values) * (1 + 2.0**-52))
    function = arithmetic.libm.__wrapped__("log")
    with np.errstate(divide="ignore"):
        assert function(x).tolist() == expected


@pytest.mark.parametrize("spread", [0.5, 2.0])
def test_slopes_of_gamma_and_beta_numbers_agree_with_differences(spread):
    rng = np.random.RandomState(0)
    a, b = np.exp(spread * rng.randn(2, 5000))
    x, share = np.maximum(rng.gamma(a), 1e-30), np.clip(rng.beta(a, b), 1e-30, 1 - 1e-12)
    with np.errstate(all="ignore"):
        expected, expected_share = slopes._gamma_differences(x, a), slopes._beta_differences(share, a, b)
    np.testing.assert_allclose(streams.gamma_slope(x, a), expected, rtol=1e-8)
    np.testing.assert_allclose(streams.beta_slope(share, a, b), expected_share, rtol=1e-7)
