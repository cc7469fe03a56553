"""How gamma and beta numbers move with their shape while their rank, the distribution function F, stays the same.

The slope is -(∂F/∂a) / (∂F/∂x). Both F over its density and the slope of F have a series of positive terms, which are
added up together. Where that is slow or loses digits, for large shapes and far tails, differences of log F tell.
"""

from __future__ import annotations

import numpy as np

__all__ = ["beta_slope", "gamma_slope"]

_AT_ONCE = 4096  # so many at a time fit the cache
_LARGE = 128.0  # from this shape on the series would take too long
_TERMS = 160
_LOSS = 1e5  # how many times larger than the result its parts may be


def gamma_slope(x, a):
    """∂x/∂a for gamma numbers `x` of the shapes `a`."""
    return _in_blocks((_gamma_series,), _gamma_differences, x, a)


def beta_slope(x, a, b):
    """∂x/∂a for beta numbers `x` of the shapes `a` and `b`, divided by 1 - x."""
    return _in_blocks((_beta_series_of_nearer_end, _beta_series_of_smaller_tail), _beta_differences, x, a, b)


def _in_blocks(series, differences, x, *shapes):
    """The slope of the first series that is good enough, or of the differences, as float64, block by block."""
    shape = np.broadcast_shapes(x.shape, *(a.shape for a in shapes))
    flat = [np.broadcast_to(array, shape).astype(np.float64).reshape(-1) for array in (x, *shapes)]
    result = np.full(flat[0].size, np.nan)
    with np.errstate(all="ignore"):
        small = np.max(flat[1:], axis=0) < _LARGE
        for start in range(0, len(result), _AT_ONCE):
            block = [array[start:start + _AT_ONCE] for array in flat]
            out = result[start:start + _AT_ONCE]
            for method, among in (*((method, small[start:start + _AT_ONCE]) for method in series), (differences, True)):
                missing = np.flatnonzero(np.isnan(out) & among)
                if len(missing):
                    out[missing] = method(*(array[missing] for array in block))
    return result.reshape(shape)


def _sums(step, n):
    """The sum of terms that begin with 1, and its slope; nan where it has not converged.

    `step(k)` gives the ratio of term k + 1 to term k, and the slope of that ratio's logarithm.
    """
    term, total, rate, slope = np.ones(n), np.ones(n), np.zeros(n), np.zeros(n)
    for k in range(_TERMS):
        ratio, added = step(k)
        term *= ratio
        rate += added
        total += term
        slope += term * rate
        if k % 8 == 7 and (term <= 1e-17 * total).all():
            return total, slope
    total[~(term <= 1e-17 * total)] = np.nan
    return total, slope


def _without_loss(first, second):
    """The sum of both, nan where they cancel too far."""
    both = first + second
    both[~(np.abs(first) <= _LOSS * np.abs(both))] = np.nan
    return both


# Gamma: F / density = x / a Σ xⁿ / ((a + 1) … (a + n)).

def _gamma_series(x, a):
    from scipy.special import psi

    def step(k):
        inverse = 1.0 / (a + (k + 1.0))
        return x * inverse, -inverse

    total, slope = _sums(step, len(a))
    return x / a * _without_loss((psi(a + 1.0) - np.log(x)) * total, -slope)


def _gamma_differences(x, a):
    from scipy.special import gammaln

    upper = x > a
    slope = _slope_of(lambda a: _log_gamma_tail(a, x, upper), a)
    log_density = (a - 1.0) * np.log(x) - x - gammaln(a)
    return np.where(upper, 1.0, -1.0) * slope * np.exp(_log_gamma_tail(a, x, upper) - log_density)


def _log_gamma_tail(a, x, upper):
    """log of the gamma distribution's lower tail at x, or of the upper one where `upper`."""
    from scipy.special import gammaincc, gammaln, hyp1f1

    lower = a * np.log(x) - x - gammaln(a + 1.0) + np.log(hyp1f1(1.0, a + 1.0, np.where(upper, 0.0, x)))
    return np.where(upper, np.log(gammaincc(a, x)), lower)


def _slope_of(log_tail, a):
    """Fourth-order differences of the logarithm of the smaller tail."""
    h = 1e-3 * a
    return (8.0 * (log_tail(a + h) - log_tail(a - h)) - log_tail(a + 2 * h) + log_tail(a - 2 * h)) / (12.0 * h)


# Beta, with y = x and c = a for the lower tail, y = 1 - x and c = b for the upper one:
# tail / density = x (1 - x) / c Σ (a + b) … (a + b + n - 1) / ((c + 1) … (c + n)) yⁿ.

def _beta_series_of_nearer_end(x, a, b):
    return _beta_series(x, a, b, x > 0.5)


def _beta_series_of_smaller_tail(x, a, b):
    return _beta_series(x, a, b, x > a / (a + b))


def _beta_series(x, a, b, upper):
    from scipy.special import psi

    y, c = np.where(upper, 1.0 - x, x), np.where(upper, b, a)
    lower, both = (~upper).astype(np.float64), a + b

    def step(k):
        above, below = both + k, 1.0 / (c + (k + 1.0))
        return y * above * below, 1.0 / above - lower * below

    total, slope = _sums(step, len(a))
    rate = np.log(x) - psi(a + lower) + psi(both)
    return np.where(upper, x, -x) / c * _without_loss(rate * total, slope)


def _beta_differences(x, a, b):
    from scipy.special import betaln

    upper = x > a / (a + b)
    slope = _slope_of(lambda a: _log_beta_tail(a, b, x, upper), a)
    log_density = (a - 1.0) * np.log(x) + (b - 1.0) * np.log1p(-x) - betaln(a, b)
    return np.where(upper, 1.0, -1.0) * slope * np.exp(_log_beta_tail(a, b, x, upper) - log_density) / (1.0 - x)


def _log_beta_tail(a, b, x, upper):
    """log of the beta distribution's lower tail at x, or of the upper one where `upper`."""
    from scipy.special import betainc, betaln, hyp2f1

    series = a * np.log(x) - np.log(a) - betaln(a, b) + np.log(hyp2f1(a, 1.0 - b, a + 1.0, np.where(x < 0.01, x, 0.0)))
    return np.where(upper, np.log(betainc(b, a, 1.0 - x)), np.where(x < 0.01, series, np.log(betainc(a, b, x))))
