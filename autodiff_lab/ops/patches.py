"""The patches that a convolution multiplies: how its kernel moves, which layout copies least, and the copies, block by block.

N is the batch, C and O channels in and out, K the numbers in one patch, L the places in one output image.
"""

from __future__ import annotations

import itertools
import math
from collections import namedtuple

from ..backend import namespace, strided
from ..core.arguments import whole
from ..core.dtypes import dtype_of
from ..core.tensor import Tensor

__all__ = ["Geometry", "geometry"]

BUFFER = 1 << 17  # patches copied at a time, in numbers: half a megabyte of float32 stays in the second-level cache
LEAST = 512  # places at a time, however long their patches are
SLAB = 1 << 19  # the same for slabs, which are read in order
SMALL = 1_000_000  # multiply-adds of a product up to which OpenBLAS works without packing its matrices, half as fast again
WHOLE = 1 << 62
FEW = 8  # channels, as rows of a product, with which BLAS is slow

Geometry = namedtuple("Geometry", "kernel stride pads dilation groups")
"""How a kernel moves: its size, step, (before, after) padding, spacing, and the number of channel groups."""


# ---- what the arguments mean ----

def per_dimension(value, d: int, what: str) -> tuple:
    """One number for each of `d` dimensions."""
    if isinstance(value, Tensor):
        value = value.tolist()
    if hasattr(value, "__iter__"):
        values = tuple([whole(what, v) for v in value])
        if len(values) == 1:
            return values * d
        if len(values) != d:
            raise RuntimeError(f"expected {what} to be a single integer value or a list of {d} values to match the convolution dimensions, but got {what}={list(values)}")
        return values
    return (whole(what, value),) * d


def geometry(kernel, stride, padding, dilation, groups) -> Geometry:
    """The arguments of a convolution, checked and one per dimension."""
    d = len(kernel)
    stride, dilation = per_dimension(stride, d, "stride"), per_dimension(dilation, d, "dilation")
    if any(s <= 0 for s in stride):
        raise RuntimeError("non-positive stride is not supported")
    if any(s <= 0 for s in dilation):
        raise RuntimeError(f"dilation should be greater than zero, but got {list(dilation)}")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise RuntimeError(f"Invalid padding string: '{padding}'")
        if padding == "same" and any(s != 1 for s in stride):
            raise RuntimeError("padding='same' is not supported for strided convolutions")
        total = [gap * (k - 1) if padding == "same" else 0 for gap, k in zip(dilation, kernel, strict=True)]
        pads = tuple((t // 2, t - t // 2) for t in total)
    else:
        padding = per_dimension(padding, d, "padding")
        if any(p < 0 for p in padding):
            raise RuntimeError("negative padding is not supported")
        pads = tuple((p, p) for p in padding)
    return Geometry(tuple(kernel), stride, pads, dilation, groups)


def output_size(size, geo: Geometry) -> tuple:
    """Spatial size of a convolution's result."""
    return tuple((n + lo + hi - gap * (k - 1) - 1) // s + 1
                 for n, k, s, (lo, hi), gap in zip(size, geo.kernel, geo.stride, geo.pads, geo.dilation, strict=True))


def check(input, weight, bias, geo: Geometry, d: int, transposed: bool = False) -> None:
    """Raise PyTorch's errors for shapes and types that do not fit."""
    name = f"conv{'_transpose' if transposed else ''}{d}d"
    if weight.ndim != d + 2:
        raise RuntimeError(f"expected a weight with {d + 2} dimensions for {name}, but got one of size {list(weight.shape)}")
    if input.ndim not in (d + 1, d + 2):
        raise RuntimeError(f"Expected {d + 1}D (unbatched) or {d + 2}D (batched) input to {name}, but got input of size: {list(input.shape)}")
    have, want = input.shape[-d - 1], weight.shape[0] if transposed else weight.shape[1] * geo.groups
    if have != want:
        raise RuntimeError(f"Given {'transposed=1' if transposed else f'groups={geo.groups}'}, weight of size {list(weight.shape)}, expected input{list(input.shape)} "
                           f"to have {want} channels, but got {have} channels instead. The channels are dimension {input.ndim - d - 1} of the input.")
    if weight.shape[0] < geo.groups:
        raise RuntimeError(f"Given groups={geo.groups}, expected weight to be at least {geo.groups} at dimension 0, but got weight of size {list(weight.shape)} instead")
    if weight.shape[0] % geo.groups:
        raise RuntimeError(f"Given groups={geo.groups}, expected weight to be divisible by {geo.groups} at dimension 0, but got weight of size {list(weight.shape)} instead")
    out = weight.shape[1] * geo.groups if transposed else weight.shape[0]
    if bias is not None and bias.shape != (out,):
        raise RuntimeError(f"Given {'transposed=1, ' if transposed else ''}weight of size {list(weight.shape)}, expected bias to be 1-dimensional with {out} elements, "
                           f"but got bias of size {list(bias.shape)} instead")
    if input.dtype != weight.dtype:
        raise RuntimeError(f"Input type ({dtype_of(input).title.lower()}) and {'bias' if bias is not None else 'weight'} type ({dtype_of(weight).title.lower()}) "
                           "should be the same. Convert the input, e.g. with .float().")
    if not transposed:
        padded = [n + lo + hi for n, (lo, hi) in zip(input.shape[-d:], geo.pads, strict=True)]
        reach = [gap * (k - 1) + 1 for k, gap in zip(geo.kernel, geo.dilation, strict=True)]
        if any(n < r for n, r in zip(padded, reach, strict=True)):
            raise RuntimeError(f"Calculated padded input size per channel: ({' x '.join(map(str, padded))}). Kernel size: ({' x '.join(map(str, reach))}). "
                               "Kernel size can't be greater than actual input size")


# ---- patches ----

def pad_zeros(x, pads):
    """Zeros around the spatial dimensions; negative padding cuts off."""
    if not any(lo or hi for lo, hi in pads):
        return x
    lead = x.ndim - len(pads)
    x = x[(slice(None),) * lead + tuple(slice(max(-lo, 0), n - max(-hi, 0)) for n, (lo, hi) in zip(x.shape[lead:], pads, strict=True))]
    pads = [(max(lo, 0), max(hi, 0)) for lo, hi in pads]
    if not any(lo or hi for lo, hi in pads):
        return x
    whole = namespace(x).zeros(x.shape[:lead] + tuple(n + lo + hi for n, (lo, hi) in zip(x.shape[lead:], pads, strict=True)), x.dtype)
    whole[(slice(None),) * lead + tuple(slice(lo, lo + n) for n, (lo, _) in zip(x.shape[lead:], pads, strict=True))] = x
    return whole


def windows(x, geo: Geometry, out):
    """Every patch of a padded (N, C, *size) as a view: (C, *kernel, N, *out)."""
    strides = x.strides
    inside = tuple(gap * s for gap, s in zip(geo.dilation, strides[2:], strict=True))
    between = tuple(step * s for step, s in zip(geo.stride, strides[2:], strict=True))
    return strided(x, (x.shape[1], *geo.kernel, x.shape[0], *out), (strides[1], *inside, strides[0], *between))


def offsets(geo: Geometry, out):
    """For each place in the kernel: its index, and the slices of the padded input that it sees."""
    for index in itertools.product(*map(range, geo.kernel)):
        yield index, tuple(slice(i * gap, i * gap + (n - 1) * s + 1, s) for i, gap, n, s in zip(index, geo.dilation, out, geo.stride, strict=True))


def blocks(n: int, rows: int, per_row: int, limit: int):
    """Slices of images and of rows of one image, so that a block of patches stays within `limit` numbers."""
    per_image = max(rows * per_row, 1)
    if per_image <= limit:
        step = -(-n // -(-n // (limit // per_image))) if n else 1  # as many in each block
        for start in range(0, n, step):
            yield slice(start, min(start + step, n)), slice(0, rows)
        return
    step = max(limit // per_row, 1)
    for image in range(n):
        for start in range(0, rows, step):
            yield slice(image, image + 1), slice(start, min(start + step, rows))


def is_plain(geo: Geometry) -> bool:
    """True for a 1x1 convolution without padding, which is a matrix product: with the pixels that its steps reach."""
    return all(k == 1 for k in geo.kernel) and not any(lo or hi for lo, hi in geo.pads) and geo.groups == 1


def reached(x, geo: Geometry):
    """The pixels of (N, C, *size) that a plain convolution's steps reach, as (N, C, places)."""
    return x[(slice(None), slice(None), *(slice(None, None, s) for s in geo.stride))].reshape(*x.shape[:2], -1)


FIRST, SLABS, LAST = "channels first", "slabs of rows", "channels last"


def layout(C: int, O: int, geo: Geometry, out) -> str:
    """How to copy patches so that little is copied, and what is copied at once is long.

    FIRST copies one row of one channel at a time. SLABS, in two dimensions, copies each row only once per column of the
    kernel; see `slabs`. LAST turns the input so that all channels of a pixel lie side by side: best for many channels, and
    for small images.
    """
    run = C * geo.kernel[-1] if geo.groups == 1 and geo.dilation[-1] == 1 else 0  # of numbers side by side with channels last
    large = piece_of(C * math.prod(geo.kernel) * O) >= WHOLE
    if len(out) == 2 and geo.dilation[0] == 1 and not (run >= 64 and out[1] < 12 or run >= 32 and large):
        return SLABS
    return LAST if run >= 2 * out[-1] else FIRST


def kernel_rows(weight, geo: Geometry, how: str):
    """The kernels as a matrix (groups, O / groups, K), or (K, O) for LAST, in the order in which the patches come."""
    O, G = weight.shape[0], geo.groups
    if how is FIRST:
        return weight.reshape(G, O // G, -1)
    rows = weight.transpose(0, *range(2, weight.ndim), 1).reshape(O, -1)
    return rows.T if how is LAST else namespace(weight).ascontiguousarray(rows).reshape(G, 1, 1, O // G, -1)


def patch_blocks(x, geo: Geometry, out, how: str):
    """Copies of all patches, block by block: images, rows, and a (groups, K, images * places) array.

    With LAST it is (images * places, K), the form in which BLAS is fastest when there are few output channels.
    """
    xp = namespace(x)
    d = len(out)
    C = x.shape[1]
    if how is LAST:
        x = pad_zeros(x.transpose(0, *range(2, d + 2), 1), (*geo.pads, (0, 0)))
        view = windows(x.transpose(0, d + 1, *range(1, d + 1)), geo, out)
        view = view.transpose(*range(d + 1, 2 * d + 2), *range(1, d + 1), 0)  # images, places, kernel, channels
        lead = 0
    else:
        view = windows(pad_zeros(x, geo.pads), geo, out)
        lead = d + 1
    K = C // geo.groups * math.prod(geo.kernel)
    buffer = None
    for images, rows in blocks(x.shape[0], out[0], K * geo.groups * math.prod(out[1:]), max(BUFFER, LEAST * K * geo.groups)):
        part = view[(slice(None),) * lead + (images, rows)]
        if buffer is None or buffer.size < part.size:
            buffer = xp.empty(part.size, x.dtype)
        flat = buffer[:part.size]
        flat.reshape(part.shape)[...] = part
        yield images, rows, flat.reshape(-1, K) if how is LAST else flat.reshape(geo.groups, K, -1)


def slabs(x, geo: Geometry, out, piece: int):
    """The patches of (N, C, H, W), block by block: images, rows, and a (groups, rows, pieces, K, places) view in which slabs overlap.

    Each padded row is copied once per column of the kernel, moved by that column, beside the same row of the block's other
    images. The rows of a patch then follow one another in memory: the patches of one output row are a matrix as it stands,
    which shares all but the first rows with the next one's. K runs over kernel rows, kernel columns, channels; the places
    of all images in one row, padding included, are cut into pieces of at most `piece`. See `only_places`.
    """
    xp = namespace(x)
    (N, C, H, W), G = x.shape, geo.groups
    (k, kw), (step, s), ((top, _), (left, _)) = geo.kernel, geo.stride, geo.pads
    width = row_width(W, geo)
    shifts = [divmod(j * geo.dilation[1], s) for j in range(kw)]
    for images, rows in blocks(N, out[0], step * kw * C * width, SLAB):
        n = images.stop - images.start
        pieces = -(-n * width // piece)
        size = -(-n * width // pieces)
        P = pieces * size
        tall = (rows.stop - rows.start - 1) * step + k
        begin = rows.start * step - top  # the first row; above 0 it is padding
        inside = slice(max(begin, 0), max(min(begin + tall, H), begin, 0))
        part = x[images, :, inside].transpose(2, 1, 0, 3)
        # One copy with padding, its columns sorted by their remainder by the step.
        flat = xp.zeros(s * tall * C * P + kw * geo.dilation[1], x.dtype)
        padded = flat[:s * tall * C * P].reshape(s, tall, C, P)[..., :n * width].reshape(s, tall, C, n, width)
        for phase in range(s):
            first = max(-((phase - left) // s), 0)  # the first place that is not padding
            source = part[..., first * s + phase - left::s][..., :width - first]
            padded[phase, inside.start - begin:inside.stop - begin, :, :, first:first + source.shape[-1]] = source
        copies = xp.empty((G, tall, kw, C // G, P), x.dtype)
        for j, (shift, phase) in enumerate(shifts):
            moved = flat[phase * tall * C * P + shift:][:tall * C * P]
            copies[:, :, j] = moved.reshape(tall, G, C // G, P).swapaxes(0, 1)
        by_group, by_row, _, by_channel, by_place = copies.strides
        yield images, rows, strided(copies, (G, rows.stop - rows.start, pieces, k * kw * (C // G), size), (by_group, by_row * step, by_place * size, by_channel, by_place))


def piece_of(each: int) -> int:
    """At how many places a product that costs `each` multiply-adds at one is still small; no limit where that is hopeless."""
    piece = SMALL // max(each, 1) // 16 * 16
    return piece if piece >= 32 else WHOLE


def row_width(W: int, geo: Geometry) -> int:
    """Places that a padded row of one image takes in `slabs`; those behind the last patch have no meaning."""
    return -(-(W + sum(geo.pads[1])) // geo.stride[1])


def only_places(rows, n: int, width: int, out):
    """The places with a meaning in (groups, rows, O / groups, P): as (groups, rows, O / groups, n, out)."""
    return rows[..., :n * width].reshape(*rows.shape[:3], n, width)[..., :out[1]]
