"""Lets a page that is loaded anew find its widgets while a cell still runs.

A front end that connects asks the kernel who it is and which widgets there are, and the kernel answers when the cell has
ended: until then the page shows "Loading widget…", and a loop that was paused could never be sent on. These questions
need nothing of the learner's thread, so they are answered on the thread that deals out messages.

Everything here is private to ipykernel (7.4 and later); where it is not as expected, nothing is changed.
"""

from __future__ import annotations

import json

__all__ = ["answer_while_busy"]

DELIMITER = b"<IDS|MSG>"
CONTROL = "jupyter.widget.control"


def answer_while_busy(kernel, busy, own_subshell) -> bool:
    """From now on, while `busy()`, answer questions of a connecting page at once. Returns whether that can be done here."""
    try:
        thread, stream, deal = kernel.shell_channel_thread, kernel.shell_stream, kernel.shell_channel_thread_main
        if getattr(kernel, "_autodiff_lab_answers", False):
            return True
        loop = thread.io_loop
    except AttributeError:
        return False

    async def receive(message):
        try:
            if busy() and await answered(kernel, message, own_subshell):
                return
        except Exception:
            kernel.log.debug("autodiff_lab could not answer a message while busy", exc_info=True)
        await deal(message)

    kernel._autodiff_lab_answers = True
    loop.add_callback(lambda: stream.on_recv(receive, copy=False))
    return True


async def answered(kernel, message, own_subshell) -> bool:
    """Answer a message if it is one of those that need nothing of a busy shell."""
    frames = [frame.bytes for frame in message[:12]]
    at = frames.index(DELIMITER)
    header = json.loads(frames[at + 2])
    kind = header.get("msg_type")
    if header.get("subshell_id") is not None or kind not in ("kernel_info_request", "comm_info_request", "comm_open"):
        return False
    if kind == "comm_open" and json.loads(frames[at + 5]).get("target_name") != CONTROL:
        return False
    session = kernel.session
    identities, rest = session.feed_identities(message, copy=False)
    parent = session.deserialize(rest, content=True, copy=False)
    kernel._publish_status("busy", "shell", parent=parent)
    if kind == "comm_open":
        kernel.comm_manager.comm_open(kernel.shell_stream, identities, parent)
        comm = kernel.comm_manager.get_comm(parent["content"]["comm_id"])
        if comm is not None and hasattr(comm, "_reply_subshell_for"):
            comm._reply_subshell_for = lambda data, default: default or own_subshell()
    else:
        await getattr(kernel, kind)(kernel.shell_stream, identities, parent)
    kernel._publish_status("idle", "shell", parent=parent)
    return True
