"""What `make lab` and `make test` say when a machine is not as they need it: one sentence, no traceback, a non-zero exit."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

START = Path(__file__).resolve().parents[2] / ".make" / "start"

pytestmark = pytest.mark.skipif(not shutil.which("sh"), reason="no POSIX shell")


def start(*arguments: str, **variables: str) -> str:
    """Runs .make/start, which has to refuse, and returns what it said."""
    environment = {**os.environ, "PYTHON": sys.executable, **variables}
    done = subprocess.run([shutil.which("sh"), str(START), *arguments], text=True, capture_output=True, env=environment)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr.strip()


def python_that(tmp_path: Path, script: str, name: str = "python3") -> str:
    """A stand-in for an interpreter of another kind."""
    path = tmp_path / name
    path.write_text(f"#!{shutil.which('sh')}\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_no_python_at_all(tmp_path):
    assert "there is no Python here: install Python 3.11 or newer" in start("lab", PYTHON="", PATH=str(tmp_path))


def test_python_that_was_named_does_not_exist():
    assert "PYTHON=/nowhere/python does not start" in start("lab", PYTHON="/nowhere/python")


def test_python_too_old(tmp_path):
    old = python_that(tmp_path, 'case "$2" in *print*) echo 3.9;; *) exit 1;; esac')
    assert "Python 3.9 is too old: install Python 3.11 or newer" in start("lab", PYTHON=old)


def test_python_without_venv(tmp_path):
    bare = python_that(tmp_path, 'case "$2" in *ensurepip*) exit 1;; *print*) echo 3.11;; esac')
    assert "apt install python3-venv" in start("lab", PYTHON=bare)


def test_a_newer_python_is_found_behind_an_old_one(tmp_path):
    python_that(tmp_path, 'case "$2" in *print*) echo 3.9;; *) exit 1;; esac')
    python_that(tmp_path, f'exec {sys.executable} "$@"', name="python3.12")
    assert "takes a number" in start("lab", "--port", "none", PYTHON="", PATH=str(tmp_path))


@pytest.mark.parametrize("form", [["--port", "{}"], ["--port={}"], ["--ServerApp.port={}"]])
def test_busy_port(form):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port} is busy" in start("lab", *[part.format(port) for part in form])


@pytest.mark.parametrize("port", ["http", "0", "70000", "-1"])
def test_port_that_is_no_port(port):
    assert f"--port takes a number from 1 to 65535, got {port}." in start("lab", "--port", port)


def test_unknown_command():
    assert "takes one of lab, test, setup, lint" in start("dance")
