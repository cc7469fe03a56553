"""What the packages hold: the built widgets, small enough for every notebook to carry, and the settings of JupyterLab."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "autodiff_lab" / "widgets" / "static"
WIDGETS = sorted(entry.parent.name for entry in (ROOT / "widgets" / "src").glob("*/index.ts"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", WIDGETS)
def test_every_widget_is_built_and_small(name):
    script = BUNDLE / f"{name}.js"
    assert script.exists(), "build the widgets: cd widgets && npm ci && npm run build"
    # Every model in a notebook carries its whole bundle.
    assert script.stat().st_size <= 120_000


def test_the_library_needs_numpy_and_scipy_only():
    assert PROJECT["project"]["dependencies"] == ["numpy", "scipy"]


def test_the_version_is_the_same_everywhere():
    import autodiff_lab

    assert autodiff_lab.__version__ == PROJECT["project"]["version"]


def test_lock_file_names_no_download_address():
    lock = json.loads((ROOT / "widgets" / "package-lock.json").read_text(encoding="utf-8"))
    assert not [folder for folder, entry in lock["packages"].items() if "resolved" in entry]


def test_comm_messages_reach_a_cell_that_runs():
    # JupyterLab's default is under discussion, and the live widgets depend on it.
    settings = json.loads((ROOT / "widgets" / "jupyterlab" / "overrides.json").read_text(encoding="utf-8"))
    assert settings["@jupyterlab/apputils-extension:kernels-settings"]["commsOverSubshells"] == "perCommTarget"


def test_binder_installs_what_the_lab_needs():
    lines = (ROOT / "binder" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    extras = PROJECT["project"]["optional-dependencies"]
    ours = [need for need in extras["lab"] + extras["bfloat16"] if not need.startswith("autodiff-lab")]
    assert sorted(line for line in lines if not line.startswith("#")) == sorted(PROJECT["project"]["dependencies"] + ours)
