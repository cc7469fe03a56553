"""Resizing images: bytes in whole numbers, the three filters, and what is refused, as PyTorch does them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import autodiff_lab as lab

torch = pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed")
SIZES = [{"size": (5, 6)}, {"size": (40, 37)}, {"size": (23, 13)}, {"size": (11, 31)}, {"scale_factor": 1.7}, {"scale_factor": (0.6, 1.3)}, {"size": (3, 50)}]


@pytest.mark.oracle
@pytest.mark.parametrize("mode, antialias", [*itertools.product(("bilinear", "bicubic"), (False, True)), ("lanczos", True), ("nearest", False)])
def test_bytes_are_resized_to_the_same_bytes(mode, antialias):
    rng = np.random.default_rng(0)
    for channels, bytes_ in itertools.product((1, 3, 5), (rng.integers(0, 256, (2, 5, 23, 31)), rng.integers(0, 2, (2, 5, 23, 31)) * 255)):
        image = bytes_[:, :channels].astype(np.uint8)
        for how, corners in itertools.product(SIZES, (False, True) if mode.startswith("bi") else (None,)):
            ours, theirs = (t.nn.functional.interpolate(t.from_numpy(image.copy()), mode=mode, antialias=antialias, align_corners=corners, **how) for t in (lab, torch))
            assert np.array_equal(ours.numpy(), theirs.numpy()), (channels, how, corners)


@pytest.mark.oracle
@pytest.mark.parametrize("how", SIZES, ids=str)
def test_lanczos_has_pytorchs_values_and_gradients(how):
    image = np.random.default_rng(0).normal(size=(2, 3, 23, 31))
    found = []
    for t in (lab, torch):
        x = t.tensor(image, requires_grad=True)
        y = t.nn.functional.interpolate(x, mode="lanczos", antialias=True, **how)
        (y * y).sum().backward()
        found.append((y.detach().numpy(), x.grad.numpy()))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def refusals(t) -> list:
    x, out = t.ones(1, 1, 4, 4), []
    for given, mode, options in [(x, "lanczos", {}), (x, "lanczos", {"antialias": True, "align_corners": True}), (x, "lanczos", {"align_corners": True}), (x[0], "lanczos", {"antialias": True}),
                                 (x[0], "lanczos", {}), (x[0], "bicubic", {}), (x[0], "bilinear", {}), (x, "nearest", {"antialias": True}), (x[0], "bilinear", {"antialias": True}), (x[0, 0], "nearest", {}), (x, "cubic", {})]:
        with pytest.raises((ValueError, NotImplementedError)) as error:
            t.nn.functional.interpolate(given, size=3, mode=mode, **options)
        out.append((error.type, str(error.value)))
    return out


@pytest.mark.oracle
def test_modes_are_refused_as_in_pytorch():
    assert refusals(lab) == refusals(torch)


def test_the_nearest_pixel_gives_the_grid_a_gradient_of_zeros():
    def slopes(library):
        grid = library.tensor([[[[0.1, -0.4], [float("nan"), float("inf")]]]], requires_grad=True)
        image = library.arange(9.0).reshape(1, 1, 3, 3).requires_grad_()
        (library.nn.functional.grid_sample(image, grid, mode="nearest", align_corners=False) ** 2).sum().backward()
        return grid.grad.tolist(), image.grad.tolist()

    assert slopes(lab) == slopes(torch)
