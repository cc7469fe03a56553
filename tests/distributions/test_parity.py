"""Every distribution beside PyTorch's: what is drawn (bit for bit), densities, moments, divergences, gradients and refusals."""

import itertools
import math
import re
import warnings

import numpy as np
import pytest

import autodiff_lab as lab

pytestmark = pytest.mark.oracle

# Parameters stand in braces; they become float64 leaves that want a gradient.
DISTRIBUTIONS = """
D.Normal({[0.5, -1.0]}, {[[1.0], [2.5]]})
D.Normal({0.5}, {2.0})
D.LogNormal({[0.5, -1.0]}, {0.7})
D.Uniform({[0.0, -1.0]}, {[1.0, 3.0]})
D.Bernoulli({[0.3, 0.5, 0.9]})
D.Bernoulli(logits={[0.3, -2.0, 0.9]})
D.Categorical({[[0.1, 0.6, 0.3], [1.0, 2.0, 3.0]]})
D.Categorical(logits={[0.1, 0.6, -0.3]})
D.OneHotCategorical({[[0.1, 0.6, 0.3], [1.0, 2.0, 3.0]]})
D.OneHotCategorical(logits={[0.1, 0.6, -0.3]})
D.Multinomial(7, {[[0.1, 0.6, 0.3], [1.0, 2.0, 3.0]]})
D.Multinomial(3, logits={[0.1, 0.6, -0.3]})
D.Binomial(7, {[0.2, 0.5, 0.9]})
D.Binomial(40, logits={[0.2, -1.5]})
D.Beta({[0.5, 2.0, 30.0]}, {[3.0, 0.7, 20.0]})
D.Beta({2.0}, {3.0})
D.Dirichlet({[[0.5, 2.0, 3.0], [10.0, 1.0, 0.3]]})
D.Gamma({[0.5, 2.0, 30.0]}, {[3.0, 0.7, 2.0]})
D.Chi2({[1.0, 5.0]})
D.Exponential({[0.5, 3.0]})
D.Laplace({[0.5, -3.0]}, {[1.5, 0.3]})
D.Poisson({[0.5, 3.0, 40.0]})
D.Geometric({[0.2, 0.9]})
D.Geometric(logits={[0.2, -0.9]})
D.Cauchy({[0.5, -3.0]}, {[1.5, 0.3]})
D.HalfNormal({[0.5, 3.0]})
D.HalfCauchy({[0.5, 3.0]})
D.StudentT({[0.8, 1.5, 4.0]}, {[0.0, 1.0, -2.0]}, {[1.0, 2.0, 0.5]})
D.Gumbel({[0.5, -3.0]}, {[1.5, 0.3]})
D.MultivariateNormal({[0.5, -3.0]}, scale_tril={[[1.5, 0.0], [0.3, 0.8]]})
D.MultivariateNormal({[[0.5, -3.0], [1.0, 2.0]]}, {[[1.5, 0.3], [0.3, 0.8]]})
D.LKJCholesky(3, {[1.0, 2.5]})
D.ContinuousBernoulli({[0.2, 0.5, 0.9]})
D.ContinuousBernoulli(logits={[[0.2, -1.5], [0.0, 3.0]]})
D.LowRankMultivariateNormal({[0.5, -3.0, 1.0]}, {[[1.5], [0.3], [-0.2]]}, {[1.0, 0.5, 0.1]})
D.LowRankMultivariateNormal({[[0.5, -3.0], [0.0, 1.0]]}, {[[1.5, 0.3], [0.3, -0.2]]}, {[1.0, 0.5]})
D.MultivariateNormal({[0.5, -3.0]}, precision_matrix={[[[1.5, 0.3], [0.3, 0.8]], [[2.0, 0.0], [0.0, 1.0]]]})
D.Independent(D.Normal({[[0.5, -1.0, 2.0]]}, {[[1.0], [2.5]]}), 1)
D.Independent(D.Bernoulli({[0.3, 0.5, 0.9]}), 1)
D.Independent(D.Gamma({[0.5, 2.0, 30.0]}, {2.0}), 0)
D.TransformedDistribution(D.Normal({[0.5, -1.0]}, {[1.0, 2.5]}), [D.AffineTransform({0.3}, {-2.0}), D.SigmoidTransform()])
D.TransformedDistribution(D.Normal({[0.5, -1.0]}, {[1.0, 2.5]}), D.TanhTransform())
D.TransformedDistribution(D.Uniform({0.1}, {2.0}), [D.ExpTransform().inv, D.AffineTransform({[1.0, 2.0]}, {3.0})])
D.TransformedDistribution(D.Independent(D.Normal({[0.5, -1.0, 0.2]}, {[1.0, 0.5, 0.7]}), 1), [D.StickBreakingTransform()])
D.TransformedDistribution(D.Normal({[0.5, -1.0, 0.2]}, {[1.0, 0.5, 0.7]}), [D.CorrCholeskyTransform()])
D.TransformedDistribution(D.Exponential({[0.5, 1.0]}), [D.PowerTransform({0.5}), D.SoftplusTransform()])
D.MixtureSameFamily(D.Categorical({[0.2, 0.5, 0.3]}), D.Normal({[0.5, -1.0, 3.0]}, {[1.0, 2.0, 0.5]}))
D.MixtureSameFamily(D.Categorical(logits={[[0.2, 0.5], [0.1, 0.7]]}), D.Independent(D.Normal({[[[0.5, -1.0, 3.0]], [[1.0, 0.0, 1.0]]]}, {[1.0, 2.0, 0.5]}).expand((2, 2, 3)), 1))
""".strip().splitlines()

EXTRA = """
D.Pareto({[0.5, 2.0]}, {[3.0, 1.5]})
D.Weibull({[0.5, 2.0]}, {[3.0, 1.5]})
D.NegativeBinomial(5, {[0.2, 0.7]})
D.NegativeBinomial({[2.5, 4.0]}, logits={[0.2, -0.7]})
D.InverseGamma({[2.5, 4.0]}, {[1.0, 2.0]})
D.Kumaraswamy({[2.5, 0.7]}, {[1.0, 2.0]})
D.FisherSnedecor({[2.5, 9.0]}, {[5.0, 7.0]})
D.RelaxedBernoulli({0.7}, {[0.2, 0.6]})
D.RelaxedOneHotCategorical({0.7}, logits={[0.2, 0.6, -1.0]})
D.LogisticNormal({[0.2, 0.6]}, {[1.0, 0.5]})
""".strip().splitlines()
ALL = DISTRIBUTIONS + [line for line in EXTRA if hasattr(lab.distributions, line[2:].split("(")[0])]


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed")


def build(library, program, dtype=None, grad=True):
    """The distribution, and the leaves it was made of."""
    leaves = []

    def leaf(match):
        leaves.append(library.tensor(eval(match[1]), dtype=dtype or library.float64, requires_grad=grad))
        return f"leaves[{len(leaves) - 1}]"
    return eval(re.sub(r"\{([^}]*)\}", leaf, program), {"D": library.distributions, "leaves": leaves, "T": library}), leaves


def values(result):
    return np.asarray(result.detach().numpy())


def agree(ours, theirs, tolerance=1e-9, what=""):
    assert tuple(ours.shape) == tuple(theirs.shape), what
    assert str(ours.dtype) == str(theirs.dtype), what
    np.testing.assert_allclose(values(ours), values(theirs), rtol=tolerance, atol=tolerance, err_msg=what)


def outcome(call):
    """What a call gives, or the type of what it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return call()
        except (NotImplementedError, ValueError, TypeError, RuntimeError, AttributeError) as error:
            return type(error)


def compare(ours, theirs, tolerance=1e-9, what=""):
    if isinstance(theirs, type) or isinstance(ours, type):
        assert ours is theirs, what
    else:
        agree(ours, theirs, tolerance, what)


def gradients(library, result, leaves):
    if not result.requires_grad:
        return None
    weights = library.cos(library.arange(result.numel(), dtype=result.dtype)).reshape(result.shape)
    return library.autograd.grad((result * weights).sum(), leaves, allow_unused=True, retain_graph=True)


def compare_gradients(torch, ours, theirs, our_leaves, their_leaves, tolerance, what=""):
    a, b = gradients(lab, ours, our_leaves), gradients(torch, theirs, their_leaves)
    assert (a is None) == (b is None), what
    for x, y in zip(a or (), b or (), strict=True):
        if x is None or y is None:
            rest = y if x is None else x
            assert rest is None or not values(rest).any(), what
        else:
            np.testing.assert_allclose(values(x), values(y), rtol=tolerance, atol=tolerance, err_msg=f"gradient of {what}")


@pytest.mark.parametrize("program", ALL)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_draws_the_same_numbers(torch, program, dtype):
    ours, _ = build(lab, program, getattr(lab, dtype), grad=False)
    theirs, _ = build(torch, program, getattr(torch, dtype), grad=False)
    for shape in ((), (3,), (5, 4)):
        for library in (lab, torch):
            library.manual_seed(7)
        a, b = ours.sample(shape), theirs.sample(shape)
        assert a.dtype == getattr(lab, str(b.dtype)[6:]) and tuple(a.shape) == tuple(b.shape)
        exact = values(a) == values(b)
        assert exact.all() or np.allclose(values(a), values(b), rtol=2e-6 if dtype == "float32" else 1e-13), (a, b)
        np.testing.assert_array_equal(lab.get_rng_state().numpy(), torch.get_rng_state().numpy())


@pytest.mark.parametrize("program", ALL)
def test_moments_and_densities_and_their_gradients(torch, program):
    ours, our_leaves = build(lab, program)
    theirs, their_leaves = build(torch, program)
    assert repr(ours) == repr(theirs)
    assert ours.batch_shape == theirs.batch_shape and ours.event_shape == theirs.event_shape
    assert ours.has_rsample == theirs.has_rsample and ours.has_enumerate_support == theirs.has_enumerate_support
    loose = 1e-6 if "Student" in program or "Gamma" in program else 1e-8
    for name in ("mean", "mode", "variance", "stddev", "entropy", "perplexity"):
        a, b = (outcome(lambda d=d, name=name: getattr(d, name)() if name in ("entropy", "perplexity") else getattr(d, name)) for d in (ours, theirs))
        if "Kumaraswamy" in program and name == "mode":
            continue  # PyTorch's is nan even where there is a mode
        compare(a, b, loose, name)
        if not isinstance(b, type) and b.dtype.is_floating_point:
            compare_gradients(torch, a, b, our_leaves, their_leaves, loose, name)
    torch.manual_seed(3)
    drawn = theirs.sample((4,))
    value = lab.tensor(drawn.numpy())
    for name in ("log_prob", "cdf"):
        a, b = outcome(lambda name=name: getattr(ours, name)(value)), outcome(lambda name=name: getattr(theirs, name)(drawn))
        compare(a, b, loose, name)
        if not isinstance(b, type) and name == "log_prob":
            compare_gradients(torch, a, b, our_leaves, their_leaves, loose, name)
    rank = np.linspace(0.1, 0.9, 4).reshape((4,) + (1,) * len(ours.batch_shape))
    compare(outcome(lambda: ours.icdf(lab.tensor(rank))), outcome(lambda: theirs.icdf(torch.tensor(rank))), loose, "icdf")
    compare(outcome(ours.enumerate_support), outcome(theirs.enumerate_support), what="enumerate_support")
    assert repr(outcome(lambda: ours.support)) == repr(outcome(lambda: theirs.support)) or "tensor" in repr(theirs.support)


@pytest.mark.parametrize("program", ALL)
def test_gradients_flow_through_draws(torch, program):
    ours, our_leaves = build(lab, program)
    theirs, their_leaves = build(torch, program)
    for library in (lab, torch):
        library.manual_seed(11)
    a, b = outcome(lambda: ours.rsample((30,))), outcome(lambda: theirs.rsample((30,)))
    compare(a, b, 1e-6, "rsample")
    if not isinstance(b, type):
        implicit = any(word in program for word in ("Gamma", "Beta", "Dirichlet", "Chi2", "Student", "Fisher"))
        # PyTorch's derivatives of gamma and beta ranks are approximations, good to about three digits.
        compare_gradients(torch, a, b, our_leaves, their_leaves, 4e-3 if implicit else 1e-8, "rsample")


@pytest.mark.parametrize("program", ALL)
def test_expands(torch, program):
    ours, theirs = build(lab, program)[0], build(torch, program)[0]
    shape = (3, *theirs.batch_shape)
    ours, theirs = ours.expand(shape), theirs.expand(shape)
    assert ours.batch_shape == theirs.batch_shape and ours.event_shape == theirs.event_shape
    for library in (lab, torch):
        library.manual_seed(5)
    a, b = ours.sample((2,)), theirs.sample((2,))
    agree(a, b)
    agree(ours.log_prob(a), theirs.log_prob(b), 1e-6)
    compare(outcome(lambda: ours.mean), outcome(lambda: theirs.mean), 1e-6)
    wanted = outcome(theirs.entropy)
    if wanted is not AttributeError:  # PyTorch's expanded Multinomial has lost what it needs
        compare(outcome(ours.entropy), wanted, 1e-6)


PAIRS = {
    "Normal": "D.Normal({[0.5, -1.0]}, {[1.0, 2.5]})", "Uniform": "D.Uniform({[0.1, 0.2]}, {[0.7, 0.9]})", "Beta": "D.Beta({[0.5, 2.0]}, {[3.0, 0.7]})",
    "Gamma": "D.Gamma({[0.5, 2.0]}, {[3.0, 0.7]})", "Exponential": "D.Exponential({[0.5, 3.0]})", "Laplace": "D.Laplace({[0.5, -3.0]}, {[1.5, 0.3]})",
    "Gumbel": "D.Gumbel({[0.5, -3.0]}, {[1.5, 0.3]})", "Poisson": "D.Poisson({[0.5, 3.0]})", "Bernoulli": "D.Bernoulli({[0.3, 0.9]})",
    "Binomial": "D.Binomial(5, {[0.3, 0.9]})", "Cauchy": "D.Cauchy({[0.5, -3.0]}, {[1.5, 0.3]})", "HalfNormal": "D.HalfNormal({[0.5, 3.0]})",
    "LogNormal": "D.LogNormal({[0.5, -1.0]}, {[1.0, 2.5]})", "Geometric": "D.Geometric({[0.3, 0.9]})",
    "Categorical": "D.Categorical({[[0.1, 0.6, 0.3], [1.0, 2.0, 3.0]]})", "OneHot": "D.OneHotCategorical(logits={[[0.1, 0.6, 0.3], [1.0, 2.0, 3.0]]})",
    "Dirichlet": "D.Dirichlet({[[0.5, 2.0, 3.0], [10.0, 1.0, 0.3]]})", "Independent": "D.Independent(D.Normal({[0.5, -1.0]}, {[1.0, 2.5]}), 1)",
    "MultivariateNormal": "D.MultivariateNormal({[[0.5, -3.0], [1.0, 2.0]]}, {[[1.5, 0.3], [0.3, 0.8]]})",
    "LowRank": "D.LowRankMultivariateNormal({[0.5, -3.0]}, {[[1.5], [0.3]]}, {[1.0, 0.7]})",
    "Transformed": "D.TransformedDistribution(D.Normal({[0.5, -1.0]}, {[1.0, 2.5]}), D.SigmoidTransform())",
}


@pytest.mark.parametrize("p, q", list(itertools.product(PAIRS, PAIRS)))
def test_divergences(torch, p, q):
    other = PAIRS[q].replace("0.5", "0.6").replace("3.0", "2.0").replace("0.3", "0.35")
    found = []
    for library in (lab, torch):
        (one, some), (two, more) = build(library, PAIRS[p]), build(library, other)
        found.append((outcome(lambda one=one, two=two, library=library: library.distributions.kl_divergence(one, two)), [*some, *more]))
    (ours, our_leaves), (theirs, their_leaves) = found
    compare(ours, theirs, 1e-7)
    if not isinstance(theirs, type) and math.isfinite(float(theirs.detach().sum())):
        compare_gradients(torch, ours, theirs, our_leaves, their_leaves, 1e-6, "kl_divergence")


REFUSED = """
D.Normal(0., -1.)
D.Normal(T.tensor([0., float('nan')]), 1.)
D.Normal('a', 1.)
D.Normal(T.zeros(2), T.ones(3))
D.Categorical(T.tensor([-1., 2]))
D.Categorical(T.tensor(1.))
D.Categorical()
D.Bernoulli()
D.Bernoulli(0.5, 0.5)
D.Bernoulli(1.5)
D.Normal(0., 1.).log_prob(3)
D.Bernoulli(0.3).log_prob(T.tensor(0.5))
D.Normal(T.zeros(3), 1.).log_prob(T.zeros(2))
D.Uniform(1., 0.)
D.Uniform(0., 1.).log_prob(T.tensor(2.0))
D.kl_divergence(D.Normal(0., 1.), D.Cauchy(0., 1.))
D.MultivariateNormal(T.zeros(2))
D.MultivariateNormal(T.tensor(1.), T.eye(2))
D.MultivariateNormal(T.zeros(2), T.ones(2))
D.MultivariateNormal(T.zeros(2), -T.eye(2))
D.MultivariateNormal(T.zeros(2), T.eye(2), scale_tril=T.eye(2))
D.Independent(D.Normal(0., 1.), 1)
D.Multinomial(T.tensor(3), T.ones(2))
D.Dirichlet(T.tensor(1.))
D.Dirichlet(T.tensor([1., -1.]))
D.Normal(0., 1.).sample(3)
D.TransformedDistribution(D.Normal(0., 1.), [3])
D.TransformedDistribution(D.Normal(0., 1.), 3)
D.TransformedDistribution(D.Normal(0., 1.), [D.StickBreakingTransform()])
D.OneHotCategorical(T.ones(3)).log_prob(T.tensor([1., 1., 0.]))
D.OneHotCategorical(T.ones(3)).log_prob(T.tensor([1., 0.]))
D.Binomial(T.tensor([2., 3.]), T.ones(2) / 2).enumerate_support()
D.Binomial(-1, 0.5)
D.Geometric(0.0)
D.Poisson(-1.0)
D.Gamma(1.0, 0.0)
D.Beta(0.0, 1.0)
D.MixtureSameFamily(D.Normal(0., 1.), D.Normal(T.zeros(2), 1.))
D.MixtureSameFamily(D.Categorical(T.ones(3)), D.Normal(T.zeros(2), 1.))
D.MixtureSameFamily(D.Categorical(T.ones(3)), 3)
D.Distribution(validate_args=False).rsample()
D.Distribution(validate_args=False).log_prob(T.zeros(1))
D.Bernoulli(0.5).rsample()
D.Poisson(2.0).entropy()
D.ExpTransform(cache_size=2)
D.ReshapeTransform((2,), (3,))
D.biject_to(D.constraints.boolean)
D.biject_to.register(3, 4)
""".strip().splitlines()


@pytest.mark.parametrize("program", REFUSED)
def test_refuses_what_pytorch_refuses(torch, program):
    """Same exception type; where PyTorch says something, our message begins the same."""
    errors = []
    for library in (lab, torch):
        with pytest.raises(Exception) as caught:
            eval(program, {"T": library, "D": library.distributions})
        errors.append(caught.value)
    ours, theirs = errors
    assert type(ours) is type(theirs)
    ours, theirs = str(ours), str(theirs)
    assert not theirs or ours[:40] == theirs[:40], f"ours: {ours}\ntheirs: {theirs}"


TRANSFORMS = """
D.ExpTransform()
D.SigmoidTransform()
D.TanhTransform()
D.SoftplusTransform()
D.AffineTransform(0.5, -2.0)
D.AffineTransform(T.tensor([0.5, 1.0, 2.0]), T.tensor([0.5, -1.0, 2.0]))
D.AffineTransform(0.5, -2.0, event_dim=1)
D.SoftmaxTransform()
D.StickBreakingTransform()
D.CorrCholeskyTransform()
D.AbsTransform()
D.ComposeTransform([D.AffineTransform(1.0, 2.0), D.ExpTransform(), D.PowerTransform(2.0)])
D.ComposeTransform([])
D.IndependentTransform(D.ExpTransform(), 1)
D.ReshapeTransform((3,), (3, 1))
D.StackTransform([D.ExpTransform(), D.SigmoidTransform(), D.TanhTransform()], -1)
D.CatTransform([D.ExpTransform(), D.SigmoidTransform()], -1, [2, 1])
D.CumulativeDistributionTransform(D.Normal(0.0, 1.0))
D.ExpTransform(cache_size=1)
D.biject_to(D.constraints.positive)
D.biject_to(D.constraints.unit_interval)
D.biject_to(D.constraints.simplex)
D.biject_to(D.constraints.interval(-1.0, 3.0))
D.biject_to(D.constraints.less_than(3.0))
D.biject_to(D.constraints.independent(D.constraints.positive, 1))
D.transform_to(D.constraints.real)
D.transform_to(D.constraints.simplex)
""".strip().splitlines()


@pytest.mark.parametrize("program", TRANSFORMS)
def test_transforms(torch, program):
    x = np.array([[0.3, -0.7, 1.2], [2.0, 0.1, -0.4]])
    t, s = (eval(program, {"T": library, "D": library.distributions}) for library in (lab, torch))
    u, v = lab.tensor(x), torch.tensor(x)
    y, z = t(u), s(v)
    agree(y, z, 1e-6)
    assert repr(t) == repr(s) or "Compose" in repr(s)
    compare(outcome(lambda: t.log_abs_det_jacobian(u, y)), outcome(lambda: s.log_abs_det_jacobian(v, z)), 1e-6, "log_abs_det_jacobian")
    agree(t.inv(y), s.inv(z), 1e-6)
    assert t.bijective == s.bijective and t.domain.event_dim == s.domain.event_dim and t.codomain.event_dim == s.codomain.event_dim
    assert tuple(t.forward_shape((2, 3))) == tuple(s.forward_shape((2, 3))) and tuple(t.inverse_shape(y.shape)) == tuple(s.inverse_shape(z.shape))
    assert t.codomain.check(y).all() and (t == t) and t.inv.inv == t


CHECKS = """
C.real, [1.0, float('nan')]
C.positive, [0.0, 1.0, -1.0]
C.nonnegative, [0.0, 1.0, -1.0]
C.unit_interval, [0.0, 1.0, 1.5]
C.half_open_interval(0.0, 1.0), [0.0, 1.0, 0.5]
C.less_than(2.0), [1.0, 2.0]
C.greater_than_eq(2.0), [1.0, 2.0]
C.boolean, [0.0, 1.0, 0.5]
C.nonnegative_integer, [0.0, 1.0, 0.5, -1.0]
C.integer_interval(1, 3), [0.0, 1.0, 1.5, 3.0]
C.simplex, [[0.5, 0.5], [0.5, 0.6]]
C.one_hot, [[0.0, 1.0], [1.0, 1.0]]
C.multinomial(3), [[1.0, 2.0], [2.0, 2.0]]
C.real_vector, [[1.0, 2.0], [2.0, float('nan')]]
C.lower_triangular, [[[1.0, 0.0], [2.0, 3.0]], [[1.0, 1.0], [2.0, 3.0]]]
C.lower_cholesky, [[[1.0, 0.0], [2.0, 3.0]], [[1.0, 0.0], [2.0, -3.0]]]
C.corr_cholesky, [[[1.0, 0.0], [0.6, 0.8]], [[1.0, 0.0], [0.6, 0.9]]]
C.positive_definite, [[[1.0, 0.0], [0.0, 3.0]], [[1.0, 2.0], [2.0, 3.0]]]
C.positive_semidefinite, [[[1.0, 0.0], [0.0, 0.0]], [[1.0, 2.0], [2.0, 3.0]]]
C.symmetric, [[1.0, 0.5], [0.5, 3.0]]
C.square, [[1.0, 0.5], [0.4, 3.0]]
C.cat([C.positive, C.real], -1, [1, 2]), [[1.0, -1.0, 1.0]]
C.stack([C.positive, C.real], -1), [[1.0, -1.0], [-1.0, 1.0]]
C.independent(C.positive, 1), [[1.0, -1.0], [1.0, 1.0]]
""".strip().splitlines()


@pytest.mark.parametrize("program", CHECKS)
def test_constraints(torch, program):
    results = []
    for library in (lab, torch):
        constraint, value = eval(program, {"C": library.distributions.constraints})
        results.append((repr(constraint), constraint.is_discrete, constraint.event_dim, constraint.check(library.tensor(value)).tolist()))
    assert results[0] == results[1]


def test_angles(torch):
    """Apart from the rest, since PyTorch's Bessel functions are polynomials good to six digits."""
    ours, theirs = (library.distributions.VonMises(library.tensor([0.5, -2.0]), library.tensor([1.0, 30.0])) for library in (lab, torch))
    values = [0.3, 2.5]
    for library in (lab, torch):
        library.manual_seed(5)
    np.testing.assert_allclose(ours.sample((4,)).numpy(), theirs.sample((4,)).numpy(), rtol=1e-6)
    np.testing.assert_allclose(ours.log_prob(lab.tensor(values)).numpy(), theirs.log_prob(torch.tensor(values)).numpy(), rtol=1e-5)
    np.testing.assert_allclose(ours.variance.numpy(), theirs.variance.numpy(), rtol=1e-4)
    assert ours.expand((3, 2)).sample().shape == (3, 2) and ours.mean.tolist() == theirs.mean.tolist()


@pytest.mark.parametrize("number", range(3))
@pytest.mark.filterwarnings("ignore:Singular sample detected")
def test_random_covariances(torch, number):
    """Apart from the rest, since PyTorch warns at every draw."""
    made = []
    for library in (lab, torch):
        C, D, real = library.tensor([[2.0, 0.5], [0.5, 1.0]], dtype=library.float64), library.distributions, library.float64
        made.append((lambda D=D, C=C, library=library, real=real: D.Wishart(library.tensor(4.0, dtype=real), C, validate_args=True),
                     lambda D=D, C=C, library=library, real=real: D.Wishart(library.tensor([3.0, 5.5], dtype=real), scale_tril=library.linalg.cholesky(C)),
                     lambda D=D, C=C: D.Wishart(5.0, precision_matrix=C))[number]())
    ours, theirs = made
    draws = []
    for library, each in ((lab, ours), (torch, theirs)):
        library.manual_seed(1)
        draws.append((each.sample((3,)), each.expand((2, *each.batch_shape)).sample()))
    for mine, other in zip(draws[0], draws[1], strict=True):
        np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-10)
    np.testing.assert_allclose(ours.log_prob(draws[0][0]).numpy(), theirs.log_prob(draws[1][0]).numpy(), rtol=1e-10)
    for name in ("mean", "mode", "variance", "covariance_matrix", "precision_matrix", "scale_tril"):
        np.testing.assert_allclose(getattr(ours, name).numpy(), getattr(theirs, name).numpy(), rtol=1e-10)
    np.testing.assert_allclose(ours.entropy().numpy(), theirs.entropy().numpy(), rtol=1e-10)
