"""Special functions: the error function, gamma and its kin, entropy and logits; those without a derivative are in bessel.py."""

from __future__ import annotations

import math

import numpy as np

from ..backend import fast, namespace, special
from ..core.dtypes import default_dtype, dtype_of
from ..core.errors import refuse
from ..core.op import op, ops, public
from ..core.outs import stored
from ..core.precision import in_float32
from ..core.samples import also, calls, pairs, positive, reals, unit
from ..core.tensor import Tensor

Number = int | float | complex | bool
S = "special"


def scipy_call(name: str, input, *others):
    """A function of scipy.special (or CuPy's), in the precision of `input`."""
    function = getattr(special(input), name)
    kind = input.dtype
    if kind.kind == "c":
        raise NotImplementedError(f'"{name}" not implemented for \'{dtype_of(input).title}\'')
    if kind.itemsize == 2:
        return function(input.astype("float32"), *(o.astype("float32") if hasattr(o, "dtype") else o for o in others)).astype(kind)
    found = function(input, *others)
    return found if found.dtype == kind else found.astype(kind)


# ---- the error function ----

@op(category="pointwise", latex=r"\operatorname{erf} x", samples=reals(), promote="float", inplace=True)
def erf(input: Tensor) -> Tensor:
    """The error function: the chance that a normal number is within x * sqrt(2) of its mean.

    >>> import autodiff_lab as lab
    >>> lab.erf(lab.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8427])
    """
    return fast.erf(input) if input.dtype == "float32" else scipy_call("erf", input)


@erf.vjp("input", latex=r"\frac{2}{\sqrt\pi} e^{-x^2}")
def _(grad, input):
    return grad * (ops.exp(-(input * input)) * (2 / math.sqrt(math.pi)))


@op(category="pointwise", latex=r"1 - \operatorname{erf} x", samples=reals(), promote="float", inplace=True)
def erfc(input: Tensor) -> Tensor:
    """1 minus the error function, exact far out.

    >>> import autodiff_lab as lab
    >>> lab.erfc(lab.tensor([0.0, 1.0]))
    tensor([1.0000, 0.1573])
    """
    return scipy_call("erfc", input)


@erfc.vjp("input", latex=r"-\frac{2}{\sqrt\pi} e^{-x^2}")
def _(grad, input):
    return grad * (ops.exp(-(input * input)) * (-2 / math.sqrt(math.pi)))


@op(category="pointwise", latex=r"\operatorname{erf}^{-1} x", samples=unit(), promote="float", inplace=True)
def erfinv(input: Tensor) -> Tensor:
    """The inverse of the error function; inf at 1, nan beyond.

    >>> import autodiff_lab as lab
    >>> lab.erfinv(lab.tensor([0.0, 0.5]))
    tensor([0.0000, 0.4769])
    """
    xp = namespace(input)
    outside = xp.abs(input) > 1
    if not outside.any():
        return scipy_call("erfinv", input)
    found = scipy_call("erfinv", xp.where(outside, input.dtype.type(0), input))  # SciPy reports each number outside: a hundred times the work
    return xp.where(outside, found.dtype.type(math.nan), found)


@erfinv.vjp("input", latex=r"\frac{\sqrt\pi}{2} e^{y^2}")
def _(grad, out):
    return grad * (ops.exp(out * out) * (math.sqrt(math.pi) / 2))


@op(category="pointwise", refuses="h", node_name="SpecialErfcx", latex=r"e^{x^2} \operatorname{erfc} x", samples=reals(), promote="float", namespace=S)
def erfcx(input: Tensor) -> Tensor:
    """erfc scaled by e^(x^2), which does not vanish far out.

    >>> import autodiff_lab as lab
    >>> lab.special.erfcx(lab.tensor([0.0, 10.0]))
    tensor([1.0000, 0.0561])
    """
    return scipy_call("erfcx", input)


@erfcx.vjp("input")
def _(grad, input, out):
    return grad * (input * out * 2 - 2 / math.sqrt(math.pi))


@op(category="pointwise", latex=r"\Phi(x)", samples=reals(), promote="float", namespace=S)
def ndtr(input: Tensor) -> Tensor:
    """The chance that a standard normal number is below x.

    >>> import autodiff_lab as lab
    >>> lab.special.ndtr(lab.tensor([0.0, 1.96]))
    tensor([0.5000, 0.9750])
    """
    return scipy_call("ndtr", input)


@ndtr.vjp("input", latex=r"\varphi(x)")
def _(grad, input):
    return grad * (ops.exp(input * input * -0.5) * (1 / math.sqrt(2 * math.pi)))


@op(category="pointwise", refuses="h", node_name="SpecialNdtri", latex=r"\Phi^{-1}(p)", samples=reals(0.1, 0.9), promote="float", namespace=S)
def ndtri(input: Tensor) -> Tensor:
    """The inverse of ndtr.

    >>> import autodiff_lab as lab
    >>> lab.special.ndtri(lab.tensor([0.5, 0.975]))
    tensor([0.0000, 1.9600])
    """
    return scipy_call("ndtri", input)


@ndtri.vjp("input")
def _(grad, out):
    return grad * (ops.exp(out * out * 0.5) * math.sqrt(2 * math.pi))


@op(category="pointwise", refuses="h", node_name="SpecialLogNdtr", latex=r"\ln \Phi(x)", samples=reals(), promote="float", namespace=S)
def log_ndtr(input: Tensor) -> Tensor:
    """The logarithm of ndtr, exact far out.

    >>> import autodiff_lab as lab
    >>> lab.special.log_ndtr(lab.tensor([0.0, -10.0]))
    tensor([ -0.6931, -53.2313])
    """
    return scipy_call("log_ndtr", input)


@log_ndtr.vjp("input")
def _(grad, input):
    return grad / erfcx(input * -math.sqrt(0.5)) * math.sqrt(2 / math.pi)


# ---- gamma ----

@op(category="pointwise", latex=r"\ln |\Gamma(x)|", samples=positive(), promote="float", inplace=True)
def lgamma(input: Tensor) -> Tensor:
    """The logarithm of the absolute value of the gamma function.

    >>> import autodiff_lab as lab
    >>> lab.lgamma(lab.tensor([5.0])).exp().round()  # 4!
    tensor([24.])
    """
    found = scipy_call("gammaln", input)
    xp = namespace(input)
    return xp.where(input == -math.inf, math.inf, found).astype(found.dtype) if xp.isinf(found).any() else found  # SciPy has -inf there


@lgamma.vjp("input", latex=r"\psi(x)")
def _(grad, input):
    return grad * ops.digamma(input)


@op(category="pointwise", latex=r"\psi(x)", samples=positive(), promote="float", inplace=True)
def digamma(input: Tensor) -> Tensor:
    """The derivative of lgamma.

    >>> import autodiff_lab as lab
    >>> lab.digamma(lab.tensor([1.0]))
    tensor([-0.5772])
    """
    return scipy_call("psi", input)


@digamma.vjp("input", latex=r"\psi_1(x)")
def _(grad, input):
    return grad * ops.polygamma(input, 1)


@op(category="pointwise", latex=r"\psi_n(x)", promote="float", inplace=True, function=False, samples=calls(lambda r: ((r.uniform(0.3, 3, (3, 4)), 1), {}), lambda r: ((r.uniform(0.3, 3, (4,)), 2), {})))
def polygamma(input: Tensor, n: int) -> Tensor:
    """The n-th derivative of digamma.

    Raises:
        RuntimeError: for a negative n.

    >>> import autodiff_lab as lab
    >>> lab.polygamma(1, lab.tensor([1.0]))
    tensor([1.6449])
    """
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    xp = namespace(input)
    if n == 0:
        return scipy_call("psi", input)
    wide = input.astype("float64") if input.dtype.itemsize < 8 else input
    if n == 1:
        # The reflection formula reaches the negative side: psi_1(1 - x) + psi_1(x) = (pi / sin(pi x))^2.
        right = xp.where(wide < 0.5, 1 - wide, wide)
        found = _trigamma(right) if input.dtype.itemsize < 8 else special(input).zeta(2.0, right)
        return xp.where(wide < 0.5, (math.pi / xp.sin(math.pi * wide)) ** 2 - found, found).astype(input.dtype)
    return (special(input).zeta(n + 1.0, wide) * ((-1.0) ** (n + 1) * math.gamma(n + 1))).astype(input.dtype)


def _trigamma(x):
    """psi_1 of float64 numbers from 1/2 on, to 2e-9, in fewer steps than the zeta function: by recurrence up to 6 and more, then its series. Overwrites `x`."""
    found = 1 / (x * x)
    for _ in range(5):
        x += 1
        found += 1 / (x * x)
    x += 1
    square = 1 / (x * x)
    series = square * (1 / 42)
    series -= 1 / 30
    series *= square
    series += 1 / 6
    series *= square
    series += 1 + 0.5 / x
    series /= x
    series += found
    return series


@polygamma.vjp("input", latex=r"\psi_{n+1}(x)")
def _(grad, input, n):
    return grad * ops.polygamma(input, n + 1)


def polygamma_of(n: int, input: Tensor, *, out=None) -> Tensor:
    """The n-th derivative of digamma at `input`."""
    return polygamma(input, n) if out is None else polygamma(input, n, out=out)


def mvlgamma(input: Tensor, p: int, *, out=None) -> Tensor:
    """The logarithm of the gamma function of p dimensions.

    Raises:
        RuntimeError: if p is not positive.

    >>> import autodiff_lab as lab
    >>> lab.mvlgamma(lab.tensor([3.0]), 1).exp().round()
    tensor([2.])
    """
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    if input.dtype.name == "bool":
        raise RuntimeError("The input tensor may not be a boolean tensor.")
    refuse("mvlgamma", input, "c")
    if not input.is_floating_point():
        input = input.to(default_dtype[0])
    steps = public[""]["arange"](-(p - 1) / 2, 0.5, 0.5, dtype=input.dtype) if p > 1 else public[""]["zeros"](1, dtype=input.dtype)
    made = (input.unsqueeze(-1) + steps[:p]).lgamma().sum(-1) + p * (p - 1) / 4 * math.log(math.pi)
    return stored(made, out)


def mvlgamma_(input: Tensor, p: int) -> Tensor:
    """In-place version of `mvlgamma`."""
    if not input.is_floating_point():
        raise RuntimeError(f"mvlgamma: result type {default_dtype[0].title} can't be cast to the desired output type {input.dtype.title}. Use the out-of-place mvlgamma.")
    return input.copy_(mvlgamma(input, p))


@op(category="pointwise", refuses="bi", latex=r"P(a, x)", samples=calls(lambda r: ((r.uniform(0.5, 3, (3, 4)), r.uniform(0.5, 3, (3, 4))), {})), promote="numeric", inplace=True)
def igamma(input: Tensor, other: Tensor) -> Tensor:
    """The regularised lower incomplete gamma function. Only `other` has a derivative.

    >>> import autodiff_lab as lab
    >>> lab.igamma(lab.tensor([1.0]), lab.tensor([1.0]))
    tensor([0.6321])
    """
    return scipy_call("gammainc", input, other)


@igamma.vjp("input")
def _(grad):
    raise RuntimeError("the derivative for 'igamma: input' is not implemented.")


@igamma.vjp("other")
def _(grad, input, other):
    return grad * ops.exp((input - 1) * ops.log(other) - other - ops.lgamma(input))


@op(category="pointwise", refuses="bi", latex=r"Q(a, x)", samples=calls(lambda r: ((r.uniform(0.5, 3, (3, 4)), r.uniform(0.5, 3, (3, 4))), {})), promote="numeric", inplace=True)
def igammac(input: Tensor, other: Tensor) -> Tensor:
    """The regularised upper incomplete gamma function. Only `other` has a derivative.

    >>> import autodiff_lab as lab
    >>> lab.igammac(lab.tensor([1.0]), lab.tensor([1.0]))
    tensor([0.3679])
    """
    return scipy_call("gammaincc", input, other)


@igammac.vjp("input")
def _(grad):
    raise RuntimeError("the derivative for 'igammac: input' is not implemented.")


@igammac.vjp("other")
def _(grad, input, other):
    return -grad * ops.exp((input - 1) * ops.log(other) - other - ops.lgamma(input))


@op(category="pointwise", refuses="h", latex=r"\zeta(x, q)", promote="float", namespace=S, samples=calls(lambda r: ((r.uniform(1.5, 3, (3, 4)), r.uniform(0.5, 3, (3, 4))), {})))
def zeta(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """The Hurwitz zeta function. Only `other` has a derivative.

    >>> import autodiff_lab as lab
    >>> lab.special.zeta(lab.tensor([2.0]), lab.tensor([1.0]))  # pi² / 6
    tensor([1.6449])
    """
    return scipy_call("zeta", input, other)


@zeta.vjp("input")
def _(grad):
    raise RuntimeError("the derivative for 'special_zeta: self' is not implemented.")


@zeta.vjp("other")
def _(grad, input, other):
    return grad * -input * zeta(input + 1.0, other)


# ---- Bessel functions ----

@op(category="pointwise", latex=r"I_0(x)", samples=reals(), promote="float", inplace=True)
def i0(input: Tensor) -> Tensor:
    """The modified Bessel function of the first kind, order 0.

    >>> import autodiff_lab as lab
    >>> lab.i0(lab.tensor([0.0, 1.0]))
    tensor([1.0000, 1.2661])
    """
    return scipy_call("i0", input)


@i0.vjp("input", latex=r"I_1(x)")
def _(grad, input):
    return grad * i1(input)


@op(category="pointwise", node_name="SpecialI1", latex=r"I_1(x)", samples=also(reals(0.2), calls(lambda r: ((np.array([0.0, -1.2]),), {}))), promote="float", namespace=S)
def i1(input: Tensor) -> Tensor:
    """The modified Bessel function of the first kind, order 1.

    >>> import autodiff_lab as lab
    >>> lab.special.i1(lab.tensor([0.0, 1.0]))
    tensor([0.0000, 0.5652])
    """
    return scipy_call("i1", input)


@i1.vjp("input")
def _(grad, input, out):
    tiny = ops.abs(input) <= 1e-20
    return grad * ops.where(tiny, input * 0 + 0.5, ops.i0(input) - out / ops.where(tiny, input * 0 + 1, input))


@op(category="pointwise", node_name="SpecialI0E", latex=r"e^{-|x|} I_0(x)", samples=reals(0.2), promote="float", namespace=S)
def i0e(input: Tensor) -> Tensor:
    """i0 scaled by e^-|x|.

    >>> import autodiff_lab as lab
    >>> lab.special.i0e(lab.tensor([0.0, 1.0]))
    tensor([1.0000, 0.4658])
    """
    return scipy_call("i0e", input)


@i0e.vjp("input")
def _(grad, input, out):
    return grad * (i1e(input) - ops.sgn(input) * out)


@op(category="pointwise", node_name="SpecialI1E", latex=r"e^{-|x|} I_1(x)", samples=also(reals(0.2), calls(lambda r: ((np.array([0.0, -1.2]),), {}))), promote="float", namespace=S)
def i1e(input: Tensor) -> Tensor:
    """i1 scaled by e^-|x|.

    >>> import autodiff_lab as lab
    >>> lab.special.i1e(lab.tensor([0.0, 1.0]))
    tensor([0.0000, 0.2079])
    """
    return scipy_call("i1e", input)


@i1e.vjp("input")
def _(grad, input, out):
    tiny = ops.abs(input) <= 1e-20
    safe = ops.where(tiny, input * 0 + 1, input)
    return grad * ops.where(tiny, input * 0 + 0.5, i0e(input) - out * (ops.sgn(input) + 1 / safe))


# ---- logarithms of chances ----

@op(category="pointwise", refuses="c", latex=r"\ln \frac{x}{1 - x}", promote="float", inplace=True, samples=calls(
    lambda r: ((r.uniform(0.1, 0.9, (3, 4)),), {}), lambda r: ((r.uniform(0.0, 1.0, (3, 4)), 0.2), {}), lambda r: ((r.uniform(0.1, 0.9, ()),), {})))
@in_float32
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """The inverse of sigmoid. With `eps`, input is held in [eps, 1 - eps] first.

    >>> import autodiff_lab as lab
    >>> lab.logit(lab.tensor([0.5, 0.9]))
    tensor([0.0000, 2.1972])
    """
    xp = namespace(input)
    x = input if eps is None else xp.minimum(xp.maximum(input, eps), 1 - eps)
    return xp.log(x / (1 - x))


@logit.vjp("input", latex=r"\frac{1}{x(1 - x)}")
def _(grad, input, eps):
    slope = grad / (input * (1 - input))
    if eps is None:
        return ops.where((input >= 0) & (input <= 1), slope, math.nan)
    return ops.where((input >= eps) & (input <= 1 - eps), slope, ops.zeroed(grad))


@op(category="pointwise", latex=r"x \ln y", samples=also(pairs(positive_other=True), calls(
    lambda r: ((np.array([0.0, 1.2]), 2.5), {}), lambda r: ((np.array([0.0, 1.2]), np.array([2.5, 0.3])), {}), lambda r: ((np.array([-0.4, 1.2]), 0.5), {}))), promote="float", inplace=True, variants=(("not isinstance(input, Tensor)", "XlogyBackward1"), ("not isinstance(other, Tensor)", "XlogyBackward2")))
def xlogy(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """`input * log(other)`, and 0 where input is 0 (unless other is NaN).

    >>> import autodiff_lab as lab
    >>> lab.xlogy(lab.tensor([0.0, 2.0]), lab.tensor([0.0, 3.0]))
    tensor([0.0000, 2.1972])
    """
    return _times_log(namespace(input).log, input, other)


def _times_log(log, input, other):
    xp = namespace(input)
    if input.dtype.kind == "c" or getattr(other, "dtype", input.dtype).kind == "c":
        raise NotImplementedError(f'"xlogy_cpu" not implemented for \'{dtype_of(input).title}\'')
    nan_stays = xp.isnan(other) if hasattr(other, "dtype") else other != other
    kind = input.dtype
    return xp.where((input == 0) & ~nan_stays if hasattr(other, "dtype") else (input == 0) & (not nan_stays), 0, input * log(other)).astype(kind)


@xlogy.vjp("input", latex=r"\ln y")
def _(grad, input, other):
    if other.__class__ is float or other.__class__ is int:
        return ops.where((input == 0) & (other <= 0), ops.zeroed(grad), grad * (math.log(other) if other > 0 else -math.inf if other == 0 else math.nan))
    return ops.where((input == 0) & (other <= 0), ops.zeroed(grad), grad * ops.log(other))


@xlogy.vjp("other", latex=r"\frac{x}{y}")
def _(grad, input, other):
    return grad * (input / other)


@op(category="pointwise", node_name="SpecialXlog1Py", latex=r"x \ln(1 + y)", samples=also(pairs(positive_other=True), calls(
    lambda r: ((np.array([0.0, 1.2]), 2.5), {}), lambda r: ((np.array([0.0, 1.2]), np.array([2.5, 0.3])), {}), lambda r: ((np.array([-0.4, 1.2]), 0.5), {}))), promote="float", namespace=S)
def xlog1py(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """`input * log1p(other)`, and 0 where input is 0 (unless other is NaN).

    >>> import autodiff_lab as lab
    >>> lab.special.xlog1py(lab.tensor([0.0, 2.0]), lab.tensor([-1.0, 1.0]))
    tensor([0.0000, 1.3863])
    """
    return _times_log(namespace(input).log1p, input, other)


@xlog1py.vjp("input", latex=r"\ln(1 + y)")
def _(grad, input, other):
    if other.__class__ is float or other.__class__ is int:
        return ops.where((input == 0) & (other <= -1), ops.zeroed(grad), grad * (math.log1p(other) if other > -1 else -math.inf if other == -1 else math.nan))
    return ops.where((input == 0) & (other <= -1), ops.zeroed(grad), grad * ops.log1p(other))


@xlog1py.vjp("other", latex=r"\frac{x}{1 + y}")
def _(grad, input, other):
    return grad * (input / (other + 1))


@op(category="pointwise", refuses="c", node_name="SpecialEntr", latex=r"-x \ln x", samples=positive(), promote="float", namespace=S)
def entr(input: Tensor) -> Tensor:
    """Entropy: -x log(x), 0 at 0, -inf below.

    >>> import autodiff_lab as lab
    >>> lab.special.entr(lab.tensor([0.5, 0.0]))
    tensor([0.3466, 0.0000])
    """
    xp = namespace(input)
    safe = xp.where(input > 0, input, 1)
    return xp.where(xp.isnan(input), input, xp.where(input > 0, -input * xp.log(safe), xp.where(input == 0, 0, -math.inf))).astype(input.dtype)


@entr.vjp("input", latex=r"-\ln x - 1")
def _(grad, input):
    return grad * (-ops.log(input) - 1)


@op(category="pointwise", latex=r"\ln(e^x + e^y)", samples=pairs(), promote="numeric")
def logaddexp(input: Tensor, other: Tensor) -> Tensor:
    """The logarithm of the sum of exponentials, without overflow.

    >>> import autodiff_lab as lab
    >>> lab.logaddexp(lab.tensor([1000.0]), lab.tensor([1000.0]))
    tensor([1000.6932])
    """
    _floats_only("logaddexp", input)
    xp = namespace(input)
    if input.dtype.kind == "c":
        return complex_logaddexp(xp, input, other)
    return xp.logaddexp(input, other)


def complex_logaddexp(xp, a, b):
    """log(e^a + e^b), counted from the one with the larger real part: its imaginary part is kept, whole turns and all."""
    first = (a.real >= b.real) & ~xp.isnan(b) | xp.isnan(a)
    large, small = xp.where(first, a, b), xp.where(first, b, a)
    nothing = xp.isneginf(small.real)  # e^small is 0, whatever its angle
    found = xp.log1p(xp.where(nothing, 0, xp.exp(small - xp.where(nothing, 0, large)))) + large
    both_infinite = xp.isposinf(small.real) & xp.isposinf(large.real)
    return xp.where(both_infinite, xp.log(xp.exp(small) + xp.exp(large)), found)


def _floats_only(name: str, input) -> None:
    if dtype_of(input).category < 2:
        raise NotImplementedError(f'"{name}_cpu" not implemented for \'{dtype_of(input).title}\'')


@logaddexp.vjp("input")
def _(grad, input, other):
    return grad * ops.conj(ops.sigmoid(input - other))


@logaddexp.vjp("other")
def _(grad, input, other):
    return grad * ops.conj(ops.sigmoid(other - input))


@op(category="pointwise", latex=r"\log_2(2^x + 2^y)", samples=pairs(), promote="numeric")
def logaddexp2(input: Tensor, other: Tensor) -> Tensor:
    """The logarithm to base 2 of the sum of powers of 2, without overflow.

    >>> import autodiff_lab as lab
    >>> lab.logaddexp2(lab.tensor([3.0]), lab.tensor([3.0]))
    tensor([4.])
    """
    _floats_only("logaddexp2", input)
    return namespace(input).logaddexp2(input, other)


@logaddexp2.vjp("input")
def _(grad, input, other):
    return grad * ops.sigmoid((input - other) * math.log(2))


@logaddexp2.vjp("other")
def _(grad, input, other):
    return grad * ops.sigmoid((other - input) * math.log(2))


public[""].update(polygamma=polygamma_of, mvlgamma=mvlgamma)
polygamma_of.op = polygamma.op
Tensor.mvlgamma, Tensor.mvlgamma_ = mvlgamma, mvlgamma_


# ---- torch.special's names for what lives elsewhere ----

def fill_special() -> None:
    """torch.special's names; called when every operator is registered."""
    top, here = public[""], public.setdefault(S, {})
    same = ("digamma", "erf", "erfc", "erfinv", "exp2", "expm1", "i0", "log1p", "logit", "logsumexp", "polygamma", "round", "sinc", "xlogy")
    here.update({name: top[name] for name in same})
    here.update(psi=top["digamma"], expit=top["sigmoid"], gammaln=top["lgamma"], gammainc=top["igamma"], gammaincc=top["igammac"], multigammaln=top["mvlgamma"],
                softmax=top["softmax"], log_softmax=top["log_softmax"])
