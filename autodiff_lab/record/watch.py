"""Follows a plain training loop from outside: losses where `backward()` starts, steps where an optimizer steps, epochs by
the DataLoader. It changes no number, and what it costs is a few microseconds a step.
"""

from __future__ import annotations

import math
import sys
import time
import weakref

from ..core import observe
from .controls import Controls, Snapshots, change_setting, settings_of
from .epochs import planned_epochs
from .flow import CLOSE
from .names import learner_frame, loss_name, names_in_frame
from .run import RunRecord, Setting
from .verdicts import Probe, judge
from .why import look_at_loss, why

__all__ = ["BackwardWatcher", "Watcher"]


class Watcher(observe.Observer):
    """The observer of one run. It keeps numbers, and weak references to what it watches."""

    def __init__(self, model=None, optimizers=(), others=(), tensors=(), *, touches=(), snapshots=None, frame=None, epochs=None):
        self.record = RunRecord(epochs=epochs)
        self.controls = Controls(self, touches)
        self.snapshots: Snapshots | None = None
        self.panel = None  # a dashboard, or None
        self.probe = Probe(self)  # looks at activations during close looks
        self.seconds_per_step = 0.0
        self._model = weakref.ref(model) if model is not None else None
        self._optimizers: list = []
        self._counts: list[int] = []
        self._index: dict[int, int] = {}
        self._choosy = bool(optimizers)  # only these; otherwise whatever steps on our parameters
        self._others = [weakref.ref(other) for other in others]
        self._tensors = [weakref.ref(tensor) for tensor in tensors]
        self._frame_names = names_in_frame(frame) if frame is not None else {}
        self._pending: dict[str, list] = {}  # loss name -> [sum, backward passes, closed]
        self._late: list = []
        self._rates: dict[str, float] = {}
        self._rates_read: dict[int, list] = {}  # optimizer -> the rates of its groups when they were last written down
        self._sums: dict[str, list] = {}  # loss name -> [sum, count] in this epoch
        self._batch = None  # (id of the data set, index, loader's epoch, n) of the newest batch
        self._loader = None  # id of the data set that training takes its batches from
        self._turn = None  # (data set, loader's epoch, index) of the last batch that was trained on
        self._told_epochs = epochs is not None
        self._planned_in = None  # the code of the learner's loop whose epochs are known, or known not to be
        self._last = time.perf_counter()
        self._parameters: list = []
        self.sources = list  # gives (label, text) of the learner's cells, for the doctor
        self._why: str | tuple = ""  # "asked", or what was found in the loss since
        self._judged, self._judge_next = 0, 0.0
        for optimizer in optimizers:
            self._adopt(optimizer)
        self._name_parameters()
        if snapshots or any(touch.kind == "rewind" for touch in self.controls._planned):
            self.enable_rewind()

    # ------------------------------------------------------------------------------------------- what is watched

    @property
    def model(self):
        return self._model() if self._model else None

    @property
    def optimizers(self) -> list:
        """The watched optimizers that still exist; a dead one is None, so that positions hold."""
        return [ref() for ref in self._optimizers]

    def parameters(self) -> list:
        """The watched parameters, in forward order."""
        found = [ref() for ref in self._parameters]
        return [tensor for tensor in found if tensor is not None]

    def _adopt(self, optimizer) -> int:
        k = len(self._optimizers)
        self._optimizers.append(weakref.ref(optimizer))
        self._counts.append(self.record.step)
        self._index[id(optimizer)] = k
        self.read_settings()
        return k

    def _mine(self, optimizer) -> bool:
        """Whether an optimizer that was not named belongs to this run."""
        if self._choosy:
            return False
        if self._model is None and not self._tensors:
            return True
        mine = {id(tensor) for tensor in self.parameters()}
        return any(id(tensor) in mine for group in optimizer.param_groups for tensor in group["params"])

    def _name_parameters(self) -> None:
        named, seen = [], set()

        def take(name, tensor):
            if id(tensor) not in seen:
                seen.add(id(tensor))
                named.append((name, tensor))

        if self.model is not None:
            for name, tensor in self.model.named_parameters():
                take(name, tensor)
        for optimizer in filter(None, self.optimizers):
            for group in optimizer.param_groups:
                for tensor in group["params"]:
                    take(self._frame_names.get(id(tensor)) or f"parameter {len(named)}", tensor)
        for ref in self._tensors:
            if ref() is not None:
                take(self._frame_names.get(id(ref())) or f"tensor {len(named)}", ref())
        self._parameters = [weakref.ref(tensor) for _, tensor in named]
        if [name for name, _ in named] != self.record.flow.names:
            self.record.flow.set_parameters([(name, tensor.shape) for name, tensor in named])

    # ------------------------------------------------------------------------------------------- the engine calls

    def backward_began(self, roots, create_graph):
        name = loss_name(2)
        if name is None:
            return
        if self._why == "asked":
            self._why = look_at_loss(roots[0])
        for root in roots:
            array = getattr(root, "_a", None)
            if array is None or array.size != 1:
                continue
            pending = self._pending.get(name)
            if pending is None:
                self._pending[name] = [array, 1, False]
            elif not pending[2]:
                pending[0], pending[1] = pending[0] + array, pending[1] + 1

    def zero_grad_called(self, owner):
        for pending in self._pending.values():
            pending[2] = True  # a closure that is evaluated again in the same step: the first value counts

    def optimizer_stepped(self, optimizer):
        k = self._index.get(id(optimizer))
        if k is None or self._optimizers[k]() is not optimizer:
            if not self._mine(optimizer):
                self._pending.clear()
                return
            first = not self._optimizers
            k = self._adopt(optimizer)
            self._name_parameters()
            if first and self.record.step:  # until now backward passes were counted, this step's among them
                self._counts[k] = self.record.step - 1
                self.record.updates -= 1
                self._pending.clear()
        self._stepped(k)

    def batch_served(self, loader, index, epoch, n):
        data = id(getattr(loader, "dataset", loader))
        self._batch = (data, index, epoch, n)
        if index == 0 and self._loader == data and self.controls.waiting and self.record.step:
            self._close_epoch()
            self._obey("epoch")

    # ------------------------------------------------------------------------------------------- one step

    def _stepped(self, k: int | None) -> None:
        record = self.record
        record.updates += 1
        step = record.step
        if k is None:
            step = record.step = step + 1
        else:
            self._counts[k] = count = self._counts[k] + 1
            if count >= step:  # else: the slower one of several optimizers
                step = record.step = count
        batch = self._batch
        if batch is not None:
            turn = self._turn
            if turn is None or turn[0] != batch[0] or turn[1] != batch[2] or batch[1] < turn[2]:
                self._new_epoch(batch, step)
            self._turn = (batch[0], batch[2], batch[1])
            record.batch = (batch[1] + 1, batch[3])
        if self._pending:
            self._take_losses(step, batch is not None)
        if k is not None:
            rates = [group.get("lr") for group in self._optimizers[k]().param_groups]
            if rates != self._rates_read.get(k):
                self._write_rates(k, step, rates)
        stride = record.flow.stride
        if not step % stride:
            self._measure(step)
        if not (step + 1) % (stride * CLOSE):
            record.flow.hold([host(tensor._a) for tensor in self.parameters()])
            self.probe.begin()
        if self.snapshots is not None and not step % self.snapshots.every:
            self._snapshot()
        now = time.perf_counter()
        self.seconds_per_step += (0.05 if step > 2 else 1.0) * (now - self._last - self.seconds_per_step)
        self._last = now
        panel = self.panel
        if panel is not None and now >= panel.due:
            panel.touch()
        if self.controls.waiting:
            self._obey("step")
        if self._why.__class__ is tuple:
            self.explain()

    def _take_losses(self, step: int, epochal: bool) -> None:
        """Write down the losses whose backward passes led to this step."""
        series = self.record.series
        for name, (total, _, _) in self._pending.items():
            if hasattr(total, "get"):  # on a device: asking for the number now would make the loop wait for it
                self._late.append((name, step, total))
                if len(self._late) > 4096:
                    self.settle()
                continue
            value = float(total)
            curve = series.get(name)
            if curve is None:
                self.record.scalar(name, step, value)
            else:
                curve.add(step, value)
            if epochal:
                sums = self._sums.get(name)
                if sums is None:
                    self._sums[name] = [value, 1]
                else:
                    sums[0] += value
                    sums[1] += 1
        self._pending.clear()

    def settle(self) -> None:
        """Fetch the losses that still wait on a device."""
        late, self._late = self._late, []
        for name, step, total in late:
            self.record.scalar(name, step, float(total))

    def _judge(self) -> None:
        began = time.perf_counter()
        judge(self.record, self.probe)
        now = time.perf_counter()
        self._judged, self._judge_next = self.record.step, now + max(1.0, 200 * (now - began))  # at most half a percent of the time

    def ask_why(self) -> None:
        """Ask the doctor: the loss when its next backward pass begins, the rest after that step."""
        self._why = "asked"

    def explain(self) -> None:
        """Let the doctor say why, from what is known now."""
        found, self._why = self._why or (), ""
        try:
            self._judge()
            self.record.why = why(self.record, self.model, list(filter(None, self.optimizers)), self.sources(), () if found == "asked" else found)
        except Exception as error:  # a doctor that fails must not end the training
            self.record.why = [{"words": f"The doctor could not look: {type(error).__name__}: {error}", "where": "", "cure": "lab.diagnose(loss, model, optimizer) in a cell."}]

    def close(self) -> None:
        """The cell or the run has ended: what is known now is what stays."""
        if self._why:
            self.explain()
        self.settle()
        self.probe.end(self.record.step)
        self._close_epoch()
        if self._judged != self.record.step:
            self._judge()

    def _obey(self, place: str) -> None:
        self.controls.obey(place)
        self._last = time.perf_counter()

    def _measure(self, step: int) -> None:
        flow, parameters = self.record.flow, self.parameters()
        if len(parameters) != len(flow.names):
            self._name_parameters()
            parameters = self.parameters()
        grads = [None if tensor._grad is None else host(tensor._grad._a) for tensor in parameters]
        flow.measure(step, grads)
        if step % (flow.stride * CLOSE):
            return
        flow.look(step, grads, [host(tensor._a) for tensor in parameters])
        self.probe.end(step)
        if self.panel is not None and self._last > self._judge_next:  # somebody may be looking
            self._judge()

    def _write_rates(self, k: int, step: int, rates: list) -> None:
        """Write down the learning rates of an optimizer that are not what they were."""
        self._rates_read[k] = [rate if rate is None else float(rate) for rate in rates]
        said = f"lr {k + 1}" if len(self._optimizers) > 1 else "lr"
        for g, rate in enumerate(self._rates_read[k]):
            name = f"{said} group {g + 1}" if len(rates) > 1 else said
            if rate is None or self._rates.get(name) == rate:
                continue
            known = name in self._rates
            self._rates[name] = rate
            if known and step > 1:  # a staircase: the old value until here
                last = self.record.series[name].last
                if last[0] < step - 1:
                    self.record.scalar(name, step - 1, last[1], "setting")
            self.record.scalar(name, step, rate, "setting")

    # ------------------------------------------------------------------------------------------- epochs

    def _new_epoch(self, batch, step: int) -> None:
        self._close_epoch()
        self._loader = batch[0]
        self.record.epoch = (self.record.epoch or 0) + 1
        if not self._told_epochs:
            self._plan()
        self.record.epoch_marks.append((step, self.record.epoch))
        if len(self.record.epoch_marks) > 4096:
            del self.record.epoch_marks[1:-1:2]

    def _plan(self) -> None:
        """How many epochs there will be, asked once for each loop that trains."""
        record, frame = self.record, learner_frame(sys._getframe(1))
        if frame is None or frame.f_code is self._planned_in:
            if record.epochs is not None and record.epoch > record.epochs:
                record.epochs = None  # the loop was entered again: nobody knows how often it will be
            return
        self._planned_in = frame.f_code
        turns = planned_epochs(frame)
        record.epochs = None if turns is None else record.epoch - 1 + turns

    def _close_epoch(self) -> None:
        for name, (total, count) in self._sums.items():
            self.record.scalar(f"{name} (epoch mean)", self.record.step, total / count, "epoch")
        self._sums.clear()

    # ------------------------------------------------------------------------------------------- settings and rewinding

    def read_settings(self) -> list[Setting]:
        """The numeric settings of all optimizers, as they are now."""
        living = self.optimizers
        if None not in living:
            self.record.settings = [Setting(*found) for found in settings_of(living)]
        return self.record.settings

    def change(self, path: str, value: float) -> float | None:
        """Set one setting; returns the old value."""
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            return None
        try:
            before = change_setting(self.optimizers, path, value)
            self.record.notes.pop("setting", None)
        except ValueError as refused:
            self.record.notes["setting"] = f"{path} was not set to {value:g}: {refused}."
            return None
        self.read_settings()
        return before

    def enable_rewind(self) -> None:
        """Begin to keep states that can be returned to."""
        if self.snapshots is None:
            self.snapshots = Snapshots()
            self._snapshot()

    def _snapshot(self) -> None:
        from ..backend.random import default_generator

        record = self.record
        parts = {"parameters": self.parameters()}
        if self.model is not None:
            parts["buffers"] = list(self.model.buffers())
        parts |= {f"optimizer {k}": optimizer.state_dict() for k, optimizer in enumerate(self.optimizers) if optimizer is not None}
        parts |= {f"other {k}": other.state_dict() for k, ref in enumerate(self._others) if (other := ref()) is not None}
        extra = {"counts": list(self._counts), "rates": dict(self._rates), "generator": default_generator.get_state(),
                 "epoch": record.epoch, "batch": record.batch}
        self.snapshots.take(record.step, record.updates, parts, extra)

    def rewind(self, step: float) -> int | None:
        """Return model, optimizers and generators to the newest kept state that is not after `step`."""
        from ..backend.random import default_generator

        if self.snapshots is None:
            self.record.notes["rewind"] = "Nothing was kept to go back to."
            return None
        found = self.snapshots.nearest(step)
        if found is None:
            self.record.notes["rewind"] = "No state was kept that early."
            return None
        write_back(self.parameters(), found["parts"]["parameters"])
        if self.model is not None and "buffers" in found["parts"]:
            write_back(list(self.model.buffers()), found["parts"]["buffers"])
        from .controls import given_back, np, random

        for k, optimizer in enumerate(self.optimizers):
            if optimizer is not None and f"optimizer {k}" in found["parts"]:
                optimizer.load_state_dict(given_back(found["parts"][f"optimizer {k}"]))
        for k, ref in enumerate(self._others):
            if ref() is not None and f"other {k}" in found["parts"]:
                ref().load_state_dict(given_back(found["parts"][f"other {k}"]))
        default_generator.set_state(found["extra"]["generator"])
        random.setstate(found["random"][0])
        np.random.set_state(found["random"][1])
        counts = found["extra"]["counts"]
        self._counts = counts + [found["step"]] * (len(self._counts) - len(counts))
        self._rates = dict(found["extra"]["rates"])
        self._rates_read.clear()
        self.snapshots.drop_after(found["step"])
        self._pending.clear()
        self._sums.clear()
        self.record.rewound(found["step"])
        self.read_settings()
        return found["step"]


class BackwardWatcher(Watcher):
    """Watches a loop without an optimizer, where a backward pass is a step; and where an optimizer steps after all, that is one."""

    def backward_ended(self, error):
        if error is None and not self._optimizers and self._pending and self._touches_mine():
            self._stepped(None)

    def _touches_mine(self) -> bool:
        """Whether the backward pass reached a tensor that is watched."""
        if self._model is None and not self._tensors:
            return True
        return any(tensor._grad is not None for tensor in self.parameters())


def host(array):
    """The array in the memory of the computer, as something with `reshape`."""
    return array.get() if hasattr(array, "get") and array is not None else array


def write_back(tensors, copies) -> None:
    """Write kept values into tensors, in place."""
    from ..core.modes import modes
    from ..core.tensor import Tensor

    before = modes.grad
    modes.grad = False
    try:
        for tensor, kept in zip(tensors, copies, strict=True):
            tensor.copy_(Tensor._wrap(kept.array))
    finally:
        modes.grad = before
