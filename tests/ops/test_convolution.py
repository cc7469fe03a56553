"""Convolutions that are too large for one block: images, rows and places in several pieces give PyTorch's numbers."""

import numpy as np
import pytest

from autodiff_lab.ops import convolution, patches
from autodiff_lab.ops.patches import FIRST, LAST, SLABS

torch = pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed (make test EXTRAS=oracle)")

# images, kernels, step, padding, spacing, groups, and the layout that is meant to be tried
CASES = {
    "several blocks of images": ((12, 16, 40, 40), (32, 16, 3, 3), 1, 1, 1, 1, SLABS),
    "rows of one image": ((2, 8, 200, 130), (12, 8, 3, 5), 1, (1, 2), 1, 1, SLABS),
    "few channels back": ((40, 3, 60, 61), (16, 3, 5, 4), (2, 3), (2, 0), (1, 2), 1, SLABS),
    "steps of two": ((12, 24, 41, 40), (16, 24, 3, 3), 2, 1, 1, 1, SLABS),
    "steps larger than the kernel": ((3, 10, 30, 31), (4, 10, 2, 2), 3, 1, 1, 1, SLABS),
    "a kernel for each channel": ((6, 48, 50, 50), (48, 1, 3, 3), 1, 1, 1, 48, SLABS),
    "a kernel for each channel, in steps": ((6, 12, 21, 20), (12, 1, 3, 3), (2, 3), 1, 1, 12, SLABS),
    "groups": ((6, 32, 40, 40), (48, 8, 3, 3), 1, 2, 1, 4, SLABS),
    "more padding than kernel": ((2, 4, 9, 9), (5, 4, 2, 2), 2, 5, 1, 1, SLABS),
    "many channels": ((6, 128, 15, 14), (96, 128, 3, 3), 1, 1, 1, 1, LAST),
    "small images": ((60, 32, 8, 9), (24, 32, 3, 3), 2, 1, 1, 1, LAST),
    "spaced rows": ((20, 4, 60, 60), (8, 4, 3, 3), 1, 2, 2, 1, FIRST),
}


@pytest.mark.oracle
@pytest.mark.parametrize("case", CASES)
def test_blocks_give_pytorchs_numbers(case):
    shape, kernel, stride, padding, dilation, groups, how = CASES[case]
    stride, padding, dilation = (value if isinstance(value, tuple) else (value, value) for value in (stride, padding, dilation))
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=shape), rng.normal(size=kernel)
    geometry = patches.geometry(kernel[2:], stride, padding, dilation, groups)
    out = patches.output_size(shape[2:], geometry)
    grad = rng.normal(size=(shape[0], kernel[0], *out))
    assert patches.layout(shape[1], kernel[0], geometry, out) is how
    tensors = [torch.from_numpy(v) for v in (grad, x, w)]
    to_input, to_weight, _ = torch.ops.aten.convolution_backward(*tensors, None, stride, padding, dilation, False, [0, 0], groups, [True, True, False])
    expected = torch.nn.functional.conv2d(*tensors[1:], None, stride, padding, dilation, groups), to_input, to_weight
    correlate, spread, correlate_patches = (operator.op.kernel for operator in (convolution.correlate, convolution.spread, convolution.correlate_patches))
    found = correlate(x, w, geometry), spread(grad, w, shape[2:], geometry), correlate_patches(x, grad, geometry)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == tuple(theirs.shape)
        assert np.allclose(ours, theirs.numpy(), rtol=1e-9, atol=1e-8)
