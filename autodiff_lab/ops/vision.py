"""Images: patches as columns, sampling at arbitrary places, pixels as channels. `resizing` has interpolation."""

from __future__ import annotations

import math

import numpy as np

from ..backend import namespace
from ..core.arguments import whole
from ..core.errors import TooFewDimensions, caution, same_type
from ..core.op import op, ops, public
from ..core.samples import calls
from ..core.tensor import Tensor
from .combining import combine
from .patches import Geometry, offsets, output_size, pad_zeros, windows
from .rearranging import unshared

__all__: list[str] = []


# ---- patches as columns ----

def pair(value) -> tuple:
    values = tuple([whole("size", v) for v in value]) if hasattr(value, "__iter__") else (whole("size", value),)
    return values * 2 if len(values) == 1 else values


def patch_geometry(kernel_size, dilation, padding, stride) -> Geometry:
    made = Geometry(pair(kernel_size), pair(stride), tuple((p, p) for p in pair(padding)), pair(dilation), 1)
    for name, sizes in (("kernel size", made.kernel), ("stride", made.stride), ("dilation", made.dilation)):
        if min(sizes) < 1:
            raise RuntimeError(f"{name} should be greater than zero, but got {sizes[0]} and {sizes[1]} for height and width")
    if min(low for low, _ in made.pads) < 0:
        raise RuntimeError(f"padding should be non-negative, but got {tuple(low for low, _ in made.pads)}")
    return made


@op(category="shape", refuses="i", namespace="nn.functional", node_name="Im2Col", out=False, samples=calls(
    lambda r: ((r.normal(size=(2, 3, 4, 5)), 2), {}), lambda r: ((r.normal(size=(2, 5, 6)), (2, 3), 2, 1, 2), {})))
def unfold(input: Tensor, kernel_size, dilation=1, padding=0, stride=1) -> Tensor:
    """Every patch as a column: (N, C, H, W) to (N, C·kernel, patches).

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.unfold(lab.zeros(1, 3, 4, 4), 2).shape
    torch.Size([1, 12, 9])
    """
    if input.ndim not in (3, 4):
        raise TooFewDimensions(f"Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: {list(input.shape)}")
    geo = patch_geometry(kernel_size, dilation, padding, stride)
    x = input if input.ndim == 4 else input[None]
    out = output_size(x.shape[2:], geo)
    if any(n < 1 for n in out):
        raise RuntimeError(f"Given input with spatial size {tuple(x.shape[2:])}, kernel_size={geo.kernel}, dilation={geo.dilation}, padding={tuple(p for p, _ in geo.pads)}, "
                           f"calculated shape of the array of sliding blocks as {out}, but its components must be at least one.")
    view = windows(pad_zeros(x, geo.pads), geo, out)
    columns = view.transpose(3, 0, 1, 2, 4, 5).reshape(x.shape[0], x.shape[1] * math.prod(geo.kernel), math.prod(out))
    return columns if input.ndim == 4 else columns[0]


@unfold.vjp("input")
def _(grad, input_shape, kernel_size, dilation, padding, stride):
    return ops.fold_columns(grad, tuple(input_shape[-2:]), kernel_size, dilation, padding, stride)


@op(category="shape", function=False, method=False, node_name="Col2Im", out=False, samples=calls(
    lambda r: ((r.normal(size=(2, 12, 6)), (3, 4), 2), {})))
def fold_columns(input: Tensor, output_size, kernel_size, dilation=1, padding=0, stride=1) -> Tensor:
    """Columns laid back as patches, added where they overlap."""
    if input.ndim not in (2, 3):
        raise RuntimeError(f"Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for input, but got: {list(input.shape)}")
    geo = patch_geometry(kernel_size, dilation, padding, stride)
    H, W = pair(output_size)
    x = input if input.ndim == 3 else input[None]
    area = math.prod(geo.kernel)
    if x.shape[1] % area:
        raise RuntimeError(f"Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got input.size(1)={x.shape[1]} and kernel_size={geo.kernel}.")
    out = tuple((n + lo + hi - gap * (k - 1) - 1) // s + 1 for n, k, s, (lo, hi), gap in zip((H, W), geo.kernel, geo.stride, geo.pads, geo.dilation, strict=True))
    if x.shape[2] != math.prod(out):
        raise RuntimeError(f"Given output_size={(H, W)}, kernel_size={geo.kernel}, dilation={geo.dilation}, padding={tuple(p for p, _ in geo.pads)}, stride={geo.stride}, "
                           f"expected size of input's dimension 2 to match the calculated number of sliding blocks {out[0]} * {out[1]} = {math.prod(out)}, but got input.size(2)={x.shape[2]}.")
    N, C = x.shape[0], x.shape[1] // area
    columns = x.reshape(N, C, *geo.kernel, *out)
    whole = namespace(x).zeros((N, C, *(n + lo + hi for n, (lo, hi) in zip((H, W), geo.pads, strict=True))), x.dtype)
    for index, where in offsets(geo, out):
        whole[(slice(None), slice(None), *where)] += columns[(slice(None), slice(None), *index)]
    inner = whole[:, :, geo.pads[0][0]:geo.pads[0][0] + H, geo.pads[1][0]:geo.pads[1][0] + W]
    return namespace(x).ascontiguousarray(inner if input.ndim == 3 else inner[0])


@fold_columns.vjp("input")
def _(grad, kernel_size, dilation, padding, stride):
    return ops.__getattr__("nn.functional.unfold")(grad, kernel_size, dilation, padding, stride)


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """The columns of `unfold` laid back as patches, added where they overlap.

    >>> import autodiff_lab as lab
    >>> blocks = lab.nn.functional.unfold(lab.ones(1, 1, 3, 3), 2)
    >>> lab.nn.functional.fold(blocks, (3, 3), 2)[0, 0]
    tensor([[1., 2., 1.],
            [2., 4., 2.],
            [1., 2., 1.]])
    """
    return fold_columns(input, output_size, kernel_size, dilation, padding, stride)


# ---- sampling at arbitrary places ----

CORNERS = ("Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify align_corners=True "
           "if the old behavior is desired. See the documentation of grid_sample for details.")


def affine_grid(theta, size, align_corners: bool | None = None):
    """The grid for `grid_sample` that an affine map `theta` (N, 2, 3) or (N, 3, 4) makes of the unit square or cube.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.affine_grid(lab.eye(2, 3)[None], (1, 1, 2, 2), align_corners=False).shape
    torch.Size([1, 2, 2, 2])
    """
    if align_corners is None:
        caution(CORNERS)
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}. Convert it with .float().")
    size = tuple(size)
    d = len(size) - 2
    if d not in (2, 3):
        raise NotImplementedError(f"affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size {size}.")
    if theta.ndim != 3 or theta.shape[1:] != (d, d + 1):
        raise ValueError(f"Expected a batch of {d}D affine matrices of shape Nx{d}x{d + 1} for size {size}. Got {theta.shape}.")
    axes = [np.linspace(-1, 1, n) * (1 if align_corners else (n - 1) / n) if n > 1 else np.zeros(1) for n in size[2:]]
    mesh = np.meshgrid(*axes, indexing="ij")
    base = np.stack([*reversed(mesh), np.ones(size[2:])], -1).reshape(1, -1, d + 1)
    base = public[""]["tensor"](base).to(theta.dtype).to(theta.device)
    return base.matmul(theta.transpose(1, 2)).reshape(size[0], *size[2:], d)


def unnormalized(x, n: int, align_corners: bool):
    return (x + 1) / 2 * (n - 1) if align_corners else ((x + 1) * n - 1) / 2


def mirrored(x, n: int, align_corners: bool):
    """Coordinates thrown back at the borders until they are inside."""
    low, span = (0.0, n - 1) if align_corners else (-0.5, n)
    if span == 0:
        return x * 0
    x = (x - low).abs()
    turns = (x.detach() / span).floor()
    inside = x - turns * span
    return public[""]["where"](turns % 2 == 0, inside, span - inside) + low


def grid_sample(input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None):
    """The input (N, C, [D,] H, W) read at the places `grid` (N, …, 2 or 3), whose coordinates run from -1 to 1, x first.

    Args:
        mode: "bilinear", "nearest" or (4-D input) "bicubic".
        padding_mode: what is outside: "zeros", "border" or "reflection".

    >>> import autodiff_lab as lab
    >>> image = lab.tensor([[[[1.0, 3.0]]]])
    >>> middle = lab.zeros(1, 1, 1, 2)
    >>> lab.nn.functional.grid_sample(image, middle, align_corners=False)
    tensor([[[[2.]]]])
    """
    if align_corners is None:
        caution(CORNERS)
    lab = public[""]
    d = input.ndim - 2
    if not input.is_floating_point():
        raise NotImplementedError(f"\"grid_sampler_{d}d_cpu_kernel_impl\" not implemented for '{input.dtype.title}'. Convert the input first, e.g. with .float().")
    same_type("grid_sample: expected scalar type {first} but found {other}: the grid must be of the type of the input.", input, grid)
    if d == 3 and input.dtype.itemsize == 2:  # positions need more than eight or eleven bits
        return grid_sample(input.float(), grid.float(), mode, padding_mode, align_corners).to(input.dtype)
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(f"nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: '{padding_mode}'")
    if d not in (2, 3) or grid.ndim != input.ndim:
        raise TooFewDimensions(f"grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}")
    if grid.shape[-1] != d:
        raise RuntimeError(f"grid_sampler(): expected grid to have size {d} in last dimension, but got grid with sizes {list(grid.shape)}")
    if grid.shape[0] != input.shape[0]:
        raise RuntimeError(f"grid_sampler(): expected grid and input to have same batch size, but got input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}")
    if mode == "bicubic" and d != 2:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    align_corners = bool(align_corners)
    sizes = tuple(input.shape[2:])
    at = [unnormalized(grid[..., d - 1 - axis], n, align_corners) for axis, n in enumerate(sizes)]

    def brought_in(x, n):
        if padding_mode == "border":
            return x.clamp(0, n - 1)
        return mirrored(x, n, align_corners).clamp(0, n - 1) if padding_mode == "reflection" else x

    if mode == "bilinear":
        at = lab["stack"]([brought_in(x, n) for x, n in zip(at, sizes, strict=True)])
        low, inside, positions = neighbours(at, sizes)
        shares = lab["stack"]([low + 1 - at, at - low], 1)
        weights = math.prod(shares[(axis, *(slice(None) if i == axis else None for i in range(d)))] for axis in range(d))
        weights = weights.reshape(2 ** d, *inside.shape[:2]).permute(1, 2, 0) * inside
        found = combine(input.reshape(*input.shape[:2], math.prod(sizes)), weights, positions)
        return found.reshape(*input.shape[:2], *grid.shape[1:-1])

    weights, positions = [], []

    def read(corner, weight) -> None:
        """Note a whole-numbered position and its weight; none outside."""
        inside, position = None, 0
        for x, n in zip(corner, sizes, strict=True):
            ok = (x >= 0) & (x <= n - 1)
            inside = ok if inside is None else inside & ok
            position = position * n + x.clamp(0, n - 1)
        weights.append(weight * inside)
        positions.append(lab["nan_to_num"](position).long())

    if mode == "bicubic":
        low = [x.detach().floor() for x in at]
        taps = [[cubic_weight(x - lo, t) for t in range(-1, 3)] for x, lo in zip(at, low, strict=True)]
        for i in range(4):
            for j in range(4):
                corner = [brought_in(lo + t, n) for lo, t, n in zip(low, (i - 1, j - 1), sizes, strict=True)]
                read(corner, taps[0][i] * taps[1][j])
    elif mode == "nearest":
        one = lab["nan_to_num"](sum(at) * 0) + 1 if grid.requires_grad else 1  # the gradient of the grid is 0, not missing
        read([brought_in(x, n).detach().round() for x, n in zip(at, sizes, strict=True)], one)
    weights, positions = (lab["stack"](each, -1).reshape(input.shape[0], -1, len(each)) for each in (weights, positions))
    found = combine(input.reshape(*input.shape[:2], math.prod(sizes)), weights.to(input.dtype), positions)
    return found.reshape(*input.shape[:2], *grid.shape[1:-1])


@op(category="index", function=False, method=False, out=False, outputs=("low", "inside", "positions"), no_grad="whole-numbered places are steps")
def neighbours(input: Tensor, sizes):
    """The 2^d pixels around places (d, N, …) in images of `sizes`: the lowest of them, then of all, as (N, P, 2^d), ones where they
    are inside, else zeros, and their positions, 0 where they are not.
    """
    xp = namespace(input)
    low, d = xp.floor(input), len(sizes)
    inside, positions = True, 0
    for axis, n in enumerate(sizes):
        ends = xp.stack((low[axis], low[axis] + 1))
        within = (ends >= 0) & (ends <= n - 1)
        ends = xp.where(within, ends, 0).astype("int64")
        around = tuple(slice(None) if i == axis else None for i in range(d))
        inside, positions = inside & within[around], positions * n + ends[around]
    N, P = low.shape[1], math.prod(low.shape[2:])
    return low, *(xp.ascontiguousarray(each.reshape(2 ** d, N, P).transpose(1, 2, 0)) for each in (inside.astype(low.dtype), positions))


def cubic_weight(t, tap: int):
    """The share of the pixel `tap` steps away, for a place `t` behind pixel 0."""
    a = -0.75
    x = (t - tap).abs()
    if tap in (0, 1):
        return ((a + 2) * x - (a + 3)) * x * x + 1
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a


# ---- pixels and channels ----

def pixel_shuffle(input: Tensor, upscale_factor: int):
    """(…, C·r², H, W) to (…, C, H·r, W·r): groups of r² channels become r x r pixels.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.pixel_shuffle(lab.zeros(1, 8, 3, 3), 2).shape
    torch.Size([1, 2, 6, 6])
    """
    r = upscale_factor
    if input.ndim < 3:
        raise RuntimeError(f"pixel_shuffle expects input to have at least 3 dimensions, but got input with {input.ndim} dimension(s)")
    *lead, C, H, W = input.shape
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    if C % (r * r):
        raise RuntimeError("pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
                           f"but input.size(-3)={C} is not divisible by {r * r}")
    n = len(lead)
    split = input.reshape(*lead, C // (r * r), r, r, H, W)
    return unshared(split.permute(*range(n), n, n + 3, n + 1, n + 4, n + 2).reshape(*lead, C // (r * r), H * r, W * r))


def pixel_unshuffle(input: Tensor, downscale_factor: int):
    """The inverse of `pixel_shuffle`.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.pixel_unshuffle(lab.zeros(1, 2, 6, 6), 2).shape
    torch.Size([1, 8, 3, 3])
    """
    r = downscale_factor
    if input.ndim < 3:
        raise RuntimeError(f"pixel_unshuffle expects input to have at least 3 dimensions, but got input with {input.ndim} dimension(s)")
    *lead, C, H, W = input.shape
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    for name, n, dim in (("height", H, -2), ("width", W, -1)):
        if n % r:
            raise RuntimeError(f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but input.size({dim})={n} is not divisible by {r}")
    k = len(lead)
    split = input.reshape(*lead, C, H // r, r, W // r, r)
    return unshared(split.permute(*range(k), k, k + 2, k + 4, k + 1, k + 3).reshape(*lead, C * r * r, H // r, W // r))


def channel_shuffle(input: Tensor, groups: int):
    """Channels dealt out in turn: (N, g·n, …) seen as (N, g, n, …), turned around.

    >>> import autodiff_lab as lab
    >>> lab.channel_shuffle(lab.arange(4.0).view(1, 4, 1, 1), 2).flatten()
    tensor([0., 2., 1., 3.])
    """
    if input.ndim < 3:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(input.shape)}")
    N, C, *more = input.shape
    if groups <= 0 or C % groups:
        raise RuntimeError(f"Number of channels must be divisible by groups. Got {C} channels and {groups} groups.")
    return unshared(input.reshape(N, groups, C // groups, *more).transpose(1, 2).reshape(N, C, *more))


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias=None):
    """x1 @ A @ x2 + b for every output: weight is (out, in1, in2).

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.bilinear(lab.ones(1, 2), lab.ones(1, 3), lab.ones(1, 2, 3))
    tensor([[6.]])
    """
    O, I, J = weight.shape
    for name, x, want in (("input1", input1, I), ("input2", input2, J)):
        if x.shape[-1] != want:
            raise RuntimeError(f"bilinear(): {name} size does not match weight size: got {x.shape[-1]} but expected {want}")
    if input1.shape[:-1] != input2.shape[:-1]:
        raise RuntimeError(f"bilinear(): input batch dimensions do not match: got {list(input1.shape)} and {list(input2.shape)}")
    left = input1.reshape(-1, I).matmul(weight.permute(1, 0, 2).reshape(I, O * J)).reshape(-1, O, J)
    out = (left * input2.reshape(-1, 1, J)).sum(-1, dtype=left.dtype).reshape(*input1.shape[:-1], O)
    return out if bias is None else out + bias


for _function in (fold, affine_grid, grid_sample, pixel_shuffle, pixel_unshuffle, channel_shuffle, bilinear):
    public["nn.functional"][_function.__name__] = _function
public["nn.functional"]["native_channel_shuffle"] = channel_shuffle
public[""].update(pixel_shuffle=pixel_shuffle, pixel_unshuffle=pixel_unshuffle, channel_shuffle=channel_shuffle, bilinear=bilinear)
