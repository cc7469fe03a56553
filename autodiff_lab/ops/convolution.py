"""Convolution in one, two and three dimensions, and its transpose.

Three linear maps are each other's gradients, so every rule here is one of the three:

    correlate(x, w)        every patch of x times the kernel        the forward pass
    spread(g, w)           every g times the kernel, laid over x    gradient of x; transposed convolution
    correlate_patches(x, g)   every patch of x times g              gradient of w

All work by copying patches, as few as possible, into a buffer that stays in the cache and multiplying it at once.
N is the batch, C and O channels in and out, K the numbers in one patch, L the places in one output image.
"""

from __future__ import annotations

import itertools
import math

from ..backend import channels_like, namespace
from ..backend.rows import whole_rows
from ..core.arguments import Dims
from ..core.op import op, ops, public
from ..core.precision import in_float32
from ..core.samples import calls
from ..core.tensor import Tensor
from .patches import (
    BUFFER,
    FEW,
    FIRST,
    LAST,
    SLAB,
    SLABS,
    Geometry,
    blocks,
    check,
    geometry,
    is_plain,
    kernel_rows,
    layout,
    offsets,
    only_places,
    output_size,
    patch_blocks,
    per_dimension,
    piece_of,
    reached,
    row_width,
    slabs,
)

__all__ = ["correlate", "correlate_patches", "spread"]


# ---- the three maps ----

@op(category="linear", function=False, method=False, out=False)
@in_float32
def correlate(input: Tensor, weight: Tensor, geo) -> Tensor:
    """Every patch of `input` times the kernel. (N, C, *size), (O, C / groups, *kernel) to (N, O, *out)."""
    xp = namespace(input)
    N, C = input.shape[:2]
    O, G = weight.shape[0], geo.groups
    out = output_size(input.shape[2:], geo)
    if is_plain(geo):
        return xp.matmul(weight.reshape(O, C), reached(input, geo)).reshape(N, O, *out)
    how = layout(C, O, geo, out)
    kernels = kernel_rows(weight, geo, how)
    result = xp.empty((N, O, *out), input.dtype)
    if how is SLABS:
        for images, rows, patches in slabs(input, geo, out, piece_of(O // G * kernels.shape[-1])):
            made = xp.empty((*patches.shape[:2], O // G, patches.shape[2] * patches.shape[4]), input.dtype)
            in_pieces = made.reshape(*made.shape[:3], *patches.shape[2::2]).swapaxes(2, 3)
            xp.matmul(kernels, patches, out=in_pieces)
            made = only_places(made, images.stop - images.start, row_width(input.shape[3], geo), out)
            result[images, :, rows].reshape(-1, G, O // G, made.shape[1], out[1])[...] = made.transpose(3, 0, 2, 1, 4)
        return result
    for images, rows, patches in patch_blocks(input, geo, out, how):
        target = result[images, :, rows]
        if how is LAST:
            target[...] = xp.matmul(patches, kernels).reshape(target.shape[0], *target.shape[2:], O).transpose(0, len(out) + 1, *range(1, len(out) + 1))
        elif target.shape[0] == 1 and target[0].flags.c_contiguous:
            xp.matmul(kernels, patches, out=target.reshape(G, O // G, -1))
        else:
            target[...] = xp.matmul(kernels, patches).reshape(O, target.shape[0], *target.shape[2:]).swapaxes(0, 1)
    return result


@correlate.vjp("input", latex=r"g \star^T w")
def _(grad, input_shape, weight, geo):
    return ops.spread(grad, ops.conj(weight), input_shape[2:], geo)


@correlate.vjp("weight", latex=r"x \star g")
def _(grad, input, geo):
    return ops.correlate_patches(ops.conj(input), grad, geo)


@op(category="linear", function=False, method=False, out=False)
@in_float32
def spread(input: Tensor, weight: Tensor, size, geo) -> Tensor:
    """The transpose of `correlate`: every number times the kernel, added where its patch was. (N, O, *out) to (N, C, *size)."""
    xp = namespace(input)
    N, O = input.shape[:2]
    G, out = geo.groups, input.shape[2:]
    C = weight.shape[1] * G
    if is_plain(geo) and all(s == 1 for s in geo.stride):
        return xp.matmul(weight.reshape(O, C).T, input.reshape(N, O, -1)).reshape(N, C, *size)
    if C >= FEW or G > 1:
        return _turned(input, weight, size, geo)
    if len(size) == 2 and geo.dilation[0] == 1:
        return _laid_in_slabs(input, weight, size, geo)
    whole = xp.zeros((N, C, *(n + lo + max(hi, 0) for n, (lo, hi) in zip(size, geo.pads, strict=True))), input.dtype)
    kernels = weight.reshape(G, O // G, -1).swapaxes(1, 2)
    for images, rows in blocks(N, out[0], C * math.prod(geo.kernel) * math.prod(out[1:]), BUFFER):
        part = input[images, :, rows].swapaxes(0, 1)
        block_out = part.shape[2:]
        patches = xp.matmul(kernels, part.reshape(G, O // G, -1)).reshape(C, *geo.kernel, part.shape[1], *block_out)
        target = whole[images].swapaxes(0, 1)
        target = target[:, :, rows.start * geo.stride[0]:]
        for index, where in offsets(geo, block_out):
            target[(slice(None), slice(None), *where)] += patches[(slice(None), *index)]
    inner = whole[(slice(None), slice(None), *(slice(lo, lo + n) for n, (lo, _) in zip(size, geo.pads, strict=True)))]
    return xp.ascontiguousarray(inner)


def _laid_in_slabs(input, weight, size, geo: Geometry):
    """`spread` in two dimensions, as the transpose of `slabs`: rows of patches are added up where they overlap, then the columns."""
    xp = namespace(input)
    (N, O), (H, W), (k, kw), (step, s) = input.shape[:2], size, geo.kernel, geo.stride
    C = weight.shape[1]
    kernels = xp.ascontiguousarray(weight.transpose(2, 3, 1, 0)).reshape(k * kw * C, O)
    (top, _), (left, _) = geo.pads
    width = row_width(W, geo)
    result = xp.zeros((N, C, H, W), input.dtype)
    for images, rows in blocks(N, input.shape[2], step * kw * C * width, SLAB):
        n = images.stop - images.start
        P = n * width
        given = xp.zeros((rows.stop - rows.start, O, P), input.dtype)
        given.reshape(*given.shape[:2], n, width)[..., :input.shape[3]] = input[images, :, rows].transpose(2, 1, 0, 3)
        tall = (len(given) - 1) * step + k
        slab = xp.zeros((tall, kw, C, P), input.dtype)
        patches = xp.empty((k, kw, C, P), input.dtype)
        for row in range(len(given)):
            xp.matmul(kernels, given[row], out=patches.reshape(k * kw * C, P))
            slab[row * step:row * step + k] += patches
        flat = xp.zeros(s * tall * C * P + kw * geo.dilation[1], input.dtype)
        by_column = flat[:s * tall * C * P].reshape(s, tall, C, P)
        for j in range(kw):
            shift, phase = divmod(j * geo.dilation[1], s)
            moved = flat[phase * tall * C * P + shift:][:tall * C * P].reshape(tall, C, P)
            moved += slab[:, j]
        begin = rows.start * step - top
        inside = slice(max(begin, 0), max(min(begin + tall, H), begin, 0))
        target = result[images, :, inside].transpose(2, 1, 0, 3)
        for phase in range(s):
            first = max(-((phase - left) // s), 0)
            place = target[..., first * s + phase - left::s]
            place += by_column[phase, inside.start - begin:inside.stop - begin].reshape(inside.stop - inside.start, C, n, width)[..., first:first + place.shape[-1]]
    return result


def _turned(input, weight, size, geo: Geometry):
    """`spread` as a convolution with the kernel turned around; with larger steps, as one for every remainder by the step."""
    xp = namespace(input)
    O, G = weight.shape[0], geo.groups
    if O == G > 1 and any(s > 1 for s in geo.stride):
        # A channel by itself costs copies and hardly any products: one convolution over zeros between the numbers beats one per remainder.
        spaced = xp.zeros((*input.shape[:2], *((n - 1) * s + 1 for n, s in zip(input.shape[2:], geo.stride, strict=True))), input.dtype)
        spaced[(..., *(slice(None, None, s) for s in geo.stride))] = input
        input, geo = spaced, geo._replace(stride=(1,) * len(size))
    weight = weight.reshape(G, O // G, -1, *geo.kernel).swapaxes(1, 2)
    result = None if all(s == 1 for s in geo.stride) else xp.zeros((input.shape[0], G * weight.shape[1], *size), input.dtype)
    for phase in itertools.product(*map(range, geo.stride)):
        kernel, target, pads, gaps = [], [], [], []
        for n, m, k, s, (lo, _), gap, at in zip(size, input.shape[2:], geo.kernel, geo.stride, geo.pads, geo.dilation, phase, strict=True):
            # Padded elements at, at + s, ... see every period-th number of the kernel, from `first` on.
            period = s // math.gcd(s, gap)
            first = next((i for i in range(min(period, k)) if (i * gap - at) % s == 0), k)
            reach = (len(range(first, k, period)) - 1) * period * gap // s
            start = -((at - lo) // s)  # of those elements, the first that is not padding
            before = (first * gap - at) // s + reach - start
            target.append(slice(at + s * start - lo, None, s))
            pads.append((before, len(range(n)[target[-1]]) - m - before + reach))
            kernel.append(slice(first, None, period))
            gaps.append(period * gap // s)
        part = weight[(slice(None), slice(None), slice(None), *kernel)]
        if not part.size:
            continue
        turned = part[(..., *(slice(None, None, -1),) * len(size))].reshape(-1, O // G, *part.shape[3:])
        found = correlate.op.kernel(input, turned, Geometry(turned.shape[2:], (1,) * len(size), tuple(pads), tuple(gaps), G))
        if result is None:
            return found
        result[(slice(None), slice(None), *target)] = found
    return result


@spread.vjp("input", latex=r"g \star w")
def _(grad, weight, geo):
    return ops.correlate(grad, ops.conj(weight), geo)


@spread.vjp("weight", latex=r"g \star x")
def _(grad, input, geo):
    return ops.correlate_patches(grad, ops.conj(input), geo)


@op(category="linear", function=False, method=False, out=False)
@in_float32
def correlate_patches(input: Tensor, other: Tensor, geo) -> Tensor:
    """Every patch of `input` (N, C, *size) times the numbers `other` (N, O, *out) at its place, summed: (O, C / groups, *kernel)."""
    xp = namespace(input)
    C = input.shape[1]
    O, G, out = other.shape[1], geo.groups, other.shape[2:]
    if is_plain(geo):
        rows = xp.ascontiguousarray(other.swapaxes(0, 1)).reshape(O, -1), reached(input, geo).swapaxes(0, 1).reshape(C, -1)
        return xp.matmul(rows[0], rows[1].T).reshape(O, C, *geo.kernel)
    how = layout(C, O, geo, out)
    K = C // G * math.prod(geo.kernel)
    total = xp.zeros((K, O) if how is LAST else (G, K, O // G), input.dtype)
    if how is SLABS:
        for images, rows, patches in slabs(input, geo, out, piece_of(K * (O // G))):
            _, height, pieces, _, size = patches.shape
            # Zeros where the patches have no meaning. With channels last, BLAS takes the product as it is, unless there are few numbers in a patch.
            shape = (G, height, O // G, pieces * size)
            part = xp.zeros(shape, input.dtype) if K < 64 else xp.zeros((*shape[:2], shape[3], shape[2]), input.dtype).swapaxes(2, 3)
            places = only_places(part, images.stop - images.start, row_width(input.shape[3], geo), out)
            places[...] = other[images, :, rows].reshape(-1, G, O // G, height, out[1]).transpose(1, 3, 2, 0, 4)
            each = xp.matmul(patches, part.reshape(*shape[:3], pieces, size).transpose(0, 1, 3, 4, 2))
            total += xp.add.reduce(each.reshape(G, -1, K, O // G), axis=1)
    else:
        for images, rows, patches in patch_blocks(input, geo, out, how):
            part = other[images, :, rows]
            if how is LAST:
                total += xp.matmul(patches.T, part.transpose(0, *range(2, part.ndim), 1).reshape(-1, O))
            else:
                total += xp.matmul(patches, part.swapaxes(0, 1).reshape(G, O // G, -1).swapaxes(1, 2))
    total = total.swapaxes(-1, -2)
    if how is FIRST:
        return xp.ascontiguousarray(total).reshape(O, C // G, *geo.kernel)
    return xp.ascontiguousarray(total.reshape(O, *geo.kernel, C // G).transpose(0, len(out) + 1, *range(1, len(out) + 1)))


@correlate_patches.vjp("input", latex="g")
def _(grad, other, input_shape, geo):
    return ops.spread(ops.conj(other), grad, input_shape[2:], geo)


@correlate_patches.vjp("other", latex="g")
def _(grad, input, geo):
    return ops.correlate(ops.conj(input), grad, geo)


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

    @op(category="linear", latex=r"w \star x + b", namespace="nn.functional", refuses="b", name=f"conv{d}d", node_name="Convolution", samples=_samples(d), out=False)
    @in_float32
    def conv(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Dims = 1, padding=0, dilation: Dims = 1, groups: int = 1) -> Tensor:
        geo = geometry(weight.shape[2:], stride, padding, dilation, groups)
        check(input, weight, bias, geo, d)
        out = correlate.op.kernel(batched(input, d), weight, geo)
        if bias is not None:
            with whole_rows(math.prod(out.shape[2:])):
                out += bias.reshape(-1, *(1,) * d)
        if out.dtype != input.dtype:  # bfloat16, which became float32
            out = out.astype(input.dtype)
        return channels_like(out, input) if input.ndim == d + 2 else out[0]

    conv.__doc__ = f"""Slide each kernel of `weight` over the input; every output is a weighted sum of one patch.

    Shape: input (N, C, {sizes}) or (C, {sizes}), weight (O, C / groups, *kernel), bias (O,).

    Args:
        stride: step of the kernel.
        padding: zeros around the input; "valid" is 0, "same" keeps the size.
        dilation: distance between the numbers that a kernel sees.
        groups: groups of channels that do not see each other.

    Raises:
        RuntimeError: if channels, sizes or types do not fit.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.conv{d}d(lab.ones(1, 1, {"3, " * (d - 1)}3), lab.ones(1, 1, {"2, " * (d - 1)}2)).flatten()
    tensor([{", ".join([f"{2**d}."] * 2**d)}])
    """

    @conv.vjp("input", latex=r"w \star^T g")
    def _(grad, weight, input_shape, stride, padding, dilation, groups):
        geo = geometry(weight.shape[2:], stride, padding, dilation, groups)
        return ops.spread(grad.reshape((-1, *grad.shape[-d - 1:])) if len(input_shape) == d + 1 else grad, ops.conj(weight), input_shape[-d:], geo).reshape(tuple(input_shape))

    @conv.vjp("weight", latex=r"x \star g")
    def _(grad, input, weight_shape, stride, padding, dilation, groups):
        geo = geometry(weight_shape[2:], stride, padding, dilation, groups)
        if input.ndim == d + 1:
            input, grad = input.reshape((1, *input.shape)), grad.reshape((1, *grad.shape))
        return ops.correlate_patches(ops.conj(input), grad, geo)

    @conv.vjp("bias", latex=r"1")
    def _(grad):
        return over_channels(grad, d)

    @op(category="linear", latex=r"w \star^T x + b", namespace="nn.functional", refuses="bs", name=f"conv_transpose{d}d", node_name="Convolution", samples=_transposed_samples(d), out=False)
    @in_float32
    def conv_transpose(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Dims = 1, padding: Dims = 0, output_padding: Dims = 0, groups: int = 1, dilation: Dims = 1) -> Tensor:
        geo, size = transposed(input.shape, weight.shape, stride, padding, output_padding, dilation, groups, d)
        check(input, weight, bias, geo, d, transposed=True)
        out = spread.op.kernel(batched(input, d), weight, size, geo)
        if bias is not None:
            out += bias.reshape(-1, *(1,) * d)
        return channels_like(out, input) if input.ndim == d + 2 else out[0]

    conv_transpose.__doc__ = f"""The transpose of a convolution: each input number lays its kernel, scaled, over the output.

    Shape: input (N, C, {sizes}) or (C, {sizes}), weight (C, O / groups, *kernel), bias (O,).

    Args:
        output_padding: extra size at the end of the output, where several sizes would be possible.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.conv_transpose{d}d(lab.ones(1, 1, {"2, " * (d - 1)}2), lab.ones(1, 1, {"2, " * (d - 1)}2), stride=2).shape
    torch.Size([1, 1, {"4, " * (d - 1)}4])
    """

    @conv_transpose.vjp("input", latex=r"w \star g")
    def _(grad, weight, input_shape, stride, padding, output_padding, groups, dilation):
        geo, _ = transposed(input_shape, weight.shape, stride, padding, output_padding, dilation, groups, d)
        return ops.correlate(grad.reshape((-1, *grad.shape[-d - 1:])), ops.conj(weight), geo).reshape(tuple(input_shape))

    @conv_transpose.vjp("weight", latex=r"g \star x")
    def _(grad, input, weight_shape, stride, padding, output_padding, groups, dilation):
        geo, _ = transposed(input.shape, weight_shape, stride, padding, output_padding, dilation, groups, d)
        return ops.correlate_patches(grad.reshape((-1, *grad.shape[-d - 1:])), ops.conj(input).reshape((-1, *input.shape[-d - 1:])), geo)

    @conv_transpose.vjp("bias", latex=r"1")
    def _(grad):
        return over_channels(grad, d)


def over_channels(grad, d: int):
    """The sum over everything but the channels; where memory is laid out for it, BLAS adds up each image."""
    if isinstance(grad, Tensor) or grad.ndim != d + 2 or grad.dtype.char not in "fd" or not grad.flags.c_contiguous:
        return ops.sum(grad, tuple(a for a in range(grad.ndim) if a != grad.ndim - d - 1))
    N, C = grad.shape[:2]
    rows = grad.reshape(N * C, math.prod(grad.shape[2:]))
    return rows.dot(namespace(rows).ones(rows.shape[1], rows.dtype)).reshape(N, C).sum(0)


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
