"""`lab.show`, `lab.explain`, `lab.name`: from something the learner has in hand to the picture or words that fit."""

from __future__ import annotations

import sys
from contextlib import contextmanager

import numpy as np

from ..core import observe
from ..core.tensor import Tensor
from ..record.build import build
from ..record.entries import keep
from ..record.model import GraphSnapshot
from ..record.recorder import Recorder
from ..record.shell import ipython
from .graph import Graph
from .names import cell_label, nodes, variables

__all__ = ["active", "explain", "name", "record", "show", "snapshot_of"]

active: Recorder | None = None  # the recorder that follows the notebook, if one does


def show(thing, *inputs, **options):
    """The picture that fits: a tensor's graph, a module's graph on an input, or a recording.

    Args:
        thing: a tensor, a module, or what `lab.show` gave before.
        inputs: what to call a module with.

    A module is run once on `inputs`; random streams and buffers are put back, so that no number of your
    program changes. If it raises, the graph up to there is shown, and the error is `.exception` of what
    is returned.

    >>> w = lab.tensor(2.0, requires_grad=True)
    >>> print(lab.show(w * w).to_svg()[:4])
    <svg
    """
    frame = learner(sys._getframe(1))
    if isinstance(thing, Graph):
        return thing
    if isinstance(thing, GraphSnapshot):
        return Graph(thing)
    if isinstance(thing, (list, tuple)) and thing and all(isinstance(t, Tensor) for t in thing) and not inputs:
        return _graph_of(list(thing), frame)
    if isinstance(thing, Tensor):
        if not inputs:
            return _graph_of([thing], frame)
        raise TypeError("lab.show(tensor) takes no further arguments. To see a module at work, give the module first: lab.show(model, x).")
    if hasattr(thing, "named_modules"):
        if not inputs and not options:
            raise TypeError(f"lab.show({type(thing).__name__}) needs an input to run the module on: lab.show(model, x).")
        return record(thing, *inputs, **options)
    if hasattr(thing, "_repr_mimebundle_"):
        return thing
    raise TypeError(f"lab.show can show a tensor, a module with an input, or a recording, not {type(thing).__name__}. Try lab.show(loss) or lab.show(model, x).")


def _graph_of(tensors: list, frame) -> Graph:
    from ..record.replay import what_if_for

    snapshot, recorder, roots = snapshot_of(tensors, frame)
    note_shown()
    return Graph(snapshot, what_if_for(recorder, roots, snapshot))


def snapshot_of(tensors: list, frame=None):
    """The graph that leads to `tensors`, with what is known of it."""
    recorder = active if active is not None else Recorder()
    roots = [recorder._key(t) for t in tensors]
    for key in roots:
        entry = recorder.look(key) if key > 0 else None
        if entry is not None and entry.array is None and entry.shape is not None:
            entry.array = keep(tensors[roots.index(key)]._a)
    names = _names(frame)
    title = names.get(id(tensors[0]), "")
    return build(recorder, roots, label=cell_label, names=names, called=_called(frame), title=title, cell=_cell_file(frame), passes=1), recorder, roots


def record(module, *inputs, **options) -> Graph:
    """Run a module once on inputs and show what it did, up to the error if it raises."""
    frame = learner(sys._getframe(1))
    recorder = Recorder(everything=True)
    recorder.floor = frame
    error, output = None, None
    try:
        with untouched(module):
            observe.attach(recorder)
            output = module(*inputs, **options)
    except Exception as caught:
        error = caught
    finally:
        observe.detach(recorder)
        recorder.floor = None
    tensors = []
    _collect(output, tensors)
    roots = list(dict.fromkeys(int(recorder._key(t)) for t in tensors))
    if error is not None:
        roots = [recorder.failed.key] if recorder.failed is not None else list(recorder.entries)[-1:]
    names = _names(frame)
    title = names.get(id(module), "") or type(module).__name__
    said = f"{type(error).__name__}: {error}" if error is not None else ""
    snapshot = build(recorder, roots, label=cell_label, names=names, title=title, cell=_cell_file(frame), error=said)
    note_shown()
    return Graph(snapshot, exception=error)


def _collect(value, found: list) -> None:
    if isinstance(value, Tensor):
        if not any(value is t for t in found):
            found.append(value)
    elif isinstance(value, (list, tuple)):
        for part in value:
            _collect(part, found)
    elif isinstance(value, dict):
        for part in value.values():
            _collect(part, found)


@contextmanager
def untouched(module):
    """Put random streams and buffers back afterwards: looking changes no number."""
    from ..backend import random as streams

    buffers = [(b, np.array(b._a, copy=True)) for b in module.buffers()] if hasattr(module, "buffers") else []
    default = getattr(streams, "default_generator", None)
    state = default.get_state() if default is not None else None
    following = active is not None and active in observe.followers
    if following:  # this run is not the learner's
        observe.detach(active)
    try:
        yield
    finally:
        if following:
            observe.attach(active)
        for buffer, kept in buffers:
            if isinstance(buffer._a, np.ndarray):
                buffer._a[...] = kept
            else:
                buffer._a = kept[()]
        if default is not None:
            default.set_state(state)


def explain(thing=None, *inputs) -> str:
    """The computation behind a tensor (or of a module on an input) in sentences, forward and backward.

    >>> w = lab.tensor(3.0, requires_grad=True)
    >>> print(lab.explain(w * w).splitlines()[-1])
    No backward pass has run yet: call .backward() and ask again.
    """
    frame = learner(sys._getframe(1))
    if isinstance(thing, Graph):
        return thing.explain()
    if isinstance(thing, Tensor):
        return Graph(snapshot_of([thing], frame)[0]).explain()
    return show(thing, *inputs).explain()


def name(tensor: Tensor, text: str) -> Tensor:
    """Call a tensor `text` in every picture; returns the tensor.

    >>> h = lab.name(lab.tensor(1.0, requires_grad=True) * 2, "h")
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"lab.name(tensor, text) names a tensor, not {type(tensor).__name__}.")
    if active is not None:
        active.names[int(active._key(tensor))] = str(text)
    return tensor


def learner(frame):
    """The innermost frame that is not this library's."""
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "autodiff_lab":
        frame = frame.f_back
    return frame


def _names(frame) -> dict[int, str]:
    """Names of tensors and modules by id; those that are nearest win."""
    return {key: name for space in reversed(_spaces(frame)) for key, name in variables(space).items()}


def _called(frame) -> dict[int, str]:
    """Names of what nodes made, by their number: for graphs that were built while nobody watched."""
    return {key: name for space in reversed(_spaces(frame)) for key, name in nodes(space).items()}


def _spaces(frame) -> list[dict]:
    """Where a name may be looked up, nearest first."""
    shell = ipython()
    return [*([frame.f_locals, frame.f_globals] if frame is not None else []), *([shell.user_ns] if shell is not None else [])]


def _cell_file(frame) -> str | None:
    while frame is not None and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    return frame.f_code.co_filename if frame is not None and cell_label(frame.f_code.co_filename) else None


def note_shown() -> None:
    follow = sys.modules.get("autodiff_lab.notebook.follow")
    if follow is not None and follow.follower is not None:
        follow.follower.shown_by_hand = True
