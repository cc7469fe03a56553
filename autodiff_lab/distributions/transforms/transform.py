"""The base of all transforms, and a transform run backwards."""

from __future__ import annotations

import weakref
from typing import Any

__all__ = ["Plain", "Transform"]


class Transform:
    """The base of all transforms. A subclass writes `_call`, `_inverse` and `log_abs_det_jacobian`.

    Attributes:
        domain, codomain: constraints of what goes in and what comes out.
        bijective: whether `t.inv(t(x)) == x` for all x and `t(t.inv(y)) == y` for all y.
        sign: 1 or -1 for increasing or decreasing maps of numbers.

    Args:
        cache_size: 1 keeps the last pair (x, y), so that the inverse of a result is its very input.

    >>> import autodiff_lab as lab
    >>> class Tripled(lab.distributions.Transform):
    ...     bijective, sign = True, 1
    ...     domain = codomain = lab.distributions.constraints.real
    ...     def _call(self, x):
    ...         return 3 * x
    ...     def _inverse(self, y):
    ...         return y / 3
    >>> t = Tripled()
    >>> t(lab.tensor(2.0)), t.inv(lab.tensor(6.0))
    (tensor(6.), tensor(2.))
    """

    bijective = False
    domain: Any  # constraints, or properties that give them
    codomain: Any

    def __init__(self, cache_size: int = 0):
        if cache_size not in (0, 1):
            raise ValueError("cache_size must be 0 or 1")
        self._cache_size, self._inv = cache_size, None
        self._cached_x_y = (None, None)
        super().__init__()

    def __getstate__(self):
        return {**self.__dict__, "_inv": None, "_cached_x_y": (None, None)}

    @property
    def event_dim(self) -> int:
        """How many of the last dimensions belong together; the same on both sides."""
        if self.domain.event_dim == self.codomain.event_dim:
            return self.domain.event_dim
        raise ValueError("Please use either .domain.event_dim or .codomain.event_dim")

    @property
    def inv(self) -> Transform:
        """The inverse map."""
        found = self._inv() if self._inv is not None else None
        if found is None:
            found = _InverseTransform(self)
            self._inv = weakref.ref(found)
        return found

    def _sign(self):
        raise NotImplementedError(f"{type(self).__name__} has no sign: it is neither increasing nor decreasing.")

    sign: Any = property(_sign)

    def with_cache(self, cache_size: int = 1):
        """The same transform with another cache size."""
        if self._cache_size == cache_size:
            return self
        if type(self).__init__ is Transform.__init__:
            return type(self)(cache_size=cache_size)
        raise NotImplementedError(f"{type(self)}.with_cache is not implemented")

    def __eq__(self, other) -> bool:
        return self is other

    __hash__ = object.__hash__

    def __call__(self, x):
        if self._cache_size == 0:
            return self._call(x)
        kept_x, kept_y = self._cached_x_y
        if x is kept_x:
            return kept_y
        y = self._call(x)
        self._cached_x_y = x, y
        return y

    def _inv_call(self, y):
        if self._cache_size == 0:
            return self._inverse(y)
        kept_x, kept_y = self._cached_x_y
        if y is kept_y:
            return kept_x
        x = self._inverse(y)
        self._cached_x_y = x, y
        return x

    def _call(self, x):
        raise NotImplementedError

    def _inverse(self, y):
        raise NotImplementedError

    def log_abs_det_jacobian(self, x, y):
        """log |dy/dx|, given the input and the output."""
        raise NotImplementedError

    def forward_shape(self, shape):
        """The shape of the output for a shape of the input."""
        return shape

    def inverse_shape(self, shape):
        """The shape of the input for a shape of the output."""
        return shape

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class _InverseTransform(Transform):
    """A transform run backwards."""

    def __init__(self, transform: Transform):
        super().__init__(cache_size=transform._cache_size)
        self._inv = transform

    domain = property(lambda self: self._inv.codomain)
    codomain = property(lambda self: self._inv.domain)
    bijective = property(lambda self: self._inv.bijective)
    sign = property(lambda self: self._inv.sign)
    inv = property(lambda self: self._inv)

    def __getstate__(self):
        return self.__dict__

    def with_cache(self, cache_size: int = 1):
        return self.inv.with_cache(cache_size).inv

    def __eq__(self, other) -> bool:
        return isinstance(other, _InverseTransform) and self._inv == other._inv

    __hash__ = object.__hash__

    def __call__(self, x):
        return self._inv._inv_call(x)

    def _inv_call(self, y):
        return self._inv(y)

    def log_abs_det_jacobian(self, x, y):
        return -self._inv.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape):
        return self._inv.inverse_shape(shape)

    def inverse_shape(self, shape):
        return self._inv.forward_shape(shape)

    def __repr__(self) -> str:
        return f"_InverseTransform({self._inv!r})"


class Plain(Transform):
    """Transforms without parameters: two of a class are equal."""

    def __eq__(self, other) -> bool:
        return type(other) is type(self)

    __hash__ = object.__hash__
