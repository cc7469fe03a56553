"""Activations that are smooth curves between linear maps; those of straight pieces are in rectifiers.py. Each is one fused node with a rule of its own."""

from __future__ import annotations

import inspect
import math

import numpy as np

from ..backend import namespace
from ..backend.fast import at_least, at_most, expm1, log1p_exp, logistic, normal_share, select
from ..core.arguments import Number
from ..core.op import op, ops, public
from ..core.precision import in_float32
from ..core.samples import also, away_from, calls, reals
from ..core.support import narrowed
from ..core.tensor import Tensor
from .elementwise import tanh

F = "nn.functional"


def functional(function, name: str | None = None):
    """Put an activation into nn.functional, where it also takes `inplace=True`. Returns the new function."""
    made = function.op
    places = len(made.params)
    in_place = None

    def call(input, *args, inplace=False, **kwargs):
        nonlocal in_place
        if not (args or kwargs or inplace):
            return function(input)  # the usual case
        if len(args) == places:
            *args, inplace = args
        if not inplace:
            return function(input, *args, **kwargs)
        if in_place is None:
            in_place = public[F].get(f"{short}_") or public[""].get(f"{short}_") or getattr(Tensor, f"{short}_")
        return in_place(input, *args, **kwargs)

    short = name or made.name.split(".")[-1]
    call.__name__ = call.__qualname__ = short
    call.__doc__, call.op = function.__doc__, made
    parameters = list(made.signature.parameters.values())
    parameters.append(inspect.Parameter("inplace", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=False, annotation="bool"))
    call.__signature__ = made.signature.replace(parameters=sorted(parameters, key=lambda p: p.kind))
    public.setdefault(F, {})[short] = call
    return call


def share(*functions) -> None:
    """The same object under nn.functional as at the top."""
    for function in functions:
        public.setdefault(F, {})[function.op.name] = function


# ---- the exponential family ----

def _elu(input, alpha, scale, speed):
    below = at_most(input, 0)
    negative = expm1(below if speed == 1 else below * speed) * (alpha * scale)
    above = at_least(input, 0)  # one of the two is 0
    return narrowed(negative + (above if scale == 1 else above * scale), input)


def _elu_slope(grad, input, alpha, scale, speed):
    """The gradient through elu: constant on the right, exponential on the left."""
    left = ops.exp(ops.clamp(input, max=0) * speed) * (alpha * scale * speed)
    return grad * ops.where(input > 0, scale, left)


@op(category="activation", out=False, refuses="bic", latex=r"\begin{cases} x & x > 0 \\ \alpha(e^x - 1) & \text{else} \end{cases}", samples=away_from(0.0), namespace=F, inplace=True)
def elu(input: Tensor, alpha: Number = 1.0) -> Tensor:
    """Unchanged where positive, an exponential down to `-alpha` elsewhere.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.elu(lab.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    return _elu(input, alpha, 1, 1)


@elu.vjp("input", latex=r"1\text{ or }\alpha e^x")
def _(grad, input, alpha):
    return _elu_slope(grad, input, alpha, 1, 1)


SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


@op(category="activation", out=False, refuses="bic", latex=r"\lambda\,\mathrm{elu}_\alpha(x)", samples=away_from(0.0), inplace=True, method=False, node_name="Elu")
@in_float32
def selu(input: Tensor) -> Tensor:
    """elu scaled so that layers keep mean 0 and variance 1 (Klambauer et al. 2017).

    >>> import autodiff_lab as lab
    >>> lab.selu(lab.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """
    return _elu(input, SELU_ALPHA, SELU_SCALE, 1)


@selu.vjp("input")
def _(grad, input):
    return _elu_slope(grad, input, SELU_ALPHA, SELU_SCALE, 1)


@op(category="activation", out=False, refuses="bic", latex=r"\max(0, x) + \min(0, \alpha(e^{x/\alpha} - 1))", samples=away_from(0.0), inplace=True, method=False)
@in_float32
def celu(input: Tensor, alpha: Number = 1.0) -> Tensor:
    """elu whose slope is continuous for every `alpha`.

    Raises:
        RuntimeError: if alpha is 0.

    >>> import autodiff_lab as lab
    >>> lab.celu(lab.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return _elu(input, alpha, 1, 1 / alpha)


@celu.vjp("input")
def _(grad, input, alpha):
    return _elu_slope(grad, input, alpha, 1, 1 / alpha)


functional(elu), functional(selu), functional(celu)


@op(category="activation", latex=r"\sigma(x) = \frac{1}{1 + e^{-x}}", samples=reals(), promote="float", inplace=True)
def sigmoid(input: Tensor) -> Tensor:
    """The logistic function, from 0 to 1; exact far out, without overflow.

    >>> import autodiff_lab as lab
    >>> lab.sigmoid(lab.tensor([-100.0, 0.0, 1.0]))
    tensor([0.0000, 0.5000, 0.7311])
    """
    return logistic(input)


@sigmoid.vjp("input", latex=r"\sigma(x)(1 - \sigma(x))")
def _(grad, out):
    return grad * ops.conj(out * (1 - out))


share(sigmoid, tanh)


@op(category="activation", refuses="bic", latex=r"\ln \sigma(x)", samples=reals(-4, 4), namespace=F, node_name="LogSigmoid")
@in_float32
def logsigmoid(input: Tensor) -> Tensor:
    """The logarithm of sigmoid, computed without overflow or log(0).

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.logsigmoid(lab.tensor([-100.0, 0.0]))
    tensor([-100.0000,   -0.6931])
    """
    return at_most(input, 0) - log1p_exp(input)


@logsigmoid.vjp("input", latex=r"\sigma(-x)")
def _(grad, input):
    return grad * ops.sigmoid(-input)


@op(category="activation", refuses="bic", latex=r"\frac{1}{\beta}\ln(1 + e^{\beta x})", namespace=F, samples=also(reals(-4, 4), calls(
    lambda r: ((np.array([-1.0, 0.4, 2.0, 3.5]), 2, 3), {}))))
@in_float32
def softplus(input: Tensor, beta: Number = 1.0, threshold: Number = 20.0) -> Tensor:
    """A smooth relu. Above `threshold` (of beta * input) it is the identity.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.softplus(lab.tensor([-1.0, 0.0, 30.0]))
    tensor([ 0.3133,  0.6931, 30.0000])
    """
    scaled = input if beta == 1 else input * beta
    soft = at_least(scaled, 0) + log1p_exp(scaled)
    return select(scaled > threshold, input, soft if beta == 1 else soft / beta)


@softplus.vjp("input", latex=r"\sigma(\beta x)")
def _(grad, input, beta, threshold):
    return ops.where(input * beta > threshold, grad, grad * ops.sigmoid(input * beta))


@op(category="activation", out=False, refuses="bi", latex=r"x\,\sigma(x)", samples=reals(-4, 4), namespace=F, inplace=True)
@in_float32
def silu(input: Tensor) -> Tensor:
    """The input times its sigmoid, also called swish.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.silu(lab.tensor([-1.0, 2.0]))
    tensor([-0.2689,  1.7616])
    """
    return input * sigmoid.op.kernel(input)


@silu.vjp("input", latex=r"\sigma(x)(1 + x(1 - \sigma(x)))")
def _(grad, input):
    s = ops.sigmoid(input)
    return grad * (s * (1 + input * (1 - s)))


functional(silu)


@op(category="activation", out=False, refuses="bic", latex=r"x \tanh(\ln(1 + e^x))", samples=reals(-4, 4), namespace=F, inplace=True)
@in_float32
def mish(input: Tensor) -> Tensor:
    """The input times tanh of its softplus (Misra 2019).

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.mish(lab.tensor([-1.0, 2.0]))
    tensor([-0.3034,  1.9440])
    """
    xp = namespace(input)
    return input * xp.tanh(softplus.op.kernel(input))


@mish.vjp("input")
def _(grad, input):
    t = ops.tanh(softplus(input))
    return grad * (t + input * (1 - t * t) * ops.sigmoid(input))


functional(mish)


# ---- gelu ----

GELU_SLOPE, GELU_CUBIC = math.sqrt(2 / math.pi), 0.044715


@op(category="activation", refuses="bic", latex=r"x\,\Phi(x)", samples=calls(
    lambda r: ((r.normal(size=(3, 4)) * 2,), {}), lambda r: ((r.normal(size=(3, 4)) * 2,), {"approximate": "tanh"}), lambda r: ((r.normal(size=()),), {}),
    lambda r: ((r.normal(size=(2, 0)),), {})), namespace=F, extras=("share",))
@in_float32
def gelu(input: Tensor, *, approximate: str = "none") -> Tensor:
    """The input times the chance that a standard normal number is below it (Hendrycks & Gimpel 2016).

    Args:
        approximate: "none" for the error function, "tanh" for the usual approximation.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.gelu(lab.tensor([-1.0, 2.0]))
    tensor([-0.1587,  1.9545])
    """
    _check_gelu(approximate)
    xp = namespace(input)
    if approximate == "none":
        share = normal_share(input)
        return narrowed(input * share, input), share
    share = _gelu_inner(xp, input)
    if not share.ndim:
        share = (share + 1) * 0.5
        return narrowed(input * share, input), share
    share += 1
    share *= 0.5
    return narrowed(input * share, input), share


def _check_gelu(approximate: str) -> None:
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")


def _gelu_inner(xp, input):
    """tanh(k (x + c x^3)) with few temporaries."""
    if not input.ndim:
        return xp.tanh((input + input * input * input * GELU_CUBIC) * GELU_SLOPE)
    inner = input * input
    inner *= GELU_CUBIC * GELU_SLOPE
    inner += GELU_SLOPE
    inner *= input
    return xp.tanh(inner, out=inner)


@gelu.vjp("input", latex=r"\Phi(x) + x\,\varphi(x)")
def _(grad, input, approximate, share):
    return gelu_backward(grad, input, approximate, share)


@op(category="activation", function=False, method=False, out=False)
def gelu_backward(input: Tensor, x: Tensor, approximate, share) -> Tensor:
    """The gradient through gelu at `x`, whose forward pass found that `share` of it goes through."""
    xp = namespace(x)
    share = share._a if isinstance(share, Tensor) else share
    slope = x * x
    if approximate == "tanh":
        # share = (1 + t) / 2, so (1 - t^2) / 2 = 2 share (1 - share)
        slope = slope * (6 * GELU_CUBIC * GELU_SLOPE) + 2 * GELU_SLOPE
        slope *= x
        slope *= share
        slope *= 1 - share
    else:
        slope = xp.exp(slope * -0.5)
        slope *= x
        slope *= 1 / math.sqrt(2 * math.pi)
    slope += share
    slope *= input
    return slope


@gelu_backward.vjp("input")
def _(grad, x, approximate, share):
    return gelu_backward(grad, x, approximate, share)


@gelu_backward.vjp("x")
def _(grad, input, x, approximate):
    if approximate == "none":
        return grad * input * (ops.exp(x * x * -0.5) * (2 - x * x) * (1 / math.sqrt(2 * math.pi)))
    t = ops.tanh((x + x * x * x * GELU_CUBIC) * GELU_SLOPE)
    first = (1 + x * x * (3 * GELU_CUBIC)) * GELU_SLOPE
    bend = 1 - t * t
    return grad * input * bend * (first - x * t * first * first + x * x * (3 * GELU_CUBIC * GELU_SLOPE))


def tanhshrink(input: Tensor) -> Tensor:
    """The input minus its tanh.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.tanhshrink(lab.tensor([-1.0, 2.0]))
    tensor([-0.2384,  1.0360])
    """
    return input - input.tanh()


def softsign(input: Tensor) -> Tensor:
    """The input divided by 1 plus its absolute value.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.softsign(lab.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """
    return input / (input.abs() + 1)


public[F].update(tanhshrink=tanhshrink, softsign=softsign)


@op(category="activation", out=False, refuses="bic", latex=r"a \cdot \sigma(b)", namespace=F, samples=calls(
    lambda r: ((r.normal(size=(3, 4)),), {}), lambda r: ((r.normal(size=(4, 3)), 0), {})))
@in_float32
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """The first half along `dim`, gated by the sigmoid of the second.

    Raises:
        RuntimeError: if the size along `dim` is odd, or there is no dimension.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.glu(lab.tensor([1.0, 2.0, 0.0, 100.0]))
    tensor([0.5000, 2.0000])
    """
    from .reductions import axes
    if not input.ndim:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    (d,) = axes(dim, input.ndim)
    if input.shape[d] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {d} is size {input.shape[d]}")
    a, b = halves(input, d)
    return a * sigmoid.op.kernel(b)


def halves(input, dim: int):
    """The two halves along `dim`, as views."""
    dim = dim % input.ndim
    n = input.shape[dim] // 2
    before = (slice(None),) * dim
    return input[(*before, slice(0, n))], input[(*before, slice(n, None))]


@glu.vjp("input")
def _(grad, input, dim):
    a, b = halves(input, dim)
    s = ops.sigmoid(b)
    return ops.cat([grad * s, grad * a * (s * (1 - s))], dim)


for _name in ("selu_", "celu_"):
    public[F][_name] = public[""][_name]
