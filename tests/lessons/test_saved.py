"""What the notebooks look like where nothing runs: on GitHub, in nbviewer, as a page; and that two runs save the same bytes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from autodiff_lab.lessons.notebooks import execute, read

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ALLOWED = {"svg", "g", "rect", "path", "line", "circle", "text", "tspan", "title", "desc"}


def outputs(path: Path) -> list[dict]:
    return [output for cell in read(path)["cells"] for output in cell.get("outputs", [])]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem[:2])
def test_every_picture_passes_a_strict_sanitiser_and_has_words_beside_it(path):
    for output in outputs(path):
        picture = "".join(output.get("data", {}).get("image/svg+xml", ""))
        if not picture:
            continue
        root = ElementTree.fromstring(picture)
        for element in root.iter():
            assert element.tag.removeprefix("{http://www.w3.org/2000/svg}") in ALLOWED
            # No id, so that two pictures in one page cannot clash; nothing that a sanitiser takes away.
            assert not [name for name in element.attrib if name in ("id", "style", "class", "href") or name.startswith("on")]
        assert root.get("aria-label") or root.find("{http://www.w3.org/2000/svg}title") is not None, "a picture without a text alternative"
        # Dark text on a light ground of its own, whatever the page's colours are.
        ground = next(element for element in root.iter("{http://www.w3.org/2000/svg}rect"))
        assert ground.get("fill") in ("#ffffff", "#fff", "white"), ground.attrib
        assert len("".join(output["data"]["text/plain"])) > 20


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem[:2])
def test_what_is_saved_holds_no_address_no_id_no_time(path):
    said = "\n".join("".join(output.get("text", "")) + "".join("".join(value) for kind, value in output.get("data", {}).items() if isinstance(value, str | list)) for output in outputs(path))
    assert not re.search(r"0x[0-9a-f]{6,}|\b[0-9a-f]{32}\b|\b\d+(\.\d+)? ?(ms|µs|seconds)\b", said)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem[:2])
def test_the_exported_page_shows_every_picture_and_no_empty_widget(path):
    nbconvert = pytest.importorskip("nbconvert", reason="nbconvert is not installed (pip install 'autodiff-lab[lab]')")
    page, _ = nbconvert.HTMLExporter(template_name="basic").from_filename(str(path))
    assert page.count("data:image/svg+xml;base64,") == sum("image/svg+xml" in output.get("data", {}) for output in outputs(path))
    assert not re.search(r"widget-view|VBox\(|Widget\(\)|model not found", page)
    identities = re.findall(r'\sid="([^"]+)"', page)
    assert len(identities) == len(set(identities))


@pytest.mark.timeout(200)
@pytest.mark.parametrize("number", ["04", "11"])
def test_two_runs_from_fresh_kernels_save_the_same_bytes(number, tmp_path):
    pytest.importorskip("nbclient", reason="nbclient is not installed (pip install 'autodiff-lab[lab]')")
    copy = tmp_path / "lesson.ipynb"
    shutil.copy(next(path for path in NOTEBOOKS if path.stem.startswith(number)), copy)
    before = copy.read_bytes()
    for _ in range(2):
        execute(copy)
        assert copy.read_bytes() == before


RECIPE = """import time
began = time.perf_counter()
print(object())
print(f"{time.perf_counter() - began + 0.5:.4f} s a step")"""


@pytest.mark.timeout(200)
def test_nbval_fails_when_a_number_changes_and_the_sanitizer_hides_what_must_differ(tmp_path):
    pytest.importorskip("nbval", reason="nbval is not installed (pip install 'autodiff-lab[test]')")
    from autodiff_lab.lessons.notebooks import write

    shutil.copy(NOTEBOOKS[0], tmp_path / "same.ipynb")
    text = NOTEBOOKS[0].read_text(encoding="utf-8")
    assert text.count("y moved by 0.030") == 1
    (tmp_path / "number.ipynb").write_text(text.replace("y moved by 0.030", "y moved by 0.031"), encoding="utf-8")
    (tmp_path / "picture.ipynb").write_text(text.replace("Gradients: w 30, b 10.", "Gradients: w 31, b 10."), encoding="utf-8")
    write({"cells": [{"cell_type": "code", "id": "a", "metadata": {}, "source": RECIPE.splitlines(keepends=True), "outputs": [], "execution_count": None}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, tmp_path / "own.ipynb")
    execute(tmp_path / "own.ipynb")

    def nbval(name: str, *options) -> int:
        return subprocess.run([sys.executable, "-m", "pytest", "-q", "--nbval", "-p", "no:cacheprovider", *options, name], cwd=tmp_path, capture_output=True, text=True).returncode

    assert [nbval(f"{name}.ipynb") for name in ("same", "number", "picture", "own")] == [0, 1, 1, 1]
    assert nbval("own.ipynb", "--nbval-sanitize-with", str(ROOT / "tests" / "notebooks" / "sanitize.cfg")) == 0


def test_a_failed_display_and_stderr_are_not_saved(tmp_path):
    pytest.importorskip("nbclient", reason="nbclient is not installed (pip install 'autodiff-lab[lab]')")
    from autodiff_lab.lessons.notebooks import write

    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": ["import sys\n", "print('careful', file=sys.stderr)"], "outputs": [], "execution_count": None}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    write(notebook, tmp_path / "loud.ipynb")
    with pytest.raises(ValueError, match="the cell that begins with 'import sys', left this behind: careful"):
        execute(tmp_path / "loud.ipynb")
    assert read(tmp_path / "loud.ipynb")["cells"][0]["outputs"] == []
