"""A real JupyterLab in a real Chromium: fixtures that open a notebook, run cells without waiting for them, and look.

    def test_something(lab):
        book = lab.open(["import autodiff_lab", "for k in range(10): ..."])
        book.run(0)                       # waits until the cell has ended
        book.start(1)                     # returns at once; the cell goes on
        book.wait("[data-testid=step]")   # an element inside the notebook
        book.shot("name")                 # tests/output/browser/name.png, not in git

Chromium is the one that is installed (`apt-get install chromium fonts-dejavu-core`, or its path in CHROMIUM); nothing is
ever downloaded, and without it these tests are skipped with that reason.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "tests" / "output" / "browser"
FLAGS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--force-color-profile=srgb"]
SETTINGS = {  # what the product pins in share/jupyter/lab/settings, plus: no news, no tours, no autosave races
    "@jupyterlab/apputils-extension/kernels-settings": {"commsOverSubshells": "perCommTarget"},
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "defer", "kernelShutdown": False},
}


def chromium() -> str | None:
    """The path of the installed Chromium or Chrome, or None."""
    for name in (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome-stable", "google-chrome"):
        found = name and shutil.which(name)
        if found:
            return found
    return None


def missing() -> str | None:
    """Why the browser tests can't run here, in one sentence, or None if they can."""
    for module in ("playwright", "jupyterlab", "ipykernel", "anywidget"):
        try:
            __import__(module)
        except ImportError:
            return f"{module} is not installed (pip install 'autodiff-lab[test]')"
    if chromium() is None:
        return "no Chromium was found (apt-get install chromium, or its path in CHROMIUM)"
    if not (ROOT / "autodiff_lab" / "widgets" / "static").is_dir():
        return "the widget bundles are not built (cd widgets && npm ci && npm run build)"
    return None


def pytest_collection_modifyitems(items):
    reason = missing()
    for item in items:
        if Path(__file__).parent in Path(item.fspath).parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))  # one server, one browser, whatever -n says
            if reason:
                item.add_marker(pytest.mark.skip(reason=f"browser test: {reason}"))


# ------------------------------------------------------------------------------------------------ server and browser


class Server:
    """JupyterLab on a free port with folders of its own; `stop()` ends it by its pid."""

    def __init__(self, home: Path):
        self.home, self.root, self.token = home, home / "work", secrets.token_hex(12)
        self.root.mkdir(parents=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        folders = {f"JUPYTER_{kind}_DIR": home / kind.lower() for kind in ("CONFIG", "DATA", "RUNTIME")}
        folders |= {"JUPYTERLAB_SETTINGS_DIR": home / "settings", "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
                    "IPYTHONDIR": home / "ipython"}
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        for plugin, values in SETTINGS.items():
            file = (folders["JUPYTERLAB_SETTINGS_DIR"] / plugin).with_suffix(".jupyterlab-settings")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        self.log = (home / "server.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser",
             f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1",
             f"--IdentityProvider.token={self.token}", f"--ServerApp.root_dir={self.root}",
             "--ServerApp.jpserver_extensions=autodiff_lab.notebook.server=True",  # as the wheel's etc/jupyter does
             "--ServerApp.log_level=WARN"],
            stdout=self.log, stderr=subprocess.STDOUT, cwd=self.root, start_new_session=True,
            env={**os.environ, **{key: str(value) for key, value in folders.items()}, "PYTHONPATH": path})
        self.url = f"http://127.0.0.1:{self.port}"
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(f"{self.url}/api/status?token={self.token}", timeout=2).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        raise RuntimeError(f"JupyterLab did not start:\n{(self.home / 'server.log').read_text()[-3000:]}")

    def set(self, plugin: str, **values) -> None:
        """Change settings for the pages that are opened from now on."""
        file = (self.home / "settings" / plugin).with_suffix(".jupyterlab-settings")
        file.write_text(json.dumps(SETTINGS.get(plugin, {}) | values))

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory):
    """A running JupyterLab server."""
    server = Server(tmp_path_factory.mktemp("jupyter"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def chrome():
    """A running Chromium."""
    from playwright.sync_api import sync_playwright

    # Playwright's own Node needs libatomic, which a bare Debian lacks; the one that built the widgets does not.
    beside = Path(sys.executable).parent / "node"
    if beside.exists():
        os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(beside))
    try:
        starting = sync_playwright().__enter__()
        starting.stop()
    except Exception as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"Playwright's driver does not start on this system ({type(error).__name__}: {error}), so no browser can be driven. Debian's libatomic1 may be missing.")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def lab(jupyter, chrome, request):
    """Opens notebooks: `lab.open(cells, dark=…, width=…) -> Notebook`. Closes pages and kernels afterwards."""
    bench = Lab(jupyter, chrome, request.node.name)
    yield bench
    if getattr(request.node, "failed", False):
        for number, book in enumerate(bench.books):
            book.shot(f"failed-{request.node.name}-{number}")
    bench.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that failed leaves a picture of what it saw."""
    outcome = yield
    if call.when == "call" and outcome.get_result().failed:
        item.failed = True


# ------------------------------------------------------------------------------------------------ what a test holds


class Lab:
    """Opens notebooks for one test."""

    def __init__(self, server: Server, browser, test: str):
        self.server, self.browser, self.test, self.books = server, browser, test, []

    def open(self, cells, *, dark=False, width=1280, height=900, reduced_motion=False, path=None, windowing="defer") -> Notebook:
        """A notebook of these code cells (or the file `path`), opened, its kernel ready."""
        self.server.set("@jupyterlab/notebook-extension/tracker", windowingMode=windowing)
        name = f"{secrets.token_hex(4)}.ipynb"
        if path is not None:
            shutil.copy(path, self.server.root / name)
        else:
            (self.server.root / name).write_text(json.dumps(notebook_file(cells)))
        context = self.browser.new_context(viewport={"width": width, "height": height},
                                           reduced_motion="reduce" if reduced_motion else "no-preference",
                                           color_scheme="dark" if dark else "light")
        book = Notebook(self, context, name)
        self.books.append(book)
        book.load()
        if dark:
            book.theme("JupyterLab Dark")
        return book

    def close(self) -> None:
        for book in self.books:
            book.context.close()
        for kernel in json.loads(self.request("GET", "/api/kernels") or "[]"):
            self.request("DELETE", f"/api/kernels/{kernel['id']}")

    def request(self, method: str, path: str) -> bytes:
        """Ask the server's REST interface."""
        call = urllib.request.Request(self.server.url + path, method=method,
                                      headers={"Authorization": f"token {self.server.token}"})
        with urllib.request.urlopen(call, timeout=20) as reply:
            return reply.read()


class Notebook:
    """One notebook in one page. `page` is playwright's own page, for anything that has no method here."""

    def __init__(self, bench: Lab, context, name: str):
        self.bench, self.context, self.name = bench, context, name
        self.page = context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    # -- opening

    def load(self, wait=True) -> None:
        """Open the page, or open it anew; `wait=False` does not wait for a kernel that is busy."""
        server = self.bench.server
        self.page.goto(f"{server.url}/lab/workspaces/{self.name[:8]}/tree/{self.name}?reset&token={server.token}")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        if wait:
            self.page.wait_for_function(
                """() => { const p = window.jupyterapp?.shell.currentWidget, s = p?.sessionContext;
                           return s && s.isReady && s.session?.kernel?.connectionStatus === 'connected' }""",
                timeout=60_000)
            self.js("await p.sessionContext.session.kernel.info")
        # The side bar takes a third of a small page, and no test looks at it.
        self.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")

    def js(self, body: str, *args):
        """Run JavaScript with `app`, `p` (the notebook panel) and `args` in scope; the value of `return` comes back."""
        return self.page.evaluate(
            "async args => { const app = window.jupyterapp, p = app.shell.currentWidget;" + body + "}", list(args))

    def theme(self, name: str) -> None:
        """Switch JupyterLab's theme: "JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast"."""
        self.js("await app.commands.execute('apputils:change-theme', {theme: args[0]})", name)
        light = "true" if "Light" in name else "false"
        self.page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached", timeout=20_000)

    # -- running

    def start(self, index: int) -> None:
        """Run a cell and return at once."""
        self.js("p.content.activeCellIndex = args[0]; p.content.deselectAll();"
                "app.commands.execute('notebook:run-cell'); return 1", index)
        self.page.wait_for_function(
            "i => { const c = window.jupyterapp.shell.currentWidget.content.widgets[i].model;"
            "return c.executionState !== 'idle' || c.executionCount !== null }", arg=index, timeout=20_000)

    def run(self, index: int, timeout=60) -> None:
        """Run a cell and wait until it has ended."""
        before = self.count(index)
        self.start(index)
        self.ended(index, timeout, before)

    def run_all(self, timeout=120) -> None:
        """Run every cell, one after the other."""
        for index in range(self.js("return p.content.widgets.length")):
            if self.js("return p.content.widgets[args[0]].model.type", index) == "code":
                self.run(index, timeout)

    def count(self, index: int):
        """The execution count of a cell (the number in its brackets), or None."""
        return self.js("return p.content.widgets[args[0]].model.executionCount", index)

    def ended(self, index: int, timeout=60, before=None) -> None:
        """Wait until a started cell has ended."""
        self.page.wait_for_function(
            "([i, before]) => { const c = window.jupyterapp.shell.currentWidget.content.widgets[i].model;"
            "return c.executionState === 'idle' && c.executionCount !== null && c.executionCount !== before }",
            arg=[index, before], timeout=timeout * 1000)

    def running(self, index: int) -> bool:
        """Whether a started cell still runs."""
        return self.js("return p.content.widgets[args[0]].model.executionState === 'running'", index)

    def interrupt(self) -> None:
        """What the square in the tool bar does."""
        self.js("await p.sessionContext.session.kernel.interrupt()")

    def outputs(self, index: int) -> list[dict]:
        """The outputs of a cell as they would be saved."""
        return self.js("return p.content.widgets[args[0]].model.outputs.toJSON()", index)

    def text(self, index: int) -> str:
        """What a cell printed to stdout."""
        return "".join(part if isinstance(part := out["text"], str) else "".join(part)
                       for out in self.outputs(index) if out["output_type"] == "stream" and out["name"] == "stdout")

    def save(self) -> dict:
        """Save, and return the saved file."""
        self.js("await p.context.save()")
        return json.loads((self.bench.server.root / self.name).read_text())

    # -- looking

    def wait(self, selector: str, timeout=30):
        """Wait until an element is visible, and return its locator (the last one, where there are several)."""
        found = self.page.locator(selector).last
        found.wait_for(state="visible", timeout=timeout * 1000)
        return found

    def pause(self, seconds: float) -> None:
        """Let the page live for a while (never time.sleep: the page's events would stand still)."""
        self.page.wait_for_timeout(seconds * 1000)

    def shot(self, name: str, selector: str | None = None) -> Path:
        """Save a picture of the page, or of one element, under tests/output/browser."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        file = SHOTS / f"{name}.png"
        if selector is None:
            self.page.screenshot(path=str(file))
        else:
            self.wait(selector).screenshot(path=str(file))
        return file

    def axe(self, selector: str) -> list[str]:
        """What axe-core finds inside an element, one line a finding; [] where all is well.

        JupyterLab's body is 0 px tall, so axe takes everything for off-screen and skips contrast: give it a height.
        """
        self.page.add_style_tag(content="body { height: 100vh }")
        return axe(self.page, selector)


def axe(page, selector: str = ".adl") -> list[str]:
    """What axe-core finds inside an element of any page, one line a finding; [] where all is well."""
    script = ROOT / "widgets" / "node_modules" / "axe-core" / "axe.min.js"
    if not script.is_file():
        pytest.skip("axe-core is not installed (cd widgets && npm ci)")
    if not page.evaluate("() => typeof window.axe === 'object'"):
        source = script.read_text()  # as a function: JupyterLab's AMD loader would swallow the global
        page.evaluate("source => { new Function('module', 'exports', 'define', source).call(window) }", source)
    return page.evaluate(
        "async s => (await window.axe.run(s, {resultTypes: ['violations']})).violations.flatMap("
        "v => v.nodes.map(n => `${v.id}: ${n.target.join(' ')}: ${n.failureSummary}`))", selector)


def notebook_file(cells) -> dict:
    """The JSON of a notebook of code cells; a cell that is a pair ("markdown", text) is prose."""
    made = []
    for number, cell in enumerate(cells):
        kind, source = cell if isinstance(cell, tuple) else ("code", cell)
        extra = {"outputs": [], "execution_count": None} if kind == "code" else {}
        made.append({"cell_type": kind, "id": f"cell{number}", "metadata": {}, "source": source, **extra})
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
