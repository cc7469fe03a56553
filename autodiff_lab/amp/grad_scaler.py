"""`GradScaler`: the loss times a large number, so that gradients in float16 do not become 0; divided out again before the step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from enum import Enum

import numpy as np

from ..core.devices import cuda_available
from ..core.dtypes import float16, float32, int32
from ..core.errors import caution
from ..core.modes import no_grad
from ..core.op import public
from ..core.tensor import Tensor

__all__ = ["GradScaler", "OptState"]

_all = public[""]
_FIX = "This may indicate your script did not use scaler.scale(loss or outputs) earlier in the iteration."


class OptState(Enum):
    """Where an optimizer stands since the last `update`."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


def _refresh_per_optimizer_state() -> dict:
    return {"stage": OptState.READY, "found_inf_per_device": {}}


class GradScaler:
    """Scales a loss, and leaves a step out whose gradients overflowed: then the scale becomes smaller, and after a while without, larger.

    For "cuda" without a GPU it is off, with a warning, as in PyTorch; then it changes nothing.

    Args:
        device: "cpu" or "cuda".
        init_scale: the first factor.
        growth_factor, growth_interval: the factor grows by `growth_factor` after so many steps without an overflow.
        backoff_factor: what it is multiplied by after an overflow.
        enabled: False makes every method do nothing, but `step`, which steps.

    >>> import autodiff_lab as lab
    >>> w = lab.nn.Parameter(lab.tensor([1.0]))
    >>> optimizer = lab.optim.SGD([w], lr=0.5)
    >>> scaler = lab.amp.GradScaler("cpu", init_scale=1024.0)
    >>> scaler.scale((w * w).sum()).backward()
    >>> w.grad
    tensor([2048.])
    >>> _ = scaler.step(optimizer)
    >>> w.data, scaler.get_scale()
    (tensor([0.]), 1024.0)
    """

    def __init__(self, device: str = "cuda", init_scale: float = 2.0**16, growth_factor: float = 2.0, backoff_factor: float = 0.5,
                 growth_interval: int = 2000, enabled: bool = True):
        if enabled and device == "cuda" and not cuda_available():
            caution("torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.")
            enabled = False
        self._enabled, self._device = enabled, device
        if enabled:
            if growth_factor <= 1.0:
                raise AssertionError("The growth factor must be > 1.0.")
            if backoff_factor >= 1.0:
                raise AssertionError("The backoff factor must be < 1.0.")
            self._init_scale, self._scale = init_scale, None
            self._growth_factor, self._backoff_factor, self._growth_interval = growth_factor, backoff_factor, growth_interval
            self._init_growth_tracker, self._growth_tracker = 0, None
            self._per_optimizer_states = defaultdict(_refresh_per_optimizer_state)

    def scale(self, outputs):
        """`outputs`, a tensor or a nesting of tensors, times the scale.

        Raises:
            ValueError: if there is something else among them.
        """
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            if self._scale is None:
                self._begin(outputs.device)
            return outputs * self._scale
        if isinstance(outputs, Iterable):
            scaled = map(self.scale, outputs)
            return type(outputs)(scaled) if isinstance(outputs, (list, tuple)) else scaled
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    def unscale_(self, optimizer) -> None:
        """Divide the gradients of the optimizer's parameters by the scale now, to clip them for instance; `step` does it otherwise.

        Raises:
            RuntimeError: if it is called twice, or after `step`.
            ValueError: if there are gradients in float16: parameters belong in float32.
        """
        if not self._enabled:
            return
        self._begun("unscale_")
        state = self._per_optimizer_states[id(optimizer)]
        if state["stage"] is OptState.UNSCALED:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        if state["stage"] is OptState.STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        factor = self._scale.double().reciprocal().float()
        state["found_inf_per_device"] = self._unscale_grads_(optimizer, factor, False)
        state["stage"] = OptState.UNSCALED

    def step(self, optimizer, *args, **kwargs):
        """`optimizer.step()`, unless a gradient is infinite or NaN.

        Returns:
            What the optimizer returned; None if the step was left out.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._begun("step")
        state = self._per_optimizer_states[id(optimizer)]
        if state["stage"] is OptState.STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if state["stage"] is OptState.READY:
            self.unscale_(optimizer)
        found = state["found_inf_per_device"]
        if not found:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        result = None if any(each.item() for each in found.values()) else optimizer.step(*args, **kwargs)
        state["stage"] = OptState.STEPPED
        return result

    def update(self, new_scale=None) -> None:
        """Once at the end of an iteration: a larger or smaller scale, or `new_scale`."""
        if not self._enabled:
            return
        self._begun("update")
        if isinstance(new_scale, float):
            self._scale.fill_(new_scale)
        elif new_scale is not None:
            if new_scale.device.type != self._device or new_scale.numel() != 1 or new_scale.requires_grad:
                raise AssertionError("new_scale should be a float or a 1-element torch.cuda.FloatTensor or torch.FloatTensor with requires_grad=False.")
            self._scale.copy_(new_scale)
        else:
            found = [each for state in self._per_optimizer_states.values() for each in state["found_inf_per_device"].values()]
            if not found:
                raise AssertionError("No inf checks were recorded prior to update.")
            self._adapt(any(each.item() for each in found))
        self._per_optimizer_states = defaultdict(_refresh_per_optimizer_state)

    def get_scale(self) -> float:
        """The scale; 1 if it is off."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else self._scale.item()

    def get_growth_factor(self) -> float:
        """By what the scale grows."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Let the scale grow by `new_factor`."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """By what the scale shrinks."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Let the scale shrink by `new_factor`."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """After how many steps the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Let the scale grow after `new_interval` steps."""
        self._growth_interval = new_interval

    def is_enabled(self) -> bool:
        """True unless it is off."""
        return self._enabled

    def state_dict(self) -> dict:
        """What a checkpoint keeps of it, under PyTorch's names; {} if it is off."""
        if not self._enabled:
            return {}
        return {"scale": self.get_scale(), "growth_factor": self._growth_factor, "backoff_factor": self._backoff_factor, "growth_interval": self._growth_interval,
                "_growth_tracker": self._get_growth_tracker()}

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on from what `state_dict` kept.

        Raises:
            RuntimeError: if it is empty.
        """
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError("The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler.")
        self._init_scale, self._init_growth_tracker = state_dict["scale"], state_dict["_growth_tracker"]
        self._growth_factor, self._backoff_factor, self._growth_interval = (state_dict[name] for name in ("growth_factor", "backoff_factor", "growth_interval"))
        if self._scale is not None:
            self._scale.fill_(self._init_scale)
            self._growth_tracker.fill_(self._init_growth_tracker)

    def __getstate__(self) -> dict:
        state = self.__dict__.copy()
        if self._enabled:
            if self._per_optimizer_states:
                raise AssertionError("A GradScaler instance may only be pickled at the beginning of an iteration, or at the end after scaler.update().")
            state.update(_init_scale=self.get_scale(), _init_growth_tracker=self._get_growth_tracker(), _scale=None, _growth_tracker=None)
        return state

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)

    # ---- helpers, in order of use ----

    def _begin(self, device) -> None:
        self._scale = _all["full"]((), self._init_scale, dtype=float32, device=device)
        self._growth_tracker = _all["full"]((), self._init_growth_tracker, dtype=int32, device=device)

    def _begun(self, name: str) -> None:
        if self._scale is None:
            raise AssertionError(f"Attempted {name} but _scale is None.  " + _FIX)

    def _unscale_grads_(self, optimizer, factor, allow_fp16: bool) -> dict:
        """Multiply the gradients by `factor`; whether one is infinite or NaN, as 1. or 0., by device."""
        found: dict = {}
        for group in optimizer.param_groups:
            for param in group["params"]:
                if not isinstance(param, Tensor):
                    raise AssertionError(f"expected param to be torch.Tensor, got {type(param).__name__}")
                grad = param.grad
                if grad is None:
                    continue
                if grad.dtype is float16 and not allow_fp16:
                    raise ValueError("Attempting to unscale FP16 gradients.")
                with no_grad():
                    broken = not bool(grad.isfinite().all())
                    grad.mul_(factor.to(grad.dtype))
                    found.setdefault(grad.device, _all["zeros"]((), device=grad.device))
                    if broken:
                        found[grad.device].fill_(1.0)
        return found

    def _adapt(self, broken: bool) -> None:
        if broken:
            self._scale.mul_(self._backoff_factor)
            self._growth_tracker.fill_(0)
            return
        successes = self._growth_tracker.item() + 1
        if successes == self._growth_interval:
            larger = np.float32(self._scale.item()) * np.float32(self._growth_factor)
            if np.isfinite(larger):
                self._scale.fill_(float(larger))
            successes = 0
        self._growth_tracker.fill_(successes)

    def _get_growth_tracker(self) -> int:
        return self._init_growth_tracker if self._growth_tracker is None else self._growth_tracker.item()
