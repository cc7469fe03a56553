"""How much one distribution differs from another: `kl_divergence(p, q)`, by formulas registered for pairs of types."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import autodiff_lab as lab

from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .categorical import Categorical
from .cauchy import Cauchy
from .dirichlet import Dirichlet
from .distribution import Distribution
from .exponential import Exponential
from .gamma import Gamma
from .geometric import Geometric
from .gumbel import Gumbel
from .half_normal import HalfNormal
from .independent import Independent
from .laplace import Laplace
from .log_normal import LogNormal
from .lowrank_multivariate_normal import LowRankMultivariateNormal
from .multivariate_normal import MultivariateNormal, log_diagonal, mahalanobis
from .normal import Normal
from .one_hot_categorical import OneHotCategorical
from .poisson import Poisson
from .transformed_distribution import TransformedDistribution
from .uniform import Uniform
from .utils import sum_rightmost

__all__ = ["kl_divergence", "register_kl"]

_EULER = 0.57721566490153286060
_registry: dict[tuple, Callable] = {}
_found: dict[tuple, Callable | None] = {}


def register_kl(type_p, type_q):
    """Decorate the formula for a pair of distribution types; subclasses use it unless they have their own."""
    for kind in (type_p, type_q):
        if not isinstance(kind, type):  # any class, as in PyTorch: packages have distributions that are not of this family
            raise TypeError(f"Expected {'type_p' if kind is type_p else 'type_q'} to be a Distribution subclass but got {kind}")

    def decorate(function):
        _registry[type_p, type_q] = function
        _found.clear()
        return function
    return decorate


def _formula(type_p, type_q):
    """The registered formula nearest to the two types; of p's and q's preferences, p's count."""
    fitting = [pair for pair in _registry if issubclass(type_p, pair[0]) and issubclass(type_q, pair[1])]
    if not fitting:
        return None
    by_p = min(fitting, key=lambda pair: (type_p.__mro__.index(pair[0]), type_q.__mro__.index(pair[1])))
    by_q = min(fitting, key=lambda pair: (type_q.__mro__.index(pair[1]), type_p.__mro__.index(pair[0])))
    if _registry[by_p] is not _registry[by_q]:
        warnings.warn(f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). Please register_kl({by_p[0].__name__}, {by_q[1].__name__})",
                      RuntimeWarning, stacklevel=3)
    return _registry[by_p]


def kl_divergence(p: Distribution, q: Distribution):
    """The Kullback-Leibler divergence: the expected log(p(x) / q(x)) for x drawn from p. Zero only if they are equal.

    Raises:
        NotImplementedError: for pairs of types without a formula.

    >>> import autodiff_lab as lab
    >>> d = lab.distributions
    >>> d.kl_divergence(d.Normal(1.0, 1.0), d.Normal(0.0, 1.0))
    tensor(0.5000)
    """
    pair = type(p), type(q)
    if pair not in _found:
        _found[pair] = _formula(*pair)
    formula = _found[pair]
    if formula is None:
        raise NotImplementedError(f"No KL(p || q) is implemented for p type {pair[0].__name__} and q type {pair[1].__name__}")
    return formula(p, q)


def _x_log_x(x):
    return lab.special.xlogy(x, x)


@register_kl(Bernoulli, Bernoulli)
def _(p, q):
    softplus = lab.nn.functional.softplus
    yes = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    no = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    yes = lab.where(q.probs == 0, math.inf, yes).where(p.probs != 0, 0.0)
    return yes + lab.where(q.probs == 1, math.inf, no).where(p.probs != 1, 0.0)


@register_kl(Bernoulli, Poisson)
def _(p, q):
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


@register_kl(Beta, Beta)
def _(p, q):
    p1, p0, q1, q0 = p.concentration1, p.concentration0, q.concentration1, q.concentration0
    norm = lab.lgamma(q1) + lab.lgamma(q0) + lab.lgamma(p1 + p0) - lab.lgamma(q1 + q0) - lab.lgamma(p1) - lab.lgamma(p0)
    return norm + (p1 - q1) * lab.digamma(p1) + (p0 - q0) * lab.digamma(p0) + (q1 + q0 - p1 - p0) * lab.digamma(p1 + p0)


@register_kl(Binomial, Binomial)
def _(p, q):
    # The coefficients cancel only if both have as many trials.
    if (p.total_count < q.total_count).any():
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is not implemented")
    each = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    result = p.total_count * each
    return lab.where(p.total_count > q.total_count, math.inf, result)


@register_kl(Categorical, Categorical)
def _(p, q):
    terms = p.probs * (p.logits - q.logits)
    terms = lab.where((q.probs == 0).expand_as(terms), math.inf, terms)
    return lab.where((p.probs == 0).expand_as(terms), 0.0, terms).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _(p, q):
    return kl_divergence(p._categorical, q._categorical)


@register_kl(Cauchy, Cauchy)
def _(p, q):
    # Source: Chyzak and Nielsen (2019), A closed-form formula for the Kullback-Leibler divergence between Cauchy distributions.
    return ((p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)).log() - (4 * p.scale * q.scale).log()


@register_kl(Dirichlet, Dirichlet)
def _(p, q):
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    norm = total.lgamma() - b.sum(-1).lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
    return norm + ((a - b) * (a.digamma() - total.digamma().unsqueeze(-1))).sum(-1)


@register_kl(Exponential, Exponential)
def _(p, q):
    ratio = q.rate / p.rate
    return ratio - ratio.log() - 1


@register_kl(Exponential, Gamma)
def _(p, q):
    ratio = q.rate / p.rate
    return -q.concentration * ratio.log() + ratio + q.concentration.lgamma() + q.concentration * _EULER - (1 + _EULER)


@register_kl(Exponential, Gumbel)
def _(p, q):
    product, shift = p.rate * q.scale, q.loc / q.scale
    return product.log() - 1 - shift + shift.exp() * product / (product + 1) + product.reciprocal()


@register_kl(Exponential, Normal)
def _(p, q):
    variance = q.scale.pow(2)
    rate = p.rate.pow(2)
    return 0.5 * lab.log(rate * variance * 2 * math.pi) - 1 + (1 / rate - q.loc / p.rate + q.loc.pow(2) / 2) / variance


@register_kl(Gamma, Gamma)
def _(p, q):
    a, b = p.concentration, q.concentration
    return b * (p.rate / q.rate).log() + b.lgamma() - a.lgamma() + (a - b) * a.digamma() + (q.rate - p.rate) * (a / p.rate)


@register_kl(Gamma, Exponential)
def _(p, q):
    a = p.concentration
    return -a + (p.rate / q.rate).log() - a.lgamma() + (a - 1) * a.digamma() + q.rate * a / p.rate


@register_kl(Gamma, Gumbel)
def _(p, q):
    product, shift, a = p.rate * q.scale, q.loc / q.scale, p.concentration
    return (a - 1) * a.digamma() - a.lgamma() - a + product.log() + a / product + shift.exp() * (1 + product.reciprocal()).pow(-a) - shift


@register_kl(Beta, Exponential)
def _(p, q):
    return -p.entropy() - q.rate.log() + q.rate * p.mean


@register_kl(Beta, Gamma)
def _(p, q):
    a, total = p.concentration1, p.concentration1 + p.concentration0
    norm = q.concentration.lgamma() - q.concentration * q.rate.log()
    return -p.entropy() + norm - (q.concentration - 1) * (a.digamma() - total.digamma()) + q.rate * a / total


@register_kl(Gamma, Normal)
def _(p, q):
    variance, rate, a = q.scale.pow(2), p.rate.pow(2), p.concentration
    half = 0.5 * lab.log(rate * variance * 2 * math.pi) - a - a.lgamma()
    return half + (a - 1) * a.digamma() + (0.5 * (a.pow(2) + a) / rate - q.loc * a / p.rate + 0.5 * q.loc.pow(2)) / variance


@register_kl(Geometric, Geometric)
def _(p, q):
    return -p.entropy() - lab.log1p(-q.probs) / p.probs - q.logits


@register_kl(Gumbel, Gumbel)
def _(p, q):
    ratio, off = p.scale / q.scale, (q.loc - p.loc) / q.scale
    return -ratio.log() - off + ratio * _EULER + lab.exp(off + (1 + ratio).lgamma()) - (1 + _EULER)


@register_kl(Gumbel, Normal)
def _(p, q):
    ratio = p.scale / q.scale
    off = ((p.loc + p.scale * _EULER - q.loc) / q.scale).pow(2) * 0.5
    return -ratio.log() + 0.5 * math.log(2 * math.pi) - _EULER - 1 + (math.pi * ratio).pow(2) / 12 + off


@register_kl(HalfNormal, HalfNormal)
def _(p, q):
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _(p, q):
    ratio, off = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + off / q.scale + ratio * lab.exp(-off / p.scale) - 1


@register_kl(Laplace, Normal)
def _(p, q):
    variance = q.scale.pow(2)
    ratio = p.scale.pow(2) / variance
    return -0.5 * lab.log(2 * ratio / math.pi) + 0.5 * p.loc.pow(2) / variance - p.loc * q.loc / variance + 0.5 * q.loc.pow(2) / variance - 1 + ratio


def _dense(p):
    """A low-rank normal distribution with its Cholesky factor."""
    return p if isinstance(p, MultivariateNormal) else MultivariateNormal(p.loc, scale_tril=p.scale_tril, validate_args=False)


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
@register_kl(LowRankMultivariateNormal, MultivariateNormal)
@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _(p, q):
    if p.event_shape != q.event_shape:
        raise ValueError("KL-divergence between two (Low Rank) Multivariate Normals with different event shapes cannot be computed")
    return kl_divergence(_dense(p), _dense(q))


@register_kl(MultivariateNormal, MultivariateNormal)
def _(p, q):
    if p.event_shape != q.event_shape:
        raise ValueError("KL-divergence between two Multivariate Normals with different event shapes cannot be computed")
    P, Q, n = p._unbroadcasted_scale_tril, q._unbroadcasted_scale_tril, p.event_shape[0]
    batch = lab.broadcast_shapes(P.shape[:-2], Q.shape[:-2])
    spread = lab.linalg.solve_triangular(Q.expand((*batch, n, n)), P.expand((*batch, n, n)), upper=False).pow(2).sum((-2, -1))
    return log_diagonal(Q) - log_diagonal(P) + 0.5 * (spread + mahalanobis(Q, q.loc - p.loc) - n)


@register_kl(Normal, Normal)
def _(p, q):
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(Normal, Gumbel)
def _(p, q):
    off, ratio = (p.loc - q.loc) / q.scale, (p.scale / q.scale).pow(2)
    return off + lab.exp(-off + 0.5 * ratio) - 0.5 * ratio.log() - 0.5 * (1 + math.log(2 * math.pi))


@register_kl(Normal, Laplace)
def _(p, q):
    off, ratio = p.loc - q.loc, p.scale / q.scale
    z = off / p.scale
    spread = math.sqrt(2 / math.pi) * p.scale * lab.exp(-0.5 * z.pow(2)) + off * lab.erf(math.sqrt(0.5) * z)
    return -ratio.log() + spread / q.scale - 0.5 * math.log(math.pi / 2) - 0.5


@register_kl(Poisson, Poisson)
def _(p, q):
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(TransformedDistribution, TransformedDistribution)
def _(p, q):
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("No KL(p || q) is implemented for distributions whose transforms differ.")
    base = kl_divergence(p.base_dist, q.base_dist)
    return sum_rightmost(base, len(p.event_shape) - len(p.base_dist.event_shape))


@register_kl(LogNormal, LogNormal)
def _(p, q):
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Independent, Independent)
def _(p, q):
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("Both Independent distributions must reinterpret as many batch dimensions.")
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(Uniform, Uniform)
def _(p, q):
    result = ((q.high - q.low) / (p.high - p.low)).log()
    return lab.where((q.low > p.low) | (q.high < p.high), math.inf, result)


@register_kl(Uniform, Normal)
def _(p, q):
    width = p.high - p.low
    off = (p.high + p.low - 2 * q.loc) / 2
    return (math.sqrt(2 * math.pi) * q.scale / width).log() + (width.pow(2) / 12 + off.pow(2)) / (2 * q.scale.pow(2))


@register_kl(Uniform, Exponential)
def _(p, q):
    result = q.rate * (p.high + p.low) / 2 - ((p.high - p.low) * q.rate).log()
    return lab.where(p.low < 0, math.inf, result)


@register_kl(Uniform, Gamma)
def _(p, q):
    width = p.high - p.low
    logs = (q.concentration - 1) * (_x_log_x(p.high) - _x_log_x(p.low) - width) / width
    result = -width.log() + q.concentration.lgamma() - q.concentration * q.rate.log() - logs + q.rate * (p.high + p.low) / 2
    return lab.where(p.low < 0, math.inf, result)


@register_kl(Uniform, Gumbel)
def _(p, q):
    scaled = q.scale / (p.high - p.low)
    low, high = (p.low - q.loc) / q.scale, (p.high - q.loc) / q.scale
    return scaled.log() + 0.5 * (low + high) - scaled * (lab.exp(-high) - lab.exp(-low))


@register_kl(Uniform, Beta)
def _(p, q):
    width = p.high - p.low
    xlogx_high, xlogx_low = _x_log_x(p.high), _x_log_x(p.low)
    left = (q.concentration1 - 1) * ((xlogx_high - p.high) - (xlogx_low - p.low)) / width
    right = (q.concentration0 - 1) * ((_x_log_x(1 - p.high) - (1 - p.high)) - (_x_log_x(1 - p.low) - (1 - p.low))) / width
    norm = q.concentration1.lgamma() + q.concentration0.lgamma() - (q.concentration1 + q.concentration0).lgamma()
    return lab.where((p.high > 1) | (p.low < 0), math.inf, norm - width.log() - left + right)


@register_kl(Beta, Uniform)
def _(p, q):
    result = -p.entropy() + (q.high - q.low).log()
    return lab.where((q.low > 0) | (q.high < 1), math.inf, result)


@register_kl(Beta, Normal)
def _(p, q):
    mean = p.mean
    square, variance = p.variance + mean.pow(2), q.scale.pow(2)
    return -p.entropy() + 0.5 * (variance * 2 * math.pi).log() + (square * 0.5 - mean * q.loc + q.loc.pow(2) * 0.5) / variance


def _never(p, q):
    """p has values that q never has."""
    return lab.full(lab.broadcast_shapes(p.batch_shape, q.batch_shape), math.inf, dtype=p.mean.dtype, device=p.mean.device)


for _wide, _narrow in (((Exponential, Gamma, Gumbel, Laplace, Normal), (Beta, Uniform)), ((Gumbel, Laplace, Normal), (Exponential, Gamma)),
                       ((Poisson,), (Bernoulli, Binomial))):
    for _p in _wide:
        for _q in _narrow:
            register_kl(_p, _q)(_never)
