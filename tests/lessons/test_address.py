"""The public address stands in one place, and one command writes it everywhere."""

from __future__ import annotations

import importlib.machinery
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if not (ROOT / "binder" / "address").exists():
    pytest.skip("binder/ is not part of this copy", allow_module_level=True)
loader = importlib.machinery.SourceFileLoader("binder_address", str(ROOT / "binder" / "address"))
address = importlib.util.module_from_spec(importlib.util.spec_from_loader("binder_address", loader))
loader.exec_module(address)
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_link_agrees_with_pyproject():
    assert address.main([]) == 0


def test_a_new_address_is_written_everywhere_and_back():
    old = address.tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Repository"]
    new = address.filled(README, "https://github.com/ada/lab-2")
    assert "/".join(address.parts(old)) not in new and "ada%2Flab-2" in new and "gh/ada/lab-2/HEAD" in new
    assert address.filled(new, old) == README


def test_a_new_address_reaches_every_notebook():
    old = address.tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Repository"]
    for path in address.linking()[1:]:
        text = path.read_text(encoding="utf-8")
        new = address.filled(text, "https://github.com/ada/lab-2")
        assert "https://github.com/ada/lab-2/blob/main/autodiff_lab/" in new and old not in new, path
        assert address.filled(new, old) == text


def test_an_address_that_is_none_is_refused():
    with pytest.raises(SystemExit, match="takes an address"):
        address.parts("example.org/x")
