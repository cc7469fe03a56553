"""Schedules that go down (or up): by steps, exponentially, linearly, by a polynomial, or by a function of your own."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter

from ..optimizer import Optimizer
from .scheduler import LRScheduler, saved_function, warn_if_asked_directly

__all__ = ["ConstantLR", "ExponentialLR", "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "PolynomialLR", "StepLR"]


class _ByFunction(LRScheduler):
    def __init__(self, optimizer: Optimizer, lr_lambda, last_epoch: int = -1):
        groups = len(optimizer.param_groups)
        if isinstance(lr_lambda, (list, tuple)) and len(lr_lambda) != groups:
            raise ValueError(f"Expected {groups} lr_lambdas, but got {len(lr_lambda)}")
        self.optimizer = optimizer
        self.lr_lambdas = list(lr_lambda) if isinstance(lr_lambda, (list, tuple)) else [lr_lambda] * groups
        self._check()
        super().__init__(optimizer, last_epoch)

    def _check(self) -> None:
        pass

    def state_dict(self) -> dict:
        """Everything but the optimizer and plain functions; of callable objects, their attributes."""
        state = {key: value for key, value in self.__dict__.items() if key not in ("optimizer", "lr_lambdas")}
        state["lr_lambdas"] = [saved_function(function) for function in self.lr_lambdas]
        return state

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on from what `state_dict` returned."""
        self.__dict__.update({key: value for key, value in state_dict.items() if key != "lr_lambdas"})
        for function, saved in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=True):
            if saved is not None:
                function.__dict__.update(saved)


class LambdaLR(_ByFunction):
    """The first rate times `lr_lambda(epoch)`.

    >>> import autodiff_lab as lab
    >>> optimizer = lab.optim.SGD([lab.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = lab.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5 ** epoch)
    >>> optimizer.step(); schedule.step(); schedule.get_last_lr()
    [0.5]
    """

    def get_lr(self):
        warn_if_asked_directly(self)
        return [base * function(self.last_epoch) for function, base in zip(self.lr_lambdas, self.base_lrs, strict=True)]


class MultiplicativeLR(_ByFunction):
    """The present rate times `lr_lambda(epoch)`.

    >>> import autodiff_lab as lab
    >>> optimizer = lab.optim.SGD([lab.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = lab.optim.lr_scheduler.MultiplicativeLR(optimizer, lambda epoch: 0.9)
    >>> for epoch in range(3):
    ...     optimizer.step(); scheduler.step()
    ...     print(round(scheduler.get_last_lr()[0], 3))
    0.9
    0.81
    0.729
    """

    def _check(self) -> None:
        for function in self.lr_lambdas:
            if not callable(function):
                raise TypeError(f"lr_lambda should be a function, but got {type(function).__name__}")

    def get_lr(self):
        warn_if_asked_directly(self)
        if self._is_initial:
            return self._present()
        return [group["lr"] * function(self.last_epoch) for function, group in zip(self.lr_lambdas, self.optimizer.param_groups, strict=True)]


class StepLR(LRScheduler):
    """Times `gamma` every `step_size` epochs.

    >>> import autodiff_lab as lab
    >>> optimizer = lab.optim.SGD([lab.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = lab.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for epoch in range(4):
    ...     optimizer.step(); scheduler.step()
    ...     print(round(scheduler.get_last_lr()[0], 3))
    1.0
    0.5
    0.5
    0.25
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1):
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        warn_if_asked_directly(self)
        if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:
            return self._present()
        return self._times(self.gamma)

    def _get_closed_form_lr(self):
        return [base * self.gamma ** (self.last_epoch // self.step_size) for base in self.base_lrs]


class MultiStepLR(LRScheduler):
    """Times `gamma` at each epoch of `milestones`.

    >>> import autodiff_lab as lab
    >>> optimizer = lab.optim.SGD([lab.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = lab.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 3], gamma=0.1)
    >>> for epoch in range(4):
    ...     optimizer.step(); scheduler.step()
    ...     print(round(scheduler.get_last_lr()[0], 3))
    0.1
    0.1
    0.01
    0.01
    """

    def __init__(self, optimizer: Optimizer, milestones, gamma: float = 0.1, last_epoch: int = -1):
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        warn_if_asked_directly(self)
        if self.last_epoch not in self.milestones:
            return self._present()
        return self._times(self.gamma ** self.milestones[self.last_epoch])

    def _get_closed_form_lr(self):
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [base * self.gamma**passed for base in self.base_lrs]


class ConstantLR(LRScheduler):
    """Times `factor` for the first `total_iters` epochs.

    >>> import autodiff_lab as lab
    >>> optimizer = lab.optim.SGD([lab.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = lab.optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=2)
    >>> for epoch in range(3):
    ...     optimizer.step(); scheduler.step()
    ...     print(round(scheduler.get_last_lr()[0], 3))
    0.5
    1.0
    1.0
    """

    def __init__(self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1):
        if not 0 <= factor <= 1.0:
            raise ValueError(f"Constant multiplicative factor expected to be between 0 and 1. It is {factor}.")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        warn_if_asked_directly(self)
        if self.last_epoch == 0:
            return self._times(self.factor)
        return self._times(1.0 / self.factor) if self.last_epoch == self.total_iters else self._present()

    def _get_closed_form_lr(self):
        return [base * (self.factor + (self.last_epoch >= self.total_iters) * (1 - self.factor)) for base in self.base_lrs]


class LinearLR(LRScheduler):
    """Times a factor that goes from `start_factor` to `end_factor` in `total_iters` epochs: a warm-up.

    >>> import autodiff_lab as lab
    >>> optimizer = lab.optim.SGD([lab.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = lab.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.25, total_iters=3)
    >>> for epoch in range(3):
    ...     optimizer.step(); scheduler.step()
    ...     print(round(scheduler.get_last_lr()[0], 3))
    0.5
    0.75
    1.0
    """

    def __init__(self, optimizer: Optimizer, start_factor: float = 1.0 / 3, end_factor: float = 1.0, total_iters: int = 5, last_epoch: int = -1):
        if not 0 < start_factor <= 1.0:
            raise ValueError(f"Starting multiplicative factor expected to be greater than 0 and less or equal to 1. It is {start_factor}.")
        if not 0 <= end_factor <= 1.0:
            raise ValueError(f"Ending multiplicative factor expected to be between 0 and 1. It is {end_factor}.")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        warn_if_asked_directly(self)
        if self.last_epoch == 0:
            return self._times(self.start_factor)
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._present()
        rise = self.end_factor - self.start_factor
        return self._times(1.0 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise))

    def _get_closed_form_lr(self):
        rise = self.end_factor - self.start_factor
        return [base * (self.start_factor + rise * min(self.total_iters, self.last_epoch) / self.total_iters) for base in self.base_lrs]


class ExponentialLR(LRScheduler):
    """Times `gamma` every epoch.

    >>> import autodiff_lab as lab
    >>> optimizer = lab.optim.SGD([lab.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = lab.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> for epoch in range(3):
    ...     optimizer.step(); scheduler.step()
    ...     print(round(scheduler.get_last_lr()[0], 3))
    0.5
    0.25
    0.125
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1):
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        warn_if_asked_directly(self)
        return self._present() if self._is_initial else self._times(self.gamma)

    def _get_closed_form_lr(self):
        return [base * self.gamma**self.last_epoch for base in self.base_lrs]


class PolynomialLR(LRScheduler):
    """Down to 0 in `total_iters` epochs along (1 - t) ** power.

    >>> import autodiff_lab as lab
    >>> optimizer = lab.optim.SGD([lab.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = lab.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=4, power=2)
    >>> for epoch in range(4):
    ...     optimizer.step(); scheduler.step()
    ...     print(round(scheduler.get_last_lr()[0], 3))
    0.562
    0.25
    0.062
    0.0
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1):
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        warn_if_asked_directly(self)
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._present()
        return self._times(((1.0 - self.last_epoch / self.total_iters) / (1.0 - (self.last_epoch - 1) / self.total_iters)) ** self.power)

    def _get_closed_form_lr(self):
        return [base * (1.0 - min(self.total_iters, self.last_epoch) / self.total_iters) ** self.power for base in self.base_lrs]
