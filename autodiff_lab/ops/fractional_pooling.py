"""Fractional max-pooling: windows whose steps are of uneven, randomly chosen lengths, so that any output size is possible.

Source: Graham (2014), Fractional Max-Pooling. How random numbers become steps is PyTorch's way.
"""

from __future__ import annotations

import math

from ..backend import namespace
from ..core.op import op, ops, public
from ..core.samples import calls
from ..core.tensor import Tensor
from .pooling import several


def starts(xp, samples, n: int, m: int, k: int):
    """Where the m windows of width k along a side of length n begin, one row for each random number in [0, 1)."""
    kind = samples.dtype.type
    if m == 1:
        return xp.full((*samples.shape, 1), n - k)
    alpha = kind(n - k) / kind(m - 1)
    found = ((xp.arange(m).astype(kind) + samples[..., None]) * alpha).astype(int) - (samples * alpha).astype(int)[..., None]
    found[..., -1] = n - k
    return found


def define(d: int):
    name, letters = f"fractional_max_pool{d}d", ("T", "H", "W")[-d:]

    def pooled_samples():
        size = (7, 6, 5)[:d]
        return calls(lambda r: ((r.permutation(2 * 3 * math.prod(size)).reshape(2, 3, *size) * 0.1, (2,) * d, (2,) * d, r.random((2, 3, d))), {}),
                     lambda r: ((r.permutation(3 * math.prod(size)).reshape(3, *size) * 0.1, (2,) * d, (3,) * d, r.random((1, 3, d))), {}))

    @op(category="reduction", refuses="bic", name=f"{name}_", function=False, method=False, node_name=f"FractionalMaxPool{d}D",
        outputs=("output", "indices"), differentiable=1, samples=pooled_samples())
    def pooled(input: Tensor, kernel_size, output_size, random_samples: Tensor):
        """The largest number of each window, and where it stands."""
        xp, size = namespace(input), input.shape[-d:]
        if input.ndim not in (d + 1, d + 2):
            raise RuntimeError(f"{name}(): Expected {d + 1}D or {d + 2}D tensor, but got: {list(input.shape)}")
        for letter, n, m, k in zip(("time", "height", "width")[-d:], size, output_size, kernel_size, strict=True):
            if m + k - 1 > n - (d == 3):  # PyTorch asks of volumes that one number is left over
                raise RuntimeError(f"{name}{'_out' * (d == 3)}(): pool {letter} {k} too large relative to input {letter} {n}")
        rows = input.reshape(math.prod(input.shape[:-d - 1]), input.shape[-d - 1], math.prod(size))
        random_samples = random_samples[:len(rows)]  # of one image PyTorch reads the first
        random_order = (1, 0) if d == 2 else range(d)  # of the images: width first
        where = 0
        for axis in range(d):
            begin = starts(xp, random_samples[..., random_order[axis]], size[axis], output_size[axis], kernel_size[axis])
            place = begin[..., None] + xp.arange(kernel_size[axis])
            shape = [*place.shape[:2], *(1,) * (2 * d)]
            shape[2 + axis], shape[2 + d + axis] = output_size[axis], kernel_size[axis]
            where = where * size[axis] + place.reshape(shape)
        places, each = math.prod(output_size), math.prod(kernel_size)
        where = where.reshape(*where.shape[:2], places, each)
        values = xp.take_along_axis(rows, where.reshape(*where.shape[:2], places * each), -1).reshape(where.shape)
        best = xp.argmax(values, -1)[..., None]
        shape = (*input.shape[:-d], *output_size)
        return xp.take_along_axis(values, best, -1).reshape(shape), xp.take_along_axis(where, best, -1).reshape(shape)

    @pooled.vjp("input")
    def _(grad, input_shape, indices):
        return ops.images_place(grad, indices, tuple(input_shape), d, True)

    def with_indices(input: Tensor, kernel_size, output_size=None, output_ratio=None, return_indices: bool = False, _random_samples=None):
        if output_size is None and output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
        if output_size is None:
            ratio = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * d
            if len(ratio) > d:
                raise ValueError(f"{name} requires output_ratio to either be a single Int or tuple of Ints.")
            output_size = [int(n * r) for n, r in zip(input.shape[-d:], ratio, strict=True)]
        if _random_samples is None:
            batch = 1 if input.ndim == d + 1 else input.shape[0]
            _random_samples = public[""]["rand"](batch, input.size(-d - 1), d, dtype=input.dtype, device=input.device)
        return tuple(pooled(input, tuple(several(kernel_size, d, "kernel_size")), tuple(several(output_size, d, "output_size")), _random_samples))

    def values_alone(input: Tensor, kernel_size, output_size=None, output_ratio=None, return_indices: bool = False, _random_samples=None):
        found = with_indices(input, kernel_size, output_size, output_ratio, return_indices, _random_samples)
        return found if return_indices else found[0]

    for function, own in ((values_alone, name), (with_indices, f"{name}_with_indices")):
        function.__name__ = function.__qualname__ = own
        function.__doc__ = f"""The largest number of each of {'×'.join(f'o{letter}' for letter in letters)} windows, which begin at random places.

    Args:
        kernel_size: the sides of a window, or one number for all.
        output_size: how many windows along each side.
        output_ratio: that number as a part of the side, in (0, 1), instead of `output_size`.
        return_indices: also give where the numbers stood, for max_unpool.

    Shape: (N, C, …) or (C, …).

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.{own}(lab.rand(1, 2, {', '.join('8' * d)}), 2, output_size=3){'[0]' if function is with_indices else ''}.shape
    torch.Size([1, 2, {', '.join('3' * d)}])
    """
        public["nn.functional"][own] = function


define(2)
define(3)
