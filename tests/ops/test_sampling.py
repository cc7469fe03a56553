"""Random tensors through the public functions: same calls, same seed, compared with PyTorch bit for bit."""

import warnings

import numpy as np
import pytest

import autodiff_lab as lab


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed")


def result(library, program, seed=0):
    """What `program`, an expression over T, gives after seeding; and the state afterwards."""
    library.manual_seed(seed)
    scope = {"T": library}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        *lines, last = program.split("; ")
        for line in lines:
            exec(line, scope)
        value = eval(last, scope)
    return value, library.get_rng_state().numpy()


PROGRAMS = """
T.rand(3)
T.rand(4, 5)
T.rand((2, 3), dtype=T.float64)
T.rand(size=(3,))
T.rand(())
T.rand(0, 3)
T.rand([2, 2])
T.rand(T.Size([2, 3]))
T.rand(5, dtype=T.float16)
T.rand(5, dtype=T.complex64)
T.rand(2, requires_grad=True)
T.randn(3)
T.randn(100)
T.randn(17, dtype=T.float64)
T.randn(4, 4, dtype=T.complex128)
T.randn(())
T.randint(10, (5,))
T.randint(3, 10, (5,))
T.randint(10, size=(2, 3))
T.randint(low=2, high=9, size=(4,))
T.randint(high=9, size=(4,))
T.randint(0, 2**40, (4,))
T.randint(5, (4,), dtype=T.float32)
T.randint(2, (4,), dtype=T.bool)
T.randint(-100, 100, (4,), dtype=T.int8)
T.randint(T.tensor(3), (2,))
T.randperm(10)
T.randperm(0)
T.randperm(10, dtype=T.float32)
T.randperm(1000)
T.rand_like(T.ones(3, 4))
T.rand_like(T.ones(3, 4).t())
T.randn_like(T.ones(5, 7).t())
T.randn_like(T.ones(5, 7).t(), dtype=T.float64)
T.randn_like(T.ones(6, 8)[::2, ::2])
T.randint_like(T.ones(5), 3)
T.randint_like(T.ones(5), 3, 9)
T.randint_like(T.ones(5), 3, dtype=T.int64)
T.normal(0.0, 1.0, (5,))
T.normal(2.0, 0.5, size=(20,))
T.normal(0, 1, (3,))
T.normal(T.arange(20.0), 0.5)
T.normal(T.arange(20.0))
T.normal(1.5, T.arange(1.0, 20.0))
T.normal(T.zeros(4, 1), T.arange(1.0, 6.0))
T.normal(T.zeros(20, dtype=T.float64), T.ones(20))
T.normal(T.zeros(20), T.ones(20, dtype=T.float64))
T.normal(T.arange(12.0).reshape(3, 4).t(), 1.0)
T.bernoulli(T.full((10,), 0.3))
T.bernoulli(T.full((10,), 0.3, dtype=T.float64))
T.bernoulli(T.full((4, 5), 0.3).t())
T.bernoulli(T.zeros(10), 0.3)
T.zeros(10).bernoulli(0.3)
T.poisson(T.arange(20.0))
T.binomial(T.arange(50.0), T.arange(50.0) / 50)
T.binomial(T.full((2, 9), 1000.0), T.full((9,), 0.7))
T.binomial(T.full((90,), 1000.0), T.full((90,), 0.7))
T.binomial(T.arange(9000.0) / 9, T.full((9000,), 0.6))
T.poisson(T.full((90,), 30.0))
T.poisson(T.arange(9000.0) / 90)
T._standard_gamma(T.arange(1.0, 20.0) / 4)
T._standard_gamma(T.arange(1.0, 9000.0) / 3000)
T._standard_gamma(T.arange(0.0, 700.0, dtype=T.float64) / 300)
T._standard_gamma(T.arange(1.0, 701.0, dtype=T.float64) / 300)
_ = T.randn(3); T._standard_gamma(T.full((333,), 0.3))
T._standard_gamma(T.full((5001,), 40.0))
T._standard_gamma(T.tensor([float("nan"), -2.0, 1.0, 0.0, 1e-40, 1e30]))
T.distributions.Dirichlet(T.arange(1.0, 600.0) / 100).sample()
T.multinomial(T.arange(1.0, 6.0), 3)
T.multinomial(T.arange(1.0, 6.0), 6, True)
T.multinomial(T.arange(1.0, 6.0), 1)
T.multinomial(T.arange(1.0, 13.0).reshape(3, 4), 2)
T.arange(1.0, 6.0).multinomial(4, replacement=True)
T.zeros(5).uniform_()
T.zeros(5).uniform_(-1, 2)
T.zeros(3, 4).t().uniform_(-0.1, 0.1)
T.zeros(5, dtype=T.complex64).uniform_()
T.zeros(40).normal_(1.0, 2.0)
T.zeros(4, 9).t().normal_()
T.zeros(3, 1367).t().normal_()
T.zeros(4101).log_normal_()
T.zeros(5).random_()
T.zeros(5).random_(7)
T.zeros(5, dtype=T.int32).random_(-3, 7)
T.zeros(5, dtype=T.int64).random_(-2**63, None)
T.zeros(50, dtype=T.float16).random_(0, 5000)
T.zeros(50, dtype=T.float16).random_(0, 4098)
T.zeros(50).random_(2**24 + 1, 2**24 + 5)
T.zeros(5).bernoulli_()
T.zeros(5).bernoulli_(0.3)
T.zeros(2, 5).bernoulli_(T.arange(5.0) / 5)
T.zeros(5, dtype=T.int32).bernoulli_(0.3)
T.zeros(5).exponential_(2.0)
T.zeros(5).geometric_(0.3)
T.zeros(5, dtype=T.int64).geometric_(0.3)
T.zeros(5).cauchy_(1.0, 2.0)
T.zeros(5).log_normal_(0.1, 0.2)
T.rand(3, generator=T.Generator().manual_seed(7))
T.randperm(5, generator=T.Generator().manual_seed(7))
x = T.zeros(()); x.normal_(); x
x = T.zeros(4, 5); x[1].normal_(); x[:, 2].uniform_(); x
x = T.zeros(0); T.rand(3, out=x); x
x = T.zeros(3, dtype=T.float64); T.randn(3, out=x); x
x = T.zeros(4, dtype=T.int64); T.randperm(4, out=x); x
x = T.zeros(4); T.randint(0, 9, (4,), out=x); x
x = T.zeros(3); T.normal(T.ones(3), 2.0, out=x); x
g = T.get_rng_state(); a = T.rand(3); T.set_rng_state(g); T.rand(3) - a
g = T.Generator(); s = g.get_state(); a = T.rand(3, generator=g); g.set_state(s); T.rand(3, generator=g)
""".strip().splitlines()


@pytest.mark.oracle
@pytest.mark.parametrize("program", PROGRAMS)
def test_draws_what_pytorch_draws(torch, program):
    ours, our_state = result(lab, program)
    theirs, their_state = result(torch, program)
    assert repr(ours) == repr(theirs)
    assert str(ours.dtype) == str(theirs.dtype) and tuple(ours.shape) == tuple(theirs.shape)
    np.testing.assert_array_equal(ours.detach().numpy(), theirs.detach().numpy())
    if ours.numel() > 1:
        assert [step // ours._a.itemsize for step in ours._a.strides] == list(theirs.stride())
    np.testing.assert_array_equal(our_state, their_state)


REFUSED = """
T.zeros(2).uniform_(1, 0)
T.zeros(2, dtype=T.int32).uniform_()
T.zeros(2).uniform_(0, float('inf'))
T.zeros(2).uniform_(-3e38, 3e38)
T.zeros(2).normal_(0, -1)
T.zeros(2, dtype=T.int32).normal_()
T.zeros(2).random_(5, 3)
T.zeros(2).random_(0)
T.zeros(2, dtype=T.int8).random_(0, 300)
T.zeros(2, dtype=T.uint8).random_(-1, 3)
T.zeros(2, dtype=T.bool).random_(0, 3)
T.zeros(2, dtype=T.complex64).random_()
T.randint(5, 3, (2,))
T.randint(0, 300, (2,), dtype=T.int8)
T.randint(0, 5, 2)
T.randint(0, 5, (-1,))
T.randint(3.5, (2,))
T.randint(0, 5, (2,), requires_grad=True)
T.zeros(2).exponential_(-1)
T.zeros(2).exponential_(0)
T.zeros(2, dtype=T.int32).exponential_()
T.zeros(2).geometric_(0)
T.zeros(2).geometric_(1)
T.zeros(2).cauchy_(0, -1)
T.zeros(2).cauchy_(0, 0)
T.zeros(2).log_normal_(0, 0)
T.zeros(2, dtype=T.int32).log_normal_()
T.zeros(2).bernoulli_(1.5)
T.zeros(2).bernoulli_(T.tensor([0.5, 1.5]))
T.zeros(2).bernoulli_(T.tensor([1, 0]))
T.bernoulli(T.tensor([0.5, 1.5]))
T.bernoulli(T.zeros(2, dtype=T.int32))
T.poisson(T.tensor([-1.0]))
T.poisson(T.zeros(2, dtype=T.int32))
T.poisson(T.tensor([float('nan')]))
T.binomial(T.ones(2), T.ones(2, dtype=T.float64))
T.multinomial(T.tensor([1.0, -1]), 1)
T.multinomial(T.tensor([1.0, float('inf')]), 1)
T.multinomial(T.ones(3), 4)
T.multinomial(T.ones(3), 0)
T.multinomial(T.ones(3, dtype=T.int64), 1)
T.multinomial(T.ones(2, 3, 4), 1)
T.multinomial(T.tensor(1.0), 1)
T.multinomial(T.tensor([[1.0, 0], [0, 0]]), 1)
T.multinomial(T.tensor([[1.0, 0], [0, 0]]), 2, True)
T.randperm(-1)
T.randperm(3.0)
T.randperm(300, dtype=T.int8)
T.randperm(3000, dtype=T.float16)
T.randperm(5, dtype=T.bool)
T.rand(2, dtype=T.int64)
T.randn(2, dtype=T.int64)
T.rand()
T.rand(-1)
T.rand(2.5)
T.rand_like(T.zeros(2, dtype=T.int32))
T.rand(3, out=T.zeros(0, dtype=T.float64), dtype=T.float32)
T.normal(T.zeros(2), -1.0)
T.normal(0.0, T.tensor([-1.0]))
T.normal(0.0, -1.0, (2,))
T.normal(T.zeros(2, dtype=T.int32), 1.0)
T.set_rng_state(T.zeros(3))
T.set_rng_state(T.zeros(3, dtype=T.uint8))
T.Generator().set_state(3)
T.Generator().manual_seed(1.5)
T.Generator().manual_seed(2**64)
T.manual_seed("a")
T.zeros(2, requires_grad=True).uniform_()
T.zeros(2, requires_grad=True)[0].normal_()
T.zeros(1).expand(3).normal_()
""".strip().splitlines()


@pytest.mark.oracle
@pytest.mark.parametrize("program", REFUSED)
def test_refuses_what_pytorch_refuses(torch, program):
    """Same exception type, and our message begins as PyTorch's does."""
    def error(library):
        with pytest.raises(Exception) as caught:
            eval(program, {"T": library})
        return caught.value

    ours, theirs = error(lab), error(torch)
    assert type(ours) is type(theirs)
    ours, theirs = str(ours), str(theirs).split("\n")[0]
    start = min(len(theirs), 25)
    assert ours[:start] == theirs[:start], f"ours: {ours}\ntheirs: {theirs}"


@pytest.mark.parametrize("program", [
    "x.uniform_()", "x.normal_()", "x.random_()", "x.bernoulli_(0.5)", "x.exponential_()", "x.geometric_(0.5)",
    "x.cauchy_()", "x.log_normal_()", "T.bernoulli(x)", "T.poisson(x)", "T.normal(x, 1.0)", "T.normal(0.0, x)", "T.normal(x, x)"])
def test_gradient_through_a_draw_is_zero(program):
    p = lab.tensor([0.3, 0.4], requires_grad=True)
    (eval(program, {"x": p * 1, "T": lab}) * 3).sum().backward()
    assert p.grad.tolist() == [0.0, 0.0]


@pytest.mark.oracle
def test_gradient_of_a_gamma_number_is_pytorchs(torch):
    shapes = np.array([0.01, 0.3, 1.0, 2.5, 9.0, 60.0, 1000.0]).repeat(40)
    ours, theirs = lab.tensor(shapes, requires_grad=True), torch.tensor(shapes, requires_grad=True)
    for library, x in ((lab, ours), (torch, theirs)):
        library.manual_seed(1)
        library._standard_gamma(x).sum().backward()
    # PyTorch's own is a patchwork of approximations, good to about three digits.
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=2e-3)


def test_fill_through_a_view_keeps_the_rest_of_the_gradient():
    p = lab.ones(2, 2, requires_grad=True)
    x = p * 2
    x[0].normal_()
    x.sum().backward()
    assert p.grad.tolist() == [[0.0, 0.0], [2.0, 2.0]]


def test_a_draw_into_what_backward_needs_is_noticed():
    p = lab.ones(2, requires_grad=True)
    x = p * 2
    y = x * x
    x.uniform_()
    with pytest.raises(RuntimeError, match="modified"):
        y.sum().backward()


def test_generator_must_be_one():
    with pytest.raises(TypeError, match="must be a Generator"):
        lab.rand(2, generator=3)


def test_fork_rng_gives_the_stream_back():
    lab.manual_seed(3)
    expected = lab.rand(2).tolist()
    lab.manual_seed(3)
    with lab.random.fork_rng():
        lab.randn(100)
    assert lab.rand(2).tolist() == expected


def test_manual_seed_returns_the_default_generator():
    assert lab.manual_seed(5) is lab.default_generator
    assert lab.initial_seed() == 5
    assert lab.seed() == lab.initial_seed()
