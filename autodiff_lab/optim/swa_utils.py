"""Averages of the weights of a model over time (SWA and EMA), and what goes with them."""

from __future__ import annotations

import itertools
import math
from copy import deepcopy

from ..core.dtypes import int64
from ..core.modes import no_grad
from ..core.op import public
from ..nn import Module
from .lr_scheduler.scheduler import LRScheduler, one_per_group, warn_if_asked_directly
from .optimizer import Optimizer, number

__all__ = ["AveragedModel", "SWALR", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn", "update_bn"]


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def _move(averaged, current, weight: float) -> None:
    """Every averaged tensor a part of the way towards the current one."""
    for average, value in zip(averaged, current, strict=True):
        average.copy_(average + (value - average) * weight)


def get_ema_multi_avg_fn(decay: float = 0.999):
    """The exponential moving average of lists of parameters: decay · average + (1 - decay) · parameter."""
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param_list, current_param_list, _):
        _move(ema_param_list, current_param_list, 1 - decay)
    return ema_update


def get_swa_multi_avg_fn():
    """The plain average of lists of parameters."""
    @no_grad()
    def swa_update(averaged_param_list, current_param_list, num_averaged):
        _move(averaged_param_list, current_param_list, 1 / (number(num_averaged) + 1))
    return swa_update


def get_ema_avg_fn(decay: float = 0.999):
    """The exponential moving average of one parameter."""
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param, current_param, num_averaged):
        return decay * ema_param + (1 - decay) * current_param
    return ema_update


def get_swa_avg_fn():
    """The plain average of one parameter."""
    @no_grad()
    def swa_update(averaged_param, current_param, num_averaged):
        return averaged_param + (current_param - averaged_param) / (number(num_averaged) + 1)
    return swa_update


class AveragedModel(Module):
    """A copy of a model whose parameters are the average over the calls of `update_parameters(model)`.

    Args:
        model: copied.
        device: where the copy lives.
        avg_fn: `(average, parameter, count)` to the new average; default: the plain mean.
        multi_avg_fn: the same in place, for lists of tensors.
        use_buffers: average buffers too; else they are copied.

    Source: Izmailov et al. (2018), Averaging weights leads to wider optima and better generalization.

    >>> import autodiff_lab as lab
    >>> model = lab.nn.Linear(1, 1, bias=False)
    >>> averaged = lab.optim.swa_utils.AveragedModel(model)
    >>> for value in (1.0, 2.0, 6.0):
    ...     _ = lab.nn.init.constant_(model.weight, value)
    ...     averaged.update_parameters(model)
    >>> averaged.module.weight.detach()
    tensor([[3.]])
    """

    def __init__(self, model, device=None, avg_fn=None, multi_avg_fn=None, use_buffers: bool = False):
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", public[""]["tensor"](0, dtype=int64, device=device))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args, **kwargs):
        """What the averaged model makes of the input."""
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model) -> None:
        """Take the present parameters of `model` into the average."""
        def state(of, with_buffers):
            return [t.detach() for t in (itertools.chain(of.parameters(), of.buffers()) if with_buffers else of.parameters())]

        averages = state(self.module, self.use_buffers)
        current = [value.to(average.device) for average, value in zip(averages, state(model, self.use_buffers), strict=False)]
        if int(self.n_averaged) == 0:
            for average, value in zip(averages, current, strict=True):
                average.copy_(value)
        elif self.avg_fn is not None:
            for average, value in zip(averages, current, strict=True):
                average.copy_(self.avg_fn(average, value, self.n_averaged))
        else:
            kinds: dict = {}
            for average, value in zip(averages, current, strict=True):
                kinds.setdefault((str(average.device), average.dtype), ([], []))
                kinds[str(average.device), average.dtype][0].append(average)
                kinds[str(average.device), average.dtype][1].append(value)
            update = self.multi_avg_fn or get_swa_multi_avg_fn()
            for averages_, current_ in kinds.values():
                update(averages_, current_, self.n_averaged)
        if not self.use_buffers:
            for mine, theirs in zip(self.module.buffers(), model.buffers(), strict=True):
                mine.detach().copy_(theirs.detach().to(mine.device))
        self.n_averaged += 1


@no_grad()
def update_bn(loader, model, device=None) -> None:
    """Compute the running means of BatchNorm layers anew, in one pass over the data: averaged weights need it.

    >>> import autodiff_lab as lab
    >>> model = lab.nn.Sequential(lab.nn.BatchNorm1d(1))
    >>> lab.optim.swa_utils.update_bn([lab.tensor([[1.0], [3.0]])], model)
    >>> model[0].running_mean
    tensor([2.])
    """
    norms = [module for module in model.modules() if hasattr(module, "running_mean") and hasattr(module, "reset_running_stats") and hasattr(module, "momentum")]
    momenta = {}
    for module in norms:
        module.reset_running_stats()
        momenta[module] = module.momentum
    if not momenta:
        return
    was_training = model.training
    model.train()
    for module in momenta:
        module.momentum = None  # the plain mean over all batches
    for batch in loader:
        inputs = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(inputs if device is None else inputs.to(device))
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Goes from the present rate to `swa_lr` in `anneal_epochs` steps, along a cosine or a line, and stays there.

    >>> import autodiff_lab as lab
    >>> optimizer = lab.optim.SGD([lab.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = lab.optim.swa_utils.SWALR(optimizer, swa_lr=0.2, anneal_epochs=2, anneal_strategy="linear")
    >>> for epoch in range(3):
    ...     optimizer.step(); scheduler.step()
    ...     print(round(scheduler.get_last_lr()[0], 3))
    0.6
    0.2
    0.2
    """

    def __init__(self, optimizer: Optimizer, swa_lr, anneal_epochs: int = 10, anneal_strategy: str = "cos", last_epoch: int = -1):
        for value, group in zip(one_per_group("swa_lr", optimizer, swa_lr), optimizer.param_groups, strict=True):
            group["swa_lr"] = value
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy, self.anneal_epochs = anneal_strategy, anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, step: int) -> float:
        t = max(0, min(1, step / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t

    def get_lr(self):
        warn_if_asked_directly(self)
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        found = []
        for group in self.optimizer.param_groups:
            first = group["swa_lr"] if before == 1 else (group["lr"] - before * group["swa_lr"]) / (1 - before)
            found.append(group["swa_lr"] * now + first * (1 - now))
        return found
