"""Draws from given distributions: normal, Bernoulli, Poisson, binomial, gamma, and categories by their weights.

They are operators, so that observers see them and results belong to the graph. A draw does not change
smoothly with what it was told, and PyTorch's gradient is zero; gamma numbers have a true one.
"""

from __future__ import annotations

import numpy as np

from ..backend import random as streams
from ..backend import to_host
from ..core.dtypes import dtype_of, get_default_dtype
from ..core.op import op, ops, public
from ..core.tensor import Tensor
from .random_fills import check_probabilities, need_float, stream
from .sampling import drawn, into, placed_like, shape_of_sizes

__all__ = ["bernoulli", "binomial", "multinomial", "normal", "poisson"]


def normal(mean, std=1.0, size=None, *, generator=None, out=None, dtype=None, layout=None, device=None,
           requires_grad: bool | None = False, pin_memory: bool | None = False) -> Tensor:
    """Normal numbers with a mean and a standard deviation each: tensors that broadcast, or numbers with a `size`.

    >>> import autodiff_lab as lab
    >>> lab.normal(lab.tensor([0.0, 100.0]), 0.5, generator=lab.Generator().manual_seed(0))
    tensor([ 0.7705, 99.8533])
    """
    if isinstance(mean, Tensor) or isinstance(std, Tensor):
        if size is not None or dtype is not None:
            raise TypeError("normal() received an invalid combination of arguments: with a tensor for mean or std, it is their shape and type that count; leave out size and dtype.")
        if not isinstance(mean, Tensor):
            result = _normal_of_std(mean, std, generator=generator)
        else:
            result = (_normal_of_both if isinstance(std, Tensor) else _normal_of_mean)(mean, std, generator=generator)
        if out is None:
            return result
        return into(out, result._a.shape, lambda array: np.copyto(array, result._a), None)
    if size is None:
        raise TypeError("normal() received an invalid combination of arguments: with numbers for mean and std it "
                        "needs a size, such as normal(0.0, 1.0, (2, 3)).")
    gen = stream(generator)
    check_std(std)

    def fill(array):
        need_float(array, "normal_kernel_cpu")
        streams.normal(gen, array, mean, std)
    return drawn(shape_of_sizes("normal", size), fill, dtype, get_default_dtype(), device, requires_grad, out)


def check_std(std) -> None:
    if isinstance(std, (int, float)):
        if not std >= 0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {float(std):g}")
    elif std.size and not bool((std >= 0).all()):
        raise RuntimeError("normal expects all elements of std >= 0.0")


_NORMAL = r"z \sim \mathcal{N}(\mu, \sigma^2)"


@op(category="random", latex=_NORMAL, name="normal_of_mean", function=False, method=False, out=False)
def _normal_of_mean(mean: Tensor, std, *, generator=None) -> Tensor:
    """Normal numbers, one mean each and one standard deviation for all."""
    check_std(std)
    z = np.empty(mean.shape, mean.dtype)
    need_float(z, "normal_kernel_cpu")
    return placed_like(mean, streams.normal(stream(generator), z, 0.0, std)) + mean


@op(category="random", latex=_NORMAL, name="normal_of_std", function=False, method=False, out=False)
def _normal_of_std(mean, std: Tensor, *, generator=None) -> Tensor:
    """Normal numbers, one standard deviation each and one mean for all."""
    check_std(std)
    z = np.empty(std.shape, std.dtype)
    need_float(z, "normal_kernel_cpu")
    return (placed_like(std, streams.normal(stream(generator), z)) * std + float(mean)).astype(std.dtype)


@op(category="random", latex=_NORMAL, name="normal_of_both", function=False, method=False, out=False)
def _normal_of_both(mean: Tensor, std: Tensor, *, generator=None) -> Tensor:
    """Normal numbers, a mean and a standard deviation each."""
    check_std(std)
    z = np.empty(np.broadcast_shapes(mean.shape, std.shape), mean.dtype)
    need_float(z, "normal_kernel_cpu")
    scaled = (placed_like(mean, streams.normal(stream(generator), z)) * std).astype(mean.dtype)
    return (scaled + mean).astype(mean.dtype)


for number, made, inputs in ((1, _normal_of_mean, ["mean"]), (2, _normal_of_std, ["std"]),
                             (3, _normal_of_both, ["mean", "std"])):
    made.op.node_name = f"NormalBackward{number}"
    for name in inputs:
        made.vjp(name, latex="0")(lambda grad: ops.zeroed(grad))


@op(category="random", refuses="c", latex=r"P(b_i = 1) = p_i")
def bernoulli(input: Tensor, p=None, *, generator=None) -> Tensor:
    """Ones with the probabilities in `input`, else zeros; with `p`, one probability for all and the type of `input`.

    Raises:
        RuntimeError: if a probability is outside [0, 1].

    >>> import autodiff_lab as lab
    >>> lab.bernoulli(lab.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    if p is None:
        check_probabilities(input)
        return placed_like(input, streams.bernoulli_tensor(stream(generator), np.empty(input.shape, input.dtype), input))
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={float(p):g}")
    return placed_like(input, streams.bernoulli_scalar(stream(generator), np.empty(input.shape, input.dtype), p))


@bernoulli.vjp("input", latex="0")
def _(grad):
    return ops.zeroed(grad)


@op(category="random", latex=r"P(k_i) = \frac{\lambda_i^{k_i} e^{-\lambda_i}}{k_i!}", method=False, out=False)
def poisson(input: Tensor, generator=None) -> Tensor:
    """How many events happened, where `input` says how many to expect.

    Raises:
        RuntimeError: if a rate is negative or nan.

    >>> import autodiff_lab as lab
    >>> _ = lab.manual_seed(0)
    >>> lab.poisson(lab.tensor([0.0, 3.0]))[0]
    tensor(0.)
    """
    need_float(input, "poisson_cpu")
    if input.size and not bool((input >= 0).all()):
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    return placed_like(input, streams.poisson(stream(generator), input))


@poisson.vjp("input", latex="0")
def _(grad):
    return ops.zeroed(grad)


@op(category="random", latex=r"P(i) = \frac{w_i}{\sum_j w_j}",
    no_grad="It returns indices, which do not change smoothly.")
def multinomial(input: Tensor, num_samples: int, replacement: bool = False, *, generator=None) -> Tensor:
    """Indices drawn from each row of `input`, whose numbers say how likely each index is. Rows need not sum to 1.

    Raises:
        RuntimeError: for weights that are negative, not finite, all zero, or too few to draw from without replacement.

    >>> import autodiff_lab as lab
    >>> lab.multinomial(lab.tensor([0.0, 1.0]), 3, replacement=True)
    tensor([1, 1, 1])
    """
    if input.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if input.dtype.kind in "iubc":
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {dtype_of(input).title}")
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > input.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if not input.size:
        return placed_like(input, np.empty((*input.shape[:-1], num_samples), np.int64))
    if not bool(((input >= 0) & (input < np.inf)).all()):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not bool((input.sum(-1) > 0).all()):
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    return placed_like(input, streams.multinomial(stream(generator), input, num_samples, replacement))


@op(category="random", latex=r"P(k_i) = \binom{n_i}{k_i} p_i^{k_i} (1 - p_i)^{n_i - k_i}", method=False, out=False)
def binomial(count: Tensor, prob: Tensor, generator=None) -> Tensor:
    """How many of `count` trials succeed, each with probability `prob`. Both are floating-point and broadcast.

    >>> import autodiff_lab as lab
    >>> lab.binomial(lab.tensor([4.0, 4.0]), lab.tensor([0.0, 1.0]))
    tensor([0., 4.])
    """
    need_float(count, "binomial_cpu")
    if count.dtype != prob.dtype:
        raise RuntimeError(f"Found dtype {dtype_of(prob).title} but expected {dtype_of(count).title}: count and prob of "
                           "binomial must have one type.")
    return placed_like(count, streams.binomial(stream(generator), count, prob))


@binomial.vjp("count", latex="0")
def _(grad):
    return ops.zeroed(grad)


@binomial.vjp("prob", latex="0")
def _(grad):
    return ops.zeroed(grad)


@op(category="random", latex=r"x_i \sim \frac{x^{a_i - 1} e^{-x}}{\Gamma(a_i)}", method=False, out=False,
    node_name="StandardGamma")
def _standard_gamma(input: Tensor, generator=None) -> Tensor:
    """Gamma numbers of scale 1, one for each shape in `input`; the gradient follows the number as its shape moves."""
    need_float(input, "gamma_cpu")
    return placed_like(input, streams.gamma(stream(generator), input))


@_standard_gamma.vjp("input", latex=r"-\frac{\partial F / \partial a}{\partial F / \partial x}")
def _(grad, input, out):
    return grad * _standard_gamma_grad(input, out)


@op(category="random", method=False, out=False, no_grad="PyTorch has no derivative of this gradient either.")
def _standard_gamma_grad(input: Tensor, output: Tensor) -> Tensor:
    """How the gamma number `output` moves with its shape `input` while its rank, F(output; input), stays."""
    slope = streams.gamma_slope(to_host(output), to_host(input))
    return placed_like(input, slope.astype(input.dtype))


@op(category="random", latex=r"x_i = \frac{g_i}{\sum_j g_j}, \quad g_i \sim \Gamma(a_i)", method=False, out=False, node_name="_Dirichlet")
def _sample_dirichlet(input: Tensor, generator=None) -> Tensor:
    """Probabilities along the last dimension: gamma numbers of the shapes in `input`, divided by their sum."""
    need_float(input, "dirichlet")
    drawn = streams.gamma(stream(generator), to_host(input).astype(np.float64), exact=input.dtype == np.float64)
    info = np.finfo(input.dtype)
    shares = (drawn / drawn.sum(-1, keepdims=True)).astype(input.dtype)
    return placed_like(input, np.clip(shares, info.tiny, 1 - info.epsneg))


@_sample_dirichlet.vjp("input")
def _(grad, input, out):
    slope = ops._dirichlet_grad(out, input, ops.sum(input, -1, True))
    return slope * (grad - ops.sum(out * grad, -1, True))


@op(category="random", method=False, out=False, no_grad="PyTorch has no derivative of this gradient either.")
def _dirichlet_grad(x: Tensor, alpha: Tensor, total: Tensor) -> Tensor:
    """How the share `x` of a Dirichlet draw moves with its own concentration, over 1 - x, while its rank stays."""
    share, a, both = to_host(x), to_host(alpha).astype(np.float64), to_host(total)
    return placed_like(x, streams.beta_slope(share, a, both - a).astype(x.dtype))


public[""].update(normal=normal)
