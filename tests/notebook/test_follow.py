"""`%load_ext autodiff_lab` in a real IPython: the panel follows cells, and can be turned off."""

import pytest

pytest.importorskip("IPython", reason="the extension runs in IPython")


@pytest.fixture
def shell(monkeypatch):
    import IPython.display
    from IPython.core import interactiveshell
    from IPython.testing.globalipapp import get_ipython

    shell = get_ipython() or interactiveshell.InteractiveShell.instance()
    shell.panels = []
    monkeypatch.setattr(IPython.display, "publish_display_data", lambda data, **_: shell.panels.append(data))

    def run(text):
        shell.panels.clear()
        result = shell.run_cell(text, store_history=True)
        return result, [p["text/plain"] for p in shell.panels]

    shell.run = run
    run("import autodiff_lab as lab\n%load_ext autodiff_lab")
    run("w = lab.tensor(2.0, requires_grad=True); x = lab.tensor(3.0)")
    yield shell
    run("%unload_ext autodiff_lab")
    shell.user_ns.clear()
    shell.init_user_ns()


def test_a_cell_that_builds_a_graph_shows_it(shell):
    _, (panel,) = shell.run("y = w * x\ny.backward()")
    assert panel.startswith("y: 1 operator · backward ran\ny = 6 is made from 1 parameter (w) and 1 data leaf (x)")
    _, panels = shell.run("a = 3")
    assert panels == []


def test_a_cell_that_goes_on_with_an_earlier_graph_shows_all_of_it(shell):
    shell.run("u = w * x")
    _, (panel,) = shell.run("v = u ** 2")
    assert "mul" in panel and "pow 2" in panel


def test_what_is_shown_by_hand_is_not_shown_twice(shell):
    result, panels = shell.run("z = w * x\nlab.show(z)")
    assert panels == [] and "z: 1 operator" in repr(result.result)


def test_off_and_on_and_the_cell_magic(shell, capsys):
    shell.run("%lab off")
    assert shell.run("z = w * x")[1] == []
    _, (panel,) = shell.run("%%graph\nz = w * x")
    assert panel.startswith("z: 1 operator")
    assert shell.run("z = w * x")[1] == []
    shell.run("%lab on")
    assert len(shell.run("z = w * x")[1]) == 1
    shell.run("%lab maybe")
    assert "takes on or off, not 'maybe'" in capsys.readouterr().out


def test_an_operator_that_refuses_is_drawn(shell):
    shell.run("W = lab.ones(3, 3, requires_grad=True)\nh = lab.ones(2, 4)")
    result, panels = shell.run("z = lab.tanh(h @ W)")
    assert result.error_in_exec is not None
    assert "forward failed" in panels[0] and "2x4 and 3x3" in panels[0]


def test_loop_shows_the_last_turn_and_counts_passes(shell):
    _, (panel,) = shell.run("for k in range(30):\n    loss = (w * x - k) ** 2\n    w.grad = None\n    loss.backward()")
    assert "backward ran 30 times" in panel and panel.startswith("loss: 3 operators")


def test_explain_tells_an_earlier_pass_after_a_loop(shell):
    shell.run("y = w * x\ny.backward()")
    shell.run("for k in range(50):\n    loss = (w * x - k) ** 2\n    loss.backward()")
    result, _ = shell.run("lab.explain(y)")
    assert "Step 1 of 1. mul (y) receives 1" in result.result


def test_name_by_hand_wins(shell):
    result, _ = shell.run("q = lab.name(w * x, 'product')\nlab.show(q)")
    assert "product" in [n.name for n in result.result.snapshot.nodes]


def test_a_name_that_a_loop_assigns_again_has_its_turn_and_line(shell):
    shell.run("W = lab.eye(2, requires_grad=True); h = lab.ones(1, 2)")
    _, (panel,) = shell.run("%%graph\nfor t in range(3):\n    h = lab.tanh(h @ W)")
    picture = shell.panels[0]["image/svg+xml"]
    assert [panel.count(f"h ↻{turn}") + picture.count(f"tanh ↻{turn}") > 0 for turn in (1, 2, 3)] == [True] * 3
    shell.run("told = lab.explain(h)")
    said = shell.user_ns["told"]
    assert [f"h = lab.tanh(h @ W), turn {turn}" in said for turn in (1, 2, 3)] == [True] * 3
    assert said.count("line 2") >= 3


def test_a_tensor_that_was_written_into_is_shown_as_a_whole(shell):
    _, (panel,) = shell.run("v = lab.ones(3, requires_grad=True)\nh = v * 2\nh[1:] = 0")
    assert panel.startswith("h: 2 operators · no backward yet\nh of shape 3 is made from 1 parameter (v) by 2 operators.")
    _, (panel,) = shell.run("k = v * 3\nk[0] = 1\nr = lab.relu(k)")
    assert panel.startswith("r: 3 operators")


def test_no_graph_is_drawn_for_a_loop_whose_dashboard_is_about_to_appear(shell):
    pytest.importorskip("anywidget")
    from autodiff_lab.widgets.watch import awaited

    shell.run("p = lab.nn.Parameter(lab.ones(1)); opt = lab.optim.SGD([p], lr=0.1)\nrun = lab.watch(opt)")
    assert awaited()
    shell.run("run.close()")
    assert not awaited()
