"""Keeps a submission to its own folder: Landlock, a part of Linux (5.13 and newer), asked through the C library.

What runs after `confine` can read the system and the Python installation and write one folder. It opens no other file (so
no other submission), no TCP connection, and signals no process but its own. Where the system lacks a part of this, the rest
is still asked for. Packages that lie elsewhere (editable installations of one's own) cannot be imported.
"""

from __future__ import annotations

import ctypes
import os
import site
import struct
import sys
import sysconfig
from pathlib import Path

__all__ = ["confine"]

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # system calls, the same numbers on every processor
VERSION_ASKED, PATH_BENEATH, NO_NEW_PRIVILEGES = 1, 1, 38
EXECUTE, WRITE, READ, LIST, MOVE, TRUNCATE, DEVICE = (1 << bit for bit in (0, 1, 2, 3, 13, 14, 15))
ON_FILES = EXECUTE | WRITE | READ | TRUNCATE | DEVICE
SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/nix/store", "/etc/ld.so.cache", "/etc/localtime", "/etc/passwd", "/etc/group",
          "/etc/nsswitch.conf", "/etc/fonts", "/etc/ssl", "/etc/mime.types", "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system")
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


def confine(folder: Path) -> bool:
    """Shut this process, and all that it starts, into a folder. False where the system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    call = ctypes.CDLL(None, use_errno=True).syscall
    version = call(CREATE_RULESET, None, 0, VERSION_ASKED)
    if version < 1:
        return False
    # What each version can watch: files (then moves, truncation, devices), then TCP, then signals and abstract sockets.
    watched = (1 << 13) - 1 | (MOVE if version >= 2 else 0) | (TRUNCATE if version >= 3 else 0) | (DEVICE if version >= 5 else 0)
    fields = [watched] + ([3] if version >= 4 else []) + ([3] if version >= 6 else [])
    asked = struct.pack(f"{len(fields)}Q", *fields)
    rules = call(CREATE_RULESET, asked, len(asked), 0)
    if rules < 0:
        return False
    try:
        for path in (*SYSTEM, *installation()):
            allow(call, rules, path, (READ | LIST | EXECUTE) & watched)
        for path in DEVICES:
            allow(call, rules, path, (READ | WRITE) & watched)
        allow(call, rules, folder, watched)
        ctypes.CDLL(None).prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        return call(RESTRICT_SELF, rules, 0) == 0
    finally:
        os.close(rules)


def allow(call, rules: int, path, rights: int) -> None:
    """Add one path, if it is there, and all that lies beneath it."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            rights &= ON_FILES
        call(ADD_RULE, rules, PATH_BENEATH, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)


def installation() -> set[str]:
    """Where Python and this package lie."""
    places = {sys.prefix, sys.base_prefix, site.getusersitepackages(), *site.getsitepackages(), *sysconfig.get_paths().values()}
    places |= {entry for entry in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if entry}
    return places | {str(Path(__file__).resolve().parents[1])}
