"""What every test can rely on: stated skips where PyTorch or a CUDA device is missing. Chromium is the matter of tests/browser."""

from __future__ import annotations

import importlib.util

import pytest


def why_no_oracle() -> str | None:
    if importlib.util.find_spec("torch") is None:
        return "no comparison with PyTorch: it is not installed (make test EXTRAS=oracle)"
    return None


def why_no_cuda() -> str | None:
    if importlib.util.find_spec("cupy") is None:
        return "no CUDA tests: CuPy is not installed (extras cuda12 and cuda13)"
    import cupy

    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError:
        count = 0
    return None if count else "no CUDA tests: there is no CUDA device"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips what is marked `oracle` or `cuda` where it cannot run, with the reason."""
    reasons = {"oracle": why_no_oracle(), "cuda": why_no_cuda()}
    for item in items:
        for marker, reason in reasons.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
