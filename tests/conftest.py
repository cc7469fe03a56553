"""What every test can rely on: where Chromium is, and stated skips where a browser, PyTorch or a CUDA device is missing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_ON_MACOS = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"


def find_chromium() -> str | None:
    """The browser named by CHROMIUM, or the first one on PATH."""
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    places = [shutil.which(name) for name in CHROMIUM_NAMES]
    if sys.platform == "darwin":
        places.append(shutil.which(CHROMIUM_ON_MACOS))
    return next(filter(None, places), None)


def why_no_browser() -> str | None:
    if importlib.util.find_spec("playwright") is None:
        return "no browser tests: the Python package playwright is not installed"
    if find_chromium() is None:
        return "no browser tests: no Chromium on PATH (CHROMIUM=/path/to/chromium names one)"
    return None


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
    """Marks what lies in tests/browser, and skips what cannot run here, with the reason."""
    reasons = {"browser": why_no_browser(), "oracle": why_no_oracle(), "cuda": why_no_cuda()}
    for item in items:
        if ROOT / "tests" / "browser" in item.path.parents:
            item.add_marker("browser")
        for marker, reason in reasons.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the Chromium to drive, for playwright's `executable_path`."""
    path = find_chromium()
    if path is None:
        pytest.skip(why_no_browser() or "no browser tests")
    return path
