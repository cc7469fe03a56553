"""Convolution in one, two and three dimensions, and its transpose.

Three linear maps are each other's gradients, so every rule here is one of the three:

    correlate(x, w)        every patch of x times the kernel        the forward pass
    spread(g, w)           every g times the kernel, laid over x    gradient of x; transposed convolution
    correlate_patches(x, g)   every patch of x times g              gradient of w

All work by copying patches into a buffer of a few hundred kilobytes and multiplying it at once.
N is the batch, C and O channels in and out, K the numbers in one patch, L the places in one output image.
"""

from __future__ import annotations

import math
from collections import namedtuple

from ..backend import namespace
from ..core.dtypes import dtype_of
from ..core.op import op, ops, public
from ..core.samples import calls
from ..core.tensor import Tensor

__all__ = ["Geometry", "correlate", "correlate_patches", "spread"]

BUFFER = 1 << 17  # patches copied at a time, in numbers: half a megabyte of float32 stays in the second-level cache

Geometry = namedtuple("Geometry", "kernel stride pads dilation groups")
"""How a kernel moves: its size, step, (before, after) padding, spacing, and the number of channel groups."""


# ---- what the arguments mean ----

def per_dimension(value, d: int, what: str) -> tuple:
    """One number for each of `d` dimensions."""
    if isinstance(value, Tensor):
        value = value.tolist()
    if hasattr(value, "__iter__"):
        values = tuple(int(v) for v in value)
        if len(values) == 1:
            return values * d
        if len(values) != d:
            raise RuntimeError(f"expected {what} to be a single integer value or a list of {d} values to match the convolution dimensions, but got {what}={list(values)}")
        return values
    return (int(value),) * d


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

def pad_zeros(x, pads, slack: int = 0):
    """Zeros around the spatial dimensions; negative padding cuts off. `slack` more numbers may be read behind the end."""
    if not slack and not any(lo or hi for lo, hi in pads):
        return x
    lead = x.ndim - len(pads)
    cut = (slice(None),) * lead + tuple(slice(max(-lo, 0), n - max(-hi, 0)) for n, (lo, hi) in zip(x.shape[lead:], pads, strict=True))
    x = x[cut]
    pads = [(max(lo, 0), max(hi, 0)) for lo, hi in pads]
    if not slack and not any(lo or hi for lo, hi in pads):
        return x
    shape = x.shape[:lead] + tuple(n + lo + hi for n, (lo, hi) in zip(x.shape[lead:], pads, strict=True))
    size = math.prod(shape)
    whole = namespace(x).zeros(size + slack, x.dtype)[:size].reshape(shape)
    whole[(slice(None),) * lead + tuple(slice(lo, lo + n) for n, (lo, _) in zip(x.shape[lead:], pads, strict=True))] = x
    return whole


def windows(x, geo: Geometry, out):
    """Every patch of a padded (N, C, *size) as a view: (C, *kernel, N, *out)."""
    strides = x.strides
    inside = tuple(gap * s for gap, s in zip(geo.dilation, strides[2:], strict=True))
    between = tuple(step * s for step, s in zip(geo.stride, strides[2:], strict=True))
    return namespace(x).lib.stride_tricks.as_strided(x, (x.shape[1], *geo.kernel, x.shape[0], *out), (strides[1], *inside, strides[0], *between))


def offsets(geo: Geometry, out):
    """For each place in the kernel: its index, and the slices of the padded input that it sees."""
    for flat in range(math.prod(geo.kernel)):
        index, rest = [], flat
        for k in reversed(geo.kernel):
            rest, i = divmod(rest, k)
            index.insert(0, i)
        yield tuple(index), tuple(slice(i * gap, i * gap + (n - 1) * s + 1, s)
                                  for i, gap, n, s in zip(index, geo.dilation, out, geo.stride, strict=True))


def blocks(n: int, rows: int, per_row: int):
    """Slices of images and of rows of one image, so that a block of patches stays within BUFFER numbers."""
    per_image = max(rows * per_row, 1)
    if per_image <= BUFFER:
        step = min(max(BUFFER // per_image, 1), max(n, 1))
        for start in range(0, n, step):
            yield slice(start, min(start + step, n)), slice(0, rows)
        return
    step = max(BUFFER // per_row, 1)
    for image in range(n):
        for start in range(0, rows, step):
            yield slice(image, image + 1), slice(start, min(start + step, rows))


def is_plain(geo: Geometry) -> bool:
    """True for a 1x1 convolution without padding, which is a matrix product."""
    return all(k == 1 for k in geo.kernel) and all(s == 1 for s in geo.stride) and not any(lo or hi for lo, hi in geo.pads) and geo.groups == 1


FIRST, WIDE, LAST = "channels first", "whole padded rows", "channels last"


def layout(C: int, geo: Geometry, out) -> str:
    """How to copy patches so that what is copied at once is long.

    FIRST copies one row of one channel at a time. WIDE, with step 1, takes padded rows to their end, so that the rows of a
    channel are one run; what stands in the margin is computed too and dropped. LAST turns the input so that all channels of
    a pixel lie side by side: best for small images with many channels.
    """
    run = C * geo.kernel[-1] if geo.groups == 1 and geo.dilation[-1] == 1 else 0  # of numbers side by side with channels last
    if run >= 64 and out[-1] < 32:
        return LAST
    if len(out) > 1 and all(s == 1 for s in geo.stride[-2:]) and out[-1] >= 12:
        return WIDE
    return LAST if run >= 2 * out[-1] else FIRST


def kernel_rows(weight, geo: Geometry, how: str):
    """The kernels as a matrix (groups, O / groups, K), or (K, O) for LAST, in the order in which `patch_blocks` gives patches."""
    if how is LAST:
        return weight.transpose(0, *range(2, weight.ndim), 1).reshape(weight.shape[0], -1).T
    return weight.reshape(geo.groups, weight.shape[0] // geo.groups, -1)


def patch_blocks(x, geo: Geometry, out, how: str):
    """Copies of all patches, block by block: images, rows, and a (groups, K, images * places) array.

    With WIDE, each row has as many places as a padded row. With LAST it is (images * places, K), the form in which BLAS
    is fastest when there are few output channels.
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
        x = pad_zeros(x, geo.pads, geo.kernel[-1] * geo.dilation[-1] if how is WIDE else 0)
        view = windows(x, geo, (*out[:-1], x.shape[-1]) if how is WIDE else out)
        lead = d + 1
    K = C // geo.groups * math.prod(geo.kernel)
    buffer = None
    for images, rows in blocks(x.shape[0], out[0], K * geo.groups * math.prod(view.shape[lead + 2:lead + 1 + d])):
        part = view[(slice(None),) * lead + (images, rows)]
        if buffer is None or buffer.size < part.size:
            buffer = xp.empty(part.size, x.dtype)
        flat = buffer[:part.size]
        flat.reshape(part.shape)[...] = part
        yield images, rows, flat.reshape(-1, K) if how is LAST else flat.reshape(geo.groups, K, -1)


# ---- the three maps ----

@op(category="linear", function=False, method=False, out=False)
def correlate(input: Tensor, weight: Tensor, geo) -> Tensor:
    """Every patch of `input` times the kernel. (N, C, *size), (O, C / groups, *kernel) to (N, O, *out)."""
    xp = namespace(input)
    N, C = input.shape[:2]
    O, G = weight.shape[0], geo.groups
    out = output_size(input.shape[2:], geo)
    if is_plain(geo):
        return xp.matmul(weight.reshape(O, C), input.reshape(N, C, -1)).reshape(N, O, *out)
    if G == C and O == C and G > 1:
        return _each_channel(input, weight, geo, out)
    how = layout(C, geo, out)
    kernels = kernel_rows(weight, geo, how)
    result = xp.empty((N, O, *out), input.dtype)
    for images, rows, patches in patch_blocks(input, geo, out, how):
        target = result[images, :, rows]
        if how is LAST:
            target[...] = xp.matmul(patches, kernels).reshape(target.shape[0], *target.shape[2:], O).transpose(0, len(out) + 1, *range(1, len(out) + 1))
        elif how is FIRST and target.shape[0] == 1 and target[0].flags.c_contiguous:
            xp.matmul(kernels, patches, out=target.reshape(G, O // G, -1))
        else:
            made = xp.matmul(kernels, patches).reshape(O, target.shape[0], *target.shape[2:-1], -1)
            target[...] = made[..., :out[-1]].swapaxes(0, 1)
    return result


def _each_channel(input, weight, geo, out):
    """Depthwise: every channel has a kernel of its own; one multiply-add per place in it."""
    xp = namespace(input)
    N, C = input.shape[:2]
    result = xp.empty((N, C, *out), input.dtype)
    wide = layout(C, geo, out) is WIDE
    slack = geo.kernel[-1] * geo.dilation[-1] if wide else 0
    step = max(BUFFER // 2 // max(math.prod(input.shape[1:]), 1), 1)
    total = None
    for start in range(0, N, step):
        x = pad_zeros(input[start:start + step], geo.pads, slack)
        view = windows(x, geo, (*out[:-1], x.shape[-1]) if wide else out)
        if total is None or total.shape != (C, *view.shape[len(out) + 1:]):
            total = xp.empty((C, *view.shape[len(out) + 1:]), input.dtype)
            product = xp.empty_like(total)
        for i, (index, _) in enumerate(offsets(geo, out)):
            xp.multiply(view[(slice(None), *index)], weight[(slice(None), 0, *index)].reshape(-1, *(1,) * (total.ndim - 1)), out=product if i else total)
            if i:
                total += product
        result[start:start + step] = total[..., :out[-1]].swapaxes(0, 1)
    return result


@correlate.vjp("input", latex=r"g \star^T w")
def _(grad, input_shape, weight, geo):
    return ops.spread(grad, weight, input_shape[2:], geo)


@correlate.vjp("weight", latex=r"x \star g")
def _(grad, input, geo):
    return ops.correlate_patches(input, grad, geo)


@op(category="linear", function=False, method=False, out=False)
def spread(input: Tensor, weight: Tensor, size, geo) -> Tensor:
    """The transpose of `correlate`: every number times the kernel, added where its patch was. (N, O, *out) to (N, C, *size)."""
    xp = namespace(input)
    N, O = input.shape[:2]
    G, out = geo.groups, input.shape[2:]
    C = weight.shape[1] * G
    if is_plain(geo):
        return xp.matmul(weight.reshape(O, C).T, input.reshape(N, O, -1)).reshape(N, C, *size)
    if all(s == 1 for s in geo.stride) and (C >= 6 or G > 1):
        # With step 1 it is a convolution again, with the kernel turned around; fast unless it leaves few channels.
        d = len(size)
        turned = weight[(slice(None), slice(None), *(slice(None, None, -1),) * d)].reshape(G, O // G, C // G, *geo.kernel).swapaxes(1, 2)
        pads = tuple((gap * (k - 1) - lo, n + lo - m) for n, m, k, (lo, _), gap in zip(size, out, geo.kernel, geo.pads, geo.dilation, strict=True))
        return correlate.op.kernel(input, turned.reshape(C, O // G, *geo.kernel), geo._replace(pads=pads))
    whole = xp.zeros((N, C, *(n + lo + max(hi, 0) for n, (lo, hi) in zip(size, geo.pads, strict=True))), input.dtype)
    kernels = weight.reshape(G, O // G, -1).swapaxes(1, 2)
    for images, rows in blocks(N, out[0], C * math.prod(geo.kernel) * math.prod(out[1:])):
        part = input[images, :, rows].swapaxes(0, 1)
        block_out = part.shape[2:]
        patches = xp.matmul(kernels, part.reshape(G, O // G, -1)).reshape(C, *geo.kernel, part.shape[1], *block_out)
        target = whole[images].swapaxes(0, 1)
        target = target[:, :, rows.start * geo.stride[0]:]
        for index, where in offsets(geo, block_out):
            target[(slice(None), slice(None), *where)] += patches[(slice(None), *index)]
    inner = whole[(slice(None), slice(None), *(slice(lo, lo + n) for n, (lo, _) in zip(size, geo.pads, strict=True)))]
    return xp.ascontiguousarray(inner)


@spread.vjp("input", latex=r"g \star w")
def _(grad, weight, geo):
    return ops.correlate(grad, weight, geo)


@spread.vjp("weight", latex=r"g \star x")
def _(grad, input, geo):
    return ops.correlate_patches(grad, input, geo)


@op(category="linear", function=False, method=False, out=False)
def correlate_patches(input: Tensor, other: Tensor, geo) -> Tensor:
    """Every patch of `input` (N, C, *size) times the numbers `other` (N, O, *out) at its place, summed: (O, C / groups, *kernel)."""
    xp = namespace(input)
    C = input.shape[1]
    O, G, out = other.shape[1], geo.groups, other.shape[2:]
    if is_plain(geo):
        rows = xp.ascontiguousarray(other.swapaxes(0, 1)).reshape(O, -1), input.swapaxes(0, 1).reshape(C, -1)
        return xp.matmul(rows[0], rows[1].T).reshape(O, C, *geo.kernel)
    how = layout(C, geo, out)
    K = C // G * math.prod(geo.kernel)
    total = xp.zeros((K, O) if how is LAST else (G, O // G, K), input.dtype)
    if how is WIDE:  # zeros in the margin: what stands there in the patches does not count
        other = pad_zeros(other, (*((0, 0),) * (len(out) - 1), (0, input.shape[-1] + sum(geo.pads[-1]) - out[-1])))
    for images, rows, patches in patch_blocks(input, geo, out, how):
        part = other[images, :, rows]
        if how is LAST:
            total += xp.matmul(patches.T, part.transpose(0, *range(2, part.ndim), 1).reshape(-1, O))
        else:
            total += xp.matmul(part.swapaxes(0, 1).reshape(G, O // G, -1), patches.swapaxes(1, 2))
    if how is LAST:
        return xp.ascontiguousarray(total.reshape(*geo.kernel, C, O).transpose(len(out) + 1, len(out), *range(len(out))))
    return total.reshape(O, C // G, *geo.kernel)


@correlate_patches.vjp("input", latex="g")
def _(grad, other, input_shape, geo):
    return ops.spread(other, grad, input_shape[2:], geo)


@correlate_patches.vjp("other", latex="g")
def _(grad, input, geo):
    return ops.correlate(input, grad, geo)


# ---- the public functions ----

def batched(x, d: int):
    """(C, *size) as a batch of one."""
    return x if x.ndim == d + 2 else x.reshape(1, *x.shape)


def _samples(d: int):
    size = (5, 6, 4)[:d]
    return calls(
        lambda r: ((r.normal(size=(2, 3, *size)), r.normal(size=(4, 3, *(3, 2, 2)[:d])), r.normal(size=4)), {}),
        lambda r: ((r.normal(size=(2, 4, *size)), r.normal(size=(6, 2, *(2,) * d)), None, 2, 1, 1, 2), {}),
        lambda r: ((r.normal(size=(2, 3, *size)), r.normal(size=(3, 1, *(2,) * d)), r.normal(size=3), 1, 1, 2, 3), {}),
        lambda r: ((r.normal(size=(3, *size)), r.normal(size=(2, 3, *(1,) * d))), {}),
        lambda r: ((r.normal(size=(1, 2, *size)), r.normal(size=(2, 2, *(2,) * d)), None, 1, "same"), {}))


def _transposed_samples(d: int):
    size = (4, 3, 2)[:d]
    return calls(
        lambda r: ((r.normal(size=(2, 3, *size)), r.normal(size=(3, 2, *(3, 2, 2)[:d])), r.normal(size=2)), {}),
        lambda r: ((r.normal(size=(2, 4, *size)), r.normal(size=(4, 1, *(3,) * d)), None, 2, 1, 1, 2), {}),
        lambda r: ((r.normal(size=(3, *size)), r.normal(size=(3, 2, *(2,) * d)), r.normal(size=2), 2, 0, 0, 1, 2), {}))


def define(d: int):
    """The operators conv{d}d and conv_transpose{d}d."""
    letters = "LHW"[-d:] if d < 3 else "DHW"
    letters = "L" if d == 1 else letters
    sizes = ", ".join(letters)

    @op(category="linear", latex=r"w \star x + b", namespace="nn.functional", name=f"conv{d}d", node_name="Convolution", samples=_samples(d), out=False)
    def conv(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride=1, padding=0, dilation=1, groups: int = 1) -> Tensor:
        geo = geometry(weight.shape[2:], stride, padding, dilation, groups)
        check(input, weight, bias, geo, d)
        out = correlate.op.kernel(batched(input, d), weight, geo)
        if bias is not None:
            out += bias.reshape(-1, *(1,) * d)
        return out if input.ndim == d + 2 else out[0]

    conv.__doc__ = f"""Slide each kernel of `weight` over the input; every output is a weighted sum of one patch.

    Shape: input (N, C, {sizes}) or (C, {sizes}), weight (O, C / groups, *kernel), bias (O,).

    Args:
        stride: step of the kernel.
        padding: zeros around the input; "valid" is 0, "same" keeps the size.
        dilation: distance between the numbers that a kernel sees.
        groups: groups of channels that do not see each other.

    Raises:
        RuntimeError: if channels, sizes or types do not fit.
    """

    @conv.vjp("input", latex=r"w \star^T g")
    def _(grad, weight, input_shape, stride, padding, dilation, groups):
        geo = geometry(weight.shape[2:], stride, padding, dilation, groups)
        return ops.spread(grad.reshape((-1, *grad.shape[-d - 1:])) if len(input_shape) == d + 1 else grad, weight, input_shape[-d:], geo).reshape(tuple(input_shape))

    @conv.vjp("weight", latex=r"x \star g")
    def _(grad, input, weight_shape, stride, padding, dilation, groups):
        geo = geometry(weight_shape[2:], stride, padding, dilation, groups)
        if input.ndim == d + 1:
            input, grad = input.reshape((1, *input.shape)), grad.reshape((1, *grad.shape))
        return ops.correlate_patches(input, grad, geo)

    @conv.vjp("bias", latex=r"1")
    def _(grad):
        return grad.sum(tuple(a for a in range(grad.ndim) if a != grad.ndim - d - 1))

    @op(category="linear", latex=r"w \star^T x + b", namespace="nn.functional", name=f"conv_transpose{d}d", node_name="Convolution", samples=_transposed_samples(d), out=False)
    def conv_transpose(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride=1, padding=0, output_padding=0, groups: int = 1, dilation=1) -> Tensor:
        geo, size = transposed(input.shape, weight.shape, stride, padding, output_padding, dilation, groups, d)
        check(input, weight, bias, geo, d, transposed=True)
        out = spread.op.kernel(batched(input, d), weight, size, geo)
        if bias is not None:
            out += bias.reshape(-1, *(1,) * d)
        return out if input.ndim == d + 2 else out[0]

    conv_transpose.__doc__ = f"""The transpose of a convolution: each input number lays its kernel, scaled, over the output.

    Shape: input (N, C, {sizes}) or (C, {sizes}), weight (C, O / groups, *kernel), bias (O,).

    Args:
        output_padding: extra size at the end of the output, where several sizes would be possible.
    """

    @conv_transpose.vjp("input", latex=r"w \star g")
    def _(grad, weight, input_shape, stride, padding, output_padding, groups, dilation):
        geo, _ = transposed(input_shape, weight.shape, stride, padding, output_padding, dilation, groups, d)
        return ops.correlate(grad.reshape((-1, *grad.shape[-d - 1:])), weight, geo).reshape(tuple(input_shape))

    @conv_transpose.vjp("weight", latex=r"g \star x")
    def _(grad, input, weight_shape, stride, padding, output_padding, groups, dilation):
        geo, _ = transposed(input.shape, weight_shape, stride, padding, output_padding, dilation, groups, d)
        return ops.correlate_patches(grad.reshape((-1, *grad.shape[-d - 1:])), input.reshape((-1, *input.shape[-d - 1:])), geo)

    @conv_transpose.vjp("bias", latex=r"1")
    def _(grad):
        return grad.sum(tuple(a for a in range(grad.ndim) if a != grad.ndim - d - 1))


def transposed(input_shape, weight_shape, stride, padding, output_padding, dilation, groups, d: int) -> tuple:
    """Geometry of the convolution that this one transposes, and the size of the result."""
    geo = geometry(weight_shape[2:], stride, padding, dilation, groups)
    extra = per_dimension(output_padding, d, "output_padding")
    if any(e >= s and e >= gap for e, s, gap in zip(extra, geo.stride, geo.dilation, strict=True)):
        words = ("height", "width") if d == 2 else ("depth", "height", "width")[-d:]
        raise RuntimeError("output padding must be smaller than either stride or dilation, but got "
                           + " ".join(f"{what}_{w}: {v}" for what, values in (("output_padding", extra), ("stride", geo.stride), ("dilation", geo.dilation)) for w, v in zip(words, values, strict=True)))
    size = tuple((n - 1) * s - lo - hi + gap * (k - 1) + e + 1
                 for n, k, s, (lo, hi), gap, e in zip(input_shape[-d:], geo.kernel, geo.stride, geo.pads, geo.dilation, extra, strict=True))
    if any(n <= 0 for n in size):
        raise RuntimeError(f"Given input size per channel: ({' x '.join(map(str, input_shape[-d:]))}). Calculated output size per channel: ({' x '.join(map(str, size))}). Output size is too small")
    # Padding behind the input as far as the last kernel reaches (with output_padding, less than that may be cut off).
    pads = tuple((lo, hi - e) for (lo, hi), e in zip(geo.pads, extra, strict=True))
    return geo._replace(pads=pads), size


for _d in (1, 2, 3):
    define(_d)
    for _name in (f"conv{_d}d", f"conv_transpose{_d}d"):  # PyTorch has them in both places
        public[""][_name] = public["nn.functional"][_name]
