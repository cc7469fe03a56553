"""`Distribution`: what all distributions have in common.

A distribution holds a batch of independent random things: `batch_shape` says how many, `event_shape` what one of
them looks like. `sample(s)` has the shape `s + batch_shape + event_shape`, `log_prob` the shape without the event.
"""

from __future__ import annotations

import copy
import warnings
from typing import Any, NoReturn

import autodiff_lab as lab

from ..core.tensor import Size, Tensor
from . import constraints
from .utils import lazy_property

__all__ = ["Distribution"]


class Distribution:
    """The base of all distributions. A subclass states its parameters, its support and its formulas.

    Attributes:
        arg_constraints: the constraint of every parameter, by name.
        support: the constraint of what is drawn.
        has_rsample: whether gradients flow through `rsample`.
        has_enumerate_support: whether all possible values can be listed.

    >>> import autodiff_lab as lab
    >>> d = lab.distributions.Normal(lab.zeros(3), 1.0)
    >>> d.batch_shape, d.event_shape, d.sample((5,)).shape
    (torch.Size([3]), torch.Size([]), torch.Size([5, 3]))
    """

    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether parameters and values are checked where `validate_args` does not say."""
        if value not in (True, False):
            raise ValueError("set_default_validate_args takes True or False.")
        Distribution._validate_args = value

    def __init__(self, batch_shape=(), event_shape=(), validate_args: bool | None = None):
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()
        super().__init__()

    def _check_parameters(self) -> None:
        try:
            wanted = self.arg_constraints
        except (AttributeError, NotImplementedError):
            wanted = {}
            warnings.warn(f"{type(self)} does not define `arg_constraints`. Please set `arg_constraints = {{}}` or initialize the distribution "
                          "with `validate_args=False` to turn off validation.", stacklevel=4)
        for name, constraint in wanted.items():
            if constraints.is_dependent(constraint):
                continue
            if name not in self.__dict__ and isinstance(getattr(type(self), name, None), lazy_property):
                continue  # it follows from a parameter that is checked
            value = getattr(self, name)
            if not constraint.check(value).all():
                raise ValueError(f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution {self!r} "
                                 f"to satisfy the constraint {constraint!r}, but found invalid values:\n{value}")

    @property
    def batch_shape(self) -> Size:
        """How many independent things, arranged how."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one thing that is drawn; empty for numbers."""
        return self._event_shape

    # Subclasses state these as constants or as properties.
    arg_constraints: Any = property(lambda self: _missing(self, "arg_constraints"))
    support: Any = property(lambda self: _missing(self, "support"))

    @property
    def mean(self) -> Tensor:
        """The expected value."""
        _missing(self, "mean")

    @property
    def mode(self) -> Tensor:
        """The most likely value."""
        raise NotImplementedError(f"{type(self)} does not implement mode")

    @property
    def variance(self) -> Tensor:
        """The expected squared distance from the mean."""
        _missing(self, "variance")

    @property
    def stddev(self) -> Tensor:
        """The square root of the variance."""
        return self.variance.sqrt()

    def sample(self, sample_shape=()) -> Tensor:
        """Draw, without a gradient."""
        with lab.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape=()) -> Tensor:
        """Draw so that gradients reach the parameters: a smooth function of them and of fixed random numbers."""
        _missing(self, "rsample (a gradient through the draw); use sample()")

    def sample_n(self, n: int) -> Tensor:
        """`n` draws; prefer sample((n,))."""
        warnings.warn("sample_n(n) will be deprecated. Use .sample((n,)) instead.", UserWarning, stacklevel=2)
        return self.sample(Size((n,)))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density, or of the probability, at `value`."""
        _missing(self, "log_prob")

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of a number no larger than `value`."""
        _missing(self, "cdf")

    def icdf(self, value: Tensor) -> Tensor:
        """The number whose cdf is `value`."""
        _missing(self, "icdf")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All possible values, along a new first dimension."""
        _missing(self, "enumerate_support")

    def entropy(self) -> Tensor:
        """The expected surprise, in nats."""
        _missing(self, "entropy")

    def perplexity(self) -> Tensor:
        """e to the entropy: how many equally likely values would surprise as much."""
        return lab.exp(self.entropy())

    def expand(self, batch_shape, _instance=None):
        """The same distribution with a larger batch; parameters are views."""
        return self._expanded(Size(batch_shape), _instance)

    def _expanded(self, batch_shape: Size, instance=None, **parts):
        """A copy whose own tensors are expanded to the batch shape; `parts` take the place of other attributes."""
        new = copy.copy(self) if instance is None else instance
        old = len(self._batch_shape)
        for name, value in {**self.__dict__, **parts}.items():
            if name not in parts and isinstance(value, Tensor) and value.shape[:old] == self._batch_shape:
                value = value.expand(batch_shape + value.shape[old:])
            new.__dict__[name] = value
        new._batch_shape = batch_shape
        return new

    def _get_checked_instance(self, cls, _instance=None):
        """For subclasses written for PyTorch, whose expand() starts from an empty instance."""
        if _instance is None and type(self).__init__ != cls.__init__:
            raise NotImplementedError(f"Subclass {type(self).__name__} of {cls.__name__} that defines a custom __init__ method "
                                      "must also define a custom .expand() method.")
        return self.__new__(type(self)) if _instance is None else _instance

    def _extended_shape(self, sample_shape=()) -> Size:
        """The shape of what `sample(sample_shape)` gives."""
        return Size(sample_shape) + self._batch_shape + self._event_shape

    def _validate_sample(self, value) -> None:
        """Refuse a value that is no tensor, does not broadcast or lies outside the support."""
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        first = value.ndim - len(self._event_shape)
        if value.shape[max(first, 0):] != self._event_shape:
            raise ValueError("The right-most size of value must match event_shape: "
                             f"{value.shape} vs {self._event_shape}.")
        for i, j in zip(reversed(value.shape), reversed(self._batch_shape + self._event_shape)):
            if i != 1 and j != 1 and i != j:
                raise ValueError(f"Value is not broadcastable with batch_shape+event_shape: {value.shape} vs {self._batch_shape + self._event_shape}.")
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(f"{type(self)} does not define `support` to enable sample validation. Please initialize the distribution with "
                          "`validate_args=False` to turn off validation.", stacklevel=3)
            return
        if not support.check(value).all():
            raise ValueError(f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) to be within the support ({support!r}) "
                             f"of the distribution {self!r}, but found invalid values:\n{value}")

    def __repr__(self) -> str:
        try:
            names = [name for name in self.arg_constraints if name in self.__dict__]
        except NotImplementedError:
            names = []
        def show(value):
            return value.size() if isinstance(value, Tensor) and value.numel() != 1 else value
        return f"{type(self).__name__}({', '.join(f'{name}: {show(self.__dict__[name])}' for name in names)})"


def _missing(distribution, what: str) -> NoReturn:
    raise NotImplementedError(f"{type(distribution).__name__} has no {what}.")
