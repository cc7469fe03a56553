"""A tensor as the last line of a cell: the number under the pointer and under the arrow keys, slices by a slider."""


def test_tensor_is_read_by_mouse_and_by_keyboard(lab):
    book = lab.open(["import autodiff_lab as lab\nt = lab.arange(2400.0).reshape(2, 30, 40)\nt"])
    book.run(0)
    canvas = book.wait(".adl-tensor > canvas")
    book.pause(0.3)
    box = canvas.bounding_box()
    book.page.mouse.move(box["x"] + box["width"] * 3.5 / 40, box["y"] + box["height"] * 2.5 / 30)
    table = book.page.locator(".adl-tensor table")
    assert "row 2, col 3" in table.inner_text() and "83" in table.inner_text()
    canvas.focus()
    book.page.keyboard.press("ArrowRight")
    book.page.keyboard.press("ArrowDown")
    assert "row 3, col 4" in table.inner_text() and "124" in table.inner_text()
    book.page.get_by_label("Index 0 of 2").fill("1")
    assert "1324" in table.inner_text()
    grid = book.page.locator(".adl-grid canvas")  # both slices, small: a click chooses one
    grid.click(position={"x": 20, "y": 20})
    assert "124" in table.inner_text() and book.page.get_by_label("Index 0 of 2").input_value() == "0"
    painted = canvas.evaluate("c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size")
    assert painted > 20  # not one colour: it was black when it was drawn before it stood on the page
    book.shot("tensor", ".adl")
    assert book.js("return p.content.widgets.length") == 1
    assert book.axe(".adl") == []
    assert not book.errors
    data = book.outputs(0)[-1]["data"]
    assert "".join(data["text/plain"]).startswith("tensor([[[")
    assert "".join(data["image/svg+xml"]).startswith("<svg")
