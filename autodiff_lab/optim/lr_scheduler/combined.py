"""Schedules made of others: one after the other, or all at once."""

from __future__ import annotations

from bisect import bisect_right

from ..optimizer import Optimizer
from .plateau import ReduceLROnPlateau
from .scheduler import LRScheduler, set_value, values_of

__all__ = ["ChainedScheduler", "SequentialLR"]


class _Several(LRScheduler):
    def _check(self, optimizer, schedulers, purpose: str) -> None:
        name = type(self).__name__
        if len(schedulers) < 1:
            raise ValueError(f"{name} expects at least one scheduler{purpose}, but got no scheduler.")
        for i, scheduler in enumerate(schedulers):
            if not hasattr(scheduler, "optimizer"):
                raise TypeError(f"{name} at index {i} should have `optimizer` as its attribute.")
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(f"{name} does not support `ReduceLROnPlateau` scheduler as it requires additional kwargs to be specified when calling "
                                 f"`step`, but got one at index {i} in the given schedulers sequence.")
            if (optimizer or schedulers[0].optimizer) != scheduler.optimizer:
                raise ValueError(f"{name} expects all schedulers to belong to the same optimizer, but got scheduler {type(scheduler).__name__} at index {i} "
                                 f"has {scheduler.optimizer}, which is different from {type(optimizer).__name__}.")

    def state_dict(self) -> dict:
        """The own state and that of each schedule."""
        state = {key: value for key, value in self.__dict__.items() if key not in ("optimizer", "_schedulers")}
        state["_schedulers"] = [scheduler.state_dict() for scheduler in self._schedulers]
        return state

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on from what `state_dict` returned."""
        self.__dict__.update({key: value for key, value in state_dict.items() if key != "_schedulers"})
        for scheduler, saved in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            scheduler.load_state_dict(saved)


class SequentialLR(_Several):
    """`schedulers` one after the other; each but the first starts, from its beginning, at its epoch in `milestones`.

    >>> import autodiff_lab as lab
    >>> optimizer = lab.optim.SGD([lab.zeros(1, requires_grad=True)], lr=1.0)
    >>> warm_up = lab.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> decay = lab.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> scheduler = lab.optim.lr_scheduler.SequentialLR(optimizer, [warm_up, decay], milestones=[2])
    >>> for epoch in range(4):
    ...     optimizer.step(); scheduler.step()
    ...     print(round(scheduler.get_last_lr()[0], 3))
    0.75
    1.0
    0.5
    0.25
    """

    def __init__(self, optimizer: Optimizer, schedulers: list, milestones: list[int], last_epoch: int = -1):
        self._check(optimizer, schedulers, "")
        if len(milestones) != len(schedulers) - 1:
            raise ValueError("Sequential Schedulers expects number of schedulers provided to be one more than the number of milestone points, but got "
                             f"number of schedulers {len(schedulers)} and the number of milestones to be equal to {len(milestones)}")
        self._schedulers, self._milestones, self.last_epoch, self.optimizer = schedulers, milestones, last_epoch + 1, optimizer
        for group in optimizer.param_groups:  # each schedule changed the rate when it was made
            set_value(group, "lr", group["initial_lr"])
        self.recursive_undo()
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def recursive_undo(self, sched=None) -> None:
        """Take back the step that every schedule makes when it is made."""
        undone = self if sched is None else sched
        if hasattr(undone, "_schedulers"):
            for scheduler in undone._schedulers:
                self.recursive_undo(scheduler)
        elif hasattr(undone, "last_epoch"):
            undone.last_epoch -= 1

    def step(self) -> None:
        """Set the next rates by the schedule whose turn it is."""
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[i]
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(_Several):
    """All `schedulers` in every step; their factors multiply.

    >>> import autodiff_lab as lab
    >>> optimizer = lab.optim.SGD([lab.zeros(1, requires_grad=True)], lr=1.0)
    >>> halved = lab.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> at_first = lab.optim.lr_scheduler.ConstantLR(optimizer, factor=0.1, total_iters=2)
    >>> scheduler = lab.optim.lr_scheduler.ChainedScheduler([halved, at_first])
    >>> for epoch in range(3):
    ...     optimizer.step(); scheduler.step()
    ...     print(round(scheduler.get_last_lr()[0], 3))
    0.05
    0.25
    0.125
    """

    def __init__(self, schedulers, optimizer: Optimizer | None = None):
        self._check(optimizer, schedulers, " to be chained")
        self._schedulers, self.optimizer = schedulers, optimizer or schedulers[0].optimizer
        self._last_lr = values_of(schedulers[-1].optimizer, "lr")

    def step(self) -> None:
        """Step every schedule."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = values_of(self._schedulers[-1].optimizer, "lr")
