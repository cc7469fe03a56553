"""Initialisation: filling weights in place so that signals and gradients keep their size through the layers.

All functions end in `_`, write into the tensor without being recorded, draw exactly the random words that
PyTorch draws, and return the tensor.
"""

from __future__ import annotations

import math

import numpy as np

from ..backend import namespace, random
from ..core.errors import caution
from ..core.tape import Version
from ..core.tensor import Tensor

__all__ = ["calculate_gain", "constant_", "dirac_", "eye_", "kaiming_normal_", "kaiming_uniform_", "normal_", "ones_", "orthogonal_",
           "sparse_", "trunc_normal_", "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_"]


def _draw(tensor: Tensor, generator, fill, *args) -> Tensor:
    """Fill a tensor's memory from a random stream."""
    array = tensor._array()
    gen = generator if generator is not None else random.default_generator
    if isinstance(array, np.ndarray):
        fill(gen, array, *args)
    elif tensor.is_meta:
        pass  # nothing is drawn for a tensor without numbers
    else:  # draw on the host, so that the numbers are those of the CPU stream
        host = np.empty(array.shape, array.dtype)
        fill(gen, host, *args)
        array[...] = namespace(array).asarray(host)
    return _written(tensor)


def _written(tensor: Tensor) -> Tensor:
    if tensor._ver is None:
        tensor._ver = Version()
    tensor._ver.bump()
    return tensor


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much to scale weights in front of an activation: sqrt(2) for relu, 5/3 for tanh, 1 for linear maps.

    Args:
        param: the negative slope of leaky_relu; default 0.01.

    >>> import autodiff_lab as lab
    >>> lab.nn.init.calculate_gain("relu")
    1.4142135623730951
    """
    linear = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid")
    if nonlinearity in linear:
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        if param is None:
            slope = 0.01
        elif isinstance(param, (int, float)) and not isinstance(param, bool):
            slope = param
        else:
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator=None) -> Tensor:
    """Numbers drawn evenly from [a, b).

    >>> import autodiff_lab as lab
    >>> _ = lab.manual_seed(0)
    >>> lab.nn.init.uniform_(lab.empty(3))
    tensor([0.4963, 0.7682, 0.0885])
    """
    if a > b:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={a} > to={b}")
    return _draw(tensor, generator, random.uniform, a, b)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator=None) -> Tensor:
    """Numbers from the normal distribution.

    >>> import autodiff_lab as lab
    >>> _ = lab.manual_seed(0)
    >>> lab.nn.init.normal_(lab.empty(3))
    tensor([ 1.5410, -0.2934, -2.1788])
    """
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    return _draw(tensor, generator, random.normal, mean, std)


def trunc_normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator=None) -> Tensor:
    """Numbers from the normal distribution, redrawn until all lie in [a, b].

    >>> import autodiff_lab as lab
    >>> bool(lab.nn.init.trunc_normal_(lab.empty(100)).abs().max() <= 2)
    True
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        caution("mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be incorrect.")
    if a > b:
        raise RuntimeError(f"trunc_normal_ expects bounds a <= b, but found a={a} > b={b}")
    return _draw(tensor, generator, _truncated, mean, std, a, b)


def _truncated(gen, out, mean, std, a, b) -> None:
    def phi(x):
        return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0

    def again(fill, *args):
        drawn = np.empty_like(out)
        fill(gen, drawn, *args)
        return drawn

    low, high = out.dtype.type(a), out.dtype.type(b)
    if phi((b - mean) / std) - phi((a - mean) / std) > 0.3:
        random.normal(gen, out, mean, std)
        while True:
            outside = (out < low) | (out > high)
            if not outside.any():
                return
            np.copyto(out, again(random.normal, mean, std), where=outside)
    # A narrow window: propose evenly, keep in proportion to the density.
    mode = min(max(mean, a), b)
    peak = -0.5 * ((mode - mean) / std) ** 2

    def refused(candidate):
        z = (candidate - out.dtype.type(mean)) / out.dtype.type(std)
        return np.log(again(random.uniform, 0.0, 1.0)) > z * z * out.dtype.type(-0.5) - out.dtype.type(peak)

    with np.errstate(divide="ignore"):
        random.uniform(gen, out, a, b)
        pending = refused(out)
        while pending.any():
            np.copyto(out, again(random.uniform, a, b), where=pending)
            pending &= refused(out)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """One number everywhere.

    >>> import autodiff_lab as lab
    >>> lab.nn.init.constant_(lab.empty(2), 0.3)
    tensor([0.3000, 0.3000])
    """
    tensor._array()[...] = val
    return _written(tensor)


def ones_(tensor: Tensor) -> Tensor:
    """1 everywhere.

    >>> import autodiff_lab as lab
    >>> lab.nn.init.ones_(lab.empty(2))
    tensor([1., 1.])
    """
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """0 everywhere.

    >>> import autodiff_lab as lab
    >>> lab.nn.init.zeros_(lab.empty(2))
    tensor([0., 0.])
    """
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """The identity: a Linear with this weight keeps as many inputs as it can.

    >>> import autodiff_lab as lab
    >>> lab.nn.init.eye_(lab.empty(2, 3))
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    array = tensor._array()
    array[...] = namespace(array).eye(*array.shape, dtype=array.dtype)
    return _written(tensor)


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """The identity for convolutions: channels pass unchanged.

    >>> import autodiff_lab as lab
    >>> conv = lab.nn.Conv1d(1, 1, 3, padding=1, bias=False)
    >>> _ = lab.nn.init.dirac_(conv.weight)
    >>> conv(lab.tensor([[1.0, 2.0, 3.0]])).detach()  # what goes in comes out
    tensor([[1., 2., 3.]])
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    out = tensor.shape[0]
    if out % groups:
        raise ValueError("dim 0 must be divisible by groups")
    array = tensor._array()
    array[...] = 0
    middle = tuple(n // 2 for n in array.shape[2:])
    per_group = out // groups
    for group in range(groups):
        for d in range(min(per_group, array.shape[1])):
            array[(group * per_group + d, d, *middle)] = 1
    return _written(tensor)


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many numbers go into one output of a layer with this weight, and how many outputs one input goes to."""
    if tensor.ndim < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return fan_in if mode == "fan_in" else fan_out


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator=None) -> Tensor:
    """Evenly from ±gain·sqrt(6 / (fan_in + fan_out)): keeps variances in both directions (Glorot and Bengio, 2010).

    >>> import autodiff_lab as lab
    >>> w = lab.nn.init.xavier_uniform_(lab.empty(3, 5))
    >>> bool(w.abs().max() <= (6 / (3 + 5)) ** 0.5)
    True
    """
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    std = gain * math.sqrt(2.0 / float(fan_in + fan_out))
    bound = math.sqrt(3.0) * std  # in this order: the last bits matter
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator=None) -> Tensor:
    """Normal with variance gain²·2 / (fan_in + fan_out) (Glorot and Bengio, 2010).

    >>> import autodiff_lab as lab
    >>> _ = lab.manual_seed(0)
    >>> lab.nn.init.xavier_normal_(lab.empty(1, 3))
    tensor([[ 1.0896, -0.2075, -1.5406]])
    """
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / float(fan_in + fan_out)), generator)


def kaiming_uniform_(tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator=None) -> Tensor:
    """Evenly from ±gain·sqrt(3 / fan): keeps the variance behind a rectifier (He et al., 2015).

    Args:
        a: negative slope of leaky_relu.
        mode: "fan_in" keeps signals, "fan_out" gradients.

    >>> import autodiff_lab as lab
    >>> w = lab.nn.init.kaiming_uniform_(lab.empty(3, 6), nonlinearity="relu")
    >>> bool(w.abs().max() <= 1)  # sqrt(6 / 6)
    True
    """
    if 0 in tensor.shape:
        caution("Initializing zero-element tensors is a no-op")
        return tensor
    std = calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))
    bound = math.sqrt(3.0) * std  # in this order: the last bits matter
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator=None) -> Tensor:
    """Normal with standard deviation gain / sqrt(fan) (He et al., 2015).

    >>> import autodiff_lab as lab
    >>> _ = lab.manual_seed(0)
    >>> lab.nn.init.kaiming_normal_(lab.empty(1, 3))
    tensor([[ 1.2582, -0.2396, -1.7790]])
    """
    if 0 in tensor.shape:
        caution("Initializing zero-element tensors is a no-op")
        return tensor
    return normal_(tensor, 0.0, calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode)), generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator=None) -> Tensor:
    """A (semi-)orthogonal matrix: lengths are kept (Saxe et al., 2013). Equal to PyTorch's within rounding.

    >>> import autodiff_lab as lab
    >>> w = lab.nn.init.orthogonal_(lab.empty(3, 3))
    >>> bool((w @ w.T - lab.eye(3)).abs().max() < 1e-6)
    True
    """
    if tensor.ndim < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if not tensor.numel():
        return tensor
    rows = tensor.shape[0]
    array = tensor._array()
    flat: np.ndarray = np.empty((rows, tensor.numel() // rows), array.dtype)
    random.normal(generator if generator is not None else random.default_generator, flat)
    tall = flat.T if flat.shape[0] < flat.shape[1] else flat
    q, r = np.linalg.qr(tall)
    q = q * np.sign(np.diagonal(r))
    if flat.shape[0] < flat.shape[1]:
        q = q.T
    array[...] = namespace(array).asarray(q.reshape(array.shape) * q.dtype.type(gain))
    return _written(tensor)


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator=None) -> Tensor:
    """Normal numbers, with the share `sparsity` of each column set to zero (Martens, 2010).

    >>> import autodiff_lab as lab
    >>> w = lab.nn.init.sparse_(lab.empty(10, 3), sparsity=0.1)
    >>> (w == 0).sum(0)
    tensor([1, 1, 1])
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    normal_(tensor, 0, std, generator)
    array = tensor._array()
    for column in range(columns):
        array[random.randperm(random.default_generator, rows)[:zeros], column] = 0
    return tensor


def _deprecated(function):
    name = function.__name__

    def old(*args, **kwargs):
        caution(f"`nn.init.{name[:-1]}` is now deprecated in favor of `nn.init.{name}`.", FutureWarning)
        return function(*args, **kwargs)
    old.__name__ = old.__qualname__ = name[:-1]
    old.__doc__ = f"Old name of `{name}`."
    return old


uniform, normal, constant, eye, dirac = map(_deprecated, (uniform_, normal_, constant_, eye_, dirac_))
xavier_uniform, xavier_normal, kaiming_uniform, kaiming_normal = map(_deprecated, (xavier_uniform_, xavier_normal_, kaiming_uniform_, kaiming_normal_))
orthogonal, sparse = map(_deprecated, (orthogonal_, sparse_))


def _no_grad_uniform_(tensor, a, b, generator=None):
    return uniform_(tensor, a, b, generator)


def _no_grad_normal_(tensor, mean, std, generator=None):
    return normal_(tensor, mean, std, generator)
