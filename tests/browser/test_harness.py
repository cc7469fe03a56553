"""The harness itself: cells start without being waited for, and what is seen is what the kernel did."""


def test_a_cell_is_seen_running_and_then_ended(lab):
    book = lab.open(["import time\nfor k in range(20):\n    print(k, flush=True); time.sleep(0.05)", "6 * 7"])
    book.start(0)
    book.page.wait_for_function("() => document.querySelector('.jp-OutputArea')?.textContent.includes('3')")
    assert book.running(0)
    book.ended(0)
    assert book.text(0).split()[-1] == "19"
    book.run(1)
    assert book.outputs(1)[0]["data"]["text/plain"] == "42"


def test_axe_finds_a_planted_contrast_fault(lab):
    book = lab.open(["from IPython.display import HTML\n"
                     "HTML('<div id=\"planted\"><p style=\"color:#bbb;background:#fff\">hard to read</p></div>')"])
    book.run(0)
    book.wait("#planted")
    assert any("color-contrast" in finding for finding in book.axe("#planted"))
