"""Notebooks of the course in real JupyterLab, from top to bottom: nothing fails, every panel is there, an answer is judged."""

from __future__ import annotations

from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", ["00", "02", "03", "04", "05", "07", "09", "11"])
def test_a_notebook_runs_from_top_to_bottom(lab, number):
    path = next(NOTEBOOKS.glob(f"{number}-*.ipynb"))
    book = lab.open([], path=path, height=1400, windowing="none")
    book.js("await app.commands.execute('notebook:clear-all-cell-outputs')")
    book.run_all(timeout=180)
    book.pause(1)
    outputs = [out for k in range(book.js("return p.content.widgets.length"))
               if book.js("return p.content.widgets[args[0]].model.type", k) == "code" for out in book.outputs(k)]
    assert not [out for out in outputs if out["output_type"] == "error"]
    assert book.page.locator("text=/Error (creating|displaying) widget|model not found/").count() == 0
    assert book.page.locator(".adl, .adl-panel, .adl-tensor, .jp-RenderedSVG").count() >= 1
    assert "not yet" in book.page.locator(".jp-OutputArea-output", has_text=f"{number}-1").first.inner_text()
    shots(book, number)
    assert book.errors == []


@pytest.mark.timeout(200)
@pytest.mark.parametrize("number", ["04", "11"])
def test_a_notebook_from_somebody_else_shows_something_for_every_output(lab, number):
    """Nobody has run it here, so JupyterLab does not trust it and hides pictures: the words that say the same are there."""
    path = next(NOTEBOOKS.glob(f"{number}-*.ipynb"))
    book = lab.open([], path=path, height=1400, windowing="none")
    assert not book.js("return [...p.content.model.cells].every(cell => cell.type !== 'code' || cell.trusted || !cell.outputs.length)")
    outputs = book.page.locator(".jp-OutputArea-output")
    assert outputs.count() >= 10
    for index in range(outputs.count()):
        assert len(outputs.nth(index).inner_text().strip()) > 2 or outputs.nth(index).locator("svg, img").count()
    text = book.page.locator(".jp-Notebook").inner_text()
    assert ("is made from 2 parameters (w, b)" if number == "04" else "loss fell from") in text and f"{number}-1: not yet." in text
    book.shot(f"lesson-{number}-untrusted")


def shots(book, number: str) -> None:
    """The whole notebook, a screen at a time."""
    page = book.page
    box = page.locator(".jp-WindowedPanel-outer").first
    height = box.evaluate("e => e.scrollHeight")
    for part in range(0, min(12, -(-height // 1250))):
        box.evaluate("(e, y) => { e.scrollTop = y }", part * 1250)
        book.pause(0.4)
        book.shot(f"lesson-{number}-{part:02d}")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_wrong_answer_is_met_with_the_reason_and_a_right_one_is_kept(lab, dark):
    book = lab.open(dark=dark, cells=["import autodiff_lab as lab", 'lab.check("04-1", 0.01)', 'lab.check("04-1", 0.03)', "from autodiff_lab.lessons import progress\nprogress.forget()"])
    for cell in range(3):
        book.run(cell)
    page = book.page.locator(".jp-OutputArea-output")
    assert "through x = 3" in page.nth(0).inner_text() and "1 of 6" in page.nth(1).inner_text()
    page.nth(0).locator("summary").first.click()
    assert "Forward" in page.nth(0).inner_text()
    book.shot(f"lesson-verdicts-{'dark' if dark else 'light'}")
    assert book.axe(".jp-OutputArea-output") == []
    book.run(3)
