"""Live widgets seen from the wire: what a kernel publishes where a person looks on, and where nobody does."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytest.importorskip("ipykernel", reason="ipykernel is not installed (pip install 'autodiff-lab[lab]')")
pytest.importorskip("anywidget", reason="anywidget is not installed (pip install 'autodiff-lab[lab]')")

SETUP = """
import autodiff_lab as lab
from autodiff_lab import nn, optim
def train(steps, stop=None, log=False):
    lab.manual_seed(0)
    model = nn.Linear(3, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    X = lab.randn(16, 3)
    global run
    run = lab.watch(model, optimizer)
    for k in range(steps):
        optimizer.zero_grad()
        (model(X) ** 2).mean().backward()
        optimizer.step()
        if k == stop:
            run.stop()
"""
VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def kernel():
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")
    yield Kernel(client)
    client.stop_channels()
    manager.shutdown_kernel(now=True)


class Kernel:
    """Runs cells, as a person's front end (which names the cell) or as a program would."""

    def __init__(self, client):
        self.client = client
        assert self.run(SETUP)[0]["status"] == "ok"

    def run(self, code: str, person: bool = False):
        """(reply, messages on iopub) of one cell."""
        message = self.client.session.msg("execute_request", {"code": code, "silent": False, "store_history": True, "user_expressions": {},
                                                              "allow_stdin": False, "stop_on_error": True},
                                          metadata={"cellId": "c1"} if person else {})
        self.client.shell_channel.send(message)
        seen, until = [], time.monotonic() + 60
        while time.monotonic() < until:
            got = self.client.get_iopub_msg(timeout=60)
            if got["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            seen.append(got)
            if got["msg_type"] == "status" and got["content"]["execution_state"] == "idle":
                break
        while True:
            reply = self.client.get_shell_msg(timeout=60)
            if reply["parent_header"]["msg_id"] == message["header"]["msg_id"]:
                return reply["content"], seen


def shown(seen) -> list[tuple[str, dict]]:
    return [(message["msg_type"], message["content"]) for message in seen if message["msg_type"] in ("display_data", "update_display_data", "stream", "error")]


def test_where_nobody_looks_the_last_state_is_published_once(kernel):
    (kind, content), = shown(kernel.run("train(40)")[1])
    assert kind == "display_data"
    assert content["data"]["text/plain"].startswith("Training: 40 steps")
    assert "40 steps" in content["data"]["image/svg+xml"] and VIEW in content["data"]


def test_where_a_person_looks_the_first_picture_becomes_the_last(kernel):
    first, last = shown(kernel.run("train(40)", person=True)[1])
    assert (first[0], last[0]) == ("display_data", "update_display_data")
    assert first[1]["data"]["text/plain"].startswith("Training: 1 step")
    assert last[1]["data"]["text/plain"].startswith("Training: 40 steps")
    assert first[1]["transient"]["display_id"] == last[1]["transient"]["display_id"]


def test_both_ways_leave_the_same_output(kernel):
    alone = shown(kernel.run("train(30)")[1])[0][1]["data"]
    looked_at = shown(kernel.run("train(30)", person=True)[1])[-1][1]["data"]
    assert {key: value for key, value in alone.items() if key != VIEW} == {key: value for key, value in looked_at.items() if key != VIEW}


def test_messages_are_few(kernel):
    _, seen = kernel.run("train(3000)", person=True)
    sent = [message for message in seen if message["msg_type"] == "comm_msg"]
    assert 1 <= len(sent)
    begin, end = seen[0]["header"]["date"], seen[-1]["header"]["date"]
    assert len(sent) <= 16 * ((end - begin).total_seconds() + 1)


def test_watching_in_one_cell_and_training_in_the_next_shows_the_run_where_it_trains(kernel):
    kernel.run("model = nn.Linear(2, 1); optimizer = optim.SGD(model.parameters(), lr=0.1)")
    assert shown(kernel.run("run = lab.watch(model, optimizer)", person=True)[1]) == []
    step = "(model(lab.ones(1, 2)) ** 2).sum().backward(); optimizer.step()"
    assert [kind for kind, _ in shown(kernel.run(step, person=True)[1])] == ["display_data", "update_display_data"]
    assert [kind for kind, _ in shown(kernel.run(step)[1])] == ["display_data"]


def test_stop_ends_the_cell_without_a_traceback_and_the_next_cell_runs(kernel):
    reply, seen = kernel.run("train(1000, stop=4)")
    assert reply["status"] == "ok"
    (kind, content), = shown(seen)
    assert kind == "display_data" and "stopped by you" in content["data"]["text/plain"]
    reply, seen = kernel.run("print(run.step, run.touches[-1].kind)")
    assert shown(seen)[0][1]["text"] == "6 stop\n"


def test_an_error_of_the_learner_is_shown_and_the_picture_says_so(kernel):
    reply, seen = kernel.run("train(5); 1 / 0")
    assert reply["status"] == "error" and reply["ename"] == "ZeroDivisionError"
    kinds = [kind for kind, _ in shown(seen)]
    assert "error" in kinds and "display_data" in kinds
    assert "ended by an error" in next(content for kind, content in shown(seen) if kind == "display_data")["data"]["text/plain"]


def test_an_interrupt_is_a_clean_end(kernel):
    reply, seen = kernel.run("import signal\ndef bell(*_): signal.raise_signal(signal.SIGINT)\n"
                             "signal.signal(signal.SIGALRM, bell); signal.setitimer(signal.ITIMER_REAL, 0.3)\ntrain(10**7)")
    assert reply["ename"] == "KeyboardInterrupt"
    assert "interrupted" in next(content for kind, content in shown(seen) if kind == "display_data")["data"]["text/plain"]
    assert kernel.run("train(3)")[0]["status"] == "ok"


def test_names_and_times_do_not_reach_the_text(kernel):
    once = shown(kernel.run("train(25)")[1])[0][1]["data"]["text/plain"]
    again = shown(kernel.run("train(25)")[1])[0][1]["data"]["text/plain"]
    assert once == again and "0x" not in once and " ms" not in once
    assert "0x" not in kernel.run("run")[1][-2]["content"]["data"]["text/plain"]


@pytest.mark.parametrize("program", ["mlp", "cnn", "lstm", "gan"])
def test_weights_are_bitwise_equal_with_and_without_a_dashboard_that_is_looked_at(kernel, program):
    kernel.run(f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom tests.widgets import test_watch as programs\nalone = programs.trained(programs.{program})")
    _, seen = kernel.run(f"watched = programs.trained(programs.{program}, lambda *things: lab.watch(*things, snapshots=True))", person=True)
    assert [message["msg_type"] for message in seen].count("comm_msg") >= 1
    assert shown(kernel.run("print(programs.same(alone, watched), len(alone))")[1])[0][1]["text"].startswith("True")


def test_another_kernel_leaves_the_same_output_to_the_last_byte(kernel):
    import os

    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3", env={**os.environ, "PYTHONHASHSEED": "7", "OPENBLAS_NUM_THREADS": "1"})
    try:
        other = shown(Kernel(client).run("train(60)")[1])[0][1]["data"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    here = shown(kernel.run("train(60)")[1])[0][1]["data"]
    assert {kind: text for kind, text in other.items() if kind != VIEW} == {kind: text for kind, text in here.items() if kind != VIEW}


def test_views_of_a_process_that_has_gone_are_left_out():
    from autodiff_lab.notebook.server import VIEW, without_dead_views

    def opened(process):
        views = [{"model_id": "a", "process": 11}, {"model_id": "b", "process": 12}, {"model_id": "of another library"}]
        cells = [{"outputs": [{"data": {VIEW: view, "text/plain": "words"}}]} for view in views]
        return [VIEW in cell["outputs"][0]["data"] for cell in without_dead_views({"cells": cells}, process)["cells"]]

    assert opened(12) == [False, True, True]
    assert opened(None) == [False, False, False]
