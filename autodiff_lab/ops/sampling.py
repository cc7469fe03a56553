"""Random tensors, seeds and generators. The numbers are PyTorch's on the CPU, bit for bit, on every device.

PyTorch draws CUDA tensors from another stream; here `device="cuda"` moves the CPU's numbers there, so that
a seed means the same everywhere.
"""

from __future__ import annotations

import types

import numpy as np

from ..backend import namespace, order_like
from ..backend import random as streams
from ..backend.random import Generator, default_generator, fork_rng
from ..core.arguments import collect_ints, sizes_of
from ..core.devices import array_on, cuda_available, device_of
from ..core.devices import device as device_type
from ..core.dtypes import dtype_of, get_default_dtype
from ..core.errors import caution
from ..core.modes import modes
from ..core.op import public
from ..core.outs import Called
from ..core.tape import Version
from ..core.tensor import Tensor, wrap
from ..core.views import check_writable
from .creation import check_agrees, goes_to_meta, no_numbers, too_much
from .from_data import finish
from .random_fills import as_int, integer_bounds, need_float, stream

__all__ = [
    "Generator", "default_generator", "get_rng_state", "initial_seed", "manual_seed", "rand", "rand_like", "randint",
    "randint_like", "randn", "randn_like", "randperm", "seed", "set_rng_state",
]


# ---- seeds ----

def manual_seed(seed) -> Generator:
    """Seed the default generator: from here on the same program draws the same numbers. Returns the generator.

    >>> import autodiff_lab as lab
    >>> generator = lab.manual_seed(0)
    >>> lab.rand(3)
    tensor([0.4963, 0.7682, 0.0885])
    """
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Seed the default generator from the operating system's entropy; returns the seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default generator started from.

    >>> import autodiff_lab as lab
    >>> _ = lab.manual_seed(5)
    >>> lab.initial_seed()
    5
    """
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default generator, as a tensor of bytes for `set_rng_state`.

    >>> import autodiff_lab as lab
    >>> state = lab.get_rng_state()
    >>> a = lab.rand(3)
    >>> lab.set_rng_state(state)
    >>> bool((lab.rand(3) == a).all())
    True
    """
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Let the default generator go on from a state that `get_rng_state` returned."""
    default_generator.set_state(new_state)


def _state_array(state) -> np.ndarray:
    if not isinstance(state, Tensor):
        raise TypeError(f"expected a torch.ByteTensor, but got {type(state).__name__}. "
                        "Pass what get_rng_state() returned.")
    return state.numpy()


def _device(where):
    made = device_type(where)
    if made.type == "cuda" and not cuda_available():
        raise RuntimeError("Cannot get CUDA generator without a CUDA device: this machine has none that CuPy sees. "
                           "Use torch.Generator(device='cpu').")
    return made


Generator.wrap_state = staticmethod(wrap)
Generator.unwrap_state = staticmethod(_state_array)
Generator.make_device = staticmethod(_device)


# ---- new tensors of a given size ----

def _sizes(function: str, starred: tuple, keyword) -> tuple:
    """The shape asked for, as one sequence or one by one."""
    if not starred and keyword is None:
        raise TypeError(f"{function}() received an invalid combination of arguments - got (), but expected a size, "
                        f"such as {function}(2, 3) or {function}((2, 3)).")
    return shape_of_sizes(function, collect_ints(starred, keyword, function, "size"))


def shape_of_sizes(function: str, sizes) -> tuple:
    """`sizes` as a shape.

    Raises:
        RuntimeError: if one is negative.
    """
    sizes = sizes_of(function, "size", sizes)
    for size in sizes:
        if size < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {size}: {list(sizes)}")
    return sizes


def drawn(shape, fill, dtype, usual, device, requires_grad, out) -> Tensor:
    """A new tensor that `fill(array)` has written, or `out` with the shape and the numbers asked for."""
    if out is not None:
        return into(out, shape, fill, dtype)
    if goes_to_meta(device):
        return finish(no_numbers(shape, (dtype or usual).numpy), None, device, requires_grad)
    if device is not None:
        array_on(np.empty(0), device_type(device))  # a device that is not there is refused before numbers are drawn
    try:
        array = np.empty(shape, (dtype or usual).numpy)
    except (MemoryError, ValueError) as error:
        raise too_much("randn", shape, error) from None
    fill(array)
    return finish(array if shape else array[()], None, device, requires_grad)


def into(out, shape, fill, dtype) -> Tensor:
    check_agrees(dtype, out)
    if modes.grad and out._rg:
        raise RuntimeError("functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad.")
    check_writable(out, Called("out"), False)
    array = out._array()
    if array.shape != shape:
        if array.size:
            caution(f"An output with one or more elements was resized since it had shape {list(array.shape)}, which does not match the required output shape "
                    f"{list(shape)}. This behavior is deprecated, and in a future PyTorch release outputs will not be resized unless they have zero elements. "
                    "You can explicitly reuse an out tensor t by resizing it, inplace, to zero elements with t.resize_(0).")
        array = out._a = type(array)(shape, dtype=array.dtype)
    fill(array)
    if out._ver is None:
        out._ver = Version()
    out._ver.bump()
    return out


def placed_like(neighbour, array):
    """`array`, which was drawn on the host, where the array `neighbour` lives."""
    return namespace(neighbour).asarray(array)


def rand(*size_, size=None, generator=None, out=None, dtype=None, layout=None, device=None, requires_grad: bool | None = False,
         pin_memory: bool | None = False) -> Tensor:
    """Numbers drawn uniformly from [0, 1).

    Args:
        size: the shape, given one by one or as a sequence.
        generator: where to draw from; default: the default generator.
        out: a tensor to write into.
        dtype: floating-point or complex; default: the default dtype.
        device: where to put the result.
        requires_grad: whether gradients are wanted.

    >>> import autodiff_lab as lab
    >>> lab.rand(2, generator=lab.Generator().manual_seed(1))
    tensor([0.7576, 0.2793])
    """
    gen = stream(generator)

    def fill(array):
        need_float(array, "check_uniform_bounds")
        streams.uniform(gen, array)
    shape = _sizes("rand", size_, size)
    return drawn(shape, fill, dtype, get_default_dtype(), device, requires_grad, out)


def randn(*size_, size=None, generator=None, out=None, dtype=None, layout=None, device=None, requires_grad: bool | None = False,
          pin_memory: bool | None = False) -> Tensor:
    """Numbers drawn from the standard normal distribution: mean 0, variance 1. Arguments as for `rand`.

    >>> import autodiff_lab as lab
    >>> lab.randn(2, generator=lab.Generator().manual_seed(1))
    tensor([0.6614, 0.2669])
    """
    gen = stream(generator)

    def fill(array):
        need_float(array, "normal_kernel_cpu")
        streams.normal(gen, array)
    shape = _sizes("randn", size_, size)
    return drawn(shape, fill, dtype, get_default_dtype(), device, requires_grad, out)


def randint(low=None, high=None, size=None, *, generator=None, out=None, dtype=None, layout=None, device=None,
            requires_grad: bool | None = False, pin_memory: bool | None = False) -> Tensor:
    """Whole numbers from `low` to `high` - 1: `randint(high, size)` or `randint(low, high, size)`.

    Raises:
        RuntimeError: if nothing lies between the bounds, or the dtype can't hold them.

    >>> import autodiff_lab as lab
    >>> lab.randint(0, 10, (5,), generator=lab.Generator().manual_seed(0))
    tensor([4, 9, 3, 0, 3])
    """
    if size is None and hasattr(high, "__iter__") and not (isinstance(high, Tensor) and not high.ndim):
        low, high, size = 0, low, high
        position = 1
    else:
        position = 2
        if high is None:
            low, high, position = 0, low, 1
    low = 0 if low is None else as_int(low, "randint", "low", 1)
    high = as_int(high, "randint", "high", position)
    if not hasattr(size, "__iter__"):
        raise TypeError("randint() received an invalid combination of arguments: the size must be a tuple of ints, "
                        f"such as randint({low}, {high}, (2, 3)), not {type(size).__name__}.")
    gen = stream(generator)
    bounds = integer_bounds(dtype or (out.dtype if isinstance(out, Tensor) else dtype_of(int)), low, high)

    def fill(array):
        streams.random_ints(gen, array, *bounds)
    return drawn(shape_of_sizes("randint", size), fill, dtype, dtype_of(int), device, requires_grad, out)


def randperm(n: int, *, generator=None, out=None, dtype=None, layout=None, device=None, requires_grad: bool | None = False,
             pin_memory: bool | None = False) -> Tensor:
    """The numbers 0 … n - 1 in random order.

    >>> import autodiff_lab as lab
    >>> lab.randperm(10, generator=lab.Generator().manual_seed(0))
    tensor([4, 1, 7, 5, 3, 9, 0, 8, 6, 2])
    """
    n = as_int(n, "randperm", "n", 1)
    shape = shape_of_sizes("randperm", (n,))
    wanted = out.dtype if isinstance(out, Tensor) else dtype or dtype_of(int)
    if wanted.category == 0:
        raise NotImplementedError("\"randperm\" not implemented for 'Bool'")
    _check_holds(n, wanted)
    gen = stream(generator)

    def fill(array):
        array[...] = placed_like(array, streams.randperm(gen, n))
    return drawn(shape, fill, dtype, dtype_of(int), device, requires_grad, out)


def _check_holds(n: int, dtype) -> None:
    digits = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}.get(dtype.name)
    if digits is not None:
        if n > 2**digits + 1:
            raise RuntimeError(f"n cannot be greater than {2**digits + 1} for {dtype.title} type.")
    elif n - 1 > np.iinfo(dtype.numpy).max:
        raise RuntimeError(f"value cannot be converted to type {dtype.name}_t without overflow: "
                           f"randperm({n}) needs a wider dtype.")


# ---- new tensors like another ----

def _like(input, dtype, memory_format):
    """An empty array of the shape and memory layout of `input`."""
    if not isinstance(input, Tensor):
        raise TypeError(f"argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    shape_and_strides = input._a
    if not isinstance(shape_and_strides, (np.ndarray, np.generic)):
        return np.empty(shape_and_strides.shape, (dtype or input.dtype).numpy)
    order = "C" if "contiguous" in str(memory_format) else order_like(shape_and_strides)
    return np.empty_like(shape_and_strides, (dtype or input.dtype).numpy, order)


def rand_like(input: Tensor, *, generator=None, dtype=None, layout=None, device=None, requires_grad: bool | None = False,
              memory_format=None) -> Tensor:
    """Numbers from [0, 1) in the shape, type and memory layout of `input`.

    >>> import autodiff_lab as lab
    >>> lab.rand_like(lab.zeros(2, 3)).shape
    torch.Size([2, 3])
    """
    array = _like(input, dtype, memory_format)
    need_float(array, "check_uniform_bounds")
    return finish(streams.uniform(stream(generator), array), None, device or device_of(input._a), requires_grad)


def randn_like(input: Tensor, *, generator=None, dtype=None, layout=None, device=None, requires_grad: bool | None = False,
               memory_format=None) -> Tensor:
    """Standard normal numbers in the shape, type and memory layout of `input`.

    >>> import autodiff_lab as lab
    >>> lab.randn_like(lab.zeros(2, 3)).shape
    torch.Size([2, 3])
    """
    array = _like(input, dtype, memory_format)
    need_float(array, "normal_kernel_cpu")
    return finish(streams.normal(stream(generator), array), None, device or device_of(input._a), requires_grad)


def randint_like(input: Tensor, low=None, high=None, *, generator=None, dtype=None, layout=None, device=None,
                 requires_grad: bool | None = False, memory_format=None) -> Tensor:
    """Whole numbers from `low` (default 0) to `high` - 1 in the shape, type and memory layout of `input`.

    >>> import autodiff_lab as lab
    >>> lab.randint_like(lab.zeros(2, 3), 10).shape
    torch.Size([2, 3])
    """
    if high is None:
        low, high = 0, low
    low, high = as_int(low or 0, "randint_like", "low", 2), as_int(high, "randint_like", "high", 3)
    array = _like(input, dtype, memory_format)
    bounds = integer_bounds(dtype_of(array), low, high)
    streams.random_ints(stream(generator), array, *bounds)
    return finish(array, None, device or device_of(input._a), requires_grad)


random = types.ModuleType("autodiff_lab.random", "Seeds and states of the default generator.")
for name in ("manual_seed", "seed", "initial_seed", "get_rng_state", "set_rng_state", "default_generator"):
    setattr(random, name, globals()[name])
random.fork_rng = fork_rng

public[""].update({name: globals()[name] for name in __all__}, random=random)
