"""Bessel functions and families of polynomials: torch.special's functions that PyTorch gives no derivative either."""

from __future__ import annotations

from ..backend import namespace, special
from ..core.op import op
from ..core.tensor import Tensor
from .special_functions import S, scipy_call


def _without_derivative(name: str, of: str, sentence: str) -> None:
    """An operator of torch.special that PyTorch gives no derivative either."""
    def kernel(input: Tensor) -> Tensor:
        return scipy_call(of, input)

    kernel.__annotations__ = {"input": "Tensor", "return": "Tensor"}
    kernel.__name__ = kernel.__qualname__ = name
    kernel.__doc__ = sentence
    op(category="pointwise", refuses="ch", samples=None, promote="float", namespace=S, no_grad="PyTorch defines none")(kernel)


for _name, _of, _sentence in (
        ("bessel_j0", "j0", "The Bessel function of the first kind, order 0."), ("bessel_j1", "j1", "The Bessel function of the first kind, order 1."),
        ("bessel_y0", "y0", "The Bessel function of the second kind, order 0."), ("bessel_y1", "y1", "The Bessel function of the second kind, order 1."),
        ("modified_bessel_i0", "i0", "The modified Bessel function of the first kind, order 0."), ("modified_bessel_i1", "i1", "The modified Bessel function of the first kind, order 1."),
        ("modified_bessel_k0", "k0", "The modified Bessel function of the second kind, order 0."), ("modified_bessel_k1", "k1", "The modified Bessel function of the second kind, order 1."),
        ("scaled_modified_bessel_k0", "k0e", "modified_bessel_k0 scaled by e^x."), ("scaled_modified_bessel_k1", "k1e", "modified_bessel_k1 scaled by e^x.")):
    _without_derivative(_name, _of, _sentence)


@op(category="pointwise", refuses="ch", promote="float", namespace=S, no_grad="PyTorch defines none")
def airy_ai(input: Tensor) -> Tensor:
    """The Airy function Ai.

    >>> import autodiff_lab as lab
    >>> lab.special.airy_ai(lab.tensor([0.0, 1.0]))
    tensor([0.3550, 0.1353])
    """
    wide = input.astype("float64")
    return special(input).airy(wide)[0].astype(input.dtype)


@op(category="pointwise", refuses="ch", promote="float", namespace=S, no_grad="PyTorch defines none")
def spherical_bessel_j0(input: Tensor) -> Tensor:
    """The spherical Bessel function of the first kind, order 0: sin(x) / x.

    >>> import autodiff_lab as lab
    >>> lab.special.spherical_bessel_j0(lab.tensor([0.0, 1.0]))
    tensor([1.0000, 0.8415])
    """
    xp = namespace(input)
    return xp.where(input == 0, 1, xp.sin(input) / xp.where(input == 0, 1, input)).astype(input.dtype)


# ---- families of polynomials ----

def _shifted(evaluate):
    return lambda library, n, x: evaluate(library, n, 2 * x - 1)


def _second(library, n, x):
    """Chebyshev polynomials of the second kind; 0 below degree 0."""
    return library.eval_chebyu(n, x) * (n >= 0)


POLYNOMIALS = {
    "chebyshev_polynomial_t": ("Chebyshev polynomial of the first kind", lambda library, n, x: library.eval_chebyt(n, x)),
    "chebyshev_polynomial_u": ("Chebyshev polynomial of the second kind", _second),
    "chebyshev_polynomial_v": ("Chebyshev polynomial of the third kind", lambda library, n, x: _second(library, n, x) - _second(library, n - 1, x)),
    "chebyshev_polynomial_w": ("Chebyshev polynomial of the fourth kind", lambda library, n, x: _second(library, n, x) + _second(library, n - 1, x)),
    "hermite_polynomial_h": ("physicist's Hermite polynomial", lambda library, n, x: library.eval_hermite(n, x)),
    "hermite_polynomial_he": ("probabilist's Hermite polynomial", lambda library, n, x: library.eval_hermitenorm(n, x)),
    "laguerre_polynomial_l": ("Laguerre polynomial", lambda library, n, x: library.eval_laguerre(n, x)),
    "legendre_polynomial_p": ("Legendre polynomial", lambda library, n, x: library.eval_legendre(n, x)),
}
for _kind in "tuvw":
    POLYNOMIALS[f"shifted_chebyshev_polynomial_{_kind}"] = ("shifted " + POLYNOMIALS[f"chebyshev_polynomial_{_kind}"][0], _shifted(POLYNOMIALS[f"chebyshev_polynomial_{_kind}"][1]))


def _polynomial(name: str, words: str, evaluate) -> None:
    def kernel(input, n):
        degree = namespace(input).trunc(n).astype("int64") if hasattr(n, "dtype") else int(n)
        wide = input.astype("float64")
        found = evaluate(special(input), degree, wide)
        return namespace(input).where(degree < 0, 0, found).astype(input.dtype)

    kernel.__annotations__ = {"input": "Tensor | Number", "n": "Tensor | Number", "return": "Tensor"}
    kernel.__name__ = kernel.__qualname__ = name
    kernel.__doc__ = f"The {words} of degree `n` at every element; 0 for negative degrees."
    op(category="pointwise", refuses="ch", promote="float", namespace=S, no_grad="PyTorch defines none")(kernel)


for _name, (_words, _evaluate) in POLYNOMIALS.items():
    _polynomial(_name, _words, _evaluate)
