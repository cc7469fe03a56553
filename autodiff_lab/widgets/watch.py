"""`lab.watch`: put it before a plain training loop, and the loop can be seen and driven.

    run = lab.watch(model, optimizer)
    for epoch in range(20):
        for X, y in loader:
            loss = criterion(model(X), y)
            optimizer.zero_grad(); loss.backward(); optimizer.step()

In a notebook a dashboard appears under the cell that trains. Everywhere else the same calls work, print nothing and
cost less. No number is ever changed, unless somebody touches a control.
"""

from __future__ import annotations

import sys
import warnings
import weakref
from pathlib import Path

from ..core import observe
from ..core.observe import StopTraining
from ..export import run_text
from ..record.names import learner_frame
from ..record.run import RunRecord
from ..record.shell import ipython, kernel_shell
from ..record.touches import Touch
from ..record.touches import as_code as touches_as_code
from ..record.watch import BackwardWatcher, Watcher

__all__ = ["Run", "compare", "watch"]

_runs: weakref.WeakSet = weakref.WeakSet()


def watch(model=None, *optimizers, title: str = "Training", field=None, epochs: int | None = None, touches=(),
          snapshots: bool | None = None, compare=()) -> Run:
    """Follow the training loop that comes next, and show it while it runs.

    Losses are found where `backward()` starts, steps where an optimizer steps, epochs by the DataLoader.

    Args:
        model: the module whose parameters are looked at. May be left out, or be an optimizer, or tensors.
        *optimizers: optimizers, schedulers (or anything else with a `state_dict`, which a rewind then restores) and tensors.
            Without an optimizer, whatever steps on these parameters is followed; where none does, backward passes count.
        title: what stands above the curves.
        field: `(X, y)` of a classifier over the plane; its decision surface is drawn while it trains.
        epochs: how many epochs there will be, to be shown as "epoch 3 of 20". Where it is left out, it is read from a loop
            `for epoch in range(...)`; where that can't be known, only "epoch 3" is shown.
        touches: what a learner touched in another run, as `run.as_code()` gives it; it is applied again at the same steps.
        snapshots: keep states that `run.rewind(step)` can return to. Default: where a dashboard is shown.
        compare: earlier runs, drawn pale behind this one.

    Returns:
        Run: `run.log(val_loss=...)` adds curves; `run.to_frame()`, `run.figure()`, `run.save(file)`, `run.as_code()`.

    >>> import autodiff_lab as lab
    >>> _ = lab.manual_seed(0)
    >>> model = lab.nn.Linear(1, 1)
    >>> optimizer = lab.optim.SGD(model.parameters(), lr=0.1)
    >>> run = lab.watch(model, optimizer)
    >>> for step in range(3):
    ...     loss = (model(lab.ones(1, 1)) - 2).square().mean()
    ...     optimizer.zero_grad(); loss.backward(); optimizer.step()
    >>> run
    Training: 3 steps
      loss fell from 2.164 to 0.2805, lowest 0.2805 at step 3.
      lr           0.1
    """
    frame = learner_frame(sys._getframe(1))
    found = sort_out((model, *optimizers))
    if isinstance(found[0], _Several) and frame is not None:
        found[0].name_after({**frame.f_globals, **frame.f_locals})
    touches = [Touch.of(touch) for touch in touches]
    watcher = (Watcher if found[1] else BackwardWatcher)(*found, touches=touches, snapshots=snapshots, frame=frame, epochs=epochs)
    for other in list(_runs):
        if other._watcher is not None and other._overlaps(watcher):
            other.close()
    run = Run(watcher, title)
    run._compare = [other.record if isinstance(other, Run) else other for other in compare]
    if field is not None:
        run.field(watcher.model, *field)
    if snapshots is None and shown_to_a_person():
        watcher.enable_rewind()
    return run


def awaited() -> bool:
    """Whether a loop is watched whose dashboard has not appeared, because no step was taken so far."""
    return any(run._watcher is not None and run._panel is None and run._watcher in observe.followers for run in list(_runs))


def shown_to_a_person() -> bool:
    """Whether a dashboard of this cell would be seen, and driven."""
    if kernel_shell() is None:
        return False
    try:
        from .live import interactive
    except ImportError:
        return False
    return interactive()


def sort_out(things) -> tuple:
    """What was passed, by kind: the model, optimizers, others with a state (schedulers), tensors."""
    model, optimizers, others, tensors = None, [], [], []
    for thing in things:
        if thing is None:
            continue
        if hasattr(thing, "param_groups") and hasattr(thing, "step"):
            optimizers.append(thing)
        elif hasattr(thing, "named_parameters"):
            if model is not None:
                model = _Several(model, thing)
            else:
                model = thing
        elif hasattr(thing, "_a"):
            tensors.append(thing)
        elif hasattr(thing, "state_dict"):
            others.append(thing)
        elif isinstance(thing, (list, tuple)):
            inner = sort_out(thing)
            model = inner[0] if model is None else model
            optimizers, others, tensors = optimizers + inner[1], others + inner[2], tensors + inner[3]
        else:
            raise TypeError(f"watch() follows modules, optimizers, schedulers and tensors, got {type(thing).__name__}. "
                            "Usually: run = lab.watch(model, optimizer).")
    return model, optimizers, others, tensors


class _Several:
    """Two modules (the halves of a GAN) seen as one."""

    def __init__(self, *modules):
        self.modules = [part for module in modules for part in (module.modules if isinstance(module, _Several) else [module])]
        self.names = [f"{type(module).__name__.lower()}{k}" for k, module in enumerate(self.modules, 1)]

    def name_after(self, variables: dict) -> None:
        """Call each module by the learner's variable, where there is one."""
        called = {id(value): name for name, value in variables.items() if not name.startswith("_")}
        self.names = [called.get(id(module), name) for module, name in zip(self.modules, self.names, strict=True)]

    def named_parameters(self):
        for called, module in zip(self.names, self.modules, strict=True):
            for name, tensor in module.named_parameters():
                yield f"{called}.{name}", tensor

    def buffers(self):
        for module in self.modules:
            yield from module.buffers()


class Run:
    """One watched run: its numbers, and what can be asked of it. Also a context manager, which ends the watching."""

    def __init__(self, watcher: Watcher, title: str = "Training"):
        self._watcher: Watcher | None = watcher
        self._record = watcher.record
        self._record.name = title
        self._title = title
        self._compare: list = []
        self._panel = None
        self._keep = watcher.model if isinstance(watcher.model, _Several) else None
        self._field = None
        watcher.panel = self
        observe.attach(watcher)
        _runs.add(self)
        _follow_cells()

    # -- reading

    @property
    def record(self) -> RunRecord:
        """The plain numbers of the run."""
        if self._watcher is not None:
            self._watcher.settle()
        return self._record

    @property
    def step(self) -> int:
        """How many steps were taken."""
        return self._record.step

    @property
    def epoch(self):
        """The present epoch, from 1; None before the first batch of a DataLoader."""
        return self._record.epoch

    @property
    def touches(self) -> list[Touch]:
        """What was touched, in order."""
        return list(self._record.touches)

    def __getitem__(self, name: str):
        """The points of a curve, steps and values, as NumPy arrays."""
        return self.record[name]

    def to_frame(self):
        """All curves as a pandas DataFrame (or, without pandas, a dict of NumPy arrays)."""
        return self.record.to_frame()

    def as_code(self) -> str:
        """The call of `lab.watch` that repeats this run with everything that was touched."""
        return touches_as_code(self._record.touches)

    def figure(self, **options):
        """The curves as a matplotlib figure, for papers."""
        from ..export.run_figure import figure

        return figure(self.record, **options)

    def tensorboard(self, folder) -> str:
        """Write TensorBoard event files of the curves into a folder; returns the file."""
        from ..export.tensorboard import write_events

        return write_events(self.record, folder)

    def save(self, file) -> None:
        """Save the numbers of the run."""
        self.record.save(file)

    def to_html(self, path=None) -> str:
        """One self-contained page with the curves, flow and field of the run, to be looked at offline; also written to `path` if one is given."""
        from ..export.run_html import html

        if self._watcher is not None:
            self._watcher.close()
        if self._field is not None:
            self._field.frame(self._record.step, last=True)
        text = html(self.record, self._title, self._compare, self._field)
        if path is not None:
            Path(path).write_text(text, encoding="utf8")
        return text

    @staticmethod
    def load(file) -> SavedRun:
        """A run that was saved: the same numbers, nothing to drive."""
        return SavedRun(RunRecord.load(file))

    def __repr__(self) -> str:
        if self._watcher is not None:
            self._watcher.close()
        return run_text.words(self._record, self._title)

    # -- writing

    def log(self, values=None, **named) -> None:
        """Add a point to curves of your own: `run.log(val_loss=0.3)`. Tensors of one number, numbers, and pictures (arrays)."""
        for name, value in {**(values or {}), **named}.items():
            array = value._a if hasattr(value, "_a") else value
            if hasattr(array, "get"):
                array = array.get()
            if getattr(array, "size", 1) == 1 and not isinstance(array, (list, tuple)):
                self._record.scalar(name, self._record.step, float(array.reshape(()) if hasattr(array, "reshape") else array), "log")
            else:
                self._record.image(name, self._record.step, array)
        if self._panel is not None:
            self._panel.touch()

    def field(self, model, X, y, names=None):
        """Draw the decision surface of a classifier over the plane while it trains."""
        from ..record.field import Field

        self._field = Field(model, X, y, names)
        if self._panel is not None:
            self._panel.packer.field = self._field
        return self

    # -- driving

    def pause(self) -> None:
        """Stand still after the next step, where a dashboard can be heard that says "go on"."""
        self._wish("pause")

    def resume(self) -> None:
        """Go on."""
        self._wish("resume")

    def stop(self) -> None:
        """End the loop after the next step."""
        self._wish("stop")

    def set(self, setting: str, value: float) -> None:
        """Change a setting of the optimizer after the next step: `run.set("lr", 0.01)`."""
        self._wish("set", setting=setting, value=value)

    def rewind(self, step: int) -> None:
        """After the next step, return model, optimizer and random generators to the newest kept state up to `step`."""
        if self._watcher is not None:
            self._watcher.enable_rewind()
        self._wish("rewind", step=step)

    def _wish(self, kind: str, **details) -> None:
        if self._watcher is None:
            raise RuntimeError("This run is no longer watched. Call lab.watch(model, optimizer) for a new one.")
        self._watcher.controls.wish(kind, **details)

    def close(self) -> None:
        """Stop following the loop. The numbers stay."""
        if self._watcher is not None:
            self._watcher.close()
            observe.detach(self._watcher)
            self._watcher.panel = None
            self._watcher = None

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind, error, trace) -> bool:
        if kind is not None and not issubclass(kind, StopTraining):
            self._record.ended = "interrupted" if issubclass(kind, KeyboardInterrupt) else "failed"
        if self._panel is None:
            self.close()
        elif self._watcher is not None:  # the dashboard shows its last state when the cell ends
            observe.detach(self._watcher)
        return kind is not None and issubclass(kind, StopTraining)

    # -- the dashboard

    due = 0.0  # what the watcher asks before it calls `touch`

    def touch(self) -> None:
        """Called by the watcher after the first step: makes the dashboard, which is called from then on."""
        panel = self._watcher.panel = self._panel or self._make_panel()
        if panel is not None:
            panel.touch()

    def _make_panel(self):
        if kernel_shell() is None:
            return None
        try:
            from .dashboard import Dashboard
        except ImportError as missing:
            warnings.warn(f"The dashboard can't be shown: {missing}. Install it with pip install 'autodiff-lab[lab]'. "
                          "The run is recorded all the same.", stacklevel=2)
            return None
        self._panel = Dashboard(self._watcher, self._title)
        self._panel.run = self  # a run whose name the learner let go is followed all the same
        self._panel.packer.others = self._compare
        self._panel.packer.field = self._field
        return self._panel

    def _repr_mimebundle_(self, **options):
        panel = self._panel or (self._make_panel() if self._watcher is not None else None)
        if panel is None:
            from ..export import run_svg

            return {"text/plain": repr(self), "image/svg+xml": run_svg.picture(self.record, self._title)}, {}
        return panel._repr_mimebundle_(**options)

    def _overlaps(self, watcher: Watcher) -> bool:
        """Whether a new run replaces this one: it has the same parameters, or these are gone, or both follow everything."""
        mine, theirs = ({id(tensor) for tensor in w.parameters()} for w in (self._watcher, watcher))
        gone = bool(self._watcher._parameters) and not mine
        return gone or bool(mine & theirs) or not (mine or theirs)


class SavedRun:
    """A run that was loaded from a file: everything that can be read of a run."""

    def __init__(self, record: RunRecord):
        self.record = record

    touches = property(lambda self: list(self.record.touches))
    step = property(lambda self: self.record.step)
    __getitem__, to_frame, as_code, figure, tensorboard, save, to_html = (getattr(Run, name) for name in (
        "__getitem__", "to_frame", "as_code", "figure", "tensorboard", "save", "to_html"))
    _record = property(lambda self: self.record)
    _title = property(lambda self: self.record.name)
    _watcher, _field, _compare = None, None, ()

    def __repr__(self) -> str:
        return run_text.words(self.record, self.record.name)

    def _repr_mimebundle_(self, **_):
        from ..export import run_svg

        return {"text/plain": repr(self), "image/svg+xml": run_svg.picture(self.record, self.record.name)}, {}


# ------------------------------------------------------------------------------------------------ cells


_followed: weakref.WeakSet = weakref.WeakSet()


def _follow_cells() -> None:
    """In IPython: a stopped loop ends its cell quietly, and a run learns how its cell ended."""
    shell = ipython()
    if shell is None or shell in _followed:
        return
    _followed.add(shell)
    quiet_stop(shell)
    if hasattr(shell, "kernel"):
        try:
            from .live import cells
        except ImportError:
            return
        cells.at_end(_cell_ended)


def quiet_stop(shell) -> None:
    """Let StopTraining end a cell without a traceback, and without failing the cells that wait behind it."""
    earlier, handler = shell.custom_exceptions, getattr(shell, "CustomTB", None)

    def handle(shell, kind, value, trace, tb_offset=None):
        if issubclass(kind, StopTraining) or handler is None:
            return None
        return handler(kind, value, trace, tb_offset=tb_offset)

    shell.set_custom_exc((*earlier, StopTraining), handle)

    def forgive(result):
        if isinstance(getattr(result, "error_in_exec", None), StopTraining):
            result.error_in_exec = None

    shell.events.register("post_run_cell", forgive)


def _cell_ended(result) -> None:
    """Say of each run that was shown under this cell how the cell ended."""
    error = getattr(result, "error_in_exec", None)
    if error is None:
        return
    from .live import cells

    for run in list(_runs):
        if run._panel is not None and cells._cell is not None and run._panel in cells._cell.widgets:
            if not isinstance(error, StopTraining) and not run._record.ended:
                run._record.ended = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"


def compare(*runs, title: str = "Compare"):
    """Several runs in one picture; runs of one name become one line with a band.

    >>> import autodiff_lab as lab
    >>> runs = []
    >>> for lr in (0.1, 0.3):
    ...     w = lab.tensor(1.0, requires_grad=True)
    ...     optimizer = lab.optim.SGD([w], lr=lr)
    ...     runs.append(lab.watch(optimizer, title=f"lr {lr}"))
    ...     (w * w).backward(); optimizer.step()
    >>> lab.compare(*runs)
    Compare
      lr 0.1, loss: 1 at the end
      lr 0.3, loss: 1 at the end
    """
    from .compare import comparison

    return comparison([run.record if hasattr(run, "record") else run for run in runs], title)
