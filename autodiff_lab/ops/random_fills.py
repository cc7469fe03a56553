"""Random numbers written into a tensor: `uniform_`, `normal_` and their kin, from PyTorch's own streams.

Each is registered as an operator, so that observers see it and the tape knows its derivative: what was
in the tensor before does not matter any more, so the gradient of that is zero.
"""

from __future__ import annotations

import functools
import inspect
import warnings

import numpy as np

from ..backend import random as streams
from ..backend.meta import MetaArray
from ..backend.random import Generator, default_generator
from ..core import observe
from ..core.dtypes import dtype_of, finfo
from ..core.modes import modes
from ..core.op import op, ops
from ..core.support import argument_error
from ..core.tape import Version
from ..core.tensor import Tensor
from ..core.views import _rewrite_history, check_writable, link_to, shadow, sync

__all__ = ["stream"]


def stream(generator) -> Generator:
    """The generator to draw from: the one given, or the default one.

    Raises:
        TypeError: if something else than a generator is given.
    """
    if generator is None:
        return default_generator
    if isinstance(generator, Generator):
        return generator
    raise TypeError(f"argument 'generator' must be a Generator, not {type(generator).__name__}. "
                    "Make one with torch.Generator().manual_seed(seed).")


def random_fill(latex: str, node_name: str | None = None):
    """Make `Tensor.<name>_` of a function that checks its arguments and fills an array."""
    def decorate(draw):
        name = draw.__name__
        signature = inspect.signature(draw)

        def kernel(input, *args, **kwargs):
            return draw(np.empty_like(input), *args, **kwargs)

        kernel.__signature__, kernel.__name__, kernel.__doc__ = signature, name, draw.__doc__
        made = op(category="random", latex=latex, function=False, method=False, out=False)(kernel).op
        made.name = name.rstrip("_")
        if node_name:
            made.node_name = node_name
        made.vjp("input", latex="0")(_zero)

        @functools.wraps(draw)
        def method(self, *args, **kwargs):
            if not isinstance(self, Tensor):
                raise argument_error(made, "input", self, "Tensor")
            if self._view is not None:
                sync(self)
            check_writable(self, made)
            array = _memory(self, made)
            if array.__class__ is not MetaArray:
                draw(array, *args, **kwargs)
            _note_write(made, self, signature, args, kwargs)
            return self

        method.op = made
        setattr(Tensor, name, method)
        return method
    return decorate


def _zero(grad):
    return ops.zeroed(grad)


def _memory(tensor, made):
    array = tensor._array()
    if isinstance(array, np.ndarray) and not array.flags.writeable:
        raise RuntimeError(f"{made.name}_ can't write: this tensor's memory is read-only (it came from a read-only "
                           "NumPy array); clone() it first.")
    return array


def _note_write(made, tensor, signature, args, kwargs) -> None:
    """Versions, history and observers after the array was filled, as for every in-place operator."""
    if tensor._ver is None:
        tensor._ver = Version()
    tensor._ver.bump()
    recorded = modes.grad and tensor._rg
    if recorded or observe.observers:
        bound = signature.bind(tensor, *args, **kwargs)
        bound.apply_defaults()
        values = tuple(bound.arguments.values())
    if recorded:
        _rewrite_history(made, tensor, shadow(tensor), values, tensor._a, ())
    elif tensor._view is not None and not tensor._view.base._rg:
        tensor._view = link_to(tensor._view.base, tensor._view.kind, tensor._ver.count)
    if observe.observers:
        observe.tell("op_ran", made, values, tensor)


# ---- checks ----

def need_float(array, kernel: str) -> None:
    """Refuse integers and truth values, in PyTorch's words."""
    if array.dtype.kind in "iubc" and not (kernel.startswith(("normal", "check_uniform")) and array.dtype.kind == "c"):
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{dtype_of(array).title}': it needs a floating-"
                                  "point tensor. Convert first, e.g. with .float().")


def need_continuous(array, distribution: str) -> None:
    if array.dtype.kind in "iubc":
        raise RuntimeError(f"{distribution} distribution is a continuous probability distribution. dtype must be a "
                           f"floating point but you specified {dtype_of(array).title}")


def need_positive(value, name: str, what: str) -> None:
    if not value > 0:
        raise RuntimeError(f"{name} expects {what} > 0.0, but found {what}={value:g}")


def _in_words(value) -> str:
    return f"{float(value):g}"


def check_bounds(dtype, low, high) -> None:
    """The bounds of a uniform distribution must fit the type and be in order."""
    if -1e4 <= low <= high <= 1e4:  # fits every type
        return
    limit = _largest(dtype.to_real())
    for name, value in (("from", low), ("to", high)):
        if not -limit <= value <= limit:
            raise RuntimeError(f"{name} is out of bounds for {_C_NAMES.get(dtype.name, dtype.name)}")
    if low > high:
        raise RuntimeError("uniform_ expects to return a [from, to) range, but found "
                           f"from={_in_words(low)} > to={_in_words(high)}")
    if high - low > limit:
        raise RuntimeError(f"uniform_ expects to-from <= std::numeric_limits<{dtype.title}>::max(), but found "
                           f"to={_in_words(high)} and from={_in_words(low)} which result in to-from to exceed the "
                           "limit")


@functools.cache
def _largest(dtype) -> float:
    return finfo(dtype).max


_C_NAMES = {"bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short", "int32": "int",
            "int64": "int64_t", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float",
            "float64": "double"}
_DIGITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}


def integer_bounds(dtype, low: int, high: int) -> tuple[int, int]:
    """`low` and `high` checked against the type; moved inwards to numbers that a floating-point type has.

    Raises:
        RuntimeError: if nothing lies between them, or the type can't hold them.
    """
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    name = _C_NAMES.get(dtype.name, dtype.name)
    if dtype.name in _DIGITS:
        digits = _DIGITS[dtype.name]
        for what, value in (("from", low), ("to - 1", high - 1)):
            if not -(2**digits) <= value <= 2**digits:
                warnings.warn(f"{what} is out of bounds [-(2^{digits}), 2^{digits}]. Due to precision limitations "
                              f"{name} can support discrete uniform distribution only within this range.",
                              UserWarning, stacklevel=4)
        return _moved_up(low, dtype, digits), _moved_down(high, dtype, digits)
    smallest, largest = (0, 1) if dtype.name == "bool" else (np.iinfo(dtype.numpy).min, np.iinfo(dtype.numpy).max)
    for what, value in (("from", low), ("to - 1", high - 1)):
        if not smallest <= value <= largest:
            raise RuntimeError(f"{what} is out of bounds for {name}")
    return low, high


def _moved_up(low, dtype, digits):
    rounded = int(dtype.numpy.type(low + 1))
    return rounded + (1 << (abs(low + 1).bit_length() - digits)) if rounded < low else low


def _moved_down(high, dtype, digits):
    rounded = int(dtype.numpy.type(high - 1))
    return rounded - (1 << (abs(high - 1).bit_length() - digits)) if rounded >= high else high


def as_int(value, function: str, name: str, position: int) -> int:
    """A Python int of an argument that must be a whole number."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        given = type(value).__name__
        raise TypeError(f"{function}(): argument '{name}' (position {position}) must be int, not {given}")
    return value.__index__()


# ---- the fills ----

@random_fill(r"x_i \sim U(a, b)")
def uniform_(input: Tensor, from_: float = 0.0, to: float = 1.0, *, generator=None) -> Tensor:
    """Fill with numbers drawn uniformly from [from_, to).

    Raises:
        RuntimeError: if `from_` is larger than `to`, or the type can't hold them.

    >>> import autodiff_lab as lab
    >>> lab.empty(3).uniform_(-1, 1, generator=lab.Generator().manual_seed(0))
    tensor([-0.0075,  0.5364, -0.8230])
    """
    need_float(input, "check_uniform_bounds")
    low, high = float(from_), float(to)
    check_bounds(dtype_of(input), low, high)
    return streams.uniform(stream(generator), input, low, high)


@random_fill(r"x_i \sim \mathcal{N}(\mu, \sigma^2)")
def normal_(input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator=None) -> Tensor:
    """Fill with normal numbers of the given mean and standard deviation.

    Raises:
        RuntimeError: if `std` is negative.

    >>> import autodiff_lab as lab
    >>> lab.empty(3).normal_(generator=lab.Generator().manual_seed(0))
    tensor([ 1.5410, -0.2934, -2.1788])
    """
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {_in_words(std)}")
    need_float(input, "normal_kernel_cpu")
    mean = complex(mean, mean) if input.dtype.kind == "c" and not isinstance(mean, complex) else mean  # PyTorch adds it to both parts
    return streams.normal(stream(generator), input, mean if isinstance(mean, complex) else float(mean), float(std))


@random_fill(r"x_i \sim U\{a, \dots, b - 1\}", "RandomBackward2")
def random_(input: Tensor, from_: int | None = None, to: int | None = None, *, generator=None) -> Tensor:
    """Fill with whole numbers: `random_(to)` from 0 to `to` - 1, `random_(from_, to)` from `from_` to `to` - 1.

    Without bounds, from 0 to the largest number of the type (of a floating-point type: the largest up to which it
    has every whole number).

    Raises:
        RuntimeError: if nothing lies between the bounds, or the type can't hold them.
    """
    if input.dtype.kind == "c":
        raise NotImplementedError(f"\"random_kernel_cpu\" not implemented for '{dtype_of(input).title}'")
    gen = stream(generator)
    if from_ is None and to is None:
        return streams.random_integers_of_type(gen, input)
    low = as_int(from_, "random_", "from", 1)
    if to is None:
        if low == -(2**63):
            return streams.random_ints(gen, input, -(2**63), 2**63)
        low, high = 0, low
    else:
        high = as_int(to, "random_", "to", 2)
    return streams.random_ints(gen, input, *integer_bounds(dtype_of(input), low, high))


@random_fill(r"x_i \sim \mathrm{Bernoulli}(p)", "BernoulliBackward2")
def bernoulli_(input: Tensor, p=0.5, *, generator=None) -> Tensor:
    """Fill with ones of probability `p` (a number, or a tensor of probabilities) and zeros.

    Raises:
        RuntimeError: if a probability is outside [0, 1].
    """
    if isinstance(p, Tensor):
        probabilities = p._a
        check_probabilities(probabilities)
        return streams.bernoulli_tensor(stream(generator), input, probabilities)
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={_in_words(p)}")
    return streams.bernoulli_scalar(stream(generator), input, float(p))


def check_probabilities(p) -> None:
    """Refuse what is no probability."""
    need_float(p, "bernoulli_tensor_cpu_p_")
    if p.size and not bool(((p >= 0) & (p <= 1)).all()):
        raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false. Probabilities lie between 0 "
                           "and 1: apply sigmoid or softmax first?")


@random_fill(r"x_i \sim \lambda e^{-\lambda x}")
def exponential_(input: Tensor, lambd: float = 1.0, *, generator=None) -> Tensor:
    """Fill with exponential numbers of rate `lambd`; their mean is 1 / `lambd`."""
    need_continuous(input, "Exponential")
    need_positive(lambd, "exponential_", "lambda")
    return streams.exponential(stream(generator), input, lambd)


@random_fill(r"P(x_i = k) = (1 - p)^{k - 1} p")
def geometric_(input: Tensor, p: float, *, generator=None) -> Tensor:
    """Fill with the number of trials up to the first success of probability `p`."""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={_in_words(p)}")
    return streams.geometric(stream(generator), input, p)


@random_fill(r"x_i \sim \frac{1}{\pi} \frac{\sigma}{(x - m)^2 + \sigma^2}")
def cauchy_(input: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator=None) -> Tensor:
    """Fill with Cauchy numbers, whose tails are so heavy that they have no mean."""
    need_continuous(input, "Cauchy")
    need_positive(sigma, "cauchy_", "sigma")
    return streams.cauchy(stream(generator), input, median, sigma)


@random_fill(r"\ln x_i \sim \mathcal{N}(\mu, \sigma^2)")
def log_normal_(input: Tensor, mean: float = 1.0, std: float = 2.0, *, generator=None) -> Tensor:
    """Fill with numbers whose logarithm is normal with this mean and standard deviation."""
    need_positive(std, "log_normal_", "std")
    need_float(input, "log_normal_cpu")
    return streams.log_normal(stream(generator), input, mean, std)


