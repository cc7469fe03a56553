"""Sobol points: they fill the unit cube more evenly than random ones."""

from __future__ import annotations

import functools
import importlib.util
import pathlib

import numpy as np

from .core.dtypes import dtype, get_default_dtype
from .core.op import public
from .core.tensor import Tensor, wrap

__all__ = ["SobolEngine"]


@functools.cache
def _tables() -> tuple:
    """Joe and Kuo's primitive polynomials and first direction numbers, which SciPy brings along."""
    found = importlib.util.find_spec("scipy.stats")
    if found is None or found.origin is None:
        raise RuntimeError("SobolEngine needs the direction numbers that SciPy brings along: install scipy.")
    with np.load(pathlib.Path(found.origin).parent / "_sobol_direction_numbers.npz") as tables:
        return tables["poly"], tables["vinit"]


def _directions(dimension: int, bits: int) -> np.ndarray:
    """The direction numbers of each dimension, as whole numbers of `bits` bits: column b is what bit b of the Gray code adds."""
    polynomials, first = _tables()
    v = np.ones((dimension, bits), np.int64)
    for d in range(1, dimension):
        polynomial = int(polynomials[d])
        degree = polynomial.bit_length() - 1
        v[d, :degree] = first[d, :degree]
        for j in range(degree, bits):
            new = v[d, j - degree]
            for k in range(degree):
                if polynomial >> (degree - 1 - k) & 1:
                    new ^= v[d, j - k - 1] << (k + 1)
            v[d, j] = new
    return v << np.arange(bits - 1, -1, -1)


class SobolEngine:
    """Draws Sobol points, each spread as evenly as possible over those before it.

    Args:
        dimension: of the cube, up to 21201.
        scramble: shift and turn the points by random bits (Owen's way): still even, but random.
        seed: of the scrambling; default: the global generator draws it.

    >>> import autodiff_lab as lab
    >>> lab.quasirandom.SobolEngine(2).draw(4)
    tensor([[0.0000, 0.0000],
            [0.5000, 0.5000],
            [0.7500, 0.2500],
            [0.2500, 0.7500]])

    Source: Joe and Kuo, Constructing Sobol sequences with better two-dimensional projections (2008).
    """

    MAXBIT = 30
    MAXDIM = 21201

    def __init__(self, dimension: int, scramble: bool = False, seed: int | None = None):
        if dimension > self.MAXDIM or dimension < 1:
            raise ValueError(f"Supported range of dimensionality for SobolEngine is [1, {self.MAXDIM}]")
        self.dimension, self.scramble, self.seed = dimension, scramble, seed
        self.num_generated = 0
        self._directions = _directions(dimension, self.MAXBIT)
        self._shift = np.zeros(dimension, np.int64)
        if scramble:
            self._scramble()

    def _scramble(self) -> None:
        lab, bits = public[""], self.MAXBIT
        generator = None if self.seed is None else lab["Generator"]().manual_seed(self.seed)
        ways = 1 << np.arange(bits)
        self._shift = lab["randint"](2, (self.dimension, bits), generator=generator).numpy() @ ways
        turn = np.tril(lab["randint"](2, (self.dimension, bits, bits), generator=generator).numpy())
        turn[:, np.arange(bits), np.arange(bits)] = 1
        # Row r of a turn says which digits of a direction number, from the highest, make up digit r of the new one.
        digits = self._directions[:, :, None] >> np.arange(bits - 1, -1, -1) & 1
        self._directions = np.einsum("drk,djk->djr", turn, digits) % 2 @ ways[::-1]

    def draw(self, n: int = 1, out: Tensor | None = None, dtype: dtype | None = None) -> Tensor:
        """The next `n` points, as rows of a tensor of shape (n, dimension)."""
        kind = get_default_dtype() if dtype is None else dtype
        places = np.arange(self.num_generated, self.num_generated + n)
        code = places ^ places >> 1
        points = np.broadcast_to(self._shift, (n, self.dimension)).copy()
        for bit in range(int(code.max(initial=0)).bit_length()):
            points ^= np.where(code[:, None] >> bit & 1, self._directions[:, bit], 0)
        self.num_generated += n
        result = wrap((points.astype(kind.numpy) / kind.numpy.type(2**self.MAXBIT)).astype(kind.numpy))
        return result if out is None else out.resize_as_(result).copy_(result)

    def draw_base2(self, m: int, out: Tensor | None = None, dtype: dtype | None = None) -> Tensor:
        """The next 2 to the power `m` points; those of a whole power of two are the most even.

        Raises:
            ValueError: if the number of points drawn is then no power of two.
        """
        n = 2**m
        total = self.num_generated + n
        if total & (total - 1):
            raise ValueError("The balance properties of Sobol' points require n to be a power of 2. "
                             f"{self.num_generated} points have been previously generated, then: n={self.num_generated}+2**{m}={total}. "
                             "If you still want to do this, please use 'SobolEngine.draw()' instead.")
        return self.draw(n, out=out, dtype=dtype)

    def reset(self) -> SobolEngine:
        """Start again from the first point."""
        self.num_generated = 0
        return self

    def fast_forward(self, n: int) -> SobolEngine:
        """Leave `n` points out."""
        self.num_generated += n
        return self

    def __repr__(self) -> str:
        shown = [f"dimension={self.dimension}"]
        if self.scramble:
            shown.append("scramble=True")
        if self.seed is not None:
            shown.append(f"seed={self.seed}")
        return f"{self.__class__.__name__}({', '.join(shown)})"
