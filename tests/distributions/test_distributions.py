"""Distributions without PyTorch beside them: numbers known in advance, identities, gradients of estimates, copies and pickles."""

import copy
import math
import pickle
import subprocess
import sys

import numpy as np
import pytest

import autodiff_lab as lab

D = lab.distributions


@pytest.mark.parametrize("make, value, expected", [
    (lambda: D.Normal(1.0, 2.0), 3.0, -0.5 - math.log(2.0) - 0.5 * math.log(2 * math.pi)), (lambda: D.Uniform(0.0, 4.0), 1.0, -math.log(4.0)),
    (lambda: D.Bernoulli(0.25), 1.0, math.log(0.25)), (lambda: D.Binomial(4, 0.5), 2.0, math.log(0.375)), (lambda: D.Poisson(2.0), 3.0, math.log(4.0 / 3.0) - 2.0),
    (lambda: D.Exponential(2.0), 1.5, math.log(2.0) - 3.0), (lambda: D.Laplace(0.0, 1.0), -1.0, -1.0 - math.log(2.0)), (lambda: D.Beta(2.0, 1.0), 0.5, 0.0),
    (lambda: D.Gamma(1.0, 3.0), 1.0, math.log(3.0) - 3.0), (lambda: D.Geometric(0.25), 2.0, math.log(0.75**2 * 0.25)), (lambda: D.Cauchy(0.0, 1.0), 0.0, -math.log(math.pi)),
    (lambda: D.LogNormal(0.0, 1.0), 1.0, -0.5 * math.log(2 * math.pi)), (lambda: D.HalfNormal(1.0), 0.0, 0.5 * math.log(2 / math.pi)),
    (lambda: D.Categorical(lab.tensor([1.0, 3.0])), 1, math.log(0.75)), (lambda: D.StudentT(1.0), 0.0, -math.log(math.pi)), (lambda: D.Gumbel(0.0, 1.0), 0.0, -1.0)])
def test_log_probabilities_known_in_advance(make, value, expected):
    assert make().log_prob(lab.tensor(value)).item() == pytest.approx(expected, abs=1e-6)


def test_draws_from_one_seed_are_fixed():
    lab.manual_seed(0)
    assert D.Normal(0.0, 1.0).sample((3,)).tolist() == pytest.approx([1.5409960746765137, -0.293428897857666, -2.1787893772125244])
    assert D.Categorical(lab.tensor([0.1, 0.2, 0.7])).sample((8,)).tolist() == [2, 2, 1, 2, 2, 1, 2, 1]
    assert D.Bernoulli(0.3).sample((6,)).tolist() == [0.0, 0.0, 0.0, 1.0, 1.0, 0.0]


@pytest.mark.parametrize("make", [
    lambda: D.Normal(1.0, 2.0), lambda: D.Uniform(-1.0, 2.0), lambda: D.Laplace(1.0, 2.0), lambda: D.Exponential(2.0), lambda: D.Cauchy(1.0, 2.0),
    lambda: D.LogNormal(0.0, 0.5), lambda: D.Gumbel(1.0, 2.0), lambda: D.HalfNormal(2.0), lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), D.AffineTransform(1.0, -2.0))])
def test_cdf_undoes_icdf_and_its_slope_is_the_density(make):
    d = make()
    rank = lab.linspace(0.1, 0.9, 8, dtype=lab.float64)
    x = d.icdf(rank).detach().requires_grad_()
    assert lab.allclose(d.cdf(x), rank, atol=1e-6)
    slope, = lab.autograd.grad(d.cdf(x).sum(), x)
    assert lab.allclose(slope, d.log_prob(x).exp().to(slope.dtype), rtol=1e-5)


@pytest.mark.parametrize("make", [lambda: D.Bernoulli(0.3), lambda: D.Binomial(6, 0.3), lambda: D.Categorical(lab.tensor([0.2, 0.3, 0.5])), lambda: D.OneHotCategorical(lab.tensor([0.2, 0.8]))])
def test_probabilities_of_everything_possible_add_up_to_one(make):
    d = make()
    logs = d.log_prob(d.enumerate_support())
    assert logs.exp().sum().item() == pytest.approx(1.0)
    assert -(logs.exp() * logs).sum().item() == pytest.approx(d.entropy().item(), abs=1e-5)


@pytest.mark.parametrize("p, q", [
    (lambda: D.Normal(0.0, 1.0), lambda: D.Normal(1.0, 2.0)), (lambda: D.Gamma(2.0, 1.0), lambda: D.Gamma(3.0, 2.0)), (lambda: D.Beta(2.0, 3.0), lambda: D.Beta(1.0, 1.5)),
    (lambda: D.Normal(0.0, 1.0), lambda: D.Laplace(0.5, 1.0)), (lambda: D.Exponential(1.0), lambda: D.Gumbel(0.0, 1.0)), (lambda: D.Uniform(0.2, 0.8), lambda: D.Beta(2.0, 3.0)),
    (lambda: D.Gumbel(0.0, 1.0), lambda: D.Normal(0.0, 2.0)), (lambda: D.Poisson(3.0), lambda: D.Poisson(2.0))])
def test_divergences_are_the_mean_log_ratio(p, q):
    lab.manual_seed(0)
    p, q = p(), q()
    x = p.sample((40000,))
    ratios = p.log_prob(x) - q.log_prob(x)
    error = ratios.std().item() / 200
    assert lab.distributions.kl_divergence(p, q).item() == pytest.approx(ratios.mean().item(), abs=5 * error + 1e-6)
    assert lab.distributions.kl_divergence(p, p).item() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("make, values", [
    (D.Gamma, (2.0, 3.0)), (D.Gamma, (0.4, 1.0)), (D.Beta, (2.0, 3.0)), (D.Beta, (0.5, 0.7)), (D.Normal, (1.0, 2.0)), (D.Laplace, (1.0, 2.0)), (D.Exponential, (2.0,)), (D.StudentT, (6.0,))])
def test_gradients_through_draws_estimate_the_gradient_of_the_variance(make, values):
    """d/dθ E[x²] from draws is that of mean² + variance."""
    lab.manual_seed(1)
    parameters = [lab.tensor(v, dtype=lab.float64, requires_grad=True) for v in values]
    d = make(*parameters)
    exact = lab.autograd.grad((d.mean ** 2 + d.variance), parameters)
    estimate = lab.autograd.grad((d.rsample((30000,)) ** 2).mean(), parameters)
    for a, b in zip(exact, estimate, strict=True):
        assert b.item() == pytest.approx(a.item(), rel=0.1)


@pytest.mark.parametrize("concentration", [[0.3, 0.8, 4.0], [5.0, 40.0, 200.0], [1e-2, 2.0, 3.0]])
def test_dirichlet_gradient_keeps_the_sum_of_shares(concentration):
    lab.manual_seed(0)
    a = lab.tensor(concentration, dtype=lab.float64, requires_grad=True)
    x = D.Dirichlet(a).rsample((200,))
    gradient, = lab.autograd.grad(x.sum(), a, retain_graph=True)
    assert lab.isfinite(gradient).all() and lab.allclose(gradient, lab.zeros_like(gradient), atol=1e-9)
    slope, = lab.autograd.grad(x[:, 0].sum(), a)
    assert slope[0] > 0 > slope[1]


def test_policy_gradient_reaches_the_logits():
    logits = lab.zeros(3, requires_grad=True)
    policy = D.Categorical(logits=logits)
    policy.log_prob(lab.tensor(1)).backward()
    assert lab.allclose(logits.grad, lab.tensor([-1 / 3, 2 / 3, -1 / 3]))


def test_an_entropy_bonus_is_largest_for_equal_probabilities():
    logits = lab.tensor([0.0, 0.0], requires_grad=True)
    D.Categorical(logits=logits).entropy().backward()
    assert logits.grad.tolist() == [0.0, 0.0]


def test_batch_of_a_mixture_agrees_with_its_parts():
    weights, means = lab.tensor([0.25, 0.75]), lab.tensor([-1.0, 2.0])
    mixture = D.MixtureSameFamily(D.Categorical(weights), D.Normal(means, 1.0))
    x = lab.linspace(-3.0, 4.0, 5)
    expected = (weights * D.Normal(means, 1.0).log_prob(x.unsqueeze(-1)).exp()).sum(-1).log()
    assert lab.allclose(mixture.log_prob(x), expected) and mixture.mean.item() == pytest.approx(1.25)


@pytest.mark.parametrize("make", [lambda: D.Normal(lab.zeros(2), 1.0), lambda: D.Beta(lab.ones(3), 2.0), lambda: D.MultivariateNormal(lab.zeros(2), lab.eye(2)), lambda: D.LogNormal(0.0, 1.0)])
def test_copies_and_pickles_draw_the_same(make):
    d = make()
    for other in (copy.deepcopy(d), pickle.loads(pickle.dumps(d)), d.expand(d.batch_shape)):
        lab.manual_seed(2)
        a = d.sample((3,))
        lab.manual_seed(2)
        assert np.array_equal(a.numpy(), other.sample((3,)).numpy())


def test_a_subclass_states_its_own_formulas():
    class Fair(D.Distribution):
        arg_constraints = {}
        support = D.constraints.boolean

        def sample(self, sample_shape=()):
            return lab.bernoulli(lab.full(self._extended_shape(sample_shape), 0.5))

        def log_prob(self, value):
            self._validate_sample(value)
            return lab.full(value.shape, math.log(0.5))

    assert Fair().sample((4,)).shape == (4,)
    with pytest.raises(ValueError, match="support"):
        Fair().log_prob(lab.tensor(0.3))
    with pytest.raises(NotImplementedError, match="no entropy"):
        Fair().entropy()


def test_validation_can_be_turned_off():
    assert D.Normal(0.0, -1.0, validate_args=False).scale.item() == -1.0
    D.Distribution.set_default_validate_args(False)
    try:
        assert D.Bernoulli(2.0).probs.item() == 2.0
    finally:
        D.Distribution.set_default_validate_args(True)


def test_a_registered_divergence_is_used_for_subclasses():
    class Mine(D.Normal):
        pass

    class Other(D.Normal):
        pass

    @D.register_kl(Mine, D.Normal)
    def _(p, q):
        return lab.tensor(7.0)

    assert D.kl_divergence(Mine(0.0, 1.0), Other(0.0, 1.0)).item() == 7.0
    assert D.kl_divergence(Other(0.0, 1.0), Mine(0.0, 1.0)).item() == 0.0


def test_a_cached_transform_returns_the_very_input():
    transform = D.ExpTransform(cache_size=1)
    x = lab.randn(3)
    assert transform.inv(transform(x)) is x


def test_the_package_does_not_import_them_before_they_are_used():
    program = "import sys, autodiff_lab as lab; assert 'autodiff_lab.distributions' not in sys.modules; lab.distributions.Normal; assert 'autodiff_lab.distributions' in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_the_mode_of_kumaraswamy_is_where_its_density_is_largest():
    d = D.Kumaraswamy(lab.tensor(2.5, dtype=lab.float64), lab.tensor(1.5, dtype=lab.float64))
    x = lab.linspace(0.01, 0.99, 9801, dtype=lab.float64)
    assert x[d.log_prob(x).argmax()].item() == pytest.approx(d.mode.item(), abs=1e-3)


def test_a_divergence_may_be_registered_for_any_class():
    class Foreign:
        pass

    D.register_kl(Foreign, Foreign)(lambda p, q: 3.0)
    assert D.kl_divergence(Foreign(), Foreign()) == 3.0
    with pytest.raises(TypeError, match="to be a Distribution subclass"):
        D.register_kl(Foreign(), Foreign)
