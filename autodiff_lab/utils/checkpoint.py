"""Checkpointing: keep nothing of a stretch of the forward pass, and run it again when backward needs it."""

from __future__ import annotations

import contextlib
import enum

from ..amp.autocast_mode import autocast, get_autocast_dtype, is_autocast_cache_enabled, is_autocast_enabled
from ..autograd.graph import saved_tensors_hooks
from ..core.errors import caution
from ..core.modes import enable_grad
from ..core.op import public
from ..core.tensor import Tensor

__all__ = ["CheckpointPolicy", "SelectiveCheckpointContext", "checkpoint", "checkpoint_sequential", "create_selective_checkpoint_contexts", "noop_context_fn",
           "set_checkpoint_debug_enabled", "set_checkpoint_early_stop"]


_VARIANTS = ("use_reentrant=False is recommended, but if you need to preserve the current default behavior, you can pass use_reentrant=True. "
             "Refer to docs for more details on the differences between the two variants.")
_SAY = ("the use_reentrant parameter should be passed explicitly. Starting in PyTorch 2.9, calling checkpoint without use_reentrant will raise an exception. " + _VARIANTS)


class _Stretch:
    """One checkpointed call: its tensors are numbered as they are saved, and made again on first use."""

    def __init__(self, rerun):
        self.rerun, self.count, self.made = rerun, 0, None

    def pack(self, tensor) -> int:
        self.count += 1
        return self.count - 1

    def unpack(self, number: int):
        if self.made is None:
            made: list = []
            with saved_tensors_hooks(lambda t: made.append(t.detach()) or len(made) - 1, lambda i: made[i]), enable_grad():
                self.rerun()
            if len(made) != self.count:
                raise RuntimeError(f"torch.utils.checkpoint: A different number of tensors was saved during the original forward and recomputation. "
                                   f"Number of tensors saved during forward: {self.count}. Number of tensors saved during recomputation: {len(made)}. "
                                   "The function must do the same thing both times.")
            self.made = made
        return self.made[number]


def checkpoint(function, *args, use_reentrant: bool | None = None, context_fn=None, determinism_check: str = "default", debug: bool = False,
               preserve_rng_state: bool = True, early_stop: bool = True, **kwargs):
    """`function(*args, **kwargs)` without keeping what its backward needs: it is run again then.

    Args:
        preserve_rng_state: give the second run the same random numbers.
        context_fn: gives two contexts, one around the first run and one around the second.
        use_reentrant: both of PyTorch's variants give the same gradients; PyTorch, and so this, warns if none is named.
    """
    if use_reentrant is None:
        caution(f"torch.utils.checkpoint: {_SAY}")
    if use_reentrant is not False and not any(isinstance(value, Tensor) and value.requires_grad for value in args):
        caution("None of the inputs have requires_grad=True. Gradients will be None")
    state = public[""]["get_rng_state"]() if preserve_rng_state else None

    mixed = {"enabled": is_autocast_enabled("cpu"), "dtype": get_autocast_dtype("cpu"), "cache_enabled": is_autocast_cache_enabled()}
    first, second = noop_context_fn() if context_fn is None else context_fn()

    def rerun():
        with _random_state(state), autocast("cpu", **mixed), second:
            function(*args, **kwargs)

    stretch = _Stretch(rerun)
    with saved_tensors_hooks(stretch.pack, stretch.unpack), first:
        return function(*args, **kwargs)


def noop_context_fn() -> tuple:
    """Two contexts that change nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


class CheckpointPolicy(enum.Enum):
    """What PyTorch may be told of one operator's result; here everything is computed again."""

    MUST_SAVE = 0
    PREFER_SAVE = 1
    MUST_RECOMPUTE = 2
    PREFER_RECOMPUTE = 3


class SelectiveCheckpointContext:
    """What a policy is given beside the operator: whether it runs again."""

    def __init__(self, *, is_recompute: bool):
        self.is_recompute = is_recompute


def create_selective_checkpoint_contexts(policy_fn_or_list, allow_cache_entry_mutation: bool = False) -> tuple:
    """Accepted for `context_fn`: the results that the policy would keep are computed again too, with the same numbers.

    Raises:
        TypeError: if the policy is neither a function nor a list of operators.
    """
    if not callable(policy_fn_or_list) and not isinstance(policy_fn_or_list, list):
        raise TypeError("policy_fn_or_list must be either a function or a list of ops.")
    return noop_context_fn()


@contextlib.contextmanager
def set_checkpoint_early_stop(enable: bool):
    """Accepted: the second run goes to the end here, which changes no number."""
    yield


@contextlib.contextmanager
def set_checkpoint_debug_enabled(enabled: bool | None):
    """Accepted: the message about a second run that differs says what differs in any case."""
    yield


@contextlib.contextmanager
def _random_state(state):
    if state is None:
        yield
        return
    now = public[""]["get_rng_state"]()
    public[""]["set_rng_state"](state)
    try:
        yield
    finally:
        public[""]["set_rng_state"](now)


def checkpoint_sequential(functions, segments: int, input, use_reentrant: bool | None = None, **kwargs):
    """Run a Sequential in `segments` checkpointed pieces; the last one keeps what it needs."""
    if use_reentrant is None:
        caution("torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed explicitly. In version 2.9 we will raise an exception "
                f"if use_reentrant is not passed. {_VARIANTS}")
        use_reentrant = True
    functions = list(functions.children()) if hasattr(functions, "children") else list(functions)
    size = len(functions) // segments

    def piece(start, end):
        def run(value):
            for function in functions[start:end]:
                value = function(value)
            return value
        return run

    end = 0
    for start in range(0, size * (segments - 1), size):
        end = start + size
        input = checkpoint(piece(start, end), input, use_reentrant=use_reentrant, **kwargs)
    return piece(end, len(functions))(input)


def get_device_states(*args) -> tuple[list, list]:
    """The generators of the devices of `args`: none but the processor's, which `get_rng_state` gives."""
    return [], []


def set_device_states(devices, states, *, device_type: str | None = None) -> None:
    """Nothing to set."""
