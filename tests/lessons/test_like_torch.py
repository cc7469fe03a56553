"""Cells that use only PyTorch's names print what PyTorch prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOLUTIONS = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))

RUN = '''
import contextlib, io, json, re, sys
import autodiff_lab as lab
which, path = sys.argv[1:]
cells = ["".join(c["source"]) for c in json.load(open(path))["cells"] if c["cell_type"] == "code"]
space, printed = {}, []
if which == "torch":
    import torch
    def turned(made):
        return tuple(torch.from_numpy(t.numpy()) for t in made)
    class datasets:
        make_moons = staticmethod(lambda *a, **k: turned(lab.datasets.make_moons(*a, **k)))
        make_spirals = staticmethod(lambda *a, **k: turned(lab.datasets.make_spirals(*a, **k)))
        load_digits = staticmethod(lambda *a, **k: turned(lab.datasets.load_digits(*a, **k)))
    class Quiet:
        def __getattr__(self, name):
            return lambda *a, **k: Quiet()
    stand_in = Quiet()
    stand_in.__dict__["datasets"] = datasets
for source in cells:
    source = "\\n".join(line for line in source.splitlines() if not line.startswith("%"))
    own = "lab." in re.sub("autodiff_lab", "", source) or "run." in source  # what watched the loop is ours
    if which == "torch":
        source = source.replace("import autodiff_lab as lab", "").replace("import autodiff_lab as torch", "import torch").replace("from autodiff_lab", "from torch")
        space["lab"] = stand_in
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(source, "<cell>", "exec"), space)
    printed.append(None if own else out.getvalue())
print(json.dumps(printed))
'''


def printed(which: str, path: Path) -> list:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", RUN, which, str(path)], capture_output=True, text=True, timeout=250,
                          env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.oracle
@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem[:2])
def test_cells_print_what_torch_prints(path):
    pytest.importorskip("torch", reason="PyTorch is not installed (make test EXTRAS=oracle compares with it)")
    ours, theirs = printed("lab", path), printed("torch", path)
    compared = [(a, b) for a, b in zip(ours, theirs, strict=True) if a is not None and (a or b)]
    assert compared
    for a, b in compared:
        # Where a cell prints an error, ours says what PyTorch says, and then what to do about it.
        assert a == b or (len(b.splitlines()) == 1 and a.startswith(b.strip() + ". "))
